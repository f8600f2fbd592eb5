"""What the form says beyond its fields: sample problems, rewards tried on a text, the plan; slow answers come later."""

import asyncio
import dataclasses
import json
import threading

import pytest

from widgets.form.desk import Desk
from widgets.form.editor import editor
from widgets.setup import plan as plan_module
from widgets.setup import review as review_module
from widgets.setup.draft import tables_of
from widgets.setup.plan import Plan, memory_bar
from widgets.setup.review import Earlier, Review, earlier_of, remedy_of, review
from widgets.setup.samples import sample_problems, try_text
from workbench.planning.forecast import forecast
from workbench.planning.measure import Timing
from workbench.runs.demo import demo_config


@pytest.fixture(scope="module", autouse=True)
def config():
    """Made for every test: a form has a config, and with it the registries are read."""
    return demo_config().replace(training={"steps": 2}, evaluation={"problems": 16})


@pytest.fixture
def desk():
    return Desk(lambda: None, editor)


# ------------------------------------------------------------------ samples and trial


def test_three_sample_problems_or_why_there_are_none(tmp_path):
    assert len(sample_problems({"piece": "word_problems"})) == 3
    assert "no such file" in sample_problems({"piece": "jsonl", "path": str(tmp_path / "none.jsonl")})
    assert "no task is called" in sample_problems({"piece": "riddles"})
    (tmp_path / "one.jsonl").write_text('{"prompt": "<b>1 + 1</b>", "answer": "2"}\n{"prompt": "2", "answer": "2"}\n')
    assert len(sample_problems({"piece": "jsonl", "path": str(tmp_path / "one.jsonl")})) == 1


def test_a_text_is_scored_by_the_real_rewards():
    task = {"piece": "word_problems"}
    rewards = [{"piece": "exact"}, {"piece": "format", "weight": 0.5, "pattern": "answer.*"}]
    right = sample_problems(task)[0].answer
    assert "matches" in try_text((task, rewards, f"answer: {right}"))
    assert "<b>1.5</b>" in try_text((task, rewards, f"answer: {right}"))
    assert "expected" in try_text((task, rewards, "answer: 1e9"))
    assert "<script>" not in try_text((task, rewards, "answer: <script>"))
    assert "two rewards are called" in try_text((task, [{"piece": "exact"}, {"piece": "exact"}], "x"))
    assert "Unscored" in try_text((task, [{"piece": "exact", "marker": ""}], "x"))


# ------------------------------------------------------------------ review and plan


def test_a_review_knows_memory_disk_and_no_time_yet(config, tmp_path):
    found = review(tables_of(config), tmp_path)
    assert found.config == config
    assert not found.errors
    assert found.forecast.fit == "fits"
    assert found.earlier.seconds is None
    assert found.earlier.accuracy == pytest.approx(0.403)


def test_a_review_of_a_wrong_draft_names_every_mistake(config, tmp_path):
    tables = tables_of(config)
    tables["record"]["every"] = "x"
    tables["training"]["warmup"] = 9
    found = review(tables, tmp_path)
    assert found.config is None
    assert {error.split(" = ")[0] for error in found.errors} == {"record.every", "training.warmup"}


def test_time_and_rate_come_from_a_like_run(config, tmp_path):
    run = tmp_path / "before"
    run.mkdir()
    (run / "format.json").write_text('{"format": 1, "kind": "run"}')
    (run / "status.json").write_text('{"typical": 2.5}')
    (run / "metrics.jsonl").write_text('{"step": 0, "accuracy": 0.25}\n')
    (run / "resolved.json").write_text(json.dumps(config.resolved()))
    found = earlier_of(config, tmp_path)
    assert (found.seconds, found.run, found.accuracy) == (2.5, "before", 0.25)
    other = earlier_of(config.replace(rollouts={"rollouts": 4}), tmp_path)
    assert (other.seconds, other.accuracy) == (None, 0.25)


def planned(config, memory):
    """A review as on a device with so many bytes."""
    found = forecast(config, memory=memory)
    remedy = ("training.micro_batch = 64", config.replace(training={"micro_batch": 64}))
    return Review(config, (), ("a <b>warning</b>",), found, "", remedy if found.fit != "fits" else None)


def test_the_plan_offers_the_change_that_makes_it_fit(desk, config):
    taken = []
    plan = Plan(desk, taken.append)
    plan.show(planned(config, 10**12))
    assert "wf-fit-fits" in plan.memory.value
    assert plan.remedy not in plan.widget.children
    plan.show(planned(config, 10**6))
    assert "wf-fit-does-not-fit" in plan.memory.value
    plan.remedy.click()
    assert taken[0].training.micro_batch == 64
    assert "&lt;b&gt;" in plan.facts.value


def test_the_remedy_makes_it_fit(config):
    tight = forecast(config, memory=int(0.9 * forecast(config).peak))
    assert tight.fit == "does not fit"
    text, changed = remedy_of(config, tight)
    assert text.startswith("training.micro_batch")
    assert forecast(changed, memory=tight.free).fit == "fits"


def test_the_bar_adds_up_to_the_peak(config):
    found = planned(config, 10**12)
    assert memory_bar(found).count('<span class="wf-m') >= 2
    assert "by component" in memory_bar(found)


TIMING = Timing(4.0, {"rollouts": 1.0}, 0.5, 2.0, 1.5, 2, 24.0, 4096, 96, 96, "3 whole steps")


