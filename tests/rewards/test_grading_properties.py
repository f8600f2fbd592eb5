"""Grading over generated pairs: what must be equal however it is written, and what must never count."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rewards.grading_cases import ALL
from tests.rewards.reward_examples import make_rollout, score_text
from workbench.rewards.exact import Exact
from workbench.rewards.grading.algebra import Algebra
from workbench.rewards.grading.compare import grade
from workbench.rewards.grading.units import UNITS, Unit
from workbench.rewards.math import Math
from workbench.types import Problem

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


MARKUP = (
    "{}", "{}.0", "{}.00", "{}.", " {} ", "${}$", "$${}$$", r"\({}\)", r"\[{}\]", "**{}**", "*{}*", "__{}__",
    "`{}`", '"{}"',
    "{{{}}}", r"\text{{{}}}", r"\mathbf{{{}}}", r"\boxed{{{}}}", "x = {}", "n={}", "{} apples", "{} units",
    r"{}\text{{ cm}}", "{} dollars", r"\left({}\right)",
)  # fmt: skip


def same(reference: str, answer: str) -> bool:
    """Whether an answer that stands by itself is graded correct without computer algebra."""
    return grade(reference, answer, Algebra(available=False)).correct is True


def in_words(number: int) -> str:
    """A whole number below a million in English, written independently of the reader."""
    ones = [*ONES.split(), "eighteen", "nineteen"]
    if number < 20:
        return ones[number]
    if number < 100:
        return TENS.split()[number // 10 - 2] + (f"-{ones[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    return f"{in_words(number // size)} {name}" + (f" {'and ' if rest < 100 else ''}{in_words(rest)}" if rest else "")


def spellings(number: int) -> list[str]:
    """The same whole number in many spellings."""
    plain, sign, size = str(number), "-" if number < 0 else "", abs(number)
    groups = f"{size:,}"
    power = len(str(size)) - 1
    mantissa = f"{size // 10**power}.{str(size)[1:] or '0'}"
    separators = (",", " ", r"\,", "{,}", "\u00a0", "\u202f", "'")
    found = [
        *(form.format(plain) for form in MARKUP), plain.replace("-", "−"), plain.replace("-", "–"),
        plain.translate(FULL_WIDTH), *(sign + groups.replace(",", separator) for separator in separators),
        rf"{sign}{mantissa} \times 10^{{{power}}}", f"{sign}{mantissa}e{power}", f"{sign}{mantissa}E+{power}",
        f"{sign}{mantissa} × 10{str(power).translate(SUPERSCRIPT)}", rf"{sign}{mantissa} \cdot 10^{power}",
    ]  # fmt: skip
    words = in_words(size)
    return found + ([words, words.capitalize(), words.replace("-", " ")] if number >= 0 else [f"minus {words}"])


@given(st.integers(-999_999, 999_999))
def test_a_number_in_forty_spellings_is_itself(number: int) -> None:
    differ = [text for text in spellings(number) if not same(str(number), text)]
    assert differ == []


@given(st.integers(-99_999, 99_999), st.integers(-99_999, 99_999))
def test_no_spelling_of_another_number_is_it(number: int, other: int) -> None:
    if number != other:
        assert [text for text in spellings(other) if same(str(number), text)] == []


@given(st.fractions(max_denominator=60))
def test_fractions_are_their_other_forms(value: Fraction) -> None:
    top, bottom = value.numerator, value.denominator
    forms = [
        f"{top}/{bottom}",
        rf"\frac{{{top}}}{{{bottom}}}",
        rf"\dfrac{{{top}}}{{{bottom}}}",
        rf"$\tfrac{{{top}}}{{{bottom}}}$",
    ]
    if abs(value) > 1 and bottom > 1:
        whole, rest = divmod(abs(top), bottom)
        sign = "-" if value < 0 else ""
        forms += [rf"{sign}{whole}\frac{{{rest}}}{{{bottom}}}", f"{sign}{whole} {rest}/{bottom}"]
    if 10**12 % bottom == 0:
        forms += [f"{float(value)}"] if len(f"{float(value)}") < 14 and "e" not in f"{float(value)}" else []
    reference = forms[1] if bottom > 1 else str(top)
    assert [form for form in forms if not same(reference, form) and bottom > 1] == []
    assert not same(reference, rf"\frac{{{top + 1}}}{{{bottom}}}")
    assert not same(reference, rf"\frac{{{bottom}}}{{{top}}}") or abs(value) == 1


OPERATIONS = ("{} + {}", "{} - {}", "{} \\times {}", "{} * {}", "{} \\cdot {}", "{}+{}", "{}×{}", "({})({})", "{} · {}")


@given(st.integers(2, 999), st.integers(2, 999), st.sampled_from(OPERATIONS), st.booleans())
def test_the_task_restated_is_no_answer(one: int, other: int, form: str, named: bool) -> None:
    sign = "+" if "+" in form else "-" if " - " in form else "*"
    value = {"+": one + other, "-": one - other, "*": one * other}[sign]
    task = ("x = " if named else "") + form.format(one, other)
    assert score_text(Math(), str(value), rf"\boxed{{{task}}}").value == 0.0
    assert score_text(Exact(), str(value), f"answer: {task}").value == 0.0
    assert score_text(Math(), str(value), f"answer: {task} = {value}").value == 1.0


@given(st.integers(2, 999), st.integers(2, 99))
def test_a_division_left_to_do_is_no_answer(value: int, divisor: int) -> None:
    top = value * divisor
    for task in (
        f"{top}/{divisor}",
        rf"\frac{{{top}}}{{{divisor}}}",
        f"{top} ÷ {divisor}",
        rf"{top} \div {divisor}",
        f"{value}/1 + 0",
        f"{value}^1",
    ):
        assert not same(str(value), task)


HEDGES = (
    "{0} or {1}", "{1} or {0}", "either {0} or {1}", "{0}, {1}", r"{0} \text{{ or }} {1}", "not {0}",
    "maybe {0}, maybe {1}",
)  # fmt: skip


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.reference)
def test_a_hedged_reference_is_no_answer(kind) -> None:  # type: ignore[no-untyped-def]
    nothing = kind.reference.startswith(("\\text{No", "No", r"\emptyset", r"\mathbb"))
    wanted, other = kind.reference, "17" if nothing else "no solution"
    hedges = [form.format(wanted, other) for form in HEDGES]
    found = Math()(Problem("1", "", kind.reference), [make_rollout(rf"\boxed{{{text}}}") for text in hedges], None)
    assert [text for text, score in zip(hedges, found, strict=True) if score.value != 0.0] == []
    box, boxed = rf"\boxed{{{kind.reference}}}", rf"\boxed{{{other}}}"
    for text in (
        f"{box} or {boxed}",
        f"{boxed} or {box}",
        f"It is not {box}",
        f"{box} {boxed}",
        f"Perhaps {boxed}. Perhaps also {box}.",
    ):
        assert score_text(Math(), kind.reference, text).value == 0.0, text


PAIRS = [
    ("42", "43"),
    ("-7", "7"),
    (r"\frac{1}{2}", r"\frac{1}{3}"),
    ("C", "D"),
    ("1,200", "1,201"),
    ("(1, 2)", "(2, 1)"),
]
WRAPPINGS = (
    "{}", "**{}**", "*{}*", "`{}`", "${}$", "**${}$**", "\\({}\\)", "{}.", "**{}**.", "$${}$$", "\\[{}\\]",
    "{{{}}}", " {} ",
    "{}\n\nDone.",
)  # fmt: skip
LEADS = (
    "answer: {}", "Answer: {}", "**Answer:** {}", "**Answer**: {}", "The answer is {}", "The final answer is: {}",
    "#### {}",
    "So\nA: {}", "### Answer\n{}", "**Final Answer**\n\n{}", "<answer>{}</answer>",
    "<think>no</think><answer>{}</answer>",
    "Therefore, the answer is {}",
)  # fmt: skip


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_markup_around_an_answer_changes_nothing(lead: str, wrapping: str) -> None:
    for reference, wrong in PAIRS:
        braces_of_a_set = wrapping == "{{{}}}" and "," in reference
        if braces_of_a_set or ("Done" in wrapping and "</answer>" in lead):
            continue
        for answer, value in ((reference, 1.0), (wrong, 0.0)):
            text = lead.format(wrapping.format(answer))
            found = score_text(Math(), reference, text)
            assert found.value == value, (text, found.reason)
            assert score_text(Exact(), reference, text).value == value, text


@given(st.lists(st.integers(0, 50), min_size=2, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_order_counts_where_there_is_one(members: list[int], dice) -> None:  # type: ignore[no-untyped-def]
    moved = list(members)
    dice.shuffle(moved)
    one, other = ", ".join(map(str, members)), ", ".join(map(str, moved))
    assert same(rf"\{{{one}\}}", rf"\{{{other}\}}")
    assert same(one, other)
    assert same(f"({one})", f"({other})") == (members == moved)
    names = [
        " > ".join("ABCDEFGHIJ"[place] for place in order)
        for order in (range(len(members)), sorted(range(len(members)), key=moved.__getitem__))
    ]
    assert same(*names) == (names[0] == names[1])
    assert not same(rf"\{{{one}\}}", rf"\{{{other}, 99\}}")
    assert not same(rf"\{{{one}, 99\}}", rf"\{{{other}\}}")


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=6)


@given(LETTERS, st.randoms(use_true_random=False))
def test_words_are_no_products_of_letters(word: str, dice) -> None:  # type: ignore[no-untyped-def]
    moved = list(word)
    dice.shuffle(moved)
    for one, other in ((word, "".join(moved)), (word.upper(), "".join(moved).upper())):
        found = score_text(Math(), one, rf"\boxed{{{other}}}")
        assert found.correct is (one == other) or score_text(Math(), one, rf"\boxed{{{one}}}").correct is not True


MEASURES = sorted(
    {
        (name, unit)
        for name, unit in UNITS.items()
        if unit.powers and not unit.offset and len(name) > 1 and name.isascii()
    },
    key=str,
)


@given(st.sampled_from(MEASURES), st.sampled_from(MEASURES), st.integers(1, 500))
def test_units_of_one_dimension_convert_and_others_do_not(
    one: tuple[str, Unit], other: tuple[str, Unit], number: int
) -> None:
    (name, unit), (second, found) = one, other
    reference = f"{number} {name}"
    converted = number * unit.scale / found.scale
    alike = unit.powers == found.powers
    assert same(reference, rf"\frac{{{converted.numerator}}}{{{converted.denominator}}} {second}") == alike
    assert same(reference, f"{number} {second}") == (alike and unit.scale == found.scale)
    assert same(reference, str(number))
    assert same(str(number), reference)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59))
def test_clock_times(hour: int, minute: int, other: int, second: int) -> None:
    half = f"{hour % 12 or 12}:{minute:02d} {'PM' if hour >= 12 else 'AM'}"
    assert same(half, f"{hour:02d}:{minute:02d}") == (hour != 12)
    assert same(half, half.lower().replace("m", ".m."))
    if (hour, minute) != (other, second):
        assert not same(
            f"{hour:02d}:{minute:02d} " if False else half,
            f"{other % 12 or 12}:{second:02d} {'PM' if other >= 12 else 'AM'}",
        )


COMMANDS = (
    "\\boxed{ \\frac{ \\sqrt \\text{ \\{ \\} \\left( \\infty \\begin{pmatrix} \\end{pmatrix} \\\\ \\pm 10^{99999}"
)
WORDS = "answer: <answer> </answer> #### or ** km dozen and <think> </think> 答案 not"
SIGNS = [*"0123456789+-*/^(){}[]$%,.:;=<>|&_~ \n", *"½²−°€aAx", "\x00", "\u200b", "\ud800", "9" * 30]
BUILDING = st.sampled_from([*SIGNS, *COMMANDS.split(), *WORDS.split()])


@settings(max_examples=300)
@given(st.lists(BUILDING, max_size=30).map("".join))
def test_whatever_a_model_writes_is_scored(text: str) -> None:
    """Random pieces of answers never raise, never are unscored, and match only what they could say."""
    for reference in ("5", r"\frac{1}{2}", "A", "Paris", r"\{1, 2\}", "12 km"):
        found = score_text(Exact(), reference, text)
        assert found.value in (0.0, 1.0)
        assert found.reason


def test_grades_do_not_depend_on_their_neighbours() -> None:
    """The same pair has the same grade alone and among others."""
    for kind in itertools.islice(ALL, 0, None, 7):
        texts = [rf"\boxed{{{text}}}" for text in (*kind.correct, *kind.incorrect)]
        together = Math()(Problem("1", "", kind.reference), [make_rollout(text) for text in texts], None)
        assert [score.value for score in together] == [score_text(Math(), kind.reference, text).value for text in texts]
