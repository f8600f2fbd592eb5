"""Whether this machine can run programs, as `workbench doctor` says it."""

import pytest

from workbench.commands.shared.checkup import PARTS, describe, examined
from workbench.sandbox import probe
from workbench.sandbox.jobs import NoSandboxError, Outcome, Result

PART = next(part for part in PARTS if part.module == "workbench.sandbox.probe")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    probe.require.cache_clear()


@pytest.mark.usefixtures("sandboxed")
def test_a_machine_that_can_says_so() -> None:
    assert examined(PART)["unused"] == ""
    probe.require()


def test_a_machine_that_cannot_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(jobs: object) -> list[Outcome]:
        raise NoSandboxError("bubblewrap (bwrap) is not installed. install bubblewrap")

    monkeypatch.setattr(probe, "run", unavailable)
    part = examined(PART)
    assert part["unused"].startswith("bubblewrap (bwrap) is not installed")
    with pytest.raises(NoSandboxError, match="install bubblewrap"):
        probe.require()
    result = {"python": "3", "platform": "x", "processors": 1, "memory": 1, "disk_free": 1, "devices": []}
    lines = describe({**result, "parts": [part], "browsers": [], "install": [], "ready": True})
    assert any("not used: bubblewrap" in line for line in lines)


def test_walls_that_do_not_hold_are_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "run", lambda jobs: [Outcome("finished", (Result("None"),))])
    assert "does not hold: a program opened a file" in probe.why_not()
    monkeypatch.setattr(probe, "run", lambda jobs: [Outcome("lost", reason="no time")])
    assert probe.why_not() == "the sandbox does not hold: no time"
