"""The embedded model's tokenizer: whole words, single digits, and bytes for everything else.

It is lossless on any text. A word or digit comes with the space before it; what is no known word falls apart into
bytes. The vocabulary is listed, not trained: specials, 256 bytes, digits and signs, words of the tasks.
"""

import re
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from workbench.tasks.sums import TEMPLATES, Sums
from workbench.tasks.traces import Habits, trace
from workbench.tasks.word_problems import BOYS, GIRLS, STORIES, WordProblems

PAD, BOS, EOS = "<|pad|>", "<|bos|>", "<|eos|>"
PIECES = r" ?\p{L}+| ?\p{N}|\n| ?[^\s\p{L}\p{N}]|\s"  # a word, a digit, a line break, a sign, another space
#: The conversation's last message, with the line break after which the answer begins.
CHAT_TEMPLATE = "{{ bos_token }}{{ messages[-1]['content'] | trim }}\n{# the answer follows #}"


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A new tokenizer; always the same."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = dict.fromkeys([PAD, BOS, EOS, *letters, *words()])
    numbered = {piece: number for number, piece in enumerate(vocabulary)}
    core = Tokenizer(models.BPE(vocab=numbered, merges=[], ignore_merges=True))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(special, normalized=False, special=True) for special in (PAD, BOS, EOS)])
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, numbered[BOS])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_max_length=4096,
    )


def words() -> list[str]:
    """Every piece of the tasks' texts that is longer than a byte, in the alphabet of bytes (a space is "Ġ")."""
    texts = [*sentences(), *(f" {number}" for number in range(10)), " + - * = ."]
    found = {piece for text in texts for piece in re.findall(r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]", text)}
    return sorted(piece.replace(" ", "Ġ") for piece in found if len(piece) > 1)


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
