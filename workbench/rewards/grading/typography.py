r"""The same answer however it is set: LaTeX, Markdown, Unicode and plain text become one spelling."""

import re
import unicodedata

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SIGNS = {
    "−": "-", "–": "-", "‐": "-", "‑": "-", "×": r"\times ", "÷": r"\div ", "·": r"\cdot ", "⋅": r"\cdot ",
    "π": r"\pi ", "θ": r"\theta ", "∞": r"\infty ", "√": r"\sqrt", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ",
    "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "±": r"\pm ", "°": r"^\circ ", "º": r"^\circ ", "℃": r"^\circ C",
    "℉": r"^\circ F", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}",
    "→": r"\to ", "…": r"\ldots ", "⋯": r"\ldots ", "∑": r"\sum ", "∫": r"\int ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "“": '"', "”": '"', "‘": "'", "’": "'", "′": "'", "″": '"', "¼": " 1/4", "½": " 1/2", "¾": " 3/4", "⅓": " 1/3",
    "⅔": " 2/3", "⅕": " 1/5", "⅖": " 2/5", "⅗": " 3/5", "⅘": " 4/5", "⅙": " 1/6", "⅚": " 5/6", "⅛": " 1/8",
    "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8", "。": ".", "、": ", ", "\u200b": "", "\ufeff": "",
}  # fmt: skip
PLAIN = str.maketrans(SIGNS)
LATEX = (
    (re.compile(r"\$\$"), " "),
    (re.compile(r"\{([,:.])\}"), r"\1"),
    (re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits|nolimits)(?![a-zA-Z])\s*"), ""),
    (re.compile(r"\\!"), ""),
    (re.compile(r"\\(?:quad|qquad|thinspace|enspace)(?![a-zA-Z])|(?<!\\)\\[,;:> ]|(?<=\S)~"), " "),
    (re.compile(r"(?<!\\)\\[()\[\]]"), " "),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\geq?s?(?:lant)?(?![a-zA-Z])"), r"\\ge "),
    (re.compile(r"\\leq?s?(?:lant)?(?![a-zA-Z])"), r"\\le "),
    (re.compile(r"\\neq?(?![a-zA-Z])"), r"\\ne "),
    (re.compile(r"\\varnothing(?![a-zA-Z])"), r"\\emptyset "),
    (re.compile(r"\\colon(?![a-zA-Z])"), ":"),
    (re.compile(r"\{([^{}]{1,200}?)\\over(?![a-zA-Z])([^{}]{1,200})\}"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\(?:degree|degrees)(?![a-zA-Z])|\^\s*\{\s*\\circ\s*\}"), r"^\\circ "),
    (re.compile(r"\\(?:rightarrow|longrightarrow|Rightarrow|implies)(?![a-zA-Z])"), r"\\to "),
    (re.compile(r"\\[lc]?dots[cbmio]?(?![a-zA-Z])"), r"\\ldots "),
    (re.compile(r"\\([%#&])"), r"\1"),
    (re.compile(r"\\(?:euro|EUR|texteuro)(?![a-zA-Z])\s*(?:\{\})?"), "€"),
    (re.compile(r"\\(?:pounds|textsterling)(?![a-zA-Z])\s*(?:\{\})?"), "£"),
    (re.compile(r"\\(?:mathrm|rm)\s*\{\s*([a-z])\s*\}"), r"\1"),  # an upright e is e
    (re.compile(r"\\(?:text|textrm|mbox|mathrm)\s*\{\s*(,?\s*(?:and|or|then|to)\s*,?)\s*\}"), r" \1 "),
    (re.compile(r"\s+"), " "),
)
DOLLARS = re.compile(r"\$\s?[0-9][0-9,.]*[^$\\0-9]{1,30}\$\s?[0-9]")
WORDING = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|mathrm|mathbf|mathit|mathsf|mathtt|mbox|operatorname|emph|bf|bm)"
    r"\s*\{([^{}]*)\}"
)
BOX = re.compile(r"\\(?:fbox|boxed)\s*\{(.*)\}", re.DOTALL)
EMPHASIS = re.compile(r"(?<![\w)*}])(\*\*|\*)(?=[^\s*])([^*]+?)\1(?![\w*])")
NAMES = re.compile(
    r"(?<![\\a-zA-Z])(pi|theta|alpha|beta|gamma|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|infty)(?![a-zA-Z])"
)
ROOT = re.compile(r"\\?sqrt\s*\(([^()]*)\)")
QUOTES = {'"': '"', "'": "'", "`": "`"}


