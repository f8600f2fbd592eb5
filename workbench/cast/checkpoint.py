"""A member of the cast that is the model of a run at one of its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Member
from workbench.types import Question, Reply, Speaker
from workbench.types.asking import POLICY, Failing


@dataclass(frozen=True)
class Checkpoint(Member):
    """The policy of a run as of a kept checkpoint, frozen. A controller's or a reward's view of an earlier self."""

    run: Annotated[str, Field(min_length=1, description="the run's folder")]
    step: Annotated[int | None, Field(ge=0, description="of the checkpoint; 0: before training; none: the last")] = None

    def open(self) -> Speaker:
        from workbench.runs.checkpoints.snapshot import snapshot

        try:
            now = snapshot(self.run, self.step)
        except (ValueError, OSError) as error:
            return Failing(Reply(fault=f"the checkpoint of {self.run} cannot be read: {error}"))
        return Earlier(now.trainer.bench.cast[POLICY], f"{self.run}, step {now.step}")


@dataclass(frozen=True)
class Earlier:
    """Satisfies `types.Speaker`: the policy of another run."""

    speaker: Speaker
    name: str

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        replies = self.speaker.answer(questions)
        return [replace(reply, fault=reply.fault and f"{self.name}: {reply.fault}") for reply in replies]
