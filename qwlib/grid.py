"""Many wells at once: the Fermi states and spin density over a grid of parameters."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .kubo import KINDS, SILENT, contribution, current, kind_of
from .matching import Rule
from .search import check_number, solve
from .well import PARAMETERS, UnboundedSpectrumWarning, Well, checked_number, half_inverse_mass

if TYPE_CHECKING:
    import xarray as xr

CHIRALITIES = (-1, 0, 1)
DEFAULT_FERMI_ENERGY = 3.0  # eV, the paper's
CHUNK = 1024
"""Wells that are solved together: enough to make NumPy's overhead small, few enough for a cache."""

VARIABLES = {
    "n_states": ("number of Fermi states", "1"),
    "spin_density": (
        "contribution to the spin density, integrated over the well, over tau e E / hbar",
        "nm^-2",
    ),
    "current": ("contribution to the charge current, over tau e^2 E / hbar^2", "eV"),
    "certified": ("proven that no Fermi state is missing", "1"),
}
"""Long name and unit of each; the units are such as UDUNITS reads, which CF asks for."""

PER_WELL = (len(KINDS), len(CHIRALITIES))
"""Shape of what a well has of each variable but `certified`, which is one truth value."""


def sweep(well: Well | None = None, **parameters: Any) -> xr.Dataset:
    """Solve every well of a grid.

    Parameters
    ----------
    well : Well, optional
        Gives what `parameters` do not; left out, the defaults of `Well` do.
    **parameters
        `E_F` in eV or any field of `Well`: a value, or a 1D array_like of values that becomes an
        axis.  `E_F` is 3 eV if it is not given.

    Returns
    -------
    xarray.Dataset
        `n_states`, `spin_density` (∫₀^d S_y dz of Eq. (6), in nm⁻² per τeE/ħ) and `current` over
        the axes in the order given, and over `kind` and `chirality`; `certified` over the axes
        alone.  Summed over `kind` and `chirality` they are the physical totals;
        ``.sel(kind="propagating")`` is what the paper counts.  Parameters that are no axis are
        coordinates of one value.

    Raises
    ------
    ValueError
        If `well` is no well, a name is not a parameter, an axis is empty or not one-dimensional,
        or any well of the grid is not allowed.

    Warns
    -----
    UnboundedSpectrumWarning
        Once, if any well of the grid is at or past |α| = ħ²/m.
    """
    import xarray as xr
    from tqdm import tqdm

    grid = Grid.of(parameters, well)
    counts = np.zeros((grid.total, *PER_WELL), dtype=np.int64)
    spins = np.zeros(counts.shape)
    currents = np.zeros(counts.shape)
    certified = np.zeros(grid.total, dtype=bool)
    # A bar for a person who waits, not for a notebook's stored output.
    for start in tqdm(range(0, grid.total, CHUNK), unit="chunk", delay=1, disable=None):
        here = slice(start, min(start + CHUNK, grid.total))
        part = solve_columns(full(grid.columns_of(here.start, here.stop)))
        counts[here], spins[here], currents[here], certified[here] = part

    data = dict(zip(VARIABLES, (counts, spins, currents, certified), strict=True))
    return xr.Dataset(
        {
            name: (
                grid.dims(name),
                values.reshape(grid.shape_of(name)),
                description(*VARIABLES[name]),
            )
            for name, values in data.items()
        },
        coords=grid.coordinates(),
        attrs=about(),
    )


def about() -> dict[str, str]:
    """Return the attributes that say what a dataset is, and where from."""
    from . import __version__  # which is known when all modules are

    return {
        "Conventions": "CF-1.11",
        "title": "Fermi states of magnetic quantum wells, and the spin density that a current "
        "drives in them",
        "source": f"qwlib {__version__}",
        "references": "arXiv:1907.07116",
    }


