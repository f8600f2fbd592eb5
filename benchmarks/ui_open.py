"""Opening a long run: the dashboard of 1,000 steps of 256 rollouts in a real JupyterLab in a real Chromium.

The files of all steps are one file under many names. Seconds run from the start of the cell, in a kernel that has
imported `widgets`, to the painted curves and to the first painted token; `imports` are the seconds of that import
before. Every round is another notebook with a kernel of its own. Needs chromium and playwright.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, options, publish, spread

WANTED = {"first_paint": 2.0}  # seconds, of the median round, for the later of curves and tokens
GROUPS = 16
#: Unix seconds at which curves and tokens were painted first.
PAINTED = """globalThis.painted = {};
const parts = { curves: ".wb-dashboard .wb-chart .wb-last", tokens: ".wb-tokens .wb-up, .wb-tokens .wb-down" };
new MutationObserver(() => {
  for (const [name, where] of Object.entries(parts)) {
    if (name in painted || !document.querySelector(where)) continue;
    painted[name] = null;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();  // its message comes behind the frame that this callback belongs to
      channel.port1.onmessage = () => { painted[name] = Date.now() / 1000; };
      channel.port2.postMessage(0);
    });
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });"""
CELLS = (
    """import json, time
began = time.time()
from widgets import Dashboard
imports = time.time() - began""",
    """began = time.time()
with open({out!r}, "w") as file:
    json.dump({{"began": began, "imports": imports}}, file)
Dashboard({path!r})""",
)


def make_long(folder: Path, steps: int, rollouts: int, filler: int) -> tuple[Path, int]:
    """A made-up run whose steps all have the first one's rollouts, and how many tokens a step has."""
    from tests.widgets.fake_run import Shape, make_run

    run = make_run(folder, Shape(steps=1, problems=GROUPS, rollouts=rollouts // GROUPS, filler=filler))
    before, line = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    lines = [before, *({**line, "step": step, "reward": step % 7 / 7} for step in range(1, steps + 1))]
    (run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    for step in range(2, steps + 1):
        os.link(run / "rollouts" / "step-000001.parquet", run / "rollouts" / f"step-{step:06d}.parquet")
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "step": steps, "total": steps}))
    return run, line["tokens"]


def opened(lab: Any, browser: Any, run: Path, number: int) -> dict[str, float]:
    """Seconds of one opening."""
    from tests.browser.laboratory import write_notebook

    out = lab.folder / f"began-{number}.json"
    cells = [cell.format(out=str(out), path=str(run)) for cell in CELLS]
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.add_init_script(PAINTED)
    lab.open(page, write_notebook(lab.folder / f"round-{number}.ipynb", cells))
    page.wait_for_function("() => painted.curves && painted.tokens", timeout=120_000)
    painted, told = page.evaluate("() => painted"), json.loads(out.read_text())
    page.close()
    seconds = {name: moment - told["began"] for name, moment in painted.items()}
    return {**seconds, "first_paint": max(seconds.values()), "imports": told["imports"]}


def measure(given: Any) -> dict[str, Any]:
    """All rounds."""
    from playwright.sync_api import sync_playwright

    from tests.browser.laboratory import ARGUMENTS, CHROMIUM, laboratory

    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab, sync_playwright() as playwright:
        run, tokens = make_long(lab.folder / "long", given.steps, given.rollouts, given.filler)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        rounds = [opened(lab, browser, run, number) for number in range(given.rounds)]
        browser.close()
    return {"tokens_of_a_step": tokens, **{name: spread([each[name] for each in rounds]) for name in rounds[0]}}


def main(arguments: list[str]) -> int:
    """Measures, and fails where a wanted time is not kept."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--rollouts", type=int, default=256, help="of a step")
    parser.add_argument(
        "--filler", type=int, default=40, help="sentences that make an answer longer, seven tokens each"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    for place in ("browser", "widgets"):
        sys.path.insert(0, str(ROOT / "tests" / place))
    found = measure(given)
    numbers = {"steps": given.steps, "rollouts": given.rollouts, **found, "wanted": WANTED}
    publish("ui_open", numbers, save=given.save)
    return 0 if all(found[name]["median"] <= most for name, most in WANTED.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
