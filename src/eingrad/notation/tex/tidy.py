r"""What stands around formulas: ``\left``, labels and colours, boxes, braces with a note."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import takewhile

from eingrad.notation.tex.arrows import with_arrows
from eingrad.notation.tex.cases_behind import with_cases_behind
from eingrad.notation.tex.counted_terms import with_whole_sums
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import (
    ACCENTS,
    BOLD,
    FONTS,
    FRACTIONS,
    PARAMETERS,
    VARIANTS,
    big,
    function_command,
    function_name,
    greek,
)
from eingrad.notation.tex.packages import with_own_commands
from eingrad.notation.tokens import MAX_DEPTH, Token, too_deep

DROPPED = frozenset({
    r"\label", r"\tag", r"\hspace", r"\vspace", r"\phantom", r"\hphantom", r"\color", r"\textcolor",
    r"\intertext", r"\mspace", r"\vphantom", r"\ref", r"\eqref", r"\cite", r"\footnote",
    r"\colorbox", r"\stackrel", r"\overset", r"\require", r"\hskip", r"\kern",
})  # fmt: skip
UNWRAPPED = frozenset({
    r"\boxed", r"\fbox", r"\mathop", r"\mathbin", r"\mathrel", r"\ensuremath", r"\smash",
    r"\mathclap", r"\cancel", r"\bcancel", r"\xcancel", r"\mathord", r"\mathopen", r"\mathclose",
    r"\uwave", r"\underline",
})  # fmt: skip
WITH_NOTE = frozenset({  # what stands below or above is no formula
    r"\underbrace", r"\overbrace", r"\underbracket", r"\overbracket",
})  # fmt: skip
PLACEHOLDERS = frozenset({".", r"\cdot", r"\cdots", r"\ldots", r"\dots", r"\bullet"})
OLD_FONTS = {
    r"\bf": r"\mathbf", r"\rm": r"\mathrm", r"\it": r"\mathit", r"\cal": r"\mathcal",
    r"\sf": r"\mathsf", r"\tt": r"\mathtt", r"\bfseries": r"\mathbf", r"\boldmath": r"\mathbf",
    r"\Bbb": r"\mathbb",
}  # fmt: skip
ENDS_ROW = frozenset({"ROW", "NEWLINE", "SHIFT", "BEGIN", "END", "ARROW", "QUAD"})
TABLES = frozenset({"array", "aligned", "split", "gathered"})  # that hold cases behind a brace
SHORT_WORDS = frozenset(
    ["old", "new", "err", "out", "reg", "avg", "num", "obs", "net", "val", "pos"]
)  # which no product of three letters is


def tidied(lexer: Lexer, known: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a text without what is there for the eye alone.

    ``known`` are the tensors that a claim may speak of. Raises NotationError for a text that nests
    too deep.
    """
    tokens = with_arrows(with_own_commands(list(lexer.tokens())), known, lexer)
    tokens = _variants_apart(tokens, known)
    tokens = with_cases_behind(_join_delimiters(tokens, lexer), lexer)
    tokens = _with_cases(_with_dots(tokens), lexer)
    bare = _without_dropped(_with_braces_in_fractions(with_whole_sums(tokens)))
    bare = _without_placeholders(_without_empty(_unwrapped(_unstacked(bare))))
    bare = _letters_apart(_scripts_outside(_zeros(_fonts_outside(bare))), known)
    result = _with_functions(_without_braces(_brackets_below(_calls_outside(bare))))
    result = _increments(result, known)
    _check_depth(result, lexer)
    return result


def _variants_apart(tokens: list[Token], known: Collection[str]) -> list[Token]:
    r"""Read ``\varphi`` as a name of its own where a text, or its model, has ``\phi``, too."""
    texts = {t.text for t in tokens}
    apart = {f"\\{name}" for name in VARIANTS if name in known}
    apart |= {f"\\var{x}" for x in VARIANTS.values() if {f"\\{x}", f"\\var{x}"} <= texts}
    return [replace(t, text=f"{t.text} ") if t.text in apart else t for t in tokens]


