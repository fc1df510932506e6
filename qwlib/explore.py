"""Explorers for a live notebook: the parameters of the paper on sliders, and what they do.

They need ipywidgets and a front end that shows widgets, such as JupyterLab, Colab, or a page of the
book in which Python runs.  A page without Python shows a line of text in their place.
"""

from __future__ import annotations

import html
import io
import warnings
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .figures import SEQUENCE, against_parameter, levels_and_contributions, number, profiles
from .kubo import KINDS, FermiStates, fermi_states
from .sweep import DEFAULT_FERMI_ENERGY, Grid, full, solve_columns
from .well import EXCHANGE, LONG_NAMES, UNITS, UnboundedSpectrumWarning, Well

SLIDERS = {
    "d": (0.1, 10.0, 0.01),
    "V_L": (0.5, 10.0, 0.05),
    "V_R": (0.5, 10.0, 0.05),
    "Delta": (-1.0, 1.0, 0.01),
    "alpha_L": (-0.15, 0.15, 0.001),
    "alpha_R": (-0.15, 0.15, 0.001),
    "mass": (0.1, 3.0, 0.01),
    "E_F": (0.0, 10.0, 0.01),
}
"""Ends and step of the slider of each parameter, in its unit."""

SYMBOLS = {
    "d": "d",
    "V_L": "V_L",
    "V_R": "V_R",
    "Delta": "Δ",
    "alpha_L": "α_L",
    "alpha_R": "α_R",
    "mass": "mass",
    "exchange": "exchange",
    "E_F": "ε_F",
}

DPI = 100
POINTS = 61
"""Wells in a curve against a parameter."""

WITHOUT_PYTHON = (
    "Sliders stand here while Python runs: press “Run this page” above, "
    "or open the chapter in Jupyter."
)


class Explorer(widgets.VBox):
    """The parameters of a well on sliders, above a picture that follows them.

    Attributes
    ----------
    controls : dict of str to widget
        By parameter: the fields of `Well`, and `E_F`.
    message : ipywidgets.HTML
        What is wrong with the parameters, or what to keep in mind; empty otherwise.
    picture : ipywidgets.Image
        The figure as PNG, of the last parameters that are allowed.
    table : ipywidgets.HTML
        States and contributions by kind.
    figure : matplotlib.figure.Figure
        What `picture` shows.
    states : FermiStates
        Those of the last parameters that are allowed.
    """

    def __init__(self, draw: Callable[[FermiStates], Figure], well: Well, E_F: float) -> None:
        self._draw = draw
        self._values: dict[str, float | str] = {}
        self._places = None
        values = {name: getattr(well, name) for name in Well.__dataclass_fields__} | {"E_F": E_F}
        self.controls = {name: control(name, value) for name, value in values.items()}
        self.message = widgets.HTML()
        self.picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self.table = widgets.HTML()
        grid = widgets.Layout(display="flex", flex_flow="row wrap")
        super().__init__(
            [
                widgets.Box(list(self.controls.values()), layout=grid),
                self.message,
                self.picture,
                self.table,
            ]
        )
        for each in self.controls.values():
            each.observe(self._update, names="value")
        self._update()

    def _update(self, _change: object = None) -> None:
        """Solve and draw anew, or say in one line why not and leave the picture as it is."""
        values = {name: settled(each.value) for name, each in self.controls.items()}
        if values == self._values:
            return
        self._values = values.copy()
        E_F = values.pop("E_F")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UnboundedSpectrumWarning)
                states = fermi_states(Well(**values), E_F)
                figure = self._draw(states)
        except ValueError as error:
            self.message.value = note(f"{error}. The picture shows the last allowed values.")
            return
        self.states, self.figure = states, figure
        # Each interface of a well, and each axis of a sweep, warns for itself.
        told = dict.fromkeys(str(each.message) for each in caught)
        self.message.value = "".join(map(note, told))
        self._places = place_axes(figure, self._places)
        self.picture.value = png(figure)
        self.table.value = table(states)

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, object]:
        """Return the widget, and a line of text for a page that shows none."""
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": WITHOUT_PYTHON}


def control(name: str, value: float | str) -> widgets.Widget:
    """Return the control of a parameter: a slider that reaches `value`, or a list of choices."""
    look = {
        "description": SYMBOLS[name]
        + (f" ({UNITS[name].replace('^2', '²')})" if UNITS[name] else ""),
        "tooltip": LONG_NAMES[name],
        "style": {"description_width": "8em"},
        "layout": widgets.Layout(width="23em", max_width="100%"),
    }
    if name == "exchange":
        return widgets.Dropdown(options=EXCHANGE, value=value, **look)
    low, high, step = SLIDERS[name]
    return widgets.FloatSlider(
        value=value,
        min=min(low, value),
        max=max(high, value),
        step=step,
        readout_format=f".{len(str(step)) - 2}f",
        **look,
    )


def settled(value: float | str) -> float | str:
    """Return a value without the last digits, which a slider in a browser adds by itself.

    It sends 5.000000000000001 for the 5 that it was given, as soon as it is there.
    """
    return value if isinstance(value, str) else round(value, 12)


def note(text: str) -> str:
    """Return a line of text as HTML."""
    return f'<div role="status">{html.escape(text)}</div>'


def place_axes(figure: Figure, places: list | None) -> list:
    """Lay the axes out as `places` says, or find that out: it takes as long as to draw them."""
    figure.set_dpi(DPI)
    if places is None:
        figure.draw_without_rendering()
        places = [axes.get_position() for axes in figure.axes]
    figure.set_layout_engine("none")
    for axes, place in zip(figure.axes, places, strict=True):
        axes.set_position(place)
    return places


