"""Tries a method before it is registered, on made-up rollouts with a run's edge cases: shapes, types, no nan."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from typing import Any

import torch
from torch import Tensor

from workbench.cells import shown
from workbench.checks import made_batch
from workbench.errors import among
from workbench.kinds import Regulariser, Surrogate
from workbench.method import Method, lens_all, settle
from workbench.ops import sanitise, slot_view
from workbench.piece import check_answer, told
from workbench.types import AXES, Batch, PerToken, axes

#: Description, rewards of each group, and tokens of each completion.
CASES: tuple[tuple[str, list[list[float]], list[int]], ...] = (
    ("completions of different lengths", [[1, 0, 0, 1], [1, 0]], [3, 1, 2, 3, 2, 1]),
    ("groups all correct and all incorrect", [[1, 1], [0, 0, 0]], [2, 3, 1, 3, 2]),
    ("completions of one token", [[1, 0], [0, 1, 1]], [1, 1, 1, 1, 1]),
    ("unscored rollouts (reward nan)", [[1, nan, 0], [0, nan]], [3, 2, 1, 2, 3]),
)


class MethodError(ValueError):
    """A method that cannot be used: the message names it, the error, and the remedy."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints: the message and the line of the cell. The frames in between are the library's own."""
        return shown.lines(self)


def try_out(method: Method) -> None:
    """Calls every piece of the loss with made-up rollouts. MethodError for the first invalid result."""
    for name in sorted(method.needs):
        try:
            axes(name)
        except ValueError as error:
            known = f"{among(name, AXES, 'signals')}; prefixes: old_, ref_, engine_"
            raise MethodError(f"method {method.key!r} needs {name!r}, which is no signal{known}") from error
    for words, rewards, lengths in CASES:
        Trial(method, made_up(method, rewards, lengths), words).run()


def made_up(method: Method, rewards: list[list[float]], lengths: list[int]) -> Batch:
    """Rollouts with these rewards and lengths, in float32, slightly off-policy, with all signals the method needs."""
    made = made_batch(method, rewards)
    logprob, reward = made.logprob.float(), made.reward.float()
    return made.replace(
        logprob=logprob,
        old_logprob=logprob - torch.linspace(-0.1, 0.1, logprob.numel()).reshape(logprob.shape),
        mask=torch.arange(logprob.shape[1]) < torch.tensor(lengths)[:, None],
        reward=reward,
        correct=torch.where(reward.isnan(), reward, made.correct.float()),
        extras={name: value.float() for name, value in made.extras.items()},
    )


@dataclass(frozen=True)
class Trial:
    """A method and the rollouts for its trial."""

    method: Method
    batch: Batch
    words: str

    def run(self) -> None:
        """Calls piece by piece, in the order of an update. MethodError for the first error."""
        batch = sanitise(self.batch)
        advantage = torch.where(batch.mask, self.ask("advantage", slot_view(batch, "advantage")), 0.0)
        with self.named("settle"):
            settled = settle(self.method, self.batch, advantage)
        if not settled.weight.isfinite().all():
            raise self.error("reduction", f"returned nan or infinity; {GUARD}")
        ratio = self.ask("ratio", settled.view(batch, "ratio"))
        self.ask("surrogate", settled.view(batch, "surrogate"), ratio, advantage)
        for slot, piece in self.method.pieces():
            if isinstance(piece, Regulariser):
                self.ask(slot, settled.view(batch, slot))
        for name, push in lens_all(self.method, self.batch).items():
            if not push.isfinite().all():
                raise self.error("loss", f"its derivative by {name} contains nan or infinity; {GUARD}")

    def ask(self, slot: str, batch: Batch, *more: PerToken) -> Tensor:
        """The result of the piece in a slot. MethodError if it is invalid."""
        piece: Any = dict(self.method.pieces())[slot]
        is_loss = isinstance(piece, Surrogate | Regulariser)
        with self.named(slot):
            answer: Tensor = check_answer(
                self.method.describe_slot(slot), piece(batch, *more), batch.mask, number=is_loss
            )
        if is_loss and piece.setwise != (answer.dim() == 0):
            raise self.error(slot, f"returned {told(answer)}, and setwise is {piece.setwise}; {SETWISE}")
        if not (answer[batch.mask] if answer.dim() else answer).isfinite().all():
            raise self.error(slot, f"returned nan or infinity; {GUARD}")
        return answer

    @contextmanager
    def named(self, slot: str) -> Iterator[None]:
        """Adds method and slot to an error raised inside."""
        try:
            yield
        except Exception as error:
            named = f"{error}".startswith("method ")
            wrong = f"{error}" if named else f"{type(error).__name__}: {error}{remedy_for(error)}"
            raise self.error("" if named else slot, wrong) from error

    def error(self, slot: str, wrong: str) -> MethodError:
        """The error with the place (unless its text has it) and the rollouts of the trial."""
        pieces = dict(self.method.pieces())
        who = self.method.describe_slot(slot) if slot in pieces else f"method {self.method.key}, {slot}"
        return MethodError(f"{who + ': ' if slot else ''}{wrong} (tried on made-up rollouts: {self.words})")


GUARD = (
    "add a small number to divisors; workbench.ops.group_mean and group_std exclude unscored rollouts, "
    "and sums over tokens need batch.mask"
)
SETWISE = (
    "a loss per token is not summed; one number for a whole update needs -> Scalar on a function, setwise = True "
    "in a class"
)


def remedy_for(error: Exception) -> str:
    """The remedy if a missing signal or a misspelt attribute explains the error, else empty."""
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        return among(error.name, [name for name in dir(error.obj) if not name.startswith("_")]).partition(";")[0]
    words = str(error).split()
    if words[:1] == ["signal"] and "recorded:" in words:
        return f"; declare it: needs=({words[1]!r},) for a function, the property `needs` of a class"
    return ""
