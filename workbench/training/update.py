"""One update of the weights: settle, micro-batches, gradient, optimiser step. Knows methods only by their protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.method import Method, Settled, lens_all, objective, settle, with_signals
from workbench.training.forward import Forward, Wanted, micro_batches
from workbench.training.plan import Plan, passes
from workbench.types import Batch, PerToken, Row


@dataclass(frozen=True)
class Rows:
    """The rows of an update: each answer after its training prompt, and after the prompts of each context."""

    plain: Sequence[Row]
    contexts: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def take(self, index: Sequence[int]) -> "Rows":
        """The rows at `index`."""
        contexts = {name: [rows[number] for number in index] for name, rows in self.contexts.items()}
        return Rows([self.plain[number] for number in index], contexts)

    def after(self, context: str) -> Sequence[Row]:
        """The answers after the prompts of a context; "" is the training prompt."""
        if context and context not in self.contexts:
            known = ", ".join(self.contexts) or "none"
            raise ValueError(f"no piece gives the context {context!r}; there are: {known}")
        return self.contexts[context] if context else self.plain


@dataclass
class Report:
    """What an update did: its loss, the norm of its gradient, and per token what was read and pushed."""

    loss: float
    grad_norm: float
    signals: dict[str, Tensor]  # [row, token] as this update saw them
    lens: PerToken  # -∂loss/∂logprob


@dataclass
class Updater:
    """Makes updates of one policy with one method."""

    method: Method
    plan: Plan
    forward: Forward
    optimiser: torch.optim.Optimizer
    clip_norm: float

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Everything under training."""
        return [parameter for group in self.optimiser.param_groups for parameter in group["params"]]

    def update(self, batch: Batch, rows: Rows, advantage: PerToken) -> Report:
        """One update over these rows. `batch.logprob` is read anew; where the plan has no first pass, it is the
        sampling policy's as well."""
        if self.method.setwise or self.method.fresh:
            batch = self.refreshed(batch, rows)
        settled = settle(self.method, batch, advantage)
        pushes = lens_all(self.method, batch) if self.method.setwise else None
        report = Report(0.0, 0.0, {}, torch.zeros_like(batch.logprob))
        self.optimiser.zero_grad(set_to_none=True)
        for index in micro_batches(rows.plain, self.forward.budget):
            chosen = torch.tensor(index)
            part = None if pushes is None else {name: push[chosen] for name, push in pushes.items()}
            self.micro(batch.rows(chosen), rows.take(index), settled.rows(chosen), (chosen, report, part))
        if self.method.setwise:
            with torch.no_grad():
                report.loss = float(objective(self.method, batch, settled))
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)
        report.grad_norm = float(norm)
        if not torch.isfinite(norm):
            raise ValueError(
                f"the gradient is not finite (norm {float(norm)}): lower training.learning_rate "
                f"({self.optimiser.param_groups[0]['lr']:g}) or look at the method's signals"
            )
        self.optimiser.step()
        return report

    def micro(
        self,
        batch: Batch,
        rows: Rows,
        settled: Settled,
        into: tuple[Tensor, Report, dict[str, Tensor] | None],
    ) -> None:
        """Forward and backward of some rows; what is read goes into the report."""
        index, report, pushes = into
        signals = self.read(rows, self.plan.during, self.plan.gradient, batch.mask.shape[1])
        logprob = signals["logprob"]
        logprob.retain_grad()
        if not self.plan.first_pass:
            batch = batch.replace(old_logprob=logprob.detach())
        if pushes is None:
            loss = objective(self.method, with_signals(batch, signals), settled)
        else:
            pulls = [(push * signals[name]).sum() for name, push in pushes.items()]
            loss = -torch.stack(pulls).sum()
        loss.backward()
        report.loss += loss.item()
        if logprob.grad is not None:
            report.lens[index] = -logprob.grad
        for name, values in signals.items():
            if name not in report.signals:
                report.signals[name] = values.new_zeros((len(report.lens), *values.shape[1:]))
            report.signals[name][index] = values.detach()

    def refreshed(self, batch: Batch, rows: Rows) -> Batch:
        """The batch with the current policy's signals over all rows, without gradient."""
        names = self.plan.gradient | (self.method.needs & self.plan.during)
        found: dict[str, Tensor] = {}
        for index in micro_batches(rows.plain, self.forward.budget):
            part = self.read(rows.take(index), names, frozenset(), batch.mask.shape[1])
            for name, values in part.items():
                found.setdefault(name, values.new_zeros((len(rows.plain), *values.shape[1:])))
                found[name][torch.tensor(index)] = values
        return with_signals(batch, found)

    def read(self, rows: Rows, names: frozenset[str], gradient: frozenset[str], width: int) -> dict[str, Tensor]:
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
