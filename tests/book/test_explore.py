"""The explorers, without a browser: controls moved, and what then stands in them."""

import io
import re
import sys

import ipywidgets
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from qwlib import Well, bound_states, fermi_states
from qwlib.beyond.direction import response
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.interband import damping_like
from qwlib.beyond.thresholds import rashba_at
from qwlib.beyond.torque import field_per_current
from qwlib.book import claims, views
from qwlib.book.explore import explore
from qwlib.book.steer import SLIDERS
from qwlib.book.widgets import WITHOUT_PYTHON, widget
from qwlib.matching import Full

pytestmark = pytest.mark.usefixtures("placed_legends")

BY_KIND = ("states", "profile", "alpha_L", "d")
"""Explorers with a table by kind."""


@pytest.fixture(params=BY_KIND)
def explorer(request):
    return explore(request.param, alpha_L=0.03)


def picture(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.picture.value)))


@pytest.mark.parametrize(
    ("name", "value", "ends"),
    [
        ("d", 2.2, (0.1, 10.0, 0.01)),
        ("d", 20.0, (1.0, 100.0, 0.1)),
        ("mass", 0.067, (0.01, 0.3, 0.001)),
        ("Delta", -0.005, (-0.1, 0.1, 0.001)),
        ("alpha_R", 0.0, (-0.15, 0.15, 0.001)),
        ("state", 3, (1, 40, 1)),
        ("hbar_over_tau", 0.00333, (0.001, 0.05, 1e-5)),
    ],
)
def test_a_slider_has_the_scale_of_its_value(name, value, ends):
    made = widget(name, value)
    assert (made.min, made.max, made.step) == ends and made.value == value


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
    explorer = explore("states")
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
    explorer = explore("states", alpha_L=0.03)
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
    explorer = explore("profile")
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
    explorer = explore(axis)
    line = explorer.figure.axes[0].lines[0]
    x, y = line.get_xdata()[20], line.get_ydata()[20]
    explorer.controls[axis].value = x
    total = 1e3 * explorer.states.contribution.sum()
    # A slider holds the number it is given; a sweep sums in another order than one well does.
    assert total == pytest.approx(y, rel=1e-10)


def test_the_table_counts_by_kind_and_chirality():
    explorer = explore("states")  # the well of Fig. 2(a)
    cells = re.findall(r"<tr><td>(\w+)</td>(.*?)</tr>", explorer.table.value)
    by_kind = {kind: re.findall(r'<data value="(.*?)">', rest) for kind, rest in cells}
    assert by_kind["propagating"][:4] == ["11", "6", "5", "0"]
    assert by_kind["all"][0] == "13"
    # The rounded sum comes with all its digits.
    assert float(by_kind["all"][4]) == 1e3 * explorer.states.contribution.sum()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("E_F", 4.8, "ε<sub>F</sub> must be below"), ("V_R", 2.0, "ε<sub>F</sub> must be below")],
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
    explorer = explore("states")
    explorer.controls["alpha_L"].value = 0.1
    assert "no lower bound" in explorer.message.value
    assert explorer.states.well.alpha_L == 0.1


def test_a_slider_reaches_the_value_it_begins_with():
    explorer = explore("states", d=25.0)
    assert explorer.controls["d"].value == 25.0 > SLIDERS["d"][1]


def test_what_is_not_allowed_to_begin_with_is_an_error():
    with pytest.raises(ValueError, match="E_F must be below"):
        explore("states", E_F=7.0)
    with pytest.raises(ValueError, match=r"name must be one of .* got 'mass'"):
        explore("mass")


def test_a_page_without_python_gets_a_line_of_text(explorer):
    data = explorer._repr_mimebundle_()
    assert data["text/plain"] == WITHOUT_PYTHON
    assert "application/vnd.jupyter.widget-view+json" in data


def test_where_there_are_no_widgets_the_page_has_an_explorer_of_its_own(monkeypatch):
    with_widgets = explore("claims", E_F=2.8)._repr_mimebundle_()["text/html"]
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "qwlib.book.widgets")
    assert explore("claims", E_F=2.8)._repr_html_() == with_widgets
    # Another package that is missing is not taken for widgets.
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "ipywidgets", ipywidgets)
    with pytest.raises(ModuleNotFoundError, match="matplotlib"):
        explore("claims")


