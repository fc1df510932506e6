"""States at the interfaces for large k, where the matching matrix is all but k times a constant.

At |α| = ħ²/m an interface state leaves for k = ∞, and close to it whether there is one, and where,
rests on small differences of large numbers.  Once both spins are evanescent over the layer the
interfaces part, and each has a determinant of its own that loses no digit: with the excess
e = k(q + γ − 2k) of each spin and a = α/c it is

    (q↑ + γ↑)(q↓ + γ↓) − a²k² = 2(e↑ + e↓) + e↑e↓/k² − (a² − 4)k² .

What is proven here is so including rounding, as in `proofs`.
"""

from __future__ import annotations

import numpy as np

from .matching import BELOW_DIFFERENCE, Rule, Sector
from .waves import barrier


def excess(rule: Rule, kin: np.ndarray | float) -> np.ndarray:
    """Return k(q + γ − 2k) in nm⁻², (2, 2, n), which rises with k to its value at `kin` = ∞."""

    def part(square):  # k((k² + square)^½ − k)
        return square / (1 + np.sqrt(1 + square / kin))

    return part(rule.q2) + part(-rule.kappa2)


def past_critical(rule: Rule) -> np.ndarray:
    """Return a² − 4 of both interfaces, (2, n), to the last digits."""
    given, _ = rule.given
    c, alpha = given.c, np.abs([given.alpha_L, given.alpha_R])
    return (alpha - 2 * c) / c * ((alpha + 2 * c) / c)


def rate(rule: Rule, kin: np.ndarray) -> np.ndarray:
    """Return k³ d[(q + γ)/k]/dk in nm⁻², (2, 2, n), which falls with k."""
    inner = rule.kappa2 / np.sqrt(1 - rule.kappa2 / kin)
    return inner - rule.q2 / np.sqrt(1 + rule.q2 / kin)


