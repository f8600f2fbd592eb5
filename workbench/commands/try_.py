"""`workbench try`."""

from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, out, print_json

Step = Annotated[int | None, typer.Option(help="a kept checkpoint's step, 0: before training; the last if left out")]


def try_(
    name: Name,
    prompt: Annotated[str | None, typer.Argument(help="the prompt; a held-out problem if left out")] = None,
    problem: Annotated[
        str | None, typer.Option(metavar="KEY|N", help="a problem of the run by key, or held-out problem N")
    ] = None,
    step: Step = None,
    n: Annotated[int, typer.Option("-n", min=1, help="completions")] = 4,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Prompt a run's model; completions of a problem are scored as in the run."""
    from workbench.runs.checkpoints.snapshot import snapshot
    from workbench.runs.summary import find_run

    if prompt is not None and problem is not None:
        raise ValueError("a prompt and --problem were given: give one of the two")
    now = snapshot(find_run(name, runs), step)
    asked = asked_for(now, problem or "0") if prompt is None else prompt
    rollouts = now.sample(asked, n)
    if as_json:
        print_json(document(now, asked, rollouts))
        return
    out.print(f"{now.run.title} as of step {now.step}\n\n{describe(asked)}\n", markup=False)
    for number, rollout in enumerate(rollouts):
        out.print(f"── completion {number}: {scores(rollout)}\n{rollout.text}\n", markup=False)


def asked_for(now: Any, problem: str) -> Any:
    """A problem by its number among the held-out ones, or by its key."""
    from workbench.runs.checkpoints.problems import find_problem

    if problem.isdigit():
        return now.task.problem(int(problem), "test")
    found = find_problem(now.task, problem) or find_problem(now.task, problem, "test")
    if found is None:
        raise ValueError(
            f"--problem {problem}: {now.run.title} has no problem of that key; give one from its rollouts, or a number"
        )
    return found


def describe(asked: Any) -> str:
    """The prompt, with the reference answer where there is one."""
    return asked if isinstance(asked, str) else f"{asked.prompt.rstrip()}\n(problem {asked.key}, answer {asked.answer})"


def scores(rollout: Any) -> str:
    """Length and end of a completion, its reward and why."""
    parts = [
        f"{name} {part.value:g}{f' ({part.reason})' if part.reason else ''}" for name, part in rollout.parts.items()
    ]
    reward = [f"reward {rollout.reward:g}", *parts] if parts else []
    return ", ".join([f"{len(rollout.tokens)} tokens, {rollout.finish}", *reward])


def document(now: Any, asked: Any, rollouts: list[Any]) -> dict[str, Any]:
    """The same as plain data; the reward of a text that is no problem is null."""
    what = {"prompt": asked} if isinstance(asked, str) else {"prompt": asked.prompt, "problem": asked.key}
    answers = [
        {
            "text": rollout.text,
            "tokens": rollout.tokens,
            "finish": rollout.finish,
            "reward": rollout.reward,
            "correct": rollout.correct,
            "parts": {name: {"value": part.value, "reason": part.reason} for name, part in rollout.parts.items()},
        }
        for rollout in rollouts
    ]
    return {"run": str(now.run.path), "step": now.step, **what, "answers": answers}
