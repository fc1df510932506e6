"""Reruns of chapters: what is refused, what a run leaves, and the chapters far from the paper."""

import asyncio
import contextlib
import errno
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections import deque
from contextlib import asynccontextmanager
from pathlib import Path

import nbformat
import numpy as np
import papermill
import psutil
import pytest
from bs4 import BeautifulSoup
from conftest import PATIENCE, ROOT
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from processes import wait_for

from qwlib import Well, count_states, fermi_states
from qwlib.beyond.interband import damping_like
from qwlib.beyond.thresholds import one_subband
from qwlib.beyond.torque import field_per_current
from qwlib.book import claims, tables
from qwlib.run import cli, parameters
from qwlib.run import rerun as reruns
from qwlib.run.chapters import ThisInterpreter
from qwlib.run.page import PARTS

CHAPTERS = reruns.read_chapters(ROOT)

# The pages that show how, and what stands in them for a shell or a file.
PAGE = "\n".join(
    (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8") for name in ("rerunning", "clusters")
)
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

# A book of two small chapters, with the configuration of this one.
TOC = """\
format: jb-book
root: book/intro
chapters:
  - file: book/small
  - file: book/other
  - file: book/bibliography
"""
PARAMETERS = """\
d = 2.2
V_L = 5.0
V_R = 5.0
Delta = 0.25
alpha_L = 0.046
alpha_R = 0.0
mass = 1.0
E_F = 3.0
exchange = "everywhere"
alpha_weak = 0.001  # eV nm^2; a weaker Rashba parameter; like alpha_L
widths = [1.0, 2.0]  # nm; some widths; like d
points = 3  # ; how many points; ≥ 2
pause = 0.0  # s; how long it takes; ≥ 0, < 60
"""
IMPORTS = """\
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
from myst_nb import glue

import qwlib
from qwlib import Well, fermi_states
"""
COMPUTE = """\
well = Well(d=d, V_L=V_L, V_R=V_R, Delta=Delta, alpha_L=alpha_L, alpha_R=alpha_R,
            mass=mass, exchange=exchange)
time.sleep(pause)
if Path("fail").exists():
    raise RuntimeError("deliberate")
glue("small-states", len(fermi_states(well, E_F)), display=False)
"""
# Not printed: a path must not get into a notebook.
WHERE = """\
places = [str(Path(qwlib.__file__).parent.parent), sys.prefix]
print("places", places == Path("places").read_text().splitlines())
"""
FIGURE = {
    "mystnb": {
        "figure": {"name": "fig-small", "caption": "At $d$ = {glue:text}`small-states`."},
        "image": {"alt": "A line."},
    }
}
SENTENCES = """\
There are {glue:text}`small-states` states, see {numref}`fig-small`, {eq}`eq-small`, {doc}`other`
and {cite}`hariri2019`.

$$
\\frac{\\hbar^2}{m}
$$ (eq-small)
"""


def cells(*sources):
    """Return notebook cells; a pair is a code cell and its metadata, a string is Markdown."""
    made = []
    for number, source in enumerate(sources):
        if isinstance(source, str):
            made.append(nbformat.v4.new_markdown_cell(source, id=f"c{number}"))
        else:
            code, metadata = source
            made.append(nbformat.v4.new_code_cell(code, id=f"c{number}", metadata=metadata))
    return made


def make_tree(tree: Path) -> Path:
    """Make a tree of a small book in `tree`, with this qwlib."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "qwlib", tree / "qwlib", ignore=ignored)
    shutil.copytree(ROOT / "book" / "_static", tree / "book" / "_static")
    shutil.copytree(ROOT / "book" / "_ext", tree / "book" / "_ext", ignore=ignored)
    (tree / "tools").mkdir()
    (tree / "benchmarks").mkdir()
    for name in (
        "_config.yml",
        "tools/build.py",
        "tools/live.py",
        "tools/slides.py",
        "benchmarks/results.json",
        "book/references.bib",
        "book/bibliography.md",
    ):
        shutil.copy(ROOT / name, tree / name)
    (tree / "_toc.yml").write_text(TOC, encoding="utf-8")
    (tree / "book" / "intro.md").write_text("# Small\n", encoding="utf-8")
    (tree / "book" / "places").write_text(f"{tree}\n{sys.prefix}\n")
    small = cells(
        "# A small chapter",
        (IMPORTS, {}),
        (PARAMETERS, {"tags": ["parameters"]}),
        (WHERE, {}),
        (COMPUTE, {}),
        ("plt.plot([0, 1])\nplt.show()", FIGURE),
        SENTENCES,
    )
    write(tree / "book" / "small.ipynb", small)
    write(tree / "book" / "other.ipynb", cells("# Another chapter", ("print(1)", {})))
    return tree


def write(path: Path, made: list) -> None:
    metadata = {"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    # The space is there because a reader's folder may have one.
    return make_tree(tmp_path_factory.mktemp("a tree"))


def command(tree: Path, *arguments: str, **options) -> subprocess.Popen:
    """Start `python -m qwlib` in `tree`, as a reader does."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, "-m", "qwlib", *arguments],
        cwd=tree,
        env=environment | options.pop("env", {}),
        stdout=subprocess.PIPE,
        stderr=options.pop("stderr", subprocess.PIPE),
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def run(tree: Path, *arguments: str, **options) -> tuple[int, str, str]:
    return finish(command(tree, *arguments, **options))


def visible(tree: Path) -> set[str]:
    """What a reader sees in _reruns."""
    folder = tree / "_reruns"
    return {p.name for p in folder.iterdir() if p.name[0] != "."} if folder.exists() else set()


def hidden_folders(tree: Path) -> list[Path]:
    return [p for p in (tree / "_reruns").iterdir() if p.name[0] == "." and p.is_dir()]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- What is refused -----------------------------------------------------------------------------

REFUSED = {
    "small -p alpha_l=0.05": "alpha_l is not a parameter of any chapter; did you mean alpha_L?",
    "small -p nonsense=1": "nonsense is not a parameter of any chapter",
    "small -p d_max=5": "d_max is not a parameter of any chapter",
    "smal -p d=2": "smal is not a chapter; did you mean small?",
    "intro": "intro is not a chapter",
    "other -p d=wide": "d must be a finite real number in nm, got 'wide'",
    "other -p d=[2]": "d must be a finite real number in nm, got [2]",
    "other -p dd=2": "dd is not a parameter of any chapter; did you mean d?",
    "small -p d=wide": "d must be a finite real number in nm, got 'wide'",
    "small -p d=True": "d must be a finite real number in nm, got True",
    "small -p d=[1.0]": "d must be a finite real number in nm, got [1.0]",
    "small -p d=1+1": "d must be a finite real number in nm, got '1+1'",
    "small -p d=__import__('os').getpid()": "d must be a finite real number in nm, got",
    "small -p d=nan": "d must be a finite real number in nm, got 'nan'",
    "small -p d=1e999": "d must be a finite real number in nm, got inf",
    "small -p d=-1": "d must be > 0 nm, got -1.0",
    "small -p E_F=5": "E_F must be below the lower barrier edge",
    "small -p exchange=nowhere": "exchange must be one of",
    "small -p exchange=3": "exchange must be a word",
    "small -p alpha_weak=nan": "alpha_weak must be a finite real number in eV nm^2",
    "small -p widths=[1.0,-2.0]": "widths must be > 0 nm, got -2.0",
    "small -p widths=[]": "widths must be a list of at least one value",
    "small -p widths=2.0": "widths must be a list",
    "small -p widths=[1.0,'x']": "widths must be a finite real number in nm, got 'x'",
    "small -p points=1": "points must be ≥ 2, got 1",
    "small -p points=2.5": "points must be a whole number, got 2.5",
    "small -p pause=60": "pause must be ≥ 0, < 60 s, got 60",
    "small -p d=2 -p d=3": "d is given two values, 2 and 3",
    "small -p d=2 -f same.yml": "d is given two values",
    "small -f twice.yml": 'duplicate key "d"',
    "small -f list.yml": "list.yml must hold a mapping",
    "small -f empty.yml": "empty.yml must hold a mapping",
    "small -f broken.yml": "cannot read broken.yml",
    "small -f binary.yml": "cannot read binary.yml: it is not text",
    "small -f object.yml": "cannot read object.yml: could not determine a constructor",
    "small -f none.yml": "cannot read none.yml: No such file or directory",
    "small -f nan.yml": "d must be a finite real number in nm, got nan",
    "small -f code.yml": "d must be a finite real number in nm, got \"__import__('os')",
    "small -p d": "-p takes name=value, got 'd'",
    "small -p d=": "-p takes name=value",
    "small --name mine": "--name goes with --all",
    "small --all": "rerun takes the name of one chapter, or --all",
    "-p d=2": "rerun takes the name of one chapter, or --all",
    "--all --name ../out": "--name takes letters",
    "--all --name " + 60 * "x": "--name takes letters, digits, _ and -, 50 at most",
    "small -p d=1e25": "this E_F make about 5.64e+25 states, and at most 100000 can be found",
    "small -p widths=[1.0,1e25]": "make about 5.64e+25 states",
    "small -p d=\udcff": "d must be a finite real number in nm, got '\\udcff'",
    "--all -p alpha_l=0.05": "alpha_l is not a parameter of any chapter; did you mean alpha_L?",
    "--all -p d=0": "d must be > 0 nm",
    "--all --name taken": "taken was made with other parameters",
}
FILES = {
    "same.yml": b"d: 3\n",
    "twice.yml": b"d: 2\nd: 3\n",
    "list.yml": b"- d\n- 2\n",
    "empty.yml": b"",
    "broken.yml": b"d: [1\n",
    "binary.yml": b"\xff\xfe\x00d",
    "object.yml": b"d: !!python/object/apply:os.getpid []\n",
    "nan.yml": b"d: .nan\n",
    "code.yml": b"d: __import__('os').getpid()\n",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_nonsense_is_refused_in_one_line_before_anything_runs(
    arguments, tmp_path, tree, monkeypatch, capsys
):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    for part in (*PARTS, "qwlib"):
        if (tree / part).exists():
            (tmp_path / part).symlink_to(tree / part)
    if "taken" in arguments:
        (tmp_path / "_reruns" / "taken").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    # Whatever starts a kernel or a build fails here.
    monkeypatch.setattr(reruns, "place", None)
    assert cli.main(["rerun", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ") and REFUSED[arguments] in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_takes_no_rerun_is_told_in_one_line(tmp_path, tree, monkeypatch, capsys):
    for part in (*PARTS, "qwlib"):
        if (tree / part).exists():
            (tmp_path / part).symlink_to(tree / part)
    # As good as one that belongs to another user, for root too.
    (tmp_path / "_reruns").write_text("", encoding="utf-8")
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["rerun", "small", "-p", "d=3"]) == 2
    assert capsys.readouterr() == ("", f"error: {tmp_path / '_reruns'}: File exists\n")

    # As root reads all, what another would be told stands for it.
    def told(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(papermill, "inspect_notebook", told)
    for asked in (["chapters"], ["rerun", "small"]):
        assert cli.main(asked) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1) and err.endswith(".ipynb: Permission denied\n")


def test_values_are_read_as_literals_and_numbers_as_yaml_1_2_has_them(tmp_path):
    file = tmp_path / "material.yml"
    file.write_text("alpha_L: 1e-3\nexchange: ferromagnet\nwidths: [1, 2.5]\n", encoding="utf-8")
    values = parameters.read_values(["d=3", "alpha_weak=1e-2", "points= 4"], [str(file)])
    assert values == {
        "alpha_L": 1e-3,
        "exchange": "ferromagnet",
        "widths": [1, 2.5],
        "d": 3,
        "alpha_weak": 1e-2,
        "points": 4,
    }
    assert isinstance(values["alpha_L"], float)


def test_whole_numbers_and_floats_are_the_same_rerun(tree):
    small = reruns.read_chapters(tree)["small"]
    one, other = small.checked({"d": 3}), small.checked({"d": 3.0})
    assert reruns.short_hash(one) == reruns.short_hash(other)
    assert reruns.short_hash(one) != reruns.short_hash(small.checked({"d": 3.5}))
    # The book's own values are no other parameters.
    assert small.checked({"d": 2.2}) == small.checked({})


def test_chapter_with_nothing_but_a_well_is_checked_too():
    with pytest.raises(ValueError, match="d must be > 0 nm"):
        CHAPTERS["model"].checked({"d": -1.0})


def test_past_the_end_of_the_model_is_allowed_with_a_warning(tree):
    small = reruns.read_chapters(tree)["small"]
    with pytest.warns(UserWarning, match="alpha_L"):
        small.checked({"alpha_L": 0.1})


# --- What can be changed -------------------------------------------------------------------------


def test_every_parameter_is_listed_with_default_unit_meaning_and_range(capsys):
    assert cli.main(["chapters"]) == 0
    listed = capsys.readouterr().out
    assert "  d = 2.2 nm: width of the well; > 0\n" in listed
    assert "  exchange = everywhere: where the exchange acts; everywhere or ferromagnet\n" in listed
    floor = "from the floor of the well at Δ = 0"
    assert f"  E_F = 3.0 eV: Fermi energy, {floor}; below the lower barrier edge\n" in listed
    assert (
        "  alpha_weak = 0.001 eV nm^2: Rashba parameter of Fig. 6; any; follows alpha_L\n" in listed
    )
    assert "  d_max = 20.0 nm: widest well of Fig. 6; > 1; follows d\n" in listed
    for chapter in CHAPTERS.values():
        assert re.search(f"^{chapter.name}\\b", listed, re.MULTILINE)


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=lambda chapter: chapter.name)
def test_every_parameter_says_what_it_is_and_obeys_its_own_rule(chapter):
    source = papermill.inspect_notebook(str(chapter.path))
    assert set(source) == set(chapter.parameters)
    for name, parameter in chapter.parameters.items():
        assert parameter.meaning, f"{chapter.name}: {name} needs a comment: unit; meaning; range"
        # What is written in the comment is understood: bounds, a known parameter, or nothing.
        understood = not parameter.range or parameter.like in reruns.PARAMETERS
        rest = parameters.BOUND.sub("", parameter.range).replace(",", "").strip()
        assert understood or not rest, f"{chapter.name}: {name}: {parameter.range!r}"
    assert chapter.checked({}) == {n: p.default for n, p in chapter.parameters.items()}


def test_what_is_not_given_follows_the_material_by_the_ratio_of_the_paper():
    half = {"alpha_L": 0.023, "d": 1.1, "E_F": 1.5}
    thickness = CHAPTERS["thickness"].checked(half)
    assert (thickness["alpha"], thickness["alpha_weak"]) == (0.005, 0.0005)
    assert thickness["widths"] == [0.1, 0.26, 0.75, 1.5]
    # To the digits of a person.
    assert CHAPTERS["confinement"].checked({"alpha_L": 0.04})["alpha_L_stronger"] == 0.0435
    assert CHAPTERS["ends"].checked(half)["E_F_low"] == 1.0
    # A broadening is small against the energies; the width of an interface is its own.
    interband = CHAPTERS["interband"].checked(half)
    assert interband["broadenings"] == [0.005, 0.015, 0.05, 0.15]
    assert (
        interband["hbar_over_tau"] == CHAPTERS["direction"].checked(half)["hbar_over_tau"] == 0.05
    )
    assert CHAPTERS["ends"].checked(half)["a0"] == 0.3
    # What is given is what is given, whatever it would have followed.
    own = CHAPTERS["thickness"].checked(half | {"alpha_weak": 0.002, "widths": [1.0]})
    assert (own["alpha"], own["alpha_weak"], own["widths"]) == (0.005, 0.002, [1.0])
    # And what follows nothing is as in the book.
    assert thickness["V_L"] == 5.0


def test_the_ends_of_axes_follow_the_material_too():
    half = {"alpha_L": 0.023, "d": 1.1, "V_L": 10.0}
    assert CHAPTERS["chirality"].checked(half)["alpha_L_max"] == 0.06
    assert CHAPTERS["ends"].checked(half)["alpha_L_max"] == 0.075
    assert CHAPTERS["thickness"].checked(half)["d_max"] == 10.0
    assert CHAPTERS["laboratory"].checked(half)["V_max"] == 30.0
    # An end has no sign, and one that would not be allowed stays as it is.
    assert CHAPTERS["ends"].checked({"alpha_L": -0.023})["alpha_L_max"] == 0.075
    assert CHAPTERS["thickness"].checked({"d": 0.1})["d_max"] == 20.0
    own = CHAPTERS["ends"].checked(half | {"alpha_L_max": 0.2})
    assert own["alpha_L_max"] == 0.2
    assert reruns.unused(CHAPTERS, "ends", {"alpha_L": 0.023}) == []
    with pytest.raises(ValueError, match="alpha_L_max must be > 0 eV nm"):
        CHAPTERS["ends"].checked({"alpha_L_max": -0.1})


def test_what_follows_keeps_its_order_and_is_not_lost_without_a_coupling():
    interband = CHAPTERS["interband"]
    reverse = interband.checked({"alpha_L": -0.046})["alphas"]
    assert reverse == sorted(-x for x in interband.parameters["alphas"].default)
    assert interband.checked({"alpha_L": 0.0})["alphas"] == interband.parameters["alphas"].default
    values = CHAPTERS["chirality"].checked({"alpha_L": -0.046})["alpha_R_values"]
    assert str(values) == "[-0.025, 0.0, 0.025]"


@pytest.mark.parametrize("wrong", ["wide", True, [0.04], float("nan")])
def test_what_is_followed_is_checked_where_the_chapter_has_it_not(wrong):
    with pytest.raises(ValueError, match="alpha_L must be a finite real number in eV nm"):
        CHAPTERS["thickness"].checked({"alpha_L": wrong})


def test_names_that_a_chapter_does_not_use_are_told():
    material = {"d": 1.2, "V_L": 3.7, "alpha_L": 0.03, "E_F": 2.2}
    assert reruns.unused(CHAPTERS, "confinement", material) == []
    assert reruns.unused(CHAPTERS, "thickness", material) == []
    given = material | {"widths": [1.0], "d_max": 9.0, "alpha": 0.01}
    assert reruns.unused(CHAPTERS, "thickness", given) == ["d"]
    assert reruns.unused(CHAPTERS, "speed", material) == [*material]
    with pytest.raises(ValueError, match="exchange must be one of"):
        reruns.unused(CHAPTERS, "speed", {"exchange": "<b>everywhere</b>"})


def test_examples_of_the_readme_are_allowed_and_compare_what_differs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"-m qwlib rerun (\w+) (.*)", readme)
    assert lines
    for name, options in lines:
        pairs = re.findall(r"-p (\S+)", options)
        given = parameters.read_values(pairs, [])
        assert reruns.unused(CHAPTERS, name, given) == []
        numbers = {n: v for n, v in CHAPTERS[name].checked(given).items() if "alpha" in n and v}
        assert len(set(numbers.values())) == len(numbers) > 1


def test_chapters_offer_the_material():
    material = {"V_L", "V_R", "Delta", "mass", "exchange", "E_F"}
    for name in ("model", "confinement", "chirality", "thickness", "counting"):
        assert material <= set(CHAPTERS[name].parameters), name


def test_list_that_nobody_reads_on_ends_without_a_word(tree):
    process = command(tree, "chapters")
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=PATIENCE)) == ("", 0)
    process.stderr.close()


