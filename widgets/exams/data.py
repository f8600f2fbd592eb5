"""What the exam pictures show: the stores there are, and curves, crossings and support of chosen models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from widgets.exams import curves
from widgets.exams.store import Store, beside, stores, tallies
from widgets.exams.table import as_csv, as_markdown

MOST_MODELS = 8  # in one picture
MOST_PROBLEMS = 200  # named of a cell of the matrix

Model = tuple[str, int]  # a run's name, and a step


def folders(own: Path, given: Sequence[Path]) -> list[Path]:
    """The runs that may be compared: those that were given, else the run and those beside it."""
    return [own, *given] if given else beside(own)


def overview(found: Sequence[Store]) -> dict[str, Any]:
    """The exams that there are samples of, each with its models; the run's own held-out problems come first."""
    names = sorted({store.exam for store in found})
    return {
        "exams": [
            {"exam": name, "models": [{"run": each.run, "step": each.step} for each in found if each.exam == name]}
            for name in names
        ]
    }


def pictures(found: Sequence[Store], exam: str, models: Sequence[Model]) -> dict[str, Any]:
    """Curves of the chosen models, what crosses, and the support of the last one against the first.

    ValueError for models without samples, more than `MOST_MODELS`, or without a problem in common.
    """
    chosen = [store_of(found, exam, model) for model in models]
    if not 1 <= len(chosen) <= MOST_MODELS:
        raise ValueError(f"{len(chosen)} models are chosen: choose 1 to {MOST_MODELS}")
    keys, known = curves.common([tallies(store) for store in chosen])
    tries = curves.tries_of(known)
    drawn = [
        {"run": store.run, "step": store.step, "label": store.label, "curve": curves.curve(own, tries)}
        for store, own in zip(chosen, known, strict=True)
    ]
    asked = max(len(tallies(store)) for store in chosen)
    more: dict[str, Any] = {"pairs": [], "matrix": None}
    if len(chosen) > 1:
        more["pairs"] = [curves.compared(own, known[0], tries) for own in known[1:]]
        more["matrix"] = curves.matrix(keys, known[-1], known[0], MOST_PROBLEMS)
    rows = rows_of(drawn, exam, len(keys))
    return {"exam": exam, "problems": len(keys), "asked": asked, "models": drawn, **more,
            "csv": as_csv(rows), "markdown": as_markdown(rows)}  # fmt: skip


def store_of(found: Sequence[Store], exam: str, model: Model) -> Store:
    """The samples of a model; ValueError where there are none."""
    run, step = model
    store = next((each for each in found if (each.exam, each.run, each.step) == (exam, run, step)), None)
    if store is None:
        name = exam or "its held-out problems"
        raise ValueError(f"{run} has no samples of step {step} on {name}: workbench eval {run} --step {step}")
    return store


def rows_of(drawn: Sequence[Mapping[str, Any]], exam: str, problems: int) -> list[dict[str, Any]]:
    """The curves as the rows of a table."""
    return [
        {"exam": exam, "run": model["run"], "step": model["step"], "k": point["k"], "pass": point["value"],
         "low": point["low"], "high": point["high"], "problems": problems}
        for model in drawn
        for point in model["curve"]
    ]  # fmt: skip


def first_choice(found: Sequence[Store], exam: str, run: str) -> list[Model]:
    """The models of the first picture: of the run the first and the last step, else the first two there are."""
    own = [(each.run, each.step) for each in found if each.exam == exam and each.run == run]
    known = own if len(own) > 1 else [(each.run, each.step) for each in found if each.exam == exam]
    return [known[0], known[-1]] if len(known) > 1 else known


def choose(desk: Any) -> list[Store]:
    """The samples that a desk may show: of the runs that it names as `compared`, else of those beside its own."""
    return stores(folders(Path(desk.data.path), getattr(desk, "compared", ())))
