"""A real JupyterLab, or Notebook 7, and a real Chromium for the browser tests."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError, sync_playwright

from tests.widgets.fake_run import Shape, make_run

ROOT = Path(__file__).parents[2]

__all__ = [
    "ALLOWED",
    "ARGUMENTS",
    "CHROMIUM",
    "LAB",
    "MARKS",
    "NOTEBOOK",
    "Application",
    "Laboratory",
    "Shape",
    "Watch",
    "laboratory",
    "make_run",
    "running_browser",
    "write_notebook",
]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: What a file of browser tests marks them with.
MARKS = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}: apt-get install chromium to run these"),
]
#: Console errors that are Jupyter's own. Each line says why it is none of ours.
ALLOWED = (
    "/api/contents/.ipynb_checkpoints",  # Lab looks for checkpoints of a notebook that has none yet
    "favicon",  # the browser asks for an icon
    "/lsp/status",  # the language server extension is switched off with the extensions that reach out
    "/api/me",  # Lab asks who the user is
)


#: Whether a cell has been run, or is running: its prompt holds a number or a star.
STARTED = "() => [...document.querySelectorAll('.jp-InputPrompt')].some((each) => /[*0-9]/.test(each.textContent))"

ACCEPT = ".jp-Dialog .jp-mod-accept"


@dataclass
class Watch:
    """What a page did that it should not have: errors, and requests that left the machine."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ALLOWED

    def listen(self, page: Any) -> None:
        """Notes the page's errors and requests."""
        page.on("pageerror", lambda error: self.note(f"uncaught: {error.stack or error}"))
        page.on("console", self.console)
        page.on("request", self.request)

    def console(self, message: Any) -> None:
        if message.type == "error":
            self.note(f"{message.text} @ {message.location.get('url', '')}")

    def note(self, told: str) -> None:
        if not any(part in told for part in self.allowed):
            self.errors.append(told)

    def request(self, request: Any) -> None:
        near = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "data:", "blob:", "file:", "about:")
        if not request.url.startswith(near):
            self.outside.append(request.url)

    def check(self) -> None:
        """Fails with everything that was noted."""
        assert not self.errors, "\n".join(self.errors)
        assert not self.outside, "\n".join(self.outside)


@contextmanager
def running_browser() -> Iterator[Any]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook of code cells for the python3 kernel."""
    import nbformat  # some seconds of processor time, only where a notebook is made

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


@dataclass(frozen=True)
class Application:
    """An application that opens notebooks: its Python module, its pages, what is seen once a kernel is there."""

    module: str
    pages: str
    ready: str
    options: tuple[str, ...] = ()


LAB = Application(
    module="jupyterlab",
    pages="lab/tree",
    ready="text=/ipykernel\\) . Idle/",
    options=("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
)
NOTEBOOK = Application("notebook", "notebooks", ".jp-Notebook-ExecutionIndicator[data-status=idle]")


@dataclass(frozen=True)
class Laboratory:
    """A running JupyterLab, or another application."""

    address: str
    token: str
    folder: Path
    application: Application = LAB

    def setting(self, plugin: str, values: dict[str, Any]) -> None:
        """Changes one of JupyterLab's own settings."""
        address = f"{self.address}/lab/api/settings/@jupyterlab/apputils-extension:{plugin}"
        body = json.dumps({"raw": json.dumps(values)}).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(address, body, headers, method="PUT"), timeout=20).close()

    def open(self, page: Any, notebook: Path, dark: bool = False) -> None:
        """Opens a notebook and runs all its cells."""
        self.setting("themes", {"theme": "JupyterLab Dark" if dark else "JupyterLab Light", "adaptive-theme": False})
        self.setting("notification", {"fetchNews": "false", "checkForUpdates": False})
        page.goto(f"{self.address}/{self.application.pages}/{notebook.name}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        page.wait_for_selector(self.application.ready, timeout=60_000)
        self.run_all(page)

    def run_all(self, page: Any) -> None:
        """Runs every cell; Lab may pass over the first order, while the kernel is still being connected."""
        for _ in range(8):
            if page.locator(ACCEPT).count():  # on a slow machine Lab asks which kernel is meant
                page.click(ACCEPT)
            try:  # that question may open meanwhile, and cover the menu
                page.click(".lm-MenuBar-itemLabel:text-is('Run')", timeout=8_000)
                page.click(".lm-Menu-itemLabel:text-is('Run All Cells')", timeout=8_000)
                page.wait_for_function(STARTED, timeout=4_000)
            except TimeoutError:
                continue
            return
        raise RuntimeError(f"{self.application.module} did not run the cells")


@contextmanager
def laboratory(folder: Path, application: Application = LAB) -> Iterator[Laboratory]:
    """An application on a free port of this machine, with settings of its own, serving a folder; closed afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(12)
    home = folder / ".home"
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR")
    places = {name: str(home / name.lower()) for name in names}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    options += ["--ServerApp.ip=127.0.0.1", "--no-browser", "--allow-root", "--ServerApp.port_retries=0"]
    with (folder / "lab.log").open("w") as log:
        command = [sys.executable, "-m", application.module, *options, *application.options]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(f"{address}/api?token={token}", process, folder / "lab.log")
        yield Laboratory(address, token, folder, application)
    finally:
        process.terminate()
        process.wait(20)


def wait_until_up(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Waits for the server's first answer."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()[-3000:]}")
