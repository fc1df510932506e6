"""A directive for questions that check themselves in the page, with no kernel.

    ```{quiz} confinement
    ```

puts the questions of ``quizzes/confinement.yml`` there, a list of

    - question: MyST text
      answers:
        - text: MyST text of one line
          correct: true
          why: MyST text of one line; asked for where an answer is wrong

``_static/quiz.js`` shows the explanation of the answer that is chosen.  Without scripts the
answers and explanations are in a drop-down below the question.
"""

import html
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from ruamel.yaml import YAML, YAMLError
from sphinx.util.docutils import SphinxDirective


def read(path: Path) -> list[dict]:
    """Return the questions in a file.

    Raises
    ------
    ValueError
        If the file is missing or not as above, naming the question.
    """
    try:
        questions = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(questions, list) or not questions:
        raise ValueError(f"{path.name} must be a list of questions")
    for number, one in enumerate(questions, 1):
        where = f"{path.name}, question {number}"
        if not isinstance(one, dict) or set(one) != {"question", "answers"}:
            raise ValueError(f"{where} must have the keys question and answers")
        answers = one["answers"]
        if not isinstance(answers, list) or len(answers) < 3:
            raise ValueError(f"{where} must have three answers or more")
        for answer in answers:
            if not isinstance(answer, dict) or not {"text", "correct"} <= set(answer):
                raise ValueError(f"{where}: an answer must have the keys text, correct and why")
            if not isinstance(answer["correct"], bool):
                raise ValueError(f"{where}: correct must be true or false")
            if not answer["correct"] and not str(answer.get("why") or "").strip():
                raise ValueError(f"{where}: the answer {answer['text']!r} is wrong and needs a why")
        if not any(answer["correct"] for answer in answers):
            raise ValueError(f"{where} has no correct answer")
    return questions


class Quiz(SphinxDirective):
    """Show the questions of one file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the questions as nodes."""
        name = self.arguments[0]
        relative, path = self.env.relfn2path(f"quizzes/{name}.yml")
        self.env.note_dependency(relative)
        try:
            questions = read(Path(path))
        except ValueError as error:
            raise self.error(str(error)) from None
        block = nodes.container(classes=["quiz"])
        for number, one in enumerate(questions, 1):
            block += self.question(f"quiz-{html.escape(name)}-{number}", number, one)
        return [block]

    def question(self, name: str, number: int, one: dict) -> list[nodes.Node]:
        """Return one question: its text, its answers, and the explanations."""
        asked = nodes.container(ids=[name])
        lines = StringList(one["question"].splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, asked)
        parts = [
            raw(f'<fieldset aria-describedby="{name}"><legend>Question {number}</legend>'),
            asked,
        ]
        for i, answer in enumerate(one["answers"]):
            # Without scripts a button would do nothing, so that it is the script that shows it.
            button = f'<input type="radio" name="{name}" id="{name}-{i}" autocomplete="off" hidden>'
            parts.append(self.line(f'{button}<label for="{name}-{i}">', answer["text"], "</label>"))
        parts.append(
            raw(
                '<div class="quiz-feedback" role="status" aria-live="polite"></div>'
                "<details><summary>Answers and explanations</summary><ul>"
            )
        )
        for answer in one["answers"]:
            state, verdict = (
                ("right", "Right.") if answer["correct"] else ("wrong", "Not this one.")
            )
            parts.append(raw(f'<li data-answer="{state}">'))
            parts.append(self.line("", answer["text"]))
            parts.append(self.line(f"<strong>{verdict}</strong> ", answer.get("why") or ""))
            parts.append(raw("</li>"))
        parts.append(raw("</ul></details></fieldset>"))
        return parts

    def line(self, before: str, text: str, after: str = "") -> nodes.paragraph:
        """Return a paragraph of MyST text between pieces of HTML."""
        inline, _ = self.state.inline_text(" ".join(str(text).split()), self.lineno)
        return nodes.paragraph("", "", raw(before), *inline, raw(after))


def raw(text: str) -> nodes.raw:
    """Return HTML as a node; other builders leave it out."""
    return nodes.raw("", text, format="html")


def setup(app) -> dict:
    """Register the directive, its script and its style."""
    app.add_directive("quiz", Quiz)
    app.add_js_file("quiz.js", loading_method="defer")
    app.add_css_file("quiz.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