def test_where_greek_cannot_be_written_it_gets_its_number(tree):
    status, out, err = run(ROOT, "chapters", env={"PYTHONIOENCODING": "ascii"})
    assert (status, err) == (0, "")
    assert r"end of the range of \u03b1_L; > 0" in out


@pytest.fixture(scope="module")
def at_terminal(tree) -> tuple[int, str, str]:
    """A rerun of a chapter with a file that names nothing of it: status, output, and what else."""
    (tree / "two.yml").write_text("d: 3\nE_F: 2\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    status, out, _ = run(tree, "rerun", "other", "-f", "two.yml", stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    return status, out, shown


def test_one_file_of_a_material_serves_a_chapter_that_has_none_of_it(at_terminal):
    status, out, shown = at_terminal
    assert status == 0 and out.endswith("other.html\n")
    assert shown.startswith("not used here: d, E_F\r\n")


def test_terminal_gets_a_progress_bar(at_terminal):
    assert re.search(r"other: +100%.* 3/3 ", at_terminal[2]), at_terminal


def test_closed_streams_do_no_harm(tree, at_terminal):
    line = [sys.executable, "-m", "qwlib", "rerun", "other"]
    closed = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *line]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    assert subprocess.run(closed, cwd=tree, env=environment, check=False).returncode == 0
    assert any(name.startswith("other-") for name in visible(tree))


