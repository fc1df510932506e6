"""What an explorer shows, with neither widgets nor Matplotlib: for a page and for a notebook.

`widgets.Explorer` draws it with Matplotlib below widgets.  A page of the book runs this module in
a worker (`book/_static/explorer.js`), and its own sliders and drawings show what `step` returns.
"""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kubo import fermi_states
from ..well import EXCHANGE, PARAMETERS, Quantity, UnboundedSpectrumWarning, Well
from . import sliders, tables, views
from .tables import lowered, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..kubo import FermiStates

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

WITHOUT_SCRIPTS = (
    "Here the built book has sliders for every parameter. "
    "They need JavaScript, and Python, which the page loads when it is asked to."
)

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

AXES = ("alpha_L", "alpha_R", "d")
"""Parameters for the horizontal axis of `curve`."""


def curve(axis: str, states: FermiStates) -> views.View:
    """Return ∫S_y dz against one of `AXES`, with a mark at the value that the well has."""
    # A Rashba parameter goes from zero to ħ²/m, where the model ends.
    ends = SLIDERS[axis][:2] if axis == "d" else (0.0, 0.99 * states.well.critical_rashba)
    return views.along(states, axis, *ends)


VIEWS: dict[str, Callable[..., views.View | None]] = {
    "states": lambda states: None,
    "profile": views.profile,
    **{axis: functools.partial(curve, axis) for axis in AXES},
    "subbands": views.subbands,
    "state": views.one_state,
    "spread": views.spread,
    "interband": views.interband,
    "field": views.field_by_width,
    "direction": views.turned,
    "count": functools.partial(views.count, whole=True),
    "scan": views.scanned,
    "units": views.in_si,
    "claims": views.claimed,
}
"""What each explorer shows, of Fermi states and its own parameters; None stands for Fig. 2, which
has a drawing of its own."""


# --- controls -------------------------------------------------------------------------------------


def control(name: str, value: Any) -> dict[str, Any]:
    """Return what the control of a parameter is: a slider that reaches `value`, or choices.

    A browser rounds to the steps of a slider, so they are tenths, hundredths … of the usual ones
    where `value` lies between those.
    """
    symbol, unit, meaning, _ = QUANTITIES[name]
    about = {
        "name": name,
        "symbol": symbol,
        "unit": raised(unit),
        "meaning": meaning,
        "value": value,
    }
    if name == "exchange":
        return about | {"options": EXCHANGE}
    low, high, step = SLIDERS[name]
    if name in PARAMETERS or name == "hbar_over_tau":
        low, high, step = scaled(value, low, high, step)
    decimals = 0
    if not isinstance(step, int):
        decimals = max(1, int(np.ceil(-np.log10(step))))
        while decimals < 9 and round(value, decimals) != value:
            decimals += 1
            step = 10.0**-decimals
    return about | {
        "min": min(low, value),
        "max": max(high, value),
        "step": step,
        "decimals": decimals,
    }


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
    low, high, step = (float(f"{each}e{power}") for each in (low, high, step))
    return low, high, step


def without_noise(value: float | str) -> float | str:
    """Return a value without the last digits, which a slider in a browser adds by itself.

    It sends 5.000000000000001 for the 5 that it was given, as soon as it is there.
    """
    return value if isinstance(value, str) else round(value, 12)


# --- one step -------------------------------------------------------------------------------------


def solved(view: Callable, values: dict[str, Any]) -> tuple[FermiStates, Any, str]:
    """Return the Fermi states of a well, what a view shows of them, and what to keep in mind.

    The view is called with the states and the values that are neither of `Well` nor `E_F`.
    """
    values = values.copy()
    fields = {name: values.pop(name) for name in [*values] if name in Well.__dataclass_fields__}
    E_F = values.pop("E_F")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnboundedSpectrumWarning)
        states = fermi_states(Well(**fields), E_F)
        shown = view(states, **values)
    # Each interface of a well, and each axis of a sweep, warns for itself.
    told = dict.fromkeys(in_symbols(str(each.message)) for each in caught)
    return states, shown, "".join(map(note, told))


def refused(error: ValueError) -> str:
    """Return what is said of values that are not allowed, as HTML."""
    return note(in_symbols(f"{error}. The picture shows the last allowed values."))


def table(name: str, states: FermiStates, view: views.View | None) -> str:
    """Return the numbers that belong to the picture of an explorer, as an HTML table."""
    if view is None or name in ("profile", *AXES):
        return kinds(states)
    return read(view.numbers)


def element(name: str, values: dict[str, float | str]) -> str:
    """Return what the script of a page (`explorer.js`) makes an explorer of, as HTML."""
    about = json.dumps({"explorer": name, "values": values}, ensure_ascii=False)
    return (
        f"<qw-explorer>\n<p>{WITHOUT_SCRIPTS}</p>\n"
        f'<script type="application/json">\n{about}\n</script>\n</qw-explorer>'
    )


def step(request: str) -> str:
    """Return what a page shows for the values of its sliders, both as JSON.

    Of ``{"explorer": name, "values": {…}}``, the first a key of `VIEWS`: ``{"refused": html}``, or
    the data of a `Slider` with one position, with the table and what to keep in mind as HTML,
    ``{"data": …, "table": …, "note": …}``.
    """
    asked = json.loads(request)
    name = asked["explorer"]
    values = {key: without_noise(value) for key, value in asked["values"].items()}
    try:
        states, view, told = solved(VIEWS[name], values)
    except ValueError as error:
        return json.dumps({"refused": refused(error)})
    if view is None:
        slider = sliders.level_scheme([states], np.array([states.well.alpha_L]), 0)
    else:
        at, alt = view.at or 0.0, "The figure for the values of the sliders."
        slider = sliders.moved(("", ""), [at], at, {"": [view._replace(numbers=())]}, alt=alt)
    shown = {"data": slider.data, "table": table(name, states, view), "note": told}
    return json.dumps(shown, ensure_ascii=False)


def controls(request: str) -> str:
    """Return the controls of an explorer as JSON; what is asked as in `step`."""
    values = json.loads(request)["values"]
    return json.dumps([control(name, value) for name, value in values.items()])


# --- in words and numbers -------------------------------------------------------------------------


def in_symbols(text: str) -> str:
    """Return a message of the solver with the symbols and units that stand at the sliders."""
    for name, quantity in QUANTITIES.items():
        text = re.sub(rf"\b{name}\b", quantity.symbol, text)
    return raised(text)


def note(text: str) -> str:
    """Return a line of text as HTML; an underscore lowers what follows it."""
    return f'<div role="status">{lowered(text)}</div>'


def facts(rows: list[tuple]) -> str:
    """Return an HTML table of numbers, as `tables.facts` takes them, with all their digits."""
    return tables.facts(rows, exact=True)._repr_html_()


def read(numbers: Iterable[views.Number]) -> str:
    """Return the read-outs of a view, as an HTML table."""
    rows = []
    for name, value, unit, digits in numbers:
        shape = f".{digits}f" if isinstance(digits, int) else digits
        rows.append((name, value, f"{'' if isinstance(value, int) else shape}|{unit}"))
    return facts(rows)


def kinds(states: FermiStates) -> str:
    """Return the numbers of states and the contributions by kind, as an HTML table."""
    proof = (
        "It is proven that no Fermi state is missing, rounding included."
        if states.certified
        else "This is not proven: a Fermi state may be missing, or one listed may not exist."
    )
    return tables.of_kinds([(states,)], exact=True)._repr_html_() + note(proof)
