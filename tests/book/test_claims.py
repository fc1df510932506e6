"""The verdicts follow from numbers, and no statement of the paper is without one."""

import importlib
import re

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from scipy.integrate import quad

from qwlib import Well, fermi_states
from qwlib.book import claims

# The paper's own values, copied from its text once more, so that a slip in the data file shows.
PAPERS = {
    "model-interband": True,
    "confinement-count": 11,
    "confinement-chirality": [6, 5],
    "confinement-silent": 1,
    "confinement-lost": [10, -1, 0],
    "confinement-lost-which": 1,
    "chirality-linear": [0, 0.049],
    "chirality-jump": 0.049,
    "chirality-jump-sign": "+",
    "chirality-decrease": [0.049, 0.1],
    "chirality-nonlinear": True,
    "chirality-shift": 0,
    "profile-maximum": 0.062,
    "profile-penetration": True,
    "thickness-independent": [0, 0],
    "thickness-magnitude": True,
    "thickness-counts": [27, 14],
    "thickness-a-decreases": True,
    "thickness-b-increases": True,
    "thickness-c-maximum": 0.52,
    "thickness-c-vanishes": 0.2,
    "thickness-inverse-d": -1,
    "thickness-hectic": True,
    "conclusion-three-levels": [True, True, True],
}
BY_ID = {claim.id: claim for claim in claims.claims()}


@pytest.fixture(scope="module")
def entries():
    return {entry.claim.id: entry for entry in claims.judged()}


def test_every_statement_of_the_paper_is_there_with_its_value():
    assert {name: claim.paper for name, claim in BY_ID.items()} == PAPERS
    assert set(claims.QUANTITIES) == set(PAPERS)


@pytest.mark.parametrize("name", PAPERS)
def test_stated_verdict_is_the_computed_one(entries, name):
    entry = entries[name]
    assert entry.verdict in claims.VERDICTS
    assert entry.verdict == entry.claim.verdict
    # What is missing is said where, and only where, the text does not decide.
    assert bool(entry.claim.missing) == (entry.verdict == claims.UNDECIDABLE)


@pytest.mark.parametrize("claim", BY_ID.values(), ids=BY_ID)
def test_statement_says_what_a_reader_needs(claim):
    for name in (
        "title",
        "where",
        "wording",
        "quantity",
        "compared",
        "tolerance_reason",
        "why",
        "chapter",
        "shown",
    ):
        assert getattr(claim, name), name
    assert len(claim.parts) == (len(claim.paper) if isinstance(claim.paper, list) else 0)


@pytest.mark.parametrize(
    ("paper", "ours", "tolerance", "expected"),
    [
        (11, 11, 0.0, True),
        (11, 13, 0.0, False),
        (0.049, 0.0485, 0.001, True),
        (0.049, 0.047, 0.001, False),
        (0.049, None, 0.001, False),
        (True, True, 0.0, True),
        (True, False, 0.0, False),
        (True, 1, 0.0, True),
        ("+", "none", 0.0, False),
        ([6, 5], [6, 5], 0.0, True),
        ([6, 5], [5, 6], 0.0, False),
        ([0, 0.1], [0, 0.105], [0.0, 0.01], True),
        ([0, 0.1], [0.001, 0.105], [0.0, 0.01], False),
        ([0, 0.1], None, 0.1, False),
        ([1, 2, 3], [1, 2], 0.0, False),
    ],
)
def test_agreement(paper, ours, tolerance, expected):
    assert claims.agrees(paper, ours, tolerance) is expected


def test_verdict_by_case():
    answer = claims.Answer
    judge = claims.verdict_of
    assert judge(11, {"": answer(11, 11)}) == claims.REPRODUCED
    assert judge(11, {"": answer(11, 10)}) == claims.REPRODUCED
    assert judge(11, {"": answer(13, 11)}) == claims.PROPAGATING
    assert judge(11, {"": answer(13, 12)}) == claims.NOT
    readings = {"one": answer(13, 11), "other": answer(13, 12)}
    assert judge(11, readings) == claims.UNDECIDABLE
    assert judge(13, readings) == claims.REPRODUCED


# --- a second route to what the statements hang on ------------------------------------------------


def test_jump_is_where_a_state_has_the_energy_of_the_floor(entries):
    alpha = entries["chirality-jump"].answers[""].propagating
    states = fermi_states(Well(alpha_L=alpha), 3.0)
    # The jump was bisected to 1e-9 in α_L, and E falls by a few eV per eV nm².
    assert np.abs(states.E - states.well.Delta).min() < 1e-7


def test_last_state_leaves_where_the_closed_form_says(entries):
    well = Well()
    kappa = np.sqrt((3 + well.Delta) / well.c)
    q = np.sqrt((well.V_L - well.Delta - 3) / well.c)
    width = 2 * np.arctan(q / kappa) / kappa
    # Bisected to 1e-9 nm.
    assert entries["thickness-c-vanishes"].answers[""].all == pytest.approx(width, abs=2e-9)


def test_spin_density_in_the_left_barrier_against_quadrature():
    states = fermi_states(Well(alpha_R=-0.025), 3.0)
    direct, error = quad(lambda z: states.spin_density(z).sum(), -40, 0, epsabs=1e-12, limit=200)
    # The slowest tail falls by e^−400 in 40 nm; quadrature says how exact it is itself.
    assert claims.in_left_barrier(states) == pytest.approx(direct, abs=max(error, 1e-12))


