"""The conventions on trial: each against a second route, and what is asked of them all."""

import functools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq

from qwlib import sweep
from qwlib.beyond import conventions as trial
from qwlib.beyond.conventions import ASKED, Convention, conventions, numbers_by, score
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.spread import LayeredWell
from qwlib.beyond.thresholds import entry_width, rashba_at
from qwlib.book import yardstick
from qwlib.book.claims import claims
from qwlib.matching import matching_matrix
from qwlib.well import HBAR2_OVER_2ME

JUMPS = ("jump", "jump −", "jump +")
NAMES = [convention.name for convention in conventions()]
SPINORS = [c.name for c in conventions() if c.solve in (trial.spinors, trial.with_tails)]
PROPAGATING = [
    c.name for c in conventions() if c.name in SPINORS and c.keep is trial.waves and not c.step
]
ALL_Z = (trial.with_tails, trial.opposite_with_tails)
OPPOSITE = (trial.opposite_barriers, trial.opposite_with_tails)
DIAGONAL = ["spin-diagonal", "spin-diagonal, d = 2.0"]


def named(name: str) -> Convention:
    (found,) = (c for c in conventions() if c.name == name)
    return found


@cache
def found(name: str) -> dict[str, float]:
    return numbers_by(named(name))


# --- the list -------------------------------------------------------------------------------------


def test_every_convention_that_was_thought_of_is_on_trial():
    assert set(NAMES) == {
        "as printed",
        "exchange in F alone",
        "over all z",
        "all states",
        "E > 0",
        "E > −Δ",
        "spin-diagonal",
        "spin-diagonal, reversed",
        "spin-diagonal, two real κ",
        "no exchange, σ conserved",
        "Δ halved",
        "Δ doubled",
        "ε_F from the lower floor",
        "ε_F from the upper floor",
        "V from ε_F",
        "barrier exchange opposite",
        "barrier exchange opposite, over all z",
        "exchange in F alone, over all z",
        "window in k",
        "points of a plot",
        "points of a plot to 0.2",
        "over all z, points of a plot to 0.2",
        "α times a₀",
        "α doubled",
        "α halved",
        "α_R reversed",
        "coupling spread over 0.03 nm",
        "poles counted",
        "k and −k",
        "spin-diagonal, d = 2.0",
        "barrier exchange opposite, points of a plot",
        "barrier exchange opposite, points of a plot to 0.2",
        "barrier exchange opposite, over all z, points of a plot to 0.2",
        "exchange in F alone, over all z, points of a plot to 0.2",
        "widths 0.16 apart",
        "exchange in F alone, over all z, points to 0.2, widths 0.16 apart",
        "barrier exchange opposite, over all z, points to 0.2, widths 0.16 apart",
        "profiles 0.031 apart",
        "over all z, points to 0.2, profiles and widths apart",
        "exchange in F alone, over all z, points to 0.2, profiles and widths apart",
        "barrier exchange opposite, over all z, points to 0.2, profiles and widths apart",
        "as printed, V = 5.46",
        "as printed, Δ = 0.088",
        "as printed, m = 0.972",
        "exchange in F alone, V = 5.42",
        "exchange in F alone, Δ = 0.0882",
        "barrier exchange opposite, V = 5.39",
        "barrier exchange opposite, Δ = 0.0884",
        "as printed, m = 1.09, V = 7.33",
        "as printed, d = 2.28, V = 6.2",
        "exchange in F alone, m = 1.1, V = 7.41",
    }
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_convention_says_in_one_sentence_what_it_assumes(name):
    said = named(name).assumes
    assert said.endswith(".") and ". " not in said.replace("Eqs. ", "").replace("Eq. ", "")


def test_numbers_asked_are_those_of_the_verdicts():
    claim = {c.id: c for c in claims()}
    plus, minus = claim["confinement-chirality"].paper
    _, gained, other = claim["confinement-lost"].paper
    expected = {
        "plus": (plus, 0),
        "minus": (minus, 0),
        "plus later": (plus + gained, 0),
        "minus later": (minus + other, 0),
    }
    for key, name in (
        ("jump", "chirality-jump"),
        ("jump −", "chirality-jump"),
        ("jump +", "chirality-jump"),
        ("maximum", "profile-maximum"),
        ("fall ends", "chirality-decrease"),
        ("cusp", "thickness-c-maximum"),
        ("last", "thickness-c-vanishes"),
    ):
        position = claim[name].paper
        expected[key] = (position, pytest.approx(yardstick.allowed("position", position)))
    expected["a"], expected["c"] = ((n, 0) for n in claim["thickness-counts"].paper)
    assert {one.key: (one.paper, one.tolerance) for one in ASKED} == {
        key: tuple(value) for key, value in expected.items()
    }


