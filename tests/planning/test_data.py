"""The data is looked at in tokens before step 1: what the model cannot read is named by line, and nothing starts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.config import ConfigError, RunConfig
from workbench.kinds import Task
from workbench.models.load import text_encoder
from workbench.models.shipped import EMBEDDED_FOLDER
from workbench.models.spec import ModelSpec
from workbench.planning.data import ENDLESS, data_report
from workbench.runs.demo import demo_config
from workbench.runs.launch import launch
from workbench.runs.process.build import errors, warnings
from workbench.types import Problem

GOOD = [{"prompt": f"What is {n} + 1?\n", "answer": n + 1} for n in range(12)]
POSITIONS = 4096  # of the embedded model


def config_of(folder: Path, *more: dict[str, Any], **tables: Any) -> RunConfig:
    """The demonstration on a file of good rows and some others; `x.jsonl`, its rows from line 13 on."""
    path = folder / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*GOOD, *more]), "utf-8")
    task = {"task": "jsonl", "path": str(path), "test_share": 0.0, "shuffle": None, **tables.pop("task", {})}
    rollouts = {"problems": 4, **tables.pop("rollouts", {})}
    training = {"target_accuracy": None}  # there is no evaluation
    return demo_config().replace(task=task, evaluation={"problems": 0}, rollouts=rollouts, training=training, **tables)


def test_good_data_have_no_errors_and_lengths_in_tokens(tmp_path: Path) -> None:
    report = data_report(config_of(tmp_path))
    assert (report.errors, report.warnings) == ((), ())
    lengths = [len(text_encoder(ModelSpec()).prompt(row["prompt"])) for row in GOOD]
    assert (report.longest, report.problems) == (max(lengths), {"train": 12, "test": 0})


@pytest.mark.parametrize("engine", ["local", "generate"])
def test_a_prompt_longer_than_the_model_is_refused_before_the_run(tmp_path: Path, engine: str) -> None:
    long = {"prompt": "1 + " * POSITIONS + "1", "answer": 1}
    config = config_of(tmp_path, long, GOOD[0], {**long, "prompt": long["prompt"] + " "}, rollouts={"engine": engine})
    (error,) = errors(config)
    assert error.startswith(f"{tmp_path / 'x.jsonl'}, line 13: the prompt has ")
    assert f"the model has {POSITIONS:,} positions (2 such: line 13, line 15)" in error
    with pytest.raises(ConfigError, match="line 13: the prompt has"):
        launch(config, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_bound_is_prompt_and_answer_together(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    room = POSITIONS - data_report(config).longest
    assert data_report(config.replace(rollouts={"max_tokens": room})).errors == ()
    assert data_report(config.replace(rollouts={"max_tokens": room + 1})).errors


def test_a_system_prompt_in_the_data_must_be_the_runs(tmp_path: Path) -> None:
    said = {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1?"}], "answer": 1}
    (error,) = errors(config_of(tmp_path, said, said))
    assert "line 13: its messages begin with the system prompt 'Be brief.'; set model.system to that" in error
    assert "(2 such: line 13, line 14)" in error


def with_template(folder: Path, template: str) -> str:
    """The embedded model with another chat template."""
    place = folder / "model"
    place.mkdir()
    for file in EMBEDDED_FOLDER.iterdir():
        if file.is_file():
            (place / file.name).write_bytes(file.read_bytes())
    settings = json.loads((place / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (place / "tokenizer_config.json").write_text(json.dumps(settings))
    (place / "chat_template.jinja").write_text(template)
    return str(place)


TURNS = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"


def test_a_template_without_a_system_role_is_told_before_the_run(tmp_path: Path) -> None:
    model = {"name": with_template(tmp_path, NO_SYSTEM + TURNS), "system": "Be brief."}
    (error,) = errors(config_of(tmp_path, model=model))
    assert error.startswith("model.system = 'Be brief.': the chat template")
    assert error.endswith("refuses it (System role not supported); leave it out, and write it into task.template")


def test_a_template_that_fails_is_told_and_a_mended_one_is_read_again(tmp_path: Path) -> None:
    place = with_template(tmp_path, "{% for m in messages %}{{ m.nothing.there }}{% endfor %}")
    config = config_of(tmp_path, model={"name": place})
    (error,) = errors(config)
    assert error.startswith("model.chat = 'auto': the chat template")
    Path(place, "chat_template.jinja").write_text(TURNS)
    assert errors(config) == []


@pytest.mark.parametrize("opened", [True, False])
def test_a_template_that_opens_the_think_block_and_the_format_reward(tmp_path: Path, opened: bool) -> None:
    place = with_template(tmp_path, TURNS + ("<think>\n" if opened else ""))
    for told in (True, False):
        config = config_of(tmp_path, model={"name": place}).replace(rewards=[{"reward": "format", "opened": told}])
        found = [text for text in warnings(config) if text.startswith("rewards.0: ")]
        assert len(found) == (told != opened)
        assert all(f"set opened = {str(opened).lower()}" in text for text in found)


def test_a_thinking_switch_that_the_template_lacks(tmp_path: Path) -> None:
    plain = config_of(tmp_path, model={"name": with_template(tmp_path, TURNS), "thinking": False})
    assert any(text.startswith("model.thinking = false: ") for text in warnings(plain))
    Path(plain.model.name, "chat_template.jinja").write_text(TURNS + "{% if enable_thinking %}think{% endif %}")
    assert not any(text.startswith("model.thinking") for text in warnings(plain))


def test_tokens_that_the_model_does_not_have(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    place = with_template(tmp_path, TURNS + "<last>")
    vocabulary = json.loads(Path(place, "config.json").read_text())["vocab_size"]
    tokenizer = AutoTokenizer.from_pretrained(place)
    spare = [f"<spare{number}>" for number in range(vocabulary - len(tokenizer))]
    tokenizer.add_special_tokens({"additional_special_tokens": [*spare, "<last>"]})
    tokenizer.save_pretrained(place)
    config = config_of(tmp_path, model={"name": place})
    (error,) = errors(config)
    assert f"line 1: token '<last>' (id {vocabulary}) is not among the {vocabulary:,}" in error


def test_questions_that_repeat_and_special_tokens_are_warned_of(tmp_path: Path) -> None:
    special = next(iter(text_encoder(ModelSpec()).tokenizer.all_special_tokens))
    test = tmp_path / "test.jsonl"
    test.write_text(json.dumps(GOOD[2]) + "\n" + json.dumps({"prompt": "new?", "answer": 1}) + "\n")
    config = config_of(tmp_path, GOOD[0], {"prompt": f"a {special}", "answer": 1}, task={"test_path": str(test)})
    assert errors(config) == []
    told = data_report(config).warnings
    assert any(f"line 13: the same question as {tmp_path / 'x.jsonl'}, line 1" in text for text in told)
    assert any(
        f"{test}, line 1: the same question as {tmp_path / 'x.jsonl'}, line 3, which is trained on" in text
        for text in told
    )
    assert any(f"line 14: the prompt holds the text {special!r}" in text for text in told)
    assert len(told) == 3


@dataclass(frozen=True)
class Odd(Task):
    """A task of a user's that fails at one problem, or holds what no tokenizer reads."""

    half: bool = False

    def problem(self, number: int, split: str) -> Problem:
        if number == 5 and not self.half:
            raise KeyError("gone")
        return Problem(str(number), "half \ud83d" if number == 5 else f"{split} {number}", "1")


