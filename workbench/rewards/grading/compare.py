r"""Is the answer the reference? Typed values are compared here; what takes computer algebra is asked for.

Strict where in doubt: another unit, another order, a list for a single value, a task restated are all incorrect.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from workbench.rewards.grading.algebra import Algebra, Grade, latex, squeeze
from workbench.rewards.grading.numbers import Quantity, same_number
from workbench.rewards.grading.restated import restated, restated_number
from workbench.rewards.grading.structures import read
from workbench.rewards.grading.times import Clock, same_clock
from workbench.rewards.grading.typography import clean, plain_words
from workbench.rewards.grading.values import (
    BASED,
    Chain,
    Choice,
    Formula,
    Named,
    Several,
    Span,
    Truth,
    Value,
    Words,
)  # fmt: skip

HEDGED = re.compile(
    r"\b(?:not|n't|never|maybe|perhaps|possibly|probably|either|neither|nor|unless|isn't|aren't|guess)\b", re.IGNORECASE
)


def grade(reference: str, answer: str, algebra: Algebra) -> Grade:
    """The grade of one answer; where `algebra.asked` is not empty afterwards, it is provisional."""
    if reference == answer and reference.strip():
        return Grade(True, "same text")
    wanted, given = clean(reference), clean(answer)
    algebra.rule = algebra.unscored = ""
    if not wanted:
        return Grade(None, "the reference answer is empty")
    if not given:
        return Grade(False, "the answer is empty")
    if squeeze(wanted) == squeeze(given):
        return Grade(True, "same text")
    if r"\ldots" in wanted or "..." in wanted:
        return Grade(None, "the reference has an ellipsis, which only reads as text, and the texts differ")
    if r"\ldots" in given or "..." in given:
        return Grade(False, "an ellipsis stands in the answer and none in the reference")
    gold = read(wanted)
    if HEDGED.search(given) and not HEDGED.search(wanted) and not isinstance(gold, Truth):
        return Grade(False, "the answer is hedged or denied")
    try:
        same = any(equal(gold, reading, algebra) for reading in readings(given))
    except Exception as error:  # an answer may be anything: what it makes fail is incorrect, or failing would pay
        return Grade(False, f"the answer cannot be read ({type(error).__name__})")
    if same:
        return Grade(True, algebra.rule or f"{kind(gold)} compared")
    if algebra.unscored:
        return Grade(None, algebra.unscored)
    return Grade(False, algebra.rule or f"{kind(gold)} compared")


def kind(value: Value) -> str:
    """What a reference is, in words."""
    names = {Quantity: "numbers", Choice: "choices", Words: "words", Truth: "yes and no", Span: "intervals"}
    return names.get(type(value), "values")


def readings(text: str) -> list[Value]:
    """An answer as it is read, and as it may be read too: a comma as decimal sign, a unit written close."""
    found = [read(text)]
    comma = re.fullmatch(r"([-+]?[$€£¥]?[0-9]+),([0-9]{1,2}|[0-9]{4,})((?:\s.*|%)?)", text)
    close = re.fullmatch(r"([-+]?[0-9.,]*[0-9])([a-zA-Z])", text)
    if comma:
        found.append(read(f"{comma[1]}.{comma[2]}{comma[3]}"))
    rate = re.fullmatch(
        r"(.*[0-9])\s*\\frac\s*\{\s*([a-zA-Z]{1,4})\s*\}\s*\{\s*([a-zA-Z]{1,4}(?:\^\{?[0-9]\}?)?)\s*\}",
        plain_words(text),
    )
    if rate:
        found.append(read(f"{rate[1]} {rate[2]}/{rate[3]}"))
    if close:
        found.append(read(f"{close[1]} {close[2]}"))
    return found


def equal(gold: Value, given: Value, algebra: Algebra) -> bool:
    """Whether an answer's value is the reference's."""
    if isinstance(gold, Named) or isinstance(given, Named):
        return equal_named(gold, given, algebra)
    if isinstance(gold, Chain):
        return equal(gold.last, given, algebra)
    if isinstance(given, Chain):
        return equal_chain(gold, given, algebra)
    if isinstance(gold, Quantity):
        return equal_quantity(gold, given, algebra)
    if isinstance(gold, Formula):
        return equal_formula(gold, given, algebra)
    if isinstance(gold, Choice):
        return equal_choice(gold, given, algebra)
    if isinstance(gold, Span):
        return equal_span(gold, given, algebra)
    if isinstance(gold, Several):
        return equal_several(gold, given, algebra)
    if isinstance(gold, Clock) and isinstance(given, Clock):
        return same_clock(gold, given)
    if isinstance(gold, Words) and isinstance(given, Words | Choice):
        return gold.text == (given.text.casefold() if isinstance(given, Choice) else given.text) and gold.text != ""
    return type(gold) is type(given) and gold == given


def equal_named(gold: Value, given: Value, algebra: Algebra) -> bool:
    """`x = 5` is 5, and not `y = 5`."""
    if isinstance(gold, Named) and isinstance(given, Named):
        if gold.name and given.name and gold.name.casefold() != given.name.casefold():
            return algebra.no(f"{given.name} is not {gold.name}")
        return equal(gold.value, given.value, algebra)
    if isinstance(given, Named) and isinstance(gold, Choice | Words | Truth) and given.text:
        return algebra.no("an equation where the reference is none")
    named_one, other = (gold, given) if isinstance(gold, Named) else (given, gold)
    if (
        isinstance(named_one, Named)
        and isinstance(named_one.value, Formula)
        and isinstance(other, Formula)
        and "=" in other.text
    ):
        closed = named_one.value.closed or other.closed
        pair = (named_one.text, other.text) if named_one is gold else (other.text, named_one.text)
        return not closed and bool(named_one.text) and algebra.same(*pair)
    if isinstance(gold, Named):
        return equal(gold.value, given, algebra)
    return isinstance(given, Named) and equal(gold, given.value, algebra)


def equal_chain(gold: Value, given: Chain, algebra: Algebra) -> bool:
    """Both ends of a chain of equalities must be the answer; one of them must be evaluated."""
    ends = [equal_end(gold, end, algebra) for end in (given.first, given.last)]
    if isinstance(gold, Quantity) and not any(isinstance(end, Quantity) for end in (given.first, given.last)):
        return algebra.no("the answer is an expression, the reference a number")
    return all(ends) or algebra.no("the two ends of the equation are not both the reference")


def equal_end(gold: Value, end: Value, algebra: Algebra) -> bool:
    """One end of a chain of equalities, which may be an expression to be evaluated."""
    if isinstance(gold, Quantity) and isinstance(end, Formula):
        return not end.closed and algebra.same(latex(gold), end.text)
    return equal(gold, end, algebra)


def equal_quantity(gold: Quantity, given: Value, algebra: Algebra) -> bool:
    """A number is answered by a number that is there to be read, never by an expression."""
    if isinstance(given, Quantity):
        if not same_number(gold, given):
            return algebra.no("numbers compared")
        why = restated_number(gold, given)
        return algebra.no(why) if why else True
    if isinstance(given, Formula) and not given.closed:
        return algebra.no("the answer is an expression, the reference a number")
    if isinstance(given, Several):
        return algebra.no("several values where the reference is one")
    return algebra.no("the answer is no number")


def equal_formula(gold: Formula, given: Value, algebra: Algebra) -> bool:
    """Formulas are compared by computer algebra, if both have variables for letters and nothing is left to do."""
    if isinstance(given, Choice) and not given.text:
        return gold.text.casefold() == given.letter.casefold()
    if isinstance(given, Quantity) and not gold.closed:
        if given.percent:
            return algebra.no("a percentage where the reference is a formula")
        return algebra.same(gold.text, latex(given))
    if gold.closed and based(gold, given):
        return True
    if not isinstance(given, Formula):
        return algebra.no("the answer is no formula")
    if gold.closed or given.closed:
        return gold.text.casefold() == given.text.casefold()
    if ("=" in gold.text) != ("=" in given.text):
        return algebra.no("an equation and a formula")
    why = restated(gold.text, given.text)
    return algebra.no(why) if why else algebra.same(gold.text, given.text)


def based(gold: Formula, given: Value) -> bool:
    """A base that only the reference names may be left out."""
    return (
        isinstance(given, Quantity)
        and BASED.fullmatch(gold.text) is not None
        and gold.text.partition("_")[0] == given.text.casefold()
    )


def equal_choice(gold: Choice, given: Value, algebra: Algebra) -> bool:
    """The letters are compared; where the reference says what the letter stands for, that answers too."""
    if isinstance(given, Choice):
        if gold.letter != given.letter:
            return algebra.no("choices compared")
        return not (gold.text and given.text) or equal(read(clean(gold.text)), read(clean(given.text)), algebra)
    if isinstance(given, Formula) and len(given.text) == 1:
        return gold.letter == given.text.upper() and gold.letter in "ABCDEFGHIJ"
    if gold.text and not isinstance(given, Several):
        return equal(read(clean(gold.text)), given, algebra)
    return algebra.no("the answer is no single choice")


def equal_span(gold: Span, given: Value, algebra: Algebra) -> bool:
    """The same bounds, open or closed alike; (a, b) may also be a pair."""
    if isinstance(given, Span):
        if gold.closed != given.closed:
            return algebra.no("intervals compared")
        if gold.name and given.name and gold.name.casefold() != given.name.casefold():
            return algebra.no(f"{given.name} is not {gold.name}")
        ends = ((gold.low, given.low), (gold.high, given.high))
        return all(equal_bound(wanted, found, algebra) for wanted, found in ends)
    if gold.closed == (False, False) and gold.low is not None and gold.high is not None:
        pair = Several("tuple", (gold.low, gold.high))
        return isinstance(given, Several) and given.kind in ("tuple", "list") and equal_several(pair, given, algebra)
    return algebra.no("the answer is no interval")


def equal_bound(gold: Value | None, given: Value | None, algebra: Algebra) -> bool:
    """The same bound; both infinite, or equal."""
    if gold is None or given is None:
        return gold is None and given is None
    return equal(gold, given, algebra)


def equal_several(gold: Several, given: Value, algebra: Algebra) -> bool:
    """Members in their order where there is one, in any order where there is none."""
    if isinstance(given, Span) and given.low is not None and given.high is not None and gold.kind in ("tuple", "list"):
        given = Several("tuple", (given.low, given.high))
    if isinstance(given, Named):
        given = given.value
    if not isinstance(given, Several):
        if gold.kind == "set" and len(gold.members) == 1:
            return equal(gold.members[0], given, algebra)
        return algebra.no("one value where the reference has several")
    if len(gold.members) != len(given.members):
        return algebra.no(f"{len(given.members)} values, expected {len(gold.members)}")
    wanted, found = named(gold, given)
    if len(wanted.members) != len(found.members) or not fits(wanted, found):
        return algebra.no(f"a {found.kind} where the reference is a {wanted.kind}")
    pairs = [equal(one, other, algebra) for one, other in zip(wanted.members, found.members, strict=True)]
    if wanted.kind in ("tuple", "ordering", "matrix") or found.kind in ("tuple", "ordering"):
        return all(pairs)
    return matched(wanted.members, found.members, algebra)


def fits(gold: Several, given: Several) -> bool:
    """Whether two kinds of collections can be equal."""
    allowed = {
        "tuple": {"tuple"}, "set": {"set", "list"}, "list": {"list", "set", "tuple", "ordering"},
        "ordering": {"ordering", "list"}, "matrix": {"matrix"}, "union": {"union"},
    }  # fmt: skip
    return given.kind in allowed[gold.kind] or any(isinstance(member, Named) for member in gold.members)


def named(gold: Several, given: Several) -> tuple[Several, Several]:
    """Lists of assignments by name; against plain values, in their order."""
    names = [[one.name if isinstance(one, Named) else "" for one in side.members] for side in (gold, given)]
    if all(names[0]) and all(names[1]):
        order = {name: place for place, name in enumerate(names[1])}
        if set(order) == set(names[0]) and len(order) == len(names[1]):
            moved = tuple(given.members[order[name]] for name in names[0])
            return replace(gold, kind="tuple"), Several("tuple", moved)
        return gold, Several("tuple", ())
    if all(names[0]):
        return replace(gold, kind="tuple"), replace(given, kind="tuple") if given.kind != "set" else given
    if all(names[1]) and gold.kind == "tuple":
        return gold, replace(given, kind="tuple")
    return gold, given


def matched(gold: Sequence[Value], given: Sequence[Value], algebra: Algebra) -> bool:
    """Whether every member of one collection has its own partner in the other."""
    left = list(given)
    complete = True
    for member in gold:
        hits = [place for place, other in enumerate(left) if equal(member, other, algebra)]
        if hits:
            left.pop(hits[0])
        complete = complete and bool(hits)
    return complete