def test_no_parameter_but_exchange_is_a_word():
    """Others are numbers, so that nothing which a page would take for markup gets into one."""
    for chapter in CHAPTERS.values():
        for name, parameter in chapter.parameters.items():
            example = parameter.default[0] if isinstance(parameter.default, list) else None
            assert name == "exchange" or not isinstance(example or parameter.default, str), name
    with pytest.raises(ValueError, match="exchange must be one of"):
        CHAPTERS["model"].checked({"exchange": "<script>alert(1)</script>"})


# --- What a rerun leaves -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tree) -> Path:
    """The directory of one rerun, made by a real process under a hostile environment."""
    (tree / "kernels" / "kernels" / "python3").mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "broken", "language": "python"}
    (tree / "kernels" / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    hostile = {"JUPYTER_PATH": str(tree / "kernels"), "MPLBACKEND": "agg"}
    status, out, err = run(tree, "rerun", "small", "-p", "d=3", env=hostile)
    assert (status, err) == (0, "")  # no progress bar either: this is no terminal
    page = tree / out.strip()
    assert page.name == "small.html" and page.is_file()
    return page.parent


def test_rerun_writes_notebook_page_and_record_and_nothing_else(tree, done):
    assert done.parent == tree / "_reruns"
    assert re.fullmatch(r"small-[0-9a-f]{8}", done.name)
    assert {p.name for p in done.iterdir()} == {"small.html", "small.ipynb", "provenance.json"}
    assert visible(tree) >= {done.name}
    assert not hidden_folders(tree)


def test_notebook_is_executed_with_the_parameters_by_this_interpreter(done):
    notebook = nbformat.read(done / "small.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    injected = [c for c in code if "injected-parameters" in c.metadata.get("tags", [])]
    assert len(injected) == 1 and "d = 3.0\n" in injected[0].source
    outputs = "".join(o.get("text", "") for c in code for o in c.outputs)
    assert outputs == "places True\n"
    # Inline figures, whatever MPLBACKEND says to the caller.
    assert any("image/png" in o.get("data", {}) for c in code for o in c.outputs)


def test_page_stands_alone_and_shows_the_numbers_of_the_rerun(done):
    text = (done / "small.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    n = len(fermi_states(Well(d=3.0), 3.0))
    assert n != len(fermi_states(Well(), 3.0))
    sentences = page.get_text().replace("\N{NO-BREAK SPACE}", " ")
    assert f"There are {n} states, see Fig. 1, Eq. (1), Another chapter" in sentences
    assert page.figcaption.get_text().split() == ["Fig.", "1", "At", "d", "=", f"{n}."]
    assert not re.search(r"\{[\w:]+\}`|\\frac|\\\(", sentences)
    assert page.find("math").find_all("mi")
    # Nothing is loaded, and no link leads to a page that is not there.
    assert not page.select("script, link, iframe, [onload]")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page("img"))
    assert page("img") and "url(" not in page.style.get_text() and "@import" not in text
    for link in page("a", href=True):
        assert link["href"].startswith("https://") or page.find(id=link["href"][1:]), link
    assert "Current-driven Rashba field" in page.find(id=re.compile("^work-")).get_text()


def test_record_is_in_notebook_and_page_and_names_no_one_and_no_place(tree, done):
    record = json.loads((done / "provenance.json").read_text(encoding="utf-8"))
    notebook = nbformat.read(done / "small.ipynb", as_version=4)
    page = (done / "small.html").read_text(encoding="utf-8")
    assert notebook.metadata["qwlib"] == {k: v for k, v in record.items() if k != "page"}
    assert record["parameters"]["d"] == 3.0 and len(record["parameters"]) == 13
    assert record["commit"] is None  # the tree is in no repository
    assert record["packages"]["numpy"] == np.__version__
    assert record["code"][:16] in page and np.__version__ in page
    everything = b"".join(snapshot(done).values()).decode()
    places = (str(tree), str(ROOT), sys.prefix, os.path.expanduser("~"), os.uname().nodename)
    for secret in places:
        assert len(secret) < 3 or secret not in everything
    assert not re.search(r'"(/[a-z]+){2,}', json.dumps(record))


def test_commit_is_that_of_the_tree(tmp_path):
    assert reruns.commit(tmp_path) is None
    git = ["git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert re.fullmatch("[0-9a-f]{7,}", reruns.commit(tmp_path))
    # A copy of the files that lies in somebody's repository is not of that repository.
    (tmp_path / "copy").mkdir()
    assert reruns.commit(tmp_path / "copy") is None


def test_same_parameters_and_code_are_not_run_again(tree, done):
    before = {p: p.stat().st_mtime_ns for p in done.iterdir()}
    status, out, err = run(tree, "rerun", "small", "-p", "d=3.0")
    assert (status, err) == (0, "")
    said, page = out.splitlines()
    assert said.startswith("nothing to do: ") and tree / page == done / "small.html"
    assert {p: p.stat().st_mtime_ns for p in done.iterdir()} == before


def test_other_packages_are_not_the_same_and_another_commit_is(done):
    record = json.loads((done / "provenance.json").read_text(encoding="utf-8"))
    assert reruns.same(record, {**record, "commit": "other"})
    assert not reruns.same(record, {**record, "packages": {}})
    assert not reruns.same(None, record)


DECIDES = {
    # What is edited: whether it decides the outputs of the small chapter, its page, and the book.
    "book/small.ipynb": (True, True, True),
    "qwlib/kubo.py": (True, False, True),
    "qwlib/run/rerun.py": (True, False, True),
    "qwlib/run/chapters.py": (True, False, True),
    "qwlib/run/page.py": (False, True, True),
    "qwlib/book/claims.py": (False, True, True),
    "qwlib/book/claims.toml": (False, True, True),
    "qwlib/book/figures.py": (False, False, True),
    "qwlib/beyond/fem.py": (False, False, True),
    "qwlib/run/sweeps.py": (False, False, False),
    "qwlib/run/cli.py": (False, False, False),
    "book/other.ipynb": (False, True, True),
    "book/intro.md": (False, True, True),
    "book/references.bib": (False, True, True),
    "book/quizzes/small.yml": (False, True, True),
    "book/_ext/quiz.py": (False, True, True),
    "book/_static/onepage.css": (False, True, True),
    "book/_static/live.js": (False, False, True),
    "book/.notes.md": (False, False, False),
    "book/.ipynb_checkpoints/small.md": (False, False, False),
    "benchmarks/results.json": (False, False, True),
    "benchmarks/run.py": (False, False, False),
    "tools/live.py": (False, False, True),
    "tools/mutants.py": (False, False, False),
    "_config.yml": (False, True, True),
    "_toc.yml": (False, True, True),
    "README.md": (False, False, False),
}


@pytest.fixture(scope="module")
def edited(tmp_path_factory) -> Path:
    return make_tree(tmp_path_factory.mktemp("edited"))


def hashes(tree: Path, name: str = "small") -> list[str]:
    chapter = reruns.read_chapters(tree)[name]
    return [*reruns.chapter_hashes(tree, chapter).values(), reruns.book_hash(tree)]


def edit(path: Path) -> None:
    """Change a file as little as can be: of a notebook the last cell, else the end."""
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[-1].source += "\n"
        nbformat.write(notebook, path)
        return
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n")


@pytest.mark.parametrize("file", DECIDES)
def test_a_result_depends_on_what_decides_it_and_on_nothing_else(edited, file):
    before = hashes(edited)
    edit(edited / file)
    changed = tuple(one != other for one, other in zip(before, hashes(edited), strict=True))
    assert changed == DECIDES[file]


def test_what_a_chapter_imports_or_reads_decides_it(edited):
    read = cells(
        "# C", ("%time 1\nfrom qwlib.book import claims", {}), ("open('results.json')", {})
    )
    write(edited / "book" / "other.ipynb", read)
    for file in ("qwlib/book/claims.toml", "qwlib/beyond/fem.py", "benchmarks/results.json"):
        before = hashes(edited, "other")[0]
        edit(edited / file)
        assert hashes(edited, "other")[0] != before, file


def test_outputs_are_no_code(edited):
    before, path = hashes(edited), edited / "book" / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="x")]
    nbformat.write(notebook, path)
    assert hashes(edited) == before


def test_where_the_page_alone_would_differ_no_cell_runs(tree, done, monkeypatch):
    """The page of what was executed before is made anew; with another solver all is."""
    made = {path.name: path.read_bytes() for path in done.iterdir()}
    rendered, executed = [], []

    def render(root, page, notebook, target, work):
        work.mkdir()
        rendered.append(target.write_text("page"))

    monkeypatch.setattr(reruns, "render", render)
    monkeypatch.setattr(reruns, "execute", lambda n, output, _: executed.append(output.touch()))
    chapter = reruns.read_chapters(tree)["small"]
    values = chapter.checked({"d": 3.0})
    now = reruns.chapter_hashes(tree, chapter)
    try:
        for changes, runs in (({"page": "other"}, 0), ({"code": "other"}, 1)):
            monkeypatch.setattr(reruns, "chapter_hashes", lambda *_, c=changes: now | c)
            assert reruns.rerun_chapter(tree, chapter, values) == (done, True)
            assert (len(rendered), len(executed)) == (1 + runs, runs)
            kept = (done / "small.ipynb").read_bytes() == made["small.ipynb"]
            assert kept == (not runs)
            assert (done / "small.html").read_text() == "page"
    finally:
        for name, content in made.items():
            (done / name).write_bytes(content)


def test_failing_cell_keeps_its_notebook_and_what_was_there_before(tree, done):
    before = snapshot(done)
    flag = tree / "book" / "fail"
    flag.touch()
    try:
        status, out, err = run(tree, "rerun", "small", "-p", "d=3", "--force")
    finally:
        flag.unlink()
    assert (status, out) == (1, "")
    first, second = err.splitlines()
    assert first == "error: RuntimeError: deliberate"
    kept = tree / second.removeprefix("kept: ")
    assert kept.parent.name == f"{done.name}-failed"
    partial = nbformat.read(kept, as_version=4)
    assert any(o.output_type == "error" for c in partial.cells for o in c.get("outputs", []))
    assert not list(kept.parent.glob("*.html"))
    assert snapshot(done) == before
    assert not hidden_folders(tree)


def in_the_middle(tree: Path, seconds: float) -> subprocess.Popen:
    """Start a long rerun and return once the cell before the long one has run."""
    process = command(tree, "rerun", "small", "-p", f"pause={seconds}")

    def started() -> bool:
        written = tree.glob("_reruns/.small-*/small.ipynb")
        return any('"places True\\n"' in path.read_text(encoding="utf-8") for path in written)

    wait_for(started, process)
    return process


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_interrupted_rerun_leaves_nothing_that_looks_finished(tmp_path, kill):
    tree = make_tree(tmp_path / "tree")
    process = in_the_middle(tree, 5.0)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(kill)
    status, out, err = finish(process)
    # The kernel goes too; one whose parent was killed looks for it every second.
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1]
    assert out == ""
    assert visible(tree) == set()
    if kill == signal.SIGINT:
        assert (status, err) == (130, "interrupted: nothing was changed\n")
        assert not hidden_folders(tree)
    else:
        # Nobody was left to tidy up; the next one does, and of two at once one runs.
        assert status == -signal.SIGKILL
        assert hidden_folders(tree)
        two = [command(tree, "rerun", "small", "-p", f"pause={p}") for p in ("5.0", "5")]
        second, first = sorted(
            map(finish, two), key=lambda result: "nothing to do" not in result[1]
        )
        (name,) = visible(tree)
        assert (first[0], first[2]) == (0, "") and "nothing to do" not in first[1]
        assert (second[0], second[2]) == (0, f"waiting for another rerun of {name}\n")
        assert "nothing to do" in second[1]
        notebook = nbformat.read(tree / "_reruns" / name / "small.ipynb", as_version=4)
        assert notebook.metadata["qwlib"]["parameters"]["pause"] == 5.0
        assert not hidden_folders(tree)


