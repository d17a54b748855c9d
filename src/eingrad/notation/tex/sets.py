r"""Sets as conditions: ``i \in S`` is ``S_i > 0``, of an input that is positive where i is in S.

So a sum over a set goes over all entries and leaves out those that are not in it, ``N(i)`` and
``S_k`` are a set for each i or k, and ``|S|`` counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from eingrad.notation.tex import names
from eingrad.notation.tex.rows import CLOSES, OPENS
from eingrad.notation.tex.tidy import group_end, partner
from eingrad.notation.tokens import Token

MEMBER = {r"\in": (">",), r"\notin": ("<=",)}
BEGINS = frozenset({"LBRACE", "OPEN", "COMMA", "DOT", "QUAD", "AMP", "BAR", "MID", "COLON"})
ENDS = frozenset({
    "RBRACE", "CLOSE", "COMMA", "DOT", "QUAD", "AMP", "ROW", "ENDCASES", "END", "NEWLINE", "SHIFT",
})  # fmt: skip
LESS = frozenset({r"\setminus", r"\backslash"})
SCRIPT_FONTS = names.FANCY.keys() | names.BOLD | names.UPRIGHT


@dataclass(frozen=True)
class SetName:
    """A set as it is written: its name, the letters that say which one it is, where it ends."""

    name: tuple[Token, ...]
    own: tuple[tuple[Token, ...], ...]
    end: int

    @property
    def key(self) -> str:
        """The name as a text."""
        return "".join(t.text for t in self.name)

    def at(self, members: Sequence[Sequence[Token]], head: Token) -> list[Token]:
        """Return the tensor that says what is in the set: ``N_{ij}`` for j in N(i)."""
        labels = [token for label in (*self.own, *members) for token in label]
        return [*self.name, _token("SUB", "_", head), *_braced(labels, head)]


def with_sets(
    tokens: Sequence[Token], known: Collection[str] = ()
) -> tuple[list[Token], frozenset[str]]:
    """Return a text with conditions in the place of sets, and the names of these.

    ``known`` are the sets of the model of which a claim speaks.
    """
    result, found = list(tokens), set(known)
    for k in reversed(_enclosed(tokens)):
        start, members = _members(tokens, k)
        own = _set_at(tokens, k + 1)
        if own is None or not members or not _may_begin(tokens, start):
            continue
        less, end = _left_out(tokens, own.end, members)
        if end < len(tokens) and tokens[end].kind not in ENDS:
            continue
        if _has_another(tokens, start):
            continue
        found.add(own.key)
        head = tokens[k]
        sign = _token("COMPARE", *MEMBER[head.text], head)
        condition = [*own.at(members, head), sign, _token("NUMBER", "0", head)]
        named = members if _is_summed(tokens, start, members) else []
        listed = [t for label in named for t in (*label, _token("COMMA", ",", head))]
        result[start:end] = [*listed, *condition, *less]
    return (_counted(result, found) if found else result), frozenset(found)


def _token(kind: str, text: str, at: Token) -> Token:
    return replace(at, kind=kind, text=text, spaced=False)


def _braced(tokens: Sequence[Token], at: Token) -> list[Token]:
    return [_token("LBRACE", "{", at), *tokens, _token("RBRACE", "}", at)]


def _enclosed(tokens: Sequence[Token]) -> list[int]:
    """Return where something is said to be in a set below a sign, in an indicator, or behind a
    formula: in no statement of its own."""
    found: list[int] = []
    depth, behind = 0, False
    for k, token in enumerate(tokens):
        depth += (token.kind in OPENS) - (token.kind in CLOSES)
        behind = (behind or token.kind == "EQUAL") and token.kind not in {"NEWLINE", "SHIFT"}
        if token.text in MEMBER and (depth > 0 or behind):
            found.append(k)
    return found


def _may_begin(tokens: Sequence[Token], start: int) -> bool:
    """Whether what is in a set may begin here: behind a sign or a word."""
    before = tokens[start - 1] if start else None
    if before is None or before.kind != "RBRACE":
        return before is not None and (before.kind in BEGINS or before.text == r"\forall")
    k = next((k for k in range(start - 1, 0, -1) if tokens[k].kind == "LBRACE"), 0)
    return tokens[k - 1].text in names.UPRIGHT


def _members(tokens: Sequence[Token], k: int) -> tuple[int, list[tuple[Token, ...]]]:
    """Return where what is in the set begins, and its letters: ``i``, ``(i, j)``."""
    start, label = _letter_before(tokens, k)
    if label:
        return start, [label]
    if k == 0 or tokens[k - 1].kind != "CLOSE":
        return k, []
    members: list[tuple[Token, ...]] = []
    j = k - 1
    while True:
        j, label = _letter_before(tokens, j)
        if not label:
            return k, []
        members.insert(0, label)
        if tokens[j - 1].kind == "OPEN":
            return j - 1, members if len(members) > 1 else []
        j -= tokens[j - 1].kind == "COMMA"


def _letter_before(tokens: Sequence[Token], k: int) -> tuple[int, tuple[Token, ...]]:
    """Return where a letter with its primes begins that ends here, and it, if there is one."""
    start = k - 1
    while start > 0 and tokens[start].kind == "PRIME":
        start -= 1
    if start < 0 or not _is_letter(tokens[start]):
        return k, ()
    if start > 0 and tokens[start - 1].kind in {"SUB", "SUP"}:
        return k, ()
    return start, tuple(tokens[start:k])


def _is_letter(token: Token) -> bool:
    return token.kind == "LETTER" or bool(names.greek(token.text))


def _has_another(tokens: Sequence[Token], start: int) -> bool:
    r"""Whether another letter stands before, with a comma: ``i, j \in E`` may be of pairs."""
    if start < 2 or tokens[start - 1].kind != "COMMA":
        return False
    begin, label = _letter_before(tokens, start - 1)
    return bool(label) and tokens[begin - 1].kind in {"LBRACE", "COMMA", "OPEN"}


def _is_summed(tokens: Sequence[Token], start: int, members: Sequence[tuple[Token, ...]]) -> bool:
    r"""Whether a sign goes over what is said to be in a set here: ``\sum_{i \in S, j \in T}``.

    Behind a colon, ``\sum_{i: j \in S_i}``, stands a condition.
    """
    if tokens[start - 1].kind not in {"LBRACE", "COMMA"}:
        return False
    depth, k = 0, start - 1
    while k > 0:
        depth += (tokens[k].kind in {"RBRACE", "CLOSE"}) - (tokens[k].kind in {"LBRACE", "OPEN"})
        if depth < 0:
            break
        k -= 1
    below = k > 1 and tokens[k].kind == "LBRACE" and tokens[k - 1].kind == "SUB"
    before = [t.text for t in tokens[k + 1 : start]]
    new = not any(t.kind in {"COLON", "MID", "BAR"} for t in tokens[k:start])
    return below and new and bool(names.big(tokens[k - 2].text)) and (
        len(members) > 1 or members[0][0].text not in before)  # fmt: skip


def _set_at(tokens: Sequence[Token], k: int) -> SetName | None:
    r"""Return the set that begins here: ``S``, ``\mathcal{N}(i)``, ``S_k``, ``R(t_i)``, ``I_L``."""
    if k >= len(tokens):
        return None
    name, k = _name(tokens, k)
    own: list[tuple[Token, ...]] = []
    if name and k < len(tokens) and tokens[k].kind == "SUB":
        end = group_end(tokens, k + 1)
        inner = [t for t in tokens[k + 1 : end + 1] if t.kind not in {"LBRACE", "RBRACE", "COMMA"}]
        labels = _labels(inner)
        if labels is None:
            name = (*name, *tokens[k : end + 1])  # a name, or what is no set
            plain = len(inner) == 1 and (inner[0].kind == "NUMBER" or inner[0].text.isupper())
            if not plain:
                return None
        own, k = [*(labels or ())], end + 1
    if name and k < len(tokens) and (tokens[k].kind, tokens[k].text) == ("OPEN", "("):
        end = partner(tokens, k)
        given = _argument(tokens[k + 1 : end])
        if given is None:
            return None
        own, k = [*own, given], end + 1
    return SetName(_plain(name), tuple(own), k) if name else None


def _name(tokens: Sequence[Token], k: int) -> tuple[tuple[Token, ...], int]:
    """Return the name at a place, a letter or what a font encloses, and where it ends."""
    token = tokens[k]
    if _is_letter(token):
        return (token,), k + 1
    if token.text in SCRIPT_FONTS and k + 1 < len(tokens):
        end = group_end(tokens, k + 1)
        if all(
            _is_letter(t) for t in tokens[k + 1 : end + 1] if t.kind not in {"LBRACE", "RBRACE"}
        ):
            return tuple(tokens[k : end + 1]), end + 1
    return (), k


def _labels(inner: Sequence[Token]) -> list[tuple[Token, ...]] | None:
    """Return small letters, each with its primes, None where something else stands there."""
    labels: list[tuple[Token, ...]] = []
    for token in inner:
        if token.kind == "PRIME" and labels:
            labels[-1] = (*labels[-1], token)
        elif _is_letter(token) and not token.text.isupper():
            labels.append((token,))
        else:
            return None
    return labels


def _argument(inner: Sequence[Token]) -> tuple[Token, ...] | None:
    """Return the letter that an argument says: i of ``i``, of ``t_i`` and of ``x_{i}``."""
    below = [k for k, t in enumerate(inner) if t.kind == "SUB"]
    if below:
        if len(below) > 1 or not (below[0] == 1 and _is_letter(inner[0])):
            return None
        inner = [t for t in inner[2:] if t.kind not in {"LBRACE", "RBRACE"}]
    labels = _labels(inner)
    return labels[0] if labels and len(labels) == 1 else None


def _plain(name: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return a name with what hangs on it in one word, ``I_L`` as IL, a number as it is."""
    below = next((k for k, t in enumerate(name) if t.kind == "SUB"), None)
    if below is None or any(t.kind == "NUMBER" for t in name):
        return name
    letters = [t for t in name if _is_letter(t)]
    return (_token("COMMAND", r"\mathrm", name[0]), *_braced(letters, name[0]))


