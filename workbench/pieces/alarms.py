"""Alarms: pieces that watch the metrics of every step, and note, pause or stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Alarm, Alert, Watched
from workbench.types import State

Act = Annotated[Literal["note", "pause", "stop"], Field(description="what it does: note, pause the run, or stop it")]


@dataclass(frozen=True)
class EntropyFloor(Alarm):
    """The mean entropy of the trained tokens fell below a floor: little is left to explore. arXiv:2506.17219.

    Also as a share of the highest so far, since entropies differ from model to model.
    """

    floor: Annotated[float, Field(ge=0, description="nats per token; 0: none")] = 0.0
    share: Annotated[float, Field(ge=0, le=1, description="of the highest entropy so far; 0: none")] = 0.1
    action: Act = "note"

    def init(self) -> State:
        return {"highest": 0.0, "below": False}

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        entropy = seen.metrics.get("entropy")
        if entropy is None:
            return None, state
        highest = max(state["highest"], entropy)
        limit = max(self.floor, self.share * highest)
        below = entropy < limit
        text = f"entropy {entropy:.3g} nats a token is below {limit:.3g}; the highest so far was {highest:.3g}"
        alert = Alert(self.action, text) if below and not state["below"] else None
        return alert, {"highest": highest, "below": below}


@dataclass(frozen=True)
class ZeroVariance(Alarm):
    """Almost all groups have equal rewards, step after step: nothing is trained, or the policy says one thing.

    A policy that is rewarded for agreeing with itself ends there: every reward 1, every advantage 0. arXiv:2505.21444.
    """

    share: Annotated[float, Field(gt=0, le=1, description="of zero-variance groups")] = 0.9
    steps: Annotated[int, Field(ge=1, description="steps in a row")] = 3
    action: Act = "note"

    def init(self) -> State:
        return {"row": 0}

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        share = seen.metrics.get("zero_variance_groups")
        row = state["row"] + 1 if share is not None and share >= self.share else 0
        text = f"{share or 0:.0%} of the groups have zero variance, {self.share:.0%} or more for {row} steps"
        return Alert(self.action, text) if row == self.steps else None, {"row": row}


@dataclass(frozen=True)
class RewardUpAccuracyDown(Alarm):
    """The reward rose from evaluation to evaluation while held-out accuracy fell: the reward is being farmed.

    Compared are the last `evaluations` with accuracy, and the mean reward of the steps up to each.
    """

    rise: Annotated[float, Field(ge=0, description="of the mean reward, from which it counts")] = 0.02
    fall: Annotated[float, Field(ge=0, le=1, description="of held-out accuracy, from which it counts")] = 0.02
    evaluations: Annotated[int, Field(ge=2, description="how many are compared")] = 2
    action: Act = "note"

    def init(self) -> State:
        return {"rewards": [], "seen": []}

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        rewards = [*state["rewards"], *([seen.metrics["reward"]] if "reward" in seen.metrics else [])]
        accuracy = seen.metrics.get("accuracy")
        if accuracy is None or not rewards:
            return None, {**state, "rewards": rewards}
        known = [*state["seen"], [sum(rewards) / len(rewards), accuracy]][-self.evaluations :]
        (reward, before), (now, after) = known[0], known[-1]
        full = len(known) == self.evaluations
        alert = None
        if full and now - reward > self.rise and before - after > self.fall:
            text = f"reward rose from {reward:.3g} to {now:.3g} while held-out accuracy fell from {before:.1%} to "
            alert = Alert(self.action, f"{text}{after:.1%}: look at what is rewarded")
        return alert, {"rewards": [], "seen": known}


@dataclass(frozen=True)
class TokenBudget(Alarm):
    """Stops a run after the step in which it used up its tokens: sampled and given completions, without prompts.

    So runs of different methods can be compared at equal cost in tokens, whatever a step of each costs.
    """

    tokens: Annotated[int, Field(ge=1, description="tokens of completions, sampled or given")] = 1_000_000

    def init(self) -> State:
        return {"spent": 0}

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        now = seen.metrics.get("tokens", 0.0) + seen.metrics.get("given_tokens", 0.0)
        spent = state["spent"] + int(now)
        text = f"{spent:,} tokens of completions, of {self.tokens:,} that the run may use"
        return Alert("stop", text) if spent >= self.tokens else None, {"spent": spent}


@dataclass(frozen=True)
class OneSkeleton(Alarm):
    """Most valid proposals of self-play are one program, numbers aside: the proposer has collapsed. arXiv:2510.27072.

    A proposer that is paid for what the solver gets wrong ends there, as soon as it finds a blind spot.
    """

    share: Annotated[float, Field(gt=0, le=1, description="of the commonest skeleton")] = 0.5
    steps: Annotated[int, Field(ge=1, description="steps in a row")] = 3
    action: Act = "note"

    def init(self) -> State:
        return {"row": 0}

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        share = seen.metrics.get("commonest_skeleton.propose")
        row = state["row"] + 1 if share is not None and share > self.share else 0
        text = f"{share or 0:.0%} of the valid proposals are one program, numbers aside, more than {self.share:.0%}"
        return Alert(self.action, f"{text} for {row} steps") if row == self.steps else None, {"row": row}


# ------------------------------------------------------------------------------------- the limits of every run


@dataclass(frozen=True)
class Unscored(Alarm):
    """Too much of a step has no reward: the step is not trained on, and the run fails. `training.unscored`."""

    before_update = True
    limit: Annotated[float, Field(ge=0, le=1, description="share of a step's rollouts that may be unscored")] = 0.05

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        share = 1 - seen.metrics.get("scored_share", 1.0)
        if share <= self.limit + 1e-9:
            return None, state
        first = next(iter(seen.events), "no reward gave a reason")
        text = f"{share:.0%} of the step's rollouts are unscored, more than training.unscored = {self.limit:g} allows; "
        return Alert("fail", f"{text}first reason: {first}"), state


@dataclass(frozen=True)
class FallingScores(Alarm):
    """The share of scored rollouts fell below its mean over the last steps: a policy may be looking for a refuge."""

    before_update = True
    fall: Annotated[float, Field(gt=0, le=1, description="of the share, below its mean")] = 0.02
    recent: Annotated[int, Field(ge=1, description="steps of that mean")] = 20
    earliest: Annotated[int, Field(ge=1, description="steps before the first comparison")] = 5
    action: Act = "note"

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        recent: Sequence[float] = state.get("recent", ())
        share = seen.metrics.get("scored_share", 1.0)
        usual = sum(recent) / len(recent) if len(recent) >= self.earliest else share
        text = f"the share of scored rollouts fell to {share:.1%}, from {usual:.1%} on average over the last "
        alert = Alert(self.action, f"{text}{len(recent)} steps") if share < usual - self.fall else None
        return alert, {"recent": [*recent, share][-self.recent :]}


@dataclass(frozen=True)
class Mismatch(Alarm):
    """The engine samples from another policy than the one that is trained: the run fails. `training.mismatch_limit`."""

    limit: Annotated[float, Field(ge=0, description="nats a token on average; 0: none")] = 0.5

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        mismatch = seen.metrics.get("mismatch_mean", 0.0)
        if not self.limit or mismatch <= self.limit:
            return None, state
        return Alert("fail", mismatch_text(mismatch, seen.metrics, self.limit)), state


def mismatch_text(mismatch: float, metrics: Mapping[str, float], limit: float) -> str:
    """What is wrong where engine and trainer differ, and the remedies."""
    return (
        f"engine and trainer differ by {mismatch:.3g} nats a token on average (99th percentile "
        f"{metrics['mismatch_p99']:.3g}), more than training.mismatch_limit = {limit:g} allows: the engine has "
        "other weights or computes less precisely; compare engine_logprob with old_logprob of an earlier step, "
        'set method.correction = "truncated", or raise the limit'
    )


def limits(unscored: float, mismatch: float) -> tuple[Alarm, ...]:
    """The alarms that every run has, ahead of those of its config."""
    return Unscored(unscored), FallingScores(), Mismatch(mismatch)
