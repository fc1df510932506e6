"""The explorers, without a browser: controls moved, and what then stands in them."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from qwlib import Well, fermi_states
from qwlib.explore import SLIDERS, WITHOUT_PYTHON, explore_curve, explore_profile, explore_states

MAKERS = {
    "states": explore_states,
    "profile": explore_profile,
    "alpha_L": lambda **values: explore_curve("alpha_L", **values),
    "d": lambda **values: explore_curve("d", **values),
}


@pytest.fixture(params=MAKERS)
def explorer(request):
    return MAKERS[request.param](alpha_L=0.03)


def picture(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.picture.value)))


def test_every_parameter_of_the_paper_has_a_control(explorer):
    assert set(explorer.controls) == {*Well.__dataclass_fields__, "E_F"}


# Values of each control that are allowed when all others are at their default.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("d", 3.1),
        ("V_L", 6.05),
        ("V_R", 4.0),
        ("Delta", -0.4),
        ("alpha_L", 0.05),
        ("alpha_R", -0.02),
        ("mass", 0.8),
        ("exchange", "ferromagnet"),
        ("E_F", 2.5),
    ],
)
def test_moving_a_control_solves_that_well_and_redraws(name, value):
    explorer = explore_states()
    before = picture(explorer)
    explorer.controls[name].value = value
    values = {"E_F": 3.0, name: value}
    E_F = values.pop("E_F")
    # The same solver on the same numbers: the same digits.
    np.testing.assert_array_equal(explorer.states.k, fermi_states(Well(**values), E_F).k)
    assert not np.array_equal(picture(explorer), before)
    assert explorer.message.value == ""


def test_the_last_digits_of_a_slider_are_not_a_move(explorer):
    before = explorer.picture.value
    explorer.controls["V_L"].value = 5.000000000000001
    assert explorer.picture.value is before
    explorer.controls["V_L"].value = 6.050000000000001
    assert explorer.states.well.V_L == 6.05


def test_levels_and_stems_are_those_of_the_solver():
    explorer = explore_states(alpha_L=0.03)
    explorer.controls["d"].value = 1.7
    states = fermi_states(Well(d=1.7, alpha_L=0.03), 3.0)
    left, right = explorer.figure.axes
    # The two floors ±Δ are drawn as lines across the well too.
    drawn = [
        line[0, 1]
        for lines in left.collections
        for line in lines.get_segments()
        if abs(line[0, 1]) != 0.25
    ]
    np.testing.assert_array_equal(np.sort(drawn), np.sort(states.E))
    stems = [y for line in right.lines[:-1] for y in line.get_ydata()]
    np.testing.assert_array_equal(np.sort(stems), np.sort(1e3 * states.contribution))


def test_profile_is_the_sum_over_states():
    explorer = explore_profile()
    explorer.controls["alpha_L"].value = 0.06
    states = fermi_states(Well(alpha_L=0.06), 3.0)
    lines = {line.get_label(): line for line in explorer.figure.axes[0].lines}
    everything, propagating = lines["all states"], lines["propagating"]
    z = everything.get_xdata()
    np.testing.assert_array_equal(everything.get_ydata(), states.spin_density(z).sum(axis=0))
    some = states[states.kind == "propagating"]
    np.testing.assert_array_equal(propagating.get_ydata(), some.spin_density(z).sum(axis=0))


@pytest.mark.parametrize("axis", ["alpha_L", "d"])
def test_curve_holds_the_well_of_the_sliders(axis):
    explorer = explore_curve(axis)
    line = explorer.figure.axes[0].lines[0]
    x, y = line.get_xdata()[20], line.get_ydata()[20]
    explorer.controls[axis].value = x
    total = 1e3 * explorer.states.contribution.sum()
    # A slider holds the number it is given; a sweep sums in another order than one well does.
    assert total == pytest.approx(y, rel=1e-10)


def test_the_table_counts_by_kind_and_chirality():
    explorer = explore_states()  # the well of Fig. 2(a)
    assert "<th>propagating</th><td>11</td><td>6</td><td>5</td><td>0</td>" in explorer.table.value
    # The rounded sum comes with all its digits.
    (total,) = re.findall(r'<th>all</th>.*<data value="(.*?)">', explorer.table.value)
    assert float(total) == explorer.states.contribution.sum()
    assert "<th>all</th><td>13</td>" in explorer.table.value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("E_F", 4.8, "E_F must be below"), ("V_R", 2.0, "E_F must be below")],
)
def test_what_is_not_allowed_is_said_in_one_line(explorer, name, value, said):
    before, states = explorer.picture.value, explorer.states
    explorer.controls[name].value = value
    assert said in explorer.message.value and "\n" not in explorer.message.value
    assert explorer.picture.value == before and explorer.states is states
    explorer.controls[name].value = {"E_F": 2.0, "V_R": 6.0}[name]
    assert explorer.message.value == ""
    assert explorer.states is not states


def test_past_the_end_of_the_model_there_is_a_note_and_a_picture():
    explorer = explore_states()
    explorer.controls["alpha_L"].value = 0.1
    assert "no lower bound" in explorer.message.value
    assert explorer.states.well.alpha_L == 0.1


def test_a_slider_reaches_the_value_it_begins_with():
    explorer = explore_states(d=25.0)
    assert explorer.controls["d"].value == 25.0 > SLIDERS["d"][1]


def test_what_is_not_allowed_to_begin_with_is_an_error():
    with pytest.raises(ValueError, match="E_F must be below"):
        explore_states(E_F=7.0)
    with pytest.raises(ValueError, match=r"axis must be one of .* got 'mass'"):
        explore_curve("mass")


def test_a_page_without_python_gets_a_line_of_text(explorer):
    data = explorer._repr_mimebundle_()
    assert data["text/plain"] == WITHOUT_PYTHON
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_step_is_quick(explorer):
    # Processor time, since others may use this machine.  Below a quarter of a second a slider
    # follows the hand; the least of three, as the first one fills Matplotlib's caches.
    times = []
    for value in (0.031, 0.032, 0.033):
        begin = time.process_time()
        explorer.controls["alpha_L"].value = value
        times.append(time.process_time() - begin)
    assert min(times) < 0.25
