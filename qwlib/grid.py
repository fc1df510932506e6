"""Many wells at once: the Fermi states and spin density over a grid of parameters."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .kubo import KINDS, chirality, contribution, current, kind_of
from .matching import Rule
from .search import check_number, solve
from .well import (
    PARAMETERS,
    UnboundedSpectrumWarning,
    Well,
    check_names,
    checked_number,
    half_inverse_mass,
)

if TYPE_CHECKING:
    import xarray as xr

CHIRALITIES = (-1, 0, 1)
DEFAULT_FERMI_ENERGY = 3.0  # eV, the paper's
CHUNK = 1024
"""Wells that are solved together: enough to make NumPy's overhead small, few enough for a cache."""

VARIABLES = {"n_states": "i8", "spin_density": "f8", "current": "f8", "certified": "bool"}
"""What a dataset has of each well, by name, with its type."""

ATTRIBUTES = {
    name: {"long_name": long_name, "units": units}
    for name, long_name, units in (
        ("n_states", "number of Fermi states", "1"),
        (
            "spin_density",
            "contribution to the spin density, integrated over the well, over tau e E / hbar",
            "nm^-2",
        ),
        ("current", "contribution to the charge current, over tau e^2 E / hbar^2", "eV"),
        ("certified", "proven that no Fermi state is missing", "1"),
        ("kind", "kind of Fermi state", "1"),
        ("chirality", "sign of the contribution to the spin density", "1"),
        *((name, of.meaning, of.unit or "1") for name, of in PARAMETERS.items() if name != "mass"),
        ("mass", "effective mass, over that of the electron", "1"),  # UDUNITS knows no m_e
    )
}
"""Long name and unit of each variable and coordinate, as CF asks for them: UDUNITS reads these."""

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
    data = {
        name: np.zeros((grid.total, *grid.shape_of(name)[len(grid.axes) :]), kind)
        for name, kind in VARIABLES.items()
    }
    # A bar for a person who waits, not for a notebook's stored output.
    for start in tqdm(range(0, grid.total, CHUNK), unit="chunk", delay=1, disable=None):
        here = slice(start, min(start + CHUNK, grid.total))
        part = solve_columns(full(grid.columns_of(here.start, here.stop)))
        for array, values in zip(data.values(), part, strict=True):
            array[here] = values
    return xr.Dataset(
        {
            name: (grid.dims(name), values.reshape(grid.shape_of(name)), ATTRIBUTES[name])
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
        fixed: dict[str, Any] = asdict(well or Well()) | {"E_F": DEFAULT_FERMI_ENERGY}
        check_names(parameters, fixed)
        axes: dict[str, np.ndarray] = {}
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
        """Return the columns of the wells from `start` up to `stop`; of length 1 if no axis."""
        index = np.arange(start, stop)
        place = np.unravel_index(index, self.shape) if self.axes else ()
        return self.columns | {
            name: self.columns[name][i] for name, i in zip(self.axes, place, strict=True)
        }

    def coordinates(self) -> dict[str, tuple[tuple[str, ...], object, dict[str, str]]]:
        """Return dimensions, values and attributes of each coordinate, of the axes first."""
        values = {
            **{name: ((name,), axis) for name, axis in self.axes.items()},
            "kind": (("kind",), list(KINDS)),
            "chirality": (("chirality",), list(CHIRALITIES)),
            **{name: ((), value) for name, value in self.fixed.items()},
        }
        return {name: (*value, ATTRIBUTES[name]) for name, value in values.items()}


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
    for energy in _telling_values(axes["E_F"]) if "E_F" in axes else [fixed["E_F"]]:
        checked_number("E_F", energy, "eV")
    values = {name: np.atleast_1d((axes | fixed)[name]) for name in [*fields, "E_F"]}
    columns = {n: v if n == "exchange" else v.astype(float) for n, v in values.items()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnboundedSpectrumWarning)
        extreme = Well(
            **{name: min(columns[name]) for name in ("V_L", "V_R", "exchange")},  # "everywhere"
            **{n: np.abs(columns[n]).max() for n in ("Delta", "alpha_L", "alpha_R", "mass")},
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
    return dict(zip(columns, np.broadcast_arrays(*columns.values()), strict=True))


def solve_columns(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return counts, spin densities and currents by kind and chirality, and the certificates.

    Of columns that are checked, the fields of `Well` and `E_F`, each of shape (n,): an int array
    and two float arrays (n, 3, 3), and a bool array (n,), in the order of `VARIABLES`.
    """
    c = half_inverse_mass(columns["mass"])
    roots, doubt = solve(Rule.of(columns, columns["E_F"]))
    n = doubt.size
    E = columns["E_F"][roots.well] - c[roots.well] * roots.k**2
    kind = kind_of(E, columns["Delta"][roots.well])
    spin = contribution(roots.k, roots.velocity_over_c, 2 * roots.overlap)
    carried = current(roots.k, c[roots.well] * roots.velocity_over_c)
    bins = (roots.well * len(KINDS) + kind) * len(CHIRALITIES) + chirality(spin) + 1
    size, shape = n * math.prod(PER_WELL), (n, *PER_WELL)
    return (
        np.bincount(bins, minlength=size).reshape(shape),
        np.bincount(bins, weights=spin, minlength=size).reshape(shape),
        np.bincount(bins, weights=carried, minlength=size).reshape(shape),
        doubt == 0,
    )
