"""Attacks on the sandbox: how many escape, how many forge a verdict, and whether honest programs fare well after each.

`python -m benchmarks.sandbox_attacks` answers the task "f(x) = x * x + 1" with every program of `attack_programs`. An
escape is: a text that says so or holds the secret, a file or a connection on this side, an ended zygote. A forged grade
is a program taken for correct. After every attack an honest program is run in both zygotes and must be graded correct,
and one with an error incorrect.
"""

import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attack_programs import Attack, attacks
from benchmarks.common import options, publish
from workbench.sandbox.jobs import Job, Limits, Outcome
from workbench.sandbox.pool import Sandbox
from workbench.sandbox.values import read, same

SECRET = "a-secret-of-this-side"
INPUTS = (1, 2, 30)
EXPECTED = tuple(x * x + 1 for x in INPUTS)
HONEST, WRONG = "def f(x):\n    return x * x + 1\n", "def f(x):\n    return x * x + 2\n"
QUICK = Limits(seconds=0.4)


@dataclass(frozen=True)
class Surroundings:
    """What is on this side: a port, a place for a mark, a file with a secret."""

    listener: socket.socket
    folder: Path

    def filled(self, program: str) -> str:
        """A program with what is here put in."""
        names = {"PORT": str(self.listener.getsockname()[1]), "PARENT": str(os.getpid()), "HOSTNAME": platform.node()}
        names |= {"MARKER": str(self.folder / "mark"), "SECRET_FILE": str(self.folder / "secret")}
        for name, text in names.items():
            program = program.replace(name, text)
        return program

    def traces(self) -> list[str]:
        """What an attack left here."""
        found = ["made a file"] if (self.folder / "mark").exists() else []
        try:
            self.listener.accept()[0].close()
            found.append("connected")
        except BlockingIOError:
            found += []
        return found


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Everything that an attack might want."""
    os.environ["SANDBOX_CANARY"] = SECRET
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        (Path(folder) / "secret").write_text(SECRET)
        yield Surroundings(listener, Path(folder))
    del os.environ["SANDBOX_CANARY"]


def job(attack: Attack, program: str) -> Job:
    """The attack as an answer to the task."""
    if attack.family == "print":
        return Job(program, tuple(f"{x}\n" for x in INPUTS), style="stdin", limits=QUICK)
    return Job(program, tuple(f"({x},)" for x in INPUTS), limits=QUICK, twice=attack.family == "fickle")


def correct(outcome: Outcome) -> bool:
    """The grade, formed here: every call gave the reference value."""
    texts = [result.value for result in outcome.results]
    if outcome.status != "finished" or len(texts) != len(EXPECTED):
        return False
    return all(text is not None and equals(text, value) for text, value in zip(texts, EXPECTED, strict=True))


def equals(text: str, value: int) -> bool:
    """Whether a text is that value."""
    try:
        return same(read(text), value)
    except ValueError:
        return False


def told(outcome: Outcome) -> list[str]:
    """What an outcome says of an escape."""
    texts = [str(result.value) + result.error for result in outcome.results] + [outcome.reason]
    return [text[:80] for text in texts if "ESCAPED" in text or SECRET in text]


def tried(sandbox: Sandbox, attack: Attack, place: Surroundings) -> dict[str, object]:
    """One attack and what followed."""
    before, began = sandbox.replaced, time.perf_counter()
    (outcome,) = sandbox.run([job(attack, place.filled(attack.program))])
    wall = time.perf_counter() - began
    escapes = told(outcome) + place.traces() + ["ended a zygote"] * (sandbox.replaced - before)
    calls = tuple(f"({x},)" for x in INPUTS)
    honest, wrong = sandbox.run([Job(HONEST, calls, twice=True), Job(WRONG, calls, twice=True)])
    unnoticed = attack.family == "fickle" and outcome.status != "nondeterministic"
    return {
        "name": attack.name,
        "status": outcome.status,
        "escapes": escapes,
        "forged": correct(outcome),
        "unnoticed": unnoticed,
        "after": correct(honest) and not correct(wrong),
        "wall": wall,
    }


def measure(chosen: list[Attack]) -> list[dict[str, object]]:
    """All attacks, one after the other, in one sandbox."""
    sandbox = Sandbox()
    try:
        with surroundings() as place:
            return [tried(sandbox, attack, place) for attack in chosen]
    finally:
        sandbox.close()


def main(arguments: list[str]) -> int:
    """Prints the line; with --show, every attack."""
    parser = options(__doc__ or "")
    parser.add_argument("--show", action="store_true", help="every attack and its status")
    given = parser.parse_args(arguments)
    rows = measure(attacks())
    bad = [row for row in rows if row["escapes"] or row["forged"] or row["unnoticed"] or not row["after"]]
    for row in rows if given.show else bad:
        print(row)
    numbers = {
        "attacks": len(rows),
        "escapes": sum(bool(row["escapes"]) for row in rows),
        "forged": sum(bool(row["forged"]) for row in rows),
        "nondeterminism_unnoticed": sum(bool(row["unnoticed"]) for row in rows),
        "honest_after_each": sum(bool(row["after"]) for row in rows),
        "longest_wall": round(max(float(str(row["wall"])) for row in rows), 2),
    }
    publish("sandbox_attacks", numbers, save=given.save)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
