"""Views: what they return against the solver, and that the three ways to draw one agree."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT
from test_sliders import decoded, number

from qwlib import Well, fermi_states, sweep
from qwlib.beyond.conventions import conventions
from qwlib.book import figures, sliders, tables, views
from qwlib.book.views import Number, Panel, Series, View
from qwlib.book.widgets import drawn

E_F = 3.0
STATES = fermi_states(Well(alpha_L=0.03), E_F)


VIEWS = {
    "profile": lambda: views.profile(STATES),
    "count": lambda: views.count(STATES, 5.0, 1.0),
    "whole count": lambda: views.count(STATES, 5.0, 1.0, whole=True),
    "subbands": lambda: views.subbands(STATES, 5.0),
    "one state": lambda: views.one_state(STATES, 3),
    "spread": lambda: views.spread(STATES, 0.3),
    "scanned": lambda: views.scanned(STATES, 200),
    "field": lambda: views.field_by_width(STATES, 1.4, 1.0),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_one_picture_in_all_three_ways(name):
    view = VIEWS[name]()
    figure, table = drawn("", STATES, view)
    made = sliders.moved(("d", "nm"), [1.0, 2.0], 1.0, {"": [view, view]}, alt="").data
    for panel, ax, stored in zip(view.panels, figure.axes, made["cases"][0]["panels"], strict=True):
        lines = [(line.get_xdata(), line.get_ydata()) for line in ax.lines]
        for one, kept in zip(panel.series, stored["series"], strict=True):
            if one.x is None or one.y is None:
                continue
            y = np.asarray(one.y, dtype=float)
            pieces = [part for part in np.split(y, np.flatnonzero(np.isnan(y))) if part.size > 1]
            drawn_y = np.concatenate([line[1] for line in lines])
            # Every number is in the figure, whatever the pieces that it is drawn in.
            for part in pieces or [y]:
                assert np.isin(part[np.isfinite(part)], drawn_y).all()
            shown = decoded(made, kept["y"], 1)
            # Points are stored to a thousandth of the frame; what leaves it, to its own digits.
            height = np.ptp(stored["ylim"])
            seen = np.isfinite(shown) & np.isfinite(y)
            assert np.allclose(shown[seen], y[seen], rtol=1e-3, atol=1.1e-3 * height)
    for one in view.numbers:
        value = one.values if isinstance(one.values, str) else float(one.values)
        shown = number(made, one.name, 0)
        assert shown == value or shown == pytest.approx(value, abs=0.51 * 10.0**-one.digits)
        if not isinstance(value, str):
            plain = repr(one.values if isinstance(one.values, int) else value + 0.0)
            assert f'<data value="{plain}">' in table
    plt.close(figure)


def test_profiles_coarse_and_fine_are_one_curve():
    fine, coarse = (views.profile(STATES, coarse=some).panels[0].series[0] for some in (0, 1))
    z = np.linspace(coarse.x[0], coarse.x[-1], len(coarse.y))
    expected = STATES.spin_density(z).sum(axis=0)
    assert np.allclose(coarse.y, expected, rtol=0, atol=1e-9)  # ends of the grid are rounded
    assert np.array_equal(fine.y, STATES.spin_density(fine.x).sum(axis=0))


def test_chiralities_cancel_in_the_well_and_add_at_the_interface():
    states = fermi_states(Well(d=2.2, Delta=0.25, alpha_L=0.046), E_F)
    (_, plus, minus), (_, every, waves) = (one.series for one in views.by_place(states).panels)
    z = np.asarray(every.x)
    np.testing.assert_allclose(plus.y + minus.y, every.y, rtol=0, atol=1e-12)
    others = states[states.kind != "propagating"].spin_density(z).sum(axis=0)
    np.testing.assert_allclose(every.y - waves.y, others, rtol=0, atol=1e-12)
    at = np.argmin(np.abs(z))
    assert plus.y[at] > 0.1 and minus.y[at] > 0.1
    inside = (z > 0.8) & (z < 2.1)
    assert np.abs(every.y[inside]).max() < 0.2 * np.abs(minus.y[inside]).max()


def test_sums_are_those_of_single_wells_and_end_at_a_jump():
    alpha = np.linspace(0.04, 0.05, 11)
    ds = sweep(Well(), E_F=E_F, alpha_R=[0.0], alpha_L=alpha)
    waves, every = (panel.series[-1] for panel in views.sums(ds, "alpha_L", "α_L").panels)
    for series, choose in ((waves, views.propagating), (every, lambda states: states)):
        for x, y in zip(series.x, series.y, strict=True):
            if np.isfinite(y):
                some = choose(fermi_states(Well(alpha_L=x), E_F))
                assert y == pytest.approx(1e3 * some.contribution.sum(), abs=1e-9)
    assert np.isnan(waves.y).sum() == 1  # where the state is lost, at 0.0468
    assert abs(waves.x[np.isnan(waves.y)][0] - 0.0468) < 1e-3
    assert not np.isnan(every.y).any()


def test_curves_of_a_convention_are_its_sums_with_a_gap_at_each_step():
    alphas = np.linspace(0.04, 0.05, 11)
    printed = next(one for one in conventions() if one.name == "as printed")
    sums = {a: printed.along(a, alphas) for a in (-0.025, 0.0)}
    panel = views.by_convention(alphas, sums)
    looks = "minus", "zero"
    for series, look, (alpha_R, one) in zip(panel.series, looks, sums.items(), strict=True):
        assert series.look == look and series.name == f"α_R = {tables.number(alpha_R)}"
        at = np.isnan(series.y)
        assert at.sum() == np.count_nonzero(np.diff(one["number"])) == 1
        np.testing.assert_array_equal(series.y[~at], 1e3 * one["total"])


def test_what_is_the_same_at_every_position_is_stored_once():
    x = np.linspace(0, 1, 20)
    several = [
        View([Panel("x", "y", [Series("", x, x), Series("moves", x, x * n)], ylim=(0, n))],
             [Number("n", n)])
        for n in (1, 2, 3)
    ]  # fmt: skip
    (panel,), (n,) = sliders.together(several)
    assert panel.series[0].y is x
    assert [list(y) for y in panel.series[1].y] == [list(n * x) for n in (1, 2, 3)]
    assert panel.ylim == [0, 3] and n.values == [1, 2, 3]


def test_drawing_names_gaps_guides_and_axes():
    x = np.array([0.0, 1.0, np.nan, 2.0, 3.0])
    pieces = Series("bands", x, x, "thin", pieces=["one", "two"])
    guide = Series("ε_F", None, [1.5], "guide")
    view = View([Panel("α_L (eV nm²)", views.SUM, [pieces, guide])])
    with plt.rc_context(figures.STYLE):
        figure = figures.draw(view)
    text = figures.data(figure)
    assert "x is α_L (eV nm²), y is ∫S_y dz (10⁻³ nm⁻² per τeE/ħ)" in text
    assert [row.split(",")[1] for row in text.splitlines()[2:]] == ["one"] * 2 + ["two"] * 2
    assert [text.get_text() for text in figure.axes[0].texts] == ["$ε_{F}$"]
    plt.close(figure)


@pytest.mark.parametrize("hidden", ["matplotlib", "ipywidgets", "xarray"])
def test_views_need_neither_drawings_nor_widgets(hidden):
    code = (
        f"import sys; sys.modules[{hidden!r}] = None\n"
        "from qwlib import Well, fermi_states\nfrom qwlib.book import views\n"
        "print(len(views.subbands(fermi_states(Well(), 3.0), 5.0).panels))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "2\n", done.stderr


# --- numbers and tables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (-0.00001, ".2f!", "0.00"),
        (-1e-12, ".2f", "0.00"),  # rounding
        (-0.00012345, ".2f", "−0.000123"),
        (0.046, ".2f", "0.0460"),
        (0.046, ".3f", "0.046"),  # it has no more
        (0.4567, ".0f", "0.457"),
        (4.567, ".0f", "5"),
        (0.012345, "+.1f| %", "+0.0123 %"),
        (-3.25, "", "−3.25"),
        (13, "", "13"),
        (np.int64(-2), ".3g", "−2"),
        (2.4e-9, ".0e", "2 · 10⁻⁹"),
        (2.5e15, ".1e", "2.5 · 10¹⁵"),
        (0.01234, ".3g", "0.0123"),
        (1, "+d", "+1"),
        (1.0, "+.0e", "+1 · 10⁰"),
        (0.0, ".1e| %", "0 %"),
        (np.nan, ".2f", "–"),
        (None, "", "–"),
        (np.True_, "", "yes"),
        ("mixed", ".2f", "mixed"),
        (12.0, ".1f| %", "12.0 %"),
    ],
)
def test_a_number_is_written_in_one_way(value, digits, shown):
    assert tables.number(value, digits) == shown


def test_a_table_is_text_and_html_with_the_same_cells():
    table = tables.table(
        {"d (nm)": ".2f", "kind": "", "E_n (eV)": ".3g"}, [(2.2, "mixed", -0.19291)]
    )
    text, page = repr(table), table._repr_html_()
    assert text.splitlines()[2].split() == ["2.20", "mixed", "−0.193"]
    assert "E<sub>n</sub> (eV)</th>" in page and ">−0.193</td>" in page
    assert page.count("text-align: right") == 4  # headings and numbers, not the words
    assert "<data" not in page
    assert "count_states, q<sub>L</sub>" in tables.table(["count_states, q_L"], [])._repr_html_()
    names = tables.table(["AlO_x"], [("fermi_states",), ("∫S_y",)])._repr_html_()
    assert all(one in names for one in ("AlO<sub>x<", ">fermi_states<", "∫S<sub>y<"))
    # A head without rows would leave open whether something is missing.
    none = tables.table(["a", "b"], [])
    assert repr(none).split() == ["a", "b", "----", "---", "none"]
    assert '<tbody>\n<tr><td colspan="2">none</td></tr>\n</tbody>' in none._repr_html_()


def test_a_column_has_three_digits_of_its_largest_number():
    digits = {"all": ".3f", "exponent": ".2f!", "none": ".1f"}
    table = tables.table(digits, [(0.00123456, 0.0012, None), (0.00001, -1.0, np.nan)])
    rows = [line.split() for line in repr(table).splitlines()[2:]]
    assert rows == [["0.00123", "0.00", "–"], ["0.00001", "−1.00", "–"]]


def test_nothing_in_a_cell_is_taken_for_markup():
    page = tables.table(["a < b"], [("<script>",)])._repr_html_()
    assert "a &lt; b" in page and "&lt;script&gt;" in page and "<script>" not in page


def test_kinds_add_up_to_all():
    cells = tables.of_kinds([(STATES,)]).cells
    numbers = np.array([[value for value, _ in row[1:]] for row in cells], dtype=float)
    assert [row[0][0] for row in cells] == ["propagating", "mixed", "interface", "all"]
    np.testing.assert_allclose(numbers[:3].sum(axis=0), numbers[3], rtol=1e-12)
    assert numbers[3, 4] == 1e3 * STATES.contribution.sum()
    ((*_, total, waves),) = tables.of_all_and_propagating({"": ""}, [("", STATES)]).cells
    assert total[0] == numbers[3, 4]
    assert waves[0] == pytest.approx(numbers[0, 4], rel=1e-12)  # the same terms


def test_views_hold_without_a_state_and_with_two_equal_parameters():
    bare = views.runaway(Well(), [-3.0])
    (_, exact) = bare.panels[0].series
    assert np.isnan(exact.y).all()
    figure = figures.levels_and_contributions([("", fermi_states(Well(), -3.0))])
    assert len(figure.axes) == 2
    d = np.linspace(1.0, 2.0, 5)
    twice = views.sums(sweep(Well(), alpha_R=[0.02, 0.02], d=d), "d", "d (nm)")
    for panel in twice.panels:
        one, other = panel.series[-2:]
        assert len(one.y) == len(one.x) >= d.size
        assert np.array_equal(one.y, other.y, equal_nan=True)
