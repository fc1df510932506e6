"""Random wells for the property-based tests."""

import math

from hypothesis import strategies as st

from qwlib import Well

PAPER = Well(d=2.2, V_L=5.0, V_R=5.0, Delta=0.25, alpha_L=0.046, alpha_R=0.0)
E_F = 3.0  # eV


def between(low: float, high: float):
    """Floats in [low, high], short ones first, which hypothesis shrinks to."""
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def wells(draw, alpha_max: float = 0.95, mirror: bool = True, exchange_free: bool = True):
    """Wells with |α| up to `alpha_max`·ħ²/m, sometimes with a symmetry."""
    mass = draw(between(0.4, 1.2))
    critical = Well(mass=mass, alpha_L=0.0).critical_rashba
    ratio = between(-alpha_max, alpha_max).map(lambda r: r * critical)
    alpha_L = draw(ratio)
    V_L = draw(between(1.5, 12.0))
    kind = draw(st.sampled_from(["plain", "plain", "same", "opposite"] if mirror else ["plain"]))
    V_R = V_L if kind != "plain" else draw(between(1.5, 12.0))
    alpha_R = {"same": alpha_L, "opposite": -alpha_L}.get(kind, 0.0) if kind != "plain" else None
    Delta = draw(between(-1.0, 1.0))
    if exchange_free and draw(st.integers(0, 4)) == 0:
        Delta = 0.0
    return Well(
        d=math.exp(draw(between(math.log(0.15), math.log(6.0)))),
        V_L=V_L,
        V_R=V_R,
        Delta=Delta,
        alpha_L=alpha_L,
        alpha_R=draw(ratio) if alpha_R is None else alpha_R,
        mass=mass,
        exchange=draw(st.sampled_from(["everywhere", "ferromagnet"])),
    )


@st.composite
def wells_and_energies(draw, **options):
    """A well, and a Fermi energy between its floor and its barriers."""
    well = draw(wells(**options))
    fraction = draw(between(0.02, 0.98))
    floor = -abs(well.Delta)
    return well, floor + fraction * (well.continuum_edge - floor)
