"""ARRoL: stops rollouts of little use during generation. Xu et al., arXiv:2603.24840.

When the rollouts of a group have reached the detection length, a small head scores each from its hidden state, a table
of labelled scores turns the score into a posterior, a rule turns the posteriors into survival probabilities with which
about half of the survivors will be correct, and a draw decides. Only survivors are rewarded and trained on; they also
train the head. The paper's code is not public; choices that the paper leaves open are marked as ours.
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

BRANCH, START = 102, 103  # branches of the random numbers: survival, and where a group's marks begin
NEWEST = 512  # newest held-out labels, over which the AUC is computed
PAPERS, SHARE = 512, 8  # detect = None: the paper's length, at most 1/8 of max_tokens
ON = "on"


@dataclass(frozen=True)
class Arrol(Pruner):
    """Prunes towards groups that are half correct. ARRoL, arXiv:2603.24840, section 3.

    p = clip(keep + shift + slope (target - posterior), p_min, p_max); `rule` sets slope and shift
    (`workbench.pruning.survival`), `draw` turns p into a decision (`workbench.pruning.draw`).
    """

    detect: Annotated[
        int | None, Field(ge=1, description="detection length, in tokens; none: max_tokens / 8, at most 512")
    ] = None  # paper: 512, for completions of about 1,400 tokens
    keep: Annotated[float, Field(gt=0, le=1, description="share of the scored rollouts that continue")] = 0.5
    target: Annotated[float, Field(ge=0, le=1, description="target accuracy of the survivors")] = 0.5
    rule: Annotated[Literal["group", "sign", "paper", "random"], Field(description="rule that sets the slope")] = (
        "group"  # ours: the printed rule harms training where most rollouts are incorrect
    )
    draw: Annotated[Literal["fixed", "bernoulli"], Field(description="a fixed number survives, or a random one")] = (
        "fixed"  # ours: small groups would often keep fewer than two
    )
    slope: Annotated[float, Field(ge=0, le=STEEPEST, description="slope of the rules paper and sign")] = 0.5
    slope_max: Annotated[float, Field(gt=0, le=STEEPEST, description="steepest slope of the rule group")] = 2.0  # ours
    p_min: Annotated[float, Field(gt=0, le=1, description="minimum survival probability")] = 0.1
    p_max: Annotated[float, Field(gt=0, le=1, description="maximum survival probability")] = 0.9
    warm_up: Annotated[int, Field(ge=0, description="steps without pruning")] = 20
    min_group: Annotated[int, Field(ge=2, description="smaller groups at the detection length are not pruned")] = 4
    min_auc: Annotated[float, Field(ge=0, le=1, description="no pruning while the head's AUC is below this")] = 0.6
    bins: Annotated[int, Field(ge=2, description="bins of the score")] = 32  # paper: 128; the held-out part is small
    alpha: Annotated[float, Field(gt=0, description="Laplace's smoothing of the bins")] = 1.0
    buffer: Annotated[int, Field(ge=16, description="replay buffer, in labelled rollouts")] = 4096  # ours, as below
    held_out: Annotated[float, Field(gt=0, lt=1, description="share of groups held out to test the head")] = 0.25
    units: Annotated[int, Field(ge=1, le=MOST_UNITS, description="hidden units of the head")] = 64
    learning_rate: Annotated[float, Field(gt=0, description="AdamW's learning rate for the head")] = 1e-3
    epochs: Annotated[int, Field(ge=1, description="passes over the buffer in each refit")] = 2
    importance: Annotated[bool, Field(description="weight survivors by keep / p")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.p_min <= self.keep <= self.p_max:
            raise ValueError(
                f"arrol.keep = {self.keep:g}: survival probabilities between p_min = {self.p_min:g} and p_max = "
                f"{self.p_max:g} cannot have that mean; move the bound beyond it"
            )

    # ------------------------------------------------------------------------------------ the interface

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        return (self.length(),)

    def length(self) -> int:
        """The detection length in tokens; ValueError if it is not set yet."""
        if self.detect is None:
            raise ValueError("arrol.detect is not set: call fitted(max_tokens), or set it in tokens")
        return self.detect

    def fitted(self, max_tokens: int) -> "Arrol":
        """Itself for completions of at most `max_tokens`: `detect`, if not set, becomes max_tokens / 8, at most 512."""
        if self.detect is not None:
            return self
        return dataclasses.replace(self, detect=max(1, min(PAPERS, max_tokens // SHARE)))

    def appraise(self, state: State, policy: ModelPolicy, rollouts: Sequence[Rollout]) -> list[float]:
        """The head's scores of finished rollouts, in [0, 1]; ValueError if its AUC is below min_auc."""
        return quality_scores(state, policy, rollouts, length=self.length(), min_auc=self.min_auc)

    def errors(self, max_tokens: int, rollouts: int) -> list[str]:
        """Errors for a run of such completions and groups: each names field, value and remedy."""
        found = []
        detect = self.fitted(max_tokens).length()
        if detect >= max_tokens:
            found.append(
                f"pruning.detect = {detect}: completions end at rollouts.max_tokens = {max_tokens}, so no rollout "
                "would be scored; set about a third of the mean length, or leave it out for an eighth of max_tokens"
            )
        if rollouts < self.min_group:
            found.append(
                f"rollouts.rollouts = {rollouts}: groups below pruning.min_group = {self.min_group} are never pruned; "
                "set more rollouts, or remove [pruning]"
            )
        return found

    def reduction(self, inner: Reduction) -> Reduction:
        """The reduction of a run with this pruner: the method's, or with `importance` weighted by keep / p."""
        return Survivors(inner=inner, keep=self.keep) if self.importance else inner

    def metrics(self, state: State) -> dict[str, float]:
        """Metrics of the last step, by name."""
        return {f"pruning.{name}": value for name, value in state["metrics"].items() if value is not None}

    def events(self, state: State) -> list[str]:
        """Events of the last step: what scores the rows, when pruning begins, and why it does not."""
        return [f"pruning: {text}" for text in state["news"]]

    # ---------------------------------------------------------------------------------- the decision

    def init(self) -> State:
        return {
            "seed": 0,
            "step": 0,
            "pending": {},  # this step's scored rollouts, by request and index, until they are graded
            "head": {},
            "memory": {},
            "right": [0] * self.bins,  # held-out labels by bin of the score
            "wrong": [0] * self.bins,
            "shift": 0.0,
            "auc": None,
            "metrics": {},
            "device": "",  # of the newest hidden states
            "worker": "",  # what scores and moves rows, as last reported
            "status": "",  # whether rollouts are pruned, as last reported
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
        """(which rollouts of a group continue, recorded columns): in one launch where the kernel works."""
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
        """Score and posterior [rollout] of unfinished rollouts; empty before the head's first fit."""
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
            return f"no rollout is pruned in the first {self.warm_up} steps, the warm-up"
        if self.rule != "random" and (auc is None or auc < self.min_auc):
            return f"no rollout is pruned while the head's AUC is below min_auc = {self.min_auc:g}"
        return ON

    def survival(self, posteriors: Array, shift: float) -> Array:
        """Survival probabilities [rollout] of a group; for a fixed number of survivors their sum is an integer."""
        keep, size = self.keep, len(posteriors)
        if self.draw == "fixed":
            keep = min(max(float(np.floor(keep * size + 0.5)) / size, self.p_min), self.p_max)
        return RULES[self.rule](posteriors, self.bounds(keep, shift)).probability

    def bounds(self, keep: float, shift: float = 0.0) -> Bounds:
        """The bounds for the rules."""
        return Bounds(keep, self.target, self.p_min, self.p_max, self.slope, self.slope_max, shift)

    def policy(self, shift: float) -> Policy:
        """The same settings for a compactor."""
        numbers = (self.keep, self.target, self.p_min, self.p_max, self.slope, self.slope_max, shift)
        return Policy(self.rule, self.draw, *numbers, smallest=self.min_group)

    def grouped(self) -> list[str]:
        """The settings that make a decision depend on the group: field, value and remedy."""
        fits = {"rule": ("paper", "random"), "draw": ("bernoulli",)}
        return [
            f"pruning.{name} = {getattr(self, name)!r} depends on whole groups: set {' or '.join(map(repr, able))}"
            for name, able in fits.items()
            if getattr(self, name) not in able
        ]

    def stop_rule(self, state: State, sampling: Sampling) -> StopRule:
        """The stop rule for single rollouts, where no setting is `grouped`; it cannot exempt small groups."""
        on = self.status(state["auc"], sampling.step) == ON
        odds = self.survival(self.table(state).numpy(), state["shift"]) if on else np.ones(self.bins)

        def marks(numbers: Whole, index: Whole) -> Whole:
            return whole(self.uniform(sampling, numbers, index, BRANCH))

        return StopRule(self.length(), state["head"], whole(odds).tolist(), marks)

    # ------------------------------------------------------------------------------ training of the head

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        note_survival(state["pending"], groups)
        fresh = labelled(state, groups, self.held_out)
        trained = {} if fresh is None else self.lesson(state, fresh)
        state = {**state, **trained}
        state["metrics"] = {**mean_metrics(state["pending"], groups), **self.skill(state)}
        return {**state, **self.news(state), "pending": {}}

    def news(self, state: State) -> State:
        """What scores the rows and whether rollouts are pruned, and which of the two has changed."""
        now = {"worker": state["worker"], "status": self.status(state["auc"], state["step"] + 1)}
        if state["pending"]:
            now["worker"] = find_kernel(torch.device(state["device"])).describe()
        else:
            now["status"] = f"no rollout was scored: none reached detect = {self.length()} tokens"
        known = "unknown" if state["auc"] is None else f"{state['auc']:.2f}"
        texts = {"worker": now["worker"], "status": f"{now['status']}; the head's AUC is {known}"}
        return {**now, "news": [texts[name] for name in now if now[name] != state[name]]}

    def lesson(self, state: State, fresh: ReplayBuffer) -> State:
        """The state after the head is refitted on the replay buffer and tested on the held-out groups."""
        old = ReplayBuffer.read(state["memory"])
        memory = joined([fresh] if old is None else [old, fresh], self.buffer)
        tested, taught = memory.part(held_out=True), memory.part(held_out=False)
        head = state["head"] or quality.make_head(memory.labelled().hidden, self.units, state["seed"])
        plan = quality.Lesson(self.epochs, self.learning_rate, state["seed"], state["step"])
        head = quality.refit(head, taught.labelled(), tested.labelled(), plan)
        score = quality.scores(head, tested.labelled().hidden)
        right, wrong = count(score, tested.correct, self.bins)
        found = posterior(right, wrong, self.alpha)[bin_of(score, self.bins)].numpy()
        weight = 1 / tested.survival.double().numpy()  # survivors also represent the rollouts pruned beside them
        return {
            "head": head,
            "memory": memory.write(),
            "right": right.tolist(),
            "wrong": wrong.tolist(),
            "shift": solve_shift(found, self.slope, self.bounds(self.keep), weight) if len(tested) else 0.0,
            "auc": quality.area(score[-NEWEST:], tested.correct[-NEWEST:]),
        }

    def skill(self, state: State) -> dict[str, float | None]:
        """The head's AUC over all held-out rollouts and within their groups, and the number of labels."""
        memory = ReplayBuffer.read(state["memory"])
        if memory is None:
            return {}
        tested = memory.part(held_out=True).rows(slice(-NEWEST, None))
        score = quality.scores(state["head"], tested.labelled().hidden)
        within = quality.area_within(score, tested.correct, tested.group)
        return {"auc": state["auc"], "auc_within": within, "labels": float(len(memory))}