def test_score_counts_what_is_met_and_charges_what_was_chosen():
    exact = {one.key: one.paper for one in ASKED}
    free = Convention("", "")
    assert score(free, exact) == (13, 13, 0.0)
    assert score(Convention("", "", chosen=2), exact) == (13, 11, 0.0)
    # Half a unit is met, a little more is not; what does not exist misses by 1, as does a double.
    worse = exact | {"jump": 0.0495, "maximum": 0.0626, "cusp": np.nan, "c": 40}
    met, net, miss = score(free, worse)
    assert (met, net) == (10, 10)
    assert miss == pytest.approx(0.0005 / 0.049 + 0.0006 / 0.062 + 1 + 1)


# --- the states, by finite elements ---------------------------------------------------------------

FLOORS = {"all states": -9.0, "E > 0": 0.0, "E > −Δ": -0.25, "spin-diagonal, two real κ": 0.25}
"""Above which E the states are counted, in eV, where it is not where all κ turn real."""


def fem(well, E_F, **profile) -> FiniteElements:
    """Return finite elements of a well, with some of the profiles replaced."""
    elements = FiniteElements.from_well(well, E_max=E_F).elements
    inside = dict(
        potential=lambda z: np.where(z < 0, well.V_L, np.where(z > well.d, well.V_R, 0.0)),
        exchange=lambda z: np.where((z < 0) | (z > well.d), well.Delta_barrier, well.Delta),
        deltas=((0.0, well.alpha_L), (well.d, -well.alpha_R)),
        ferromagnet=(0.0, well.d),
        E_max=E_F,
        k_max=40.0,  # beyond all Fermi states below
    )
    return FiniteElements(elements, well.c, **(inside | profile))


def witness(convention: Convention, well) -> np.ndarray:
    """Return k, contribution and that to S_y(0) of the counted states, (3, n), k descending."""
    Delta, E_F, solve = well.Delta, convention.E_F, convention.solve
    sign = -1 if isinstance(solve, functools.partial) else 1
    if solve is trial.diagonal or sign < 0:
        parts = [
            (fem(well, E_F, exchange=0.0, potential=floor_of(well, s)), s * sign, s * Delta)
            for s in (1, -1)
        ]
    elif solve is trial.spread_spinors:
        spread = FiniteElements.from_well(well, E_max=E_F, width=0.03)
        parts = [(spread, 0, abs(Delta))]
    else:
        profile = {}
        if solve in OPPOSITE:
            profile["exchange"] = lambda z: np.where((z < 0) | (z > well.d), -Delta, Delta)
        if solve in ALL_Z:
            ends = FiniteElements.from_well(well, E_max=E_F).elements.edges[[0, -1]]
            profile["ferromagnet"] = tuple(ends)
        parts = [(fem(well, E_F, **profile), 0, abs(Delta))]
    rows = []
    for elements, spin, floor in parts:
        states = elements.fermi_states(E_F)
        floor = FLOORS.get(convention.name, floor)
        keep = states.E > floor
        if spin:
            keep &= np.sign(states.spin) == spin
        left = states.spin_density(np.array([0.0]))[:, 0]
        rows.append(np.stack([states.k, states.contribution, left])[:, keep])
    rows = np.concatenate(rows, axis=1)
    return rows[:, np.argsort(-rows[0])]


def floor_of(well, s):
    """Return the potential that spin s sees, exchange included."""

    def potential(z):
        outside = s * well.Delta_barrier + np.where(z < 0, well.V_L, well.V_R)
        return np.where((z < 0) | (z > well.d), outside, s * well.Delta)

    return potential


