"""Recorded rollouts under several methods side by side, with hyper-parameters and rewards to change; it needs no model.

Playground("runs/demo", step=10, methods=["grpo", {"method": "gspo", "surrogate": {"low": 0.1}}], rewards={3: 1.0})
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets as t
from IPython.core.getipython import get_ipython

from widgets.lens.fields import BASELINE, method_of
from widgets.lens.weights import Replays
from widgets.playground.snapshot import snapshot
from widgets.recorded.data import RunData
from widgets.recorded.groups import first_choice
from widgets.wire import bundle
from widgets.wire.asked import PUSHED, Asked
from widgets.wire.payload import pack
from widgets.wire.saved import Saved
from workbench import registry
from workbench.runs.open import open_run

MOST = 4  # methods side by side
SECOND = "gspo"  # beside GRPO, where the run has no other


class Playground(Saved, Asked):
    """Rollouts of one problem, coloured by the gradient weights of two to four methods. `run`: as `Dashboard` takes it.

    `step`, `group`, `methods` and `rewards` may be set and observed; the reader changes them too. A method is a key or
    a config's table (a changed copy of one). `rewards` stand in for recorded ones, by the rollout's number in the step.
    """

    _esm = bundle.packed("playground/playground")
    _css = bundle.styles("tokens/token_view", "playground/playground")
    step = t.Int(None, allow_none=True).tag(sync=True)  # None: nothing is recorded yet
    group = t.Int(None, allow_none=True).tag(sync=True)
    methods = t.List(t.Union([t.Dict(), t.Unicode()]), minlen=1, maxlen=MOST).tag(sync=True)
    rewards = t.Dict(key_trait=t.CInt(), value_trait=t.CFloat()).tag(sync=True)

    shell: Any = None  # the notebook's, as long as its cells are listened to

    def __init__(
        self,
        run: Any,
        step: int | None = None,
        methods: Sequence[str | Mapping[str, Any]] | None = None,
        rewards: Mapping[int, float] | None = None,
        group: int | None = None,
    ) -> None:
        """ValueError for a step, group or rollout that was not recorded, or a method that there is not."""
        self.run = open_run(run) if isinstance(run, str | Path) else run
        self.data, self.replays = RunData(self.run), Replays(self.run)
        chosen = list(methods) if methods is not None else usual(self.data)
        for each in chosen:
            method_of(entry(each))
        place = newest(self.data, step, group)
        if place and rewards:
            self.replays.of(*place).with_rewards(rewards)
        super().__init__(
            step=place[0] if place else None,
            group=place[1] if place else None,
            methods=[entry(each) for each in chosen],
            rewards=dict(rewards or {}),
        )
        self.observe(self.renew, ["step", "group", "methods", "rewards"])
        self.known = dict(registry.methods())
        self.shell = get_ipython()
        if self.shell is not None:
            self.shell.events.register("post_run_cell", self.check_registry)

    @t.validate("methods")
    def check_methods(self, proposal: Any) -> list[dict[str, Any]]:
        """Keys as tables; what is wrong inside a table is said beside the method."""
        return [entry(each) for each in proposal["value"]]

    @t.validate("rewards")
    def check_rewards(self, proposal: Any) -> dict[int, float]:
        """Only numbers."""
        for rollout, value in proposal["value"].items():
            if not math.isfinite(value):
                raise ValueError(f"rewards[{rollout}] = {value}: give a number, or leave the rollout out")
        return dict(proposal["value"])

    def check_registry(self, *_: Any) -> None:
        """After a cell: notifies the views if the registered methods have changed."""
        if self.known != registry.METHODS:
            self.known = dict(registry.METHODS)
            self.send_answer(PUSHED, pack({"kind": "registry"}, {}))

    def close(self) -> None:
        """Takes the views away."""
        if self.shell is not None:
            self.shell.events.unregister("post_run_cell", self.check_registry)
            self.shell = None
        super().close()

    def snapshot(self) -> str:
        """A table of gradient weights."""
        return snapshot(self)


def entry(method: str | Mapping[str, Any]) -> dict[str, Any]:
    """A method as the views have it: a config's table."""
    return {"method": method} if isinstance(method, str) else dict(method)


def newest(data: RunData, step: int | None, group: int | None) -> tuple[int, int] | None:
    """The step and group to show: those asked for, else the newest step and its first group with reward variance.

    None where nothing is recorded yet; ValueError for what is not there.
    """
    steps = data.steps()
    if step is None and not steps:
        return None
    step = steps[-1] if step is None else step
    groups = data.board(step)["groups"]
    if group is None:
        return step, first_choice(groups)["group"]
    if group not in [each["group"] for each in groups]:
        raise ValueError(f"step {step} has no group {group}; there are: {', '.join(str(g['group']) for g in groups)}")
    return step, group


def usual(data: RunData) -> list[dict[str, Any]]:
    """GRPO, and beside it the method of the run; GSPO where that is GRPO itself or is not known here."""
    own = (data.config().get("method") or {}).get("key")
    second = own if own in registry.methods() and own != BASELINE else SECOND
    return [entry(BASELINE), entry(second)]
