"""The paper's figures as functions of data.

Colours are those of Okabe and Ito, two of them darkened, which colour-blind readers tell apart;
what a colour says, a marker or a line style says too.  Panels stand above each other, so that a
narrow screen shows them whole.  Every function returns the figure, so that a caller can save it.
What a figure shows is in `data` as numbers: a curve is what has a name, its gid or else its label.
"""

from __future__ import annotations

import csv
import io
import re
import textwrap
from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..beyond.cells import ARGUMENTS
from ..search import count_states
from .measured import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from ..kubo import FermiStates
    from ..well import Well
    from .views import Series, View

PLUS, MINUS, NEUTRAL = "#0072B2", "#D55E00", "#666666"
"""Chirality +, chirality − (blue and red in the paper), and neither."""

SEQUENCE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#2F94D3", "#000000")
"""Blue, orange, green, pink, golden, light blue, black: each has a contrast of 3 to the page and,
after the filter of qwlib.css, to the dark page, where black is white and the others keep their
names."""

LOOKS: dict[str, dict[str, Any]] = {
    "first": dict(color=SEQUENCE[0], ls="-"),
    "second": dict(color=SEQUENCE[1], ls="--"),
    "third": dict(color=SEQUENCE[2], ls="-."),
    "fourth": dict(color=SEQUENCE[3], ls=":"),
    "fifth": dict(color=SEQUENCE[6], ls=":", lw=2.2),
    "on first": dict(color=SEQUENCE[0], ls="", marker="o", ms=4),
    "on second": dict(color=SEQUENCE[1], ls="", marker="o", ms=4),
    "on third": dict(color=SEQUENCE[2], ls="", marker="o", ms=4),
    "on fourth": dict(color=SEQUENCE[3], ls="", marker="o", ms=4),
    "thin": dict(color=NEUTRAL, lw=1),
    "thick": dict(color="black", lw=3),
    "other": dict(color=NEUTRAL, lw=1, ls="--"),
    "plain": dict(color="black"),
    "guide": dict(color=NEUTRAL, lw=0.8, ls=":"),
    "dot": dict(color=SEQUENCE[0], ls="", marker="o", ms=5.5),
    "hollow": dict(color=SEQUENCE[1], ls="", marker="o", ms=6, mfc="white", mew=1.5, zorder=3),
    "dot first": dict(color=SEQUENCE[0], ls="", marker="o", ms=5),
    "hollow first": dict(color=SEQUENCE[0], ls="", marker="o", ms=5, mfc="none"),
    "dot second": dict(color=SEQUENCE[1], ls="", marker="s", ms=5),
    "hollow second": dict(color=SEQUENCE[1], ls="", marker="s", ms=5, mfc="none"),
    "marked": dict(color=SEQUENCE[0], ls="-", marker="o", ms=6),
    "marked second": dict(color=SEQUENCE[1], ls="-", marker="s", ms=6),
    "dot neutral": dict(color="black", ls="", marker="o", ms=5),
    "hollow neutral": dict(color="black", ls="", marker="o", ms=5, mfc="white"),
    # Of the curve of each α_R by its sign, and where that sign has gone to another value.
    "minus": dict(color=SEQUENCE[2], ls="-"),
    "zero": dict(color=SEQUENCE[4], ls="--"),
    "plus": dict(color=SEQUENCE[6], ls="-."),
    "spare": dict(color=SEQUENCE[3], ls=":"),
    "other spare": dict(color=SEQUENCE[5], ls=(0, (6, 1.5, 1, 1.5, 1, 1.5))),
    # Of chiralities: curves, and marks of states.
    "+": dict(color=PLUS, ls="-", marker="^", ms=6, markevery=(30, 60)),
    "−": dict(color=MINUS, ls="--", marker="v", ms=6, markevery=(30, 60)),
    "both": dict(color="black", ls=":"),
    "up": dict(color=SEQUENCE[2], ls="-"),
    "down": dict(color=SEQUENCE[3], ls="--"),
    "ring": dict(color="black", ls="", marker="o", ms=14, mfc="none", mew=1.6),
    "mark +": dict(color=PLUS, ls="", marker="^", ms=6),
    "mark −": dict(color=MINUS, ls="", marker="v", ms=6),
    "mark 0": dict(color=NEUTRAL, ls="", marker="o", ms=6),
}
"""How a `Series` of `views` is drawn."""

SUM = r"$\int_0^d S_y\,dz$"
"""Of the axis of a spin density integrated over the well."""

WIDTH = 4.8
"""Width of a figure in inches: on a screen of 400 px letters of 8 points are 8 px high."""

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.facecolor": "white",
    "font.size": 10,
    "axes.prop_cycle": plt.cycler(color=SEQUENCE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.edgecolor": "none",  # on a ground of its own, which lets curves shine through
    "lines.linewidth": 1.6,
}


DIGITS = 5
"""Digits of a figure's data, in the range of its axis: finer than a dot of the picture, and coarse
enough that another linear algebra library, or another machine, gives the same."""


