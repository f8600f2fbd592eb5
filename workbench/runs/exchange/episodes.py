"""Episodes of verifiers (`traces.jsonl`, version 1), as verifiers and prime-rl write them, as foreign rollouts.

An episode holds traces, a trace a tree of nodes, each with a message. A branch from the root to a leaf is one training
sample: the nodes' token ids in order are its exact sequence. Numbers per token stand only where a node's mask is true.
A conversation through a chat API has no token ids: its texts are all there is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.runs.exchange.foreign import Foreign
from workbench.runs.exchange.messages import said, spoken

#: A node's numbers per token -> columns of the run directory.
SIGNALS = {
    "logprobs": "engine_logprob",
    "advantages": "advantage",
    "trainer_logprobs": "logprob",
    "reference_logprobs": "ref_logprob",
    "entropies": "entropy",
}
VERSION = 1  # of a trace
#: Stop conditions of a trace that was cut off.
LIMITS = (
    *("max_turns", "max_input_tokens", "max_output_tokens", "max_total_tokens", "compaction_failed"),
    *("context_length", "max_tokens", "length", "truncated"),
)
OURS = ("pruned", "given")  # that this project writes
ALIGNED = ("advantages", "trainer_logprobs", "entropies")  # that annotations tell, over a branch's whole sequence

Table = Mapping[str, Any]
Node = Mapping[str, Any]


def rollouts_of(
    episode: Mapping[str, Any], note: Mapping[str, Any] | None = None, place: str = "episode"
) -> list[Foreign]:
    """A rollout for every branch of every trace; `note`: what was annotated of the trace, in prime-rl's stream.

    ValueError, led by `place`, for a trace of another version, or fields that are not of their types.
    """
    found = list[Foreign]()
    try:
        traces = list(episode.get("traces") or [])
        versions = [trace.get("version", VERSION) for trace in traces]
        if versions == [VERSION] * len(traces):
            for trace in traces:
                for number, branch in enumerate(branches(trace.get("nodes") or [])):
                    told = (note or {}).get("branches", {}).get(number, {})
                    advantage = (note or {}).get("info", {}).get("advantage")
                    found.append(rollout(episode, trace, branch, told, advantage))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place}: no episode of version {VERSION} ({type(error).__name__}: {error}); remove the line"
        ) from None
    for version in versions:
        check_version({"version": version}, place, "trace")
    return found


def check_version(row: Mapping[str, Any], place: str, what: str) -> None:
    """ValueError where something is of another version than is known here; without a version it is of the first."""
    version = row.get("version", VERSION)
    if version != VERSION:
        raise ValueError(
            f"{place}: a {what} of version {version!r}, and version {VERSION} is known here; update the workbench"
        )


def branches(nodes: Sequence[Node]) -> list[list[Node]]:
    """The paths from a root to every leaf, in the order of the leaves."""
    parents = {node.get("parent") for node in nodes}
    found = []
    for leaf in (place for place in range(len(nodes)) if place not in parents):
        path = list[Node]()
        place: int | None = leaf
        while place is not None and 0 <= place < len(nodes) and len(path) <= len(nodes):
            path.insert(0, nodes[place])
            place = nodes[place].get("parent")
        found.append(path)
    return found


def rollout(
    episode: Mapping[str, Any],
    trace: Mapping[str, Any],
    branch: Sequence[Node],
    told: Mapping[str, Any],
    advantage: Any,
) -> Foreign:
    """One branch, parted into prompt and answer before the first node that the model sampled."""
    start = next((place for place, node in enumerate(branch) if node.get("sampled")), len(branch))
    asked, answered = branch[:start], branch[start:]
    data = (trace.get("task") or episode.get("task") or {}).get("data") or {}
    pieces = pieces_of(answered)
    rewards = {name: value for name, value in (trace.get("rewards") or {}).items() if value is not None}
    found = Foreign(
        prompt=spoken([node.get("message") or {} for node in asked]),
        text="".join(text for text, _ in pieces),
        pieces=pieces,
        reward=sum(each["score"] * each.get("weight", 1.0) for each in rewards.values()) if rewards else math.nan,
        answer="" if data.get("answer") is None else str(data["answer"]),
        parts={name: float(each["score"]) for name, each in rewards.items()},
        correct=correct_of(trace),
        advantage=float(advantage) if isinstance(advantage, int | float) else None,
        problem=problem_of(episode, data),
        group=str((episode.get("group") or {}).get("id") or ""),
        finish=finish_of(trace),
    )
    if any(node.get("token_ids") for node in branch):
        add_tokens(found, asked, answered, told, trainable=(trace.get("agent") or {}).get("trainable") is not False)
    return found


def correct_of(trace: Mapping[str, Any]) -> float:
    """Whether the answer is correct, 1 or 0, where a metric of that name says so; else nan."""
    told = (trace.get("metrics") or {}).get("correct")
    return float(told) if told in (0, 1) else math.nan


def finish_of(trace: Mapping[str, Any]) -> str:
    """How a trace ended: at a limit, or by its last response's own end.

    >>> finish_of({"stop_condition": "max_turns"}), finish_of({"calls": [{"finish_reason": "length"}]}), finish_of({})
    ('length', 'length', 'stop')
    """
    stop = trace.get("stop_condition")
    answered = [call for call in trace.get("calls") or [] if not call.get("error")]
    if stop in LIMITS or (answered and answered[-1].get("finish_reason") == "length"):
        return "length"
    return stop if stop in OURS else "stop"


def problem_of(episode: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """What tells a problem from others: its task's key, or its number."""
    key = (episode.get("task") or {}).get("key") or data.get("idx")
    return "" if key is None else str(key)


