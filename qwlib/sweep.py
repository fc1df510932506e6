"""Many wells at once: the Fermi states and spin density over a grid of parameters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from .kubo import KINDS, SILENT, contribution, current, kind_of
from .matching import Rule
from .states import solve
from .well import EXCHANGE, HBAR2_OVER_2ME, LONG_NAMES, UNITS, UnboundedSpectrumWarning, Well

if TYPE_CHECKING:
    import xarray as xr

CHIRALITIES = (-1, 0, 1)
DEFAULT_FERMI_ENERGY = 3.0  # eV, the paper's
CHUNK = 1024
"""Wells that are solved together: enough to make NumPy's overhead small, few enough for a cache."""

VARIABLES = {
    "n_states": ("number of Fermi states", "1"),
    "spin_density": (
        "contribution to the spin density, integrated over the well",
        "nm^-2 per tau e E / hbar",
    ),
    "current": ("contribution to the charge current", "eV per tau e^2 E / hbar^2"),
}


def sweep(**parameters: object) -> xr.Dataset:
    """Solve every well of a grid.

    Parameters
    ----------
    **parameters
        `E_F` in eV or any field of `Well`: a value, or a 1D array_like of values that becomes an
        axis.  What is not given keeps the default of `Well`, and 3 eV for `E_F`.

    Returns
    -------
    xarray.Dataset
        `n_states`, `spin_density` (∫₀^d S_y dz of Eq. (6), in nm⁻² per τeE/ħ) and `current` over
        the axes in the order given, and over `kind` and `chirality`; `certified` over the axes
        alone.  Summed over `kind` and `chirality` they are the physical totals;
        ``.sel(kind="propagating")`` is what the paper counts.

    Raises
    ------
    ValueError
        If a name is not a parameter, an axis is empty or not one-dimensional, or any well of the
        grid is not allowed.

    Warns
    -----
    UnboundedSpectrumWarning
        Once, if any well of the grid is at or past |α| = ħ²/m.
    """
    import xarray as xr
    from tqdm import tqdm

    known = [*Well.__dataclass_fields__, "E_F"]
    for name in parameters:
        if name not in known:
            raise ValueError(f"{name} is not a parameter of a well; they are {', '.join(known)}")
    axes, fixed = {}, {"E_F": DEFAULT_FERMI_ENERGY}
    for name, value in parameters.items():
        if isinstance(value, str) or np.ndim(value) == 0:
            fixed[name] = value.item() if isinstance(value, np.ndarray) else value
        elif np.ndim(value) != 1 or np.size(value) == 0:
            raise ValueError(
                f"{name} must be one value or a non-empty 1D list of values, "
                f"got an array of shape {np.shape(value)}"
            )
        else:
            axes[name] = np.asarray(value)
            fixed.pop(name, None)
    shape = tuple(axis.size for axis in axes.values())
    total = int(np.prod(shape, dtype=np.int64))
    columns = _checked_columns(axes, fixed)

    counts = np.zeros((total, len(KINDS), len(CHIRALITIES)), dtype=np.int64)
    spins = np.zeros(counts.shape)
    currents = np.zeros(counts.shape)
    certified = np.zeros(total, dtype=bool)
    # A bar for a person who waits, not for a notebook's stored output.
    for start in tqdm(range(0, total, CHUNK), unit="chunk", delay=1, disable=None):
        index = np.arange(start, min(start + CHUNK, total))
        place = np.unravel_index(index, shape) if shape else ()
        at = dict(zip(axes, place, strict=True))
        chunk = {
            name: column[at[name]] if name in at else np.full(index.size, column[0])
            for name, column in columns.items()
        }
        part = solve_columns(chunk)
        stop = start + index.size
        counts[start:stop], spins[start:stop], currents[start:stop], certified[start:stop] = part

    dims = (*axes, "kind", "chirality")
    full = (*shape, len(KINDS), len(CHIRALITIES))
    data = dict(zip(VARIABLES, (counts, spins, currents), strict=True))
    ds = xr.Dataset(
        {
            name: (
                dims,
                values.reshape(full),
                dict(zip(("long_name", "units"), VARIABLES[name], strict=True)),
            )
            for name, values in data.items()
        }
        | {
            "certified": (
                tuple(axes),
                certified.reshape(shape),
                {"long_name": "proven that no Fermi state is missing", "units": "1"},
            )
        },
        coords={
            name: (name, axis, {"long_name": LONG_NAMES[name], "units": UNITS[name] or "1"})
            for name, axis in axes.items()
        }
        | {
            "kind": ("kind", list(KINDS), {"long_name": "kind of Fermi state", "units": "1"}),
            "chirality": (
                "chirality",
                list(CHIRALITIES),
                {"long_name": "sign of the contribution to the spin density", "units": "1"},
            ),
        },
    )
    defaults = {name: field.default for name, field in Well.__dataclass_fields__.items()}
    ds.attrs = {name: value for name, value in (defaults | fixed).items() if name not in axes}
    return ds


