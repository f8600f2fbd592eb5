"""Forms made from fields: every type has its control, a form shows what it reads, and the other way round."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import ipywidgets
import pytest
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from widgets.form.desk import Desk
from widgets.form.editor import editor
from widgets.form.fields import Choice, Items, Number, Plain, Switch, Words
from widgets.form.pieces import PieceEditor, Pieces
from widgets.form.spec import Spec
from widgets.form.table import Table, fields_of
from workbench import registry
from workbench.kinds import Reduction, Reward, Schedule, Task
from workbench.piece import Piece, schema

registry.load()
KINDS = [kind for kind in Piece.__subclasses__() if kind.__module__ == "workbench.kinds" and kind.registry]
#: The project's own: other tests enter pieces while the tests are collected, and take them out again.
PIECES = [
    (kind, name) for kind in KINDS for name, piece in kind.registry.items() if piece.__module__.startswith("workbench.")
]


class Inner(BaseModel):
    rank: int = Field(4, ge=1, le=64, description="rank")


class Everything(BaseModel):
    share: float = Field(0.5, ge=0, le=1, description="a share")
    far: float = Field(1e-3, gt=0, json_schema_extra={"live": True, "unit": "m"})
    wide: float = Field(0.1, ge=1e-6, le=10)
    count: int = Field(3, ge=1, le=10)
    on: bool = False
    word: str = "word"
    place: Path = Path("here")
    kind: Literal["a", "b"] = "a"
    either: bool | Literal["auto"] = "auto"
    pair: tuple[float, float] = (0.9, 0.99)
    names: Literal["all"] | tuple[str, ...] = "all"
    cap: Annotated[float, Field(ge=1)] | None = None
    said: str | None = None
    maybe: Literal["x"] | None = None
    lost: bool | None = None
    lora: Inner | None = None
    inner: Inner = Inner()
    other: dict[str, int] = {}
    schedule: Schedule | None = None
    parts: tuple[Reward, ...] = ()
    seldom: int = Field(1, json_schema_extra={"level": "advanced"})


@pytest.fixture
def heard():
    return []


@pytest.fixture
def desk(heard):
    return Desk(lambda: heard.append(1), editor)


@pytest.fixture
def table(desk):
    return Table(desk, fields_of(Everything))


def spec_of(kind, default=None):
    return dataclasses.replace(Spec.of(kind.kind, FieldInfo(annotation=str)), type=kind, default=default)


def shown(editor):
    """Every note and control on show."""
    found, stack = [], [editor.widget]
    while stack:
        widget = stack.pop()
        found.append(widget)
        stack += getattr(widget, "children", ())
    return found


def test_a_form_of_every_type_reads_its_defaults(table):
    found = table.read()
    assert Everything(**found) == Everything()
    assert {"cap", "said", "maybe", "lost", "lora", "schedule"}.isdisjoint(found)


def test_every_type_has_its_control(table):
    kinds = {
        "share": Number, "on": Switch, "word": Words, "place": Words, "kind": Choice, "either": Choice, "pair": Items,
        "names": Items, "lost": Choice, "other": Plain, "parts": Pieces, "schedule": PieceEditor,
    }  # fmt: skip
    assert {name: type(table.editors[name]) for name in kinds} == kinds
    assert isinstance(table.editors["share"].slider, ipywidgets.FloatSlider)
    assert isinstance(table.editors["wide"].slider, ipywidgets.FloatLogSlider)
    assert table.editors["far"].slider is None


def test_a_form_shows_what_it_is_given(table, heard):
    given = {
        "share": 0.25, "far": 2e-7, "wide": 1.5, "count": 7, "on": True, "word": "other", "place": "there",
        "kind": "b", "either": False, "pair": [0.5, 0.6], "names": ["q", "v"], "cap": 2.5, "said": "hm", "maybe": "x",
        "lost": False, "lora": {"rank": 8}, "inner": {"rank": 2}, "other": {"a": 1}, "seldom": 4,
        "schedule": {"piece": "fading", "value": 0.5, "begin": 0.1, "end": 0.9, "shape": "gamma"},
        "parts": [{"piece": "exact", "marker": "=", "think_end": ""}],
    }  # fmt: skip
    table.show(given)
    assert table.read() == given
    assert not heard


def test_a_change_by_hand_is_told_of_and_read(table, heard):
    table.editors["share"].control.value = "0.75"
    assert table.editors["share"].slider.value == 0.75
    table.editors["count"].slider.value = 9
    assert table.editors["count"].control.value == "9"
    assert (table.read()["share"], table.read()["count"]) == (0.75, 9)
    assert heard


def test_a_logarithmic_slider_goes_both_ways(table):
    wide = table.editors["wide"]
    wide.control.value = "0.01"
    assert wide.slider.value == pytest.approx(0.01)
    wide.slider.value = 1e-4
    assert wide.control.value == "0.0001"


def test_what_is_no_number_stays_text(table):
    table.editors["share"].control.value = "many"
    assert table.read()["share"] == "many"
    assert table.editors["share"].slider.value == 0.5


def test_help_unit_and_live_stand_beside_the_field(table):
    note = table.editors["far"].note.value
    assert "[m]" in note
    assert "may change while the run trains" in note


def test_an_optional_field_is_switched_on_and_off(table):
    cap = table.editors["cap"]
    cap.switch.value = True
    assert table.read()["cap"] == 1  # its lower bound
    cap.content.control.value = "3"
    assert table.read()["cap"] == 3
    cap.switch.value = False
    assert "cap" not in table.read()


def test_advanced_fields_show_at_their_level_or_when_changed(table, desk):
    control = table.editors["seldom"].widget
    assert control not in shown(table)
    desk.advanced = True
    table.arrange()
    assert control in shown(table)
    desk.advanced = False
    table.show({"seldom": 5})
    assert control in shown(table)


def test_a_field_with_a_mistake_is_shown_and_marked(table):
    field = table.editors["seldom"]
    field.tell(("<b>too</b> much",))
    table.arrange()
    assert field.widget in shown(table)
    assert "&lt;b&gt;too" in field.note.value
    assert "wf-wrong" in field.widget._dom_classes
    field.tell()
    assert "wf-wrong" not in field.widget._dom_classes


@pytest.mark.parametrize(("kind", "name"), PIECES, ids=lambda item: item if isinstance(item, str) else item.kind)
def test_every_piece_has_a_form_that_reads_its_defaults(desk, kind, name):
    editor = PieceEditor(desk, spec_of(kind, name))
    found = editor.read()
    needed = [field for field, info in schema(kind.registry[name]).model_fields.items() if info.is_required()]
    if needed:
        with pytest.raises(ValueError, match=r"is missing|give a list of"):
            kind.parse(found)
    else:
        assert kind.parse(found) == kind.registry[name]()


def test_choosing_a_piece_puts_its_fields_in_place(desk, heard):
    editor = PieceEditor(desk, spec_of(Task, "word_problems"))
    editor.menu.value = "sums"
    assert editor.name == "sums"
    assert Task.parse(editor.read()) == Task.find("sums")()
    assert len(heard) == 1


def test_a_name_that_is_not_there_stays_for_the_config_to_refuse(desk):
    editor = PieceEditor(desk, spec_of(Task, "word_problems"))
    editor.show({"piece": "riddles"})
    assert editor.read() == {"piece": "riddles"}


def test_rows_are_added_and_removed(desk, heard):
    pieces = Pieces(desk, spec_of(Reward))
    pieces.menu.value = "format"
    pieces.button.click()
    pieces.menu.value = "exact"
    pieces.button.click()
    assert [row["piece"] for row in pieces.read()] == ["format", "exact"]
    pieces.boxes[0].children[1].click()
    assert [row["piece"] for row in pieces.read()] == ["exact"]
    assert len(heard) == 3


def test_a_piece_defined_later_is_in_the_menu(desk):
    editor = PieceEditor(desk, spec_of(Reduction, "token_mean"))
    pieces = Pieces(desk, spec_of(Reduction))

    @dataclass(frozen=True)
    class CellMade(Reduction):
        """A reduction of a cell."""

        power: Annotated[float, Field(gt=0, description="exponent")] = 2.0

        def __call__(self, batch, advantage):
            return advantage

    try:
        for each in (editor, pieces):
            each.refresh()
            assert any("cell_made" in option for option in each.menu.options)
        editor.menu.value = "cell_made"
        assert editor.read() == {"piece": "cell_made", "power": 2}
    finally:
        del Reduction.registry["cell_made"]


def test_a_piece_defined_anew_has_its_new_fields(desk):
    def define(**fields):
        return dataclasses.make_dataclass(
            "Twice", [(name, float, value) for name, value in fields.items()], bases=(Schedule,), frozen=True,
            namespace={"__call__": lambda self, step, total_steps: 0.0},
        )  # fmt: skip

    try:
        define(first=1.0)
        editor = PieceEditor(desk, spec_of(Schedule, "twice"))
        define(first=1.0, second=2.0)
        editor.refresh()
        assert editor.read() == {"piece": "twice", "first": 1, "second": 2}
    finally:
        del Schedule.registry["twice"]


def test_widgets_do_not_add_up(desk):
    editor, pieces = PieceEditor(desk, spec_of(Task, "jsonl")), Pieces(desk, spec_of(Reward))
    names = ("sums", "jsonl", "word_problems")
    lists = ([{"piece": "exact"}], [{"piece": "math"}, {"piece": "format"}], [])

    def around():
        for name in names:
            editor.show(name)
        for each in lists:
            pieces.show(each)

    around()
    before = len(ipywidgets.Widget.widgets)
    for _ in range(20):
        around()
    assert len(ipywidgets.Widget.widgets) == before


def test_a_closed_form_leaves_nothing():
    before = set(ipywidgets.Widget.widgets)
    desk = Desk(lambda: None, editor)
    table = Table(desk, fields_of(Everything))
    table.show({"lora": {"rank": 2}, "parts": [{"piece": "exact"}]})
    table.close()
    desk.close()
    assert set(ipywidgets.Widget.widgets) == before
