"""What the paper asserts, what the solver says to it, and the verdict that follows.

`claims.toml` holds each statement: the paper's value, which function of this module computes ours,
how close is close enough, and the verdict as the book words it.  Nothing in it decides a verdict:
`verdict_of` does, from numbers.  A statement is computed twice, once with all Fermi states and once
with the propagating ones alone, and, where the text leaves open what it speaks of, once for each
reading.
"""

from __future__ import annotations

import functools
import re
import tomllib
import warnings
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np
from scipy.optimize import bisect

from ..beyond.interband import damping_like
from ..beyond.places import local_maxima
from ..beyond.thresholds import rashba_at
from ..grid import sweep
from ..kubo import SILENT, FermiStates, contribution, fermi_states
from ..well import UnboundedSpectrumWarning, Well
from .tables import number

REPRODUCED = "reproduced"
PROPAGATING = "only for propagating states"
NOT = "not reproduced"
UNDECIDABLE = "not decidable from the text"
VERDICTS = (REPRODUCED, PROPAGATING, NOT, UNDECIDABLE)
ELSEWHERE = "speaks of the paper's well alone"
"""Instead of a verdict, where another material is asked about."""

FIRST, SECOND = 0.046, 0.05
"""α_L of Fig. 2(a) and (b), eV·nm²."""
ALPHA_R = -0.025
"""α_R of Figs. 3(b) and 4."""
ALPHA_5, ALPHA_6 = 0.01, 0.001
"""|α| of Figs. 5 and 6."""
BROADENINGS, SMALL = (0.01, 0.1), 0.05
"""ħ/τ in eV of a clean and of a dirty metal, and what counts as small."""
THICK, THINNER = 3.0, (1.5, 0.52, 0.2)
"""Width in nm of the lowest panels of Fig. 5; what the other two are, the text does not say.
We try those that it names for case (c), and half of the first."""
NOT_COMPUTED, ENDED = "not computed", "no model there"
"""In place of a value; None is a feature that our curve does not have."""


@dataclass(frozen=True)
class Material:
    """The well without its Rashba coupling; the defaults are the paper's, and m_e.

    Attributes
    ----------
    d : float
        Width in nm of the well of Secs. III.A; Sec. III.B has widths of its own.
    V_L, V_R, Delta, E_F : float
        eV.
    mass : float
        m_e.
    exchange : str
        As in `Well`.
    """

    d: float = 2.2
    V_L: float = 5.0
    V_R: float = 5.0
    Delta: float = 0.25
    mass: float = 1.0
    exchange: str = "everywhere"
    E_F: float = 3.0

    def well(self, **changes) -> Well:
        """Return the well with the couplings, and other changes, given."""
        fixed = {
            name: getattr(self, name) for name in ("d", "V_L", "V_R", "Delta", "mass", "exchange")
        }
        return Well(**({"alpha_L": 0.0, "alpha_R": 0.0} | fixed | changes))

    def states(self, **changes) -> FermiStates:
        """Return the Fermi states of that well."""
        return fermi_states(self.well(**changes), self.E_F)


PAPER = Material()


class Answer(NamedTuple):
    """Our value of one statement: with all Fermi states, and with the propagating ones alone."""

    all: object
    propagating: object


