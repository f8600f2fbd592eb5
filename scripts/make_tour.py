"""Records the README's moving picture: `python -m scripts.make_tour`, some minutes, with Chromium and JupyterLab.

A run is launched in the form of a real JupyterLab, its curves climb, a rollout is read and a token's card opened, and
another method is asked about the same tokens. Frames are taken while it happens and joined to `docs/images/tour.webp`.
"""

import argparse
import io
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from scripts.sources import ROOT
from tests.browser.laboratory import Laboratory, laboratory, running_browser, write_notebook

TOUR = ROOT / "docs" / "images" / "tour.webp"
WIDTH, HEIGHT, SHOWN = 1280, 820, 960  # of the page, and of the picture, in pixels
MOST_BYTES = 3_000_000
PATIENCE = 300_000  # milliseconds
LONGEST = 12_000  # milliseconds of the whole film; a slow machine records longer ones
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"
FORM = "from widgets import Workbench\n\nWorkbench()"
LENS = "from widgets import Playground\n\nPlayground('runs/tour', methods=['grpo', 'gspo'])"


@dataclass
class Film:
    """Frames with the time each is shown, in milliseconds."""

    frames: list[Image.Image] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def take(self, page: Any, shown: int) -> None:
        """Adds what the page shows now; the same picture as before is shown longer instead."""
        whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        frame = whole.resize((SHOWN, SHOWN * HEIGHT // WIDTH), Image.Resampling.LANCZOS)
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.times[-1] += shown
            return
        self.frames.append(frame)
        self.times.append(shown)

    def save(self, path: Path) -> int:
        """Writes the animation and returns its size in bytes; ValueError where it is too large for a README."""
        first, *others = self.frames
        shrink = min(1.0, LONGEST / sum(self.times))
        times = [round(shrink * time) for time in self.times]
        options = {"save_all": True, "append_images": others, "duration": times, "loop": 0}
        first.save(path, "WEBP", quality=72, method=6, **options)
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"{path.name} has {size:,} bytes, at most {MOST_BYTES:,} are wanted: take fewer frames")
        return size


@contextmanager
def notebook(browser: Any, lab: Laboratory, name: str, cell: str, ready: str) -> Iterator[Any]:
    """A page with one cell that has been run, the file browser folded away; `ready`: what is seen then."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    lab.open(page, write_notebook(lab.folder / f"{name}.ipynb", [cell]))
    page.wait_for_selector(ready, timeout=PATIENCE)
    page.keyboard.press("Control+b")
    yield page
    page.close()


def top(page: Any, selector: str) -> None:
    """Scrolls an element to the top of the notebook."""
    page.locator(selector).first.evaluate("(element) => element.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(600)


def train(page: Any, film: Film, run: Path, steps: int) -> None:
    """Launches a run from the form, and films its curves until it has taken so many steps, or has ended."""
    top(page, ".wf-workbench")
    film.take(page, 700)
    page.locator(".wf-launch").get_by_label("name", exact=True).fill("tour")
    button = page.get_by_role("button", name="Launch", exact=True)
    button.scroll_into_view_if_needed()
    button.hover()
    film.take(page, 700)
    button.click()
    filmed: float = 0
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and filmed < steps:
        page.wait_for_timeout(300)
        if taken(run) > filmed:
            filmed = taken(run)
            page.wait_for_timeout(700)  # until the page has drawn the step
            top(page, ".wf-reading-run")
            film.take(page, 350)
    film.take(page, 700)


def taken(run: Path) -> float:
    """The steps that a run has recorded; infinite once it has ended."""
    status, metrics = run / "status.json", run / "metrics.jsonl"
    if status.exists() and json.loads(status.read_text(encoding="utf-8"))["state"] == "finished":
        return math.inf
    return len(metrics.read_text(encoding="utf-8").splitlines()) - 1 if metrics.exists() else 0


def read(page: Any, film: Film) -> None:
    """Reads a rollout: the tokens, a token's card, and another signal."""
    page.wait_for_selector(COLOURED, timeout=PATIENCE)
    top(page, ".wf-reading-run .wb-signals")
    film.take(page, 900)
    tokens = page.locator(COLOURED)
    for place in (3, 6):
        tokens.nth(min(place, tokens.count() - 1)).hover()
        page.wait_for_timeout(500)
        film.take(page, 900)
    page.get_by_role("button", name="entropy", exact=True).first.click()
    page.wait_for_timeout(500)
    film.take(page, 900)


def compare(page: Any, film: Film) -> None:
    """Asks two methods about the same tokens, then another in the place of the second."""
    top(page, "section[data-method]")
    film.take(page, 900)
    page.locator("section[data-method='2'] .wp-pick").click()
    page.keyboard.type("dr_grpo")
    page.wait_for_timeout(500)
    film.take(page, 600)
    page.keyboard.press("Enter")
    page.wait_for_timeout(2_000)
    film.take(page, 1_300)


def main(arguments: list[str]) -> int:
    """Records the tour; the answer is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=16, help="steps of training to film")
    parser.add_argument("--out", type=Path, default=TOUR, help="where the picture goes")
    wanted = parser.parse_args(arguments)
    film = Film()
    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab, running_browser() as browser:
        with notebook(browser, lab, "form", FORM, ".wf-memory") as page:
            train(page, film, lab.folder / "runs" / "tour", wanted.steps)
            read(page, film)
        with notebook(browser, lab, "lens", LENS, COLOURED) as page:
            compare(page, film)
    size = film.save(wanted.out)
    print(f"{wanted.out}: {len(film.frames)} frames, {sum(film.times) / 1000:.1f} s, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