def description(long_name: str, units: str) -> dict[str, str]:
    """Return the attributes that say what a variable is."""
    return {"long_name": long_name, "units": units}


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of wells that are all allowed.

    Attributes
    ----------
    axes : dict
        The values of each parameter that has several, 1D arrays, in the order of the dimensions.
    fixed : dict
        The value of each field of `Well`, and of ``E_F``, that is no axis.
    columns : dict
        Each field of `Well` and ``E_F`` as an array: its axis, or its one value.
    """

    axes: dict[str, np.ndarray]
    fixed: dict[str, object]
    columns: dict[str, np.ndarray]

    @classmethod
    def of(cls, parameters: dict[str, Any], well: Well | None = None) -> Grid:
        """Check what `sweep` takes, and warn as it does."""
        if not (well is None or isinstance(well, Well)):
            raise ValueError(f"well must be a Well, got {well!r}")
        base = {name: field.default for name, field in Well.__dataclass_fields__.items()}
        base |= {} if well is None else asdict(well)
        known = [*base, "E_F"]
        for name in parameters:
            if name not in known:
                raise ValueError(
                    f"{name} is not a parameter of a well; they are {', '.join(known)}"
                )
        axes: dict[str, np.ndarray] = {}
        fixed = base | {"E_F": DEFAULT_FERMI_ENERGY}
        for name, given in parameters.items():
            value = _as_axis(given) if isinstance(given, (list, tuple)) else given
            if isinstance(value, (str, bytes, bytearray, memoryview)) or np.ndim(value) == 0:
                fixed[name] = value[()] if isinstance(value, np.ndarray) else value
            elif np.ndim(value) != 1 or np.size(value) == 0 or np.ma.is_masked(value):
                raise ValueError(
                    f"{name} must be one value or a non-empty 1D list of values, "
                    f"got an array of shape {np.shape(value)}"
                )
            else:
                axes[name] = np.asarray(value)
                del fixed[name]
        return cls(axes, fixed, _checked_columns(axes, fixed))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(axis.size for axis in self.axes.values())

    @property
    def total(self) -> int:
        """How many wells there are; they are numbered with the last axis running fastest."""
        return math.prod(self.shape)

    def dims(self, variable: str) -> tuple[str, ...]:
        """Return the dimensions of one of `VARIABLES`."""
        return (*self.axes, *(() if variable == "certified" else ("kind", "chirality")))

    def shape_of(self, variable: str) -> tuple[int, ...]:
        """Return the shape of one of `VARIABLES`."""
        return self.shape if variable == "certified" else (*self.shape, *PER_WELL)

    def columns_of(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Return the parameters of the wells from `start` up to `stop`.

        Those that are no axis are arrays of length 1, which `full` repeats.
        """
        index = np.arange(start, stop)
        place = np.unravel_index(index, self.shape) if self.axes else ()
        at = dict(zip(self.axes, place, strict=True))
        return {
            name: column[at[name]] if name in at else column
            for name, column in self.columns.items()
        }

    def coordinates(self) -> dict[str, tuple[tuple[str, ...], object, dict[str, str]]]:
        """Return dimensions, values and attributes of each coordinate.

        A parameter that is no axis has one value and no dimension.
        """

        def parameter(name: str) -> dict[str, str]:
            _, unit, meaning, _ = PARAMETERS[name]
            if unit == "m_e":  # which UDUNITS does not know
                return description(f"{meaning}, over that of the electron", "1")
            return description(meaning, unit or "1")

        sign = description("sign of the contribution to the spin density", "1")
        return {
            **{name: ((name,), axis, parameter(name)) for name, axis in self.axes.items()},
            "kind": (("kind",), list(KINDS), description("kind of Fermi state", "1")),
            "chirality": (("chirality",), list(CHIRALITIES), sign),
            **{name: ((), value, parameter(name)) for name, value in self.fixed.items()},
        }


