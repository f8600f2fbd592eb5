"""Memory of a run by component, import math
from its config and the size of its model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from workbench import signals
from workbench.config import RunConfig
from workbench.models.activations import MicroBatch, kept_bytes, passing_bytes, reference_bytes
from workbench.models.size import Size, size_of
from workbench.models.spec import ModelSpec
from workbench.training.signal_plan import reads_reference
from workbench.types.asking import REFERENCE, START

When = Literal["always", "sampling", "updating", "comparing", "reading", "passing", "stepping"]
MIB, GIB = 2**20, 2**30
#: What a process takes before any tensor. CUDA: context, loaded kernels and cuBLAS' workspace, as `nvidia-smi` shows
#: them beside torch's own count; they differ by card and driver. CPU: Python with torch and transformers imported.
FLOOR = {"cuda": 700 * MIB, "mps": 500 * MIB, "cpu": 450 * MIB}
#: A second process on the same GPU: its own context, and the graphs that vLLM captures for its batch sizes.
PROCESS = FLOOR["cuda"] + 500 * MIB
KEYS_AND_VALUES = 4 * GIB  # most that the local engine takes: `engines.local.LocalEngine(memory=)`
COPY = {"cuda": GIB, "mps": 256 * MIB, "cpu": GIB}  # layers up to this size are copied: `fused.COPY_LIMIT`
ROUND = 64  # the local engine's rows are multiples of so many tokens
PREFILL_TOKENS = 8192  # read in one forward pass at prefill: `engines.loop.PREFILL_TOKENS`
#: Tables [token, vocabulary] in float32 that exist at once while a chunk is read for the record (`signals`), by torch's
#: profiler: logits, log-probabilities, probabilities and what is computed of them. A token whose top 5 do not hold
#: 90 % has its probabilities sorted, which takes more. The reference adds its logits and log-probabilities.
TABLES, SORTED, COMPARED = 5.25, 2.0, 2.0
FLAT = 0.1  # share of such tokens assumed for a trained language model
ELEMENT = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes per number
DRAWING = 6  # tables [row, vocabulary] while a token is drawn: float32 three times, and a cumulative sum in float64


def amount(size: int) -> str:
    """A size in bytes as text.

    >>> amount(3 * 2**29), amount(2**20), amount(900)
    ('1.50 GiB', '1.0 MiB', '0.9 KiB')
    """
    units = {"GiB": GIB, "MiB": MIB, "KiB": 1024}
    unit = next((unit for unit, bytes in units.items() if size >= bytes), "KiB")
    return f"{size / units[unit]:.{2 if unit == 'GiB' else 1}f} {unit}"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "answer"), plural(2000, "answer")
    ('1 answer', '2,000 answers')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Component:
    """One component of the memory. `when`: the phase in which it is allocated; `how`: what it is, as text."""

    name: str
    bytes: int
    when: When
    how: str


@dataclass(frozen=True)
class Assumed:
    """Assumptions about what a config does not say."""

    prompt: int = 256  # tokens of a prompt
    flat: float = FLAT  # share of tokens whose probabilities are sorted


def components(config: RunConfig, size: Size, device: str, assumed: Assumed) -> list[Component]:
    """All memory components of a run, in bytes. `device`: cuda, mps or cpu."""
    batch = largest_batch(config, assumed)
    return [
        Component("floor", FLOOR[device], "always", f"the process before any tensor, on {device}"),
        *standing(config, size),
        *members(config, device),
        *engine(config, size, assumed),
        *updating(config, size, batch, assumed),
        Component(
            "optimiser step",
            size.trained if device == "cuda" else 2 * size.largest,
            "stepping",
            "square roots of the second moments" + ("" if device == "cuda" else ", one tensor at a time"),
        ),
    ]


def standing(config: RunConfig, size: Size) -> list[Component]:
    """The components that are allocated all the time, from the first update on."""
    spec = config.model
    kind = f"{spec.quantisation}, the rest {spec.dtype}" if spec.quantisation else spec.dtype
    found = [Component("weights", size.weights, "always", f"{size.parameters:,} parameters in {kind}")]
    if spec.lora is not None:
        text = f"{size.trainable:,} parameters in float32 (peft's choice), rank {spec.lora.rank}"
        found.append(Component("adapter", size.adapter, "always", text))
    elif keeps_reference(config):
        found.append(Component("reference", size.weights, "always", "a frozen copy of the weights"))
    return [
        *found,
        Component("gradients", size.trained, "always", "one number a trained parameter, in its type"),
        Component("optimiser", 2 * size.trained, "always", "AdamW's two moments, in the parameter's type"),
    ]


def keeps_reference(config: RunConfig) -> bool:
    """Whether the run keeps the model before training: its update reads it, or one of its rewards asks it."""
    asked = any(name in part.reward.asks for part in config.rewards for name in (REFERENCE, START))
    return reads_the_reference(config) or asked


def members(config: RunConfig, device: str) -> list[Component]:
    """The models that rewards ask beside the policy, where they lie on its device: weights, keys and values."""
    found = []
    asked = {name for part in config.rewards for name in part.reward.asks}
    for part in config.cast:
        if part.name not in asked or not part.member.loads:
            continue
        spec = ModelSpec(**part.member.loads)
        if device_of(spec) == device:
            size = size_of(spec)
            text = f"{size.parameters:,} frozen parameters of {spec.name}, which rewards ask, and its engine's copy"
            found.append(Component(f"cast.{part.name}", size.weights + layer_bytes(spec, size), "always", text))
    return found


def reads_the_reference(config: RunConfig) -> bool:
    """Whether the run reads a reference policy."""
    kept = config.model.lora is not None and config.record.kl
    return kept or any(reads_reference(name) for name in config.method.needs)


def engine(config: RunConfig, size: Size, assumed: Assumed) -> list[Component]:
    """The components of generation: the engine's weights, keys and values, and one decoding step."""
    if config.rollouts.engine == "vllm":
        return vllm(config, size)
    layers, copied = layer_bytes(config.model, size), is_copied(config, size)
    rows, tokens = kept_rows(config, size, assumed)
    text = f"{plural(rows, 'row')} of {tokens:,} tokens, {amount(size.token)} a token"
    prompts = max(config.rollouts.problems, config.evaluation.problems, *(part.problems for part in config.exams))
    reading = min(PREFILL_TOKENS, prompts * assumed.prompt)
    held = 2 * reading * size.token + passing_bytes(config.model, size, MicroBatch(1, 1, reading, 0))
    drawing = rows * size.vocabulary * 4 * DRAWING
    if shares_prompts(config, size):  # they lie beside the rows
        held += prompts * assumed.prompt * size.token
    return [
        Component("engine weights", layers if copied else 0, "always", "a copy of the layers, joined"),
        Component("keys and values", rows * tokens * size.token, "always", text),
        Component("prefill", held, "sampling", f"prompts read, {reading:,} tokens at a time"),
        Component("drawing", drawing, "sampling", f"{DRAWING} float32 tables of {rows} × {size.vocabulary:,} numbers"),
    ]


