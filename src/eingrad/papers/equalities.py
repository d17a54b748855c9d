"""One equality of a document: judged by the definitions before it, in every fair way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from eingrad.check import Depth, Verdict, is_misfit
from eingrad.check.matrix_claims import text_of
from eingrad.check.verdict import Outcome
from eingrad.errors import EingradError
from eingrad.notation.syntax import Claim
from eingrad.notation.system import System
from eingrad.notation.tensors import RESERVED
from eingrad.notation.tex.names import ERRORS
from eingrad.papers.any_activation import stated_with_any, with_any
from eingrad.papers.axes_of_names import LOSSES, SHOWN, written_names
from eingrad.papers.claim_in_context import (
    KNOWN,
    IndependentError,
    Read,
    UnresolvedError,
    defined_in,
    in_context,
    losses_in,
    names_in,
    read_equation,
)
from eingrad.papers.functions_of_one import functions_in, with_any_functions
from eingrad.papers.heads import letters_in
from eingrad.papers.opaque_names import VARIABLE, Opaque
from eingrad.papers.prose import Facts
from eingrad.papers.scope import (
    Built,
    Scope,
    Stated,
    assumed,
    is_called,
    letters_of_name,
    reason_of,
)

Doubt = Callable[[Sequence[Stated]], str]  # what the definitions used leave open, "" for nothing
ORDER: tuple[Outcome, ...] = ("right", "right if", "wrong", "not judged")
MAX_TRIES = 6  # definitions of a loss that are left out because it does not depend on a variable
MAX_RIVALS = 3  # tensors defined in two ways, of which the other one is tried
MISPLACED = frozenset({"transposed", "label", "order", "wrong-tensor"})
_OPEN = "nothing says which"  # where a name is a number, a vector or a matrix
_GRADIENT = re.compile(r"\\mathbf\s*\{\s*d\s*([A-Za-z])\s*\}")  # dp is a name, and no product
_LATIN = re.compile(r"[a-z]\d*")
_ONE_LETTER = re.compile(
    r"the label (\w)\w* would stand for two dimensions of the model, \1\d* and \1\d*\b"
)  # the text has one letter for both, and so means that they are one
_EARLIER = re.compile(r"\^\s*\{?\s*[(\[]?\s*(?:\\ell|l(?![a-z])|L\s*[-+])")  # a^l, a^{L-1}
_BIAS = re.compile(  # b of \pmb{w}^T x + b
    r"\\pmb\{\s*[a-z]\s*\}\s*\^\s*\{?\s*(?:T|\\top|\\intercal)\s*\}?\s*(?:\\pmb\{\s*)?[a-z]\}?"
    r"(?:\s*[_^]\s*(?:\{[^{}]*\}|\w))*\s*\+\s*([a-z])(?![A-Za-z_^({])"
)
_MISSING = re.compile(r"nothing before says what|does not depend on")
_SQUARE = re.compile(r"\s*(?:\\left)?[(\[{].*[)\]}]\s*\^\s*\{?2\}?\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """What is found about an equality.

    ``used`` are the definitions that it was judged by, ``read`` is how it was read. What is
    ``open`` did not agree, and its mistake was not looked for. ``by`` defines its variables.
    """

    outcome: Outcome
    reason: str
    repaired: str | None = None
    used: tuple[Stated, ...] = ()
    read: str = ""
    open: bool = False
    by: tuple[Stated, ...] = ()


_NOTHING = Finding("not judged", "")


@dataclass(frozen=True)
class WayToTake:
    """One fair way to take a document: what an equality may use.

    ``own`` leaves out other sections, ``hidden`` what defines a loss that stands for any, and
    ``roots`` takes what is defined by its square, ``e^2 = (a - b)^2``, for what stands in it.
    ``upstream`` takes what nothing defines for the gradient of the loss, ``rival`` a tensor that is
    defined in two ways by what stands before its last definition, ``logistic`` a sigma that the
    document does not define for the logistic function, and ``spoken`` an undefined loss for a
    function of what it is differentiated by alone. ``numbers`` hold where it is judged.
    """

    own: bool = False
    whole: bool = False
    hidden: frozenset[int] = frozenset()
    roots: bool = False
    upstream: bool = False
    rival: str = ""
    logistic: bool = False
    spoken: bool = False
    numbers: tuple[str, ...] = ()

    def where(self, other: WayToTake) -> WayToTake:
        """Return this way with the numbers of another, and without what that leaves out."""
        return replace(self, numbers=other.numbers, hidden=self.hidden | other.hidden)


class Equalities:
    """Judges equalities by the definitions of a scope."""

    def __init__(self, scope: Scope, facts: Facts) -> None:
        self.scope, self.facts = scope, facts
        self.arguments: dict[str, frozenset[str]] = {}
        self.any_sigma = ""  # the name of a function that stands for sigma
        self.vague: set[str] = set()  # of these, the names whose definition could not be read

    def judge(
        self, text: str, section: tuple[int, ...], doubt: Doubt | None = None,
        plain: WayToTake = WayToTake(),
    ) -> Finding:  # fmt: skip
        """Judge an equality by what stands before it; where it is not right, in other ways, too.

        Where it is right in no way and ``doubt`` is given, what is wrong with it is looked for,
        or only a condition where ``doubt`` says that nothing can be called wrong.
        """
        known: dict[tuple[object, ...], Finding] = {}  # several ways lead to one model
        found = [self.attempt(text, section, plain, None, known)]
        if found[0].outcome != "right":
            others = self.others(text, found[0], section)
            ways = [plain, *(way.where(plain) for way in others)]
            found += [self.attempt(text, section, way, None, known) for way in ways[1:]]
            if doubt is not None and not any(f.outcome == "right" for f in found):
                known = {}
                found = [
                    self.attempt(text, section, way, doubt, known) if own.open else own
                    for way, own in zip(ways, found, strict=True)
                ]
        best = min(found, key=lambda f: ORDER.index(f.outcome))
        if best.outcome == "wrong" and any(_root(s) is not None for s in best.used):
            names = ", ".join(s.name for s in best.used if _root(s) is not None)
            reason = f"{names} is all that the text defines, and a root has two signs"
            best = replace(best, outcome="not judged", reason=reason)
        if best.outcome == "not judged" and not best.used and _MISSING.search(best.reason):
            best = self.of_any_functions(text, section) or best
        if best.read or best.reason.endswith(_OPEN):
            return best
        return replace(best, read=self.as_read(text, section))

    def of_any_functions(self, text: str, section: tuple[int, ...]) -> Finding | None:
        """Return that an equality holds for any functions of what it differentiates by."""
        built = self.scope.model(self.visible(text, section, WayToTake()))
        for spoken in (False, True):
            try:
                read = with_any_functions(with_any(text, self.any_sigma), built, spoken)
                right = read is not None and self.holds(read, section)
            except EingradError:
                continue
            if read is None or not right:
                continue
            [by] = read.variables()
            shown = text_of(read.claims[-1])
            if not spoken:
                return Finding(
                    "right", f"right whatever functions of {by} it speaks of", read=shown
                )
            reason = f"right if {', '.join(functions_in(read))} alone depends on {by}"
            return Finding("right if", reason, read=shown)
        return None

    def of_any_values(self, equation: Opaque) -> Finding | None:
        """Return that an equality holds whatever its names are, as functions of its variable, or
        as far as only what it differentiates by name depends on that."""
        nothing, text = Built((), None), with_any(equation.text, self.any_sigma)
        by, names = equation.by, equation.stands
        for spoken in (False, True, None):
            try:
                if spoken is not None and VARIABLE in text:
                    read = with_any_functions(text, nothing, spoken)
                else:
                    read = in_context(text, nothing, {}, False)
                right = read is not None and _is_right(read)
            except EingradError:
                continue
            if read is None or not right:
                continue
            shown = equation.shown(text_of(read.claims[-1]))
            if spoken is False or VARIABLE not in text:
                of = f"functions of {by}" if VARIABLE in text else "names"
                return Finding("right", f"right whatever {of} it speaks of", read=shown)
            alone = [names.get(x, x) for x in functions_in(read)] if spoken else []
            if alone:
                reason = f"right if {', '.join(alone)} alone depends on {by}"
            else:
                reason = f"right if nothing beside {by} depends on it"
            return Finding("right if", reason, read=shown)
        return None

    def holds(self, read: Read, section: tuple[int, ...]) -> bool:
        """Whether an equality is right in its model, and nothing is taken for less than it is."""
        if self.taken_for_number(read.text, read.derived.system, section):
            return False
        if read.open_matrix() is not None or read.shifted_matrix() is not None:
            return False
        return _is_right(read)

    def as_read(self, text: str, section: tuple[int, ...]) -> str:
        """Return how an equality is read, "" where it cannot be."""
        built = self.scope.model(self.visible(text, section, WayToTake()))
        text = with_any(text, self.any_sigma)
        try:
            claims = read_equation(text, built)
        except EingradError:
            return ""
        return text_of(claims[-1]) if self.is_known(text, claims, built, section) else ""

    def system(self, text: str, section: tuple[int, ...]) -> System | None:
        """Return the model of what an equality may use, None without any."""
        return self.scope.model(self.visible(text, section, WayToTake())).system

    def is_known(
        self, text: str, claims: Sequence[Claim], built: Built, section: tuple[int, ...]
    ) -> bool:
        """Whether the document says of all tensors of an equation what they are: unknown ones
        could be numbers, vectors or matrices."""
        own = defined_in(claims) | losses_in(claims) | KNOWN
        if built.system is None:
            return names_in(claims) <= own
        if any(f"d{x}" not in built.system.labels for x in _GRADIENT.findall(text)):
            return False
        named = own.union(built.system.labels, built.system.sizes, built.system.functions)
        return names_in(claims) <= named and not self.taken_for_number(text, built.system, section)

    def other_tensor(
        self, text: str, section: tuple[int, ...], doubt: Doubt | None
    ) -> Finding | None:
        r"""Judge an equality whose parts do not fit, with one tensor for another: Z2 for Z1.

        It is wrong if with exactly one other tensor of the same letter its parts fit, and it is
        right or can be repaired.
        """
        left, _, side = text.partition(" = ")
        written = {
            s.name: re.split(r" =|_", s.text, maxsplit=1)[0].strip() for s in self.scope.stated
        }
        found: list[tuple[str, str, str, Finding]] = []
        for one, other in permutations(written, 2):
            a, b = written[one], written[other]
            if letters_of_name(one) != letters_of_name(other) or a not in side:
                continue
            changed = f"{left} = {side.replace(a, b)}"
            judged = self.judge(changed, section, doubt)
            if judged.outcome == "right" or (judged.outcome == "wrong" and judged.repaired):
                found.append((a, b, changed, judged))
        if len(found) != 1:
            return None
        [(a, b, changed, judged)] = found
        if judged.outcome == "right":
            return Finding("wrong", f"{a} where {b} is meant", changed)
        return Finding("wrong", f"{a} where {b} is meant; and {judged.reason}", judged.repaired)

    def others(self, text: str, first: Finding, section: tuple[int, ...]) -> Iterator[WayToTake]:
        """Yield other ways to take the document."""
        if section:
            yield WayToTake(own=True)
        if any(_root(s) is not None for s in first.used):
            yield WayToTake(roots=True)
        rivals = [
            s for s in first.used or self.visible(text, section, WayToTake())
            if self.rival(s, section) is not None
        ]  # fmt: skip
        for one in rivals[:MAX_RIVALS]:
            yield WayToTake(hidden=frozenset({one.order}), rival=one.name)
        yield WayToTake(upstream=True)
        yield WayToTake(spoken=True)
        if self.any_sigma:
            yield WayToTake(logistic=True)

    def rival(self, one: Stated, section: tuple[int, ...]) -> Stated | None:
        """Return what else the document says of a tensor, not counting a new section's own."""
        rivals = (s for s in self.scope.stated if one.is_rival(s))
        return next((s for s in rivals if not one.section == section != s.section), None)

    def attempt(
        self,
        text: str,
        section: tuple[int, ...],
        reading: WayToTake,
        doubt: Doubt | None,
        known: dict[tuple[object, ...], Finding],
    ) -> Finding:
        """Judge an equality in one way; ``known`` is what was found of other ones."""
        reason, unsure, unfit = "", False, False
        written, text = text, text if reading.logistic else with_any(text, self.any_sigma)
        for _ in range(MAX_TRIES):
            stated = self.visible(written, section, reading)
            built = self.scope.model(stated)
            key = (*(s.order for s in stated), reading.whole, reading.upstream, reading.roots,
                   reading.logistic, reading.spoken)  # fmt: skip
            if lost := [s.text for s in stated if s.assumed and s in built.unread]:
                return Finding("not judged", f"{lost[0]} is not read")
            try:
                found = known.get(key) or self.finding(text, section, stated, built, reading, doubt)
                known[key] = found
                if unsure and found.outcome == "wrong":
                    return Finding("not judged", reason, open=found.open)
                return found
            except IndependentError as error:
                reason = reason or reason_of(error)
                loss = built.names.get(str(error.operand))
                if loss is None or not (error.total or _is_scalar(built, str(error.operand))):
                    break
                unsure = unsure or error.mixed
                every = {s.order for s in self.scope.stated if s.name == loss.name}
                every |= self.above([loss])
                reading = replace(reading, hidden=reading.hidden | every, whole=True)
            except UnresolvedError as error:
                reason = reason or reason_of(error)
                if reading.whole:
                    break
                own = [s for s in self.scope.stated if is_called(str(error.operand), s.name)]
                above = self.above(own)
                reading = replace(reading, hidden=reading.hidden | above, whole=True)
            except EingradError as error:
                reason, unfit = reason or reason_of(error), is_misfit(error)
                break
        return Finding("not judged", reason, open=unfit)

    def above(self, losses: Sequence[Stated]) -> frozenset[int]:
        """Return the definitions in terms of a loss: what a loss is a function of has none."""
        bases = {loss.base for loss in losses}
        return frozenset(s.order for s in self.scope.stated if any(map(s.uses, bases)))

    def visible(self, text: str, section: tuple[int, ...], reading: WayToTake) -> list[Stated]:
        """Return the definitions that an equality may use in one way to take the document."""
        found = self.scope.visible(text, section, reading.own, reading.whole, reading.hidden)
        found = [_root(s) or s for s in found] if reading.roots else found
        if not reading.logistic:
            found = [stated_with_any(s, self.any_sigma) for s in found]
        return [*found, *(assumed(n, x, section) for n, x in enumerate(reading.numbers))]

    def finding(
        self, text: str, section: tuple[int, ...], stated: Sequence[Stated], built: Built,
        reading: WayToTake, doubt: Doubt | None,
    ) -> Finding:  # fmt: skip
        """Judge an equality; raises EingradError where it cannot be."""
        through = self.through(text, [s.text for s in stated if s.derivative], built)
        read = in_context(
            "\n".join([*through, text]), built, self.arguments, reading.whole, reading.upstream,
            reading.spoken,
        )  # fmt: skip
        if (reading.upstream and not read.upstream) or (reading.spoken and not read.beside):
            return _NOTHING
        if why := self.taken_for_number(text, read.derived.system, section):
            return Finding("not judged", why)
        if (name := read.open_matrix()) is not None and not self.is_number(name):
            return Finding("not judged", f"{name} is a matrix or a number: {_OPEN}")
        given = [name for name in self.arguments for loss in read.generic if is_called(loss, name)]
        free = len(given) < len(read.generic)
        unread = None
        if (blocked := _blocked(read, stated, built, free)) is not None:
            why = built.unread[blocked]
            reason = f"the definition of {blocked.name} on line {blocked.line} is not read: {why}"
            unread = Finding("not judged", reason)
            if not any(is_called(name, blocked.name) for name in read.variables()):
                return unread
        vague = self.vague & {*given}
        depth: Depth = "verdict"
        if doubt is not None:
            unsure = read.unknown or vague or doubt(stated)
            depth = "condition" if unsure else "mistake"
        verdicts = read.judged(depth)
        order = ["right", "right if", "not judged", "wrong"]
        worst = max(verdicts, key=lambda v: order.index(v.outcome))
        unexplained = worst.outcome == "wrong" and read.unfounded() is None
        shown = read.readable(text_of(read.claims[-1]))
        by = tuple(built.names[x] for x in sorted(read.variables() & built.names.keys()))
        found = replace(
            self.said(read, worst), used=tuple(stated), read=shown, open=unexplained, by=by
        )
        if unread is not None and found.outcome != "right":  # right by a name is so whatever it is
            return unread
        why = f"the definition of {min(vague)} is not read" if vague else read.independent
        if (number := read.shifted_matrix()) is not None:
            why = f"{number} is added to a matrix: to its entries, or times the identity"
        if (labelled := self.labelled(read)) is not None:
            why = f"{labelled.base} has labels on line {labelled.line}, and none here"
        if number := self.open_number(read, found, [text, *(s.text for s in stated)]):
            why = f"{number} is a number or a vector: {_OPEN}"
            return replace(found, outcome="not judged", reason=why, read="")
        if found.outcome == "wrong" and why:
            return replace(found, outcome="not judged", reason=why)
        if (reading.rival or reading.spoken) and found.outcome != "right":
            return _NOTHING
        if reading.spoken:
            return replace(found, outcome="right if", reason=_alone(read))
        if read.beside and found.outcome != "right":
            why = f"nothing says whether {min(read.generic)} depends on {read.beside[0]}, too"
            return replace(found, outcome="not judged", reason=why)
        if reading.logistic:
            reason = "right if sigma is the logistic function"
            right = found.outcome == "right"
            return replace(found, outcome="right if", reason=reason) if right else _NOTHING
        if reading.upstream:
            return self.if_upstream(read, found)
        if reading.roots and found.outcome == "right":
            roots = [s.text for s in stated if s.text not in self.scope.texts]
            return replace(found, outcome="right if", reason=f"right if {' and '.join(roots)}")
        if reading.rival and found.outcome == "right":
            other = next((s for s in stated if s.name == reading.rival), None)
            if other is None or other.derivative:  # what an error signal is by its definition
                return found
            reason = f"right if {reading.rival} is what line {other.line} says"
            return replace(found, outcome="right if", reason=reason)
        return found

    def labelled(self, read: Read) -> Stated | None:
        r"""Return the definition of what an undefined loss may be with labels: ``f(x_i)``."""
        found = (s for loss in read.generic for s in reversed(self.scope.stated)
                 if s.rank and not s.derivative and is_called(loss, s.name))  # fmt: skip
        return next(found, None)

    def taken_for_number(self, text: str, system: System, section: tuple[int, ...]) -> str:
        """Say which vector or matrix of an equality would be read as less, "" for none."""
        ranks = {name: len(labels) for name, labels in system.labels.items()}
        return "" if self.scope.axes is None else self.scope.axes.misfit(text, ranks, section)

    def open_number(self, read: Read, found: Finding, texts: Sequence[str]) -> str:
        """Return a letter that is taken for a number beside what the document only shows to be a
        vector: one by which is differentiated, or any where an equality seems wrong."""
        if not any(SHOWN in text for text in texts):
            return ""
        system = read.derived.system
        plain = {n for n, var in system.inputs.items() if not var.dims and _LATIN.fullmatch(n)}
        spoken = {n for t in texts if SHOWN in t for own in written_names(t) for n in [own.key]}
        if found.outcome == "wrong":
            beside = plain & spoken
        else:  # a number beside a row times a column is one
            beside = (plain & read.variables()) - {x for t in texts for x in _BIAS.findall(t)}
        beside = {n for n in beside if n not in LOSSES and not self.is_number(n)}
        return min(beside, default="")

    def through(self, text: str, texts: Sequence[str], built: Built) -> list[str]:
        """Return the definitions through derivatives that an equality speaks of, in order."""
        needed = names_in(read_equation(text, built)) if texts else frozenset[str]()
        if RESERVED in needed:  # a delta with two labels may be an error that is defined
            needed |= {ERRORS}
        defined = {own: self.defined_by(own, built) for own in texts}
        last: dict[str, str] = {}  # of a vector and its entries the one that is spoken of
        for own, (names, _) in defined.items():
            spoken = re.split(r"_| = ", own, maxsplit=1)[0] in text
            last |= {name: own for name in names if spoken or name not in last}
        found: list[str] = []
        for own, (names, letters) in reversed(defined.items()):
            if any(last[name] == own for name in names & needed):
                found.insert(0, own)
                needed |= letters
        return found

    def defined_by(self, text: str, built: Built) -> tuple[frozenset[str], frozenset[str]]:
        """Return the tensors that an equation defines, and those that it speaks of."""
        try:
            claims = read_equation(text, built)
        except EingradError:
            return frozenset(), frozenset()
        return defined_in(claims), names_in(claims)

    def is_number(self, name: str) -> bool:
        r"""Whether the document declares a number: ``W \in \mathbb{R}``."""
        declared = [s for s in self.scope.shapes if is_called(name, s.name)]
        return any(s.text.endswith((r"\mathbb{R}", r"\mathbb R")) for s in declared)

    def said(self, read: Read, verdict: Verdict) -> Finding:
        """Return what a verdict says, where everything that it speaks of is defined."""
        if verdict.outcome == "wrong" and _ONE_LETTER.search(verdict.reason):
            return Finding("not judged", verdict.reason)
        clash = "would stand for two dimensions" in verdict.reason
        if (verdict.mistake == "shape" and verdict.fixed is None) or (
            clash and (verdict.mistake not in MISPLACED or "; and " in verdict.reason)
        ):
            return Finding("not judged", verdict.reason)
        if verdict.outcome != "right" and (loss := read.unfounded()) is not None:
            return Finding("not judged", f"nothing before says what {loss} is")
        if verdict.outcome == "wrong" and read.unknown:
            names = ", ".join(s.name for s in read.unknown)
            return Finding("not judged", f"nothing before says what {names} is")
        reason = read.readable(verdict.reason)
        if verdict.outcome in {"right", "not judged"}:
            return Finding(verdict.outcome, reason)
        repaired = read.readable(verdict.fixed or verdict.correct)
        found = Finding(verdict.outcome, reason, repaired)
        if verdict.mistake == "path" and read.is_partial():
            reason = f"right if all else is held fixed: as a total derivative, {reason}"
            return Finding("right if", reason, repaired)
        if verdict.assumption is not None:
            denied = self.facts.line_denying(verdict.assumption)
            if verdict.outcome == "wrong":
                reason = self.sourced(f"right if {verdict.assumption}", verdict.assumption)
                told = denied is None and self.facts.line_for(verdict.assumption) is not None
                return Finding("right if", reason, repaired) if told else found
            if denied is not None:
                condition = reason.partition(", which the model")[0]
                return Finding("wrong", f"{condition}, which line {denied} denies", repaired)
            found = replace(
                found,
                reason=self.sourced(reason.partition(", which the model")[0], verdict.assumption),
            )
        return found

    def if_upstream(self, read: Read, found: Finding) -> Finding:
        """Return what holds if a tensor that nothing defines is the gradient of the loss."""
        if found.outcome != "right":
            return Finding("not judged", "")
        [(name, what)] = read.upstream.items()
        reason = self.sourced(f"right if {name} is {what}", f"upstream {name}")
        return Finding("right if", reason, used=found.used)

    def sourced(self, reason: str, condition: str) -> str:
        """Add to a condition the line of the document that states it."""
        line = self.facts.line_for(condition)
        return reason if line is None else f"{reason}, as line {line} says"


