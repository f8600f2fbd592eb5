"""`workbench reward`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.eval_ import read_exam
from workbench.commands.shared.options import AsJson, out, print_json


def reward(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="with --text a reward, else an exam; or a TOML file with its fields")
    ],
    text: Annotated[
        list[str] | None, typer.Option(help="a completion, repeatable: all are scored as one group, by the reward NAME")
    ] = None,
    reference: Annotated[str, typer.Option(help="the problem's reference answer")] = "",
    prompt: Annotated[str, typer.Option(help="the problem's text")] = "What is the answer?",
    data: Annotated[str, typer.Option(help="further columns of the problem, as a JSON object")] = "{}",
    model: Annotated[str, typer.Option(help="the policy, for a reward that asks one")] = "embedded",
    problems: Annotated[int, typer.Option(min=1, help="of the exam, each with all its solutions")] = 100,
    as_json: AsJson = False,
) -> None:
    """Try a reward before it trains anything: on texts of yours, or by an exam of one correct among ten solutions."""
    if not text:
        examine(name, problems, as_json)
        return
    from workbench.runs.process.score import score_texts
    from workbench.types import Problem

    part, cast = read(name)
    problem = Problem("by-hand", prompt, reference, columns(data))
    found = score_texts(part, problem, text, model, cast)
    told = [document(rollout, part.key) for rollout in found.rollouts]
    if as_json:
        print_json({"reward": part.table(), "scores": told, "faults": found.faults, "asked": found.questions})
        return
    for number, each in enumerate(told):
        show_score(number, each, [line for line in found.questions if line["rollout"] == number])
    for fault in found.faults:
        out.print(f"fault: {fault}", markup=False)


def examine(name: str, problems: int, as_json: bool) -> None:
    """What an exam says of its reward: does it prefer the correct one of ten solutions?"""
    from rich.table import Table

    from workbench.runs.checkpoints.grade_reward import grade_reward

    found = grade_reward(read_exam(name), problems)
    if as_json:
        print_json({"exam": found.exam, "problems": problems, "unscored": found.unscored, "measures": found.measures})
        return
    table = Table(box=None, show_header=False)
    for measure, each in found.measures.items():
        table.add_row(measure, str(each))
    table.add_row("unscored", f"{found.unscored:.1%}")
    out.print(table)


def show_score(number: int, score: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    """A text's score, what it relied on, and what was asked for it."""
    value = "unscored" if score["value"] is None else f"{score['value']:.4f}"
    grade = {None: "", True: ", correct", False: ", incorrect"}[score["correct"]]
    out.print(f"── text {number}: {value}{grade}\n{score['reason']}", markup=False)
    if score["span"]:
        start, end = score["span"]
        out.print(f"relied on {score['extracted']!r}, characters {start} to {end}", markup=False)
    for line in asked:
        reply = f"no reply: {line['fault']}" if line["fault"] else line["reply"]
        out.print(f"asked {line['of']} ({line['kind']}, {line['seconds']:.3f} s) → {reply}", markup=False)


def read(name: str) -> tuple[Any, list[Any]]:
    """A reward and a cast, from a name or a file."""
    from workbench.config import read_toml
    from workbench.registry import load
    from workbench.sections import CastPart, RewardPart

    load()
    if not name.endswith(".toml"):
        return RewardPart.parse(name), []
    try:
        table = read_toml(Path(name).read_text(encoding="utf-8"), f"{name}: ")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read ({error}); give the path of a TOML file") from error
    cast = [CastPart.parse(member) for member in table.pop("cast", [])]
    return RewardPart.parse(table), cast


def columns(text: str) -> dict[str, Any]:
    """The problem's data."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--data {text!r} is no JSON ({error}): give an object, as in '{{\"column\": 1}}'") from None
    if not isinstance(found, dict):
        raise ValueError(f"--data {text!r} is no JSON object: write it as '{{\"column\": 1}}'")
    return found


def document(rollout: Any, key: str) -> dict[str, Any]:
    """A score as plain data; `span`: the characters of the text that it relied on, where they stand in it."""
    score = rollout.parts[key]
    place = rollout.text.rfind(score.extracted) if score.extracted else -1
    return {
        "text": rollout.text,
        "value": None if score.value != score.value else score.value,
        "correct": score.correct,
        "reason": score.reason,
        "extracted": score.extracted,
        "span": [place, place + len(score.extracted)] if place >= 0 else None,
        "per_token": None if score.per_token is None else list(score.per_token),
    }
