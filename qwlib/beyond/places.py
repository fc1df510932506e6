"""Where something happens along one parameter: maxima, zeros and steps, from a grid, then refined.

The functions are such that each value takes a well or more to be solved.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


class Maximum(NamedTuple):
    """Where a function is largest, and how large."""

    x: float
    y: float


def refined(function: Callable[[float], float], low: float, high: float) -> Maximum:
    """Return the maximum of a function between two places, its place to 1e-7 of their unit."""
    from scipy.optimize import minimize_scalar

    best = minimize_scalar(
        lambda x: -function(x), bounds=(low, high), method="bounded", options={"xatol": 1e-7}
    )
    return Maximum(float(best.x), float(-best.fun))


def refined_together(
    function: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return where each of n functions is largest between two places, to 1e-7 of their unit.

    `function` takes some places for each, (m, n), and returns their values: wells that are solved
    for together take a fraction of the time.
    """
    while (high - low).max(initial=0.0) > 1e-7:
        x = np.linspace(low, high, 11)
        top = 1 + function(x[1:-1]).argmax(axis=0)
        low, high = (np.take_along_axis(x, (top + s)[None], axis=0)[0] for s in (-1, 1))
    return (low + high) / 2


def peaks(y: np.ndarray) -> np.ndarray:
    """Return the indices of the local maxima of points, of which neither end is one."""
    return 1 + np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]))


def local_maxima(
    function: Callable[[float], float], grid: np.ndarray, values: np.ndarray | None = None
) -> list[Maximum]:
    """Return the local maxima of a function on a grid, ascending, refined between its points.

    Neither end of the grid, which ascends, counts; where the function jumps down a maximum is the
    upper edge of the step.  `values` are those on the grid, where they are known.
    """
    y = np.array([function(x) for x in grid]) if values is None else np.asarray(values)
    return [refined(function, grid[i - 1], grid[i + 1]) for i in peaks(y)]


def bend(x: np.ndarray, y: np.ndarray) -> float:
    """Return how far y is from the straight line that it is least far from, over its range."""
    from scipy.optimize import minimize_scalar

    x, y = x / np.ptp(x), y / (np.ptp(y) or 1.0)
    slopes = np.diff(y) / np.diff(x)
    ends = float(slopes.min()), float(slopes.max())
    best = minimize_scalar(lambda slope: np.ptp(y - slope * x), bounds=ends, method="bounded")
    return float(best.fun / 2)


def zeros(function: Callable[[float], float], grid: np.ndarray, values: np.ndarray) -> list[float]:
    """Return where a function changes its sign, or jumps past zero, to 1e-12 of its unit.

    The grid ascends, and `values` are those on it.  Where the function has no value, as a mean over
    no state, it has no zero.
    """
    from scipy.optimize import brentq

    is_number = np.isfinite(values[:-1]) & np.isfinite(values[1:])
    found = []
    for n in np.flatnonzero(is_number & ((values[:-1] < 0) != (values[1:] < 0))):
        with suppress(ValueError):  # on the way it has no value
            found.append(brentq(function, grid[n], grid[n + 1], xtol=1e-12))
    return found


def below_zero(
    grid: np.ndarray, values: np.ndarray, zeros: list[float]
) -> list[tuple[float, float]]:
    """Return the ranges in which values on a grid are negative, each to a zero or a point of it.

    The zeros are those that `zeros` finds.  At the edge of a gap without values there is none.
    """
    negative = np.concatenate([[False], values < 0, [False]])
    ends = np.flatnonzero(negative[1:] != negative[:-1])
    room = np.concatenate([grid[:1], grid, grid[-1:]])  # a point more at each end
    found = []
    for first, after in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True):
        low, high = grid[first], grid[after - 1]
        before = [z for z in zeros if room[first] <= z <= low]
        beyond = [z for z in zeros if high <= z <= room[after + 1]]
        found.append((float((before or [low])[0]), float((beyond or [high])[0])))
    return found


def steps(function: Callable[[float], int], grid: np.ndarray) -> list[float]:
    """Return where a number changes along a grid, each to a millionth of the step of the grid."""
    values, found = [function(x) for x in grid], []
    for low, high, a, b in zip(grid, grid[1:], values, values[1:], strict=False):
        if a == b:
            continue
        for _ in range(20):  # halving
            middle = (low + high) / 2
            low, high = (middle, high) if function(middle) == a else (low, middle)
        found.append(float(high))
    return found


def best(
    function: Callable[[float], float], grid: np.ndarray, values: np.ndarray
) -> tuple[str, float]:
    """Return where a function is largest, in words and as a number: at an end, or refined inside.

    The words are "lowest", "highest", or the number with two decimals; "none" and nan where the
    function has no value anywhere.
    """
    if not np.isfinite(values).any():
        return "none", float("nan")
    i = int(np.nanargmax(values))
    if i in (0, len(grid) - 1):
        return "highest" if i else "lowest", float(grid[i])
    place = refined(function, grid[i - 1], grid[i + 1]).x
    return f"{place:.2f}", place


def slope(x: np.ndarray, y: np.ndarray, place: float) -> float:
    """Return dy/dx on the left of a place, from the points of a curve."""
    i = max(int(np.searchsorted(x, place)), 1)
    return float((y[i] - y[i - 1]) / (x[i] - x[i - 1]))


def nth(values: ArrayLike, i: int) -> np.ndarray | float:
    """Return value number i, from 0, of several, one for each state; nan where there are fewer.

    So a state of a well can be followed into wells that do not have it.
    """
    of = np.asarray(values)
    return of[i] if i < len(of) else np.full(of.shape[1:], np.nan)[()]


def over(part: Any, whole: ArrayLike) -> Any:
    """Return part/whole, nan where the whole is 0: a share of nothing has no value."""
    some = np.asarray(whole, dtype=float)
    return part / np.where(some == 0, np.nan, some)[()]
