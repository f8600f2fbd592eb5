"""The rounds of a step: problems, requests, rollouts, rewards, controller, filters, until none asks for more."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from workbench.kinds import BoundPruner, Controller, Filter, Orders, Pick, Pool, Pruner, Round, Sampler, Task, Verdict
from workbench.random_numbers import uniform_of
from workbench.types import Bench, Encoder, Engine, Group, Problem, Request, Rollout, Sampling, Score, State
from workbench.types.asking import Speaker
from workbench.types.memory import Ledger, Stock
from workbench.types.rollouts import score_fault

ScoreGroups = Callable[[Sequence[Group]], list[str]]


@dataclass
class Clock:
    """Seconds by phase. `on_phase` is called with the name of each phase as it begins."""

    seconds: dict[str, float] = field(default_factory=dict)
    on_phase: Callable[[str], None] = lambda phase: None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Counts the time spent inside."""
        self.on_phase(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass
class Parts:
    """The parts that sampling uses, each known by its protocol alone."""

    task: Task
    engine: Engine
    encoder: Encoder
    score: ScoreGroups
    sampler: Sampler
    filters: Sequence[Filter] = ()
    controller: Controller | None = None
    pruner: Pruner | None = None
    scorer: Bench | None = None
    cast: Mapping[str, Speaker] = field(default_factory=dict)  # whom rewards may ask besides the policy
    ledger: Ledger = field(default_factory=Ledger)
    stock: Stock = field(default_factory=Stock)


@dataclass(frozen=True)
class Limits:
    """The limits of a step: problems, rollouts per problem, rounds; and the run's seed."""

    problems: int
    rollouts: int
    rounds: int
    seed: int
    steps: int = 1
    positions: int | None = None  # tokens that the model reads, prompt and completion together; None: not known


@dataclass
class Sampled:
    """The groups of a step, the numbers of those that are trained on, and events."""

    groups: list[Group] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    seen: list[Rollout] = field(default_factory=list)  # every rollout, those too that were dropped
    made: list[Problem] = field(default_factory=list)  # by the controller, for the stock

    @property
    def rollouts(self) -> list[Rollout]:
        """Every rollout, kept or not, in the order of groups."""
        return [rollout for group in self.groups for rollout in group.rollouts]


@dataclass
class StepSampler:
    """Samples one step. `states` holds the pieces' states by slot and is changed in place."""

    parts: Parts
    limits: Limits
    sampling: Sampling
    states: dict[str, State]
    clock: Clock
    sampled: Sampled = field(default_factory=Sampled)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    group_numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self) -> Sampled:
        """All rounds: filters may ask for other problems, the controller for further rollouts."""
        wanted = self.limits.problems
        tries = 1 + max((item.rounds for item in self.parts.filters), default=0)
        for number in range(tries):
            groups = self.complete([self.first_request(pick) for pick in self.picks(wanted, number)], number)
            self.sampled.groups += groups
            wanted = min(self.filter(groups), self.limits.problems - len(self.sampled.kept))
            if wanted <= 0:
                return self.sampled
        kept, count = len(self.sampled.kept), self.limits.problems
        self.sampled.events.append(f"{kept} of {count} groups passed the filters after {tries} rounds of sampling")
        return self.sampled

    def picks(self, count: int, number: int) -> list[Pick]:
        """The sampler's problems for a round of sampling."""
        size, uniform = self.parts.task.size("train"), self.uniform("sampler", number)
        memory = self.parts.ledger, self.parts.stock, self.pooled, self.sampling.max_tokens
        pool = Pool(size, count, self.limits.rollouts, self.sampling.step, uniform, *memory)
        picks, self.states["sampler"] = self.parts.sampler(self.states.get("sampler", {}), pool)
        least = 1 if self.parts.controller is None else 0
        return [checked(pick, self.parts.sampler.name, size, self.sampling.max_tokens, least) for pick in picks]

    def pooled(self, number: int) -> Problem:
        """A problem of the task, with the data that pieces added to it."""
        return self.parts.stock.enriched(self.parts.task.problem(number, "train"))

    def uniform(self, what: str, number: int) -> Callable[[int], float]:
        """Numbers in [0, 1) keyed by seed, step, purpose and round."""
        return uniform_of(f"{self.limits.seed}/{self.sampling.step}/{what}/{number}")

    def first_request(self, pick: Pick) -> Request:
        """The first request of a new group."""
        problem, ask = pick.problem, pick.ask
        if problem is None:
            problem = self.pooled(pick.number)

        def prompt(text: str) -> tuple[int, ...]:
            return self.parts.encoder.prompt(text.replace("{question}", problem.prompt))

        return Request(
            problem,
            prompt("{question}" if ask.prompt is None else ask.prompt),
            group=next(self.group_numbers),
            number=next(self.numbers),
            n=pick.rollouts,
            pick=pick.number if pick.problem is None else -1,
            training_prompt=None if ask.training_prompt is None else prompt(ask.training_prompt),
            **{name: getattr(ask, name) for name in ("max_tokens", "temperature", "role", "tag", "train", "late")},
        )

    def complete(self, requests: Sequence[Request], round_of_sampling: int) -> list[Group]:
        """Rollouts of these requests, scored, and whatever the controller adds, round by round."""
        groups = {each.group: Group(each.group, each.problem, []) for each in requests if not each.n}
        ready: Sequence[Rollout] = ()
        for number in range(self.limits.rounds):
            self.add(groups, [*self.generate(requests), *ready], number)
            if self.parts.controller is None:
                break
            orders = self.orders(list(groups.values()), number, round_of_sampling)
            requests, ready = orders.requests, orders.rollouts
            self.sampled.made += orders.problems
            apply_drops(groups, orders)
            self.apply_scores(groups, orders)
            if not requests and not ready:
                break
        else:
            limit = self.limits.rounds
            self.sampled.events.append(f"the controller requested more after the last round: rollouts.rounds = {limit}")
        return list(groups.values())

    def generate(self, requests: Sequence[Request]) -> list[Rollout]:
        """The engine's rollouts of these requests."""
        requests = [request for request in self.fitting(requests) if request.n]
        if not requests:
            return []
        with self.clock.phase("generate"):
            pruner = self.parts.pruner
            bound = None if pruner is None else BoundPruner(pruner, self.states["pruner"])
            return self.parts.engine.generate(requests, self.sampling, bound)

    def fitting(self, requests: Sequence[Request]) -> list[Request]:
        """The requests that the model has room for; an event where some are left out."""
        most = self.limits.positions
        room = [
            most is None or len(each.prompt) + (each.max_tokens or self.sampling.max_tokens) <= most
            for each in requests
        ]
        if not all(room):
            longest = max(len(each.prompt) for each in requests)
            self.sampled.events.append(
                f"{room.count(False)} requests left out: prompts of up to {longest} tokens leave no room for the "
                f"completion in the model's {most} positions"
            )
        return [each for each, fits in zip(requests, room, strict=True) if fits]

    def add(self, groups: dict[int, Group], rollouts: Sequence[Rollout], number: int) -> None:
        """Sorts new rollouts into groups, and scores the groups that changed."""
        changed: dict[int, Group] = {}
        self.sampled.seen += rollouts
        for rollout in rollouts:
            rollout.round = number
            request = rollout.request
            group = groups.setdefault(request.group, Group(request.group, request.problem, []))
            group.rollouts.append(rollout)
            changed[group.number] = group
        self.score(changed.values())

    def score(self, groups: Iterable[Group]) -> None:
        """Scores what is new in groups, and forms their rewards again."""
        with self.clock.phase("reward"):
            self.sampled.events += self.parts.score([group.alive for group in groups])

    def apply_scores(self, groups: dict[int, Group], orders: Orders) -> None:
        """Puts late scores among the parts of their rollouts; an event for what cannot be scored."""
        if not orders.scores:
            return
        rollouts = {each.key: (each, group) for group in groups.values() for each in group.rollouts}
        changed: dict[int, Group] = {}
        faults: list[str] = []
        for key, parts in orders.scores.items():
            rollout, group = rollouts.get(key, (None, None))
            if rollout is None or group is None:
                faults.append(f"rollout {key[1]} of request {key[0]} was dropped or never there")
                continue
            for name, score in parts.items():
                if fault := score_fault(score, rollout):
                    faults.append(f"{name} of rollout {key[1]} of request {key[0]}: {fault}")
                    score = Score(float("nan"), fault)
                rollout.parts[name] = score
            changed[group.number] = group
        if faults and self.parts.controller is not None:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            self.sampled.events.append(f"late scores of {self.parts.controller.name}: {faults[0]}{more}; left out")
        self.score(changed.values())

    def orders(self, groups: Sequence[Group], number: int, round_of_sampling: int) -> Orders:
        """The controller's actions after a round."""
        controller = self.parts.controller
        assert controller is not None
        seen = Round(
            number=number,
            step=self.sampling.step,
            groups=groups,
            encoder=self.parts.encoder,
            request=self.request,
            new_group=lambda: next(self.group_numbers),
            uniform=self.uniform("controller", 1000 * round_of_sampling + number),
            scorer=self.parts.scorer,
            total_steps=self.limits.steps,
            ledger=self.parts.ledger,
            stock=self.parts.stock,
            rollouts=self.limits.rollouts,
            max_tokens=self.sampling.max_tokens,
            stop=self.sampling.stop,
        )
        with self.clock.phase("control"):
            orders = controller(self.states.get("controller", {}), seen)
        self.states["controller"] = orders.state
        return orders

    def request(self, **fields: Any) -> Request:
        """A request of the controller, with the next number."""
        return Request(**{"number": next(self.numbers), **fields})

    def filter(self, groups: Sequence[Group]) -> int:
        """Marks the groups to train on; answers for how many the filters want another problem."""
        verdicts: dict[int, Verdict] = {group.number: "keep" for group in groups}
        for place, item in enumerate(self.parts.filters):
            found = item(self.states.get(f"filters.{place}", {}), groups)
            for group, verdict in zip(groups, found, strict=True):
                if verdict != "keep":
                    verdicts[group.number] = verdict
        self.sampled.kept.update(number for number, verdict in verdicts.items() if verdict == "keep")
        return sum(verdict == "resample" for verdict in verdicts.values())