def least_depth(rule: Rule, kin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower bounds of γ in 1/nm and of γd, (2, n), at `kin` and at all that is larger."""
    gamma = np.sqrt(np.maximum(kin - rule.kappa2 - rule.slack(kin), 0.0))
    return gamma, gamma * rule.d * BELOW_DIFFERENCE


def apart(rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where on [k1, k2] one interface has nothing to do with the other.

    What tunnels, k² exp(−γd), is then below 2⁻¹⁰⁰ of `q_size`² (`q_size`/k)²: nothing beside what
    is rounded, even where its square is divided by a determinant whose sign is known.
    """
    depth = least_depth(rule, k1 * k1)[1].min(axis=0)
    return depth > 70 + 4 * np.log(np.maximum(k2 / rule.q_size, 1.0))


@np.errstate(all="ignore")
def signs(rule: Rule, k1: np.ndarray, k2: np.ndarray | float = np.inf) -> np.ndarray:
    """Return the sign of each interface's determinant where it is proven on [k1, k2], 0 elsewhere.

    (2, n), and M has as many negative eigenvalues as there are negative ones among them: as in
    `proofs.settled`, M lies between two matrices that do not couple the interfaces.
    """
    if rule.field is not None:
        return np.zeros(rule.a.shape, dtype=np.intp)
    kin1, kin2, size = k1 * k1, k2 * k2, rule.q_size**2
    gamma, depth = least_depth(rule, kin1)
    # kγ times what tanh and coth differ from 1 by: it falls with k from γd = 2 + |κ²|/k² on.
    through = 2 * k1 * gamma / np.expm1(depth) / BELOW_DIFFERENCE
    low, high = excess(rule, kin1) - through, excess(rule, kin2) + through
    past = past_critical(rule)
    ends = np.stack([past * kin1, np.where(past == 0, 0.0, past * kin2)])
    bounds = []
    for e, pick, other in ((low, np.min, np.max), (high, np.max, np.min)):
        terms = (
            2 * e[:, 0],
            2 * e[:, 1],
            pick([e[:, 0] * e[:, 1] / kin1, e[:, 0] * e[:, 1] / kin2], axis=0),
            -other(ends, axis=0),
        )
        # The sum rises with every e > −2k².  κ² and q² are off by 4 units of `size`, 60 times.
        room = 2.0**-44 * (size + sum(map(np.abs, terms)))
        bounds.append((sum(terms), room))
    (least, least_room), (most, most_room) = bounds
    sound = (kin1 >= size) & (depth > 3).all(axis=0) & np.isfinite(rule.q_error)
    # Where γ is small beside k, e has lost the digits that κ² has.
    sound &= (low > -kin1).all(axis=(0, 1)) & (32 * gamma > k1).all(axis=0)
    positive, negative = sound & (least > least_room), sound & (most < -most_room)
    return positive.astype(np.intp) - negative


@np.errstate(all="ignore")
def way(rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return −1 where N is proven not to rise on [k1, k2], 1 where not to fall, 0 elsewhere.

    For large k, where M/k varies slowly.  With one spin eliminated and without what tunnels it is a
    number for each interface, μ↑ − a²/μ↓ with μ = (q + γ)/k, which changes with k like
    ρ↑ + (a²/μ↓²)ρ↓ divided by k³, where ρ is `rate`, which falls with k.  If these numbers go the
    same way so do all eigenvalues of M/k; an interface whose sign is known need not.
    """
    known = signs(rule, k1, k2)
    kin1, kin2, size, a = k1 * k1, k2 * k2, rule.q_size**2, np.abs(rule.a)
    low, high = excess(rule, kin1)[:, 1], excess(rule, kin2)[:, 1]
    weights = [
        (a / (2 + pick([e / kin1, e / kin2], axis=0))) ** 2
        for e, pick in ((high, np.max), (low, np.min))
    ]
    first, last = rate(rule, kin1), rate(rule, kin2)
    most = first[:, 0] + np.max([w * first[:, 1] for w in weights], axis=0)
    least = last[:, 0] + np.min([w * last[:, 1] for w in weights], axis=0)
    sound = np.isfinite(rule.q_error) & (kin1 >= 4 * size) & apart(rule, k1, k2)
    near, room = (a >= 1) & (a <= 3) & sound, 2.0**-40 * size
    N_falls, N_rises = (
        ((known != 0) | (near & proven)).all(axis=0) & sound
        for proven in (least > room, most < -room)
    )
    return N_rises.astype(np.intp) - N_falls


def one_determinant(rule: Rule, k: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return the determinant of interface `side`, one of each well, without what tunnels."""
    each, kin = np.arange(k.size), k * k
    up, down = excess(rule, kin)[side, :, each].T
    return 2 * (up + down) + up * down / kin - past_critical(rule)[side, each] * kin


@np.errstate(all="ignore")
def one_interface(sector: Sector, rule: Rule, k: np.ndarray, side: np.ndarray) -> tuple:
    """Return amplitude, (2, 2, n), velocity over c and overlap of a state at interface `side`.

    Its determinant vanishes at k.  The velocity is no difference of large numbers, and has the sign
    that `way` says.
    """
    kin, each = k * k, np.arange(k.size)
    q, gamma = barrier(rule.q2, kin)[side, :, each].T, np.sqrt(kin - rule.kappa2)
    v = np.sqrt((q + gamma)[::-1])
    v[1] *= -np.sign(rule.a[side, each])
    v /= np.sqrt((v * v * (1 / q + 1 / gamma) / 2).sum(axis=0))
    velocity = (v * v * rate(rule, kin)[side, :, each].T).sum(axis=0) / kin
    u = np.zeros((2, 2, k.size))
    u[side, :, each] = v.T
    if sector.half:  # at both interfaces, with the parity of the sector
        u[0] = v / np.sqrt(2)
        u[1] = u[0] * np.where(np.reshape(sector.even, (-1, 1)), 1, -1)
    return u, velocity, (u[:, 0] * u[:, 1]).sum(axis=0) / gamma.sum(axis=0)
