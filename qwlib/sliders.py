"""Figures with a slider that need no kernel: their data, computed beforehand, go with the page.

Each function returns a `Slider`, which a notebook shows as HTML: the element `<qw-slider>` with
the data in it as JSON.  `book/_static/sliders.js` draws it; where that does not run, the element
says so and the figure above it stands for it.  Numbers are stored rounded as they are shown, so
that what the page prints is what `qwlib` computes at that position, to every digit.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .kubo import KINDS, fermi_states
from .well import HBAR2_OVER_2ME, Well

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from .kubo import FermiStates

FALLBACK = (
    "Here the built book has a figure with a slider. "
    "It needs JavaScript, no kernel; the figure above shows the same at fixed values."
)
POSITIONS = 241
"""The most positions of a slider over a grid that was computed for a figure."""
SMALLEST = 1e-4
"""The least height of a frame, in nm⁻² or nm⁻³: where there is nothing to see it is not zero."""


@dataclass(frozen=True)
class Slider:
    """What the page needs to draw one of the figures.

    Attributes
    ----------
    data : dict
        Of what JSON can hold; ``data["view"]`` names the figure.
    """

    data: dict

    def __repr__(self) -> str:
        return f"<Slider {self.data['view']!r}>"

    def _repr_html_(self) -> str:
        rows = (f"{json.dumps(key)}: {_lines(value)}" for key, value in self.data.items())
        # The data hold no text but our own; even so, nothing in them may end the element.
        text = "{\n" + ",\n".join(rows).replace("</", "<\\/") + "\n}"
        return (
            f"<qw-slider>\n<p>{FALLBACK}</p>\n"
            f'<script type="application/json">\n{text}\n</script>\n</qw-slider>'
        )


def _lines(value: object) -> str:
    """Return JSON in which each entry of a long list has a line, so that a change is seen."""
    if isinstance(value, list) and len(value) > 12 and isinstance(value[0], (list, dict)):
        return "[\n" + ",\n".join(_compact(entry) for entry in value) + "\n]"
    return _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _scaled(values: object, digits: int) -> list:
    """Return values rounded to so many decimals, as whole numbers of the last of them."""
    return np.rint(np.asarray(values) * 10.0**digits).astype(int).tolist()


def _decimals(values: np.ndarray) -> int:
    """Return how many decimals, up to seven, write these positions in full."""
    return max(len(f"{value:.7f}".rstrip("0").split(".")[1]) for value in values)


def _positions(name: str, values: np.ndarray, start: float) -> dict:
    """Return the part of the data that makes the slider."""
    digits = _decimals(values)
    return {
        "positions": [round(float(value), digits) for value in values],
        "decimals": digits,
        "start": int(np.argmin(np.abs(values - start))),
        "name": name,
    }


def _sums(states: FermiStates) -> list[int]:
    """Return the integrated spin density of all states and of the propagating, 10⁻⁶ nm⁻²."""
    value = states.contribution
    return _scaled([value.sum(), value[states.kind == "propagating"].sum()], 6)


def levels(well: Well, E_F: float) -> Slider:
    """Return Fig. 2 with a slider over α_L: levels, and contributions against κ.

    Parameters
    ----------
    well : Well
        Its `alpha_L`, in eV·nm², is where the slider starts.
    E_F : float
        Fermi energy in eV.

    Returns
    -------
    Slider
        Of each α_L from 0 to just below ħ²/m: the number of states of each kind, their
        chiralities, E in 10⁻⁴ eV and contributions to ∫₀^d S_y dz in 10⁻⁶ nm⁻² per τeE/ħ, in
        ascending order of E; then the sums over all states and over the propagating ones.

    Raises
    ------
    ValueError
        As `fermi_states`.
    """
    limit = well.critical_rashba
    # About 150 positions, one figure apart: 0.0005 eV nm² for the electron's mass.
    step = float(f"{limit / 150:.0e}")
    grid = np.round(np.arange(0, 0.995 * limit, step), 7)
    rows, least, most = [], 0.0, SMALLEST
    for alpha in grid:
        states = fermi_states(well.replace(alpha_L=float(alpha)), E_F)
        value = states.contribution
        if alpha < 0.9 * limit and len(states):  # closer to the end the largest runs away
            least, most = min(least, value.min()), max(most, value.max())
        rows.append(
            [
                [int((states.kind == kind).sum()) for kind in KINDS],
                "".join("-0+"[sign + 1] for sign in states.chirality),
                _scaled(states.E, 4),
                _scaled(value, 6),
                *_sums(states),
            ]
        )
    return Slider(
        {"view": "levels"}
        | _positions("α_L", grid, well.alpha_L)
        | {
            "d": well.d,
            "V": [well.V_L, well.V_R],
            "Delta": abs(well.Delta),
            "E_F": E_F,
            "c": round(well.c, 6),
            "frame": _scaled([1.15 * least, 1.15 * most], 6),
            "rows": rows,
        }
    )


def totals(ds: xr.Dataset) -> Slider:
    """Return Fig. 3(a) with a slider over α_L and a switch for each kind of state.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over `alpha_R` and `alpha_L`.

    Returns
    -------
    Slider
        Of each α_R, with at most `POSITIONS` of the α_L: ∫₀^d S_y dz in 10⁻⁵ nm⁻² per τeE/ħ summed
        over each of the seven choices of kinds, where 1, 2 and 4 stand for propagating, mixed and
        interface; and from which position on there are how many states of each kind.

    Raises
    ------
    ValueError
        If the sweep is over anything else.
    """
    axes = [name for name in ds["spin_density"].dims if name not in ("kind", "chirality")]
    if set(axes) != {"alpha_L", "alpha_R"}:
        raise ValueError(f"ds must be a sweep over alpha_L and alpha_R, got one over {axes}")
    ds = ds.isel(alpha_L=slice(None, None, -(-ds.sizes["alpha_L"] // POSITIONS)))
    ds = ds.sum("chirality").transpose("alpha_R", "kind", "alpha_L")
    spin, number = ds["spin_density"].values, ds["n_states"].values
    chosen = [[bit for bit in range(3) if mask >> bit & 1] for mask in range(1, 8)]
    series = []
    for density, n in zip(spin, number, strict=True):
        change = [0, *np.nonzero(np.any(np.diff(n), axis=0))[0] + 1]
        series.append(
            {
                "sums": [_scaled(density[kinds].sum(axis=0), 5) for kinds in chosen],
                "counts": [[int(i), n[:, i].tolist()] for i in change],
            }
        )
    alpha, span = ds["alpha_L"].values, max(float(np.abs(spin[:, 0]).max()), SMALLEST)
    limit = 2 * HBAR2_OVER_2ME / ds.attrs["mass"]
    return Slider(
        {"view": "totals"}
        | _positions("α_L", alpha, 0.6 * min(limit, alpha[-1]))
        | {
            "limit": round(limit, 6),
            "alpha_R": [round(float(value), 7) for value in ds["alpha_R"].values],
            "frame": _scaled([-1.5 * span, 4 * span], 5),
            "series": series,
        }
    )


def profiles(cases: Mapping[str, Well], E_F: float, d: np.ndarray) -> Slider:
    """Return Fig. 5 with a slider over the width, and a choice of the case.

    Parameters
    ----------
    cases : mapping of str to Well
        The wells by name; their width is not used.
    E_F : float
        Fermi energy in eV.
    d : array_like
        Widths of the well in nm, ascending.

    Returns
    -------
    Slider
        Of each case and width: the numbers of all states and of the propagating ones; the integrals
        of their S_y in 10⁻⁶ nm⁻² per τeE/ħ; and the profiles of both, on a grid of z that has
        `inside` steps in the well and `outside` in either barrier, as 16-bit numbers in base 64
        (one profile where all states propagate).

    Raises
    ------
    ValueError
        As `Well` and `fermi_states`.
    """
    d = np.asarray(d, dtype=float)
    # Twice the largest wave number in the well is 2√(E_F + |Δ|)/√c: six steps to its period.
    fastest = max(np.sqrt(max(E_F + abs(w.Delta), 0.1) / w.c) for w in cases.values())
    inside = np.maximum(20, np.ceil(6 * d * fastest / np.pi)).astype(int)
    outside = np.ceil((0.3 * np.minimum(d, 1.2) + 0.05) * inside / d).astype(int)
    found = []
    for well in cases.values():
        rows = []
        for width, n, pad in zip(d, inside, outside, strict=True):
            states = fermi_states(well.replace(d=float(width)), E_F)
            propagating = states[states.kind == "propagating"]
            # From the nearer end, so that both interfaces are on the grid to the last digit.
            steps = np.arange(-pad, n + pad + 1)
            z = np.where(2 * steps < n, steps * width / n, width - (n - steps) * width / n)
            both = [some.spin_density(z).sum(axis=0) for some in (states, propagating)]
            rows.append(([len(states), len(propagating)], _sums(states), both))
        found.append(rows)
    peak = max(np.abs(both).max() for rows in found for *_, both in rows)
    digits = int(np.floor(np.log10(32767 / max(peak, SMALLEST))))
    return Slider(
        {"view": "profiles"}
        | _positions("d", d, 0.52)
        | {
            "cases": [[name, well.alpha_L, well.alpha_R] for name, well in cases.items()],
            "digits": digits,
            "inside": inside.tolist(),
            "outside": outside.tolist(),
            "rows": [
                [[*numbers, *sums, *_packed(both, numbers, digits)] for numbers, sums, both in rows]
                for rows in found
            ],
        }
    )


def _packed(both: list[np.ndarray], numbers: list[int], digits: int) -> list[str]:
    """Return both profiles as texts, or the first alone if the second is the same."""
    different = both if numbers[0] != numbers[1] else both[:1]
    whole = (np.rint(profile * 10.0**digits).astype("<i2") for profile in different)
    return [base64.b64encode(profile.tobytes()).decode() for profile in whole]
