"""The verdicts follow from numbers, and no statement of the paper is without one."""

import importlib
import re

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from scipy.integrate import quad, simpson
from scipy.optimize import linprog

from qwlib import Well, count_states, fermi_states, sweep
from qwlib.beyond import conventions
from qwlib.beyond.thresholds import entry_width, rashba_at
from qwlib.beyond.weak import spin_levels
from qwlib.book import claims, yardstick
from qwlib.kubo import fermi_states_of

# The paper's own values, copied from its text once more, so that a slip in the data file shows.
PAPERS = {
    "model-interband": True,
    "confinement-count": 11,
    "confinement-chirality": [6, 5],
    "confinement-silent": [True, True],
    "confinement-lost": [10, -1, 0],
    "confinement-lost-which": 1,
    "chirality-linear": True,
    "chirality-jump": 0.049,
    "chirality-constant": [11, 0],
    "chirality-jump-sign": [True, False],  # the + states, and not the − states
    "chirality-decrease": 0.1,
    "chirality-nonlinear": True,
    "chirality-shift": True,
    "profile-maximum": 0.062,
    "profile-penetration": True,
    "thickness-narrow": True,
    "thickness-independent": [True, True],
    "thickness-magnitude": True,
    "thickness-counts": [27, 14],
    "thickness-a-decreases": True,
    "thickness-b-increases": True,
    "thickness-c-maximum": 0.52,
    "thickness-c-vanishes": 0.2,
    "thickness-inverse-d": -1,
    "thickness-hectic": [True, True],
    "conclusion-three-levels": [True, True, True],
}
# What their words may mean, once more; a reading that is left out would decide a verdict unseen.
RIGHT = ["α_R = −0.025", "α_R = 0", "α_R = 0.025"]
WELLS = ["the same well", "a wide well"]
TOTALS = ["over the well", "over all z"]
LEVELS = ["at the Fermi level", "at k = 0"]
MEASURES = ["integral", "largest value", "average", "mean magnitude", "integral over all z"]
READINGS = {
    "model-interband": [
        f"{what}, ħ/τ = {rate} eV"
        for rate in ("0.01", "0.1")
        for what in (
            "integral",
            "torque",
            "largest value",
            "total spin kept",
            "spin kept at each z",
        )
    ],
    "confinement-count": LEVELS,
    "confinement-chirality": TOTALS,
    "confinement-lost": TOTALS,
    "confinement-silent": [
        f"{energy}, {what}"
        for energy in ("E along z", "energy in the plane")
        for what in ("over the largest", "over the total")
    ],
    "confinement-lost-which": ["E along z", "energy in the plane"],
    "chirality-linear": [
        f"{line}, {r}, {where}"
        for r in RIGHT
        for where in TOTALS
        for line in ("best line", "tangent at 0")
    ],
    "chirality-jump": RIGHT
    + [f"next of 50 points up to {end}, {r}" for end in ("0.12", "0.15", "0.2") for r in RIGHT],
    "chirality-constant": RIGHT,
    "chirality-jump-sign": TOTALS
    + [f"{where}, 50 points up to {end}" for end in ("0.12", "0.15", "0.2") for where in TOTALS],
    "chirality-decrease": [
        f"{what}, {r}, {where}"
        for r in RIGHT
        for where in TOTALS
        for what in ("where it ends", "all the way")
    ],
    "chirality-nonlinear": [
        f"{what}, up to {end}, {where}"
        for end in ("0.12", "0.15", "0.2")
        for where in TOTALS
        for what in ("bent", "slope changes")
    ],
    "chirality-shift": [
        f"over the {whole}, other α_R = {r}, {where}"
        for r in ("−0.02", "0", "0.025")
        for where in TOTALS
        for whole in ("rise", "shift")
    ],
    "profile-maximum": [
        "beyond the jump",
        "the highest",
        "of those named",
        "of some 0.031 apart",
        "of some 0.0124 apart",
    ],
    "profile-penetration": ["in the barrier", "at the interface", "how deep"],
    "thickness-narrow": [
        f"{what}, case {case}, {d} nm, alone in {well}"
        for well in WELLS
        for d in ("0.52", "0.2")
        for case in ("(a)", "(c)")
        for what in ("profile", "total", "total over all z")
    ],
    "thickness-independent": [
        f"{what}, case {case}, alone in {well}"
        for well in WELLS
        for case in ("(a)", "(b)", "(c)")
        for what in ("profile", "total", "total over all z")
    ],
    "thickness-counts": LEVELS,
    "thickness-magnitude": MEASURES,
    "thickness-a-decreases": [
        f"{name}, {how}" for how in ("0.52 nm", "0.2 nm", "all the way") for name in MEASURES
    ],
    "thickness-b-increases": [
        f"{name}, {how}" for how in ("0.52 nm", "0.2 nm", "all the way") for name in MEASURES
    ],
    "thickness-c-maximum": MEASURES
    + [
        f"{name}, of {widths}"
        for widths in ("widths 0.16 apart", "widths 0.08 apart", "three widths")
        for name in MEASURES
    ],
    "thickness-c-vanishes": ["the last state leaves"]
    + [f"5 % is left, {name}" for name in MEASURES],
    "thickness-inverse-d": ["integral", "average"],
    "thickness-hectic": [
        f"{name}, {sense}"
        for name in ("the couplings", "the walls")
        for sense in ("spacing", "height")
    ],
    "conclusion-three-levels": ["how much", "how deep"],
}
BY_ID = {claim.id: claim for claim in claims.claims()}


