"""`watch(source)`: another trainer's record as a run that grows while the trainer is still writing.

The trainer's files are opened for reading alone. Only what is new of them is read, and of the run only steps that
changed are written. What cannot be read is told in the run's events and in `notes`, and tried again when it changes;
what was read before stays.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pyarrow

from workbench.runs.directory.documents import write_document
from workbench.runs.directory.lock import Lock
from workbench.runs.directory.paths import replacing
from workbench.runs.directory.record import write_rollouts
from workbench.runs.directory.status import Heartbeat
from workbench.runs.exchange.files import stamp_of
from workbench.runs.exchange.find import fit_name, importers, words_of
from workbench.runs.exchange.foreign import Foreign, Options, columns, new_directory, summary
from workbench.runs.exchange.words import PlainWords
from workbench.runs.open import Run
from workbench.runs.process.recorder import Recorder

POLL, REST = 0.2, 0.5  # seconds between two looks, at least and at most
PULSE = 5.0  # seconds between two signs of life
BROKEN = (
    ValueError,
    ArithmeticError,
    OSError,
    sqlite3.Error,
    pyarrow.ArrowException,
)  # what a file that changes may raise

Stamps = Mapping[Path, tuple[int, ...]]


class Watch:
    """A run that follows another trainer's files: `look()` reads what is new, `start()` does so in the background.

    `with Watch(...) as watching:` starts and closes it. `notes` says what could not be read at the last look.
    """

    def __init__(self, source: Path, place: tuple[Path, str], tokenizer: str | None, options: Options) -> None:
        self.source, self.options, self.words = source, options, words_of(tokenizer)
        options.files.following = True
        self.directory = new_directory(*place)
        self.lock = Lock(self.directory.lock)
        self.lock.__enter__()
        self.recorder = Recorder(self.directory, 1)
        self.beat = Heartbeat(self.directory, 1, state="running", phase="watching")
        self.origin = {"source": str(source.resolve()), "tokenizer": tokenizer, "format": "not known yet"}
        self.run, self.last = Run(self.directory), dict[int, list[Foreign]]()
        self.stamps: Stamps = {}
        self.told, self.known, self.beaten = set[str](), 0, 0.0
        self.ended, self.thread = threading.Event(), threading.Thread(target=self.follow, daemon=True)
        self.directory.tokenizer.mkdir(exist_ok=True)
        if not isinstance(self.words, PlainWords):
            self.words.save(self.directory.tokenizer)
        write_document(self.directory.environment, {"time": time.time(), "imported": self.origin})
        self.describe()
        self.pulse()

    def __enter__(self) -> "Watch":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<watching {self.source} as {self.run.title}: {len(self.last)} steps>"

    @property
    def notes(self) -> list[str]:
        """What could not be read at the last look."""
        return list(dict.fromkeys(self.options.notes))

    def start(self) -> "Watch":
        """Looks again and again in the background, until it is closed."""
        self.thread.start()
        return self

    def follow(self) -> None:
        """Looks until it is closed; between two looks it rests as long as the look took, up to half a second."""
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                self.look()
            except Exception as error:  # whatever it is, who reads the run must see that nothing more comes
                self.beat.last_beat(state="failed", phase="end", text=f"{type(error).__name__}: {error}")
                raise
            self.ended.wait(max(POLL, min(REST, time.monotonic() - began)))

    def close(self) -> None:
        """Reads what is new a last time and ends watching; the run is finished and stays."""
        if self.ended.is_set():
            return
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join()
        if self.beat.state == "running":
            self.look()
            self.beat.beat(state="finished", phase="end", text=f"watched {self.origin['source']}")
        self.recorder.close()
        self.lock.__exit__(None, None, None)

    def look(self) -> list[int]:
        """Reads what is new since the last look; the steps that were written, or written anew."""
        if time.monotonic() - self.beaten > PULSE:
            self.pulse()
        module, found = self.module(), list[int]()
        stamps = stamps_of(module.watched(self.source)) if module else {}
        if stamps == self.stamps:
            return []
        self.options.notes.clear()
        if gone := sorted(path.name for path in self.stamps.keys() - stamps.keys()):
            self.options.notes.append(f"gone, or renamed: {', '.join(gone[:3])}; what was read of it stays")
        if module:
            self.origin["format"] = module.FORMAT
            found = self.read(module)
        self.stamps = stamps
        self.tell()
        return found

    def module(self) -> ModuleType | None:
        """The importer of the files that are there; None, with a note where they are of several trainers."""
        found = [each for each in importers().values() if each.files(self.source)]
        if len(found) > 1:
            self.options.notes[:] = [f"files of several trainers ({', '.join(each.FORMAT for each in found)})"]
            self.tell()
        return found[0] if len(found) == 1 else None

    def read(self, module: ModuleType) -> list[int]:
        """Writes every step that changed, as far as the files can be read."""
        written = list[int]()
        try:
            for step, rollouts in module.read(self.source, self.options):
                if rollouts and not same(rollouts, self.last.get(step, ())):
                    self.write(step, rollouts)
                    written.append(step)
        except BROKEN as error:
            self.options.notes.append(f"{error}; what was read before stays, and it is tried again when it changes")
        return written

    def write(self, step: int, rollouts: list[Foreign]) -> None:
        """A step's rollouts, the words they need, and last its line."""
        write_rollouts(self.directory.rollout_file(step), columns(step, rollouts, self.words))
        self.save_words()
        self.recorder.metrics.write({"attempt": 1, "step": step, "time": time.time(), **summary(rollouts)})
        newest = step > max(self.last, default=-1)
        self.last[step] = rollouts
        if newest:
            self.describe()
            self.pulse()

    def save_words(self) -> None:
        """The vocabulary, where it grew; none where a model's token ids stand in the run as well."""
        if not isinstance(self.words, PlainWords):
            return
        path = self.directory.tokenizer / "tokenizer.json"
        if self.words.mixed:
            path.unlink(missing_ok=True)
            self.options.notes.append(self.words.mixed)
        elif len(self.words.numbers) > self.known:
            self.known = len(self.words.numbers)
            with replacing(path) as draft:
                self.words.write(draft)

    def describe(self) -> None:
        """What the run is, with its newest step."""
        steps = {"steps": max(self.last, default=0)}
        write_document(
            self.directory.resolved, {"name": self.directory.name, "imported": dict(self.origin), "training": steps}
        )

    def pulse(self) -> None:
        """A sign of life."""
        step = max(self.last, default=0)
        self.beat.beat(step=step, total=step, text=f"watching {self.origin['source']}")
        self.beaten = time.monotonic()

    def tell(self) -> None:
        """Every new note as an event, once."""
        for note in self.notes:
            if note not in self.told:
                self.told.add(note)
                self.recorder.event("note", note)


def watch(
    source: str | Path,
    runs: str | Path = "runs",
    name: str | None = None,
    tokenizer: str | None = None,
    options: Options | None = None,
) -> Watch:
    """A run that grows as another trainer writes into a folder; `with watch(folder) as watching: watching.run`.

    Arguments as of `import_run`. The folder may be empty still. ValueError where it does not exist.
    """
    folder = Path(source).expanduser()
    if not folder.exists():
        raise ValueError(f"{source} does not exist; give the folder that the trainer writes its rollouts to")
    return Watch(folder, (Path(runs), name or fit_name(folder.resolve().name)), tokenizer, options or Options())


def stamps_of(paths: Iterable[Path]) -> Stamps:
    """What changes when a file does, of those that are there."""
    found = {}
    for path in paths:
        try:
            found[path] = stamp_of(path)
        except OSError:  # it went away since it was listed: the next look sees that
            continue
    return found


def same(rollouts: Sequence[Foreign], before: Sequence[Foreign]) -> bool:
    """Whether rollouts are as they were; nan is the same as nan."""
    return len(rollouts) == len(before) and all(
        one is other or repr(one) == repr(other) for one, other in zip(rollouts, before, strict=True)
    )
