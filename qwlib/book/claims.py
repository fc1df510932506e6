"""What the paper asserts, what the solver says to it, and the verdict that follows.

`claims.toml` holds each statement: the paper's value, its readings with the kind of each, and the
verdict as the book words it.  Nothing in it decides a verdict: `verdict_of` does, from numbers and
from `yardstick`, which says how close is close enough.  A statement is computed twice, once with
all Fermi states and once with the propagating ones alone, and, where the text leaves open what it
speaks of, once for each reading.  As the paper's text and its Eq. (2) differ in where the exchange
acts, all that is done for both.
"""

from __future__ import annotations

import functools
import re
import tomllib
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..beyond.conserving import conserving
from ..beyond.conventions import (
    ALPHA_5,
    FIRST,
    JUMP,
    PEAK,
    SECOND,
    THICK,
    Solver,
    spinors,
    with_tails,
)
from ..beyond.interband import damping_like
from ..beyond.places import bend, peaks, refined, refined_together
from ..beyond.thresholds import rashba_at
from ..beyond.torque import exchange_torque
from ..grid import sweep
from ..kubo import SILENT, FermiStates, contribution, fermi_states, fermi_states_of
from ..search import count_states, refine
from ..well import UnboundedSpectrumWarning, Well
from . import yardstick
from .tables import number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

REPRODUCED = "reproduced"
PROPAGATING = "only for propagating states"
NOT = "not reproduced"
UNDECIDABLE = "not decidable from the text"
VERDICTS = (REPRODUCED, PROPAGATING, NOT, UNDECIDABLE)
ELSEWHERE = "speaks of the paper's well alone"
"""Instead of a verdict, where another material is asked about."""
SIGNS = dict(zip((*VERDICTS, ELSEWHERE), "✓◐✗?–", strict=True))
"""A sign for each verdict."""

ALPHA_R = -0.025
"""α_R of Figs. 3(b) and 4."""
ALPHA_6, WIDE = 0.001, 0.52
"""|α| of Fig. 6 in eV·nm²; d of the paper's maximum, nm."""
ALPHAS_R, OTHERS_R = (-0.025, 0.0, 0.025), (-0.02, 0.0, 0.025)
"""The α_R of Fig. 3(a) are three, of which the text names one, and another for Fig. 2: these are
ours, and those that we lay beside the paper's own."""
ENDS = (0.12, 0.15, 0.2)
"""Where Fig. 3(a) may end, eV·nm²."""
PLOTTED = 50
"""Points of a curve of Fig. 3(a) from 0 on, if it is read off them: what plotting often takes."""
NAMED = (0.046, 0.049, 0.05, 0.062, 0.1)
"""The α_L that the text of Sec. III.A names, of which Fig. 4 may have profiles, eV·nm²."""
APART = (0.031, 0.0124)
"""Other α_L of Fig. 4 are so far apart, the half and the fifth of 0.062, eV·nm²."""
BROADENINGS = np.array([0.01, 0.1])
"""ħ/τ in eV of a clean and of a dirty metal."""
NOTHING = 1e-12
"""Below it a spin density is rounding, nm⁻² or nm⁻³ per τeE/ħ: its parts are of order 0.01."""
THINNER, WIDE_WELL = (0.52, 0.2), 20.0
"""Widths in nm of the upper panels of Fig. 5, which the text names for case (c); and of a well with
interfaces far from each other."""
D_APART = (0.16, 0.08)
"""Widths from the thinner of these on may be so far apart, nm: of the way to the other the half,
and the quarter, with which 3 nm is one of them."""
IRREGULAR = 4.0
"""Width in nm below which Fig. 6 is irregular."""
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

    def wells(self, **changes) -> list[Well]:
        """Return many such wells, of arrays of numbers that are broadcast."""
        rows = zip(*np.broadcast_arrays(*changes.values()), strict=True)
        return [self.well(**dict(zip(changes, row, strict=True))) for row in rows]

    def several(self, **changes) -> list[FermiStates]:
        """Return their Fermi states, found together: in a fraction of the time of one by one.

        With the digits that doubles leave, which are more than a reading of the paper asks for.
        """
        return fermi_states_of(self.wells(**changes), self.E_F, digits=False)


PAPER = Material()


class Answer(NamedTuple):
    """Our value of one statement: with all Fermi states, and with the propagating ones alone."""

    all: Any
    propagating: Any


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
    readings : dict
        What the words may mean, each with its kind of `yardstick.KINDS`, or one for each part.
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
    paper: Any
    readings: dict[str, str | list[str]]
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

    @property
    def kinds(self) -> list[str]:
        """The kinds of its readings, each once."""
        several = (k if isinstance(k, list) else [k] for k in self.readings.values())
        return list(dict.fromkeys(kind for kinds in several for kind in kinds))

    @property
    def tolerance(self) -> float:
        """How far off our value may be: in the paper's unit, a share, or 0 of a count."""
        return max(yardstick.allowed(kind, self.paper) for kind in self.kinds)

    def answers(self, material: Material = PAPER) -> dict[str, Answer]:
        """Return our values by reading; a single reading has the name ''."""
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


def verdict_of(agreements: dict[str, Answer], factor: float = 1.0) -> str:
    """Return the verdict, one of `VERDICTS`, that follows from where our values agree.

    For each reading there is an `Answer` of intervals, as `yardstick.agreement` returns them;
    `factor` stands before all tolerances.  A statement holds if it does so by every reading, with
    all states or else with the propagating ones; it does not if there is no reading by which it
    holds.  If it holds by some only, the text does not decide.
    """
    several = [[yardstick.within(ends, factor) for ends in one] for one in agreements.values()]
    if all(every for every, _ in several):
        return REPRODUCED
    if all(waves for _, waves in several):
        return PROPAGATING
    return UNDECIDABLE if any(map(any, several)) else NOT


def as_text(value: Any, unit: str = "") -> str:
    """Return a value as the tables show it: rounded to three digits, a true minus, no Python."""
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


ALONE = ", exchange in F alone"
"""What the name of a reading ends with if the exchange acts in the ferromagnet alone."""


