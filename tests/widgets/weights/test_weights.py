"""The heatmap's cells are the tensors' own numbers; what was compared is remembered; a missing checkpoint is said."""

import pytest
import torch

from tests.widgets.fake_run import Shape, make_run
from widgets.weights import data
from widgets.wire import answers, sections
from widgets.wire.payload import unpack
from workbench.analysis.sparsity import change
from workbench.runs.checkpoints.weights import WeightChanges
from workbench.runs.open import open_run


def changed():
    """Two layers of one matrix each, of which the first changed in a quarter of its weights; a norm that did not."""
    start = torch.eye(4)
    delta = torch.zeros(4, 4)
    delta[0] = 0.5
    return WeightChanges(
        0,
        8,
        False,
        (
            change("model.layers.0.mlp.weight", start, delta),
            change("model.layers.1.mlp.weight", start, 2 * start),
            change("model.norm.weight", torch.ones(4), torch.zeros(4)),
        ),
    )


def test_cells_are_the_numbers_of_their_tensors():
    found = data.shown(changed().document())
    first, second, norm = found["cells"]
    assert (found["kinds"], found["layers"], norm["layer"]) == (["mlp", "norm"], [0, 1], None)
    assert first["numbers"]["changed"] == 0.25
    assert first["numbers"]["relative"] == pytest.approx(0.5)
    assert (first["numbers"]["rank"], second["numbers"]["rank"], norm["numbers"]["rank"]) == (0.25, 1.0, None)
    assert norm["numbers"]["changed_bfloat16"] == 0.0
    assert [name for name, *_ in found["measures"]] == list(data.MEASURES)


def test_without_ranks_there_is_nothing_to_colour_by_them():
    bare = WeightChanges(0, 1, False, (change("norm.weight", torch.ones(3), torch.ones(3)),))
    names = [name for name, *_ in data.shown(bare.document())["measures"]]
    assert names == ["changed", "changed_tolerance", "changed_bfloat16", "relative"]


def test_a_comparison_is_remembered_and_the_last_ones_only(tmp_path, monkeypatch):
    run, asked = open_run(make_run(tmp_path / "fake", Shape(steps=1, problems=1, rollouts=2))), []

    def weight_changes(run, start, end, *, ranks):
        asked.append((start, end, ranks))
        return changed()

    class Kept:
        def __init__(self, step):
            self.step = step

    monkeypatch.setattr("workbench.runs.checkpoints.weights.weight_changes", weight_changes)
    monkeypatch.setattr(data, "find_checkpoint", lambda directory, step: Kept(8 if step is None else step))
    monkeypatch.setattr(data, "KNOWN", {})
    for end in (None, 8, *range(100, 120)):
        data.changes(run, 0, end, ranks=True)
    assert len(data.KNOWN) == data.KEPT
    assert asked.count((0, 8, True)) == 1  # None was step 8
    desk = type("Desk", (), {"run": run})
    header, _ = unpack(answers.find("weights").function(desk, {"start": 0, "end": None}))
    assert (header["from"], header["to"], header["total"]["size"]) == (0, 8, 36)


def test_a_run_without_checkpoints_says_so_and_readers_are_not_offered_it(tmp_path):
    run = open_run(make_run(tmp_path / "fake", Shape(steps=1, problems=1, rollouts=2)))
    with pytest.raises(ValueError, match="checkpoint"):
        data.changes(run, 0, 4, ranks=False)
    offered = {each["module"]: each["asks"] for each in sections.listed()}
    assert offered["weights/weights"]
    assert not offered["memory/ledger"]
