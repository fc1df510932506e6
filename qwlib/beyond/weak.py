"""What can be had by hand: levels without coupling, and what a weak coupling does to them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ..well import Well


def spin_levels(well: Well, s: int) -> np.ndarray:
    """Return the levels of one spin at k = 0, where no Rashba coupling acts.

    They fulfil κd = jπ + arctan(q_L/κ) + arctan(q_R/κ) with j = 0, 1, …

    Parameters
    ----------
    well : Well
        Its Rashba parameters do not matter.
    s : {1, -1}
        Spin ↑ or ↓.

    Returns
    -------
    1D float array
        In eV, ascending, up to the lower of the barriers that this spin sees.
    """
    floor, walls = s * well.Delta, [V + s * well.Delta_barrier for V in (well.V_L, well.V_R)]

    def phase(E: float, j: int) -> float:
        kappa = np.sqrt((E - floor) / well.c)
        outside = (np.arctan(np.sqrt(max(V - E, 0) / well.c) / kappa) for V in walls)
        return kappa * well.d - sum(outside) - j * np.pi

    top, found = min(walls), []
    while top > floor and phase(top, len(found)) > 0:
        found.append(brentq(phase, floor + 1e-9, top, args=(len(found),), xtol=1e-13))
    return np.array(found)


def effective_couplings(well: Well) -> np.ndarray:
    """Return the Rashba parameter of each level of a well without exchange, to first order.

    α_e = 2E/(d + 1/q_L + 1/q_R) (α_L/V_L − α_R/V_R), with q_i = √((V_i − E)/c): what the two
    interfaces do in the plane, in eV·nm.  Levels ascend, and the exchange of `well` is left out.
    """
    E = spin_levels(well.replace(Delta=0.0), 1)
    room = well.d + sum(np.sqrt(well.c / (V - E)) for V in (well.V_L, well.V_R))
    return 2 * E / room * (well.alpha_L / well.V_L - well.alpha_R / well.V_R)