def use_style() -> None:
    """Set Matplotlib to the style of the book, and inline figures to 200 dpi with their data.

    A figure that a notebook shows is then both a picture and, as text/csv, its `data`.
    Outside IPython that is skipped.
    """
    plt.rcParams.update(STYLE)
    try:
        from IPython import get_ipython
        from IPython.core.formatters import BaseFormatter
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    set_matplotlib_formats("png", dpi=STYLE["savefig.dpi"])
    display = shell.display_formatter
    formatter = BaseFormatter(
        parent=display, format_type="text/csv", print_method="_repr_csv_"
    )  # no object has such a method
    formatter.for_type(Figure, data)
    display.formatters["text/csv"] = formatter


def data(figure: Figure) -> str | None:
    """Return the curves of a figure as CSV, or None if nothing in it is one.

    A curve is a line, a set of stems or levels, or a bar whose gid, or else whose label, begins
    with no underscore; so Matplotlib's own names of lines without a label, such as zero lines and
    guides, are none.  Each row is a point: the panel, the curve, x and y, rounded to `DIGITS`.
    Comments on top say what is on the axes.  Where an axis has words for its ticks, these stand
    for its numbers; of a staircase there are the corners alone.
    """
    rows, comments = [], []
    for place, ax in enumerate(figure.axes):
        title = _plain(ax.get_title(loc="left") or ax.get_title())
        letter = re.match(r"\((\w+)\) *", title)
        panel = letter[1] if letter else "abcdefghijkl"[place]
        found = list(_curves(ax))
        if not found:
            continue
        rest = title[letter.end() :] if letter else title
        # An axis that is shared has its label at the last panel, or the figure has one for all.
        below = (other.get_xlabel() for other in figure.axes[place:])
        labels = {
            "x": figure.get_supxlabel() or next(filter(None, below), ""),
            "y": figure.get_supylabel() or ax.get_ylabel(),
        }
        said = [f"{name} is {_plain(text)}" for name, text in labels.items() if text]
        panel_is = f"panel {panel} ({rest})" if rest else f"panel {panel}"
        comments.append(f"# {': '.join(filter(None, (panel_is, ', '.join(said))))}\n")
        for name, x, y in found:
            columns = _written(x, ax.xaxis), _written(y, ax.yaxis)
            rows += [(panel, name, *point) for point in zip(*columns, strict=True) if all(point)]
    if not rows:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("panel", "curve", "x", "y"), *rows])
    return "".join(comments) + text.getvalue()


def _curves(ax: Axes) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, x and y of what is drawn in a panel and has a name."""
    found = [(line, *line.get_data(orig=False)) for line in ax.lines]
    for segments in ax.collections:
        if hasattr(segments, "get_segments"):
            points = segments.get_segments()
            found.append((segments, *np.reshape(points, (-1, 2)).T))
    for container in ax.containers:
        for bar in getattr(container, "patches", ()):
            (x0, y0), (x1, y1) = bar.get_bbox().get_points()
            if container.orientation == "vertical":
                found.append((bar, np.array([x0, x1]), np.array([y1, y1])))
            else:
                found.append((bar, np.array([x0, x1]), np.array([y0 + y1, y0 + y1]) / 2))
    for artist, x, y in found:
        name, x, y = str(artist.get_gid() or artist.get_label()), np.asarray(x), np.asarray(y)
        if name.startswith("_") or not len(x):
            continue
        if getattr(artist, "get_drawstyle", str)().startswith("steps"):
            inner = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
            corners = np.concatenate([[True], ~inner, [True]])
            x, y = x[corners], y[corners]
        yield _plain(name), x, y


def _written(values: np.ndarray, axis) -> list[str]:
    """Return numbers as text in the digits of their axis, or the words of its ticks; '' for NaN."""
    words = axis.get_major_formatter()
    if isinstance(words, FuncFormatter):  # Matplotlib's own, for ticks 0, 1, … with labels
        return [_plain(words(float(np.rint(value)))) for value in values]
    values = np.asarray(values, dtype=float)
    span = abs(np.diff(axis.get_view_interval())[0])
    size = np.abs(values) if axis.get_scale() == "log" else np.maximum(span, np.abs(values))
    texts = []
    for value, of in zip(values, size, strict=True):
        if not np.isfinite(value):
            texts.append("")
            continue
        decimals = DIGITS - int(np.floor(np.log10(of))) if of else 0
        texts.append(f"{round(value, decimals) + 0.0:.12g}")  # -0 is 0
    return texts


def _plain(text: str) -> str:
    """Return a label without Matplotlib's markup for formulas."""
    text = re.sub(r"\$([^$]*)\$(?=\w)", r"\1 ", text).replace("$", "").replace("−", "-")
    text = re.sub(r"\\int(_0\^d)? ?", "∫", re.sub(r"\\[,;]", " ", text))
    return re.sub(r"[{}\\]", "", " ".join(text.split()))