@dataclass(frozen=True)
class Judged:
    """A statement beside what was computed for it.

    Attributes
    ----------
    claim : Claim
    answers : dict
        As `Claim.answers`; empty where the statement does not apply.
    alone : dict
        The same with the exchange in the ferromagnet alone, where that is asked too.
    """

    claim: Claim
    answers: dict[str, Answer]
    alone: dict[str, Answer] = field(default_factory=dict)

    @functools.cached_property
    def agreements(self) -> dict[str, Answer]:
        """For each reading, by which factors of its tolerance our values agree."""
        several = self.answers | {name + ALONE: one for name, one in self.alone.items()}
        return {
            name: Answer(
                *(
                    yardstick.agreement(
                        self.claim.readings[name.removesuffix(ALONE)], self.claim.paper, ours
                    )
                    for ours in answer
                )
            )
            for name, answer in several.items()
        }

    @property
    def verdict(self) -> str:
        """That which follows from the answers, or `ELSEWHERE`."""
        return verdict_of(self.agreements) if self.answers else ELSEWHERE

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest factor of the tolerance with this verdict."""
        ends = {end for one in self.agreements.values() for pair in one for end in pair}
        below = sorted((end for end in ends if 0 < end <= 1), reverse=True)
        above = sorted(end for end in ends if 1 <= end < np.inf)

        def changes(end: float, away: float) -> bool:
            return self.verdict != verdict_of(self.agreements, end * (1 + away))

        low = next((end for end in below if changes(end, -1e-6)), 0.0)
        high = next((e for e in above if changes(e, 1e-6) or changes(e, 0)), np.inf)
        return low, high

    @property
    def has_numbers(self) -> bool:
        """Whether positions are compared, for which a tolerance can be chosen."""
        return bool(self.claim.kinds == ["position"] and self.answers)

    def at(self, share: float) -> str:
        """Return the verdict if the tolerance is this share of the paper's value."""
        return verdict_of(self.agreements, share * abs(self.claim.paper) / self.claim.tolerance)

    def deviations(self, which: str) -> list[float]:
        """Return for each reading how far off a position is, in percent of the paper's.

        With the exchange everywhere, then in the ferromagnet alone.  `which` is "all" or
        "propagating"; nan where there is no value.
        """
        values = [getattr(one, which) for one in (*self.answers.values(), *self.alone.values())]
        return [np.nan if v is None else 100 * abs(v / self.claim.paper - 1) for v in values]


def judged(material: Material = PAPER) -> list[Judged]:
    """Return every statement with its verdict for a material.

    For any but the paper's, only statements that do not hang on its numbers are judged, and with
    its own exchange alone.
    """
    alone = replace(material, exchange="ferromagnet")
    return [
        Judged(
            claim,
            claim.answers(material) if material == PAPER or claim.general else {},
            claim.answers(alone) if material == PAPER else {},
        )
        for claim in claims()
    ]


def tolerated(claim: Claim, factor: float) -> str:
    """Return a factor of the tolerance of a statement as the tables show it."""
    if claim.kinds == ["count"]:
        return number(factor - 1, ".0f")
    if claim.kinds == ["position"]:
        return number(float(f"{factor * claim.tolerance:.2g}"))
    return percent(factor * yardstick.SHARE)


def percent(share: float) -> str:
    """Return a share in percent: two digits, and no more than one decimal, or two beside SHARE."""
    digits = 1 if abs(share) < 0.0995 else 0
    if round(share, 3) == yardstick.SHARE:  # on which side of it
        digits = 2
    return number(round(100 * share, digits) + 0.0, "g| %")


def stays(entry: Judged) -> str:
    """Return for which tolerances a verdict stays as it is."""
    if not entry.answers:
        return "–"
    kinds, (low, high) = entry.claim.kinds, entry.span
    if not {"count", "position"} & set(kinds):
        # A share is 100 % at most, and less than 0.1 % is nothing.
        low = 0.0 if low * yardstick.SHARE < 1e-3 else low
        high = np.inf if high * yardstick.SHARE > 0.995 else high
    if kinds == ["count"]:
        return "any" if high == np.inf else f"less than {tolerated(entry.claim, high)}"
    below, above = (tolerated(entry.claim, end) if 0 < end < np.inf else "" for end in (low, high))
    if not below:
        return f"up to {above}" if above else "any"
    return f"{below} to {above}" if above else f"from {below}"


def shown(claim: Claim, reading: str, value: Any, unit: str = "") -> str:
    """Return our value by a reading as the tables show it: shares in percent."""
    kind = claim.readings[reading]
    if kind in ("count", "position", "slope"):
        return as_text(value, unit)
    several = value if isinstance(value, list) else [value]
    return ", ".join(
        percent(v) if isinstance(v, int | float) and not isinstance(v, bool) else as_text(v)
        for v in several
    )


def across(entry: Judged, which: int) -> str:
    """Return our values by several readings in short."""
    if not entry.answers:
        return "–"
    values = {name: answer[which] for name, answer in entry.answers.items()}
    texts = {name: shown(entry.claim, name, value) for name, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    if len(entry.claim.kinds) == 1 and all(isinstance(v, int | float) for v in values.values()):
        return " to ".join(texts[end(values, key=values.__getitem__)] for end in (min, max))
    return "depends"


def holds_by(entry: Judged) -> str:
    """Return by how many readings a statement holds, with all and with propagating states."""
    found = []
    for which, name in enumerate(("all states", "propagating ones")):
        if any(one[which] != NOT_COMPUTED for one in entry.answers.values()):
            several = [yardstick.within(one[which], 1.0) for one in entry.agreements.values()]
            found.append(f"{sum(several)} of {len(several)} readings with {name}")
    return ", ".join(found)


def table(entries: list[Judged]) -> str:
    """Return the statements by verdict in MyST: our values beside the paper's, the rest folded."""
    parts = []
    for verdict, sign in SIGNS.items():
        group = [entry for entry in entries if entry.verdict == verdict]
        if group:
            head = (f"{verdict} ({len(group)})", "paper", "all states", "propagating")
            parts += [":::{div} verdict", _in_columns(sign, *head), ":::"]
        for entry in group:
            claim = entry.claim
            name = f"**{claim.title}** [{claim.compared}]{{.compared}}"
            values = as_text(claim.paper), across(entry, 0), across(entry, 1)
            title = typeset(_in_columns(sign, name, *values))
            # Longer than any fence of what is in it.
            parts += [f"::::{{dropdown}} {title}", ":class-container: statement"]
            parts += ["", details(entry), "::::"]
    return "\n".join(parts)


def _in_columns(*texts: str) -> str:
    """Return a sign, words and three values in MyST; qwlib.css puts them into columns."""
    names = ("sign", "words", "paper", "all", "propagating")
    return " ".join(f"[{text}]{{.{name}}}" for name, text in zip(names, texts, strict=True))


def rules(claim: Claim) -> str:
    """Return what of the yardstick a statement is measured by."""
    words = [yardstick.MEASURES[kind] for kind in claim.kinds]
    if claim.kinds == ["position"]:
        words[0] += f", {number(claim.tolerance)} {claim.unit}"
    return "; ".join(words)


def details(entry: Judged) -> str:
    """Return what a verdict rests on in MyST, with the label that pages link to."""
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
        f"- *Compared*: {claim.quantity}; the paper: {as_text(claim.paper, claim.unit)}.",
        f"- *By the yardstick*: {rules(claim)}.",
    ]
    for reading in entry.answers:
        head = f"Ours, {reading}" if reading else "Ours"
        lines.append(f"- *{head}*: {ours(entry, reading)}.")
    if entry.alone:
        lines.append(f"- *Exchange in the ferromagnet alone*: {with_exchange_alone(entry)}.")
    if entry.answers:
        lines.append(f"- *It holds by*: {holds_by(entry)}.")
        lines.append(f"- *The verdict stays with a tolerance of*: {stays(entry)}.")
    if entry.verdict == claim.verdict:
        lines.append(f"- *Why*: {claim.why}")
    if entry.verdict == UNDECIDABLE and claim.missing:
        lines.append(f"- *Missing*: {claim.missing}.")
    lines.append(f"- *Shown in* {{doc}}`{claim.chapter}`, {shown}.")
    return typeset("\n".join(lines))