def test_weight_in_the_left_barrier_against_quadrature():
    states = fermi_states(Well(), 3.0)
    direct, _ = quad(lambda z: (states.wavefunction(z) ** 2).sum(), -40, 0, epsabs=1e-12, limit=200)
    assert claims.weight_in_left_barrier(states) == pytest.approx(direct / len(states), abs=1e-10)


def test_lost_state_is_the_one_that_passes_the_floor(entries):
    # Followed by its energy on both sides of the jump: all others keep their place.
    alpha = entries["chirality-jump"].answers[""].propagating
    before, after = (fermi_states(Well(alpha_L=alpha * x), 3.0) for x in (1 - 1e-6, 1 + 1e-6))
    changed = np.nonzero(before.kind != after.kind)[0]
    assert changed.size == 1
    assert len(before) - changed[0] == entries["confinement-lost-which"].answers[""].propagating


def test_maximum_against_width_is_where_a_subband_enters(entries):
    # κ↑d = 2 atan(q↑/κ↑) + π: the next ↑ subband's bottom is at ε_F, and ∫S_y has a cusp there.
    well = Well()
    kappa = np.sqrt((3 - well.Delta) / well.c)
    q = np.sqrt((well.V_L + well.Delta - 3) / well.c)
    width = (2 * np.arctan(q / kappa) + np.pi) / kappa
    found = entries["thickness-c-maximum"].answers[""].all
    # A search for a maximum without slope stops within the root of rounding.
    assert found == pytest.approx(width, abs=1e-5)


def test_antisymmetric_profile_has_no_integral():
    answers = claims.measured(claims.PAPER, 0.01, 0.01, 3.0)
    # Symmetry makes it zero; its parts are of the order of 0.01 nm⁻².
    assert answers["its integral over the well"].all < 1e-13
    assert answers["its largest magnitude"].all > 0.01


# --- another material -----------------------------------------------------------------------------


OTHER = claims.Material(d=3.3, V_L=4.0, V_R=7.0, Delta=0.6, mass=0.7, E_F=2.0)


def test_another_material_gets_verdicts_where_they_apply():
    entries = claims.judged(OTHER)
    assert [entry.claim.id for entry in entries] == list(PAPERS)
    for entry in entries:
        if entry.claim.general:
            assert entry.verdict in claims.VERDICTS
        else:
            assert entry.verdict == claims.ELSEWHERE
            assert not entry.answers
    text = claims.table(entries) + claims.details(entries)
    assert claims.ELSEWHERE in text


@pytest.mark.parametrize("E_F", [0.2, 2.0])
def test_every_quantity_has_an_answer_for_another_material(E_F):
    # Nothing may raise, wherever the features of the paper's well are not there.
    material = claims.Material(d=0.8, V_L=4.0, V_R=7.0, Delta=0.0, mass=0.7, E_F=E_F)
    for claim in claims.claims():
        assert claim.answers(material)


# --- how it is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (True, "", "yes"),
        (None, "nm", "no such feature"),
        (claims.ENDED, "", "no model there"),
        (-0.000394, "", "−0.0004"),
        (0.046841, "eV nm²", "0.0468 eV nm²"),
        ([10, -1, 0], "", "10, −1, 0"),
        (-1e-9, "", "0"),
    ],
)
def test_value_as_text(value, unit, text):
    assert claims.as_text(value, unit) == text


def test_symbols_become_formulas():
    text = "α_L = −α_R; ∫S_y dz and S_y(0) at ε_F, but a_S_y, $S_y$ and S_yz stay"
    assert claims.typeset(text) == (
        r"$\alpha_L$ = −$\alpha_R$; ∫$S_y$ dz and $S_y$(0) at $\varepsilon_F$,"
        " but a_S_y, $S_y$ and S_yz stay"
    )


def test_captions_call_a_statement_by_its_title():
    found = set()
    for page in (ROOT / "book").glob("*.ipynb"):
        for text in ([str(c.metadata), c.source] for c in nbformat.read(page, as_version=4).cells):
            for title, name in re.findall(r"\{ref\}`([^`<]+) <claim-([\w-]+)>`", "\n".join(text)):
                assert title == BY_ID[name].title
                found.add(name)
    assert len(found) > 15


def test_table_and_details_name_every_statement(entries):
    table, details = claims.table(list(entries.values())), claims.details(list(entries.values()))
    for name in PAPERS:
        assert f"<claim-{name}>" in table
        assert f"(claim-{name})=" in details


def test_numbers_have_every_number_of_the_paper_other_than_zero(entries):
    rows = claims.numbers(list(entries.values()))
    titles = {name: BY_ID[name].title for name in PAPERS}
    count = next(row for row in rows if row[0] == titles["confinement-count"])
    assert count[1:] == (11, 0.0, 13, 11)
    assert len([row for row in rows if row[0].startswith(titles["thickness-counts"])]) == 2
    assert not any(row[0].startswith(titles["confinement-silent"]) for row in rows)
    assert not any(isinstance(row[1], bool) or row[1] == 0 for row in rows)


def test_a_changed_sign_changes_a_verdict(monkeypatch):
    kubo = importlib.import_module("qwlib.kubo")
    right = kubo.contribution
    monkeypatch.setattr(kubo, "contribution", lambda k, v, s: -right(k, v, s))
    claim = BY_ID["confinement-chirality"]
    verdict = claims.verdict_of(claim.paper, claim.answers(), claim.tolerance)
    assert verdict != claim.verdict
