"""Wave numbers that rounding blurs, put right with 40 digits.

Near the bottom of a subband k² is a small difference of large numbers, and near |α| = ħ²/m the
velocity is: a k that is exact to rounding of κ² has then lost digits of its own.  The wave function
has lost them only through k, so one number is missing, the residual uᵀM(k)u with the parameters of
the well taken as the exact binary numbers that they are.  Python's decimal module gives it.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np

from .well import Well

DIGITS = 40
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def sine_and_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """Return sin x and cos x for x ≥ 0 by their power series, x reduced to |x| ≤ π/2."""
    turns = (x / PI).to_integral_value()
    x -= turns * PI
    sine = cosine = Decimal(0)
    term, n = Decimal(1), 0
    while abs(term) > Decimal(10) ** -(DIGITS + 2):
        if n % 2:
            sine += term
        else:
            cosine += term
        n += 1
        term *= x / n if n % 2 else -x / n
    return (-sine, -cosine) if turns % 2 else (sine, cosine)


def residual(well: Well, E_F: float, k: Decimal, u: list[Decimal]) -> Decimal:
    """Return uᵀM(k)u along the Fermi parabola, M as in `matching.matching_matrix`."""
    c, d = Decimal(well.c), Decimal(well.d)
    E = Decimal(E_F) - c * k * k
    total = 2 * k / c * (Decimal(well.alpha_L) * u[0] * u[1] - Decimal(well.alpha_R) * u[2] * u[3])
    for s, sign in enumerate((1, -1)):
        kappa2 = (E - sign * Decimal(well.Delta)) / c
        kappa = abs(kappa2).sqrt()
        if kappa2 > 0:
            sine, cosine = sine_and_cosine(kappa * d)
            diagonal, other = kappa * cosine / sine, -kappa / sine
        elif kappa2 < 0:
            decay = (-kappa * d).exp()
            diagonal = kappa * (1 + decay**2) / (1 - decay**2)
            other = -2 * kappa * decay / (1 - decay**2)
        else:
            diagonal, other = 1 / d, -1 / d
        left, right = u[s], u[2 + s]
        for V, value in ((well.V_L, left), (well.V_R, right)):
            outside = Decimal(V) + sign * Decimal(well.Delta_barrier) - E
            total += (outside / c).sqrt() * value**2
        total += diagonal * (left**2 + right**2) + 2 * other * left * right
    return total


def sharpened(
    well: Well, E_F: float, k: np.ndarray, velocity: np.ndarray, amplitude: np.ndarray
) -> np.ndarray:
    """Return k of Fermi states, with those that lost digits to rounding put right.

    Parameters
    ----------
    well : Well
    E_F : float
        In eV.
    k, velocity : (n,) arrays
        1/nm, and dε/dk in eV·nm.
    amplitude : (n, 4) array
        Normalised, so that dε/dk times a small error of k is c uᵀM(k)u.

    Returns
    -------
    (n,) array
    """
    largest = np.abs(E_F) + abs(well.Delta) + 2 * well.c * k**2
    with np.errstate(divide="ignore"):  # a subband that touches ε_F
        blur = np.finfo(float).eps * largest / (k * np.abs(velocity))
    k = k.copy()
    with localcontext() as context:
        context.prec = DIGITS + 10
        for i in np.nonzero(blur > 1e-13)[0]:
            u = [Decimal(float(x)) for x in amplitude[i]]
            exact = Decimal(float(k[i]))
            for _ in range(3):
                step = Decimal(well.c) * residual(well, E_F, exact, u) / Decimal(float(velocity[i]))
                if abs(step) > exact / 1000:
                    break  # not a rounding error: a subband that touches ε_F has no velocity
                exact -= step
            else:
                k[i] = float(exact)
    return k
