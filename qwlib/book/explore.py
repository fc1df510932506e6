"""Explorers for a live notebook: the parameters of the paper on sliders, and what they do.

They need ipywidgets and a front end that shows widgets, such as JupyterLab, Colab, or a page of the
book in which Python runs.  A page without Python shows a line of text in their place.
"""

from __future__ import annotations

import functools
import io
import re
import warnings
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..grid import DEFAULT_FERMI_ENERGY
from ..kubo import FermiStates, fermi_states
from ..well import EXCHANGE, PARAMETERS, Quantity, UnboundedSpectrumWarning, Well
from . import tables, views
from .figures import (
    STYLE,
    draw,
    levels_and_contributions,
    ours_over_papers,
)
from .tables import lowered, raised

SLIDERS = {
    "d": (0.1, 10.0, 0.01),
    "V_L": (0.5, 10.0, 0.05),
    "V_R": (0.5, 10.0, 0.05),
    "Delta": (-1.0, 1.0, 0.01),
    "alpha_L": (-0.15, 0.15, 0.001),
    "alpha_R": (-0.15, 0.15, 0.001),
    "mass": (0.1, 3.0, 0.01),
    "E_F": (0.0, 10.0, 0.01),
    "k": (0.0, 20.0, 0.1),
    "E": (-5.0, 10.0, 0.01),
    "state": (1, 40, 1),
    "points": (50, 4000, 10),
    "width": (0.02, 1.0, 0.01),
    "hbar_over_tau": (0.01, 0.5, 0.01),
    "M_s": (0.1, 2.0, 0.01),
    "j": (0.1, 10.0, 0.1),
    "tau": (1.0, 100.0, 1.0),
    "E_x": (0.1, 10.0, 0.1),
    "theta": (0, 90, 1),
    "phi": (0, 360, 1),
}
"""Ends and step of the slider of each parameter, in its unit; whole numbers have whole ends."""

QUANTITIES = PARAMETERS | {
    "k": Quantity("k", "1/nm", "wave number in the plane"),
    "E": Quantity("E", "eV", "energy of the motion along z"),
    "state": Quantity("state", "", "number of the Fermi state, from the lowest E"),
    "points": Quantity("points", "", "points of the scan"),
    "width": Quantity("spread", "nm", "width over which each Rashba coupling is spread"),
    "hbar_over_tau": Quantity("ħ/τ", "eV", "broadening, ħ over the relaxation time"),
    "M_s": Quantity("M_s", "10^6 A/m", "saturation magnetisation"),
    "j": Quantity("j", "10^11 A/m^2", "current density"),
    "tau": Quantity("τ", "fs", "relaxation time"),
    "E_x": Quantity("E_x", "10^5 V/m", "electric field"),
    "theta": Quantity("θ", "degrees", "angle of the magnetisation to the normal"),
    "phi": Quantity("φ", "degrees", "angle of its part in the plane to the electric field"),
}
"""What each parameter of an explorer is."""

DPI = 100
AXES = ("alpha_L", "alpha_R", "d")
"""Parameters for the horizontal axis of `explore_curve`."""

WITHOUT_PYTHON = (
    "Sliders stand here while Python runs: press “Run this page” above, "
    "or open the chapter in Jupyter."
)


View = Callable[..., views.View | tuple[Figure, str]]


