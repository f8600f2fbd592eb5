"""Replies that a run keeps of members of its cast that would not give them again; and the cast, opened."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.kinds import Member
from workbench.runs.directory.lines import LineWriter, read_lines
from workbench.runs.directory.paths import RunDirectory
from workbench.types import Choose, Question, Reply, Say, Speaker


@dataclass
class Replies:
    """A file of replies by the SHA-256 of who was asked what. Only a reply is kept, never a fault."""

    path: Path
    write: bool = True
    known: dict[str, Reply] | None = None
    writer: LineWriter | None = None

    def find(self, key: str) -> Reply | None:
        """A reply that is on record."""
        if self.known is None:
            lines, _ = read_lines(self.path)
            self.known = {line["key"]: reply_of(line) for line in lines if "key" in line}
        return self.known.get(key)

    def keep(self, key: str, reply: Reply) -> None:
        """Puts a reply on record."""
        if self.known is not None:
            self.known[key] = replace(reply, cached=True)
        if not self.write:
            return
        if self.writer is None:
            self.writer = LineWriter(self.path)
        self.writer.write({"key": key, "said": reply.said, "chosen": list(reply.chosen), "seconds": reply.seconds})


def reply_of(line: Mapping[str, Any]) -> Reply:
    """A reply as it stands in a line."""
    return Reply(line.get("said"), {}, tuple(line.get("chosen", ())), "", line.get("seconds", 0.0), cached=True)


def key_of(identity: Mapping[str, Any], question: Question) -> str:
    """The SHA-256 of a question and of whom it is put to; the name in the cast does not matter."""
    fields: dict[str, Any] = {"prompt": question.prompt}
    if isinstance(question, Say):
        fields |= {"max_tokens": question.max_tokens, "temperature": question.temperature, "draw": question.draw}
    elif isinstance(question, Choose):
        fields["choices"] = question.choices
    else:
        fields |= {"answer": question.answer, "signals": question.signals}
    told = {"member": identity, "kind": type(question).__name__, **fields}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass
class Kept:
    """Satisfies `types.Speaker`: asks only what is not on record."""

    speaker: Speaker
    identity: Mapping[str, Any]
    replies: Replies

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        keys = [key_of(self.identity, question) for question in questions]
        found = {key: self.replies.find(key) for key in keys}
        new = {key: question for key, question in zip(keys, questions, strict=True) if found[key] is None}
        replies = self.speaker.answer(list(new.values())) if new else []
        for key, fresh in zip(new, replies, strict=True):
            found[key] = fresh
            if not fresh.fault:
                self.replies.keep(key, fresh)
        return [reply for key in keys if (reply := found[key]) is not None]


def open_cast(members: Mapping[str, Member], replies: Replies | None = None) -> dict[str, Speaker]:
    """Every member, opened when it is first asked; what is not repeatable is kept in `replies`."""
    found: dict[str, Speaker] = {}
    for name, member in members.items():
        speaker: Speaker = Lazy(member)
        if not member.repeatable and replies is not None:
            speaker = Kept(speaker, member.identity, replies)
        found[name] = speaker
    return found


@dataclass
class Lazy:
    """Satisfies `types.Speaker`: opens the member when it is first asked."""

    member: Member
    speaker: Speaker | None = field(default=None, repr=False)

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        if self.speaker is None:
            self.speaker = self.member.open()
        return self.speaker.answer(questions)


def questions_of(directory: RunDirectory, step: int) -> list[dict[str, Any]]:
    """What rewards asked in a step and its evaluation, in order; ValueError where the run recorded no question.

    A line has: `where` (step or evaluation), `rollout` (its number in the step's record, where it is of one), `of`,
    `kind`, `asked`, `answer` or `choices`, `reply`, `seconds`, `cached`, `fault`.
    """
    lines, _ = read_lines(directory.questions)
    if not lines:
        raise ValueError(
            f"{directory.path} has no questions on record: its rewards ask no model, or only read log-probs; set "
            "record.questions = 'all' to keep those"
        )
    return [line for line in lines if line["step"] == step]