def png(figure: Figure) -> bytes:
    """Return the figure as PNG and let pyplot forget it."""
    plt.close(figure)
    buffer = io.BytesIO()
    # Not savefig, which draws twice where there was a layout engine: once for that to lay out.
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def table(states: FermiStates) -> str:
    """Return the numbers of states and the contributions by kind, as an HTML table."""
    rows = []
    for kind in (*KINDS, "all"):
        some = states if kind == "all" else states[states.kind == kind]
        signs = [int((some.chirality == sign).sum()) for sign in (1, -1, 0)]
        # All digits go with the rounded number, for a script that reads the page.
        total = float(some.contribution.sum()) + 0.0
        cells = [len(some), *signs, f'<data value="{total!r}">{1e3 * total:.4f}</data>']
        rows.append(f"<th>{kind}</th>" + "".join(f"<td>{cell}</td>" for cell in cells))
    head = "".join(
        f"<th>{text}</th>"
        for text in ("kind", "states", "+", "−", "none", "∫S_y dz (10⁻³ nm⁻² per τeE/ħ)")
    )
    proof = "Proven complete." if states.certified else "Not proven complete."
    body = "".join(f"<tr>{row}</tr>" for row in (head, *rows))
    return f"<table>{body}</table>{note(proof)}"


def explore_states(E_F: float = DEFAULT_FERMI_ENERGY, **parameters: float | str) -> Explorer:
    """Explore the levels of a well and what each contributes, as in Fig. 2.

    Parameters
    ----------
    E_F : float
        Fermi energy in eV to begin with.
    **parameters
        Fields of `Well` to begin with; what is not given keeps its default.

    Raises
    ------
    ValueError
        If the parameters are not allowed.
    """
    return explorer(lambda states: levels_and_contributions([("", states)]), E_F, parameters)


def explore_profile(E_F: float = DEFAULT_FERMI_ENERGY, **parameters: float | str) -> Explorer:
    """Explore the spin density S_y(z) across a well; parameters as in `explore_states`."""
    return explorer(profile, E_F, parameters)


def explore_curve(
    axis: str, E_F: float = DEFAULT_FERMI_ENERGY, **parameters: float | str
) -> Explorer:
    """Explore ∫S_y dz against one parameter, with a mark at its slider.

    Parameters
    ----------
    axis : {"alpha_L", "alpha_R", "d"}
    E_F, **parameters
        As in `explore_states`.

    Raises
    ------
    ValueError
        If `axis` is another one, or the parameters are not allowed.
    """
    if axis not in CURVES:
        raise ValueError(f"axis must be one of {', '.join(CURVES)}, got {axis!r}")
    return explorer(lambda states: curve(axis, states), E_F, parameters)


def explorer(
    draw: Callable[[FermiStates], Figure], E_F: float, parameters: dict[str, float | str]
) -> Explorer:
    """Return an explorer of `draw`, its first parameters checked."""
    well = Well(**parameters)
    return Explorer(draw, well, well.checked_fermi_energy(E_F))


def profile(states: FermiStates) -> Figure:
    """Draw S_y(z) of all states and of the propagating ones alone."""
    d = states.well.d
    pad = 0.3 * d + 0.1
    z = np.linspace(-pad, d + pad, 301)
    p = states[states.kind == "propagating"]
    curves = [
        ("all states", z, states.spin_density(z).sum(axis=0), d, dict(color=SEQUENCE[1], ls="--")),
        ("propagating", z, p.spin_density(z).sum(axis=0), d, dict(color=SEQUENCE[0], ls="-")),
    ]
    return profiles([("", curves)])


CURVES = {"alpha_L": "$α_L$ (eV nm²)", "alpha_R": "$α_R$ (eV nm²)", "d": "d (nm)"}
"""Parameters for the horizontal axis of `explore_curve`, and their labels."""


def curve(axis: str, states: FermiStates) -> Figure:
    """Draw ∫S_y dz against a parameter, from its least to its largest value on the slider.

    A Rashba parameter goes from zero to ħ²/m, where the model ends.
    """
    well = states.well
    here = getattr(well, axis)
    low, high, _ = SLIDERS[axis]
    if axis != "d":
        low, high = 0.0, 0.99 * well.critical_rashba
    places = np.linspace(low, high, POINTS)
    fixed = {name: getattr(well, name) for name in Well.__dataclass_fields__ if name != axis}
    # As `sweep` does it, without xarray, which a page would have to load first.
    grid = Grid.of({"E_F": states.E_F, **fixed, axis: places})
    _, spins, _, _ = solve_columns(full(grid.columns))
    total = 1e3 * spins.sum(axis=2)
    curves = [
        ("all states", total.sum(axis=1), dict(color=SEQUENCE[1], ls="--")),
        ("propagating", total[:, KINDS.index("propagating")], dict(color=SEQUENCE[0], ls="-")),
    ]
    figure = against_parameter(
        [("", curves)], places, CURVES[axis], "∫$S_y$dz (10⁻³ nm⁻² per $τeE/ħ$)"
    )
    if low <= here <= high:
        axes = figure.axes[0]
        axes.plot(here, 1e3 * states.contribution.sum(), "o", color=SEQUENCE[1], mfc="white")
        axes.axvline(here, color="0.4", lw=0.8, ls=":", label=f"slider, {number(here)}")
        axes.legend(fontsize=8)
    return figure
