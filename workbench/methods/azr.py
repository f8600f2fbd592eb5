"""AZR (Absolute Zero): one policy proposes problems about programs and solves them; no problem comes from outside.

Left out: the terms of the proposer's reward for complexity and diversity, which the paper tried without gain and its
code has off; the error-type task, off as well; an entropy bonus, which one of the authors' two branches has. Other than
in the code, a problem that is there already is refused, and the tries that rate a proposal are sampled, never greedy.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.environments.small_language import SmallLanguage
from workbench.kinds import Controller, Environment, Orders, Round
from workbench.method import Method, derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import TaskRelative
from workbench.pieces.proposals import (
    Read,
    cannot_seed,
    drawn,
    number_cohorts,
    rate_of,
    rated,
    read_proposals,
    validity,
)
from workbench.pieces.sampler import NewestFirst
from workbench.pieces.shaping import Outcome
from workbench.types import Fact, Problem, Request, Rollout, Score, State
from workbench.types.memory import plain

PROPOSE, TRY, SEED = "propose", "try", "seed"
PART = "proposed"  # of the reward: what a proposal is worth
NAN = float("nan")
TURNS = 1_000  # uniform numbers set aside for the references of one proposal


@dataclass(frozen=True)
class SelfPlay(Controller):
    """Proposals, tries, rewards. arXiv:2505.03335, section 3.

    Every step asks `proposals` of each kind, with references from the stock. One that is valid is tried `tries` times;
    its reward is `worth` of the share of correct ones, and it enters the stock. A kind of which the stock has nothing
    is seeded first: the policy proposes, untrained, from the environment's few one-line programs.
    """

    facts = (Fact("cohort", help="rollouts of one role and kind, which share mean and deviation, have one number."),)

    environment: Annotated[Environment, Field(description="what is proposed, and what runs it")] = SmallLanguage()
    kinds: Annotated[tuple[str, ...], Field(description="of problems; empty: all that the environment has")] = ()
    proposals: Annotated[int, Field(ge=1, le=4096, description="of every kind, a step")] = 64  # the paper
    tries: Annotated[int, Field(ge=1, le=1024, description="rollouts that rate a proposal")] = 8  # the paper
    train_tries: Annotated[bool, Field(description="train on the tries too")] = False
    proposer: Annotated[
        Literal["trained", "frozen", "none"],
        Field(description="trained; frozen: asked, not trained; none: only the seeds are solved"),
    ] = "trained"
    reward: Annotated[
        Literal["hard", "half"], Field(description="hard: 1 - rate; half: 1 - 2 · |rate - 1/2|, as R-Zero")
    ] = "hard"
    extreme: Annotated[float, Field(ge=-10, le=10, description="reward where no try is correct, or every one")] = -0.5
    invalid: Annotated[float, Field(ge=-10, le=10, description="reward of a proposal that is no valid problem")] = -1.0
    keep: Annotated[
        Literal["all", "unsolved", "useful"],
        Field(description="valid proposals that are stocked: all; not always solved; neither always nor never"),
    ] = "all"
    seeds: Annotated[int, Field(ge=1, le=1024, description="problems of a kind that seeding aims at")] = 256  # 64 · 4
    seed_rounds: Annotated[int, Field(ge=1, le=100, description="rounds of proposals that seeding may take")] = 4

    def check(self) -> list[str]:
        unknown = [kind for kind in self.kinds if kind not in self.environment.kinds]
        known = ", ".join(self.environment.kinds)
        found = [f"kinds: {self.environment.name} has no {kind!r}; it has {known}" for kind in unknown]
        return found + [f"environment: {text}" for text in self.environment.check()]

    def init(self) -> State:
        return {"made": [], "faults": [], "metrics": {}}

    def metrics(self, state: State) -> dict[str, float]:
        return dict(state["metrics"])

    @property
    def asked_kinds(self) -> tuple[str, ...]:
        """The kinds that are proposed."""
        return self.kinds or self.environment.kinds

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        kinds = len(self.asked_kinds)
        step = 0 if self.proposer == "none" else kinds * self.proposals * (1 + self.tries)
        return max(problems * rollouts, kinds * self.seeds * self.seed_rounds) + step

    # ------------------------------------------------------------------------------------------- the rounds

    def __call__(self, state: State, round: Round) -> Orders:
        number_cohorts(round.groups)
        if round.number == 0:
            return self.propose(self.init(), round)
        fresh = [each for group in round.groups for each in group.rollouts if each.round == round.number]
        if seeds := [each for each in fresh if each.request.role == SEED]:
            return self.seed(state, round, self.read(state, round, seeds))
        if proposals := [each for each in fresh if each.request.role == PROPOSE]:
            return self.validate(state, round, self.read(state, round, proposals))
        return self.rate(state, round)

    def propose(self, state: State, round: Round) -> Orders:
        """The next requests: seeds of the kinds that lack them, or proposals of every kind."""
        missing = self.missing(state, round)
        if missing and round.number < self.seed_rounds:
            wanted = {kind: min(self.seeds, 2 * count) for kind, count in missing.items()}
            return Orders(self.requests(SEED, wanted, state, round), state=state)
        self.require(state, round)
        wanted = {} if self.proposer == "none" else dict.fromkeys(self.asked_kinds, self.proposals)
        return Orders(self.requests(PROPOSE, wanted, state, round), state=self.told(state, round, {}))

    def require(self, state: State, round: Round) -> None:
        """ValueError for a kind that has no problem to start from, with the reasons."""
        for kind in self.missing(state, round):
            if not self.known(state, round, (kind,)):
                raise ValueError(cannot_seed(kind, state["faults"], self.seed_rounds))

    def seed(self, state: State, round: Round, seeds: Sequence[Read]) -> Orders:
        """Stocks what seeding found, and asks for more, or for the proposals of the step."""
        made = [each.problem for each in seeds if each.problem is not None]
        faults = [[each.kind, each.score.reason] for each in seeds if each.problem is None]
        state = {**state, "made": [*state["made"], *map(plain, made)], "faults": [*state["faults"], *faults]}
        scores = {each.key: {PART: each.score} for each in seeds}
        return replace(self.propose(state, round), scores=scores, problems=made)

    def validate(self, state: State, round: Round, proposals: Sequence[Read]) -> Orders:
        """Scores invalid proposals, and has the valid ones tried."""
        tries = [self.attempt(each.problem, each.key, round) for each in proposals if each.problem is not None]
        scores = {each.key: {PART: each.score} for each in proposals if each.problem is None}
        return Orders(tries, scores=scores, state=self.told(state, round, validity(PROPOSE, proposals)))

    def rate(self, state: State, round: Round) -> Orders:
        """Scores the proposals that were tried, and puts them into the stock."""
        self.require(state, round)
        tried = [group for group in round.groups if group.rollouts[0].request.role == TRY]
        rates = {group.rollouts[0].request.parent: rate_of(group.rollouts) for group in tried}
        proposals = [each for group in round.groups for each in group.rollouts if each.request.role == PROPOSE]
        waiting = [each.key for each in proposals if PART not in each.parts]
        made = [rated(group) for group in tried if self.keeps(rate_of(group.rollouts))]
        known = [rate for rate in rates.values() if rate == rate]
        found = {"useful.propose": sum(0 < rate < 1 for rate in known) / len(known)} if known else {}
        state = {**state, "made": [*state["made"], *map(plain, made)]}
        state = {**self.init(), "metrics": self.told(state, round, found)["metrics"]}
        return Orders(
            scores={key: {PART: self.worth(rates.get(key, NAN))} for key in waiting}, problems=made, state=state
        )

    # ------------------------------------------------------------------------------------------- one proposal

    def read(self, state: State, round: Round, proposals: Sequence[Rollout]) -> list[Read]:
        """What came of proposals; a copy of a problem that is there, or of a reference, is invalid."""
        known = {each["key"] for each in state["made"]} | set(round.stock.problems)
        known |= {each.key for kind in self.asked_kinds for each in self.environment.first(kind)}
        return read_proposals(self.environment, proposals, known, self.invalid)

    def worth(self, rate: float) -> Score:
        """The score of a valid proposal whose tries were correct at this rate; nan: none of them could be scored.

        >>> [SelfPlay().worth(rate).value for rate in (0, 0.125, 0.5, 1)]
        [-0.5, 0.875, 0.5, -0.5]
        """
        if rate != rate:
            return Score(NAN, "unscored: no try of it could be made, or scored")
        value = 1 - rate if self.reward == "hard" else 1 - 2 * abs(rate - 0.5)
        return Score(self.extreme if rate in (0, 1) else value, f"valid; {rate:.0%} of its tries were correct")

    def keeps(self, rate: float) -> bool:
        """Whether a valid proposal is stocked."""
        return {"all": rate == rate, "unsolved": rate < 1, "useful": 0 < rate < 1}[self.keep]

    # ------------------------------------------------------------------------------------------- what is asked

    def missing(self, state: State, round: Round) -> dict[str, int]:
        """How many seeds each kind lacks of which the stock has nothing."""
        made = Counter(each["source"] for each in state["made"])
        empty = [kind for kind in self.asked_kinds if not round.stock.of(kind)]
        return {kind: self.seeds - made[kind] for kind in empty if made[kind] < self.seeds}

    def known(self, state: State, round: Round, kinds: Sequence[str]) -> list[Problem]:
        """The problems of some kinds: of the stock, and of this step's seeds."""
        made = [Problem(**each) for each in state["made"] if each["source"] in kinds]
        return [each for kind in kinds for each in round.stock.of(kind)] + made

    def requests(self, role: str, wanted: dict[str, int], state: State, round: Round) -> list[Request]:
        """Requests for so many proposals of every kind, each with references of its own."""
        asked: list[Request] = []
        for kind, count in wanted.items():
            sources, most = self.environment.references(kind)
            pool = self.known(state, round, sources)
            pool = pool if len(pool) >= most else [*pool, *self.environment.first(kind)]
            for _ in range(count):
                first = TURNS * len(asked)
                shown = drawn(pool, most, [round.uniform(first + turn) for turn in range(4 * most)])
                key = f"{role}-{round.step}-{round.number}-{len(asked)}"
                asked.append(self.request(role, self.environment.ask(kind, shown, key), round))
        return asked

    def request(self, role: str, problem: Problem, round: Round) -> Request:
        """The request for one proposal."""
        return round.request(
            problem=problem,
            prompt=round.encoder.prompt(problem.prompt),
            group=round.new_group(),
            role=role,
            train=role == PROPOSE and self.proposer == "trained",
            late=True,
        )

    def attempt(self, problem: Problem, parent: tuple[int, int], round: Round) -> Request:
        """The request to try a valid proposal."""
        return round.request(
            problem=problem,
            prompt=round.encoder.prompt(problem.prompt),
            group=round.new_group(),
            n=self.tries,
            role=TRY,
            train=self.train_tries,
            parent=parent,
        )

    def told(self, state: State, round: Round, metrics: dict[str, float]) -> State:
        """The state with further numbers of the step, and the size of the stock."""
        sources = Counter(each.source for each in round.stock) + Counter(each["source"] for each in state["made"])
        sizes = {f"stock.{kind}": float(sources[kind]) for kind in self.asked_kinds}
        return {**state, "metrics": {**state["metrics"], **metrics, "stock": float(sources.total()), **sizes}}


