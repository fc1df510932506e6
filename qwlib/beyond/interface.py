r"""The band of the left interface at large k, in closed form.

Far from the other interface a state decays from z = 0 as γ_s = √((sΔ − E)/c) into the well and as
q_s = √((V_L + sΔ_b − E)/c) into the barrier, s = ±1, and Eq. (5) is

.. math:: (q_\uparrow + \gamma_\uparrow)(q_\downarrow + \gamma_\downarrow)
          = (\alpha_L k/c)^2 ,

where the other interface is neglected, so e^(−2γd).
For large k this gives

.. math:: E = \frac{V_L}{2} - \frac{(\alpha_L k)^2}{4c} - \frac{B}{k^2} + \dots, \qquad
          B = \frac{c}{4\alpha_L^2}\left[V_L^2 + 2\Delta^2 + 2\Delta_b^2
              + (\Delta + \Delta_b)^2\right] .

The next term falls as k⁻⁶ if the exchange is the same on both sides, as k⁻⁴ otherwise.
Energies are in eV, lengths in nm, wave numbers in 1/nm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..well import Well


def inverse_square(well: Well) -> float:
    """Return B of the module's second equation, in eV/nm²; a `ValueError` if α_L is zero."""
    if well.alpha_L == 0:
        raise ValueError("alpha_L must not be 0 eV nm^2: without it the interface has no band")
    Delta, barrier = well.Delta, well.Delta_barrier
    squares = well.V_L**2 + 2 * Delta**2 + 2 * barrier**2 + (Delta + barrier) ** 2
    return well.c * squares / (4 * well.alpha_L**2)


def interface_energy(well: Well, k: np.ndarray) -> np.ndarray:
    """Return E of the left interface's band at large k in 1/nm, c k² excluded, in eV.

    A `ValueError` if α_L is zero: then the interface binds no state.
    """
    k2 = np.asarray(k, dtype=float) ** 2
    return well.V_L / 2 - well.alpha_L**2 * k2 / (4 * well.c) - inverse_square(well) / k2


def power_when_doubled(rest: Sequence[float], E: float) -> float | None:
    """Return the power of k of a difference that is given at k and at 2k.

    None where rounding of the largest energy `E` hides one of them.
    """
    rounding = 100 * np.finfo(float).eps * abs(E)  # a root keeps all but two of its digits
    one, other = np.abs(rest)
    return float(np.log2(other / one)) if min(one, other) > rounding else None


def interface_wave_numbers(well: Well, E_F: float) -> np.ndarray:
    """Return where the left interface's band crosses ε_F, by its terms above, ascending, in 1/nm.

    With ε = E + c k² it is a quadratic equation for k²: a k⁴ − (ε_F − V_L/2) k² − B = 0, where
    a = c (1 − (α_L/2c)²) is negative beyond |α_L| = ħ²/m, so that there may be two.
    A `ValueError` if α_L is zero, or `E_F`, in eV, is not allowed.
    """
    above = well.checked_fermi_energy(E_F) - well.V_L / 2
    B = inverse_square(well)
    a = (well.critical_rashba**2 - well.alpha_L**2) / (4 * well.c)
    discriminant = above**2 + 4 * a * B
    if discriminant < 0:
        return np.array([])
    # Of the two forms of each root the one whose terms do not cancel; a = 0 leaves one root.
    larger = above + np.copysign(np.sqrt(discriminant), above)
    with np.errstate(divide="ignore", invalid="ignore"):
        k2 = np.array([np.divide(larger, 2 * a), np.divide(-2 * B, larger)])
    k2 = k2[np.isfinite(k2) & (k2 > 0)]
    return np.sort(np.sqrt(k2))
