"""The figures' data: what a reader downloads as CSV, and what each must hold."""

import base64
import io
import re
from collections.abc import Iterator
from colorsys import rgb_to_hsv
from functools import cache
from inspect import getsource, isfunction
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from conftest import NOTEBOOKS, Plain, served
from matplotlib.colors import to_rgb
from matplotlib.quiver import Quiver
from PIL import Image

from qwlib import Well, count_states, fermi_states, sweep
from qwlib.beyond.direction import response
from qwlib.book import figures, views
from qwlib.book.figures import DIGITS, data
from qwlib.run import page as pages

pytestmark = pytest.mark.usefixtures("placed_legends")

SKETCHES = {"fig-model-scheme", "fig-model-circles"}
"""Figures that show no numbers."""

CURVES = {
    # Of each panel: couplings to the right; the two signs and their sum; kinds and all.
    "fig-total": {"a": 3, "b": 3},
    "fig-by-chirality": {"a": 3, "b": 3},
    "fig-counts": {"a": 4},
    "fig-profiles": {"a": 5, "b": 5},
    "fig-interface-value": {"a": 2},
    # Sign and kind: of the states of that row, in the well and as stems.
    "fig-confinement": {"a": 3, "b": 3, "c": 3, "d": 3},
    "fig-confinement-place": {"a": 2, "b": 2},
    "fig-counting-eigenvalues": {"a": 5, "b": 2},
    "fig-counting-zoom": {"a": 3, "b": 3},
    "fig-counting-cells": {"a": 1, "b": 3, "c": 3},
    "fig-counting-twice": {"a": 4, "b": 1},
    "fig-counting-rounding": {"a": 2},
    "fig-counting-witness": {"a": 2, "b": 4},
    "fig-ends-band": {"a": 8},
    "fig-ends-runaway": {"a": 6},
    "fig-ends-redrawn": {"a": 6, "b": 6},
    "fig-interband-ratio": {"a": 4, "b": 4},
    "fig-interband-profile": {"a": 3, "b": 3},
    "fig-interband-convergence": {"a": 1, "b": 1, "c": 1},
    "fig-lab-coupling": {"a": 3},
    "fig-lab-thickness": {"a": 2, "b": 2},
    "fig-lab-barrier": {"a": 3, "b": 3},
    "fig-lab-gradient": {"a": 5, "b": 5},
    # Of each m: two kinds of contours, and the arrows.
    "fig-dir-contours": {"a": 3, "b": 3, "c": 3},
    "fig-dir-planes": {"a": 2, "b": 2},
    "fig-lost-follow": {"a": 5, "b": 3},
    "fig-lost-wave": {"a": 4, "b": 4},
    "fig-conventions": {"a": 2},
    "fig-conventions-diagonal": {"a": 3, "b": 3},
    # Subbands, and the Fermi states of both sorts.
    "fig-model-dispersion": {"a": 17, "b": 17},
    "fig-model-kinds": {"a": 2, "b": 2},
    # With and without missed states, of each well.
    "fig-speed": {"a": 4, "b": 4},
    # Each width, with propagating and with all states.
    "fig-grid": {"a": 8, "b": 8, "c": 8},
    "fig-thin": {"a": 3, "b": 3},
    "fig-wide": {"a": 2, "b": 2},
    "fig-verdicts": {"a": 3},
    # What a student starts from.
    "fig-hour-widths": {"a": 1},
    "fig-hour-sums": {"a": 1},
}
"""Curves in each panel of each figure, counted in the picture."""

WORDS = {"fig-verdicts": "y", "fig-conventions": "y", "fig-speed": "y"}
"""Axes that have words."""


def figure_cells() -> dict[str, nbformat.NotebookNode]:
    """Return the cells that draw a numbered figure, by its name."""
    cells = {}
    for notebook in NOTEBOOKS:
        for cell in nbformat.read(notebook, as_version=4).cells:
            figure = cell.metadata.get("mystnb", {}).get("figure")
            if figure:
                cell.chapter = notebook.stem
                cells[figure["name"]] = cell
    return cells


CELLS = figure_cells()


