"""Exercises, their solutions, the switch that leaves these out, and the questions of a chapter."""

import ast
import importlib.util
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from ruamel.yaml import YAML
from test_prose import PAPER, typed

from qwlib.run.page import render
from tools.build import strip, without_solutions

BOOK = ROOT / "book"

# The chapters that must have exercises and questions; those with a file of questions are added.
MUST = {
    "model",
    "confinement",
    "chirality",
    "thickness",
    "lost",
    "ends",
    "interband",
    "laboratory",
    "direction",
    "counting",
}
CHAPTERS = sorted(MUST | {path.stem for path in (BOOK / "quizzes").glob("*.yml")})
GRADES = ("check your reading", "calculate", "explore")
HEAD = ("Paper", "You will", "You need", "Time")

spec = importlib.util.spec_from_file_location("quiz", BOOK / "_ext" / "quiz.py")
quiz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quiz)

spec = importlib.util.spec_from_file_location("exercises", BOOK / "_ext" / "exercises.py")
table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(table)

FENCE = r"^(?:`{3,}|:{3,})\{%s\}[ ]*(.*?)[ ]*$"


def cells(chapter: str) -> list:
    return nbformat.read(BOOK / f"{chapter}.ipynb", as_version=4).cells


def markdown(chapter: str) -> str:
    return "\n\n".join(cell.source for cell in cells(chapter) if cell.cell_type == "markdown")


def exercises(text: str) -> dict[str, str]:
    """Return the title of each exercise by its label."""
    pattern = FENCE % "exercise(?:-start)?" + r"\n:label: (\S+)$"
    return {label: title for title, label in re.findall(pattern, text, flags=re.MULTILINE)}


@pytest.mark.parametrize("chapter", sorted(MUST))
def test_exercises_come_in_three_grades_each_with_a_solution(chapter):
    text = markdown(chapter)
    found = exercises(text)
    assert len(found) >= 5
    assert list(found) == [f"ex-{chapter}-{n}" for n in range(1, len(found) + 1)]
    grades = [next((g for g in GRADES if title.startswith(g)), None) for title in found.values()]
    assert set(grades) == set(GRADES), "each title begins with its grade"
    solved = re.findall(FENCE % "solution(?:-start)?", text, flags=re.MULTILINE)
    assert sorted(solved) == sorted(found)


def test_table_has_every_exercise_with_its_title_and_minutes():
    rows = [re.split(r" *\| *", line)[1:-1] for line in table.table(BOOK)[2:]]
    listed = {re.fullmatch(r"\{ref\}`(.*)`", label)[1]: rest for label, *rest in rows}
    found = {}
    for page in BOOK.glob("*.ipynb"):
        found |= exercises(markdown(page.stem))
    assert {label: f"{grade}: {title}" for label, (title, grade, *_) in listed.items()} == found
    for _, grade, minutes, after in listed.values():
        assert 5 <= int(minutes) <= (10 if grade == GRADES[0] else 20)
        assert re.fullmatch(r"[A-Zα].*[^.]\.", after)


@pytest.mark.parametrize(
    ("title", "total"),
    [("Lesson one", 90), ("Lesson two", 90), ("The hour at the computer", 60)],
)
def test_plan_fits_into_its_time(title, total):
    """Each item begins where the one before ends, and what is in it takes no longer than it."""
    text = (BOOK / "lecturer.md").read_text(encoding="utf-8")
    plan = re.search(rf"^## {title}.*?(?=^## )", text, flags=re.DOTALL | re.MULTILINE)[0]
    items = re.findall(r"^\| (\d+)–(\d+) \| (.*)$", plan, flags=re.MULTILINE)
    ends = [0, *(int(end) for _, end, _ in items)]
    assert [int(start) for start, *_ in items] == ends[:-1] and ends[-1] == total
    for start, end, what in items:
        assert sum(map(int, re.findall(r"(\d+) minutes", what))) <= int(end) - int(start)


@pytest.mark.parametrize("title", ["Lesson one", "Lesson two"])
def test_homework_takes_what_its_exercises_take(title):
    text = (BOOK / "lecturer.md").read_text(encoding="utf-8")
    plan = re.search(rf"^## {title}.*?(?=^## )", text, flags=re.DOTALL | re.MULTILINE)[0]
    minutes, work = re.search(
        r"^\*Homework\*, (\d+) minutes (.*)$", plan, flags=re.MULTILINE
    ).groups()
    labels = re.findall("{ref}`(.*?)`", work)
    rows = [row for row in table.table(BOOK) if any(f"`{label}`" in row for label in labels)]
    assert len(rows) == len(labels) > 3
    assert sum(int(re.search(r"\| (\d+) \|", row)[1]) for row in rows) == int(minutes)


