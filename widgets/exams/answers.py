"""The exams of a run and of the runs beside it, as pictures."""

from pathlib import Path

from widgets.exams import data
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack
from widgets.wire.sections import section

section("exams/section", "Exams", "pass@k curves of checkpoints and runs, where they cross, problems gained and lost",
        styles=("exams/exams",))  # fmt: skip


@answer("exam_stores")
def stores(desk: Desk, request: Request) -> bytes:
    """The exams that there are samples of, the models of each, and those that are shown first, by exam."""
    found, own = data.choose(desk), Path(desk.data.path).name
    first = {store.exam: data.first_choice(found, store.exam, own) for store in found}
    return pack({"kind": "exam_stores", "run": own, **data.overview(found), "first": first}, {})


@answer("exam_curves", slow=True)  # a bootstrap for every point
def curves(desk: Desk, request: Request) -> bytes:
    """Curves and support of `models`, a list of [run, step], on `exam`; the first one is the base of the others."""
    models = [(str(run), int(step)) for run, step in request["models"]]
    return pack({"kind": "exam_curves", **data.pictures(data.choose(desk), str(request["exam"]), models)}, {})