# --- the explorers of the other chapters ----------------------------------------------------------

OTHERS = (
    "subbands",
    "state",
    "spread",
    "interband",
    "field",
    "direction",
    "count",
    "scan",
    "claims",
    "units",
)


# What a step of an explorer costs, so that it follows the hand on a slow machine too: how often the
# matching matrix is looked at.
EVALUATIONS = {
    "states": 94,
    "profile": 94,
    "alpha_L": 5720,
    "d": 11972,
    "subbands": 7987,
    "state": 91,
    "spread": 1321,
    "interband": 182,
    "field": 7191,
    "direction": 35667,
    "count": 887,
    "scan": 91,
    "claims": 542,
    "units": 91,
}


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_step_is_one_drawing_and_no_more_evaluations_than_it_was(monkeypatch, name):
    drawings, evaluations = [], []

    def counted(method):
        def count(self, rule, kin, *rest):
            evaluations.append(np.size(kin))
            return method(self, rule, kin, *rest)

        return count

    for route in ("sturm", "determinant"):
        monkeypatch.setattr(Full, route, counted(getattr(Full, route)))
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda *a: drawings.append(a[0]) or draw(*a))
    explorer = explore(name)
    explorer.controls["d"].value = 2.3  # the first step fills what later ones keep
    drawings.clear(), evaluations.clear()
    explorer.controls["d"].value = 2.21
    assert drawings == [explorer.figure]
    # A quarter more where another libm finds other cells.
    assert 0 < sum(evaluations) < 1.25 * EVALUATIONS[name]


def rows(explorer) -> dict[str, float | str]:
    """Return the table: what each row is, and its value with all digits, or its text.

    Of what each is an underscore lowers the next letter.
    """
    found = re.findall(r"<tr><td>(.*?)</td><td.*?>(.*?)</td></tr>", explorer.table.value)
    values = {}
    for name, cell in found:
        value = re.match(r'<data value="(.*?)">', cell)
        name = re.sub(r"<sub>(.*?)</sub>", r"_\1", name)
        values[name] = float(value[1]) if value else cell
    return values


def numbers(explorer) -> list[float]:
    """Return every number of the table, with all its digits."""
    return [float(value) for value in re.findall(r'<data value="(.*?)">', explorer.table.value)]


@pytest.mark.parametrize("name", OTHERS)
def test_an_explorer_has_a_control_for_every_parameter_and_follows_them(name):
    explorer = explore(name)
    own = {"k", "E", "state", "points", "width", "hbar_over_tau", "M_s", "j", "tau", "E_x"}
    own |= {"theta", "phi"}
    couplings = set() if name == "claims" else {"alpha_L", "alpha_R"}
    # The numbers of the statements have their own couplings, so there is no slider for them.
    well = {*Well.__dataclass_fields__, "E_F"} - {"alpha_L", "alpha_R"}
    assert set(explorer.controls) - own == well | couplings
    before, table, states = picture(explorer), explorer.table.value, explorer.states
    explorer.controls["E_F"].value = 4.8
    assert "ε<sub>F</sub> must be below" in explorer.message.value
    assert explorer.states is states and explorer.table.value == table
    assert np.array_equal(picture(explorer), before)
    explorer.controls["E_F"].value = 2.7
    assert explorer.message.value == ""
    assert explorer.states.E_F == 2.7
    assert not np.array_equal(picture(explorer), before)
    assert explorer.table.value != table


@pytest.mark.parametrize("name", OTHERS)
def test_wells_at_the_ends_of_the_sliders_are_shown_or_refused(name):
    explorer = explore(name)
    for control, value in (("E_F", 0.1), ("d", 0.1), ("Delta", 0.0)):
        states = explorer.states
        explorer.controls[control].value = value
        refused = "shows the last allowed" in explorer.message.value
        assert (explorer.states is states) == refused
        # What is refused: a state that is not there, and a spread wider than the well.
        said = {"state": "state must be at most", "spread": "spread must be"}.get(name, "(nothing)")
        assert not refused or said in explorer.message.value
        assert all(np.isfinite(numbers(explorer)))


