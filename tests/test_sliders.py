"""Figures with sliders: their data against the solver, and what a browser makes of them.

The pages are built from the stored outputs, which the rerun of the chapters compares to the letter.
"""

import base64
import csv
import io
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import served

from qwlib import UnboundedSpectrumWarning, Well, fermi_states, sliders, sweep
from qwlib.kubo import KINDS

ROOT = Path(__file__).parent.parent
E_F = 3.0
WELLS = {
    "the paper's": Well(),
    "another": Well(
        d=1.7, V_L=4.0, V_R=6.0, Delta=-0.4, alpha_R=0.03, mass=0.7, exchange="ferromagnet"
    ),
}
CASES = {name: Well(alpha_L=0.01, alpha_R=a) for name, a in {"a": 0.01, "b": 0, "c": -0.01}.items()}


def shown(value: float, digits: int) -> str:
    """Return a sum in 10⁻³ nm⁻² as a page shows it."""
    return f"{1e3 * value:.{digits}f}".replace("-", "−")


def sums(states) -> list[float]:
    """Return the integrated spin densities of all states and of the propagating ones."""
    propagating = states[states.kind == "propagating"]
    # Adding zero turns −0 into 0; rounding first does so for what is zero up to rounding.
    return [round(s.contribution.sum(), 9) + 0.0 for s in (states, propagating)]


# --- the data --------------------------------------------------------------------------------


@pytest.mark.parametrize("well", WELLS.values(), ids=WELLS)
def test_levels_are_the_fermi_states(well):
    data = sliders.levels(well, E_F).data
    last = data["positions"][-1]
    assert 0.98 * well.critical_rashba < last < well.critical_rashba
    for alpha, row in list(zip(data["positions"], data["rows"], strict=True))[::7]:
        numbers, signs, E, spin, *total = row
        states = fermi_states(well.replace(alpha_L=alpha), E_F)
        assert numbers == [int((states.kind == kind).sum()) for kind in KINDS]
        assert [int(f"{s}1") if s != "0" else 0 for s in signs] == states.chirality.tolist()
        # Half of the last digit that is stored, and as much again for the rounding to it.
        assert np.abs(np.array(E) / 1e4 - states.E).max() < 0.51e-4
        assert np.abs(np.array(spin) / 1e6 - states.contribution).max() < 0.51e-6
        assert np.abs(np.array(total) / 1e6 - sums(states)).max() < 0.51e-6


@pytest.mark.parametrize("well", WELLS.values(), ids=WELLS)
def test_levels_are_ordered_by_kind_and_add_up_to_the_sweep(well):
    data = sliders.levels(well, E_F).data
    fixed = {name: getattr(well, name) for name in Well.__dataclass_fields__} | {"E_F": E_F}
    ds = sweep(**fixed | {"alpha_L": data["positions"]})
    assert bool(ds["certified"].all())
    kinds = ds["n_states"].sum("chirality").values
    assert [row[0] for row in data["rows"]] == kinds.tolist()
    for (_, _, E, *_), (_, mixed, interface) in zip(data["rows"], kinds, strict=True):
        # The page takes the first for interface states, the next for mixed ones.
        steps = [interface, interface + mixed]
        split = np.split(np.array(E) / 1e4, steps)
        edges = [(-np.inf, -abs(well.Delta)), (-abs(well.Delta), abs(well.Delta))]
        for part, (low, high) in zip(split, [*edges, (abs(well.Delta), np.inf)], strict=True):
            assert np.all((part > low - 1e-4) & (part < high + 1e-4))
    both = ds["spin_density"].sum("chirality")
    expected = np.stack([both.sum("kind"), both.sel(kind="propagating")], axis=1)
    assert np.abs(np.array([row[4:] for row in data["rows"]]) / 1e6 - expected).max() < 0.51e-6


