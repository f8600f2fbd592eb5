"""The picture of a saved notebook: what it shows; it is written anew when the reader goes on, and only then."""

import asyncio

import pytest

from tests.widgets.fake_run import small_run
from widgets.playground.playground import Playground
from widgets.recorded.data import RunData
from widgets.runs.runs_view import RunsView
from widgets.tokens.snapshot import snapshot
from widgets.wire import answers, saved
from widgets.wire.payload import unpack
from widgets.wire.saved import Saved


@pytest.fixture
def data(tmp_path):
    return RunData(small_run(tmp_path))


# --------------------------------------------------------------------------------------------- what it shows


def test_the_newest_step_by_advantage_unless_the_reader_looked_elsewhere(data):
    assert "Step 8," in snapshot(data)
    assert "orange: up-weighted, purple: down-weighted" in snapshot(data)
    chosen = data.board(3)["groups"][2]
    shown = snapshot(data, {"step": 3, "group": chosen["group"], "signal": "entropy"})
    assert f"Step 3, <i>{chosen['question']}</i> (entropy)" in shown
    assert "Step 5," in snapshot(data, {"step": 5})


def test_every_signal_says_what_its_colours_mean(data):
    told = {name: snapshot(data, {"step": 3, "signal": name}) for name in ("logprob", "ratio", "gap", "lens:gspo")}
    assert "(log-prob, darker: less likely)" in told["logprob"]
    assert "(ratio, orange: above 1, purple: below)" in told["ratio"]
    assert "dashed" in told["ratio"]
    assert "(mismatch, orange: above zero, purple: below)" in told["gap"]
    assert "(lens:gspo was not recorded; advantage, orange" in told["lens:gspo"]


def test_a_step_that_is_gone_is_told_in_words(data):
    assert "step 77 of fake has no recorded rollouts" in snapshot(data, {"step": 77})


# ------------------------------------------------------------------------------------------ when it is written


class Bare:
    """A widget without a picture."""

    def _repr_mimebundle_(self):
        return {"text/plain": "bare"}


class Sketch(Saved, Bare):
    """A widget that a notebook could hold: its picture is a word."""

    def __init__(self, word: str) -> None:
        self.word = word

    def snapshot(self):
        if isinstance(self.word, Exception):
            raise self.word
        return f"<p>{self.word}</p>"


class Notebook(list):
    """What was displayed, and what took its place later."""

    def __call__(self, data, metadata=None, raw=False, display_id=None):
        self.append(data["text/html"])
        return self

    def update(self, data, raw=False):
        self.append(data["text/html"])


@pytest.fixture
def notebook(monkeypatch):
    shown = Notebook()
    monkeypatch.setattr(saved, "display", shown)
    monkeypatch.setattr(saved, "PAUSE", 0.01)
    monkeypatch.setattr(saved, "SHARE", 2)
    monkeypatch.setattr(Saved, "pause", 0.01)
    return shown


def after(*acts, rest=0.05):
    """Runs the acts in an event loop, with a rest after each."""

    async def play():
        for act in acts:
            act()
            await asyncio.sleep(rest)

    asyncio.run(play())


def test_shown_twice_the_second_time_hidden(notebook):
    Sketch("one")._ipython_display_()
    first, second = notebook
    assert first == '<div class="wb-first"><p>one</p></div>'
    assert second.endswith('<div class="wb-saved" style="display:none"><p>one</p></div>')


def test_a_change_is_written_once_however_many_there_were_and_the_same_picture_never(notebook):
    sketch = Sketch("one")
    sketch._ipython_display_()

    def change():
        sketch.word = "two"
        for step in range(5):
            sketch.see({"step": step})

    after(change, sketch.renew, sketch.renew)
    assert len(notebook) == 3
    assert "<p>two</p>" in notebook[2]
    assert sketch.seen == {"step": 4}


def test_a_widget_that_was_never_shown_and_one_that_was_closed_write_nothing(notebook):
    hidden, closed = Sketch("one"), Sketch("two")
    closed._ipython_display_()

    class Closable:
        def close(self) -> None: ...

    closed.__class__ = type("Closed", (Sketch, Closable), {})

    def close():
        closed.word = "three"
        closed.renew()
        closed.close()

    after(hidden.renew, close)
    assert len(notebook) == 2


def test_a_run_that_vanished_keeps_its_last_picture(notebook):
    sketch = Sketch("one")
    sketch._ipython_display_()
    sketch.word = ValueError("the run is gone")
    after(sketch.renew)
    assert len(notebook) == 2
    assert sketch.due is None


def test_pictures_that_take_long_come_seldom(notebook, monkeypatch):
    sketch = Sketch("one")
    sketch._ipython_display_()
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(saved.time, "perf_counter", lambda: next(clock))
    sketch.word = "two"
    after(sketch.renew)
    assert sketch.pause == 2.0 * saved.SHARE


def test_the_view_tells_what_is_looked_at(notebook):
    sketch = Sketch("one")
    request = {"step": 3, "group": 1, "signal": "lens"}
    header, _ = unpack(answers.find("seen").function(sketch, request))
    assert header == {"kind": "seen"}
    assert sketch.seen == request


def test_a_run_that_is_open_in_the_list_is_in_the_picture_of_the_list(notebook, tmp_path):
    small_run(tmp_path)
    view = RunsView(tmp_path)
    view._ipython_display_()
    after(lambda: setattr(view, "chosen", str(tmp_path / "fake")), rest=0.4)
    assert "held-out accuracy" in notebook[-1]
    view.close()


def test_the_playground_is_pictured_as_it_was_left(notebook, tmp_path):
    play = Playground(small_run(tmp_path), step=3)
    play._ipython_display_()
    after(lambda: setattr(play, "methods", ["grpo", "cispo"]), lambda: setattr(play, "step", 4), rest=0.6)
    assert "CISPO" in notebook[-1]
    assert "step 4" in notebook[-1]
    play.close()
