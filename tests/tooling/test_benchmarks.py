"""The other routes of benchmarks/ find what qwlib finds, and the stored results are whole."""

import json

import numpy as np
import pytest
from conftest import ROOT

from benchmarks import directions
from benchmarks.engine import PROCESSES, WAYS, extrapolate, summary
from benchmarks.routes import (
    KWANT,
    ROUTES,
    States,
    compare,
    determinant,
    largest_k,
    scan,
    without_poles,
)
from benchmarks.run import MANY, ONE, THICKNESSES, WORKLOADS, by_qwlib
from qwlib import Well, count_states, matching_matrix

E_F = 3.0  # eV
PAPER = WORKLOADS["one"].well
# Every parameter is there, no symmetry, the states well apart.
EASY = Well(d=1.1, V_L=5.0, V_R=6.0, Delta=0.3, alpha_L=0.03, alpha_R=0.01)
BENCHMARKS = ROOT / "benchmarks"
RESULTS = json.loads((BENCHMARKS / "results.json").read_text("utf-8"))

# The relative error of the smallest k, and the error of ∫S_y in nm⁻².  Brent's method stops at
# 2e-12 in k.  Spectral elements are made for 1e-11 in k², here about as much in k.  Differences err
# by (κh)²/24 in κ and by as much in ψ, more for the smallest k: bounds from their order, h².
ACCURACY = {
    "scan": (1e-11, 1e-10),
    "spectral": (1e-9, 1e-10),
    "differences, 0.02 nm": (0.2, 1e-2),
    "differences, 0.005 nm": (0.2 / 16, 1e-2 / 16),
}


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
@pytest.mark.parametrize("name", [name for name in ROUTES if name != "scan, 200 points"])
def test_route_agrees_with_qwlib(name, exchange):
    well = EASY.replace(exchange=exchange)
    errors = compare(ROUTES[name](well, E_F), by_qwlib(well, E_F))
    k, spin = next(bounds for start, bounds in ACCURACY.items() if name.startswith(start))
    assert errors.missed == errors.spurious == 0
    assert errors.k < k
    assert errors.spin < spin


def test_differences_are_of_second_order():
    truth = by_qwlib(EASY, E_F)
    coarse, fine = (
        compare(ROUTES[f"differences, {h} nm"](EASY, E_F), truth).k for h in ("0.02", "0.005")
    )
    # 16 but for terms of order h⁴, and for steps that divide d only nearly.
    assert coarse / fine == pytest.approx(16, rel=0.2)


def test_determinant_is_that_of_the_matching_matrix():
    k = np.linspace(0.1, 1.3 * largest_k(EASY, E_F), 50)  # evanescent spins too
    expected = np.linalg.det(matching_matrix(EASY, E_F - EASY.c * k**2, k))
    # Two sums of the same products, relative to the largest of these.
    assert determinant(EASY, E_F, k) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("well", [EASY, PAPER, EASY.replace(alpha_L=-0.07, alpha_R=0.06)])
def test_no_state_lies_beyond_the_largest_k(well):
    k = largest_k(well, E_F) * np.array([1.0, 1.1, 1.5, 3.0])
    assert not count_states(well, E_F - well.c * k**2, k).any()


def test_scan_with_200_points_misses_states_of_the_papers_well():
    truth = by_qwlib(PAPER, E_F)
    assert truth.k.size == 13
    assert compare(scan(PAPER, E_F, 200), truth).missed == 2
    assert compare(scan(PAPER, E_F, 4000), truth).missed == 0


def test_scan_without_poles_finds_what_hides_beside_a_pole():
    truth = by_qwlib(PAPER, E_F)
    assert compare(scan(PAPER, E_F, 200, without_poles), truth).missed == 0


def test_comparison_counts_what_is_missing_and_what_is_too_much():
    truth = States(np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.3]))
    fewer = States(np.array([4.04, 1.0]), np.array([0.3, 0.1]))
    assert compare(fewer, truth) == pytest.approx((1, 0, 0.01, 0.2))
    assert compare(truth, fewer)[:2] == (0, 1)


