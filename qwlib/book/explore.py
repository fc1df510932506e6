"""Explorers for a live notebook: the parameters of the paper on sliders, and what they do.

They need ipywidgets and a front end that shows widgets, such as JupyterLab, Colab, or a page of the
book in which Python runs.  A page without Python shows a line of text in their place.
"""

from __future__ import annotations

import io
import json
from typing import Any, cast

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..grid import DEFAULT_FERMI_ENERGY
from ..kubo import FermiStates
from ..well import Well
from . import views
from .figures import STYLE, draw, levels_and_contributions
from .steer import VIEWS, control, refused, solved, table, without_noise

DPI = 100
WITHOUT_PYTHON = (
    "Sliders stand here while Python runs: press the button above, or open the chapter in Jupyter."
)

WITHOUT_SCRIPTS = (
    "Here the built book has sliders for every parameter. "
    "They need JavaScript, and Python, which the page loads when it is asked to."
)


class Explorer(widgets.VBox):
    """The parameters of a well on sliders, above a picture that follows them.

    Parameters
    ----------
    name : str
        What it shows: one of `steer.VIEWS`.
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
        name: str,
        well: Well,
        E_F: float,
        extra: dict[str, float] | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        self._name = name
        self._view = VIEWS[name]
        self._values: dict[str, float | str] = {}
        self._places: list | None = None
        values = {name: getattr(well, name) for name in Well.__dataclass_fields__}
        self._fixed = {name: values.pop(name) for name in without}
        values |= {"E_F": E_F} | (extra or {})
        self.controls = {name: widget(name, value) for name, value in values.items()}
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
        self._values = values
        try:
            with plt.rc_context(cast(Any, STYLE)):
                states, shown, told = solved(self._view, self._fixed | values)
                figure, text = drawn(self._name, states, shown)
                octets, self._places = png(figure, self._places)
        except ValueError as error:
            self.message.value = refused(error)
            return
        self.states, self.figure = states, figure
        self.message.value = told
        self.picture.value = octets
        self.table.value = text

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, object]:
        """Return the widget, and what stands in its place on a page.

        There it is a line of text, or the element that the page's own script makes an explorer of.
        """
        data = super()._repr_mimebundle_(**kwargs) | {"text/plain": WITHOUT_PYTHON}
        if self._name in VIEWS:
            first = {name: each.value for name, each in self.controls.items()}
            about = json.dumps({"explorer": self._name, "values": first}, ensure_ascii=False)
            data["text/html"] = (
                f"<qw-explorer>\n<p>{WITHOUT_SCRIPTS}</p>\n"
                f'<script type="application/json">\n{about}\n</script>\n</qw-explorer>'
            )
        return data


def widget(name: str, value: float | str) -> widgets.Widget:
    """Return the control of a parameter, as `steer.control` says it is."""
    about = control(name, value)
    look = {
        "value": value,
        "description": about["symbol"] + (f" ({about['unit']})" if about["unit"] else ""),
        "tooltip": about["meaning"],
        "style": {"description_width": "8em"},
        "layout": widgets.Layout(width="23em", max_width="100%"),
    }
    if "options" in about:
        return widgets.Dropdown(options=about["options"], **look)
    look |= {key: about[key] for key in ("min", "max", "step")}
    if isinstance(about["step"], int):
        return widgets.IntSlider(**look)
    return widgets.FloatSlider(readout_format=f".{about['decimals']}f", **look)


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
    return bool(np.any((drawn.min < whole.min) | (drawn.max > whole.max)))


def drawn(name: str, states: FermiStates, shown: views.View | None) -> tuple[Figure, str]:
    """Return the figure of an explorer, Fig. 2 if it has no view, and the table below as HTML."""
    figure = levels_and_contributions([("", states)]) if shown is None else draw(shown)
    return figure, table(name, states, shown)


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


def explore(name: str, E_F: float = DEFAULT_FERMI_ENERGY, **values: Any) -> Explorer:
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
    return Explorer(name, well, well.checked_fermi_energy(E_F), own, without)
