"""The memory of a run: the ledger of its problems, and the problems that it made."""

from widgets.memory import ledger, stock
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack
from widgets.wire.sections import section

section("memory/ledger", "Problems", "every problem over the steps: learned, forgotten, never solved",
        styles=("memory/memory",))  # fmt: skip
section("memory/stock", "Made problems", "the stock: problems that the run made, when, and from which rollout",
        styles=("memory/memory",))  # fmt: skip


@answer("ledger", slow=True)  # at first all of it is read
def problems(desk: Desk, request: Request) -> bytes:
    """A window of the problems with their pass rates over the steps; `ledger.window` has the fields."""
    return pack({"kind": "ledger", **ledger.window(desk.data, request)}, {})


@answer("ledger_pool", slow=True)  # the registries and the task's data are loaded
def pool(desk: Desk, request: Request) -> bytes:
    """How many problems the task has; `size` None, with the `reason`, where that is not known."""
    size, reason = ledger.pool_size(desk.data.path)
    return pack({"kind": "ledger_pool", "size": size, "reason": reason}, {})


@answer("stock", slow=True)
def made(desk: Desk, request: Request) -> bytes:
    """A window of the problems that the run made, and all of them, thinned, as a map; `stock.window` has the fields."""
    header, columns = stock.window(desk.data, request)
    return pack({"kind": "stock", **header}, columns)


@answer("stock_item", slow=True)
def item(desk: Desk, request: Request) -> bytes:
    """One problem of the stock, by its `key`: texts, data, attempts, and the rollout that it came from."""
    return pack({"kind": "stock_item", **stock.item(desk.data, str(request["key"]))}, {})