@pytest.mark.parametrize("name", NAMES)
def test_states_are_those_of_finite_elements(name):
    convention = named(name)
    well = convention.well(0.03, -0.012)
    states = convention.states([well])
    ours = np.stack([states.k, states.spin, states.left])
    ours = ours[:, np.argsort(-ours[0], kind="stable")]
    theirs = witness(convention, well)
    if name == "window in k":
        theirs = theirs[:, theirs[0] < lost_wave_number()]  # at the place of a fit
    if name == "poles counted":
        ours = ours[:, ours[1] != 0]  # a pole has no state; below they are counted
    if name == "k and −k":
        theirs = np.repeat(theirs, 2, axis=1)[:, :-1]
    assert ours.shape == theirs.shape
    # Both are exact to rounding, but for derivatives of the spread coupling, taken as differences
    # with an error of 1e-9 or so, of spin densities of order 0.1.
    assert np.abs(ours[0] - theirs[0]).max() < 1e-8
    assert np.abs(ours[1:] - theirs[1:]).max() < 1e-8


@cache
def lost_wave_number() -> float:
    """Return k of the state of the printed well that crosses E = E₀ where a fit puts the jump."""
    well = named("as printed").well()
    E = brentq(lambda E: rashba_at(well, 3.0, E).max() - 0.0494, 0.2, 0.25, xtol=1e-14)
    return float(np.sqrt((3.0 - E) / well.c))


@pytest.mark.parametrize("sign", [1, -1])
def test_spin_diagonal_states_solve_the_equation_of_a_scalar_well(sign):
    # tan κd = κ(a + b)/(κ² − ab), a and b being q with its δ: found on a grid of k by its zeros.
    well = Convention("", "").well(0.046, -0.025)
    states = trial.diagonal([well], 3.0, sign)
    states = states.take(states.E > states.floor)
    for s in (1, -1):

        def condition(k, s=s):
            kappa = np.sqrt((3.0 - s * well.Delta) / well.c - k * k)
            q = np.sqrt(well.V_L / well.c - kappa**2)
            a = q + sign * s * k * well.alpha_L / well.c
            b = q - sign * s * k * well.alpha_R / well.c
            return (kappa**2 - a * b) * np.sin(kappa * well.d) - kappa * (a + b) * np.cos(
                kappa * well.d
            )

        grid = np.linspace(1e-6, np.sqrt((3.0 - s * well.Delta) / well.c) - 1e-9, 4001)
        y = condition(grid)
        i = np.flatnonzero(y[1:] * y[:-1] < 0)
        roots = [brentq(condition, grid[j], grid[j + 1], xtol=1e-14) for j in i]
        ours = states.k[np.sign(states.floor) == s]
        # Rounding of the condition over its slope; near κ = 0, where that is small, more.
        assert np.sort(ours) == pytest.approx(np.sort(roots), abs=1e-8)


def test_poles_and_roots_are_the_changes_of_sign_of_the_determinant():
    convention = named("poles counted")
    for alpha_L, alpha_R, d in (
        (0.046, 0, 2.2),
        (0.05, 0, 2.2),
        (0.01, 0.01, 3.0),
        (0.01, -0.01, 3.0),
    ):
        well = convention.well(alpha_L, alpha_R, d=d)
        kappa = np.linspace(0, np.sqrt((3.0 - well.Delta) / well.c), 10002)[1:-1]
        E = well.c * kappa**2 + well.Delta
        det = np.linalg.det(matching_matrix(well, E, np.sqrt((3.0 - E) / well.c)))
        assert convention.states([well]).k.size == (det[1:] * det[:-1] < 0).sum()


def test_spread_states_are_those_of_the_layers_own_search():
    well = named("coupling spread over 0.03 nm").well(0.046, -0.025)
    states = trial.spread_spinors([well, well.replace(d=1.0)], 3.0)
    for i, one in enumerate((well, well.replace(d=1.0))):
        k, contribution = LayeredWell.from_well(one, 0.03).fermi_states(3.0, 8.495)
        some = states.take(states.well == i)
        order = np.argsort(-some.k)
        # Both to rounding, differences apart, as above.
        assert some.k[order] == pytest.approx(k, abs=1e-9)
        assert some.spin[order] == pytest.approx(contribution, abs=1e-8)


# --- positions, by conditions of their own --------------------------------------------------------


@pytest.mark.parametrize("name", PROPAGATING)
def test_jump_of_propagating_spinors_is_the_threshold_in_closed_form(name):
    convention = named(name)
    for key, alpha_R in (("jump", 0.0), ("jump −", -0.025), ("jump +", 0.025)):
        well = convention.well(0.0, alpha_R)
        values = rashba_at(well, convention.E_F, abs(well.Delta)) / convention.factors[0]
        values = values[(values > 0.0025) & (values < 0.15)]
        # Found to 1e-5 from above; that none is passed over is part of what is tested.
        expected = values.min() if values.size else np.nan
        assert found(name)[key] == pytest.approx(expected, abs=1.1e-5, nan_ok=True)


