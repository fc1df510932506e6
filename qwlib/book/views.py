"""The data of what the pages show: each picture once, for all three ways to draw it.

A view is a function of Fermi states, which know their well and ε_F, and of what else is chosen.  It
returns plain numbers: panels with curves and marks, and read-outs.  `figures.draw` makes of them a
figure, `sliders.moved` one that moves with no kernel, from the view at each position, and
`widgets.Explorer` one that follows controls, with the read-outs as its table.  Nothing here needs
Matplotlib or ipywidgets, and only what does needs SciPy, which a page would have to load first.
"""

from __future__ import annotations

import functools
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ..beyond import scan
from ..beyond.interface import interface_energy, interface_wave_numbers
from ..beyond.places import nth, over, zeros
from ..beyond.torque import exchange_torque, field_per_current
from ..grid import Grid, full, solve_columns
from ..kubo import KINDS, fermi_states_of
from ..matching import matching_matrix
from ..search import bound_states, count_states, levels
from ..well import CHARGE, HBAR, PARAMETERS
from .tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import xarray as xr

    from ..beyond.direction import Response
    from ..beyond.interband import InterbandResponse, Transitions
    from ..kubo import FermiStates
    from ..well import Well
    from .claims import Judged

UNIT = " × 10⁻³ nm⁻² per τeE/ħ"
"""Of an integrated spin density, as `Number` takes it."""

SUM = "∫S_y dz (10⁻³ nm⁻² per τeE/ħ)"
"""Of the axis of one."""

DENSITY = "S_y (nm⁻³ per τeE/ħ)"
"""Of the axis of a profile."""

PROPAGATING, ALL = "(a) propagating states alone", "(b) all states"
"""Titles of two panels."""


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
        colour of letters), "minus", "zero", "plus" (see `by_sign`).  Marks: "dot" (blue, filled),
        "hollow" (orange, open), "dot neutral" and "hollow neutral" (the same in the colour of
        letters).  Lines across: "guide" (grey, dotted).  A static figure has more, see
        `figures.LOOKS`.
    smooth : bool
        Whether a curve is smooth between its points; else they are joined by straight lines.
    pieces : sequence of str, or str
        What the data of a static figure call the pieces of a curve, one after the other, or the
        whole of it; a name with an underscore in front keeps it out.
    """

    name: str
    x: Any | None
    y: Any | None
    look: str = "first"
    smooth: bool = False
    pieces: Sequence[str] | str = ()


class Panel(NamedTuple):
    """One pair of axes; later series are drawn over earlier ones.

    Where `x` is the parameter of the slider, written "name (unit)", a line goes along with the
    position; with `marked` it does although `x` has another name, in the same unit.
    """

    x: str  # what is along the axis, with the unit in parentheses
    y: str
    series: Sequence[Series]
    xlim: Any | None = None  # ends of the axis, the larger one first where it runs downwards;
    ylim: Any | None = None  # left out, those of the data, with a margin along y
    log: Literal["", "x", "y", "xy"] = ""  # which axes are logarithmic
    follows: bool = False  # whether the x axis is at each position that of the first series
    marked: bool = False
    title: str = ""  # above the panel in a static figure


class Number(NamedTuple):
    """A read-out."""

    name: str  # an underscore lowers the next letter
    values: Any | str  # of a view one; of a slider one for each position; nan reads "none"
    unit: str = ""  # what follows the value, with the space before it
    digits: int | str = 0  # decimals; for an explorer alone also as `tables.number` takes them


class View(NamedTuple):
    """What one picture shows."""

    panels: Sequence[Panel]
    numbers: Sequence[Number] = ()
    alike: bool = False  # whether the panels of a static figure have one vertical scale
    at: float | None = None  # where a figure that does not move has that line
    full: bool = False  # whether a static figure has no room for its key within the panels


# --- curves and their gaps ------------------------------------------------------------------------


def parted(x: np.ndarray, values: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with a gap wherever a number changes.

    `number` is that of what is counted in the values, at each x: where it changes they jump, and
    nan stands half-way between the points beside a jump.
    """
    before = np.flatnonzero(np.diff(number))
    middle = (x[before] + x[before + 1]) / 2
    gaps = np.insert(np.asarray(values, dtype=float), before + 1, np.nan)
    return np.insert(x, before + 1, middle), gaps