@pytest.fixture(scope="module")
def entries():
    return {entry.claim.id: entry for entry in claims.judged()}


def test_every_statement_of_the_paper_is_there_with_its_value():
    assert {name: claim.paper for name, claim in BY_ID.items()} == PAPERS
    assert set(claims.QUANTITIES) == set(PAPERS)


@pytest.mark.parametrize("name", PAPERS)
def test_every_reading_of_a_statement_is_judged_for_both_exchanges(entries, name):
    readings = READINGS.get(name, [""])
    assert list(BY_ID[name].readings) == readings
    entry = entries[name]
    assert set(entry.answers) == set(entry.alone) == set(readings)
    assert set(entry.agreements) == {r + e for r in readings for e in ("", claims.ALONE)}


@pytest.mark.parametrize("name", PAPERS)
def test_stated_verdict_is_the_computed_one(entries, name):
    entry = entries[name]
    assert entry.verdict in claims.VERDICTS
    assert entry.verdict == entry.claim.verdict
    # What is missing is said where, and only where, the text does not decide.
    assert bool(entry.claim.missing) == (entry.verdict == claims.UNDECIDABLE)


@pytest.mark.parametrize("claim", BY_ID.values(), ids=BY_ID)
def test_statement_says_what_a_reader_needs(claim):
    for name in (
        "title",
        "where",
        "wording",
        "quantity",
        "compared",
        "why",
        "chapter",
        "shown",
    ):
        assert getattr(claim, name), name
    assert len(claim.parts) == (len(claim.paper) if isinstance(claim.paper, list) else 0)


@pytest.mark.parametrize(
    ("kind", "paper", "ours", "expected"),
    [
        ("count", 11, 11, True),
        ("count", 11, 12, False),
        ("count", [6, 5], [6, 5], True),
        ("count", [6, 5], [5, 6], False),
        ("count", [6, 5], [6, 5, 0], False),
        ("count", [6, 5], None, False),
        ("count", "+", "-", False),
        ("position", 0.049, 0.0485, True),
        ("position", 0.049, 0.0495, True),
        ("position", 0.049, 0.0484, False),
        ("position", 0.049, 0.0496, False),
        ("position", 0.1, 0.051, True),
        ("position", 0.049, None, False),
        ("position", 0.049, "no model there", False),
        ("slope", -1, -1.049, True),
        ("slope", -1, -0.94, False),
        ("shape", True, 0.049, True),
        ("shape", True, 0.051, False),
        ("small", True, 0.049, True),
        ("small", True, np.nan, False),
        ("seen", True, 0.051, True),
        ("seen", True, 0.049, False),
        ("seen", True, -0.2, False),
        ("seen", True, None, False),
        (["seen", "small"], [True, False], [0.9, 0.01], True),
        (["seen", "small"], [True, False], [0.9, 0.9], False),
        (["seen", "small"], [True, False], None, False),
    ],
)
def test_yardstick(kind, paper, ours, expected):
    assert yardstick.agrees(kind, paper, ours) is expected


@pytest.mark.parametrize(
    ("kind", "paper", "ours", "ends"),
    [
        # Off by 0.0022, and half a unit is 0.0005.
        ("position", 0.049, 0.0468, (4.4, np.inf)),
        ("shape", True, 0.2, (4, np.inf)),
        ("seen", True, 0.2, (0, 4)),
        ("count", 11, 13, (3, np.inf)),
        ("count", 11, 11, (0, np.inf)),
        ("count", [6, 5], [8, 4], (3, np.inf)),
        (["seen", "small"], True, [0.2, 0.01], (0.2, 4)),
    ],
)
def test_agreement_is_an_interval_of_factors_of_the_tolerance(kind, paper, ours, ends):
    found = yardstick.agreement(kind, paper, ours)
    assert found == pytest.approx(ends)
    for end in (x for x in found if 0 < x < np.inf):
        # It agrees on one side of each end, and not on the other.
        sides = [yardstick.agrees(kind, paper, ours, end * (1 + x)) for x in (-1e-6, 1e-6)]
        assert sides == [end == found[1], end == found[0]]