@dataclass(frozen=True)
class Claim:
    """One statement of the paper.

    Attributes
    ----------
    id, title, where : str
        Its name, what a table calls it, and its place in the paper.
    wording : str
        What it says, in our words.
    quantity, unit, compared : str
        What is compared; its unit; the same in a few words, with the unit.
    parts : tuple of str
        What each element is, where the paper's value is a list.
    paper : bool, number, str or list of them
        The paper's value.
    tolerance : float or list
        How far from it a number may be.
    tolerance_reason : str
    verdict : str
        One of `VERDICTS`, as the book states it.
    why : str
        The reason in a sentence or two.
    chapter, shown : str
        The chapter that shows it, and the label in it.
    missing : str
        What the text would have to say for the statement to be decidable.
    general : bool
        Whether it can be asked of another material: it has no number that belongs to the paper's.
    drawn : bool
        Whether its numbers are drawn beside the paper's; a ratio of ranks says nothing.
    """

    id: str
    title: str
    where: str
    wording: str
    quantity: str
    paper: object
    tolerance: object
    tolerance_reason: str
    verdict: str
    why: str
    chapter: str
    shown: str
    compared: str
    parts: tuple[str, ...] = ()
    unit: str = ""
    missing: str = ""
    general: bool = False
    drawn: bool = True

    def answers(self, material: Material = PAPER) -> dict[str, Answer]:
        """Return our values by reading; a single reading has the name ''.

        Parameters
        ----------
        material : Material
        """
        result = QUANTITIES[self.id](material)
        return result if isinstance(result, dict) else {"": result}


@functools.cache
def claims() -> tuple[Claim, ...]:
    """Return the statements of `claims.toml`, in the paper's order."""
    text = resources.files(__package__).joinpath("claims.toml").read_text(encoding="utf-8")
    return tuple(Claim(**entry) for entry in tomllib.loads(text)["claim"])


