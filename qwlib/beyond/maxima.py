"""Maxima of a function that takes a well or more for each value: from a grid, then refined."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

if TYPE_CHECKING:
    from collections.abc import Callable


class Maximum(NamedTuple):
    """Where a function is largest, and how large."""

    x: float
    y: float


def refined(function: Callable[[float], float], low: float, high: float) -> Maximum:
    """Return the maximum of a function between two places, its place to 1e-7 of their unit."""
    best = minimize_scalar(
        lambda x: -function(x), bounds=(low, high), method="bounded", options={"xatol": 1e-7}
    )
    return Maximum(float(best.x), float(-best.fun))


def local_maxima(
    function: Callable[[float], float], grid: np.ndarray, values: np.ndarray | None = None
) -> list[Maximum]:
    """Return the local maxima of a function on a grid, refined between its points.

    Parameters
    ----------
    function : callable
        Of one number.
    grid : 1D float array
        Ascending; a maximum at either end does not count.
    values : 1D float array, optional
        Of the function on the grid, where they are known.

    Returns
    -------
    list of Maximum
        Ascending in place; where the function jumps down, the upper edge of the step.
    """
    y = np.array([function(x) for x in grid]) if values is None else np.asarray(values)
    inner = np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]))
    return [refined(function, grid[i], grid[i + 2]) for i in inner]