def test_no_statement_has_a_yardstick_of_its_own():
    for claim in BY_ID.values():
        assert set(claim.kinds) <= set(yardstick.MEASURES)
        half_a_digit = 0.5 * 10.0 ** -len(str(claim.paper).partition(".")[2])
        for kind in claim.kinds:
            expected = {"count": 0, "position": half_a_digit}.get(kind, yardstick.SHARE)
            assert yardstick.allowed(kind, claim.paper) == pytest.approx(expected)
    assert set(yardstick.MEASURES) == {kind for claim in BY_ID.values() for kind in claim.kinds}


YES, NO = (0.0, np.inf), yardstick.NEVER


def test_verdict_by_case():
    answer, judge = claims.Answer, claims.verdict_of
    assert judge({"": answer(YES, YES)}) == claims.REPRODUCED
    assert judge({"": answer(YES, NO)}) == claims.REPRODUCED
    assert judge({"": answer(NO, YES)}) == claims.PROPAGATING
    assert judge({"": answer(NO, NO)}) == claims.NOT
    every, waves, none = answer(YES, YES), answer(NO, YES), answer(NO, NO)
    assert judge({"one": every, "other": waves}) == claims.PROPAGATING
    assert judge({"one": every, "other": none}) == claims.UNDECIDABLE
    assert judge({"one": waves, "other": none}) == claims.UNDECIDABLE
    # By no single set of states does it hold for both readings.
    assert judge({"one": answer(YES, NO), "other": waves}) == claims.UNDECIDABLE
    assert judge({"one": none, "other": none}) == claims.NOT


@pytest.mark.parametrize("name", PAPERS)
def test_verdict_changes_at_the_ends_of_its_span_and_not_between(entries, name):
    entry = entries[name]
    low, high = entry.span
    assert low <= 1 <= high
    inside = np.geomspace(max(low, 1e-6) * (1 + 1e-5), min(high, 1e6) * (1 - 1e-5), 101)
    assert {claims.verdict_of(entry.agreements, x) for x in inside} == {entry.verdict}
    if low > 0:
        assert claims.verdict_of(entry.agreements, low * (1 - 1e-5)) != entry.verdict
    if high < np.inf:
        assert claims.verdict_of(entry.agreements, high * (1 + 1e-5)) != entry.verdict


def test_span_is_what_the_table_says(entries):
    # By the nearest of all its readings it would hold.
    last = entries["thickness-c-vanishes"]
    near = min(0.2 - a.propagating for x in (last.answers, last.alone) for a in x.values())
    assert claims.stays(last) == f"up to {near:.2g}"
    # From where the last reading agrees to where the first one does not any more.
    linear = entries["chirality-linear"]
    off = [a.propagating for one in (linear.answers, linear.alone) for a in one.values()]
    assert claims.stays(linear) == f"{claims.percent(min(off))} to {claims.percent(max(off))}"
    assert claims.stays(entries["confinement-count"]) == "less than 2"  # 13 states, not 11


# --- a second route to what the statements hang on ------------------------------------------------


def test_jump_is_where_a_state_has_the_energy_of_the_floor(entries):
    alpha = entries["chirality-jump"].answers["α_R = 0"].propagating
    states = fermi_states(Well(alpha_L=alpha), 3.0)
    # The jump was bisected to 1e-9 in α_L, and E falls by a few eV per eV nm².
    assert np.abs(states.E - states.well.Delta).min() < 1e-7


def test_last_state_leaves_where_the_closed_form_says(entries):
    well = Well()
    kappa = np.sqrt((3 + well.Delta) / well.c)
    q = np.sqrt((well.V_L - well.Delta - 3) / well.c)
    width = 2 * np.arctan(q / kappa) / kappa
    last, little, *_ = entries["thickness-c-vanishes"].answers.values()
    assert last.all == pytest.approx(width, rel=1e-12)
    # The largest is found on a grid here as there, in steps of 3 and of 8 %.
    d = np.geomspace(0.1, 1.0, 80)
    largest = claims.swept(claims.PAPER, d=d, alpha_L=0.01, alpha_R=-0.01).all.max()
    left = claims.total(fermi_states(Well(d=little.all, alpha_L=0.01, alpha_R=-0.01), 3.0))
    assert left == pytest.approx(0.05 * largest, rel=0.03)
    grid = claims.measured(claims.PAPER, 0.01, -0.01, d[:40])
    for name in MEASURES:
        found = entries["thickness-c-vanishes"].answers[f"5 % is left, {name}"].all
        there = claims.measured(claims.PAPER, 0.01, -0.01, found)[name].all[0]
        assert there == pytest.approx(0.05 * grid[name].all.max(), rel=0.08)


def test_spin_density_in_the_left_barrier_against_quadrature():
    states = fermi_states(Well(alpha_R=-0.025), 3.0)
    direct, error = quad(lambda z: states.spin_density(z).sum(), -40, 0, epsabs=1e-12, limit=200)
    # The slowest tail falls by e^−400 in 40 nm; quadrature says how exact it is itself.
    assert claims.in_left_barrier(states) == pytest.approx(direct, abs=max(error, 1e-12))