@pytest.mark.parametrize("change", [("ex-hour-2", "ex-hour-3"), ("ex-hour-2: [20", "#")])
def test_an_exercise_that_only_one_side_has_is_refused(tmp_path, change):
    shutil.copy(BOOK / "hour.ipynb", tmp_path)
    lines = (BOOK / "exercises.yml").read_text(encoding="utf-8").splitlines()
    told = "\n".join(line for line in lines if line.startswith("ex-hour"))
    (tmp_path / "exercises.yml").write_text(told, encoding="utf-8")
    assert len(table.table(tmp_path)) == 4
    (tmp_path / "exercises.yml").write_text(told.replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match="ex-hour-2"):
        table.table(tmp_path)


@pytest.mark.parametrize("chapter", sorted(MUST))
def test_some_solutions_of_a_chapter_check_what_they_say(chapter):
    inside, asserts = False, 0
    for cell in cells(chapter):
        if cell.cell_type == "code":
            asserts += inside and "assert " in cell.source
        elif "{solution-start}" in cell.source:
            inside = True
        if cell.cell_type == "markdown" and "{solution-end}" in cell.source:
            inside = False
    assert asserts >= 3


@pytest.mark.parametrize("chapter", sorted(MUST))
def test_a_chapter_opens_predicts_and_closes(chapter):
    text = markdown(chapter)
    head = re.findall(r"^- \*\*(.+?)\*\*:", text, flags=re.MULTILINE)
    assert tuple(head[:4]) == HEAD
    assert text.count("**Before you ") >= 2
    summary = re.split(r"^## Summary$", text, flags=re.MULTILINE)[1]
    assert len(re.findall(r"^- ", summary, flags=re.MULTILINE)) == 5
    assert re.search(r"^Next, \{doc\}`\w+`", summary, flags=re.MULTILINE)
    assert len(re.findall(FENCE % "quiz", text, flags=re.MULTILINE)) == 1


def first_reading(chapter: str) -> str:
    """Return the text of a chapter up to its exercises, without what is for a second reading."""
    kept, level, folded = [], 0, 0
    for line in re.split(r"^## Exercises$", markdown(chapter), flags=re.MULTILINE)[0].splitlines():
        if heading := re.match(r"#+(?= )", line):
            level = len(heading[0])
            folded = folded if level > folded > 0 else 0
        if line.startswith(":::{second-reading}"):
            folded = level
        if not folded:
            kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize("chapter", sorted(MUST))
def test_the_time_at_the_top_is_that_of_a_first_reading(chapter):
    """Its formulas and figures take time as well, so few words a minute are no reproach."""
    said = re.search(
        r"^- \*\*Time\*\*: (\d+) minutes.* (\d+) for the exercises", markdown(chapter), re.M
    )
    left_out = r"```.*?```|\$\$.*?\$\$|^- \*\*\w.*?\*\*:.*?$|^ {4}%pip.*?$"
    prose = re.sub(left_out, "", first_reading(chapter), flags=re.DOTALL | re.MULTILINE)
    # Prose of a textbook with formulas: 40 words a minute, and no more than a tenth faster.
    assert 20 <= len(re.findall(r"\S*\w\S*", prose)) / int(said[1]) <= 44
    minutes = YAML(typ="safe").load((BOOK / "exercises.yml").read_text(encoding="utf-8"))
    mine = [each for label, (each, _) in minutes.items() if label.startswith(f"ex-{chapter}-")]
    assert int(said[2]) == sum(mine)
    assert ("second reading" in said[0]) == (":::{second-reading}" in markdown(chapter))


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.ipynb")), ids=lambda page: page.stem)
def test_the_output_below_a_prediction_is_folded(page):
    found = cells(page.stem)
    for cell, after in itertools.pairwise(found):
        if "**Before you run the next cell**" in cell.source:
            assert after.cell_type == "code"
            assert "hide-output" in after.metadata.get("tags", [])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_questions_are_whole(chapter):
    questions = quiz.read(BOOK / "quizzes" / f"{chapter}.yml")
    assert len(questions) >= 2
    for one in questions:
        # Typed numbers must be the paper's, as in the chapters.
        texts = [one["question"]]
        texts += [
            str(answer.get(key) or "") for answer in one["answers"] for key in ("text", "why")
        ]
        assert set(typed("\n".join(texts))) <= PAPER


def test_the_right_answer_is_not_the_longest():
    """Who knows nothing would take it: it may be the longest as often as by chance."""
    questions = [one for c in CHAPTERS for one in quiz.read(BOOK / "quizzes" / f"{c}.yml")]
    longest = [max(one["answers"], key=lambda a: len(a["text"]))["correct"] for one in questions]
    assert sum(longest) <= len(longest) / 3


