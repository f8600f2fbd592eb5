"""SUPERNOVA's recipe on recorded results: a run for every source, the best of every target, the mixture of these."""

from pathlib import Path
from typing import Any

import pytest

from tests.runs.real_run import Here
from workbench.runs import experiment as queue
from workbench.runs.demo import demo_config
from workbench.runs.experiment import Experiment
from workbench.runs.micro_mixing import launch_sources, mixed, scores
from workbench.runs.process.start import start


def config() -> Any:
    """Three sources and two targets, tiny."""
    target = {"exam": "held_out", "graded": {"reward": "exact"}, "problems": 6, "tries": [1]}
    sources = {"one": {"task": "sums", "level": 1}, "two": {"task": "sums", "level": 2}, "words": "word_problems"}
    return demo_config().replace(
        name="mix",
        model={"device": "cpu"},
        task={"task": "mixture", "tasks": sources},
        rollouts={"problems": 2, "rollouts": 2, "max_tokens": 24},
        training={"steps": 1, "threads": 1, "target_accuracy": None, "max_seconds": None},
        evaluation={"problems": 0},
        exams=[
            {**target, "name": "easy", "asked": {"task": "sums", "level": 1}},
            {**target, "name": "stories", "asked": {"task": "word_problems", "level": 1}},
        ],
    )


def test_sources_are_run_and_the_best_of_every_target_are_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "start_queue", lambda path: None)
    pilots = launch_sources(config(), tmp_path)
    assert pilots.names == ["source-one", "source-two", "source-words"]
    with pytest.raises(ValueError, match="source-one is queued: wait"):
        scores(pilots)
    for run in pilots.runs:
        start(run.directory, Here())  # type: ignore[arg-type]
    table = scores(Experiment(pilots.path))
    assert set(table) == {"easy", "stories"}
    assert set(table["easy"]) == {"one", "two", "words"}
    best = {source for own in table.values() for source in sorted(own, key=lambda each: (-own[each], each))[:1]}
    assert set(mixed(config(), pilots, top=1).task.tasks) == best  # type: ignore[attr-defined]
    assert set(mixed(config(), pilots, top=3).task.tasks) == {"one", "two", "words"}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="has no exam"):
        scores(pilots, "pass@9")
    other = config().replace(task={"task": "mixture", "tasks": {"one": "sums"}})
    with pytest.raises(ValueError, match="not both in the mixture"):
        mixed(other, pilots)


def test_without_sources_or_targets_there_is_nothing_to_choose(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="among the sources of a task `mixture`"):
        launch_sources(config().replace(task="sums"), tmp_path)
    with pytest.raises(ValueError, match="needs a target"):
        launch_sources(config().replace(exams=[]), tmp_path)