def test_weight_in_the_left_barrier_against_quadrature():
    states = fermi_states(Well(), 3.0)
    direct, _ = quad(lambda z: (states.wavefunction(z) ** 2).sum(), -40, 0, epsabs=1e-12, limit=200)
    assert claims.weight_in_left_barrier(states) == pytest.approx(direct / len(states), abs=1e-10)

    # Steps of 1e-3 nm along tails of 0.05: the error of Simpson's rule is 1e-9 or so.
    z = np.linspace(-3, 0, 3001)
    squares = (states.wavefunction(z) ** 2).sum(axis=1)
    each = simpson(-z * squares, x=z) / simpson(squares, x=z)
    assert claims.depth_in_left_barrier(states) == pytest.approx(each.mean(), abs=1e-8)


def test_lost_state_is_the_one_that_passes_the_floor(entries):
    # Followed by its energy on both sides of the jump: all others keep their place.
    alpha = entries["chirality-jump"].answers["α_R = 0"].propagating
    before, after = (fermi_states(Well(alpha_L=alpha * x), 3.0) for x in (1 - 1e-6, 1 + 1e-6))
    changed = np.nonzero(before.kind != after.kind)[0]
    assert changed.size == 1
    answers = entries["confinement-lost-which"].answers
    assert len(before) - changed[0] == answers["E along z"].propagating
    # At one total energy the two orders are each other's reverse.
    waves = (before.kind == "propagating").sum()
    assert (
        answers["energy in the plane"].propagating == waves + 1 - answers["E along z"].propagating
    )


def test_maximum_against_width_is_where_a_subband_enters(entries):
    # κ↑d = 2 atan(q↑/κ↑) + π: the next ↑ subband's bottom is at ε_F, and ∫S_y has a cusp there.
    well = Well()
    kappa = np.sqrt((3 - well.Delta) / well.c)
    q = np.sqrt((well.V_L + well.Delta - 3) / well.c)
    width = (2 * np.arctan(q / kappa) + np.pi) / kappa
    # A search for a maximum without slope stops within the root of rounding.
    for name, answer in entries["thickness-c-maximum"].answers.items():
        if "width" not in name:
            assert answer == pytest.approx((width, width), abs=1e-5)


def sizes_of(well, kind):
    """Return the measures of a spin density."""
    states = claims.chosen(fermi_states(well, 3.0), kind)
    z = np.linspace(0, well.d, 401)
    profile = states.spin_density(z).sum(axis=0)
    integral = simpson(profile, x=z)
    return {
        "integral": integral,
        "largest value": np.abs(profile).max(),
        "average": integral / well.d,
        "mean magnitude": simpson(np.abs(profile), x=z) / well.d,
        "integral over all z": claims.with_barriers(states).sum(),
    }


@pytest.mark.parametrize(("step", "seen"), [(0.04, 0), (0.1, 5), (0.16, 5), (0.25, 3)])
def test_widths_do_what_the_why_of_the_maximum_says(entries, step, seen):
    for exchange in ("everywhere", "ferromagnet"):
        for kind in (None, "propagating"):
            below, at, above = (
                sizes_of(Well(d=0.52 + x, alpha_L=0.01, alpha_R=-0.01, exchange=exchange), kind)
                for x in (-step, 0, step)
            )
            # At a quarter the averages, which fall as 1/d beside the integrals, have it no more.
            tops = [name for name in MEASURES if below[name] < at[name] > above[name]]
            assert len(tops) == seen
    for answers in (entries["thickness-c-maximum"].answers, entries["thickness-c-maximum"].alone):
        assert answers["integral, of widths 0.16 apart"] == pytest.approx((0.52, 0.52))


def test_a_jump_beyond_the_end_of_a_curve_is_at_none_of_its_points():
    found = claims.jumps(
        claims.Material(d=20.0, V_L=0.3, V_R=0.25, Delta=0.005, mass=0.067, E_F=0.05)
    )
    assert found[claims.of_right(0.0)].propagating > max(claims.ENDS)
    assert all(one.propagating is None for name, one in found.items() if name.startswith("next"))


@pytest.mark.parametrize(("end", "how_many", "apart"), [(0.2, 3, 4), (0.15, 2, 3), (0.12, 1, 2)])
def test_points_of_a_curve_do_what_the_why_of_the_jump_says(entries, end, how_many, apart):
    alphas, seen = np.linspace(0, end, 50), []
    for alpha_R in claims.ALPHAS_R:
        _, numbers = claims.swept(claims.PAPER, "n_states", alpha_L=alphas, alpha_R=alpha_R)
        seen.append(alphas[1 + np.flatnonzero(np.diff(numbers))[0]])
        reading = f"next of 50 points up to {end:g}, {claims.of_right(alpha_R)}"
        assert entries["chirality-jump"].answers[reading] == (None, pytest.approx(seen[-1]))
    assert np.round(seen, 3).tolist().count(0.049) == how_many
    assert round(1e3 * alphas[1]) == apart


