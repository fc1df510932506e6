"""Figures with sliders: their data against the solver, and what a browser makes of them.

The pages are built from the stored outputs, which the rerun of the chapters compares to the letter.
"""

import base64
import csv
import io
import json
import re
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT, Plain, served, violations, watched
from playwright.sync_api import expect
from scipy import constants

from benchmarks import routes
from qwlib import (
    UnboundedSpectrumWarning,
    Well,
    bound_states,
    count_states,
    fermi_states,
    matching_matrix,
    sweep,
)
from qwlib.beyond.conventions import conventions
from qwlib.beyond.direction import angle_to_rashba, frame, response, states_at
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.interband import damping_like
from qwlib.beyond.thresholds import rashba_at
from qwlib.beyond.torque import field, interface_torque
from qwlib.book import claims, sliders, tables
from qwlib.book.views import Number, Panel, Series
from qwlib.kubo import KINDS

E_F = 3.0
WELLS = {
    "the paper's": Well(),
    "another": Well(
        d=1.7, V_L=4.0, V_R=6.0, Delta=-0.4, alpha_R=0.03, mass=0.7, exchange="ferromagnet"
    ),
}
CASES = {name: Well(alpha_L=0.01, alpha_R=a) for name, a in {"a": 0.01, "b": 0, "c": -0.01}.items()}


def shown(value: float, digits: int) -> str:
    """Return a sum in 10⁻³ nm⁻² as a page shows it."""
    return f"{1e3 * value:.{digits}f}".replace("-", "−")


def sums(states) -> list[float]:
    """Return the integrated spin densities of all states and of the propagating ones."""
    propagating = states[states.kind == "propagating"]
    # Adding zero turns −0 into 0; rounding first does so for what is zero up to rounding.
    return [round(s.contribution.sum(), 9) + 0.0 for s in (states, propagating)]


# --- the data --------------------------------------------------------------------------------


@pytest.mark.parametrize("well", WELLS.values(), ids=WELLS)
def test_levels_are_the_fermi_states(well):
    data = sliders.couplings(well, E_F).data
    last = data["positions"][-1]
    assert 0.98 * well.critical_rashba < last < well.critical_rashba
    for alpha, row in list(zip(data["positions"], data["rows"], strict=True))[::7]:
        numbers, signs, E, spin, *total = row
        states = fermi_states(well.replace(alpha_L=alpha), E_F)
        assert numbers == [int((states.kind == kind).sum()) for kind in KINDS]
        assert [int(f"{s}1") if s != "0" else 0 for s in signs] == states.chirality.tolist()
        # Half of the last digit that is stored, and as much again for the rounding to it.
        assert np.abs(np.array(E) / 1e4 - states.E).max() < 0.51e-4
        assert np.abs(np.array(spin) / 1e6 - states.contribution).max() < 0.51e-6
        assert np.abs(np.array(total) / 1e6 - sums(states)).max() < 0.51e-6


def test_first_page_shows_the_propagating_states_alone():
    well = Well(alpha_L=0.046)
    every, waves = (sliders.couplings(well, E_F, waves=w).data for w in (False, True))
    assert waves["waves"] and "waves" not in every
    for (kinds, *lists, _, of_waves), row in zip(every["rows"], waves["rows"], strict=True):
        # Those that propagate are the last, since they are in ascending order of E.
        last = [one[len(one) - kinds[0] :] for one in lists]
        assert row == [[kinds[0], 0, 0], *last, of_waves, of_waves]


@pytest.mark.parametrize("well", WELLS.values(), ids=WELLS)
def test_levels_are_ordered_by_kind_and_add_up_to_the_sweep(well):
    data = sliders.couplings(well, E_F).data
    ds = sweep(well, E_F=E_F, alpha_L=data["positions"])
    assert bool(ds["certified"].all())
    kinds = ds["n_states"].sum("chirality").values
    assert [row[0] for row in data["rows"]] == kinds.tolist()
    for (_, _, E, *_), (_, mixed, interface) in zip(data["rows"], kinds, strict=True):
        # The page takes the first for interface states, the next for mixed ones.
        steps = [interface, interface + mixed]
        split = np.split(np.array(E) / 1e4, steps)
        edges = [(-np.inf, -abs(well.Delta)), (-abs(well.Delta), abs(well.Delta))]
        for part, (low, high) in zip(split, [*edges, (abs(well.Delta), np.inf)], strict=True):
            assert np.all((part > low - 1e-4) & (part < high + 1e-4))
    both = ds["spin_density"].sum("chirality")
    expected = np.stack([both.sum("kind"), both.sel(kind="propagating")], axis=1)
    assert np.abs(np.array([row[4:] for row in data["rows"]]) / 1e6 - expected).max() < 0.51e-6


@pytest.fixture(scope="module")
def totals():
    with warnings.catch_warnings():  # the figure goes past the end of the model on purpose
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        ds = sweep(alpha_R=[-0.025, 0.0, 0.025], alpha_L=np.linspace(0, 0.12, 481))
    return sliders.totals(ds).data


def test_totals_are_the_sums_over_every_choice_of_kinds(totals):
    assert len(totals["positions"]) == sliders.POSITIONS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        for r, i in [(0, 0), (0, 91), (1, 94), (2, 120), (1, 150), (2, 240)]:
            well = Well(alpha_L=totals["positions"][i], alpha_R=totals["alpha_R"][r])
            states = fermi_states(well, E_F)
            series = totals["series"][r]
            for mask in range(1, 8):
                some = [states.kind == kind for k, kind in enumerate(KINDS) if mask >> k & 1]
                expected = states.contribution[np.any(some, axis=0)].sum()
                # Half of the last digit, and as much as the rounding of α_L could move it.
                assert abs(series["sums"][mask - 1][i] / 1e5 - expected) < 0.51e-5
            counts = [n for start, n in series["counts"] if start <= i][-1]
            assert counts == [int((states.kind == kind).sum()) for kind in KINDS]


def test_totals_of_a_short_sweep_keep_every_point():
    data = sliders.totals(sweep(alpha_L=[0.0, 0.01, 0.02], alpha_R=[0.0])).data
    assert data["positions"] == [0.0, 0.01, 0.02]
    assert data["decimals"] == 2


def test_totals_refuse_another_sweep():
    with pytest.raises(ValueError, match=r"alpha_L and alpha_R, got one over \['d'\]"):
        sliders.totals(sweep(d=[1.0, 2.0]))


def decoded(data: dict, ref: int | list[int], i: int = 0) -> np.ndarray:
    """Return the numbers that stand for x or y of a series, at one position; nan in a gap."""
    entry = data["arrays"][ref[i] if isinstance(ref, list) else ref]
    if isinstance(entry, str):
        whole = np.frombuffer(base64.b64decode(entry[1:]), "<i2").astype(float)
        return np.where(whole == sliders.GAP, np.nan, whole / 10 ** int(entry[0]))
    return np.array(entry, dtype=float)