def ours(entry: Judged, reading: str) -> str:
    """Return our values by a reading, with a mark where the statement holds."""
    name = reading.removesuffix(ALONE)
    answer = (entry.alone if reading.endswith(ALONE) else entry.answers)[name]
    texts = [
        shown(entry.claim, name, value, entry.claim.unit)
        + " \N{CHECK MARK}" * yardstick.within(ends, 1.0)
        for value, ends in zip(answer, entry.agreements[reading], strict=True)
    ]
    return f"{texts[0]} with all states, {texts[1]} with propagating ones"


def with_exchange_alone(entry: Judged) -> str:
    """Return what the exchange in the ferromagnet alone changes."""
    if len(entry.alone) == 1:
        return ours(entry, next(iter(entry.alone)) + ALONE)
    differ = [
        f"{name}: {ours(entry, name + ALONE)}"
        for name in entry.alone
        if any(
            yardstick.within(a, 1.0) != yardstick.within(b, 1.0)
            for a, b in zip(entry.agreements[name], entry.agreements[name + ALONE], strict=True)
        )
    ]
    return "; ".join(differ) or "each reading comes out the same way"


def numbers(entries: list[Judged]) -> list[tuple]:
    """Return (label, paper, tolerance, all, propagating) of every number other than 0.

    One row for each reading that compares a number, and each element of a list, all readings of it
    under one label; None where we have no value.
    """
    rows = []
    for entry in entries:
        claim = entry.claim
        papers = claim.paper if isinstance(claim.paper, list) else [claim.paper]
        for i, paper in enumerate(papers):
            if not claim.drawn or isinstance(paper, bool | str) or paper == 0:
                continue
            for reading, answer in entry.answers.items():
                kind = claim.readings[reading]
                if kind not in ("count", "position", "slope"):
                    continue
                ours = [value[i] if isinstance(value, list) else value for value in answer]
                label = claim.title + (f": {claim.parts[i]}" if len(papers) > 1 else "")
                rows.append((label, paper, yardstick.allowed(kind, paper), *ours))
    return rows


# --- what is computed -----------------------------------------------------------------------------
#
# Each function returns our values for the paper's words: one `Answer`, or one for each reading.
# What is compared as a share has the sign of the statement: positive where it goes as the paper
# says.


def chosen(states: FermiStates, kind: str | None) -> FermiStates:
    """Return the states of a kind, or all."""
    return states if kind is None else states[states.kind == kind]


WHICH = Answer(None, "propagating")
"""Which states each value of an `Answer` is of, as `chosen` takes them."""


def both(function, states: FermiStates) -> Answer:
    """Return a function of all states, and of the propagating ones."""
    return Answer(*(function(chosen(states, kind)) for kind in WHICH))


def interband(material: Material) -> dict[str, Answer]:
    """Return how large the damping-like part is beside the field-like one, by reading.

    For a long and a short relaxation time.  With one relaxation time, as integrals over the well,
    as torques, which act wherever the exchange does, and as largest values; and, as integrals over
    the well, with collisions that keep the total spin, or the spin at each z.
    """
    well, z = material.well(alpha_L=FIRST), np.linspace(0, material.d, 401)
    response = damping_like(well, material.E_F, BROADENINGS)
    states = material.states(alpha_L=FIRST)
    torque = exchange_torque(states).sum()
    peak = np.abs(states.spin_density(z).sum(axis=0)).max(initial=0)
    shares = {
        "integral": np.abs(response.ratio),
        "torque": [fraction(abs(x) / 2, abs(torque)) for x in response.budget[:, 0]],
        "largest value": [fraction(x, peak) for x in np.abs(response.spin_density(z)[:, 0]).max(1)],
    }
    if material.Delta:
        kept = conserving(well, material.E_F, BROADENINGS, (0, 32))
        for name, found in zip(("total spin kept", "spin kept at each z"), kept, strict=True):
            shares[name] = [fraction(abs(x), abs(y)) for x, y in found.inside]
    else:  # nothing turns the spin
        shares |= {key: [0.0, 0.0] for key in ("total spin kept", "spin kept at each z")}
    # Occupied states make it, all of them; there is no part of the propagating ones.
    return {
        f"{name}, ħ/τ = {rate:g} eV": Answer(float(values[i]), NOT_COMPUTED)
        for i, rate in enumerate(BROADENINGS)
        for name, values in shares.items()
    }


def with_barriers(states: FermiStates) -> np.ndarray:
    """Return what each state adds to ∫S_y dz over all z, in nm⁻² per τeE/ħ."""
    return contribution(states.k, states.velocity, states.whole_spin)


TOTALS = {"over the well": lambda states: states.contribution, "over all z": with_barriers}
"""What a state adds to the total: to the integral of Fig. 2, and to one that has the tails."""
SOLVERS = dict(zip(TOTALS, (spinors, with_tails), strict=True))
"""What finds the states of many wells with what each adds."""


