"""The question of a prompt: the last turn of the user, without chat template, roles and special tokens."""

import re
from collections.abc import Iterator, Sequence

LONGEST = 160  # characters that a list shows
#: Marks of chat templates, for runs without a tokenizer; mathematics such as `3<5` is none of them.
KNOWN_MARKS = r"<\|[^<>|\s]{1,40}\|>|<(?:start|end)_of_turn>|</?s>|<(?:bos|eos|pad|unk)>|\[/?INST\]"
USER, OTHERS = {"user", "human", "inst"}, {"system", "assistant", "model", "tool", "/inst", "developer", "ipython"}
ROLES = USER | OTHERS
LLAMA_SYSTEM = re.compile(r"<<SYS>>.*?<</SYS>>", re.DOTALL)


def question_of(prompt: str | None, special: Sequence[str] = ()) -> str:
    """The question on one line, shortened; `special`: the texts of the tokenizer's special tokens.

    >>> question_of("<|im_start|>system\\nBe brief.<|im_end|>\\n<|im_start|>user\\nIs 3<5?<|im_end|>\\n")
    'Is 3<5?'
    """
    found = list(turns(LLAMA_SYSTEM.sub("", prompt or ""), special))
    asked = [text for role, text in found if role in USER]
    others = [text for role, text in found if role not in ROLES]
    rest = others or [text for _, text in found]
    text = asked[-1] if asked else " ".join(rest)
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def turns(prompt: str, special: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The turns of a prompt as role and text; the role is empty where no mark names one.

    The mark itself names the role (`<|user|>`, `[INST]`), or the text between two marks (Llama 3), or the line after
    one (ChatML).
    """
    marks = [re.escape(text) for text in sorted(special, key=len, reverse=True) if text.strip()]
    parts = re.split(f"({'|'.join([*marks, KNOWN_MARKS])})", prompt)
    role = ""
    for place, part in enumerate(parts):
        name = part.strip("<|>[] \n").lower()
        if place % 2:
            role = name if name in ROLES else role
        elif place and name in ROLES:
            role = name
        elif part.strip():
            first, line_end, rest = part.lstrip("\n").partition("\n")
            named = bool(place and line_end and first.strip().lower() in ROLES)
            if named:
                role = first.strip().lower()
            yield role, rest if named else part