@pytest.mark.parametrize("name", ["E > 0", "E > −Δ"])
def test_jump_above_another_threshold_is_in_closed_form_too(name):
    values = rashba_at(named(name).well(), 3.0, FLOORS[name])
    assert found(name)["jump"] == pytest.approx(values[values > 0].min(), abs=1.1e-5)


def test_opposite_barriers_lose_their_state_where_a_matrix_of_ours_is_singular():
    well, c = named("barrier exchange opposite").well(), HBAR2_OVER_2ME
    k, d, Delta = np.sqrt(2.75 / c), 2.2, 0.25
    q_up, q_down = np.sqrt((5 - Delta - Delta) / c), np.sqrt((5 + Delta - Delta) / c)
    kappa = np.sqrt(2 * Delta / c)

    def determinant(alpha):
        M = np.zeros((4, 4))
        M[0, 0] = M[2, 2] = q_up + 1 / d  # κ↑ = 0
        M[0, 2] = M[2, 0] = -1 / d
        M[1, 1] = M[3, 3] = q_down + kappa / np.tan(kappa * d)
        M[1, 3] = M[3, 1] = -kappa / np.sin(kappa * d)
        M[0, 1] = M[1, 0] = k * alpha / c
        return np.linalg.det(M)

    assert well.Delta == Delta
    expected = brentq(determinant, 0.04, 0.055)
    assert found("barrier exchange opposite")["jump"] == pytest.approx(expected, abs=1.1e-5)


@pytest.mark.parametrize("name", DIAGONAL)
def test_spin_diagonal_jump_has_a_closed_form_in_which_the_other_coupling_hardly_counts(name):
    well = named(name).well()
    k = np.sqrt((3.0 + well.Delta) / well.c)  # of spin −, at κ = 0: a straight line in the well
    q = np.sqrt(well.V_L / well.c)
    for key, alpha_R in (("jump", 0.0), ("jump −", -0.025), ("jump +", 0.025)):
        right = q + k * alpha_R / well.c
        expected = well.c / k * (q + right / (1 + right * well.d))
        assert found(name)[key] == pytest.approx(expected, abs=1.1e-5)


def test_spread_jump_is_where_the_count_of_states_changes():
    well = named("coupling spread over 0.03 nm").well()
    k = np.sqrt((3.0 - well.Delta) / well.c)

    def count(alpha):
        layers = LayeredWell.from_well(well.replace(alpha_L=alpha), 0.03)
        return int(layers.count_states(well.Delta, k)) - 2.5

    expected = brentq(count, 0.046, 0.052, xtol=1e-7)
    assert found("coupling spread over 0.03 nm")["jump"] == pytest.approx(expected, abs=1.1e-5)


@pytest.mark.parametrize(
    "name", ["as printed", "exchange in F alone", "barrier exchange opposite", "spin-diagonal"]
)
def test_maximum_at_the_left_interface_by_finite_elements(name):
    convention, place = named(name), found(name)["maximum"]
    around = (0.0525, 0.055, 0.0575) if np.isnan(place) else place + np.array([-1e-3, 0, 1e-3])
    values = [witness(convention, convention.well(a, -0.025))[2].sum() for a in around]
    if np.isnan(place):  # it falls from the jump on
        assert values[0] > values[1] > values[2]
    else:
        assert values[0] < values[1] > values[2]


@pytest.mark.parametrize("name", ["as printed", "over all z", "barrier exchange opposite"])
def test_decrease_ends_by_finite_elements(name):
    convention, place = named(name), found(name)["fall ends"]
    around = place + np.array([-1e-3, 0, 1e-3])
    values = [witness(convention, convention.well(a, -0.025))[1].sum() for a in around]
    assert values[0] > values[1] < values[2]


@pytest.mark.parametrize("name", [n for n in SPINORS if not named(n).width_step])
def test_along_d_a_maximum_and_the_end_are_entries_of_subbands(name):
    convention = named(name)
    thin, E_F = convention.well(0.01, -0.01), convention.E_F
    # To 1e-5 both; the maximum is a cusp where the second subband of spin ↑ comes in.
    assert found(name)["last"] == pytest.approx(
        min(entry_width(thin, E_F, s) for s in (1, -1)), abs=1.1e-5
    )
    if name != "α_R reversed":  # whose total is zero by symmetry
        assert found(name)["cusp"] == pytest.approx(entry_width(thin, E_F, 1, 1), abs=1.1e-5)


