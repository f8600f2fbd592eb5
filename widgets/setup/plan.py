"""The plan of a run before it starts: memory by component, disk, time, expected zero-variance groups."""

from collections.abc import Callable
from typing import Any

import ipywidgets

from widgets.form.desk import Desk, keep_classes
from widgets.setup.background import Background
from widgets.setup.review import Measured, Review, alike, plain
from widgets.setup.sampled import correct, sampled
from workbench.config import RunConfig
from workbench.planning.forecast import PHASES, Forecast
from workbench.planning.measure import Timing, duration
from workbench.planning.memory import GIB
from workbench.runs.process.measure import measure
from workbench.visible import escaped

WIDTH, HEIGHT = 220, 64  # of the curve of zero-variance groups
SMALL = 0.01  # share of the bar below which a component has no part of its own
MEASURE, MEASURING = "Measure time and accuracy", "measuring …"
UNKNOWN = 0.5  # the accuracy that is assumed where nothing is known


class Plan:
    """Memory, disk, time and expected zero-variance groups of the draft.

    One button takes over the cheapest change that makes it fit, one measures a few steps in a process beside the
    notebook.
    """

    def __init__(self, desk: Desk, take: Callable[[Any], None]) -> None:
        self.desk, self.take = desk, take
        self.memory = desk.make(ipywidgets.HTML, "wf-plan-memory", value='<p class="wf-help">estimating …</p>')
        self.remedy = desk.make(ipywidgets.Button, "wf-remedy", tooltip="change the config so")
        self.facts = desk.make(ipywidgets.HTML, "wf-plan-facts")
        self.measure = desk.make(
            ipywidgets.Button, "wf-measure", description=MEASURE, disabled=True,
            tooltip="loads the model in a separate process, runs a few short steps, shows completions; records nothing",
        )  # fmt: skip
        self.background = Background(measured, self.timed, self.untimed)
        self.rate = desk.make(
            ipywidgets.FloatSlider, "wf-rate", description="accuracy", min=0.0, max=1.0, step=0.01,
            value=0.5, tooltip="share of completions that are correct, before training", readout_format=".0%",
        )  # fmt: skip
        self.variance = desk.make(ipywidgets.HTML, "wf-plan-variance")
        self.sampled = desk.make(ipywidgets.HTML, "wf-plan-sampled")
        self.review = Review(None)
        self.timing: Measured | None = None
        self.moved = False  # whether a person has set the rate
        self.asked: Any = None  # model and task that the rate belongs to
        self.rate.observe(self.set_rate, "value")
        self.remedy.on_click(self.take_remedy)
        self.measure.on_click(self.begin)
        self.widget = desk.make(ipywidgets.VBox, "wf-plan")
        self.arrange()

    def arrange(self) -> None:
        """Puts the parts together; the button only where there is a change to take."""
        remedy = [self.remedy] if self.review.remedy else []
        self.widget.children = (self.memory, *remedy, self.facts, self.measure, self.sampled, self.rate, self.variance)

    def set_rate(self, change: Any) -> None:
        """A person moves the rate, or it is read from an earlier run."""
        del change
        self.moved = self.moved or not self.desk.silent
        self.draw_variance()

    def take_remedy(self, button: Any) -> None:
        """Takes over the config that fits."""
        del button
        if self.review.remedy:
            self.take(self.review.remedy[1])

    def wait(self) -> None:
        """The draft has changed: what is shown is no longer its plan."""
        keep_classes(self.widget, "wf-old", True)

    def show(self, review: Review) -> None:
        """Draws what is known of a draft."""
        keep_classes(self.widget, "wf-old", False)
        self.review = review
        self.memory.value = memory_bar(review)
        if review.remedy:
            self.remedy.description = f"Make it fit: set {review.remedy[0]}"
        self.facts.value = facts(review, self.timing)
        self.offer()
        self.show_rate()
        self.arrange()

    def show_rate(self) -> None:
        """The accuracy of this model on this task: as sampled, as in an earlier run, or as a person set it."""
        self.sampled.value = sampled(self.fresh) if self.fresh is not None else ""
        asked = of_accuracy(self.review.config)
        if asked is not None and asked != self.asked:
            self.asked, self.moved = asked, False
        if not self.moved:
            with self.desk.silently():
                self.rate.value = self.known()[0]
        self.draw_variance()

    @property
    def fresh(self) -> Timing | None:
        """What was measured of this draft; None where its model, task or step is another one."""
        found, config = self.timing, self.review.config
        if found is None or found.timing is None or config is None:
            return None
        resolved = config.resolved()
        same = plain(found.resolved.get("task")) == plain(resolved["task"]) and alike(found.resolved, resolved)
        return found.timing if same else None

    def known(self) -> tuple[float, str]:
        """The accuracy before training, and where it comes from."""
        fresh, earlier = self.fresh, self.review.earlier
        if fresh is not None and fresh.answers:
            right, count = correct(fresh), len(fresh.answers)
            return (right + 1) / (count + 2), f"{right} of {count} just now: about (k + 1) / (n + 2)."  # Laplace's rule
        if earlier.accuracy is not None:
            return earlier.accuracy, f"{earlier.source}: {100 * earlier.accuracy:.0f} % at the start."
        return UNKNOWN, f"Not known of this model on this task, {100 * UNKNOWN:.0f} % is assumed: {MEASURE} tells."

    def fail(self, text: str) -> None:
        """Says why there is no plan."""
        keep_classes(self.widget, "wf-old", False)
        self.memory.value = f'<p class="wf-error" role="alert">No plan: {escaped(text)}</p>'

    def draw_variance(self) -> None:
        """The expected share of zero-variance groups at this accuracy and group size."""
        config = self.review.config
        if config is None:
            self.variance.value = ""
            return
        size, rate = config.rollouts.rollouts, self.rate.value
        share = zero_variance_share(rate, size)
        source = "" if self.moved else f" {self.known()[1]}"
        self.variance.value = (
            f"<p><b>{share_text(share)}</b> of the groups are expected to have zero reward variance, "
            f"all rollouts correct or all incorrect: p<sup>{size}</sup> + (1 − p)<sup>{size}</sup>, "
            f"if every problem is solved {100 * rate:.0f} % of the time. "
            f"Problems of unequal difficulty give more.{escaped(source)}</p>{curve(rate, size)}"
        )

    # ------------------------------------------------------------------ the time

    def offer(self) -> None:
        """Lets a person measure what could be launched, unless it is being measured."""
        found = self.review.forecast
        fits = found is not None and found.fit != "does not fit" and not self.review.errors
        self.measure.disabled = not fits or self.measure.description == MEASURING

    def begin(self, button: Any) -> None:
        """Measures the config as it is now."""
        del button
        self.measure.description, self.measure.disabled = MEASURING, True
        self.background.ask(self.review.config)

    def timed(self, found: Measured) -> None:
        """Shows what was measured, for as long as the draft takes as long."""
        self.timing = found
        self.facts.value = facts(self.review, found)
        self.measure.description = MEASURE
        self.offer()
        self.show_rate()

    def untimed(self, text: str) -> None:
        """Says why nothing was measured."""
        self.timed(Measured({}, None, text))

    def close(self) -> None:
        """Stops waiting, and gives the button back, which may not be on show."""
        self.background.close()
        self.remedy.close()


