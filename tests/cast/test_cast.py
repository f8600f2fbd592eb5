"""The cast in a config, in the forecast, and in a run: who is asked, on record, and again after a resume."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cast.chat_server import KEY, chat_server
from workbench.cast.checkpoint import Checkpoint
from workbench.cast.local import Local
from workbench.cast.scripted import Scripted
from workbench.cli import app
from workbench.config import ConfigError, RunConfig
from workbench.kinds import Reward
from workbench.planning.forecast import forecast
from workbench.rewards.asking import bench_of
from workbench.runs.directory.lines import read_lines
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.replies import questions_of
from workbench.runs.prepare import prepare
from workbench.runs.process.build import build, errors, warnings
from workbench.runs.process.recorder import Recorder, cut_journals
from workbench.types import Asked, Bench, Choose, Problem, Read, Rollout, Say, Score


@dataclass(frozen=True)
class Likes(Reward):
    """Whether somebody says yes of a completion."""

    of: str = "judge"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({self.of})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        bench_of(scorer, self.name)
        asked = [Choose(f"{problem.prompt}\n{each.text}\nGood?", ("yes", "no"), of=self.of) for each in rollouts]
        replies = yield asked
        return [Score(reply.logprobs[0] - reply.logprobs[1]) for reply in replies]


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    Reward.registry["likes"] = Likes
    yield
    Reward.registry.pop("likes", None)


def config(*cast: dict[str, Any], of: str = "judge", **tables: Any) -> RunConfig:
    """A small run whose reward asks."""
    plain: dict[str, Any] = {
        "task": {"task": "sums"},
        "rewards": [{"reward": "exact"}, {"reward": "likes", "of": of, "weight": 0.1}],
        "method": {"method": "grpo"},
        "rollouts": {"problems": 2, "rollouts": 2, "max_tokens": 8},
        "training": {"steps": 1, "threads": 1},
        "evaluation": {"problems": 0},
    }
    return RunConfig(**{**plain, "cast": cast, **tables})


SCRIPTED = {"name": "judge", "member": "scripted", "otherwise": "yes"}


def test_a_cast_goes_through_toml_and_back() -> None:
    made = config(SCRIPTED, {"name": "other", "member": "local", "model": "embedded"})
    assert RunConfig.from_toml(made.to_toml()) == made
    assert made.cast[0].member == Scripted(otherwise="yes")


WRONG: list[tuple[tuple[dict[str, Any], ...], str]] = [
    ((), "rewards: 'judge' is asked, and no member of the cast is called so"),
    ((SCRIPTED, SCRIPTED), "'judge' is another member's name"),
    ((SCRIPTED, {**SCRIPTED, "name": "policy"}), "'policy' is another member's name, or the run's own"),
    (({"name": "judge", "member": "server", "model": "m"},), "JUDGE_ADDRESS is not set"),
    (({"name": "judge", "member": "local", "model": "/nowhere/model"},), "there is no such folder"),
]


@pytest.mark.parametrize(("cast", "told"), WRONG, ids=[told for _, told in WRONG])
def test_mistakes_are_found_before_the_start(cast: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_ADDRESS", raising=False)
    assert any(told in text for text in errors(config(*cast)))


def test_a_member_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="no member is called 'oracle'"):
        config({"name": "judge", "member": "oracle"})
    with pytest.raises(ConfigError, match=r"cast\.0\.name: is missing"):
        config({"member": "scripted"})


def test_the_forecast_counts_a_second_model_and_the_reference() -> None:
    judge = {"name": "judge", "member": "local", "model": "embedded", "device": "cpu"}
    without = forecast(config(SCRIPTED, model={"device": "cpu"}), 2**34)
    found = forecast(config(judge, model={"device": "cpu"}), 2**34)
    assert "cast.judge" in {part.name for part in found.components}
    weights = next(part.bytes for part in found.components if part.name == "weights")
    assert found.peak - without.peak >= weights
    kept = forecast(config(of="reference", model={"device": "cpu"}), 2**34)
    assert kept.peak - without.peak == weights


def test_a_server_makes_a_run_not_repeatable_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_ADDRESS", "http://127.0.0.1:9/v1")
    made = config({"name": "judge", "member": "server", "model": "m"}, {"name": "idle", "member": "scripted"})
    told = warnings(made)
    assert any("cast.judge: the run is not repeatable" in text for text in told)
    assert any("cast.idle: no reward asks it" in text for text in told)
    assert not any("not repeatable" in text for text in warnings(config(SCRIPTED)))


def test_a_scripted_member_prefers_what_it_would_say() -> None:
    speaker = Scripted(replies={"blue": "No, never.", "odd": "perhaps"}, otherwise="yes").open()
    asked = [Choose("red?", ("yes", "no")), Choose("blue?", ("yes", "no")), Choose("odd?", ("yes", "no")), Say("blue")]
    replies = speaker.answer([*asked, Read("a", "b")])
    assert replies[0].logprobs > replies[1].logprobs
    assert "begins with none" in replies[2].fault
    assert replies[3].text == "No, never."
    assert "reads no log-probs" in replies[4].fault
    assert "no reply is scripted" in Scripted().answer([Say("x")])[0].fault


def test_a_local_model_reads_says_and_chooses_and_is_given_texts() -> None:
    speaker = Local(model="embedded", device="cpu").open()
    asked = [Say("What is 3 + 4?", max_tokens=8), Choose("What is 3 + 4?", ("answer: 7", "answer: 8"))]
    said, chosen, read, wrong = speaker.answer([*asked, Read("What is 3 + 4?", "answer: 7"), Read((1, 2), (3,))])
    assert said.text
    assert chosen.logprobs[0] == pytest.approx(sum(read.logprobs), abs=1e-4)
    assert "has another tokenizer" in wrong.fault
    gone = Local(model="/nowhere/model").open().answer([Say("x")])
    assert "cannot be loaded" in gone[0].fault


def directory(path: Path) -> RunDirectory:
    """An empty run directory."""
    return RunDirectory(path / "run").create()


def test_policy_local_scripted_and_server_are_asked_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line of the record, but for who was asked, what came back and how long it took."""
    found = {}
    with chat_server() as (address, _):
        monkeypatch.setenv("JUDGE_ADDRESS", address)
        monkeypatch.setenv("JUDGE_KEY", KEY)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        server = {"name": "judge", "member": "server", "model": "m", "key": "JUDGE_KEY"}
        local = {"name": "judge", "member": "local", "model": "embedded"}
        for name, cast in {"scripted": [SCRIPTED], "server": [server], "local": [local], "policy": []}.items():
            trainer = build(config(*cast, of="policy" if name == "policy" else "judge"))
            step = next(iter(trainer))
            found[name] = step.journal["questions"]
            assert all(parts[1]["value"] == parts[1]["value"] for parts in step.columns["parts"]), name
    changing = ("of", "reply", "seconds")
    plain = {
        name: [{key: value for key, value in line.items() if key not in changing} for line in lines]
        for name, lines in found.items()
    }
    assert plain["scripted"] == plain["server"] == plain["local"] == plain["policy"]


