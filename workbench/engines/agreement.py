"""Whether an engine samples from the policy under training, asked once before the first step.

A fresh adapter adds nothing to the model, so an engine that reads a weight elsewhere than the trainer does, or not at
all, agrees until the first update and is wrong from then on. Here every trained weight is moved by a random amount, the
engine generates a few tokens, its log-probs are compared with the trainer's forward pass, and the weights are put back
bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.engines.base import ModulePolicy
from workbench.types import Engine, Problem, Request, Rollout, Row, Sampling

PROMPTS, TOKENS, ROLLOUTS = 2, 8, 2  # prompts, tokens of each prompt and of each completion, rollouts of a prompt
#: Bytes of weights that are moved at most, smallest tensors first: they are copied meanwhile. At least one tensor.
LIMIT = 2**28
MOVED = 0.5  # nats a token by which the trainer's log-probs are moved
START, DOUBLINGS = 0.02, 8  # the first amount, as a share of a weight's size, and how often it is doubled at most
EXACT = 2e-3  # nats a token by which float32 engines may differ from the trainer
#: The same as a share of the movement, for weights whose rounding is no smaller than many a change of the log-probs.
COARSE = 0.5


@dataclass(frozen=True)
class Found:
    """Means over generated tokens, in nats, with some weights moved."""

    difference: float  # between engine and trainer
    moved: float  # between the trainer before and after

    def agrees(self, *, exact: bool) -> bool:
        """Whether the engine followed the weights, as far as their type allows to tell; nan is no agreement."""
        return self.difference <= (EXACT if exact else max(0.5 * COARSE * MOVED, COARSE * self.moved))


def check_agreement(engine: Engine, policy: ModulePolicy, name: str) -> None:
    """Raises ValueError unless the engine follows every trained weight; `name` is the engine's in a config.

    The message names the modules whose weights the engine does not follow, and the remedy.
    """
    exact = policy.causal.dtype in (torch.float32, torch.float64) and not policy.quantised
    weights = moved_weights(policy.trainable())
    try:
        for part in [weights] if exact else by_kind(weights):
            found = disagreement(engine, policy, part)
            if not found.agrees(exact=exact):
                wrong = not_followed(engine, policy, part, exact)
                raise ValueError(
                    f"rollouts.engine = {name!r} does not sample from the policy under training: with the weights of "
                    f"{', '.join(wrong)} changed, its log-probs differ from the trainer's by {found.difference:.3g} "
                    f"nats a token; {remedy(name, policy)}"
                )
    finally:
        engine.sync(policy)


def remedy(name: str, policy: ModulePolicy) -> str:
    """What to do about an engine that does not follow a weight."""
    other = "" if name == "generate" else "set rollouts.engine = 'generate'"
    adapter = "leave these modules out of model.lora.targets" if any(map(is_adapter, policy.trainable())) else ""
    return ", or ".join(filter(None, (other, adapter))) or "take another model"


# ---------------------------------------------------------------------------------------------- weights


def is_adapter(name: str) -> bool:
    """Whether a parameter of this name belongs to an adapter of peft's."""
    return ".lora_" in name


def module_of(name: str) -> str:
    """The module that a parameter belongs to, for a message.

    >>> module_of("base_model.model.model.embed_tokens.lora_embedding_A.default"), module_of("model.norm.weight")
    ('model.embed_tokens', 'model.norm')
    """
    return name.split(".lora_")[0].removeprefix("base_model.model.") if is_adapter(name) else name.rpartition(".")[0]


