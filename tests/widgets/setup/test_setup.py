"""The set-up form: a config goes in and comes out, and mistakes stand beside their fields."""

import dataclasses

import ipywidgets
import pytest

from widgets.setup.draft import Mistake, as_python, quick_errors, tables_of
from widgets.setup.method import card
from widgets.setup.presets import left_over, suited
from widgets.setup.setup import SECTIONS, Setup
from workbench import registry
from workbench.config import RunConfig
from workbench.method import derive
from workbench.runs.demo import demo_config


@pytest.fixture(scope="module")
def config():
    return demo_config().replace(training={"steps": 2}, evaluation={"problems": 16})


@pytest.fixture
def told():
    return []


@pytest.fixture
def setup(config, tmp_path, told):
    made = Setup(config, tmp_path, lambda: told.append(1))
    yield made
    made.close()
    made.desk.close()


def field(setup, section, *parts):
    """The editor of a field."""
    editor = setup.open(section)
    for part in parts:
        editor = editor.child(part)
    return editor


# ------------------------------------------------------------------ form and config


def test_the_form_answers_the_config_it_was_given(setup, config):
    for name in SECTIONS:
        setup.choose(name)
    setup.changed()
    assert setup.config == config
    assert not setup.errors


@pytest.mark.parametrize("key", sorted(registry.methods()))
def test_every_method_goes_through_the_form(setup, config, key):
    chosen_again = (
        key == config.method.key
    )  # then the menu does not change, and neither do the fields set in the config
    wanted = config if chosen_again else config.replace(method={"method": key})
    setup.choose("method")
    setup.editors["method"].menu.value = key
    assert setup.tables["method"]["method"] == key
    assert quick_errors(setup.tables)[0] == wanted
    setup.take(config)
    assert setup.config == config


def test_toml_and_python_give_the_config_again(setup, config):
    setup.tools["TOML"].value = True
    setup.choose("model")
    field(setup, "model", "lora").switch.value = True
    setup.choose("method")
    field(setup, "method", "clip", "low").control.value = "0.1"
    wanted = config.replace(model={"lora": {}}, method={"surrogate": {"low": 0.1}})
    assert RunConfig.from_toml(setup.copies.toml.value) == wanted
    names = {}
    exec(setup.copies.python.value.replace("run = launch(config)", ""), names)
    assert names["config"] == wanted


@pytest.mark.parametrize("key", ["grpo", "ppo", "luffy", "temporal_schedule"])
def test_python_of_a_method_gives_it_again(config, key):
    wanted = config.replace(method={"method": key}, pruning={"piece": "arrol", "detect": 40})
    names = {}
    exec(as_python(wanted).replace("run = launch(config)", ""), names)
    assert names["config"] == wanted


def test_a_config_with_mistakes_has_no_text_to_copy(setup):
    setup.choose("training")
    field(setup, "training", "steps").control.value = "soon"
    assert not setup.copies.toml.value
    setup.tools["TOML"].value = True
    assert setup.copies.toml.value == "# 1 error in the form: fix them first"


def test_a_file_is_loaded_or_said_to_be_missing(setup, config, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config.replace(seed=9).to_toml())
    setup.loader.path.value = str(path)
    setup.loader.load_file(None)
    assert setup.config.seed == 9
    assert setup.editors["seed"].read() == 9
    setup.loader.path.value = str(tmp_path / "none.toml")
    setup.loader.load_file(None)
    assert "No such file" in setup.loader.note.value


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("section", "parts", "text", "said"),
    [
        ("rollouts", ["temperature"], "0", "would be identical"),
        ("rollouts", ["problems"], "many", "whole number"),
        ("training", ["updates"], "99", "whole groups"),
        ("training", ["warmup"], "3", "more than training.steps"),
        ("method", ["surrogate", "clip", "low"], "-1", "0 or more"),
        ("task", ["word_problems", "level"], "7", "3 or less"),
        ("rewards", ["0", "exact", "marker"], "", "1 or more characters"),
        ("rewards", ["0", "weight"], "heavy", "give a number"),
        ("name", [], "a b", "use letters"),
    ],
)
def test_a_mistake_stands_beside_its_field_at_once(setup, section, parts, text, said):
    editor = field(setup, section, *parts)
    editor.control.value = text
    assert said in editor.note.value
    assert editor.wrong
    if section in setup.buttons:
        assert "✗ 1" in setup.buttons[section].description


def test_two_mistakes_stand_beside_two_fields_and_go_away(setup):
    low, high = (field(setup, "method", "surrogate", "clip", name) for name in ("low", "high"))
    low.control.value, high.control.value = "-1", "high"
    assert low.wrong
    assert high.wrong
    low.control.value, high.control.value = "0.2", "0.3"
    assert not low.wrong
    assert not high.wrong
    assert setup.config.method.surrogate.high == 0.3


def test_a_mistake_of_a_hidden_field_shows_it(setup):
    setup.choose("rollouts")
    concurrent = field(setup, "rollouts", "concurrent")
    assert concurrent.widget not in setup.editors["rollouts"].widget.children
    setup.show_errors(["rollouts.concurrent = 256: too many"])
    assert concurrent.widget in setup.editors["rollouts"].widget.children