def vllm(config: RunConfig, size: Size) -> list[Component]:
    """The components of vLLM: a separate process with its own weights, in 16 bit."""
    return [
        Component("engine weights", 2 * size.parameters, "always", "vLLM's own, in 16 bit"),
        Component("engine process", PROCESS, "always", "vLLM's process: its context and captured graphs"),
        Component("keys and values", config.rollouts.vllm.memory, "always", "vLLM's: rollouts.vllm.memory"),
    ]


def is_copied(config: RunConfig, size: Size) -> bool:
    """Whether the local engine joins the layers' weights into a copy."""
    plain = config.rollouts.engine == "local" and config.model.quantisation is None
    return plain and layer_bytes(config.model, size) <= COPY[device_of(config.model)]


def shares_prompts(config: RunConfig, size: Size) -> bool:
    """Whether the local engine holds a prompt once for all its rollouts; a CUDA graph needs it in every row."""
    recorded = device_of(config.model) == "cuda" and config.rollouts.local.graphs is not False
    return is_copied(config, size) and not recorded


def device_of(spec: ModelSpec) -> str:
    """The kind of device of a spec. A device that it names need not exist on this machine."""
    if spec.device != "auto":
        return spec.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def layer_bytes(spec: ModelSpec, size: Size) -> int:
    """Bytes of the layers without the embedding, which the engine's copy shares."""
    return max(0, size.weights - size.vocabulary * size.width * ELEMENT[spec.dtype])


def most_rollouts(config: RunConfig) -> int:
    """The most rollouts of a step, those included that a controller asks for."""
    problems, rollouts = config.rollouts.problems, config.rollouts.rollouts
    controller = config.method.controller
    return problems * rollouts if controller is None else controller.most_rollouts(problems, rollouts)