def draw(view: View, size: tuple[float, float] | None = None) -> Figure:
    """Draw a view: its panels in a column, with (a), (b), … as titles; a word if there are none."""
    n = len(view.panels)
    if not n:
        fig, ax = plt.subplots(figsize=(WIDTH, 1.0), layout="constrained")
        ax.set_axis_off()
        say_if_empty(ax)
        return fig
    ends_of_x = {(p.x, p.xlim is None or tuple(np.ravel(p.xlim).tolist())) for p in view.panels}
    fig, axes = plt.subplots(
        n,
        1,
        figsize=size or (WIDTH, 2.9 * n + 0.5),
        sharex=len(ends_of_x) == 1,
        sharey=view.alike,
        squeeze=False,
        layout="constrained",
    )
    named: set[str] = set()
    for i, (ax, panel) in enumerate(zip(axes[:, 0], view.panels, strict=True)):
        for axis in panel.log:
            ax.set(**{f"{axis}scale": "log"})
        for one in panel.series:
            _series(ax, one)
        say_if_empty(ax)
        ends = {axis: end for axis in ("xlim", "ylim") if (end := getattr(panel, axis)) is not None}
        letter = f"({'abcdefgh'[i]})" if n > 1 and not panel.title.startswith("(") else ""
        title = in_formula(f"{letter} {panel.title}".strip())
        ax.set(title=title, ylabel=in_formula(panel.y), **ends)
        if i == n - 1 or len(ends_of_x) > 1:
            ax.set_xlabel(in_formula(panel.x))
        if view.at is not None and panel.marked:
            ax.axvline(view.at, color="0.4", lw=0.8, ls=":")
        if "y" not in panel.log:
            low, high = ax.get_ylim()
            if min(low, high) <= 0 <= max(low, high):
                ax.axhline(0, color="0.6", lw=0.8, zorder=1)  # a curve on it is seen
                ax.set_ylim(low, high)
        names = {one.name for one in panel.series if one.look != "guide"} - {""}
        if names - named and not view.full:
            ax.legend(fontsize=9.5, loc="best")
        named |= names
    if view.full:
        handles = {h.get_label(): h for ax in axes[:, 0] for h in ax.get_legend_handles_labels()[0]}
        fig.legend(handles=[*handles.values()], fontsize=9.5, ncols=2, loc="outside upper center")
    return fig


