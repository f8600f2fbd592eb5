"""What this machine can do, and what to install for the rest."""

import importlib
import logging
import os
import shutil
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.errors import extra
from workbench.runs.directory.environment import environment


@dataclass(frozen=True)
class Part:
    """Something that some of the workbench needs."""

    module: str
    gives: str
    remedy: str
    needed: bool = False  # by every run
    probe: str = ""  # MODULE:FUNCTION that says why it is not used here although it imports, or nothing


PARTS = (
    Part("torch", "training", "pip install 'torch==2.13.*'", needed=True),
    Part("transformers", "models", "pip install 'transformers>=5.16.1,<5.20'", needed=True),
    Part("peft", "LoRA adapters", "pip install peft"),
    Part("bitsandbytes", "4-bit and 8-bit weights", "pip install bitsandbytes"),
    Part("datasets", "tasks from the Hub", "pip install datasets"),
    Part("math_verify", "scoring mathematical answers", "pip install 'math-verify[antlr4_13_2]'"),
    Part(
        "workbench.sandbox.probe",
        "running programs that a model wrote (bubblewrap, user namespaces)",
        "apt-get install bubblewrap",
        probe="workbench.sandbox.probe:why_not",
    ),
    Part(
        "workbench.rewards.code.verilog",
        "the reward verilog (Icarus Verilog)",
        "apt-get install iverilog",
        probe="workbench.rewards.code.verilog:missing",
    ),
    Part("gguf", "models in GGUF files", "pip install gguf"),
    Part(
        "workbench.models.smollm2",
        "the model smollm2-135m",
        "make smollm2",
        probe="workbench.models.smollm2:state",
    ),
    Part("duckdb", "SQL over a run's record", "pip install duckdb"),
    Part("anywidget", "the dashboard in a notebook", "pip install anywidget"),
    Part("jupyterlab", "notebooks", "pip install jupyterlab"),
    Part("vllm", "the vLLM engine", extra("vllm")),
    Part("cuda.core", "the pruning kernel on a GPU", extra("cuda"), probe="workbench.pruning.kernel.choice:why_not"),
    Part("playwright", "tests in a browser", extra("dev")),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")


def checkup() -> dict[str, Any]:
    """The machine, every part with the error if it does not import, browsers, and what to install."""
    parts = [examined(part) for part in PARTS]
    browsers = find_browsers()
    install = [part["remedy"] for part in parts if not part["works"]]
    if not browsers:
        install.append("playwright install chromium")
    machine = environment()
    disk = shutil.disk_usage(os.getcwd())
    return {
        **{name: machine[name] for name in ("python", "platform", "processors", "memory", "devices", "packages")},
        "disk_free": disk.free,
        "parts": parts,
        "browsers": browsers,
        "install": install,
        "ready": all(part["works"] for part in parts if part["needed"]),
    }


def examined(part: Part) -> dict[str, Any]:
    """A part, whether it imports, and why it is not used if it does; a broken one fails in its own way."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable()
            importlib.import_module(part.module)
            unused = asked(part.probe) if part.probe else ""
    except Exception as error:
        return {**asdict(part), "works": False, "error": f"{type(error).__name__}: {error}", "unused": ""}
    finally:
        logging.disable(logging.NOTSET)
    return {**asdict(part), "works": True, "error": "", "unused": unused}


def asked(probe: str) -> str:
    """What a probe says."""
    module, name = probe.split(":")
    return str(getattr(importlib.import_module(module), name)())


def find_browsers() -> list[str]:
    """Paths of browsers: on the PATH, and those that playwright downloaded."""
    found = [path for path in map(shutil.which, BROWSERS) if path]
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    mac = Path.home() / "Library" / "Caches" / "ms-playwright"
    return found + [str(path) for folder in (home, mac) if folder.is_dir() for path in sorted(folder.glob("chromium*"))]


def describe(result: dict[str, Any]) -> list[str]:
    """What `checkup` found, as lines for people."""
    memory, disk = result["memory"] / 2**30, result["disk_free"] / 2**30
    lines = [
        f"Python {result['python']} on {result['platform']}: {result['processors']} processors, "
        f"{memory:.1f} GiB memory, {disk:.1f} GiB disk free"
    ]
    for device in result["devices"]:
        size = f", {device['memory'] / 2**30:.1f} GiB" if "memory" in device else ""
        lines.append(f"device {device['device']}: {device['name']}{size}")
    for part in result["parts"]:
        why = f" ({part['error']})" if part["error"] else f" (not used: {part['unused']})" if part["unused"] else ""
        lines.append(f"{'works ' if part['works'] else 'absent'} {part['module']}: {part['gives']}{why}")
    lines.append("browser: " + (", ".join(result["browsers"]) or "none"))
    lines += [f"to install: {remedy}" for remedy in result["install"]]
    return [*lines, "ready" if result["ready"] else "not ready: what every run needs does not import"]