@pytest.mark.parametrize("name", BY_KIND + OTHERS)
def test_no_label_is_cut_at_the_ends_of_the_sliders(name):
    explorer = explore(name)
    explorer.figure.canvas.get_renderer()
    begin = explorer._values
    for control in explorer.controls.values():
        first = control.value
        for end in ("min", "max"):
            control.value = getattr(control, end, first)
            # Where things are drawn, in inches; the picture is its pixels.
            drawn, (width, height) = (
                explorer.figure.get_tightbbox(),
                explorer.figure.get_size_inches(),
            )
            assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) > 0
        # What it began with is not drawn again.
        explorer._values = begin
        control.value = first


def test_steps_of_a_slider_reach_the_value_that_it_starts_with():
    explorer = explore("states", alpha_L=0.0468, d=2.237, V_L=5.0)
    steps = {name: explorer.controls[name].step for name in ("alpha_L", "d", "V_L")}
    assert steps == {"alpha_L": 1e-4, "d": 1e-3, "V_L": SLIDERS["V_L"][2]}
    assert explorer.controls["alpha_L"].readout_format == ".4f"
    # A value with no end of digits stops somewhere.
    assert explore("states", d=20 / 7).controls["d"].step == 1e-9


def test_the_torque_of_a_direction_is_that_of_the_response():
    explorer = explore("direction", theta=60, phi=40, d=0.6)
    explorer.controls["alpha_L"].value = 0.03
    found = response(Well(d=0.6, alpha_L=0.03), 3.0, np.pi / 3, np.radians(40))
    listed = rows(explorer)
    names = "torque along ∂m/∂θ", "torque along ∂m/∂φ"
    # The explorer asks for three digits.
    shown = [listed[name] for name in names]
    assert shown == pytest.approx(1e3 * found.polar_torque, rel=2e-3)
    assert listed["current across it"] == pytest.approx(
        found.current[1], abs=1e-3 * found.current[0]
    )


def test_units_are_raised_and_whole_numbers_have_whole_steps():
    explorer = explore("field")
    assert explorer.controls["j"].description == "j (10¹¹ A/m²)"
    assert explorer.controls["alpha_L"].description == "α_L (eV nm²)"
    assert explore("scan").controls["points"].step == 10


def test_the_listed_levels_are_those_of_the_elements():
    explorer = explore("subbands", k=4.0)
    explorer.controls["alpha_L"].value = 0.06
    well = Well(alpha_L=0.06)
    E = FiniteElements.from_well(well, k_max=4.0, order=8).bound_states(4.0)
    listed = rows(explorer)
    assert listed["bound states at k = 4 nm⁻¹"] == E.size
    # The mesh is converged to better than 1e-8 eV at this order (tests/beyond/test_fem.py).
    assert [listed[f"their E no. {i}"] for i in (1, 2, 3, 4)] == pytest.approx(E[:4], abs=1e-7)
    # A curve of (a) is one of (b) lifted by c k², and a Fermi state is at ε_F.
    upper, lower = explorer.figure.axes
    k, E_total = upper.lines[0].get_data()
    np.testing.assert_allclose(E_total - lower.lines[0].get_ydata(), well.c * k**2, atol=1e-12)
    marks = [line for line in upper.lines if "propagating" in line.get_label()]
    marks += [line for line in upper.lines if "mixed" in line.get_label()]
    assert sum(line.get_xdata().size for line in marks) == len(explorer.states)
    for line in marks:
        np.testing.assert_allclose(line.get_ydata(), 3.0, atol=1e-12)


def test_the_chosen_state_changes_its_kind_at_the_closed_form_threshold():
    explorer = explore("state", state=3)
    place = next(a for a in rashba_at(Well(), 3.0, 0.25) if a > 0)
    for alpha, kind, sign in ((place - 1e-3, "propagating", 1), (place + 1e-3, "mixed", -1)):
        explorer.controls["alpha_L"].value = alpha
        listed = rows(explorer)
        assert listed["kind of this one"] == kind
        assert np.sign(listed["κ↑², negative where evanescent"]) == sign
        # c κ↑² = E − Δ: one subtraction and one division.
        c = explorer.states.well.c
        left = c * listed["κ↑², negative where evanescent"]
        assert left == pytest.approx(listed["E − |Δ|"], abs=1e-14)
    # Both curves belong to that state: with the tails beyond the picture it is normalised.
    up, down = (line for line in explorer.figure.axes[1].lines[:2])
    density = up.get_ydata() ** 2 + down.get_ydata() ** 2
    assert np.trapezoid(density, up.get_xdata()) == pytest.approx(1, abs=0.02)
    explorer.controls["state"].value = 40
    assert "state must be at most 13" in explorer.message.value