def variant(title: str, equation: str, changes: str, **fields: Any) -> Method:
    """AZR with other fields of its controller."""
    texts = {"title": title, "paper": "arXiv:2505.03335", "equation": equation, "changes": changes}
    return derive(AZR, **texts, controller=SelfPlay(**fields))


AZR = derive(
    GRPO,
    title="AZR (Absolute Zero), as its code",
    paper="arXiv:2505.03335",
    equation=r"A=\frac{R-\mu_{\tau,\rho}}{\sigma_{\tau,\rho}},\quad R_{propose}=\begin{cases}-1&\text{invalid}\\"
    r"-\tfrac12&\bar r\in\{0,1\}\\1-\bar r\end{cases},\quad R_{solve}\in\{1,-\tfrac12,-1\}",
    changes="the policy proposes the problems that it is trained on: a valid one is worth what its own tries get wrong,"
    " and rollouts are compared within their role and kind of problem",
    advantage=TaskRelative(),
    regularisers=(),
    shaping=(Outcome(),),
    sampler=NewestFirst(),
    controller=SelfPlay(),
    group_size=1,
)

METHODS = {
    "azr": AZR,
    "azr_paper": variant(
        "AZR (Absolute Zero), as its paper",
        r"R_{propose}=\mathbb 1[0<\bar r<1]\,(1-\bar r)",
        "as azr, but a proposal that is always or never solved is worth 0, as the paper writes, instead of -0.5",
        extreme=0.0,
    ),
    "azr_half": variant(
        "AZR with R-Zero's reward",
        r"R_{propose}=\mathbb 1[0<\bar r<1]\,(1-2\,|\bar r-\tfrac12|)",
        "as azr_paper, but a proposal is worth most where half of its tries are correct (arXiv:2508.05004)",
        reward="half",
        extreme=0.0,
    ),
    "azr_frozen": variant(
        "AZR, proposer frozen",
        r"\nabla_\theta\,R_{propose}:=0",
        "as azr, but proposals are not trained on; they change only as the shared weights do",
        proposer="frozen",
    ),
    "azr_solver": variant(
        "AZR, solver only",
        r"q\sim\text{seeds},\quad R_{solve}",
        "as azr, but nothing is proposed after seeding: the solver is trained on the seeds alone",
        proposer="none",
    ),
}
