"""Figures with a slider that need no kernel: their data, computed beforehand, go with the page.

Each function returns a `Slider`, which a notebook shows as HTML: the element `<qw-slider>` with
the data in it as JSON.  `book/_static/sliders.js` draws it; where that does not run, the element
says so and the figure above it stands for it.  Numbers are stored rounded as they are shown, so
that what the page prints is what `qwlib` computes at that position, to every digit.

`curves` makes a figure of any curves and marks; `levels` and `totals` have drawings of their own.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ..kubo import KINDS, fermi_states_of
from ..well import HBAR2_OVER_2ME, Well

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr
    from numpy.typing import ArrayLike

    from ..kubo import FermiStates

FALLBACK = (
    "Here the built book has a figure with a slider. "
    "It needs JavaScript, no kernel; the figure above shows the same at fixed values."
)
POSITIONS = 241
"""The most positions of a slider over a grid that was computed for a figure."""
SMALLEST = 1e-4
"""The least height of a frame, in nm⁻² or nm⁻³: where there is nothing to see it is not zero."""
UNIT = " × 10⁻³ nm⁻² per τeE/ħ"
"""Of an integrated spin density, as `Number` takes it."""
GAP = -32768
"""What stands for nan among 16-bit numbers."""


@dataclass(frozen=True)
class Slider:
    """What the page needs to draw one of the figures.

    Attributes
    ----------
    data : dict
        Of what JSON can hold; ``data["view"]`` names the figure.
    """

    data: dict

    def __repr__(self) -> str:
        return f"<Slider {self.data['view']!r}>"

    def _repr_html_(self) -> str:
        rows = (f"{json.dumps(key)}: {_lines(value)}" for key, value in self.data.items())
        # The data hold no text but our own; even so, nothing in them may end the element.
        text = "{\n" + ",\n".join(rows).replace("</", "<\\/") + "\n}"
        return (
            f"<qw-slider>\n<p>{FALLBACK}</p>\n"
            f'<script type="application/json">\n{text}\n</script>\n</qw-slider>'
        )


def _lines(value: object) -> str:
    """Return JSON in which each entry of a long list has a line, so that a change is seen."""
    if isinstance(value, list) and len(value) > 12 and isinstance(value[0], (list, dict, str)):
        return "[\n" + ",\n".join(_compact(entry) for entry in value) + "\n]"
    return _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _scaled(values: object, digits: int) -> list:
    """Return values rounded to so many decimals, as whole numbers of the last of them."""
    return np.rint(np.asarray(values) * 10.0**digits).astype(int).tolist()


def _decimals(values: np.ndarray) -> int:
    """Return how many decimals, up to seven, write these positions in full."""
    return max(len(f"{value:.7f}".rstrip("0").split(".")[1]) for value in values)


def _positions(name: str, unit: str, values: np.ndarray, start: float) -> dict:
    """Return the part of the data that makes the slider."""
    digits = _decimals(values)
    return {
        "positions": [round(float(value), digits) for value in values],
        "decimals": digits,
        "start": int(np.argmin(np.abs(values - start))),
        "name": name,
        "unit": unit,
    }


def _sums(states: FermiStates) -> list[int]:
    """Return the integrated spin density of all states and of the propagating, 10⁻⁶ nm⁻²."""
    value = states.contribution
    return _scaled([value.sum(), value[states.kind == "propagating"].sum()], 6)


def levels(well: Well, E_F: float) -> Slider:
    """Return Fig. 2 with a slider over α_L: levels, and contributions against κ.

    Parameters
    ----------
    well : Well
        Its `alpha_L`, in eV·nm², is where the slider starts.
    E_F : float
        Fermi energy in eV.

    Returns
    -------
    Slider
        Of each α_L from 0 to just below ħ²/m: the number of states of each kind, their
        chiralities, E in 10⁻⁴ eV and contributions to ∫₀^d S_y dz in 10⁻⁶ nm⁻² per τeE/ħ, in
        ascending order of E; then the sums over all states and over the propagating ones.

    Raises
    ------
    ValueError
        As `fermi_states`.
    """
    limit = well.critical_rashba
    # About 150 positions, one figure apart: 0.0005 eV nm² for the electron's mass.
    step = float(f"{limit / 150:.0e}")
    grid = np.round(np.arange(0, 0.995 * limit, step), 7)
    rows, least, most = [], 0.0, SMALLEST
    wells = [well.replace(alpha_L=float(alpha)) for alpha in grid]
    for alpha, states in zip(grid, fermi_states_of(wells, E_F), strict=True):
        value = states.contribution
        if alpha < 0.9 * limit and len(states):  # closer to the end the largest runs away
            least, most = min(least, value.min()), max(most, value.max())
        rows.append(
            [
                [int((states.kind == kind).sum()) for kind in KINDS],
                "".join("-0+"[sign + 1] for sign in states.chirality),
                _scaled(states.E, 4),
                _scaled(value, 6),
                *_sums(states),
            ]
        )
    return Slider(
        {"view": "levels"}
        | _positions("α_L", "eV nm²", grid, well.alpha_L)
        | {
            "alt": "Left, levels in the well; right, what each contributes to the spin density "
            "against κ.",
            "d": well.d,
            "V": [well.V_L, well.V_R],
            "Delta": abs(well.Delta),
            "E_F": E_F,
            "c": round(well.c, 6),
            "frame": _scaled([1.15 * least, 1.15 * most], 6),
            "rows": rows,
        }
    )


def totals(ds: xr.Dataset) -> Slider:
    """Return Fig. 3(a) with a slider over α_L and a switch for each kind of state.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over `alpha_R` and `alpha_L`.

    Returns
    -------
    Slider
        Of each α_R, with at most `POSITIONS` of the α_L: ∫₀^d S_y dz in 10⁻⁵ nm⁻² per τeE/ħ summed
        over each of the seven choices of kinds, where 1, 2 and 4 stand for propagating, mixed and
        interface; and from which position on there are how many states of each kind.

    Raises
    ------
    ValueError
        If the sweep is over anything else.
    """
    axes = [name for name in ds["spin_density"].dims if name not in ("kind", "chirality")]
    if set(axes) != {"alpha_L", "alpha_R"}:
        raise ValueError(f"ds must be a sweep over alpha_L and alpha_R, got one over {axes}")
    ds = ds.isel(alpha_L=slice(None, None, -(-ds.sizes["alpha_L"] // POSITIONS)))
    ds = ds.sum("chirality").transpose("alpha_R", "kind", "alpha_L")
    spin, number = ds["spin_density"].values, ds["n_states"].values
    chosen = [[bit for bit in range(3) if mask >> bit & 1] for mask in range(1, 8)]
    series = []
    for density, n in zip(spin, number, strict=True):
        change = [0, *np.nonzero(np.any(np.diff(n), axis=0))[0] + 1]
        series.append(
            {
                "sums": [_scaled(density[kinds].sum(axis=0), 5) for kinds in chosen],
                "counts": [[int(i), n[:, i].tolist()] for i in change],
            }
        )
    alpha, span = ds["alpha_L"].values, max(float(np.abs(spin[:, 0]).max()), SMALLEST)
    limit = 2 * HBAR2_OVER_2ME / float(ds["mass"])
    # Past the end of the model the sums over all states come back, below the others.
    past = spin.sum(axis=1)[:, alpha > 1.02 * limit]
    lowest = min(-1.5 * span, 1.05 * past.min(initial=0))
    return Slider(
        {"view": "totals"}
        | _positions("α_L", "eV nm²", alpha, 0.6 * min(limit, alpha[-1]))
        | {
            "alt": "The spin density integrated over the well against α_L, with a mark at the "
            "chosen value.",
            "limit": round(limit, 6),
            "alpha_R": [round(float(value), 7) for value in ds["alpha_R"].values],
            "frame": _scaled([lowest, 4 * span], 5),
            "series": series,
        }
    )


class Series(NamedTuple):
    """Curves, marks or guides of a panel.

    Attributes
    ----------
    name : str
        What the key calls it; the same name is there once, and no name not at all.
    x, y : array_like, list of array_like, or None
        The same at every position, 1D; or a list with a 1D array for each position.  nan ends
        one piece of a curve, and what follows is another.  An `x` shorter than `y` is the two ends
        of an even grid, or more of its points, where a smooth curve has corners.  Without `y`
        there is a line across the panel at each x, without `x` at each y.
    look : str
        Curves: "first" (blue), "second" (orange, dashed), "third" (green, dashes and dots),
        "fourth" (purple, dotted), "thin" (grey), "other" (grey, thin dashes), "plain" (of the
        colour of letters).  Marks: "dot" (blue, filled), "hollow" (orange, open), "dot neutral"
        and "hollow neutral" (the same in the colour of letters).  Lines across: "guide" (grey,
        dotted).
    smooth : bool
        Whether a curve is smooth between its points; else they are joined by straight lines.
    """

    name: str
    x: ArrayLike | None
    y: ArrayLike | None
    look: str = "first"
    smooth: bool = False


class Panel(NamedTuple):
    """One pair of axes.

    Attributes
    ----------
    x, y : str
        What is along the axes, with the unit in parentheses.  Where `x` is the parameter of the
        slider, written "name (unit)", a line goes along with the position.
    series : sequence of Series
        Later ones are drawn over earlier ones.
    xlim, ylim : (2,) array_like, optional
        Ends of the axes, the larger one first where an axis is to run downwards; left out, they
        are those of the data, with a margin along y.
    log : str
        Which axes are logarithmic: "", "x", "y" or "xy".
    follows : bool
        Whether the horizontal axis is at each position that of the first series.
    marked : bool
        Whether that line is there although `x` has another name, in the same unit.
    """

    x: str
    y: str
    series: Sequence[Series]
    xlim: ArrayLike | None = None
    ylim: ArrayLike | None = None
    log: Literal["", "x", "y", "xy"] = ""
    follows: bool = False
    marked: bool = False


class Number(NamedTuple):
    """A read-out below the slider.

    Attributes
    ----------
    name : str
        An underscore lowers the next letter.
    values : array_like or list of str
        One for each position; nan reads "none".
    unit : str
        What follows the value, with the space before it.
    digits : int
        Decimals of a number.
    """

    name: str
    values: ArrayLike
    unit: str = ""
    digits: int = 0


def curves(
    parameter: tuple[str, str],
    positions: ArrayLike,
    start: float,
    cases: Mapping[str, tuple[Sequence[Panel], Sequence[Number]]],
    *,
    alt: str,
    choice: str = "",
    first: int = 0,
) -> Slider:
    """Return a figure of curves and marks that a slider moves.

    Parameters
    ----------
    parameter : (str, str)
        Name and unit of what the slider sets; an underscore in the name lowers the next letter.
    positions : array_like
        Its values, ascending, of at most seven decimals.
    start : float
        The slider starts at the position nearest to this.
    cases : mapping of str to (panels, numbers)
        One case, or several of which the reader chooses one.  Panels stand side by side, on a
        narrow screen below each other.  All cases have the same names in the key and the same
        number of panels.
    alt : str
        What is drawn, for those who do not see it.
    choice : str
        The question that the names of the cases answer.
    first : int
        Which of the cases is shown at first.

    Returns
    -------
    Slider
        Points are stored to a thousandth of the frame or better; what `Number` holds, as shown.

    Raises
    ------
    ValueError
        If a list has not one entry for each position.

    Examples
    --------
    >>> wave = Series("wave", [0, 1], [np.sin(k * np.linspace(0, 1, 9)) for k in (1, 2)])
    >>> numbers = [Number("end", np.sin([1, 2]), digits=2)]
    >>> panel = Panel("z (nm)", "ψ", [wave])
    >>> curves(("k", "nm⁻¹"), [1, 2], 1, {"": ([panel], numbers)}, alt="A wave.")
    <Slider 'curves'>
    """
    name, unit = parameter
    positions = np.asarray(positions, dtype=float)
    pool: dict[object, int] = {}

    def stored(values: ArrayLike | None, height: float) -> int | list[int] | None:
        if values is None:
            return None
        if not _moves(values):
            return pool.setdefault(_packed(values, height), len(pool))
        _check_length(len(values), positions)
        return [stored(one, height) for one in values]

    def drawn(panel: Panel) -> dict:
        series, limits = [], [_ends(panel, axis) for axis in (0, 1)]
        # A logarithm needs its digits at the small end.
        heights = [
            0 if axis in panel.log else float(np.ptp(ends))
            for axis, ends in zip("xy", limits, strict=True)
        ]
        for one in panel.series:
            both = {
                axis: stored(values, height)
                for axis, values, height in zip("xy", (one.x, one.y), heights, strict=True)
            }
            is_curve = one.look.split()[0] not in ("dot", "hollow", "guide")
            look = f"curve {one.look}" if is_curve else one.look
            entry = {"name": one.name, "look": look, "smooth": one.smooth} | both
            series.append(
                {k: v for k, v in entry.items() if not (v is None or v is False or v == "")}
            )
        return {
            "x": panel.x,
            "y": panel.y,
            "log": panel.log,
            "xlim": None if panel.follows else _rounded(limits[0]),
            "ylim": _rounded(limits[1]),
            "cursor": panel.marked or panel.x == f"{name} ({unit})",
            "series": series,
        }

    def read(number: Number) -> dict:
        _check_length(len(number.values), positions)
        if isinstance(number.values[0], str):
            values = list(number.values)
        else:
            whole = np.asarray(number.values, dtype=float)
            values = [_scaled(v, number.digits) if np.isfinite(v) else "none" for v in whole]
        return {"name": number.name, "unit": number.unit, "digits": number.digits, "values": values}

    made = [
        {"panels": [drawn(panel) for panel in panels], "numbers": [read(one) for one in numbers]}
        for panels, numbers in cases.values()
    ]
    return Slider(
        {"view": "curves"}
        | _positions(name, unit, positions, start)
        | {
            "alt": alt,
            "choice": choice,
            "first": first,
            "names": list(cases),
            "cases": made,
            "arrays": [one if isinstance(one, str) else list(one) for one in pool],
        }
    )


def _check_length(n: int, positions: np.ndarray) -> None:
    if n != positions.size:
        raise ValueError(f"{n} entries for {positions.size} positions of the slider")


def _moves(values: ArrayLike) -> bool:
    """Whether these are arrays, one for each position, and not the numbers of one."""
    return len(values) > 0 and np.ndim(values[0]) > 0


def _ends(panel: Panel, axis: int) -> np.ndarray:
    """Return the ends of one axis of a panel."""
    given = (panel.xlim, panel.ylim)[axis]
    if given is not None:
        return np.asarray(given, dtype=float)
    parts = [one[1 + axis] for one in panel.series if one[1 + axis] is not None]
    parts = [np.ravel(v) for part in parts for v in (part if _moves(part) else [part])]
    is_log = "xy"[axis] in panel.log
    values = np.concatenate([np.zeros(0), *parts])
    values = values[np.isfinite(values) & (values > 0 if is_log else True)]
    low, high = (values.min(), values.max()) if values.size else (0.1, 1.0)
    if is_log:
        return np.array([low / 1.3, high * 1.3] if axis else [low, high])
    high = max(high, low + SMALLEST)
    margin = 0.05 * (high - low) * axis
    return np.array([low - margin, high + margin])


def _rounded(values: np.ndarray) -> list:
    """Return numbers with six digits that count, whole ones as such; None for nan."""
    return [None if np.isnan(v) else json.loads(f"{v:.6g}") for v in values]


def _packed(values: ArrayLike, height: float) -> str | tuple:
    """Return numbers as a digit, which says how many decimals, and 16-bit integers in base 64.

    Or, where that would be coarser than a thousandth of the height, as a tuple of plain numbers.
    A height of 0 means a logarithm, which has no place for what is not positive.
    """
    values = np.asarray(values, dtype=float)
    drawn = np.isfinite(values) & ((values > 0) | (height > 0))
    values = np.where(drawn, values, np.nan)
    peak = max(np.abs(values[~np.isnan(values)]).max(initial=0), SMALLEST)
    digits = min(int(np.floor(np.log10(32767 / peak))), 9)
    if digits < 0 or 10.0**-digits > height / 1000 or values.size < 8:
        return tuple(_rounded(values))
    whole = np.where(np.isnan(values), GAP, np.rint(values * 10.0**digits)).astype("<i2")
    return f"{digits}{base64.b64encode(whole.tobytes()).decode()}"


def profiles(
    cases: Mapping[str, Well], E_F: float, d: np.ndarray, *, first: str | None = None
) -> Slider:
    """Return Fig. 5 with a slider over the width, and a choice of the case.

    Parameters
    ----------
    cases : mapping of str to Well
        The wells by name; their width is not used.
    E_F : float
        Fermi energy in eV.
    d : array_like
        Widths of the well in nm, ascending.
    first : str, optional
        Name of the case that is shown at first; left out, the first of them.

    Returns
    -------
    Slider
        Of each case and width: the profiles of S_y of all states and of the propagating ones, in
        the well and in either barrier; their integrals over the well in 10⁻⁶ nm⁻² per τeE/ħ; and
        the numbers of states.

    Raises
    ------
    ValueError
        As `Well` and `fermi_states`; if `first` is no case.
    """
    if first is not None and first not in cases:
        raise ValueError(f"first must be one of {', '.join(cases)}, got {first!r}")
    d = np.asarray(d, dtype=float)
    # Twice the largest wave number in the well is 2√(E_F + |Δ|)/√c: six steps to its period.
    fastest = max(np.sqrt(max(E_F + abs(w.Delta), 0.1) / w.c) for w in cases.values())
    inside = np.maximum(20, np.ceil(6 * d * fastest / np.pi)).astype(int)
    outside = np.ceil((0.3 * np.minimum(d, 1.2) + 0.05) * inside / d).astype(int)
    pads = outside * d / inside
    made = {}
    for letter, well in cases.items():
        sums, parts = [], ([], [])
        found = fermi_states_of([well.replace(d=float(width)) for width in d], E_F)
        for width, n, steps, states in zip(d, inside, outside, found, strict=True):
            propagating = states[states.kind == "propagating"]
            # From the nearer end, so that both interfaces are on the grid to the last digit.
            grid = np.arange(-steps, n + steps + 1)
            z = np.where(2 * grid < n, grid * width / n, width - (n - grid) * width / n)
            for some, part in zip((states, propagating), parts, strict=True):
                part.append(some.spin_density(z).sum(axis=0))
            sums.append([*np.array(_sums(states)) / 1e3, len(states), len(propagating)])
        # With corners: the slope of a profile jumps at an interface.
        ends = [[-pad, 0, width, width + pad] for width, pad in zip(d, pads, strict=True)]
        series = [
            Series("all states", ends, parts[0], "second", smooth=True),
            Series("propagating states alone", ends, parts[1], "first", smooth=True),
            Series("the interfaces", [[0, width] for width in d], None, "guide"),
        ]
        sums = np.transpose(sums)
        made[f"({letter}) α_L = {_number(well.alpha_L)}, α_R = {_number(well.alpha_R)}"] = (
            [Panel("z (nm)", "S_y (nm⁻³ per τeE/ħ)", series, follows=True)],
            [
                Number("∫S_y dz, all states", sums[0], UNIT, 3),
                Number("∫S_y dz, propagating states alone", sums[1], UNIT, 3),
                Number("number of states", sums[2]),
                Number("of these, propagating", sums[3]),
            ],
        )
    return curves(
        ("d", "nm"),
        d,
        0.52,
        made,
        alt="The spin density S_y(z) across the well, of all states and of the propagating ones.",
        choice="Case (α in eV nm²)",
        first=0 if first is None else list(cases).index(first),
    )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
