"""One optimiser update: constants, micro-batches, gradient, step. Knows methods only by their protocol."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.method import Method, Settled, advantages, lens_all, objective, settle, with_signals
from workbench.training.failed import NotFiniteError, all_finite, failure, weights_failure
from workbench.training.forward import Forward, Wanted, micro_batches
from workbench.training.signal_plan import SignalPlan, passes
from workbench.types import Batch, PerToken, Row


@dataclass(frozen=True)
class Rows:
    """The rows of an update: each completion after its training prompt, and after the prompts of each context."""

    plain: Sequence[Row]
    contexts: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def take(self, index: Sequence[int]) -> "Rows":
        """The rows at `index`."""
        contexts = {name: [rows[number] for number in index] for name, rows in self.contexts.items()}
        return Rows([self.plain[number] for number in index], contexts)

    def after(self, context: str) -> Sequence[Row]:
        """The completions after the prompts of a context; "": the training prompt. ValueError for an unknown one."""
        if context and context not in self.contexts:
            known = ", ".join(self.contexts) or "none"
            raise ValueError(f"no piece gives the context {context!r}; there are: {known}")
        return self.contexts[context] if context else self.plain


@dataclass
class Report:
    """The result of an update: loss, gradient norm, and per token the signals and the lens."""

    loss: float
    grad_norm: float
    signals: dict[str, Tensor]  # [row, token], as computed in this update
    lens: PerToken  # -∂loss/∂logprob

    @property
    def finite(self) -> bool:
        """Whether every number of the report is finite."""
        tensors = [self.lens, *self.signals.values()]
        return math.isfinite(self.loss + self.grad_norm) and all(bool(item.isfinite().all()) for item in tensors)


@dataclass(frozen=True)
class Into:
    """The target of a micro-batch: its rows, the report it fills, and the signals it records."""

    index: Tensor  # its rows among those of the update
    report: Report
    pushes: Mapping[str, Tensor] | None  # of its tokens, by signal, where the loss was differentiated beforehand
    record: Set[str]


@dataclass
class Updater:
    """Runs updates of one policy with one method."""

    method: Method
    plan: SignalPlan
    forward: Forward
    optimiser: torch.optim.Optimizer
    clip_norm: float

    def update(
        self, batch: Batch, rows: Rows, advantage: PerToken, *, record: Set[str] = frozenset(), current: bool = False
    ) -> Report:
        """One update over these rows. `record`: signals to compute in addition to those of the method.

        `current`: `batch.logprob` is the current policy's. Where the plan has no first pass, the policy of this update
        is the sampling policy as well.

        Raises:
            NotFiniteError: if a number is not finite; then no weight was changed.
        """
        if (self.method.setwise or self.method.fresh) and not (current and self.ahead_of_update == {"logprob"}):
            batch = self.refreshed(batch, rows, self.ahead_of_update)
        if self.method.advantage.fresh:
            advantage = advantages(self.method, batch)
        settled = settle(self.method, batch, advantage)
        setwise = batch.extend(stored_advantage=advantage)
        pushes = lens_all(self.method, setwise) if self.method.setwise else None
        report = Report(0.0, 0.0, {}, torch.zeros_like(batch.logprob))
        self.optimiser.zero_grad(set_to_none=True)
        for index in micro_batches(rows.plain, self.forward.budget):
            chosen = torch.tensor(index)
            part = None if pushes is None else {name: push[chosen] for name, push in pushes.items()}
            self.micro(batch.rows(chosen), rows.take(index), settled.rows(chosen), Into(chosen, report, part, record))
        if self.method.setwise:
            with torch.no_grad():
                report.loss = float(objective(self.method, batch, settled))
        report.grad_norm = self.clip()
        if not report.finite:
            raise self.failure(batch, rows, advantage, record)
        self.optimiser.step()
        self.refuse_weights(batch)
        return report

    @property
    def ahead_of_update(self) -> frozenset[str]:
        """The current policy's signals that must be known over all rows before a set-wise or fresh update."""
        return self.plan.gradient | (self.method.needs & self.plan.during)

    def clip(self) -> float:
        """Clips the gradient of the policy and of each head separately; returns the policy's norm before clipping."""
        norms = [
            torch.nn.utils.clip_grad_norm_(group["params"], self.clip_norm) for group in self.optimiser.param_groups
        ]
        finite = all(bool(norm.isfinite()) for norm in norms)
        return float(norms[0]) if finite else math.nan

    def refuse_weights(self, batch: Batch) -> None:
        """Raises NotFiniteError unless every weight that the optimiser or an edit changed is finite."""
        changed = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        if all_finite(changed):
            return
        heads = {f"head.{name}": weight for name, weight in self.forward.heads.named_parameters()}
        named = {id(weight): name for name, weight in {**self.forward.policy.trainable(), **heads}.items()}
        raise weights_failure(self.method, batch, {named.get(id(weight), "?"): weight for weight in changed})

    def failure(self, batch: Batch, rows: Rows, advantage: PerToken, record: Set[str] = frozenset()) -> NotFiniteError:
        """The error to raise about these rows; the signals of the policy, which was not changed, are computed again."""
        names = self.plan.during | record
        batch = self.refreshed(batch, rows, names)
        if not self.plan.first_pass:
            batch = batch.replace(old_logprob=batch.logprob)
        return failure(self.method, batch, advantage, names | self.plan.ahead)

    def micro(self, batch: Batch, rows: Rows, settled: Settled, into: "Into") -> None:
        """Forward and backward pass of some rows; their signals and lens go into the report."""
        report = into.report
        signals = self.read(rows, self.plan.during | into.record, self.plan.gradient, batch.mask.shape[1])
        logprob = signals["logprob"]
        logprob.retain_grad()
        if not self.plan.first_pass:
            batch = batch.replace(old_logprob=logprob.detach())
        if into.pushes is None:
            loss = objective(self.method, with_signals(batch, signals), settled)
        else:
            pulls = [(push * signals[name]).sum() for name, push in into.pushes.items()]
            loss = -torch.stack(pulls).sum()
        loss.backward()
        report.loss += loss.item()
        if logprob.grad is not None:
            report.lens[into.index] = -logprob.grad
        for name, values in signals.items():
            if name not in report.signals:
                report.signals[name] = values.new_zeros((len(report.lens), *values.shape[1:]))
            report.signals[name][into.index] = values.detach()

    def refreshed(self, batch: Batch, rows: Rows, names: Set[str]) -> Batch:
        """The batch with the current policy's signals over all rows, without gradient."""
        found: dict[str, Tensor] = {}
        for index in micro_batches(rows.plain, self.forward.budget):
            part = self.read(rows.take(index), names, frozenset(), batch.mask.shape[1])
            for name, values in part.items():
                found.setdefault(name, values.new_zeros((len(rows.plain), *values.shape[1:])))
                found[name][torch.tensor(index)] = values
        return with_signals(batch, found)

    def read(self, rows: Rows, names: Set[str], gradient: Set[str], width: int) -> dict[str, Tensor]:
        """The current policy's signals of these rows, padded to the batch's width."""
        found: dict[str, Tensor] = {}
        for (policy, context), signals in passes(names).items():
            wanted = {name for name in gradient if Wanted.parse(name).context == context}
            carried = {Wanted.parse(name).signal for name in wanted}
            part = self.forward.read(rows.after(context), signals, carried)
            for signal, values in part.items():
                found[Wanted(signal, policy, context).name] = widen(values, width)
        return found


def widen(values: Tensor, width: int) -> Tensor:
    """[row, token, …] padded with zeros to `width` tokens."""
    missing = width - values.shape[1]
    padding = (0, 0) * (values.dim() - 2) + (0, missing)
    return torch.nn.functional.pad(values, padding) if missing else values