class Explorer(widgets.VBox):
    """The parameters of a well on sliders, above a picture that follows them.

    Parameters
    ----------
    view : callable
        Called with the Fermi states and the values of `extra` as keywords; returns a view, or a
        figure and what stands below it, as HTML.
    well : Well
    E_F : float
        Fermi energy in eV.
    extra : dict
        Parameters beside those of the well, and their first values.
    without : tuple of str
        Fields of `Well` that keep their value and have no control.

    Attributes
    ----------
    controls : dict of str to widget
        By parameter: the fields of `Well`, `E_F`, and what else this explorer has.
    message : ipywidgets.HTML
        What is wrong with the parameters, or what to keep in mind; empty otherwise.
    picture : ipywidgets.Image
        The figure as PNG, of the last parameters that are allowed.
    table : ipywidgets.HTML
        The numbers that belong to the picture, each with all its digits in a `<data>`.
    figure : matplotlib.figure.Figure
        What `picture` shows.
    states : FermiStates
        Those of the last parameters that are allowed.
    """

    def __init__(
        self,
        view: View,
        well: Well,
        E_F: float,
        extra: dict[str, float] | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        self._view = view
        self._values: dict[str, float | str] = {}
        self._places = None
        values = {name: getattr(well, name) for name in Well.__dataclass_fields__}
        self._fixed = {name: values.pop(name) for name in without}
        values |= {"E_F": E_F} | (extra or {})
        self.controls = {name: control(name, value) for name, value in values.items()}
        self.message = widgets.HTML()
        # A column stretches what it holds, and a stretched picture is blurred.
        place = widgets.Layout(max_width="100%", align_self="flex-start")
        self.picture = widgets.Image(format="png", layout=place)
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
        values = {name: without_noise(each.value) for name, each in self.controls.items()}
        if values == self._values:
            return
        self._values = values.copy()
        fields = {name: values.pop(name) for name in [*values] if name in Well.__dataclass_fields__}
        E_F = values.pop("E_F")
        try:
            with warnings.catch_warnings(record=True) as caught, plt.rc_context(STYLE):
                warnings.simplefilter("always", UnboundedSpectrumWarning)
                states = fermi_states(Well(**self._fixed, **fields), E_F)
                shown = self._view(states, **values)
                figure, text = drawn(shown) if isinstance(shown, views.View) else shown
                octets, self._places = png(figure, self._places)
        except ValueError as error:
            text = f"{error}. The picture shows the last allowed values."
            self.message.value = note(in_symbols(text))
            return
        self.states, self.figure = states, figure
        # Each interface of a well, and each axis of a sweep, warns for itself.
        told = dict.fromkeys(in_symbols(str(each.message)) for each in caught)
        self.message.value = "".join(map(note, told))
        self.picture.value = octets
        self.table.value = text

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, object]:
        """Return the widget, and a line of text for a page that shows none."""
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": WITHOUT_PYTHON}


def control(name: str, value: float | str) -> widgets.Widget:
    """Return the control of a parameter: a slider that reaches `value`, or a list of choices.

    A browser rounds to the steps of a slider, so they are tenths, hundredths … of the usual ones
    where `value` lies between those.
    """
    symbol, unit, meaning, _ = QUANTITIES[name]
    unit = f" ({raised(unit)})" if unit else ""
    look = {
        "description": symbol + unit,
        "tooltip": meaning,
        "style": {"description_width": "8em"},
        "layout": widgets.Layout(width="23em", max_width="100%"),
    }
    if name == "exchange":
        return widgets.Dropdown(options=EXCHANGE, value=value, **look)
    low, high, step = scaled(value, *SLIDERS[name])
    look |= {"value": value, "min": min(low, value), "max": max(high, value), "step": step}
    if isinstance(step, int):
        return widgets.IntSlider(**look)
    decimals = max(1, int(np.ceil(-np.log10(step))))
    while decimals < 9 and round(value, decimals) != value:
        decimals += 1
        look["step"] = 10.0**-decimals
    return widgets.FloatSlider(readout_format=f".{decimals}f", **look)


def scaled(value: float, low: float, high: float, step: float) -> tuple[float, float, float]:
    """Return the ends and the step of a slider, in powers of ten, for the scale of its value.

    A well of a semiconductor has energies and couplings of another order than the paper's.
    """
    if isinstance(step, int) or not value:
        return low, high, step
    power = 0
    while abs(value) < high * 10.0**power / 20:
        power -= 1
    while abs(value) > high * 10.0**power:
        power += 1
    return tuple(float(f"{each}e{power}") for each in (low, high, step))


def without_noise(value: float | str) -> float | str:
    """Return a value without the last digits, which a slider in a browser adds by itself.

    It sends 5.000000000000001 for the 5 that it was given, as soon as it is there.
    """
    return value if isinstance(value, str) else round(value, 12)


def in_symbols(text: str) -> str:
    """Return a message of the solver with the symbols and units that stand at the sliders."""
    for name, quantity in QUANTITIES.items():
        text = re.sub(rf"\b{name}\b", quantity.symbol, text)
    return raised(text)


def note(text: str) -> str:
    """Return a line of text as HTML; an underscore lowers what follows it."""
    return f'<div role="status">{lowered(text)}</div>'