def stored(name: str) -> pd.DataFrame:
    """Return the data of a figure as they are stored with its picture."""
    texts = [o.data["text/csv"] for o in CELLS[name].outputs if "text/csv" in o.get("data", {})]
    assert len(texts) == 1, f"{name}: no data, or several; run `make baseline`"
    return pd.read_csv(io.StringIO(texts[0]), comment="#", dtype={"panel": str, "curve": str})


def test_every_figure_has_data_or_is_a_sketch():
    assert set(CELLS) == set(CURVES) | SKETCHES
    for name in SKETCHES:
        assert not any("text/csv" in o.get("data", {}) for o in CELLS[name].outputs)


@pytest.mark.parametrize("name", CURVES)
def test_data_hold_every_curve_in_finite_numbers(name):
    table = stored(name)
    assert list(table.columns) == ["panel", "curve", "x", "y"]
    assert not table.isna().any(axis=None)
    for axis in {"x", "y"} - set(WORDS.get(name, "")):
        assert np.isfinite(table[axis]).all()
    assert table.groupby("panel")["curve"].nunique().to_dict() == CURVES[name]
    (text,) = (o.data["text/csv"] for o in CELLS[name].outputs if "text/csv" in o.get("data", {}))
    comments = re.findall(r"^# panel (\w)(.*)$", text, re.M)
    assert [panel for panel, _ in comments] == list(dict.fromkeys(table["panel"]))
    # Each axis has a label, with a unit if it is a quantity; words need none.
    for _, rest in comments:
        assert name in WORDS or re.search(r": x is .+, y is .+$", rest)
    assert not re.search(r"[${}\\−]|(^|,)-0(,|$)", text, re.M)


@cache
def page_figures(page: Path) -> dict[str, Tag]:
    """Return the figures of a page by name."""
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").article
    return {figure.get("id"): figure for figure in article.find_all("figure")}


@pytest.mark.parametrize("name", CURVES)
def test_page_links_to_the_data_of_its_figure(html, name):
    page = html / "book" / f"{CELLS[name].chapter}.html"
    figure = page_figures(page)[name]
    (link,) = figure.figcaption.select(".figure-data a")
    assert link.get_text() == "Data (CSV)"
    file = page.parent / link["href"]
    assert file.name == f"{name}.csv"
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    read = pd.read_csv(file, comment="#", dtype={"panel": str, "curve": str})
    pd.testing.assert_frame_equal(read, stored(name))


def test_slides_do_not_show_the_link(html):
    assert "Data (CSV)" not in (html / "slides.html").read_text(encoding="utf-8")


# --- The same numbers, computed here --------------------------------------------------------------


