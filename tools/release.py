"""Put what a release attaches into one folder: the site as a zip and a PDF, and how to cite it.

    python tools/release.py SITE FOLDER

SITE is a built book.  FOLDER gets qwlib-book-VERSION.zip, qwlib-book.pdf where tools/pdf.py has put
it beside SITE, CITATION.cff, and the same record as BibTeX and as Zenodo's JSON, which cffconvert
writes.  That program needs older libraries than the book, so it has an environment of its own in
FOLDER while it runs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import qwlib

ROOT = Path(__file__).parent.parent
CFFCONVERT = "cffconvert==2.0.0"
FORMATS = {"bibtex": "citation.bib", "zenodo": "zenodo.json"}
# The earliest time that a zip can hold: a file's own would change the archive, not the site.
TIME = (1980, 1, 1, 0, 0, 0)


def zipped(site: Path, target: Path) -> None:
    """Write the files of a folder into a zip that depends on their names and contents alone."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in site.rglob("*") if path.is_file()):
            name = Path(target.stem) / file.relative_to(site)
            entry = zipfile.ZipInfo(name.as_posix(), TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def cite(folder: Path) -> None:
    """Check CITATION.cff and write it into a folder in each format.

    Raises
    ------
    subprocess.CalledProcessError
        If it is not a valid citation file.
    """
    record = folder / "CITATION.cff"
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    # The day of the commit that is released: the same files, the same record.
    day = subprocess.run(
        ["git", "-C", ROOT, "log", "-1", "--format=%cs"], capture_output=True, text=True, check=True
    ).stdout.strip()
    added = f"version: {qwlib.__version__}\ndate-released: {day}\n"
    record.write_text(text + added, encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        venv.create(place, with_pip=True)
        programs = Path(place) / ("Scripts" if os.name == "nt" else "bin")
        install = [programs / "python", "-m", "pip", "install", "--quiet", CFFCONVERT]
        subprocess.run([*install, "--disable-pip-version-check"], check=True)
        convert = [programs / "cffconvert", "--infile", record]
        subprocess.run([*convert, "--validate"], check=True)
        for form, name in FORMATS.items():
            subprocess.run([*convert, "--format", form, "--outfile", folder / name], check=True)


def release(site: Path, folder: Path) -> None:
    """Fill a folder with what a release attaches.

    Raises
    ------
    ValueError
        If there is no book in `site`.
    """
    if not (site / "index.html").is_file():
        raise ValueError(f"{site} must be a built book, and has no index.html: run make book first")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    zipped(site, folder / f"qwlib-book-{qwlib.__version__}.zip")
    printed = site.parent / "qwlib-book.pdf"
    if printed.is_file():
        shutil.copy(printed, folder)
    cite(folder)
    print(f"==> To attach to a release:\n{folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        release(arguments.site, arguments.folder)
    except ValueError as error:
        sys.exit(f"error: {error}")