@pytest.mark.parametrize("everybody", [True, False], ids=["Ctrl-C", "kill -2"])
@pytest.mark.parametrize("when", ["ipykernel", "build.py"])
def test_interrupted_book_leaves_no_page_and_no_process(tmp_path, when, everybody):
    tree = make_tree(tmp_path / "tree")
    pause = ["-p", "pause=30"] if when == "ipykernel" else []
    process = command(tree, "rerun", "--all", "--name", "mine", *pause)

    def started() -> bool:
        children = psutil.Process(process.pid).children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            return any(when in word for child in children for word in child.cmdline())
        return False

    wait_for(started, process)
    time.sleep(1)  # so that it is at work
    children = psutil.Process(process.pid).children(recursive=True)
    # A terminal tells all that run in it, and `kill` one of them.
    (os.killpg if everybody else os.kill)(process.pid, signal.SIGINT)
    assert finish(process) == (130, "", "interrupted: nothing was changed\n")
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1]
    assert visible(tree) == set()
    assert not hidden_folders(tree)


def test_killed_between_the_renames_the_old_rerun_comes_back(tree, done):
    before = snapshot(done)
    done.rename(done.parent / f".{done.name}.old")
    status, out, _ = run(tree, "rerun", "small", "-p", "d=3")
    assert status == 0 and "nothing to do" in out
    assert snapshot(done) == before