@pytest.fixture(scope="module")
def totals():
    with warnings.catch_warnings():  # the figure goes past the end of the model on purpose
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        ds = sweep(alpha_R=[-0.025, 0.0, 0.025], alpha_L=np.linspace(0, 0.12, 481))
    return sliders.totals(ds).data


def test_totals_are_the_sums_over_every_choice_of_kinds(totals):
    assert len(totals["positions"]) == sliders.POSITIONS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        for r, i in [(0, 0), (0, 91), (1, 94), (2, 120), (1, 150), (2, 240)]:
            well = Well(alpha_L=totals["positions"][i], alpha_R=totals["alpha_R"][r])
            states = fermi_states(well, E_F)
            series = totals["series"][r]
            for mask in range(1, 8):
                some = [states.kind == kind for k, kind in enumerate(KINDS) if mask >> k & 1]
                expected = states.contribution[np.any(some, axis=0)].sum()
                # Half of the last digit, and as much as the rounding of α_L could move it.
                assert abs(series["sums"][mask - 1][i] / 1e5 - expected) < 0.51e-5
            counts = [n for start, n in series["counts"] if start <= i][-1]
            assert counts == [int((states.kind == kind).sum()) for kind in KINDS]


def test_totals_of_a_short_sweep_keep_every_point():
    data = sliders.totals(sweep(alpha_L=[0.0, 0.01, 0.02], alpha_R=[0.0])).data
    assert data["positions"] == [0.0, 0.01, 0.02]
    assert data["decimals"] == 2


def test_totals_refuse_another_sweep():
    with pytest.raises(ValueError, match=r"alpha_L and alpha_R, got one over \['d'\]"):
        sliders.totals(sweep(d=[1.0, 2.0]))


