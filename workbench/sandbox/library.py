"""Calls a function of an installed library on text that a model wrote, inside the sandbox: JSON in, JSON out.

For verifiers that evaluate what they are given. Write a small Python file that imports the library and defines a
function of JSON values; it is trusted, run once when the zygote starts, and imports nothing of this project:

    # my_scorer.py
    from some_library import verify

    def score(answer, entry):
        return verify(answer, entry)

    >>> call_library(Path("my_scorer.py"), "score", [["42", {"answer": "42"}]])  # doctest: +SKIP
    [Reply(value=1.0, status='finished', reason='', seconds=0.0031)]

Every call has a child of its own, with nothing of the other calls in it.

**What a reply is worth.** If the library evaluates its argument as code, that code shares the process with the
function and can write the reply that it likes. The machine is safe; the value is not. So text is first held to what a
sound answer can be: `workbench.sandbox.gate` has `literal` and `formula`, and what they refuse is incorrect.
"""

import json
import site
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.sandbox.jobs import Job, Limits, Outcome, Status
from workbench.sandbox.pool import shared
from workbench.sandbox.worker import Kind

LONGEST_FILE = 50_000  # characters
#: Libraries for numbers reserve far more address space than they use.
ROOMY = Limits(seconds=5.0, memory=4 * 2**30)


@dataclass(frozen=True)
class Reply:
    """What the function returned; where it returned nothing, `value` is None and `reason` says why.

    `status` is "finished" where the function returned or raised; the others are those of an `Outcome`. A reply that is
    "lost" says nothing about the text it was called with: leave that unscored.
    """

    value: Any
    status: Status
    reason: str = ""
    seconds: float = 0.0  # of processor time

    @property
    def returned(self) -> bool:
        """Whether there is a value."""
        return self.status == "finished" and not self.reason


def call_library(
    file: Path, function: str, arguments: Sequence[Sequence[Any]], limits: Limits = ROOMY, workers: int = 2
) -> list[Reply]:
    """Calls a function of a file once for every list of arguments, and returns what it returned, in order.

    The zygotes of a file start with its first call and stay: imports are paid once. Raises NoSandboxError where
    this machine cannot run it safely, or the file does not import inside; ValueError for arguments that are no JSON.
    """
    source = file.read_text(encoding="utf-8")
    if len(source) > LONGEST_FILE:
        raise ValueError(f"{file}: the file has {len(source)} characters, at most {LONGEST_FILE}: import the rest")
    kind = Kind(modules=(), folders=installed(), source=source, library=True)
    calls = [json.dumps(list(each), allow_nan=False) for each in arguments]
    jobs = [Job(program=file.name, calls=(call,), entry=function, style="library", limits=limits) for call in calls]
    return [reply(outcome) for outcome in shared(workers, kind).run(jobs)]


def reply(outcome: Outcome) -> Reply:
    """An outcome of one call as a reply."""
    result = outcome.results[0] if outcome.results else None
    if outcome.status != "finished" or result is None or result.value is None:
        reason = outcome.reason or (result.error if result else "") or "it returned nothing"
        return Reply(None, outcome.status, reason, outcome.seconds)
    try:
        return Reply(json.loads(result.value), "finished", seconds=outcome.seconds)
    except (ValueError, RecursionError):
        return Reply(None, "finished", "it returned no JSON", outcome.seconds)


def installed() -> tuple[str, ...]:
    """The folders of installed packages, which become visible inside; a package installed as editable is not there."""
    paths = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    return tuple(dict.fromkeys(path for path in paths if Path(path).is_dir()))
