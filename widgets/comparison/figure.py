"""A comparison of runs as a picture."""

from typing import Any

from plotly.colors import qualitative
from plotly.graph_objects import Figure, Scatter
from plotly.subplots import make_subplots

from workbench.analysis.statistics import performance_profile
from workbench.runs.compare import Arm, Comparison

POINTS = 41  # of a profile


def as_figure(found: Comparison) -> Figure:
    """Left every run as a point with the arm's interval, right the performance profiles."""
    titles = ("interquartile mean with its 95 % interval, and every run", "share of scores above")
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles)
    low = min(float(arm.scores.min()) for arm in found.arms)
    high = max(float(arm.scores.max()) for arm in found.arms)
    grid = [low + (high - low) * place / (POINTS - 1) for place in range(POINTS)]
    for number, arm in enumerate(found.arms):
        common = {"name": f"{arm.name} (n = {arm.runs})", "legendgroup": arm.name}
        color = qualitative.Safe[number % len(qualitative.Safe)]
        figure.add_trace(interval_of(arm, color, common), row=1, col=1)
        figure.add_trace(runs_of(arm, color, common), row=1, col=1)
        figure.add_trace(profile_of(arm, grid, color, common), row=1, col=2)
    figure.update_xaxes(title_text=found.metric)
    return figure.update_layout(title=f"{found.metric} by {found.by}", template="plotly_white")


def interval_of(arm: Arm, color: str, common: dict[str, str]) -> Any:
    """The arm's interquartile mean with its interval."""
    mean = arm.mean
    error = {"array": [mean.high - mean.value], "arrayminus": [mean.value - mean.low], "thickness": 3}
    marker = {"color": color, "size": 12, "symbol": "line-ns-open"}
    return Scatter(x=[mean.value], y=[common["name"]], mode="markers", error_x=error, marker=marker, **common)


def runs_of(arm: Arm, color: str, common: dict[str, str]) -> Any:
    """Every score of the arm as a point."""
    scores = arm.scores.flatten().tolist()
    names, marker = [common["name"]] * len(scores), {"color": color}
    return Scatter(x=scores, y=names, mode="markers", opacity=0.5, marker=marker, showlegend=False, **common)


def profile_of(arm: Arm, grid: list[float], color: str, common: dict[str, str]) -> Any:
    """The share of the arm's scores above every value of a grid."""
    line = {"color": color, "shape": "hv"}
    return Scatter(x=grid, y=performance_profile(arm.scores, grid), line=line, mode="lines", showlegend=False, **common)
