"""`measure(config)`: how long a step of a run takes on this machine, measured in a separate process.

The process makes the run's trainer as a worker does, from a run directory that is thrown away, and takes a few steps
with it. When it ends, all that it took is free again.
"""

import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.paths import RunDirectory, new_directory, read_json, write_json

if TYPE_CHECKING:
    from workbench.config import RunConfig
    from workbench.planning.measure import Timing

SECONDS = 10.0  # that are measured, as a rule
ANSWER = "timing.json"


def measure(config: "RunConfig", seconds: float = SECONDS) -> "Timing":
    """Seconds of a step and of the whole run. Loads the model first, and so takes longer than `seconds`.

    ValueError, in one message, where the config has mistakes, the model cannot be loaded, or no step can be taken.
    """
    from workbench.config import ConfigError
    from workbench.planning.measure import Timing
    from workbench.runs.directory.sources import source_errors
    from workbench.runs.prepare import prepare
    from workbench.runs.process.build import errors

    if not seconds > 0:
        raise ValueError(f"{seconds} seconds to measure: give more than 0")
    wrong = errors(config) + source_errors(config)
    if wrong:
        raise ConfigError(wrong)
    with tempfile.TemporaryDirectory(prefix="workbench-measure-") as folder:
        directory = prepare(config, new_directory(folder, config.name), config.to_toml())
        return Timing(**answer_of(directory, seconds))


def answer_of(directory: RunDirectory, seconds: float) -> dict[str, Any]:
    """Starts the process, waits for its end, and answers what it found; ValueError with what it says went wrong."""
    from workbench.runs.process.start import PASSIVE_WAIT

    log = directory.log(1)
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        code = subprocess.run(
            [sys.executable, "-P", "-m", "workbench.runs.process.measure", str(directory.path), str(seconds)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**PASSIVE_WAIT, **os.environ},
            check=False,
        ).returncode
    found = read_json(directory.path / ANSWER)
    if not isinstance(found, dict):
        last = (log.read_text(encoding="utf-8", errors="replace").strip() or "it said nothing").splitlines()[-1]
        raise ValueError(
            f"the process that measures ended with code {code} before it had an answer, perhaps for want of memory; "
            f"try a smaller training.micro_batch or rollouts.concurrent; its last words: {last}"
        )
    if "error" in found:
        raise ValueError(found["error"])
    return found


def measured(directory: RunDirectory, seconds: float) -> dict[str, Any]:
    """What the process answers: the timing of the directory's config, or under `error` why there is none."""
    import psutil

    from workbench.planning.measure import measure_trainer
    from workbench.runs.directory.sources import config_of, load_stored
    from workbench.runs.process.build import build

    try:
        load_stored(directory)
        trainer = build(config_of(directory))
        try:
            return measure_trainer(trainer, time.time() - psutil.Process().create_time(), seconds).to_dict()
        finally:
            trainer.parts.engine.close()
    except ValueError as error:
        return {"error": str(error)}
    except Exception as error:  # a piece, an engine or a model of anybody's: told to who asked
        traceback.print_exc()
        return {"error": f"no step could be measured: {type(error).__name__}: {error}"}


def main(arguments: list[str]) -> int:
    """`python -m workbench.runs.process.measure DIRECTORY SECONDS`."""
    directory = RunDirectory(Path(arguments[0]))
    write_json(directory.path / ANSWER, measured(directory, float(arguments[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