def curve(name: str, panel: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    table = stored(name)
    rows = table[(table["panel"] == panel) & (table["curve"] == label)]
    assert len(rows) > 1
    return rows["x"].to_numpy(), rows["y"].to_numpy()


def close(found: np.ndarray, expected: np.ndarray, slope: float = 0.0) -> None:
    """Compare numbers that were rounded to `DIGITS` in the range of their axis.

    x is rounded too, so y may be off by that times its largest `slope`, in ranges over ranges.
    """
    span = np.ptp(found)
    # Half a digit in a range that is up to ten times ours, and the axis has margins.
    unit = 10.0 ** (1 - DIGITS) * span
    np.testing.assert_allclose(found, expected, rtol=10.0 ** (1 - DIGITS), atol=(1 + slope) * unit)


def test_total_spin_density():
    alpha, found = curve("fig-total", "a", "α_R = -0.025 eV nm²")
    some = np.flatnonzero(alpha < Well().critical_rashba)[::40]
    ds = sweep(alpha_L=alpha[some], alpha_R=-0.025)
    close(found[some], 1e3 * ds["spin_density"].sum("chirality").sel(kind="propagating").values)


def test_levels_and_contributions():
    states = fermi_states(Well(alpha_L=0.046), 3.0)
    table = stored("fig-confinement")
    for panel, expected in (("a", states.E), ("b", 1e3 * states.contribution)):
        found = np.unique(table.loc[table["panel"] == panel, "y"])
        close(found, np.sort(expected))


def test_profile():
    z, found = curve("fig-grid", "c", "d = 3 nm, all states")
    states = fermi_states(Well(d=3.0, alpha_L=0.01, alpha_R=-0.01), 3.0)
    # The density varies over 1/2k = 0.06 nm, some fiftieth of the range.
    close(found, states.spin_density(z).sum(axis=0), slope=50)


def test_staircase_of_counts():
    E, found = curve("fig-counting-eigenvalues", "b", "N")
    assert (np.diff(found) >= 0).all() and len(set(found)) > 5
    # Beside a step the rounding of E may cross it: compare where the count stays.
    inside = np.flatnonzero(found[1:] == found[:-1])
    middle = (E[inside] + E[inside + 1]) / 2
    well = Well(alpha_L=0.046)
    np.testing.assert_array_equal(found[inside], count_states(well, middle, 5.0))


# --- What is a curve, and how it is written -------------------------------------------------------


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_guides_are_no_data_and_gaps_no_rows(axes):
    axes.axhline(0)
    axes.axvspan(0, 1, color="0.9")
    assert data(axes.figure) is None
    axes.plot([0, 0.25, 1], [-1e-20, np.nan, 3 / 7], label="$α_L$, one")
    axes.plot([0, 1], [0, 1], label="guide", gid="_guide")
    axes.set(title="(b) second", xlabel="$x$ (nm)", ylabel=figures.SUM)
    assert data(axes.figure) == (
        "# panel b (second): x is x (nm), y is ∫S_y dz\n"
        'panel,curve,x,y\nb,"α_L, one",0,0\nb,"α_L, one",1,0.42857\n'
    )


def test_numbers_do_not_depend_on_their_last_bits(axes):
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-2, 2, (2, 200))
    texts = []
    for noise in (0, 1e-12):
        axes.cla()
        axes.plot(x, y + noise * rng.standard_normal(200), label="one")
        axes.set(ylim=(-2, 2))
        texts.append(data(axes.figure))
    # Of 200 numbers one lies within 1e-12 of where its fifth decimal flips once in 10⁴ seeds.
    assert texts[0] == texts[1]


def test_logarithmic_axis_keeps_the_digits_of_small_numbers(axes):
    axes.loglog([1e-9, 1], [2.34567891e-7, 1], label="one")
    assert "a,one,1e-09,2.34568e-07" in data(axes.figure)


def test_staircase_keeps_its_corners(axes):
    axes.step(np.arange(6), [0, 0, 0, 1, 1, 2], where="mid", label="N")
    points = re.findall(r"N,(\d),(\d)", data(axes.figure))
    assert points == [("0", "0"), ("2", "0"), ("3", "1"), ("4", "1"), ("5", "2")]


