"""The Fermi states of one well, as the command line shows them: a table, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from .. import __version__
from ..kubo import FermiStates

COLUMNS = {
    "k": "1/nm",
    "E": "eV",
    "velocity": "eV nm",
    "contribution": "1/nm^2",
    "current": "eV",
    "kind": "",
    "chirality": "",
}
"""What is told of each state, with its unit; two of them are over τeE/ħ and τe²E/ħ²."""

DIGITS = 6


def rows_of(states: FermiStates) -> list[tuple]:
    """Return the values of `COLUMNS`, a row for each state."""
    return [*zip(*(getattr(states, name).tolist() for name in COLUMNS), strict=True)]


def as_json(states: FermiStates) -> str:
    """Return well, ε_F, units and states with all digits; a program reads it."""
    found = {
        "qwlib": __version__,
        "well": asdict(states.well),
        "E_F": states.E_F,
        "certified": states.certified,
        "spin_density": float(states.contribution.sum()),
        "current": float(states.current.sum()),
        "units": {name: unit for name, unit in COLUMNS.items() if unit},
        "states": [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(states)],
    }
    return json.dumps(found, indent=1)


def as_table(states: FermiStates) -> str:
    """Return a line for each state, and what they add up to."""
    heads = [f"{name} ({unit})" if unit else name for name, unit in COLUMNS.items()]
    rows = [heads]
    for row in rows_of(states):
        rows.append([f"{x:.{DIGITS}g}" if isinstance(x, float) else str(x) for x in row])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
    proof = "proven complete" if states.certified else f"not proven complete: {states.doubt}"
    total = f"{states.contribution.sum():.{DIGITS}g} 1/nm^2 per τeE/ħ"
    return "\n".join([*lines, f"{len(states)} states, {proof}; spin density {total}"])