def in_a_row(view: View) -> Figure:
    """Draw `views.contours`: its panels side by side, with one scale along both axes."""
    n = len(view.panels)
    fig, axes = plt.subplots(
        1, n, figsize=(6, 2.75), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, panel, letter in zip(axes[0], view.panels, "abcdefgh", strict=False):
        for one in panel.series:
            _series(ax, one)
        # Each arrow has three entries: where it starts, where it ends, and a gap.
        (x, end_x), (y, end_y) = ((v[::3], v[1::3]) for v in panel.series[-1][1:3])
        ax.lines[-1].set_linewidth(0.8)
        heads = dict(angles="xy", scale_units="xy", scale=1, width=0.007, headwidth=4.5)
        ax.quiver(x, y, end_x - x, end_y - y, **heads, headlength=5, minlength=0, zorder=3)
        ax.set_title(f"({letter}) {panel.title}", fontsize=11)
        ax.set_xlabel(in_formula(panel.x), fontsize=11)
        ax.set_ylabel(in_formula(panel.y), fontsize=11, visible=letter == "a")
        ax.set_aspect("equal")
    fig.legend(
        *axes[0][0].get_legend_handles_labels(), ncols=n, fontsize=10, loc="outside upper center"
    )
    return fig


def show(shown: View | Figure, size: tuple[float, float] | None = None) -> None:
    """Show a view, as `draw` draws it, or a figure, as the output of a cell."""
    if not isinstance(shown, Figure):
        draw(shown, size)
    plt.show()


def _series(ax: Axes, one: Series) -> None:
    """Draw a series of a view."""
    look = LOOKS[one.look]
    if one.look == "guide":
        if one.name == "ħ²/m":
            _mark_end(ax, one.x[0])
            return
        for line, places in ((ax.axvline, one.x), (ax.axhline, one.y)):
            for place in () if places is None else places:
                line(place, **look)
        if one.x is None:
            for place, name in zip(one.y, one.name.split(", "), strict=False):
                _beside(ax, place, name)
        elif len(one.x) == 1:
            place = (one.x[0], 0.04)
            ax.annotate(f"{one.name} ", place, xycoords=("data", "axes fraction"), ha="right")
        return
    x, y = np.asarray(one.x, dtype=float), np.asarray(one.y, dtype=float)
    if x.size < y.size:  # an even grid
        x = np.linspace(x[0], x[-1], y.size)
    label = in_formula(one.name) if one.name else "_"
    if not one.pieces or isinstance(one.pieces, str):
        ax.plot(x, y, label=label, gid=one.pieces or None, **look)
        return
    ends = np.append(np.flatnonzero(np.isnan(x)), x.size)
    starts = np.concatenate([[0], ends[:-1] + 1])
    parts = [slice(*both) for both in zip(starts, ends, strict=True) if both[1] > both[0]]
    for part, gid in zip(parts, one.pieces, strict=True):
        ax.plot(x[part], y[part], label=label, gid=gid, **look)
        label = "_"


def _beside(ax: Axes, height: float, words: str) -> None:
    """Write the name of a line across at its right end."""
    place = dict(xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=9.5)
    ax.annotate(in_formula(words), (1.01, height), annotation_clip=False, **place)


def say_if_empty(ax: Axes) -> None:
    """Say so in a panel whose curves have no point, as where there is no Fermi state."""
    if not any(np.isfinite(y).any() for _, _, y in _curves(ax)):
        place = dict(transform=ax.transAxes, ha="center", va="center", color=NEUTRAL)
        ax.text(0.5, 0.6, "nothing to draw: no value here", **place)


def in_formula(text: str) -> str:
    """Return a text of a view with Matplotlib's markup: symbols with an index as formulas."""
    text = (
        text.replace("nm^{-1/2}", "nm$^{-1/2}$")
        .replace("∫S_y dz", SUM)
        .replace("∫S_x dz", SUM.replace("_y", "_x"))
    )
    parts = re.split(r"(\$[^$]*\$)", text)
    parts[::2] = [
        re.sub(r"(\w)_(\w+)", r"$\1_{\2}$", part.replace("τeE/ħ", "$τeE/ħ$")) for part in parts[::2]
    ]
    return "".join(parts)


def signed_kappa(states: FermiStates) -> np.ndarray:
    """Return κ of the spin whose floor is lower, in 1/nm; minus its modulus where imaginary."""
    kappa2 = (states.E + abs(states.well.Delta)) / states.well.c
    return np.sign(kappa2) * np.sqrt(np.abs(kappa2))


def fermi_circles() -> Figure:
    """Sketch two Fermi circles of a Rashba gas with their spins, at rest and shifted by a field."""
    radii, shift = {1: 0.7, -1: 1.0}, 0.16  # radius by χ = ±1; a sketch: the shift is far too large
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 7.6), sharex=True, layout="constrained")
    angles = np.linspace(0, 2 * np.pi, 200)
    for ax, moved, title in zip(
        axes, (0.0, shift), ("(a) no field", "(b) field along $x$"), strict=True
    ):
        for (chi, radius), colour in zip(radii.items(), (MINUS, PLUS), strict=True):
            x, y = radius * np.cos(angles), radius * np.sin(angles)
            if moved:
                ax.plot(x, y, color=colour, lw=1, ls=":")
                left = x < 0
                outline = (
                    np.append(x[left] - moved, x[left][::-1]),
                    np.append(y[left], y[left][::-1]),
                )
                ax.fill(*outline, color=colour, alpha=0.3, lw=0)
            ax.plot(x - moved, y, color=colour, ls="-" if chi < 0 else "--")
            # Beside the circle: outside of the outer one, inside of the inner one.
            beside = radius - 0.19 * chi
            for angle in np.arange(4) * np.pi / 2:
                spin = chi * np.array([-np.sin(angle), np.cos(angle)])  # along χ z × k
                middle = beside * np.array([np.cos(angle), np.sin(angle)])
                # Where the circle was before is in the way on one side: there beside that one.
                if chi * middle[0] > -0.5:
                    middle[0] -= moved
                foot = middle - 0.24 * spin
                look = dict(arrowstyle="-|>", color=colour, lw=2.4, shrinkA=0, shrinkB=0)
                ax.annotate("", foot + 0.48 * spin, foot, arrowprops=look | {"mutation_scale": 18})
        low, arrow = (-1.55, -1.38), dict(arrowstyle="->", color="black", shrinkA=0, shrinkB=0)
        for end, name in (((0.34, 0), "$k_x$"), ((0, 0.34), "$k_y$")):
            tip = np.add(low, end)
            ax.annotate("", tip, low, arrowprops=arrow | {"mutation_scale": 14})
            ax.text(*np.add(tip, np.sign(end) * 0.1), name, ha="center", va="center", fontsize=12)
        ax.plot(0, 0, "+", color=NEUTRAL, ms=8)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal")
        ax.set(xlim=(-1.75, 1.4), ylim=(-1.45, 1.35))
        ax.spines[:].set_visible(False)
    return fig


