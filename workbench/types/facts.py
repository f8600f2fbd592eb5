"""Facts: numbers about a rollout, or about each of its tokens, that no logits give. Who brings one declares it.

A piece that writes `rollout.extras["weight"]` has `facts = (Fact("weight"),)`: the number is then a column of the
record and an extra of every batch, in a run and in a replay.
"""

from dataclasses import dataclass
from typing import Literal

ROLLOUT, TOKEN, TOP = "rollout", "token", "k"
PREFIXES = ("old_", "ref_", "engine_")  # of a signal: the policy that it is of

#: What a fact may not be called: fields of a batch, and columns of the record with a meaning of their own.
RESERVED = frozenset(
    """step rollout problem group round tag_number role source parent prompt prompt_ids text answer token_ids trained
    reward correct excluded parts finish pruned_at score posterior u advantage lens logprob mask tokens total_steps
    budget temperature extras state offsets sampled_logprob after_logprob top_ids top_probs engine_top_ids
    engine_top_logprobs pruning""".split()  # noqa: SIM905  # as a list it takes forty lines
)


@dataclass(frozen=True)
class Fact:
    """A number per rollout or per token. `missing` is that of a rollout whose extras have none."""

    name: str
    per: Literal["rollout", "token"] = "rollout"
    missing: float = 0.0
    label: str = ""  # its name for people; empty: the name itself
    unit: str = ""
    help: str = ""

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its tensor in a batch."""
        return (ROLLOUT, TOKEN) if self.per == "token" else (ROLLOUT,)


#: Facts that the trainer, the pruners and several methods share, by name; `declare` enters those of single pieces.
FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("token_reward", "token"),  # rewards given to single tokens
        Fact("stored_advantage", "token", float("nan")),  # nan where none; a replayed rollout keeps the one it had
        Fact("off_policy", "token"),  # 1 where another policy (or another prompt) generated the token
        Fact("span", "token", -1.0),  # number of the part a token belongs to, -1 for none
        Fact("behaviour_logprob", "token"),  # of the policy and prompt that generated the token
        Fact("length"),  # generated tokens, where it differs from the trained ones
        Fact("truncated"),  # 1 where the budget ended the rollout
        Fact("survival", missing=1.0),  # probability with which a pruner kept the rollout
        Fact("tag"),  # a controller's mark, as a number
    )
}
SHARED = frozenset(FACTS)
#: Axes of the extras that a batch may carry; `workbench.signals.signal` enters every signal, `declare` every fact.
#: A prefix (old_, ref_, engine_) or @context changes no axes.
AXES: dict[str, tuple[str, ...]] = {
    "value": (ROLLOUT, TOKEN),  # of a head
    "quality": (ROLLOUT, TOKEN),  # of a head
    **{name: fact.axes for name, fact in FACTS.items()},
}
OWNERS: dict[str, str] = {}  # who declared a fact


def declare(fact: Fact, owner: str) -> None:
    """Enters a fact of a piece; the same owner may declare it again, as when a cell is run again.

    Raises:
        ValueError: for a name that is taken, by a signal or with other axes, or that is no plain word.
    """
    name = fact.name
    if not name.isidentifier() or name.startswith(PREFIXES) or name in RESERVED:
        raise ValueError(f"{owner} declares the fact {name!r}: that name has a meaning of its own; choose another word")
    if OWNERS.get(name) != owner and name in AXES and (name not in FACTS or FACTS[name].axes != fact.axes):
        taken = f"{OWNERS.get(name, 'the workbench')} has it per {' and '.join(AXES[name])}"
        raise ValueError(f"{owner} declares the fact {name!r} per {fact.per}: {taken}; choose another name")
    if name in SHARED:
        return
    FACTS[name], AXES[name], OWNERS[name] = fact, fact.axes, owner


def axes(name: str) -> tuple[str, ...]:
    """The axes of an extra, for any policy, context and argument. ValueError for an unknown one.

    >>> import workbench.signals
    >>> axes("ref_logprob@hint"), axes("nucleus_entropy:0.8"), axes("truncated")
    (('rollout', 'token'), ('rollout', 'token'), ('rollout',))
    """
    bare = name.split("@")[0].split(":")[0]
    if bare in AXES:
        return AXES[bare]
    for prefix in PREFIXES:
        if bare.startswith(prefix) and bare.removeprefix(prefix) in AXES:
            return AXES[bare.removeprefix(prefix)]
    remedy = f'declare it where it is written, as in facts = (Fact("{bare}"),), or register it as a signal'
    raise ValueError(f"extra {name!r} has no axes: {remedy} (known: {', '.join(AXES)})")
