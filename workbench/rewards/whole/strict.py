"""Conditions beside reasoning-gym's verifiers that pay a hedge, a beginning, or anything at all.

Every verifier was asked about fifteen kinds of text that are no answer: the reference with another answer, with a
word before or behind it, its denial, nothing, a word, brackets. Where one was paid in full, the answer must also have
this form.
"""

import re
from fractions import Fraction

FULL = 1 - 1e-9  # less is partial credit, which is not paid
NEAR = Fraction(1, 10_000)  # coin_flip's own tolerance

#: Data set -> the form of the whole answer.
FORMS = {
    "advanced_geometry": r"\(?-?\d+(\.\d+)?(, ?-?\d+(\.\d+)?\))?°?",
    "gsm_symbolic": r"\$?-?\d+(\.\d+)?",
    "kakurasu": r"[01\s]+",
    "knights_knaves": r"\w+ is an? \w+([.,]? (and )?\w+ is an? \w+)*[.]?",
    "quantum_lock": r"[ABC](\s?→\s?[ABC])*",
    "sokoban": r"[UDLR]+",
    "survo": r"[\d\s]+",
}
#: Data sets whose answer must be the reference, white space and case aside.
SAME = frozenset(
    {
        "fraction_simplification",  # the first fraction of the text counted
        "game_of_life_halting",  # any text was True
        "letter_jumble",  # what followed the words did not count
        "spell_backward",
        "time_intervals",
        "word_sorting",
    }
)


def fault(dataset: str, reference: str, answer: str) -> str:
    """What is wrong with the form of an answer; empty if nothing is.

    >>> fault("gsm_symbolic", "12", "12"), fault("gsm_symbolic", "12", "12 or 13")
    ('', 'gsm_symbolic wants the answer alone')
    >>> fault("coin_flip", "0.109375", "0"), fault("coin_flip", "0.109375", "7/64")
    ('another number', '')
    """
    if dataset in SAME:
        return "" if squeezed(reference) == squeezed(answer) else "another text"
    if dataset == "coin_flip":
        return near(reference, answer)
    form = FORMS.get(dataset)
    return "" if form is None or re.fullmatch(form, answer) else f"{dataset} wants the answer alone"


def squeezed(text: str) -> str:
    """A text without white space, in one case."""
    return "".join(text.split()).casefold()


def near(reference: str, answer: str) -> str:
    """The fault of a number that is not the reference, within the tolerance."""
    try:
        return "" if abs(Fraction(answer.strip()) - Fraction(reference.strip())) <= NEAR else "another number"
    except (ValueError, ZeroDivisionError):
        return "no number"