def _checked_columns(axes: dict, fixed: dict) -> dict[str, np.ndarray]:
    """Return each parameter as a float column of its axis, or of length 1, all wells allowed.

    What can be wrong with a well is wrong with one value of one parameter, but for three limits
    that are tested on the extreme values: ε_F against the barriers, |α| against ħ²/m, and how many
    states the solver can find.
    """
    fields = list(Well.__dataclass_fields__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        Well(**{name: value for name, value in fixed.items() if name != "E_F"})
        for name, axis in axes.items():
            if name != "E_F":
                for value in _telling_values(axis):
                    Well(**{name: value})
    energies = _telling_values(axes["E_F"]) if "E_F" in axes else [fixed["E_F"]]
    for energy in energies:
        checked_number("E_F", energy, "eV")
    values = {name: np.atleast_1d((axes | fixed)[name]) for name in [*fields, "E_F"]}
    columns = {n: v if n == "exchange" else v.astype(float) for n, v in values.items()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnboundedSpectrumWarning)
        extreme = Well(
            V_L=columns["V_L"].min(),
            V_R=columns["V_R"].min(),
            Delta=np.abs(columns["Delta"]).max(),
            alpha_L=np.abs(columns["alpha_L"]).max(),
            alpha_R=np.abs(columns["alpha_R"]).max(),
            mass=columns["mass"].max(),
            exchange=min(columns["exchange"]),  # "everywhere", if it is there
        )
    for energy in _telling_values(values["E_F"]):
        extreme.checked_fermi_energy(energy)
    # The one of most states is a well of the grid too: one spin has most of them where |Δ| is
    # largest, both together where it is smallest.
    sizes = np.abs(columns["Delta"])
    largest = {name: column[:1] for name, column in columns.items()} | {
        "d": columns["d"].max(keepdims=True),
        "mass": columns["mass"].max(keepdims=True),
        "Delta": np.array([sizes.min(), sizes.max()]),
    }
    check_number(Rule.of(largest, columns["E_F"].max()), 0.0, "E_F")
    for warning in caught[:1]:
        warnings.warn(warning.message, stacklevel=4)
    return columns


def _as_axis(values: list | tuple) -> np.ndarray:
    """Return values as an array, each as it is where NumPy would make a number of what is none."""
    numbers = all(isinstance(v, (int, float, str, np.number, list, tuple)) for v in values)
    if numbers and not any(isinstance(v, bool) for v in values):
        return np.asarray(values)
    axis = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        axis[i] = value
    return axis


def _telling_values(axis: np.ndarray) -> list:
    """Return values of an axis among which is one that is not allowed, if there is any."""
    if axis.dtype.kind not in "iuf":
        return axis.tolist() if axis.dtype.kind in "OU" else [*axis]
    infinite = axis[~np.isfinite(axis)]
    return infinite[:1].tolist() or [axis.min().item(), axis.max().item()]


def full(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return columns of one length: what has a single value is repeated."""
    n = max(column.size for column in columns.values())
    return {
        name: column if column.size == n else np.full(n, column[0])
        for name, column in columns.items()
    }


def solve_columns(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return counts, spin densities and currents by kind and chirality, and the certificates.

    Parameters
    ----------
    columns : dict
        The fields of `Well` and `E_F`, each an array of shape (n,), already checked.

    Returns
    -------
    n_states : int array (n, 3, 3)
    spin_density, current : float arrays (n, 3, 3)
    certified : bool array (n,)
    """
    c = half_inverse_mass(columns["mass"])
    roots, doubt = solve(Rule.of(columns, columns["E_F"]))
    n = doubt.size
    E = columns["E_F"][roots.well] - c[roots.well] * roots.k**2
    kind = kind_of(E, columns["Delta"][roots.well])
    spin = contribution(roots.k, roots.velocity_over_c, 2 * roots.overlap)
    carried = current(roots.k, c[roots.well] * roots.velocity_over_c)
    sign = np.where(np.abs(spin) < SILENT, 0, np.sign(spin)).astype(np.intp)
    bins = (roots.well * len(KINDS) + kind) * len(CHIRALITIES) + sign + 1
    size, shape = n * math.prod(PER_WELL), (n, *PER_WELL)
    return (
        np.bincount(bins, minlength=size).reshape(shape),
        np.bincount(bins, weights=spin, minlength=size).reshape(shape),
        np.bincount(bins, weights=carried, minlength=size).reshape(shape),
        doubt == 0,
    )