def _join_delimiters(tokens: list[Token], lexer: Lexer) -> list[Token]:
    r"""Read ``\left(`` and ``\right)`` as parentheses; ``\left|`` opens, ``\right|`` closes."""
    result: list[Token] = []
    side = None
    for token in tokens:
        if side is None:
            if token.kind == "COMMAND" and token.text in {r"\left", r"\right"}:
                side = token
            elif not (token.kind == "COMMAND" and token.text == r"\middle"):
                result.append(token)
            continue
        if token.kind not in {"OPEN", "CLOSE", "BAR"} and token.text != ".":
            raise _alone(side, lexer)
        kind = "OPEN" if side.text == r"\left" else "CLOSE"
        result.append(Token(kind, token.text, side.line, side.column, side.width, side.spaced))
        side = None
    if side is not None:
        raise _alone(side, lexer)
    return result


def _with_cases(tokens: list[Token], lexer: Lexer) -> list[Token]:
    r"""Read ``\left\{ \begin{array}{ll} ... \end{array} \right.`` as cases."""
    if not any(t.text in TABLES and t.kind == "BEGIN" for t in tokens):
        return tokens
    result: list[Token] = []
    opened: list[bool] = []  # whether the arrays that are open are cases
    for k, token in enumerate(tokens):
        after = tokens[k + 1] if k + 1 < len(tokens) else None
        begins = after is not None and after.kind == "BEGIN" and after.text in TABLES
        begins = begins and after is not None and (after.text == "array" or token.text == r"\{")
        if begins and after is not None and token.kind in {"OPEN", "BAR"} and token.text != r"\{":
            reason = "a matrix entry by entry"
            raise lexer.error(after, reason, "name it, and declare its shape")
        if token.text in TABLES and token.kind == "BEGIN":
            opened.append(k > 0 and tokens[k - 1].kind == "OPEN")
            if opened[-1]:
                result[-1:] = [replace(token, kind="CASES")]
                continue
        elif token.text in TABLES and token.kind == "END" and opened and opened.pop():
            result.append(replace(token, kind="ENDCASES"))
            continue
        elif token.kind == "CLOSE" and k and tokens[k - 1].text in TABLES and (
            result and result[-1].kind == "ENDCASES"
        ):  # fmt: skip
            continue
        result.append(token)
    return result


def _with_dots(tokens: list[Token]) -> list[Token]:
    r"""Read the points of ``(\sigma(z) - y).x_i`` as signs of multiplication: between factors, and
    in front of no further equation if a space follows."""
    result = list(tokens)
    for k, token in enumerate(tokens[1:-1], 1):
        before, after = tokens[k - 1], tokens[k + 1]
        ends = before.kind in {"LETTER", "CLOSE", "RBRACE"} or bool(greek(before.text))
        named = greek(after.text) or function_command(after.text) or big(after.text)
        begins = after.kind in {"LETTER", "OPEN"} or named or after.text in FRACTIONS | BOLD
        if token.text != "." or not (ends and begins) or before.text == r"\{":
            continue
        rest = takewhile(lambda t: t.kind not in ENDS_ROW, tokens[k + 1 :])
        if not after.spaced or all(t.kind not in {"EQUAL", "COMPARE", "COMMA"} for t in rest):
            result[k] = replace(token, kind="TIMES", text="*")
    return result


def _with_braces_in_fractions(tokens: Sequence[Token]) -> list[Token]:
    r"""Read ``\frac d{dx}`` and ``\frac1N`` as ``\frac{d}{dx}``, ``\frac{1}{N}``."""
    bare: set[int] = set()
    for k, token in enumerate(tokens):
        if token.text in FRACTIONS:
            middle = _argument_end(tokens, k + 1)
            end = _argument_end(tokens, middle)
            if k + 1 < middle < end and tokens[middle].kind != "NUMBER":
                bare |= {x for x in (k + 1, middle) if tokens[x].kind != "LBRACE"}
    result: list[Token] = []
    for k, token in enumerate(tokens):
        left, right = (replace(token, kind=kind, text=text, spaced=False)
                       for kind, text in (("LBRACE", "{"), ("RBRACE", "}")))  # fmt: skip
        result += [left, token, right] if k in bare else [token]
    return result


