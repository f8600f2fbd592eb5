"""A member of the cast behind an OpenAI-compatible server."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Member
from workbench.types import Reply, Speaker
from workbench.types.asking import Failing

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True)
class Server(Member):
    """A model of a server that speaks OpenAI's chat completions, asked by httpx. A run with it is not repeatable.

    Address and key stand in environment variables, never in a config. A question without a reply is a fault with the
    reason: refused, out of time, no JSON. After `give_up` faults in a row, or `round` seconds, the rest of a round is
    not asked. Replies are kept in the run directory by their content, so that a step that is done again asks nothing.
    It says and chooses (by the log-probs of the first token); it cannot read log-probs of given tokens.
    """

    repeatable = False

    model: Annotated[str, Field(min_length=1, description="the model's name on the server")]
    address: Annotated[str, Field(description="environment variable with its address, as http://127.0.0.1:8000/v1")] = (
        "JUDGE_ADDRESS"
    )
    key: Annotated[str, Field(description="environment variable with the key; empty: it needs none")] = ""
    seconds: Annotated[float, Field(gt=0, le=3600, description="time limit of a question")] = 60.0
    retries: Annotated[int, Field(ge=0, le=10, description="further attempts, after 0.5, 1, 2, … seconds")] = 2
    concurrent: Annotated[int, Field(ge=1, le=256, description="questions asked at once")] = 8
    round: Annotated[float, Field(gt=0, le=86_400, description="seconds for all questions of a round")] = 600.0
    give_up: Annotated[int, Field(ge=1, description="faults in a row after which a round's rest is not asked")] = 16
    top: Annotated[int, Field(ge=1, le=20, description="log-probs asked for where it chooses")] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("address", "key"):
            value = getattr(self, name)
            if not VARIABLE.fullmatch(value) and (value or name == "address"):
                what = "an address or a key" if len(value) > 40 or ":" in value else repr(value)
                raise ValueError(
                    f"server.{name} is {what}, and should be the name of an environment variable in capitals, as in "
                    f"{name} = 'JUDGE_{name.upper()}': addresses and keys do not stand in a config"
                )

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"model": self.model, "address": self.address, "top": self.top}

    def check(self) -> list[str]:
        found = [f"server.{name}: {text}" for name, text in self.missing().items()]
        try:
            import httpx  # noqa: F401
        except ImportError:
            found.append("member = 'server' needs the package httpx: pip install httpx")
        return found

    def missing(self) -> dict[str, str]:
        """What is not in the environment, by field."""
        found = {}
        for name in ("address", "key"):
            variable = getattr(self, name)
            if variable and not os.environ.get(variable):
                found[name] = f"the environment variable {variable} is not set: export {variable}=…"
        url = os.environ.get(self.address, "")
        if url and not re.match(r"https?://", url):
            found["address"] = f"the environment variable {self.address} holds no address: it begins with http://"
        return found

    def open(self) -> Speaker:
        from workbench.cast.speaking import ServerSpeaker

        missing = self.missing()
        if missing:
            return Failing(Reply(fault=f"{self.model} cannot be asked: {'; '.join(missing.values())}"))
        return ServerSpeaker(self, os.environ[self.address].rstrip("/"), os.environ.get(self.key) if self.key else None)