# --- what the chapter says ------------------------------------------------------------------------


def test_spin_diagonal_has_one_jump_for_all_three_couplings():
    wide, narrow = (found(name) for name in DIAGONAL)
    counts = [
        [x[key] for key in ("plus", "minus", "plus later", "minus later")] for x in (wide, narrow)
    ]
    assert counts == [[7, 6, 6, 6], [6, 5, 5, 5]]
    # The jumps lie between 0.0490 and 0.0491 at the paper's width.
    jumps = [wide[key] for key in ("jump", "jump −", "jump +")]
    assert all(0.04895 < jump < 0.04915 for jump in jumps)


@pytest.mark.parametrize("name", ["as printed", "spin-diagonal, d = 2.0"])
def test_traits_of_the_curves_by_finite_elements(name):
    convention, jump = named(name), found(name)["jump"]
    traits = trial.curve_traits(convention, [found(name)[key] for key in JUMPS])

    def total(alpha, sign=0):
        spin = witness(convention, convention.well(alpha))[1]
        return spin[np.sign(spin) == sign].sum() if sign else spin.sum()

    # The same sums, exact to rounding in both.
    before, after = jump - 1e-4, jump + 1e-4
    assert traits["start"] == pytest.approx(total(1e-4) / total(0.046), rel=1e-6)
    for key, sign in (("plus", 1), ("minus", -1)):
        drop = (total(after, sign) - total(before, sign)) / total(before)
        assert traits[key] == pytest.approx(drop, rel=1e-6, abs=1e-7)
    assert traits["plus"] < -1 and abs(traits["minus"]) < 0.05, "it is + that drops"
    # What tells the two apart.
    diagonal = name != "as printed"
    assert (traits["start"] > 0.9) == diagonal
    assert (traits["after"] > 0) == diagonal
    assert (traits["shift"] < 0.1) == diagonal
    # But S_y(0) is largest just before the jump in both; the grid has a step of 5e-4.
    assert 0 < found(name)["jump −"] - traits["largest"] < 5e-4


def test_one_parameter_at_a_time_by_conditions_of_their_own():
    base = named("as printed")
    for name, text in trial.TEXT.items():
        # Thresholds in closed form on a grid five times as fine: where the branch at positive α_L
        # passes 0.049 there is a value, and only there.
        grid, passed = text * np.linspace(0.3, 2.0, 341), []
        ones = [trial.varied(base, {name: value}) for value in grid]
        some = [(v, o) for v, o in zip(grid, ones, strict=True) if o.E_F < o.well().continuum_edge]
        branch = [rashba_at(o.well(0.0), o.E_F, abs(o.well().Delta)) for _, o in some]
        off = np.array([b.max() - 0.049 if b.size else np.nan for b in branch])
        for i in np.flatnonzero(off[1:] * off[:-1] < 0):
            if np.abs(off[i : i + 2]).max() < 0.02:  # not past a pole
                passed.append((some[i][0], some[i + 1][0]))
        found_ones = trial.wanted("jump", name)
        assert len(found_ones) == len(passed)
        assert all(low <= v <= high for v, (low, high) in zip(found_ones, passed, strict=True))
        if name == "d":
            continue
        for key, s, n, width in (("cusp", 1, 1, 0.52), ("last", -1, 0, 0.2)):
            for value in trial.wanted(key, name):
                one = trial.varied(base, {name: value})
                k2 = (one.E_F - s * one.well().Delta) / one.well().c
                q2 = one.well().V_L / one.well().c - k2
                # tan of half the phase: κ tan(κd/2) = q for even states, −κ cot(κd/2) = q for odd.
                half = np.sqrt(k2) * width / 2
                slope = np.tan(half) if n == 0 else -1 / np.tan(half)
                assert np.sqrt(k2) * slope == pytest.approx(np.sqrt(q2), rel=1e-6)
    assert trial.wanted("last", "V") == pytest.approx([8.939], abs=1e-3)
    assert trial.wanted("maximum", "V") == pytest.approx([6.158], abs=1e-3)
    assert trial.wanted("maximum", "mass") == []