@functools.cache
def paper_figures() -> tuple[dict, ...]:
    """Return the paper's figures, each with the label of its counterpart in the book."""
    text = resources.files(__package__).joinpath("claims.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["figure"])


def agrees(paper: object, ours: object, tolerance: object = 0.0) -> bool:
    """Return whether our value is the paper's, number by number within the tolerance.

    Parameters
    ----------
    paper, ours : bool, number, str, None, or a list of them
        None is a value that does not exist; it agrees with nothing.
    tolerance : float, or a list as long as theirs
    """
    if isinstance(paper, list):
        each = tolerance if isinstance(tolerance, list) else [tolerance] * len(paper)
        return (
            isinstance(ours, list)
            and len(ours) == len(paper)
            and all(map(agrees, paper, ours, each))
        )
    if ours is None:
        return False
    if isinstance(paper, bool | str):
        return ours == paper
    return bool(abs(ours - paper) <= tolerance)


def verdict_of(paper: object, answers: dict[str, Answer], tolerance: object = 0.0) -> str:
    """Return the verdict that follows from our values.

    Parameters
    ----------
    paper, tolerance
        As in `Claim`.
    answers : dict
        As `Claim.answers` returns them.

    Returns
    -------
    str
        One of `VERDICTS`: that of every reading, or `UNDECIDABLE` where readings differ.
    """
    verdicts = set()
    for answer in answers.values():
        if agrees(paper, answer.all, tolerance):
            verdicts.add(REPRODUCED)
        elif agrees(paper, answer.propagating, tolerance):
            verdicts.add(PROPAGATING)
        else:
            verdicts.add(NOT)
    return verdicts.pop() if len(verdicts) == 1 else UNDECIDABLE


def as_text(value: object, unit: str = "") -> str:
    """Return a value as the tables show it: rounded to three digits, a true minus, no Python.

    Parameters
    ----------
    value : bool, number, str, None, or a list of them
    unit : str
    """
    if isinstance(value, list):
        text = ", ".join(as_text(v) for v in value)
    elif value is None:
        text = "no such feature"
    elif isinstance(value, str):
        text = value.replace("-", "−")
    else:
        text = number(round(value, 4) if isinstance(value, float) else value, ".3g")
    return text + (f" {unit}" if unit and value is not None else "")


SYMBOL = re.compile(r"α_([LR])|ε_(F)|(?<![\w$])S_([xy])(?![\w_])")


def typeset(text: str) -> str:
    """Return a text with its symbols as formulas: α_L, α_R, ε_F, S_x and S_y."""

    def formula(found: re.Match) -> str:
        alpha, epsilon, spin = found.groups()
        return f"$\\alpha_{alpha}$" if alpha else "$\\varepsilon_F$" if epsilon else f"$S_{spin}$"

    return SYMBOL.sub(formula, text)


@dataclass(frozen=True)
class Judged:
    """A statement beside what was computed for it.

    Attributes
    ----------
    claim : Claim
    answers : dict
        As `Claim.answers`; empty where the statement does not apply.
    verdict : str
        That which follows from the answers, or `ELSEWHERE`.
    """

    claim: Claim
    answers: dict[str, Answer]
    verdict: str

    @property
    def has_numbers(self) -> bool:
        """Whether quantities with a unit are compared, for which a tolerance can be chosen."""
        return bool(self.claim.unit and self.answers)

    def at(self, share: float) -> str:
        """Return the verdict if the tolerance is this share of each of the paper's values."""
        paper = self.claim.paper
        several = isinstance(paper, list)
        tolerance = [share * abs(p) for p in paper] if several else share * abs(paper)
        return verdict_of(paper, self.answers, tolerance)

    def deviations(self, which: str) -> list[float]:
        """Return for each reading how far off the worst number is, in percent of the paper's.

        `which` is "all" or "propagating"; nan where there is no value.
        """
        paper, found = self.claim.paper, []
        for answer in self.answers.values():
            ours = getattr(answer, which)
            both = [(paper, ours)]
            if isinstance(paper, list) and ours:
                both = list(zip(paper, ours, strict=True))
            off = [
                np.nan if o is None else abs(o - p) / abs(p) if p else np.inf if o else 0.0
                for p, o in both
            ]
            found.append(100 * float(np.max(off)))  # nan if one of them is
        return found


def judged(material: Material = PAPER) -> list[Judged]:
    """Return every statement with its verdict for a material.

    Parameters
    ----------
    material : Material
        For any but the paper's, only statements that do not hang on its numbers are judged.
    """
    result = []
    for claim in claims():
        if material == PAPER or claim.general:
            answers = claim.answers(material)
            verdict = verdict_of(claim.paper, answers, claim.tolerance)
            result.append(Judged(claim, answers, verdict))
        else:
            result.append(Judged(claim, {}, ELSEWHERE))
    return result


def table(entries: list[Judged]) -> str:
    """Return a MyST table of statements, values and verdicts, each linked to its details."""
    lines = [
        "| statement | verdict | compared | paper | all states | propagating |",
        "| :-- | :-- | :-- | :-- | :-- | :-- |",
    ]
    for entry in entries:
        claim = entry.claim
        columns = list(zip(*entry.answers.values(), strict=True)) or [("–",), ("–",)]
        ours = [
            as_text(values[0]) if all(v == values[0] for v in values) else "depends"
            for values in columns
        ]
        name = f"{{ref}}`{claim.title} <claim-{claim.id}>`"
        cells = (name, entry.verdict, typeset(claim.compared), as_text(claim.paper), *ours)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def details(entries: list[Judged]) -> str:
    """Return a MyST paragraph and list for each statement, with the labels that pages link to."""
    parts = []
    for entry in entries:
        claim = entry.claim
        if claim.shown.startswith("fig-"):
            shown = f"{{numref}}`{claim.shown}`"
        else:
            shown = f"{{ref}}`there <{claim.shown}>`"
        lines = [
            f"(claim-{claim.id})=",
            f"**{claim.title}** ({claim.where}): {entry.verdict}",
            "",
            f"- *The paper says*: {claim.wording}",
            f"- *Compared*: {claim.quantity}; the paper: {as_text(claim.paper, claim.unit)}"
            f" ({claim.tolerance_reason}).",
        ]
        for reading, answer in entry.answers.items():
            head = f"Ours, {reading}" if reading else "Ours"
            values = [as_text(value, claim.unit) for value in answer]
            lines.append(
                f"- *{head}*: {values[0]} with all states, {values[1]} with propagating ones."
            )
        if entry.verdict == claim.verdict:
            lines.append(f"- *Why*: {claim.why}")
        if entry.verdict == UNDECIDABLE and claim.missing:
            lines.append(f"- *Missing*: {claim.missing}.")
        lines.append(f"- *Shown in* {{doc}}`{claim.chapter}`, {shown}.")
        parts.append("\n".join(lines))
    return typeset("\n\n".join(parts))


def numbers(entries: list[Judged]) -> list[tuple]:
    """Return (label, paper, tolerance, all, propagating) of every number other than 0.

    Parameters
    ----------
    entries : list of Judged

    Returns
    -------
    list
        One row for each reading and each element of a list; None where we have no value.
    """
    rows = []
    for entry in entries:
        claim = entry.claim
        papers = claim.paper if isinstance(claim.paper, list) else [claim.paper]
        tolerances = claim.tolerance if isinstance(claim.tolerance, list) else [claim.tolerance]
        for i, paper in enumerate(papers):
            if not claim.drawn or isinstance(paper, bool | str) or paper == 0:
                continue
            for reading, answer in entry.answers.items():
                ours = [value[i] if isinstance(value, list) else value for value in answer]
                label = claim.title + (f": {claim.parts[i]}" if len(papers) > 1 else "")
                label += f", {reading}" if reading else ""
                rows.append((label, paper, tolerances[i % len(tolerances)], *ours))
    return rows


# --- what is computed -----------------------------------------------------------------------------


def chosen(states: FermiStates, kind: str | None) -> FermiStates:
    """Return the states of a kind, or all."""
    return states if kind is None else states[states.kind == kind]


WHICH = Answer(None, "propagating")
"""Which states each value of an `Answer` is of, as `chosen` takes them."""


def both(function, states: FermiStates) -> Answer:
    """Return a function of all states, and of the propagating ones."""
    return Answer(*(function(chosen(states, kind)) for kind in WHICH))


def interband(material: Material) -> dict[str, Answer]:
    """Return whether the damping-like part is small, for a long and a short relaxation time."""
    result = {}
    for broadening in BROADENINGS:
        response = damping_like(material.well(alpha_L=FIRST), material.E_F, broadening)
        small = bool(abs(response.ratio[0]) < SMALL)
        # Occupied states make it, all of them; there is no part of the propagating ones.
        result[f"ħ/τ = {broadening:g} eV"] = Answer(small, NOT_COMPUTED)
    return result


def chiralities(states: FermiStates) -> list[int]:
    """Return how many states have + and − chirality."""
    return [int((states.chirality == sign).sum()) for sign in (1, -1)]


def total(states: FermiStates) -> float:
    """Return ∫₀^d S_y dz in nm⁻² per τeE/ħ."""
    return float(states.contribution.sum())


def in_left_barrier(states: FermiStates) -> float:
    """Return ∫_{−∞}^0 S_y dz in nm⁻² per τeE/ħ: both components decay exponentially there."""
    return float(contribution(states.k, states.velocity, states.barrier_spin[:, 0]).sum())


def at_left_interface(states: FermiStates) -> float:
    """Return S_y(0) in nm⁻³ per τeE/ħ."""
    return float(states.spin_density(0.0).sum())


def fraction(part: float, whole: float) -> float:
    """Return part/whole, and 0 of nothing: a well without states."""
    return float(part / whole) if whole else 0.0


def end_of_model(material: Material) -> float:
    """Return ħ²/m in eV·nm², with a margin that keeps k_F below some hundreds per nm."""
    return material.well().critical_rashba * (1 - 1e-4)


def swept(material: Material, name: str = "spin_density", **axes) -> Answer:
    """Return the total spin density, nm⁻² per τeE/ħ, or `n_states`, over the axes of a sweep."""
    with warnings.catch_warnings():
        # The paper's figures go past the end of the model.
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        values = sweep(material.well(), E_F=material.E_F, **axes)[name].sum("chirality")
    return Answer(values.sum("kind").values, values.sel(kind="propagating").values)


def loss(material: Material, alpha_R: float) -> float | None:
    """Return the first α_L at which a state stops propagating, up to the end of the model."""
    well, floor = material.well(alpha_R=alpha_R), abs(material.Delta)
    places = rashba_at(well, material.E_F, floor) if material.E_F > floor else np.empty(0)
    places = places[(places > 0) & (places < end_of_model(material))]
    return float(places.min()) if places.size else None


def maximum(function, grid: np.ndarray, values: np.ndarray, near: float) -> float | None:
    """Return the place of the local maximum next to `near`, from values on a grid."""
    places = [one.x for one in local_maxima(function, grid, values)]
    return min(places, key=lambda place: abs(place - near), default=None)


def falling(x: np.ndarray, y: np.ndarray, start: float) -> list[float] | None:
    """Return the ends of the longest interval beyond `start` on which y falls."""
    down = np.append((np.diff(y) < 0) & (x[:-1] >= start), False)
    edges = np.nonzero(np.diff(np.concatenate([[False], down]).astype(int)))[0]
    pieces = [(x[a], x[b]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [float(v) for v in max(pieces, key=lambda p: p[1] - p[0])] if pieces else None


def bend(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest distance from the best straight line, as a fraction of the range of y."""
    rest = y - np.polyval(np.polyfit(x, y, 1), x)
    return fraction(np.abs(rest).max(), np.ptp(y))


def lost(material: Material) -> Answer:
    """Return the number of states at the stronger coupling, and what + and − have gained."""
    before, after = (material.states(alpha_L=a) for a in (FIRST, SECOND))

    def change(kind):
        old, new = (chiralities(chosen(states, kind)) for states in (before, after))
        return [len(chosen(after, kind)), new[0] - old[0], new[1] - old[1]]

    return Answer(*map(change, WHICH))


def lost_place(material: Material) -> Answer:
    """Return which propagating state, from the highest E, is lost; of all states none is."""
    place = loss(material, 0.0)
    if place is None or not FIRST < place < SECOND:
        return Answer(None, None)
    some = chosen(material.states(alpha_L=place * (1 - 1e-6)), "propagating")
    # It is the one whose energy has come to |Δ|.
    return Answer(None, int((some.E > some.E[np.argmin(some.E - abs(material.Delta))]).sum()) + 1)


def quietest(states: FermiStates) -> int | None:
    """Return which state, from the lowest E, contributes least."""
    return int(np.argmin(np.abs(states.contribution))) + 1 if len(states) else None


def linear_range(material: Material) -> Answer:
    """Return up to which α_L the local slope is within 10 % of that at 0, α_R = 0."""
    alpha = np.linspace(0, end_of_model(material), 400)

    def end(y):
        slope = np.diff(y) / np.diff(alpha)
        bent = np.abs(slope - slope[0]) > 0.1 * np.abs(slope[0])
        return [0, float(alpha[np.argmax(bent)] if bent.any() else alpha[-1])]

    return Answer(*(end(y) for y in swept(material, alpha_L=alpha, alpha_R=0.0)))


def jump_sign(material: Material) -> Answer:
    """Return the chirality whose sum drops where the first state stops propagating."""
    place = loss(material, ALPHA_R)
    if place is None:
        return Answer(None, None)
    sides = [material.states(alpha_L=place * (1 + x), alpha_R=ALPHA_R) for x in (-1e-5, 1e-5)]

    def drops(kind):
        change = [
            np.subtract(*(total(chosen(s, kind)[chosen(s, kind).chirality == sign]) for s in sides))
            for sign in (1, -1)
        ]
        largest = int(np.argmax(np.abs(change)))
        scale = max(abs(total(s)) for s in sides)
        return "+-"[largest] if abs(change[largest]) > 0.01 * scale else "no drop"

    return Answer(*map(drops, WHICH))


def decrease(material: Material) -> Answer:
    """Return the range of α_L over which the total falls, α_R of Fig. 3(b)."""
    start = (loss(material, ALPHA_R) or 0.0) * (1 - 1e-6)  # just before the jump, which is a fall
    alpha = np.union1d(np.linspace(0, 0.12, 481), [start])
    everything, propagating = swept(material, alpha_L=alpha, alpha_R=ALPHA_R)
    inside = alpha < end_of_model(material)
    return Answer(
        falling(alpha[inside], everything[inside], 0.0),
        falling(alpha, propagating, start),
    )


def nonlinear(material: Material) -> Answer:
    """Return whether all three curves of Fig. 3(a) are bent from 0.1 to 0.15."""
    alpha = np.linspace(0.1, 0.15, 201)
    three = [swept(material, alpha_L=alpha, alpha_R=r) for r in (ALPHA_R, 0.0, -ALPHA_R)]

    def bent(curves):
        return all(bend(alpha, curve) >= 0.05 for curve in curves)

    everything, propagating = zip(*three, strict=True)
    known = alpha[-1] < end_of_model(material)
    return Answer(bent(everything) if known else ENDED, bent(propagating))


def shift(material: Material) -> Answer:
    """Return how far curves of other α_R are from shifted ones, in units of the rise."""
    stop = min(
        [a for a in (loss(material, r) for r in (ALPHA_R, 0.0, -ALPHA_R)) if a]
        + [end_of_model(material)]
    )
    alpha = np.linspace(0, 0.999 * stop, 41)
    three = [
        swept(material, alpha_L=alpha, alpha_R=alpha_R) for alpha_R in (0.0, ALPHA_R, -ALPHA_R)
    ]

    def departure(i):
        base, *others = (curve[i] for curve in three)
        return fraction(max(np.ptp(y - base) for y in others), np.ptp(base))

    return Answer(departure(0), departure(1))


def interface_maximum(material: Material) -> Answer:
    """Return α_L of the maximum of S_y(0) next to the paper's, beyond the jump."""
    start = (loss(material, ALPHA_R) or 0.01) * (1 + 1e-6)
    grid = np.linspace(start, end_of_model(material), 30)

    def place(kind):
        def value(alpha):
            states = material.states(alpha_L=alpha, alpha_R=ALPHA_R)
            return at_left_interface(chosen(states, kind))

        return maximum(value, grid, np.array([value(alpha) for alpha in grid]), 0.062)

    return Answer(*map(place, WHICH))


def penetration(material: Material) -> Answer:
    """Return whether ∫S_y over the left barrier falls all the way from 0.062 on."""
    stop = min(end_of_model(material), 0.075)
    several = [
        both(in_left_barrier, material.states(alpha_L=a, alpha_R=ALPHA_R))
        for a in np.linspace(0.062 * min(1, stop / 0.075), stop, 12)
    ]
    return Answer(*(bool((np.diff(column) < 0).all()) for column in zip(*several, strict=True)))


def profile(material: Material, left: float, right: float, d: float, z: np.ndarray) -> Answer:
    """Return S_y(z) in nm⁻³ per τeE/ħ."""
    states = material.states(alpha_L=left, alpha_R=right, d=d)
    return both(lambda s: s.spin_density(z).sum(axis=0), states)


def superposition(material: Material) -> Answer:
    """Return how far two interfaces are from the sum of each alone, and S_y midway between them.

    Both for case (c) at the larger width, in units of the largest S_y.
    """
    z = np.linspace(0, THICK, 601)
    c = profile(material, ALPHA_5, -ALPHA_5, THICK, z)
    one = profile(material, ALPHA_5, 0.0, THICK, z)
    other = profile(material, 0.0, -ALPHA_5, THICK, z)
    middle = np.abs(z / THICK - 0.5) < 1 / 6
    return Answer(
        *(
            [
                fraction(np.abs(c[i] - one[i] - other[i]).max(), np.abs(c[i]).max()),
                fraction(np.abs(c[i][middle]).max(), np.abs(c[i]).max()),
            ]
            for i in (0, 1)
        )
    )


MEASURES = {
    "its integral over the well": lambda y, d: abs(float(np.mean(y) * d)),
    "its largest magnitude": lambda y, d: float(np.abs(y).max()),
    "its average over the well": lambda y, d: abs(float(np.mean(y))),
}
"""What "the magnitude of the spin density" may mean, of a profile on a fine grid."""


def measured(material: Material, left: float, right: float, d: float) -> dict[str, Answer]:
    """Return each of `MEASURES` of a profile."""
    z = (np.arange(2000) + 0.5) / 2000 * d  # midpoints, of which the mean is an integral
    y = profile(material, left, right, d, z)
    return {name: Answer(*(f(curve, d) for curve in y)) for name, f in MEASURES.items()}


def compared(material: Material, first: tuple, second: tuple) -> dict[str, Answer]:
    """Return whether the first well, (α_L, α_R, d), has the smaller spin density, by measure."""
    a, b = (measured(material, *well) for well in (first, second))
    # A sum that symmetry makes zero is smaller only if it is so beyond rounding.
    return {
        name: Answer(*(bool(x < y - 1e-12) for x, y in zip(a[name], b[name], strict=True)))
        for name in MEASURES
    }


def trends(material: Material, alpha_R: float, falls: bool) -> dict[str, Answer]:
    """Return whether the spin density falls, or rises, from 3 nm to each of the thinner widths."""
    result = {}
    for d in THINNER:
        pair = [(ALPHA_5, alpha_R, d), (ALPHA_5, alpha_R, THICK)]
        answers = compared(material, *(pair if falls else pair[::-1]))
        result |= {f"{name}, at {d:g} nm": answer for name, answer in answers.items()}
    return result


def magnitude(material: Material) -> dict[str, Answer]:
    """Return whether |S_y| of α_L = α_R is smaller than that of α_L = −α_R."""
    return compared(material, (ALPHA_5, ALPHA_5, THICK), (ALPHA_5, -ALPHA_5, THICK))


def counts_5(material: Material) -> Answer:
    """Return the numbers of states of cases (a) and (c)."""
    a, c = (
        both(len, material.states(alpha_L=ALPHA_5, alpha_R=r, d=THICK)) for r in (ALPHA_5, -ALPHA_5)
    )
    return Answer([a.all, c.all], [a.propagating, c.propagating])


def thinner_maximum(material: Material) -> Answer:
    """Return the width of the local maximum of ∫S_y next to the paper's, case (c)."""
    grid = np.linspace(0.05, 1.2, 116)
    curves = swept(material, d=grid, alpha_L=ALPHA_5, alpha_R=-ALPHA_5)

    def place(kind, curve):
        def value(d):
            states = material.states(alpha_L=ALPHA_5, alpha_R=-ALPHA_5, d=d)
            return total(chosen(states, kind))

        return maximum(value, grid, curve, 0.52)

    return Answer(*map(place, WHICH, curves))


def last_width(material: Material) -> Answer:
    """Return the width below which no state is left, case (c)."""
    grid = np.geomspace(0.02, 2.0, 60)
    numbers = swept(material, "n_states", d=grid, alpha_L=ALPHA_5, alpha_R=-ALPHA_5)

    def narrowest(kind, number):
        some = number > 0
        if some.all() or not some.any():
            return None

        def excess(d):
            states = material.states(alpha_L=ALPHA_5, alpha_R=-ALPHA_5, d=d)
            return (len(chosen(states, kind)) > 0) - 0.5

        i = int(np.argmax(some))
        return float(bisect(excess, grid[i - 1], grid[i], xtol=1e-9))

    return Answer(*map(narrowest, WHICH, numbers))


def exponent(material: Material) -> Answer:
    """Return the exponent of d that fits ∫S_y dz between 5 and 20 nm, case (c)."""
    d = np.linspace(5, 20, 301)
    integrals = swept(material, d=d, alpha_L=ALPHA_6, alpha_R=-ALPHA_6)
    return Answer(
        *(
            float(np.polyfit(np.log(d), np.log(y), 1)[0]) if (y > 0).all() else None
            for y in integrals
        )
    )


def interplay(material: Material) -> dict[str, Answer]:
    """Return whether the two interfaces act on each other below 4 nm, case (c), in two senses.

    Whether the total departs from the sum of single interfaces; whether it departs from the
    constant of wide wells, its mean from 10 to 20 nm.  Both over the largest total.
    """
    d = np.linspace(0.5, 4.0, 141)
    both_, left, right = (
        np.array(swept(material, d=d, alpha_L=a, alpha_R=b))
        for a, b in ((ALPHA_6, -ALPHA_6), (ALPHA_6, 0.0), (0.0, -ALPHA_6))
    )
    wide = swept(material, d=np.linspace(10, 20, 101), alpha_L=ALPHA_6, alpha_R=-ALPHA_6)
    largest = np.abs(both_).max(axis=1)
    from_sum = np.abs(both_ - left - right).max(axis=1)
    from_wide = np.abs(both_ - np.mean(wide, axis=1)[:, None]).max(axis=1)
    return {
        "the couplings": Answer(
            *(fraction(*p) > 0.01 for p in zip(from_sum, largest, strict=True))
        ),
        "the walls": Answer(*(fraction(*p) > 0.1 for p in zip(from_wide, largest, strict=True))),
    }


def three_levels(material: Material) -> Answer:
    """Return what α_L changes, up to the end of the model: three levels of influence.

    Whether there is a spin density with it and none without; whether the mean weight of a state in
    the left barrier changes by more than a tenth; whether the number of states changes.
    """
    several = [
        material.states(alpha_L=alpha) for alpha in np.linspace(0, end_of_model(material), 41)[:-1]
    ]

    def levels(kind):
        some = [chosen(states, kind) for states in several]
        weight = np.array([weight_in_left_barrier(states) for states in some])
        return [
            abs(total(some[0])) < SILENT < abs(total(some[1])),
            bool(np.ptp(weight) > 0.1 * weight.mean()),
            len({len(states) for states in some}) > 1,
        ]

    return Answer(*map(levels, WHICH))


def weight_in_left_barrier(states: FermiStates) -> float:
    """Return the mean probability of a state to be in the left barrier."""
    if not len(states):
        return 0.0
    return float((states.amplitude[:, :2] ** 2 / states.decay[:, 0]).sum(axis=1).mean() / 2)


QUANTITIES = {
    "model-interband": interband,
    "confinement-count": lambda m: both(len, m.states(alpha_L=FIRST)),
    "confinement-chirality": lambda m: both(chiralities, m.states(alpha_L=FIRST)),
    "confinement-silent": lambda m: both(quietest, m.states(alpha_L=FIRST)),
    "confinement-lost": lost,
    "confinement-lost-which": lost_place,
    "chirality-linear": linear_range,
    "chirality-jump": lambda m: Answer(None, loss(m, 0.0)),
    "chirality-jump-sign": jump_sign,
    "chirality-decrease": decrease,
    "chirality-nonlinear": nonlinear,
    "chirality-shift": shift,
    "profile-maximum": interface_maximum,
    "profile-penetration": penetration,
    "thickness-independent": superposition,
    "thickness-magnitude": magnitude,
    "thickness-counts": counts_5,
    "thickness-a-decreases": lambda m: trends(m, ALPHA_5, falls=True),
    "thickness-b-increases": lambda m: trends(m, 0.0, falls=False),
    "thickness-c-maximum": thinner_maximum,
    "thickness-c-vanishes": last_width,
    "thickness-inverse-d": exponent,
    "thickness-hectic": interplay,
    "conclusion-three-levels": three_levels,
}
"""What computes our values of each statement, by its id."""
