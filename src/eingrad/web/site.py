"""The page's files: as the server gives them out, and as a folder that needs no server of ours.

In a folder, eingrad itself runs in the reader's browser, on Pyodide: ``eingrad.zip`` holds its
modules and the pure packages that it needs. Pyodide comes from a folder too, or from one address,
pinned to a version and to the digests of its files. From a folder, and where Node.js is at hand,
all modules are compiled beforehand: the reader's browser starts in half the time.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

from eingrad.errors import DataError
from eingrad.web.answers import STYLE

PYODIDE = "314.0.7"
HOST = "https://cdn.jsdelivr.net"
ADDRESS = f"{HOST}/npm/pyodide@{PYODIDE}/"
WHEELS = f"{HOST}/pyodide/v{PYODIDE}/full/"  # whose digests are in pyodide-lock.json
RUNTIME = {
    "pyodide.mjs": "sha384-Lp79fMwxa4n2BLtugpUAoQMlbxIdg8iCUiP1r3h7nJLkQjwlXT1JzZTeHVL+f4Dg",
    "pyodide.asm.mjs": "sha384-/2281iaC0Iimw0B3Kagy1DBfZcJG3W4KYW+EmOqhsdY3fR9BJ88FE2Zt6y0KQKpa",
    "pyodide.asm.wasm": "sha384-y++qrQ72KPA1fTjLIuGMP+jppgGxjbLCgfdb0zMrnNnQVhxRUXTOTF6rTxNzllSu",
    "python_stdlib.zip": "sha384-xW3A5jmenkrPXbsgrIaB1FCJh9OuLT7FRMagsJMgtlhVc19k/mSy3+7nMaF/d767",
    "pyodide-lock.json": "sha384-o8SQQvpVlZnOl04+3dFTJipKxul9GbViVusA379wlOrfHSgxbzt0yPiqCTxOiYES",
}
"""Pyodide without packages: its files of version `PYODIDE` and their digests."""

PURE = {
    "lazy_loader": "lazy-loader",
    "latex2mathml": "latex2mathml",
    "pylatexenc": "pylatexenc",
    "markdown_it": "markdown-it-py",
    "mdurl": "mdurl",
    "mdit_py_plugins": "mdit-py-plugins",
}
"""Packages in Python alone that eingrad needs to derive and to read papers, with their
distributions, whose metadata some of them read."""

SECONDS = 300  # that compiling may take

PAGE = ("index.html", "page.css", "page.js", "examples.json")
SERVED, BROWSER = ("served.js",), ("browser.js", "pyodide-worker.js")
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
}


def policy(script: str = "", connect: str = "") -> str:
    """Return what the page may load (a Content-Security-Policy): its own files, and what is added.

    >>> policy().split("; ")[1]
    "script-src 'self'"
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{script}",
            f"connect-src 'self'{connect}",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def served_files() -> dict[str, tuple[bytes, str]]:
    """Return each file that the server gives out, with its media type."""
    found = {name: _file(name) for name in (*PAGE, *SERVED)}
    found["engine.js"] = found.pop(SERVED[0])
    found["derivation.css"] = STYLE.encode()
    return {name: (content, MEDIA[Path(name).suffix]) for name, content in found.items()}


def _file(name: str) -> bytes:
    return files("eingrad.web").joinpath("page", name).read_bytes()


# --- a folder ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WrittenSite:
    """What was written: the files' names, their bytes in all, and the ``address`` of Pyodide.

    ``address`` is "" where the page needs nothing from outside; ``judges`` says whether NumPy is
    at hand, without which no claim is judged, ``compiled`` whether modules are bytecode.
    """

    files: tuple[str, ...]
    bytes: int
    address: str
    judges: bool
    compiled: bool = False