def test_numbers_ask_of_each_case_and_beyond_the_jump():
    # No convention above has another number in (a) than in (c); states with a spin do.
    audible = Convention("", "", keep=lambda s: trial.waves(s) & (np.abs(s.spin) > 1e-12))
    both = numbers_by(audible)
    assert (both["a"], both["c"]) == (0, 14)
    # The spin-diagonal total falls before its jump and at it, and not beyond.
    assert np.isnan(found("spin-diagonal")["fall ends"])
    # Without a jump no decrease begins with it.
    for name in ("all states", "α times a₀"):
        assert np.isnan(found(name)["jump −"]) and np.isnan(found(name)["fall ends"])


def test_factors_are_of_the_coupling_that_they_are_said_to_be_of():
    for name, left, right in (
        ("as printed", 1, 1),
        ("α times a₀", 0.3, 0.3),
        ("α doubled", 2, 2),
        ("α halved", 0.5, 0.5),
        ("α_R reversed", 1, -1),
    ):
        well = named(name).well(0.03, -0.012, d=3.0)
        assert (well.alpha_L, well.alpha_R) == pytest.approx((0.03 * left, -0.012 * right))
        assert well.d == 3.0


def test_departure_from_a_shifted_curve_by_a_sweep():
    jumps = [found("as printed")[key] for key in JUMPS]
    # Below the first jump of the three: beyond it one of the curves is another one.
    common = np.linspace(1e-4, min(jumps) - 1e-4, 25)
    ds = sweep(alpha_L=common, alpha_R=[0.0, -0.025, 0.025])
    zero, *others = ds["spin_density"].sum("chirality").sel(kind="propagating").values.T
    expected = max(np.ptp(one - zero) for one in others) / np.ptp(zero)
    # The same sums, exact to rounding.
    shift = trial.curve_traits(named("as printed"), jumps)["shift"]
    assert shift == pytest.approx(expected, rel=1e-6)
    # As the verdict has it, for which the curve of −0.025 and its rise are in place of that of 0.
    assert 0.1 < shift < 0.2


def test_fitted_conventions_have_what_they_were_fitted_to():
    for convention in conventions():
        changed = convention.name.count(" = ")
        if changed and convention.name != "spin-diagonal, d = 2.0":
            assert convention.chosen == changed
            # Fitted to rounding, found again to 1e-5; it is printed as 0.049.
            assert found(convention.name)["jump"] == pytest.approx(0.0494, abs=1.1e-5)
            if changed == 2:
                assert found(convention.name)["maximum"] == pytest.approx(0.062, abs=1.1e-5)


def test_among_equals_the_one_that_chose_less_comes_first():
    none, one = (Convention("", "", chosen=chosen) for chosen in (0, 1))
    exact = {asked.key: asked.paper for asked in ASKED}
    worse, worst = exact | {"a": 14}, exact | {"a": 17}
    # Equal scores, 12: a value that is chosen does not win by the miss that it takes away.
    assert score(none, worse)[1] == score(one, exact)[1]
    assert trial.order(none, worse) < trial.order(one, exact)
    assert trial.order(none, worst) < trial.order(none, exact | {"a": np.nan}), "then by misses"
    assert trial.order(one, exact) < trial.order(none, worse | {"c": 15}), "first by the score"