@pytest.mark.filterwarnings("error")
def test_a_drop_may_have_its_next_points_past_the_end_of_the_model():
    other = claims.Material(mass=1.35)
    place, points = claims.loss(other, claims.ALPHA_R), np.linspace(0, 0.2, 50)
    assert points[np.searchsorted(points, place) + 1] > other.well().critical_rashba
    assert claims.drop(other)["over the well, 50 points up to 0.2"].propagating[1] > 0.05


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_number_changes_once_up_to_the_end_of_the_decrease(exchange):
    # In closed form, where a state has the energy of the upper floor; from −0.045 to 0.045, as the
    # "why" says, and at ±0.05 nowhere.
    def places(alpha_R):
        found = rashba_at(Well(alpha_R=alpha_R, exchange=exchange), 3.0, 0.25)
        return ((found > 0) & (found < 0.1)).sum()

    several = np.linspace(-0.045, 0.045, 91)
    assert {places(alpha_R) for alpha_R in (*several, *claims.ALPHAS_R)} == {1}
    before = fermi_states_of([Well(alpha_L=0, alpha_R=a, exchange=exchange) for a in several], 3.0)
    assert {(states.kind == "propagating").sum() for states in before} == {11}
    assert places(0.05) == places(-0.05) == 0


@pytest.mark.parametrize("end", claims.ENDS)
def test_points_of_a_curve_do_what_the_why_of_the_drop_says(entries, end):
    points = np.linspace(0, end, 50)
    place = np.searchsorted(points, entries["chirality-jump"].answers["α_R = −0.025"].propagating)
    found = sweep(Well(alpha_R=-0.025), E_F=3.0, alpha_L=points[place - 2 : place + 2])
    plus, minus = (
        found["spin_density"].sel(kind="propagating", chirality=sign).values for sign in (1, -1)
    )
    steps = np.diff([plus, minus]) / np.abs(plus + minus)[1:3].max()
    more = steps[:, 1] - (steps[:, 0] + steps[:, 2]) / 2
    # From point to point − changes, by up to 6 %, but hardly more than beside the jump.
    assert steps[1, 1] == pytest.approx({0.12: 0.038, 0.15: 0.047, 0.2: 0.061}[end], abs=5e-4)
    assert abs(more[1]) < 0.005
    ours = entries["chirality-jump-sign"].answers[f"over the well, 50 points up to {end:g}"]
    assert ours.propagating == pytest.approx([-more[0], abs(more[1])], rel=1e-6)


def test_levels_at_k_0_by_the_phase_condition(entries):
    # No coupling changes them, as the "why" of the lost state says.
    wells = (Well(alpha_L=a) for a in (0.0, claims.FIRST, claims.SECOND))
    assert [count_states(well, np.array([3.0]), 0.0)[0] for well in wells] == [13, 13, 13]
    for name, d in (("confinement-count", 2.2), ("thickness-counts", 3.0)):
        both = np.concatenate([spin_levels(Well(d=d), s) for s in (1, -1)])
        expected = [(both < 3).sum(), ((both < 3) & (both > 0.25)).sum()]
        answer = entries[name].answers["at k = 0"]
        assert [np.unique(one).tolist() for one in answer] == [[n] for n in expected]


def test_total_over_all_z_against_quadrature():
    states = fermi_states(Well(alpha_R=-0.025), 3.0)
    ours = claims.totals_along(claims.PAPER, -0.025, np.array([0.046]))
    for where, added in claims.TOTALS.items():
        ends = (-8, 10.2) if where == "over all z" else (0, 2.2)  # tails of e^−80
        z = np.concatenate([np.linspace(*pair, 2001) for pair in zip(*cuts(ends), strict=True)])
        y = states.spin_density(z)
        direct = [simpson(one.reshape(-1, 2001), x=z.reshape(-1, 2001)).sum() for one in y]
        # Simpson's rule with steps h errs by h⁴ of the fourth derivative: 1e-8 and less.
        assert added(states) == pytest.approx(direct, abs=1e-8)
        waves = states.kind == "propagating"
        assert ours[where].all == pytest.approx([added(states).sum()], abs=1e-13)
        assert ours[where].propagating == pytest.approx([added(states)[waves].sum()], abs=1e-13)


def cuts(ends):
    """Return the ends of intervals without an interface inside."""
    places = np.unique([*ends, 0.0, 2.2])
    return places[:-1], places[1:]


def test_lowest_state_in_the_plane_has_the_smallest_wave_number(entries):
    states = fermi_states(Well(alpha_L=0.046), 3.0)
    of_each = np.abs(states.contribution[np.argsort(states.k)])
    answers = entries["confinement-silent"].answers
    for name, order in (("energy in the plane", of_each), ("E along z", of_each[::-1])):
        for words, whole in (("largest", of_each.max()), ("total", states.contribution.sum())):
            expected = [order[0] / whole, order[1:].min() / whole]
            assert answers[f"{name}, over the {words}"].all == pytest.approx(expected)