def test_what_a_step_asked_again_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server() as (address, asked):
        monkeypatch.setenv("JUDGE_ADDRESS", address)
        monkeypatch.setenv("JUDGE_KEY", KEY)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        made = config({"name": "judge", "member": "server", "model": "m", "key": "JUDGE_KEY"})
        run = directory(tmp_path)
        first = next(iter(build(made, run)))
        count = len(asked)
        assert count > 0
        again = next(iter(build(made, run)))  # as after a kill before the checkpoint
        assert len(asked) == count
        rewards = [step.columns["reward"] for step in (first, again)]
        assert rewards[0] == rewards[1]
        lines, notes = read_lines(run.replies)
        assert len(lines) == count
        assert notes == []
        assert KEY not in json.dumps(lines)


def test_what_was_asked_is_on_record_and_shown(tmp_path: Path) -> None:
    recorder = Recorder(directory(tmp_path), 1)
    for step in build(config(SCRIPTED)):
        recorder.remember(step.journal)
        recorder.step(step.number, step.metrics)
    recorder.close()
    lines = questions_of(recorder.directory, 1)
    assert {line["of"] for line in lines} == {"judge"}
    assert len(lines) > 0
    shown = CliRunner().invoke(app, ["show", str(recorder.directory.path), "--questions", "1"])
    assert "judge (choose" in shown.output
    assert "Good?" in shown.output
    assert (
        json.loads(
            CliRunner().invoke(app, ["show", str(recorder.directory.path), "--questions", "1", "--json"]).output
        )["questions"]
        == lines
    )
    cut_journals(recorder.directory, 0)
    with pytest.raises(ValueError, match="has no questions on record"):
        questions_of(recorder.directory, 1)


def test_a_checkpoint_of_another_run_is_asked_in_texts(tmp_path: Path) -> None:
    run = directory(tmp_path)
    plain = config(of="policy", model={"device": "cpu"})
    prepare(plain, run, plain.to_toml())
    asked = [Choose("What is 3 + 4?", ("answer: 7", "answer: 8")), Read((1, 2), (3,))]
    chosen, wrong = Checkpoint(run=str(run.path), step=0).open().answer(asked)
    same = Local(model="embedded", device="cpu").open().answer(asked[:1])[0]
    assert chosen.logprobs == pytest.approx(same.logprobs, abs=1e-4)
    assert "has another tokenizer" in wrong.fault
    missing = Checkpoint(run=str(run.path), step=7).open().answer(asked[:1])[0]
    assert "cannot be read" in missing.fault