def levels_and_contributions(
    rows: list[tuple[str, FermiStates]], *, whole_key: bool = True
) -> Figure:
    """Draw Fig. 2: levels in the well, and below them the contributions against κ.

    Two panels for each title and states; the contribution is that to ∫₀^d S_y dz, in 10⁻³ nm⁻² per
    τeE/ħ.  The key has all signs and kinds, so that it takes the same room in an explorer whatever
    states there are, or else those of the states alone.
    """
    n = len(rows)
    fig, axes = plt.subplots(
        2 * n, 1, figsize=(WIDTH, 4.3 * n + 0.7), height_ratios=(6, 5) * n, layout="constrained"
    )
    looks = {
        "propagating": dict(linestyle="-", filled=True),
        "mixed": dict(linestyle="--", filled=False),
        "interface": dict(linestyle=":", filled=False),
    }
    signs = ((1, PLUS, "^", "+"), (-1, MINUS, "v", "−"), (0, NEUTRAL, "o", "0"))
    letters = iter("abcdefgh")
    for (title, states), (left, right) in zip(rows, axes.reshape(n, 2), strict=True):
        well = states.well
        pad = max(0.25 * well.d, 0.1)
        bottom = min(-1.4 * abs(well.Delta), states.E.min() if len(states) else 0.0) - 0.3
        z = [-pad, 0, 0, well.d, well.d, well.d + pad]
        left.plot(z, [well.V_L, well.V_L, 0, 0, well.V_R, well.V_R], color="black", lw=1.2)
        # Levels lie on the floors ±Δ, so these are the edges of a strip, named beside it.
        floor, top = abs(well.Delta), 1.06 * max(well.V_L, well.V_R)
        left.axhspan(-floor, floor, color="0.87", lw=0)
        left.axhline(states.E_F, color="black", lw=1.4, ls=(0, (1, 1.5)))
        names = [(states.E_F, "$ε_F$")]
        if floor > 0.04 * (top - bottom):
            names += [(floor, "|Δ|"), (-floor, "−|Δ|")]
        elif floor:
            names.append((0.0, "±|Δ|"))
        for height, name in names:
            left.text(well.d + pad, height, f" {name}", va="center", fontsize=9.5)
        for chirality, colour, marker, sign in signs:
            for kind, look in looks.items():
                some = states[(states.chirality == chirality) & (states.kind == kind)]
                name = f"{sign}, {kind}"
                levels = left.hlines(some.E, 0, well.d, color=colour, ls=look["linestyle"])
                levels.set(linewidth=1.6, gid=name)
                face = colour if look["filled"] else "white"
                x, y = signed_kappa(some), 1e3 * some.contribution
                right.vlines(x, 0, y, color=colour, lw=1.2, ls=look["linestyle"])
                if len(some):
                    right.plot(x, y, marker, color=colour, mfc=face, ms=7, label=name)
                    # From left to right, so that no mark hides another.
                    across = np.interp(some.E, states.E, np.linspace(0.06, 0.94, len(states)))
                    on_level = dict(color=colour, mfc=face, ms=5, gid="_on level")
                    left.plot(well.d * across, some.E, marker, **on_level)
        right.axhline(0, color="black", lw=0.8)
        left.set(
            xlabel="z (nm)",
            ylabel="E (eV)",
            xlim=(-pad, well.d + pad),
            ylim=(bottom, top),
        )
        right.set(
            xlabel="κ (nm⁻¹)",
            ylabel=f"part of {SUM}\n(10⁻³ nm⁻² per $τeE/ħ$)",
        )
        for ax, words in ((left, "levels"), (right, "contributions")):
            ax.set_title(f"({next(letters)}) {', '.join(filter(None, (title, words)))}")
    present = [{*states.kind, *states.chirality} for _, states in rows]
    shown = set().union(*present, [*looks, 1, -1, 0] if whole_key else [])
    key = [
        (plt.Line2D([], [], ls="", marker=m, color=c, ms=8), f"{n} chirality")
        for sign, c, m, n in signs
        if sign in shown
    ]
    for kind, look in looks.items():
        if kind not in shown:
            continue
        face = "black" if look["filled"] else "white"
        both = (
            plt.Line2D([], [], color="black", ls=look["linestyle"], marker=m, mfc=face, ms=8)
            for m in "^v"
        )
        key.append((tuple(both), kind))
    if not key:  # no well has a state
        return fig
    fig.legend(
        *zip(*key, strict=True),
        ncols=2,
        fontsize=9.5,
        handlelength=4,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        loc="outside lower center",
    )
    return fig


def name_at_right(ax: Axes) -> None:
    """Write the names of curves beside their right ends, instead of a key."""
    curves = [line for line in ax.lines if not line.get_label().startswith("_")]
    # A curve may end in a gap.
    ends = {
        line: np.append(0, line.get_ydata()[np.isfinite(line.get_ydata())])[-1] for line in curves
    }
    if ax.get_legend():
        ax.get_legend().remove()
    # Names of curves that end closely stand above each other, a line apart.
    low, high = ax.get_ylim()
    line_height = (high - low) * 14 / 72 / (0.8 * ax.figure.get_figheight())
    at = low - line_height
    for line in sorted(curves, key=ends.get):
        at = max(ends[line], at + line_height)
        place = dict(xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
        ax.annotate(line.get_label(), (1.01, at), color=line.get_color(), fontsize=9.5, **place)


def two_models(view: View, limit: float) -> Figure:
    """Draw `views.two_models`: curves of a model with an end thin and grey, one without over them.

    Each panel has a scale of its own, made for the latter.  At the end, `limit`, stands a dotted
    line, and the thin curves have a gap.
    """
    fig, axes = _stacked(len(view.panels), sharey=False)
    for ax, panel in zip(axes, view.panels, strict=True):
        half = len(panel.series) // 2
        for name, x, y, look, *_ in panel.series[:half]:
            split = np.searchsorted(x, limit)
            x, y = np.insert(x, split, limit), np.insert(y, split, np.nan)
            thin = {"color": NEUTRAL, "lw": 1, "gid": f"{in_formula(name)}, δ-functions"}
            ax.plot(x, y, **LOOKS[look] | thin)
        for one in panel.series[half:]:
            _series(ax, one)
        ax.plot([], [], color=NEUTRAL, lw=1, label="thin: with δ-functions")
        ax.axhline(0, color="0.6", lw=0.8, zorder=1)  # a curve on it is seen
        _mark_end(ax, limit)
        together = np.concatenate([one.y for one in panel.series[half:]])
        margin = 0.3 * np.ptp(together) + 1e-9
        ylim = (together.min() - margin, together.max() + margin)
        ax.set(title=panel.title, ylabel=in_formula(panel.y), ylim=ylim)
    axes[-1].set_xlabel(in_formula(panel.x))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, fontsize=9.5, ncols=2, loc="outside lower center")
    return fig


