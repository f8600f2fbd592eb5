"""Payloads: what was recorded arrives whole, what was not is missing, never zero."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models

from tests.widgets.fake_run import small_run
from widgets.recorded.data import RunData, group_parts, per_token
from widgets.recorded.groups import first_choice, has_variance
from widgets.recorded.vocabulary import Vocabulary
from widgets.wire.payload import pack, rounded, unpack
from workbench.runs.demo import demo_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def data(run):
    return RunData(run)


def test_columns_keep_type_and_missing_numbers():
    given = {
        "a": np.array([1.5, np.nan]),
        "b": np.array([3, -1]),
        "c": np.array([True, False, True]),
        "d": np.array([2.0]),
    }
    header, columns = unpack(pack({"text": "ä"}, given))
    assert header == {"text": "ä"}
    np.testing.assert_array_equal(columns["a"], np.array([1.5, np.nan], "f4"))
    assert columns["b"].tolist() == [3, -1]
    assert columns["c"].tolist() == [1, 0, 1]
    assert columns["d"].tolist() == [2.0]


def test_a_column_of_texts_is_refused():
    with pytest.raises(ValueError, match="cannot be sent"):
        pack({}, {"names": np.array(["a"])})


def test_rounding_keeps_three_digits_sign_and_missing():
    values = np.array([1.2345678, -1e-5, 0.0, np.nan, 3e4])
    found = rounded(values)
    np.testing.assert_allclose(found[[0, 1, 2, 4]], values[[0, 1, 2, 4]], rtol=5e-4)
    assert np.isnan(found[3])


def test_a_group_arrives_as_it_was_recorded(run, data):
    frame = run.rollouts(3)
    rows = frame[frame.group == 2].sort_values("rollout")
    header, columns = unpack(data.group(3, 2))
    assert [rollout["rollout"] for rollout in header["rollouts"]] == rows.rollout.tolist()
    assert columns["tokens"].tolist() == [token for row in rows.token_ids for token in row]
    for name in ("advantage", "lens", "entropy", "engine_logprob"):
        np.testing.assert_allclose(columns[name], np.concatenate(rows[name].to_list()), rtol=1e-6)
    change = np.concatenate(rows.logprob.to_list()) - np.concatenate(rows.old_logprob.to_list())
    np.testing.assert_allclose(columns["ratio"], np.exp(change), rtol=1e-5)
    assert columns["top_ids"].size == 5 * columns["tokens"].size


def test_what_was_not_recorded_is_absent_and_unscored_is_none(data):
    header, columns = unpack(data.group(3, 2))
    assert "kl" not in columns
    assert "ref_logprob" not in header["signals"]
    assert header["rollouts"][1]["reward"] is None
    assert header["rollouts"][1]["parts"][0]["value"] is None


def test_rollouts_that_no_update_read_are_missing_not_zero(tmp_path, run):
    table = pq.read_table(run.file("rollouts", 3)).to_pylist()
    for row in table[:2]:
        row["advantage"], row["top_ids"] = None, [None] * len(row["top_ids"])
    small = pa.Table.from_pylist(table, schema=pq.read_schema(run.file("rollouts", 3)))
    counts = [len(row["token_ids"]) for row in table]
    _, columns = group_parts(small, None)
    assert np.isnan(columns["advantage"][: sum(counts[:2])]).all()
    assert np.isfinite(columns["advantage"][sum(counts[:2]) :]).all()
    assert (columns["top_ids"][: 5 * sum(counts[:2])] == -1).all()
    assert (columns["top_ids"][5 * sum(counts[:2]) :] >= 0).all()


def changed_table(run, **columns):
    """The rollouts of a step with other columns, given as functions of a row."""
    path = run.file("rollouts", 3)
    rows = [{**row, **{name: make(row) for name, make in columns.items()}} for row in pq.read_table(path).to_pylist()]
    schema = pq.read_schema(path)
    for name in columns:
        if name not in schema.names:
            kind = pa.list_(pa.float32()) if isinstance(rows[0][name], list) else pa.float32()
            schema = schema.append(pa.field(name, kind))
    return pa.Table.from_pylist(rows, schema=schema)


def test_what_the_step_did_is_the_difference_of_log_probs_where_it_was_scored_again(run):
    def after(row):
        return [value + 0.25 for value in row["logprob"]] if row["rollout"] < 2 else [None] * len(row["logprob"])

    table = changed_table(run, after_logprob=after)
    header, columns = group_parts(table, None)
    again = sum(len(row["token_ids"]) for row in table.to_pylist()[:2])
    np.testing.assert_allclose(columns["change"][:again], 0.25, atol=1e-6)
    assert np.isnan(columns["change"][again:]).all()
    assert "change" in header["signals"]


def test_a_token_is_clipped_where_an_advantage_pushes_nothing(run):
    table = changed_table(
        run,
        advantage=lambda row: [float(row["rollout"] > 0)] * len(row["token_ids"]),
        lens=lambda row: [0.0, *[0.1] * (len(row["token_ids"]) - 1)],
    )
    header, columns = group_parts(table, None)
    first, second = header["rollouts"][:2]
    assert np.isnan(columns["clipped"][: first["length"]]).all()  # nothing was wanted of it
    assert columns["clipped"][second["start"] : second["start"] + second["length"]].tolist() == [
        1.0, *[0.0] * (second["length"] - 1)]  # fmt: skip


def test_what_a_pruner_thought_of_a_rollout_is_shown_on_its_tokens(run):
    table = changed_table(run, posterior=lambda row: 0.75 if row["rollout"] == 1 else None)
    header, columns = group_parts(table, None)
    second = header["rollouts"][1]
    known = np.isfinite(columns["posterior"])
    assert known.sum() == second["length"]
    assert second["posterior"] == 0.75
    assert header["rollouts"][0]["posterior"] is None
    assert "survival" not in columns


def test_a_list_that_is_too_short_is_refused():
    table = pa.table({"token_ids": [[1, 2]], "entropy": [[0.5]]})
    with pytest.raises(ValueError, match="entropy"):
        per_token(table, "entropy")


def test_tokens_join_to_the_recorded_text(data):
    header, columns = unpack(data.group(3, 0))
    rollout = header["rollouts"][0]
    ids = columns["tokens"][rollout["start"] : rollout["start"] + rollout["length"]]
    text = "".join(header["vocabulary"][str(token)][0] for token in ids)
    assert text.startswith(("Start with", "Answer:"))
    assert text.endswith("<|end|>")


def test_the_board_names_every_group_with_its_outcomes(data):
    board = data.board(8)
    assert [len(entry["rollouts"]) for entry in board["groups"]] == [6] * 4
    assert not has_variance(board["groups"][0])
    assert first_choice(board["groups"]) is not board["groups"][0]
    assert "<|user|>" not in board["groups"][0]["question"]


def test_groups_that_a_filter_removed_come_last_and_are_never_shown_first(tmp_path):
    run = small_run(tmp_path)
    path = run.path / "rollouts" / "step-000003.parquet"
    table = pq.read_table(path)
    reasons = ["filtered" if group < 2 else None for group in table.column("group").to_pylist()]
    reasons[0] = "pruned"
    pq.write_table(table.append_column("excluded", pa.array(reasons, pa.string())), path)
    (run.path / "resolved.json").write_text(
        json.dumps({"method": {"key": "dapo", "filters": [{"piece": "dynamic_sampling", "rounds": 9}]}})
    )
    board = RunData(run).board(3)
    assert [entry["group"] for entry in board["groups"]] == [2, 3, 0, 1]
    assert [entry["excluded"] for entry in board["groups"]] == [None, None, "filtered", "filtered"]
    assert board["filters"] == ["dynamic_sampling"]
    assert first_choice(board["groups"])["group"] in (2, 3)


@pytest.mark.parametrize(
    ("record", "evaluation", "known"),
    [({"after": 0}, {}, False), ({"after": 2}, {}, True), ({"after": 0}, {"probes": 2}, True)],
)
def test_the_board_says_whether_the_effect_of_a_step_can_be_shown(run, monkeypatch, record, evaluation, known):
    data = RunData(run)
    monkeypatch.setattr(data, "config", lambda: {"record": record, "evaluation": evaluation})
    assert data.board(3)["effect"] is known


def test_the_demonstrations_record_the_effect_of_their_steps_and_track_problems():
    for real in (False, True):
        config = demo_config(real)
        assert config.record.after > 0
        assert config.evaluation.probes > 0


def test_a_run_without_the_column_excludes_no_group(data):
    assert {entry["excluded"] for entry in data.board(3)["groups"]} == {None}


def test_a_step_or_group_that_is_not_there_is_named(data):
    with pytest.raises(ValueError, match="recorded steps: 1 to 8"):
        data.board(99)
    with pytest.raises(ValueError, match="no group 77"):
        data.group(3, 77)


def test_long_curves_are_thinned_and_end_with_the_newest_point(data, monkeypatch):
    frame = pd.DataFrame({"step": range(10_001), "reward": np.linspace(0, 1, 10_001)})
    monkeypatch.setattr(type(data.run), "metrics", lambda self: frame)
    _, columns = unpack(data.metrics())
    assert columns["step"].size <= 4_001
    assert columns["step"][-1] == 10_000


def test_metrics_carry_events_and_steps(data):
    header, columns = unpack(data.metrics())
    assert header["index"]["steps"] == list(range(1, 9))
    assert header["events"][0]["kind"] == "set"
    assert np.isnan(columns["accuracy"][1])
    assert columns["accuracy"][0] == pytest.approx(0.41)


def test_part_of_a_character_shows_its_bytes(run):
    vocabulary = Vocabulary(Tokenizer.from_file(str(run.path / "tokenizer" / "tokenizer.json")))
    euro = vocabulary.tokenizer.encode("€").ids
    shown = [vocabulary.entry(token) for token in euro]
    if len(euro) == 1:
        assert shown[0][0] == "€"
    alphabet = {piece: token for piece, token in vocabulary.tokenizer.get_vocab().items() if len(piece) == 1}
    assert vocabulary.entry(alphabet["â"]) == ["⟨E2⟩", 0, "e2"]


def test_special_tokens_are_marked_and_unknown_ids_said(run):
    vocabulary = Vocabulary.load(run.path / "tokenizer")
    assert vocabulary.entry(0) == ["<|end|>", 1]
    assert vocabulary.entry(10**6) == ["⟨no token 1000000⟩", 1]
    assert Vocabulary.load(run.path) is None


def test_byte_fallback_and_sentencepiece_spaces():
    tokenizer = Tokenizer(models.WordLevel({"▁is": 0, "<0xE2>": 1, "x": 2}, unk_token="x"))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    vocabulary = Vocabulary(tokenizer)
    assert [vocabulary.entry(token) for token in range(3)] == [[" is", 0], ["⟨E2⟩", 0, "e2"], ["x", 0]]
