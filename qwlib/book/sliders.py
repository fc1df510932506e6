"""Figures with a slider that need no kernel: their data, computed beforehand, go with the page.

Each function returns a `Slider`, which a notebook shows as HTML: the element `<qw-slider>` with
the data in it as JSON.  `book/_static/sliders.js` draws it; where that does not run, the element
says so and the figure above it stands for it.  Numbers are stored rounded as they are shown, so
that what the page prints is what `qwlib` computes at that position, to every digit.

`moved` makes a figure of any view; `couplings` and `totals` have drawings of their own, which show
states one by one, or sums of what a reader chooses.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kubo import KINDS, fermi_states_of
from ..well import HBAR2_OVER_2ME, Well
from . import views
from .tables import decimals, number
from .views import Number, Panel, View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

    from ..kubo import FermiStates

FALLBACK = (
    "Here the built book has a figure with a slider. "
    "It needs JavaScript, no kernel; the figure above shows the same at fixed values."
)
POSITIONS = 241
"""The most positions of a slider over a grid that was computed for a figure."""
SMALLEST = 1e-4
"""The least height of a frame, in nm⁻² or nm⁻³: where there is nothing to see it is not zero."""
GAP = -32768
"""What stands for nan among 16-bit numbers."""


@dataclass(frozen=True)
class Slider:
    """What the page needs to draw one of the figures, for JSON; its "view" names the figure."""

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


def couplings(well: Well, E_F: float, *, waves: bool = False) -> Slider:
    """Return Fig. 2 with a slider over α_L, which starts at that of the well.

    Levels, and contributions against κ, of all states or of the propagating ones alone: of each α_L
    from 0 to just below ħ²/m the number of states of each kind, their chiralities, E in 10⁻⁴ eV and
    contributions to ∫₀^d S_y dz in 10⁻⁶ nm⁻² per τeE/ħ, in ascending order of E; then the sums over
    all states and over the propagating ones.
    """
    limit = well.critical_rashba
    # About 150 positions, one figure apart: 0.0005 eV nm² for the electron's mass.
    step = float(f"{limit / 150:.0e}")
    grid = np.round(np.arange(0, 0.995 * limit, step), 7)
    wells = [well.replace(alpha_L=float(alpha)) for alpha in grid]
    several = list(fermi_states_of(wells, E_F))
    if waves:
        several = [states[states.kind == "propagating"] for states in several]
    shown = level_scheme(several, grid, int(np.argmin(np.abs(grid - well.alpha_L))))
    return Slider(shown.data | {"waves": True}) if waves else shown


def level_scheme(several: Sequence[FermiStates], grid: np.ndarray, start: int) -> Slider:
    """Return the slider of `couplings` from the states at each α_L; one is a figure that stays.

    The wells differ in nothing but α_L, in eV·nm² those of the grid; it starts at no. `start`.
    """
    well, rows, least, most = several[start].well, [], 0.0, SMALLEST
    for alpha, states in zip(grid, several, strict=True):
        value = states.contribution
        # Closer to the end the largest runs away.
        if len(states) and (alpha < 0.9 * well.critical_rashba or len(several) == 1):
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
        | _positions("α_L", "eV nm²", grid, grid[start])
        | {
            "alt": "Left, levels in the well; right, what each contributes to the spin density "
            "against κ.",
            "d": well.d,
            "V": [well.V_L, well.V_R],
            "Delta": abs(well.Delta),
            "E_F": several[start].E_F,
            "c": round(well.c, 6),
            "frame": _scaled([1.15 * least, 1.15 * most], 6),
            "rows": rows,
        }
    )


def totals(ds: xr.Dataset) -> Slider:
    """Return Fig. 3(a) with a slider over α_L and a switch for each kind of state.

    Of a sweep over `alpha_R` and `alpha_L`, else a `ValueError`.  Of each α_R, with at most
    `POSITIONS` of the α_L: ∫₀^d S_y dz in 10⁻⁵ nm⁻² per τeE/ħ summed over each of the seven choices
    of kinds, where 1, 2 and 4 stand for propagating, mixed and interface; and from which position
    on there are how many states of each kind.
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