def interband_ratio(
    alphas: list[float], gammas: list[float], ratios: np.ndarray, shares: np.ndarray
) -> Figure:
    """Draw |∫S_x/∫S_y| over α_L for several ħ/τ, and the share of the lost spin that precesses in.

    α_L in eV·nm² and ħ/τ in eV; both results are arrays by α_L and ħ/τ.
    """
    fig, (top, bottom) = _stacked(2, sharey=False)
    # As many looks as a reader asks for: seven colours, and four lines.
    styles = zip(cycle(SEQUENCE), cycle(("-", "--", "-.", ":")), cycle("o^svDPX"))
    rows = zip(gammas, np.abs(ratios).T, shares.T, styles, strict=False)
    for gamma, ratio, share, (colour, line, marker) in rows:
        look = dict(color=colour, ls=line, marker=marker, ms=4)
        name = f"ħ/τ = {gamma:g} eV"
        top.plot(alphas, ratio, label=name, **look)
        bottom.plot(alphas, share, label=name, **look)
    for ax in (top, bottom):
        say_if_empty(ax)
    # Guides, thin and without marks.
    for ax, level, words in ((top, 0.01, "1 %"), (top, 0.1, "10 %"), (bottom, 1, "1")):
        ax.axhline(level, color="black", lw=0.8, ls=":")
        place = dict(xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=9.5)
        ax.annotate(words, (1.01, level), annotation_clip=False, **place)
    top.set(yscale="log", ylabel=r"$|\int_0^d S_x\,dz\,/\int_0^d S_y\,dz|$", title="(a)")
    bottom.set(ylim=(0, None), ylabel="precession / loss", title="(b)", xlabel="$α_L$ (eV nm²)")
    bottom.legend(fontsize=9.5, loc="best")
    return fig


def routes(work: dict, sweeps: dict[str, float]) -> Figure:
    """Draw time for one well and error of each route that the benchmarks measured.

    A drawing of its own, since its vertical axis has words.  Of the workloads of results.json, and,
    for "one" and "wide", the time in s for one well in a sweep around it.
    """
    wells = {"one": ("d = 2.2 nm", "o", SEQUENCE[0]), "wide": ("d = 20 nm", "s", SEQUENCE[1])}
    fig, axes = plt.subplots(
        2, 1, figsize=(WIDTH, 8.2), height_ratios=(11, 10), layout="constrained"
    )
    key = []
    for (name, (label, marker, colour)), shift in zip(wells.items(), (-0.18, 0.18), strict=True):
        rows = {key: row for key, row in work[name]["routes"].items() if "reason" not in row}
        same = rows["qwlib.fermi_states"]  # finds its states in the same way
        rows["qwlib.sweep"] = {"time_per_well": sweeps[name], "missed": same["missed"]}
        for some, face, words in ((False, colour, ""), (True, "white", "states missed")):
            look = dict(color=colour, mfc=face, ms=7, mew=1.6)
            key.append(plt.Line2D([], [], ls="", marker=marker, label=words or label, **look))
            for ax, column, unit in zip(axes, ("time_per_well", "k_error"), (1e3, 1), strict=True):
                shown = [
                    (unit * row[column], ROUTES.index(route) + shift)
                    for route, row in rows.items()
                    if bool(row["missed"]) == some and row.get(column) is not None
                ]
                x, y = np.reshape(shown, (-1, 2)).T
                gid = f"{label}, {words}" if words else label
                ax.semilogx(x, y, marker, gid=gid, **look)
    for ax, first, title in zip(axes, (0, 1), ("(a)", "(b)"), strict=True):
        ax.set_yticks(range(first, len(ROUTES)), ROUTES[first:])
        ax.set(title=title, ylim=(len(ROUTES) - 0.5, first - 0.5))
        ax.grid(color="0.9", lw=0.6)
        ax.set_axisbelow(True)
    axes[0].set_xlabel("time for one well (ms)")
    axes[1].set_xlabel("largest relative error in $k$")
    axes[1].xaxis.get_major_locator().set_params(numticks=6)
    fig.legend(handles=key[::2] + key[1::2], ncols=2, fontsize=9.5, loc="outside upper center")
    return fig


