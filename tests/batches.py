"""Batches for tests: a group worked by hand, and a policy so small that every signal of it can be read.

TOY is one group of four rollouts with rewards 1, 0, 0, 1 and three tokens each (or 3, 1, 2, 3 of them).
`World` is a linear policy over six symbols: logits = features · weights, with gradient.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from workbench.kinds import LossPiece
from workbench.method import Method, advantages, leaves, objective, settle, with_signals
from workbench.types import Batch, axes

REWARD = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
OLD = torch.tensor(
    [[-0.50, -1.20, -0.40], [-0.70, -0.30, -2.00], [-0.20, -0.90, -0.40], [-1.60, -0.05, -0.80]], dtype=torch.float64
)
DIFFERENCE = torch.tensor(
    [[0.10, -0.05, 0.30], [0.20, -0.30, 0.05], [-0.10, 0.25, -0.02], [0.02, 0.00, -0.15]], dtype=torch.float64
)
REF = OLD + torch.tensor(
    [[-0.20, 0.10, 0.00], [0.05, -0.10, 0.30], [0.00, -0.25, 0.10], [0.15, 0.00, -0.05]], dtype=torch.float64
)
ENTROPY = torch.tensor([[0.9, 1.4, 0.2], [1.1, 0.5, 1.8], [0.4, 1.2, 0.7], [1.5, 0.1, 1.0]], dtype=torch.float64)
EQUAL = torch.ones(4, 3, dtype=torch.bool)
UNEQUAL = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=torch.bool)


def toy(
    *, mask: Tensor = EQUAL, reward: Tensor = REWARD, on_policy: bool = False, step: int = 0, **extras: Tensor
) -> Batch:
    """The group worked by hand, in float64; `ref_logprob` is always there."""
    return Batch(
        logprob=OLD if on_policy else OLD + DIFFERENCE,
        old_logprob=OLD,
        mask=mask,
        reward=reward,
        group=torch.zeros(4, dtype=torch.long),
        budget=3,
        step=step,
        total_steps=200,
        extras={"ref_logprob": REF, **extras},
    )


#: A second group worked by hand, as probabilities; the reference's too.
P_OLD = torch.tensor([[0.5, 0.8, 0.9], [0.6, 0.7, 0.4], [0.2, 0.9, 0.5], [0.3, 0.6, 0.95]], dtype=torch.float64)
P_NEW = torch.tensor([[0.55, 0.8, 0.92], [0.55, 0.72, 0.4], [0.25, 0.85, 0.5], [0.4, 0.6, 0.95]], dtype=torch.float64)
P_REF = torch.tensor([[0.4, 0.7, 0.9], [0.3, 0.5, 0.4], [0.4, 0.95, 0.6], [0.3, 0.5, 0.9]], dtype=torch.float64)


def probable(*, reward: Tensor = REWARD, **changes: object) -> Batch:
    """The second group worked by hand, in float64."""
    batch = Batch(
        logprob=P_NEW.log(),
        old_logprob=P_OLD.log(),
        mask=EQUAL,
        reward=reward,
        group=torch.zeros(4, dtype=torch.long),
        budget=3,
        extras={"ref_logprob": P_REF.log()},
    )
    return batch.replace(**changes)


def advantage_rows(method: Method, batch: Batch) -> list[float]:
    """The advantage of each rollout's first token."""
    return advantages(method, batch)[:, 0].tolist()


def loss_and_gradient(method: Method, batch: Batch) -> tuple[float, Tensor]:
    """The loss of the whole batch, and its derivative by every log-prob."""
    signals = leaves(method, batch)
    loss = objective(method, with_signals(batch, signals), settle(method, batch))
    if not loss.requires_grad:
        return loss.item(), torch.zeros_like(signals["logprob"])
    (gradient,) = torch.autograd.grad(loss, [signals["logprob"]], allow_unused=True)
    return loss.item(), torch.zeros_like(signals["logprob"]) if gradient is None else gradient


def assert_close(actual: object, expected: object, tolerance: float = 6e-5) -> None:
    """Equal to within half a unit of the last of four decimals (and rounding)."""
    torch.testing.assert_close(
        torch.as_tensor(actual, dtype=torch.float64),
        torch.as_tensor(expected, dtype=torch.float64),
        atol=tolerance,
        rtol=0,
    )


#: Facts that every batch states: the second rollout was written after another prompt.
FOREIGN = frozenset({"off_policy", "behaviour_logprob"})
FACTS = {
    "token_reward": (-0.1, 0.1),
    "span": (0.0, 0.0),
    "truncated": (0.0, 0.0),
    "survival": (0.5, 1.0),
    "tag": (0.0, 0.0),
}