QUESTION = """
- question: How many?
  answers:
    - {text: none, correct: false, why: There is one.}
    - {text: one, correct: true}
    - {text: two, correct: false, why: That is too many.}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("correct: true", "correct: false, why: no", "no correct answer"),
        (", why: That is too many.", "", "'two' is wrong and needs a why"),
        ("correct: true", "correct: 1", "true or false"),
        ("    - {text: one, correct: true}\n", "", "three answers"),
        ("question:", "asks:", "the keys question and answers"),
        (QUESTION, "[]", "a list of questions"),
    ],
)
def test_a_question_that_is_not_whole_is_refused(tmp_path, old, new, said):
    path = tmp_path / "quiz.yml"
    path.write_text(QUESTION, encoding="utf-8")
    assert len(quiz.read(path)) == 1
    path.write_text(QUESTION.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        quiz.read(path)


def test_script_and_style_of_the_questions_are_small():
    assert sum((BOOK / "_static" / f"quiz.{kind}").stat().st_size for kind in ("js", "css")) < 6000


# --- The switch ----------------------------------------------------------------------------------

EXERCISE = ":::{exercise} calculate: a sum\n:label: ex-intro-1\n\nAdd.\n:::"
WHOLE = "````{solution} ex-intro-1\n:class: dropdown\n\nHIDDEN\n\n```python\nHIDDEN\n```\n````"
START, END = ":::{solution-start} ex-intro-2\n:class: dropdown\n:::", ":::{solution-end}\n:::"


@pytest.fixture
def scratch(tmp_path) -> Path:
    """A book of one chapter under this book's configuration, with both forms of a solution."""
    (tmp_path / "book" / "quizzes").mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(BOOK / name, tmp_path / "book" / name)
    shutil.copy(BOOK / "references.bib", tmp_path / "book")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n", encoding="utf-8")
    (tmp_path / "book" / "quizzes" / "intro.yml").write_text(QUESTION, encoding="utf-8")
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    chapter = [
        text("# Scratch"),
        text(f"{EXERCISE}\n\n{WHOLE}\n\nBetween.\n\n::::{{key}}\nHIDDEN key\n::::"),
        text(EXERCISE.replace("intro-1", "intro-2")),
        text(f"{START}\n\nHIDDEN"),
        code("print('HID' + 'DEN')"),
        text(f"HIDDEN\n\n{END}\n\nAfter."),
        code(
            "print('sho' + 'wn')",
            outputs=[nbformat.v4.new_output("stream", text="shown\n")],
            metadata={"tags": ["hide-output"]},
        ),
        text("```{quiz} intro\n```"),
        text("## Proof\n\nIt holds.\n\n:::{second-reading} why\n:::\n\nFirst."),
        code("print('th' + 'en')", outputs=[nbformat.v4.new_output("stream", text="then\n")]),
        text("### Lemma\n\nLast.\n\n## After the proof\n\nOpen."),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=chapter), tmp_path / "book" / "intro.ipynb")
    return tmp_path


