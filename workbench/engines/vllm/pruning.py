"""The two ways of pruning with vLLM.

In phases: all rollouts are written up to a pause, judged, and the survivors written on. vLLM's public interface shows
no hidden states on the way, so the policy reads the rollouts and gives its own. Any pruner can work so.

In the engine: vLLM's process is told who would be stopped, and stops them itself while it writes (`inside`). No
rollout waits for others, and survivors are those of a run that is not pruned, token for token. The states are vLLM's
own. Afterwards the pruner is asked as ever, with these states, and what it says is done: where it lets go on what was
stopped, since few of a group had come so far, that is written on; where it stops what went on, that is cut.
"""

from itertools import accumulate, groupby

import torch

from workbench.engines.base import ModulePolicy
from workbench.engines.pauses import Pauses
from workbench.engines.vllm.gate import Gate
from workbench.engines.vllm.writing import Writing
from workbench.types import Row


def in_phases(writing: Writing, pauses: Pauses, policy: ModulePolicy) -> None:
    """Writes up to each pause in turn, then to the end."""
    for length in sorted(set(pauses.pruner.pauses)):
        writing.go_on(until=length)
        show(writing, pauses, policy, length)
        leave(writing, pauses)
        pauses.judge()
    writing.go_on()


def in_engine(writing: Writing, gate: Gate) -> None:
    """Writes to the end at once, then asks the pruner."""
    writing.go_on(gate=gate)
    leave(writing, gate.pauses)
    gate.pauses.judge()
    writing.go_on()


def leave(writing: Writing, pauses: Pauses) -> None:
    """Tells of those that have ended."""
    for job in writing.jobs:
        if job.finish is not None:
            pauses.leave(job)


@torch.no_grad()
def show(writing: Writing, pauses: Pauses, policy: ModulePolicy, length: int) -> None:
    """Shows who has reached a length, group by group, with the policy's last hidden state."""
    here = [job for job in writing.jobs if job.finish is None and len(job.tokens) == length]
    for _, group in groupby(sorted(here, key=lambda job: job.request.group), key=lambda job: job.request.group):
        members = list(group)
        # a token more than was written: the state before it is the one at the newest token
        rows = [Row(job.request.prompt, [*job.tokens, job.tokens[-1]]) for job in members]
        ends = accumulate(len(row.answer) for row in rows)
        states = policy.before(rows)
        for job, last in zip(members, ends, strict=True):
            pauses.see(job, states[last - 1])
