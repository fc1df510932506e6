"""Explorers as widgets, for a front end that shows them, such as JupyterLab or Colab.

`explore.explore` makes them.
"""

from __future__ import annotations

import io
from typing import Any, cast

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..kubo import FermiStates
from . import views
from .figures import STYLE, draw, levels_and_contributions
from .steer import VIEWS, control, element, refused, solved, table, without_noise

DPI = 100
WITHOUT_PYTHON = (
    "Sliders stand here while Python runs: press the button above, or open the chapter in Jupyter."
)


class Explorer(widgets.VBox):
    """The parameters of a well on sliders, above a picture that follows them.

    Parameters
    ----------
    name : str
        What it shows: one of `steer.VIEWS`.
    values : dict
        The parameters that have a control, and their first values: fields of `Well`, `E_F`, and
        what else this explorer has.
    fixed : dict
        Fields of `Well` that keep their value and have no control.

    Attributes
    ----------
    controls : dict of str to widget
        By parameter.
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
        self, name: str, values: dict[str, float | str], fixed: dict[str, float | str]
    ) -> None:
        self._name = name
        self._view = VIEWS[name]
        self._values: dict[str, float | str] = {}
        self._places: list | None = None
        self._fixed = fixed
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
        """Return the widget, and what stands in its place on a page."""
        first = {name: each.value for name, each in self.controls.items()}
        return super()._repr_mimebundle_(**kwargs) | {
            "text/plain": WITHOUT_PYTHON,
            "text/html": element(self._name, first),
        }


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
