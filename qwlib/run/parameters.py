"""Parameters as people give them: read, checked, and what to say of those that are not allowed.

A parameter of a chapter is a line of its parameters cell, see `rerun`; those of a sweep are the
fields of `Well` and ``E_F``.  Nothing here needs a notebook.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..grid import DEFAULT_FERMI_ENERGY
from ..matching import Rule
from ..search import check_number
from ..well import EXCHANGE, PARAMETERS, Well, checked_number, written

BOUND = re.compile(r"([<>≤≥])\s*([^\s,]+)")
COMPARE = {
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
    "≤": lambda value, bound: value <= bound,
    "≥": lambda value, bound: value >= bound,
}


LONGEST_AXIS = 10**8
"""Values of one axis, which are kept in memory."""

LARGEST_GRID = 10**12
"""Wells of a grid: months for all cores of a large machine."""

SPACINGS: dict[str, Callable[..., np.ndarray]] = {
    "linspace": np.linspace,
    "logspace": np.logspace,
    "geomspace": np.geomspace,
}
"""The functions of NumPy that a grid file may name."""


LEADERS = {"alpha_L": "alpha_L", "alpha_R": "alpha_L", "d": "d", "V_L": "V_L", "E_F": "E_F"}
"""Parameters of a well whose ranges others share, and what those others follow."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: name, default, unit, meaning, and range in words."""

    name: str
    default: object
    unit: str
    meaning: str
    range: str

    @property
    def like(self) -> str:
        """The field of `Well`, or E_F, whose rule this parameter obeys; empty if none."""
        if self.name in PARAMETERS:
            return self.name
        like, _, _ = self.range.partition(",")
        return like.removeprefix("like ") if like.startswith("like ") else ""

    @property
    def bounds(self) -> str:
        """The bounds in words, which may stand beside the parameter that it is like."""
        return self.range.removeprefix(f"like {self.like}").lstrip(", ")

    @property
    def follows(self) -> str:
        """The parameter of a well that this one is a multiple of unless it is given; empty if none.

        The multiple is the paper's.
        """
        return LEADERS.get(self.like, "") if self.like != self.name else ""

    def default_for(self, values: dict[str, Any]) -> Any:
        """Return the default beside the values that are given."""
        if self.follows not in values:
            return self.default
        quantity = PARAMETERS[self.follows]
        given = checked_number(self.follows, values[self.follows], quantity.unit)
        ratio = given / PAPER[self.follows]
        ratio = abs(ratio) if ">" in self.bounds else ratio  # where an axis ends has no sign
        if ratio in (0, 1):  # of no coupling there is no multiple
            return self.default
        if not isinstance(self.default, list):
            multiple = rounded(ratio * float(str(self.default)))
            return multiple if within(multiple, self.bounds) else self.default
        multiples = [rounded(ratio * value) for value in self.default]
        return multiples if ratio > 0 else multiples[::-1]  # what ascends goes on to

    @property
    def allowed(self) -> str:
        """The range in words, also where `Well` decides."""
        if self.bounds:
            return self.bounds
        if self.like and PARAMETERS[self.like].positive:
            return "> 0"
        if self.like == "exchange":
            return " or ".join(EXCHANGE)
        if self.like == "E_F":
            return "below the lower barrier edge"
        return "any"

    def checked(self, value: object) -> object:
        """Return `value` as the chapter needs it.

        A `ValueError` if its type is not that of the default, or it lies outside the bounds of the
        comment.
        """
        if not isinstance(self.default, list):
            return self._checked_one(value, self.default)
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(
                f"{self.name} must be a list of at least one value, like {self.default}, "
                f"got {written(value)}"
            )
        return [self._checked_one(element, self.default[0]) for element in value]

    def _checked_one(self, value: object, example: object) -> object:
        if isinstance(example, str):
            if not isinstance(value, str):
                raise ValueError(
                    f"{self.name} must be a word, like {example!r}, got {written(value)}"
                )
            return value
        number = checked_number(self.name, value, self.unit)
        if not within(number, self.bounds):
            raise ValueError(
                f"{self.name} must be {self.bounds} {self.unit}".rstrip()
                + f", got {written(value)}"
            )
        if isinstance(example, float):
            return number
        if not number.is_integer():
            raise ValueError(f"{self.name} must be a whole number, got {written(value)}")
        return int(number)


PAPER = {**asdict(Well()), "E_F": DEFAULT_FERMI_ENERGY}
"""The well of Fig. 2(a)."""


def within(number: float, bounds: str) -> bool:
    """Whether a number obeys all bounds of a comment."""
    return all(COMPARE[sign](number, float(bound)) for sign, bound in BOUND.findall(bounds))


def rounded(number: float) -> float:
    """Return a number of three digits, as people choose them."""
    return float(f"{number:.3g}") + 0.0  # no −0


def check_well(values: dict[str, Any], E_F: Any) -> None:
    """Raise the ValueError of `Well`, or of its Fermi energy, if these do not fit together.

    So does a well of more states than the solver can find.
    """
    if "E_F" in values:
        E_F = values["E_F"]
    well = Well(**{name: value for name, value in values.items() if name != "E_F"})
    if E_F is not None:
        E_F = well.checked_fermi_energy(E_F)
        check_number(Rule.of_well(well, E_F), 0.0, "E_F")


