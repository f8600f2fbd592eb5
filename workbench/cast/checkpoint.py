"""A member of the cast that is the model of a run at one of its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Member
from workbench.types import Question, Reply, Speaker
from workbench.types.asking import Failing


@dataclass(frozen=True)
class Checkpoint(Member):
    """The policy of a run as of a kept checkpoint, frozen: an earlier self, or another one's. It is given texts."""

    run: Annotated[str, Field(min_length=1, description="the run's folder")]
    step: Annotated[int | None, Field(ge=0, description="of the checkpoint; 0: before training; none: the last")] = None

    def open(self) -> Speaker:
        from workbench.runs.checkpoints.snapshot import snapshot

        try:
            now = snapshot(self.run, self.step)
        except (ValueError, OSError) as error:
            return Failing(Reply(fault=f"the checkpoint of {self.run} cannot be read: {error}"))
        speaker = replace(now.trainer.bench.own, name=f"{self.run}, step {now.step}", foreign=True)
        return Earlier(speaker, now)


@dataclass(frozen=True)
class Earlier:
    """Satisfies `types.Speaker`: the policy of another run; one question at a time, as all who look at it ask."""

    speaker: Speaker
    now: Any  # the snapshot

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        with self.now.asking():
            return self.speaker.answer(questions)
