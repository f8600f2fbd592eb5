"""How a step enters the run's memory: its attempts into the ledger, its new problems into the stock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.kinds import Past, Survey, Synthesis
from workbench.random_numbers import uniform_of
from workbench.training.sampling import Clock, Parts, Sampled
from workbench.training.step import Step
from workbench.types import Encoder, Group, Request, Rollout, Sampling, State
from workbench.types.memory import Line

LEDGER, PROBLEMS = "ledger", "problems"  # the journals
SURVEY_STEP = -4  # key of a survey's random numbers
CHUNK = 64  # problems that a survey asks at a time
SHOWN = 3  # faults of made problems that an event names


@dataclass
class Journal:
    """The lines by which ledger and stock grew; `stored`: a run directory keeps them, a checkpoint their number."""

    stored: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {LEDGER: 0, PROBLEMS: 0})
    lines: dict[str, list[Line]] = field(default_factory=lambda: {LEDGER: [], PROBLEMS: []})

    def add(self, name: str, lines: Sequence[Line]) -> None:
        """Counts lines, and keeps them unless a run directory does."""
        self.counts[name] += len(lines)
        if not self.stored:
            self.lines[name] += lines

    def state(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        return {"counts": dict(self.counts), **({} if self.stored else {"lines": self.lines})}


@dataclass
class Memory:
    """A run's ledger and stock, which are among its parts, and the journal of what entered them."""

    parts: Parts
    synthesis: Synthesis | None
    states: dict[str, State]  # by slot; changed in place
    seed: int
    journal: Journal = field(default_factory=Journal)

    def enter(self, name: str, lines: Sequence[Line]) -> None:
        """Enters lines of a journal into what it is of."""
        target = self.parts.ledger if name == LEDGER else self.parts.stock
        for line in lines:
            target.take(line)
        self.journal.add(name, lines)

    def restore(self, state: Mapping[str, Any] | None, kept: Mapping[str, Sequence[Line]]) -> None:
        """Empties both and enters the lines of a checkpoint, or those that were `kept` beside it.

        ValueError where these are not as many as the checkpoint was written with.
        """
        self.parts.ledger.clear()
        self.parts.stock.clear()
        self.journal = Journal(self.journal.stored)
        state = state or {"counts": {}}  # of a version that kept none
        lines = state.get("lines", kept)
        for name, count in state["counts"].items():
            found = lines.get(name, ())
            if len(found) < count:
                raise ValueError(
                    f"{name}.jsonl has {len(found)} of the {count} lines that the checkpoint was written with: put "
                    "back the file as it was, or fork from an earlier checkpoint"
                )
            self.enter(name, found[:count])

    def learn(self, number: int, sampled: Sampled) -> dict[str, list[Line]]:
        """Enters a step's attempts, and the problems that were made in it; the lines of both."""
        added = {LEDGER: [visits(number, sampled.seen, self.parts.encoder)]}
        self.enter(LEDGER, added[LEDGER])
        if sampled.made and self.parts.controller is not None:
            added[PROBLEMS] = self.stocked(f"controller {self.parts.controller.name}", sampled.made, number, sampled)
        if self.synthesis is not None:
            uniform = uniform_of(f"{self.seed}/{number}/synthesis")
            past = Past(number, sampled.groups, self.parts.ledger, self.parts.stock, uniform)
            made, self.states["synthesis"] = self.synthesis(self.states["synthesis"], past)
            lines = self.stocked(f"synthesis {self.synthesis.name}", made, number, sampled)
            added[PROBLEMS] = [*added.get(PROBLEMS, ()), *lines]
        return added

    def stocked(self, maker: str, made: Sequence[Any], number: int, sampled: Sampled) -> list[Line]:
        """Enters problems that a piece made, and returns their lines; an event where some cannot be stocked."""
        lines, faults = self.parts.stock.lines(made, number)
        if faults:
            told = "; ".join(faults[:SHOWN]) + ("; …" if len(faults) > SHOWN else "")
            sampled.events.append(f"{maker}: {len(faults)} of {len(made)} problems left out: {told}")
        self.enter(PROBLEMS, lines)
        return lines

    def survey(self, sampling: Sampling, clock: Clock) -> Step:
        """Step 0, with the survey that the sampler asks for, unless there is none or it was made before."""
        wanted = self.parts.sampler.survey
        if wanted is None or self.parts.ledger.surveyed:
            return Step(0, {})
        line, events = survey(self.parts, wanted, sampling, clock)
        self.enter(LEDGER, [line])
        attempts, successes = (sum(entry[place] for entry in line["visits"]) for place in (2, 3))
        metrics = {"survey": float(len(line["visits"])), "survey.correct": successes / max(1, attempts)}
        return Step(0, metrics, journal={LEDGER: [line]}, events=events)


def visits(step: int, rollouts: Iterable[Rollout], encoder: Encoder) -> Line:
    """A step's line of the ledger: the attempts at each problem as it stands.

    That is: rollouts that solve, after the problem's own prompt, from its beginning. Not hinted ones, branches,
    demonstrations and pruned ones; dropped ones count.
    """
    members: dict[str, list[Rollout]] = {}
    plain: dict[str, tuple[int, ...]] = {}
    for rollout in rollouts:
        request, problem = rollout.request, rollout.request.problem
        if request.role or request.prefix or rollout.finish in ("given", "pruned"):
            continue
        if problem.key not in plain:
            plain[problem.key] = encoder.prompt(problem.prompt)
        if request.prompt == plain[problem.key]:
            members.setdefault(problem.key, []).append(rollout)
    return {"step": step, "visits": [visit(key, found) for key, found in members.items()]}


def visit(key: str, rollouts: Sequence[Rollout]) -> list[Any]:
    """A problem's entry of that line: key, number in the pool, attempts, successes, mean tokens."""
    outcomes = [rollout.outcome for rollout in rollouts if rollout.outcome == rollout.outcome]
    length = sum(len(rollout.tokens) for rollout in rollouts) / len(rollouts)
    return [key, rollouts[0].request.pick, len(outcomes), sum(outcomes), length]


def survey(parts: Parts, wanted: Survey, sampling: Sampling, clock: Clock) -> tuple[Line, list[str]]:
    """The line of step 0: every problem attempted so often before training, and what its scoring had to say."""
    size = parts.task.size("train")
    count = min(size or 0, wanted.problems or size or 0) if size is not None else wanted.problems or 0
    entries, events = list[Any](), list[str]()
    for first in range(0, count, CHUNK):
        asked = [parts.task.problem(number, "train") for number in range(first, min(first + CHUNK, count))]
        requests = [
            Request(problem, parts.encoder.prompt(problem.prompt), number, number, n=wanted.rollouts, pick=number)
            for number, problem in enumerate(asked, start=first)
        ]
        with clock.phase("survey"):
            groups = {request.group: Group(request.group, request.problem, []) for request in requests}
            for rollout in parts.engine.generate(requests, sampling):
                groups[rollout.request.group].rollouts.append(rollout)
            events += parts.score(list(groups.values()))
        rollouts = [rollout for group in groups.values() for rollout in group.rollouts]
        entries += visits(0, rollouts, parts.encoder)["visits"]
    return {"step": 0, "visits": entries}, events
