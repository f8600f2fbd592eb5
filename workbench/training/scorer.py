"""The current policy for rewards and controllers: signals of given completions after given prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.training.forward import Forward, Wanted
from workbench.training.signal_plan import passes
from workbench.types import Row


@dataclass(frozen=True)
class PolicyScorer:
    """Satisfies `types.Scorer`, without gradient. `ref_…` signals are read from the reference policy."""

    forward: Forward

    def score(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], signals: Sequence[str]
    ) -> list[dict[str, list[float]]]:
        """For every pair, each signal as a list over the completion's tokens.

        Raises:
            ValueError: for a signal of the sampling policy (`old_…`) or of a context.
        """
        rows = [Row(tuple(prompt), tuple(answer)) for prompt, answer in zip(prompts, answers, strict=True)]
        found: list[dict[str, list[float]]] = [{} for _ in rows]
        for (policy, context), names in passes(signals).items():
            if context or policy == "old_":
                raise ValueError(f"{sorted(signals)}: a scorer reads the policy and `ref_`, after the given prompts")
            for name, values in self.forward.read_all(rows, names, reference=policy == "ref_").items():
                for row, given, numbers in zip(rows, found, values.tolist(), strict=True):
                    given[Wanted(name, policy).name] = numbers[: len(row.answer)]
        return found
