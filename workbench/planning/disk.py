"""Disk usage of a run, computed from its config and the size of its model."""

from dataclasses import dataclass

from workbench.config import RunConfig
from workbench.models.size import Size
from workbench.planning.memory import MIB, most_rollouts
from workbench.signals import RECORDED, TOP_K

#: Numbers of 4 bytes kept of an answer's token beside the signals: its id, and advantage, lens, and the log-probability
#: as old policy, engine and sampler had it; 5 bytes for the text and whether it is trained.
OWN, REST = 6, 5
PLAIN = 4 + 2 * 4 + REST  # of a token in an evaluation, or where no numbers are recorded
SAMPLE = 256  # bytes of an exam's completion in the store of samples, and of its share of the result
PROMPT = 8  # bytes of a prompt's token: its id and its text
TOKENIZER = 12 * MIB
EVERY_STEP = 256 * MIB  # checkpoints up to this size are written after every step: `runs.checkpoint.EVERY_STEP`


@dataclass(frozen=True)
class Disk:
    """Bytes on disk; rollouts before compression, so these are upper bounds."""

    step: int  # rollouts of a recorded step
    evaluation: int
    checkpoint: int
    checkpoints: int  # kept, `last` and its draft included
    total: int
    exam: int = 0  # all exams, taken once


def disk(config: RunConfig, size: Size, prompt: int) -> Disk:
    """Disk usage of the finished run, with completions of maximum length. `prompt`: tokens of a prompt."""
    answer, steps = config.rollouts.max_tokens, config.training.steps
    rows = most_rollouts(config)
    step = rows * (answer * token_bytes(config) + prompt * PROMPT)
    evaluation = config.evaluation.problems * (answer * PLAIN + prompt * PROMPT)
    if config.evaluation.problems:
        tracked = config.evaluation.probes * config.evaluation.probe_rollouts
        evaluation += tracked * (answer * token_bytes(config) + prompt * PROMPT)
    evaluations = 2 + (steps // config.evaluation.every if config.evaluation.every else 0)
    checkpoint = 3 * size.trained  # weights and two moments
    kept = 2 + steps // config.training.checkpoint
    recorded = -(-steps // config.record.every)
    exams = [(part.completions * SAMPLE, part.every) for part in config.exams]
    examined = sum(size * (2 + ((steps - 1) // every if every else 0)) for size, every in exams)
    total = recorded * step + evaluations * evaluation + kept * checkpoint + TOKENIZER + examined
    return Disk(step, evaluation, checkpoint, kept, total, sum(size for size, _ in exams))


def token_bytes(config: RunConfig) -> int:
    """Bytes recorded per completion token."""
    if config.record.tokens == "none":
        return PLAIN
    lists = sum(name.startswith("top_") for name in RECORDED)
    numbers = OWN + len(RECORDED) - lists + lists * TOP_K + (config.model.lora is not None)
    return 4 * numbers + REST