def moved_weights(trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trained weights that are moved: smallest first, as many as `LIMIT` allows, at least one."""
    chosen, total = dict[str, Tensor](), 0
    for name, weight in sorted(trained.items(), key=lambda item: item[1].nbytes):
        total += weight.nbytes
        if total > LIMIT and chosen:
            break
        chosen[name] = weight
    return chosen


def by_kind(weights: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The weights of all modules of the same name together, as every layer's `q_proj`."""
    return grouped(weights, {name: module_of(name).rpartition(".")[2] for name in weights})


def grouped(weights: Mapping[str, Tensor], keys: Mapping[str, str]) -> list[dict[str, Tensor]]:
    """The weights in groups of equal keys, in the order in which the keys first come."""
    groups = dict[str, dict[str, Tensor]]()
    for name, weight in weights.items():
        groups.setdefault(keys[name], {})[name] = weight
    return list(groups.values())


@contextmanager
def restored(weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Puts the weights back afterwards, bit for bit."""
    kept = {name: weight.detach().clone() for name, weight in weights.items()}
    try:
        yield
    finally:
        for name, weight in weights.items():
            weight.detach().copy_(kept[name])


def move(weights: Mapping[str, Tensor], amount: float) -> None:
    """Adds noise to the weights, the same every time, of `amount` times each weight's root mean square.

    Of a weight that is zero, as the second matrix of a fresh adapter, of `amount` over the root of its last axis.
    """
    for number, weight in enumerate(weights.values()):
        noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
        size = float(weight.detach().float().square().mean().sqrt()) or weight.shape[-1] ** -0.5
        weight.detach().add_((amount * size * noise).to(weight.device, weight.dtype))


def move_enough(policy: ModulePolicy, weights: Mapping[str, Tensor]) -> None:
    """Moves the weights until the trainer's log-probs have changed by `MOVED` nats a token on average."""
    rows = [Row(prompt, prompt) for prompt in prompts(policy)]
    before, amount = log_probs(policy, rows), START
    for _ in range(DOUBLINGS):
        with restored(weights):
            move(weights, amount)
            change = float((log_probs(policy, rows) - before).abs().mean())
        if change != change:  # a half type overflowed
            amount /= 4
        if not change < MOVED:
            break
        amount *= 2
    move(weights, amount)


# ------------------------------------------------------------------------------------------- comparison


@torch.no_grad()
def disagreement(engine: Engine, policy: ModulePolicy, weights: Mapping[str, Tensor]) -> Found:
    """How far the engine is from the trainer with these weights moved, which are put back."""
    with restored(weights):
        move_enough(policy, weights)
        engine.sync(policy)
        rollouts = generated(engine, policy)
        rows = [Row(rollout.prompt, rollout.tokens) for rollout in rollouts]
        after = log_probs(policy, rows)
    told = torch.tensor([value for rollout in rollouts for value in rollout.engine_logprob])
    before = log_probs(policy, rows)
    return Found(float((told - after).abs().mean()), float((before - after).abs().mean()))


def not_followed(engine: Engine, policy: ModulePolicy, weights: Mapping[str, Tensor], exact: bool) -> list[str]:
    """The modules that the engine does not follow when they alone are moved; all of these where it is none alone."""
    modules = grouped(weights, {name: module_of(name) for name in weights})
    alone = [own for own in modules if not disagreement(engine, policy, own).agrees(exact=exact)]
    return [module_of(next(iter(own))) for own in alone or modules]


def generated(engine: Engine, policy: ModulePolicy) -> list[Rollout]:
    """A few rollouts after made-up prompts."""
    requests = [
        Request(Problem(f"agreement {number}", "", ""), prompt, group=number, number=number, n=ROLLOUTS)
        for number, prompt in enumerate(prompts(policy))
    ]
    return engine.generate(requests, Sampling(max_tokens=TOKENS))


def prompts(policy: ModulePolicy) -> Sequence[tuple[int, ...]]:
    """Made-up prompts of tokens that the model has."""
    vocabulary = policy.config.vocab_size
    return [tuple((7 * place + 11 * row + 3) % vocabulary for place in range(TOKENS)) for row in range(PROMPTS)]


def log_probs(policy: ModulePolicy, rows: Sequence[Row]) -> Tensor:
    """The trainer's log-probs of every answer's tokens, [token] in float32 on the CPU."""
    logits = policy.logits(policy.before(rows)).log_softmax(-1)
    tokens = torch.tensor([token for row in rows for token in row.answer], device=logits.device)
    return logits.gather(1, tokens[:, None])[:, 0].cpu()