def settled_cells(rows: list[tuple[FermiStates, list]]) -> Figure:
    """Draw N along the Fermi parabola of the first well, and the cells of the search of each.

    A drawing of its own, since a bar says by its hatching too what settled its cell.  Of the
    sectors, as `beyond.cells.settle` gives them, the one with the most states is shown.
    """
    looks = [(SEQUENCE[5], ""), (SEQUENCE[4], "///"), (SEQUENCE[3], "..."), (SEQUENCE[1], "xx")]
    looks.append(("k", ""))
    fig, (steps, *below) = plt.subplots(
        3, 1, figsize=(WIDTH, 7.6), height_ratios=(2, 3, 3), layout="constrained"
    )
    tick = dict(ls="", marker="|", color="k", ms=9, mew=1.2)
    for ax, title, (states, sectors) in zip(below, ("(b)", "(c)"), rows, strict=True):
        K, found = max(sectors, key=lambda one: sum(abs(cell.states) for cell in one.cells))
        deepest = max(cell.halvings for cell in found)
        for k1, k2, depth, argument, _ in found:
            colour, hatch = looks[argument]
            broad = k2 - k1 > 0.01 * K
            look = dict(hatch=hatch, ec="k") if broad else dict(ec=colour)
            look |= dict(color=colour, lw=0.5, gid=ARGUMENTS[argument])
            ax.bar(k1, depth, k2 - k1, align="edge", **look)
        ax.axvspan(K, 1.08 * K, color="0.85", lw=0)
        places = np.full(len(states), 1.1 * deepest + 0.6)
        ax.plot(states.k, places, label="Fermi states", **tick)
        ax.set(title=title, ylabel="halvings", xlim=(0, 1.08 * K), ylim=(0, 1.22 * deepest + 1))
    below[-1].set_xlabel("wave number $k$ (nm⁻¹)")
    states = rows[0][0]
    k = np.linspace(0, below[0].get_xlim()[1], 3000)
    N = count_states(states.well, states.E_F - states.well.c * k**2, k)
    steps.step(k, N, where="mid", color="k", label="$N$")
    steps.set(ylabel="$N(k)$", xlim=(0, k[-1]), title="(a)")
    steps.yaxis.set_major_locator(MaxNLocator(integer=True))
    key = [
        Patch(fc=colour, hatch=hatch, ec="k", label=words)
        for (colour, hatch), words in zip(looks[:-1], ARGUMENTS, strict=False)
    ]
    key += [Patch(fc="0.85", label="tail"), plt.Line2D([], [], label="Fermi state", **tick)]
    fig.legend(handles=key, fontsize=9.5, ncols=2, loc="outside lower center")
    return fig


def convergence(panels: list[tuple[str, str, np.ndarray, np.ndarray]]) -> Figure:
    """Draw relative errors on a logarithmic axis, a panel for each (title, xlabel, x, error).

    Errors below 1e-13, which are rounding, are drawn there.
    """
    n = len(panels)
    fig, axes = plt.subplots(n, 1, figsize=(WIDTH, 2.4 * n), sharey=True, layout="constrained")
    for ax, (title, xlabel, x, error) in zip(axes, panels, strict=True):
        ax.semilogy(x, np.maximum(error, 1e-13), "o-", ms=4, label="error")
        ax.set(title=title, xlabel=xlabel, ylabel="relative error")
        ax.grid(axis="y", lw=0.4)
    return fig


def _stacked(n: int, *, sharey: bool = True) -> tuple[Figure, np.ndarray]:
    """Return a figure of n panels above each other that share their horizontal axis."""
    height = 2.9 * n + 0.5
    fig, axes = plt.subplots(
        n,
        1,
        figsize=(WIDTH, height),
        sharex=True,
        sharey=sharey,
        squeeze=False,
        layout="constrained",
    )
    return fig, axes[:, 0]


def _mark_end(ax: Axes, limit: float) -> None:
    """Draw a dotted line at ħ²/m, named inside the frame, where no title can be in its way."""
    ax.axvline(limit, color=NEUTRAL, lw=1, ls=":")
    place = dict(textcoords="offset points", ha="left", va="top", zorder=4)
    label = ax.annotate(
        "ħ²/m", (limit, 1), (4, -2), xycoords=("data", "axes fraction"), fontsize=9.5, **place
    )
    label.set(color="0.35", path_effects=[withStroke(linewidth=4, foreground="white")])


