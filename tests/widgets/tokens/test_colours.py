"""Text on a token's colour keeps a contrast of 4.5 : 1 in every theme; the numbers are read from the style sheet."""

import re
from pathlib import Path

import pytest

SHEET = (Path(__file__).parents[3] / "widgets" / "tokens" / "token_view.css").read_text()
Colour = tuple[float, float, float]
WHITE, BLACK = (255.0, 255.0, 255.0), (0.0, 0.0, 0.0)
THEMES = {
    "light": (".wb {", WHITE, (BLACK, 0.87)),
    "dark": ('.wb[data-theme="dark"] {', (17.0, 17.0, 17.0), (WHITE, 0.87)),
    "vscode": ('.vscode-dark .wb[data-theme="dark"] {', (31.0, 31.0, 31.0), ((204.0, 204.0, 204.0), 1.0)),
}


def over(top: Colour, opacity: float, below: Colour) -> Colour:
    return tuple(opacity * one + (1 - opacity) * other for one, other in zip(top, below, strict=True))


def luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def variable(name: str, *selectors: str) -> str:
    """The value of a variable in the last of the rules that sets it."""
    for selector in reversed(selectors):
        rule = SHEET[SHEET.index(selector) :].split("}")[0]
        found = re.search(rf"--wb-{name}: ([^;]+);", rule)
        if found:
            return found[1]
    raise AssertionError(f"--wb-{name} is set nowhere in {selectors}")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("pole", ["up", "down", "amount"])
def test_text_is_readable_on_the_strongest_colour(theme, pole):
    selector, page, (ink, opacity) = THEMES[theme]
    selectors = [THEMES["light"][0], *([THEMES["dark"][0]] if theme == "vscode" else []), selector]
    accent = tuple(float(part) for part in variable(pole, *selectors).split())
    below = over(accent, float(variable(f"{pole}-cap", *selectors)), page)
    assert contrast(over(ink, opacity, below), below) >= 4.5


def test_both_poles_differ_in_more_than_colour():
    up, down = (SHEET[SHEET.index(f"\n.wb-{pole} {{") :].split("}")[0] for pole in ("up", "down"))
    assert "dashed" in down
    assert "dashed" not in up
