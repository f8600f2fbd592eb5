"""DeepSearch: the completions of a problem are the leaves of one search tree, and every node has an advantage.

Left out: the overlong penalty, and new hard subsets between rounds. Of children without a visit the first is taken.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Advantage, Ask, Controller, Orders, Pick, Pool, Round, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, spread
from workbench.pieces.archive import KeepCorrect, again, solved
from workbench.pieces.sampler import Around, Uniform
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Group, PerToken, Request, Rollout, State

SEARCH = "search"  # the role of a node: what is unfinished is no attempt
PATH, DIRECT, CACHED = "path", "direct", "cached"  # tags
FEWEST = 16  # segments of the longest completion: where that is short, so are they

Segment = Annotated[int, Field(ge=1, description="most tokens of a node; at most a sixteenth of a completion")]
Width = Annotated[int, Field(ge=1, description="children of a node")]


def segment_of(segment: int, longest: int) -> int:
    """Tokens of a node.

    >>> segment_of(256, 16384), segment_of(256, 96)
    (256, 6)
    """
    return max(1, min(segment, math.ceil(longest / FEWEST)))


@dataclass
class Node:
    """A segment of completions; the root is the prompt. `value` is the sum backed up, `visits` how often."""

    rollout: Rollout | None = None
    parent: "Node | None" = None
    depth: int = 0
    logprob: list[float] = field(default_factory=list)  # of all tokens from the beginning
    children: list["Node"] = field(default_factory=list)
    terminal: bool = False
    value: float = 0.0
    visits: int = 0

    @property
    def tokens(self) -> list[int]:
        """From the beginning."""
        return [] if self.rollout is None else self.rollout.tokens

    @property
    def outcome(self) -> float:
        """Of a leaf: 1 correct, -1 incorrect or unfinished."""
        return 1.0 if self.rollout is not None and self.rollout.correct == 1 else -1.0

    @property
    def mean(self) -> float:
        """The mean value; 0 without a visit."""
        return self.value / self.visits if self.visits else 0.0

    @property
    def doubt(self) -> float:
        """Mean negative log-prob of the tokens, from the beginning."""
        return -sum(self.logprob) / max(1, len(self.logprob))

    def path(self) -> list["Node"]:
        """The nodes from the root to this one."""
        return [*(self.parent.path() if self.parent else ()), self]


def back_up(leaf: Node, value: float) -> None:
    """Adds a leaf's value to the nodes of its path, less the further they are from it. arXiv:2509.25454, section 3.

    Node at depth i of a leaf at depth l: weight = max((i + 1) / (l + 1), 0.1). What is on a correct path stays
    positive: an incorrect leaf takes nothing from it, and a correct one replaces a negative sum.
    """
    for node in leaf.path():
        node.visits += 1
        added = max((node.depth + 1) / (leaf.depth + 1), 0.1) * value
        if node.value * value >= 0:
            node.value += added
        elif value > 0:
            node.value = added


def upper_bound(node: Node, explore: float) -> float:
    """UCT: mean value + explore · sqrt(log(parent's visits) / visits); infinite without a visit."""
    if not node.visits or node.parent is None:
        return math.inf
    return node.mean + explore * math.sqrt(math.log(max(1, node.parent.visits)) / node.visits)


@dataclass(frozen=True)
class Roots(Around, Sampler):
    """Another sampler's problems, asked for their first segment; as whole completions where correct ones are kept."""

    segment: Segment = 256  # the paper
    width: Width = 8  # the paper
    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, state = self.inner(state, pool)
        first = Ask(max_tokens=segment_of(self.segment, pool.max_tokens), train=False, role=SEARCH)
        found = []
        for pick in picks:
            known = pick.problem or pool.problem(pick.number)
            direct = replace(pick, ask=Ask(tag=DIRECT))
            found.append(direct if solved(known) else replace(pick, rollouts=self.width, ask=first))
        return found, state


@dataclass(frozen=True)
class SearchTree(Controller):
    """Grows a tree for every problem, a node a round, until it has the run's number of leaves. arXiv:2509.25454.

    A node with children that are no leaves continues in the one of the highest upper bound; after a leaf the best node
    of the whole tree is next. Of the leaves of one expansion the most certain correct one is backed up, without any
    correct one the most certain. Set `rollouts.rounds` to the nodes that a tree may expand.
    """

    segment: Segment = 256  # the paper; as in the sampler `roots`
    width: Width = 8  # the paper
    explore: Annotated[float, Field(ge=0, description="weight of rare visits in the upper bound (lambda)")] = 2.0
    quality: Annotated[float, Field(ge=0, description="weight of the parent's value in the frontier")] = 0.4
    doubt: Annotated[float, Field(ge=0, description="weight of a node's uncertainty; authors also 0.4")] = 0.0
    depth: Annotated[float, Field(ge=0, description="weight of depth in the frontier")] = 0.01

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * max(rollouts, self.width)

    def __call__(self, state: State, round: Round) -> Orders:
        requests, ready, replaced = list[Request](), list[Rollout](), set[tuple[int, int]]()
        for group in round.groups:
            if group.rollouts[0].request.tag == DIRECT:
                kept = self.kept(group, round) if round.number == 0 else []
                replaced |= {each.key for each in group.rollouts[: len(kept)] if kept}
                ready += kept
                continue
            root, best = self.grown(group, round)
            leaves = leaves_of(root)[: round.rollouts]
            for leaf, values in zip(leaves, node_advantages(leaves), strict=True):
                train(leaf, values)
            if best is not None and len(leaves) < round.rollouts:
                requests.append(self.expand(best, group, round))
        over = not requests
        return Orders(
            requests,
            ready,
            drop=lambda each: each.key in replaced or (over and each.request.role == SEARCH),
            state=state,
        )

    def kept(self, group: Group, round: Round) -> list[Rollout]:
        """Earlier correct completions of a problem, which take the place of as many new ones."""
        first = group.rollouts[0].request
        found = solved(group.problem)[-max(1, len(group.rollouts) // 2) :]
        fields = {"problem": group.problem, "prompt": first.prompt, "group": group.number, "tag": CACHED}
        return [again(round.request(**fields), each) for each in found]

    def grown(self, group: Group, round: Round) -> tuple[Node, Node | None]:
        """The tree as its rollouts and their rounds give it, and the node that is expanded next."""
        root, longest = Node(), round.max_tokens
        known: dict[tuple[int, int] | None, Node] = {None: root}
        best: Node | None = root
        for number in sorted({each.round for each in group.rollouts}):
            fresh = []
            for rollout in (each for each in group.rollouts if each.round == number):
                parent = known[rollout.request.parent]
                own = rollout.engine_logprob[len(parent.tokens) :]
                node = Node(rollout, parent, parent.depth + 1, [*parent.logprob, *own])
                node.terminal = rollout.finish != "length" or len(rollout.tokens) >= longest
                parent.children.append(node)
                known[rollout.key] = node
                fresh.append(node)
            ended = [node for node in fresh if node.terminal]
            if ended:
                chosen = min(ended, key=lambda node: (node.outcome <= 0, node.doubt))
                back_up(chosen, chosen.outcome)
            deepest = math.ceil(longest / segment_of(self.segment, longest))
            best = self.best(known.values(), deepest) if ended else max(fresh, key=self.bound, default=None)
        return root, best

    def bound(self, node: Node) -> float:
        """How promising a node is among the children of its parent."""
        return upper_bound(node, self.explore)

    def best(self, nodes: Iterable[Node], deepest: int) -> Node | None:
        """The node of the frontier that is expanded next; None where there is none."""
        frontier = [node for node in nodes if node.rollout is not None and not node.terminal and not node.children]
        return max(frontier, key=lambda node: self.frontier(node, deepest), default=None)

    def frontier(self, node: Node, deepest: int) -> float:
        """quality · tanh(parent's mean value) + doubt · mean negative log-prob + depth · sqrt(depth / deepest)."""
        above, far = node.parent.mean if node.parent else 0.0, math.sqrt(node.depth / deepest)
        return self.quality * math.tanh(above) + self.doubt * node.doubt + self.depth * far

    def expand(self, node: Node, group: Group, round: Round) -> Request:
        """The request for a node's children."""
        assert node.rollout is not None
        asked, count = node.rollout.request, len(node.tokens)
        return round.request(
            problem=asked.problem,
            prompt=asked.prompt,
            group=group.number,
            n=self.width,
            prefix=tuple(node.tokens),
            max_tokens=min(count + segment_of(self.segment, round.max_tokens), round.max_tokens),
            train=False,
            role=SEARCH,
            parent=node.rollout.key,
        )


def leaves_of(root: Node) -> list[Node]:
    """The leaves in the order in which they were found."""
    nodes = [root]
    for node in nodes:
        nodes += node.children
    ended = [(node.rollout.round, node.rollout.key, node) for node in nodes if node.terminal and node.rollout]
    return [node for _, _, node in sorted(ended, key=lambda item: item[:2])]


def node_advantages(leaves: Sequence[Node]) -> list[list[float]]:
    """For every leaf the advantages of the nodes of its path, without the root. No division by a deviation.

    A leaf has its outcome, an inner node tanh of its value; less the mean outcome, which is 0 for a single leaf. So the
    inner nodes of a tree without a correct leaf are made more likely, and those without an incorrect one less.
    """
    mean = sum(leaf.outcome for leaf in leaves) / len(leaves) if len(leaves) > 1 else 0.0
    return [[*(math.tanh(node.value) - mean for node in leaf.path()[1:-1]), leaf.outcome - mean] for leaf in leaves]


def train(leaf: Node, values: Sequence[float]) -> None:
    """Makes the path to a leaf a completion that is trained from its beginning, each node with its advantage."""
    assert leaf.rollout is not None
    rollout, stored = leaf.rollout, list[float]()
    for node, value in zip(leaf.path()[1:], values, strict=True):
        stored += [value] * (len(node.tokens) - len(stored))
    rollout.request = replace(rollout.request, prefix=(), train=True, role="", tag=PATH)
    rollout.engine_logprob, rollout.extras["stored_advantage"] = list(leaf.logprob), stored
    if leaf.parent is not None and leaf.parent.rollout is not None:
        own = rollout.sampled_logprob[len(leaf.parent.tokens) :]
        rollout.sampled_logprob = [*path_sampled(leaf.parent), *own]


def path_sampled(node: Node) -> list[float]:
    """The log-probs of a path under what was sampled from."""
    if node.rollout is None or node.parent is None:
        return []
    return [*path_sampled(node.parent), *node.rollout.sampled_logprob[len(node.parent.tokens) :]]


@dataclass(frozen=True)
class CentredOutcome(Advantage):
    """Twice the reward less its group's mean: of outcomes of -1 and 1, without division. arXiv:2509.25454.

    For completions outside a tree; those of a tree bring the advantages of their nodes.
    """

    def __call__(self, batch: Batch) -> PerToken:
        return spread(2 * group_centre(batch.reward, batch.group), batch.mask)


METHODS = {
    "deep_search": derive(
        GRPO,
        title="DeepSearch",
        paper="arXiv:2509.25454",
        equation=r"\hat A_{j,k}=\tanh q_j-\mu\ \text{ for node }j\text{ of path }k,\quad q_j\leftarrow q_j+\gamma_jv,"
        r"\quad\gamma_j=\max\big(\tfrac{j+1}{l+1},0.1\big)",
        changes="completions are found by a tree search, whose nodes are valued by what was found below them; correct"
        " completions of hard problems are kept, and take part when the problem is asked again",
        advantage=CentredOutcome(),
        surrogate=Clip(low=0.2, high=0.28, dual=10.0),
        regularisers=(),
        sampler=Roots(),
        controller=SearchTree(),
        synthesis=KeepCorrect(),
    )
}