def unpacked(data: dict, case: int, i: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return z and both profiles at one position."""
    texts = data["rows"][case][i][4:]
    both = [np.frombuffer(base64.b64decode(t), "<i2") / 10 ** data["digits"] for t in texts]
    n, pad = data["inside"][i], data["outside"][i]
    z = np.arange(-pad, n + pad + 1) * data["positions"][i] / n
    return z, both if len(both) == 2 else both * 2


def test_profiles_are_those_of_the_states_and_integrate_to_their_sums():
    d = np.array([0.15, 0.52, 1.0, 2.6, 4.0])
    data = sliders.profiles(CASES, E_F, d).data
    for case, well in enumerate(CASES.values()):
        for i, width in enumerate(d):
            states = fermi_states(well.replace(d=width), E_F)
            propagating = states[states.kind == "propagating"]
            assert data["rows"][case][i][:2] == [len(states), len(propagating)]
            total = np.array(data["rows"][case][i][2:4]) / 1e6
            assert np.abs(total - sums(states)).max() < 0.51e-6
            z, both = unpacked(data, case, i)
            for profile, some, integral in zip(both, (states, propagating), total, strict=True):
                exact = some.spin_density(z).sum(axis=0)
                # Half of the last digit; z on the other side of an interface by rounding is none.
                assert np.abs(profile - exact).max() < 0.51 * 10.0 ** -data["digits"]
                inner = slice(data["outside"][i], data["outside"][i] + data["inside"][i] + 1)
                # Six steps to the shortest period: the trapezoidal rule is good to 3 % of what it
                # adds up, and the smallest of these profiles weighs about 2e-4.
                area = np.trapezoid(np.abs(profile[inner]), z[inner])
                assert abs(np.trapezoid(profile[inner], z[inner]) - integral) < 0.03 * area


def test_a_well_without_states_has_data_too():
    thin = Well(d=0.1, alpha_L=0.01)  # the last state leaves at 0.1371 nm
    data = sliders.levels(thin, E_F).data
    assert data["rows"][0] == [[0, 0, 0], "", [], [], 0, 0]
    data = sliders.profiles({"a": thin}, E_F, [0.1]).data
    assert data["rows"][0][0][:4] == [0, 0, 0, 0]
    assert not np.any(unpacked(data, 0, 0)[1])


def test_a_figure_with_nothing_in_it_has_a_frame():
    frames = [
        sliders.levels(Well(d=0.1, mass=0.1), E_F).data["frame"],
        sliders.totals(sweep(alpha_L=[0.0, 0.01], alpha_R=[0.0], d=0.1)).data["frame"],
    ]
    assert all(low <= 0 < high for low, high in frames)
    assert 0 <= sliders.profiles({"a": Well(alpha_L=0)}, E_F, [1.0]).data["digits"] < 10


def stored(chapter: str) -> str:
    """Return the HTML of the slider that is stored in a chapter."""
    notebook = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    found = [
        "".join(output["data"]["text/html"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "<qw-slider>" in "".join(output.get("data", {}).get("text/html", ""))
    ]
    assert len(found) == 1
    return found[0]


CHAPTERS = ("confinement", "chirality", "thickness")


def test_page_stays_light():
    static = ROOT / "book" / "_static"
    assert (static / "sliders.js").stat().st_size <= 20_000
    assert (static / "sliders.css").stat().st_size <= 5_000
    assert sum(len(stored(chapter).encode()) for chapter in CHAPTERS) < 105_000


def test_nothing_in_the_data_ends_the_element():
    page = sliders.Slider({"view": "</script><b>"})._repr_html_()
    assert page.count("</script>") == 1
    words = page.split('application/json">')[1].split("</script>")[0]
    assert json.loads(words) == {"view": "</script><b>"}


# --- the page --------------------------------------------------------------------------------

# What the theme says on each page, ours or not.
THEME = re.compile(r"THEBE_JS_URL|invalid theme mode")


@pytest.fixture(scope="module")
def site(html):
    """The address of the chapters."""
    with served(html) as address:
        yield f"{address}/book"


@pytest.fixture
def visit(browser, site):
    """Open a chapter with the network cut; at the end, no page may have had an error."""
    contexts, errors, outside = [], [], []

    def route(call):
        if call.request.url.startswith(site.removesuffix("/book")):
            call.continue_()
        else:
            outside.append(call.request.url)
            call.abort()

    def hear(message):
        if message.type == "error" and message.location["url"] not in outside:
            errors.append(message.text)

    def visit(chapter, width=1400, scheme="light", **options):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        context.set_default_timeout(120_000)  # a busy machine is slow, not broken
        context.route("**/*", route)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/{chapter}.html")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [error for error in errors if not THEME.search(error)] == []
    assert [url for url in outside if "/mathjax" not in url] == []


def move(page, i: int) -> None:
    """Put the slider at a position as a script of a browser does, with the event of a hand."""
    page.locator("qw-slider input[type=range]").fill(str(i))


def says(page) -> list[str]:
    return page.locator("qw-slider output b").all_inner_texts()


def position(page) -> int:
    return int(page.locator("qw-slider input[type=range]").input_value())


def drawing(page) -> str:
    return page.locator("qw-slider .drawing").inner_html()


def levels_say(i: int) -> list[str]:
    states = fermi_states(Well(alpha_L=i * 5e-4), E_F)
    return [*(shown(value, 3) for value in sums(states)), str(len(states))]


def test_levels_show_what_qwlib_computes(visit):
    page = visit("confinement")
    assert position(page) == 92, "it does not start at the 0.046 eV nm² of Fig. 2(a)"
    for i in (92, 0, 17, 93, 94, 120, 140, 151):
        move(page, i)
        assert says(page) == levels_say(i)
        assert page.locator("qw-slider .place").inner_text() == f"{i * 5e-4:.4f} eV nm²"


def test_a_state_slips_out_of_its_kind_and_stays(visit):
    page = visit("confinement")
    for i, expected, rings in ((93, (11, 2, 0), 0), (94, (10, 3, 0), 2)):
        move(page, i)  # 0.0465 and 0.0470; the state turns evanescent in one spin at 0.0468
        words = "{} propagating, {} mixed, {} interface".format(*expected)
        assert words in page.locator("qw-slider output").inner_text()
        marks = [page.locator(f"qw-slider .drawing .{kind} .mark").count() for kind in KINDS]
        assert tuple(marks) == expected
        # A ring at its level and one at its mark.
        assert page.locator("qw-slider .drawing .ring").count() == rings


def test_totals_show_every_choice_of_kinds(visit, totals):
    page = visit("chirality")
    boxes = page.locator("qw-slider input[type=checkbox]")
    choices = page.locator("qw-slider input[type=radio]")
    for r, i in ((0, 60), (1, 94), (2, 130)):
        choices.nth(r).check()
        move(page, i)
        well = Well(alpha_L=totals["positions"][i], alpha_R=totals["alpha_R"][r])
        states = fermi_states(well, E_F)
        for mask in range(8):
            for k in range(3):
                boxes.nth(k).set_checked(bool(mask >> k & 1))
            some = [k for k in range(3) if mask >> k & 1]
            counted = np.isin(states.kind, [KINDS[k] for k in some])
            expected = states.contribution[counted].sum()
            assert says(page) == [shown(expected + 0.0, 2), str(counted.sum())]


def test_totals_say_where_the_model_has_ended(visit):
    page = visit("chirality")
    output = page.locator("qw-slider output")
    move(page, 152)  # 0.0760, and ħ²/m is 0.0762
    assert "the model has ended" not in output.inner_text()
    move(page, 153)
    assert "the model has ended" in output.inner_text()


def test_profiles_show_what_qwlib_computes(visit):
    page = visit("thickness")
    place = page.locator("qw-slider .place")
    for case, well in enumerate(CASES.values()):
        page.locator("qw-slider input[type=radio]").nth(case).check()
        for i in (0, 1, 8, 20, 48):
            move(page, i)
            d = float(place.inner_text().removesuffix(" nm"))
            states = fermi_states(well.replace(d=d), E_F)
            assert says(page) == [*(shown(v, 3) for v in sums(states)), str(len(states))]


def test_keys_move_the_slider_and_the_figure(visit):
    page = visit("confinement")
    slider = page.get_by_role("slider", name=re.compile("α"))
    slider.focus()
    before = drawing(page)
    page.keyboard.press("ArrowRight")
    assert position(page) == 93
    assert says(page) == levels_say(93)
    assert drawing(page) != before
    assert slider.get_attribute("aria-valuetext") == "0.0465 eV nm²"
    page.keyboard.press("End")
    assert says(page) == levels_say(151)
    page.keyboard.press("Home")
    assert says(page) == levels_say(0)


def test_space_switches_a_kind_off(visit):
    page = visit("chirality")
    page.get_by_role("checkbox", name="mixed").focus()
    before, first = drawing(page), says(page)
    page.keyboard.press("Space")
    assert says(page) != first
    assert drawing(page) != before


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_mouse_moves_the_slider_and_the_figure(visit, chapter):
    page = visit(chapter)
    slider = page.locator("qw-slider input[type=range]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], middle)
    page.mouse.down()
    seen = []
    for part in (0.55, 0.6, 0.8):
        page.mouse.move(box["x"] + part * box["width"], middle)
        seen.append((position(page), drawing(page)))
    page.mouse.up()
    assert len({i for i, _ in seen}) == len({figure for _, figure in seen}) == 3


def test_touch_moves_the_slider(visit):
    page = visit("confinement", width=400, has_touch=True)
    slider = page.locator("qw-slider input[type=range]")
    box = slider.bounding_box()
    slider.tap(position={"x": 0.25 * box["width"], "y": box["height"] / 2})
    assert 30 < position(page) < 46  # a quarter of 151, and the width of the thumb
    assert says(page) == levels_say(position(page))


OUT_OF_BOUNDS = """() => {
  const outer = document.querySelector("qw-slider").getBoundingClientRect();
  const words = [...document.querySelectorAll("qw-slider :is(text, span, label, a, li)")];
  const wide = words.map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, box]) => box.left < outer.left || box.right > outer.right)
    .map(([text]) => text);
  const page = document.documentElement;
  return page.scrollWidth > page.clientWidth ? [...wide, "the page"] : wide;
}"""


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_figure_is_accessible_and_fits(visit, chapter, scheme, width):
    page = visit(chapter, width=width, scheme=scheme)
    root = page.locator("html")
    assert root.get_attribute("data-theme") == scheme
    for i in (0, int(page.locator("qw-slider input[type=range]").get_attribute("max"))):
        move(page, i)
        assert page.evaluate(OUT_OF_BOUNDS) == []
    # Without preload: axe would ask for style sheets at wrong addresses.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, context="qw-slider", options=options)
    assert found.response["violations"] == []


def test_nothing_is_animated(visit):
    page = visit("confinement", reduced_motion="reduce")
    page.locator("qw-slider input[type=range]").press("ArrowRight")
    running = "e => e.getAnimations({subtree: true}).length"
    assert page.locator("qw-slider").evaluate(running) == 0


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_without_scripts_the_figure_above_stands_there(visit, chapter):
    page = visit(chapter, java_script_enabled=False)
    assert page.locator("qw-slider input").count() == 0
    assert "figure above shows the same" in page.locator("qw-slider").inner_text()
    images = page.locator("figure:has(~ * qw-slider) img, figure img")
    assert images.first.is_visible()
    size = images.first.bounding_box()
    assert size["width"] > 300 and size["height"] > 100


@pytest.mark.parametrize(("chapter", "rows"), [("confinement", 152 * 13), ("chirality", 3 * 241)])
def test_data_come_as_a_table(visit, chapter, rows):
    page = visit(chapter, accept_downloads=True)
    with page.expect_download() as download:
        page.get_by_role("link", name="The data of this figure (CSV)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == rows
    if chapter == "confinement":
        some = [row for row in table if row["alpha_L_eV_nm2"] == "0.046"]
        states = fermi_states(Well(), E_F)
        assert [row["kind"] for row in some] == states.kind.tolist()
        assert [int(row["chirality"]) for row in some] == states.chirality.tolist()
        assert [row["E_eV"] for row in some] == [f"{E:.4f}" for E in states.E]
        values = [row["contribution_1e-3_per_nm2"] for row in some]
        assert values == [f"{1e3 * value:.3f}" for value in states.contribution]
    else:
        some = next(r for r in table if (r["alpha_R_eV_nm2"], r["alpha_L_eV_nm2"]) == ("0", "0.05"))
        states = fermi_states(Well(alpha_L=0.05), E_F)
        assert int(some["mixed_states"]) == (states.kind == "mixed").sum()
        mixed = states.contribution[states.kind == "mixed"].sum()
        assert some["mixed_1e-3_per_nm2"] == f"{1e3 * mixed:.2f}"
        assert some["all_1e-3_per_nm2"] == f"{1e3 * states.contribution.sum():.2f}"


def test_table_of_profiles(visit):
    page = visit("thickness", accept_downloads=True)
    with page.expect_download() as download:
        page.get_by_role("link", name="The data of this figure (CSV)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    table = [row for row in csv.DictReader(io.StringIO(text)) if row["case"] == "c"]
    some = [row for row in table if row["d_nm"] == "3"]
    z = np.array([float(row["z_nm"]) for row in some])
    states = fermi_states(CASES["c"].replace(d=3.0), E_F)
    for name, part in (("all", states), ("propagating", states[states.kind == "propagating"])):
        values = np.array([float(row[f"{name}_per_nm3"]) for row in some])
        # Half of the fifth decimal, and what the sixth of z moves: a slope of about 1 nm⁻⁴.
        assert np.abs(values - part.spin_density(z).sum(axis=0)).max() < 0.6e-5