def write_page(out: Path, pyodide: Path | None = None, overwrite: bool = False) -> WrittenSite:
    """Write the page that runs in the reader's browser into a folder.

    With ``pyodide``, a folder that holds Pyodide (as its npm package, or as the full release with
    NumPy's wheel), the page works without a network. Raises DataError where a file would be
    replaced without ``overwrite``, and where Pyodide's files are missing or of another version.
    """
    wheels: list[Path] = []
    if pyodide is not None:
        wheels = _wheels(pyodide)
    contents = dict(_folder_files(pyodide is None, bool(wheels)))
    present = [name for name in contents if (out / name).exists()]
    if present and not overwrite:
        raise DataError(
            f"{out} has a {present[0]} already", hint="--overwrite replaces the page's files"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (out / name).write_bytes(content)
    names = list(contents)
    for source in [*(pyodide / name for name in RUNTIME), *wheels] if pyodide else []:
        (out / "pyodide").mkdir(exist_ok=True)
        shutil.copyfile(source, out / "pyodide" / source.name)
        names.append(f"pyodide/{source.name}")
    compiled = pyodide is not None and _compile(out)
    size = sum((out / name).stat().st_size for name in names)
    address, judges = "" if pyodide else ADDRESS, pyodide is None or bool(wheels)
    return WrittenSite(tuple(names), size, address, judges, compiled)


def _compile(out: Path) -> bool:
    """Compile the modules of a folder's page by its own Pyodide; without Node.js they stay text."""
    node = shutil.which("node")
    if node is None:
        return False
    archives = [out / "eingrad.zip", out / "pyodide" / "python_stdlib.zip"]
    copies = [path.with_suffix(".new") for path in archives]
    for path, copy in zip(archives, copies, strict=True):
        shutil.copyfile(path, copy)
    script = files("eingrad.web").joinpath("page", "precompile.mjs")
    try:
        with as_file(script) as file:
            paths = [path.resolve() for path in (file, out / "pyodide", *copies)]
            subprocess.run([node, *paths], check=True, capture_output=True, timeout=SECONDS)
        for path, copy in zip(archives, copies, strict=True):
            copy.replace(path)
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)
    return True


def _folder_files(outside: bool, wheels: bool) -> Iterator[tuple[str, bytes]]:
    script = f" 'wasm-unsafe-eval'{' blob:' if outside else ''}"
    rule = policy(script, f" {HOST}" if outside else "")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{rule}">'
    for name in (*PAGE, *BROWSER):
        content = _file(name)
        if name == "index.html":
            content = content.replace(b"<!-- policy -->", meta.encode())
        yield ("engine.js" if name == BROWSER[0] else name), content
    yield "derivation.css", STYLE.encode()
    yield "eingrad.zip", _packed()
    engine = {
        "runtime": ADDRESS if outside else "pyodide/",
        "integrity": RUNTIME if outside else {},
        "wheels": WHEELS if outside else "pyodide/",
        "numpy": outside or wheels,
    }
    yield "engine.json", json.dumps(engine, indent=1).encode()


def _packed() -> bytes:
    """Zip eingrad and the pure packages that it needs, as they are installed here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in ("eingrad", *PURE):
            spec = find_spec(package)
            if spec is None or not spec.submodule_search_locations:
                raise DataError(f"the page needs {package}, which is not installed")
            root = Path(spec.submodule_search_locations[0])
            for path in sorted(root.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts and _is_needed(path):
                    archive.write(path, f"{package}/{path.relative_to(root).as_posix()}")
        for name in PURE.values():
            metadata = distribution(name)
            folder = f"{name.replace('-', '_')}-{metadata.version}.dist-info"
            archive.writestr(f"{folder}/METADATA", metadata.read_text("METADATA") or "")
    return packed.getvalue()


def _is_needed(path: Path) -> bool:
    return path.suffix in {".py", ".txt", ".json"} and path.parent.name != "tests"


def _wheels(folder: Path) -> list[Path]:
    """Return NumPy's wheel if a folder with Pyodide has it; the version must be `PYODIDE`."""
    missing = [name for name in RUNTIME if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"{folder} lacks {missing[0]}",
            hint=f"npm install pyodide@{PYODIDE}, then --pyodide node_modules/pyodide",
        )
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    version = json.loads((folder / "package.json").read_text())["version"] if (
        folder / "package.json").is_file() else PYODIDE  # fmt: skip
    if version != PYODIDE:
        raise DataError(
            f"{folder} has Pyodide {version}, and the page was tried with {PYODIDE}",
            hint=f"npm install pyodide@{PYODIDE}",
        )
    wheel = folder / str(lock["packages"].get("numpy", {}).get("file_name", ""))
    return [wheel] if wheel.is_file() else []
