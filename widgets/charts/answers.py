"""The curves of the run that is shown, and what stands beside them."""

from typing import Any

from widgets.recorded.curves import Curves
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@answer("curves")
def curves(desk: Desk, request: Request) -> bytes:
    """Every column of the metrics, the events, and the steps with rollouts; what comes later is pushed."""
    return Curves(desk.data.path).whole()


@answer("setting")
def setting(desk: Desk, request: Request) -> bytes:
    """What a reader of the curves must know of the config: the group size, and the fields that may change."""
    config = desk.data.config()
    rollouts = config.get("rollouts") or {}
    header = {"kind": "setting", "group_size": rollouts.get("rollouts")}
    return pack({**header, "live": live_fields(config, desk.run.event_lines())}, {})


def live_fields(config: dict[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields that may change while the run goes on, with their values now."""
    from workbench.sections import TrainingSection

    changed = {name: value for event in events if event.get("kind") == "set" and isinstance(event.get("new"), dict)
               for name, value in event["new"].items()}  # fmt: skip
    values = {**(config.get("training") or {}), **changed}
    fields = TrainingSection.model_fields.items()
    live = {name: field for name, field in fields if (field.json_schema_extra or {}).get("live")}  # type: ignore[union-attr]
    return [{"name": name, "value": values.get(name), "help": field.description} for name, field in live.items()]