def kept_rows(config: RunConfig, size: Size, assumed: Assumed) -> tuple[int, int]:
    """(rows, tokens per row) of the local engine's keys and values."""
    longest = config.rollouts.max_tokens + (1 if shares_prompts(config, size) else assumed.prompt)
    tokens = -(-longest // ROUND) * ROUND
    asked = max(most_rollouts(config), config.evaluation.problems, *(part.completions for part in config.exams))
    affordable = max(1, KEYS_AND_VALUES // (tokens * size.token))
    return min(config.rollouts.concurrent, asked, affordable), tokens


def largest_batch(config: RunConfig, assumed: Assumed) -> MicroBatch:
    """The micro-batch with the most tokens, if every completion has the maximum length: by formula."""
    rollouts, budget = config.rollouts, config.training.micro_batch
    groups = math.ceil(most_rollouts(config) / rollouts.rollouts / config.training.updates)
    rows, prompts = fullest(groups, rollouts.rollouts, assumed.prompt, rollouts.max_tokens, budget)
    return MicroBatch(rows, prompts, assumed.prompt, rollouts.max_tokens)


def fullest(groups: int, size: int, prompt: int, answer: int, budget: int) -> tuple[int, int]:
    """Rows of the largest micro-batch of `groups` of `size` equally long rows, and the most prompts of so many rows.

    `training.forward.micro_batches` fills a batch in order: a prompt counts once, each row its answer, up to `budget`
    tokens. The first batch begins with a whole group and has most rows; one that begins inside a group may have a
    prompt more.

    >>> fullest(4, 3, 10, 5, 60)
    (6, 3)
    """
    whole = min(groups, budget // (prompt + size * answer))
    left = budget - whole * (prompt + size * answer)
    rows = whole * size + (min(size, max(0, left - prompt) // answer) if whole < groups else 0)
    rows = max(1, rows)
    most = min(groups, 1 + -(-(rows - 1) // size), (budget - rows * answer) // prompt if prompt else groups)
    return rows, max(1, most)


def updating(config: RunConfig, size: Size, batch: MicroBatch, assumed: Assumed) -> list[Component]:
    """The components that an update allocates temporarily."""
    spec = config.model
    kept = kept_bytes(spec, size, batch, checkpointed=spec.gradient_checkpointing)
    frozen = spec.lora is not None and device_of(spec) == "cpu"
    chunk = min(batch.answers, signals.rows_at_once(size.vocabulary, cached=frozen))
    compared = reads_the_reference(config)
    tables = TABLES + assumed.flat * SORTED + (COMPARED if compared else 0)
    hidden = (1 + compared) * batch.answers * size.width * ELEMENT[spec.dtype]
    prompts = f"{plural(batch.prompts, 'prompt')} of {batch.prompt}"
    shape = f"{plural(batch.rows, 'completion')} of {batch.answer:,} tokens after {prompts}"
    again = kept_bytes(spec, size, batch, checkpointed=not spec.gradient_checkpointing)
    reading = f"{chunk:,} of {plural(batch.answers, 'completion token')} at a time"
    other = "without" if spec.gradient_checkpointing else "with"
    found = [
        Component(
            "activations", kept, "updating", f"{shape} of {batch.prompt} tokens; {other} checkpointing {amount(again)}"
        ),
        Component(
            "one layer",
            passing_bytes(spec, size, batch, checkpointed=spec.gradient_checkpointing),
            "passing",
            "inside one layer, gradients included" + (", computed again" if spec.gradient_checkpointing else ""),
        ),
        Component("logits", round(chunk * size.vocabulary * 4 * tables), "reading", reading),
        Component(
            "hidden states", hidden, "reading", "before every completion token" + (", the reference's too" * compared)
        ),
    ]
    if compared:
        passed = reference_bytes(spec, size, batch)
        found.append(Component("reference pass", passed, "comparing", "inside one layer, nothing kept"))
    return found


def peak(parts: Sequence[Component]) -> tuple[int, str]:
    """(bytes, phase) of the peak: the permanent components plus the largest phase."""
    sums: dict[str, int] = dict.fromkeys(get_args(When), 0)
    for part in parts:
        sums[part.when] += part.bytes
    kept = sums["updating"]
    totals = {
        "sampling": sums["sampling"],
        "comparing": kept + sums["comparing"],
        "reading": kept + sums["reading"],
        "passing": kept + sums["passing"],
        "stepping": sums["stepping"],
    }
    when = max(totals, key=lambda name: totals[name])
    return sums["always"] + totals[when], when