def test_page_that_stands_alone_holds_the_data(tmp_path):
    table = "# fig-one\npanel,curve,x,y\na,one,0,1\n"
    for path, text in {
        "_static/pygments.css": "",
        "_static/onepage.css": "",
        "_downloads/0/fig-one.csv": table,
        "book/one.html": "<div class='body'><h1>One</h1><p class='figure-data'>"
        "<a href='../_downloads/0/fig-one.csv'>Data</a></p></div>",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    link = BeautifulSoup(pages.standalone(tmp_path, "book/one"), "html.parser").a
    assert link["download"] == "fig-one.csv"
    assert urlopen(link["href"]).read().decode() == table


# --- What is beside the curves --------------------------------------------------------------------


def with_an_end(title: str) -> Iterator[plt.Figure]:
    """Yield figures with the mark of the end of the model, over the whole range of places."""
    x = np.linspace(0, 1, 11)
    for limit in (0.1, 0.5, 0.9):
        end = views.Series("ħ²/m", [limit], None, "guide")
        panel = views.Panel("α_L (eV nm²)", "y", [views.Series("one", x, x), end], title=title)
        yield figures.draw(views.View([panel] * 2, alike=True))
        curves = [views.Series("one", x, x)] * 2
        view = views.View([views.Panel("x", "y", curves, title=title)])
        yield figures.two_models(view, limit)


@pytest.mark.parametrize("title", ["(a)", "(b) all states, and a title as long as its panel"])
def test_name_of_the_end_of_the_model_is_clear_of_titles(title):
    with plt.rc_context(figures.STYLE):
        for figure in with_an_end(title):
            figure.canvas.draw()
            words = figure.findobj(lambda one: getattr(one, "get_text", str)() == title)
            titles = [one.get_window_extent() for one in words]
            assert len(titles) == len(figure.axes)
            for ax in figure.axes:
                (label,) = (text for text in ax.texts if text.get_text() == "ħ²/m")
                box = label.get_window_extent()
                assert not any(box.overlaps(one) for one in titles)
            plt.close(figure)


def test_arrows_on_contours_point_as_the_spins_do():
    """With m along z and α_L > 0 the spin at k along −x is along +y on the outermost contour."""
    layer = Well(d=0.6, V_L=5, V_R=5, Delta=0.25, alpha_L=0.046, alpha_R=0)
    figure = figures.in_a_row(views.contours({"m along z": response(layer, 3.0, 0.0, 0.0)}))
    (arrows,) = (one for one in figure.axes[0].collections if isinstance(one, Quiver))
    x, y = arrows.X, arrows.Y
    assert len(x) >= 4 * 8
    assert arrows.V[np.argmin(x)] > 0.5
    # Perpendicular to k everywhere, and of the other sense on the next contour.
    assert np.allclose(arrows.U * x + arrows.V * y, 0, atol=1e-6)
    turns = np.sign(x * arrows.V - y * arrows.U)
    radii = np.round(np.hypot(x, y), 3)
    senses = [set(turns[radii == radius]) for radius in np.unique(radii)]
    assert senses == [{1}, {-1}] * (len(senses) // 2)
    plt.close(figure)


def test_panels_of_other_ranges_keep_their_own():
    """Of one quantity along both axes: a range that is shared is that of the last panel."""
    panels = [
        views.Panel("k (nm⁻¹)", "F", [views.Series("", ends, [0, 1])], ends)
        for ends in ([0.0, 1.0], [5.0, 6.0])
    ]
    axes = figures.draw(views.View(panels)).axes
    assert [ax.get_xlim() for ax in axes] == [(0.0, 1.0), (5.0, 6.0)]
    assert {ax.get_xlabel() for ax in axes} == {axes[0].get_xlabel()} != {""}


def test_curves_of_a_sign_look_alike():
    looks = views.by_sign([-0.025, 0.0, 0.025])
    assert looks == views.by_sign([-0.01, -0.0, 0.3])
    assert looks[::-1] == views.by_sign([0.025, 0, -0.025])
    # Of values with the same sign the first looks as ever, and none like another.
    more = views.by_sign([0.01, -0.02, 0.02, 0.03])
    assert more[:2] == [looks[2], looks[0]]
    for key in ("color", "ls"):
        assert len({figures.LOOKS[look][key] for look in more}) == 4


def test_each_broadening_that_is_asked_for_has_its_curve_and_look():
    alphas, gammas = [0.01, 0.02], [float(f"{x:.2g}") for x in np.geomspace(0.001, 0.1, 9)]
    ratios = np.outer([1.0, 0.9], gammas)
    upper, lower = figures.interband_ratio(alphas, gammas, ratios, 1 - ratios).axes
    for ax in (upper, lower):
        curves = [line for line in ax.lines if line.get_label().startswith("ħ/τ")]
        assert [line.get_label() for line in curves] == [f"ħ/τ = {g:g} eV" for g in gammas]
        looks = {(line.get_color(), line.get_linestyle()) for line in curves}
        assert len(looks) == len(gammas)


def test_curve_is_parted_where_a_number_changes():
    x, y = views.parted(np.arange(5.0), [1, 2, 3, 4, 5], np.array([7, 7, 6, 6, 8]))
    assert x.tolist() == [0, 1, 1.5, 2, 3, 3.5, 4]
    np.testing.assert_array_equal(y, [1, 2, np.nan, 3, 4, np.nan, 5])
    same = views.parted(np.arange(3.0), [1, 2, 3], np.ones(3))
    np.testing.assert_array_equal(same, ([0, 1, 2], [1, 2, 3]))


@pytest.mark.parametrize("ends", [(0, 0, 0, 0), (13, 10, 2, 0), (2.1, 2, 1.9, 40)])
def test_names_beside_curves_do_not_overlap(ends):
    x = np.linspace(0, 1, 5)
    # An end of the model past the last x leaves a gap there.
    curves = [
        views.Series(f"curve {n}", *views.broken(x, x * end, 1.5)) for n, end in enumerate(ends)
    ]
    figure = figures.draw(views.View([views.Panel("x", "y", curves)]))
    figures.name_at_right(figure.axes[0])
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4 and figure.axes[0].get_legend() is None
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert box.x1 <= figure.bbox.x1
    plt.close(figure)


def test_key_of_levels_is_whole_or_of_what_is_drawn():
    states = fermi_states(Well(alpha_L=0.046), 3.0)
    for whole, words in (
        (True, ["+ chirality", "− chirality", "0 chirality", "propagating", "mixed", "interface"]),
        (False, ["+ chirality", "− chirality", "propagating", "mixed"]),
    ):
        figure = figures.levels_and_contributions([("", states)], whole_key=whole)
        (key,) = figure.legends
        assert [text.get_text() for text in key.get_texts()] == words
        plt.close(figure)


# --- On a phone, and in the dark ------------------------------------------------------------------


def letters(name: str) -> float:
    """Return the size in points of the smallest letters that a figure's code asks for."""
    source = CELLS[name].source
    used = [f for f in re.findall(r"\b(\w+)\(", source) if isfunction(getattr(figures, f, None))]
    # `show` draws what is no figure yet.
    for function in [f for f in used if f != "show"] or ["draw"]:
        source += getsource(getattr(figures, function))
    # Without a word, letters are as large as use_style says.
    sizes = re.findall(r"(?:fontsize|labelsize)=(\d+)", source)
    return min(map(float, sizes), default=figures.STYLE["font.size"])


@pytest.mark.parametrize("name", CELLS)
def test_letters_can_be_read_on_a_phone(name):
    (image,) = (
        o.data["image/png"] for o in CELLS[name].outputs if "image/png" in o.get("data", {})
    )
    with Image.open(io.BytesIO(base64.b64decode(image))) as picture:
        inches = picture.width / figures.STYLE["savefig.dpi"]
    # A screen of 400 px shows it 360 px wide; a point is 1/72 of an inch.
    assert letters(name) / 72 * 360 / inches >= 8


def luminance(colour: np.ndarray) -> float:
    """Relative luminance of WCAG 2."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


DARK_PAGE = np.array(to_rgb("#121212"))


def in_the_dark(colour: np.ndarray) -> np.ndarray:
    """Apply invert(1) hue-rotate(180deg) and then the blend mode screen, as W3C defines them."""
    grey = np.array([[0.213, 0.715, 0.072]] * 3)
    turned = np.clip((2 * grey - np.eye(3)) @ (1 - colour), 0, 1)
    return 1 - (1 - turned) * (1 - DARK_PAGE)


@pytest.mark.parametrize(
    "colour", [*figures.SEQUENCE, figures.PLUS, figures.MINUS, figures.NEUTRAL]
)
def test_colour_keeps_name_and_contrast_in_both_themes(colour):
    light = np.array(to_rgb(colour))
    dark = in_the_dark(light)
    # 3:1 is what WCAG 2.1 asks of the parts of a graphic.
    assert contrast(light, np.ones(3)) >= 3
    assert contrast(dark, DARK_PAGE) >= 3
    (hue, strength, _), (other, *_) = rgb_to_hsv(*light), rgb_to_hsv(*dark)
    if strength > 0:
        # Orange and golden, the closest hues with different names, are 15 degrees apart.
        assert abs(hue - other) < 10 / 360


def test_captions_name_no_colour_that_the_dark_theme_changes():
    for cell in CELLS.values():
        words = (
            cell.metadata["mystnb"]["figure"]["caption"] + cell.metadata["mystnb"]["image"]["alt"]
        )
        named = re.findall(r"\b(?:black|white|yellow|red|green|purple|pink|brown)\b", words, re.I)
        assert not named, words


@pytest.mark.parametrize("media", ["screen", "print"])
def test_dark_figures_lie_on_the_page_and_print_light(browser, html, media):
    with served(html, Plain) as address:
        page = browser.new_page(color_scheme="dark", viewport={"width": 1400, "height": 1000})
        page.goto(f"{address}/book/model.html")
        page.emulate_media(media=media, color_scheme="dark")
        image = page.locator("figure img").first
        shot = np.array(Image.open(io.BytesIO(image.screenshot())).convert("RGB")) / 255
        page.close()
    ground = DARK_PAGE if media == "screen" else np.ones(3)
    # The corner of a figure is empty.
    np.testing.assert_allclose(shot[2, 2], ground, atol=0.5 / 255)
    ink = shot.reshape(-1, 3)[np.abs(shot - ground).max(axis=2).argmax()]
    assert contrast(ink, ground) > 15  # the frame is black or white
    # Both interfaces of Fig. 1 are drawn in the fifth colour.
    golden = np.array(to_rgb(figures.SEQUENCE[4]))
    golden = in_the_dark(golden) if media == "screen" else golden
    assert (np.abs(shot - golden).max(axis=2) < 2 / 255).mean() > 0.005


@pytest.mark.parametrize(
    ("width", "height", "letters"),
    [(400, 900, 16), (1400, 900, 16), (1400, 550, 10)],
    ids=["400", "1400", "small letters"],
)
def test_figures_fit_the_screen_with_their_shape(browser, html, width, height, letters):
    with served(html, Plain) as address:
        page = browser.new_page(viewport={"width": width, "height": height})
        # Of a screen so high 85 % are less than 50 rem, so those are the limit.
        limit = 50 * letters
        assert 0.85 * height < limit
        for name in ("confinement", "chirality", "thickness"):
            page.goto(f"{address}/book/{name}.html")
            page.add_style_tag(content=f"html {{ font-size: {letters}px !important }}")
            for image in page.locator("figure img").all():
                box, size = (
                    image.bounding_box(),
                    image.evaluate("i => [i.naturalWidth, i.naturalHeight]"),
                )
                assert box["height"] <= limit + 0.5  # half a pixel of layout
                # A box may have room beside the picture, which object-fit leaves as it is; the
                # picture is as large as 360 px, or small letters, allow.
                scale = min(box["width"] / size[0], box["height"] / size[1])
                assert scale * size[0] > (340 if letters == 16 else 200)
                assert image.evaluate("i => getComputedStyle(i).objectFit") == "contain"
        page.close()


# What Thebe makes of a cell.
LIVE = """<div class="cell"><div class="thebe-cell"><div class="CodeMirror cm-s-default"><pre>
<span class="cm-keyword">def</span> <span class="cm-def">f</span><span class="cm-operator">=</span>
<span class="cm-number">1</span> <span class="cm-string">a</span> <span class="cm-comment">b</span>
<span class="cm-builtin">len</span> <span class="cm-variable">x</span>
<span class="cm-property">y</span></pre></div></div>
<div class="cell_output"><div class="jp-OutputArea"><div class="jp-RenderedText"><pre>text</pre>
</div></div></div>
</div>"""

# The colour of each piece of text, and that of the ground below it.
COLOURS = """() => [...document.querySelectorAll(
    ".thebe-cell span, .jp-RenderedText pre"
  )].map((one) => {
    const colour = getComputedStyle(one).color;
    const ground = (node) => getComputedStyle(node).backgroundColor;
    let below = one;
    while (ground(below) === "rgba(0, 0, 0, 0)") below = below.parentElement;
    return [one.outerHTML, colour, ground(below)];
  })"""


def test_cells_of_a_live_page_are_dark(browser, html, local_copies):
    with served(html, Plain) as address:
        page = browser.new_page(color_scheme="dark")
        page.goto(f"{address}/book/confinement.html")
        page.add_style_tag(path=local_copies / "thebe" / "thebe.css")
        page.evaluate("text => document.querySelector('.tag_explorer').innerHTML = text", LIVE)
        found = page.evaluate(COLOURS)
        page.close()
    assert len(found) == 10
    for what, *colours in found:
        # As opaque as they come: a share of transparency is the fourth number.
        text, ground = (np.array(re.findall(r"[\d.]+", c), dtype=float)[:3] / 255 for c in colours)
        assert luminance(ground) < 0.05, what
        assert contrast(text, ground) >= 4.5, what  # what WCAG 2 asks of text


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_caption_has_two_sentences_at_most(page):
    """What a reader is to see first; the rest is in the text.  A sentence is a line."""
    for cell in nbformat.read(page, 4).cells:
        told = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        first = told.split("\n\n")[0].split("\n")
        assert page.stem == "verdicts" or len([line for line in first if line]) <= 2, told
