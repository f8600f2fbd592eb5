"""The process that makes problems of reasoning-gym: a JSON line in, a JSON line out, until its input ends."""

import json
import logging
import os
import signal
import sys
import zlib
from collections.abc import Mapping
from typing import Any

from workbench.problems.gym.sets import EVALUATING, item

HELD_OUT = 4  # one question in four belongs to the test split
TRIES = 100  # questions that are looked at for one of the split
STRIDE = 1_000_003  # between them


def split_of(question: str) -> str:
    """The split that a question belongs to.

    >>> split_of("What is 2 + 2?"), split_of("What is 2 + 4?")
    ('train', 'test')
    """
    return "test" if zlib.crc32(" ".join(question.split()).encode()) % HELD_OUT == 0 else "train"


def draw(order: Mapping[str, Any]) -> dict[str, Any]:
    """The first item of the split among some that begin with `number`, with metadata if its verifier needs it."""
    name, settings, level = order["dataset"], order["settings"], order["level"]
    for attempt in range(TRIES):
        number = order["number"] + attempt * STRIDE
        entry = item(name, settings, level, number)
        if split_of(entry["question"]) == order["split"]:
            answer = None if entry["answer"] is None else str(entry["answer"])
            metadata = entry["metadata"] if name in EVALUATING else {}
            return {"number": number, "question": entry["question"], "answer": answer, "metadata": metadata}
    raise ValueError(
        f"settings = {settings}: {name} has too few different questions for two splits; set a harder configuration"
    )


def reply_to(line: str) -> dict[str, Any]:
    """The reply to an order: what was drawn, or the `error`."""
    try:
        return draw(json.loads(line))
    except Exception as error:  # a generator of the library may raise anything for odd settings: the task reports it
        return {"error": str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answers orders until there are no more."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the parent, which closes the input
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    sys.stdout = sys.stderr  # what a generator prints must not be read as a reply
    for line in sys.stdin:
        replies.write(json.dumps(reply_to(line)) + "\n")


if __name__ == "__main__":
    main()
