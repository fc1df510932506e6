"""Against the committed table of hard wells, which tests/reference.py computes to 30 digits."""

import json
from pathlib import Path

import numpy as np
import pytest

from qwlib import Well, fermi_states

TABLE = Path(__file__).parent / "data" / "hard_wells.json"
ROWS = json.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["what"].replace(" ", "-"))
@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_hard_well(row):
    well = Well(**row["well"])
    states = fermi_states(well, row["E_F"])
    assert states.certified
    k = np.array([float(x) for x in row["k"]])
    contribution = np.array([float(x) for x in row["contribution"]])
    assert len(states) == len(k)
    # The promise of the solver; what rounding allows is three orders better.
    assert states.k == pytest.approx(k, rel=1e-12, abs=0)
    assert (np.sign(states.velocity) == row["sign_of_v"]).all()
    # The largest that a state of this k could contribute, with its spin wholly along z × k:
    # in a symmetric well every contribution vanishes, and is no scale.
    scale = (k / (8 * np.pi**2)).max()
    for i in range(len(k)):
        # Of states degenerate by symmetry only the sum has a meaning.
        group = k == k[i]
        assert states.contribution[group].sum() == pytest.approx(
            contribution[group].sum(), abs=1e-10 * scale
        )
    z = np.array(row["places"]) * well.d
    single = states.spin_density(z)
    profile = np.array([float(x) for x in row["profile"]])
    assert single.sum(axis=0) == pytest.approx(profile, abs=1e-10 * np.abs(single).max())


def test_table_holds_what_solvers_stumble_on():
    wells = [Well(**row["well"]) for row in ROWS if abs(row["well"]["alpha_L"]) < 0.076]
    assert min(well.d for well in wells) <= 0.14
    assert max(well.d for well in wells) >= 50
    assert {0.0, 1.5, -1.5} <= {well.Delta for well in wells}
    assert {1.0, 20.0} <= {well.V_L for well in wells} | {well.V_R for well in wells}
    assert any(-1 in row["sign_of_v"] for row in ROWS)
    assert max(float(row["k"][0]) for row in ROWS) > 500
    gaps = [np.diff([float(x) for x in row["k"]]) / float(row["k"][0]) for row in ROWS]
    assert any((0 < np.abs(gap)).any() and np.abs(gap).min() < 1e-8 for gap in gaps if gap.size)
