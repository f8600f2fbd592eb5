"""A server as a member of the cast: whatever it does, time is bounded, and what has no reply has a reason."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast.chat_server import KEY, chat_server
from workbench.cast.server import Server
from workbench.runs.directory.replies import Replies, open_cast
from workbench.types import Choose, Read, Say


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A running server, its address and key in the environment."""
    with chat_server() as (address, asked):
        monkeypatch.setenv("JUDGE_ADDRESS", address)
        monkeypatch.setenv("JUDGE_KEY", KEY)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("workbench.cast.speaking.FIRST", 0.01)
        yield asked


def server(**fields: Any) -> Server:
    """One with a key and small limits."""
    return Server(**{"model": "m", "key": "JUDGE_KEY", "seconds": 0.4, "retries": 1, **fields})


def test_it_says_and_chooses(served: list[dict[str, Any]]) -> None:
    said, chosen, read = (
        server()
        .open()
        .answer([Say("hello", temperature=0.5, max_tokens=9), Choose("?", ("yes", "no")), Read("a", "b")])
    )
    assert said.text == "echo 5"
    assert said.seconds > 0
    assert chosen.logprobs == pytest.approx((-0.2986, -1.5), abs=1e-3)  # log(e^-0.5 + e^-2), both spellings of yes
    assert "a server reads no log-probs" in read.fault
    body = next(each for each in served if each["messages"][0]["content"] == "hello")
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.5, 9)


BAD = [
    ("hang", "no reply within 0.4 s (2 attempts)"),
    ("drip", "no whole reply within 0.4 s (2 attempts)"),
    ("nonsense", "its reply is no JSON (2 attempts)"),
    ("shape", "no chat completion"),
    ("refuses", "refuses: 'I cannot grade this'"),
    ("dies", "the connection failed"),
    ("huge", "longer than 2000000 bytes"),
    ("long", "its text has 100000 characters"),
    ("bad", "status 400: 'no such model'"),
]


@pytest.mark.parametrize(("word", "told"), BAD, ids=[word for word, _ in BAD])
def test_bad_luck_is_a_fault_with_its_reason(word: str, told: str, served: list[dict[str, Any]]) -> None:
    start = time.monotonic()
    bad, good = server().open().answer([Say(f"server:{word} x"), Say("hello")])
    assert told in bad.fault
    assert time.monotonic() - start < 5
    assert good.text == "echo 5"
    with pytest.raises(ValueError, match="m: "):
        _ = bad.text


def test_what_passes_is_tried_again(served: list[dict[str, Any]]) -> None:
    assert server().open().answer([Say("server:flaky x")])[0].text == "echo 14"
    assert "503" in server(retries=0).open().answer([Say("server:flaky y")])[0].fault


def test_ten_thousand_questions_end(monkeypatch: pytest.MonkeyPatch, served: list[Any]) -> None:
    start = time.monotonic()
    replies = server(give_up=4, retries=0, seconds=0.2).open().answer([Say(f"server:hang {n}") for n in range(10_000)])
    assert all(reply.fault for reply in replies)
    assert "questions in a row without a reply: m: no reply within 0.2 s" in replies[-1].fault
    assert len(served) < 40
    monkeypatch.setenv("JUDGE_ADDRESS", "http://127.0.0.1:9/v1")
    replies = server(retries=0).open().answer([Say(f"{n}") for n in range(10_000)])
    assert "the connection failed" in replies[0].fault
    assert "not asked" in replies[-1].fault
    assert time.monotonic() - start < 20


def test_a_round_has_an_end(served: list[Any]) -> None:
    start = time.monotonic()
    asked = [Say(f"server:{'hang' if n % 2 else 'ok'} {n}") for n in range(400)]  # never many faults in a row
    replies = server(round=1.0, seconds=0.3, retries=0, give_up=100).open().answer(asked)
    assert time.monotonic() - start < 5
    assert "the time of the round is over" in replies[-1].fault
    assert replies[0].text


def test_a_missing_key_or_address_is_named_and_never_told(monkeypatch: pytest.MonkeyPatch, served: list[Any]) -> None:
    monkeypatch.setenv("JUDGE_KEY", "another-secret")
    fault = server().open().answer([Say("x")])[0].fault
    assert "status 401" in fault
    assert "another-secret" not in fault
    monkeypatch.delenv("JUDGE_KEY")
    assert server().check() == ["server.key: the environment variable JUDGE_KEY is not set: export JUDGE_KEY=…"]
    assert "JUDGE_KEY is not set" in server().open().answer([Say("x")])[0].fault
    monkeypatch.setenv("JUDGE_ADDRESS", "localhost:8000")
    assert "holds no address" in server(key="").check()[0]
    for field, value in (("address", "http://localhost:8000"), ("key", "sk-1234567890abcdef")):
        with pytest.raises(ValueError, match=f"server.{field} is .* name of an environment variable") as error:
            server(**{field: value})
        assert field == "address" or "abcdef" not in str(error.value) or len(value) <= 40


def test_replies_are_kept_and_asked_for_once(tmp_path: Path, served: list[Any]) -> None:
    questions = [Say("hello"), Say("hello", draw=1), Choose("?", ("yes", "no")), Say("server:bad x")]
    first = open_cast({"judge": server()}, Replies(tmp_path / "replies.jsonl"))["judge"].answer(questions)
    count = len(served)
    again = open_cast({"grader": server(seconds=9)}, Replies(tmp_path / "replies.jsonl"))["grader"].answer(questions)
    assert len(served) == count + 1  # the fault alone was asked again
    assert [reply.said for reply in again] == [reply.said for reply in first]
    assert again[2].logprobs == first[2].logprobs
    assert [reply.cached for reply in again] == [True, True, True, False]
    other = open_cast({"judge": server(model="n")}, Replies(tmp_path / "replies.jsonl", write=False))["judge"]
    assert not other.answer(questions[:1])[0].cached
