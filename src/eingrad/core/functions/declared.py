"""Functions that a text declares, which stand for any: the names of their derivatives.

That of a function of one number has primes, ``phi''``. Of one of several numbers it has a prime and
the arguments by which it is taken, in order, for it does not matter which comes first: ``f'13``.
"""

from __future__ import annotations

MOST_ARGUMENTS = 9  # one digit each
PRIME = "'"


def declared_base(function: str) -> str:
    """Return the function that a derivative is of, and what has no prime as it is.

    >>> declared_base("phi''"), declared_base("f'13"), declared_base("tanh")
    ('phi', 'f', 'tanh')
    """
    return function.partition(PRIME)[0]


def differentiated(function: str, argument: int, count: int) -> str:
    """Return the name of the derivative by one of ``count`` arguments.

    >>> differentiated("phi'", 0, 1), differentiated("f'3", 0, 3), differentiated("f", 1, 2)
    ("phi''", "f'13", "f'2")
    """
    base, _, places = function.partition(PRIME)
    if count == 1:
        return function + PRIME
    return base + PRIME + "".join(sorted(f"{places}{argument + 1}"))


def arguments_of(function: str) -> tuple[int, ...]:
    """Return by which arguments a function was differentiated, once for each time.

    >>> arguments_of("f'13"), arguments_of("phi''"), arguments_of("f")
    ((0, 2), (0, 0), ())
    """
    places = function.partition(PRIME)[2]
    if places.isdigit():
        return tuple(int(x) - 1 for x in places)
    return (0,) * (len(function) - len(declared_base(function)))


def is_derivative_of(function: str, count: int) -> bool:
    """Whether the primes of a name are such of a function of so many arguments.

    >>> is_derivative_of("f'13", 3), is_derivative_of("f'13", 2), is_derivative_of("f'", 2)
    (True, False, False)
    """
    places = function.partition(PRIME)[2]
    if function == declared_base(function) or count == 1:
        return not places.strip(PRIME)
    return places.isdigit() and all(1 <= int(x) <= count for x in places)