def png(figure: Figure, places: list | None) -> tuple[bytes, list]:
    """Return the figure as PNG, and where its axes are; let pyplot forget it.

    They are where `places` says, and laid out anew where there is none or where a label would be
    cut, as those of another range may be longer: to find places takes as long as to draw.
    """
    plt.close(figure)
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if places is not None:
        figure.set_layout_engine("none")
        for axes, place in zip(figure.axes, places, strict=True):
            axes.set_position(place)
        canvas.draw()
    if places is None or is_cut(figure):
        figure.set_layout_engine(engine)
        for axes in figure.axes:
            axes.set_in_layout(True)  # out of which a place of its own has taken it
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        places = [axes.get_position() for axes in figure.axes]
        canvas.draw()
    buffer = io.BytesIO()
    # Not savefig, which draws once more.
    pixels, fast = canvas.buffer_rgba(), {"compress_level": 1}
    image.imsave(buffer, pixels, format="png", origin="upper", dpi=DPI, pil_kwargs=fast)
    return buffer.getvalue(), places


def is_cut(figure: Figure) -> bool:
    """Return whether something that was drawn sticks out of a figure."""
    whole, drawn = figure.bbox_inches, figure.get_tightbbox()
    return any((drawn.min < whole.min) | (drawn.max > whole.max))


def facts(rows: list[tuple]) -> str:
    """Return an HTML table of numbers, as `tables.facts` takes them, with all their digits."""
    return tables.facts(rows, exact=True)._repr_html_()


def drawn(view: views.View) -> tuple[Figure, str]:
    """Return the figure of a view, and its read-outs as an HTML table."""
    rows = []
    for name, value, unit, digits in view.numbers:
        shape = f".{digits}f" if isinstance(digits, int) else digits
        rows.append((name, value, f"{'' if isinstance(value, int) else shape}|{unit}"))
    return draw(view), facts(rows)


def kinds(states: FermiStates) -> str:
    """Return the numbers of states and the contributions by kind, as an HTML table."""
    proof = (
        "It is proven that no Fermi state is missing, rounding included."
        if states.certified
        else "This is not proven: a Fermi state may be missing, or one listed that is not there."
    )
    return tables.of_kinds([(states,)], exact=True)._repr_html_() + note(proof)


def explorer(
    view: View,
    E_F: float,
    parameters: dict[str, float | str],
    extra: dict[str, float] | None = None,
    without: tuple[str, ...] = (),
) -> Explorer:
    """Return an explorer of `view`, its first parameters checked."""
    well = Well(**parameters)
    return Explorer(view, well, well.checked_fermi_energy(E_F), extra, without)


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

    def view(states: FermiStates) -> tuple[Figure, str]:
        return levels_and_contributions([("", states)]), kinds(states)

    return explorer(view, E_F, parameters)


def explore_profile(E_F: float = DEFAULT_FERMI_ENERGY, **parameters: float | str) -> Explorer:
    """Explore the spin density S_y(z) across a well; parameters as in `explore_states`."""
    return explorer(lambda states: (draw(views.profile(states)), kinds(states)), E_F, parameters)


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
    if axis not in AXES:
        raise ValueError(f"axis must be one of {', '.join(AXES)}, got {axis!r}")

    def view(states: FermiStates) -> tuple[Figure, str]:
        # A Rashba parameter goes from zero to ħ²/m, where the model ends.
        ends = SLIDERS[axis][:2] if axis == "d" else (0.0, 0.99 * states.well.critical_rashba)
        return draw(views.along(states, axis, *ends)), kinds(states)

    return explorer(view, E_F, parameters)


def explore_subbands(
    E_F: float = DEFAULT_FERMI_ENERGY, k: float = 5.0, **parameters: float | str
) -> Explorer:
    """Explore the subbands of a well and where they cross ε_F, with the levels at one k (1/nm).

    The other parameters are those of `explore_states`.
    """
    return explorer(views.subbands, E_F, parameters, {"k": k})


def explore_state(
    E_F: float = DEFAULT_FERMI_ENERGY, state: int = 1, **parameters: float | str
) -> Explorer:
    """Explore one Fermi state, counted from the lowest E on: its wave function and its kind.

    The other parameters are those of `explore_states`.
    """
    return explorer(views.one_state, E_F, parameters, {"state": state})


def explore_spread(
    E_F: float = DEFAULT_FERMI_ENERGY, width: float = 0.3, **parameters: float | str
) -> Explorer:
    """Explore the lowest subband with δ-functions, and with the coupling spread over `width` (nm).

    The other parameters are those of `explore_states`.
    """
    return explorer(views.spread, E_F, parameters, {"width": width})


