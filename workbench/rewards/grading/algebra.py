"""What takes computer algebra: pairs of formulas that are asked for first and known later."""

import re
from dataclasses import dataclass, field

from workbench.rewards.grading.numbers import Quantity
from workbench.rewards.grading.typography import latex_names

PAIRS = 200  # comparisons by computer algebra for one answer


@dataclass(frozen=True)
class Grade:
    """Correct, incorrect, or (None) unscored, and the rule that decided."""

    correct: bool | None
    rule: str


@dataclass
class Algebra:
    """Pairs of formulas whose equality is known, and those that were asked for and are not known yet."""

    known: dict[tuple[str, str], Grade] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    rule: str = ""
    unscored: str = ""
    available: bool = True

    def same(self, reference: str, answer: str) -> bool:
        """Whether two formulas are equal; False, and asked for, where it is not known."""
        if squeeze(reference) == squeeze(answer):
            self.rule = self.rule or "same text"
            return True
        reference, answer = latex_names(reference), latex_names(answer)
        found = self.known.get((reference, answer))
        if found is None:
            if len(self.asked) < PAIRS and self.available:
                self.asked.append((reference, answer))
            return False
        self.rule = found.rule
        if found.correct is None:
            self.unscored = found.rule
        return bool(found.correct)

    def no(self, rule: str) -> bool:
        """An answer that is incorrect by a rule."""
        self.rule = rule
        return False


def squeeze(text: str) -> str:
    """A text for comparison letter by letter: no spaces around signs, one elsewhere.

    >>> squeeze("a_3 = b,  x in A"), squeeze("1, 234")
    ('a_3=b,x in A', '1, 234')
    """
    text = re.sub(r"\s*([^\w\s,]|_)\s*", r"\1", re.sub(r"\s+", " ", text))
    return re.sub(r"(?<![0-9]),\s+", ",", text).strip()


def latex(quantity: Quantity) -> str:
    """A number for the computer algebra, without its unit."""
    value = quantity.value
    if quantity.form == "decimal" and quantity.decimals:
        digits = f"{abs(value.numerator * 10**quantity.decimals // value.denominator):0{quantity.decimals + 1}d}"
        return f"{'-' if value < 0 else ''}{digits[: -quantity.decimals]}.{digits[-quantity.decimals :]}"
    if value.denominator == 1:
        return str(value.numerator)
    return rf"{'-' if value < 0 else ''}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
