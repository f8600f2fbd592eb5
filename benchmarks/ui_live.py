"""From a written step to the painted curve: the dashboard in a real JupyterLab in a real Chromium.

Another process appends steps to a made-up run: its rollouts, then the line of its metrics with the time of writing.
The page notes when the charts have been painted with a step. Then the kernel's use of a core while the dashboard is
open on a live run in which nothing happens; and how much of the page's memory stays in use after many updates, written
quickly: an hour of steps of three seconds, against a twelfth of it. Needs chromium and playwright.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, options, publish

WANTED = {"painted_p95": 0.5, "idle_cpu": 0.02, "memory": 1.3}  # seconds, share of a core, times
LIVE, QUICK = 0.2, 0.08  # seconds between two looks of a dashboard; between two steps that are written quickly
READY = ".wb-tokens .wb-up, .wb-tokens .wb-down"
#: Unix seconds at which each step was painted: the charts say their last step below the axis.
PAINTED = """globalThis.painted = {};
const seen = () => {
  const step = Number(document.querySelector('.wb-dashboard .wb-chart .wb-last')?.textContent ?? NaN);
  if (!step || step in painted) return;
  painted[step] = null;
  requestAnimationFrame(() => {
    const channel = new MessageChannel();  // its message comes behind the frame that this callback belongs to
    channel.port1.onmessage = () => { painted[step] = Date.now() / 1000; };
    channel.port2.postMessage(0);
  });
};
new MutationObserver(seen).observe(document, { subtree: true, childList: true, characterData: true });"""
CELL = """import widgets.dashboard.dashboard
widgets.dashboard.dashboard.LIVE = {look}
widgets.Dashboard({path!r})"""
WRITER = """import json, shutil, sys, time
path, first, count, pause, source = sys.argv[1], *map(float, sys.argv[2:5]), sys.argv[5]
line = json.loads(open(f"{path}/metrics.jsonl").read().splitlines()[-1])
status = json.loads(open(f"{path}/status.json").read())
for step in range(int(first), int(first + count)):
    time.sleep(pause)
    shutil.copy(f"{path}/rollouts/{source}", f"{path}/rollouts/.draft")
    shutil.move(f"{path}/rollouts/.draft", f"{path}/rollouts/step-{step:06d}.parquet")
    with open(f"{path}/metrics.jsonl", "a") as file:
        file.write(json.dumps({**line, "step": step, "time": time.time(), "reward": step % 7 / 7}) + "\\n")
    with open(f"{path}/.status", "w") as file:
        json.dump({**status, "step": step, "time": time.time()}, file)
    shutil.move(f"{path}/.status", f"{path}/status.json")
"""


def make_live(folder: Path) -> Path:
    """A made-up run whose trainer seems alive: this process holds its lock."""
    from dataclasses import asdict

    from tests.widgets.fake_run import Shape, make_run
    from workbench.runs.directory.lock import Identity

    run = make_run(folder, Shape(steps=3, problems=4, rollouts=8))
    status = json.loads((run / "status.json").read_text())
    live = {**status, "state": "running", "phase": "generate", "total": 10_000, "typical": 3_600.0, "time": time.time()}
    (run / "status.json").write_text(json.dumps(live))
    (run / "lock").write_text(json.dumps(asdict(Identity.of(psutil.Process().pid))))
    return run


def write_steps(run: Path, first: int, count: int, pause: float) -> None:
    """Another process appends steps."""
    command = [sys.executable, "-c", WRITER, str(run), str(first), str(count), str(pause), "step-000003.parquet"]
    subprocess.run(command, check=True)


def written(run: Path) -> dict[int, float]:
    """Unix seconds at which the line of each step was written."""
    return {line["step"]: line["time"] for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())}


def delays(page: Any, run: Path, first: int, count: int, pause: float) -> list[float]:
    """Seconds from writing to painting of each step, in order of size."""
    write_steps(run, first, count, pause)
    last = first + count - 1
    page.wait_for_function(f"() => painted[{last}]", timeout=120_000)
    painted, times = paintings(page), written(run)  # two steps may be painted at once: with the later one
    seen = {step: min(when for later, when in painted.items() if later >= step) for step in range(first, last + 1)}
    return sorted(when - times[step] for step, when in seen.items())


def paintings(page: Any) -> dict[int, float]:
    """Unix seconds at which each step was painted."""
    return {int(step): when for step, when in page.evaluate("() => painted").items() if when is not None}


def kernel_of(server: int) -> psutil.Process:
    """The one kernel of a JupyterLab."""
    children = psutil.Process(server).children(recursive=True)
    return next(each for each in children if "ipykernel_launcher" in " ".join(each.cmdline()))


def idle_share(kernel: psutil.Process, seconds: float) -> float:
    """Share of a core that a process uses while nothing happens."""
    before, began = kernel.cpu_times(), time.perf_counter()
    time.sleep(seconds)
    after = kernel.cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.perf_counter() - began)


def memory(session: Any) -> float:
    """Megabytes of the page's JavaScript heap and its elements, after everything unused was thrown away."""
    session.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(found["JSHeapUsedSize"]) / 1e6


