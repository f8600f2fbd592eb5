"""What a per-token number is called and what it means: label, unit, axes and one line of help, by column name.

The decorator `workbench.signals.signal` enters every signal that is read off the logits; the columns that come from
elsewhere (the method, the engine, the pruner) are described here. The record writes the description of a column beside
its numbers, so a page that reads a run needs neither torch nor the file that defines the signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

PER_TOKEN = ("rollout", "token")


@dataclass(frozen=True)
class Description:
    """How a per-token number is presented. `unit` is empty for a pure number."""

    label: str
    help: str = ""
    unit: str = ""
    axes: tuple[str, ...] = PER_TOKEN

    def as_texts(self) -> dict[str, str]:
        """The parts that the record and the page carry."""
        return {"label": self.label, "unit": self.unit, "help": self.help}


#: Descriptions by name; `workbench.signals` adds its own when it is imported.
DESCRIPTIONS: dict[str, Description] = {
    "advantage": Description("advantage", "Advantage of the token under the method; it scales the token's gradient."),
    "lens": Description(
        "lens",
        "Gradient weight of the token, −∂L/∂log π. Above zero the update raises its log-prob, below zero it lowers it.",
    ),
    "ratio": Description("ratio", "Importance ratio exp(logprob − old_logprob); 1: unchanged since sampling."),
    "gap": Description(
        "mismatch", "Trainer–inference mismatch: log-prob in the engine minus log-prob in the trainer.", "nats"
    ),
    "clipped": Description(
        "zero gradient", "1 where the token gets no gradient although its advantage is not zero: clipped or masked."
    ),
    # the view names it where a run has not recorded it; the same as in `workbench.signals.known`, which needs torch
    "kl": Description(
        "KL to reference",
        "Exact KL divergence of the policy from the reference policy, over the whole vocabulary.",
        "nats",
    ),
    "change": Description("Δ log-prob", "Effect of the update: log-prob after the step minus log-prob before.", "nats"),
    "token_reward": Description("token reward", "The part of the reward that is assigned to this token."),
    "stored_advantage": Description("stored advantage", "Advantage that a replayed rollout keeps from its own step."),
    "posterior": Description("P(correct)", "Probability that the rollout is correct, estimated by the pruning head."),
    "survival": Description("survival", "Probability with which the pruner kept the rollout."),
    "off_policy": Description("off-policy", "1 where another policy or another prompt generated the token."),
    "span": Description("span", "Number of the part of the text that the token belongs to; −1: none."),
}

#: Before a signal's name: what it adds to the label, and to the help.
POLICIES = {
    "old_": ("old", "under the policy that sampled, computed by the trainer"),
    "ref_": ("reference", "under the reference policy"),
    "engine_": ("engine", "as the inference engine computed it while sampling"),
    "sampled_": ("sampled", "under the truncated distribution that was sampled from (top-p, top-k)"),
    "after_": ("updated", "after the step's update"),
    "behaviour_": ("behaviour", "under the policy and prompt that generated the token"),
}


def describe(name: str) -> Description:
    """The description of a column; one that nobody described has its name as label and no help.

    >>> describe("lens").label, describe("after_advantage").label, describe("my_signal:0.5")
    ('lens', 'updated advantage', Description(label='my signal 0.5', help='', unit='', axes=('rollout', 'token')))
    """
    found = described(name)
    if found is not None:
        return found
    return Description(name.replace("_", " ").replace(":", " ").replace("logprob", "log-prob"))


def described(name: str) -> Description | None:
    """The description of a column, read from its parts: policy, signal, argument, context; None where there is none."""
    bare, _, context = name.partition("@")
    bare, _, argument = bare.partition(":")
    if bare in DESCRIPTIONS:
        found = DESCRIPTIONS[bare]
        extra = f" {argument}" if argument else ""
        return replace(found, label=f"{found.label}{extra}{f' after {context}' if context else ''}")
    for prefix, (word, condition) in POLICIES.items():
        inner = described(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if inner is not None:
            return replace(inner, label=f"{word} {inner.label}", help=f"{inner.help.rstrip('.')}, {condition}.")
    return None


def from_texts(name: str, texts: Mapping[str, str]) -> Description:
    """A description as the record kept it; what is missing there is filled in from here."""
    known = describe(name)
    label, unit, text = texts.get("label", known.label), texts.get("unit", known.unit), texts.get("help", known.help)
    return Description(label, text, unit, known.axes)
