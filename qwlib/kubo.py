"""Eq. (6): the spin density that a current drives, as a sum over Fermi states.

The angular integral of Eq. (6) and its energy delta function are done exactly: at the angle φ of k,
⟨v_x⟩ is v cos φ/ħ and ⟨σ_y⟩ is 2ψ↑ψ↓ cos φ, and ∫cos²φ dφ = π.  What is left of the sum over all
states is one term for each Fermi state,

    S_y(z) = −(τeE/ħ) Σ_n (k_n/8π²) sgn(v_n) 2ψ↑(z)ψ↓(z) ,

with ψ normalised over all z: no broadening, no grid of wave vectors.
Spin densities are per τeE/ħ: times τeE/ħ in 1/nm, in nm⁻³ at a point and nm⁻² over the well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .matching import Rule, slopes
from .search import DOUBTS, solve
from .waves import barrier, shapes, values
from .well import Well, checked_places

PREFACTOR = 1 / (8 * np.pi**2)
"""1/2π of Eq. (6) times π/4π²: what the angular integral leaves.  The plain Boltzmann result, which
has no 1/2π, is 2π times larger; ratios of spin density to current do not depend on it."""

KINDS = ("propagating", "mixed", "interface")
"""Kinds of Fermi state: both spin components are waves inside the well, one is, or none is."""

SILENT = 1e-12
"""A contribution below this in magnitude, in nm⁻² per τeE/ħ, has no chirality."""


def contribution(k: np.ndarray, velocity: np.ndarray, spin: np.ndarray) -> np.ndarray:
    """Return what Fermi states add to the spin density of Eq. (6): −(k/8π²) sgn(v) · spin.

    Arrays of k in 1/nm, of dε/dk, of which only the sign matters, and of 2ψ↑ψ↓ at a point in 1/nm
    or integrated over the well.  The result is in nm⁻³ or nm⁻², per τeE/ħ.
    """
    return -PREFACTOR * k * np.sign(velocity) * spin


def tail_spin(amplitude: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Return ∫2ψ↑ψ↓ dz over the left and over the right insulator, (n, 2).

    Both as a `FermiStates` has them: values at the interfaces, (n, 4), and q in 1/nm, (n, 2, 2).
    """
    return 2 * amplitude.reshape(-1, 2, 2).prod(axis=2) / decay.sum(axis=2)