def points(data, name: str, i: int, case: int = 0, panel: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, at one position, of the series of that name in this panel or the next."""
    every = (one for part in data["cases"][case]["panels"][panel:] for one in part["series"])
    one = next(one for one in every if one.get("name") == name)
    return decoded(data, one["x"], i), decoded(data, one["y"], i)


def number(data: dict, name: str, i: int, case: int = 0) -> float | str:
    """Return a read-out at one position."""
    one = next(n for n in data["cases"][case]["numbers"] if n["name"] == name)
    value = one["values"][i]
    return value if isinstance(value, str) else value / 10 ** one["digits"]


def test_profiles_are_those_of_the_states_and_integrate_to_their_sums():
    d = np.array([0.15, 0.52, 1.0, 2.6, 4.0])
    data = sliders.widths(CASES, E_F, d).data
    names = {"all states": "all states", "propagating": "propagating states alone"}
    for case, well in enumerate(CASES.values()):
        for i, width in enumerate(d):
            states = fermi_states(well.replace(d=width), E_F)
            propagating = states[states.kind == "propagating"]
            assert number(data, "number of states", i, case) == len(states)
            assert number(data, "of these, propagating", i, case) == len(propagating)
            total = [number(data, f"∫S_y dz, {name}", i, case) / 1e3 for name in names.values()]
            assert np.abs(np.array(total) - sums(states)).max() < 0.51e-6
            for name, some, integral in zip(names, (states, propagating), total, strict=True):
                ends, profile = points(data, name, i, case)
                z = np.linspace(ends[0], ends[-1], profile.size)
                on = [np.argmin(np.abs(z - corner)) for corner in ends[1:3]]
                assert np.allclose(z[on], [0, width], rtol=0, atol=2e-5)  # ends have six digits
                z += np.interp(z, [z[on[0]], z[on[1]]], [-z[on[0]], width - z[on[1]]])
                exact = some.spin_density(z).sum(axis=0)
                # Half of the fifth decimal, and what the sixth digit of z moves.
                assert np.abs(profile - exact).max() < 1e-5
                inner = slice(on[0], on[1] + 1)
                # Six steps to the shortest period: the trapezoidal rule is good to 3 % of what it
                # adds up, and the smallest of these profiles weighs about 2e-4.
                area = np.trapezoid(np.abs(profile[inner]), z[inner])
                assert abs(np.trapezoid(profile[inner], z[inner]) - integral) < 0.03 * area


def test_profiles_start_with_the_case_that_is_asked_for():
    cases = {"a": Well(), "b": Well(alpha_L=0.01)}
    for asked, place in ((None, 0), ("b", 1)):
        assert sliders.widths(cases, E_F, [1.0], first=asked).data["first"] == place
    with pytest.raises(ValueError, match=r"first must be one of a, b, got 'c'"):
        sliders.widths(cases, E_F, [1.0], first="c")


def test_a_well_without_states_has_data_too():
    thin = Well(d=0.1, alpha_L=0.01)  # the last state leaves at 0.1371 nm
    data = sliders.couplings(thin, E_F).data
    assert data["rows"][0] == [[0, 0, 0], "", [], [], 0, 0]
    data = sliders.widths({"a": thin}, E_F, [0.1]).data
    assert [one["values"] for one in data["cases"][0]["numbers"]] == [[0], [0], [0], [0]]
    assert not np.any(points(data, "all states", 0)[1])


def test_a_figure_with_nothing_in_it_has_a_frame():
    frames = [
        sliders.couplings(Well(d=0.1, mass=0.1), E_F).data["frame"],
        sliders.totals(sweep(alpha_L=[0.0, 0.01], alpha_R=[0.0], d=0.1)).data["frame"],
    ]
    assert all(low <= 0 < high for low, high in frames)
    (panel,) = sliders.widths({"a": Well(alpha_L=0)}, E_F, [1.0]).data["cases"][0]["panels"]
    assert panel["ylim"][0] <= 0 < panel["ylim"][1]


def small(**changes) -> dict:
    """Return the data of a figure with two positions, one curve and two numbers."""
    curve = Series("curve", [0.0, 1.0, 2.0], [[1.0, np.nan, -3.0], [1e-3, 20.0, 3.0]])
    numbers = [Number("n", [1.25, np.nan], digits=1), Number("kind", ["mixed", "interface"])]
    options = {"series": [curve], "ylim": None, "log": "", "numbers": numbers} | changes
    panel = Panel("x (nm)", "y", options["series"], ylim=options["ylim"], log=options["log"])
    cases = {"": ([panel], options["numbers"])}
    return sliders.curves(("x", "nm"), [0.5, 1], 0.9, cases, alt="A curve.").data


def test_curves_keep_points_gaps_and_numbers():
    data = small()
    assert (data["positions"], data["decimals"], data["start"]) == ([0.5, 1.0], 1, 1)
    x, y = points(data, "curve", 0)
    assert x.tolist() == [0, 1, 2]
    assert y[[0, 2]].tolist() == [1, -3] and np.isnan(y[1])
    assert points(data, "curve", 1)[1].tolist() == [0.001, 20, 3]
    assert [one["values"] for one in data["cases"][0]["numbers"]] == [
        [125, "none"],  # one decimal is asked for, three digits count
        ["mixed", "interface"],
    ]
    (panel,) = data["cases"][0]["panels"]
    assert panel["cursor"] and panel["xlim"] == [0, 2]
    assert panel["ylim"] == pytest.approx([-3 - 1.15, 20 + 1.15])  # 5 % of the height


def test_a_logarithm_keeps_the_digits_of_what_is_small():
    one = Series("curve", np.arange(9.0), [1e-7, 1.23456e-3, 2.0, 3e4, 0.0, 1.0, 1.0, 1.0, 1.0])
    data = small(series=[one], log="y")
    y = points(data, "curve", 0)[1]
    assert y[:4].tolist() == [1e-7, 1.23456e-3, 2.0, 3e4]
    assert np.isnan(y[4])  # there is no place for 0
    assert data["cases"][0]["panels"][0]["ylim"] == pytest.approx([1e-7 / 1.3, 3e4 * 1.3], rel=1e-5)


def test_a_curve_that_leaves_its_frame_keeps_the_digits_inside():
    values = [0.01234, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 1e5]
    data = small(series=[Series("curve", np.arange(8.0), values)], ylim=(0, 0.1))
    assert points(data, "curve", 0)[1].tolist() == values


def test_a_curve_of_many_points_keeps_its_gap():
    values = [0.1, 0.2, np.nan, -0.4, 0.5, 0.6, 0.7, 0.8]  # so many are stored as whole numbers
    data = small(series=[Series("curve", np.arange(8.0), values)])
    assert isinstance(data["arrays"][1], str)
    # To a thousandth of the frame.
    assert points(data, "curve", 0)[1] == pytest.approx(values, abs=1.3e-3, nan_ok=True)


def test_the_same_numbers_are_stored_once():
    one = Series("curve", [0.0, 1.0, 2.0], [[1.0, 2.0, 3.0]] * 2)
    assert len(small(series=[one, one._replace(name="other")])["arrays"]) == 2


@pytest.mark.parametrize(
    "changes",
    [{"series": [Series("curve", [0.0], [[1.0]] * 3)]}, {"numbers": [Number("n", [1.0])]}],
    ids=["series", "numbers"],
)
def test_curves_refuse_another_number_of_entries_than_positions(changes):
    with pytest.raises(ValueError, match=r"[13] entries for 2 positions of the slider"):
        small(**changes)


# --- the chapters ----------------------------------------------------------------------------

# Octets of the data of a slider that a page may carry.
LIMITS = {"confinement": 31_000, "chirality": 27_000, "thickness": 49_000}
LIMITS |= dict.fromkeys(
    (
        *("model", "lost", "ends", "interband", "laboratory", "direction", "conventions"),
        *("counting", "speed", "verdicts"),
    ),
    25_000,
)
CHAPTERS = tuple(LIMITS)


@cache
def stored(chapter: str) -> str:
    """Return the HTML of the slider that is stored in a chapter."""
    notebook = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    found = [
        "".join(output["data"]["text/html"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "<qw-slider>" in "".join(output.get("data", {}).get("text/html", ""))
    ]
    assert len(found) == 1
    return found[0]


@cache
def data_of(chapter: str) -> dict:
    """Return the data of the slider that is stored in a chapter."""
    return json.loads(stored(chapter).split('application/json">')[1].split("</script>")[0])


def three(data: dict) -> tuple[int, int, int]:
    """Return the positions at both ends and at the start."""
    return 0, data["start"], len(data["positions"]) - 1


def test_every_chapter_has_a_slider():
    lists = {"symbols", "open-problems", "hour"}  # nothing in them could move, or may yet
    assert {path.stem for path in (ROOT / "book").glob("*.ipynb")} - lists == set(CHAPTERS)


def test_page_stays_light():
    static = ROOT / "book" / "_static"
    # They draw what an explorer shows too, for which a page loaded 37 MB more before.
    assert (static / "sliders.js").stat().st_size <= 22_000
    assert (static / "sliders.css").stat().st_size <= 7_000
    for chapter, limit in LIMITS.items():
        assert len(stored(chapter).encode()) < limit, chapter


@pytest.mark.parametrize("chapter", sorted({*CHAPTERS} - {"confinement", "chirality"}))
def test_key_gives_a_look_to_one_thing(chapter):
    data = data_of(chapter)  # the two left out have drawings of their own
    names = {}
    for case in data["cases"]:
        for one in (series for panel in case["panels"] for series in panel["series"]):
            if "name" in one:
                names.setdefault(one["look"], set()).add(one["name"])
    assert {look: both for look, both in names.items() if len(both) > 1} == {}


def lies_between(well: Well, E: np.ndarray, k: np.ndarray, n: int, off: float) -> np.ndarray:
    """Whether the nth bound state lies within `off` of E: it is counted, not found."""
    below, above = (count_states(well, E + side * off, k) for side in (-1, 1))
    return (below <= n) & (above > n)


def test_model_shows_the_subbands_and_what_their_states_add_up_to():
    data, well = data_of("model"), Well()
    assert data["positions"][data["start"]] == 0.046
    alpha = data["positions"]
    total = sweep(E_F=E_F, alpha_L=alpha)
    spin = 1e3 * total["spin_density"].sum(("kind", "chirality")).values
    for i, a in enumerate(alpha):
        assert abs(number(data, "∫S_y dz, all states", i) - spin[i]) < 0.51e-3
        n = total["n_states"].sel(alpha_L=a).sum("chirality")
        assert number(data, "number of states", i) == n.sum()
        assert number(data, "of these, propagating", i) == n.sel(kind="propagating")
        one = well.replace(alpha_L=a)
        x, y = points(data, "subbands", i)
        for band, part in enumerate(np.split(y, np.flatnonzero(np.isnan(x)))[:-1]):
            k, E = x[: part.size - (band > 0)], part[int(band > 0) :]
            seen = np.isfinite(E)  # what is far above the frame is left out
            assert seen[0]
            # Half of the third decimal and what the third of k moves: a slope of at most 1 eV nm.
            assert lies_between(one, E[seen] - one.c * k[seen] ** 2, k[seen], band, 1.1e-3).all()
        states = fermi_states(one, E_F)
        for some, name in ((0, "propagating"), (1, "mixed or interface")):
            of_kind = states[(states.kind == "propagating") == (some == 0)]
            for panel, height in enumerate(
                (np.full(len(of_kind), E_F), 1e3 * of_kind.contribution)
            ):
                k, y = points(data, name, i, panel=panel)
                # Half of the third decimal, or of the second where values reach 100.
                assert np.allclose(k, of_kind.k, rtol=0, atol=0.51e-3)
                assert np.allclose(y, height, rtol=0, atol=0.51e-2)
        assert abs(number(data, "largest k", i) - states.k.max()) < 0.51e-2


def test_conventions_shows_the_curve_of_each_and_its_numbers():
    data = data_of("conventions")
    names = [number(data, "convention", i) for i in range(len(data["positions"]))]
    assert set(names) == {convention.name for convention in conventions()}
    points_met = [number(data, "score", i) for i in range(len(names))]
    assert points_met == sorted(points_met, reverse=True)
    i = names.index("as printed")
    passed = rashba_at(Well(), E_F, Well().Delta).max()
    assert number(data, "jump, α_R = 0", i) == pytest.approx(passed, abs=0.61e-4)
    largest = number(data, "largest magnitude", i)
    for alpha_R in (-0.025, 0.0, 0.025):
        x, y = points(data, f"α_R = {tables.number(alpha_R)}", i)
        some = x[[5, 16, -8, -2]]
        ds = sweep(E_F=E_F, alpha_L=some, alpha_R=alpha_R)["spin_density"].sum("chirality")
        waves = 1e3 * ds.sel(kind="propagating").values
        # The largest has one decimal, y is stored to a thousandth of the frame, and x, which
        # enters by a slope of at most 5e-3/nm² per 1e-3 eV nm², to 1e-4 eV nm².
        assert y[[5, 16, -8, -2]] * largest == pytest.approx(waves, abs=0.6)


def test_lost_shows_the_state_and_the_sums():
    data, well = data_of("lost"), Well()
    passed = rashba_at(well, E_F, well.Delta).max()
    ds = sweep(E_F=E_F, alpha_L=data["positions"])["spin_density"].sum("chirality")
    for i, a in enumerate(data["positions"]):
        assert number(data, "kind of the state", i) == ("mixed" if a > passed else "propagating")
        E = number(data, "its energy E", i)
        # Which coupling puts a state there?  Half of the last digit over dE/dα, at least 5 nm⁻².
        assert np.abs(rashba_at(well, E_F, E) - a).min() < 1.5e-5
        kappa2 = number(data, "κ↑²", i)
        assert abs(kappa2 - (E - well.Delta) / well.c) < 0.51e-3 + 0.5e-4 / well.c
        both = 1e3 * ds.isel(alpha_L=i)
        assert abs(number(data, "sum over all states", i) - both.sum("kind")) < 0.51e-3
        waves = number(data, "sum over propagating ones", i)
        assert abs(waves - both.sel(kind="propagating")) < 0.51e-3
        ends, up = points(data, "ψ↑", i)
        down = points(data, "ψ↓", i)[1]
        z = np.linspace(ends[0], ends[-1], up.size)
        k, inside = np.sqrt((E_F - E) / well.c), (z > -1e-9) & (z < well.d + 1e-9)
        # The velocity is positive.  32 steps in the well are good to 1 % of the two waves' size.
        spin = np.trapezoid(2 * (up * down)[inside], z[inside])
        assert abs(-1e3 * k * spin / (8 * np.pi**2) - number(data, "its contribution", i)) < 1.0
        names = "sum over all states", "sum over all but the state", "sum over propagating ones"
        every, without, propagating = (np.interp(a, *points(data, name, i)) for name in names)
        own = number(data, "its contribution", i)
        # alpha of the curves has five decimals, and their slope is up to 4e3 in these units.
        assert abs(every - number(data, "sum over all states", i)) < 3e-2
        assert abs(every - without - own) < 3e-2
        if abs(a - passed) > 5e-4:  # there it steps
            assert abs(propagating - waves) < 3e-2
        straight = points(data, "straight between its ends", i)[1]
        assert np.abs(straight - up[inside][[0, -1]]).max() < 1e-4
        # Bent upwards or downwards in the middle, as the sign of κ² says; next to the threshold by
        # less than the digits show.
        bend = up[inside][16] - straight.mean()
        assert abs(kappa2) < 0.1 or np.sign(bend) == np.sign(kappa2)


def test_ends_shows_both_models():
    data, limit = data_of("ends"), Well().critical_rashba
    alpha = np.array(data["positions"])
    with warnings.catch_warnings():  # the figure goes past the end of the model on purpose
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        sharp = sweep(alpha_L=alpha, alpha_R=0.0, E_F=E_F)
        spin = 1e3 * sharp["spin_density"].sum(("kind", "chirality")).values
        for i, a in enumerate(alpha):
            one = Well(alpha_L=a, alpha_R=0.0)
            # The integral is as large as 1e5 near the end, where the last digits are rounding.
            assert number(data, "∫S_y dz, δ-function", i) == pytest.approx(
                spin[i], rel=1e-6, abs=0.51e-2
            )
            k, band = points(data, "δ-function", i)
            seen = np.abs(band) < 14.9  # far outside of the frame it is cut
            off = 1.1e-3 + 1e-4 * np.abs(band[seen])  # three decimals, or six digits
            assert np.all(lies_between(one, band[seen] - one.c * k[seen] ** 2, k[seen], 0, off))
            mark = points(data, "Fermi state, δ-function", i)[0]
            if a > limit:
                assert mark.size == 0  # at ε_F above half the barrier
            else:
                assert mark == pytest.approx(fermi_states(one, E_F).k[0], abs=1e-3)
        # By finite elements, not by layers.
        i = int(np.argmin(np.abs(alpha - 0.08)))
        one = Well(alpha_L=alpha[i], alpha_R=0.0)
        k_max, total = (
            number(data, f"{name}, width 0.3 nm", i) for name in ("largest k", "∫S_y dz")
        )
        elements = FiniteElements.from_well(one, E_max=E_F, k_max=30.0, width=0.3, order=10)
        states = elements.fermi_states(E_F)
        assert abs(states.k.max() - k_max) < 0.51e-2
        assert points(data, "Fermi state, width 0.3 nm", i)[0] == pytest.approx(k_max, abs=0.51e-2)
        k, band = points(data, "width 0.3 nm", i)
        for q, E in list(zip(k, band, strict=True))[::4]:
            if abs(E) < 14.9:  # three decimals, or six digits
                exact = elements.bound_states(q, 1)[0] + one.c * q**2
                assert E == pytest.approx(exact, rel=1e-4, abs=1.1e-3)
        assert abs(1e3 * states.contribution.sum() - total) < 0.51e-2


def test_interband_integrates_to_its_numbers():
    data = data_of("interband")
    rates = np.array(data["positions"])
    i = int(np.argmin(np.abs(rates - 0.1)))
    assert data["start"] == i
    one = damping_like(Well(), E_F, 0.1)
    assert abs(number(data, "∫S_x dz, neglected", i) - 1e3 * one.damping_like[0]) < 0.51e-3
    assert abs(number(data, "∫S_y dz, neglected", i) - 1e3 * one.field_like[0]) < 0.51e-3
    share = [number(data, "|S_x|/|S_y|", i) for i in range(rates.size)]
    assert np.all(np.diff(share) > 0)
    assert share[0] == pytest.approx(100 * abs(one.slope) * rates[0], abs=0.06)
    for i, rate in enumerate(rates):
        assert number(data, "τ", i) * rate == pytest.approx(0.6582119569, abs=0.06 * rate)
        kept = number(data, "∫S_y dz, kept", i)
        ratio = 100 * number(data, "∫S_x dz, neglected", i) / kept
        assert share[i] == pytest.approx(abs(ratio), abs=0.06)
        for name, scale in (
            ("S_y, kept", 1),
            ("10 S_x, neglected", 10),
            ("10 S_y, neglected", 10),
        ):
            z, profile = points(data, name, i)
            fine = np.linspace(0, 2.2, 2001)
            area = 0.046 * np.trapezoid(np.interp(fine, z, profile), fine) / scale  # over α_L
            words = name.removeprefix("10 ").replace("S_x", "∫S_x dz").replace("S_y", "∫S_y dz")
            # 0.0375 nm is an eighth of the shortest period: a few per cent of the larger areas.
            assert abs(1e3 * area - number(data, words, i)) < 0.05 * kept


def test_direction_shows_the_torque_by_a_mean_over_equal_angles():
    data, well = data_of("direction"), Well(d=0.6, alpha_L=0.046)
    angles = 2 * np.pi * (np.arange(720) + 0.3) / 720

    @cache
    def torque(theta, phi):
        """By what the interfaces turn, state by state, along ∂m/∂θ and z × m; and the current."""
        c = response(well, E_F, theta, phi).contours_at(angles)
        m, m_theta, _, q = frame(theta, phi)
        n = np.stack([-np.sin(c.phi), np.cos(c.phi), 0 * c.phi], axis=1)
        radial = c.velocity[:, 0] * np.cos(c.phi) + c.velocity[:, 1] * np.sin(c.phi)
        weight = c.k * c.velocity[:, 0] / np.abs(radial) / (8 * np.pi**3) * 2 * np.pi / angles.size
        cos = n @ m
        states, _ = states_at(well, E_F, *angle_to_rashba(theta, phi - angles))
        spin = (-states.k * states.across)[:, None] * (n - cos[:, None] * m)
        spin /= np.sqrt(1 - cos * cos)[:, None]
        T = 1e3 * np.cross(m, weight @ spin)
        return m_theta @ T, q @ T, weight @ c.velocity[:, 0]

    normal = torque(0.0, 0.0)
    names = "along ∂m/∂θ", "along ∂m/∂φ"
    for i in (0, 11, 20, 27):
        theta = np.radians(data["positions"][i])
        for name, column in zip(names, (0, 1), strict=True):
            _, curve = points(data, name, i)
            for place in (0, 5, 9, 22):
                value = torque(theta, 2 * np.pi * place / (curve.size - 1))[column]
                assert abs(curve[place] - value) < 0.02  # stored to a thousandth of the frame
        # Rounded; and with m in the plane contours all but touch between these angles.
        assert abs(number(data, "Aᶿ", i) - torque(theta, 0.0)[0]) < 1.5e-3
        for phi, words in ((0.0, "φ = 0"), (np.pi / 2, "φ = 90°")):
            change = 100 * (torque(theta, phi)[2] / normal[2] - 1)
            assert abs(number(data, f"change of the current, {words}", i) - change) < 2e-3


def test_laboratory_shows_the_field_by_the_torque_of_the_interfaces():
    data, inside = data_of("laboratory"), []
    names = "all states", "propagating states alone"

    def by_interfaces(well):
        states = fermi_states(well, E_F)
        both = states, states[states.kind == "propagating"]
        return [-field(interface_torque(s).sum(), s.current.sum(), 1.4e6) for s in both]

    for panel, name in enumerate(names):
        alpha, curve = points(data, name, 0)
        for a, y in list(zip(alpha, curve, strict=True))[::40]:
            # alpha has five decimals or more, and the slope is below 200 away from the end.
            assert (
                a > 0.07
                or abs(y - by_interfaces(Well(alpha_L=a, exchange="ferromagnet"))[panel]) < 2.5e-3
            )
    alpha, line = points(data, "first order", 0)
    weak = by_interfaces(Well(alpha_L=1e-5, exchange="ferromagnet"))[0] / 1e-5
    assert np.allclose(line, weak * alpha, rtol=0, atol=2e-3)  # by the decimals of alpha again
    oersted = constants.mu_0 * 1e11 * 2.2e-9 / 2 * 1e3  # mT
    for i, a in enumerate(data["positions"]):
        both = by_interfaces(Well(alpha_L=a, exchange="ferromagnet"))
        for name, value in zip(names, both, strict=True):
            assert abs(number(data, f"−B_y/j, {name}", i) - value) < 0.51e-3
        ratio = number(data, "all states, in Oersted fields at the surface", i)
        assert abs(ratio - both[0] / oersted) < 0.051
        for which, name in enumerate(names):
            V, drawn = points(data, name, i, panel=1)
            for x, y in list(zip(V, drawn, strict=True))[i::18]:
                # V has three decimals; the curve has four, and a slope of up to 0.5 for each eV.
                value = by_interfaces(Well(alpha_L=a, V_L=x, exchange="ferromagnet"))[which]
                assert abs(y - value * 0.01 / a) < 0.5e-3
        (V,), (mark,) = points(data, "best barrier for all states", i)
        height = number(data, "−B_y/j there", i)
        assert abs(mark * a / 0.01 - height) < 1e-3
        # V has six digits, and the field moves by up to 5 mT for each eV.
        assert (
            abs(height - by_interfaces(Well(alpha_L=a, V_L=V, exchange="ferromagnet"))[0]) < 0.6e-3
        )
        drawn = points(data, "all states", i, panel=1)[1]
        assert drawn.max() <= mark + 1e-4
        best = number(data, "best V_L for all states, eV", i)
        assert (best == "lowest") == (drawn.argmax() == 0)
        if best != "lowest":
            assert abs(float(best) - V) < 0.51e-2
            inside.append(a)
    # As the chapter says; with the exchange everywhere it was two of these.
    assert inside == [0.046, 0.05, 0.055, 0.06, 0.065, 0.07]


def test_counting_counts():
    data, well, k = data_of("counting"), Well(), 5.0
    E, low, high = np.array(data["positions"]), *data["cases"][0]["panels"][0]["xlim"]
    box = [
        s * well.Delta + well.c * (m * np.pi / well.d) ** 2 for s in (1, -1) for m in range(1, 99)
    ]
    levels, box = bound_states(well, k), np.sort(box)
    for name, steps in (("N", levels), ("J_0", box)):
        x, y = points(data, name, 0)
        steps = steps[(steps > low) & (steps < high)]
        # Four decimals, and the ends of the panel.
        assert np.allclose(x, np.r_[low, np.repeat(steps, 2), high], rtol=0, atol=1e-3)
        assert y.tolist() == np.repeat(np.arange(steps.size + 1), 2).tolist()
    N = count_states(well, E, k)
    for i, e in enumerate(E):
        assert number(data, "clamped levels below E, J_0", i) == (box < e).sum()
        mu = np.sort(np.linalg.eigvals(matching_matrix(well, e, k)).real)  # as if not symmetric
        assert number(data, "negative eigenvalues of M", i) == (mu < 0).sum()
        assert number(data, "their sum, N", i) == N[i]
        assert number(data, "bound states below E, found one by one", i) == (levels < e).sum()
        # Six digits, and what is outside of the frame stands at its edge.
        x, drawn = points(data, "eigenvalues at this E", i)
        assert np.allclose(x, e, rtol=0, atol=1e-3)
        assert np.allclose(np.sort(drawn), np.clip(mu, -31, 31), rtol=0, atol=1e-4)
    assert set(np.diff(N)) <= {0, 1}  # a position on either side of each bound state
    x, y = points(data, "bound states", 0)
    assert np.allclose(x, levels[levels < high], rtol=0, atol=1e-3) and not y.any()
    eigenvalues = points(data, "eigenvalues of M", 0)
    x, below = points(data, "where negative", 0)
    assert np.array_equal(x, eigenvalues[0], equal_nan=True)
    # Two decimals, so that what is written as zero may be either.
    sure = np.abs(eigenvalues[1]) > 0.02
    assert np.array_equal(np.isfinite(below[sure]), eigenvalues[1][sure] < 0)
    assert np.nanmax(np.abs(below - eigenvalues[1])) < 0.02
    for e, value in list(zip(*eigenvalues, strict=True))[::5]:
        # Far outside of the frame it is cut, and next to a pole the steps below would cross it.
        if abs(value) < 59 and np.abs(box - e).min() > 5e-4:
            # An eigenvalue falls with E, which has four decimals.
            later, before = (
                np.linalg.eigvalsh(matching_matrix(well, e + h, k)) for h in (1e-4, -1e-4)
            )
            assert np.any((later - 1e-2 < value) & (value < before + 1e-2))  # two decimals


def test_speed_shows_what_the_benchmark_missed():
    data = data_of("speed")
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    functions = {"missed": routes.determinant, "missed without the poles": routes.without_poles}
    for case, (well, rows) in enumerate(((Well(d=20.0), "wide"), (Well(), "one"))):
        rows = results["workloads"][rows]["routes"]
        states = np.sort(fermi_states(well, E_F).k)
        for i, n in enumerate(data["positions"]):
            lost = number(data, "missed", i, case)
            assert number(data, "states found", i, case) == states.size - lost
            found, other = (np.sort(points(data, name, i, case)[0]) for name in ("found", "missed"))
            drawn = [k[np.isfinite(k)] for k in (found, other)]
            assert drawn[1].size == lost
            # k has three decimals.
            assert np.allclose(np.sort(np.concatenate(drawn)), states, rtol=0, atol=0.51e-3)
            for words in functions:
                curve = points(
                    data,
                    words.replace("missed", "missed by the scan") if words == "missed" else words,
                    i,
                    case,
                    panel=1,
                )
                assert dict(zip(*curve, strict=True))[n] == number(data, words, i, case)
            row = rows.get(f"scan, {n:g} points")
            time = f"{1e3 * row['time_per_well']:.2g} ms" if row else "not measured"
            assert number(data, "time of this scan", i, case) == time
            assert row is None or lost == row["missed"]
            time = f"{1e3 * rows['qwlib.fermi_states']['time_per_well']:.2g} ms"
            assert number(data, "time of qwlib, which misses none", i, case) == time
            if n <= 400:
                for words, function in functions.items():
                    k = routes.scan(well, E_F, int(n), function).k
                    away = np.abs(states[:, None] - k).min(axis=1) > 1e-7
                    assert number(data, words, i, case) == away.sum()
                    if words == "missed":
                        assert np.allclose(drawn[1], states[away], rtol=0, atol=0.51e-3)


def test_verdicts_follow_from_the_deviations():
    data, names = data_of("verdicts"), ("all states", "propagating states alone")
    tolerances, numbers = data["positions"], data["cases"][0]["numbers"]
    off = {name: points(data, name, 0) for name in names}
    title, own = {claim.title: claim for claim in claims.claims()}, []
    for row, one in enumerate(numbers, 1):
        # Each reading, with the exchange everywhere and in the ferromagnet alone.
        every, waves = (x[y == row] for x, y in (off[name] for name in names))
        claim = title[one["name"].removeprefix(f"{row}. ")]
        assert len(every) == len(waves) == 2 * len(claim.readings)
        for tolerance, words in zip(tolerances, one["values"], strict=True):
            some = (every <= tolerance) | (waves <= tolerance)
            only = claims.UNDECIDABLE if some.any() else claims.NOT
            only = claims.PROPAGATING if (waves <= tolerance).all() else only
            assert words == (claims.REPRODUCED if (every <= tolerance).all() else only)
        assert one["unit"] == f" (at our own tolerance: {claim.verdict})"
        own += [100 * claim.tolerance / claim.paper] * 2 + [np.nan]
        if claim.title == "Jump at 0.049":
            passed = rashba_at(Well(), 3.0, 0.25).max()
            assert np.isclose(waves, 100 * (1 - passed / 0.049), rtol=1e-5).any()
    # Six digits.
    x = points(data, "our own tolerance", 0)[0]
    assert np.allclose(x, np.ravel(own), rtol=1e-5, equal_nan=True)


def test_nothing_in_the_data_ends_the_element():
    page = sliders.Slider({"view": "</script><b>"})._repr_html_()
    assert page.count("</script>") == 1
    words = page.split('application/json">')[1].split("</script>")[0]
    assert json.loads(words) == {"view": "</script><b>"}


# --- the page --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(html):
    """The address of the chapters."""
    with served(html, Plain) as address:
        yield f"{address}/book"


@contextmanager
def visits(browser, site):
    """Open chapters; at the end, nothing may have gone wrong on any of them."""
    pages = []

    def visit(chapter, width=1400, scheme="light", **options):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        pages.append(watched(context.new_page(), site.removesuffix("/book")))
        pages[-1].goto(f"{site}/{chapter}.html")
        return pages[-1]

    yield visit
    for page in pages:
        page.context.close()
    assert [page.wrong for page in pages] == [[]] * len(pages)


@pytest.fixture
def visit(browser, site):
    """Open a chapter for one test."""
    with visits(browser, site) as visit:
        yield visit


@pytest.fixture(scope="module")
def kept(browser, site):
    """Open a chapter for all tests of this module that ask for it, and put it as it is at first."""
    with visits(browser, site) as visit:
        pages = {}

        def page_of(chapter):
            if chapter not in pages:
                pages[chapter] = visit(chapter, has_touch=True, accept_downloads=True)
            page = pages[chapter]
            page.set_viewport_size({"width": 1400, "height": 900})
            page.emulate_media(color_scheme="light")
            for box in page.locator("qw-slider input[type=checkbox]").all():
                box.check()
            first = page.locator("qw-slider input[type=radio]").first
            if first.count():
                first.check()
            move(page, 1)
            return page

        yield page_of


@pytest.fixture(scope="module", params=CHAPTERS)
def opened(request):
    """Each chapter in turn."""
    return request.param


@pytest.fixture
def page(opened, kept):
    """The page of a chapter as it is at first, but for where its slider is."""
    return kept(opened)


@pytest.fixture
def chapter(opened):
    """The name of the chapter that `page` shows."""
    return opened


def move(page, i: int) -> None:
    """Put the slider at a position as a script of a browser does, with the event of a hand."""
    page.locator("qw-slider input[type=range]").fill(str(i))


def says(page) -> list[str]:
    return page.locator("qw-slider output b").all_inner_texts()


def position(page) -> int:
    return int(page.locator("qw-slider input[type=range]").input_value())


def drawing(page) -> str:
    return page.locator("qw-slider .drawing").inner_html()


def levels_say(i: int) -> list[str]:
    states = fermi_states(Well(alpha_L=i * 5e-4), E_F)
    return [*(shown(value, 3) for value in sums(states)), str(len(states))]


def test_levels_show_what_qwlib_computes(visit):
    page = visit("confinement")
    assert position(page) == 92, "it does not start at the 0.046 eV nm² of Fig. 2(a)"
    for i in (92, 0, 17, 93, 94, 120, 140, 151):
        move(page, i)
        assert says(page) == levels_say(i)
        assert page.locator("qw-slider .place").inner_text() == f"{i * 5e-4:.4f} eV nm²"


def test_a_state_slips_out_of_its_kind_and_stays(kept):
    page = kept("confinement")
    for i, expected, rings in ((93, (11, 2, 0), 0), (94, (10, 3, 0), 2)):
        move(page, i)  # 0.0465 and 0.0470; the state turns evanescent in one spin at 0.0468
        words = "{} propagating, {} mixed, {} interface".format(*expected)
        assert words in page.locator("qw-slider output").inner_text()
        marks = [page.locator(f"qw-slider .drawing .{kind} .mark").count() for kind in KINDS]
        assert tuple(marks) == expected
        # A ring at its level and one at its mark.
        assert page.locator("qw-slider .drawing .ring").count() == rings


def test_totals_show_every_choice_of_kinds(kept, totals):
    page = kept("chirality")
    boxes = page.locator("qw-slider input[type=checkbox]")
    choices = page.locator("qw-slider input[type=radio]")
    for r, i in ((0, 60), (1, 94), (2, 130)):
        choices.nth(r).check()
        move(page, i)
        well = Well(alpha_L=totals["positions"][i], alpha_R=totals["alpha_R"][r])
        states = fermi_states(well, E_F)
        for mask in range(8):
            for k in range(3):
                boxes.nth(k).set_checked(bool(mask >> k & 1))
            some = [k for k in range(3) if mask >> k & 1]
            counted = np.isin(states.kind, [KINDS[k] for k in some])
            expected = states.contribution[counted].sum()
            assert says(page) == [shown(expected + 0.0, 2), str(counted.sum())]


def test_totals_say_where_the_model_has_ended(kept):
    page = kept("chirality")
    output = page.locator("qw-slider output")
    move(page, 152)  # 0.0760, and ħ²/m is 0.0762
    assert "the model has ended" not in output.inner_text()
    move(page, 153)
    assert "the model has ended" in output.inner_text()


def test_profiles_show_what_qwlib_computes(visit):
    page = visit("thickness")
    place = page.locator("qw-slider .place")
    # Of the case whose sum is not zero.
    assert page.locator("qw-slider label:has(input[type=radio]:checked)").inner_text()[:4] == " (c)"
    for case, well in enumerate(CASES.values()):
        page.locator("qw-slider input[type=radio]").nth(case).check()
        for i in (0, 1, 8, 20, 48):
            move(page, i)
            d = float(place.inner_text().removesuffix(" nm"))
            states = fermi_states(well.replace(d=d), E_F)
            waves = (states.kind == "propagating").sum()
            numbers = str(len(states)), str(waves)
            assert says(page) == [*(shown(v, 3) for v in sums(states)), *numbers]


def test_keys_move_the_slider_and_the_figure(kept):
    page = kept("confinement")
    move(page, 92)
    slider = page.get_by_role("slider", name=re.compile("α"))
    slider.focus()
    before = drawing(page)
    page.keyboard.press("ArrowRight")
    assert position(page) == 93
    assert says(page) == levels_say(93)
    assert drawing(page) != before
    assert slider.get_attribute("aria-valuetext") == "0.0465 eV nm²"
    page.keyboard.press("End")
    assert says(page) == levels_say(151)
    page.keyboard.press("Home")
    assert says(page) == levels_say(0)


@pytest.mark.parametrize(
    ("chapter", "name"),
    [
        ("confinement", "Rashba parameter of the left interface, αL"),
        ("thickness", "width of the well, d"),
        ("counting", "energy of the motion along z, E"),
        ("interband", "broadening, ħ over the relaxation time, ħ/τ"),
        ("speed", "points"),
    ],
)
def test_symbols_of_sliders_are_named_in_words(kept, chapter, name):
    # The value is no part of the name, or it would be said twice.
    assert kept(chapter).get_by_role("slider", name=name, exact=True).count() == 1


def test_on_a_phone_the_slider_stays_above_a_drawing_that_is_longer_than_the_screen(visit):
    page = visit("lost", width=400)
    page.set_viewport_size({"width": 400, "height": 600})
    page.wait_for_load_state("networkidle")
    drawing_box = page.locator("qw-slider .drawing").first
    # The theme would scroll there in its own time.
    drawing_box.evaluate(
        "node => scrollBy({top: node.getBoundingClientRect().bottom - 600, behavior: 'instant'})"
    )
    slider = page.get_by_role("slider").first
    on_top = """node => {
      const box = node.getBoundingClientRect();
      return node === document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    }"""
    assert slider.evaluate(on_top)
    assert drawing_box.evaluate("node => node.getBoundingClientRect().top") < 0
    before = drawing(page)
    slider.press("ArrowRight")
    assert drawing(page) != before


def test_space_switches_a_kind_off(kept):
    page = kept("chirality")
    page.get_by_role("checkbox", name="mixed").focus()
    before, first = drawing(page), says(page)
    page.keyboard.press("Space")
    assert says(page) != first
    assert drawing(page) != before


def printed(data: dict, i: int, case: int = 0) -> list[str]:
    """Return what a page should print at a position, from the data, whose numbers are qwlib's."""
    values = [(one["values"][i], one["digits"]) for one in data["cases"][case]["numbers"]]
    texts = [v if isinstance(v, str) else f"{v / 10**n:.{n}f}" for v, n in values]
    return [text if text[0].isalpha() else text.replace("-", "−") for text in texts]


def test_page_prints_the_numbers_of_its_data(chapter, page):
    data = data_of(chapter)
    for i in three(data):
        move(page, i)
        place = f"{data['positions'][i]:.{data['decimals']}f} {data['unit']}".strip()
        place = place.replace("-", "−")
        assert page.locator("qw-slider .place").inner_text() == place
        assert page.get_by_role("slider").get_attribute("aria-valuetext") == place
        if data["view"] == "curves":
            for case in range(len(data["cases"])):
                if len(data["cases"]) > 1:
                    page.locator("qw-slider input[type=radio]").nth(case).check()
                assert says(page) == printed(data, i, case)


def test_mouse_moves_the_slider_and_the_figure(page):
    slider = page.locator("qw-slider input[type=range]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], middle)
    page.mouse.down()
    seen = []
    for part in (0.3, 0.6, 0.8):
        page.mouse.move(box["x"] + part * box["width"], middle)
        seen.append((position(page), drawing(page), tuple(says(page))))
    page.mouse.up()
    assert [len(set(column)) for column in zip(*seen, strict=True)] == [3, 3, 3]


def test_keys_and_touch_move_the_slider_and_the_figure(page):
    slider, seen = page.locator("qw-slider input[type=range]"), []
    last = int(slider.get_attribute("max"))
    for key, expected in (("Home", 0), ("ArrowRight", 1), ("End", last), ("ArrowLeft", last - 1)):
        slider.press(key)
        assert position(page) == expected
        seen.append(drawing(page))
    page.set_viewport_size({"width": 400, "height": 900})
    width = slider.bounding_box()["width"]
    slider.tap(position={"x": 0.4 * width, "y": 8})
    assert abs(position(page) - 0.4 * last) <= 0.05 * last + 1  # the width of the thumb
    seen.append(drawing(page))
    assert len(set(seen)) == 5


OUT_OF_BOUNDS = """() => {
  const outer = document.querySelector("qw-slider").getBoundingClientRect();
  const words = [...document.querySelectorAll("qw-slider :is(text, span, label, a, li)")];
  const wide = words.map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, box]) => box.left < outer.left || box.right > outer.right)
    .map(([text]) => text);
  const page = document.documentElement;
  return page.scrollWidth > page.clientWidth ? [...wide, "the page"] : wide;
}"""


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "dark")])
def test_figure_is_accessible_and_fits(page, scheme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    for i in (0, int(page.locator("qw-slider input[type=range]").get_attribute("max"))):
        move(page, i)
        assert page.evaluate(OUT_OF_BOUNDS) == []
    # The markup in the dark is that of the light page.
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
    assert violations(page, "qw-slider", **rules) == []


# The others have tables of their own, tested below.
@pytest.mark.parametrize(
    "opened", [name for name in CHAPTERS if data_of(name)["view"] == "curves"], indirect=True
)
def test_data_of_curves_come_as_a_table(chapter, page):
    data = data_of(chapter)
    with page.expect_download() as download:
        page.get_by_role("link", name="The data of this figure (CSV)").click()
    assert download.value.suggested_filename == f"{chapter}.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["case", f"{data['name']} ({data['unit']})", "quantity", "x", "y"]
    assert {len(row) for row in rows} == {5}
    expected = []
    for name, case in zip(data["names"], data["cases"], strict=True):
        for one in case["numbers"]:
            for place, value in zip(data["positions"], one["values"], strict=True):
                text = value if isinstance(value, str) else value / 10 ** one["digits"]
                expected.append((name, place, one["name"] + one["unit"], "", text))
        for panel in case["panels"]:
            for one in panel["series"]:
                if "x" not in one or "y" not in one:
                    continue
                moves = isinstance(one["x"], list) or isinstance(one["y"], list)
                words = f"{one.get('name')}: {panel['y']} against {panel['x']}"
                for i, place in enumerate(data["positions"] if moves else [""]):
                    x, y = decoded(data, one["x"], i), decoded(data, one["y"], i)
                    if x.size < y.size:  # an even grid, whose corners begin and end a piece
                        grid = np.linspace(x[0], x[-1], y.size)
                        on = np.isin(
                            np.arange(y.size), [np.argmin(np.abs(grid - v)) for v in x[1:-1]]
                        )
                        x, y = np.repeat(grid, 1 + on), np.repeat(y, 1 + on)
                    for u, v in zip(x, y, strict=True):
                        if np.isfinite(u + v):
                            expected.append((name, place, words, u, v))
    assert len(rows) == len(expected)
    for row, (name, place, words, u, v) in zip(rows, expected, strict=True):
        assert row[0] == name and row[2] == words
        for shown, value in zip((row[1], *row[3:]), (place, u, v), strict=True):
            if isinstance(value, str):
                assert shown == value
            else:  # x has seven digits
                assert float(shown) == pytest.approx(value, rel=1e-6, abs=1e-12)


def test_nothing_is_animated(visit):
    page = visit("confinement", reduced_motion="reduce")
    page.locator("qw-slider input[type=range]").press("ArrowRight")
    running = "e => e.getAnimations({subtree: true}).length"
    assert page.locator("qw-slider").evaluate(running) == 0


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_page_says_without_scripts_that_the_figure_above_shows_the_same(html, chapter):
    page = BeautifulSoup((html / "book" / f"{chapter}.html").read_text("utf-8"), "html.parser")
    slider = page.select_one("qw-slider")
    assert not slider.select("input")
    assert "figure above shows the same" in slider.get_text()
    assert slider.find_previous("figure").select_one("img")


# One of each drawing: what stands in the page is alike in all chapters, by the test above.
@pytest.mark.parametrize("chapter", ["confinement", "chirality", "thickness", "verdicts"])
def test_without_scripts_the_figure_above_stands_there(visit, chapter):
    page = visit(chapter, java_script_enabled=False)
    assert page.locator("qw-slider input").count() == 0
    assert "figure above shows the same" in page.locator("qw-slider").inner_text()
    images = page.locator("figure:has(~ * qw-slider) img, figure img")
    assert images.first.is_visible()
    size = images.first.bounding_box()
    assert size["width"] > 300 and size["height"] > 100
    # The scripts that the page asks for are dropped.
    page.wrong[:] = [one for one in page.wrong if not re.match(r"failed: \S+\.js\b", one)]


@pytest.mark.parametrize(("chapter", "rows"), [("confinement", 152 * 13), ("chirality", 3 * 241)])
def test_data_come_as_a_table(kept, chapter, rows):
    page = kept(chapter)
    with page.expect_download() as download:
        page.get_by_role("link", name="The data of this figure (CSV)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == rows
    if chapter == "confinement":
        some = [row for row in table if row["alpha_L_eV_nm2"] == "0.046"]
        states = fermi_states(Well(), E_F)
        assert [row["kind"] for row in some] == states.kind.tolist()
        assert [int(row["chirality"]) for row in some] == states.chirality.tolist()
        assert [row["E_eV"] for row in some] == [f"{E:.4f}" for E in states.E]
        values = [row["contribution_1e-3_per_nm2"] for row in some]
        assert values == [f"{1e3 * value:.3f}" for value in states.contribution]
    else:
        some = next(r for r in table if (r["alpha_R_eV_nm2"], r["alpha_L_eV_nm2"]) == ("0", "0.05"))
        states = fermi_states(Well(alpha_L=0.05), E_F)
        assert int(some["mixed_states"]) == (states.kind == "mixed").sum()
        mixed = states.contribution[states.kind == "mixed"].sum()
        assert some["mixed_1e-3_per_nm2"] == f"{1e3 * mixed:.2f}"
        assert some["all_1e-3_per_nm2"] == f"{1e3 * states.contribution.sum():.2f}"


def test_table_of_profiles(kept):
    page = kept("thickness")
    with page.expect_download() as download:
        page.get_by_role("link", name="The data of this figure (CSV)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["case"].startswith("(c)")]
    some = [row for row in rows if float(row["d (nm)"]) == 3]
    states = fermi_states(CASES["c"].replace(d=3.0), E_F)
    propagating = states[states.kind == "propagating"]
    for name, part in (("all states", states), ("propagating", propagating)):
        curve = [row for row in some if row["quantity"].startswith(f"{name}: ")]
        z, values = (np.array([float(row[axis]) for row in curve]) for axis in "xy")
        assert z.size > 50
        expected = part.spin_density(z).sum(axis=0)
        # Half of the fifth decimal, and what the sixth digit of the ends of z, 2e-5 nm, moves:
        # a slope of about 1 nm⁻⁴.
        assert np.abs(values - expected).max() < 2.5e-5
