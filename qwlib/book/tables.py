"""Numbers and tables, as pages, prose and explorers show them.

`table` makes of rows what a notebook shows: HTML in a page, aligned text where there is none, and
nbval compares both to the letter.  `facts` is for a few numbers below each other.  How a number is
written is said here alone, by `number`; what stands in a heading takes an underscore for a lowered
letter, as the names of sliders do.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

DIGITS = ".3g"
"""How a number is written where nobody says otherwise: three digits that count."""

NONE = "–"
"""What stands for nan and None."""

SMALLEST = 1e-9
"""What is below is rounding, in whatever unit: a sum that cancels, and not a small quantity."""

SPIN = "∫S_y dz (10⁻³ nm⁻² per τeE/ħ)"
"""Heading of a spin density integrated over the well."""


def number(value: float | str | None, digits: str = "") -> str:
    """Return a number as a page shows it, with a true minus sign and powers of ten raised.

    Words stay as they are, whole numbers have no decimals unless `digits` is given, and zero has no
    sign.  `digits` is one of Python's format specifications, "" for as many digits as there are;
    what follows a vertical bar is added to each number, as in ".1f| %".  Fixed decimals are the
    least, see `enough`; with "!" behind them there are no more, as for an exponent that comes out
    as 0.
    """
    if value is None or isinstance(value, str):
        return NONE if value is None else value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    digits, _, unit = enough(digits, [value]).replace("!", "").partition("|")
    if isinstance(value, int | np.integer) and digits in ("", DIGITS):
        digits = "d"
    if not np.isfinite(value):
        return NONE
    if value == 0 and digits.endswith("e"):  # it has no order of magnitude
        return "0" + unit
    if not digits.endswith("d"):
        sign = "+" if digits.startswith("+") else ""
        digits = f"{sign}z{digits.removeprefix('+') or 'g'}"
    text = format(value if digits.endswith("d") else float(value), digits)
    text = re.sub(
        r"e([+-])0*(\d+)",
        lambda e: " · 10" + f"{e[1]}{e[2]}".strip("+").translate(SUPERSCRIPTS),
        text,
    )
    return text.replace("-", "−") + unit


def enough(digits: str, values: Iterable) -> str:
    """Return how numbers are written, with "!", so that three digits of the largest count.

    The decimals of a column are chosen for the paper's well; a material whose energies or couplings
    are of another order has more of them.  What has no fixed decimals stays as it is, and so does
    what has no more decimals, is below `SMALLEST`, or is asked for as whole numbers and not below
    1.
    """
    fixed = re.fullmatch(r"(\+?)\.(\d+)f(\|.*)?", digits)
    if not fixed:
        return digits
    numbers = (float(v) for v in values if isinstance(v, float | np.floating))
    return f"{fixed[1]}.{decimals(int(fixed[2]), numbers)}f!{fixed[3] or ''}"


def decimals(least: int, values: Iterable[float]) -> int:
    """Return the decimals of numbers that `enough` writes: so many, or more."""
    sizes = [abs(v) for v in values if np.isfinite(v)]
    top = max(sizes, default=0.0)
    exact = all(abs(v - round(v, least)) < SMALLEST * top for v in sizes)
    if top < SMALLEST or exact or (top >= 1 and not least):
        return least
    return max(least, int(2 - np.floor(np.log10(top))))


def several(values: Iterable[float], digits: str = DIGITS, none: str = "none") -> str:
    """Return numbers with commas between them, or what is said where there are none."""
    return ", ".join(number(value, digits) for value in values) or none


def lowered(text: str) -> str:
    """Return a text as HTML in which an underscore lowers what follows it, but in names of code."""
    return re.sub(r"(?<![a-z]{2})_(\w+)", r"<sub>\1</sub>", html.escape(text))


def raised(unit: str) -> str:
    """Return a unit with its powers as superscripts."""
    return re.sub(r"\^(-?\d+)", lambda power: power[1].translate(SUPERSCRIPTS), unit)


@dataclass(frozen=True, repr=False)
class Table:
    """What a notebook shows as a table."""

    head: Sequence[str]  # a heading for each column, with the unit; none for a list of facts
    cells: Sequence[Sequence[tuple]]  # rows of (value, digits), as `number` takes them
    # Whether each number goes with all its digits in a `<data>`, for a script that reads the page:
    # another machine has others, so nothing that is stored is such a table.
    exact: bool = False

    def __repr__(self) -> str:
        from tabulate import tabulate  # which a page has no need to load

        cells = [[number(*one) for one in row] for row in self.cells]
        if self.head and not cells:
            cells = [["none"] + [""] * (len(self.head) - 1)]
        style, widest = ("simple", 14) if self.head else ("plain", None)
        return tabulate(
            cells,
            self.head,
            style,
            colalign=self._sides or None,
            disable_numparse=True,
            maxheadercolwidths=widest,
        )

    def _repr_html_(self) -> str:
        styles = ["" if side == "left" else ' style="text-align: right;"' for side in self._sides]

        def line(tag: str, texts: list[str]) -> str:
            cells = zip(styles, texts, strict=True)
            return "".join(f"<{tag}{style}>{text}</{tag}>" for style, text in cells)

        head = [lowered(text.rstrip()) for text in self.head]
        rows = [line("td", [self._tagged(*one) for one in row]) for row in self.cells]
        if self.head and not rows:
            rows = [f'<td colspan="{len(self.head)}">none</td>']
        return "\n".join(
            [
                "<table>",
                *([f"<thead>\n<tr>{line('th', head)}</tr>\n</thead>"] if head else []),
                "<tbody>",
                *(f"<tr>{row}</tr>" for row in rows),
                "</tbody>\n</table>",
            ]
        )

    def _tagged(self, value: float | str | None, digits: str = DIGITS) -> str:
        text = lowered(number(value, digits))
        if not self.exact or value is None or isinstance(value, str) or not np.isfinite(value):
            return text
        plain = int(value) if isinstance(value, int | np.integer) else float(value) + 0.0
        return f'<data value="{plain!r}">{text}</data>'

    @property
    def _sides(self) -> list[str]:
        """Return of each column where its text stands: numbers on the right."""
        columns = zip(*self.cells, strict=True) if self.cells else [[("", "")]] * len(self.head)
        words = (any(isinstance(one[0], str) for one in column) for column in columns)
        return ["left" if one else "right" for one in words]


def table(
    columns: Mapping[str, str] | Sequence[str], rows: Iterable[Sequence], *, exact: bool = False
) -> Table:
    """Return a table of rows.

    Parameters
    ----------
    columns : mapping of str to str, or sequence of str
        Headings, each with how the numbers below it are written; left out, that is `DIGITS`.
    rows : iterable of sequence
        Numbers, words, or None where there is nothing.
    exact : bool
        As in `Table`.

    Examples
    --------
    >>> table({"d (nm)": ".2f", "kind": "", "E (eV)": ".4f"}, [(2.2, "mixed", -0.19291)])
      d (nm)  kind      E (eV)
    --------  ------  --------
        2.20  mixed    −0.1929
    """
    written = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, DIGITS)
    rows = [list(row) for row in rows]
    below = zip(*rows, strict=True) if rows else [()] * len(written)
    digits = [enough(*column) for column in zip(written.values(), below, strict=True)]
    return Table(list(written), [list(zip(row, digits, strict=True)) for row in rows], exact)


def facts(rows: Iterable[tuple], *, exact: bool = False) -> Table:
    """Return a list of numbers: what each is, its value and, if not `DIGITS`, how it is written."""
    return Table(
        [],
        [[(name, ""), (value, *(enough(one, [value]) for one in of))] for name, value, *of in rows],
        exact,
    )


def of_kinds(some: Iterable[tuple], first: Sequence[str] = (), *, exact: bool = False) -> Table:
    """Return the numbers of states, their chiralities and contributions, by kind.

    Each of `some` is what stands in front of its rows, under the headings `first`, and the states.
    """
    rows = []
    for *front, states in some:
        for kind in ("propagating", "mixed", "interface", "all"):
            of = states if kind == "all" else states[states.kind == kind]
            signs = [int((of.chirality == sign).sum()) for sign in (1, -1, 0)]
            rows.append((*front, kind, len(of), *signs, 1e3 * of.contribution.sum()))
    names = (*first, "kind", "states", "+", "−", "no chirality")
    return table(dict.fromkeys(names, "") | {SPIN: ".3f"}, rows, exact=exact)


def of_all_and_propagating(
    first: Mapping[str, str], some: Iterable[tuple], digits: str = ".3f"
) -> Table:
    """Return numbers and sums, of all states and of the propagating ones alone.

    Each of `some` is what stands in front, written as `first` says, and the states; the sums have
    `digits`.
    """
    rows = []
    for *front, states in some:
        waves = states[states.kind == "propagating"]
        sums = [1e3 * one.contribution.sum() for one in (states, waves)]
        rows.append((*front, len(states), len(waves), *sums))
    own = {"states": "d", "propagating": "d", SPIN: digits, "of propagating ones": digits}
    return table({**first, **own}, rows)