def test_largest_at_the_interface_hangs_on_what_is_drawn():
    def value(alpha):
        states = fermi_states(Well(alpha_L=alpha, alpha_R=-0.025), 3.0)
        return states[states.kind == "propagating"].spin_density(0.0).sum()

    # Larger than at 0.062 from 0.041 to the jump, and from 0.049 on, as the "why" says.
    above = [value(a) > value(0.062) for a in (0.0405, 0.0415, 0.0452, 0.0454, 0.0485, 0.0495)]
    assert above == [False, True, True, False, False, True]


def test_profile_beside_a_wide_well_by_mirror_symmetry(entries):
    # Opposite couplings have the same profile from either side.
    z = np.linspace(0, 0.2, 601)
    two, alone = (
        fermi_states(Well(d=d, alpha_L=0.01, alpha_R=right), 3.0).spin_density(z).sum(axis=0)
        for d, right in ((0.2, -0.01), (20.0, 0.0))
    )
    expected = np.abs(two - alone - alone[::-1]).max() / two.max()
    answers = entries["thickness-narrow"].answers
    name = "case (c), 0.2 nm, alone in a wide well"
    assert answers[f"profile, {name}"].all == pytest.approx(expected)
    both, one = (
        claims.total(fermi_states(Well(d=d, alpha_L=0.01, alpha_R=right), 3.0))
        for d, right in ((0.2, -0.01), (20.0, 0.0))
    )
    assert answers[f"total, {name}"].all == pytest.approx(abs(both / (2 * one) - 1))


@pytest.mark.parametrize("wide", [12.0, 18.0, 20.0])
def test_the_total_beside_a_wide_well_hangs_on_its_width_with_propagating_states_alone(wide):
    def off(total, kind):
        both, one = (
            total(claims.chosen(fermi_states(Well(d=d, alpha_L=0.01, alpha_R=right), 3.0), kind))
            for d, right in ((3.0, -0.01), (wide, 0.0))
        )
        return abs(both / (2 * one) - 1)

    def over_all_z(states):
        return claims.with_barriers(states).sum()

    assert off(claims.total, None) < 0.01 and off(over_all_z, None) < 0.01
    # 28, 9 and 19 %: "10 to 30 %", "two thirds of it".
    share = off(claims.total, "propagating")
    assert share == pytest.approx({12.0: 0.28, 18.0: 0.09, 20.0: 0.19}[wide], abs=0.005)
    assert off(over_all_z, "propagating") / share == pytest.approx(2 / 3, rel=0.05)


def test_no_choice_of_widths_has_the_last_state_leave_at_what_rounds_to_the_papers(entries):
    for exchange in ("everywhere", "ferromagnet"):
        well = Well(d=0.15, alpha_L=0.01, alpha_R=-0.01, exchange=exchange)
        assert (fermi_states(well, 3.0).kind == "propagating").any()
        # By each measure more than a third is left of the largest, which is between these widths.
        material = claims.Material(exchange=exchange)
        several = claims.measured(material, 0.01, -0.01, (0.15, 0.16, 0.17, 0.18, 0.2))
        for name in MEASURES:
            sizes = several[name].propagating
            assert 1 / 3 < sizes[0] / max(sizes) < 0.55
            assert sizes[0] < max(sizes) > sizes[-1]


def test_what_is_in_the_middle_hangs_on_where_it_begins(entries):
    # Up to 4 % in the middle third, and up to 6 % in the middle half, as the "why" says.
    # By its height S_y stays below 4 % of its largest in the middle half.
    found, z = {}, np.linspace(0, 3.0, 1201)
    for name, right in claims.CASES.items():
        states = fermi_states(Well(d=3.0, alpha_L=0.01, alpha_R=right), 3.0)
        size = np.abs(states.spin_density(z).sum(axis=0))
        middle = [np.abs(z - 1.5) < part * 1.5 for part in (1 / 3, 1 / 2)]
        assert size[middle[1]].max() < 0.04 * size.max()
        found[name] = [size[some].sum() / size.sum() for some in middle]
        ours = entries["thickness-independent"].answers[f"total, case {name}, alone in a wide well"]
        assert ours.all[1] == pytest.approx(found[name][0], rel=0.02)  # grids of their own
    third, half = np.max(list(found.values()), axis=0)
    assert third < yardstick.SHARE < half < 0.065


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_how_far_from_the_sum_as_a_mean_over_the_well(exchange):
    # Up to 10 %, where the largest departure is below 5 %; and the mean |S_y| within 5 %.
    z, means, sizes = np.linspace(0, 3.0, 1201), [], []
    for right in claims.CASES.values():
        two, left, other = (
            fermi_states(Well(d=d, alpha_L=a, alpha_R=b, exchange=exchange), 3.0)
            .spin_density(z + d - 3.0 if not a else z)
            .sum(axis=0)
            for d, a, b in ((3.0, 0.01, right), (20.0, 0.01, 0.0), (20.0, 0.0, right))
        )
        means.append(np.abs(two - left - other).mean() / np.abs(two).mean())
        sizes.append(abs(1 - np.abs(two).mean() / np.abs(left + other).mean()))
    assert yardstick.SHARE < 0.09 < max(means) < 0.1
    assert max(sizes) < yardstick.SHARE