def _left_out(
    tokens: Sequence[Token], k: int, members: Sequence[tuple[Token, ...]]
) -> tuple[list[Token], int]:
    r"""Return the condition that ``\setminus \{i\}`` says, if it stands here, and where it ends."""
    if k >= len(tokens) or tokens[k].text not in LESS or len(members) != 1:
        return [], k
    end = k + 1
    if end < len(tokens) and tokens[end].kind == "OPEN":
        end = partner(tokens, end)
        inner = tokens[k + 2 : end]
    else:
        inner = tokens[k + 1 : k + 2]
    labels = _labels(inner)
    if not labels or len(labels) != 1:
        return [], k
    other = _token("COMPARE", "!=", tokens[k])
    return [_token("COMMA", ",", tokens[k]), *members[0], other, *labels[0]], end + 1


def _counted(tokens: Sequence[Token], found: Collection[str]) -> list[Token]:
    """Return a text in which the number of what is in a set is a sum."""
    result: list[Token] = []
    k = 0
    used = {t.text for t in tokens if t.kind == "LETTER"}
    letter = names.fresh_labels(used, 1, "i")[0]
    while k < len(tokens):
        own = _set_at(tokens, k + 1) if _is_bar(tokens[k]) else None
        if own is None or own.key not in found or not _is_bar_at(tokens, own.end):
            result.append(tokens[k])
            k += 1
            continue
        result += _number_in(own, letter, tokens[k])
        k = own.end + 1
    return result


def _number_in(own: SetName, letter: str, head: Token) -> list[Token]:
    r"""Return ``(\sum_i 1[S_i > 0])``."""
    label = _token("LETTER", letter, head)
    total = [_token("COMMAND", r"\sum", head), _token("SUB", "_", head), *_braced([label], head)]
    one = [_token("NUMBER", "1", head), _token("OPEN", "[", head)]
    inside = [*own.at([(label,)], head), _token("COMPARE", ">", head)]
    closed = [_token("NUMBER", "0", head), _token("CLOSE", "[", head)]
    around = _token("OPEN", "(", head), _token("CLOSE", "(", head)
    return [around[0], *total, *one, *inside, *closed, around[1]]


def _is_bar(token: Token) -> bool:
    return token.text == "|" and token.kind in {"BAR", "OPEN"}


def _is_bar_at(tokens: Sequence[Token], k: int) -> bool:
    return k < len(tokens) and tokens[k].text == "|" and tokens[k].kind in {"BAR", "CLOSE"}