def by_sense(value, senses: dict) -> dict[str, Answer]:
    """Return value(sense, kind) of all and of propagating states, by what words may mean."""
    return {name: Answer(*(value(sense, kind) for kind in WHICH)) for name, sense in senses.items()}


def chiralities(added: np.ndarray) -> list[int]:
    """Return how many states have + and − chirality, from what each adds."""
    return [int((sign * added > SILENT).sum()) for sign in (1, -1)]


def split(material: Material) -> dict[str, Answer]:
    """Return the numbers of + and − states of Fig. 2(a)."""
    states = material.states(alpha_L=FIRST)
    return by_sense(lambda added, kind: chiralities(added(chosen(states, kind))), TOTALS)


def numbers_of_levels(material: Material, **changes) -> dict[str, Answer]:
    """Return the number of Fermi states, and of levels below ε_F at k = 0, above |Δ| or all."""
    floor = min(abs(material.Delta), material.E_F)
    below = count_states(material.well(**changes), np.array([material.E_F, floor]), 0.0)
    return {
        "at the Fermi level": both(len, material.states(**changes)),
        "at k = 0": Answer(int(below[0]), int(below[0] - below[1])),
    }


def total(states: FermiStates) -> float:
    """Return ∫₀^d S_y dz in nm⁻² per τeE/ħ."""
    return float(states.contribution.sum())


def size_of(added: Callable[[FermiStates], np.ndarray], states: FermiStates) -> float:
    """Return |∫S_y dz| in nm⁻² per τeE/ħ, by one of `TOTALS`."""
    return abs(float(added(states).sum()))


def in_left_barrier(states: FermiStates) -> float:
    """Return ∫_{−∞}^0 S_y dz in nm⁻² per τeE/ħ: both components decay exponentially there."""
    return float(contribution(states.k, states.velocity, states.barrier_spin[:, 0]).sum())


def at_left_interface(states: FermiStates) -> float:
    """Return S_y(0) in nm⁻³ per τeE/ħ."""
    return float(states.spin_density(0.0).sum())


def fraction(part: float, whole: float) -> float:
    """Return part/whole, and 0 of nothing: a well without states."""
    return float(part / whole) if whole else 0.0


def wells_along(material: Material, alpha_R: float, alpha_L: ArrayLike) -> list[Well]:
    """Return the well at each α_L: the paper's figures go past the end of the model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        return material.wells(alpha_L=alpha_L, alpha_R=alpha_R)


def states_along(material: Material, alpha_R: float, alpha_L: ArrayLike) -> list[FermiStates]:
    """Return the Fermi states of these."""
    return fermi_states_of(wells_along(material, alpha_R, alpha_L), material.E_F, digits=False)


def totals_along(material: Material, alpha_R: float, alpha_L: np.ndarray) -> dict[str, Answer]:
    """Return the total spin density along α_L, nm⁻² per τeE/ħ, by what is meant by it."""
    wells = wells_along(material, alpha_R, alpha_L)
    return {sense: totals(solve, wells, material.E_F) for sense, solve in SOLVERS.items()}


def totals(solve: Solver, wells: Sequence[Well], E_F: float) -> Answer:
    """Return the total spin density of each well, nm⁻² per τeE/ħ, by one of `SOLVERS`."""
    some = solve(wells, E_F)
    added = some.spin, some.spin * (some.E > some.exchange)
    return Answer(*(np.bincount(some.well, y, len(wells)) for y in added))


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
    well = material.well(alpha_R=alpha_R)
    places = rashba_at(well, material.E_F, abs(material.Delta))
    places = places[(places > 0) & (places < end_of_model(material))]
    return float(places.min()) if places.size else None


def maximum(function, grid: np.ndarray, values: np.ndarray, near: float) -> float | None:
    """Return the place of the local maximum next to `near`, from values on a grid."""
    i = top_near(grid, values, near)
    return None if i is None else refined(function, grid[i - 1], grid[i + 1]).x


def at_top(x: np.ndarray, y: np.ndarray | list[float]) -> float | None:
    """Return where the largest y is; at an end is no maximum."""
    top = int(np.argmax(y))
    return float(x[top]) if 0 < top < len(y) - 1 else None


def top_near(x: np.ndarray, y: np.ndarray, near: float) -> int | None:
    """Return the number of the point that is a local maximum of the points, the next to `near`."""
    return min(peaks(y).tolist(), key=lambda i: abs(x[i] - near), default=None)


def top_of_points(x: np.ndarray, y: np.ndarray, near: float) -> float | None:
    """Return the place of that point."""
    i = top_near(x, y, near)
    return None if i is None else float(x[i])


def wrong_way(y: np.ndarray) -> float:
    """Return which share of all its ups and downs a curve that is to fall goes up; 0 to 1."""
    steps = np.diff(y)
    return fraction(steps[steps > 0].sum(), np.abs(steps).sum())


def off_tangent(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest distance from the tangent at the start, as a share of the range of y."""
    rest = y - y[0] - (y[1] - y[0]) / (x[1] - x[0]) * (x - x[0])
    return fraction(np.abs(rest).max(), np.ptp(y))


