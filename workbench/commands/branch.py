"""`workbench branch`."""

from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, out, print_json

SHOWN = ("text", "finish", "reward", "correct", "token_ids", "logprob")


def branch(
    name: Name,
    place: Annotated[str, typer.Argument(metavar="STEP:ROLLOUT:AT", help="which token to change, as in 7:12:5")],
    token: Annotated[int, typer.Argument(help="id of the token to put there")],
    n: Annotated[int, typer.Option("-n", min=1, help="continuations")] = 4,
    checkpoint: Annotated[
        int | None,
        typer.Option(help="whose policy continues; left out: the newest not trained on the rollout"),
    ] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Replace a token of a recorded rollout and see how the model continues."""
    from workbench.runs.checkpoints.snapshot import branch as resample
    from workbench.runs.summary import find_run

    parts = place.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ValueError(f"{place!r}: write STEP:ROLLOUT:AT, as in 7:12:5; the last is the token's place, from 0")
    step, rollout, at = map(int, parts)
    table = resample(find_run(name, runs), step, rollout, at, token, n, checkpoint)
    note = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    rows: list[dict[str, Any]] = table.select(SHOWN).to_pylist()
    if as_json:
        print_json({"checkpoint": int(note["checkpoint"]), "exact": note["exact"] == "true", "answers": rows})
        return
    which = "the policy that wrote it" if note["exact"] == "true" else "the newest kept before it, or the one asked for"
    out.print(f"continued by checkpoint {note['checkpoint']} ({which})\n", markup=False)
    for number, row in enumerate(rows):
        out.print(
            f"── branch {number}: {len(row['token_ids'])} tokens, {row['finish']}, reward {row['reward']:g}",
            markup=False,
        )
        out.print(f"{row['text']}\n", markup=False)