def test_the_time_is_measured_at_a_click_and_shown_while_it_is_true(desk, config, monkeypatch):
    asked = []

    def measured(config):
        asked.append(config)
        return TIMING

    monkeypatch.setattr(plan_module, "measure", measured)
    plan = Plan(desk, print)
    assert plan.measure.disabled
    plan.show(planned(config, 10**12))
    assert "not measured yet" in plan.facts.value
    plan.measure.click()
    assert asked == [config]
    assert "0.5 s a step (2 s if every answer had 96 tokens); about 1 s for 2 steps" in plan.facts.value
    plan.show(planned(config.replace(training={"steps": 400}), 10**12))
    assert "about 3.3 minutes for 400 steps" in plan.facts.value
    plan.show(planned(config.replace(rollouts={"rollouts": 4}), 10**12))
    assert "not measured yet" in plan.facts.value
    assert not plan.measure.disabled
    plan.show(planned(config, 10**6))
    assert plan.measure.disabled  # what does not fit is not tried


def test_the_accuracy_of_another_model_is_forgotten(desk, config):
    plan = Plan(desk, print)
    known = dataclasses.replace(planned(config, 10**12), earlier=Earlier(accuracy=0.4, source="The embedded model"))
    plan.show(known)
    assert plan.rate.value == 0.4
    plan.rate.value = 0.9  # a person moves it
    plan.show(known)
    assert plan.rate.value == 0.9
    other = config.replace(task={"task": "two_numbers"}, rewards=[{"reward": "math"}])
    plan.show(dataclasses.replace(planned(config, 10**12), config=other))
    assert plan.rate.value == 0.5
    assert "Not known of this model on this task" in plan.variance.value


def test_measuring_shows_completions_and_takes_their_accuracy(desk, config, monkeypatch):
    said = [
        {
            "prompt": "<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n",
            "text": "<b>3</b>",
            "answer": "2",
            "correct": 0.0,
            "finish": "stop",
        },
        {"prompt": "What is 1 + 1?", "text": "", "answer": "2", "correct": None, "finish": "length"},
    ]
    found = dataclasses.replace(TIMING, answers=said)
    monkeypatch.setattr(plan_module, "measure", lambda config: found)
    plan = Plan(desk, print)
    plan.show(planned(config, 10**12))
    assert plan.sampled.value == ""
    plan.measure.click()
    assert "What is 1 + 1? <b>2</b>" in plan.sampled.value
    assert "im_start" not in plan.sampled.value
    assert "✗</span> <code>&lt;b&gt;3&lt;/b&gt;</code>" in plan.sampled.value
    assert "?</span> <code>…</code>" in plan.sampled.value
    assert plan.rate.value == 0.25  # (0 + 1) / (2 + 2)
    assert "0 of 2 just now" in plan.variance.value
    plan.show(planned(config.replace(rollouts={"rollouts": 4}), 10**12))
    assert plan.sampled.value == ""


def test_what_cannot_be_measured_says_why(desk, config, monkeypatch):
    def fail(config):
        raise ValueError("no <model> here")

    monkeypatch.setattr(plan_module, "measure", fail)
    plan = Plan(desk, print)
    plan.show(planned(config, 10**12))
    plan.measure.click()
    assert "not measured: no &lt;model&gt; here" in plan.facts.value
    assert (plan.measure.description, plan.measure.disabled) == (plan_module.MEASURE, False)


def test_while_it_is_measured_nobody_can_ask_again(desk, config, monkeypatch):
    async def scene():
        plan = Plan(desk, print)
        plan.show(planned(config, 10**12))
        started = threading.Event()
        monkeypatch.setattr(plan_module, "measure", lambda config: started.wait(5) and TIMING)
        plan.measure.click()
        plan.show(planned(config, 10**12))
        assert (plan.measure.description, plan.measure.disabled) == (plan_module.MEASURING, True)
        started.set()
        while plan.timing is None:
            await asyncio.sleep(0.02)
        plan.close()
        return plan

    plan = asyncio.run(scene())
    assert (plan.measure.description, plan.measure.disabled) == (plan_module.MEASURE, False)


def test_the_share_of_dull_groups_follows_rate_and_size(desk, config):
    plan = Plan(desk, print)
    plan.show(planned(config.replace(rollouts={"rollouts": 2}), 10**12))
    plan.rate.value = 0.5
    assert "<b>50.0 %</b>" in plan.variance.value
    plan.rate.value = 0.9
    assert "<b>82.0 %</b>" in plan.variance.value


def test_a_plan_that_is_no_longer_true_is_marked(desk, config):
    plan = Plan(desk, print)
    plan.show(planned(config, 10**12))
    plan.wait()
    assert "wf-old" in plan.widget._dom_classes
    plan.show(planned(config, 10**12))
    assert "wf-old" not in plan.widget._dom_classes
    plan.wait()
    plan.fail("no such device")
    assert "wf-old" not in plan.widget._dom_classes


def test_a_mistake_is_told_before_a_forecast_is_made(config, tmp_path, monkeypatch):
    monkeypatch.setattr(review_module, "forecast", lambda config: pytest.fail("a forecast of a config that cannot run"))
    tables = tables_of(config)
    tables["rollouts"]["max_tokens"] = 999_999
    found = review(tables, tmp_path)
    assert "4096" in found.errors[0]
    assert "fix the errors" in memory_bar(found)
