"""The program in a completion: the last closed code block, else what stands behind the last `answer:`."""

import re

from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import after_thinking

FENCE = "```"
LANGUAGES = ("", "python", "py", "python3")  # of a block that may be the program
MARKER = re.compile(r"answer:", re.IGNORECASE)


def program_of(text: str, think_end: str = "</think>", languages: tuple[str, ...] = LANGUAGES) -> Found:
    """The program of a text, or why there is none.

    >>> program_of("So:\\n```python\\nprint(1)\\n```\\nDone.").text
    'print(1)\\n'
    >>> program_of("answer: def f(x): return x").text
    'def f(x): return x'
    """
    rest = after_thinking(text, think_end, "cut")
    if rest.missing:
        return rest
    parts = rest.text.split(FENCE)
    for number in range(2 * ((len(parts) - 1) // 2) - 1, 0, -2):  # the closed blocks, the last first
        language, newline, program = parts[number].partition("\n")
        if newline and language.strip().lower() in languages and program.strip():
            return Found(program, "code block")
    if len(parts) > 1:
        wanted = " or ".join(repr(each) for each in languages if each)
        return Found(missing=f"no closed code block of {wanted}")
    markers = list(MARKER.finditer(rest.text))
    behind = rest.text[markers[-1].end() :].strip() if markers else ""
    return Found(behind, "marker") if behind else Found(missing="no code block and nothing behind 'answer:'")
