"""Fermi states of hard wells to 30 digits, by a route of its own: shooting, with mpmath.

    python tests/reference.py

writes tests/data/hard_wells.json.  Nothing of qwlib is used for it but `Well`, so that a state that
the solver misses is not missing here: the states are counted on a grid of k that is much finer than
they are apart, each is bracketed by that count and refined until 30 digits stand, and the script
stops if two of them meet.  A spinor that decays to the left is carried across both interfaces by
Eq. (5) and through the well by cos and sin; a state is where it can decay to the right.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from mpmath import mp, mpf

from qwlib import UnboundedSpectrumWarning, Well, bound_states, fermi_states

TABLE = Path(__file__).parent / "data" / "hard_wells.json"
DIGITS = 30
GRID = 1000  # points of the scan, even in k and even in log k
# Positions at which S_y(z) is tabulated, in units of d: barriers, interfaces, inside.
PLACES = (-0.05, 0.0, 0.13, 0.5, 0.87, 1.0, 1.02)


def hard_wells() -> list[tuple[str, Well, float]]:
    """Return (what is hard, well, E_F)."""
    paper = Well()
    c = paper.critical_rashba
    cases = [
        ("Fig. 2(a)", paper, 3.0),
        ("Fig. 2(b)", paper.replace(alpha_L=0.05), 3.0),
        ("Fig. 5(a)", Well(d=3.0, alpha_L=0.01, alpha_R=0.01), 3.0),
        ("Fig. 5(c)", Well(d=3.0, alpha_L=0.01, alpha_R=-0.01), 3.0),
        ("exchange in the ferromagnet", paper.replace(exchange="ferromagnet"), 3.0),
        ("thin", Well(d=0.14, alpha_L=0.01, alpha_R=-0.01), 3.0),
        ("thin, strong coupling", Well(d=0.2, alpha_L=0.07, alpha_R=0.03), 3.0),
        ("wide: roots next to poles", Well(d=20.0, alpha_L=0.046), 3.0),
        ("very wide", Well(d=50.0, alpha_L=0.046, alpha_R=-0.02), 3.0),
        ("no exchange", Well(Delta=0.0, alpha_R=0.02), 3.0),
        ("no exchange, symmetric", Well(Delta=0.0, alpha_L=0.03, alpha_R=0.03), 3.0),
        ("exchange of 1e-12 eV", Well(Delta=1e-12, alpha_R=0.02), 3.0),
        ("exchange of 1e-7 eV", Well(Delta=1e-7, alpha_R=0.02), 3.0),
        ("exchange of 1.5 eV", Well(Delta=1.5, V_L=8.0, V_R=6.0, alpha_R=-0.03), 4.0),
        ("exchange of -1.5 eV, low barrier", Well(Delta=-1.5, V_L=1.0, V_R=20.0), -0.6),
        ("barriers of 1 and 20 eV", Well(V_L=1.0, V_R=20.0, alpha_R=0.05), 0.7),
        ("0.97 of the end of the model", paper.replace(alpha_L=0.97 * c), 3.0),
        ("0.9999 of the end of the model", paper.replace(alpha_L=0.9999 * c), 3.0),
        ("k_F of hundreds per nm", paper.replace(alpha_L=(1 - 2e-5) * c), 3.0),
        ("past the end of the model", paper.replace(alpha_L=1.05 * c), 3.0),
        ("past the end at both interfaces", paper.replace(alpha_L=2 * c, alpha_R=1.3 * c), 3.0),
        ("negative couplings", paper.replace(alpha_L=-0.06, alpha_R=0.07), 3.0),
    ]
    # A subband of an exchange-free well that crosses ε_F twice.
    well = Well(d=1.0, V_L=4.0, V_R=4.0, Delta=0.0, alpha_L=0.05, alpha_R=-0.05)
    lowest = min(bound_states(well, 0.01 * i)[0] + well.c * (0.01 * i) ** 2 for i in range(300))
    cases.append(("met twice", well, (lowest + bound_states(well, 0.0)[0]) / 2))
    # ε_F a billionth of an eV above the bottom of a subband.
    for what, well in (
        ("bottom of a subband", paper),
        ("bottom of a subband, symmetric", Well(d=3.0, alpha_L=0.01, alpha_R=-0.01)),
        ("bottom of a subband, no exchange", Well(Delta=0.0, alpha_L=0.03, alpha_R=0.03)),
        ("bottom of a subband, wide", Well(d=11.0, alpha_L=0.03)),
    ):
        for n in (1, -1):
            levels = bound_states(well, 0.0)
            level = levels[levels < 3.2][n]
            cases.append((what, well, level + 1e-9))
    # Levels of different parity that cross: a width at which two k agree to about 1e-9.
    for sign in (1, -1):
        cases.append((f"crossing levels, alpha_R = {sign:+d} alpha_L", crossing(sign), 3.0))
    return cases


def crossing(sign: int) -> Well:
    """Return a symmetric well with two Fermi states within about 1e-9 of each other."""

    def gaps(d):
        k = fermi_states(Well(d=d, alpha_L=0.04, alpha_R=sign * 0.04), 3.0).k
        return abs(k[1:] - k[:-1])

    widths = [2.0 + 0.002 * i for i in range(600)]
    d = min(widths, key=lambda d: gaps(d).min())
    step = 0.001
    while step > 1e-11:
        d = min((d - step, d, d + step), key=lambda d: gaps(d).min())
        step /= 2
    return Well(d=d, alpha_L=0.04, alpha_R=sign * 0.04)


def rotation(kappa2, z):
    """cos κz and sin(κz)/κ for κ² of either sign."""
    if kappa2 == 0:
        return mpf(1), z
    kappa = mp.sqrt(kappa2)  # imaginary for κ² < 0, where both are real again
    return mp.re(mp.cos(kappa * z)), mp.re(mp.sin(kappa * z) / kappa)


class Shooting:
    """One well and ε_F, every parameter the exact binary number that the Well holds."""

    def __init__(self, well: Well, E_F: float):
        self.c, self.d = mpf(well.c), mpf(well.d)
        self.aL, self.aR = mpf(well.alpha_L) / self.c, mpf(well.alpha_R) / self.c
        self.E_F = mpf(E_F)
        self.shift = mpf(10) ** -(mp.dps // 2)
        self.floor = [mpf(s * well.Delta) for s in (1, -1)]
        self.edges = [
            [mpf(V) + s * mpf(well.Delta_barrier) for s in (1, -1)] for V in (well.V_L, well.V_R)
        ]

    def waves(self, k):
        """κ², q_L and q_R of both spins."""
        E = self.E_F - self.c * k * k
        kappa2 = [(E - floor) / self.c for floor in self.floor]
        q = [[mp.sqrt((edge - E) / self.c) for edge in side] for side in self.edges]
        return kappa2, q

    def start(self, k, q):
        """Slopes just inside z = 0 for ψ(0) = ↑ and ψ(0) = ↓, as rows of a matrix."""
        return [[q[0][0], k * self.aL], [k * self.aL, q[0][1]]]

    def mismatch(self, k):
        """2×2 matrix: what is left of the decaying slope at z = d, for either start."""
        kappa2, q = self.waves(k)
        B = mp.matrix(2)
        for i, slope in enumerate(self.start(k, q)):
            psi, dpsi = [], []
            for s in range(2):
                C, S = rotation(kappa2[s], self.d)
                u = mpf(1 if s == i else 0)
                psi.append(u * C + slope[s] * S)
                dpsi.append(-kappa2[s] * u * S + slope[s] * C)
            for s in range(2):
                # ψ'(d+) = ψ'(d−) − kα_R/c σ_x ψ(d) must be −q_R ψ(d)
                B[s, i] = dpsi[s] - k * self.aR * psi[1 - s] + q[1][s] * psi[s]
        return B

    def count(self, k):
        """How many states lie below ε_F at k: clamped ones, and the negative eigenvalues of M."""
        kappa2, q = self.waves(k)
        M, clamped = mp.matrix(4), 0
        for s in range(2):
            C, S = rotation(kappa2[s], self.d)
            for i, side in ((s, 0), (s + 2, 1)):
                M[i, i] = q[side][s] + C / S
            M[s, s + 2] = M[s + 2, s] = -1 / S
            if kappa2[s] > 0:
                clamped += int(mp.ceil(mp.sqrt(kappa2[s]) * self.d / mp.pi)) - 1
        M[0, 1] = M[1, 0] = k * self.aL
        M[2, 3] = M[3, 2] = -k * self.aR
        return clamped + sum(value < 0 for value in mp.eigsy(M, eigvals_only=True))

    def brackets(self):
        """Return the middle of a narrow interval of k around each state, descending, and where two
        states are closer than it is wide, twice the same.
        """
        fastest = mp.sqrt(max(self.E_F - min(self.floor), self.c) / self.c)
        top = mpf(10) ** 4
        grid = [1.2 * fastest * i / GRID for i in range(1, GRID)]
        grid += [mpf(10) ** (-6 + 10 * mpf(i) / GRID) for i in range(GRID + 1)]
        grid = sorted(grid)
        numbers = [self.count(k) for k in grid]
        # Past |α| = ħ²/m an interface has a state below every energy, at any larger k.
        if numbers[-1] != sum(abs(a) > 2 for a in (self.aL, self.aR)) or grid[-1] < top:
            raise RuntimeError(
                f"{numbers[-1]} states are left below the Fermi energy at {grid[-1]}"
            )
        cells = list(zip(grid, grid[1:], numbers, numbers[1:], strict=False))
        found = []
        while cells:
            a, b, above, below = cells.pop()
            if above == below:
                continue
            middle = (a + b) / 2
            if b - a < mpf("1e-12") * b:
                found += [middle] * abs(above - below)
                continue
            here = self.count(middle)
            cells += [(a, middle, above, here), (middle, b, here, below)]
        return sorted(found, reverse=True)

    def overlaps(self, k, u, v):
        """∫ψ·φ over all z and ∫₀^d (ψ↑φ↓ + ψ↓φ↑) for starts u and v, by the exact primitive."""
        kappa2, q = self.waves(k)
        sides = []
        for start in (u, v):
            slopes = self.start(k, q)
            slope = [sum(start[i] * slopes[i][s] for i in range(2)) for s in range(2)]
            sides.append((start, slope))
        (a, da), (b, db) = sides

        def inner(s, t):
            # f'' = −xf and g'' = −yg: ∫fg = [f'g − fg']/(y − x).  For y = x a tiny difference
            # stands for the limit, tiny even against what a decaying spin makes of it at d.
            x, y = kappa2[s], kappa2[t]
            if abs(y - x) < self.shift:
                y = x + self.shift
            ends = []
            for z in (mpf(0), self.d):
                C1, S1 = rotation(x, z)
                C2, S2 = rotation(y, z)
                f, df = a[s] * C1 + da[s] * S1, -x * a[s] * S1 + da[s] * C1
                g, dg = b[t] * C2 + db[t] * S2, -y * b[t] * S2 + db[t] * C2
                ends.append(df * g - f * dg)
            return (ends[1] - ends[0]) / (y - x)

        norm = sum(inner(s, s) + a[s] * b[s] / (2 * q[0][s]) for s in range(2))
        for s in range(2):
            C, S = rotation(kappa2[s], self.d)
            norm += (a[s] * C + da[s] * S) * (b[s] * C + db[s] * S) / (2 * q[1][s])
        return norm, inner(0, 1) + inner(1, 0)

    def wave(self, k, u, z):
        """(ψ↑, ψ↓) at z for the start u."""
        kappa2, q = self.waves(k)
        slopes = self.start(k, q)
        values = []
        for s in range(2):
            slope = sum(u[i] * slopes[i][s] for i in range(2))
            inside = min(max(z, mpf(0)), self.d)
            C, S = rotation(kappa2[s], inside)
            value = u[s] * C + slope * S
            if z < 0:
                value *= mp.exp(q[0][s] * z)
            elif z > self.d:
                value *= mp.exp(-q[1][s] * (z - self.d))
            values.append(value)
        return values

    def refine(self, k, known):
        """Return the root of det B near k, other than those in `known` close to it.

        A pair that is degenerate by symmetry is a root of all of B.
        """
        near = [x for x in known if abs(x - k) < mpf("1e-5") * k]
        step = mpf("1e-13") * k

        def root(function):
            # The secant rule, to three quarters of the digits kept: at the other interface of a
            # wide well an error of k is multiplied by what a decaying spin makes of it.
            x0, x1 = k - step, k + step
            f0, f1 = function(x0), function(x1)
            for _ in range(40):
                if f1 == f0 or abs(x1 - x0) < mpf(10) ** -(mp.dps * 3 // 4) * k:
                    break
                x0, x1, f0 = x1, x1 - f1 * (x1 - x0) / (f1 - f0), f1
                f1 = function(x1)
            return x1

        pair = root(lambda x: self.mismatch(x)[0, 0])
        B = self.mismatch(pair)
        slope = (self.mismatch(pair + step)[0, 0] - B[0, 0]) / step
        if (
            abs(pair - k) < mpf("1e-9") * k
            and mp.norm(B) < mpf(10) ** -(mp.dps // 4) * abs(slope) * k
        ):
            return pair

        def deflated(x):
            value = mp.det(self.mismatch(x))
            for other in near:
                value /= x - other
            return value

        return root(deflated)


def solve(what: str, well: Well, E_F: float) -> dict:
    """Return one row of the table."""
    mp.dps = 30
    guesses = Shooting(well, E_F).brackets()
    deepest = max([*guesses, 1.0])
    mp.dps = 2 * (DIGITS + 20 + int(deepest * well.d))  # a decaying spin costs κd/2.3 digits twice
    problem = Shooting(well, E_F)
    places = [mpf(p) * problem.d for p in PLACES]
    ks, states, profile = [], [], [mpf(0)] * len(PLACES)
    for guess in guesses:
        k = problem.refine(+guess, ks)
        twins = sum(abs(k - x) < mpf(10) ** -25 * k for x in ks)
        if abs(k - guess) > 1e-6 * k or twins > 1:
            raise RuntimeError(f"{what}: {guess} does not lead to a state of its own")
        ks.append(k)
    ks.sort(reverse=True)
    done = set()
    for i, k in enumerate(ks):
        if i in done:
            continue
        same = [j for j in range(len(ks)) if abs(ks[j] - k) < mpf(10) ** -22 * k]
        done.update(same)
        if len(same) == 1:
            B = problem.mismatch(k)
            row = max(range(2), key=lambda r: abs(B[r, 0]) + abs(B[r, 1]))
            starts = [[B[row, 1], -B[row, 0]]]
        else:
            starts = [[mpf(1), mpf(0)], [mpf(0), mpf(1)]]
        grams = {
            (a, b): problem.overlaps(k, starts[a], starts[b])
            for a in range(len(starts))
            for b in range(a + 1)
        }
        if len(starts) == 2:  # orthonormalise
            shift = grams[1, 0][0] / grams[0, 0][0]
            starts[1] = [starts[1][s] - shift * starts[0][s] for s in range(2)]
        spins = []
        for u in starts:
            norm, spin = problem.overlaps(k, u, u)
            u = [x / mp.sqrt(norm) for x in u]
            at0, atd = problem.wave(k, u, mpf(0)), problem.wave(k, u, problem.d)
            v = 2 * k + 2 * (problem.aL * at0[0] * at0[1] - problem.aR * atd[0] * atd[1])
            weight = -k / (8 * mp.pi**2) * mp.sign(v)
            spins.append(weight * spin / norm)
            for n, z in enumerate(places):
                up, down = problem.wave(k, u, z)
                profile[n] += weight * 2 * up * down
        states += [(k, spin, len(spins), mp.sign(v)) for spin in spins]

    def text(x):
        return mp.nstr(x, DIGITS)

    return {
        "what": what,
        "well": {f: getattr(well, f) for f in Well.__dataclass_fields__},
        "E_F": E_F,
        "k": [text(k) for k, *_ in states],
        "contribution": [text(spin) for _, spin, *_ in states],
        "degeneracy": [n for *_, n, _ in states],
        "sign_of_v": [int(s) for *_, s in states],
        "places": list(PLACES),
        "profile": [text(x) for x in profile],
    }


def main() -> None:
    warnings.simplefilter("ignore", UnboundedSpectrumWarning)
    rows = []
    for what, well, E_F in hard_wells():
        print(what, flush=True)
        rows.append(solve(what, well, E_F))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