def test_minus_states_overcome_the_plus_states_over_all_z_where_the_why_says():
    after = claims.totals_along(claims.PAPER, -0.025, np.array([0.046, 0.0605, 0.0615]))
    assert (after["over all z"].propagating > 0).tolist() == [True, True, False]
    assert after["over the well"].propagating[0] < 0


def test_how_uneven_maxima_are():
    x = np.linspace(0, 7.5, 751)
    saw = 1 + (x % 1)  # its teeth are alike
    # A grid finds each within a step of 0.01.
    assert claims.uneven(x, saw) == pytest.approx((0, 0), abs=0.01)
    spacing, height = claims.uneven(x, saw * (1 + x))
    # The n-th of the teeth, from 1 to 7, is as high as n + 1: 2 over the mean of 5.
    assert (spacing, height) == pytest.approx((0, 2 / 5), abs=0.01)
    far = np.where(x < 4, x % 1, (x / 2) % 1)  # four teeth one apart, then one at 6
    assert claims.uneven(x, far)[0] == pytest.approx(np.std([1, 1, 1, 2]) / 1.25, abs=0.01)
    assert claims.uneven(x, x) == (0.0, 0.0)


def test_the_two_sets_of_teeth_come_upon_each_other_near_4_and_8_nm():
    well = Well(alpha_L=0.001, alpha_R=-0.001)
    up, down = (np.array([entry_width(well, 3.0, s, n) for n in range(27)]) for s in (1, -1))
    apart = np.abs(up[:, None] - down).min(axis=1)
    # Within a tenth of the distance of teeth, which is π/κ; and the first of both, where all begin.
    together = up[(apart < 0.1 * np.pi / np.sqrt((3.0 - well.Delta) / well.c)) & (up < 9)]
    assert set(np.round(together)) == {0, 4, 8}


def test_antisymmetric_profile_has_no_integral():
    answers = claims.measured(claims.PAPER, 0.01, 0.01, 3.0)
    # Symmetry makes it zero; its parts are of the order of 0.01 nm⁻².
    assert answers["integral"].all[0] < 1e-13
    assert answers["largest value"].all[0] > 0.01


@pytest.mark.parametrize(
    ("y", "share"), [([3, 2, 1], 0), ([1, 2, 3], 1), ([3, 1, 2, 1], 1 / 4), ([1, 1], 0)]
)
def test_what_goes_up_of_what_is_to_fall(y, share):
    assert claims.wrong_way(np.array(y)) == pytest.approx(share)


def test_distance_from_a_straight_line():
    x = np.linspace(0, 1, 101)
    # A parabola is ⅛ above and below its best uniform line.
    assert claims.bend(x, x**2) == pytest.approx(1 / 8, abs=1e-4)
    assert claims.off_tangent(x, x**2) == pytest.approx(1, abs=0.02)
    assert claims.change_of_slope(x, x**2) == pytest.approx(1, abs=0.02)
    for f in (claims.bend, claims.off_tangent, claims.change_of_slope):
        assert f(x, 3 * x - 1) == pytest.approx(0, abs=1e-12)


def test_nearest_straight_line_by_linear_programming():
    x = np.linspace(0, 0.05, 30)
    y = np.random.default_rng(5).normal(size=30).cumsum()
    # Least t with |y − a x − b| ≤ t.
    ones = np.ones_like(x)
    above, below = np.stack([x, ones, -ones], axis=1), np.stack([-x, -ones, -ones], axis=1)
    best = linprog([0, 0, 1], np.vstack([above, below]), np.append(y, -y), bounds=(None, None))
    # The search for the slope stops within 1e-5 of the largest slope.
    assert claims.bend(x, y) == pytest.approx(best.fun / np.ptp(y), abs=1e-4)


def test_decrease_ends_where_the_slope_of_the_propagating_sum_vanishes(entries):
    answer = (
        entries["chirality-decrease"]
        .answers["where it ends, α_R = −0.025, over the well"]
        .propagating
    )

    def propagating(alpha):
        states = fermi_states(Well(alpha_L=alpha, alpha_R=-0.025), 3.0)
        return states[states.kind == "propagating"].contribution.sum()

    below, at, above = (propagating(answer + x) for x in (-1e-5, 0, 1e-5))
    assert below > at < above
    # As the "why" words it: 0.073 to 0.077 over the well, 0.094 to 0.14 over all z.
    one = entries["chirality-decrease"]
    for where, ends in (("well", (0.073, 0.077)), ("all z", (0.094, 0.14))):
        places = [
            place.propagating
            for several in (one.answers, one.alone)
            for name, place in several.items()
            if name.startswith("where it ends") and name.endswith(where)
        ]
        assert [float(f"{x:.2g}") for x in (min(places), max(places))] == [
            float(f"{x:.2g}") for x in ends
        ]
        assert round(min(places), 3) == ends[0]


