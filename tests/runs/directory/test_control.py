"""Orders: numbered, answered once, robust to what else lies in the folder."""

import threading

import pytest

from workbench.runs.directory.control import Control
from workbench.runs.directory.paths import RunDirectory


def test_an_order_is_read_answered_and_taken_away(directory: RunDirectory) -> None:
    control = Control(directory)
    numbers = [control.send("pause"), control.send("set", {"learning_rate": 1e-4})]
    assert numbers == [1, 2]
    first, second = control.pending()
    assert (first.command, second.command, second.values) == ("pause", "set", {"learning_rate": 1e-4})
    control.acknowledge(first, "done", "paused", step=3)
    assert [command.number for command in control.pending()] == [2]
    assert control.answer(2) is None
    answer = control.wait(1, seconds=1)
    assert (answer["result"], answer["text"], answer["step"]) == ("done", "paused", 3)
    control.acknowledge(second, "refused", "no")
    assert control.send("stop") == 3  # a number is never used again


def test_an_unknown_command_is_not_sent(directory: RunDirectory) -> None:
    with pytest.raises(ValueError, match=r"no command is called 'explode'; there are: pause, resume"):
        Control(directory).send("explode")


def test_foreign_files_are_left_alone_and_broken_orders_have_a_fault(directory: RunDirectory) -> None:
    control = Control(directory)
    for name, content in {
        "notes.txt": "hello",
        ".new.json.1.tmp": "{",
        "000001.json": '{"command": "pau',
        "000002.json": '{"command": "explode"}',
        "000003.json": '{"command": "set", "values": 3}',
        "000004.json": '{"command": "stop"}',
    }.items():
        (directory.control / name).write_text(content)
    faults = [command.error for command in control.pending()]
    assert [bool(fault) for fault in faults] == [True, True, True, False]
    assert "no JSON object" in faults[0]
    assert (directory.control / "notes.txt").exists()


def test_an_order_killed_between_answer_and_removal_is_not_followed_twice(directory: RunDirectory) -> None:
    control = Control(directory)
    control.send("pause")
    order = control.file(1).read_bytes()
    control.acknowledge(control.pending()[0], "done")
    control.file(1).write_bytes(order)
    assert control.pending() == []


def test_many_writers_never_share_a_number(directory: RunDirectory) -> None:
    numbers: list[int] = []

    def write() -> None:
        numbers.extend(Control(directory).send("checkpoint") for _ in range(20))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 81))


def test_waiting_in_vain_says_so(directory: RunDirectory) -> None:
    control = Control(directory)
    with pytest.raises(TimeoutError, match="was not answered within 0 s: commands are applied between steps"):
        control.wait(control.send("pause"), seconds=0)
