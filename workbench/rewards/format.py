"""Does the text keep to a layout? Rewards the form, never the answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.grading.find import ANSWER_TAG
from workbench.types import Problem, Rollout, Score, Scorer


@dataclass(frozen=True)
class Format(Reward):
    """1 where the layout is kept, 0 where it is not; `parts` gives a share for every tag. The answer is not graded.

    The layout `tags`: nothing but `<think>…</think><answer>…</answer>`, each tag once, spaces between them as they
    come. DeepSeek-R1, arXiv:2501.12948, section 2.2.2. With `pattern` the layout is a regular expression instead,
    which must match the whole text (`.` matches line ends too). `grade = "parts"`: the share of the four tags
    that stand in the text exactly once, a softer slope for models that have never seen the layout.
    """

    pattern: Annotated[str, Field(description="a regular expression for the whole text; empty: the tags")] = ""
    think: Annotated[str, Field(min_length=1, description="name of the tag around the thinking")] = "think"
    answer: Annotated[str, Field(min_length=1, description="name of the tag around the answer")] = ANSWER_TAG
    opened: Annotated[bool, Field(description="the prompt already ends with the opening think tag")] = False
    grade: Annotated[Literal["whole", "parts"], Field(description="all or nothing, or a share for every tag")] = "whole"

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"format.pattern = {self.pattern!r}: no regular expression ({error})") from None
        if self.pattern and self.grade == "parts":
            raise ValueError("format.grade = 'parts' counts tags: leave pattern empty, or set grade = 'whole'")

    @property
    def tags(self) -> list[str]:
        """The tags in their order."""
        names = ("think", "answer")
        pairs = [(f"<{getattr(self, name)}>", f"</{getattr(self, name)}>") for name in names]
        return [tag for pair in pairs for tag in pair][int(self.opened) :]

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del problem, scorer
        return [self.score(rollout.text) for rollout in rollouts]

    def score(self, text: str) -> Score:
        """One text."""
        if self.pattern:
            kept = re.fullmatch(self.pattern, text, re.DOTALL) is not None
            return Score(float(kept), "matches the pattern" if kept else "does not match the pattern")
        fault = self.fault(text)
        if self.grade == "whole":
            return Score(float(not fault), fault or "the layout is kept")
        once = [tag for tag in self.tags if text.count(tag) == 1]
        return Score(len(once) / len(self.tags), f"exactly once: {' '.join(once) or 'no tag'}")

    def fault(self, text: str) -> str:
        """What is wrong with the layout; empty if nothing is."""
        for tag in self.tags:
            if text.count(tag) != 1:
                return f"{tag} stands {text.count(tag)} times in the text, not once"
        places = [text.index(tag) for tag in self.tags]
        if places != sorted(places):
            return f"the tags are not in the order {' '.join(self.tags)}"
        start, middle = text[: places[0]], text[places[-3] + len(self.tags[-3]) : places[-2]]
        end = text[places[-1] + len(self.tags[-1]) :]
        stray = (start if not self.opened else "").strip() or middle.strip() or end.strip()
        return f"text outside the tags: {stray[:40]!r}" if stray else ""