def test_interrupted_between_the_renames_the_old_rerun_comes_back(tmp_path, monkeypatch):
    target, rename = tmp_path / "_reruns" / "small-1", Path.rename
    with reruns.place(target, {"code": "old"}, False) as new:
        (new / "page").write_text("old")

    def interrupted(path, to):
        if (path, to) == (new, target):
            raise KeyboardInterrupt
        return rename(path, to)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        with reruns.place(target, {"code": "new"}, False) as new:
            patch.setattr(Path, "rename", interrupted)
    assert (target / "page").read_text() == "old"
    assert not hidden_folders(tmp_path)
    # The place is free again.
    with reruns.place(target, {"code": "old"}, False) as new:
        assert new is None


@pytest.fixture(scope="module")
def material(tree) -> dict[str, float]:
    """What the page on reruns has of a material, in a file, and the book that its command makes."""
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and "alpha_R" in text)
    (tree / "material.yml").write_text(text, encoding="utf-8")
    ((_, asked), (_, shown)) = (
        pair for i, block in enumerate(BLOCKS) if "--all" in block[1] for pair in BLOCKS[i : i + 2]
    )
    assert run(tree, *asked.split()[3:]) == (0, shown, "")
    return parameters.read_values([], [str(tree / "material.yml")])


def test_whole_book_is_built_for_another_material(tree, material):
    html = tree / "_reruns" / "co-mgo" / "html"
    assert (html / "index.html").is_file()
    text = BeautifulSoup((html / "book" / "small.html").read_text("utf-8"), "html.parser")
    n = len(fermi_states(well_of(material), material["E_F"]))
    assert f"There are {n} states" in text.get_text()
    assert "How this was computed" in text.get_text()
    assert "places True" in text.get_text()
    front = BeautifulSoup((html / "book" / "intro.html").read_text("utf-8"), "html.parser")
    followed = "alpha_weak = 0.000652, in each chapter that has them."
    assert followed in front.get_text() and "With V_L = 3.0, " in front.get_text()
    other = BeautifulSoup((html / "book" / "other.html").read_text("utf-8"), "html.parser")
    assert "How this was computed" in other.get_text()
    assert "This is a rerun" not in other.find("article").get_text()
    assert {p.name for p in html.parent.iterdir()} == {"html", "provenance.json"}
    status, out, _ = run(tree, "rerun", "--all", "-f", "material.yml", "--name", "co-mgo")
    assert status == 0 and "nothing to do" in out
    status, out, err = run(tree, "rerun", "--all", "-p", "d=4", "--name", "co-mgo")
    assert status == 2 and "co-mgo was made with other parameters" in err


