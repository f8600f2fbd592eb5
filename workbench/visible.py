"""Text of others made safe to show: signs that would be obeyed instead of read are written out.

A terminal obeys control characters and escape sequences; terminals and browsers obey direction marks, which turn text
around. A model writes any of them. `visible` stands where a text leaves for a terminal, `escaped` where it leaves for
HTML, `json_text` where it leaves as JSON; nothing else needs to know.
"""

import html
import json
import re
from typing import Any

#: C0 but tab and line feed, delete, C1, the soft hyphen, direction marks, invisible and line-ending signs, surrogates,
#: interlinear marks, tags. Joiners and variation selectors stay: scripts and emoji are written with them.
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
PICTURES = 0x2400  # the block of pictures for C0; delete has its own


def visible(text: str) -> str:
    """The text with every such sign written out; of a text so treated, itself.

    >>> visible("\\x1b[31mred \\u202e turned"), visible("two\\nlines\\tand a tab")
    ('␛[31mred ⟨U+202E⟩ turned', 'two\\nlines\\tand a tab')
    """
    return OBEYED.sub(lambda found: sign(ord(found[0])), text)


def sign(code: int) -> str:
    """How a character is written out.

    >>> sign(0x1B), sign(0x7F), sign(0x9B)
    ('␛', '␡', '⟨U+009B⟩')
    """
    if code < 0x20:
        return chr(PICTURES + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def escaped(text: str) -> str:
    """The text for HTML, mark-up and such signs written out.

    >>> escaped("<b>\\x07 \\u202e")
    '&lt;b&gt;␇ ⟨U+202E⟩'
    """
    return html.escape(visible(text))


def json_text(document: Any) -> str:
    """One JSON document on one line, such signs as JSON's own escapes: whoever parses it reads the text unchanged.

    >>> json_text({"text": "\\x9b2J é"})
    '{"text": "\\\\u009b2J é"}'
    """
    return OBEYED.sub(lambda found: escape(ord(found[0])), json.dumps(document, ensure_ascii=False))


def escape(code: int) -> str:
    """A character as JSON escapes it, in two halves where it needs them."""
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
