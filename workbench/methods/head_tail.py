"""Head-tail re-balancing: correct completions are imitated, and easy problems are kept from filling the set.

Left out: images, and what the abstract does not say: how guided resampling finds the steps of a completion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.w_reinforce import PSR
from workbench.types import Group, Request, Rollout, State

COPY, GUIDED, MORE, SURPLUS = "copy", "guided", "more", "surplus"  # tags


@dataclass(frozen=True)
class Rebalance(Controller):
    """Evens out how many correct completions each problem has. arXiv:2510.26474; c of K rollouts are correct.

    clip: at most `limit` are trained; repeat: they are copied until there are K; resample: K - c further rollouts;
    guide: K - c further ones that begin as a correct one did, at one of `parts` cuts, for problems that are solved at
    times but at most at `hard`. A problem that is never solved gets nothing but the further rollouts of resample.
    """

    how: Annotated[
        Literal["clip", "repeat", "resample", "guide"], Field(description="threshold, padding, or which resampling")
    ] = "repeat"
    limit: Annotated[int, Field(ge=1, description="clip: most correct completions of a problem (L)")] = 4  # guess
    hard: Annotated[float, Field(gt=0, le=1, description="guide: accuracy up to which a problem is hard")] = (
        0.5  # guess
    )
    parts: Annotated[int, Field(ge=2, description="guide: parts into which a completion is cut")] = 4  # guess

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * (rollouts if self.how == "clip" else 2 * rollouts)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        requests, copies = list[Request](), list[Rollout]()
        for group in round.groups:
            right = [each for each in group.rollouts if each.correct == 1]
            missing = len(group.rollouts) - len(right)
            if self.how == "clip":
                for rollout in right[self.limit :]:
                    rollout.request = replace(rollout.request, train=False, tag=SURPLUS)
            elif self.how == "repeat" and right:
                copies += [copy_of(right[turn % len(right)], round) for turn in range(missing)]
            elif self.how == "resample" and missing:
                requests.append(ask(group, round, n=missing, tag=MORE))
            elif self.how == "guide" and right and missing and group.accuracy <= self.hard:
                requests += self.guided(group, right, missing, round)
        return Orders(requests, copies, state=state)

    def guided(self, group: Group, right: Sequence[Rollout], missing: int, round: Round) -> list[Request]:
        """Requests that begin as correct completions did; an equal number at each cut, the first ones one more."""
        cuts = range(1, self.parts)
        found = []
        for turn, cut in enumerate(cuts):
            known = right[turn % len(right)].tokens
            count = len(range(turn, missing, len(cuts)))
            if count:
                prefix = tuple(known[: len(known) * cut // self.parts])
                found.append(ask(group, round, n=count, tag=GUIDED, prefix=prefix))
        return found


def ask(group: Group, round: Round, n: int, tag: str, prefix: tuple[int, ...] = ()) -> Request:
    """A request for further rollouts of a group."""
    first = group.rollouts[0].request
    return round.request(
        problem=group.problem,
        prompt=first.prompt,
        training_prompt=first.training_prompt,
        group=group.number,
        n=n,
        tag=tag,
        prefix=prefix,
    )


def copy_of(rollout: Rollout, round: Round) -> Rollout:
    """The same completion once more."""
    asked = rollout.request
    request = round.request(
        problem=asked.problem,
        prompt=asked.prompt,
        training_prompt=asked.training_prompt,
        group=asked.group,
        tag=COPY,
        parent=rollout.key,
    )
    written, drawn = list(rollout.engine_logprob), list(rollout.sampled_logprob)
    return Rollout(request, rollout.index, list(rollout.tokens), rollout.text, written, drawn, "given")


METHODS = {
    "head_tail": derive(
        PSR,
        title="Head-tail re-balancing",
        paper="arXiv:2510.26474",
        equation=r"-\sum_q\sum_{i\le\tilde c_q}\log\pi_\theta(y_{q,i}|q),\quad\tilde c_q\in\{\min(c_q,L),\ "
        r"K\,[c_q>0],\ c_q+c'_q\}",
        changes="correct completions alone are imitated, and problems that are seldom solved get as many of them as"
        " easy ones, by copies, a limit, or further rollouts",
        regularisers=(),
        controller=Rebalance(),
    )
}
