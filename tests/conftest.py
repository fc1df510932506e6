"""How hypothesis draws its examples, for every test here."""

import os
import random

import pytest
from hypothesis import settings

# In CI the same examples every time, so that a red run is about the change at hand;
# elsewhere new ones each time, so that the search goes on.
# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("local", print_blob=True, deadline=None)
IN_CI = bool(os.environ.get("CI"))
settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, before hypothesis reads the option, so that it can be told."""
    if not IN_CI and config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to draw the same examples again."""
    seed = config.getoption("hypothesis_seed")
    return "hypothesis: " + (
        f"random examples, again with --hypothesis-seed={seed}"
        if seed is not None
        else "the same examples every time (CI is set)"
    )
