"""Explorers: the parameters of the paper on sliders, and what they do.

In a notebook they are widgets.  On a page of the book they are an element that the page's own
script makes an explorer of, also where a reader runs the cells of the page.
"""

from __future__ import annotations

from typing import Any

from ..grid import DEFAULT_FERMI_ENERGY
from ..well import Well
from .steer import VIEWS, element

OWN: dict[str, dict[str, float]] = {
    "subbands": {"k": 5.0},
    "state": {"state": 1},
    "spread": {"width": 0.3},
    "interband": {"hbar_over_tau": 0.1},
    "field": {"M_s": 1.4, "j": 1.0},
    "direction": {"theta": 60, "phi": 0},
    "count": {"k": 5.0, "E": 1.0},
    "scan": {"points": 1000},
    "units": {"tau": 10.0, "E_x": 1.0},
}
"""What an explorer has beside the parameters of a well, in the units of `steer.QUANTITIES`, and
where it begins."""


class OnPage:
    """An explorer where there are no widgets: a page that has its own.

    Parameters
    ----------
    name : str
        What it shows: one of `steer.VIEWS`.
    values : dict
        Its parameters, and their first values.
    """

    def __init__(self, name: str, values: dict[str, float | str]) -> None:
        self.name = name
        self.values = values

    def _repr_html_(self) -> str:
        return element(self.name, self.values)


def explore(name: str, E_F: float = DEFAULT_FERMI_ENERGY, **values: Any) -> Any:
    """Explore a well from these parameters on.

    Parameters
    ----------
    name : str
        One of `steer.VIEWS`.  "claims" is what becomes of numbers of the paper with parameters that
        it had not, but for the Rashba ones, of which each statement has its own.
    E_F : float
        Fermi energy in eV to begin with.
    **values
        Fields of `Well` and what is `OWN` to the explorer; what is not given keeps its default.

    Returns
    -------
    widgets.Explorer or OnPage
        The second where ipywidgets is not installed.

    Raises
    ------
    ValueError
        If there is no such explorer, or the parameters are not allowed.
    """
    if name not in VIEWS:
        raise ValueError(f"name must be one of {', '.join(VIEWS)}, got {name!r}")
    own = {key: values.pop(key, first) for key, first in OWN.get(name, {}).items()}
    well = Well(**values)
    without = ("alpha_L", "alpha_R") if name == "claims" else ()
    first = {key: getattr(well, key) for key in Well.__dataclass_fields__ if key not in without}
    first |= {"E_F": well.checked_fermi_energy(E_F)} | own
    try:
        from .widgets import Explorer
    except ModuleNotFoundError as error:
        if error.name != "ipywidgets":
            raise
        return OnPage(name, first)
    fixed = {key: getattr(well, key) for key in without}
    return Explorer(name, first, fixed)