def hint(name: str, names: Collection[str]) -> str:
    """Return how to go on after a name that does not exist."""
    folded = [other for other in names if other.lower() == name.lower()]
    close = folded or difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names) or 'none'}"


# --- Values ---------------------------------------------------------------------------------------


def read_values(pairs: Iterable[str], files: Iterable[str]) -> dict[str, object]:
    """Return the values that the command line gives, one for each name.

    Pairs are ``name=value``, the value a Python literal; what is not one stays a string.  Files are
    YAML and hold a mapping from names to values.  A `ValueError` if one of them is something else,
    or a name has two values.
    """
    found: list[tuple[str, object]] = []
    for file in files:
        from .files import read_mapping  # which needs a package that one well does without

        found += read_mapping(file).items()
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not (name and equals and text):
            raise ValueError(f"-p takes name=value, got {pair!r}")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = text
        found.append((name, value))
    values: dict[str, object] = {}
    for name, value in found:
        if name in values:
            raise ValueError(f"{name} is given two values, {values[name]!r} and {written(value)}")
        values[name] = value
    return values


# --- A grid --------------------------------------------------------------------------------------


def read_well(values: dict[str, object]) -> tuple[Well, float]:
    """Return the well and the Fermi energy that `values` name; the others are those of the paper.

    A `ValueError` if a name is no parameter of a well, or a value is not allowed.
    """
    _check_names(values)
    given: dict[str, Any] = {name: _checked(name, value) for name, value in values.items()}
    E_F = given.pop("E_F", DEFAULT_FERMI_ENERGY)
    check_well(given, E_F)
    return Well(**given), E_F


def read_grid(file: str) -> dict[str, object]:
    """Return the parameters of a sweep, as `sweep` takes them, from a YAML file.

    A `ValueError` if the file or a value in it is not what it should be.
    """
    values = read_values([], [file])
    _check_names(values)
    # Before any axis is made, which may take long.
    wells = math.prod(map(_length, values.values()))
    if wells > LARGEST_GRID:
        raise ValueError(f"{file} must stand for at most {LARGEST_GRID:.0e} wells, got {wells:.3g}")
    return {name: _read(name, value) for name, value in values.items()}


def _check_names(values: Iterable[str]) -> None:
    for name in values:
        if name not in PARAMETERS:
            raise ValueError(f"{name} is not a parameter of a well{hint(name, PARAMETERS)}")


def _length(value: object) -> int:
    """Return how many values there will be of a parameter, if what is given of it is allowed."""
    if isinstance(value, dict):
        arguments = next(iter(value.values()), None)
        n = arguments[-1] if isinstance(arguments, list) and arguments else 1
        return n if isinstance(n, int) and 1 <= n <= LONGEST_AXIS else 1
    return max(len(value), 1) if isinstance(value, list) else 1


def _read(name: str, value: object) -> object:
    """Return a value or an axis of the parameter `name`."""
    if isinstance(value, dict):
        axis = _spaced(name, value)
    elif isinstance(value, list):
        if not value:
            raise ValueError(f"{name} must have at least one value, got []")
        axis = np.array([_checked(name, element) for element in value])
    else:
        return _checked(name, value)
    if name == "exchange":
        ordered = np.unique(axis).size == axis.size
    else:
        ordered = bool((axis[1:] > axis[:-1]).all() or (axis[1:] < axis[:-1]).all())
    if not ordered:
        raise ValueError(
            f"{name} must rise or fall from each value to the next, as the axes of a file do"
        )
    return axis


def _checked(name: str, value: object) -> object:
    """Return one value; what else a well asks of it is checked later."""
    if name != "exchange":
        return checked_number(name, value, PARAMETERS[name].unit)
    if value not in EXCHANGE:
        raise ValueError(f"exchange must be one of {EXCHANGE}, got {written(value)}")
    return value


def _spaced(name: str, value: dict) -> np.ndarray:
    """Return the values that, say, ``linspace: [0, 1, 11]`` stands for."""
    kind, arguments = next(iter(value.items()), (None, None))
    if name == "exchange" or len(value) != 1 or kind not in SPACINGS:
        allowed = "" if name == "exchange" else f", or one of {', '.join(SPACINGS)}"
        raise ValueError(f"{name} must be a value, a list{allowed}, got {written(value)}")
    where = f"{kind} of {name}"
    if not isinstance(arguments, list) or len(arguments) != 3:
        raise ValueError(f"{where} must be [first, last, number of values], got {arguments!r}")
    *ends, n = arguments
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= LONGEST_AXIS:
        raise ValueError(
            f"{where} must have a whole number of values from 1 to {LONGEST_AXIS}, got {n!r}"
        )
    unit = "" if kind == "logspace" else PARAMETERS[name].unit  # there the ends are powers of ten
    first, last = (checked_number(where, end, unit) for end in ends)
    if kind == "geomspace" and first * last <= 0:
        raise ValueError(f"{where} must have ends of one sign that are not 0, got {ends!r}")
    with np.errstate(all="ignore"):  # what is not finite is refused
        axis = SPACINGS[kind](first, last, n)
    checked_number(name, axis[np.argmin(np.isfinite(axis))].item(), PARAMETERS[name].unit)
    return axis