def test_a_narrow_spread_is_the_delta_and_past_the_end_only_it_has_a_bottom():
    explorer = explore("spread", width=0.02, alpha_L=0.046)
    listed = rows(explorer)
    assert listed["number of states, δ-function"] == 13
    assert listed["number of states, width 0.02 nm"] == 13
    # A coupling spread over w differs from a δ at first order in k w.
    gap = listed["largest k, δ-function"] / listed["largest k, width 0.02 nm"] - 1
    assert 0 < gap < 1e-3
    # The curve with δ-functions is the lowest of `bound_states`, to the width of its bisection.
    delta, box = explorer.figure.axes[0].lines[:2]
    for i in (0, 10, 20):
        k = delta.get_xdata()[i]
        E = bound_states(Well(), k)[0] + Well().c * k**2
        assert delta.get_ydata()[i] == pytest.approx(E, abs=1e-6)
    explorer.controls["width"].value = 0.3
    explorer.controls["alpha_L"].value = 0.09
    assert "no lower bound" in explorer.message.value
    delta, box = (line.get_ydata() for line in explorer.figure.axes[0].lines[:2])
    assert np.diff(delta)[-1] < 0 < np.diff(box)[-1]


def test_the_coarse_mesh_is_right_within_a_few_per_cent_and_its_broadening_exact():
    explorer = explore("interband", alpha_L=0.06, d=1.5)
    response = damping_like(Well(alpha_L=0.06, d=1.5), 3.0, np.array([0.1, 0.3]))
    for i, gamma in enumerate((0.1, 0.3)):
        explorer.controls["hbar_over_tau"].value = gamma
        listed = rows(explorer)
        along = listed["∫S_x dz"]
        across = listed["what is added to ∫S_y dz"]
        assert along == pytest.approx(1e3 * response.damping_like[i], rel=0.01)
        assert across == pytest.approx(1e3 * response.field_like[i], rel=0.03)
    # The axis has the place of each value of the slider, and is lower where that is.
    axis = explorer.figure.axes[0].lines[0].get_xdata()
    assert (axis[0], axis[-1]) == pytest.approx((0.01, 0.5))
    lower = views.interband(explorer.states, 0.00333).panels[0].series[0].x
    assert (lower[0], lower[-1]) == pytest.approx((0.001, 0.05))
    explorer.controls["alpha_L"].value = 0.08
    assert "must be below ħ²/m" in explorer.message.value


def test_fields_against_the_width_are_those_of_single_wells():
    explorer = explore("field", alpha_L=0.03, alpha_R=-0.02, M_s=0.7, j=2.0)
    everything, waves = explorer.figure.axes[0].lines[:2]
    for i in (15, 45):
        well = Well(alpha_L=0.03, alpha_R=-0.02, d=everything.get_xdata()[i])
        states = fermi_states(well, 3.0)
        # The curve takes the torque from the interfaces, this from the spin that the exchange
        # sees: the two agree to rounding, which sums of terms of both signs magnify.
        expected = -field_per_current(states, 0.7e6)
        assert everything.get_ydata()[i] == pytest.approx(expected, rel=1e-8)
        expected = -field_per_current(states[states.kind == "propagating"], 0.7e6)
        assert waves.get_ydata()[i] == pytest.approx(expected, rel=1e-8)
    listed = rows(explorer)
    per_current = listed["−B_y/j, all states"]
    assert listed["−B_y at j = 2 · 10¹¹ A/m²"] == 2 * per_current


