"""The embedded model's tokenizer: whole words, single digits, and bytes for everything else.

It is lossless on any text. A word or digit comes with the space before it; what is no known word falls apart into
bytes. The vocabulary is listed, not trained: specials, 256 bytes, digits and signs, words of the tasks.
"""

import re
from random import Random

from transformers import PreTrainedTokenizerFast

from workbench.models.making import vocabulary
from workbench.tasks.sums import TEMPLATES, Sums
from workbench.tasks.traces import Habits, trace
from workbench.tasks.word_problems import BOYS, GIRLS, STORIES, WordProblems


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A new tokenizer; always the same."""
    return vocabulary.make_tokenizer(words())


def words() -> list[str]:
    """Every piece of the tasks' texts that is longer than a byte."""
    texts = [*sentences(), *(f" {number}" for number in range(10)), " + - * = ."]
    found = {piece for text in texts for piece in re.findall(r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]", text)}
    return sorted((piece for piece in found if len(piece) > 1), key=vocabulary.spelled)


def sentences() -> list[str]:
    """The words the tasks can use, and examples of answers, each with and without a space before it."""
    people = [f"{name} {name}" for name in GIRLS + BOYS] + ["She she her He he him"]
    templates = [*TEMPLATES, *people]
    for story in STORIES:
        parts = [story.opening, story.product, *story.more, *story.less, story.question, *story.things]
        templates += [re.sub(r"\{\w+\}", "", part) for part in parts]
    random = Random(0)
    problems = [task.problem(number, "train") for task in (Sums(), WordProblems()) for number in range(200)]
    answers = [trace(problem, Habits(), random) for problem in problems]
    return [*templates, *answers] + [f" {text}" for text in templates]
