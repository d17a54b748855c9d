"""The page in Chromium, on both engines: what a person does there, and that nothing leaves.

Needs playwright, Chromium, and the npm packages pyodide and axe-core in ``$NODE_MODULES``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from serving import ROOT, folder_served, served

import eingrad as eg
from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import load_digits
from eingrad.learn.run_report import run_report
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer

playwright = pytest.importorskip("playwright.sync_api")
for package in ("starlette", "uvicorn", "pebble"):
    pytest.importorskip(package)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MODULES = Path(os.environ.get("NODE_MODULES", "node_modules"))
if CHROMIUM is None:
    pytest.skip("Chromium is not here", allow_module_level=True)
if not (MODULES / "pyodide").is_dir() or not (MODULES / "axe-core").is_dir():
    pytest.skip("pyodide and axe-core are not in $NODE_MODULES", allow_module_level=True)

WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 375, "height": 700}
PATIENCE = 120_000  # milliseconds: Python starts in the browser of a busy machine
MODEL = "z_b = X_bi w_i\nL = mean_b((z_b - y_b)^2) / 2"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=["served", "in the browser"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "served":
            host, port, _ = stack.enter_context(served())
            yield f"http://{host}:{port}/"
            return
        out = tmp_path_factory.mktemp("page")
        command = [sys.executable, "-m", "eingrad", "page", str(out), "--pyodide"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        subprocess.run(
            [*command, str(MODULES / "pyodide")], env=environment, check=True, capture_output=True
        )
        if shutil.which("node"):  # its Python is compiled beforehand
            assert b".pyc" in (out / "pyodide" / "python_stdlib.zip").read_bytes()
        yield stack.enter_context(folder_served(out))


class Tab:
    """A page that was opened, and what it asked of the network."""

    def __init__(self, browser: Any, address: str, size: dict[str, int]) -> None:
        self.context = browser.new_context(viewport=size, permissions=["clipboard-read"])
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda x: self.requests.append(x.url))
        self.page.on("pageerror", lambda x: self.faults.append(str(x)))
        self.page.on("console", lambda x: self.faults.append(x.text) if x.type == "error" else None)
        self.page.goto(address)
        self.page.wait_for_selector("#panel h2")

    def write(self, model: str, shown: str) -> None:
        """Write a model, and wait until the page has heard it."""
        self.page.fill("#model", model)
        self.page.wait_for_selector(f"#heard :text('{shown}')")
        self.page.wait_for_selector("#panel[aria-busy=false]")

    def open(self, tab: str) -> None:
        self.page.click(f"#tab-{tab}")
        self.page.wait_for_selector("#panel[aria-busy=false]")

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def tab(request: pytest.FixtureRequest, browser: Any, site: str) -> Iterator[Tab]:
    opened = Tab(browser, site, request.param)
    yield opened
    assert not opened.faults
    assert all(x.startswith((site, "blob:", "data:")) for x in opened.requests)
    opened.context.close()


def test_a_person_derives_checks_and_copies(tab: Tab, tmp_path: Path) -> None:
    page = tab.page
    tab.write(MODEL, "X[b, i]")
    assert "einsum rule" in tab.text("#panel")
    assert page.locator("#panel math").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    tab.open("picture")
    assert page.locator("#panel svg.eg-picture").count() == 2
    assert "dL/dw_i" in tab.text("#panel")

    tab.open("matrix")
    assert "X^T (z - y)" in tab.text("#panel")
    tab.open("numpy")
    code = page.locator("#panel pre").last.inner_text()
    (tmp_path / "module.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-I", "module.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    tab.open("steps")
    page.fill("#model", "z_b = X_bi w_i\nL = z_b + c_k")
    page.wait_for_selector("#heard .error")
    assert "^^^" in tab.text("#heard pre")
    assert "Hint:" in tab.text("#heard")
    assert page.get_attribute("#model", "aria-invalid") == "true"
    tab.write(MODEL, "X[b, i]")

    page.fill("#claim", "dL/dw_i = X_bi (z_b - y_b)")
    page.click("#judging button")
    page.wait_for_selector("#verdict .verdict, #verdict .error")
    if "NumPy" in tab.text("#verdict"):  # Pyodide's npm package has none
        assert "lacks" in tab.text("#verdict")
        return
    assert "factor 1/size(b) missing" in tab.text("#verdict")
    page.fill("#claim", "dL/dw_i = X_bi (z_b - y_b) / size(b)")
    page.click("#judging button")
    page.wait_for_selector("#verdict .verdict.right")


def test_a_link_holds_the_state(tab: Tab, browser: Any) -> None:
    tab.write("p_i = softmax_i(a_i)", "p[i]")
    tab.open("index")
    assert "p_i (delta_ij - p_j)" in tab.text("#panel")
    opened = Tab(browser, tab.page.url, WIDE)
    opened.page.wait_for_selector("#tab-index[aria-selected=true]")
    opened.page.wait_for_selector("#panel :text('p_i (delta_ij - p_j)')")
    assert opened.page.input_value("#model") == "p_i = softmax_i(a_i)"
    opened.context.close()


def test_a_label_that_is_touched_is_lit(tab: Tab) -> None:
    tab.write(MODEL, "X[b, i]")
    tab.page.locator("#panel mi[data-label=b]").first.click()
    lit = tab.page.locator("#panel mi.lit")
    assert lit.count() > 3
    assert set(lit.all_text_contents()) <= {"b", "𝑏"}


def test_the_tabs_are_moved_by_keys(tab: Tab) -> None:
    tab.page.focus("#tab-steps")
    tab.page.keyboard.press("ArrowRight")
    tab.page.wait_for_selector("#tab-try[aria-selected=true]")
    assert tab.page.evaluate("document.activeElement.id") == "tab-try"


def test_the_reader_writes_the_next_line(tab: Tab) -> None:
    tab.write("y_i = A_ij x_j\nL = y_i y_i / 2", "A[i, j]")
    tab.open("try")
    form = tab.page.locator("#panel form.line").first
    assert "dL/dy_i =" in form.inner_text()
    form.locator("input").fill("2 y_i")
    form.locator("button").click()
    tab.page.wait_for_selector("#panel .verdict.wrong, #panel .error")
    tab.page.locator("#panel :text('Show the line')").first.click()
    tab.page.wait_for_selector("#panel :text('dL/dy_i = y_i')")


def violations(page: Any) -> list[tuple[str, str]]:
    """Return what axe-core finds of the level serious."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    grave = [x for x in found if x["impact"] in ("serious", "critical")]
    return [(x["id"], node["html"]) for x in grave for node in x["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_a_reader(browser: Any, site: str, scheme: str) -> None:
    """No violation of the level serious that axe-core knows of."""
    context = browser.new_context(viewport=PHONE, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(site)
    page.wait_for_selector("#panel h2", timeout=PATIENCE)
    for tab in ("steps", "picture", "index", "torch", "try"):
        page.click(f"#tab-{tab}")
        page.wait_for_selector("#panel[aria-busy=false]", timeout=PATIENCE)
        assert not violations(page)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nor_on_the_pages_that_are_written(browser: Any, tmp_path: Path, scheme: str) -> None:
    """A derivation as HTML, and the report of a training: no serious violation, on a phone, too."""
    derivation, report = tmp_path / "derivation.html", tmp_path / "report.html"
    derivation.write_text(eg.load(ROOT / "examples" / "mlp.ein").grad("L").html(), "utf-8")
    settings = Settings.choose("digits", hidden=4, epochs=1)
    trainer = Trainer.start(packaged_model(), settings, load_digits())
    for _ in trainer.run():
        pass
    report.write_text(run_report(trainer, trainer.predicted(trainer.dataset.test)), "utf-8")
    for path in (derivation, report):
        for size in (WIDE, PHONE):
            page = browser.new_page(viewport=size, color_scheme=scheme)
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert not violations(page)
            page.close()
