import dataclasses
import warnings

import numpy as np
import pytest
from scipy import constants
from wells import PAPER

from qwlib import UnboundedSpectrumWarning, Well
from qwlib.well import ELECTRON_MASS


def test_defaults_are_the_well_of_figure_2a():
    assert Well() == PAPER


def test_kinetic_constant():
    # ħ²/2m from SI values, by another order of operations: a few roundings apart.
    # The electron's mass that SciPy has depends on its version.
    joule = (constants.h / (2 * constants.pi)) ** 2 / (2 * ELECTRON_MASS)
    assert Well(mass=0.7).c == pytest.approx(joule / constants.e * 1e18 / 0.7, rel=1e-14)
    # The value to the digits that everybody quotes.
    assert round(Well().c, 7) == 0.0380998
    assert round(Well().critical_rashba, 4) == 0.0762


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("d", 0, "> 0 nm"),
        ("d", -2.2, "> 0 nm"),
        ("d", 1e-160, "at least 1e-150 nm"),
        ("d", float("nan"), "finite real number in nm"),
        ("d", float("inf"), "finite real number in nm"),
        ("d", "2.2", "finite real number in nm"),
        ("d", None, "finite real number in nm"),
        ("d", [2.2], "finite real number in nm"),
        ("d", 1j, "finite real number in nm"),
        ("d", True, "finite real number in nm"),
        ("mass", 0, "> 0 m_e"),
        ("V_L", 0, "> 0 eV"),
        ("V_R", -1, "> 0 eV"),
        ("Delta", float("nan"), "finite real number in eV"),
        ("alpha_L", float("inf"), "finite real number in eV nm^2"),
        ("alpha_R", "x", "finite real number in eV nm^2"),
        ("exchange", "inside", "everywhere"),
        ("exchange", None, "everywhere"),
    ],
)
@pytest.mark.parametrize("how", ["new", "replace"])
def test_bad_input_names_parameter_value_and_what_is_allowed(parameter, value, allowed, how):
    with pytest.raises(ValueError) as error:
        if how == "new":
            Well(**{parameter: value})
        else:
            Well().replace(**{parameter: value})
    message = str(error.value)
    assert parameter in message
    assert allowed in message
    shown = repr(float(value)) if isinstance(value, int) and value is not True else repr(value)
    assert shown in message


def test_replace_is_a_copy_and_refuses_unknown_names():
    assert PAPER.replace(alpha_L=0.05) == Well(alpha_L=0.05)
    assert PAPER.alpha_L == 0.046
    with pytest.raises(ValueError, match="alpha_l is not a parameter"):
        PAPER.replace(alpha_l=0.05)
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAPER.d = 3.0


def test_numbers_of_other_types_become_floats():
    well = Well(d=np.float32(2), V_L=5, V_R=np.int64(5), alpha_L=np.array(0.01))
    assert all(type(getattr(well, name)) is float for name in ("d", "V_L", "V_R", "alpha_L"))


@pytest.mark.parametrize("name", ["alpha_L", "alpha_R"])
@pytest.mark.parametrize("sign", [1, -1])
def test_end_of_the_model_is_a_warning(name, sign):
    critical = Well().critical_rashba
    for well_maker in (lambda v: Well(**{name: v}), lambda v: Well().replace(**{name: v})):
        with pytest.warns(UnboundedSpectrumWarning, match="no lower bound") as record:
            well_maker(sign * critical)
        assert [warning.filename for warning in record] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            well_maker(sign * np.nextafter(critical, 0))


def test_fermi_energy_must_be_below_the_lower_barrier_edge():
    for exchange, edge in (("everywhere", 4 - 0.25), ("ferromagnet", 4.0)):
        for Delta in (0.25, -0.25):
            well = Well(V_L=6, V_R=4, Delta=Delta, exchange=exchange)
            assert well.continuum_edge == edge
            assert well.checked_fermi_energy(edge - 1e-9) == edge - 1e-9
            for bad in (edge, edge + 1, float("nan"), "3"):
                with pytest.raises(ValueError, match="E_F"):
                    well.checked_fermi_energy(bad)