def _argument_end(tokens: Sequence[Token], k: int) -> int:
    """Return where braces end, or a letter or digit without them; k where none stands there."""
    if k >= len(tokens):
        return k
    token = tokens[k]
    if token.kind == "LBRACE":
        return group_end(tokens, k) + 1
    digit = token.kind == "NUMBER" and len(token.text) == 1
    single = token.kind == "LETTER" or token.text == r"\partial" or greek(token.text)
    return k + 1 if digit or single else k


def _alone(side: Token, lexer: Lexer) -> Exception:
    reason = f"{side.text} without a parenthesis after it"
    return lexer.error(side, reason, rf"write {side.text}( or {side.text})")


def _unstacked(tokens: Sequence[Token]) -> list[Token]:
    r"""Write the rows of ``\substack{i < j \\\\ j \ne k}`` side by side, with commas between."""
    result: list[Token] = []
    opened: list[bool] = []
    for k, token in enumerate(tokens):
        stacked = k > 0 and tokens[k - 1].text == r"\substack"
        if token.text == r"\substack":
            continue
        if token.kind == "LBRACE":
            opened.append(stacked)
        closes = token.kind == "RBRACE" and bool(opened) and opened.pop()
        if token.kind == "ROW" and opened and opened[-1]:
            token = replace(token, kind="COMMA", text=",")
        if not (stacked or closes):
            result.append(token)
    return result


def _without_dropped(tokens: Sequence[Token]) -> list[Token]:
    """Leave out commands whose braces hold no mathematics, with these braces."""
    result: list[Token] = []
    skip_group, depth = False, 0
    for token in tokens:
        if token.kind == "COMMAND" and token.text in DROPPED and not depth:
            skip_group = True
        elif skip_group and token.text == "*":
            continue
        elif skip_group or depth:
            skip_group = False
            depth += (token.kind == "LBRACE") - (token.kind == "RBRACE")
        else:
            result.append(token)
    return result


def _unwrapped(tokens: list[Token]) -> list[Token]:
    r"""Read ``\boxed{x}`` as x, ``\underbrace{x}_{note}`` too, ``\underset{k}{f}`` as f_{k}."""
    result: list[Token] = []
    k = 0
    closing: list[int] = []  # the braces that are left out, and
    noted: set[int] = set()  # those behind which a note stands
    while k < len(tokens):
        token = tokens[k]
        opens = token.kind == "COMMAND" and tokens[k + 1 : k + 2] and tokens[k + 1].kind == "LBRACE"
        if opens and token.text in UNWRAPPED | WITH_NOTE:
            end = group_end(tokens, k + 1)
            closing.append(end)
            if token.text in WITH_NOTE:
                noted.add(end)
            k += 2
        elif opens and token.text == r"\underset":
            k = _underset(tokens, k)
        elif k in closing:
            k += 1
            if k - 1 in noted and tokens[k : k + 1] and tokens[k].kind in {"SUB", "SUP"}:
                k = group_end(tokens, k + 1) + 1
        else:
            result.append(token)
            k += 1
    return result


def _underset(tokens: list[Token], k: int) -> int:
    r"""Rewrite ``\underset{below}{word}`` as ``word_{below}`` in place; return where it begins."""
    middle = group_end(tokens, k + 1)
    if middle + 1 >= len(tokens) or tokens[middle + 1].kind != "LBRACE":
        return k + 1
    end = group_end(tokens, middle + 1)
    sub = Token("SUB", "_", tokens[k].line, tokens[k].column, tokens[k].width)
    tokens[k : end + 1] = [*tokens[middle + 2 : end], sub, *tokens[k + 1 : middle + 1]]
    return k


def group_end(tokens: Sequence[Token], k: int) -> int:
    """Return where the braces that open at k close; k itself where none open."""
    depth = 0
    for j in range(k, len(tokens)):
        depth += (tokens[j].kind == "LBRACE") - (tokens[j].kind == "RBRACE")
        if depth <= 0:
            return j
    return len(tokens) - 1


