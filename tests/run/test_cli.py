"""The command wherever qwlib is installed: one well, and what it says where something lacks."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from conftest import PATIENCE, ROOT

import qwlib
from qwlib import Well, fermi_states
from qwlib import __main__ as command
from qwlib.run import cli

WELL = ["-p", "d=3", "-p", "alpha_R=-0.02", "-p", "exchange=ferromagnet", "-p", "E_F=2.5"]
STATES = fermi_states(Well(d=3.0, alpha_R=-0.02, exchange="ferromagnet"), 2.5)


def test_json_holds_the_well_and_its_states_to_the_bit(capsys):
    assert cli.main(["states", "--json", *WELL]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["well"], found["E_F"]) == (asdict(STATES.well), 2.5)
    assert found["certified"] is True and found["qwlib"] == qwlib.__version__
    assert found["spin_density"] == STATES.contribution.sum()
    assert len(found["states"]) == len(STATES) > 10
    for name in found["states"][0]:
        column = [state[name] for state in found["states"]]
        assert np.array_equal(column, getattr(STATES, name)), name
    assert set(found["units"]) < set(found["states"][0])


def test_table_has_a_line_for_each_state(capsys):
    assert cli.main(["states", *WELL]) == 0
    head, *rows, last = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["k", "(1/nm)", "E", "(eV)"]
    for row, k, kind in zip(rows, STATES.k, STATES.kind, strict=True):
        assert float(row.split()[0]) == pytest.approx(k, rel=1e-5)  # six digits
        assert row.split()[-2] == kind
    assert last.startswith(f"{len(STATES)} states, proven complete; spin density ")


def test_well_without_a_state_has_a_table_too(capsys):
    assert cli.main(["states", "-p", "E_F=-3"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "0 states, proven complete; spin density 0 1/nm^2 per τeE/ħ"
    ]


REFUSED = {
    "dd=3": "dd is not a parameter of a well; did you mean d?",
    "d=[1,2]": "d must be a finite real number in nm, got [1, 2]",
    "d=-1": "d must be > 0 nm, got -1.0",
    "E_F=5": "E_F must be below the lower barrier edge",
    "exchange=nowhere": "exchange must be one of",
    "d=1e25": "at most 100000 can be found",
}


@pytest.mark.parametrize("given", REFUSED)
def test_well_that_is_not_allowed_is_refused_in_one_line(capsys, given):
    assert cli.main(["states", "-p", given]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and REFUSED[given] in err


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"qwlib {qwlib.__version__}\n"


def test_chapters_as_json_have_what_the_list_has(capsys):
    assert cli.main(["chapters", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"]["d"] == {
        "default": 2.2,
        "unit": "nm",
        "meaning": "width of the well",
        "allowed": "> 0",
        "follows": "",
    }
    assert found["counting"]["d_wide"]["follows"] == "d"
    assert found["speed"] == {}


# --- Where it is installed alone -----------------------------------------------------------------

# What `import` does where a package is not installed.
WITHOUT = """\
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name}}", name=name)
sys.meta_path.insert(0, Missing())
from qwlib.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """A folder with qwlib and no book, as `site-packages` is."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "qwlib", folder / "qwlib", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder: Path, missing: set[str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def extras() -> dict[str, set[str]]:
    """Return the modules that come with each extra, by the names of its packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    modules = {"netCDF4": "netCDF4", "ruamel.yaml": "ruamel"}
    return {
        extra: {modules.get(name, name.partition(">")[0]) for name in names}
        for extra, names in project["optional-dependencies"].items()
    }


def installed_but(*extra: str) -> set[str]:
    """Return what requirements.in names and neither qwlib nor these extras bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    have = {name.partition(">")[0] for name in project["dependencies"]}
    have |= set().union(*(extras()[name] for name in extra))
    others = {"papermill", "nbformat", "nbclient", "grimp", "matplotlib", "IPython", "tabulate"}
    return (set().union(*extras().values()) | others | {"dask", "fsspec"}) - have


# Of the repository, since no registry has qwlib.
SWEEP = "pip install 'qwlib[sweep] @ https://github.com/qwlib/qwlib/archive/HEAD.zip'"


def test_one_well_needs_nothing_but_the_solver(alone):
    status, out, err = run(alone, installed_but(), "states", "-p", "d=3")
    assert (status, err) == (0, "") and "states, proven complete" in out
    status, out, err = run(alone, installed_but(), "states", "-f", "well.yml")
    assert (status, out) == (2, "")
    assert err == f"error: a file of parameters needs {SWEEP}: there is no ruamel\n"


def test_a_sweep_needs_one_extra_and_says_so(alone):
    (alone / "grid.yml").write_text("d: [1, 2]\n", encoding="utf-8")
    sweep = ["sweep", "-f", "grid.yml", "-o", "result.nc"]
    status, out, err = run(alone, installed_but(), *sweep)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: a sweep needs {SWEEP}: there is no ")
    # Dask and fsspec come with distributed.
    status, out, err = run(alone, installed_but("sweep") - {"dask", "fsspec"}, *sweep)
    assert (status, out, err) == (0, "2 wells in 1 chunks\nresult.nc\n", "")


# As in NumPy, where C code imports Python's.
INTERRUPTED = """\
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("PLEASE READ THIS FOR ADVICE") from None
"""


def test_interrupted_while_it_imports_it_says_no_more_than_that(tmp_path):
    (tmp_path / "numpy.py").write_text(INTERRUPTED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "qwlib", "states", "-p", "d=3"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted: nothing was changed\n"


def test_the_readme_says_what_each_extra_is_for():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `pip install '\.\[(\w+)\]'` \|", readme, re.M)) == set(extras())


@pytest.mark.parametrize("asked", ["chapters", "rerun model"])
def test_what_needs_the_book_says_where_to_get_it(alone, asked):
    status, out, err = run(alone, installed_but(), *asked.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "in a copy of the repository, which has the chapters: https://" in err


def test_the_book_without_its_packages_says_what_to_install(tmp_path):
    for part in ("qwlib", "_toc.yml", "book"):
        (tmp_path / part).symlink_to(ROOT / part)
    # The real folder is where the link leads, which has the book too.
    status, out, err = run(tmp_path, installed_but(), "chapters")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: the book needs what requirements.txt lists, which make book")


def test_project_names_the_command_and_says_that_it_is_typed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"]["qwlib"] == f"{command.__name__}:{command.main.__name__}"
    assert (ROOT / "qwlib" / "py.typed").is_file()