def broken(x: np.ndarray, values: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with a gap at one place: where it has a pole there is no line across."""
    split = np.searchsorted(x, at)
    return np.insert(x, split, at), np.insert(np.asarray(values, dtype=float), split, np.nan)


def by_sign(values: Iterable[float]) -> list[str]:
    """Return the look of the curve of each α_R: a sign looks alike in all chapters.

    Blue and orange are left to chiralities, and to propagating and all states.
    """
    spare, taken, looks = cycle(("spare", "other spare")), set(), []
    for value in values:
        sign = ("minus", "zero", "plus")[int(np.sign(value)) + 1]
        looks.append(next(spare) if sign in taken else sign)
        taken.add(sign)
    return looks


def propagating(states: FermiStates) -> FermiStates:
    """Return the propagating states alone."""
    return states[states.kind == "propagating"]


def totals(states: FermiStates) -> list[Number]:
    """Return the integrated spin densities and the numbers of all and of propagating states."""
    waves = propagating(states)
    return [
        Number("∫S_y dz, all states", 1e3 * states.contribution.sum(), UNIT, 3),
        Number("∫S_y dz, propagating states alone", 1e3 * waves.contribution.sum(), UNIT, 3),
        Number("number of states", len(states)),
        Number("of these, propagating", len(waves)),
    ]


# --- the spin density -----------------------------------------------------------------------------


OVER_EACH_OTHER = ("minus", "zero", "plus", "spare", "other spare")
"""Looks of profiles in one panel: none is that of a set of states."""


def across(d: float, points: int = 301) -> np.ndarray:
    """Return places from the left barrier to the right one, in nm."""
    pad = 0.3 * d + 0.1
    return np.linspace(-pad, d + pad, points)


def profile(states: FermiStates, *, coarse: bool = False) -> View:
    """Return S_y(z) of all states and of the propagating ones alone.

    A slider has many profiles: with `coarse` there are only six points to the shortest period,
    twice the largest wave number in the well, and both interfaces among them.
    """
    d = states.well.d
    if coarse:
        fastest = 2 * np.sqrt(max(states.E_F + abs(states.well.Delta), 0.1) / states.well.c)
        inside = int(max(20, np.ceil(3 * d * fastest / np.pi)))
        outside = int(np.ceil((0.3 * min(d, 1.2) + 0.05) * inside / d))
        pad = outside * d / inside
        # From the nearer end, so that both interfaces are on the grid to the last digit.
        grid = np.arange(-outside, inside + outside + 1)
        z = np.where(2 * grid < inside, grid * d / inside, d - (inside - grid) * d / inside)
        # With corners: the slope of a profile jumps at an interface.
        ends = np.array([-pad, 0, d, d + pad])
    else:
        ends = z = across(d)
    every, waves = (s.spin_density(z).sum(axis=0) for s in (states, propagating(states)))
    series = [
        Series("all states", ends, every, "second", smooth=coarse),
        Series("propagating", ends, waves, "first", smooth=coarse),
        Series("the interfaces", [0, d], None, "guide"),
    ]
    return View([Panel("z (nm)", DENSITY, series, follows=coarse)], totals(states))


def sums(ds: xr.Dataset, along: str, label: str, *, limit: float | None = None) -> View:
    """Return ∫S_y dz along one axis of a sweep, of propagating and of all states, for each α_R.

    The sum over propagating states has a gap wherever the number of the others changes, since one
    then takes its part away; where a subband enters, it begins with none.  `label` is that of the
    axis; `limit` is ħ²/m where the axis goes past it: the sums have a pole there.
    """
    x = ds[along].values
    spin, n = 1e3 * ds["spin_density"].sum("chirality"), ds["n_states"].sum("chirality")
    panels, ylim = [], None
    if limit is not None:  # the frame is made for the propagating states, which have no pole
        span = float(np.abs(spin.sel(kind="propagating")).max())
        past = spin.sum("kind").values[..., x > 1.02 * limit]
        ylim = (min(-1.5 * span, 1.05 * past.min(initial=0)) - 1e-9, 4 * span + 1e-9)
    for title in (PROPAGATING, ALL):
        series = [] if limit is None else [Series("ħ²/m", [limit], None, "guide")]
        values = ds["alpha_R"].values.tolist()
        for i, (alpha_R, look) in enumerate(zip(values, by_sign(values), strict=True)):
            one, count = spin.isel(alpha_R=i), n.isel(alpha_R=i)  # two of them may be equal
            if title == PROPAGATING:
                some = one.sel(kind="propagating").values
                others = count.sum("kind") - count.sel(kind="propagating")
                curve = parted(x, some, others.values)
            else:
                curve = x, one.sum("kind").values
            if limit is not None:
                curve = broken(*curve, limit)
            name = f"α_R = {number(alpha_R)} eV nm²"
            series.append(Series(name, *curve, look))
        panels.append(Panel(label, SUM, series, ylim=ylim, title=title))
    return View(panels, alike=True, full=True)


def by_convention(
    alphas: np.ndarray,
    curves: Mapping[float, Mapping[str, np.ndarray]],
    unit: float = 1e3,
    label: str = SUM,
    title: str = "",
) -> Panel:
    """Return ∫S_y dz against α_L for each α_R by one convention, with gaps as those of `sums`.

    `curves` are of each α_R the sums of `Convention.along`; `unit` is what one nm⁻² is on the axis.
    """
    series = []
    for (alpha_R, sums), look in zip(curves.items(), by_sign(curves), strict=True):
        curve = parted(alphas, unit * sums["total"], sums["number"])
        series.append(Series(f"α_R = {number(alpha_R)}", *curve, look))
    return Panel(ALPHA_L, label, series, title=title)


def against_width(ds: xr.Dataset) -> View:
    """Return the integral and the average of S_y over the well against its width, from a sweep.

    The average is on logarithmic axes, with a guide that falls as 1/d.
    """
    d, sums = ds["d"].values, 1e3 * ds["spin_density"].sum("chirality")
    curves = (
        ("all states", sums.sum("kind").values, "second"),
        ("propagating states alone", sums.sel(kind="propagating").values, "first"),
    )
    far, some = d > d[-1] / 4, d[d > 0.3]
    guide = 2 * curves[0][1][far].mean() / some  # 2: not on the curve
    averages = [
        Series(name, d, np.where(y > 0, y / d, np.nan), look)  # the axis is logarithmic
        for name, y, look in curves
    ]
    averages.append(Series("∝ 1/d", some, guide, "thin", pieces="_guide"))
    average = SUM.replace("∫S_y dz", "average of S_y").replace("nm⁻²", "nm⁻³")
    integrals = [Series(name, d, y, look) for name, y, look in curves]
    log: Literal["", "xy"] = "xy" if (guide > 0).all() else ""
    return View(
        [
            Panel("d (nm)", SUM, integrals, title="(a) integral over the well"),
            Panel("d (nm)", average, averages, log=log, title="(b) average over the well"),
        ]
    )


ALPHA_L = "α_L (eV nm²)"


def chiralities(ds: xr.Dataset, limit: float) -> View:
    """Return ∫S_y dz against α_L of each chirality, of propagating and of all states, from a sweep.

    Curves have a gap where the number of what they count changes, and at `limit`, ħ²/m in eV·nm².
    """
    x, panels = ds["alpha_L"].values, []
    span = float(1e3 * np.abs(ds["spin_density"].sel(kind="propagating")).max())
    for title in (PROPAGATING, ALL):
        some = ds.sel(kind="propagating") if title == PROPAGATING else ds.sum("kind")
        series = [Series("ħ²/m", [limit], None, "guide")]
        for name, look, one in (
            ("+ states", "+", some.sel(chirality=1)),
            ("− states", "−", some.sel(chirality=-1)),
            ("sum", "both", some.sum("chirality")),
        ):
            curve = parted(x, 1e3 * one["spin_density"].values, one["n_states"].values)
            series.append(Series(name, *broken(*curve, limit), look))
        ylim = (-2 * span - 1e-9, 3 * span + 1e-9)
        panels.append(Panel(ALPHA_L, SUM, series, ylim=ylim, title=title))
    return View(panels, alike=True)


def counts(ds: xr.Dataset, limit: float) -> View:
    """Return the numbers of states against α_L, by kind, with a gap where they change."""
    n = ds["n_states"].sum("chirality")
    # Not the colours of chiralities, which the figure before it has.
    looks = {"all": "plain", "propagating": "up", "mixed": "down", "interface": "fifth"}
    series = [Series("ħ²/m", [limit], None, "guide")]
    for kind, look in looks.items():
        one = (n.sum("kind") if kind == "all" else n.sel(kind=kind)).values
        curve = parted(ds["alpha_L"].values, one, one)
        series.append(Series(kind, *broken(*curve, limit), look))
    return View([Panel(ALPHA_L, "number of Fermi states", series)])


def by_place(states: FermiStates) -> View:
    """Return S_y(z) of the states of each chirality, and of all and the propagating ones."""
    z = across(states.well.d)
    every = states.spin_density(z)
    signs = [
        Series(f"{sign} states", z, every[states.chirality == value].sum(axis=0), sign)
        for value, sign in ((1, "+"), (-1, "−"))
    ]
    waves = every[states.kind == "propagating"].sum(axis=0)
    sums = [
        Series("all states", z, every.sum(axis=0), "both"),
        Series("propagating states alone", z, waves, "plain"),
    ]
    ends = Series("the interfaces", [0, states.well.d], None, "guide")
    values = np.concatenate([one.y for one in signs + sums])
    margin = 0.05 * np.ptp(values) + 1e-9
    ylim = (values.min() - margin, values.max() + margin)
    return View(
        [
            Panel("z (nm)", DENSITY, [ends, *some], ylim=ylim, title=title)
            for title, some in (("(a) by chirality", signs), ("(b) their sum", sums))
        ]
    )


def overlaid(several: Sequence[FermiStates], z: np.ndarray) -> View:
    """Return profiles S_y(z) at several α_L over each other, of propagating and of all states."""
    panels = []
    for title, choose in ((PROPAGATING, propagating), (ALL, lambda some: some)):
        series = [
            Series(
                f"α_L = {number(states.well.alpha_L)}",
                z,
                choose(states).spin_density(z).sum(axis=0),
                OVER_EACH_OTHER[i % len(OVER_EACH_OTHER)],
            )
            for i, states in enumerate(several)
        ]
        ends = Series("the interfaces", [0, several[0].well.d], None, "guide")
        panels.append(Panel("z (nm)", DENSITY, [ends, *series], title=title))
    return View(panels)


def by_width(cases: Mapping[str, Sequence[FermiStates]]) -> View:
    """Return profiles S_y(z) of wells of several widths over each other, a panel for each case."""
    panels = []
    for title, several in cases.items():
        thin, thick = [], []
        for i, states in enumerate(several):
            d, look = states.well.d, OVER_EACH_OTHER[i % len(OVER_EACH_OTHER)]
            z, name = np.linspace(-0.4, d + 0.4, 301), f"d = {number(d)} nm"
            every, waves = (s.spin_density(z).sum(axis=0) for s in (states, propagating(states)))
            words = "" if i else "all states"
            thin.append(Series(words, z, every, "thin", pieces=f"{name}, all states"))
            thick.append(Series(name, z, waves, look))
        ends = Series("the interfaces", [0, *(s.well.d for s in several)], None, "guide")
        panels.append(Panel("z (nm)", DENSITY, [ends, *thin, *thick], title=title))
    values = np.concatenate([one.y for panel in panels for one in panel.series[1:]])
    margin = 0.05 * np.ptp(values) + 1e-9
    ylim = (values.min() - margin, values.max() + margin)
    return View([panel._replace(ylim=ylim) for panel in panels])


def at_interface(alpha: np.ndarray, waves: np.ndarray, every: np.ndarray, steps: list) -> View:
    """Return S_y(0) against α_L of both sets of states, with a gap at each step of the former."""
    series = [
        Series("propagating states alone", *parted(alpha, waves, np.searchsorted(steps, alpha))),
        Series("all states", alpha, every, "second"),
    ]
    if alpha[-1] > 0.062:
        series.append(Series("paper", [0.062], None, "guide"))
    ylim = (min(0, waves.min()) - 1e-9, 3 * np.abs(waves).max() + 1e-9)
    return View([Panel(ALPHA_L, "S_y(0) (nm⁻³ per τeE/ħ)", series, ylim=ylim)])


# --- counting -------------------------------------------------------------------------------------

FRAME = 32
"""Largest eigenvalue of M that is shown, in 1/nm."""


class Window(NamedTuple):
    """The energies of a view of the count, in eV: its ends, and what lies between them."""

    low: float
    high: float
    levels: np.ndarray  # bound states at the k of the view
    clamped: np.ndarray  # all levels of the well clamped at both interfaces up to the barriers
    poles: np.ndarray  # those of them between the ends, each once


def window(states: FermiStates, k: float, most: int | None = 9, reach: tuple = ()) -> Window:
    """Return the window around the lowest bound states at one k in 1/nm, or around all.

    `reach` holds further energies in eV that the window has to contain.
    """
    well = states.well
    levels = bound_states(well, k)[:most]
    span = float(np.ptp(levels)) if levels.size else 0.0
    low = min([states.E_F, *levels, *reach]) - 0.08 * span - 0.05
    high = max([*levels, low + 0.1]) + 0.03 * span
    high = well.continuum_edge if most is None else min(high, well.continuum_edge)
    m = np.arange(
        1, 2 + int(well.d * np.sqrt((well.continuum_edge + abs(well.Delta)) / well.c) / np.pi)
    )
    box = np.sort([s * well.Delta + well.c * (m * np.pi / well.d) ** 2 for s in (1, -1)], axis=None)
    return Window(low, high, levels, box, np.unique(box[(box > low) & (box < high)]))


def _staircase(steps: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the number of steps below x."""
    inside = steps[(steps > low) & (steps < high)]
    first = int((steps <= low).sum())
    x = np.r_[low, np.repeat(inside, 2), high]
    return x, first + np.repeat(np.arange(inside.size + 1), 2)


def count(
    states: FermiStates,
    k: float,
    E: float | None = None,
    *,
    whole: bool = False,
    points: int = 100,
    cut: float = np.inf,
) -> View:
    """Return the eigenvalues of M against E at one k, and the count that they give.

    Of the well and ε_F of the states, which are not shown.

    Parameters
    ----------
    k : float
        Wave number in 1/nm.
    E : float, optional
        Energy in eV at which it is counted.
    whole : bool
        Whether all bound states are shown, and E = ε_F − c k² with them; else the lowest nine.
    points : int
        Between one pole and the next.
    cut : float
        Largest eigenvalue that is kept, in 1/nm; those in the frame are up to `FRAME`.
    """
    well, on_parabola = states.well, states.E_F - states.well.c * k**2
    reach = (E, on_parabola) if whole else ()
    low, high, levels, box, poles = window(states, k, None if whole else 9, reach)
    x, mu = [], []
    for left, right in zip([low, *poles], [*poles, high], strict=True):
        # Denser at both ends, where there may be a pole.
        angles = np.linspace(1 / points, np.pi - 1 / points, points)
        part = (left + right) / 2 - (right - left) / 2 * np.cos(angles)
        for branch in np.linalg.eigvalsh(matching_matrix(well, part, k)).T:
            x += [*part, np.nan]
            mu += [*branch.clip(-cut, cut), np.nan]
    branches = [f"eigenvalue {i}" for _ in range(poles.size + 1) for i in (1, 2, 3, 4)]
    below = np.where(np.array(mu) < 0, mu, np.nan)
    guide = Series("clamped levels", poles, None, "guide")
    upper = [
        guide,
        Series("eigenvalues of M", x, mu, "thin", smooth=True, pieces=branches),
        Series("where negative", x, below, smooth=True, pieces="_negative"),
        Series("bound states", levels, 0 * levels, "hollow"),
    ]
    lower = [
        guide._replace(name=""),
        Series("N", *_staircase(bound_states(well, k), low, high), "third"),
        Series("J_0", *_staircase(box, low, high), "second"),
    ]
    numbers = []
    if E is not None:
        now = np.linalg.eigvalsh(matching_matrix(well, E, k))
        N, negative = int(count_states(well, E, k)), int((now < 0).sum())
        upper.append(
            Series("eigenvalues at this E", np.full(4, E), now.clip(1 - FRAME, FRAME - 1), "dot")
        )
        numbers = [
            Number("clamped levels below E, J_0", N - negative),
            Number("negative eigenvalues of M", negative),
            Number("their sum, N", N),
            Number("bound states below E, found one by one", int((levels < E).sum())),
        ]
    if whole:
        upper.append(Series("ε_F − ck²", [on_parabola] * 2, [-FRAME, FRAME], "other"))
        above = levels[levels >= E]
        numbers += [
            Number("bound states at this k", levels.size),
            Number("of them below ε_F − ck²", int(count_states(well, on_parabola, k))),
            Number("the next one above E", above.min(initial=np.inf), " eV", 5),
        ]
    limits, y = (low, high), ("eigenvalues of M (nm⁻¹)", "number of states")
    return View(
        [
            Panel("E (eV)", y[0], upper, limits, (-FRAME, FRAME), marked=True),
            Panel("E (eV)", y[1], lower, limits, marked=True),
        ],
        numbers,
        at=E,
        full=True,
    )


def zoom(states: FermiStates, points: int, of: str) -> Panel | None:
    """Return what a scan sees of the closest two things that it has to part, or None without any.

    With "det M" a state and a pole, with "F" two states; scaled to the left end.  The points of the
    scan reach up to the first whole number above the largest k.
    """
    well, E_F, k_F = states.well, states.E_F, states.k
    near = scan.closest(well, E_F, k_F)
    if near is None:
        return None
    centre = (near.state + near.pole) / 2 if of == "det M" else sum(near.pair) / 2
    function = scan.determinant if of == "det M" else scan.smooth
    step = np.ceil(k_F.max()) / points
    grid = step * (round(centre / step) + np.arange(-3, 4))
    grid = grid[grid > 0]
    k = np.linspace(grid[0], grid[-1], 1501)
    curve, dots = (function(well, E_F, x) for x in (k, grid))
    scale = abs(dots[0])
    if of == "det M":
        curve = np.where(np.abs(curve) < 6 * scale, curve, np.nan)  # no line across the pole
    inside = k_F[(k_F > k[0]) & (k_F < k[-1])]
    series = [
        Series(of, k, curve / scale),
        Series("scan", grid, dots / scale, "dot second"),
        Series("Fermi states", inside, 0 * inside, "hollow neutral"),
    ]
    height = 3 if of == "det M" else 6
    ends, title = (k[0] - step / 10, k[-1] + step / 10), f"d = {number(well.d)} nm"
    y = f"{of} (scaled)"
    return Panel("wave number k (nm⁻¹)", y, series, ends, (-height, height), title=title)


def rounded(states: FermiStates, points: int = 81) -> View:
    """Return F in doubles, so close to the state with the largest k that rounding is seen.

    Scaled to the bound of its rounding error.
    """
    well, E_F, k_F = states.well, states.E_F, max(states.k, default=1.0)
    _, bound, exact = scan.in_doubles(well, E_F, k_F * np.array([1 - 1e-8, 1 + 1e-8]))
    slope = abs(np.diff(exact / bound)[0]) / 2e-8
    k = 4e-3 / slope * np.linspace(-1, 1, points)
    F, bound, exact = scan.in_doubles(well, E_F, k_F * (1 + k))
    series = [
        Series("in doubles", 1e9 * k, F / bound, "on second"),
        Series("exact", 1e9 * k, exact / bound, "first"),
    ]
    x = "distance from the state (10⁻⁹ of its k)"
    return View([Panel(x, "F over the bound of its error", series)])


def met_twice(states: FermiStates) -> View:
    """Return the two lowest subbands of a well with their Fermi states, and the count N(k)."""
    well, E_F = states.well, states.E_F
    k = np.linspace(0, 1.25 * states.k.max(), 80)
    bands = np.full((2, k.size), np.nan)
    for i, found in enumerate(levels(well, k)):
        bands[: found[:2].size, i] = found[:2] + well.c * k[i] ** 2
    lowest, bottom = np.nanmin(bands), bands[0, 0]
    marks = [
        Series(f"state, v {sign} 0", some.k, np.full(len(some), E_F), look)
        for sign, look, some in (
            (">", "dot neutral", states[states.velocity > 0]),
            ("<", "hollow neutral", states[states.velocity < 0]),
        )
    ]
    fine = np.linspace(0, k[-1], 1500)
    n = count_states(well, E_F - well.c * fine**2, fine)
    upper = [
        Series("lowest, σ_x = −1", k, bands[0]),
        Series("next, σ_x = +1", k, bands[1], "third"),
        Series("ε_F", None, [E_F], "guide"),
        *marks,
    ]
    label, ends = "wave number k (nm⁻¹)", (0, k[-1])
    return View(
        [
            Panel(label, "ε_n(k) (eV)", upper, ends, (lowest - 0.1, bottom + 0.6)),
            Panel(label, "N(k)", [Series("N", *_corners(fine, n), "plain")], ends),
        ]
    )


def _corners(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of a staircase whose steps lie half-way between the points of a grid."""
    i = np.flatnonzero(np.diff(n))
    places = np.r_[x[0], np.repeat((x[i] + x[i + 1]) / 2, 2), x[-1]]
    return places, np.repeat(n[np.r_[0, i + 1]], 2)


def error_of_elements(errors: dict[int, np.ndarray], k: np.ndarray) -> View:
    """Return how far finite elements are from the solver, against their order and the states' k.

    The errors by order are a (2, n) array: of k in 1/nm, and of the contribution in nm⁻² per τeE/ħ.
    """
    names = ("k (nm⁻¹)", "contribution (nm⁻² per τeE/ħ)")
    largest = np.array([e.max(axis=1, initial=0) for e in errors.values()]).reshape(-1, 2).T
    marks = [
        Series(f"{name}, order {n}", k, errors[n][i] + 1e-17, f"{look} {colour}")
        for i, (name, colour) in enumerate((("k", "first"), ("contribution", "second")))
        for n, look in ((4, "hollow"), (12, "dot"))
        if n in errors
    ]
    curves = [
        Series(name, list(errors), values + 1e-17, look)
        for name, values, look in zip(names, largest, ("marked", "marked second"), strict=True)
    ]
    y = "distance (units in the key)"
    return View(
        [
            Panel("order of the elements", y, curves, log="y"),
            Panel("wave number k (nm⁻¹)", y, marks, log="y"),
        ],
        alike=True,
        full=True,
    )


# --- the subbands ---------------------------------------------------------------------------------

K = "k (nm⁻¹)"


def by_kind(states: FermiStates, heights: np.ndarray) -> list[Series]:
    """Return the marks of Fermi states against k, the propagating ones apart."""
    waves = states.kind == "propagating"
    return [
        Series("propagating", states.k[waves], heights[waves], "dot neutral"),
        Series("mixed or interface", states.k[~waves], heights[~waves], "hollow neutral"),
    ]


def subbands(
    states: FermiStates,
    k: float | None = None,
    *,
    end: float | None = None,
    points: int = 41,
    most: int | None = None,
    frame: tuple[float, float] | None = None,
    spin: bool = False,
) -> View:
    """Return the subbands of a well, where they cross ε_F, and the levels at one k.

    Parameters
    ----------
    k : float, optional
        Wave number in 1/nm at which the levels are listed.
    end : float, optional
        Largest wave number in 1/nm; left out, somewhat beyond the Fermi states and `k`.
    points : int
        Wave numbers for which is solved.
    most : int, optional
        How many subbands; left out, all.
    frame : (float, float), optional
        Lowest and highest energy in eV; left out, up to the barriers, or a little above ε_F and the
        lowest two of so many subbands.
    spin : bool
        Whether the second panel has what each state contributes, instead of E_n(k), as in a slider,
        for which what lies far above the frame is left out.
    """
    well, c, E_F = states.well, states.well.c, states.E_F
    end = end or 1.1 * max(k or 0.0, *states.k, 1.0)
    grid = np.linspace(0, end, points)
    *several, here = [found[:most] for found in levels(well, np.append(grid, k or 0.0))]
    E = np.full((max(map(len, several)), points + 1), np.nan)  # the last column ends a curve
    for i, some in enumerate(several):
        E[: some.size, i] = some
    q = np.append(grid, np.nan)
    low, high = np.nanmin(E, initial=min(E_F, -abs(well.Delta))) - 0.3, well.continuum_edge + 0.3
    if most:
        bottom, top = np.nanmin(E, initial=min(0.0, E_F)), np.nanmax(E[:2, 0], initial=E_F)
        room = 0.12 * (top - bottom) + 0.1
        low, high = bottom - room, top + 2 * room
    low, high = frame or (low, high)
    names = [f"subband {n + 1}" for n in range(len(E))]

    def panel(label: str, energies: np.ndarray, surface: np.ndarray, heights: np.ndarray) -> Panel:
        shown = np.where(energies < high + 1, energies, np.nan) if spin else energies
        curves = [
            Series("subbands", np.tile(q, len(E)), shown.ravel(), "thin", True, names),
            Series("Fermi energy", grid, surface, "other", pieces="_Fermi energy"),
        ]
        if k is not None:
            lift = heights is not states.E
            level = np.full(here.size, k), here + lift * c * k**2
            curves.append(Series("levels at this k", *level, "dot"))
        return Panel(
            K, label, [*curves, *by_kind(states, heights)], (0, end), (low, high), marked=True
        )

    flat, at = np.full(points, E_F), np.full(len(states), E_F)
    panels = [panel("ε_n(k) (eV)", E + c * q**2, flat, at)]
    if spin:
        value = 1e3 * states.contribution
        label = "contribution (10⁻³ nm⁻² per τeE/ħ)"
        panels.append(Panel(K, label, by_kind(states, value), (0, end)))
    else:
        along = panel("E_n(k) (eV)", E, flat - c * grid**2, states.E)
        floors = Series("|Δ|, −|Δ|", None, [abs(well.Delta), -abs(well.Delta)], "guide")
        panels.append(along._replace(series=[*along.series, floors]))
    sum_, _, n, waves = totals(states)
    numbers = [sum_, n, waves, Number("largest k", states.k.max(initial=0), " nm⁻¹", 2)]
    if k is not None:
        numbers += [
            Number("subbands that start below ε_F", int(count_states(well, E_F, 0.0))),
            Number(f"bound states at k = {number(k)} nm⁻¹", here.size),
            *(Number(f"their E no. {i + 1}", e, " eV", 4) for i, e in enumerate(here[:4])),
        ]
    return View(panels, numbers, at=k)


# --- one state ------------------------------------------------------------------------------------


def components(state: FermiStates, z: np.ndarray | None = None, *, coarse: bool = False) -> Panel:
    """Return ψ↑ and ψ↓ of one state across the well, at places in nm; nan if there is no state.

    With `coarse` there are few of them, for a slider, both interfaces among them (`AT_ENDS`).
    """
    d = state.well.d
    if coarse:
        z, x = np.linspace(-d / 4, 5 * d / 4, 49), np.array([-d / 4, 0, d, 5 * d / 4])
    else:
        z = x = across(d) if z is None else z
    psi = np.asarray(nth(state.wavefunction(z), 0))
    psi = psi * (np.sign(psi[0, np.abs(z).argmin()]) or 1.0)  # a state has no sign of its own
    series = [
        Series("ψ↑", x, psi[0], "up", smooth=coarse),
        Series("ψ↓", x, psi[1], "down", smooth=coarse),
        Series("the interfaces", [0, d], None, "guide"),
    ]
    return Panel("z (nm)", "ψ (nm^{-1/2})", series)


AT_ENDS = [8, 40]
"""Which of the coarse places of `components` are the interfaces."""


def one_state(states: FermiStates, state: int) -> View:
    """Return one Fermi state among the others, and its two spin components across the well.

    They are counted from the lowest E on, from 1; a `ValueError` if there are fewer.
    """
    if state > len(states):
        raise ValueError(f"state must be at most {len(states)}, all there are, got {state}")
    one, floor = states[state - 1], abs(states.well.Delta)
    value, own = 1e3 * states.contribution, 1e3 * one.contribution
    marks = [
        Series(name, states.E[states.chirality == sign], value[states.chirality == sign], look)
        for sign, name, look in ((1, "+", "mark +"), (-1, "−", "mark −"), (0, "none", "mark 0"))
    ]
    edges = Series("|E| = |Δ|", [-floor, floor], None, "guide")
    # Of ∫S_y dz, but that would be longer than the axis.
    label = f"contribution {SUM.partition(' dz ')[2]}"
    ends = np.array([min(-floor, *states.E), max(floor, *states.E)])
    ends += 0.06 * np.ptp(ends) * np.array([-1, 1])  # a mark at an end is whole
    upper = Panel("E (eV)", label, [*marks, Series("", one.E, own, "ring"), edges], ends)
    up, down = (one.kappa[0] ** 2).real
    numbers = [
        Number("Fermi states", len(states)),
        Number("kind of this one", str(one.kind[0])),
        Number("E", one.E[0], " eV", 5),
        Number("E − |Δ|", one.E[0] - floor, " eV", 5),
        Number("k", one.k[0], " nm⁻¹", 5),
        Number("κ↑², negative where evanescent", up, " nm⁻²", 4),
        Number("κ↓²", down, " nm⁻²", 4),
        Number("its contribution to ∫S_y dz", own[0], UNIT, 4),
        Number("that of all states", value.sum(), UNIT, 4),
    ]
    return View([upper, components(one)], numbers)


def three_sums(states: FermiStates, place: int) -> np.ndarray:
    """Return ∫S_y dz of all states, of one of them, and of the propagating ones, 10⁻³ nm⁻².

    `place` is that of the one among all, from the lowest E and from 0; nan if there are fewer.
    """
    value = 1e3 * states.contribution
    return np.array([value.sum(), nth(value, place), value[states.kind == "propagating"].sum()])


def followed(several: Sequence[FermiStates], place: int, threshold: float | None) -> View:
    """Return one state along α_L: its E among its neighbours', and the sums with and without it.

    `several` are the states of a well at ascending α_L, and `place` is as in `three_sums`.  At the
    threshold, if there is one, the state changes its kind: a gap in the sum of the propagating.
    """
    alpha = np.array([states.well.alpha_L for states in several])
    first, guide = several[0], Series("", [threshold], None, "guide")
    guides = [guide] if threshold is not None else []
    near = range(max(place - 2, 0), max(min(place + 3, len(first)), 1))
    energies = {i: [nth(states.E, i) for states in several] for i in near}
    others = [i for i in near if i != place]
    series = [
        Series("its neighbours" if i == others[0] else "", alpha, energies[i], "thin", pieces=name)
        for i, name in ((i, f"state {i + 1} from below") for i in others)
    ]
    series.append(Series("the state", alpha, energies[place], "thick"))
    edge = Series("|Δ|", None, [abs(first.well.Delta)], "guide")
    upper = Panel(ALPHA_L, "E (eV)", [edge, *guides, *series], title="energy along z")
    every, own, waves = np.transpose([three_sums(states, place) for states in several])
    sums = [
        Series("sum over all states", alpha, every, "second"),
        Series("sum over all but the state", alpha, every - own, "other"),
        Series("sum over propagating ones", alpha, np.where(alpha == threshold, np.nan, waves)),
    ]
    lower = Panel(ALPHA_L, SUM, [*guides, *sums], title="spin density")
    return View([upper, lower], full=True)


def overlaid_components(
    several: Sequence[FermiStates], place: int, threshold: float | None
) -> View:
    """Return ψ↑ and ψ↓ of one state at several α_L over each other; all as in `followed`."""
    guide = Series("the interfaces", [0, several[0].well.d], None, "guide")
    panels = [Panel("z (nm)", f"ψ{arrow} (nm^{{-1/2}})", [guide]) for arrow in "↑↓"]
    for states, look in zip(several, cycle(OVER_EACH_OTHER), strict=False):
        alpha, both = states.well.alpha_L, components(states[place : place + 1]).series
        name = f"α_L = {number(round(alpha, 4))}" + (", E = |Δ|" if alpha == threshold else "")
        for i, panel in enumerate(panels):
            one = both[i]._replace(name=name, look=look)
            panels[i] = panel._replace(series=[*panel.series, one])
    return View(panels, full=True)


def passing(several: Sequence[FermiStates], place: int, sums: Panel) -> list[View]:
    """Return the components of one state at each α_L beside `sums`, a panel of `followed`.

    With a straight line between the ends of the component whose κ² changes its sign, that with the
    higher floor; `place` is as in `followed`.
    """
    name = "the interfaces; E = |Δ|"

    def one_key(panel: Panel, *more: Series) -> Panel:
        series = [s._replace(name=name) if s.look == "guide" else s for s in panel.series]
        return panel._replace(series=[*more, *series])

    shown, right = [], one_key(sums)
    for states in several:
        well, E = states.well, nth(states.E, place)
        left = components(states[place : place + 1], coarse=True)
        which, arrow = (0, "↑") if well.Delta >= 0 else (1, "↓")
        ends = np.asarray(left.series[which].y)[AT_ENDS]
        straight = Series("straight between its ends", [0, well.d], ends, "thin")
        every, own, waves = three_sums(states, place)
        numbers = [
            Number("kind of the state", nth(states.kind, place)),
            Number("its energy E", E, " eV", 5),
            Number(f"κ{arrow}²", (E - abs(well.Delta)) / well.c, " nm⁻²", 4),
            Number("its contribution", own, UNIT, 3),
            Number("sum over all states", every, UNIT, 3),
            Number("sum over propagating ones", waves, UNIT, 3),
        ]
        shown.append(View([one_key(left, straight), right], numbers))
    return shown


# --- the end of the model -------------------------------------------------------------------------


def _lowest(count: Callable, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return where a count becomes positive, between `low` and `high`, to a part in 2³⁰."""
    for _ in range(30):
        middle = (low + high) / 2
        some = count(middle) > 0
        low, high = np.where(some, low, middle), np.where(some, middle, high)
    return (low + high) / 2


def spread(
    states: FermiStates,
    width: float,
    *,
    k: np.ndarray | None = None,
    frame: tuple[float, float] | None = None,
) -> View:
    """Return the lowest band with δ-functions, and with the coupling spread over a width in nm.

    At wave numbers `k` in 1/nm; left out, they go somewhat beyond the Fermi states, up to 60.  Far
    outside of the frame, the lowest and the highest energy in eV, bands are cut.
    """
    from ..beyond.spread import LayeredWell

    well, c, E_F = states.well, states.well.c, states.E_F
    layers = LayeredWell.from_well(well, width)
    strength = abs(well.alpha_L) + abs(well.alpha_R)
    # h(k) ≥ −|Δ| − kW with W the height of the boxes, so that no Fermi state is beyond this k.
    W, above = strength / width, max(E_F + abs(well.Delta), 0.0)
    k_max = (W + np.sqrt(W**2 + 4 * c * above)) / (2 * c)
    k_box, share = layers.fermi_states(E_F, 1.01 * k_max + 1, 120)
    if k is None:
        k = np.linspace(0.0, min(1.2 * max([20.0, *states.k, *k_box]), 60.0), 41)
    edge = np.full(k.size, well.continuum_edge)
    floor = -abs(well.Delta) - 1.0
    sharp = _lowest(lambda E: count_states(well, E, k), floor - (strength * k) ** 2 / (4 * c), edge)
    box = _lowest(lambda E: layers.count_states(E, k), floor - strength * k / width, edge)
    bands = np.array([sharp, box]) + c * k**2
    if frame is None:
        frame = (min(bands[1].min(), 0.0) - 1.5, well.continuum_edge + 1)
    else:
        bands = bands.clip(2 * frame[0] - frame[1], 2 * frame[1] - frame[0])
    # In the runaway the state of lowest E is of the lowest band, and past it there is none.
    first = zip(states.k[:1], states.E[:1], strict=True)
    outer = [q for q, E in first if np.isclose(E, bound_states(well, q)[0])]
    name = f"width {number(width)} nm"
    series = [
        Series("δ-function", k, bands[0], "thin", smooth=True),
        Series(name, k, bands[1], smooth=True),
        Series("Fermi state, δ-function", outer, np.full(len(outer), E_F), "hollow"),
        Series(f"Fermi state, {name}", k_box[:1], np.full(k_box[:1].size, E_F), "dot"),
        Series("ε_F", None, [E_F], "guide"),
    ]
    panel = Panel(K, "ε of the lowest band (eV)", series, (0, k[-1]), frame)
    by_hand = max(interface_wave_numbers(well, E_F)[-1:] if well.alpha_L else (), default=np.nan)
    numbers = [
        Number("∫S_y dz, δ-function", 1e3 * states.contribution.sum(), UNIT, 2),
        Number(f"∫S_y dz, {name}", 1e3 * share.sum(), UNIT, 2),
        Number("largest k, δ-function", states.k.max(initial=0), " nm⁻¹", 2),
        Number(f"largest k, {name}", k_box.max(initial=0), " nm⁻¹", 2),
        Number("largest k, formula of the interface band", by_hand, " nm⁻¹", 2),
        Number("number of states, δ-function", len(states)),
        Number(f"number of states, {name}", k_box.size),
    ]
    return View([panel], numbers)


def interface_band(wells: Sequence[Well], k: np.ndarray, E_F: float) -> View:
    """Return the band of the left interface of several wells: the formula, and the whole well."""
    half, series = wells[0].V_L / 2, []
    for well, look in zip(wells, ("first", "second", "third", "fourth"), strict=True):
        some = k[::3]
        lift = well.c * k**2
        name = f"α_L = {number(round(well.alpha_L / well.critical_rashba, 9))} ħ²/m"
        exact = [E[0] for E in levels(well, some)] + lift[::3]
        series += [
            Series(name, k, interface_energy(well, k) + lift, look),
            Series("", some, exact, f"on {look}", pieces=f"whole well, {name}"),
        ]
    series.append(Series("ε_F, V_L/2", None, [E_F, half], "guide"))
    ylim = (min(0, half - 2.5), half + 3)
    return View([Panel(K, "ε (eV)", series, ylim=ylim)])


def runaway(well: Well, energies: Sequence[float]) -> View:
    """Return the largest Fermi wave number against the distance of α_L from ħ²/m, for some ε_F."""
    x, series = np.logspace(-1, -5, 17), []
    for energy, look in zip(energies, ("first", "second", "third"), strict=False):
        wells = [well.replace(alpha_L=(1 - one) * well.critical_rashba) for one in x]
        # Far below the barriers there may be none at a distance from ħ²/m.
        formula = [max(interface_wave_numbers(one, energy), default=np.nan) for one in wells]
        exact = [max(states.k, default=np.nan) for states in fermi_states_of(wells, energy)]
        name = f"ε_F = {number(energy)} eV"
        series += [
            Series(name, x, formula, look),
            Series("", x, exact, f"on {look}", pieces=f"whole well, {name}"),
        ]
    label = "1 − α_L/(ħ²/m)"
    return View([Panel(label, "k_F (nm⁻¹)", series, (0.15, 7e-6), log="xy")])


def two_models(boxes: dict[float, tuple[np.ndarray, np.ndarray]], ds: xr.Dataset) -> View:
    """Return ∫S_y dz against α_L with δ-functions, and with the coupling spread over a width.

    By α_R, `boxes` has values of α_L and the sums over all and over propagating states with a
    width, `ds` is a sweep with δ-functions.  In each panel their curves are first.
    """
    sharp, panels = 1e3 * ds["spin_density"].sum("chirality"), []
    for title, row in ((PROPAGATING, 1), (ALL, 0)):
        some = sharp.sum("kind") if title == ALL else sharp.sel(kind="propagating")
        names = {a: f"α_R = {number(a)} eV nm²" for a in boxes}
        looks = dict(zip(boxes, by_sign(boxes), strict=True))
        x = ds["alpha_L"].values
        series = [Series(names[a], x, some.sel(alpha_R=a).values, looks[a]) for a in boxes]
        series += [Series(names[a], x, y[row], looks[a]) for a, (x, y) in boxes.items()]
        panels.append(Panel(ALPHA_L, SUM, series, title=title))
    return View(panels)


def spread_along(
    several: Sequence[FermiStates], width: float, sharp: tuple[np.ndarray, np.ndarray]
) -> list[View]:
    """Return `spread` at several α_L, each with the sums over all states against α_L beside it.

    The α_L ascend; `sharp` is α_L and the sum with δ-functions in 10⁻³ nm⁻².
    """
    well, E_F = several[0].well, several[0].E_F
    half, limit = well.V_L / 2, well.critical_rashba
    k = np.r_[0.0:9, 10, 12, 15, 18, 22, 26, 30]
    frame = (half - 7.5, max(half + 3, E_F + 0.5))
    views = [spread(states, width, k=k, frame=frame) for states in several]
    alpha = [states.well.alpha_L for states in several]
    sums = np.array([view.numbers[1].values for view in views])
    top = 1.6 * max(sums.max(), 1e-3)
    curve = broken(sharp[0], sharp[1].clip(-3 * top, 3 * top), limit)
    series = [
        Series("", [limit], None, "guide"),
        Series("δ-function", *curve, "thin"),
        Series(f"width {number(width)} nm", alpha, sums),
    ]
    ylim = (min(-top / 3, 1.1 * sums.min()), top)
    label = SUM.replace("dz", "dz, all states")
    panel = Panel(ALPHA_L, label, series, (0, alpha[-1]), ylim)
    return [view._replace(panels=[*view.panels, panel]) for view in views]


# --- the effective field --------------------------------------------------------------------------

FIELD = "−B_y/j (mT per 10¹¹ A/m²)"
MT = " mT per 10¹¹ A/m²"


def fields(several: Iterable[FermiStates], M_s: float) -> np.ndarray:
    """Return −B_y/j of all and of the propagating states, (n, 2), in mT per 10¹¹ A/m².

    The saturation magnetisation M_s is in A/m.
    """
    pairs = ((states, propagating(states)) for states in several)
    both = [[field_per_current(one, M_s) for one in pair] for pair in pairs]
    return -np.reshape(both, (-1, 2))


def two_classes(
    x: np.ndarray,
    label: str,
    curves: dict[str, np.ndarray],
    looks: Sequence[str],
    *,
    y: str = FIELD,
    log: Literal["", "x", "y", "xy"] = "",
) -> View:
    """Return curves of propagating states alone, and of all states below.

    Each is an (n, 2) array: of all states, and of the propagating ones.
    """
    panels = []
    for title, column in ((PROPAGATING, 1), (ALL, 0)):
        series = [
            Series(name, x, values[:, column], look)
            for (name, values), look in zip(curves.items(), looks, strict=True)
        ]
        panels.append(Panel(label, y, series, log=log, title=title))
    return View(panels, alike=True)


def against_coupling(
    alpha: np.ndarray, values: np.ndarray, slope: float, end: float | None = None
) -> View:
    """Return −B_y/j of all and of propagating states, (n, 2), against α_L, with its first order."""
    line = slope * alpha
    span = np.abs(line).max(initial=0, where=np.isfinite(line)) or 1.0
    series = [
        Series("first order", alpha, line, "thin"),
        Series("propagating states alone", alpha, values[:, 1]),
        Series("all states", alpha, values[:, 0], "second"),
    ]
    ends = None if end is None else (0, end)
    return View([Panel(ALPHA_L, FIELD, series, ends, (-0.45 * span, 3 * span))])


def field_by_width(states: FermiStates, M_s: float, j: float) -> View:
    """Return −B_y/j against the width of the well; M_s in 10⁶ A/m, j in 10¹¹ A/m²."""
    well = states.well
    d = np.geomspace(0.2, 10.0, 61)
    several = fermi_states_of([well.replace(d=one) for one in d.tolist()], states.E_F)
    every, waves = fields(several, 1e6 * M_s).T
    (here, of_waves), *_ = fields([states], 1e6 * M_s)
    series = [
        Series("all states", d, every, "second"),
        Series("propagating", d, waves),
        Series("", [well.d], [here], "hollow"),
    ]
    numbers = [
        Number("−B_y/j, all states", here, MT, 4),
        Number("−B_y/j, propagating alone", of_waves, MT, 4),
        Number(f"−B_y at j = {number(j)} · 10¹¹ A/m²", j * here, " mT", 4),
        Number("torque", 1e3 * exchange_torque(states).sum(), " · 10⁻³ eV nm⁻² per τeE/ħ", 4),
        Number("current", states.current.sum(), " eV per τe²E/ħ²", 5),
        Number("number of states", len(states)),
    ]
    return View([Panel("d (nm)", FIELD, series, log="x", marked=True)], numbers, at=well.d)


def against_thickness(
    at: Callable[[float, np.ndarray], np.ndarray], values: dict[float, np.ndarray], d: np.ndarray
) -> tuple[View, dict[float, list[float]]]:
    """Return −B_y/j times the width against the width, and where that of propagating states is 0.

    `at` gives, of α_R and widths in nm, −B_y/j of all and of propagating states, (n, 2), and
    `values` has it by α_R at the widths `d`.
    """

    def of_waves(alpha_R: float, width: float) -> float:
        return at(alpha_R, np.array([width]))[0, 1]

    turns = {a: zeros(functools.partial(of_waves, a), d, y[:, 1]) for a, y in values.items()}
    # Both sides of each, so that a curve runs through zero or ends where it jumps.
    beside = 1 + np.array([-1e-2, -1e-6, 0, 1e-6, 1e-2])
    x = np.union1d(d, np.multiply.outer(np.concatenate(list(turns.values())), beside))
    curves = {}
    for alpha_R, places in turns.items():
        y = at(alpha_R, x) * x[:, None]
        y[np.isin(x, places), 1] = np.nan
        curves[f"α_R = {number(alpha_R)} eV nm²"] = y
    y = "−B_y d/j (nm mT per 10¹¹ A/m²)"
    return two_classes(x, "d (nm)", curves, by_sign(values), y=y, log="x"), turns


def barriers(
    heights: np.ndarray,
    values: np.ndarray,
    alpha: float,
    best: tuple[str, float, float],
    V_L: float,
) -> View:
    """Return −B_y/j against the height of the left barrier, for each 0.01 eV·nm² of α_L.

    `values`, (n, 2), are of all states and of the propagating ones; `best` is the best height for
    all states in words and in eV, and −B_y/j there; at `V_L` stands a guide.
    """
    unit = 0.01 / alpha
    words, place, highest = best
    series = [
        Series("V_L of the first drawing", [V_L], None, "guide"),
        Series("propagating states alone", heights, unit * values[:, 1]),
        Series("all states", heights, unit * values[:, 0], "second"),
        Series("best barrier for all states", [place], [unit * highest], "hollow"),
    ]
    margin = 0.05 * np.ptp(heights)
    ends = (heights[0] - margin, heights[-1] + margin)
    numbers = [
        Number("best V_L for all states, eV", words),
        Number("−B_y/j there", highest, MT, 3),
    ]
    label = f"−B_y/j per {0.01:g} eV nm² of α_L (mT per 10¹¹ A/m²)"
    return View([Panel("V_L (eV)", label, series, ends)], numbers)


# --- a scan ---------------------------------------------------------------------------------------


def scanned(
    states: FermiStates, points: int, *, window: float | None = None, brent: bool = False
) -> View:
    """Return how far each Fermi state is from the next pole or state, and which a scan finds.

    It goes up to `window` in 1/nm; left out, to the first whole number above the largest k.
    """
    well, E_F, k = states.well, states.E_F, states.k
    window = window or float(np.ceil(k.max(initial=1.0)))
    grid = window * np.arange(1, points + 1) / points
    missed = scan.scan(well, E_F, grid, brent=brent).missed(k)
    others = np.abs(k[:, None] - np.concatenate([k, scan.poles(well, E_F)]))
    others[np.arange(k.size), np.arange(k.size)] = np.inf
    nearest = 1e3 * others.min(axis=1, initial=np.inf).clip(1e-9)
    series = [
        Series("found", np.where(missed, np.nan, k), nearest, "dot"),
        Series("missed", np.where(missed, k, np.nan), nearest, "hollow"),
        Series("between two points", None, [1e3 * window / points], "guide"),
    ]
    label = "to the next pole or state (10⁻³ nm⁻¹)"
    spin = 1e3 * states.contribution
    numbers = [
        Number("states found", int((~missed).sum()), f" of {k.size}"),
        Number("missed", int(missed.sum())),
        Number("∫S_y dz of all states", spin.sum(), UNIT, 3),
        Number("of those found", spin[~missed].sum(), UNIT, 3),
    ]
    return View([Panel(K, label, series, (0, window), log="y")], numbers)


def scans(
    states: FermiStates, points: Sequence[int], window: float, times: dict[int, str], ours: str
) -> list[View]:
    """Return `scanned` for several numbers of points, with all of these beside it.

    `times` has what was measured, by the number of points, and `ours` that of `fermi_states`.
    """
    # As it was measured.  With points enough a change of sign is alone in its cell, and bisection
    # ends where Brent's method does.
    brent = {n: n < 5 * len(states) for n in points}

    def missed(n: int) -> int:
        grid = window * np.arange(1, n + 1) / n
        found = scan.scan(states.well, states.E_F, grid, scan.smooth, brent=brent[n])
        return int(found.missed(states.k).sum())

    made = [scanned(states, int(n), window=window, brent=brent[n]) for n in points]
    lost = [int(view.numbers[1].values) for view in made]
    smooth = [missed(n) for n in points]
    most = max(*lost, *smooth, 2)
    series = [
        Series("missed by the scan", points, lost, "second"),
        Series("missed without the poles", points, smooth),
    ]
    ylim = (-0.04 * most, 1.05 * most)
    panel = Panel("points", "states missed", series, None, ylim, "x")
    return [
        View(
            [*view.panels, panel],
            [
                *view.numbers[:2],
                Number("missed without the poles", n),
                Number("time of this scan", times.get(int(at), "not measured")),
                Number("time of qwlib, which misses none", ours),
            ],
        )
        for view, at, n in zip(made, points, smooth, strict=True)
    ]


# --- for explorers --------------------------------------------------------------------------------


def along(states: FermiStates, axis: str, low: float, high: float) -> View:
    """Return ∫S_y dz against one parameter of the well, with a mark at the value that it has."""
    here, x = getattr(states.well, axis), np.linspace(low, high, 61)
    # As `sweep` does it, without xarray, which a page would have to load first.
    grid = Grid.of({"E_F": states.E_F, axis: x}, states.well)
    _, spins, _, _ = solve_columns(full(grid.columns))
    total = 1e3 * spins.sum(axis=2)
    series = [
        Series("all states", x, total.sum(axis=1), "second"),
        Series("propagating", x, total[:, KINDS.index("propagating")]),
    ]
    if low <= here <= high:
        series.append(Series("", [here], [1e3 * states.contribution.sum()], "hollow"))
    symbol, unit = PARAMETERS[axis].symbol, PARAMETERS[axis].unit.replace("^2", "²")
    return View([Panel(f"{symbol} ({unit})", SUM, series, marked=low <= here <= high)], at=here)


def in_si(states: FermiStates, tau: float, E_x: float) -> View:
    """Return S_y(z) in SI units, for a relaxation time in fs and a field in 10⁵ V/m."""
    hbar, e, nm = HBAR, CHARGE, 1e-9
    shift = 1e-15 * tau * e * 1e5 * E_x / hbar  # 1/m
    z = across(states.well.d)
    density = states.spin_density(z).sum(axis=0) * shift * nm / nm**3
    total = states.contribution.sum()
    in_plane = total * shift * nm / nm**2
    series = [
        Series("all states", z, density, "second"),
        Series("the interfaces", [0, states.well.d], None, "guide"),
    ]
    width = states.current.sum() * e * shift * e / hbar
    numbers = [
        Number("τeE/ħ", shift, " m⁻¹", ".4e"),
        Number("∫S_y dz", total, " nm⁻² per τeE/ħ", ".4e"),
        Number("∫S_y dz in SI units", in_plane, " m⁻²", ".4e"),
        Number("its angular momentum", in_plane * hbar / 2, " J s m⁻²", ".4e"),
        Number("current per width", width, " A m⁻¹", ".4e"),
    ]
    return View([Panel("z (nm)", "S_y(z) (m⁻³, spin in σ)", series)], numbers)


# --- the direction of the magnetisation -----------------------------------------------------------

TORQUE = "torque (10⁻³ eV nm⁻² per τeE/ħ)"
"""Of the axis of a torque on the magnetisation, per area."""

RASHBA = "pure Rashba field"
"""Name of the torque of a field along y that does not depend on m."""

ARROW = 2.4
"""Length in 1/nm of the arrow of a spin that lies in the plane."""


def contours(several: dict[str, Response], points: int = 180) -> View:
    """Return Fermi contours with arrows along the part of the spin that lies in the plane.

    A panel for each title; of the `points` angles every fifteenth of 180 has an arrow.
    """
    panels = []
    for title, one in several.items():
        found = one.contours_at(2 * np.pi * np.arange(points) / points)
        x, y = found.k * np.cos(found.phi), found.k * np.sin(found.phi)
        curves: dict[str, tuple[list, list]] = {
            name: ([], []) for name in ("spin along m", "spin against m")
        }
        for band in np.unique(found.band):
            of = np.flatnonzero(found.band == band)
            name = "spin along m" if (found.spin[of] @ one.m).sum() > 0 else "spin against m"
            # A contour that exists at all angles is closed.
            round_ = np.append(of, of[0] if of.size == points else of[-1])
            for part, values in zip(curves[name], (x, y), strict=True):
                part += [*values[round_], np.nan]
        step = max(points // 12, 1)
        at = np.isin(np.round(found.phi * points / (2 * np.pi)) % step, 0)
        tips = x[at] + ARROW * found.spin[at, 0], y[at] + ARROW * found.spin[at, 1]
        arrow_x, arrow_y = (
            np.column_stack([start, end, np.full(end.size, np.nan)]).ravel()
            for start, end in zip((x[at], y[at]), tips, strict=True)
        )
        series = [
            Series("spin against m", *curves["spin against m"]),
            Series("spin along m", *curves["spin along m"], "second"),
            Series("spin in the plane", arrow_x, arrow_y, "plain"),
        ]
        panels.append(Panel("k_x (nm⁻¹)", "k_y (nm⁻¹)", series, title=title))
    return View(panels, alike=True)


def in_two_planes(theta: np.ndarray, xz: Sequence[Response], yz: Sequence[Response]) -> View:
    """Return the torque against θ (degrees, from 0): m in the plane of z and the field, and across.

    With φ = 0, and with φ = 90°.
    """
    pole = 1e3 * xz[0].polar_torque[0]
    along = 1e3 * np.array([one.polar_torque[0] for one in xz])
    across = -1e3 * np.array([one.polar_torque[1] for one in yz])
    top = 1.15 * max(np.abs([*along, *across, pole])) + 1e-9
    ends = (0, top) if pole >= 0 else (-top, 0)
    panels = []
    for title, field_alone, well in (
        ("(a) along ∂m/∂θ, m in the plane xz", pole * np.ones(theta.size), along),
        ("(b) along −∂m/∂φ, m in the plane yz", pole * np.cos(np.radians(theta)), across),
    ):
        series = [Series(RASHBA, theta, field_alone, "thin"), Series("the well", theta, well)]
        panels.append(Panel("θ (degrees)", TORQUE, series, (0, 90), ends, title=title))
    return View(panels)


def around(turned: Sequence[Response], pole: Response) -> View:
    """Return the torque against φ of m at one θ, beside a field along y.

    φ goes in even steps from 0 to 360°, both included; `pole` is the response of m along z.
    """
    T = 1e3 * np.array([one.polar_torque for one in turned])
    A, theta = 1e3 * pole.polar_torque[0], turned[0].theta
    phi = np.array([one.phi for one in turned])
    rashba = A * np.array([np.cos(phi), -np.cos(theta) * np.sin(phi)])
    ends = np.array([0.0, 360.0])
    series = [
        Series(RASHBA, ends, rashba[0], "thin", smooth=True),
        Series(RASHBA, ends, rashba[1], "thin", smooth=True),
        Series("along ∂m/∂θ", ends, T[:, 0], "first", smooth=True),
        Series("along ∂m/∂φ", ends, T[:, 1], "second", smooth=True),
    ]
    # Where φ is 0 and where it is 90°.
    ahead, aside = T[0, 0], -T[(len(turned) - 1) // 4, 1]
    cos = np.cos(theta)
    normal = pole.current[0]
    change = [100 * (one.current[0] / normal - 1) if normal else np.nan for one in turned]
    numbers = [
        Number("Aᶿ", ahead, TORQUE_UNIT, 3),
        Number("Aᵠ", aside / cos if cos > 1e-9 else np.nan, TORQUE_UNIT, 3),
        Number("change of the current, φ = 0", change[0], " %", 3),
        Number("change of the current, φ = 90°", change[(len(turned) - 1) // 4], " %", 3),
    ]
    top = 1.1 * np.abs(T).max() + 1e-9
    return View([Panel("φ (degrees)", TORQUE, series, ylim=(-top, top))], numbers)


TORQUE_UNIT = " × 10⁻³ eV nm⁻² per τeE/ħ"
"""Of a torque, as `Number` takes it."""

ROUGHLY = 1e-3
"""Relative error of what an explorer shows of a turned magnetisation."""


def turned(states: FermiStates, theta: float, phi: float) -> View:
    """Return the torque against θ at one φ, and what it is at one θ, both in degrees."""
    from ..beyond.direction import responses

    well, E_F = states.well, states.E_F
    grid = np.arange(0.0, 91.0, 15.0)
    angle = np.radians(phi)
    several = responses(well, E_F, np.radians([*grid, theta]), angle, rtol=ROUGHLY)
    T = 1e3 * np.array([one.polar_torque for one in several])
    # For m along z it is along x.
    here, pole = several[-1], 1e3 * several[0].torque[0]
    rashba = pole * np.cos(angle), -pole * np.cos(np.radians(grid)) * np.sin(angle)
    ends = [0.0, 90.0]
    series = [
        Series(RASHBA, grid, rashba[0] * np.ones(grid.size), "thin"),
        Series("", grid, rashba[1], "thin"),
        Series("along ∂m/∂θ", grid, T[:-1, 0], "first"),
        Series("along ∂m/∂φ", grid, T[:-1, 1], "second"),
        Series("", [theta], [T[-1, 0]], "dot"),
        Series("", [theta], [T[-1, 1]], "hollow"),
    ]
    numbers = [
        Number("torque along ∂m/∂θ", T[-1, 0], TORQUE_UNIT, 4),
        Number("torque along ∂m/∂φ", T[-1, 1], TORQUE_UNIT, 4),
        Number("current along the field", here.current[0], " eV per τe²E/ħ²", 5),
        Number("current across it", here.current[1], " eV per τe²E/ħ²", 5),
        Number("closest contours", here.closest if np.isfinite(here.closest) else np.nan, " eV", 3),
        Number("every angle proven", "yes" if here.certified else "no"),
    ]
    return View([Panel("θ (degrees)", TORQUE, series, ends, marked=True)], numbers, at=theta)


# --- the interband response -----------------------------------------------------------------------

COARSE: dict[str, Any] = {"order": 4, "nodes": 1, "phase": 1.0}
"""Mesh of the interband response, in the words of `interband.transitions`.  In wells up to 4 nm
wide ∫S_x is then right within 1 %, and what is added to ∫S_y within 3 %; on a finer mesh the
picture would not follow a slider in a page."""


@functools.lru_cache(maxsize=1)
def _pairs_of(well: Well, E_F: float) -> Transitions:
    from ..beyond.interband import transitions

    return transitions(well, E_F, **COARSE)


def interband(states: FermiStates, hbar_over_tau: float) -> View:
    """Return the interband response against ħ/τ in eV, on a coarse mesh, beside Eq. (6)."""
    # A well of small energies has an axis some powers of ten lower.
    power = min(0, int(np.floor(np.log10(100 * hbar_over_tau))))
    gamma, Delta = 10.0**power * np.geomspace(0.01, 0.5, 25), states.well.Delta
    pairs = _pairs_of(states.well, states.E_F)
    kept = 1e3 * float(states.contribution.sum())
    S_x, S_y = (1e3 * part for part in pairs.spins(gamma))
    S_x_here, S_y_here = (1e3 * float(part[0]) for part in pairs.spins(hbar_over_tau))
    upper, lower = (
        [Series("interband", gamma, part), Series("", [hbar_over_tau], [here], "hollow")]
        for part, here in ((S_x, S_x_here), (S_y, S_y_here))
    )
    lower.append(Series("Eq. (6)", gamma, np.full(gamma.size, kept), "second"))
    numbers = [
        Number("∫S_y dz of Eq. (6)", kept, UNIT, 4),
        Number("∫S_x dz", S_x_here, UNIT, 4),
        Number("what is added to ∫S_y dz", S_y_here, UNIT, 4),
    ]
    if abs(kept) > 1e-9:
        numbers.append(Number("∫S_x dz over ∫S_y dz of Eq. (6)", S_x_here / kept, "", 4))
    if Delta:
        upper.append(Series("S_y ħ/2Δτ", gamma, kept * gamma / (2 * Delta), "both"))
        angle = 2 * abs(Delta) / hbar_over_tau
        numbers.append(Number("precession angle 2|Δ|τ/ħ", angle, " rad", 3))
    label = SUM.replace("S_y", "S_x")
    return View([Panel("ħ/τ (eV)", label, upper), Panel("ħ/τ (eV)", SUM, lower)], numbers)


def neglected(response: InterbandResponse, i: int, states: FermiStates, z: np.ndarray) -> Panel:
    """Return S_y of Eq. (6) across a well and ten times what it neglects at ħ/τ no. i, over α_L."""
    well = states.well
    S_x, S_y = over(10 * response.spin_density(z)[i], well.alpha_L)
    kept = over(states.spin_density(z).sum(axis=0), well.alpha_L)
    drawn = np.concatenate([kept, S_x, S_y])
    low, high = (drawn.min(), drawn.max()) if np.ptp(drawn) > 0 else (-1.0, 1.0)
    series = [
        Series("the interfaces; 1 % and 10 %", [0, well.d], None, "guide"),
        Series("S_y, kept", z, kept, smooth=True),
        Series("10 S_x, neglected", z, S_x, "second", smooth=True),
        Series("10 S_y, neglected", z, S_y, "third", smooth=True),
    ]
    ylim = (low - 0.3 * (high - low), high + 0.15 * (high - low))
    label = "spin density / α_L (nm⁻⁵ eV⁻¹ per τeE/ħ)"
    title = f"α_L = {number(well.alpha_L)} eV nm²"
    return Panel("z (nm)", label, series, ylim=ylim, title=title)


def against_broadening(
    response: InterbandResponse, states: FermiStates, first: int, weak: Series
) -> list[View]:
    """Return `neglected` at each ħ/τ of a response, with the ratio against ħ/τ beside it.

    The frame of the profiles is made for the ħ/τ no. `first`; `weak` is the ratio of another well
    in per cent, as a second curve.
    """
    well, rates = states.well, response.hbar_over_tau
    z = np.linspace(-0.4, well.d + 0.4, 81)
    ylim = neglected(response, first, states, z).ylim
    share = 100 * np.abs(response.ratio)
    series = [
        Series("the interfaces; 1 % and 10 %", None, [1, 10], "guide"),
        weak,
        Series(f"ratio, α_L = {well.alpha_L:g} eV nm²", rates, share, "fourth"),
    ]
    right = Panel("ħ/τ (eV)", "|S_x|/|S_y|, integrated (%)", series, None, (0.3, 120), "xy")
    tau = 1e15 * HBAR / CHARGE / rates  # fs
    path = 2 * np.sqrt(well.c * max(states.E_F, 0.0)) / rates
    return [
        View(
            [neglected(response, i, states, z)._replace(ylim=ylim), right],
            [
                Number("∫S_y dz, kept", 1e3 * response.intraband, UNIT, 3),
                Number("∫S_x dz, neglected", 1e3 * response.damping_like[i], UNIT, 3),
                Number("∫S_y dz, neglected", 1e3 * response.field_like[i], UNIT, 3),
                Number("|S_x|/|S_y|", share[i], " %", 1),
                Number("τ", tau[i], " fs", 1),
                Number("mean free path", path[i], " nm", 1),
            ],
        )
        for i in range(rates.size)
    ]


# --- the verdicts ---------------------------------------------------------------------------------


def tolerances(entries: Sequence[Judged], percent: np.ndarray) -> list[View]:
    """Return how far each statement that compares positions is off, and its verdict, by tolerance.

    One view for each tolerance, the same for all statements, in per cent and ascending.
    """
    rows = list(enumerate(entries, 1))
    least = 0.9 * percent[0]  # on a logarithmic axis: what is nearer stands at its end
    circles = [
        Series(
            name,
            np.maximum([x for _, entry in rows for x in entry.deviations(which)], least),
            [i for i, entry in rows for _ in entry.agreements],
            look,
        )
        for name, which, look in (
            ("propagating states alone", "propagating", "dot"),
            ("all states", "all", "hollow"),  # open, drawn over it
        )
    ]
    own = [100 * entry.claim.tolerance / abs(entry.claim.paper) for entry in entries]
    bars = Series(
        "our own tolerance",
        np.ravel([[t, t, np.nan] for t in own]),
        np.ravel([[i - 0.25, i + 0.25, np.nan] for i, _ in rows]),
        "plain",
    )
    # Room above and below, so that no row is at an edge, and a row is a step of the axis.
    ends, label = (max(len(rows), 4) + 0.9, 0.1), "deviation from the paper (%)"
    span = (least, percent[-1])
    panels = [Panel(label, "statement", [bars, *circles], span, ends, "x", marked=True)]
    found = [[entry.at(x / 100) for entry in entries] for x in percent]
    names = [f"{i}. {entry.claim.title}" for i, entry in rows]
    own_verdicts = [f" (at our own tolerance: {entry.verdict})" for entry in entries]
    return [View(panels, list(map(Number, names, row, own_verdicts))) for row in found]


QUICK = (
    "confinement-count",
    "confinement-chirality",
    "confinement-lost",
    "chirality-jump",
    "thickness-counts",
    "confinement-silent",
)
"""Statements whose numbers need a few wells; the last has none to be drawn."""


def claimed(states: FermiStates) -> View:
    """Return numbers of the paper and ours for the parameters of a well, with their verdicts."""
    from . import claims

    names = [name for name in claims.Material.__dataclass_fields__ if name != "E_F"]
    material = claims.Material(
        **{name: getattr(states.well, name) for name in names}, E_F=states.E_F
    )
    known = {claim.id: claim for claim in claims.claims()}
    entries = [claims.Judged(known[name], known[name].answers(material)) for name in QUICK]
    marks, bars, numbers = [], [], []
    for i, entry in enumerate(entries, 1):
        numbers.append(Number(f"{i}. {entry.claim.title}", entry.verdict))
        rows = claims.numbers([entry])
        labels = list(dict.fromkeys(row[0] for row in rows))
        for label, paper, tolerance, *ours in rows:  # parts of a statement beside each other
            y = i + 0.3 * (labels.index(label) - (len(labels) - 1) / 2)
            marks.append((y, *(np.nan if one is None else one / paper for one in ours)))
            half = tolerance / abs(paper)
            bars += [(1 - half, y), (1 + half, y), (np.nan, np.nan)]
        for reading, answer in entry.answers.items():
            for kind, value in zip(("all states", "propagating"), answer, strict=True):
                several = value if isinstance(value, list) else [value]
                several = [one for one in several if one is not None]
                parts = (entry.claim.parts or [""])[: len(several)]
                for part, one in zip(parts, several, strict=True):
                    name = ", ".join(filter(None, (reading, part))) or entry.claim.compared
                    numbers.append(Number(f"{name}, {kind}", one, "", ".4g"))
    y, every, waves = np.transpose(marks)
    ends, places = np.transpose(bars)
    series = [
        Series("the paper's", [1.0], None, "guide"),
        Series("our own tolerance", ends, places, "plain"),
        Series("propagating states alone", waves, y, "dot"),
        Series("all states", every, y, "hollow"),  # open, drawn over it
    ]
    drawn = np.concatenate([every, waves, [0.9, 1.1]])
    span = np.nanmin(drawn) - 0.1, np.nanmax(drawn) + 0.1
    heights = round(max(y)) + 0.8, 0.1  # downwards, with room so that no row is at an edge
    return View([Panel("ours / the paper's", "statement", series, span, heights)], numbers)
