"""The data of what the pages show: each picture once, for all three ways to draw it.

A view is a function of Fermi states, which know their well and ε_F, and of what else is chosen.  It
returns plain numbers: panels with curves and marks, and read-outs.  `figures.draw` makes of them a
figure, `sliders.moved` one that moves with no kernel, from the view at each position, and
`explore.Explorer` one that follows controls, with the read-outs as its table.  Nothing here needs
Matplotlib or ipywidgets.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from .tables import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import xarray as xr
    from numpy.typing import ArrayLike

    from ..kubo import FermiStates

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
        colour of letters).  Marks: "dot" (blue, filled), "hollow" (orange, open), "dot neutral"
        and "hollow neutral" (the same in the colour of letters).  Lines across: "guide" (grey,
        dotted).  A static figure has more, see `figures.LOOKS`.
    smooth : bool
        Whether a curve is smooth between its points; else they are joined by straight lines.
    pieces : sequence of str
        What the data of a static figure call the pieces of a curve, one after the other.
    """

    name: str
    x: ArrayLike | None
    y: ArrayLike | None
    look: str = "first"
    smooth: bool = False
    pieces: Sequence[str] = ()


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
    title : str
        Above the panel in a static figure.
    """

    x: str
    y: str
    series: Sequence[Series]
    xlim: ArrayLike | None = None
    ylim: ArrayLike | None = None
    log: Literal["", "x", "y", "xy"] = ""
    follows: bool = False
    marked: bool = False
    title: str = ""


class Number(NamedTuple):
    """A read-out.

    Attributes
    ----------
    name : str
        An underscore lowers the next letter.
    values : float or str, or array_like of them
        Of a view one; of a slider one for each position.  nan reads "none".
    unit : str
        What follows the value, with the space before it.
    digits : int
        Decimals of a number.
    """

    name: str
    values: ArrayLike | str
    unit: str = ""
    digits: int = 0


class View(NamedTuple):
    """What one picture shows.

    Attributes
    ----------
    panels : sequence of Panel
    numbers : sequence of Number
    alike : bool
        Whether the panels of a static figure have one vertical scale.
    """

    panels: Sequence[Panel]
    numbers: Sequence[Number] = ()
    alike: bool = False


# --- curves and their gaps ------------------------------------------------------------------------


def parted(x: np.ndarray, values: np.ndarray, number: np.ndarray) -> tuple:
    """Return a curve with a gap wherever a number changes.

    Parameters
    ----------
    x, values : array
    number : array
        Of what is counted in the values, at each x: where it changes they jump.

    Returns
    -------
    (array, array)
        x and values, with nan half-way between the points beside a jump.
    """
    before = np.flatnonzero(np.diff(number))
    middle = (x[before] + x[before + 1]) / 2
    gaps = np.insert(np.asarray(values, dtype=float), before + 1, np.nan)
    return np.insert(x, before + 1, middle), gaps


def broken(x: np.ndarray, values: np.ndarray, at: float) -> tuple:
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


def across(d: float, points: int = 301) -> np.ndarray:
    """Return places from the left barrier to the right one, in nm."""
    pad = 0.3 * d + 0.1
    return np.linspace(-pad, d + pad, points)


def profile(states: FermiStates, *, coarse: bool = False) -> View:
    """Return S_y(z) of all states and of the propagating ones alone.

    Parameters
    ----------
    states : FermiStates
    coarse : bool
        Whether there are only six points to the shortest period, twice the largest wave number in
        the well, and both interfaces among them: a slider has many profiles.
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
        ends = [-pad, 0, d, d + pad]
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
    then takes its part away; where a subband enters, it begins with none.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over `alpha_R` and the axis.
    along : str
    label : str
        Of the axis.
    limit : float, optional
        ħ²/m where the axis goes past it: the sums have a pole there.
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
        for alpha_R, look in zip(values, by_sign(values), strict=True):
            one, count = spin.sel(alpha_R=alpha_R), n.sel(alpha_R=alpha_R)
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
    return View(panels, alike=True)


def against_width(ds: xr.Dataset) -> View:
    """Return the integral and the average of S_y over the well against its width.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over `d`.

    Returns
    -------
    View
        The average on logarithmic axes, with a guide that falls as 1/d.
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
    one = Series("∝ 1/d", some, guide, "thin", pieces=("_guide",))
    average = SUM.replace("∫S_y dz", "average of S_y").replace("nm⁻²", "nm⁻³")
    return View(
        [
            Panel(
                "d (nm)",
                SUM,
                [Series(name, d, y, look) for name, y, look in curves],
                title="(a) integral over the well",
            ),
            Panel("d (nm)", average, [*averages, one], log="xy", title="(b) average over the well"),
        ]
    )


ALPHA_L = "α_L (eV nm²)"


def chiralities(ds: xr.Dataset, limit: float) -> View:
    """Return ∫S_y dz against α_L of each chirality, of propagating and of all states.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over `alpha_L`.
    limit : float
        ħ²/m in eV·nm².

    Returns
    -------
    View
        Curves with a gap where the number of what they count changes.
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
    looks = {"all": "second", "propagating": "first", "mixed": "third", "interface": "fifth"}
    series = [Series("ħ²/m", [limit], None, "guide")]
    for kind, look in looks.items():
        one = (n.sum("kind") if kind == "all" else n.sel(kind=kind)).values
        curve = parted(ds["alpha_L"].values, one, one)
        series.append(Series(kind, *broken(*curve, limit), look))
    return View([Panel(ALPHA_L, "number of Fermi states", series)])


def overlaid(several: Sequence[FermiStates], z: np.ndarray) -> View:
    """Return profiles S_y(z) at several α_L over each other, of propagating and of all states."""
    panels = []
    for title, choose in (("(a) propagating", propagating), (ALL, lambda states: states)):
        series = [
            Series(
                f"α_L = {number(states.well.alpha_L)} eV nm²",
                z,
                choose(states).spin_density(z).sum(axis=0),
            )
            for states in several
        ]
        panels.append(Panel("z (nm)", DENSITY, series, title=title))
    return View(panels)


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
