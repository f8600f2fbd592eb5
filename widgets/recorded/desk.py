"""What an answer to a view's request may use."""

from typing import Any, Protocol

from widgets.recorded.data import RunData


class Desk(Protocol):
    """Whoever shows a run and receives the requests of its views."""

    run: Any
    data: RunData
    following: bool