def test_decrease_ends_where_the_conventions_have_it(entries):
    answers = entries["chirality-decrease"].answers
    for name, where in (("as printed", "over the well"), ("over all z", "over all z")):
        (one,) = (c for c in conventions.conventions() if c.name == name)
        # These close in on it to 1e-5.
        assert answers[f"where it ends, α_R = −0.025, {where}"].propagating == pytest.approx(
            conventions.numbers_by(one)["fall ends"], abs=1.1e-5
        )


# --- another material -----------------------------------------------------------------------------


OTHER = claims.Material(d=3.3, V_L=4.0, V_R=7.0, Delta=0.6, mass=0.7, E_F=2.0)


def test_another_material_gets_verdicts_where_they_apply():
    entries = claims.judged(OTHER)
    assert [entry.claim.id for entry in entries] == list(PAPERS)
    for entry in entries:
        if entry.claim.general:
            assert entry.verdict in claims.VERDICTS
        else:
            assert entry.verdict == claims.ELSEWHERE
            assert not entry.answers
    assert claims.ELSEWHERE in claims.table(entries)


@pytest.mark.parametrize("E_F", [-1.0, 0.2, 2.0])  # at the first none propagates
def test_every_quantity_has_an_answer_for_another_material(E_F):
    # Nothing may raise, wherever the features of the paper's well are not there.
    material = claims.Material(d=0.8, V_L=4.0, V_R=7.0, Delta=0.0, mass=0.7, E_F=E_F)
    for claim in claims.claims():
        assert claim.answers(material)


# --- how it is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (True, "", "yes"),
        (None, "nm", "no such feature"),
        (claims.ENDED, "", "no model there"),
        (-0.000394, "", "−0.0004"),
        (0.046841, "eV nm²", "0.0468 eV nm²"),
        ([10, -1, 0], "", "10, −1, 0"),
        (-1e-9, "", "0"),
    ],
)
def test_value_as_text(value, unit, text):
    assert claims.as_text(value, unit) == text


def test_symbols_become_formulas():
    text = "α_L = −α_R; ∫S_y dz and S_y(0) at ε_F, but a_S_y, $S_y$ and S_yz stay"
    assert claims.typeset(text) == (
        r"$\alpha_L$ = −$\alpha_R$; ∫$S_y$ dz and $S_y$(0) at $\varepsilon_F$,"
        " but a_S_y, $S_y$ and S_yz stay"
    )


def test_captions_call_a_statement_by_its_title():
    found = set()
    for page in (ROOT / "book").glob("*.ipynb"):
        for text in ([str(c.metadata), c.source] for c in nbformat.read(page, as_version=4).cells):
            for title, name in re.findall(r"\{ref\}`([^`<]+) <claim-([\w-]+)>`", "\n".join(text)):
                assert title == BY_ID[name].title
                found.add(name)
    assert len(found) > 15


def test_table_has_every_statement_once_below_its_verdict(entries):
    found, verdict = {}, None
    for line in claims.table(list(entries.values())).splitlines():
        if group := re.match(r"\[(.)\]\{\.sign\} \[(.+) \(\d+\)\]\{\.words\}", line):
            verdict = group[2]
            assert claims.SIGNS[verdict] == group[1]
        elif label := re.fullmatch(r"\(claim-(.+)\)=", line):
            assert label[1] not in found
            found[label[1]] = verdict
    assert found == {name: entry.verdict for name, entry in entries.items()}


def test_numbers_have_every_number_of_the_paper_other_than_zero(entries):
    rows = claims.numbers(list(entries.values()))
    titles = {name: BY_ID[name].title for name in PAPERS}
    assert any(row[0].startswith(titles["thickness-inverse-d"]) for row in rows)
    count = next(row for row in rows if row[0] == titles["confinement-count"])
    assert count[1:] == (11, 0.0, 13, 11)
    # Two cases, each at the Fermi level and at k = 0.
    assert len([row for row in rows if row[0].startswith(titles["thickness-counts"])]) == 4
    assert not any(row[0].startswith(titles["confinement-silent"]) for row in rows)
    assert not any(isinstance(row[1], bool) or row[1] == 0 for row in rows)


def test_a_changed_sign_changes_a_verdict(monkeypatch):
    kubo = importlib.import_module("qwlib.kubo")
    right = kubo.contribution
    monkeypatch.setattr(kubo, "contribution", lambda k, v, s: -right(k, v, s))
    claim = BY_ID["confinement-chirality"]
    assert claims.Judged(claim, claim.answers()).verdict != claim.verdict
