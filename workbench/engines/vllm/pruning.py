"""The two ways of pruning with vLLM.

In phases: all rollouts are generated up to the detection length, the pruner decides, and the survivors are continued.
vLLM's public interface gives no hidden states during generation, so the policy computes them. Any pruner works.

In the engine: vLLM's process gets the pruner's stop rule and stops rollouts itself (`inside`). No rollout waits for
others, and survivors equal those of an unpruned run, token for token. The hidden states are vLLM's own. Afterwards the
pruner is called as usual, with these states, and its decision is final: a rollout that it keeps although it was stopped
(since few of its group had come so far) is continued; one that it stops although it continued is cut.
"""

from itertools import accumulate, groupby

import torch

from workbench.engines.base import ModulePolicy
from workbench.engines.detection import Detection
from workbench.engines.vllm.gate import Gate
from workbench.engines.vllm.generation import Generation
from workbench.types import Row


def in_phases(generation: Generation, detection: Detection, policy: ModulePolicy) -> None:
    """Generates up to each detection length in turn, then to the end."""
    for length in sorted(set(detection.pruner.detection_lengths)):
        generation.resume(until=length)
        show(generation, detection, policy, length)
        leave(generation, detection)
        detection.judge()
    generation.resume()


def in_engine(generation: Generation, gate: Gate) -> None:
    """Generates to the end at once, then calls the pruner."""
    generation.resume(gate=gate)
    leave(generation, gate.detection)
    gate.detection.judge()
    generation.resume()


def leave(generation: Generation, detection: Detection) -> None:
    """Notes the rollouts that have ended."""
    for job in generation.jobs:
        if job.finish is not None:
            detection.leave(job)


@torch.no_grad()
def show(generation: Generation, detection: Detection, policy: ModulePolicy, length: int) -> None:
    """Notes the rollouts that have reached `length`, group by group, with the policy's last hidden state."""
    here = [job for job in generation.jobs if job.finish is None and len(job.tokens) == length]
    for _, group in groupby(sorted(here, key=lambda job: job.request.group), key=lambda job: job.request.group):
        members = list(group)
        # one token more than was generated: the state before it is the one at the newest token
        rows = [Row(job.request.prompt, [*job.tokens, job.tokens[-1]]) for job in members]
        ends = accumulate(len(row.answer) for row in rows)
        states = policy.before(rows)
        for job, last in zip(members, ends, strict=True):
            detection.see(job, states[last - 1])
