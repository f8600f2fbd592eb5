"""The playground without a browser: pushes of changed methods, rewards as somebody wants them, what fails and why."""

import json
import re

import numpy as np
import pytest
from traitlets import TraitError

from tests.widgets.fake_run import Shape, make_run, small_run
from widgets.form.spec import Spec
from widgets.lens.fields import SLOTS, card, edited, method_of, place_of, span
from widgets.playground.playground import Playground
from widgets.tokens.snapshot import MOST_TOKENS
from widgets.wire.asked import answered
from widgets.wire.payload import unpack
from workbench import registry
from workbench.cells import method
from workbench.ops import spread
from workbench.piece import schema
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.runs.replay import Replay
from workbench.types import Batch, PerToken


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def play(run):
    shown = Playground(run, step=5)
    yield shown
    shown.close()


@pytest.fixture
def forgetful(monkeypatch):
    """A registry that forgets afterwards what a test entered."""
    monkeypatch.setattr(registry, "METHODS", registry.Methods(registry.methods()))
    monkeypatch.setattr(registry, "HOMES", dict(registry.HOMES))


def ask(play, methods, rewards=None):
    """What the kernel answers to a replay."""
    place = {"step": play.step, "group": play.group}
    return unpack(answered(play, {"kind": "replay", **place, "methods": methods, "rewards": rewards or {}}))


def test_pushes_are_those_of_a_replay_of_the_changed_method(play, run):
    changed = {"method": "gspo", "surrogate": {"low": 0.5, "high": 0.5}}
    header, columns = ask(play, [{"method": "gspo"}, changed])
    replay = Replay.of(run, 5, play.group)
    np.testing.assert_array_equal(columns["weight.0"], replay.push(find_method("gspo")))
    np.testing.assert_array_equal(columns["weight.1"], replay.push(method_of(changed)))
    assert not np.array_equal(columns["weight.0"], columns["weight.1"])
    assert [line["edited"] for line in header["methods"]] == ["", "low 0.5, high 0.5"]


def test_numbers_of_a_line_worked_by_hand(play):
    header, columns = ask(play, [{"method": "grpo"}, {"method": "gspo"}])
    first, second = columns["weight.0"].astype(float), columns["weight.1"].astype(float)
    line = header["methods"][1]
    assert line["cosine"] == pytest.approx(first @ second / np.sqrt((first @ first) * (second @ second)))
    assert line["nonzero"] == pytest.approx(np.count_nonzero(second) / len(second))
    assert line["up"] == pytest.approx(second[second > 0].sum())
    assert line["down"] == pytest.approx(second[second < 0].sum())
    assert header["methods"][0]["cosine"] == pytest.approx(1.0)


def test_a_reward_that_is_set_moves_the_advantages_and_back(play):
    before = ask(play, [{"method": "grpo"}])[1]["advantage.0"]
    number = ask(play, [])[0]["readable"][0]
    recorded = unpack(play.data.group(play.step, play.group))[0]["rollouts"][0]
    after = ask(play, [{"method": "grpo"}], {str(number): 1.0 - recorded["reward"]})[1]["advantage.0"]
    assert np.sign(after[0]) == -np.sign(before[0])
    np.testing.assert_array_equal(ask(play, [{"method": "grpo"}])[1]["advantage.0"], before)


def test_missing_signals_wrong_values_and_nan_are_told_in_words(play, forgetful):
    @method("unlucky")
    def advantage(batch: Batch, at: float = 5.0) -> PerToken:
        value = batch.reward if batch.step != at else batch.reward / 0.0
        return spread(value, batch.mask)

    @method("broken")
    def other(batch: Batch, at: float = 5.0) -> PerToken:
        assert batch.step != at, "not this one"
        return spread(batch.reward, batch.mask)

    wrong = {"method": "grpo", "surrogate": {"low": -1.0}}
    entries = [{"method": key} for key in ("grpo_paper", "unlucky", "broken", "nobody")] + [wrong, {"method": "grpo"}]
    header, columns = ask(play, entries)
    told = [line["error"] for line in header["methods"]]
    assert "ref_logprob" in told[0]
    assert re.match(r"its gradient is nan or infinite on \d+ of \d+ tokens\. ", told[1])
    assert "AssertionError: not this one" in told[2]
    assert "no method is called 'nobody'" in told[3]
    assert "clip.low = -1.0" in told[4]
    assert told[5] is None
    assert sorted(columns) == ["advantage.5", "weight.5"]
    assert header["methods"][5]["cosine"] is None  # there is nothing to be like


def test_a_method_of_the_same_key_that_a_cell_wrote_anew_is_asked_anew(play, forgetful):
    def write(part):
        @method("mine")
        def advantage(batch: Batch) -> PerToken:
            return spread(part * batch.reward, batch.mask)

    for part in (1.0, 3.0):
        write(part)
        assert np.nanmax(ask(play, [{"method": "mine"}])[1]["advantage.0"]) == part


def test_news_of_the_registry_is_pushed_after_a_cell(play, forgetful):
    heard = []
    play.known = dict(registry.METHODS)
    play.observe(lambda change: heard.append(unpack(change["new"][4:])[0]["kind"]), "answer")
    play.check_registry()
    registry.enter("newest", find_method("grpo"), "__main__")
    play.check_registry()
    play.check_registry()
    assert heard == ["registry"]