def of_accuracy(config: RunConfig | None) -> Any:
    """What of a config decides the accuracy before training."""
    if config is None:
        return None
    resolved = config.resolved()
    return plain([resolved["model"].get("name"), resolved["task"], resolved["rewards"]])


def measured(config: RunConfig) -> Measured:
    """The time of a config's steps; takes a quarter of a minute and more."""
    return Measured(config.resolved(), measure(config))


def zero_variance_share(rate: float, size: int) -> float:
    """Expected share of groups whose completions are all correct or all incorrect.

    >>> zero_variance_share(0.5, 2), zero_variance_share(1.0, 8)
    (0.5, 1.0)
    """
    return float(rate**size + (1 - rate) ** size)


def share_text(share: float) -> str:
    """A share for people.

    >>> share_text(0.123), share_text(3e-5), share_text(0.0)
    ('12.3 %', 'less than 0.1 %', '0.0 %')
    """
    return "less than 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def curve(rate: float, size: int) -> str:
    """The share over all rates, with a dot at this one."""
    points = [(place / 50, zero_variance_share(place / 50, size)) for place in range(51)]
    line = " ".join(f"{WIDTH * x:.1f},{HEIGHT * (1 - y):.1f}" for x, y in points)
    x, y = WIDTH * rate, HEIGHT * (1 - zero_variance_share(rate, size))
    return (
        f'<svg class="wf-curve" viewBox="-5 -5 {WIDTH + 10} {HEIGHT + 22}" width="{WIDTH + 10}" role="img" '
        f'aria-label="expected share of zero-variance groups over accuracy">'
        f'<polyline points="0,{HEIGHT} {WIDTH},{HEIGHT}" class="wf-axis"/><polyline points="{line}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/><text x="0" y="{HEIGHT + 14}">p = 0</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">p = 1</text></svg>'
    )