def current(k: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Return what Fermi states add to the charge current, (1/8π²) k |v|, in eV per τe²E/ħ².

    The same Kubo formula as Eq. (6), with the velocity in place of the spin and the same prefactor.
    """
    return PREFACTOR * k * np.abs(velocity)


def chirality(contribution: np.ndarray) -> np.ndarray:
    """Return the sign of contributions to ∫₀^d S_y dz of Eq. (6): int, 0 below `SILENT`."""
    return np.where(np.abs(contribution) < SILENT, 0, np.sign(contribution)).astype(int)


def kind_of(E: np.ndarray, Delta: np.ndarray | float) -> np.ndarray:
    """Return the index into `KINDS` of states of energy E at exchange Δ (both in eV)."""
    Delta = np.abs(Delta)
    return np.where(E > Delta, 0, np.where(E < -Delta, 2, 1))


@dataclass(frozen=True, eq=False)
class FermiStates:
    """Fermi states of one well: arrays of length n, in ascending order of E.

    Indexing with a mask, a slice or integers gives a `FermiStates` of those.

    Attributes
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    k : (n,) array
        Wave number in 1/nm, > 0.
    velocity : (n,) array
        dε/dk in eV·nm, signed.
    amplitude : (n, 4) array
        ψ↑(0), ψ↓(0), ψ↑(d), ψ↓(d) in nm^-1/2: real, normalised over all z.
    spin : (n,) array
        ∫₀^d 2ψ↑ψ↓ dz, the spin along z × k that the state has in the well.
    doubt : str
        Why the well is not certified, one of `search.DOUBTS`, empty where it is; "tangency" also
        where the proof takes more work than a well is given.
        A selection keeps it: it speaks of the well.
    """

    well: Well
    E_F: float
    k: np.ndarray
    velocity: np.ndarray
    amplitude: np.ndarray
    spin: np.ndarray
    doubt: str

    def __len__(self) -> int:
        return self.k.size

    def __getitem__(self, index) -> FermiStates:
        index = np.atleast_1d(np.arange(len(self))[index])
        arrays = {n: getattr(self, n)[index] for n in ("k", "velocity", "amplitude", "spin")}
        return replace(self, **arrays)

    def __repr__(self) -> str:
        proof = "certified" if self.certified else "not certified"
        return f"<{len(self)} Fermi states at E_F = {self.E_F:g} eV, {proof}, of {self.well}>"

    @property
    def certified(self) -> bool:
        """Whether no Fermi state of the well is missing, rounding included, and k has 12 digits.

        The former is proven; the digits are estimated, and proven where the estimate is in doubt.
        Of the digits of spins and velocities nothing is proven but the sign of the latter; tests
        compare them with other methods.
        """
        return not self.doubt

    @property
    def E(self) -> np.ndarray:
        """Energy of the motion along z in eV, ε_F − c k², (n,)."""
        return self.E_F - self.well.c * self.k**2

    @property
    def contribution(self) -> np.ndarray:
        """What each state adds to ∫₀^d S_y dz of Eq. (6), in nm⁻² per τeE/ħ, (n,)."""
        return contribution(self.k, self.velocity, self.spin)

    @property
    def chirality(self) -> np.ndarray:
        """Sign of `contribution`, as the paper defines it: int, 0 below 1e-12, (n,)."""
        return chirality(self.contribution)

    @property
    def kind(self) -> np.ndarray:
        """Its kind, one of `KINDS`: E above |Δ|, between ±Δ, or below −|Δ|, (n,)."""
        return np.array(KINDS)[kind_of(self.E, self.well.Delta)]

    @property
    def current(self) -> np.ndarray:
        """What each state adds to the charge current, in eV per τe²E/ħ², (n,)."""
        return current(self.k, self.velocity)

    @property
    def kappa(self) -> np.ndarray:
        """κ↑ and κ↓ inside the well in 1/nm, complex: imaginary where evanescent, (n, 2)."""
        kappa2 = (self.E[:, None] - self.well.Delta * np.array([1, -1])) / self.well.c
        return np.sqrt(kappa2.astype(complex))

    @property
    def decay(self) -> np.ndarray:
        """Decay constants q in the insulators in 1/nm, (n, 2, 2): by interface and spin."""
        return np.moveaxis(barrier(self._rule.q2, self.k**2), -1, 0)

    @property
    def whole_spin(self) -> np.ndarray:
        """∫2ψ↑ψ↓ dz over all z, the spin that the state has with its tails, (n,)."""
        return self.spin + self.barrier_spin.sum(axis=1)

    @property
    def barrier_spin(self) -> np.ndarray:
        """∫2ψ↑ψ↓ dz over the left and over the right insulator, (n, 2)."""
        return tail_spin(self.amplitude, self.decay)

    @property
    def _rule(self) -> Rule:
        return Rule.of_well(self.well, self.E_F).take(np.zeros(len(self), dtype=np.intp))

    def wavefunction(self, z: np.ndarray | float) -> np.ndarray:
        """Return ψ↑(z) and ψ↓(z) of each state, barriers included: (n, 2, len(z)).

        In nm^-1/2, real, with the phase of `amplitude`, at positions in nm; the well is
        0 ≤ z ≤ d.  A `ValueError` if `z` is not a number or a 1D array of finite numbers.
        """
        z = checked_places(z)
        rule, u = self._rule, self.amplitude.T.reshape(2, 2, -1)
        point = rule.at(self.k**2)
        slope = slopes(rule, self.k, u, point.q)
        return values(shapes(u, slope, point), u, point.q, self.well.d, z)

    def spin_density(self, z: np.ndarray | float) -> np.ndarray:
        """Return what each state adds to S_y(z) of Eq. (6), barriers included: (n, len(z)).

        In nm⁻³ per τeE/ħ, at positions that `wavefunction` takes.
        """
        up, down = np.moveaxis(self.wavefunction(z), 1, 0)
        return contribution(self.k[:, None], self.velocity[:, None], 2 * up * down)


def fermi_states(well: Well, E_F: float) -> FermiStates:
    """Return every state of a well at the Fermi energy, in all three kinds.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV, below `Well.continuum_edge`.

    Returns
    -------
    FermiStates
        Of length 0 where ε_F is below every subband.

    Raises
    ------
    ValueError
        If `E_F` is not finite, or not below the lower barrier edge.
    """
    return fermi_states_of([well], well.checked_fermi_energy(E_F))[0]


def fermi_states_of(
    wells: Sequence[Well], E_F: np.ndarray | float, digits: bool = True
) -> list[FermiStates]:
    """Return of each of many wells what `fermi_states` does, solved together.

    `E_F` is the Fermi energy in eV, one for all or one for each; `digits` is that of
    `search.solve`: without it `certified` says nothing of the digits of k.
    """
    energies = [
        well.checked_fermi_energy(energy)
        for well, energy in zip(wells, np.broadcast_to(E_F, len(wells)), strict=True)
    ]
    c = np.array([well.c for well in wells])
    roots, doubt = solve(Rule.of_wells(wells, np.array(energies)), digits=digits)
    return [
        FermiStates(
            wells[i],
            energies[i],
            roots.k[some],
            c[i] * roots.velocity_over_c[some],
            roots.amplitude[some],
            2 * roots.overlap[some],
            DOUBTS[doubt[i]],
        )
        for i, some in groups(roots.well, len(wells))
    ]


def groups(place: np.ndarray, number: int) -> Iterator[tuple[int, slice]]:
    """Yield each well and where its states are; `place` is ascending."""
    ends = np.searchsorted(place, np.arange(number + 1))
    return enumerate(map(slice, ends[:-1], ends[1:]))
