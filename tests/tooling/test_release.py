"""What a release attaches, and that all who name the version name the same."""

import os
import re
import subprocess
import tomllib
import zipfile

import pytest
from conftest import ROOT, missing
from ruamel.yaml import YAML

import qwlib
from tools.release import release, zipped


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]  # flit takes that of qwlib
    assert "version" not in YAML(typ="safe").load(ROOT / "CITATION.cff")  # `make release` adds it
    assert re.fullmatch(r"\d+\.\d+\.\d+", qwlib.__version__)


def test_zip_of_the_site_depends_on_its_files_alone(tmp_path):
    for folder, order in (("one", "ab"), ("two", "ba")):
        site = tmp_path / folder / "site"
        (site / "book").mkdir(parents=True)
        for i, name in enumerate(order):
            file = site / "book" / f"{name}.html"
            file.write_text(f"page {name}")
            os.utime(file, (1e9 + 1e5 * i,) * 2)  # a zip has no odd seconds
        zipped(site, tmp_path / folder / "site.zip")
    one, two = (tmp_path / folder / "site.zip" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert archive.namelist() == ["site/book/a.html", "site/book/b.html"]
        assert archive.read("site/book/a.html") == b"page a"


def test_a_place_without_a_book_is_refused_and_what_was_there_stays(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "CITATION.cff").write_text("of the last release")
    with pytest.raises(ValueError, match="must be a built book"):
        release(tmp_path, tmp_path / "old")
    assert (tmp_path / "old" / "CITATION.cff").read_text() == "of the last release"


def test_citation_record_in_each_format(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("the book")
    try:
        release(tmp_path / "site", tmp_path / "release")
    except subprocess.CalledProcessError as error:
        if "install" not in error.cmd:
            raise
        missing("cffconvert, which writes the records, could not be installed: no network?")
    names = sorted(file.name for file in (tmp_path / "release").iterdir())
    book = f"qwlib-book-{qwlib.__version__}.zip"
    assert names == ["CITATION.cff", "citation.bib", book, "zenodo.json"]
    title = YAML(typ="safe").load(ROOT / "CITATION.cff")["title"]
    for name in ("citation.bib", "zenodo.json"):
        assert title in (tmp_path / "release" / name).read_text()