def test_book_that_cannot_be_built_leaves_no_page_that_looks_finished(tree):
    flag = tree / "book" / "fail"
    flag.touch()
    try:
        status, out, err = run(tree, "rerun", "--all", "-p", "d=2", "--name", "broken")
    finally:
        flag.unlink()
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        "error: small: RuntimeError: deliberate",
        "kept: _reruns/broken-failed/book/book/small.ipynb",
    ]
    assert "broken" not in visible(tree)
    assert not list((tree / "_reruns" / "broken-failed").rglob("index.html"))


# --- The chapters, far from the paper's parameters -----------------------------------------------

# All of a material is another, and the well is thick.  What a chapter does not have is left out.
FAR = {
    "d": 12.0,
    "widths": [0.3, 1.5, 12.0],
    "V_L": 4.0,
    "V_R": 6.5,
    "Delta": -0.4,
    "alpha_L": 0.03,
    "alpha_R": -0.02,
    "alpha": 0.02,
    "mass": 0.7,
    "exchange": "ferromagnet",
    "E_F": 2.5,
}
# These compare with dense matrices or grids that grow with the well, which takes minutes at 12 nm.
LESS_THICK = {
    "model": {"d": 4.0},
    "counting": {"d": 5.0, "d_wide": 12.0},
    "verdicts": {"d": 4.0},
    # And a layer that is thinner than what a coupling is to be spread over.
    "ends": {"d": 3.0, "a0": 4.0, "alpha_R_values": [0.0]},
    "interband": {"d": 3.0, "alphas": [0.01, 0.03], "broadenings": [0.05, 0.1]},
    "laboratory": {"d": 5.0},
    "direction": {"d": 1.5},
}
RERUNS = [chapter.name for chapter in CHAPTERS.values() if chapter.parameters]

# Where something that the chapters are about is not there; each has more than one such thing, as
# far as one does not hide the other.
NO_COUPLING = {
    name: [0.0] if isinstance(parameter.default, list) else 0.0
    for chapter in CHAPTERS.values()
    for name, parameter in chapter.parameters.items()
    if parameter.like in ("alpha_L", "alpha_R") and not parameter.bounds  # no end of an axis
}
SAME = {name: [0.03, 0.03] if value else 0.03 for name, value in NO_COUPLING.items()}
CORNERS = {
    "no state": {"E_F": -3.0, "E_F_low": -3.0},
    # No state propagates; ε_F is on the floor; all widths are one, and so are all couplings.
    "half-metal": SAME
    | {"E_F": 0.0, "E_F_low": 0.0, "widths": [2.2, 2.2], "d_wide": 2.2, "d_thin": 2.2}
    | {"broadenings": [0.1, 0.1], "scan_points": [200, 200]},
    "nothing turns a spin": NO_COUPLING | {"Delta": 0.0},
    # No interface on the left, and ↑ is nowhere.
    "one state": {"d": 0.4, "widths": [0.4], "Delta": 1.0, "alpha_L": 0.0, "alpha_R": 0.01}
    | {"E_F": 1.5},
    # Two materials: in the first all energies, lengths and couplings are of another order.
    "semiconductor": {"mass": 0.067, "V_L": 0.3, "V_R": 0.25, "V_max": 1.0, "Delta": 0.005}
    | {"alpha_L": 0.1, "alpha_R": 0.05, "E_F": 0.05, "E_F_low": 0.03, "d": 20.0, "d_max": 100.0},
    "strong ferromagnet": {"mass": 0.7, "V_L": 3.7, "V_R": 4.2, "Delta": 0.9, "d": 1.2}
    | {"exchange": "ferromagnet", "E_F": 2.2},
}


def test_convergence_of_the_interband_part_is_shown_between_fermi_wave_numbers():
    # Beyond all of them nothing is filled: the integrand is 0, and the panels are empty.
    notebook = CHAPTERS["interband"].path.read_text(encoding="utf-8")
    (line,) = re.findall(r'"(k = .*fermi_states.*)\\n"', notebook)
    light = Well(mass=0.04, d=12.0, V_L=0.3, V_R=0.3, Delta=0.01, alpha_L=0.3)
    for well, E_F in ((light, 0.1), (Well(alpha_L=0.046), 3.0)):
        found: dict = {"fermi_states": fermi_states, "well": well, "E_F": E_F}
        exec(line, found)
        assert 0 < found["k"] < fermi_states(well, E_F).k.max()


