"""A run's model as it was at a checkpoint: to be asked, to score recorded rollouts, to branch off them.

    now = snapshot(open_run("runs/demo"))              # the last checkpoint; step=0 is the model before training
    now.sample("Tom has 3 apples.", n=4)
    branch(run, step=7, rollout=12, at=5, token=91)    # what if token 5 had been another?

The run may go on meanwhile. Its method is never loaded: a snapshot needs none.
"""

import dataclasses
import functools
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import pyarrow
import torch
from safetensors.torch import load_file
from torch import Tensor

from workbench.kinds import Task
from workbench.runs.checkpoints.available import BASE, checkpoints, read_from, use_checkpoint
from workbench.runs.checkpoints.inference import THREADS, inference_config, threads
from workbench.runs.checkpoints.problems import asked_in, recorded
from workbench.runs.directory.checkpoint import Checkpoint
from workbench.runs.directory.record import BY_NAME, REAL, Column, rollout_table
from workbench.runs.open import Run, open_run
from workbench.signals import RECORDED
from workbench.training import checkpoint
from workbench.training.evaluation import probe_columns
from workbench.training.sampling import Sampled
from workbench.training.signal_plan import reads_reference
from workbench.training.trainer import Trainer
from workbench.types import Encoder, Group, Problem, Request, Rollout, Row, Sampling, State

LOADED = 2  # models kept in memory: a checkpoint and the base, or two checkpoints
SAMPLING_STEP = -3  # keys the noise of all snapshots (evaluations have -1, -2): every step draws alike, so they compare


