"""The quantum well of Sec. II of arXiv:1907.07116: its parameters, checked, and its constants.

Energies are in eV, counted from the floor of the well at Δ = 0; lengths are in nm, wave numbers in
1/nm.
A Rashba parameter multiplies the wave number k, so it is in eV·nm².
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

HBAR, CHARGE = 6.62607015e-34 / (2 * math.pi), 1.602176634e-19
"""ħ in J s and e in C, exact in the SI.  Written out, as SciPy takes long to import."""

ELECTRON_MASS = 9.1093837139e-31
"""mₑ in kg, CODATA 2022.  SciPy's follows the adjustment of its day, and the ninth digit of a
result would depend on its version."""

HBAR2_OVER_2ME = HBAR**2 / (2 * ELECTRON_MASS * CHARGE) * 1e18
"""ħ²/2mₑ in eV·nm²."""

EXCHANGE = ("everywhere", "ferromagnet")
"""Where the exchange acts: as Eq. (2) is printed, or in the ferromagnet alone as its text says."""

THINNEST = 1e-150
"""Smallest width in nm: the scale 1/d² of wave numbers has to be a number."""


class Quantity(NamedTuple):
    """What a parameter is: its symbol, its unit, its meaning, and whether it must be > 0."""

    symbol: str
    unit: str
    meaning: str
    positive: bool = False


PARAMETERS = {
    "d": Quantity("d", "nm", "width of the well", positive=True),
    "V_L": Quantity("V_L", "eV", "height of the left barrier, from the floor of the well", True),
    "V_R": Quantity("V_R", "eV", "height of the right barrier, from the floor of the well", True),
    "Delta": Quantity("Δ", "eV", "exchange energy"),
    "alpha_L": Quantity("α_L", "eV nm^2", "Rashba parameter of the left interface"),
    "alpha_R": Quantity("α_R", "eV nm^2", "Rashba parameter of the right interface"),
    "mass": Quantity("mass", "m_e", "effective mass", positive=True),
    "exchange": Quantity("exchange", "", "where the exchange acts"),
    "E_F": Quantity("ε_F", "eV", "Fermi energy, from the floor of the well at Δ = 0"),
}
"""The fields of `Well`, and the Fermi energy that goes with it."""


def half_inverse_mass(mass):
    """Return c = ħ²/2m in eV·nm² of a mass in mₑ, or of an array of them."""
    return HBAR2_OVER_2ME / mass


def exchange_in_barriers(Delta, exchange):
    """Return the exchange energy in the insulators: Δ or 0, as `exchange` says, of arrays too."""
    return np.where(np.asarray(exchange) == EXCHANGE[0], Delta, 0.0)[()]


class UnboundedSpectrumWarning(UserWarning):
    """A Rashba parameter is at or above ħ²/m.

    Above it the δ-function model has no lowest energy; at it an interface band turns flat.
    """


def check_names(given: Iterable[str], known: Collection[str]) -> None:
    """Raise a `ValueError` if one of the names is that of no parameter known."""
    for name in given:
        if name not in known:
            raise ValueError(f"{name} is not a parameter of a well; they are {', '.join(known)}")


def checked_number(name: str, value: Any, unit: str) -> float:
    """Return `value` as a float; a `ValueError` if it is not one finite real number."""
    allowed = f"{name} must be a finite real number" + (f" in {unit}" if unit else "")
    # A bool of NumPy would pass as 1, and a complex number lose its imaginary part.
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    other = isinstance(value, (str, bytes, bytearray, memoryview, bool)) or kind not in "iuf"
    if other or np.ndim(value) != 0 or np.ma.is_masked(value):
        raise ValueError(f"{allowed}, got {written(value)}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{allowed}, got {written(value)}") from None
    if not math.isfinite(number):
        raise ValueError(f"{allowed}, got {written(value)}")
    return number


def written(value: Any) -> str:
    """Return a value as people write it: 4.0, whether it is Python's or NumPy's."""
    return repr(value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value)


def checked_numbers(
    name: str, value: Any, unit: str, also: str = "", flat: bool = False
) -> np.ndarray:
    """Return `value` as a float array; a `ValueError` if it is none of finite real numbers.

    With `flat` it may have one dimension at most; `also` is what else the message says.
    """
    allowed = f"{name} must be finite real numbers in {unit}{also}"
    try:
        array = np.asarray(value)
    except ValueError:  # of unlike lengths
        raise ValueError(f"{allowed}, got {value!r}") from None
    plain = not isinstance(value, (bytearray, memoryview)) and not np.ma.is_masked(value)
    with np.errstate(over="ignore"):
        known = plain and array.dtype.kind in "iuf" and np.isfinite(array.astype(float)).all()
    if not known or (flat and array.ndim > 1):
        raise ValueError(f"{allowed}, got {written(value)}")
    return array.astype(float)


def checked_places(z: Any) -> np.ndarray:
    """Return places in nm as a 1D array; a `ValueError` if they are not finite real numbers."""
    return np.atleast_1d(checked_numbers("z", z, "nm", ", one or a 1D array", flat=True))


@dataclass(frozen=True)
class Well:
    """A ferromagnetic layer between two insulators, with Rashba coupling at both interfaces.

    The Hamiltonian is that of Eqs. (1)-(4), with the magnetisation along z.
    The defaults are the well of Fig. 2(a).

    Parameters
    ----------
    d : float
        Width of the well in nm, > 0 (at least 1e-150).
    V_L, V_R : float
        Heights of the left and right barrier in eV, > 0, from the floor of the well at Δ = 0, as
        all energies.
    Delta : float
        Exchange energy Δ in eV, of either sign: spin s = ±1 is shifted by sΔ.
    alpha_L, alpha_R : float
        Rashba parameters α_L, α_R in eV·nm², of either sign.
    mass : float
        Effective mass in units of the electron's, > 0, the same in all layers.
    exchange : {"everywhere", "ferromagnet"}
        Whether Δ acts in the insulators too, as Eq. (2) is printed, or in the ferromagnet
        alone, as the text below it says.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what is allowed.

    Warns
    -----
    UnboundedSpectrumWarning
        If |α_L| or |α_R| is at least `critical_rashba`.

    Examples
    --------
    >>> well = Well(d=3.0, alpha_L=0.01, alpha_R=-0.01)
    >>> well.replace(d=2.0).d
    2.0
    >>> round(well.critical_rashba, 4)
    0.0762
    """

    d: float = 2.2
    V_L: float = 5.0
    V_R: float = 5.0
    Delta: float = 0.25
    alpha_L: float = 0.046
    alpha_R: float = 0.0
    mass: float = 1.0
    exchange: str = "everywhere"

    def __post_init__(self) -> None:
        for field in fields(self):
            name, of = field.name, PARAMETERS[field.name]
            if name == "exchange":
                continue
            number = checked_number(name, getattr(self, name), of.unit)
            if of.positive and number <= 0:
                to_confine = " to confine (the well's floor is at 0 eV)" if name[0] == "V" else ""
                raise ValueError(f"{name} must be > 0 {of.unit}{to_confine}, got {number!r}")
            if name == "d" and number < THINNEST:
                raise ValueError(f"d must be at least {THINNEST:g} nm, got {number!r}")
            object.__setattr__(self, name, number)
        if not isinstance(self.exchange, str) or self.exchange not in EXCHANGE:
            raise ValueError(f"exchange must be one of {EXCHANGE}, got {self.exchange!r}")
        self._warn_if_unbounded(stacklevel=4)

    def _warn_if_unbounded(self, stacklevel: int) -> None:
        """Warn, in the name of the caller `stacklevel` frames up, past the end of the model."""
        for name in ("alpha_L", "alpha_R"):
            if abs(getattr(self, name)) >= self.critical_rashba:
                warnings.warn(
                    f"|{name}| = {abs(getattr(self, name)):g} eV nm^2 is not below ħ²/m = "
                    f"{self.critical_rashba:.6g} eV nm^2: above it the spectrum of the δ-function "
                    "model has no lower bound",
                    UnboundedSpectrumWarning,
                    stacklevel=stacklevel,
                )

    @property
    def c(self) -> float:
        """ħ²/2m in eV·nm²: the kinetic energy is c k²."""
        return half_inverse_mass(self.mass)

    @property
    def critical_rashba(self) -> float:
        """ħ²/m in eV·nm²: above it, for either |α|, the model has no lowest energy."""
        return 2 * self.c

    @property
    def Delta_barrier(self) -> float:
        """Exchange energy in the insulators, in eV: Δ or 0, as `exchange` says."""
        return float(exchange_in_barriers(self.Delta, self.exchange))

    @property
    def continuum_edge(self) -> float:
        """Lowest energy in eV at which a state is no longer bound: min(V) − |Δ in the barriers|."""
        return min(self.V_L, self.V_R) - abs(self.Delta_barrier)

    def replace(self, **changes: Any) -> Well:
        """Return a copy with some parameters changed, checked like a new one.

        A `ValueError` if a name is not a parameter of a well, or a value is not allowed.
        """
        check_names(changes, asdict(self))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnboundedSpectrumWarning)
            copy = replace(self, **changes)
        copy._warn_if_unbounded(stacklevel=3)
        return copy

    def checked_fermi_energy(self, E_F: float) -> float:
        """Return `E_F` as a float if every state at it is bound: a `ValueError` if it is not.

        It has to be finite and below `continuum_edge`.
        """
        E_F = checked_number("E_F", E_F, "eV")
        if E_F >= self.continuum_edge:
            raise ValueError(
                f"E_F must be below the lower barrier edge, {self.continuum_edge:g} eV from the "
                "floor of the well, where states stop being bound: min(V) less |Δ| in the "
                f"barriers; got {E_F!r} eV"
            )
        return E_F
