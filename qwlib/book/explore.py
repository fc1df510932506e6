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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import constants

from ..beyond import scan
from ..beyond.torque import exchange_torque, field_per_current
from ..grid import DEFAULT_FERMI_ENERGY, Grid, full, solve_columns
from ..kubo import KINDS, FermiStates, fermi_states, fermi_states_of
from ..well import EXCHANGE, PARAMETERS, Quantity, UnboundedSpectrumWarning, Well
from . import tables, views
from .figures import (
    SEQUENCE,
    STYLE,
    SUM,
    SUM_LABEL,
    against_parameter,
    draw,
    levels_and_contributions,
    ours_over_papers,
    profiles,
)
from .tables import lowered, number, raised

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
}
"""What each parameter of an explorer is."""

DPI = 100
POINTS = 61
"""Wells in a curve against a parameter."""

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
                self._places = place_axes(figure, self._places)
                octets = png(figure)
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
    low, high, step = SLIDERS[name]
    look |= {"value": value, "min": min(low, value), "max": max(high, value), "step": step}
    if isinstance(step, int):
        return widgets.IntSlider(**look)
    decimals = len(str(step)) - 2
    while decimals < 9 and round(value, decimals) != value:
        decimals += 1
        look["step"] = 10.0**-decimals
    return widgets.FloatSlider(readout_format=f".{decimals}f", **look)


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
        "It is proven, up to rounding, that no Fermi state is missing."
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
    return explorer(lambda states: (profile(states), kinds(states)), E_F, parameters)


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
    return explorer(lambda states: (curve(axis, states), kinds(states)), E_F, parameters)


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
    """Explore the interband response against ħ/τ (eV), on a coarse mesh (`COARSE`).

    The other parameters are those of `explore_states`.
    """
    return explorer(interband_view(), E_F, parameters, {"hbar_over_tau": hbar_over_tau})


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
    return explorer(fields_against_width, E_F, parameters, {"M_s": M_s, "j": j})


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
    return explorer(scanned, E_F, parameters, {"points": points})


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
    return explorer(in_si, E_F, parameters, {"tau": tau, "E_x": E_x})


# --- the spin density -----------------------------------------------------------------------------


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
    # As `sweep` does it, without xarray, which a page would have to load first.
    grid = Grid.of({"E_F": states.E_F, axis: places}, well)
    _, spins, _, _ = solve_columns(full(grid.columns))
    total = 1e3 * spins.sum(axis=2)
    curves = [
        ("all states", total.sum(axis=1), dict(color=SEQUENCE[1], ls="--")),
        ("propagating", total[:, KINDS.index("propagating")], dict(color=SEQUENCE[0], ls="-")),
    ]
    figure = against_parameter([("", curves)], places, CURVES[axis], SUM_LABEL)
    if low <= here <= high:
        axes = figure.axes[0]
        axes.plot(here, 1e3 * states.contribution.sum(), "o", color=SEQUENCE[1], mfc="white")
        axes.axvline(here, color="0.4", lw=0.8, ls=":", label=f"slider, {number(here)}")
        axes.legend(fontsize=9.5)
    return figure


# --- the interband response -----------------------------------------------------------------------

COARSE = {"order": 4, "nodes": 1, "phase": 1.0}
"""Mesh of the interband response, in the words of `interband.transitions`.  In wells up to 4 nm
wide ∫S_x is then right within 1 %, and what is added to ∫S_y within 3 %; on a finer mesh the
picture would not follow a slider in a page."""