@dataclass(frozen=True)
class Snapshot:
    """The policy of a run as of a step, with an engine of this process, and the run's task, rewards and shaping."""

    run: Run
    step: int
    trainer: Trainer  # holds them together; takes no step
    states: Mapping[str, State] = field(default_factory=dict, repr=False)  # what the run's pieces remembered, by slot
    busy: Any = field(default_factory=threading.RLock, repr=False)  # one question at a time

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the model computes: nobody else asks it, and it takes no more threads than it should."""
        with self.busy, threads(THREADS):
            yield

    @property
    def encoder(self) -> Encoder:
        """The tokenizer."""
        return self.trainer.parts.encoder

    @property
    def task(self) -> Task:
        """Where the run's problems come from."""
        return self.trainer.parts.task

    @property
    def vocabulary(self) -> int:
        """How many tokens the model knows."""
        policy = self.trainer.policy
        with self.asking(), torch.no_grad():
            return int(policy.logits(policy.before([Row([0], [0])])).shape[-1])

    def sample(
        self,
        asked: str | Problem,
        n: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        prefix: str | Sequence[int] = (),
    ) -> list[Rollout]:
        """`n` answers to a text, or to a problem; the latter scored as in the run.

        `prefix` is the beginning of every answer, as text or token ids; `temperature` None is the run's own. Equal
        arguments give equal draws at every step.
        """
        if n < 1:
            raise ValueError(f"n = {n}: ask for 1 answer or more")
        problem = Problem("", asked, "") if isinstance(asked, str) else asked
        given = self.encoder.answer(prefix) if isinstance(prefix, str) else tuple(prefix)
        request = Request(problem, self.encoder.prompt(problem.prompt), group=0, number=0, n=n, prefix=given)
        rollouts = self.write([request], self.sampling(temperature, seed))
        return rollouts if isinstance(asked, str) else self.scored(rollouts)

    def sampling(self, temperature: float | None = None, seed: int = 0) -> Sampling:
        """How the run draws tokens, with draws of its own."""
        own = self.trainer.settings.rollouts.temperature
        found = self.trainer.sampling(SAMPLING_STEP, own if temperature is None else temperature)
        return dataclasses.replace(found, seed=seed)

    def write(self, requests: Sequence[Request], sampling: Sampling) -> list[Rollout]:
        """The engine's answers to requests, unscored."""
        with self.asking():
            return self.trainer.parts.engine.generate(requests, sampling)

    def scored(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        """The same rollouts with reward, verdict and parts, scored group by group; a fault is a part's reason."""
        groups: dict[int, Group] = {}
        for rollout in rollouts:
            request = rollout.request
            groups.setdefault(request.group, Group(request.group, request.problem, [])).rollouts.append(rollout)
        with self.asking():
            self.trainer.parts.score(list(groups.values()))
        return list(rollouts)

    def branch(self, recorded: Mapping[str, Any], at: int, token: int, n: int = 4) -> list[Rollout]:
        """`n` continuations, scored, of a recorded rollout whose token at place `at` (from 0) is made another.

        `recorded` is a row of the record. A token that ends answers is scored as it stands, once.
        """
        tokens, most = list(recorded["token_ids"]), self.trainer.settings.rollouts.max_tokens
        stops = token in self.trainer.stop_tokens
        if not 0 <= at < len(tokens):
            raise ValueError(f"at = {at}: the rollout's tokens are numbered from 0 to {len(tokens) - 1}")
        if not isinstance(token, Integral) or not 0 <= token < self.vocabulary:
            raise ValueError(f"token = {token!r}: the model's tokens are numbered from 0 to {self.vocabulary - 1}")
        if n < 1 or (at + 1 >= most and not stops):
            raise ValueError(
                f"at = {at}, n = {n}: answers have at most {most} tokens; take an earlier token, and n of 1 or more"
            )
        prefix = tuple(int(given) for given in (*tokens[:at], token))
        prompt = tuple(int(given) for given in recorded["prompt_ids"])
        problem, group = asked_in(self.task, recorded), int(recorded["group"])
        request = Request(problem, prompt, group, 0, n=n, prefix=prefix, tag="branch")
        return self.scored([self.ended(request)] if stops else self.write([request], self.sampling()))

    def ended(self, request: Request) -> Rollout:
        """A rollout whose given tokens are all of it."""
        tokens = list(request.prefix)
        unknown = [math.nan] * len(tokens)
        return Rollout(request, 0, tokens, self.encoder.text(tokens), unknown, list(unknown), "stop")

    def table(self, rollouts: Sequence[Rollout]) -> Any:
        """Rollouts as they stand in a run's record, with what one pass reads of every token; `step` is the snapshot's.

        The numbers are those of this policy at the run's sampling temperature; what only an update knows (advantage,
        lens) is null.
        """
        if not rollouts:
            raise ValueError("no rollouts to show: give at least one")
        names = (*RECORDED, "kl") if self.trainer.reads_reference else RECORDED
        sampled = Sampled([Group(0, rollouts[0].request.problem, list(rollouts))])
        forward = self.trainer.learner.forward
        with self.asking():
            return rollout_table(probe_columns(self.trainer.parts, sampled, self.step, forward, names))

    def score(self, table: Any, signals: Sequence[str]) -> Any:
        """Signals of recorded rollouts under this policy (`ref_…`: its reference): an Arrow table, a column each.

        `table` has the columns prompt_ids and token_ids. A signal that reads the model before training needs
        `snapshot(…, reference=True)`. ValueError for a name that is no signal.
        """
        prompts, answers = (table.column(name).to_pylist() for name in ("prompt_ids", "token_ids"))
        missing = [] if self.trainer.reads_reference else [name for name in signals if reads_reference(name)]
        if missing:
            raise ValueError(f"{', '.join(missing)}: needs the model before training; take snapshot(…, reference=True)")
        scorer = self.trainer.parts.scorer
        assert scorer is not None  # the trainer makes one
        with self.asking():
            read = scorer.score(prompts, answers, list(signals))
        return pyarrow.table({name: column_of(name, [row[name] for row in read]) for name in signals})


def column_of(name: str, rows: Sequence[Sequence[Any]]) -> Any:
    """One column of a record from a list per row; of several numbers a token, one token after the other."""
    column = BY_NAME.get(name, Column(name, REAL, "token"))
    if column.per == "top":
        rows = [[number for numbers in row for number in numbers] for row in rows]
    return pyarrow.array(rows, type=pyarrow.list_(REAL)).cast(column.type)


def branch(
    run: Run | str | Path, step: int, rollout: int, at: int, token: int, n: int = 4, checkpoint: int | None = None
) -> Any:
    """What if token `at` of a recorded rollout had been `token`? `n` answers that go on from there, as a table.

    They are written by the policy of `checkpoint`; left out: of the newest checkpoint that had not yet learnt from the
    rollout, which is the policy that wrote it where step - 1 is kept. The column `step` says which, and the table's
    metadata: `checkpoint`, and whether it is `exact`ly that policy.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    row = recorded(opened, step, rollout)
    before = [kept for kept in (BASE, *checkpoints(opened.directory)) if kept < step]
    now = snapshot(opened, max(before) if checkpoint is None else checkpoint)
    found = now.table(now.branch(row, at, token, n))
    exact = "true" if now.step == step - 1 else "false"
    return found.replace_schema_metadata({"checkpoint": str(now.step), "exact": exact})


# ------------------------------------------------------------------------------------------- loading


@dataclass(frozen=True)
class Wanted:
    """Which snapshot is meant, in a way that another run in the same folder is another one."""

    path: Path
    step: int
    attempt: int
    made: int  # when the run was, in ns
    device: str | None
    reference: bool
    checkpoint: Checkpoint | None = field(compare=False)


def snapshot(
    run: Run | str | Path, step: int | None = None, *, device: str | None = None, reference: bool = False
) -> Snapshot:
    """A run's policy as of a kept checkpoint: None for the last one, 0 for the model before training.

    `device`: "cpu" beside a trainer that fills the GPU; left out, the CPU for a run on the CPU, else a GPU if there is
    one. `reference` keeps the model before training as well. The last few stay loaded (`forget` frees them).
    ValueError for a step without checkpoint.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    directory = opened.directory.check()
    made = directory.resolved.stat().st_mtime_ns if directory.resolved.exists() else 0

    def as_of(found: Checkpoint | None) -> Snapshot:
        place = (BASE, 0) if found is None else (found.step, found.attempt)
        return loaded(Wanted(opened.path.resolve(), *place, made, device, reference, found))

    return as_of(None) if step == BASE else use_checkpoint(directory, step, as_of)


def forget() -> None:
    """Frees the models that are kept loaded."""
    loaded.cache_clear()


@functools.lru_cache(maxsize=LOADED)
def loaded(wanted: Wanted) -> Snapshot:
    """The snapshot, its model read from disk."""
    from workbench.runs.directory.replies import Replies
    from workbench.runs.process.build import build  # joins all rooms, and so loads transformers

    run = open_run(wanted.path)
    weights, states = ({}, {}) if wanted.checkpoint is None else read_from(wanted.checkpoint, read_policy)
    config = inference_config(run, wanted.device, reference=wanted.reference)
    with threads(THREADS):
        trainer = build(config, replies=Replies(run.directory.replies, write=False))
    own = trainer.policy.trainable()
    if weights and weights.keys() != own.keys():
        odd = ", ".join(sorted(weights.keys() ^ own.keys())[:3])
        raise ValueError(f"step {wanted.step} of {run.path} is of another model than its config: {odd} are not in both")
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
    trainer.parts.engine.sync(trainer.policy)
    return Snapshot(run, wanted.step, trainer, states)


def read_policy(folder: Path) -> tuple[dict[str, Tensor], dict[str, State]]:
    """The policy's weights in a checkpoint, without the heads of its method; what the pieces remembered.

    The optimiser's moments, twice the weights, stay on the disk.
    """
    saved = load_file(folder / "weights.safetensors")
    weights = {name: value for name, value in saved.items() if not name.startswith("head.")}
    return weights, checkpoint.read_part(folder, "states") or {}