def lines_of(name: str, start: str, end: str) -> str:
    """Return the lines of a chapter's only cell with such a line, from it to before another."""
    cells = nbformat.read(CHAPTERS[name].path, as_version=4).cells
    (source,) = (cell.source for cell in cells if f"\n{start}" in f"\n{cell.source}")
    return re.search(rf"^{re.escape(start)}.*?(?=^{re.escape(end)})", source, re.M | re.S)[0]


def test_wells_and_barriers_that_cells_choose_fit_a_semiconductor():
    light = Well(mass=0.05, d=12.0, V_L=0.3, V_R=0.3, Delta=0.01, alpha_L=0.05)
    names = {"well": light, "E_F": 0.1, "V_L": 0.3, "lowest": 0.11, "d_thin": 3.27}
    found: dict = names | {"count_states": count_states, "one_subband": one_subband}
    exec(lines_of("interband", "thin = ", "glue"), found)
    exec(lines_of("laboratory", "some = [float", "steepness"), found)
    assert count_states(found["thin"], 0.1, 0.0)
    assert (found["some"][0], found["some"][-1]) == (0.186, 3.6)


def values_of(name: str, corner: str = "") -> dict:
    chapter = CHAPTERS[name]
    return chapter.checked(CORNERS[corner] if corner else FAR | LESS_THICK.get(name, {}))


class Lent(NotebookClient):
    """Runs a notebook in a kernel that is there, and leaves it running."""

    @asynccontextmanager
    async def async_setup_kernel(self, **options):
        yield


async def rerun_in_one_kernel(names: deque[tuple[str, ...]], done: dict) -> None:
    """Run chapters, in a corner or far away, one after the other: a kernel's start costs time."""
    manager = ThisInterpreter()
    await manager.start_kernel(cwd=str(ROOT / "book"))
    kernel = manager.client()
    kernel.start_channels()
    try:
        await kernel.wait_for_ready(timeout=PATIENCE)
        while names:
            which = names.popleft()
            values = values_of(*which)
            record = reruns.provenance(ROOT, values, code="of no interest")
            notebook = reruns.parametrised(CHAPTERS[which[0]], values, record)
            lent = Lent(notebook, km=manager, timeout=PATIENCE, coalesce_streams=True)
            lent.kc = kernel
            try:
                done[which] = await lent.async_execute()
            except CellExecutionError as error:
                done[which] = error
            await kernel.execute("%reset -f", reply=True, timeout=PATIENCE)
    finally:
        kernel.stop_channels()
        await manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def reran(request):
    """Return the reruns that this session asks for, two at a time."""
    tests = {
        "test_chapter_holds_far_from_the_parameters_of_the_paper": ("name",),
        "test_chapter_holds_in_the_corners": ("name", "corner"),
    }
    names = deque(
        tuple(item.callspec.params[of] for of in tests[item.originalname])
        for item in request.session.items
        if getattr(item, "originalname", None) in tests
    )
    done = {}

    async def both():
        await asyncio.gather(*(rerun_in_one_kernel(names, done) for _ in range(2)))

    asyncio.run(both())
    return done


def glued(notebook) -> dict[str, str]:
    """Return what the cells glued, without quotes."""
    return {
        output.metadata["scrapbook"]["name"]: text.strip("'")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind, text in output.get("data", {}).items()
        if kind.endswith("papermill.record/text/plain")
    }


def printed(notebook) -> str:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)


def well_of(values: dict, **changes) -> Well:
    names = Well.__dataclass_fields__
    return Well(**{"alpha_L": 0.0} | {k: v for k, v in (values | changes).items() if k in names})


def check_model(values, numbers, text):
    states = fermi_states(well_of(values), values["E_F"])
    assert numbers["model-states"] == str(len(states))
    assert numbers["model-total"] == tables.number(1e3 * states.contribution.sum(), ".3f")


def check_confinement(values, numbers, text):
    for alpha, label in (("alpha_L", "weaker"), ("alpha_L_stronger", "stronger")):
        states = fermi_states(well_of(values, alpha_L=values[alpha]), values["E_F"])
        waves = states[states.kind == "propagating"]
        assert numbers[f"confinement-all-{label}"] == str(len(states))
        assert numbers[f"confinement-propagating-{label}"] == str(len(waves))
        signs = [int(numbers[f"confinement-{sign}-{label}"]) for sign in ("plus", "minus")]
        assert sum(signs) <= len(waves)
    assert "proven complete: True" in text


def check_chirality(values, numbers, text):
    assert numbers["chirality-limit"] == f"{well_of(values).critical_rashba:.4f}"
    wells, proven = re.search(r"wells: (\d+), proven complete: (\d+)", text).groups()
    assert wells == proven


def check_thickness(values, numbers, text):
    for case, sign in (("a", 1), ("b", 0), ("c", -1)):
        alphas = {"alpha_L": values["alpha"], "alpha_R": sign * values["alpha"]}
        well = well_of(values, d=max(values["widths"]), **alphas)
        assert numbers[f"thickness-all-{case}"] == str(len(fermi_states(well, values["E_F"])))
    # 1e-3 is more than the rounding to 1e-4 nm of a width above 0.1 nm.
    last = float(numbers["thickness-last"])
    beside = [well_of(values, d=last * x, **alphas) for x in (1 - 1e-3, 1 + 1e-3)]
    assert [len(fermi_states(well, values["E_F"])) for well in beside] == [0, 1]
    # A wide well: constant integral, and dividing by d lowers the exponent by one (two roundings).
    integral = float(numbers["thickness-exponent-integral"])
    assert abs(integral) < 0.05
    assert abs(integral - 1 - float(numbers["thickness-exponent-average"])) < 0.011
    assert "all wells proven complete: True" in text


def check_ends(values, numbers, text):
    # A coupling reaches no further than the layer.
    assert numbers["ends-a0"] == f"{values['d']:g}" < f"{values['a0']:g}"
    sides = {True: "above", False: "below"}
    for name, energy in (("high", values["E_F"]), ("low", values["E_F_low"])):
        assert numbers[f"ends-side-{name}"] == sides[energy > values["V_L"] / 2]
    # The sentence on where the box lies has the ratio of its table, which has three digits.
    inside, outside = (
        float(re.search(rf"^.*{place}(?: +\S+){{4}} +(\S+)", text, re.M)[1].replace("−", "-"))
        for place in ("inside", "outside")
    )
    assert float(numbers["ends-in-out"]) == pytest.approx(inside / outside, rel=0.02)


def check_interband(values, numbers, text):
    gamma, well = values["hbar_over_tau"], well_of(values)
    ratio = 100 * abs(damping_like(well, values["E_F"], gamma).ratio[0])
    assert numbers["interband-ratio"] == tables.number(ratio, ".0f")
    angle = 100 * gamma / abs(2 * values["Delta"])
    assert numbers["interband-angle"] == tables.number(angle, ".0f")
    assert (numbers["interband-first"], numbers["interband-last"]) == ("0.01", "0.03")
    assert f"hbar/tau = {gamma:g} eV is tau" in text