def _checked_columns(axes: dict, fixed: dict) -> dict[str, np.ndarray]:
    """Return each parameter as a float column of its axis, or of length 1, all wells allowed.

    What can be wrong with a well is wrong with one value of one parameter, but for two limits that
    are tested on the extreme values: ε_F against the barriers, and |α| against ħ²/m.
    """
    fields = [name for name in Well.__dataclass_fields__]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        base = {name: value for name, value in fixed.items() if name in fields}
        Well(**base)
        for name, axis in axes.items():
            if name != "E_F":
                for value in _telling_values(axis):
                    Well(**{name: value})
    defaults = {name: field.default for name, field in Well.__dataclass_fields__.items()}
    values = {
        name: np.atleast_1d(axes.get(name, fixed.get(name, defaults.get(name))))
        for name in [*fields, "E_F"]
    }
    columns = {n: v if n == "exchange" else v.astype(float) for n, v in values.items()}
    strongest = max(np.abs(columns["alpha_L"]).max(), np.abs(columns["alpha_R"]).max())
    everywhere = EXCHANGE[0] in columns["exchange"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        lowest = Well(
            V_L=columns["V_L"].min(),
            V_R=columns["V_R"].min(),
            Delta=np.abs(columns["Delta"]).max(),
            exchange="everywhere" if everywhere else "ferromagnet",
        )
        heaviest = Well(mass=columns["mass"].max())
    for energy in _telling_values(values["E_F"]):
        lowest.checked_fermi_energy(energy)
    if strongest >= heaviest.critical_rashba:
        warnings.warn(
            f"|alpha| up to {strongest:g} eV nm^2 is not below ħ²/m = "
            f"{heaviest.critical_rashba:.6g} eV nm^2: the spectrum of the δ-function model has no "
            "lower bound there",
            UnboundedSpectrumWarning,
            stacklevel=3,
        )
    return columns


def _telling_values(axis: np.ndarray) -> list:
    """Return values of an axis among which is one that is not allowed, if there is any."""
    if axis.dtype.kind not in "iuf":
        return axis.tolist()
    infinite = axis[~np.isfinite(axis)]
    return infinite[:1].tolist() or [axis.min().item(), axis.max().item()]


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
    c = HBAR2_OVER_2ME / columns["mass"]
    barrier = np.where(columns["exchange"] == EXCHANGE[0], columns["Delta"], 0.0)
    columns = columns | {"c": c, "Delta_barrier": barrier}
    roots, certified = solve(Rule.of(columns, columns["E_F"]))
    n = certified.size
    E = columns["E_F"][roots.well] - c[roots.well] * roots.k**2
    kind = kind_of(E, columns["Delta"][roots.well])
    spin = contribution(roots.k, roots.velocity, 2 * roots.overlap)
    carried = current(roots.k, c[roots.well] * roots.velocity)
    sign = np.where(np.abs(spin) < SILENT, 0, np.sign(spin)).astype(np.int64)
    bins = (roots.well * len(KINDS) + kind) * len(CHIRALITIES) + sign + 1
    size, shape = n * 9, (n, len(KINDS), len(CHIRALITIES))
    return (
        np.bincount(bins, minlength=size).reshape(shape),
        np.bincount(bins, weights=spin, minlength=size).reshape(shape),
        np.bincount(bins, weights=carried, minlength=size).reshape(shape),
        certified,
    )