def interband_view() -> View:
    """Return the view of the interband response; it keeps the pairs of the last well."""
    from ..beyond.interband import transitions

    pairs_of = functools.lru_cache(maxsize=1)(functools.partial(transitions, **COARSE))

    def view(states: FermiStates, hbar_over_tau: float) -> tuple[Figure, str]:
        pairs = pairs_of(states.well, states.E_F)
        gamma = np.geomspace(*SLIDERS["hbar_over_tau"][:2], 25)
        kept = float(states.contribution.sum())
        S_x, S_y = pairs.spins(gamma)
        along, across = (float(part[0]) for part in pairs.spins(hbar_over_tau))
        figure, (upper, lower) = plt.subplots(
            2, 1, figsize=(4.8, 5.6), sharex=True, layout="constrained"
        )
        Delta = states.well.Delta
        for axes, part, here in ((upper, S_x, along), (lower, S_y, across)):
            axes.plot(gamma, 1e3 * part, color=SEQUENCE[0], label="interband")
            axes.plot(hbar_over_tau, 1e3 * here, "o", color=SEQUENCE[0], mfc="white")
            axes.axhline(0, color="black", lw=0.8)
        if Delta:
            weak = kept * gamma / (2 * Delta)
            upper.plot(gamma, 1e3 * weak, color="black", ls=":", lw=1, label="$S_y\\,ħ/2Δτ$")
        lower.axhline(1e3 * kept, color=SEQUENCE[1], ls="--", label="Eq. (6)")
        upper.set(title="(a)", ylabel=SUM.replace("_y", "_x") + "\n(10⁻³ nm⁻² per $τeE/ħ$)")
        lower.set(title="(b)", ylabel=f"{SUM}\n(10⁻³ nm⁻² per $τeE/ħ$)")
        lower.set_xlabel("ħ/τ (eV)")
        # Looking for the best place takes as long as the rest of the drawing.
        upper.legend(fontsize=9.5, loc="upper left")
        lower.legend(fontsize=9.5, loc="center left")
        rows = [
            ("∫S_y dz of Eq. (6) (10⁻³ nm⁻² per τeE/ħ)", 1e3 * kept, ".4f"),
            ("∫S_x dz (10⁻³ nm⁻² per τeE/ħ)", 1e3 * along, ".4f"),
            ("what is added to ∫S_y dz (10⁻³ nm⁻² per τeE/ħ)", 1e3 * across, ".4f"),
        ]
        if abs(kept) > 1e-12:
            rows.append(("∫S_x dz over ∫S_y dz of Eq. (6)", along / kept, ".4f"))
        if Delta:
            rows.append(("precession angle 2|Δ|τ/ħ (rad)", 2 * abs(Delta) / hbar_over_tau, ".3f"))
        return figure, facts(rows)

    return view


# --- the effective field --------------------------------------------------------------------------


def fields_against_width(states: FermiStates, M_s: float, j: float) -> tuple[Figure, str]:
    """Draw the effective field per current density against the width."""
    well = states.well
    widths = np.geomspace(0.2, SLIDERS["d"][1], POINTS)
    several = fermi_states_of([well.replace(d=width) for width in widths.tolist()], states.E_F)
    kinds = [[some, some[some.kind == "propagating"]] for some in several]
    M_s *= 1e6  # A/m
    per_current = -np.array([[field_per_current(some, M_s) for some in pair] for pair in kinds]).T
    waves = states[states.kind == "propagating"]
    here = [-field_per_current(some, M_s) for some in (states, waves)]
    curves = [
        ("all states", per_current[0], dict(color=SEQUENCE[1], ls="--")),
        ("propagating", per_current[1], dict(color=SEQUENCE[0], ls="-")),
    ]
    figure = against_parameter([("", curves)], widths, "d (nm)", "$-B_y/j$ (mT per 10¹¹ A/m²)")
    axes = figure.axes[0]
    axes.plot(well.d, here[0], "o", color=SEQUENCE[1], mfc="white")
    axes.axvline(well.d, color="0.4", lw=0.8, ls=":", label=f"slider, {number(well.d)} nm")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=9.5)
    rows = [
        ("−B_y/j, all states (mT per 10¹¹ A/m²)", here[0], ".4f"),
        ("−B_y/j, propagating alone", here[1], ".4f"),
        (f"−B_y at j = {number(j)} · 10¹¹ A/m² (mT)", j * here[0], ".4f"),
        ("torque (10⁻³ eV nm⁻² per τeE/ħ)", 1e3 * exchange_torque(states).sum(), ".4f"),
        ("current (eV per τe²E/ħ²)", states.current.sum(), ".5f"),
        ("states", len(states), "d"),
    ]
    return figure, facts(rows)


