"""The list of problems names each by its question, whatever template the model wants around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.recorded.question import LONGEST, question_of

SYSTEM = "Please reason step by step, and put your final answer within boxed. " * 4
#: name -> the template, and special tokens that only the tokenizer knows
TEMPLATES = {
    "chatml": ("<|im_start|>system\n{s}<|im_end|>\n<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n", ()),
    "llama 3": (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{s}<|eot_id|><|start_header_id|>user"
        "<|end_header_id|>\n\n{q}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        (),
    ),
    "llama 2": ("<s>[INST] <<SYS>>\n{s}\n<</SYS>>\n\n{q} [/INST]", ()),
    "gemma": ("<bos><start_of_turn>user\n{q}<end_of_turn>\n<start_of_turn>model\n", ()),
    "zephyr": ("<|system|>\n{s}</s>\n<|user|>\n{q}</s>\n<|assistant|>\n", ()),
    "several turns": (
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\n{q}<|im_end|>\n",
        (),
    ),
    "own marks": ("⟦S⟧system\n{s}⟦E⟧⟦S⟧user\n{q}⟦E⟧⟦S⟧assistant\n", ("⟦S⟧", "⟦E⟧")),
    "the embedded model": ("<|bos|>{q}\n", ("<|bos|>",)),
    "no template": ("{q}", ()),
}
WORDS = st.sampled_from(
    ["Is", "3<5", "and", "7>2", "x < y", "a<b>c", "true?", "≈", "[1, 2]", "|x|", "user", "if a<|b| then"]
)
QUESTIONS = st.lists(WORDS, min_size=2, max_size=8).map(lambda words: " ".join(["What", *words]))


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@given(question=QUESTIONS)
def test_the_question_is_found_whole_in_every_template(name, question):
    template, special = TEMPLATES[name]
    assert question_of(template.replace("{s}", SYSTEM).replace("{q}", question), special) == question[:LONGEST]


def test_mathematics_is_not_taken_for_marks():
    assert question_of("Is 3<5 and 7>2 true?") == "Is 3<5 and 7>2 true?"


def test_a_long_question_is_shortened_and_lines_are_joined():
    assert question_of("one\ntwo") == "one two"
    assert len(question_of("x" * 500)) == LONGEST
    assert question_of(None) == ""


def test_a_prompt_of_nothing_but_a_system_text_shows_that():
    assert question_of("<|im_start|>system\nCount to three.<|im_end|>\n<|im_start|>assistant\n") == "Count to three."