class World:
    """Ragged rollouts of a linear policy: now, when it sampled, and at the start."""

    def __init__(self, seed: int = 0, groups: Sequence[int] = (4, 4, 3, 2), width: int = 7) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.rollouts, self.width = sum(groups), width
        self.features = self.normal(self.rollouts, width, 5)
        self.weights = {name: self.normal(5, 6) * 0.7 for name in ("ref_", "old_", "")}
        self.weights["old_"] = self.weights["ref_"] + 0.3 * self.weights["old_"]
        self.weights[""] = self.weights["old_"] + 0.15 * self.weights[""]
        self.head = self.normal(5)
        self.tokens = torch.randint(6, (self.rollouts, width), generator=self.generator)
        lengths = torch.randint(1, width + 1, (self.rollouts,), generator=self.generator)
        lengths[0] = width
        self.mask = torch.arange(width)[None, :] < lengths[:, None]
        self.group = torch.repeat_interleave(torch.arange(len(groups)) * 3 + 1, torch.tensor(groups))
        self.reward = torch.tensor([float(place % 2 == 0) for size in groups for place in range(size)])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of this world."""
        return torch.randn(*shape, generator=self.generator)

    def signals(self, prefix: str, context: str = "", weights: Tensor | None = None) -> dict[str, Tensor]:
        """Every per-token signal of one policy; another context is another shift of the features."""
        shift = 0.1 * len(context) if context else 0.0
        logits = (self.features + shift) @ (self.weights[prefix] if weights is None else weights)
        reference = (self.features @ self.weights["ref_"]).log_softmax(-1)
        log = logits.log_softmax(-1)
        p = log.exp()
        top = p.sort(-1, descending=True).values[..., :3]
        top = top / top.sum(-1, keepdim=True)
        return {
            "logprob": log.gather(-1, self.tokens[..., None])[..., 0],
            "entropy": -(p * log).sum(-1),
            "max_prob": p.max(-1).values,
            "rank": (log > log.gather(-1, self.tokens[..., None])).sum(-1).float(),
            "chosen_logit": logits.gather(-1, self.tokens[..., None])[..., 0],
            "logsumexp": logits.logsumexp(-1),
            "mean_logit": logits.mean(-1),
            "nucleus_entropy": -(top * top.log()).sum(-1),
            "core_entropy": -(top * top.log()).sum(-1),
            "collision": p.square().sum(-1),
            "kl": (p * (log - reference)).sum(-1),
            "forward_kl": (reference.exp() * (reference - log)).sum(-1),
            "mean_log_ratio": (log - reference).mean(-1),
            "value": self.features @ self.head + (0.2 if prefix == "" else 0.0) + 0 * logits.sum(-1),
            "quality": self.features @ self.head,
        }

    def extra(self, name: str, weights: Tensor | None = None) -> Tensor:
        """A signal or fact by name."""
        bare, _, context = name.partition("@")
        if bare in FACTS:
            low, high = FACTS[bare]
            shape = (self.rollouts, self.width)[: len(axes(bare))]
            return low + (high - low) * torch.rand(shape, generator=self.generator)
        if bare == "length":
            return self.mask.sum(1).float()
        if bare == "off_policy":
            return (torch.arange(self.rollouts) == 1).float()[:, None].expand(-1, self.width).clone()
        if bare == "behaviour_logprob":
            return self.signals("old_", "hint")["logprob"]
        prefix = next((mark for mark in ("old_", "ref_", "engine_") if bare.startswith(mark)), "")
        policy = "old_" if prefix == "engine_" else prefix
        found = self.signals(policy, context, weights if prefix == "" else None)
        return found[bare.removeprefix(prefix).split(":")[0]]

    def batch(self, method: Method, weights: Tensor | None = None, **changes: object) -> Batch:
        """All the rollouts, with what the method needs and nothing more; its pieces remember another step."""
        state = method.init()
        if any(state.values()):
            before = World(1000).read(method, None).replace(state=state)
            for slot, piece in method.pieces():
                if isinstance(piece, LossPiece):
                    state[slot] = piece.learn(state[slot], before)
        return self.read(method, weights).replace(state=state, **changes)

    def read(self, method: Method, weights: Tensor | None) -> Batch:
        """All the rollouts with what the method needs."""
        self.generator.manual_seed(99)  # facts are the same however often they are asked for
        return Batch(
            logprob=self.signals("", "", weights)["logprob"],
            old_logprob=self.signals("old_")["logprob"],
            mask=self.mask,
            reward=self.reward,
            group=self.group,
            step=3,
            total_steps=10,
            budget=2 * self.width,
            extras={name: self.extra(name, weights) for name in sorted(FOREIGN | method.needs - {"old_logprob"})},
        )


def change(batch: Batch, function: object, **also: object) -> Batch:
    """The batch with a function applied to every tensor that has an axis of tokens, except the mask."""
    tensors = {name: function(getattr(batch, name)) for name in ("logprob", "old_logprob")}
    extras = {name: function(value) if value.dim() == 2 else value for name, value in batch.extras.items()}
    return batch.replace(**tensors, extras=extras, **also)


def cast(batch: Batch, dtype: torch.dtype) -> Batch:
    """The batch with every real number in another precision."""

    def convert(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.to(dtype) if value.is_floating_point() else value for name, value in values.items()}

    own = convert({name: getattr(batch, name) for name in ("logprob", "old_logprob", "reward", "correct")})
    return batch.replace(**own, extras=convert(batch.extras))