def opened(lab: Any, browser: Any, run: Path, look: float) -> Any:
    """A page with the dashboard of a run, whose kernel looks every so many seconds."""
    from tests.browser.laboratory import write_notebook

    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.add_init_script(PAINTED)
    lab.open(page, write_notebook(lab.folder / f"{run.name}.ipynb", [CELL.format(path=str(run), look=look)]))
    page.wait_for_selector(READY, timeout=120_000)
    page.wait_for_timeout(3_000)
    return page


def growth(page: Any, run: Path, updates: int) -> dict[str, Any]:
    """Memory after a twelfth of the updates and after all of them, and how many of them were painted one by one."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    first, twelfth, found = 4, max(1, updates // 12), []
    for start, count in ((first, twelfth), (first + twelfth, updates - twelfth)):
        write_steps(run, start, count, QUICK)
        page.wait_for_function(f"() => painted[{start + count - 1}]", timeout=600_000)
        page.wait_for_timeout(2_000)
        found.append(memory(session))
    early, late = (round(size, 2) for size in found)
    painted = len(paintings(page)) - 1
    return {
        "updates_painted": painted,
        "memory_early_mb": early,
        "memory_late_mb": late,
        "memory": round(late / early, 3),
    }


def measure(lab: Any, browser: Any, given: Any) -> dict[str, Any]:
    """All numbers."""
    run = make_live(lab.folder / "live")
    page = opened(lab, browser, run, LIVE)
    found = delays(page, run, 4, given.steps, given.pause)
    idle = idle_share(kernel_of(psutil.Process().pid), given.idle)
    page.close()
    run = make_live(lab.folder / "grown")
    page = opened(lab, browser, run, QUICK / 2)
    grown = growth(page, run, given.updates)
    page.close()
    return {
        "painted_median": round(found[len(found) // 2], 4),
        "painted_p95": round(found[int(0.95 * (len(found) - 1))], 4),
        "painted_most": round(found[-1], 4),
        "idle_cpu": round(idle, 4),
        **grown,
    }


def main(arguments: list[str]) -> int:
    """Measures, and fails where a wanted number is not reached."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=60, help="steps whose way to the page is timed")
    parser.add_argument("--pause", type=float, default=0.7, help="seconds between two of them")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of looking at the idle kernel")
    parser.add_argument("--updates", type=int, default=1_200, help="updates that stand for an hour")
    given = parser.parse_args(arguments)
    from playwright.sync_api import sync_playwright

    for place in ("browser", "widgets"):
        sys.path.insert(0, str(ROOT / "tests" / place))
    from tests.browser.laboratory import ARGUMENTS, CHROMIUM, laboratory

    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        found = measure(lab, browser, given)
        browser.close()
    publish("ui_live", {"steps": given.steps, "updates": given.updates, **found, "wanted": WANTED}, save=given.save)
    return 0 if all(found[name] <= most for name, most in WANTED.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