def _is_right(read: Read) -> bool:
    return all(verdict.outcome == "right" for verdict in read.judged("verdict"))


def _alone(read: Read) -> str:
    """Return on what an undefined loss depends alone where an equality is right."""
    [(loss, gradients)] = read.generic.items()
    through = " and ".join(gradients.values())
    return f"right if {loss} depends on {', '.join(sorted(_by(read)))} through {through} alone"


def _by(read: Read) -> frozenset[str]:
    """Return by what an undefined loss is differentiated, and what it is no function of itself."""
    sinks = {x for own in read.generic.values() for x in own.values()}
    return read.variables() - sinks


def _is_scalar(built: Built, name: str) -> bool:
    assert built.system is not None
    return not built.system.labels[name]


def _root(stated: Stated) -> Stated | None:
    """Return ``e = a - b`` for ``e^2 = (a - b)^2``, None for another definition."""
    left, _, right = stated.text.partition(" = ")
    if not stated.name.endswith("^2") or not _SQUARE.match(right):
        return None
    bare = re.sub(r"\s*\^\s*\{?2\}?", "", left)
    inside = re.sub(r"\s*\^\s*\{?2\}?\s*\Z", "", right)
    return replace(
        stated, name=stated.name.removesuffix("^2"), text=f"{bare} = {inside}",
        order=-stated.order - 1,
    )  # fmt: skip


