"""This machine: a queue over the cores, each play a process of its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.runs.process.start import LOCAL, Local


@dataclass(frozen=True)
class Cores(Local):
    """So many trainer processes side by side."""

    jobs: int = 1

    def room(self, running: int) -> int:
        """How many more may be started while so many run."""
        return max(0, self.jobs - running)


def make(options: Mapping[str, Any]) -> Cores:
    """The place of a sweep. `jobs`: plays side by side, else as many as the cores carry at `threads` each."""
    jobs = options.get("jobs") or max(1, cores() // max(1, options.get("threads") or 1))
    return Cores(tuple(options.get("program") or LOCAL.program), jobs)


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # elsewhere than on Linux
        return os.cpu_count() or 1
