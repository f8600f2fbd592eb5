"""A run's model asked again: as of any kept checkpoint, without its method, while its trainer may go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch

from workbench.config import RunConfig
from workbench.models.load import load_policy
from workbench.models.spec import ModelSpec
from workbench.runs.checkpoints import problems
from workbench.runs.checkpoints.available import find_checkpoint
from workbench.runs.checkpoints.snapshot import branch, forget, loaded, snapshot
from workbench.runs.directory.checkpoint import write_last
from workbench.runs.directory.documents import write_document
from workbench.runs.directory.paths import RunDirectory, read_json, write_json
from workbench.runs.directory.record import SCHEMA, read_table
from workbench.runs.open import Run
from workbench.training import checkpoint
from workbench.types import Problem


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    """Nothing is left in memory for the next test."""
    yield
    forget()


def flat(column: pyarrow.ChunkedArray) -> np.ndarray:
    """All entries of a list column; a null is nan."""
    return np.concatenate([np.array(row, dtype=float) for row in column.to_pylist()])


# ------------------------------------------------------------------------------------------- the model


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_policy_before_a_step_is_the_one_that_wrote_its_rollouts(run: Run, step: int) -> None:
    table = read_table(run.file("rollouts", step))
    read = snapshot(run, step - 1).score(table, ["logprob", "entropy", "top_ids"])
    known = ~np.isnan(flat(table["logprob"]))
    for name in ("logprob", "entropy"):
        np.testing.assert_allclose(flat(read[name])[known], flat(table[name])[known], atol=1e-4)
    assert read["top_ids"].type == table["top_ids"].type
    after = snapshot(run, step).score(table, ["logprob"])
    assert np.abs(flat(after["logprob"]) - flat(read["logprob"]))[known].max() > 1e-4  # and not that of the next


def test_the_last_checkpoint_is_meant_where_no_step_is_named(run: Run) -> None:
    assert snapshot(run).step == 3
    assert snapshot(str(run.path)).step == 3
    assert snapshot(run) is snapshot(run, 3)


def test_answers_are_the_same_when_asked_again_and_scored_when_a_problem_was_asked(run: Run) -> None:
    now = snapshot(run, 2)
    problem = now.task.problem(0, "test")
    first, second = now.sample(problem, 4), now.sample(problem, 4)
    assert [one.tokens for one in first] == [one.tokens for one in second]
    assert all(one.reward == one.reward and one.parts["exact"].reason for one in first)
    assert [one.tokens for one in now.sample(problem, 4, seed=1)] != [one.tokens for one in first]
    greedy = now.sample(problem, 2, temperature=0.0)
    assert greedy[0].tokens == greedy[1].tokens
    free = now.sample(problem.prompt, 4)
    assert [one.tokens for one in free] == [one.tokens for one in first]
    assert all(not one.parts and one.reward != one.reward for one in free)


def test_an_answer_goes_on_from_the_beginning_it_is_given(run: Run) -> None:
    now = snapshot(run, 0)
    (answer,) = now.sample(now.task.problem(0, "test"), prefix="I guess it is")
    assert answer.text.startswith("I guess it is")
    given = now.encoder.answer("I guess it is")
    assert tuple(answer.tokens[: len(given)]) == given
    assert answer.trained[: len(given) + 1] == [False] * len(given) + [True]


def test_new_answers_stand_in_a_table_like_recorded_ones(run: Run) -> None:
    now = snapshot(run, 1)
    table = now.table(now.sample(now.task.problem(3, "test"), 3))
    assert [(field.name, field.type) for field in table.schema] == [(field.name, field.type) for field in SCHEMA]
    assert table["step"].to_pylist() == [1, 1, 1]
    assert table["advantage"].null_count == table["lens"].null_count == 3  # nobody learnt from them
    drawn, read = flat(table["engine_logprob"]), flat(table["logprob"])
    np.testing.assert_allclose(drawn, read, atol=1e-4)
    assert len(flat(table["top_probs"])) == 5 * len(read)
    with pytest.raises(ValueError, match="no rollouts to show"):
        now.table([])


def test_reading_leaves_a_run_as_it_is(run: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    threads = torch.get_num_threads()
    branch(run, 2, 0, 1, 30)
    snapshot(run, 0, reference=True).score(read_table(run.file("rollouts", 1)), ["kl", "ref_logprob"])
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    assert torch.get_num_threads() == threads


def test_the_reference_is_the_model_before_training(run: Run) -> None:
    table = read_table(run.file("rollouts", 3))
    now = snapshot(run, 3, reference=True)
    read, base = now.score(table, ["ref_logprob", "kl"]), snapshot(run, 0).score(table, ["logprob"])
    np.testing.assert_allclose(flat(read["ref_logprob"]), flat(base["logprob"]), atol=1e-5)
    assert flat(read["kl"]).max() > 1e-4
    assert now.table(now.sample(now.task.problem(0, "test")))["kl"].null_count == 0
    with pytest.raises(ValueError, match=r"kl: needs the model before training; take snapshot\(…, reference=True\)"):
        snapshot(run, 3).score(table, ["kl"])


def test_an_adapter_is_put_on_its_base(tmp_path: Path) -> None:
    config = RunConfig.load(Path(__file__).parents[3] / "configs" / "embedded-cpu.toml")
    config = config.replace(model={"lora": {"rank": 4}, "linear": "torch"}, training={"threads": 1})
    directory = RunDirectory(tmp_path / "lora").create()
    directory.config.write_text(config.to_toml())
    write_json(directory.resolved, config.resolved())
    policy = load_policy(config.model, seed=config.seed)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.add_(0.02 * torch.randn_like(weight))
    weights = {**policy.trainable(), "head.value.weight": torch.zeros(1)}
    content = {"step": 1, "attempt": 1, "line": {"attempt": 1, "step": 1}}
    write_last(directory, lambda path: checkpoint.write(path, weights, {}), lambda: content, 0)
    now = snapshot(directory.path)
    for name, value in now.trainer.policy.trainable().items():
        torch.testing.assert_close(value, weights[name], atol=0, rtol=0)
    rollouts = now.sample(now.task.problem(0, "test"), 2)
    assert flat(now.table(rollouts)["kl"]).max() > 0  # an adapter's reference is at hand
    base = ModelSpec(**read_json(directory.resolved)["model"])
    assert base.lora is not None


def test_models_stay_loaded_until_another_run_takes_the_folder(run: Run, copy: Run) -> None:
    first = snapshot(copy, 1)
    assert snapshot(copy, 1) is first
    assert loaded.cache_info().maxsize == 2
    content = read_json(copy.directory.resolved)
    write_document(copy.directory.resolved, content)
    assert snapshot(copy, 1) is not first


# ------------------------------------------------------------------------------------------- branches


def test_a_branch_keeps_what_was_before_the_token(run: Run) -> None:
    row = run.rollouts(3).iloc[5]
    at, token = 2, int(row["top_ids"][2 * 5 + 1]) if row["top_ids"][0] == row["top_ids"][0] else 30
    table = branch(run, 3, 5, at, token, n=3)
    assert table.schema.metadata == {b"checkpoint": b"2", b"exact": b"true"}
    assert set(table["tag"].to_pylist()) == {"branch"}
    for tokens, trained in zip(table["token_ids"].to_pylist(), table["trained"].to_pylist(), strict=True):
        assert tokens[: at + 1] == [*row["token_ids"][:at], token]
        assert trained == [place > at for place in range(len(tokens))]
    assert table["problem"].to_pylist() == [row["problem"]] * 3
    assert table["group"].to_pylist() == [row["group"]] * 3
    assert all(reward == reward for reward in table["reward"].to_pylist())
    recorded = row["engine_logprob"][:at]
    np.testing.assert_allclose(table["logprob"].to_pylist()[0][:at], recorded, atol=1e-4)
    again = branch(run, 3, 5, at, token, n=3)
    assert again["token_ids"].equals(table["token_ids"])


def test_a_branch_from_an_earlier_policy_says_so(copy: Run) -> None:
    shutil.rmtree(copy.path / "checkpoints" / "step-000002")
    table = branch(copy, 3, 0, 1, 30, n=1)
    assert table.schema.metadata == {b"checkpoint": b"1", b"exact": b"false"}
    assert table["step"].to_pylist() == [1]
    chosen = branch(copy, 3, 0, 1, 30, n=1, checkpoint=3)
    assert chosen.schema.metadata[b"checkpoint"] == b"3"
    first = branch(copy, 1, 0, 1, 30, n=1)
    assert first.schema.metadata == {b"checkpoint": b"0", b"exact": b"true"}  # the base wrote the first step


def test_a_branch_that_ends_at_once_is_scored_as_it_stands(run: Run) -> None:
    stop = snapshot(run, 0).trainer.stop_tokens[0]
    table = branch(run, 1, 0, 0, stop)
    assert table["token_ids"].to_pylist() == [[stop]]
    assert table["finish"].to_pylist() == ["stop"]
    assert table["correct"].to_pylist() == [0.0]
    assert np.isnan(table["engine_logprob"].to_pylist()[0]).all()  # nobody drew it
    assert table["logprob"].to_pylist()[0][0] < 0


def test_a_problem_that_the_task_does_not_have_is_scored_by_the_answer_on_record(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "ENDLESS", 20)
    now = snapshot(run, 0)
    row = dict(run.rollouts(1).iloc[0])
    row |= {"problem": "made by a controller", "answer": row["text"].rpartition("answer: ")[2]}
    (rollout, *_) = now.branch(row, len(row["token_ids"]) - 1, now.trainer.stop_tokens[0])
    assert rollout.request.problem == Problem("made by a controller", row["prompt"], row["answer"])
    assert rollout.correct == 1.0


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"step": 9}, "has no rollouts of step 9; there are: 1-3"),
        ({"rollout": 99}, "has no rollout 99; there are: 0-15"),
        ({"at": 400}, "at = 400: the rollout's tokens are numbered from 0 to"),
        ({"at": -1}, "at = -1"),
        ({"token": 10_000}, "token = 10000: the model's tokens are numbered from 0 to 447"),
        ({"n": 0}, "n of 1 or more"),
        ({"checkpoint": 8}, "no checkpoint of step 8; there are: 0-3"),
    ],
)
def test_senseless_branches_are_refused(run: Run, place: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        branch(run, **{"step": 2, "rollout": 0, "at": 1, "token": 30, **place})


# ------------------------------------------------------------------------------------------- what there is not


def test_a_step_without_checkpoint_is_refused_with_those_there_are(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no checkpoint of step 7; there are: 0-3 \(0 is the model before"):
        snapshot(run, 7)
    with pytest.raises(ValueError, match=r"has no checkpoint yet; there are: 0 "):
        find_checkpoint(RunDirectory(tmp_path / "fresh").create(), None)


def test_a_run_of_a_later_version_is_refused(copy: Run) -> None:
    write_json(copy.directory.format, {"format": 99, "kind": "run"})
    with pytest.raises(ValueError, match="upgrade rlvr-workbench"):
        snapshot(copy, 1)


def test_a_method_of_nobodys_is_not_needed(copy: Run) -> None:
    content = read_json(copy.directory.resolved)
    content["method"] |= {"key": "of_a_cell", "surrogate": {"piece": "of_a_cell"}, "shaping": [{"piece": "scale"}]}
    write_document(copy.directory.resolved, content)
    copy.directory.config.write_text(copy.directory.config.read_text().replace('"grpo"', '"of_a_cell"'))
    with pytest.raises(ValueError, match="of_a_cell"):
        RunConfig.load(copy.directory.config)
    now = snapshot(copy, 1)
    rewards = {rollout.reward for rollout in now.sample(now.task.problem(0, "test"), 4)}
    assert rewards <= {-1.0, 1.0}  # its shaping is kept: rewards are scaled


def test_weights_of_another_model_are_refused(copy: Run) -> None:
    content = read_json(copy.directory.resolved)
    content["model"]["lora"] = {"rank": 4}
    write_document(copy.directory.resolved, content)
    with pytest.raises(ValueError, match="of another model than its config"):
        snapshot(copy, 1)


def test_a_run_without_its_settings_is_refused(copy: Run) -> None:
    copy.directory.resolved.unlink()
    with pytest.raises(ValueError, match=r"has no resolved\.json that names its method"):
        snapshot(copy, 1)