def change_of_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the range of the slopes between points, as a share of the largest."""
    slope = np.diff(y) / np.diff(x)
    return fraction(np.ptp(slope), np.abs(slope).max())


def lost(material: Material) -> dict[str, Answer]:
    """Return the number of states at the stronger coupling, and what + and − have gained."""
    before, after = (material.states(alpha_L=a) for a in (FIRST, SECOND))

    def change(added, kind):
        old, new = (chiralities(added(chosen(states, kind))) for states in (before, after))
        return [len(chosen(after, kind)), new[0] - old[0], new[1] - old[1]]

    return by_sense(change, TOTALS)


ENERGIES = {
    "E along z": lambda states: states.E,
    "energy in the plane": lambda states: states.well.c * states.k**2,
}
"""What "energy" may mean where all states have the same total one, ε_F."""


def lost_place(material: Material) -> dict[str, Answer]:
    """Return which propagating state, from the highest energy, is lost; of all states none is."""
    place = loss(material, 0.0)
    if place is None or not FIRST < place < SECOND:
        return {name: Answer(None, None) for name in ENERGIES}
    some = chosen(material.states(alpha_L=place * (1 - 1e-6)), "propagating")
    gone = np.argmin(some.E - abs(material.Delta))  # its energy has come to |Δ|
    return {
        name: Answer(None, int((energy(some) > energy(some)[gone]).sum()) + 1)
        for name, energy in ENERGIES.items()
    }


def silent(material: Material) -> dict[str, Answer]:
    """Return what the lowest state contributes, and the least that one of the others does.

    Over the largest contribution of a state, or over that of all.
    """
    states = material.states(alpha_L=FIRST)

    def shares(some, energy, whole):
        size = np.abs(some.contribution)
        if size.size < 2:
            return None
        lowest = energy(some).argmin()
        return [fraction(x, whole(some)) for x in (size[lowest], np.delete(size, lowest).min())]

    wholes = {
        "over the largest": lambda some: np.abs(some.contribution).max(),
        "over the total": lambda some: abs(total(some)),
    }
    return {
        f"{name}, {words}": Answer(*(shares(chosen(states, kind), energy, f) for kind in WHICH))
        for name, energy in ENERGIES.items()
        for words, f in wholes.items()
    }


LINES = {"best line": bend, "tangent at 0": off_tangent}


def linear(material: Material) -> dict[str, Answer]:
    """Return how far the total is from a straight line in α_L, over its range.

    Up to the paper's jump, or to that of the propagating states where it comes first; for each α_R.
    """
    result = {}
    for alpha_R in ALPHAS_R:
        stop = min(JUMP, end_of_model(material))
        ends = (stop, min(stop, (loss(material, alpha_R) or stop) * (1 - 1e-6)))
        grids = [np.linspace(0, end, 101) for end in ends]
        curves = [totals_along(material, alpha_R, alpha) for alpha in grids]
        for where in TOTALS:
            for name, f in LINES.items():
                off = (f(grids[i], curves[i][where][i]) for i in (0, 1))
                result[f"{name}, {of_right(alpha_R)}, {where}"] = Answer(*off)
    return result


def of_right(alpha_R: float) -> str:
    """Return the name of a reading for one α_R."""
    return f"α_R = {number(alpha_R)}"


def jumps(material: Material) -> dict[str, Answer]:
    """Return where the number of states first changes, for each α_R; of all it does not.

    And the point after it of a curve that has `PLOTTED`.
    """
    places = {alpha_R: loss(material, alpha_R) for alpha_R in ALPHAS_R}
    result = {of_right(alpha_R): Answer(None, place) for alpha_R, place in places.items()}
    for end in ENDS:
        points = np.linspace(0, end, PLOTTED)
        for alpha_R, place in places.items():
            beyond = [] if place is None else points[points >= place].tolist()
            after = beyond[0] if beyond else None
            result[f"next of {PLOTTED} points up to {end:g}, {of_right(alpha_R)}"] = Answer(
                None, after
            )
    return result


def constant(material: Material) -> dict[str, Answer]:
    """Return the number of states up to the jump, and how much it changes from there to 0.1.

    All states have no jump; None is a number that is not one.
    """
    result = {}
    for alpha_R in ALPHAS_R:
        jump = loss(material, alpha_R) or JUMP
        below, above = (
            swept(material, "n_states", alpha_L=np.linspace(*ends, 51), alpha_R=alpha_R)
            for ends in ((0.0, jump * (1 - 1e-6)), (jump * (1 + 1e-6), 0.1))
        )
        before = [None if np.ptp(n) else int(n[0]) for n in below]
        after = [int(np.ptp(n)) for n in above]
        known = end_of_model(material) > 0.1
        result[of_right(alpha_R)] = Answer(
            [before[0], after[0] if known else ENDED], [before[1], after[1]]
        )
    return result


def drop(material: Material) -> dict[str, Answer]:
    """Return how far the + and the − sum drop where a state stops propagating, over the total.

    And from point to point of a curve that has `PLOTTED`: by how much more than beside it.
    """
    place = loss(material, ALPHA_R)

    def drops(alpha_L):
        several = states_along(material, ALPHA_R, alpha_L)
        at = len(several) // 2  # the first point after it

        def of(added, kind):
            some = [added(chosen(states, kind)) for states in several]
            scale = max(abs(some[i].sum()) for i in (at - 1, at))
            sums = [[np.maximum(sign * y, 0).sum() for y in some] for sign in (1, -1)]
            falls = -np.diff(sums, axis=1)
            beside = (falls[:, at - 2 : at - 1] + falls[:, at:]) / 2
            fall = falls[:, at - 1] - beside.sum(axis=1)
            return [fraction(fall[0], scale), fraction(abs(fall[1]), scale)]

        return by_sense(of, TOTALS)

    nothing = dict.fromkeys(TOTALS, Answer(None, None))
    result = nothing if place is None else drops([place * (1 + x) for x in (-1e-6, 1e-6)])
    for end in ENDS:
        curve = np.linspace(0, end, PLOTTED)
        i = PLOTTED if place is None else int(np.searchsorted(curve, place))
        seen = drops(curve[i - 2 : i + 2]) if 2 <= i < PLOTTED - 1 else nothing
        result = result | {
            f"{where}, {PLOTTED} points up to {end:g}": one for where, one in seen.items()
        }
    return result


def decrease(material: Material) -> dict[str, Answer]:
    """Return where the fall of the total that begins at the jump ends, and how much rises to 0.1.

    Where it begins is the statement on the jump.  All states have no jump.
    """
    result, end = {}, 0.1
    for alpha_R in ALPHAS_R:
        place = loss(material, alpha_R)
        start = (place or JUMP) * (1 + 1e-6)
        alpha = np.linspace(start, 1.5 * end, 401)
        inside, known = alpha <= end, end < end_of_model(material)
        for where, (everything, propagating) in totals_along(material, alpha_R, alpha).items():
            up = np.flatnonzero(np.diff(propagating) > 0)
            falls = place is not None and (not up.size or up[0] > 0)
            ends = float(alpha[-1]) if falls else None
            if falls and up.size:

                def minus(x, alpha_R=alpha_R, where=where):
                    wells = wells_along(material, alpha_R, [x])
                    return -totals(SOLVERS[where], wells, material.E_F).propagating[0]

                ends = refined(minus, *alpha[[up[0] - 1, up[0] + 1]]).x
            name = f"{of_right(alpha_R)}, {where}"
            result[f"where it ends, {name}"] = Answer(None, ends)
            whole = wrong_way(everything[inside]) if known else ENDED
            part = wrong_way(propagating[inside]) if place is not None else None
            result[f"all the way, {name}"] = Answer(whole, part)
    return result


def nonlinear(material: Material) -> dict[str, Answer]:
    """Return how far the straightest curve of Fig. 3(a) is bent from 0.1 on, by where it ends.

    Away from a straight line, over its range; and the change of its slope, over the largest.
    """
    result = {}
    for end in ENDS:
        alpha = np.linspace(0.1, end, 101)
        three = [totals_along(material, alpha_R, alpha) for alpha_R in ALPHAS_R]
        known = end < end_of_model(material)
        for where in TOTALS:
            for name, f in (("bent", bend), ("slope changes", change_of_slope)):
                least = [min(f(alpha, one[where][i]) for one in three) for i in (0, 1)]
                answer = Answer(least[0] if known else ENDED, least[1])
                result[f"{name}, up to {end:g}, {where}"] = answer
    return result


def shift(material: Material) -> dict[str, Answer]:
    """Return how far curves of two α_R, one of them the paper's, are from shifted ones.

    Below the jumps of both; over the rise of the curve, or over the shift itself.
    """
    result = {}
    for other in OTHERS_R:
        pair = (ALPHA_R, other)
        places = [place for place in (loss(material, r) for r in pair) if place]
        alpha = np.linspace(0, 0.999 * min([*places, end_of_model(material)]), 41)
        first, second = (totals_along(material, r, alpha) for r in pair)
        for where in TOTALS:
            off = [a - b for a, b in zip(first[where], second[where], strict=True)]
            wholes = {
                "rise": [np.ptp(y) for y in first[where]],
                "shift": [abs(np.mean(y)) for y in off],
            }
            for name, whole in wholes.items():
                shares = (fraction(np.ptp(y), part) for y, part in zip(off, whole, strict=True))
                result[f"over the {name}, other {of_right(other)}, {where}"] = Answer(*shares)
    return result


def interface_maximum(material: Material) -> dict[str, Answer]:
    """Return α_L of the maximum of S_y(0): the next to the paper's beyond the jump, the highest.

    Up to the end of the model; and the largest of those that a figure of some profiles may have.
    At an end of the range is none.
    """
    jump = loss(material, ALPHA_R)
    grid = np.linspace(0, end_of_model(material), 41)
    if jump:
        grid = np.union1d(grid, [jump * (1 - 1e-6), jump * (1 + 1e-6)])
    beyond = grid > (jump or 0.01)
    next_to, highest, drawn = [], [], []
    for kind in WHICH:

        def values(alpha, kind=kind):
            some = states_along(material, ALPHA_R, alpha)
            return np.array([at_left_interface(chosen(states, kind)) for states in some])

        def value(alpha, values=values):
            return values([alpha])[0]

        y = values(grid)
        next_to.append(maximum(value, grid[beyond], y[beyond], PEAK))
        highest.append(at_top(grid, y))
        end = end_of_model(material) if kind is None else np.inf
        sets = (np.array(some) for some in (NAMED, *(x * np.arange(1, 0.15 / x) for x in APART)))
        several = [some[some < end] for some in sets]
        drawn.append([at_top(some, values(some)) for some in several])
    names = ("of those named", *(f"of some {number(x)} apart" for x in APART))
    return {"beyond the jump": Answer(*next_to), "the highest": Answer(*highest)} | {
        name: Answer(*places) for name, places in zip(names, zip(*drawn, strict=True), strict=True)
    }


def penetration(material: Material) -> dict[str, Answer]:
    """Return how much goes up of what is to fall from 0.062 on, by what penetrates.

    The spin density in the left barrier, that at the interface, and how deep it reaches, the ratio
    of the two; up to the end of the model, or to 0.075.
    """
    stop = min(end_of_model(material), 0.075)
    alpha = np.linspace(PEAK * min(1, stop / 0.075), stop, 14)
    several = [
        (both(in_left_barrier, states), both(at_left_interface, states))
        for states in material.several(alpha_L=alpha, alpha_R=ALPHA_R)
    ]
    # Positive where it has the sign that it starts with.
    inside, at = np.moveaxis(np.array(several), 1, 0)
    sign = np.sign(inside[0])
    return {
        "in the barrier": Answer(*map(wrong_way, (sign * inside).T)),
        "at the interface": Answer(*map(wrong_way, (np.sign(at[0]) * at).T)),
        "how deep": Answer(*(wrong_way(y) for y in (inside / np.where(at, at, np.inf)).T)),
    }


def from_superposition(
    material: Material, alpha_R: float, d: float, alone: float
) -> dict[str, Answer]:
    """Return how far two interfaces are from the sum of each alone, and what is midway.

    Of profiles, over the largest S_y; and of totals, of the well or of all z, over those of each
    alone, where what is midway is a share of ∫|S_y| over the well.  Midway is the middle third.
    Each is alone in a well of width `alone`, d or larger; the sum of profiles has the parts of
    these that are next to the interfaces.
    """
    z = np.linspace(0, d, 601)
    middle = np.abs(z / d - 0.5) < 1 / 6
    left, right = (ALPHA_5, ALPHA_5, 0.0), (alpha_R, 0.0, alpha_R)
    several = material.several(alpha_L=left, alpha_R=right, d=(d, alone, alone))

    def shares(kind):
        some = [chosen(states, kind) for states in several]
        places = (z, z, z + (alone - d))
        y = [states.spin_density(at).sum(axis=0) for states, at in zip(some, places, strict=True)]
        size, off = np.abs(y[0]), np.abs(y[0] - y[1] - y[2]).max()
        result = [[fraction(part, size.max()) for part in (off, size[middle].max())]]
        for added in TOTALS.values():
            both_, *each = (added(states).sum() for states in some)
            away = fraction(abs(both_ - sum(each)), np.abs(each).sum())
            result.append([away, fraction(size[middle].sum(), size.sum())])
        return result

    names = ("profile", "total", "total over all z")
    return dict(zip(names, map(Answer, *map(shares, WHICH)), strict=True))


CASES = {"(a)": ALPHA_5, "(b)": 0.0, "(c)": -ALPHA_5}
"""The cases of Fig. 5 by their α_R."""
ALONE_IN = {"the same well": lambda d: d, "a wide well": lambda d: WIDE_WELL}
"""Where an interface may be alone, by the width of that well."""


def superposition(material: Material) -> dict[str, Answer]:
    """Return `from_superposition` of the three cases at the larger width."""
    return {
        f"{what}, case {case}, alone in {name}": answer
        for name, width in ALONE_IN.items()
        for case, alpha_R in CASES.items()
        for what, answer in from_superposition(material, alpha_R, THICK, width(THICK)).items()
    }


def narrow(material: Material) -> dict[str, Answer]:
    """Return the departure from the sum in thinner wells, where there are two couplings."""
    return {
        f"{what}, case {case}, {d:g} nm, alone in {name}": Answer(*(one[0] for one in answer))
        for name, width in ALONE_IN.items()
        for d in THINNER
        for case in ("(a)", "(c)")
        for what, answer in from_superposition(material, CASES[case], d, width(d)).items()
    }


@functools.lru_cache(maxsize=1)
def profile(states: FermiStates) -> np.ndarray:
    """Return |S_y| in nm⁻³ per τeE/ħ at the midpoints of a thousand parts of the well."""
    z = (np.arange(1000) + 0.5) / 1000 * states.well.d
    return np.abs(states.spin_density(z).sum(axis=0))


SIZES: dict[str, Callable[[FermiStates], float]] = {
    "integral": functools.partial(size_of, TOTALS["over the well"]),
    "largest value": lambda states: float(profile(states).max()),
    "average": lambda states: SIZES["integral"](states) / states.well.d,
    "mean magnitude": lambda states: float(profile(states).mean()),
    "integral over all z": functools.partial(size_of, TOTALS["over all z"]),
}
"""What "the magnitude of the spin density" of some states may mean."""


def measured(material: Material, left: float, right: float, d: ArrayLike) -> dict[str, Answer]:
    """Return each of `SIZES` at each width, arrays."""
    several = material.several(alpha_L=left, alpha_R=right, d=np.atleast_1d(d))
    sizes = np.moveaxis(of_each(several, SIZES.values()), 2, 0)
    return {name: Answer(*both_) for name, both_ in zip(SIZES, sizes, strict=True)}


def of_each(several: Sequence[FermiStates], functions: Collection[Callable]) -> np.ndarray:
    """Return functions of all states of wells, and of the propagating ones: (2, wells, n)."""

    def of(states: FermiStates) -> list[float]:
        return [function(states) for function in functions]

    return np.array([[of(chosen(states, kind)) for states in several] for kind in WHICH])


def smaller(a: float, b: float) -> float:
    """Return by which share of the larger a is smaller than b; of what is rounding, 0."""
    larger = max(a, b)
    # What symmetry makes zero is so within rounding: neither is smaller.
    return fraction(b - a, larger) if larger > NOTHING else 0.0


def smaller_by(material: Material, first: tuple, second: tuple) -> dict[str, Answer]:
    """Return how much smaller the spin density of the first well, (α_L, α_R, d), is."""
    a, b = (measured(material, *well) for well in (first, second))
    return {
        name: Answer(*(smaller(x[0], y[0]) for x, y in zip(a[name], b[name], strict=True)))
        for name in SIZES
    }


def trends(material: Material, alpha_R: float, falls: bool) -> dict[str, Answer]:
    """Return how far the spin density falls, or rises, from 3 nm to each of the thinner widths.

    And what part of its ups and downs, from 3 nm down to the thinnest, is the other way.
    """
    result: dict[str, Answer] = {}
    thick = (ALPHA_5, alpha_R, THICK)
    for d in THINNER:
        pair = [(ALPHA_5, alpha_R, d), thick]
        answers = smaller_by(material, *(pair if falls else pair[::-1]))
        result |= {f"{name}, {d:g} nm": answer for name, answer in answers.items()}
    widths = np.linspace(THICK, THINNER[-1], 57)
    for name, curves in measured(material, ALPHA_5, alpha_R, widths).items():
        result[f"{name}, all the way"] = Answer(
            *(wrong_way(y if falls else -y) if y.max() > NOTHING else None for y in curves)
        )
    return result


def magnitude(material: Material) -> dict[str, Answer]:
    """Return how much smaller |S_y| of α_L = α_R is than that of α_L = −α_R."""
    return smaller_by(material, (ALPHA_5, ALPHA_5, THICK), (ALPHA_5, -ALPHA_5, THICK))


def counts_5(material: Material) -> dict[str, Answer]:
    """Return the numbers of states of cases (a) and (c)."""
    a, c = (
        numbers_of_levels(material, alpha_L=ALPHA_5, alpha_R=r, d=THICK)
        for r in (ALPHA_5, -ALPHA_5)
    )
    return {at: Answer(*map(list, zip(a[at], c[at], strict=True))) for at in a}


def thinner_maximum(material: Material) -> dict[str, Answer]:
    """Return the width of the local maximum next to the paper's, case (c), by measure.

    And that of a few widths; and the largest of the widths of Fig. 5, if it is in the middle.
    """
    of = functools.partial(measured, material, ALPHA_5, -ALPHA_5)
    grid, drawn = np.linspace(0.3, 0.8, 51), np.array((THICK, *THINNER))
    fine, three = of(grid), of(drawn)
    # 0 where there is no maximum, since an end of the grid is none.
    tops = np.array([[top_near(grid, y, WIDE) or 0 for y in fine[name]] for name in SIZES])
    sense, kind = np.nonzero(tops)
    at, sizes = tops[sense, kind], list(SIZES.values())

    def values(widths):
        several = material.several(alpha_L=ALPHA_5, alpha_R=-ALPHA_5, d=widths.ravel())
        which = zip(several, np.tile(sense, len(widths)), np.tile(kind, len(widths)), strict=True)
        found = [sizes[n](chosen(some, WHICH[i])) for some, n, i in which]
        return np.reshape(found, widths.shape)

    found = np.full(tops.shape, None)
    found[sense, kind] = refined_together(values, grid[at - 1], grid[at + 1]).tolist()
    result = {name: Answer(*places) for name, places in zip(SIZES, found, strict=True)}
    for step in D_APART:
        widths = np.arange(THINNER[-1], 2 * WIDE + step, step)
        for name, curves in of(widths).items():
            highest = (top_of_points(widths, y, WIDE) for y in curves)
            result[f"{name}, of widths {number(step)} apart"] = Answer(*highest)
    return result | {
        f"{name}, of three widths": Answer(*(at_top(drawn, y) for y in curves))
        for name, curves in three.items()
    }


def last_width(material: Material) -> dict[str, Answer]:
    """Return the width below which no state is left, and no spin density to speak of, case (c).

    The spin density by each of `SIZES`.
    """
    grid, senses = np.geomspace(0.02, 2.0, 60), [len, *SIZES.values()]

    case = functools.partial(material.several, alpha_L=ALPHA_5, alpha_R=-ALPHA_5)

    values = of_each(case(d=grid), senses)
    least = np.array([1e-3] + [yardstick.SHARE] * len(SIZES)) * values.max(axis=1)
    more = values > least[:, None]
    kind, sense = np.nonzero(more.any(axis=1) & ~more[:, 0])
    after = more.argmax(axis=1)[kind, sense]

    def left(d, i):
        which = zip(case(d=d), kind[i], sense[i], strict=True)
        size = [senses[n](chosen(states, WHICH[j])) for states, j, n in which]
        return np.array(size) - least[kind[i], sense[i]]

    low, high = grid[after - 1], grid[after]
    each = np.arange(after.size)
    found = np.full(least.shape, None)
    found[kind, sense] = refine(left, low, high, left(low, each), left(high, each)).tolist()
    names = (f"{100 * yardstick.SHARE:g} % is left, {name}" for name in SIZES)
    return dict(zip(["the last state leaves", *names], map(Answer, *found), strict=True))


def exponents(material: Material) -> dict[str, Answer]:
    """Return the exponent of d that fits the total between 5 and 20 nm, case (c), by measure."""
    d = np.linspace(5, 20, 301)
    integrals = swept(material, d=d, alpha_L=ALPHA_6, alpha_R=-ALPHA_6)

    def exponent(y):
        return float(np.polyfit(np.log(d), np.log(y), 1)[0]) if (y > 0).all() else None

    return {
        "integral": Answer(*map(exponent, integrals)),
        "average": Answer(*(exponent(y / d) for y in integrals)),
    }


def interplay(material: Material) -> dict[str, Answer]:
    """Return how far the two interfaces act on each other below 4 nm, case (c), in two senses.

    How far the total departs from the sum of single interfaces, and from the constant of wide
    wells, its mean from 10 to 20 nm.  Both over the largest total.  And by how much it is more
    irregular there than from 4 to 8 nm, in two senses as well.
    """
    d = np.linspace(0.5, 8.0, 751)
    thin = d < IRREGULAR
    both_, left, right = (
        np.array(swept(material, d=where, alpha_L=a, alpha_R=b))
        for where, a, b in (
            (d, ALPHA_6, -ALPHA_6),
            (d[thin][::3], ALPHA_6, 0.0),
            (d[thin][::3], 0.0, -ALPHA_6),
        )
    )
    wide = swept(material, d=np.linspace(10, 20, 101), alpha_L=ALPHA_6, alpha_R=-ALPHA_6)
    below = both_[:, thin]
    largest = np.abs(below).max(axis=1)
    from_each = {
        "the couplings": np.abs(below[:, ::3] - left - right).max(axis=1),
        "the walls": np.abs(below - np.mean(wide, axis=1)[:, None]).max(axis=1),
    }
    teeth = [[uneven(d[part], y[part]) for part in (thin, ~thin)] for y in both_]
    return {
        f"{name}, {sense}": Answer(
            *([fraction(off[j], largest[j]), teeth[j][0][i] - teeth[j][1][i]] for j in (0, 1))
        )
        for name, off in from_each.items()
        for i, sense in enumerate(("spacing", "height"))
    }


def uneven(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return how much the distances of neighbouring maxima of y vary, and how much their heights.

    Standard deviation over mean; 0 of fewer than three maxima.
    """
    at = peaks(y)
    if at.size < 3:
        return 0.0, 0.0
    gaps, heights = np.diff(x[at]), y[at]
    return float(gaps.std() / gaps.mean()), fraction(heights.std(), abs(heights.mean()))