def curves(
    parameter: tuple[str, str],
    positions: Any,
    start: float,
    cases: Mapping[str, tuple[Sequence[Panel], Sequence[Number]]],
    *,
    alt: str,
    choice: str = "",
    first: int = 0,
) -> Slider:
    """Return a figure of curves and marks that a slider moves.

    Points are stored to a thousandth of the frame or better; what `Number` holds, as shown.  A
    `ValueError` if a list has not one entry for each position.

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
    pool: dict[str | tuple, int] = {}

    def stored(values: Any, height: float) -> Any:
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
            is_curve = one.look.split()[0] not in ("dot", "hollow", "guide", "mark", "ring")
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
        digits, values = number.digits, list[Any]()
        if any(isinstance(value, str) for value in number.values):
            values = [value if isinstance(value, str) else "none" for value in number.values]
        else:
            whole = np.asarray(number.values, dtype=float)
            digits = decimals(int(digits), whole)
            values = [_scaled(v, digits) if np.isfinite(v) else "none" for v in whole]
        return {"name": number.name, "unit": number.unit, "digits": digits, "values": values}

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


def _moves(values: Any) -> bool:
    """Whether these are arrays, one for each position, and not the numbers of one."""
    return len(values) > 0 and np.ndim(values[0]) > 0


def _ends(panel: Panel, axis: int) -> np.ndarray:
    """Return the ends of one axis of a panel."""
    given = (panel.xlim, panel.ylim)[axis]
    if given is not None:
        return np.asarray(given, dtype=float)
    parts: list[Any] = [getattr(one, "xy"[axis]) for one in panel.series]
    parts = [
        np.ravel(v)
        for part in parts
        if part is not None
        for v in (part if _moves(part) else [part])
    ]
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


def _packed(values: Any, height: float) -> str | tuple:
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


def moved(
    parameter: tuple[str, str],
    positions: Any,
    start: float,
    cases: Mapping[str, Sequence[View]],
    **options: Any,
) -> Slider:
    """Return a figure of a view that a slider moves: of each case, the view at every position.

    All else is as `curves` takes it.
    """
    made = {name: together(one) for name, one in cases.items()}
    return curves(parameter, positions, start, made, **options)


def together(several: Sequence[View]) -> tuple[list[Panel], list[Number]]:
    """Return panels and numbers as `curves` takes them, from the view at each position.

    What is the same in all of them is there once, and a frame holds those of all.
    """

    def merged(values: list) -> Any:
        first = values[0]
        if first is None or all(np.array_equal(first, one, equal_nan=True) for one in values):
            return first
        return list(values)

    def frame(values: list) -> list[float] | None:
        if values[0] is None:
            return None
        low, high = np.array(values, dtype=float).T
        return [low.min(), high.max()] if low[0] < high[0] else [low.max(), high.min()]

    panels = []
    for of_all in zip(*(one.panels for one in several), strict=True):
        series = [
            same[0]._replace(x=merged([s.x for s in same]), y=merged([s.y for s in same]))
            for same in zip(*(panel.series for panel in of_all), strict=True)
        ]
        limits = {axis: frame([getattr(p, axis) for p in of_all]) for axis in ("xlim", "ylim")}
        panels.append(of_all[0]._replace(series=series, **limits))
    numbers = [
        same[0]._replace(values=[one.values for one in same])
        for same in zip(*(one.numbers for one in several), strict=True)
    ]
    return panels, numbers


def widths(cases: Mapping[str, Well], E_F: float, d: Any, *, first: str | None = None) -> Slider:
    """Return Fig. 5 with a slider over ascending widths in nm, and a choice of the case.

    Of each case and width `views.profile`, coarse; the width of the wells is not used.  At first
    the case of that name is shown, or the first one; a `ValueError` if it is no case.
    """
    if first is not None and first not in cases:
        raise ValueError(f"first must be one of {', '.join(cases)}, got {first!r}")
    made = {}
    for letter, well in cases.items():
        found = fermi_states_of([well.replace(d=float(width)) for width in d], E_F)
        name = f"({letter}) α_L = {number(well.alpha_L, '')}, α_R = {number(well.alpha_R, '')}"
        made[name] = [views.profile(states, coarse=True) for states in found]
    return moved(
        ("d", "nm"),
        d,
        0.52,
        made,
        alt="The spin density S_y(z) across the well, of all states and of the propagating ones.",
        choice="Case (α in eV nm²)",
        first=0 if first is None else list(cases).index(first),
    )