def test_the_count_is_that_of_the_levels_below():
    explorer = explore("count", k=3.0, E=-0.1, alpha_L=0.06)
    E = bound_states(Well(alpha_L=0.06), 3.0)
    for energy in (-0.1, 0.7, 2.9):
        explorer.controls["E"].value = energy
        listed = rows(explorer)
        below = int((E < energy).sum())
        assert listed["of them below ε_F − ck²"] == (E < 3.0 - Well().c * 9).sum()
        assert listed["their sum, N"] == below
        assert listed["the next one above E"] == E[below]
        # Clamped at both interfaces a spin has the levels ±Δ + c(mπ/d)².
        m = np.arange(1, 10)
        clamped = [s * 0.25 + Well().c * (m * np.pi / 2.2) ** 2 for s in (1, -1)]
        assert listed["clamped levels below E, J_0"] == (np.concatenate(clamped) < energy).sum()
    explorer.controls["E"].value = 4.9
    assert "E must not exceed the lower barrier edge" in explorer.message.value


def test_a_scan_misses_what_shares_its_cell():
    explorer = explore("scan", points=200)
    listed = rows(explorer)
    # A state is missed where the determinant has an even number of roots and poles in its cell:
    # then its sign is the same at both ends.
    states = fermi_states(Well(), 3.0)
    m = np.arange(1, 10)
    k2 = [(3.0 - s * 0.25) / Well().c - (m * np.pi / 2.2) ** 2 for s in (1, -1)]
    poles = np.sqrt(np.concatenate(k2).clip(0))
    edges = np.ceil(states.k.max()) * np.arange(201) / 200
    both = np.histogram(np.concatenate([states.k, poles[poles > 0]]), edges)[0]
    missed = both[np.searchsorted(edges, states.k) - 1] % 2 == 0
    assert listed["missed"] == missed.sum() > 0
    assert listed["states found"] + listed["missed"] == 13
    assert listed["of those found"] == pytest.approx(
        1e3 * states.contribution[~missed].sum(),
        rel=1e-12,  # the same numbers, summed
    )
    explorer.controls["points"].value = 4000
    whole = rows(explorer)
    assert whole["missed"] == 0
    assert whole["of those found"] == whole["∫S_y dz of all states"]


def test_statements_get_the_verdict_of_their_numbers():
    explorer = explore("claims")
    listed = rows(explorer)
    for claim in claims.claims():
        if claim.id in views.QUICK:
            i = 1 + views.QUICK.index(claim.id)
            assert listed[f"{i}. {claim.title}"] == claim.verdict
    # In closed form; the claims bisect the count of a sweep, to 1e-9 eV nm².
    (jump,) = [claim for claim in claims.claims() if claim.id == "chirality-jump"]
    for reading, answer in jump.answers().items():
        assert listed[f"{reading}, propagating"] == pytest.approx(answer.propagating, abs=2e-9)
    explorer.controls["mass"].value = 0.5
    changed = rows(explorer)
    material = claims.Material(mass=0.5)
    assert changed["at k = 0, propagating"] != listed["at k = 0, propagating"]
    states = material.states(alpha_L=claims.FIRST)
    assert changed["at the Fermi level, all states"] == len(states)


def test_si_units_are_those_of_the_constants():
    explorer = explore("units", tau=20.0, E_x=0.5)
    listed = rows(explorer)
    states = fermi_states(Well(), 3.0)
    # e and ħ to the digits that matter here; their values are exact.
    e, hbar = 1.602176634e-19, 1.054571817646e-34
    shift = 20e-15 * e * 0.5e5 / hbar
    assert listed["τeE/ħ"] == pytest.approx(shift, rel=1e-11)
    total = states.contribution.sum() * shift * 1e-9 * 1e18
    assert listed["∫S_y dz in SI units"] == pytest.approx(total, rel=1e-11)
    width = states.current.sum() * e * 20e-15 * e**2 * 0.5e5 / hbar**2
    assert listed["current per width"] == pytest.approx(width, rel=1e-11)
    # The curve is S_y(z) in 1/m³: a nm⁻³ is 1e27 m⁻³, and τeE/ħ is in 1/nm.
    line = explorer.figure.axes[0].lines[0]
    density = states.spin_density(line.get_xdata()).sum(axis=0) * shift * 1e-9 * 1e27
    np.testing.assert_allclose(line.get_ydata(), density, rtol=1e-10, atol=1e6)