def _fonts_outside(tokens: list[Token]) -> list[Token]:
    r"""Read ``{\bf y}`` as ``\mathbf{y}``."""
    result = list(tokens)
    for k in range(len(result) - 1):
        if result[k].text in OLD_FONTS and result[k + 1].kind in {"LBRACE", "LETTER"}:
            result[k] = replace(result[k], text=OLD_FONTS[result[k].text])  # \cal{L}
        opened, font = result[k], result[k + 1]
        if opened.kind == "LBRACE" and font.text in OLD_FONTS:
            result[k : k + 2] = [replace(font, text=OLD_FONTS[font.text]), opened]
    return result


def _zeros(tokens: list[Token]) -> list[Token]:
    r"""Read ``\mathbf{0}``, a vector of zeros, as 0."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        texts = [t.text for t in result[-4:]]
        braced = texts[1:] == ["{", "0", "}"] and texts[0] in BOLD
        if braced or (texts[-1:] == ["0"] and texts[-2:-1] and texts[-2] in BOLD):
            zero = result[-2] if braced else token
            result[-4 if braced else -2 :] = [zero]
    return result


def _scripts_outside(tokens: list[Token]) -> list[Token]:
    r"""Read ``\mathbf{y_i}`` as ``\mathbf{y}_i``: scripts inside of a font or an accent hang on it.

    ``\hat{x^2}`` stays: the hat may be over the square.
    """
    result = list(tokens)
    for k in range(len(tokens) - 2, -1, -1):
        head = result[k].text
        if head not in FONTS | ACCENTS.keys() or result[k + 1].kind != "LBRACE":
            continue
        end = group_end(result, k + 1)
        start = _first_script(result, k + 2, end)
        below = start < end and (result[start].kind == "SUB" or head not in ACCENTS)
        numbered = [t.kind for t in result[start + 1 : start + 3]] == ["LBRACE", "OPEN"]
        if (below or numbered) and _is_script_list(result, start, end):
            closing = result.pop(end)
            result.insert(start, closing)
    return result


def _first_script(tokens: Sequence[Token], k: int, end: int) -> int:
    """Return where the first script between k and end stands that no braces enclose."""
    depth = 0
    while k < end and (depth or tokens[k].kind not in {"SUB", "SUP"}):
        depth += (tokens[k].kind == "LBRACE") - (tokens[k].kind == "RBRACE")
        k += 1
    return k


def _is_script_list(tokens: Sequence[Token], k: int, end: int) -> bool:
    """Whether nothing but scripts stands between k and end."""
    while k < end and tokens[k].kind in {"SUB", "SUP"}:
        k = group_end(tokens, k + 1) + 1
    return k == end


def words_on_the_left(sides: Sequence[Sequence[Token]]) -> str:
    """Return the name of several letters that a left side is, ``MSE``, ``CE(y)``, or nothing.

    Letters side by side before an equals sign are no product, unless one name stands behind it.
    """
    left, right = sides[0], sides[1]
    end = _run(left, 0)
    word = "".join(t.text for t in left[:end])
    alone = end == len(left) or (left[end].kind in {"OPEN", "SUB"} and left[-1].kind in {"CLOSE",
        "RBRACE", "LETTER"})  # fmt: skip
    named = len(word) > 2 or (len(word) == 2 and word.isupper())
    return word if named and alone and len(right) > 1 and word[0] != "d" else ""


def _increments(tokens: list[Token], known: Collection[str]) -> list[Token]:
    r"""Read ``\Delta t`` as one name, deltat, if no Delta of a text stands alone."""
    places = [k for k, t in enumerate(tokens) if t.text == r"\Delta"]
    joined = all(
        tokens[k + 1 : k + 2] and tokens[k + 1].kind == "LETTER" and tokens[k + 1].text.islower()
        for k in places
    )
    if not places or not joined or "Delta" in known:
        return tokens
    for k in reversed(places):
        like = tokens[k]
        tokens[k : k + 2] = [
            replace(like, kind="COMMAND", text=r"\mathrm"), replace(like, kind="LBRACE", text="{"),
            *(replace(like, kind="LETTER", text=x) for x in "delta"), tokens[k + 1],
            replace(like, kind="RBRACE", text="}"),
        ]  # fmt: skip
    return tokens


def _run(tokens: Sequence[Token], k: int) -> int:
    """Return where the letters end that stand side by side from k."""
    end = k
    while (
        end < len(tokens) and tokens[end].kind == "LETTER" and (end == k or not tokens[end].spaced)
    ):
        end += 1
    return end


def with_words(tokens: Sequence[Token], words: Collection[str]) -> list[Token]:
    r"""Read letters that spell one of some words as ``\mathrm{word}``."""
    result: list[Token] = []
    k = 0
    while k < len(tokens):
        token = tokens[k]
        end = _run(tokens, k)
        if token.text in FONTS and tokens[k + 1 : k + 2] and tokens[k + 1].kind == "LBRACE":
            end = group_end(tokens, k + 1) + 1
            result += tokens[k:end]
        elif (word := "".join(t.text for t in tokens[k:end])) in words:
            result += [replace(token, kind="COMMAND", text=r"\mathrm"),
                       replace(token, kind="LBRACE", text="{"), *tokens[k:end],
                       replace(token, kind="RBRACE", text="}")]  # fmt: skip
        else:
            end = max(end, k + 1)
            if word[:1] in {"d"} and word[1:] in words:  # dMSE
                result.append(token)
                end = k + 1
            else:
                result += tokens[k:end]
        k = end
    return result


def spelled_word(tokens: Sequence[Token]) -> tuple[Token, str] | None:
    """Return letters side by side that spell a word, and would be taken for a product.

    Four small letters in a row are no product that anybody writes without spaces, nor are ``old``
    and its like. Scripts hold labels, and the braces of a font a name.
    """
    k = 0
    while k < len(tokens):
        end = _run(tokens, k)
        word = "".join(t.text for t in tokens[k:end])
        if word.isascii() and ((len(word) > 3 and word[1:].islower()) or word in SHORT_WORDS):
            return tokens[k], word
        named = tokens[k].text in FONTS | ACCENTS.keys()
        if (named or tokens[k].kind in {"SUB", "SUP"}) and k + 1 < len(tokens):
            end = group_end(tokens, k + 1) + 1
        k = max(end, k + 1)
    return None


def _letters_apart(tokens: list[Token], known: Collection[str]) -> list[Token]:
    r"""Read ``\mathbf{Wx}`` as ``\mathbf{W}\mathbf{x}`` where both letters are bold alone, too,
    known, or stand in several such words, ``\mathbf{AXB}`` beside ``\mathbf{BAX}``."""
    spans = [
        (k, group_end(tokens, k + 1)) for k, t in enumerate(tokens[:-1])
        if t.text in BOLD and tokens[k + 1].kind == "LBRACE"
    ]  # fmt: skip
    alone = {tokens[k + 2].text for k, end in spans if end == k + 3} | {*known}
    words = {tuple(t.text for t in tokens[k + 2 : end]) for k, end in spans}
    anagrams = [w for w in words if len(w) > 2 and any(
        v != w and sorted(v) == sorted(w) for v in words)]  # fmt: skip
    alone |= {letter for w in anagrams for letter in w}
    result = list(tokens)
    for k, end in reversed(spans):
        inner = tokens[k + 2 : end]
        if len(inner) > 1 and all(t.kind == "LETTER" and t.text in alone for t in inner):
            group = (tokens[k], tokens[k + 1]), tokens[end]
            result[k : end + 1] = [x for t in inner for x in (*group[0], t, group[1])]
    return result


def _brackets_below(tokens: list[Token]) -> list[Token]:
    r"""Read ``P[i]`` as ``P_{i}`` in a text that defines such a name, or differentiates by one."""
    found: dict[int, int] = {}
    surely = False
    for k, token in enumerate(tokens[1:], 1):
        before = tokens[k - 1]
        name = before.kind == "LETTER" and before.text != "E" and not token.spaced
        end = partner(tokens, k) if (token.kind, token.text) == ("OPEN", "[") and name else -1
        inner = tokens[k + 1 : end] if end > 0 else []
        letters = [t for t in inner if t.kind == "LETTER" and t.text.islower()]
        if not letters or any(t.kind not in {"LETTER", "COMMA"} for t in inner):
            continue
        if len(letters) < sum(t.kind == "LETTER" for t in inner):
            continue
        found[k] = end
        head = tokens[k - 2] if k > 1 else None
        starts = head is None or head.kind in {"SHIFT", "ROW", "NEWLINE", "BEGIN"}
        after = [t.kind for t in tokens[end + 1 : end + 2]]
        surely |= (starts and after in (["EQUAL"], ["AMP"])) or (
            head is not None and head.text == r"\partial")  # fmt: skip
    if not surely:
        return tokens
    result: list[Token] = []
    for k, token in enumerate(tokens):
        if k in found:
            sub = replace(token, kind="SUB", text="_")
            result += [sub, replace(token, kind="LBRACE", text="{")]
        elif k in found.values():
            result.append(replace(token, kind="RBRACE", text="}"))
        else:
            result.append(token)
    return result


def _calls_outside(tokens: list[Token]) -> list[Token]:
    r"""Read ``[S(y)]_w`` as ``S(y)_w``, and ``J_{(w)}`` with a parameter as ``J(w)``."""
    result: list[Token] = []
    left_out: set[int] = set()
    for k, token in enumerate(tokens):
        kinds = [t.kind for t in tokens[k : k + 3]]
        if kinds == ["SUB", "LBRACE", "OPEN"] and (end := group_end(tokens, k + 1)) < len(tokens):
            inner = tokens[k + 3 : end - 1]
            names = {greek(t.text) or t.text for t in inner if t.kind != "COMMA"}
            if inner and tokens[end - 1].kind == "CLOSE" and names <= PARAMETERS | {"b"}:
                left_out |= {k, k + 1, end}
        if token.text == "[" and token.kind == "OPEN" and tokens[k + 2 : k + 3]:
            end = partner(tokens, k)
            called = (tokens[k + 1].kind, tokens[k + 2].text) == ("LETTER", "(")
            if called and end > 0 and partner(tokens, k + 2) == end - 1 and (
                [t.kind for t in tokens[end + 1 : end + 2]] == ["SUB"]
            ):  # fmt: skip
                left_out |= {k, end}
        if k not in left_out:
            result.append(token)
    return result


def _without_empty(tokens: Sequence[Token]) -> list[Token]:
    """Leave out ``{}``, which keeps scripts apart."""
    result: list[Token] = []
    for token in tokens:
        kinds = [t.kind for t in result[-2:]]
        if token.kind == "RBRACE" and kinds == ["LBRACE", "EQUAL"]:
            result[-2:] = [result[-1]]
            continue
        empty = token.kind == "RBRACE" and kinds[-1:] == ["LBRACE"]
        before = result[-2] if len(result) > 1 else None
        if empty and before is not None and before.kind not in {"SUB", "SUP", "COMMAND"}:
            result.pop()
        else:
            result.append(token)
    return result


def _without_placeholders(tokens: Sequence[Token]) -> list[Token]:
    r"""Leave out the arguments of ``C(...)`` and ``f(\cdot)``, which name none."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        k = len(result) - 2
        while k > 0 and result[k].text in PLACEHOLDERS:
            k -= 1
        if token.kind == "CLOSE" and k + 2 < len(result) and result[k].text == "(" and (
            k and result[k - 1].kind in {"LETTER", "RBRACE", "COMMAND", "NUMBER"}
        ):  # fmt: skip
            del result[k:]
    return result


