"""The benchmarks' own arithmetic; what they measure is not asserted here."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import common
from benchmarks.league import AGAIN, League
from benchmarks.league_play import Play
from benchmarks.step_vs_trl import Ours
from benchmarks.trl_peer import Setting, Watch, dataset, last_word_is_right
from scripts.sources import ROOT
from workbench.models.load import load_encoder, load_model
from workbench.registry import methods
from workbench.tasks.word_problems import WordProblems


def test_a_benchmark_prints_one_line_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common.publish("example", {"ratio": 2.5}, save=True, folder=tmp_path)
    common.publish("example", {"ratio": 2.0}, save=False, folder=tmp_path)
    kept = (tmp_path / "example.jsonl").read_text(encoding="utf-8").splitlines()
    printed = capsys.readouterr().out.splitlines()
    assert kept == printed[:1]
    line = json.loads(kept[0])
    assert line["ratio"] == 2.5
    assert line["hardware"]["cores"] >= 1
    assert "commit" in line


def test_a_league_with_a_pool_is_another_one_than_the_plays_on_record(tmp_path: Path) -> None:
    old = {**dataclasses.asdict(Play("grpo", 1e-3, 0, 30, tried=64)), "accuracy": 0.9}
    del old["pool"]  # as the first plays were kept
    (tmp_path / "plays.jsonl").write_text(json.dumps(old))
    assert League(tmp_path / "plays.jsonl", 30).found(Play("grpo", 1e-3, 0, 30, tried=64)) == old
    assert League(tmp_path / "plays.jsonl", 30).found(Play("grpo", 1e-3, 0, 30, tried=64, pool=128)) is None
    assert set(AGAIN) <= set(methods())
    config = Play("grpo", 1e-3, 0, 30, held_out=8, pool=12).config()
    assert (config.task.size("train"), config.task.size("test")) == (12, 256)
    story = WordProblems(level=2).problem(3, "test")
    assert story.answer in {config.task.problem(number, "test").answer for number in range(256)}
    assert config.task.problem(5, "train").prompt.strip()


def test_benchmarks_are_found_by_name() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "import_time" in answer.stderr


def test_kept_results_are_json_lines_with_hardware_and_commit() -> None:
    for path in (ROOT / "benchmarks" / "results").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            assert {"benchmark", "commit", "hardware", "time"} <= set(kept), f"{path.name}: {line[:80]}"


def test_turns_alternate() -> None:
    order: list[str] = []

    def contestant(name: str) -> float:
        order.append(name)
        return float(len(order))

    seconds = common.alternate({"a": lambda: contestant("a"), "b": lambda: contestant("b")}, rounds=2)
    assert order == ["a", "b", "a", "b"]
    assert seconds == {"a": [1.0, 3.0], "b": [2.0, 4.0]}


def test_warm_up_is_not_counted_and_the_other_side_gets_every_turn() -> None:
    turns: list[int] = []
    watch = Watch(Setting(task=WordProblems(), warm_up=2, steps=1), turns.append)
    for made in (1, 2, 3):
        watch.begin()
        watch.lengths.extend([10.0 * made, 20.0 * made])
        watch.end(made)
    assert turns == [1, 2, 3]
    assert watch.measured.tokens == [45.0]  # the mean of 30 and 60
    assert len(watch.measured.seconds) == 1


@pytest.mark.parametrize("widths", [[], [33, 34, 35], [33, 1, 34]])
def test_a_peer_without_its_cache_is_refused(widths: list[int]) -> None:
    watch = Watch(Setting(task=WordProblems()), lambda made: None, widths=widths)
    with pytest.raises(ValueError, match="without its cache"):
        watch.check_cache()


def test_a_peer_with_its_cache_is_accepted() -> None:
    Watch(Setting(task=WordProblems()), lambda made: None, widths=[33, 1, 1]).check_cache()


def test_the_peers_reward_reads_the_last_word() -> None:
    assert last_word_is_right(["so answer: 12", "12 or 13", ""], answer=["12", "12", "12"]) == [1.0, 0.0, 0.0]


def test_our_side_of_a_comparison_takes_steps_and_leaves_the_warm_up_out(tmp_path: Path) -> None:
    counts = {"problems": 2, "rollouts": 2, "max_tokens": 4, "warm_up": 1, "steps": 1, "threads": 1}
    ours = Ours(Setting(task=WordProblems(), **counts), tmp_path)
    ours.step(1)
    assert ours.measured.seconds == []
    ours.step(2)
    assert len(ours.measured.seconds) == len(ours.measured.processor) == 1
    assert 0 < ours.measured.tokens[0] <= 4
    assert {"generate", "update", "checkpoint"} <= set(ours.phases)


def test_the_other_side_reads_the_tokens_that_we_read() -> None:
    """Of the embedded model, whose tokenizer adds the first token itself."""
    setting = Setting(task=WordProblems(), problems=2, warm_up=0, steps=1)
    encoder = load_encoder(setting.model, load_model(setting.model))
    rows = dataset(setting, encoder)
    expected = [encoder.prompt(setting.task.problem(number, "train").prompt) for number in (0, 1)]
    assert [tuple(encoder.tokenizer(row["prompt"])["input_ids"]) for row in rows] == expected
