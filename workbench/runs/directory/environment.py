"""What a run ran on: packages, devices, commit. Kept in env.json, and shown by `workbench doctor`."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "rlvr-workbench",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "peft",
    "bitsandbytes",
    "datasets",
    "math-verify",
    "numpy",
    "pyarrow",
    "vllm",
)


def environment(**more: Any) -> dict[str, Any]:
    """Everything that may explain later why two runs differ, and the folder that relative paths start from."""
    return {
        "time": time.time(),
        "folder": os.getcwd(),
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "platform": platform.platform(),
        "host": platform.node(),
        "processors": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "packages": packages(),
        "commit": commit(Path(__file__).parent),
        "devices": devices(),
        **more,
    }


def packages() -> dict[str, str | None]:
    """Versions as installed; null for what is not."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def commit(folder: Path) -> str | None:
    """The commit of a checkout, `+` appended where files were changed since; None outside a checkout."""
    asked = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def devices() -> list[dict[str, Any]]:
    """What torch can compute on, the CPU first; memory in bytes."""
    import torch

    found: list[dict[str, Any]] = [{"device": "cpu", "name": platform.processor() or platform.machine()}]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        found.append({"device": f"cuda:{number}", "name": properties.name, "memory": properties.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": platform.machine()})
    return found
