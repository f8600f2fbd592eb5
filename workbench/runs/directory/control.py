"""Commands to a running trainer: numbered JSON files in `control/`, acknowledged in `control/ack/` at a step boundary.

Any process may write them; whoever started the run has no special rights. A file that is no command is left alone, a
broken command is refused with the reason.
"""

import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.runs.directory.documents import REPLY, read_document
from workbench.runs.directory.lines import encode
from workbench.runs.directory.links import refuse_links
from workbench.runs.directory.paths import RunDirectory, read_json, temporary, write_atomic, write_json

COMMANDS = ("pause", "resume", "stop", "checkpoint", "set")
FILE = re.compile(r"(\d{6,})\.json")
Result = Literal["done", "refused"]
Seconds = float | int


@dataclass(frozen=True)
class Command:
    """One command; `error` says why it cannot be applied."""

    number: int
    command: str
    values: Mapping[str, Any]
    error: str = ""


class Control:
    """Both ends of a run's commands."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory, self.folder = directory, directory.control
        self.answers = directory.acknowledged

    # ------------------------------------------------------------------ for users

    def send(self, command: str, values: Mapping[str, Any] | None = None) -> int:
        """Queues a command and returns its number; `os.link` never replaces another writer's command."""
        if command not in COMMANDS:
            raise ValueError(f"no command is called {command!r}; there are: {', '.join(COMMANDS)}")
        refuse_links(self.directory)
        self.answers.mkdir(parents=True, exist_ok=True)
        draft = temporary(self.folder / f"new-{threading.get_ident()}.json")
        number = max((0, *self.numbers(self.folder), *self.numbers(self.answers))) + 1
        content = {"command": command, "values": dict(values or {}), "time": time.time()}
        while True:
            write_atomic(draft, encode({"number": number, **content}))
            try:
                os.link(draft, self.file(number))
            except FileExistsError:
                number += 1
            else:
                return number
            finally:
                draft.unlink()

    def answer(self, number: int) -> dict[str, Any] | None:
        """The trainer's reply to a command; None while there is none. ValueError where its file is broken."""
        found, error = read_document(self.answers / self.file(number).name, REPLY)
        if error:
            raise ValueError(error)
        return found

    def wait(self, number: int, seconds: Seconds) -> dict[str, Any]:
        """The reply to a command, waited for; TimeoutError where none comes."""
        end = time.monotonic() + seconds
        while (found := self.answer(number)) is None:
            if time.monotonic() > end:
                raise TimeoutError(
                    f"command {number} in {self.folder} was not answered within {seconds:g} s: commands are applied "
                    "between steps; wait longer, or look at the run's status"
                )
            time.sleep(0.02)
        return found

    # ------------------------------------------------------------------ for the trainer

    def pending(self) -> list[Command]:
        """Commands without a reply, oldest first."""
        answered = set(self.numbers(self.answers))
        return [self.read(number) for number in self.numbers(self.folder) if number not in answered]

    def acknowledge(self, command: Command, result: Result, text: str = "", **more: Any) -> None:
        """Replies to a command and removes it."""
        answer = {"number": command.number, "command": command.command, "values": command.values, "result": result}
        write_json(self.answers / self.file(command.number).name, {**answer, "text": text, "time": time.time(), **more})
        self.file(command.number).unlink(missing_ok=True)

    def expire(self) -> None:
        """Refuses what was sent before a trainer is started: it was meant for one that is gone."""
        for command in self.pending():
            self.acknowledge(command, "refused", "no trainer was running; send it again")

    # ------------------------------------------------------------------ files

    def file(self, number: int) -> Path:
        """The file of a command."""
        return self.folder / f"{number:06d}.json"

    def numbers(self, folder: Path) -> list[int]:
        """The numbers of the commands or replies in a folder; foreign files have none."""
        names = os.listdir(folder) if folder.is_dir() else []
        return sorted(int(match[1]) for match in map(FILE.fullmatch, names) if match)

    def read(self, number: int) -> Command:
        """One command as it was written, or with the error in it."""
        found = read_json(self.file(number))
        if not isinstance(found, Mapping):
            return Command(number, "", {}, "the file holds no JSON object")
        command, values = found.get("command"), found.get("values", {})
        if command not in COMMANDS:
            return Command(number, str(command), {}, f"no command is called {command!r}: {', '.join(COMMANDS)}")
        if not isinstance(values, Mapping):
            return Command(number, command, {}, f"values = {values!r} is no table of names and values")
        return Command(number, command, values)