def test_a_reference_that_does_not_parse_is_refused_with_its_line(tmp_path: Path) -> None:
    answers = ["4", r"\frac{1}{2}", r"\frac{1}{", "blue", r"1, 3, \ldots, 9", "(0, 1]"]
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"{n}?", "answer": text}) + "\n" for n, text in enumerate(answers)))
    config = RunConfig(task={"task": "jsonl", "path": str(file), "test_share": 0.0}, rewards=["math"], method="grpo",
                       evaluation={"problems": 0})  # fmt: skip
    found = " / ".join(data_report(config).errors)
    assert "rewards.math cannot score it" in found
    assert "line 3" in found
    assert "line 5" in found
    assert not {line for line in ("line 1", "line 2", "line 4", "line 6") if line in found}
    assert not data_report(config.replace(rewards=["exact"])).errors


def test_a_users_own_task_is_looked_at_as_well() -> None:
    config = demo_config()
    (failed,) = errors(config.replace(task=Odd()))
    assert failed == "task odd: its train problem 5 cannot be made (KeyError: 'gone')"
    (half,) = errors(config.replace(task=Odd(half=True)))
    assert half.startswith("odd, test problem 5: the prompt holds half a surrogate pair, U+D83D")
    assert data_report(demo_config()).problems == {"train": ENDLESS, "test": ENDLESS}


def test_the_command_looks_at_the_data(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(config_of(tmp_path).to_toml())
    told = CliRunner().invoke(app, ["check-data", str(good)])
    assert told.exit_code == 0, told.exception
    assert "12 train, 0 test problems" in told.stdout
    assert "no errors" in told.stdout
    bad.write_text(config_of(tmp_path, {"prompt": "x", "answer": ""}).to_toml())
    told = CliRunner().invoke(app, ["check-data", str(bad), "--json"])
    assert told.exit_code == 1
    assert "line 13: answer is empty" in json.loads(told.stdout)["errors"][0]
