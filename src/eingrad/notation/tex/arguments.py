r"""What stands in the parentheses behind a name, ``(y, t_i)``: tensors that it depends on."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.notation.syntax import Dependence, Formula, Symbol
from eingrad.notation.tex import names
from eingrad.notation.tex.scripts import ScriptReader
from eingrad.notation.text import to_text

DOTS = frozenset({r"\ldots", r"\dots", r"\cdots", r"\dotsc"})


def are_first(given: Sequence[str], powers: Sequence[Formula | None], known: Dependence) -> bool:
    """Whether arguments are the first ones of those with which a tensor is written."""
    own = [x.name for x in known.arguments][: len(given)]
    raised = known.powers or (None,) * len(known.arguments)
    return [*given] == own and [*powers] == [*raised[: len(given)]]


class ArgumentReader(ScriptReader):
    """Reads the arguments with which names are written."""

    powers_read: tuple[Formula | None, ...] = ()  # above the arguments that were read last

    def begins_ones(self) -> bool:
        """Whether an indicator comes next; see `ConditionReader`."""
        raise NotImplementedError

    def has_conditions(self) -> bool:
        """Whether a subscript with a comparison comes next; see `SumReader`."""
        raise NotImplementedError

    def lone_arguments(self) -> int:
        r"""Return how many names stand in the parentheses ahead, 0 where anything else does."""
        return len(self.arguments_ahead())

    def arguments_ahead(self) -> tuple[Symbol, ...]:
        """Return the tensors in the parentheses ahead, none where anything else stands there."""
        start, survey = self.k, self.context.survey
        kept = len(survey.subscripts), len(survey.raised)
        found = self.list_of_tensors()
        self.k = start
        del survey.subscripts[kept[0] :], survey.raised[kept[1] :]
        return found

    def are_own(self, given: Sequence[Symbol], own: Sequence[Symbol]) -> bool:
        r"""Whether arguments are those of a definition.

        The x_k of ``f'(x_k)`` is a name of its own where f(x) is defined, as a second reading sees.
        """
        if not given or [x.name for x in given] != [x.name for x in own]:
            return False
        context = self.context
        lowered = [x for x, known in zip(given, own, strict=True) if x.labels and not known.labels]
        for x in lowered if context.closed else ():
            if context.rank(x.name) and self.peek(1).text not in names.BOLD:
                hint = rf"write \mathbf{{{x.name}}}_{x.labels[0]} for a vector, or call it x_0"
                reason = f"whether {to_text(x)} is an entry of {x.name} or another point is open"
                raise self.error(reason, hint)
            context.survey.words.update((x.name, label) for label in x.labels)
        return True

    def are_repeated(self, known: Dependence) -> bool:
        r"""Whether the arguments ahead are those with which a tensor is written, or the first ones,
        also with a power: the ``(\mu, \sigma^2)`` of a likelihood."""
        start, survey = self.k, self.context.survey
        kept = len(survey.subscripts), len(survey.raised)
        given = [x.name for x in self.list_of_tensors(powers=True)]
        self.k = start
        del survey.subscripts[kept[0] :], survey.raised[kept[1] :]
        return bool(given) and are_first(given, self.powers_read, known)

    def list_of_tensors(self, powers: bool = False) -> tuple[Symbol, ...]:
        """Read ``(y, t_i)``, names alone, which say what a name depends on; else nothing."""
        found: list[Symbol] = []
        self.powers_read = ()
        if not self.take("OPEN", "("):
            return ()
        while self.begins_name(self.peek()) or (found and self.peek().text in DOTS):
            token = self.peek()
            if self.begins_ones():
                return ()
            if token.text in DOTS:  # w_1, \ldots, w_K
                self.next()
                if not self._separator():
                    break
                continue
            name = self.word(label=True)
            if self.has_conditions():  # \max_{i \ne j}(...)
                return ()
            scripts = self.scripts()
            if scripts.power is not None and not powers:
                return ()
            name, entries = self.joined(name, scripts)
            labels = tuple(x for x in entries if isinstance(x, str))
            found.append(Symbol(name, labels, self.at(token)))
            self.powers_read += (scripts.power,)
            if not self._separator():
                break
        return tuple(found) if self.take("CLOSE", "(") else ()

    def _separator(self) -> bool:
        r"""Go past what stands between arguments: a comma, a semicolon, a bar."""
        return any(self.take(kind) for kind in ("COMMA", "DOT", "MID", "BAR"))

    def arguments_past(self) -> None:
        """Go past the tensors in the parentheses ahead."""
        self.skip_arguments()

    def skip_arguments(self) -> None:
        """Go past ``(y, t)`` if it comes next: names alone, which say what L depends on."""
        start, opened = self.k, self.peek()
        if (opened.kind, opened.text) == ("OPEN", "(") and not opened.spaced:
            survey = self.context.survey
            kept = len(survey.raised)
            survey.arguments = self.list_of_tensors(powers=True)
            survey.powers = self.powers_read
            if not survey.arguments:
                self.k = start
            survey.raised[kept:] = [(name, x, 0) for name, x, _ in survey.raised[kept:]]
