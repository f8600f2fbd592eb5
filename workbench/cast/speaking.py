"""Asks a server that speaks OpenAI's chat completions: several questions at once, each within its time.

What comes back is a stranger's: it is bounded in size, read as JSON, and never more than a text or log-probs.
"""

import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import httpx

from workbench.cast.scripted import LOWEST
from workbench.types import Choose, Question, Read, Reply, Say

PER_TOKEN, SPARE = 32, 1_000  # characters of a text, by the tokens asked for
LARGEST = 2_000_000  # bytes of a response
FIRST = 0.5  # seconds before the first further attempt
AGAIN = frozenset({408, 409, 425, 429})  # statuses that may pass; and all from 500


@runtime_checkable
class ServerSettings(Protocol):
    """How a server is asked: fields of the member `server`."""

    @property
    def model(self) -> str:
        """The model's name on the server."""

    @property
    def seconds(self) -> float:
        """Time limit of a question."""

    @property
    def retries(self) -> int:
        """Further attempts."""

    @property
    def concurrent(self) -> int:
        """Questions asked at once."""

    @property
    def round(self) -> float:
        """Seconds for all questions of a round."""

    @property
    def give_up(self) -> int:
        """Faults in a row after which the rest is not asked."""

    @property
    def top(self) -> int:
        """Log-probs asked for where it chooses."""


class RefusedError(Exception):
    """An answer of the server that is none; `passing`: another attempt may fare better."""

    def __init__(self, text: str, passing: bool) -> None:
        super().__init__(text)
        self.passing = passing


@dataclass
class Round:
    """One round of questions: when it ends, and how many faults there were in a row."""

    end: float
    give_up: int
    faults: int = 0
    last: str = ""
    lock: Any = field(default_factory=threading.Lock)

    def over(self) -> str:
        """Why no further question is asked; empty while they are."""
        if self.faults >= self.give_up:
            return f"not asked, after {self.faults} questions in a row without a reply: {self.last}"
        return "not asked: the time of the round is over" if time.monotonic() >= self.end else ""

    def note(self, reply: Reply) -> None:
        """Counts a reply."""
        with self.lock:
            self.faults = self.faults + 1 if reply.fault else 0
            self.last = reply.fault or self.last


@dataclass(frozen=True)
class ServerSpeaker:
    """Satisfies `types.Speaker`."""

    settings: ServerSettings
    address: str
    key: str | None = field(default=None, repr=False)

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order, within the time of a round and of one question."""
        now = Round(time.monotonic() + self.settings.round, self.settings.give_up)
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        with (
            httpx.Client(headers=headers, timeout=self.settings.seconds, follow_redirects=False) as client,
            ThreadPoolExecutor(self.settings.concurrent) as pool,
        ):
            return list(pool.map(lambda question: self.reply(client, question, now), questions))

    def reply(self, client: httpx.Client, question: Question, now: Round) -> Reply:
        """One question, attempted as often as allowed."""
        if isinstance(question, Read):
            return Reply(fault=f"{self.settings.model}: a server reads no log-probs of given tokens; ask a local model")
        if over := now.over():
            return Reply(fault=f"{self.settings.model}: {over}")
        start, attempts, wait = time.monotonic(), 1, FIRST
        reply, passing = self.attempt(client, question, now)
        while passing and attempts <= self.settings.retries and time.monotonic() + wait < now.end and not now.over():
            time.sleep(wait)
            attempts, wait = attempts + 1, 2 * wait
            reply, passing = self.attempt(client, question, now)
        fault = f"{reply.fault} ({attempts} attempts)" if reply.fault and attempts > 1 else reply.fault
        reply = replace(reply, fault=fault, seconds=time.monotonic() - start)
        now.note(reply)
        return reply

    def attempt(self, client: httpx.Client, question: Say | Choose, now: Round) -> tuple[Reply, bool]:
        """What one attempt brings, and whether another may fare better."""
        name = self.settings.model
        try:
            return self.read(self.post(client, self.body(question), now), question), False
        except RefusedError as error:
            return Reply(fault=f"{name}: {error}"), error.passing
        except httpx.TimeoutException:
            return Reply(fault=f"{name}: no reply within {self.settings.seconds:g} s"), True
        except httpx.HTTPError as error:
            return Reply(fault=f"{name}: the connection failed ({type(error).__name__})"), True
        except httpx.InvalidURL:
            return Reply(fault=f"{name}: its address is no URL"), False

    def body(self, question: Say | Choose) -> dict[str, Any]:
        """The request's body."""
        plain = {"model": self.settings.model, "messages": [{"role": "user", "content": question.prompt}]}
        if isinstance(question, Choose):
            return {**plain, "max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": self.settings.top}
        return {**plain, "max_tokens": question.max_tokens, "temperature": question.temperature, "seed": question.draw}

    def post(self, client: httpx.Client, body: Mapping[str, Any], now: Round) -> Any:
        """The server's answer as JSON, in bounded time and size."""
        end = min(time.monotonic() + self.settings.seconds, now.end)
        content = bytearray()
        with client.stream("POST", f"{self.address}/chat/completions", json=body) as response:
            status = response.status_code
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise RefusedError(f"its reply is longer than {LARGEST} bytes", passing=False)
                if time.monotonic() > end:
                    raise RefusedError(f"no whole reply within {self.settings.seconds:g} s", passing=True)
        if status != 200:
            told = bytes(content[:200]).decode("utf-8", "replace")
            raise RefusedError(f"status {status}: {self.hidden(told)!r}", passing=status in AGAIN or status >= 500)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise RefusedError("its reply is no JSON", passing=True) from None

    def hidden(self, text: str) -> str:
        """A text without the key, should the server have sent it back."""
        return text.replace(self.key, "…") if self.key else text

    def read(self, found: Any, question: Say | Choose) -> Reply:
        """The text or the choices in a chat completion."""
        try:
            choice = found["choices"][0]
            refusal = choice["message"].get("refusal")
            if refusal or choice.get("finish_reason") == "content_filter":
                return Reply(fault=f"{self.settings.model}: it refuses: {str(refusal or 'content filter')[:200]!r}")
            if isinstance(question, Choose):
                return picked(choice["logprobs"]["content"][0]["top_logprobs"], question)
            text = choice["message"]["content"]
        except (KeyError, IndexError, TypeError, AttributeError):
            wanted = "log-probs" if isinstance(question, Choose) else "text"
            raise RefusedError(f"its reply is no chat completion with a {wanted}", passing=False) from None
        if not isinstance(text, str):
            raise RefusedError("its reply holds no text", passing=False)
        if len(text) > (most := PER_TOKEN * question.max_tokens + SPARE):
            raise RefusedError(f"its text has {len(text)} characters, and {most} are more than was asked for", False)
        return Reply(said=text)


def picked(top: Sequence[Mapping[str, Any]], question: Choose) -> Reply:
    """Log-probs of choices from a token's most likely ones, summed over spellings; a fault where none is among them."""
    sums = [0.0] * len(question.choices)
    for entry in top:
        token, logprob = str(entry["token"]).strip().casefold(), float(entry["logprob"])
        for place, choice in enumerate(question.choices):
            if token and token == choice.strip().casefold():
                sums[place] += math.exp(logprob)
    if not any(sums):
        return Reply(fault=f"none of {question.choices} is among its {len(top)} most likely first tokens")
    return Reply(chosen=tuple(math.log(each) if each > 0 else LOWEST for each in sums))