def _blocked(read: Read, stated: Sequence[Stated], built: Built, free: bool) -> Stated | None:
    """Return a definition that could not be read, and that decides about an equality.

    One that has nothing to do with the variables of its derivatives does not: what it defines is
    taken to be given. A loss that is ``free`` to be any function may depend on all that is defined,
    but through what it is a function of anyway.
    """
    names = {*read.derived.system.inputs, *(s.name for s in read.unknown)}
    by = {letter for name in read.variables() for letter in _letters_of(name, built)}
    sinks = {x for own in read.generic.values() for name in own.values()
             for x in _letters_of(name, built)}  # fmt: skip
    for unread in built.unread:
        given = any(is_called(name, unread.name) for name in names)
        through = frozenset() if given or _EARLIER.search(unread.text) else frozenset(sinks)
        if free or given:
            reach = _reach(unread, stated, through)
            if not by or by & reach:
                return unread
    return None


def _letters_of(name: str, built: Built) -> frozenset[str]:
    stated = built.names.get(name)
    if stated is not None:
        return letters_of_name(stated.name)
    bare = re.sub(r"\d+\Z", "", name)
    return frozenset({bare, name[:1]})


def _reach(
    unread: Stated, stated: Sequence[Stated], given: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Return the letters on which a definition depends, through others but not what is given."""
    own = letters_in(unread.text.partition(" = ")[2]) if unread.text else unread.letters
    reach = set(own) - given
    grown = True
    while grown:
        more = {x for s in stated if letters_of_name(s.name) <= reach for x in s.letters}
        more -= reach | given
        reach |= more
        grown = bool(more)
    return frozenset(reach)
