r"""Names and what hangs on them: ``\mathbf{W}^{(1)}_{ij}``, ``\hat{y}_b^2``, ``Z_{b, y_b}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eingrad.core.expr import ELLIPSIS
from eingrad.errors import NotationError
from eingrad.notation.lexeme import WORDS, Entry
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    SLICE,
    TRANSPOSED,
    Formula,
    MovedLabel,
    Number,
    Offset,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
    move_of,
    symbol_at,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.index_offsets import OffsetReader, as_offset, index_entry
from eingrad.notation.tex.survey import Context, Subscript
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

TWO, STAR = Number(2), "star"
LAYERS = frozenset({"l", "L", r"\ell"})
CONDITION_WORDS = frozenset({"if", "otherwise", "else", "when", "unless", "for"})


@dataclass
class ScriptEntries:
    """A subscript: its entries, which of them are in roman or script type, and whether a comma
    follows the first one, or a bar one of them."""

    items: list[Entry] = field(default_factory=list)
    upright: set[str] = field(default_factory=set)
    fancy: set[str] = field(default_factory=set)
    apart: bool = False
    given: bool = False


@dataclass
class Scripts:
    r"""What hangs on a name; ``power_first`` says that the power stands before the labels.

    ``above`` are labels in a superscript, ``x^{(n)}_i``, which are the first ones; ``raised`` is
    one without parentheses, ``x^n_i``.
    """

    number: str = ""
    below: ScriptEntries | None = None
    above: tuple[Entry, ...] = ()
    power: Formula | None = None
    primes: str = ""
    each: bool = False  # whether the power is one of each entry, ``X^{\circ 2}``
    power_first: bool = False
    raised: str = ""

    @property
    def entries(self) -> tuple[Entry, ...] | None:
        """All labels and integer tensors, None if there are no scripts for them."""
        if self.below is None:
            return self.above or None
        return (*self.above, *self.below.items)


class ScriptReader(OffsetReader):
    """Reads names with labels."""

    raising = 0  # how many exponents are open
    is_row = False  # whether the last tensor by which something is differentiated is transposed

    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        super().__init__(tokens, context)
        self.named_end = -1  # where the name that was read last ends

    def braced(self) -> Formula:
        """Read what stands in braces as a formula; see `Parser`."""
        raise NotImplementedError

    def word(self, label: bool = False) -> str:
        r"""Read a name without what hangs on it: ``W``, ``\alpha``, ``\mathrm{loss}``."""
        token = self.next()
        fonts = self.context.survey.fonts
        if token.kind == "LETTER":
            name = names.letter(token.text)
            if not label:
                fonts.setdefault(name, set()).add("")
                self.named, self.named_end = name, self.k
            return name
        if greek := names.greek(token.text):
            if not label:
                self.named, self.named_end = greek, self.k
            return greek
        if token.text not in names.FONTS and token.text not in names.ACCENTS:
            raise self.error(f"{token.text} is no name", "write a letter here", token)
        self.take("TIMES", "*")  # \operatorname*{arg\,max}
        name = self._in_braces(token)
        if token.text in names.FANCY and not label:
            fonts.setdefault(name, set()).add(token.text)
            name = self.context.fonts.get((token.text, name), name)
        return name + names.ACCENTS.get(token.text, "")

    def _words(self) -> list[str]:
        """Return the words up to the brace that closes, if there are several."""
        words = [""]
        for token in self.tokens[self.k : group_end(self.tokens, self.k - 1)]:
            words += [""] * token.spaced
            words[-1] += token.text.lower()
        words = [word for word in words if word]
        return words if len(words) > 1 else []

    def _in_braces(self, head: Token) -> str:
        """Read the name inside ``\\mathrm{...}``, ``\\hat{...}``."""
        if not self.take("LBRACE"):
            self.deeper()
            inner = self.word(label=True)
            self.depth -= 1
            return inner
        name, numbered = "", False
        if words := names.PROSE.intersection(self._words()):
            reason = f"prose ({', '.join(sorted(words))}) stands where a name would"
            raise self.error(reason, "leave out what is no mathematics", head)
        while not self.take("RBRACE"):
            token = self.peek()
            if token.kind == "COMMAND" and token.text in names.FONTS | names.ACCENTS.keys():
                self.deeper()
                name += self.word(label=True)
                self.depth -= 1
            elif token.kind == "LETTER" or names.greek(token.text):
                name += self.word(label=True)
            elif token.kind == "NUMBER" and name and token.text.isdigit():
                name += self.next().text
            elif token.text == r"\_":
                name += "_" * bool(self.next())
            elif token.kind == "SUP" and not numbered and (digits := self._number_in_script()):
                name, numbered = name + digits, True
            elif token.text == "-" and name:
                self.next()
            else:
                raise self.error(
                    f"{token.text} cannot stand in a name", f"write letters in {head.text}"
                )
        if head.text in names.UPRIGHT and name in CONDITION_WORDS:
            hint = r"write \begin{cases} a & \text{if } x > 0 \\ b & \text{otherwise}"
            raise self.error(f"the word {name} in a formula", hint, head)
        if not name:
            raise self.error(f"{head.text} holds no name", "write letters in its braces", head)
        return name

    def scripts(self, of_name: bool = True) -> Scripts:
        """Read all that hangs on a name, or on a group."""
        found = Scripts()
        if self.k != self.named_end:
            self.named = ""
        while self.peek().kind in {"SUP", "SUB", "PRIME"}:
            token = self.peek()
            if primes := self._primes():
                found.primes += primes
            elif digits := self._number_in_script():
                self._set_number(found, digits, token)
            elif label := self._label_in_script():
                found.above += (label,)
            elif self.take("SUB"):
                if found.below is not None:
                    raise self.error("two subscripts", "write all labels in one subscript", token)
                entries = self.entries()
                if (
                    isinstance(entries, str)
                    and entries.isdigit()
                    and (self._is_entry(entries, found) or self._is_entry_of_layer(entries, found))
                ):
                    place = self._counted({}, int(entries))
                    found.below = ScriptEntries([Offset((), place)])
                elif isinstance(entries, str):
                    self._set_number(found, entries, token)
                else:
                    found.below = entries
            else:
                self.next()
                self._read_power(found, token, of_name)
        return found

    def _is_entry(self, digits: str, found: Scripts) -> bool:
        """Whether a number below a name is an entry: of a tensor that has one label elsewhere."""
        if not self.named:
            return False
        context, name = self.context, self.named + found.number
        ranks, whole = context.ranks.get(name, ()), name + digits
        if context.closed:
            ranks = {context.rank(name) or 0}
        bold = (name, 1) in context.survey.bold
        known = whole in context.tensors or not (context.final or context.closed)
        entry = {*ranks} - {0} == {1} and int(digits) > 0 and not known and not bold
        if entry and self.peek(-1).kind != "RBRACE":  # what eingrad prints has braces
            note = f"{name}_{digits} is an entry of {name}"
            context.survey.notes.setdefault(note)
        return entry

    def _is_entry_of_layer(self, digits: str, found: Scripts) -> bool:
        r"""Whether a digit below a name with a number above, ``V^{(1)}_{1}``, is an entry: nothing
        has that name without labels, or with several."""
        name = self.named + found.number
        ranks = {*self.context.ranks.get(name, ())}
        if self.context.closed:
            ranks = {rank for rank in (self.context.rank(name),) if rank is not None}
        return bool(self.named and found.number) and ranks <= {1} and digits in {*"123456789"}

    def _primes(self) -> str:
        r"""Read ``'``, ``^\prime`` and ``^{\prime\prime}``."""
        count = 0
        start = self.k
        raised = self.take("SUP") is not None
        braces = raised and self.take("LBRACE") is not None
        while self.take("PRIME"):
            count += 1
        if not count or (braces and not self.take("RBRACE")):
            self.k = start
            return ""
        return "'" * count

    def _set_number(self, found: Scripts, digits: str, token: Token) -> None:
        if found.number:
            raise self.error("two numbers on one name", "write W^{(1)}_{ij} or W_1", token)
        found.number = digits

    def _read_power(self, found: Scripts, token: Token, of_name: bool) -> None:
        if found.power is not None:
            raise self.error("two superscripts", "put parentheses around the inner power", token)
        found.power_first = found.entries is None
        in_braces = self.peek().kind == "LBRACE"
        inner = self.peek(1) if in_braces else self.peek()
        alone = not in_braces or self.peek(2).kind == "RBRACE"
        errors = self.context.own_e or found.below is not None
        exponential = self.named == "e" and not errors  # e^l, where no text has errors e
        if of_name and not exponential and (word := self._word_above(in_braces)):
            found.power_first, found.number = False, found.number + word
        elif not exponential and (layer := self._layer(in_braces)) is not None:
            found.power_first, found.number = False, found.number + layer
        elif self._numbered_transpose(found):
            found.power = TRANSPOSED
        elif in_braces and self._is_inverse_transpose():
            found.power = Sum((TRANSPOSED,), (True,))
            self.k += 4
        elif in_braces and [t.text for t in self._group()][1:] == ["{", "T", "}"]:
            self.k += 6  # ^{\mathrm{T}}
            found.power = TRANSPOSED
        elif in_braces and inner.text in {r"\circ", r"\odot"} and (
            [self.peek(k).kind for k in (2, 3)] == ["NUMBER", "RBRACE"]
        ):  # fmt: skip
            self.k += 2
            found.power, found.each = self.primary(), True
            self.next()
        elif inner.text in names.TRANSPOSED and alone:
            self.k += 3 if in_braces else 1
            found.power = TRANSPOSED
        elif of_name and in_braces and self._is_upper_group():
            entries = self.entries()
            assert isinstance(entries, ScriptEntries)
            found.power_first, found.above = False, (*found.above, *entries.items)
        elif of_name and (raised := self._raised_label(in_braces)):
            found.power_first, found.raised = False, raised
            found.above += (raised,)
        elif [self.peek(k).kind for k in range(3)] == ["LBRACE", "OPEN", "LETTER"] \
                and self._is_shifted():  # fmt: skip
            hint = "give what stands at the index before a name of its own, or write x_{b t i}"
            raise self.error("a superscript that is an index with an offset", hint, token)
        else:
            self._check_exponent(in_braces, token, of_name)
            if inner.kind == "NUMBER" and not in_braces and len(inner.text) > 1:
                reason = f"^{inner.text} without braces is the exponent {inner.text[0]}"
                raise self.error(reason, f"write ^{{{inner.text}}}", token)
            self.raising += 1
            found.power = self.argument()
            self.raising -= 1

    def _is_inverse_transpose(self) -> bool:
        r"""Whether ``{-\top}`` comes next."""
        texts = [t.text for t in self._group()]
        return len(texts) == 2 and texts[0] == "-" and texts[1] in names.TRANSPOSED

    def _raised_label(self, in_braces: bool) -> str:
        """Go past a letter above a name that is a label elsewhere; return it."""
        group = self._group()
        if len(group) != 1 or not self.begins_name(group[0]):
            return ""
        label = names.greek(group[0].text) or names.letter(group[0].text)
        if not self.context.may_be_raised(label):
            return ""
        self.k += 3 if in_braces else 1
        return label

    def _is_upper_group(self) -> bool:
        """Whether several labels stand above a name, ``S^{ij'}``, in a text that writes so."""
        group = self._group()
        letters = [t for t in group if t.kind not in {"PRIME", "COMMA"}]
        upper = self.context.upper
        return len(letters) > 1 and all((names.greek(t.text) or t.text) in upper for t in letters)

    def _group(self) -> list[Token]:
        """Return the tokens in the braces ahead, or the one token ahead."""
        if self.peek().kind != "LBRACE":
            return [self.peek()]
        depth, k = 1, 1
        while self.peek(k).kind != "END":
            depth += (self.peek(k).kind == "LBRACE") - (self.peek(k).kind == "RBRACE")
            if depth == 0:
                break
            k += 1
        return [self.peek(j) for j in range(1, k)]

    def _layer(self, in_braces: bool) -> str | None:
        r"""Go past ``^{l-1}``, ``^L``, ``^*``, which end a name; return how: lminus1, L, star."""
        group = self._group()
        inner = group[1:-1] if group and group[0].kind == "OPEN" and len(group) > 2 else group
        texts = [t.text for t in inner]
        if texts in (["*"], [r"\ast"], [r"\star"]):
            suffix = STAR
        elif texts and texts[0] in LAYERS and self._is_layer(texts):
            suffix = texts[0].removeprefix("\\")
            suffix += {"+": "plus", "-": "minus"}[texts[1]] + texts[2] if len(texts) == 3 else ""
        else:
            return None
        self.k += len(group) + 2 * in_braces
        return suffix

    def _word_above(self, in_braces: bool) -> str:
        r"""Go past ``^{\text{train}}``, a word that ends a name, if it is no tensor."""
        group = self._group() if in_braces else []
        letters = group[2:-1]
        word = "".join(t.text for t in letters)
        upright = [t.text for t in group[:1]] and group[0].text in names.UPRIGHT
        if not (upright and len(word) > 1) or word in self.context.tensors:
            return ""
        if group[-1].kind != "RBRACE" or any(t.kind != "LETTER" for t in letters):
            return ""
        self.k += len(group) + 2
        return word

    def _is_layer(self, texts: Sequence[str]) -> bool:
        """Whether texts are the number of a layer: l, L-1; l is no label and no tensor here."""
        shifted = len(texts) == 3 and texts[1] in {"+", "-"} and texts[2].isdigit()
        label = self.context.labels is not None and texts[0] in self.context.labels
        assigned = texts[0] != "L" and texts[0] in self.context.tensors
        return (len(texts) == 1 or shifted) and not label and not assigned

    def _numbered_transpose(self, found: Scripts) -> bool:
        r"""Go past ``^{(2)T}``: a number that belongs to the name, and a transpose."""
        group = self._group()
        kinds = [t.kind for t in group]
        if kinds[:3] != ["OPEN", "NUMBER", "CLOSE"] or len(group) != 4:
            return False
        if group[3].text not in names.TRANSPOSED or found.number:
            return False
        found.number = group[1].text
        self.k += len(group) + 2
        return True

    def _check_exponent(self, in_braces: bool, token: Token, of_name: bool) -> None:
        """Raise where letters above a name are rather labels than an exponent."""
        group = self._group()
        letters = [t for t in group if t.kind == "LETTER"]
        plain = len(letters) == len(group) and in_braces
        bound = [t.text for t in group if t.text in self.context.bound_letters()]
        if bound and len(group) == 1 and not self._counts_powers(bound[0], of_name):
            hint = (
                f"write the label below, or ^{{({bound[0]})}}; an exponent needs another letter, a "
                "polynomial is written out: w_0 + w_1 x + w_2 x^2"
            )
            raise self.error(f"{bound[0]} above a name is a label elsewhere", hint, token)
        if plain and len(group) > 1 and all(not t.spaced for t in group[1:]):
            hint = r"write labels below the name, W_{ij}, and an exponent as {a \cdot b}"
            raise self.error("letters above a name may be labels or an exponent", hint, token)

    def _counts_powers(self, label: str, of_name: bool) -> bool:
        r"""Whether a label above what stands here is its exponent: of a discount, of what is no
        name, and in ``\sum_{k=0}^n a_k x^k``."""
        if not of_name:
            return True
        starts = self.context.starts.get(label, set())
        before = [
            t.text for t in self.tokens[max(self.k - 6, 0) : self.k - 2] if t.text not in "{}"
        ]
        counted = starts == {0} and before[-2:] == ["_", label]
        counted |= self.named in names.DISCOUNTS and starts in ({0}, {1})
        if not counted or self.context.rank(self.named):
            return False
        self.context.survey.notes.setdefault(f"{label} above {self.named} is an exponent")
        return True

    def argument(self) -> Formula:
        r"""Read braces, or one token: ``\frac12`` is one half, ``x^10`` is x to the 1 times 0."""
        token = self.peek()
        if token.kind == "LBRACE":
            return self.braced()
        if token.kind == "NUMBER" and len(token.text) > 1 and token.text.isdigit():
            first = Token("NUMBER", token.text[0], token.line, token.column, 1)
            rest = Token("NUMBER", token.text[1:], token.line, token.column + 1, token.width - 1)
            self.tokens[self.k : self.k + 1] = [first, rest]
        if self.peek().kind == "NUMBER":
            if not token.text.isdigit():
                raise self.error("a number with a point needs braces", "write {0.5}", token)
            return Number(int(self.next().text), self.at(token))
        if self.begins_name(token):
            return self.extent_or_tensor(Symbol(self.word(), (), self.at(token)))
        raise self.error(f"{token.text} cannot stand here", "write braces around it", token)

    def extent_or_tensor(self, tensor: Symbol) -> Formula:
        r"""Return the extent that a bare name is, the n of ``\frac n2 ... \sum_{i=1}^n``, or it."""
        label = self.context.sizes.get(tensor.name)
        if label is None or tensor.labels:
            return tensor
        self.context.survey.sizes.setdefault(tensor.name, label)
        size = SizeOf(label, position=tensor.position)
        more = {n for name, n in self.context.lengths.get(label, ()) if name == tensor.name}
        if more != {1}:
            return size
        return Sum((size, Number(1)), (False, True), tensor.position)  # T of \sum_{t=0}^T

    def _number_in_script(self) -> str:
        """Read ``^{(1)}`` or ``^{[1]}`` if it comes next, which is part of the name."""
        kinds = [self.peek(k).kind for k in range(5)]
        if kinds[0] == "SUP" and kinds[1:] == ["LBRACE", "OPEN", "NUMBER", "CLOSE"]:
            digits, round_or_square = self.peek(3).text, self.peek(2).text in {"(", "["}
            if digits.isdigit() and round_or_square and self.peek(5).kind == "RBRACE":
                self.k += 6
                return digits
        return ""

    def _label_in_script(self) -> str:
        """Read ``^{(n)}`` with a letter, which is the tensor's first label."""
        kinds = [self.peek(k).kind for k in range(6)]
        opened, letter = self.peek(2).text, self.peek(3)
        if kinds[:3] != ["SUP", "LBRACE", "OPEN"] or kinds[4:] != ["CLOSE", "RBRACE"]:
            return ""
        if opened not in {"(", "["}:  # ^{\left|x\right|} is an exponent
            return ""
        if letter.kind != "LETTER" and names.greek(letter.text) is None:
            return ""
        if letter.text in LAYERS and self._is_layer([letter.text]):
            return ""
        self.k += 3
        label = self.word(label=True)
        self.k += 2
        return label

    def _is_shifted(self) -> bool:
        """Whether ``{(t-1)}`` comes next."""
        kinds = [self.peek(k).kind for k in range(7)]
        return kinds[1:] == ["OPEN", "LETTER", "SIGN", "NUMBER", "CLOSE", "RBRACE"]

    # --- labels ---

    def entries(self) -> ScriptEntries | str:
        """Read a subscript: labels and integer tensors, or the digits that end a name."""
        found = ScriptEntries()
        if not self.take("LBRACE"):
            token = self.peek()
            if token.kind == "NUMBER":
                return self.next().text
            if not self.begins_name(token):
                raise self.error(
                    f"{token.text} is no label", "write letters in the subscript", token
                )
            word = self.word(label=True)
            integer = word in names.CLASSES and self.context.rank(word) == 0
            entry = Symbol(word, (), self.at(token)) if integer else word
            self._add_entry(found, entry, token)
            return found
        if self.peek().kind == "NUMBER" and self.peek(1).kind == "RBRACE":
            digits = self.next().text
            self.next()
            return digits
        opened = self.take("OPEN", "[")
        while not self.take("RBRACE"):
            if self.take("COMMA"):
                found.apart |= len(found.items) == 1
            elif found.items and not found.given and self.peek().text in {"|", r"\mid"}:
                self.next()
                found.given = True
            elif not found.items and self.peek().text == r"\ldots":
                self.next()  # leading axes; further on it is a list, x_{i,\ldots,n}, which is none
                found.items.append(ELLIPSIS)
            elif self._takes_slice():
                found.items.append(SLICE)
            elif word := self._word_in_subscript():
                found.items.append(word)
                found.fancy.add(word)
            elif not (opened and self.peek(1).kind == "RBRACE" and self.take("CLOSE", "[")):
                token = self.peek()
                self._add_entry(found, self.entry(), token)
        if not found.items:
            raise self.error("a subscript without a label", "write letters in it")
        return found

    def _takes_slice(self) -> bool:
        r"""Go past the colon of ``W_{i,:}``, or the dot of ``W_{i,\cdot}``."""
        dot = self.peek().text == r"\cdot" and self.peek(1).kind in {"RBRACE", "COMMA"}
        if self.peek().kind != "COLON" and not dot:
            return False
        self.next()
        return True

    def _word_in_subscript(self) -> str:
        """Go past letters that spell a word, ``y_{pred}``, which belongs to the name."""
        word = ""
        if self.peek(-1).kind == "LETTER" and not self.peek().spaced:
            return ""  # LS of GLS
        while self.peek(len(word)).kind == "LETTER":
            word += self.peek(len(word)).text
        if word not in WORDS or self.peek(len(word)).kind not in {"RBRACE", "COMMA"}:
            return ""
        self.k += len(word)
        return word

    def _add_entry(self, found: ScriptEntries, entry: Entry, token: Token) -> None:
        found.items.append(entry)
        if isinstance(entry, str) and token.text in names.UPRIGHT:
            found.upright.add(entry)
        if isinstance(entry, str) and token.text in names.FANCY:
            found.fancy.add(entry)

    def entry(self) -> Entry:
        """Read a label, ``b_{2}`` and ``b'`` too, or an integer tensor with labels of its own."""
        token = self.peek()
        if token.kind == "INDEX":
            return index_entry(self.next().text)
        if (offset := self._offset()) is not None:
            return offset
        if self.named == "delta" and token.text.isdigit():  # \delta_{i1}: of its two one is 1
            return Offset((), self._counted({}, int(self.next().text)))
        if not self.begins_name(token):
            hint = "a number belongs to the name: W^{(1)}_{ij} is W1_ij; an entry at a number "
            hint += "stands between commas, W_{i, 1}"
            if token.kind in {"SIGN", "COMPARE"}:
                hint = "an index with an offset or a condition has no meaning here"
            raise self.error(f"{token.text} is not a label: a label is a letter", hint, token)
        self.deeper()
        name = self.word(label=True) + self._number_in_script()
        if self.take("SUP"):
            suffix = self._layer(self.peek().kind == "LBRACE")
            if suffix != STAR:
                hint = "an index with a star, j^*, is one entry; another has no power"
                raise self.error(f"a power of the label {name}", hint, token)
            self.depth -= 1
            return Symbol(name + STAR, (), self.at(token), brackets=True)
        if primes := len(self._primes()):
            name = self.context.label(name, primes)
        inner = self.entries() if self.take("SUB") else None
        self.depth -= 1
        if inner is None and name in names.CLASSES and self.context.rank(name) == 0:
            return Symbol(name, (), self.at(token))
        if inner is None or isinstance(inner, str):
            return MovedLabel.of(name + (inner or ""), self._move())
        return self.tensor_of(name, tuple(inner.items), token)

    def joined(self, name: str, scripts: Scripts) -> tuple[str, tuple[Entry, ...]]:
        r"""Return a tensor's whole name and its labels: ``y_{\mathrm{true}, i}`` is ytrue_i."""
        name += scripts.number
        survey = self.context.survey
        entries = scripts.entries or ()
        if scripts.below is not None and scripts.below.given:
            name += names.GIVEN  # p_{j|i} is not p_{ji}
        if scripts.primes and self._is_primed_name(name, len(scripts.primes), bool(entries)):
            name, scripts.primes = name + names.PRIME * len(scripts.primes), ""
        if self._are_parameters(name, entries):
            entries, scripts.below, scripts.above = (), None, ()
        own = self.context.own_delta or (not entries and self.context.bare_delta)
        if name == "delta" and (len(entries) == 1 or own):
            name = names.ERRORS  # Kronecker's has two labels
        labels = tuple(x for x in entries if isinstance(x, str))
        if any(not isinstance(x, Offset) or x.terms for x in entries):
            survey.ranks.setdefault(name, set()).add(len(entries))
            if len(entries) == 1 and isinstance(entries[0], str):
                survey.at_labels.add(name)
        survey.lowered.update(
            x for x in (scripts.below.items if scripts.below else ()) if isinstance(x, str)
        )
        if scripts.raised:
            survey.raised.append((name, scripts.raised, len(entries)))
            if name != "delta":  # it has two labels, and no powers
                survey.notes.setdefault(f"{scripts.raised} above a name is a label, no exponent")
        if scripts.below is not None and SLICE not in labels:
            self.context.survey.subscripts.append(
                Subscript(
                    name, labels, frozenset(scripts.below.upright), frozenset(scripts.below.fancy),
                    scripts.below.apart and not scripts.above,
                )
            )  # fmt: skip
        word = name + "".join(labels)
        moved = any(map(move_of, labels))
        if len(labels) > 1 and not moved and self.context.spells(name, labels):
            return word, tuple(x for x in entries if not isinstance(x, str))
        base, kept = name, list(entries)
        for label in labels:
            whole = label in {ELLIPSIS, SLICE} or moved
            if not whole and self.context.joins(base, label, len(kept) - 1):
                name += label
                kept.remove(label)
                if label in names.OWN:
                    survey.notes.setdefault(f"{label} is a part of names: nothing sums it")
        return name, tuple(kept)

    def _is_primed_name(self, name: str, count: int, labelled: bool) -> bool:
        """Whether primes belong to a name, ``w'_{ij}``; they may be those of a function, too."""
        context, whole = self.context, name + names.PRIME * count
        if context.closed or whole in context.tensors:
            return whole in context.tensors
        called = (self.peek().kind, self.peek().text) == ("OPEN", "(") and not labelled
        function = name == "sigma" or names.function_name(name) or name in names.GENERIC
        known = context.is_function(name) or name in {*context.survey.called, *context.tensors}
        beside = name in context.twins and count == 1
        return not (called or function or known) and (labelled or beside or not context.final)

    def note_bold(self, start: int, name: str, count: int) -> None:
        """Note that a name with so many labels, which begins at a token, is in bold type."""
        if self.begins_bold(start):
            self.context.survey.bold.add((name, count))

    def begins_bold(self, start: int) -> bool:
        """Whether a name that begins at a token and has been read is in bold type."""
        if self.tokens[start].text not in names.FONTS | names.ACCENTS.keys():
            return False
        inner = range(start, min(self.k, start + 6))
        end = next((k for k in inner if self.tokens[k].kind in {"LETTER", "SUB", "SUP"}), self.k)
        return any(t.text in names.BOLD for t in self.tokens[start:end])

    def has_bold(self, formula: Formula) -> bool:
        """Whether a formula has a name in bold type, or a row or column of a matrix."""
        bold = self.context.survey.bold
        names = (x for x in walk(formula) if isinstance(x, Symbol))
        return any((x.name, len(x.labels)) in bold or SLICE in x.labels for x in names)

    def _are_parameters(self, name: str, entries: Sequence[Entry]) -> bool:
        r"""Whether a subscript is the theta of ``h_\theta(x)``, on which h depends."""
        if not entries or not {*entries} <= names.PARAMETERS | {"b"} or entries == ("b",):
            return False
        pair = (name, "".join(map(str, entries)))
        if self.context.closed:
            known = self.context.rank(name) == 0 and self.arguments_ahead()
            return bool(known) or name in self.context.applied
        if self.arguments_ahead():
            self.context.survey.parameters.add(pair)
        return pair in self.context.survey.parameters | self.context.parameters

    def arguments_ahead(self) -> tuple[Symbol, ...]:
        """Return the tensors in the parentheses ahead; see `DerivativeReader`."""
        raise NotImplementedError

    def tensor_of(self, name: str, entries: tuple[Entry, ...], token: Token) -> Symbol | TensorAt:
        """Return a tensor with labels, or read at integer tensors."""
        labels = tuple(x for x in entries if isinstance(x, str))
        if len(labels) == len(entries):
            return symbol_at(name, labels, self.at(token), brackets=True)
        if all(isinstance(x, str | Offset) for x in entries):
            return TensorAt(name, tuple(map(as_offset, entries)), self.at(token))
        if any(map(move_of, labels)):
            hint = "give one of the two a statement of its own"
            raise self.error("an offset beside an integer tensor", hint, token)
        return TensorAt(name, entries, self.at(token))

    def _at_label(self, tensor: Symbol | TensorAt) -> Symbol | TensorAt:
        r"""Return w_j for the ``w_{y_i}`` by which a claim differentiates; j is y_i there."""
        at = self.context.survey.at
        if at is None or isinstance(tensor, Symbol):
            return tensor
        labels: list[str] = []
        for entry in tensor.entries:
            if isinstance(entry, Symbol) and (entry.labels or entry.name in names.CLASSES):
                used = (*self.context.letters, *(x for x, _ in at))
                at.append((names.fresh_labels(used, 1, "j")[0], entry))
                labels.append(at[-1][0])
            elif isinstance(entry, str):
                labels.append(entry)
            else:
                return tensor
        return symbol_at(tensor.name, labels, tensor.position, brackets=True)

    def plain_tensor(self) -> tuple[Symbol, int]:
        """Read a tensor with labels as it stands in a derivative, and its power there."""
        token = self.peek()
        tensor, power = self.tensor_or_entry()
        if isinstance(tensor, TensorAt):
            raise self.no_part(token)
        return tensor, power

    def no_part(self, token: Token) -> NotationError:
        """Return the error about a part of a tensor in a derivative."""
        hint = r"write \frac{\partial L}{\partial W_{ij}}"
        return self.error("a derivative is of a whole tensor, by one", hint, token)

    def _past_vec(self) -> bool:
        r"""Go past the ``\operatorname{vec}`` of ``\partial \operatorname{vec}(X)``."""
        texts = [self.peek(k).text for k in range(6)]
        if texts[0] in names.UPRIGHT and texts[1:] == ["{", "v", "e", "c", "}"]:
            self.k += 6
            return True
        return False

    def _stacked(self, token: Token) -> Symbol:
        """Read the ``(X)`` of vec(X), also transposed."""
        opened = self.take("OPEN", "(")
        tensor = self.plain_tensor()[0]
        if opened and not self.take("CLOSE"):
            raise self.error("vec of a formula", "differentiate by vec of one matrix", token)
        self.is_row = self.scripts(of_name=False).power == TRANSPOSED
        return replace(tensor, stacked=True)

    def tensor_or_entry(self, transposed: bool = False) -> tuple[Symbol | TensorAt, int]:
        """Read a tensor as `plain_tensor` does, or one at offsets, ``h_{T}``.

        One that is differentiated by may be ``transposed``: ``\\partial w \\partial w^\\top``.
        """
        token = self.peek()
        if transposed and self._past_vec():
            return self._stacked(token), 1
        if not self.begins_name(token):
            raise self.error(f"{token.text} is no tensor", "write a tensor here", token)
        start = self.k
        word, scripts = self.word(), self.scripts()
        name, entries = self.joined(word, scripts)
        self.note_bold(start, name, len(entries))
        self.is_row = transposed and scripts.power == TRANSPOSED
        plain = scripts.power is None or self.is_row
        power = 1 if plain else scripts.power
        if power == TWO and name in self.context.squared:
            name, power = name + names.SQUARED, 1
        tensor = self._at_label(self.tensor_of(name, entries, token))
        read = isinstance(tensor, TensorAt) and tensor.indices
        if power not in (1, TWO) or scripts.primes or read:
            raise self.no_part(token)
        return tensor, 1 if power == 1 else 2