def build(directory: Path, *options: str) -> str:
    """Build a book and return all that it holds as text, scripts of others apart."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build.py", directory, *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    html = directory / "_build" / "html"
    files = [*html.glob("*.html"), *html.glob("book/*"), html / "searchindex.js"]
    files += [path for path in html.glob("_sources/**/*") if path.is_file()]
    files += html.glob("notebooks/*")
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


def test_one_switch_leaves_the_solutions_out(scratch):
    before = (scratch / "book" / "intro.ipynb").read_bytes()
    with_them = build(scratch)
    page = BeautifulSoup(
        (scratch / "_build/html/book/intro.html").read_text("utf-8"), "html.parser"
    )
    solutions = page.select("div.solution.dropdown")
    assert len(solutions) == 2
    assert page.select_one("div.key").get_text().strip() == "HIDDEN key"
    # What a cell between the gates prints is in the drop-down, what comes after is not.
    assert solutions[1].select_one(".cell_output").get_text().strip() == "HIDDEN"
    assert "shown" not in solutions[1].get_text()
    assert with_them.count("HIDDEN") >= 5

    # The questions: a radio button and an explanation for each answer, without scripts too.
    question = page.select_one(".quiz fieldset")
    buttons = question.select("input[type=radio]")
    assert len(buttons) == len(question.select("details li")) == 3
    assert {b["id"] for b in buttons} == {label["for"] for label in question.select("label")}
    assert page.find(id=question["aria-describedby"]).get_text().strip() == "How many?"
    assert question.select_one("[aria-live]") is not None
    rights = [li["data-answer"] for li in question.select("details li")]
    assert rights == ["wrong", "right", "wrong"]
    scripts = [script.get("src", "") for script in page.find_all("script")]
    assert any("quiz.js" in source for source in scripts)

    # The rest of a section is folded, with its cells and its subsections, and no more.
    (fold,) = page.select("details.second-reading")
    assert fold.summary.get_text() == "For a second reading: why"
    kept = fold.get_text()
    assert all(words in kept for words in ("First.", "then", "Lemma", "Last."))
    assert not any(words in kept for words in ("It holds.", "Open."))
    assert not fold.has_attr("open")

    without = build(scratch, "--solutions", "no")
    assert "HID" not in without
    assert "solution" not in re.sub(r"<script.*?</script>|<link[^>]*>", "", without.lower())
    for kept in ("calculate: a sum", "Between.", "After.", "shown", "How many?"):
        assert kept in without
    assert (scratch / "book" / "intro.ipynb").read_bytes() == before


def names(sources: list[str], context: type) -> set[str]:
    """Return the names that cells use (ast.Load) or assign (ast.Store), in any way."""
    found = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef) and context is ast.Store:
            found.add(node.name)
        elif isinstance(node, ast.arg) and context is ast.Store:
            found.add(node.arg)
        elif isinstance(node, ast.alias) and context is ast.Store:
            found.add((node.asname or node.name).split(".")[0])
    return found


@pytest.mark.parametrize("chapter", sorted(MUST | {"hour"}))
def test_a_chapter_does_without_its_solutions(tmp_path, chapter):
    page = tmp_path / f"{chapter}.ipynb"
    shutil.copy(BOOK / page.name, page)
    strip(page)
    left = nbformat.read(page, as_version=4).cells
    text = "\n\n".join(cell.source for cell in left if cell.cell_type == "markdown")
    assert exercises(text) == exercises(markdown(chapter))
    assert "{solution" not in text
    kept = [cell.source for cell in left if cell.cell_type == "code"]
    gone = [c.source for c in cells(chapter) if c.cell_type == "code" and c.source not in kept]
    assert gone
    assert not names(kept, ast.Load) & (names(gone, ast.Store) - names(kept, ast.Store))


@pytest.mark.parametrize("text", [f"{START}\n\nHIDDEN", f"HIDDEN\n\n{END}", "::::{key}\nHIDDEN"])
def test_half_a_solution_is_refused(text):
    with pytest.raises(ValueError, match="does not end, or does not begin"):
        without_solutions(text)


def test_the_page_of_a_rerun_shows_the_questions_and_their_answers(scratch, tmp_path):
    notebook, target = scratch / "book" / "intro.ipynb", tmp_path / "page.html"
    render(scratch, "book/intro", notebook, target, tmp_path / "work")
    page = BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")
    assert not page.find_all("script")
    # Nothing would answer a button, so none is shown.
    buttons = page.select(".quiz input")
    assert len(buttons) == 3 and all(button.has_attr("hidden") for button in buttons)
    assert "That is too many." in page.select_one(".quiz details").get_text()
    assert "HIDDEN" in page.select_one(".solution").get_text()
    assert page.select_one("details.hide").has_attr("open")


def test_make_passes_the_switch_on():
    for argument, value in ([], "yes"), (["SOLUTIONS=no"], "no"):
        done = subprocess.run(
            ["make", "-n", "book", *argument],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        assert f"make.py book --solutions '{value}'" in done.stdout


# --- Predictions ---------------------------------------------------------------------------------


def numbers(text: str) -> set[str]:
    """Return the numbers of three digits or two, which no chance brings into a sentence."""
    found = re.findall(r"(?<![\w.{^])[−-]?\d+(?:\.\d+)?(?![\w.]*\d)", text)
    return {one.replace("−", "-") for one in found if len(re.sub(r"\D", "", one)) > 1}


def told(text: str, glued: dict[str, str]) -> str:
    """Return what is open in a text, with what is glued in its place."""
    text = re.sub(r"^:::\{admonition\}.*?^:::$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(:::\{second-reading\}|## ).*", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\{glue:text\}`(.*?)`", lambda role: glued.get(role[1], ""), text)
    return re.sub(r"`[^`]*`|\$\$.*?\$\$", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_sentence_tells_what_a_folded_output_is_to_tell(chapter):
    glued = {}
    for cell in cells(chapter):
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            for kind, value in output.get("data", {}).items():
                if kind.endswith("text/plain") and name:
                    glued[name] = value.strip("'")
    before, found = "", cells(chapter)
    for n, cell in enumerate(found):
        if "hide-output" in cell.metadata.get("tags", []):
            plain = [o.get("text") or o.data.get("text/plain", "") for o in cell.outputs]
            answers = numbers("\n".join(plain))
            after = next(c for c in found[n + 1 :] if c.cell_type == "markdown")
            sentences = numbers(told(after.source, glued)) - numbers(told(before, glued))
            assert answers & sentences == set(), after.source
        if cell.cell_type == "markdown":
            before += cell.source
        elif "parameters" in cell.metadata.get("tags", []):
            before += cell.source.replace("=", " ")
