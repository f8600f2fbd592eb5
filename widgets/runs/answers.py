"""The runs below a folder, and the curves of those that are overlaid."""

from pathlib import Path
from typing import Any

from widgets.recorded.curves import Curves
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@answer("runs", slow=True)
def runs(desk: Any, request: Request) -> bytes:
    """The rows of the list that are in view; `RunFolder.window` says what may be asked."""
    return pack({"kind": "runs", **desk.runs.window(request)}, {})


@answer("run_curves", slow=True)
def run_curves(desk: Any, request: Request) -> bytes:
    """The curves of the run `path`, unless its files still have the `mark` of what the view has."""
    path = Path(request["path"])
    if desk.runs.folder not in path.parents or ".." in path.parts:
        raise ValueError(f"{path} is not below {desk.runs.folder}: choose a run from the list")
    if not path.is_dir():
        raise ValueError(f"{path} is missing: it was moved or removed")
    curves = Curves(path)
    mark = curves.mark()
    if mark == request.get("mark"):
        return pack({"kind": "run_curves", "same": True}, {})
    return curves.whole(mark=mark)
