"""A tokenizer whose vocabulary is listed, not trained: specials, 256 bytes, and pieces. Lossless on any text."""

import re
from collections.abc import Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS = "<|pad|>", "<|bos|>", "<|eos|>"
PIECES = r" ?\p{L}+| ?\p{N}|\n| ?[^\s\p{L}\p{N}]|\s"  # a word, a digit, a line break, a sign, another space
#: The conversation's last message, with the line break after which the answer begins.
CHAT_TEMPLATE = "{{ bos_token }}{{ messages[-1]['content'] | trim }}\n{# the answer follows #}"


def make_tokenizer(words: Sequence[str], phrases: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A new tokenizer; always the same for the same words.

    A text falls apart into phrases, the longest first, and `PIECES`; what is neither phrase nor word, into bytes.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    longest = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    known = [spelled(each) for each in (*longest, *words)]
    vocabulary = dict.fromkeys([PAD, BOS, EOS, *letters, *known])
    numbered = {piece: number for number, piece in enumerate(vocabulary)}
    core = Tokenizer(models.BPE(vocab=numbered, merges=[], ignore_merges=True))
    pattern = "|".join([*map(re.escape, longest), PIECES])
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
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


def spelled(piece: str) -> str:
    """A piece in the alphabet of bytes: a space is "Ġ", a line break "Ċ"."""
    return piece.replace(" ", "Ġ").replace("\n", "Ċ")
