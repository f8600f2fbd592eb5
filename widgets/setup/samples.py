"""Beside the task and the rewards: three sample problems, and the rewards applied to a text."""

import math
from collections.abc import Mapping
from typing import Any

import ipywidgets

from widgets.form.desk import Desk
from widgets.setup.background import Background
from workbench.kinds import Task
from workbench.rewards.scoring import score_group
from workbench.sections import RewardPart
from workbench.types import Group, Problem, Request, Rollout
from workbench.visible import escaped

SAMPLES = 3
LONGEST = 700  # characters shown of a prompt
WITHOUT_END = 10**9  # tokens: no budget is near


def sample_problems(table: Any) -> list[Problem] | str:
    """The first problems of a task, or why there are none."""
    try:
        task = Task.parse(table)
        faults = task.check()
        size = task.size("train") if not faults else 0
        count = SAMPLES if size is None else min(SAMPLES, size)
        return "; ".join(faults) if faults else [task.problem(number, "train") for number in range(count)]
    except (ValueError, OSError) as error:
        return str(error)


class Samples:
    """Three sample problems of the task."""

    def __init__(self, desk: Desk) -> None:
        self.widget = desk.make(ipywidgets.HTML, "wf-samples")
        self.background = Background(sample_problems, self.show, self.show)

    def update(self, tables: Mapping[str, Any]) -> None:
        """Asks for the problems of this task."""
        self.background.ask(tables["task"])

    def show(self, found: list[Problem] | str) -> None:
        """Draws problems, or says why there are none."""
        if isinstance(found, str):
            self.widget.value = f'<p class="wf-help">No sample problems: {escaped(found)}</p>'
            return
        rows = "".join(
            f"<li><pre>{shown(each.prompt)}</pre>reference answer <b>{shown(each.answer)}</b></li>" for each in found
        )
        self.widget.value = f"<h4>Sample problems</h4><ol>{rows}</ol>"


def shown(text: str) -> str:
    """Text as HTML, cut where it is long."""
    return escaped(text.strip()[:LONGEST] + ("…" if len(text.strip()) > LONGEST else ""))


class Trial:
    """The rewards of the draft, tried on a text as an answer to the first sample problem."""

    def __init__(self, desk: Desk) -> None:
        self.text = desk.make(
            ipywidgets.Textarea, "wf-trial-text", description="completion", value="answer: 42", rows=3,
            tooltip="scored as a completion of the first sample problem",
        )  # fmt: skip
        self.result = desk.make(ipywidgets.HTML, "wf-trial-result")
        self.widget = desk.make(ipywidgets.VBox, "wf-trial", children=(self.text, self.result))
        self.tables: Mapping[str, Any] = {}
        self.background = Background(try_text, self.show, lambda text: self.show(unscored(text)))
        self.text.observe(lambda change: self.update(self.tables), "value")

    def update(self, tables: Mapping[str, Any]) -> None:
        """Asks the rewards of these tables."""
        self.tables = tables
        if tables:
            self.background.ask((tables["task"], tables["rewards"], self.text.value))

    def show(self, found: str) -> None:
        """Draws what the rewards said."""
        self.result.value = found


def try_text(question: tuple[Any, Any, str]) -> str:
    """What every reward says about a text, as HTML; the sum is before reward shaping."""
    task, rewards, text = question
    try:
        problem = Task.parse(task).problem(0, "train")
        parts = [RewardPart.parse(table) for table in rewards]
        rollout, faults = scored(problem, parts, text)
    except (ValueError, OSError) as error:  # the form says beside the field what is wrong
        return unscored(str(error))
    rows = "".join(part_row(part, rollout) for part in parts)
    said = "".join(f'<div class="wf-error" role="alert">{escaped(fault)}</div>' for fault in faults)
    return (
        f'<p class="wf-help">scored as a completion of: {shown(problem.prompt)} (reference {shown(problem.answer)})</p>'
        f"<table><tr><th>reward</th><th>value</th><th>weight</th><th>reason</th></tr>{rows}"
        f"<tr><th>sum</th><td><b>{value_text(rollout.reward)}</b></td><td></td><td>before reward shaping</td></tr>"
        f"</table>{said}"
    )


def unscored(why: str) -> str:
    """Why a text is unscored."""
    return f'<p class="wf-help">Unscored: {escaped(why)}</p>'


def scored(problem: Problem, parts: list[RewardPart], text: str) -> tuple[Rollout, list[str]]:
    """A rollout of this text as the rewards judge it; one that asks the model is left for the run."""
    tokens = [0] * max(1, len(text.split()))
    rollout = Rollout(Request(problem, (0,), group=0, number=0), 0, tokens, text, [], [], "stop")
    able = [(part.key, part.reward, part.weight) for part in parts if not part.reward.asks]
    faults = score_group(able, (), Group(0, problem, [rollout]), None, WITHOUT_END)
    return rollout, faults


def part_row(part: RewardPart, rollout: Rollout) -> str:
    """One reward's verdict as a row of the table."""
    score = rollout.parts.get(part.key)
    value = "" if score is None else value_text(score.value)
    reason = "needs the model: scored in a run only" if score is None else score.reason
    cells = (escaped(part.key), value, f"{part.weight:g}", shown(reason))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def value_text(value: float) -> str:
    """A reward for people."""
    return "unscored" if math.isnan(value) else f"{value:g}"
