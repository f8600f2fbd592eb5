"""The report's first answer: the same tracked problems before and after training, completion by completion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from widgets.board.data import histories
from widgets.recorded.data import RunData, group_parts, read
from widgets.recorded.question import question_of
from widgets.wire.payload import number, pack
from workbench.visible import escaped

MOST_PROBLEMS = 4
MOST_ROLLOUTS = 3  # of a problem that are shown side by side
LONGEST = 400  # characters of a completion
NAMES = ("rollout", "group", "problem", "prompt", "text", "answer", "correct")


@dataclass(frozen=True)
class Side:
    """A problem's rollouts at one evaluation."""

    step: int
    group: int
    rows: list[dict[str, Any]]

    @property
    def outcome(self) -> str:
        """How many are correct."""
        known = [row["correct"] for row in self.rows if number(row["correct"]) is not None]
        return f"{sum(grade > 0.5 for grade in known)} of {len(self.rows)} correct" if known else "unscored"


def sides(data: RunData) -> list[tuple[Side, Side]]:
    """Every tracked problem at the first and at the last evaluation; empty where there are not two of them."""
    steps = data.run.steps("probes")
    if len(steps) < 2:
        return []
    first, last = (problems(data, step) for step in (steps[0], steps[-1]))
    return [(side, last[problem]) for problem, side in first.items() if problem in last][:MOST_PROBLEMS]


def problems(data: RunData, step: int) -> dict[str, Side]:
    """The tracked problems of an evaluation, by key."""
    found: dict[str, Side] = {}
    for row in read(Path(data.run.file("probes", step)), NAMES).to_pylist():
        found.setdefault(row["problem"], Side(step, row["group"], [])).rows.append(row)
    return found


def payloads(data: RunData, pairs: list[tuple[Side, Side]]) -> dict[str, bytes]:
    """The tokens of every side, by the name of its place in the page."""
    found = {}
    for side in (side for pair in pairs for side in pair):
        header, columns = group_parts(read(Path(data.run.file("probes", side.step)), None, side.group), data.vocabulary)
        place = {"kind": "probe", "step": side.step, "group": side.group}
        found[f"probe-{side.step}-{side.group}"] = pack({**place, **header}, columns)
    return found


def known_histories(data: RunData, pairs: list[tuple[Side, Side]]) -> dict[str, Any]:
    """What the page knows of other steps: the tracked problems at the two evaluations it holds."""
    steps = {side.step for pair in pairs for side in pair}
    probes = histories(data, "")["probes"]
    for each in probes:
        each["cells"] = [cell for cell in each["cells"] if cell["step"] in steps]
        each["count"] = len(each["cells"])
    kept = {pair[0].rows[0]["problem"] for pair in pairs}
    return {"probes": [each for each in probes if each["problem"] in kept]}


# ---------------------------------------------------------------------------------------------- as HTML


def before_after(data: RunData, pairs: list[tuple[Side, Side]]) -> str:
    """The section; empty where no problem was tracked."""
    if not pairs:
        return ""
    first, last = pairs[0][0].step, pairs[0][1].step
    when = "before training" if first == 0 else f"after step {first}"
    head = f"<tr><th>{when}</th><th>after step {last}</th></tr>"
    body = "".join(problem(data, *pair) for pair in pairs)
    return (
        "<h2>The same problems before and after</h2>"
        '<p class="wb-lead">Held out, never trained on; sampled with the same random numbers.</p>'
        f'<table class="wb-before">{head}{body}</table>'
    )


def problem(data: RunData, before: Side, after: Side) -> str:
    """A problem: its question, then rollouts side by side."""
    first = before.rows[0]
    question = escaped(question_of(first["prompt"], data.special))
    answer = f" Reference answer <b>{escaped(first['answer'])}</b>." if first.get("answer") else ""
    links = "".join(f"<td>{escaped(side.outcome)} {link(side)}</td>" for side in (before, after))
    pairs = zip(before.rows[:MOST_ROLLOUTS], after.rows[:MOST_ROLLOUTS], strict=False)
    rows = "".join(f"<tr>{completion(one)}{completion(other)}</tr>" for one, other in pairs)
    return f'<tr><th colspan="2" class="wb-asked">{question}{answer}</th></tr><tr class="wb-links">{links}</tr>{rows}'


def link(side: Side) -> str:
    """The button that opens the tokens of a side."""
    place = f'data-step="{side.step}" data-group="{side.group}"'
    return f'<button type="button" class="wb-open-probe" {place}>token by token</button>'


def completion(row: dict[str, Any]) -> str:
    """One completion with its mark."""
    grade = number(row["correct"])
    mark, name = ("?", "unscored") if grade is None else ("✓", "correct") if grade > 0.5 else ("✗", "incorrect")
    text = row["text"] or ""
    shown = escaped(text[:LONGEST] + ("…" if len(text) > LONGEST else ""))
    return (
        f'<td><div class="wb-pair"><span class="wb-grade wb-{name}" role="img" aria-label="{name}">{mark}</span>'
        f'<span class="wb-said">{shown or "(nothing)"}</span></div></td>'
    )
