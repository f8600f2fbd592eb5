"""Asks the alarms: after sampling those that may keep a step from the update, after it the others."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.kinds import Alarm, Alert, Watched
from workbench.types import State

BROKEN = "raised"  # in an alarm's state: it raised, and is not asked again


@dataclass
class Alarms:
    """The alarms of a run. `states` holds theirs by slot, `alarms.0`, and is changed in place."""

    alarms: Sequence[Alarm]
    states: dict[str, State]
    alerts: list[Alert] = field(default_factory=list)  # of the step

    def ask(self, seen: Watched, *, before_update: bool) -> None:
        """Asks the alarms of one of the two moments. ValueError where one fails the run."""
        if before_update:
            self.alerts = []
        for place, alarm in enumerate(self.alarms):
            if alarm.before_update == before_update:
                self.hear(f"alarms.{place}", alarm, seen)
        failed = next((alert.text for alert in self.alerts if alert.action == "fail"), None)
        if failed is not None:
            raise ValueError(failed)

    def hear(self, slot: str, alarm: Alarm, seen: Watched) -> None:
        """Asks one alarm; one that raises is told once and left out from then on."""
        state = self.states.setdefault(slot, alarm.init())
        if state.get(BROKEN):
            return
        try:
            alert, self.states[slot] = alarm(state, seen)
        except Exception as error:  # an alarm is anybody's code; what it raised is told below, and the run continues
            self.states[slot] = {**state, BROKEN: True}
            text = f"raised {type(error).__name__}: {' '.join(str(error).split())}; it is not asked again in this run"
            alert = Alert("note", text)
        if alert is not None:
            self.alerts.append(replace(alert, alarm=alarm.name))

    @property
    def ends(self) -> str:
        """Why an alarm ends the run with this step; empty where none does."""
        return next((f"{alert.alarm}: {alert.text}" for alert in self.alerts if alert.action == "stop"), "")