@pytest.mark.parametrize("name", WORKLOADS)
def test_results_have_every_route(name):
    stored = RESULTS["workloads"][name]
    routes = {ONE, KWANT, *ROUTES} | ({MANY} if WORKLOADS[name].axis else set())
    assert set(stored["routes"]) == routes
    for route, row in stored["routes"].items():
        if "reason" in row:
            assert route == KWANT
        else:
            assert row["time_per_well"] > 0
            assert 0 <= row["missed"] <= stored["sample_states"]
    reference = stored["routes"][MANY if WORKLOADS[name].axis else ONE]
    assert reference["ratio"] == 1


def test_results_say_of_qwlib_what_the_page_says():
    for stored in RESULTS["workloads"].values():
        assert stored["proven"]
        assert stored["routes"][ONE]["missed"] == stored["routes"][ONE]["spurious"] == 0
    for name in ("one", "wide"):  # against 30 digits
        assert RESULTS["workloads"][name]["routes"][ONE]["k_error"] < 1e-13


def test_results_have_every_thickness():
    assert [row["d"] for row in RESULTS["thickness"]] == list(THICKNESSES)


def test_directions_by_elements_are_those_of_the_response():
    stored = RESULTS["directions"]
    assert stored["directions"] == directions.THETAS * directions.PHIS
    assert stored["difference"] < 2 * directions.RTOL
    layer = directions.LAYER.replace(d=0.3, alpha_L=0.02)
    (found,) = directions.responses(layer, E_F, 0.9, 0.4, rtol=1e-6)
    spin = directions.by_elements(layer, E_F, 0.9, 0.4, 20)
    # Its contours stay apart: midpoints converge as an exponential.
    assert spin == pytest.approx(found.spin, abs=1e-5 * np.abs(spin).max())


def test_results_are_those_of_the_routes_as_they_are():
    stored = RESULTS["workloads"]["one"]["routes"]
    truth = by_qwlib(PAPER, E_F)
    for points in (200, 1000, 4000):
        name = f"scan, {points} points"
        assert stored[name]["missed"] == compare(ROUTES[name](PAPER, E_F), truth).missed


# --- Sweeps on workers ---------------------------------------------------------------------------


def test_stored_sweeps_are_whole_and_on_as_many_workers_as_they_say():
    stored = json.loads((BENCHMARKS / "engine.json").read_text("utf-8"))
    assert set(stored["ways"]) == set(WAYS)
    for way, row in stored["ways"].items():
        assert row["wells"] == stored["ways"]["bare"]["wells"]
        assert way in ("bare", "here") or row["workers"] == PROCESSES[way]
    assert stored["large"]["wells"] > stored["ways"]["2"]["wells"]
    assert stored["large"]["workers"] == 2


def run_of(**values: float) -> dict[str, float]:
    return dict(wells=8000, chunks=8, processor_write=0.5) | values


def test_overheads_are_medians_of_those_of_the_rounds():
    # The third round is twice as slow, as on a machine that does something else.
    rounds = [
        {
            "bare": run_of(clock=10.0 * slow, processor=9.0),
            "here": run_of(clock=11.0 * slow, processor=9.9),
            "1": run_of(clock=12.0 * slow, processor=1.8, processor_workers=9.0),
            "2": run_of(clock=7.5 * slow, processor=1.8, processor_workers=9.9),
        }
        for slow in (1, 1, 2)
    ]
    ways = summary(rounds)
    for way, clock, processor in (("here", 10, 10), ("1", 20, 20), ("2", 50, 30)):  # per cent
        assert ways[way]["overhead_clock"] == pytest.approx(clock)
        assert ways[way]["overhead_processor"] == pytest.approx(processor)
    assert ways["bare"]["wells_per_second"] == 800


def test_extrapolation_is_limited_by_what_takes_longer():
    bare = run_of(processor=8.0)
    slow_client = extrapolate(bare, run_of(processor=1.3, processor_workers=8.0))
    # 0.1 s of the client for each chunk of 1000 wells, 1 ms of a worker for each well.
    assert slow_client["per_chunk"] == pytest.approx(0.1)
    assert slow_client["client"] == pytest.approx(1000)
    assert slow_client["solving"] == pytest.approx(100)
    assert slow_client["together"] == pytest.approx(1000 + 625)
    assert (slow_client["limit"], slow_client["busy_workers"]) == ("client", pytest.approx(10))
    fast_client = extrapolate(bare, run_of(processor=0.508, processor_workers=8.0))
    assert fast_client["together"] == pytest.approx(100 + 625)
    assert fast_client["limit"] == "workers"