def test_the_best_by_the_score_stands_out_by_numbers():
    scores = {name: score(named(name), found(name)) for name in NAMES}
    ranked = sorted(NAMES, key=lambda name: trial.order(named(name), found(name)))
    assert ranked[0] == "barrier exchange opposite, over all z, points of a plot to 0.2"
    assert scores[ranked[0]][:2] == (10, 9)
    # Without that slip a small exchange meets as many, and points of a curve one less.
    alone = [n for n in ranked if n.startswith("exchange in F alone")]
    assert alone[:2] == [
        "exchange in F alone, Δ = 0.0882",
        "exchange in F alone, over all z, points of a plot to 0.2",
    ]
    assert [scores[n][:2] for n in alone[:2]] == [(10, 9), (9, 8)]
    # All three jump at 0.049: the spin-diagonal ones, coarse points up to 0.2, a small exchange.
    jumps = [one for one in ASKED if one.key in JUMPS]
    coarse = {n for n in NAMES if " to 0.2" in n}
    small = {n for n in NAMES if "Δ = 0.08" in n}
    assert (len(coarse), len(small)) == (10, 3)
    assert {*DIAGONAL, *coarse, *small} == {
        n for n in NAMES if all(one.met(found(n)[one.key]) for one in jumps)
    }
    # Another number of points, and another end, do as well.
    points = np.linspace(0, 0.15, 41)
    places = np.searchsorted(points, [found("as printed")[one.key] for one in jumps])
    assert all(one.met(x) for one, x in zip(jumps, points[places], strict=True))
    # 0.062 and 0.52 are met by nothing in which no value was chosen.
    by = {one.key: {n for n in NAMES if one.met(found(n)[one.key])} for one in ASKED}
    assert all(named(n).chosen for key in ("maximum", "cusp") for n in by[key])
    assert by["cusp"] == small | {n for n in NAMES if "widths" in n}
    apart = {n for n in NAMES if "profiles" in n}
    assert by["maximum"] == apart | {n for n in NAMES if n.count(" = ") == 2}
    # With three distances chosen all but the 27, and as printed but that and the 0.2 nm.
    rest = "over all z, points to 0.2, profiles and widths apart"
    for name, missed in (("", {"a", "last"}), ("barrier exchange opposite, ", {"a"})):
        assert {one.key for one in ASKED if name + rest not in by[one.key]} == missed
        assert named(name + rest).chosen == 3
    # All seven counts and jumps of Fig. 2 and 3: these points, a small exchange, one more.
    assert set.intersection(*(by[one.key] for one in ASKED[:7])) == {*coarse, *small, DIAGONAL[1]}
    # And what no convention gives: 27 beside 14.
    assert not by["a"] & by["c"]


def test_a_tuned_distance_of_points_would_come_first():
    tuned = Convention("", "", solve=trial.with_tails, step=0.012302, chosen=1)
    best = "barrier exchange opposite, over all z, points of a plot to 0.2"
    first = trial.order(named(best), found(best))
    assert trial.order(tuned, numbers_by(tuned)) < first
    for factor in (0.999, 1.001):
        other = replace(tuned, step=factor * tuned.step)
        assert not ASKED[7].met(numbers_by(other)["maximum"])


def test_the_maximum_of_coarse_widths_is_that_of_the_three_about_it():
    for name in (n for n in NAMES if "widths" in n):
        convention = named(name)
        assert found(name)["cusp"] == pytest.approx(0.52, abs=1e-12)
        wells = [convention.well(0.01, -0.01, d=d) for d in (0.36, 0.52, 0.68)]
        left, top, right = (witness(convention, well)[1].sum() for well in wells)
        assert left < top > right
        # And of no finer ones: looked at closely it is elsewhere, by more than the tolerance.
        least = 0.005 if "opposite" in name else 0.01
        assert abs(numbers_by(replace(convention, width_step=0.0))["cusp"] - 0.52) > least


def test_the_maximum_of_coarse_profiles_is_that_of_the_three_about_it():
    for name in ("profiles 0.031 apart", *(n for n in NAMES if "profiles and" in n)):
        convention = named(name)
        assert found(name)["maximum"] == pytest.approx(0.062, abs=1e-12)
        wells = [convention.well(alpha_L, -0.025) for alpha_L in (0.031, 0.062, 0.093)]
        left, top, right = (witness(convention, well)[2].sum() for well in wells)
        assert left < top > right
        # And of no finer ones: looked at closely it is elsewhere, by more than the tolerance.
        closely = replace(convention, profile_step=0.0, step=0.0)
        assert abs(numbers_by(closely)["maximum"] - 0.062) > 0.005


def test_a_feature_that_is_not_there_is_not_a_number():
    x = np.linspace(0, 1, 11)

    def fall_ends(x, y):
        return trial.alone(trial.to_end_of_fall(x, y, close=False), None)

    assert np.isnan(trial.first_change(x, np.ones(11)))
    assert np.isnan(trial.maximum_near(x, x, 0.5))
    assert np.isnan(fall_ends(x, x))
    assert np.isnan(fall_ends(x, -x)), "a fall to the end of the axis has no end"
    assert fall_ends(x, np.abs(x - 0.6)) == pytest.approx(0.6)
    assert trial.maximum_near(x, -np.abs(x - 0.6), 0.0) == pytest.approx(0.6)
    assert trial.first_change(x, (x > 0.55).astype(int)) == pytest.approx(0.6)