def _without_braces(tokens: Sequence[Token]) -> list[Token]:
    r"""Read ``\sigma{(x)}`` as ``\sigma(x)``: braces around parentheses behind a letter.

    ``\partial{x}`` is ``\partial x``, too.
    """
    left_out: set[int] = set()
    for k in range(1, len(tokens) - 1):
        before, opened = tokens[k - 1], tokens[k + 1]
        letter = before.kind == "LETTER" or greek(before.text) is not None
        if k > 1 and tokens[k - 2].text in FRACTIONS:  # \frac x{(a + b)}
            continue
        if tokens[k].kind != "LBRACE":
            continue
        end = group_end(tokens, k)
        single = (
            end == k + 2
            and opened.kind == "LETTER"
            and (
                before.kind not in {"COMMAND", "SUB", "SUP", "RBRACE"}
                and [t.kind for t in tokens[end + 1 : end + 2]] == ["SUP"]
            )
        )  # { e }^{-x}
        bars = before.text in {r"\log", r"\ln"} and opened.kind == tokens[end - 1].kind == "BAR"
        if (
            before.text == r"\partial"
            or bars
            or single
            or (letter and opened.kind == "OPEN" and partner(tokens, k + 1) == end - 1)
        ):
            left_out |= {k, end}
    return [t for k, t in enumerate(tokens) if k not in left_out]


