"""ARRoL: stops rollouts of little use while they are being written. Xu et al., arXiv:2603.24840.

When the rollouts of a group have reached the detection length, a small head scores each from its hidden state, a
table of labelled scores makes a posterior of the score, a rule makes survival probabilities of the posteriors so that
about half of the survivors will be right, and a draw decides. Survivors alone are rewarded and trained on, and the
head learns from them. The paper's code is not public; what was not told is marked as ours.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from workbench import random_numbers
from workbench.kinds import Partial, Pruner, Reduction
from workbench.pruning import quality
from workbench.pruning.draw import DRAWS, Array, Flags, Whole, whole
from workbench.pruning.kernel.choice import find_kernel
from workbench.pruning.kernel.compact import MOST_UNITS, STEEPEST, Policy
from workbench.pruning.kernel.together import Chance, head_on, judge_group, rows_of
from workbench.pruning.learning import labelled, mean_metrics, note_survival
from workbench.pruning.posterior import PerBin, bin_of, count, posterior
from workbench.pruning.replay_buffer import ReplayBuffer, joined
from workbench.pruning.stop_rule import StopRule
from workbench.pruning.survival import RULES, Bounds, solve_shift
from workbench.pruning.vote_at_test_time import quality_scores
from workbench.pruning.weights import Survivors
from workbench.types import Group, Rollout, Sampling, State
from workbench.types import Policy as ModelPolicy

BRANCH, START = 102, 103  # of the noise: who survives, where a group's marks begin
NEWEST = 512  # held-out labels that the AUC is taken over
PAPERS, SHARE = 512, 8  # detection length left open: the paper's, but at most this part (1/8) of max_tokens
ON = "on"


@dataclass(frozen=True)
class Arrol(Pruner):
    """Prunes towards groups that are half right. ARRoL, arXiv:2603.24840, section 3.

    p = clip(keep + shift + slope (target - posterior), p_min, p_max); `rule` says where slope and shift come from
    (`workbench.pruning.survival`), `draw` how p becomes a decision (`workbench.pruning.draw`).
    """

    detect: Annotated[
        int | None, Field(ge=1, description="answer length at which rollouts are judged; none: see `fitted`")
    ] = None  # paper: 512, of answers of some 1,400 tokens
    keep: Annotated[float, Field(gt=0, le=1, description="share of the judged rollouts that goes on")] = 0.5
    target: Annotated[float, Field(ge=0, le=1, description="share of right ones wanted among the survivors")] = 0.5
    rule: Annotated[Literal["group", "sign", "paper", "random"], Field(description="where the slope comes from")] = (
        "group"  # ours: as printed, pruning harms where most rollouts are wrong
    )
    draw: Annotated[Literal["fixed", "bernoulli"], Field(description="a fixed number survives, or each by itself")] = (
        "fixed"  # ours: small groups would often be left with fewer than two
    )
    slope: Annotated[float, Field(ge=0, le=STEEPEST, description="slope of the rules paper and sign")] = 0.5
    slope_max: Annotated[float, Field(gt=0, le=STEEPEST, description="steepest slope of the rule group")] = 2.0  # ours
    p_min: Annotated[float, Field(gt=0, le=1, description="least survival probability")] = 0.1
    p_max: Annotated[float, Field(gt=0, le=1, description="largest survival probability")] = 0.9
    warm_up: Annotated[int, Field(ge=0, description="steps in which nobody is pruned")] = 20
    min_group: Annotated[int, Field(ge=2, description="fewer rollouts at the detection length are left alone")] = 4
    min_auc: Annotated[float, Field(ge=0, le=1, description="nobody is pruned while the head's AUC is below")] = 0.6
    bins: Annotated[int, Field(ge=2, description="bins of the score")] = 32  # paper: 128; the held-out part is small
    alpha: Annotated[float, Field(gt=0, description="Laplace's smoothing of the bins")] = 1.0
    buffer: Annotated[int, Field(ge=16, description="labelled rollouts the head remembers")] = 4096  # ours, as below
    held_out: Annotated[float, Field(gt=0, lt=1, description="share of groups the head is tested on")] = 0.25
    units: Annotated[int, Field(ge=1, le=MOST_UNITS, description="hidden units of the head")] = 64
    learning_rate: Annotated[float, Field(gt=0, description="AdamW's, of the head")] = 1e-3
    epochs: Annotated[int, Field(ge=1, description="passes over the buffer in each refit")] = 2
    importance: Annotated[bool, Field(description="weigh survivors by keep / p")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.p_min <= self.keep <= self.p_max:
            raise ValueError(
                f"arrol.keep = {self.keep:g}: survival probabilities between p_min = {self.p_min:g} and p_max = "
                f"{self.p_max:g} cannot have that mean; move the bound beyond it"
            )

    # --------------------------------------------------------------------------------- what others ask

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        return (self.length(),)

    def length(self) -> int:
        """The detection length; ValueError where it is still left to the run."""
        if self.detect is None:
            raise ValueError("arrol.detect is left to the run: ask fitted(max_tokens), or set it in tokens")
        return self.detect

    def fitted(self, max_tokens: int) -> "Arrol":
        """Itself for answers of at most so many tokens: `detect`, left open, is an eighth of them, at most 512."""
        if self.detect is not None:
            return self
        return dataclasses.replace(self, detect=max(1, min(PAPERS, max_tokens // SHARE)))

    def appraise(self, state: State, policy: ModelPolicy, rollouts: Sequence[Rollout]) -> list[float]:
        """How good finished rollouts look to the head; ValueError where it has learnt nothing that could tell."""
        return quality_scores(state, policy, rollouts, length=self.length(), min_auc=self.min_auc)

    def errors(self, max_tokens: int, rollouts: int) -> list[str]:
        """What does not fit the run: each names field, value and remedy."""
        found = []
        detect = self.fitted(max_tokens).length()
        if detect >= max_tokens:
            found.append(
                f"pruning.detect = {detect}: answers end at rollouts.max_tokens = {max_tokens}, so nobody would be "
                "judged; set about a third of the mean length, or leave it out for an eighth of max_tokens"
            )
        if rollouts < self.min_group:
            found.append(
                f"rollouts.rollouts = {rollouts}: groups below pruning.min_group = {self.min_group} are never pruned; "
                "set more rollouts, or leave [pruning] out"
            )
        return found

    def reduction(self, inner: Reduction) -> Reduction:
        """The reduction of a run with this pruner: the method's own, or with `importance` weighed by keep / p."""
        return Survivors(inner=inner, keep=self.keep) if self.importance else inner

    def metrics(self, state: State) -> dict[str, float]:
        """What the last step showed: numbers for its line."""
        return {f"pruning.{name}": value for name, value in state["metrics"].items() if value is not None}

    def events(self, state: State) -> list[str]:
        """What changed in the last step: who judges, when pruning begins, and why it does not."""
        return [f"pruning: {text}" for text in state["news"]]

    # ---------------------------------------------------------------------------------- the decision

    def init(self) -> State:
        return {
            "seed": 0,
            "step": 0,
            "pending": {},  # this step's judged rollouts, by request and index, until they are scored
            "head": {},
            "memory": {},
            "right": [0] * self.bins,  # held-out labels by bin of the score
            "wrong": [0] * self.bins,
            "shift": 0.0,
            "auc": None,
            "metrics": {},
            "device": "",  # of the newest hidden states
            "worker": "",  # who judges and moves rows, as last told
            "status": "",  # whether rollouts are pruned, as last told
            "news": [],
        }

    def __call__(self, state: State, partial: Partial, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        hidden = partial.hidden.detach().float()
        numbers = np.array([request.number for request in partial.requests], dtype=np.int64)
        index = np.array(partial.index, dtype=np.int64)
        nothing = np.zeros(1, dtype=np.int64)
        start = float(self.uniform(sampling, nothing + partial.group, nothing, START)[0])
        chance = Chance(self.uniform(sampling, numbers, index, BRANCH), start)
        if self.status(state["auc"], sampling.step) == ON and len(index) >= self.min_group:
            keep, columns = self.decide(state, hidden, chance)
        else:
            keep, columns = np.ones(len(index), dtype=bool), self.judge(state, hidden.cpu())
        columns = {"survival": np.ones(len(index)), **columns, "u": chance.uniform}
        records = [{name: float(values[row]) for name, values in columns.items()} for row in range(len(index))]
        state["seed"], state["step"], state["device"] = sampling.seed, sampling.step, str(hidden.device)
        stored = hidden.cpu()
        for row, record in enumerate(records):
            seen = {**record, "hidden": stored[row].clone(), "kept": bool(keep[row])}
            state["pending"][f"{numbers[row]}/{index[row]}"] = seen
        return keep.tolist(), records

    def decide(self, state: State, hidden: Float[Tensor, "n width"], chance: Chance) -> tuple[Flags, dict[str, Array]]:
        """Who of a group goes on, and the columns of the record: in one launch where the kernel works."""
        kernel = find_kernel(hidden.device).kernel
        if kernel is not None and state["head"]:
            rows = rows_of(self.table(state), chance, hidden.device)
            head = head_on(state["head"], hidden.device)
            found = judge_group(kernel, self.policy(state["shift"]), head, hidden, rows)
            return found.keep, found.columns()
        judged = self.judge(state, hidden.cpu())
        survival = self.survival(judged.get("posterior", np.full(len(hidden), self.target)), state["shift"])
        return DRAWS[self.draw](survival, chance.uniform, chance.start), {**judged, "survival": survival}

    def uniform(self, sampling: Sampling, number: Whole, index: Whole, branch: int) -> Array:
        """Numbers in [0, 1) keyed by seed, step, request and rollout."""
        key = random_numbers.keys(sampling.seed, sampling.step, number, index, branch)
        return random_numbers.uniforms(key, np.array([self.length()]))

    def judge(self, state: State, hidden: Float[Tensor, "n width"]) -> dict[str, Array]:
        """Score and posterior of unfinished rollouts; nothing before the head's first lesson."""
        if not state["head"]:
            return {}
        score = quality.scores(state["head"], hidden)
        found = self.table(state)[bin_of(score, self.bins)]
        return {"score": score.double().numpy(), "posterior": found.numpy()}

    def table(self, state: State) -> PerBin:
        """The posterior of every bin of the score."""
        return posterior(torch.tensor(state["right"]), torch.tensor(state["wrong"]), self.alpha)

    def status(self, auc: float | None, step: int) -> str:
        """Whether rollouts are pruned in a step (`ON`), or why not. The rule `random` needs no head."""
        if step <= self.warm_up:
            return f"nobody is pruned in the first {self.warm_up} steps, the warm-up"
        if self.rule != "random" and (auc is None or auc < self.min_auc):
            return f"nobody is pruned while the head's AUC is below min_auc = {self.min_auc:g}"
        return ON

    def survival(self, posteriors: Array, shift: float) -> Array:
        """Survival probabilities of a group; for a fixed number of survivors their sum is whole."""
        keep, size = self.keep, len(posteriors)
        if self.draw == "fixed":
            keep = min(max(float(np.floor(keep * size + 0.5)) / size, self.p_min), self.p_max)
        return RULES[self.rule](posteriors, self.bounds(keep, shift)).probability

    def bounds(self, keep: float, shift: float = 0.0) -> Bounds:
        """What the rules are given."""
        return Bounds(keep, self.target, self.p_min, self.p_max, self.slope, self.slope_max, shift)

    def policy(self, shift: float) -> Policy:
        """The same for a compactor."""
        numbers = (self.keep, self.target, self.p_min, self.p_max, self.slope, self.slope_max, shift)
        return Policy(self.rule, self.draw, *numbers, smallest=self.min_group)

    def grouped(self) -> list[str]:
        """What makes its word on a rollout hang on its group: field, value and remedy."""
        fits = {"rule": ("paper", "random"), "draw": ("bernoulli",)}
        return [
            f"pruning.{name} = {getattr(self, name)!r} looks at whole groups: set {' or '.join(map(repr, able))}"
            for name, able in fits.items()
            if getattr(self, name) not in able
        ]

    def stop_rule(self, state: State, sampling: Sampling) -> StopRule:
        """Its word on single rollouts, where nothing is `grouped`; it cannot say that small groups are left alone."""
        on = self.status(state["auc"], sampling.step) == ON
        odds = self.survival(self.table(state).numpy(), state["shift"]) if on else np.ones(self.bins)

        def marks(numbers: Whole, index: Whole) -> Whole:
            return whole(self.uniform(sampling, numbers, index, BRANCH))

        return StopRule(self.length(), state["head"], whole(odds).tolist(), marks)

    # ---------------------------------------------------------------------------------- what it learns

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        note_survival(state["pending"], groups)
        fresh = labelled(state, groups, self.held_out)
        learnt = {} if fresh is None else self.lesson(state, fresh)
        state = {**state, **learnt}
        state["metrics"] = {**mean_metrics(state["pending"], groups), **self.skill(state)}
        return {**state, **self.news(state), "pending": {}}

    def news(self, state: State) -> State:
        """Who judges and whether anybody is pruned, and which of the two is news."""
        now = {"worker": state["worker"], "status": self.status(state["auc"], state["step"] + 1)}
        if state["pending"]:
            now["worker"] = find_kernel(torch.device(state["device"])).describe()
        else:
            now["status"] = f"nobody was judged: no rollout reached detect = {self.length()} tokens"
        known = "unknown" if state["auc"] is None else f"{state['auc']:.2f}"
        texts = {"worker": now["worker"], "status": f"{now['status']}; the head's AUC is {known}"}
        return {**now, "news": [texts[name] for name in now if now[name] != state[name]]}

    def lesson(self, state: State, fresh: ReplayBuffer) -> State:
        """The head after a refit on all it remembers, and what the held-out groups say of it."""
        old = ReplayBuffer.read(state["memory"])
        memory = joined([fresh] if old is None else [old, fresh], self.buffer)
        tested, taught = memory.part(held_out=True), memory.part(held_out=False)
        head = state["head"] or quality.make_head(memory.labelled().hidden, self.units, state["seed"])
        plan = quality.Lesson(self.epochs, self.learning_rate, state["seed"], state["step"])
        head = quality.refit(head, taught.labelled(), tested.labelled(), plan)
        score = quality.scores(head, tested.labelled().hidden)
        right, wrong = count(score, tested.correct, self.bins)
        found = posterior(right, wrong, self.alpha)[bin_of(score, self.bins)].numpy()
        weight = 1 / tested.survival.double().numpy()  # survivors stand for those pruned beside them
        return {
            "head": head,
            "memory": memory.write(),
            "right": right.tolist(),
            "wrong": wrong.tolist(),
            "shift": solve_shift(found, self.slope, self.bounds(self.keep), weight) if len(tested) else 0.0,
            "auc": quality.area(score[-NEWEST:], tested.correct[-NEWEST:]),
        }

    def skill(self, state: State) -> dict[str, float | None]:
        """How well the head tells right from wrong: over all held-out rollouts, and within their groups."""
        memory = ReplayBuffer.read(state["memory"])
        if memory is None:
            return {}
        tested = memory.part(held_out=True).rows(slice(-NEWEST, None))
        score = quality.scores(state["head"], tested.labelled().hidden)
        within = quality.area_within(score, tested.correct, tested.group)
        return {"auc": state["auc"], "auc_within": within, "labels": float(len(memory))}
