"""miles' parquet columns with the conversations beside them; its pickles are never opened."""

import math
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.runs.exchange.peers import TALK, write_miles
from workbench.runs.exchange.find import import_run
from workbench.runs.exchange.foreign import Options


def sample(index: int, **more: Any) -> dict[str, Any]:
    return {"sample_index": index, "response_length": 3, "total_length": 5, "tokens": [1, 2, 7, 8, 9],
            "loss_mask": [1, 0, 1], "rollout_log_probs": [-0.5, 0.0, -0.25], **more}  # fmt: skip


def said(index: int, group: int, reward: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "2+2?"}, *TALK]
    return {"sample_index": index, "group_index": group, "status": "completed", "reward": reward, "prompt": "2+2?",
            "messages": messages, **more}  # fmt: skip


def test_columns_and_conversations_are_one_run(tmp_path: Path) -> None:
    rows = [sample(4), sample(5, loss_mask=None, rollout_log_probs=None)]
    folder = write_miles(tmp_path / "dump", 3, rows, [said(4, 0, 1.0), said(5, 1, 0.0, status="truncated")])
    (folder / "rollout_data").mkdir()
    (folder / "rollout_data" / "3.pt").write_bytes(b"no pickle")
    (folder / "tokenizer").mkdir()
    options = Options()
    run = import_run(folder, tmp_path / "runs", options=options)
    frame = run.rollouts(3)
    assert frame["prompt_ids"][0].tolist() == [1, 2]
    assert [each.tolist() for each in frame["token_ids"]] == [[7, 8, 9]] * 2
    assert [each.tolist() for each in frame["trained"]] == [[True, False, True], [True] * 3]
    assert numpy.allclose(frame["engine_logprob"][0], [-0.5, math.nan, -0.25], equal_nan=True)
    assert frame["engine_logprob"][1] is None
    assert frame["reward"].tolist() == [1.0, 0.0]
    assert frame["group"].tolist() == [0, 1]
    assert frame["finish"].tolist() == ["stop", "length"]
    assert frame["prompt"].tolist() == ["2+2?"] * 2
    assert '"name": "add"' in frame["text"][0]
    assert options.notes == [
        f"the run's tokenizer is there: --tokenizer {folder / 'tokenizer'} shows its tokens as text"
    ]


def test_without_conversations_rewards_are_missing_and_that_is_told(tmp_path: Path) -> None:
    folder = write_miles(tmp_path / "dump", 0, [sample(0), sample(1)], [])
    write_miles(tmp_path / "dump", 1, [sample(2)], [said(2, 1, {"a": 1.0})])
    options = Options()
    run = import_run(folder, tmp_path / "runs", options=options)
    assert run.steps() == [0, 1]
    assert all(math.isnan(value) for value in run.rollouts()["reward"])
    assert run.rollouts(0)["group"].tolist() == [0, 0]
    assert options.notes == [
        "2 samples have no line in trajectory/: their rewards and groups stand in pickles, which are not read"
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"response_length": 9}, r"rollout_0.parquet, row 0: 9 tokens of response, of 5 in all, and 3 in its mask"),
        ({"loss_mask": [1]}, "1 in its mask do not fit; copy the file again"),
    ],
)
def test_columns_that_do_not_fit_are_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    folder = write_miles(tmp_path / "dump", 0, [sample(0, **change)], [])
    with pytest.raises(ValueError, match=told):
        import_run(folder, tmp_path / "runs")


def test_a_half_written_file_is_named(tmp_path: Path) -> None:
    folder = write_miles(tmp_path / "dump", 0, [sample(0)], [])
    path = folder / "dashboard_columns" / "rollout_0.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"rollout_0.parquet cannot be read"):
        import_run(folder, tmp_path / "runs")
