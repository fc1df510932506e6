r"""Rashba coupling spread over layers, exactly: a witness for the finite elements.

A coupling that is constant in each of a few layers leaves, in a layer,

.. math:: \psi'' = K\psi, \qquad
          K = \left[(V - E) + \Delta\,\sigma_z + (kW + \lambda)\,\sigma_x\right]/c ,

with constant coefficients.
Unknowns are the spinors at the edges of the layers, and the slopes on both sides of each edge must
be equal: the quantization rule of `matching` with 2×2 blocks √K coth √K h and √K / sinh √K h in
place of κ cot κd and κ / sin κd.
The Wittrick–Williams count holds as it does there.
λ, a field along the spin that is zero in the end, gives that spin: ∂E/∂λ = ∫ 2ψ↑ψ↓ dz over the
layers where it acts, here the ferromagnet.
Energies are in eV, lengths in nm, wave numbers in 1/nm.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..kubo import contribution
from ..well import UnboundedSpectrumWarning, Well
from .fem import FiniteElements, rashba_boxes

SIGMA_X = np.array([[0.0, 1.0], [1.0, 0.0]])
SIGMA_Z = np.diag([1.0, -1.0])
STEP = 1e-6
"""Step of the central differences, in eV or 1/nm, extrapolated from it and its double: a level of a
clamped layer at a distance of δ eV makes them err by 4(STEP/δ)⁴, and rounding by up to 1e-9, more
where δ is small."""


def edge_functions(x: np.ndarray, h: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return √x coth(√x h) and √x / sinh(√x h) for any real x: cot and sin where x < 0."""
    y = np.sqrt(np.abs(x)) * h
    waves = np.sign(x) < 0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        diagonal = np.where(waves, y / np.tan(y), y / np.tanh(y)) / h
        off = np.where(waves, y / np.sin(y), y / np.sinh(y)) / h
    return np.where(y == 0, 1 / h, diagonal), np.where(y == 0, 1 / h, off)