def partner(tokens: Sequence[Token], k: int) -> int:
    """Return where the parenthesis that opens at k closes."""
    depth = 0
    for j in range(k, len(tokens)):
        depth += (tokens[j].kind == "OPEN") - (tokens[j].kind == "CLOSE")
        if depth == 0:
            return j
    return -1


def _with_functions(tokens: Sequence[Token]) -> list[Token]:
    r"""Read the letters ``log`` before an argument as ``\operatorname{log}``.

    Not in a subscript, ``W_{max}``, nor in the braces of a font.
    """
    result: list[Token] = []
    names_open: list[bool] = []
    k = 0
    while k < len(tokens):
        token = tokens[k]
        before = tokens[k - 1] if k else None
        if token.kind == "LBRACE":
            held = before is not None and (
                before.kind == "SUB" or before.text in FONTS | ACCENTS.keys()
            )
            names_open.append(held)
        elif token.kind == "RBRACE" and names_open:
            names_open.pop()
        length = 0 if any(names_open) else _function_length(tokens, k)
        if length:
            head = Token("COMMAND", r"\operatorname", token.line, token.column, 1, token.spaced)
            left, right = (
                Token(kind, text, token.line, token.column, 1)
                for kind, text in (("LBRACE", "{"), ("RBRACE", "}"))
            )
            result += [head, left, *tokens[k : k + length], right]
        else:
            result.append(token)
        k += length or 1
    return result


