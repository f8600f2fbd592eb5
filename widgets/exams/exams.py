"""Exam pictures in a notebook cell: pass@k curves of checkpoints and runs, crossings, problems gained and lost."""

from pathlib import Path
from typing import Any

from widgets.exams import data
from widgets.exams.store import OWN
from widgets.recorded.data import RunData
from widgets.wire import bundle
from widgets.wire.asked import Asked
from widgets.wire.saved import Saved
from workbench.runs.open import open_run
from workbench.visible import escaped


class Exams(Saved, Asked):
    """The samples that evaluations and exams left, as pictures.

    `run`: what `launch` or `open_run` answered, or the path of a run; `others`: runs to compare with it, of any
    folder. Without others, those of the same folder are offered.
    """

    _esm = bundle.packed("exams/exams")
    _css = bundle.styles("tokens/token_view", "charts/charts", "exams/exams")
    following = False  # nothing is pushed to it

    def __init__(self, run: Any, *others: Any) -> None:
        self.run, *more = (open_run(each) if isinstance(each, str | Path) else each for each in (run, *others))
        self.data = RunData(self.run)
        self.compared = [Path(each.path) for each in more]
        super().__init__()

    def table(self, exam: str = OWN) -> str:
        """pass@k of every model of an exam as CSV: columns exam, run, step, k, pass, low, high, problems.

        ValueError where there are no samples of it.
        """
        return self.pictures(exam)["csv"]  # type: ignore[no-any-return]

    def pictures(self, exam: str) -> dict[str, Any]:
        """What the page draws of all models of an exam, at most as many as one picture holds."""
        found = data.choose(self)
        models = [(each.run, each.step) for each in found if each.exam == exam][: data.MOST_MODELS]
        if not models:
            known = ", ".join(sorted({each.exam or "the run's held-out problems" for each in found})) or "none yet"
            raise ValueError(f"{self.run.name} has no samples of {exam or 'its held-out problems'}; exams: {known}")
        return data.pictures(found, exam, models)

    def snapshot(self) -> str:
        """The table of the first exam."""
        found = data.choose(self)
        if not found:
            return f"<p>{escaped(self.run.name)}: no samples of evaluations or exams yet.</p>"
        try:
            text = self.pictures(min(each.exam for each in found))["markdown"]
        except ValueError as error:  # a broken file must not keep the widget beside the snapshot from being shown
            text = str(error)
        return f"<pre>{escaped(text)}</pre>"