def checked(pick: Pick, sampler: str, size: int | None, budget: int, least: int) -> Pick:
    """A pick of a problem that is there, asked for within the run's limits; ValueError that names the sampler."""
    if pick.problem is None and (pick.number < 0 or (size is not None and pick.number >= size)):
        known = "no end" if size is None else f"problems 0 to {size - 1}"
        raise ValueError(
            f"sampler {sampler} picks problem {pick.number}, and the task has {known}: pick one of these, or give the "
            "pick a problem of its own"
        )
    if pick.rollouts < least:
        raise ValueError(f"sampler {sampler} picks a problem for {pick.rollouts} rollouts: give {least} or more")
    if pick.ask.max_tokens is not None and not 0 < pick.ask.max_tokens <= budget:
        raise ValueError(
            f"sampler {sampler} asks for {pick.ask.max_tokens} tokens: give at least 1 and at most rollouts.max_tokens "
            f"= {budget}, for which the run was planned"
        )
    return pick


def apply_drops(groups: dict[int, Group], orders: Orders) -> None:
    """Removes the groups and rollouts that the controller drops."""
    for number in orders.drop_groups:
        groups.pop(number, None)
    if orders.drop is not None:
        for group in groups.values():
            group.rollouts = [rollout for rollout in group.rollouts if not orders.drop(rollout)]
    for number in [group.number for group in groups.values() if not group.rollouts]:
        del groups[number]
