"""Take the pictures of the page that README and manual show: python docs/make_pictures.py.

Needs the extras "web" and "dev", and Debian's Chromium.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from serving import served

FOLDER = Path(__file__).with_name("pictures")
CLASSIFIER = """A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1"""
CLAIM = "dL/dW2_ho = Z1_bh (T_bo - Z2_bo) / size(b)"


def opened(page: Page, address: str, **state: object) -> None:
    """Open a link that holds a state, and wait for its derivation."""
    state = {"text": CLASSIFIER, "of": "L", "order": 1, "tab": "steps", **state}
    link = base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")
    page.goto(f"{address}#{link}")
    page.wait_for_selector("#panel[aria-busy=false] >> *")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with served() as (host, port, _), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        address = f"http://{host}:{port}/"
        for scheme, name in (("light", "page.png"), ("dark", "page-dark.png")):
            page = chromium.new_page(
                viewport={"width": 1280, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            opened(page, address, wrt=["W1"], claim=CLAIM)
            page.click("#judging button")
            page.wait_for_selector(".verdict")
            page.locator("#panel mi[data-label=h]").first.hover()
            page.screenshot(path=FOLDER / name)
            page.close()
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        opened(page, address, wrt=["W1"], tab="picture")
        page.wait_for_selector("#panel svg")
        page.screenshot(path=FOLDER / "page-graph.png")
        chromium.close()


if __name__ == "__main__":
    main()