def _function_length(tokens: Sequence[Token], k: int) -> int:
    """Return how many letters from k are the name of a function that is called there, or 0."""
    if tokens[k].kind != "LETTER" or (k and tokens[k - 1].kind in {"SUB", "SUP"}):
        return 0
    end = k + 1
    while end < len(tokens) and tokens[end].kind == "LETTER" and not tokens[end].spaced:
        end += 1
    word = "".join(t.text for t in tokens[k:end])
    behind = end
    while behind < len(tokens) and tokens[behind].kind == "PRIME":
        behind += 1  # ReLU'(x)
    after = tokens[behind].kind if behind < len(tokens) else "END"
    if behind > end and after != "OPEN":
        return 0
    whole = not k or tokens[k - 1].kind != "LETTER" or tokens[k].spaced
    called = after in {"OPEN", "SUB"} or (whole and after in {"LETTER", "COMMAND", "LBRACE", "BAR"})
    if not whole and not (word.islower() or word.istitle()):
        return 0  # pReLU, but x Tr(A)
    known = len(word) > 2 or word in {"ln", "tr", "Tr"}
    return len(word) if known and called and function_name(word) else 0


def _check_depth(tokens: Sequence[Token], lexer: Lexer) -> None:
    depth = 0
    for token in tokens:
        opens = token.kind in {"LBRACE", "OPEN", "CASES"}
        depth += opens - (token.kind in {"RBRACE", "CLOSE", "ENDCASES"})
        if depth > MAX_DEPTH:
            raise too_deep(lexer.position(token))