# --- a scan ---------------------------------------------------------------------------------------


def scanned(states: FermiStates, points: int) -> tuple[Figure, str]:
    """Draw how far each Fermi state is from the next pole or state, and which a scan found."""
    well, k = states.well, states.k
    window = np.ceil(k.max(initial=1.0))
    grid = window * np.arange(1, points + 1) / points
    found = ~scan.scan(well, states.E_F, grid).missed(k)
    others = np.abs(k[:, None] - np.concatenate([k, scan.poles(well, states.E_F)]))
    others[np.arange(k.size), np.arange(k.size)] = np.inf
    nearest = others.min(axis=1, initial=np.inf)
    step = window / points
    figure, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
    axes.axhspan(1e-12, step, color="0.93", lw=0)
    axes.axhline(step, color="black", lw=0.8, ls=":", label=f"step, {step:.2g} nm⁻¹")
    shown = np.maximum(nearest, 1e-9)
    axes.plot(k[found], shown[found], "o", color=SEQUENCE[0], label="found")
    axes.plot(k[~found], shown[~found], "X", color=SEQUENCE[1], ms=9, label="missed")
    axes.set(xlabel="$k$ (nm⁻¹)", ylabel="to the next pole or state (nm⁻¹)", yscale="log")
    axes.set(xlim=(0, window), ylim=(min([1e-4, *shown]) / 3, 10))
    axes.minorticks_off()  # dozens, which take longer than all that is drawn
    axes.legend(fontsize=9.5, loc="lower right")
    rows = [
        ("Fermi states", len(states), "d"),
        ("found by the scan", int(found.sum()), "d"),
        ("missed", int((~found).sum()), "d"),
        ("∫S_y dz of all states (10⁻³ nm⁻² per τeE/ħ)", 1e3 * states.contribution.sum(), ".4f"),
        ("of those found", 1e3 * states.contribution[found].sum(), ".4f"),
    ]
    return figure, facts(rows)


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
            answers = claim.answers(material)
            verdict = claims.verdict_of(claim.paper, answers, claim.tolerance)
            entries.append(claims.Judged(claim, answers, verdict))
    figure = ours_over_papers(claims.numbers(entries))
    rows = []
    for entry in entries:
        (answer,) = entry.answers.values()
        rows.append((entry.claim.title, entry.verdict, ""))
        for kind, value in zip(("all states", "propagating"), answer, strict=True):
            several = value if isinstance(value, list) else [value]
            several = [one for one in several if one is not None]
            parts = entry.claim.parts or [""] * len(several)
            rows += [
                (f"{part or entry.claim.compared}, {kind}", one, ".4g")
                for part, one in zip(parts, several, strict=True)
            ]
    return figure, facts(rows)


# --- SI units -------------------------------------------------------------------------------------


def in_si(states: FermiStates, tau: float, E_x: float) -> tuple[Figure, str]:
    """Draw S_y(z) in SI units, for a relaxation time in fs and a field in 10⁵ V/m."""
    hbar, e, nm = constants.hbar, constants.e, 1e-9
    shift = 1e-15 * tau * e * 1e5 * E_x / hbar  # 1/m
    d = states.well.d
    pad = 0.3 * d + 0.1
    z = np.linspace(-pad, d + pad, 301)
    density = states.spin_density(z).sum(axis=0) * shift * nm / nm**3
    figure = profiles(
        [("", [("all states", z, density, d, dict(color=SEQUENCE[1], ls="--"))])],
        "$S_y(z)$ (m⁻³, spin in σ)",
    )
    total = states.contribution.sum()
    in_plane = total * shift * nm / nm**2
    rows = [
        ("τeE/ħ (m⁻¹)", shift, ".4e"),
        ("∫S_y dz (nm⁻² per τeE/ħ)", total, ".4e"),
        ("∫S_y dz (m⁻²)", in_plane, ".4e"),
        ("its angular momentum (J s m⁻²)", in_plane * hbar / 2, ".4e"),
        (
            "current per width (A m⁻¹)",
            states.current.sum() * e * shift * e / hbar,
            ".4e",
        ),
    ]
    return figure, facts(rows)