def test_every_method_has_a_card_that_can_be_sent_and_sliders_that_have_two_ends():
    for key in registry.methods():
        found = card({"method": key})
        json.dumps(found, allow_nan=False)
        for field in found["fields"]:
            if field["kind"] in ("number", "whole"):
                assert field["low"] < field["high"]
            assert field["help"], f"{key} {field['piece']}.{field['name']}"


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        (0.2, {"low": 0.002, "high": 20.0, "log": True, "zero": True}),
        (3e-4, {"low": 3e-6, "high": 1.0, "log": True, "zero": True}),
        (0.0, {"low": 0.01, "high": 100.0, "log": True, "zero": True}),
    ],
)
def test_an_open_end_lies_around_the_methods_own_value(value, ends):
    spec = Spec.of("low", schema(Clip).model_fields["low"])
    assert span(spec, value) == pytest.approx(ends)


def test_a_card_tells_what_is_changed():
    entry = {"method": "grpo", "surrogate": {"low": 0.4}}
    low = next(field for field in card(entry)["fields"] if field["name"] == "low")
    assert (low["value"], low["usual"]) == (0.4, 0.2)
    assert edited(method_of(entry)) == "low 0.4"
    assert edited(method_of({"method": "grpo", "surrogate": "cispo"})) == "surrogate cispo"


def test_every_field_of_every_method_has_a_control_that_leads_back_to_the_same_method():
    for key in registry.methods():
        method = method_of({"method": key})
        places = {tuple(field["path"]) for field in card({"method": key})["fields"]}
        for slot, piece in method.pieces():
            if slot.split(".")[0] in SLOTS:
                wanted = {(*place_of(slot), name) for name in piece.fields()}
                assert wanted <= places, f"{key}: {wanted - places}"


def test_pieces_inside_a_piece_are_chosen_by_name_and_have_their_own_fields():
    found = {tuple(each["path"]): each for each in card({"method": "temporal_schedule"})["fields"]}
    inner = found["reduction", "left_out"]
    assert (inner["kind"], inner["value"], inner["optional"]) == ("piece", "fading", False)
    assert inner["choices"] == ["fading"]
    assert found["reduction", "left_out", "end"]["kind"] == "number"
    entry = {"method": "ppo", "regularisers": [{"piece": "value_loss", "reduction": {"piece": "sequence_mean"}}]}
    nested = next(each for each in card(entry)["fields"] if each["path"] == ["regularisers", 0, "reduction"])
    assert (nested["value"], nested["usual"], nested["optional"]) == ("sequence_mean", "token_mean", True)


def test_text_has_a_box_and_every_slot_a_menu_of_pieces_that_stand_by_themselves():
    fields = card({"method": "cepo"})["fields"]
    wording = next(each for each in fields if each["name"] == "wording")
    assert wording["kind"] == "text"
    assert wording["value"] == " {answer}"
    menus = {tuple(each["path"]): each for each in card({"method": "grpo"})["fields"] if len(each["path"]) < 3}
    assert "cispo" in menus["surrogate",]["choices"]
    assert "survivors" not in menus["reduction",]["choices"]  # what it counts within has to be given
    assert menus["correction",]["optional"]
    assert not menus["surrogate",]["optional"]
    more = menus["regularisers", len(method_of({"method": "grpo"}).regularisers)]
    assert (more["value"], more["piece"]) == (None, "add one")


def test_what_a_method_changes_against_grpo_comes_first():
    assert {field["piece"] for field in card({"method": "dr_grpo"})["fields"][:3]} >= {"fixed_length"}
    assert [field["name"] for field in card({"method": "gspo"})["fields"][:2]] == ["low", "high"]


def test_traits_can_be_set_and_are_checked(play):
    play.methods = ["dapo", {"method": "gspo", "surrogate": {"low": 0.1}}]
    assert play.methods[0] == {"method": "dapo"}
    play.rewards = {"3": 1}
    assert play.rewards == {3: 1.0}
    with pytest.raises(TraitError, match="methods"):
        play.methods = []
    with pytest.raises(ValueError, match=r"rewards\[3\] = nan: give a number"):
        play.rewards = {3: float("nan")}


def test_what_is_not_there_is_named_at_once(run):
    with pytest.raises(ValueError, match="no method is called 'grpoo'"):
        Playground(run, methods=["grpoo"])
    with pytest.raises(ValueError, match="step 5 has no group 77"):
        Playground(run, step=5, group=77)
    with pytest.raises(ValueError, match="did not read rollout 999"):
        Playground(run, step=5, rewards={999: 1.0})


def test_a_run_without_rollouts_yet_waits(tmp_path):
    path = make_run(tmp_path / "young", Shape(steps=1, problems=1, rollouts=2))
    for file in (path / "rollouts").iterdir():
        file.unlink()
    play = Playground(path)
    assert play.step is None
    assert "No rollouts" in play._repr_mimebundle_()[0]["text/html"]
    play.close()


def test_a_saved_notebook_shows_a_table_without_scripts(run):
    play = Playground(run, step=5, methods=["grpo", "gspo", "grpo_paper"])
    picture = play._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in picture
    assert picture.count("rgba(") > 20
    assert all(word in picture for word in ("GSPO", "ref_logprob"))
    assert len(picture) < 4 * MOST_TOKENS * 3 * 130
    play.close()
