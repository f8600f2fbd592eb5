"""Whether programs can be run safely on this machine: tried, not guessed."""

from collections.abc import Sequence
from functools import cache

from workbench.sandbox.jobs import Job, NoSandboxError, Outcome
from workbench.sandbox.pool import Sandbox
from workbench.sandbox.values import read

#: What a program must not be able to do, and what it must.
TRIAL = """
def f(path):
    try:
        open(path)
    except PermissionError:
        return 6 * 7
"""


def run(jobs: Sequence[Job]) -> list[Outcome]:
    """Runs jobs in a sandbox that ends with them: whoever asks may never run a program."""
    sandbox = Sandbox()
    try:
        return sandbox.run(jobs)
    finally:
        sandbox.close()


@cache
def require() -> None:
    """Raises NoSandboxError where programs cannot be run safely; what was found to hold is not tried again."""
    (outcome,) = run([Job(TRIAL, ("('/usr/lib',)",))])
    if outcome.status == "finished" and outcome.results[0].value == "42":
        return
    told = (
        outcome.reason or outcome.results[0].error or f"a program opened a file: {read(outcome.results[0].value or '')}"
    )
    raise NoSandboxError(f"the sandbox does not hold: {told}")


def why_not() -> str:
    """Why rewards that run programs are refused here, with the remedy; empty where the sandbox holds."""
    try:
        require()
    except NoSandboxError as error:
        return str(error)
    return ""