def check_laboratory(values, numbers, text):
    words = {"": "in the ferromagnet alone", "-beside": "everywhere"}
    for name, exchange in (("", "ferromagnet"), ("-beside", "everywhere")):
        assert numbers[f"lab-{'setting' if not name else 'beside'}"] == words[name]
        states = fermi_states(well_of(values, exchange=exchange, alpha_R=0.0), values["E_F"])
        field = -field_per_current(states, values["M_s"])
        assert numbers[f"lab-field{name}"] == tables.number(field, ".2f")
    assert numbers["lab-Delta"] == f"{values['Delta']:g}"
    # Several ranges are told by their ends, and none is a word.
    pair = r"[\d.]+ (?:to|and) [\d.]+ nm"
    for name in ("one", "opposite"):
        told = numbers[f"lab-negative-{name}"]
        one = rf"from {pair}(?: and from {pair})?|in \d+ ranges between {pair}|nowhere"
        assert re.fullmatch(one, told), told


def check_counting(values, numbers, text):
    for d in (values["d"], values["d_wide"]):
        n = len(fermi_states(well_of(values, d=d), values["E_F"]))
        assert f"d = {d:g} nm: {n} Fermi states, states.certified = True" in text
    assert "'parity': 0}" in text


def check_verdicts(values, numbers, text):
    # Of the statements, those that do not hang on the paper's numbers get a verdict.
    judged = sum(claim.general for claim in claims.claims())
    names = ("reproduced", "propagating", "not", "undecidable")
    assert sum(int(numbers[f"verdicts-{name}"]) for name in names) == judged
    assert claims.ELSEWHERE in text


def ran(notebook) -> tuple[dict[str, str], str]:
    """Return what was glued and printed, once all cells ran and none shows what is no number."""
    assert not isinstance(notebook, Exception), notebook
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            assert not [o for o in cell.outputs if o.get("name") == "stderr"], cell.outputs
        if "figure" in cell.metadata.get("mystnb", {}):
            assert any("image/png" in o.get("data", {}) for o in cell.outputs), cell.source
    numbers, text = glued(notebook), printed(notebook)
    told = " ".join([*numbers.values(), text])
    assert not re.findall(r".*\b(?:nan|inf|None)\b.*", told)
    # A unit may follow, and what a dash is stands at the top of a rerun.
    assert not [name for name, value in numbers.items() if value == "none"]
    return numbers, text


@pytest.mark.parametrize("name", RERUNS)
def test_chapter_holds_far_from_the_parameters_of_the_paper(reran, name):
    numbers, text = ran(reran[name,])
    check = globals().get(f"check_{name}")
    if check:
        check(values_of(name), numbers, text)


@pytest.mark.slow
@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("name", RERUNS)
def test_chapter_holds_in_the_corners(reran, name, corner):
    numbers, _ = ran(reran[name, corner])
    if corner == "semiconductor":  # what is small has its digits
        nothing = {key for key, text in numbers.items() if re.fullmatch(r"[−+]?0?\.0+", text)}
        # The sum over the propagating states is lowest without a coupling.
        assert nothing <= {"ends-low-first", "ends-low-last"}


# What papermill injects, and what the first cell that uses it says.
NONSENSE = {
    "V_L": ("V_L = float('nan')", "V_L must be a finite real number"),
    "mass": ("mass = 0.0", "mass must be > 0 m_e"),
    "exchange": ("exchange = 'nowhere'", "exchange must be one of"),
}


@pytest.mark.parametrize("name", [c.name for c in CHAPTERS.values() if c.parameters])
def test_a_cell_near_the_parameters_stops_at_nonsense(name):
    code = [c for c in nbformat.read(CHAPTERS[name].path, 4).cells if c.cell_type == "code"]
    (place,) = [i for i, c in enumerate(code) if "parameters" in c.metadata.get("tags", [])]
    names = {}
    for cell in code[: place + 1]:
        exec(cell.source, names)
    for parameter, (injected, message) in NONSENSE.items():
        if parameter in CHAPTERS[name].parameters:
            wrong = names.copy()
            exec(injected, wrong)
            with pytest.raises(ValueError, match=message):
                # The first of them may be an exercise, which needs no exchange.
                for cell in code[place + 1 : place + 3]:
                    exec(cell.source, wrong)


# --- The pages that show how ---------------------------------------------------------------------


def test_commands_of_the_pages_do_what_they_say(tmp_path, monkeypatch, capsys):
    tree = tmp_path / "qwlib"
    tree.mkdir()
    monkeypatch.chdir(tree)
    monkeypatch.setattr(cli, "ROOT", tree)
    for part in (*PARTS, "qwlib", "tools"):
        source, ignored = ROOT / part, shutil.ignore_patterns("__pycache__", ".*")
        if source.is_dir():
            shutil.copytree(source, tree / part, ignore=ignored)
        else:
            shutil.copy(source, tree / part)
    # What the commands do is asked for, not what the chapters compute: of the one that they name
    # the parameters are left, beside the pages of the small book.
    toc = TOC.replace("book/small", "book/confinement").replace("  - file: book/other\n", "")
    (tree / "_toc.yml").write_text(toc, encoding="utf-8")
    notebook = nbformat.read(tree / "book" / "confinement.ipynb", as_version=4)
    kept = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    notebook.cells = [notebook.cells[0], *kept]
    nbformat.write(notebook, tree / "book" / "confinement.ipynb")
    (tree / ".venv").symlink_to(sys.prefix)
    # As in one terminal: the first block makes `python` that of the book.
    (activate, *blocks) = BLOCKS
    ran = 0
    for (kind, text), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "yaml":
            name = "grid.yml" if "linspace" in text else "material.yml"
            (tree / name).write_text(text, encoding="utf-8")
        if kind != "bash" or "--all" in text:  # the whole of the book has a test of its own
            continue
        if shown.startswith(("error:", "nothing")):  # which needs no process of its own
            status, said = cli.main(text.split()[3:]), "".join(capsys.readouterr())
        else:
            done = subprocess.run(
                ["bash", "-ec", activate[1] + text],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            status, said = done.returncode, done.stdout
        ran += 1
        if next_kind == "text":
            # `…` stands for lines that are left out.
            pattern = ".*".join(re.escape(part) for part in shown.split("…\n"))
            assert re.fullmatch(pattern, said, re.DOTALL), said
        assert status == (2 if shown.startswith("error:") else 0), said
        for line in said.splitlines():
            if line.endswith(".html"):
                assert (tree / line).is_file()
    assert ran >= 6
    # Of papermill alone: what was given stands after the cell of parameters.
    executed = nbformat.read(tree / "_reruns" / "mine.ipynb", as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in executed.cells]
    place = tags.index(["injected-parameters"])
    assert "parameters" in tags[place - 1]
    assert "d = 3.0\nalpha_L = 0.04\n" in executed.cells[place].source + "\n"