def three_levels(material: Material) -> dict[str, Answer]:
    """Return what α_L changes, up to the end of the model: three levels of influence.

    The spin density that comes with it, how a state is in the left barrier, and the number of
    states, each over the largest.
    """
    several = material.several(alpha_L=np.linspace(0, end_of_model(material), 41)[:-1])

    def influence(of_barrier, kind):
        some = [chosen(states, kind) for states in several]
        inside = np.array([of_barrier(states) for states in some])
        number_of = np.array([len(states) for states in some])
        before, after = (abs(total(states)) for states in some[:2])
        made = fraction(after - before, after) if after > SILENT else 0.0
        return [
            made,
            fraction(np.ptp(inside), inside.max()),
            fraction(np.ptp(number_of), number_of.max()),
        ]

    senses = {"how much": weight_in_left_barrier, "how deep": depth_in_left_barrier}
    return by_sense(influence, senses)


def weight_in_left_barrier(states: FermiStates) -> float:
    """Return the mean probability of a state to be in the left barrier."""
    if not len(states):
        return 0.0
    return float((states.amplitude[:, :2] ** 2 / states.decay[:, 0]).sum(axis=1).mean() / 2)


def depth_in_left_barrier(states: FermiStates) -> float:
    """Return how deep in nm a state is there on average: the mean of −z of its part in there."""
    if not len(states):
        return 0.0
    inside = states.amplitude[:, :2] ** 2 / states.decay[:, 0]
    depth = (inside / states.decay[:, 0]).sum(axis=1) / inside.sum(axis=1) / 2
    return float(depth.mean())


QUANTITIES: dict[str, Callable[[Material], Any]] = {
    "model-interband": interband,
    "confinement-count": lambda m: numbers_of_levels(m, alpha_L=FIRST),
    "confinement-chirality": split,
    "confinement-silent": silent,
    "confinement-lost": lost,
    "confinement-lost-which": lost_place,
    "chirality-linear": linear,
    "chirality-jump": jumps,
    "chirality-constant": constant,
    "chirality-jump-sign": drop,
    "chirality-decrease": decrease,
    "chirality-nonlinear": nonlinear,
    "chirality-shift": shift,
    "profile-maximum": interface_maximum,
    "profile-penetration": penetration,
    "thickness-narrow": narrow,
    "thickness-independent": superposition,
    "thickness-magnitude": magnitude,
    "thickness-counts": counts_5,
    "thickness-a-decreases": lambda m: trends(m, ALPHA_5, falls=True),
    "thickness-b-increases": lambda m: trends(m, 0.0, falls=False),
    "thickness-c-maximum": thinner_maximum,
    "thickness-c-vanishes": last_width,
    "thickness-inverse-d": exponents,
    "thickness-hectic": interplay,
    "conclusion-three-levels": three_levels,
}
"""What computes our values of each statement, by its id."""