def test_tables_inside_a_table_have_a_head_and_show_at_the_basic_level_once_changed(setup):
    setup.choose("rollouts")
    section, inner = setup.editors["rollouts"], field(setup, "rollouts", "vllm")
    assert inner.widget not in section.widget.children
    field(setup, "rollouts", "vllm", "patience").control.value = "60"
    section.arrange()
    assert inner.widget in section.widget.children
    assert "<h4>vllm</h4>" in inner.widget.children[0].value


def test_what_names_no_field_is_said_above(setup):
    setup.show_errors(["nothing works"])
    assert "nothing works" in setup.rest.value


def test_html_in_a_mistake_is_text(setup):
    setup.open("rollouts")
    setup.show_errors(["rollouts.problems = 1: <script>alert(1)</script>", "<img src=x>"])
    assert "<script" not in field(setup, "rollouts", "problems").note.value
    assert "<img" not in setup.rest.value


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("task: jsonl.path = {'a': 1}: Field required", ("task", "jsonl", "path")),
        ("model.name = 'C: b': there is none", ("model", "name")),
        ("rollouts.engine = 'x' cannot prune: set 'local'", ("rollouts", "engine")),
        ("rewards: two parts are called 'exact'; give one a name", ("rewards",)),
        ("word of its own", ()),
    ],
)
def test_the_place_of_a_mistake_is_read_from_its_text(text, path):
    assert Mistake.of(text).path == path


# ------------------------------------------------------------------ methods and registries


def test_the_filter_keeps_the_chosen_method(setup):
    setup.choose("method")
    editor = setup.editors["method"]
    editor.filter.value = "pruned nothing has this"
    assert [key for _, key in editor.menu.options] == ["dapo"]
    editor.filter.value = "gspo"
    assert {"dapo", "gspo"} <= {key for _, key in editor.menu.options}
    assert editor.menu.value == "dapo"


def test_swapping_the_method_makes_no_widgets_pile_up(setup):
    setup.choose("method")
    keys = sorted(registry.methods())
    for key in keys:
        setup.editors["method"].menu.value = key
    before = len(ipywidgets.Widget.widgets)
    for key in [*keys, *keys][:50]:
        setup.editors["method"].menu.value = key
    setup.editors["method"].menu.value = keys[-1]
    assert len(ipywidgets.Widget.widgets) == before


def test_a_method_registered_later_is_in_the_list(setup):
    setup.choose("method")
    parent = registry.methods()["grpo"]
    later = derive(parent, title="Later", paper="arXiv:0000.00000", equation="A", changes="it came later")
    try:
        registry.enter("later", later, __name__)
        setup.refresh()
        setup.editors["method"].menu.value = "later"
        assert setup.config.method.title == "Later"
        assert "it came later" in setup.editors["method"].card.value
    finally:
        del registry.METHODS["later"], registry.HOMES["later"]


def test_a_card_escapes_its_texts_and_links_its_paper():
    method = dataclasses.replace(registry.methods()["grpo"], title="<b>x", paper="arXiv:2402.03300, section 4")
    assert "&lt;b&gt;x" in card(method)
    assert 'href="https://arxiv.org/abs/2402.03300"' in card(method)


# ------------------------------------------------------------------ another model


def test_the_embedded_models_settings_are_named_beside_another_model_and_replaced_at_a_click(setup):
    assert setup.offer not in setup.widget.children
    field(setup, "model", "name").control.value = "smollm2-135m"
    assert setup.offer in setup.widget.children
    for words in ("task word_problems", "reward exact", "learning rate of 0.0003"):
        assert words in setup.left_over.value
    field(setup, "method").menu.value = "gspo"
    setup.offer.children[1].click()
    config = setup.config
    assert (config.model.name, config.task.name, config.method.key) == ("smollm2-135m", "two_numbers", "gspo")
    assert config.model.lora.rank == 16
    assert [part.reward.name for part in config.rewards] == ["math"]
    assert setup.offer not in setup.widget.children


def test_a_model_that_nothing_was_searched_for_gets_a_careful_rate(config):
    tables = tables_of(config.replace(model={"name": "some/model"}))
    found = suited(tables)
    assert found.training.learning_rate == 1e-4
    assert found.rollouts.max_tokens == 64
    assert (found.name, found.seed) == (config.name, config.seed)
    assert not left_over(found)


def test_a_shipped_model_gets_the_task_it_knows(setup):
    field(setup, "model", "name").control.value = "embedded-programs"
    assert "word_problems is asked in the words that the embedded model was taught" in setup.left_over.value
    setup.offer.children[1].click()
    config = setup.config
    assert (config.model.name, config.task.name, config.model.lora) == ("embedded-programs", "small_programs", None)
    assert [part.reward.name for part in config.rewards] == ["by_running"]
    assert setup.offer not in setup.widget.children
    field(setup, "model", "name").control.value = "embedded"
    assert "small_programs is asked in the words that the embedded model for programs" in setup.left_over.value
    assert suited(tables_of(config.replace(model={"name": "embedded"}))).task.name == "word_problems"
