"""What a step did: which rollouts were scored again, and the probes before and after it."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.widgets.fake_after import score_again
from tests.widgets.fake_probes import CONFIG, add_probes, score_probes_again
from tests.widgets.fake_run import Shape, make_run
from widgets.recorded.data import RunData
from widgets.step import data
from widgets.wire import answers
from widgets.wire.payload import unpack
from workbench.runs.open import open_run

SHAPE = Shape(steps=8, problems=4, rollouts=6)


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "fake", SHAPE)


def data_of(run):
    return RunData(open_run(run))


def test_only_rollouts_that_were_scored_again_are_sent_with_what_was_asked_and_what_came_of_it(run):
    score_again(run, 3, groups=2)
    header, columns = unpack(data.effect(data_of(run), 3))
    assert {rollout["group"] for rollout in header["rollouts"]} == {0, 1}
    assert (header["groups"], header["all"], header["left_out"]) == (2, 4, 0)
    assert sum(rollout["length"] for rollout in header["rollouts"]) == columns["change"].size
    np.testing.assert_allclose(columns["change"], 10 * columns["lens"], atol=1e-5)
    assert sorted(columns) == ["change", "lens", "tokens", "trained"]
    assert str(columns["tokens"][0]) in header["vocabulary"]


def test_a_run_that_was_not_scored_again_has_nothing_to_tell(run):
    header, columns = unpack(data.effect(data_of(run), 3))
    assert (header["rollouts"], header["groups"], header["all"]) == ([], 0, 4)
    assert "change" not in columns


def test_a_step_too_long_is_told_in_part(run, monkeypatch):
    score_again(run, 3, groups=4)
    lengths = [len(ids) for ids in pq.read_table(run / "rollouts" / "step-000003.parquet")["token_ids"].to_pylist()]
    monkeypatch.setattr(data, "MOST_TOKENS", sum(lengths[:5]))
    header, columns = unpack(data.effect(data_of(run), 3))
    assert (len(header["rollouts"]), header["left_out"]) == (5, len(lengths) - 5)
    assert columns["change"].size == sum(lengths[:5])


def test_a_step_that_was_not_recorded_is_refused_in_words(run):
    with pytest.raises(ValueError, match="step 77 of fake has no recorded rollouts"):
        data.effect(data_of(run), 77)
    assert answers.slow("step")
    assert answers.slow("step_probes")


# ---------------------------------------------------------------------------------------------- probe problems


def test_probes_are_those_of_the_evaluations_around_the_step(run):
    add_probes(run, SHAPE)  # at steps 4 and 8
    found = {step: data.probes(data_of(run), step) for step in (1, 4, 5, 8)}
    around = {step: (told["before"], told["after"]) for step, told in found.items()}
    assert around == {1: (None, 4), 4: (None, 4), 5: (4, 8), 8: (4, 8)}
    assert [each["problem"] for each in found[8]["problems"]] == ["held_out/0", "held_out/1"]
    first = found[8]["problems"][0]
    assert first["before"]["scored"] == 6
    assert 0 <= first["after"]["correct"] <= 6
    assert found[1]["problems"] == []


def test_the_change_of_probes_is_that_of_the_tokens_both_policies_wrote(run):
    add_probes(run, SHAPE)
    old, new = (run / "probes" / f"step-{step:06d}.parquet" for step in (4, 8))
    table = pq.read_table(old)
    rows = table.to_pylist()
    for row in rows:
        row["logprob"] = [value + 0.5 for value in row["logprob"]]
        row["token_ids"] = [*row["token_ids"][:-2], 7, 7]  # they part two tokens before the end
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), new)
    found = data.probes(data_of(run), 8)
    assert found["shared"] == sum(len(row["token_ids"]) - 2 for row in rows)
    assert found["sampled"] == sum(len(row["token_ids"]) for row in rows)
    assert found["drift"] == pytest.approx(0.5, abs=1e-5)
    assert found["moved"] == pytest.approx(0.5, abs=1e-5)


def test_probes_without_log_probs_or_with_other_prompts_say_nothing_of_their_tokens(run):
    add_probes(run, SHAPE)
    new = run / "probes" / "step-000008.parquet"
    table = pq.read_table(run / "probes" / "step-000004.parquet")
    rows = [{**row, "prompt_ids": [1, 2, 3]} for row in table.to_pylist()]
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), new)
    assert data.probes(data_of(run), 8)["moved"] is None
    pq.write_table(table.drop_columns(["logprob"]), new)
    assert data.probes(data_of(run), 8)["shared"] == 0


def test_probes_that_were_scored_again_come_with_what_the_method_would_have_asked_of_them(run):
    score_probes_again(add_probes(run, SHAPE), 4)
    header, columns = unpack(data.probe_effect(data_of(run), 5))
    assert (header["before"], header["after"], header["scored"]) == (4, 8, 5)
    assert (header["method"], header["error"], header["left_out"]) == ("GRPO", "", 0)
    assert sorted(columns) == ["change", "lens", "tokens", "trained"]
    written = pq.read_table(run / "probes" / "step-000004.parquet").to_pylist()
    assert [each["length"] for each in header["rollouts"]] == [len(row["token_ids"]) for row in written]
    assert columns["change"].size == columns["lens"].size == sum(len(row["token_ids"]) for row in written)
    for each in header["rollouts"]:
        own = slice(each["start"], each["start"] + each["length"])
        np.testing.assert_allclose(columns["change"][own], 0.01 if each["correct"] else -0.01, atol=1e-5)
    parted = columns["lens"] != 0  # a group in which all are right, or all wrong, is asked nothing
    assert parted.any()
    np.testing.assert_array_equal(np.sign(columns["lens"][parted]), np.sign(columns["change"][parted]))


def test_probes_were_scored_again_after_the_one_step_that_followed_or_not_at_all(run):
    add_probes(run, SHAPE)
    assert [data.probes(data_of(run), step)["scored"] for step in (1, 4, 5, 8)] == [None] * 4
    score_probes_again(run, 4)
    assert [data.probes(data_of(run), step)["scored"] for step in (1, 4, 5, 8)] == [None, None, 5, 5]
    header, columns = unpack(data.probe_effect(data_of(run), 8))
    assert "rollouts" not in header
    assert columns == {}


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (CONFIG.replace('"grpo"', '"of_a_cell"'), "of_a_cell"),
        (CONFIG.replace('"grpo"', '"grpo_paper"'), "signal ref_logprob was not recorded"),
    ],
)
def test_where_the_method_cannot_say_the_change_is_given_without_it(run, config, error):
    score_probes_again(add_probes(run, SHAPE), 4)
    (run / "config.toml").write_text(config)
    header, columns = unpack(data.probe_effect(data_of(run), 5))
    assert error in header["error"]
    assert "lens" not in columns
    np.testing.assert_allclose(np.abs(columns["change"]), 0.01, atol=1e-5)
