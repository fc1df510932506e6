import importlib
import io
import itertools
import tracemalloc

import numpy as np
import pytest
from wells import E_F

from qwlib import UnboundedSpectrumWarning, Well, fermi_states, search, sweep
from qwlib.matching import Full

# `qwlib.sweep` is the function.
module = importlib.import_module("qwlib.grid")

AXES = dict(alpha_L=[0.0, 0.02, 0.046, 0.07], d=[0.1, 1.0, 2.2])


def test_agrees_with_single_wells():
    ds = sweep(E_F=E_F, **AXES)
    assert ds["n_states"].dims == ("alpha_L", "d", "kind", "chirality")
    assert ds["certified"].dims == ("alpha_L", "d")
    for i, alpha_L in enumerate(AXES["alpha_L"]):
        for j, d in enumerate(AXES["d"]):
            states = fermi_states(Well(alpha_L=alpha_L, d=d), E_F)
            here = ds.isel(alpha_L=i, d=j)
            assert int(here["n_states"].sum()) == len(states)
            assert bool(here["certified"]) == states.certified
            for kind in ds["kind"].values:
                for sign in (-1, 0, 1):
                    some = states[(states.kind == kind) & (states.chirality == sign)]
                    cell = here.sel(kind=kind, chirality=sign)
                    assert int(cell["n_states"]) == len(some)
                    # The same roots, which sum in another order.
                    for name in ("spin_density", "current"):
                        values = some.contribution if name == "spin_density" else some.current
                        assert float(cell[name]) == pytest.approx(values.sum(), abs=1e-14)


def test_any_field_and_the_fermi_energy_are_axes_in_the_order_given():
    ds = sweep(exchange=["everywhere", "ferromagnet"], mass=[0.7, 1.0], E_F=[1.0, 3.0], V_R=6.0)
    assert ds["n_states"].dims == ("exchange", "mass", "E_F", "kind", "chirality")
    well = Well(exchange="ferromagnet", mass=0.7, V_R=6.0)
    here = ds.sel(exchange="ferromagnet", mass=0.7, E_F=1.0)
    expected = fermi_states(well, 1.0).contribution.sum()
    assert float(here["spin_density"].sum()) == pytest.approx(expected, abs=1e-14)


def test_no_axis_is_one_well():
    ds = sweep()
    assert ds["n_states"].dims == ("kind", "chirality")
    assert int(ds["n_states"].sum()) == 13
    assert ds["certified"].shape == ()


def test_every_variable_and_coordinate_says_what_it_is():
    ds = sweep(E_F=[2.0, 3.0], exchange=["everywhere"])
    for name, variable in ds.variables.items():
        assert variable.attrs["long_name"], name
        assert variable.attrs["units"], name
    fixed = {name for name in ds.coords if name not in ds.dims}
    assert fixed == {"d", "V_L", "V_R", "Delta", "alpha_L", "alpha_R", "mass"}
    assert float(ds["d"]) == 2.2
    for name in ("Conventions", "source", "references"):
        assert ds.attrs[name]


def test_a_well_gives_what_is_not_said():
    well = Well(d=3.0, V_L=4.0, alpha_L=0.01, exchange="ferromagnet")
    ds = sweep(well, E_F=2.0, alpha_L=[0.0, 0.02], V_L=4.5)
    assert ds["n_states"].dims == ("alpha_L", "kind", "chirality")
    assert {name: ds[name].item() for name in ds.coords if name not in ds.dims} == {
        "d": 3.0,
        "V_L": 4.5,
        "V_R": 5.0,
        "Delta": 0.25,
        "alpha_R": 0.0,
        "mass": 1.0,
        "exchange": "ferromagnet",
        "E_F": 2.0,
    }
    expected = fermi_states(well.replace(alpha_L=0.02, V_L=4.5), 2.0)
    assert float(ds["spin_density"][1].sum()) == pytest.approx(
        expected.contribution.sum(), abs=1e-14
    )
    assert sweep(well)["d"].item() == 3.0 and sweep(well)["E_F"].item() == 3.0
    with pytest.raises(ValueError, match="well must be a Well, got 3"):
        sweep(3, d=[1.0])


@pytest.mark.parametrize("chunk", [1, 5, 7])
def test_chunks_change_no_bit(monkeypatch, chunk):
    axes = dict(alpha_L=np.linspace(0, 0.07, 6), d=[0.5, 2.2, 5.0])
    whole = sweep(**axes)
    monkeypatch.setattr(module, "CHUNK", chunk)
    assert whole.identical(sweep(**axes))