@dataclass(frozen=True)
class LayeredWell:
    """A well whose Rashba coupling is constant in layers.

    Attributes
    ----------
    well : Well
    edges : ndarray
        (n,) edges between layers, nm; beyond the first and last there is no coupling.
        For many wells at once, alike but for widths and couplings, this and W are (n, wells) and
        (n + 1, wells).
    V, Delta, W, inside : ndarray
        (n + 1,) potential and exchange in eV, coupling in eV·nm, and whether it is ferromagnet,
        from the left half-space to the right one.
    """

    well: Well
    edges: np.ndarray
    V: np.ndarray
    Delta: np.ndarray
    W: np.ndarray
    inside: np.ndarray

    @classmethod
    def from_well(cls, well: Well, width: float, placement: str = "centred") -> LayeredWell:
        """Return the well with each δ of the coupling spread into a box; see `fem.rashba_boxes`."""
        left, right = rashba_boxes(well, width, placement)
        edges = np.unique(np.round([0.0, well.d, *left, *right], 12))
        middle = np.concatenate([edges[:1] - 1, (edges[:-1] + edges[1:]) / 2, edges[-1:] + 1])
        inside = (middle > 0) & (middle < well.d)
        in_left, in_right = ((middle > a) & (middle < b) for a, b in (left, right))
        return cls(
            well,
            edges,
            np.where(middle < 0, well.V_L, np.where(middle > well.d, well.V_R, 0.0)),
            np.where(inside, well.Delta, well.Delta_barrier),
            (well.alpha_L * in_left - well.alpha_R * in_right) / width,
            inside,
        )

    def matrix(
        self, E: np.ndarray | float, k: np.ndarray | float, field: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrix of the jumps of the slope at the edges, and J₀.

        D, (..., 2n, 2n), is in 1/nm; J₀, int (...), is how many states of the layers, each clamped
        at its edges, are below E.  E in eV, k in 1/nm and the field λ in eV are broadcast.
        """
        E, k, field = np.broadcast_arrays(E, k, field)
        n = len(self.edges)
        D, clamped = np.zeros((*E.shape, 2 * n, 2 * n)), np.zeros(E.shape, dtype=np.intp)
        for i in range(n + 1):
            # K is a multiple of 1 and a spin of length `half`, in eV.
            flip = k * self.W[i] + field * self.inside[i]
            half = np.hypot(self.Delta[i], flip)
            x = np.stack([self.V[i] - E + half, self.V[i] - E - half]) / self.well.c
            spin = self.Delta[i] * SIGMA_Z + flip[..., None, None] * SIGMA_X
            spin /= np.where(half == 0, 1.0, half)[..., None, None]

            def function(values: np.ndarray, spin: np.ndarray = spin) -> np.ndarray:
                mean, difference = (values[0] + values[1]) / 2, (values[0] - values[1]) / 2
                return mean[..., None, None] * np.eye(2) + difference[..., None, None] * spin

            left, right = slice(2 * i - 2, 2 * i), slice(2 * i, 2 * i + 2)
            if i in (0, n):  # only the decaying solution
                outer = right if i == 0 else left
                D[..., outer, outer] += function(np.sqrt(x))
                continue
            h = self.edges[i] - self.edges[i - 1]
            diagonal, off = map(function, edge_functions(x, h))
            D[..., left, left] += diagonal
            D[..., right, right] += diagonal
            D[..., left, right] -= off
            D[..., right, left] -= off
            waves = np.sqrt(np.maximum(-x, 0)) * h / np.pi
            clamped += np.ceil(waves - 1).clip(0).sum(axis=0).astype(np.intp)
        return D, clamped

    def count_states(self, E: np.ndarray | float, k: np.ndarray | float) -> np.ndarray:
        """Return how many bound states are below E (eV) at k (1/nm), broadcast, finding none."""
        D, clamped = self.matrix(E, k)
        return clamped + (np.linalg.eigvalsh(D) < 0).sum(axis=-1)

    def fermi_states(
        self, E_F: float, k_max: float, cells: int = 300
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return k (1/nm, descending) and contribution to ∫S_y dz (nm⁻² per τeE/ħ) of Fermi states.

        Up to `k_max`, from the counts at the ends of as many cells.  Two states of opposite
        velocity in one of them are missed: this is a witness, not a search.
        """

        def count(k: np.ndarray) -> np.ndarray:
            return self.count_states(E_F - self.well.c * k * k, k)

        ends = np.linspace(1e-9, k_max, cells + 1)
        numbers = count(ends)
        a, b, below, above = ends[:-1], ends[1:], numbers[:-1], numbers[1:]
        found = []
        while True:
            middle = (a + b) / 2
            narrow = (b - a <= 1e-14 * b) | (middle <= a) | (middle >= b)
            found.append(np.repeat(middle[narrow], np.abs(above - below)[narrow]))
            split = ~narrow & (below != above)
            if not split.any():
                break
            a, b, below, above, middle = (x[split] for x in (a, b, below, above, middle))
            here = count(middle)
            a, b = np.append(a, middle), np.append(middle, b)
            below, above = np.append(below, here), np.append(here, above)
        k = np.sort(np.concatenate(found))[::-1]
        return k, self._contribution(E_F, k)

    def _contribution(self, E_F: float, k: np.ndarray) -> np.ndarray:
        """Return −(k/8π²) sgn(v) ∫ 2ψ↑ψ↓ dz of the states at k, from derivatives of the matrix.

        With M u = 0 the form −c uᵀ∂M u is the norm times the change of E: Hellmann–Feynman.
        """
        E = E_F - self.well.c * k * k
        values, vectors = np.linalg.eigh(self.matrix(E, k)[0])
        i = np.abs(values).argmin(axis=-1)
        u = np.take_along_axis(vectors, i[:, None, None], axis=-1)

        def slope(*step: float) -> np.ndarray:
            def central(size: int) -> np.ndarray:
                up, down = (
                    self.matrix(E + s * step[0], k + s * step[1], s * step[2])[0]
                    for s in (size, -size)
                )
                return (u.swapaxes(-1, -2) @ (up - down) @ u)[:, 0, 0] / (2 * size * sum(step))

            return (4 * central(1) - central(2)) / 3

        norm = -slope(STEP, 0, 0)
        spin = slope(0, 0, STEP) / norm
        velocity = 2 * self.well.c * k + slope(0, STEP, 0) / norm
        return contribution(k, velocity, spin)


def crossings(
    well: Well,
    E_F: float,
    E: float,
    most: float,
    width: float | None = None,
    placement: str = "centred",
) -> np.ndarray:
    """Return the α_L at which a Fermi state has the energy E along z, ascending, from 0 to `most`.

    In eV·nm².  The matrix of the finite elements is linear in α_L, so these are eigenvalues; the
    well's own α_L does not matter, and no state has an E above ε_F.  Width and placement are those
    of `fem.FiniteElements.from_well`; without a width the coupling is a δ-function.
    """
    if E > E_F:
        return np.array([])
    k = np.sqrt((E_F - E) / well.c)
    mesh = dict(E_max=E_F, k_max=2 * k, width=width, placement=placement)
    with warnings.catch_warnings():  # α_L = 1 is past the end of the model, where nothing is solved
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        wells = [well.replace(alpha_L=alpha) for alpha in (0.0, 1.0)]
    off, on = (FiniteElements.from_well(one, **mesh).matrix(k, E) for one in wells)
    inverse = -np.linalg.eigvals(np.linalg.solve(off, on - off))
    real = inverse.real[(np.abs(inverse.imag) < 1e-9) & (inverse.real > 1 / most)]
    return np.sort(1 / real)


def sums_along(well: Well, E_F: float, alpha: np.ndarray, width: float) -> np.ndarray:
    """Return what the Fermi states of a spread coupling add up to along α_L, by finite elements.

    (5, n) for n values of α_L in eV·nm², instead of the well's own: ∫₀^d S_y dz of all and of
    propagating states in 10⁻³ nm⁻² per τeE/ħ, their numbers, and the largest k in 1/nm, nan where
    there is no state.
    """
    rows = []
    for one in alpha:
        mesh = FiniteElements.from_well(
            well.replace(alpha_L=float(one)), E_max=E_F, width=width, order=8, phase=1.0
        )
        states = mesh.fermi_states(E_F)
        waves, share = states.E > abs(well.Delta), 1e3 * states.contribution
        most = max(states.k, default=np.nan)
        rows.append([share.sum(), share[waves].sum(), len(states), waves.sum(), most])
    return np.array(rows).T