def explore_interband(
    E_F: float = DEFAULT_FERMI_ENERGY, hbar_over_tau: float = 0.1, **parameters: float | str
) -> Explorer:
    """Explore the interband response against ħ/τ (eV), on a coarse mesh (`views.COARSE`).

    The other parameters are those of `explore_states`.
    """
    return explorer(views.interband, E_F, parameters, {"hbar_over_tau": hbar_over_tau})


def explore_field(
    E_F: float = DEFAULT_FERMI_ENERGY,
    M_s: float = 1.4,
    j: float = 1.0,
    **parameters: float | str,
) -> Explorer:
    """Explore the effective field against the width.

    Parameters
    ----------
    E_F, **parameters
        As in `explore_states`.
    M_s : float
        Saturation magnetisation in 10⁶ A/m.
    j : float
        Current density in 10¹¹ A/m².
    """
    return explorer(views.field, E_F, parameters, {"M_s": M_s, "j": j})


def explore_direction(
    E_F: float = DEFAULT_FERMI_ENERGY,
    theta: int = 60,
    phi: int = 0,
    **parameters: float | str,
) -> Explorer:
    """Explore the torque for a magnetisation along θ and φ, in degrees.

    The other parameters are those of `explore_states`.
    """
    return explorer(views.turned, E_F, parameters, {"theta": theta, "phi": phi})


def explore_count(
    E_F: float = DEFAULT_FERMI_ENERGY, k: float = 5.0, E: float = 1.0, **parameters: float | str
) -> Explorer:
    """Explore the count of bound states below E (eV) at one k (1/nm), and what it is made of.

    The other parameters are those of `explore_states`.
    """
    return explorer(functools.partial(views.count, whole=True), E_F, parameters, {"k": k, "E": E})


def explore_scan(
    E_F: float = DEFAULT_FERMI_ENERGY, points: int = 1000, **parameters: float | str
) -> Explorer:
    """Explore which Fermi states a scan of det M with so many points finds.

    The other parameters are those of `explore_states`.
    """
    return explorer(views.scanned, E_F, parameters, {"points": points})


def explore_claims(E_F: float = DEFAULT_FERMI_ENERGY, **parameters: float | str) -> Explorer:
    """Explore what becomes of numbers of the paper with other parameters than it had.

    Parameters
    ----------
    E_F, **parameters
        As in `explore_states`, but for the Rashba parameters: each statement has its own.
    """
    return explorer(claimed, E_F, parameters, without=("alpha_L", "alpha_R"))


def explore_units(
    E_F: float = DEFAULT_FERMI_ENERGY,
    tau: float = 10.0,
    E_x: float = 1.0,
    **parameters: float | str,
) -> Explorer:
    """Explore the spin density in SI units.

    Parameters
    ----------
    E_F, **parameters
        As in `explore_states`.
    tau : float
        Relaxation time in fs.
    E_x : float
        Electric field in 10⁵ V/m.
    """
    return explorer(views.in_si, E_F, parameters, {"tau": tau, "E_x": E_x})


# --- the paper's numbers --------------------------------------------------------------------------

QUICK = (
    "confinement-count",
    "confinement-chirality",
    "confinement-silent",
    "confinement-lost",
    "chirality-jump",
    "thickness-counts",
)
"""Statements whose numbers need a few wells."""


def claimed(states: FermiStates) -> tuple[Figure, str]:
    """Draw numbers of the paper and ours for the parameters of the sliders, with their verdicts."""
    from . import claims

    names = [name for name in claims.Material.__dataclass_fields__ if name != "E_F"]
    material = claims.Material(
        **{name: getattr(states.well, name) for name in names}, E_F=states.E_F
    )
    entries = []
    for claim in claims.claims():
        if claim.id in QUICK:
            entries.append(claims.Judged(claim, claim.answers(material)))
    figure = ours_over_papers(claims.numbers(entries))
    rows = []
    for entry in entries:
        rows.append((entry.claim.title, entry.verdict, ""))
        for reading, answer in entry.answers.items():
            for kind, value in zip(("all states", "propagating"), answer, strict=True):
                several = value if isinstance(value, list) else [value]
                several = [one for one in several if one is not None]
                parts = entry.claim.parts or [""] * len(several)
                rows += [
                    (f"{part or reading or entry.claim.compared}, {kind}", one, ".4g")
                    for part, one in zip(parts, several, strict=True)
                ]
    return figure, facts(rows)