def memory_bar(review: Review) -> str:
    """Whether it fits, a bar of the parts that are there at the peak, and the list of all."""
    found = review.forecast
    if found is None:
        return f'<p class="wf-help">No memory estimate: {escaped(review.without)}</p>'
    scale = max(found.free, found.peak)
    parts = "".join(bar_part(number, name, size, scale) for number, (name, size) in enumerate(at_peak(found)))
    rows = "".join(
        f"<tr><td>{escaped(part.name)}</td><td>{part.bytes / GIB:.2f}</td><td>{escaped(part.how)}"
        f"{'' if part.when == 'always' else f' ({PHASES[part.when]})'}</td></tr>"
        for part in found.components
        if part.bytes
    )
    advice = f" {escaped(found.advice)}" if found.advice and not review.remedy else ""
    return (
        f'<p><span class="wf-fit-{found.fit.replace(" ", "-")}">{found.fit}</span> '
        f"{found.peak / GIB:.2f} GiB at the peak, {PHASES[found.phase]}; {found.free / GIB:.2f} GiB free on "
        f'{found.device}.{advice}</p><div class="wf-memory" role="img" aria-label="memory: {found.peak / GIB:.2f} of '
        f'{found.free / GIB:.2f} GiB">{parts}<i style="left:{100 * found.free / scale:.1f}%"></i></div>'
        f"<details><summary>by component</summary><table><tr><th>part</th><th>GiB</th><th>what it is</th></tr>{rows}"
        f"</table><p>assumed: prompts of {found.assumed.prompt} tokens, every completion at max_tokens</p></details>"
    )


def at_peak(found: Forecast) -> list[tuple[str, int]]:
    """The parts that are there at the peak, largest first; small ones as one."""
    during = {"always", found.phase} | ({"updating"} if found.phase in ("comparing", "reading", "passing") else set())
    parts = sorted(((part.name, part.bytes) for part in found.components if part.when in during), key=lambda x: -x[1])
    large = [part for part in parts if part[1] >= SMALL * found.peak]
    return [*large, ("the rest", found.peak - sum(size for _, size in large))]


def bar_part(number: int, name: str, size: int, scale: int) -> str:
    """A part of the bar; its name and size stand in the tooltip, and in it where there is room."""
    share = 100 * size / scale
    text = escaped(f"{name} {size / GIB:.2f} GiB")
    label = escaped(name) if share > 9 else ""
    return f'<span class="wf-m{number % 6}" style="width:{share:.2f}%" title="{text}">{label}</span>'


def facts(review: Review, timing: Measured | None = None) -> str:
    """Disk and time."""
    rows = []
    if review.config is not None:
        rows.append(("time", time_text(review, timing)))
    if review.forecast is not None:
        disk = review.forecast.disk
        rows.append(
            ("disk", f"at most {disk.total / 1e9:.2f} GB in all: {disk.step / 1e6:.1f} MB a recorded step, "
                     f"{disk.checkpoint / 1e6:.1f} MB a checkpoint")
        )  # fmt: skip
    rows += [("note", text) for text in review.warnings]
    return "<table>" + "".join(f"<tr><th>{name}</th><td>{escaped(text)}</td></tr>" for name, text in rows) + "</table>"


def time_text(review: Review, timing: Measured | None = None) -> str:
    """Seconds a step and in all, as measured, or as a similar run of the folder took."""
    if review.config is None:
        return ""
    steps, earlier = review.config.training.steps, review.earlier
    if timing is not None and timing.fault:
        return f"not measured: {timing.fault}"
    if timing is not None and timing.timing is not None and alike(timing.resolved, review.config.resolved()):
        found = timing.timing
        most = f" ({found.most:.2g} s if every answer had {found.longest} tokens)" if found.most > found.step else ""
        whole = duration(steps * found.step)
        return f"{found.step:.2g} s a step{most}; about {whole} for {steps} steps. Measured: {found.note}"
    if earlier.seconds is None:
        return "seconds a step: not measured yet (no similar run in this folder)"
    whole = duration(steps * earlier.seconds)
    return f"{earlier.seconds:.2g} s a step, as in the run {earlier.run}; about {whole} for {steps} steps"
