"""What a whole sweep takes: memory of the plays side by side, disk, and where steps are measured, hours."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.planning.fit import fit_of
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB, amount
from workbench.runs.directory.paths import free_bytes
from workbench.runs.sweep.place import find_place
from workbench.runs.sweep.plan import Plan

HOUR = 3600.0


@dataclass(frozen=True)
class ArmForecast:
    """One arm: its plays, memory and disk of one in bytes, seconds of one where they were measured."""

    arm: str
    plays: int
    fit: str
    peak: int
    disk: int
    seconds: float | None = None


@dataclass(frozen=True)
class SweepForecast:
    """All arms, and what they take together. Bytes and seconds."""

    arms: tuple[ArmForecast, ...]
    plays: int  # within the budget
    jobs: int
    peak: int  # of the largest plays, side by side
    free: int
    fit: str
    disk: int
    disk_free: int
    seconds: float | None  # by the clock, plays side by side; where measured without halving
    left_out: tuple[str, ...]  # what the numbers do not contain

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def describe(self) -> list[str]:
        """The forecast as lines of text."""
        lines = [f"{self.plays} plays of {len(self.arms)} arms, {self.jobs} side by side"]
        for arm in self.arms:
            time = "" if arm.seconds is None else f", {arm.seconds / HOUR:.2f} h"
            own = f"{arm.fit}: {amount(arm.peak)} memory, {amount(arm.disk)} disk{time} a play"
            lines.append(f"  {arm.arm}: {arm.plays} plays; {own}")
        lines.append(f"memory: {self.fit}: {self.peak / GIB:.2f} GiB side by side, {self.free / GIB:.2f} GiB free")
        lines += ["  to make it fit: set fewer sweep.jobs"] if self.fit == "does not fit" and self.jobs > 1 else []
        lines.append(f"disk: {amount(self.disk)} at most, {amount(self.disk_free)} free")
        told = "not measured" if self.seconds is None else f"{self.seconds / HOUR:.2f} h by the clock"
        return [*lines, f"time: {told}", *self.left_out]


def forecast_sweep(plan: Plan, runs: Path, *, timed: float | None = None) -> SweepForecast:
    """Forecasts every arm, and the whole; loads no model, unless `timed` seconds of steps of every arm are measured.

    Raises:
        ValueError: if a model's config.json cannot be read, or steps cannot be measured.
    """
    place = find_place({"on": plan.axes.on, "jobs": plan.axes.jobs, "threads": plan.config.training.threads})
    planned = plan.plays[: plan.axes.budget.plays]
    jobs = max(1, min(place.room(0), len(planned)))
    arms, free = [], 0
    for arm in dict.fromkeys(play.arm for play in planned):
        own = [play for play in planned if play.arm == arm]
        found = forecast(own[0].config)
        free = found.free
        seconds = measured(own[0].config, timed) if timed is not None and found.fit != "does not fit" else None
        arms.append(ArmForecast(arm, len(own), found.fit, found.peak, found.disk.total, seconds))
    peaks = sorted((arm.peak for arm in arms for _ in range(arm.plays)), reverse=True)
    peak = sum(peaks[:jobs])
    return SweepForecast(
        arms=tuple(arms),
        plays=len(planned),
        jobs=jobs,
        peak=peak,
        free=free,
        fit=fit_of(peak, free),
        disk=sum(arm.disk * arm.plays for arm in arms),
        disk_free=free_bytes(existing(runs)),
        seconds=clock(arms, jobs),
        left_out=tuple(notes(plan)),
    )


def measured(config: Any, seconds: float) -> float:
    """Seconds of a play, from a few steps on this machine."""
    from workbench.runs.process.measure import measure

    return float(measure(config, seconds).whole)


def clock(arms: list[ArmForecast], jobs: int) -> float | None:
    """Seconds by the clock when plays share the machine evenly: no less than the longest play."""
    if any(arm.seconds is None for arm in arms):
        return None
    each = [float(arm.seconds or 0.0) for arm in arms for _ in range(arm.plays)]
    return max(math.fsum(each) / jobs, max(each, default=0.0))


def notes(plan: Plan) -> list[str]:
    """What the numbers leave out."""
    found = []
    if plan.axes.halving is not None:
        found.append("halving gives arms up early: time and disk are what all arms would take")
    if plan.axes.budget.hours is not None:
        found.append(f"the budget ends the sweep after {plan.axes.budget.hours:g} h")
    return found


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