def clean(text: str) -> str:
    r"""A text without what only concerns its looks.

    >>> clean(r"$\dfrac{1}{2}$."), clean("**73**"), clean(r"1{,}000"), clean(r"x**2"), clean("−3"), clean("x²")
    ('\\frac{1}{2}', '73', '1,000', 'x^2', '-3', 'x^{2}')
    """
    if not text.isascii():
        text = plain_signs(text)
    if "\\" in text or "$" in text or "~" in text or "{" in text:
        text = currency(decimal_commas(text))
        for pattern, replacement in LATEX[1:]:
            text = pattern.sub(replacement, text)
    if "*" in text:
        text = EMPHASIS.sub(r"\2", text)
    text = strip_markup(" ".join(text.split()))
    return text.replace("**", "^")


def latex_names(text: str) -> str:
    r"""A formula with `pi`, `sqrt(2)`, `2*x` as LaTeX writes them.

    >>> latex_names("pi/2 + sqrt(2)"), latex_names("-2*x"), latex_names("3 + -2i")
    ('\\pi/2+\\sqrt{2}', '-2 \\cdot x', '3-2i')
    """
    text = re.sub(r"\s*\*\s*", r" \\cdot ", ROOT.sub(r"\\sqrt{\1}", NAMES.sub(r"\\\1", text)))
    return re.sub(r"\+-", "-", re.sub(r"\s*([-+=])\s*", r"\1", text))


def plain_signs(text: str) -> str:
    """Unicode's signs for formulas as LaTeX, full-width and other digits as ASCII.

    >>> plain_signs("１２ x³ ٣"), plain_signs("1½")
    ('12 x^{3} 3', '1 1/2')
    """
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda found: "^{" + found[0].translate(SUPERSCRIPTS) + "}", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉]+", lambda found: "_{" + found[0].translate(SUBSCRIPTS) + "}", text)
    text = re.sub(r"√\s*(?:\(([^()]*)\)|([0-9]+(?:\.[0-9]+)?|[a-zA-Z]))", r"\\sqrt{\1\2}", text)
    text = unicodedata.normalize("NFKC", text.translate(PLAIN)).translate(PLAIN)
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)


def decimal_commas(text: str) -> str:
    r"""`3{,}14` is 3.14, `1{,}234` is a thousand and more.

    >>> decimal_commas(r"3{,}14"), decimal_commas(r"1{,}234{,}567")
    ('3.14', '1,234,567')
    """
    return re.sub(r"\{,\}(?=([0-9]*))", lambda found: "," if len(found[1]) == 3 else ".", text)


def currency(text: str) -> str:
    r"""A dollar sign that means money stays, one that delimits a formula goes.

    >>> currency(r"\$18"), currency("$1,200"), currency("$x = 3$"), currency("$5 and $7")
    ('$18', '$1,200', ' x = 3 ', '$5 and $7')
    """
    text = text.replace("$$", " ").replace(r"\$", "\x00")
    if "$" in text:
        money = text.count("$") % 2 == 1 and re.search(r"\$\s?-?[0-9.]", text)
        if DOLLARS.search(text):
            text = re.sub(r"\$(?=\s?[0-9])", "\x00", text)
        elif money:
            text = text[: money.start()] + "\x00" + text[money.start() + 1 :]
    return text.replace("$", " ").replace("\x00", "$")


def strip_markup(text: str) -> str:
    r"""No Markdown, quotes, boxes, superfluous braces or closing punctuation around a text.

    >>> strip_markup("**7**."), strip_markup("`7`"), strip_markup(r"\boxed{7}"), strip_markup("7**")
    ('7', '7', '7', '7')
    """
    for _ in range(6):
        before = text
        text = text.strip().rstrip(".,;:\\ ").strip("*").strip()
        text = text[1:].lstrip() if text[:1] == "=" else text
        if text[:2] == "__" or text[-2:] == "__":
            text = text.strip("_")
        if len(text) > 2 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
            text = text[1:-1]
        if text.startswith("\\") and (found := BOX.fullmatch(text)) and balanced(found[1]):
            text = found[1]
        if text[:1] == "{" and text[-1:] == "}" and "," not in text and balanced(text[1:-1]):
            text = text[1:-1]
        if text == before:
            break
    return text


def balanced(text: str) -> bool:
    """Whether every brace opened is closed, and none before it is opened."""
    depth = 0
    for brace in re.findall(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


def plain_words(text: str) -> str:
    r"""A text with its LaTeX wordings as words.

    >>> plain_words(r"12\text{ cm}"), plain_words(r"\text{Tuesday}"), plain_words(r"\text{(C) } 12")
    ('12 cm', 'Tuesday', '(C) 12')
    """
    if "\\" not in text:
        return text
    for _ in range(3):
        text, count = WORDING.subn(r" \1 ", text)
        if not count:
            break
    return strip_markup(" ".join(text.split()))