def well_scheme(well: Well, E_F: float) -> Figure:
    """Draw Fig. 1: the trilayer seen from the side, and the potential that its electrons feel."""
    d, top = well.d, max(well.V_L, well.V_R)
    reach = 0.45 * d
    figure, (side, profile) = plt.subplots(
        2, 1, figsize=(WIDTH, 5.6), height_ratios=(2, 3), sharex=True, layout="constrained"
    )
    grey, rashba = "0.88", SEQUENCE[4]

    for start, width, colour in ((-reach, reach, grey), (0, d, "#CFE6F5"), (d, reach, grey)):
        side.add_patch(plt.Rectangle((start, 0), width, 1, color=colour, lw=0))
    for z, name in ((-reach / 2, "I"), (d / 2, "F"), (d + reach / 2, "I")):
        side.text(z, 0.88, name, ha="center", va="center", fontsize=13, fontweight="bold")
    for z in (0, d):
        side.axvline(z, color=rashba, lw=4)
    arrow = {"arrowstyle": "-|>", "mutation_scale": 16, "shrinkA": 0, "shrinkB": 0}
    side.annotate("", (0.95 * d, 0.62), (0.6 * d, 0.62), arrowprops=arrow | {"lw": 2, "fc": "k"})
    side.text(0.775 * d, 0.5, "$\\mathbf{m}$", ha="center", va="top", fontsize=12)
    thick = {"arrowstyle": "simple,head_width=1.1,tail_width=0.5", "mutation_scale": 20}
    side.annotate(
        "", (0.38 * d, 0.72), (0.38 * d, 0.18), arrowprops=thick | {"fc": NEUTRAL, "ec": NEUTRAL}
    )
    near = dict(textcoords="offset points", ha="right", va="center")
    side.annotate("current", (0.38 * d, 0.4), (-10, 0), fontsize=11, **near)
    z0, x0 = -0.82 * reach, 0.22
    thin = arrow | {"lw": 1.2, "mutation_scale": 10, "fc": "k"}
    for end in ((z0 + 0.2 * d, x0), (z0, x0 + 0.42)):
        side.annotate("", end, (z0, x0), arrowprops=thin)
    side.text(z0 + 0.22 * d, x0, "$z$", va="center", fontsize=11)
    side.text(z0, x0 + 0.44, "$x$", ha="center", va="bottom", fontsize=11)
    side.plot(z0, x0, "o", ms=9, mfc="white", mec="k")
    side.plot(z0, x0, "k.", ms=4)
    side.text(z0, x0 - 0.06, "$y$", ha="center", va="top", fontsize=11)
    side.set(xlim=(-reach, d + reach), ylim=(0, 1), yticks=[], title="(a)")
    side.spines[:].set_visible(False)
    side.tick_params(bottom=False)

    corners = np.array([-reach, 0, 0, d, d, d + reach])
    V = np.array([well.V_L, well.V_L, 0, 0, well.V_R, well.V_R])
    profile.plot(corners, V, "k", lw=2.2)
    barrier, inside = well.Delta_barrier, well.Delta
    shift = np.array([barrier, barrier, inside, inside, barrier, barrier])
    spins = ((1, "↑", SEQUENCE[2], "--"), (-1, "↓", SEQUENCE[3], "-."))
    for s, arrowhead, colour, style in spins if well.Delta else ():
        for layer in (slice(0, 2), slice(2, 4), slice(4, 6)):
            if shift[layer].any():
                profile.plot(corners[layer], (V + s * shift)[layer], color=colour, ls=style)
        upper = s * well.Delta > 0
        profile.annotate(
            f"${'+' if s > 0 else '-'}\\Delta$ {arrowhead}",
            (0.72 * d, s * well.Delta),
            (0, 2 if upper else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if upper else "top",
            fontsize=11,
        )
    profile.axhline(E_F, color=NEUTRAL, ls=":", lw=2)
    profile.annotate(
        "$\\varepsilon_F$",
        (d / 2, E_F),
        (0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=12,
    )
    for position, height, name, side_ in ((0, well.V_L, "L", -1), (d, well.V_R, "R", 1)):
        profile.plot([position] * 2, [0, height], color=rashba, lw=7, zorder=0)
        free = height * (0.25 if E_F > height / 2 else 0.75)
        label = {"textcoords": "offset points", "ha": "right" if side_ < 0 else "left"}
        profile.annotate(
            f"$\\alpha_{name}$", (position, free), (7 * side_, 0), fontsize=13, **label
        )
        # A height, measured from the floor: above the line it would look like the name of a spin's.
        where = position + 0.78 * side_ * reach
        tips = {"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0, "lw": 1}
        profile.annotate("", (where, height), (where, 0), arrowprops=tips)
        profile.plot([position, position + side_ * reach], [0, 0], color=NEUTRAL, lw=0.8)
        label["ha"] = "left" if side_ < 0 else "right"
        profile.annotate(f"$V_{name}$", (where, free), (-4 * side_, 0), fontsize=12, **label)
    low = min(0, E_F, -abs(well.Delta))
    profile.set(
        ylim=(low - 0.12 * top, 1.18 * top + abs(barrier)),
        xlabel="position $z$ (nm)",
        ylabel="energy (eV)",
        title="(b)",
    )
    return figure


def ours_over_papers(rows: list[tuple[str, float, float, float | None, float | None]]) -> Figure:
    """Draw each number of the paper as 1, and ours in units of it, a mark for each reading.

    Rows are (label, paper, tolerance, all, propagating): values with all states and with
    propagating ones alone; None where there is none.  Those of one label are in one row.
    """
    names = list(dict.fromkeys(row[0] for row in rows))
    fig, ax = plt.subplots(figsize=(WIDTH, 0.3 * len(names) + 1.2), layout="constrained")
    # A ring around the disc, so that both are seen where they are equal.
    rings = dict(marker="o", color=SEQUENCE[1], mfc="none", ms=10, mew=1.5)
    discs = dict(marker="o", color=SEQUENCE[0], ms=5.5)
    for label, paper, tolerance, *_ in {row[0]: row for row in rows}.values():
        half = tolerance / abs(paper)
        # With an edge, so that the narrowest is seen; without tolerance there is nothing to see.
        bar = dict(color="0.75", ec="0.75", lw=3 if half else 0, gid="tolerance")
        ax.barh(names.index(label), 2 * half, left=1 - half, height=0.6, **bar)
    ax.axvline(1, color="black", lw=0.8)
    for column, (reading, look) in enumerate((("all states", rings), ("propagating", discs))):
        known = [
            (value / paper, names.index(label))
            for label, paper, _, *ours in rows
            if (value := ours[column]) is not None
        ]
        x, y = np.reshape(known, (-1, 2)).T
        ax.plot(x, y, ls="", label=reading, **look)
    ax.set(xlabel="ours / the paper's", ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(range(len(names)), [in_formula(textwrap.fill(name, 30)) for name in names])
    ax.tick_params("y", labelsize=9)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    fig.legend(loc="outside upper right", ncols=2, fontsize=9.5)
    return fig