def test_batches_change_no_bit(monkeypatch):
    """Wide wells are solved few at a time, of each symmetry by themselves."""
    axes = {"d": np.linspace(1, 20, 12), "alpha_R": [-0.046, 0.0, 0.046]}
    whole = sweep(**axes)
    monkeypatch.setattr(search, "BATCH", 100)
    seen = []
    batches = search.batches
    monkeypatch.setattr(search, "batches", lambda *a: seen.extend(batches(*a)) or batches(*a))
    assert whole.identical(sweep(**axes))
    assert sorted(np.concatenate(seen)) == [*range(36)]
    assert 10 < len(seen) < 36


def test_memory_grows_by_the_results_alone():
    def peak(n):
        tracemalloc.start()
        sweep(alpha_L=np.linspace(0.040, 0.045, n))  # 13 states each
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(8)  # what is imported at a first call
    few, many = 4096, 12288
    # 9 counts, 9 spin densities and 9 currents of 8 bytes, and a flag: a million wells need 220 MB.
    # The rest, some kB a well, is the work on one chunk.
    assert (peak(many) - peak(few)) / (many - few) < 1.2 * (27 * 8 + 1)


@pytest.mark.parametrize("d", [1.0, 5.0, 20.0, 50.0])
def test_cost_of_a_state_does_not_grow_with_the_width(monkeypatch, d):
    evaluations = 0

    def counted(method):
        def count(self, rule, kin, *rest):
            nonlocal evaluations
            evaluations += np.size(kin)
            return method(self, rule, kin, *rest)

        return count

    for name in ("sturm", "determinant"):
        monkeypatch.setattr(Full, name, counted(getattr(Full, name)))
    ds = sweep(d=np.linspace(0.99 * d, 1.01 * d, 20))
    # About 7 to bring a root to rounding, and 1 to 2 to find its cell.
    assert evaluations / int(ds["n_states"].sum()) < 10


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("seconds", "stream"), [(0.4, Terminal), (0.0, Terminal), (0.4, None)])
def test_bar_for_a_person_who_waits(monkeypatch, seconds, stream):
    looks = itertools.count()
    monkeypatch.setattr(module, "CHUNK", 1)
    # The clock of the bar, at which each look at it comes so much later than the one before.
    monkeypatch.setattr("tqdm.std.time", lambda: seconds * next(looks))
    monkeypatch.setattr("sys.stderr", stderr := (stream or io.StringIO)())
    sweep(d=[1.0, 2.0, 3.0, 4.0])
    assert ("4/4" in stderr.getvalue()) == (seconds > 0 and stream is Terminal)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(alpha_l=0.01), "alpha_l is not a parameter"),
        (dict(d=[]), "d must be one value or a non-empty 1D list"),
        (dict(d=[[1.0]]), "d must be one value or a non-empty 1D list"),
        (dict(d=[1.0, -1.0]), "d must be > 0 nm, got -1.0"),
        (dict(E_F=[3.0, 4.9]), "E_F must be below the lower barrier edge, 4.75 eV"),
        (dict(V_L=[5.0, 2.0]), "E_F must be below the lower barrier edge, 1.75 eV"),
        (dict(exchange=["everywhere", "x"]), "exchange must be one of"),
        (dict(alpha_R=[0.0, float("nan")]), "alpha_R must be a finite real number"),
        (dict(mass="1"), "mass must be a finite real number"),
        # Of both spins together there are most states where |Δ| is smallest.
        (
            dict(d=18000.0, V_L=10.0, V_R=10.0, E_F=4.9, Delta=[4.9, 0.0]),
            "make about 1.3e.05 states",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_solved(monkeypatch, parameters, message):
    monkeypatch.setattr(module, "solve_columns", lambda columns: pytest.fail("solved"))
    with pytest.raises(ValueError, match=message):
        sweep(**parameters)


def test_one_warning_past_the_end_of_the_model():
    with pytest.warns(UnboundedSpectrumWarning) as record:
        sweep(alpha_L=[0.05, 0.08, 0.09])
    assert len(record) == 1


@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_a_well_that_cannot_be_proven_is_flagged_among_others():
    # To V/2 the interface band tends at |α| = ħ²/m, and never reaches it.
    well = Well()
    ds = sweep(E_F=well.V_L / 2, alpha_L=[0.05, well.critical_rashba, 0.06])
    assert ds["certified"].values.tolist() == [True, False, True]