def pieces_of(nodes: Sequence[Node]) -> list[tuple[str, bool]]:
    """The texts of an answer, and whether the model sampled them; only several are led by their roles."""
    found = list[tuple[str, bool]]()
    for node in nodes:
        message = node.get("message") or {}
        if len(nodes) > 1:
            found.append((("\n" if found else "") + f"{message.get('role', '')}: ", False))
        found.append((said(message), bool(node.get("sampled"))))
    return found


def add_tokens(
    found: Foreign, asked: Sequence[Node], answered: Sequence[Node], told: Mapping[str, Any], trainable: bool
) -> None:
    """Token ids, which of them are trained, and the numbers of every token.

    The template's opening of the first answer stands in the answer's node, and belongs to the prompt.
    """
    lead = opening(answered[0]) if answered else 0
    ids = [token for node in answered for token in node.get("token_ids") or []]
    found.prompt_ids = [token for node in asked for token in node.get("token_ids") or []] + ids[:lead]
    found.token_ids = ids[lead:]
    found.trained = [trainable and mark for node in answered for mark in mask_of(node)][lead:]
    signals = dict[str, list[float]]()
    for name, column in SIGNALS.items():
        values = [value for node in answered for value in aligned(node, name)][lead:]
        if not all(math.isnan(value) for value in values):
            signals[column] = values
    start, count = len(found.prompt_ids), len(found.token_ids)
    for name in ALIGNED:
        whole = told.get(name)
        if isinstance(whole, list):
            own = [math.nan if value is None else float(value) for value in whole[start : start + count]]
            signals[SIGNALS[name]] = own + [math.nan] * (count - len(own))
    found.signals = signals


def opening(node: Node) -> int:
    """How many tokens stand before the first sampled one and are no content."""
    mask, content = mask_of(node), node.get("is_content") or []
    first = mask.index(True) if True in mask else 0
    return next((place for place in range(first) if place < len(content) and content[place]), first)


def mask_of(node: Node) -> list[bool]:
    """Which of a node's tokens the model sampled."""
    ids = node.get("token_ids") or []
    mask = [bool(mark) for mark in node.get("mask") or []]
    return mask if len(mask) == len(ids) else [bool(node.get("sampled"))] * len(ids)


def aligned(node: Node, name: str) -> list[float]:
    """A node's numbers at their tokens, nan at all others."""
    given, mask = iter(node.get(name) or []), mask_of(node)
    found = [next(given, None) if mark else None for mark in mask]
    return [math.nan if value is None else float(value) for value in found]
