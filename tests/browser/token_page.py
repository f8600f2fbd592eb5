"""A page with the token view alone, over a group made up in the test: no run, no kernel."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.laboratory import Watch
from widgets.wire import bundle
from workbench import signals  # noqa: F401  importing them enters their descriptions
from workbench.descriptions import DESCRIPTIONS

WORDS = ["The", " sum", " of", " tw", "elve", " and", " one", " is", " ", "13", ".", "\n", " So", " it", " holds", "."]
VOCABULARY = {number: [text, 0] for number, text in enumerate(WORDS)} | {16: ["<|end|>", 1], 17: [" needle", 0]}

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>tokens</title><style>{styles}
body {{ margin: 0 }} #root {{ padding: 10px; background: var(--wb-page) }}</style></head>
<body><div class="wb" id="root" data-theme="{theme}"></div>
<script type="module">{script}
const data = {data};
const floats = new Set(data.signals);
const typed = (name, values) => floats.has(name) || name === "top_probs"
  ? Float32Array.from(values, (value) => value ?? NaN) : Int32Array.from(values);
const groups = data.groups.map((group) => ({{ ...group, kind: "group", signals: [...data.signals],
  columns: Object.fromEntries(Object.entries(group.columns).map(([name, values]) => [name, typed(name, values)])) }}));
const outcome = (each) => [each.rollout, each.reward, each.correct, each.finish];
const source = {{
  index: async () => ({{ steps: [...new Set(groups.map((group) => group.step))] }}),
  board: async (step) => ({{ step, groups: groups.filter((group) => group.step === step).map(({{ group, rollouts }}) =>
    ({{ group, problem: rollouts[0].problem, question: "why?", rollouts: rollouts.map(outcome) }})) }}),
  group: async (step, number) => groups.find((group) => group.step === step && group.group === number),
  {source}
}};
globalThis.view = new tokens_token_view_js.TokenView(document.getElementById("root"), source);
await view.start();
</script></body></html>"""


def make_group(texts: Sequence[Sequence[int]], step: int = 1, group: int = 0, problem: str = "p") -> dict[str, Any]:
    """A group of rollouts given as token ids; every signal differs from token to token."""
    rollouts: list[dict[str, Any]] = []
    start = 0
    for number, ids in enumerate(texts):
        outcome = {"reward": float(number % 2 == 0), "correct": float(number % 2 == 0), "finish": "stop"}
        rollouts.append(
            {"rollout": number, "start": start, "length": len(ids), "prompt": 0, "problem": problem, **outcome}
        )
        start += len(ids)
    tokens = [token for ids in texts for token in ids]
    wave = [((place * 37) % 100) / 50 - 1 for place in range(start)]
    columns = {"tokens": tokens, "trained": [1] * start, "advantage": wave, "lens": wave[::-1]}
    columns |= {"entropy": [abs(value) for value in wave], "logprob": [-abs(value) - 0.01 for value in wave]}
    columns["top_ids"] = [other for token in tokens for other in (token, *range(4))]
    columns["top_probs"] = [share for _ in tokens for share in (0.6, 0.2, 0.1, 0.05, 0.01)]
    return {"step": step, "group": group, "rollouts": rollouts, "prompts": [[0, 1]], "columns": columns}


def token_page(
    path: Path,
    groups: Sequence[dict[str, Any]],
    vocabulary: Mapping[int, list[Any]],
    source: str = "",
    theme: str = "light",
) -> str:
    """Writes the page and answers its address; `source` are further functions of the source, as JavaScript."""
    known = {str(token): entry for token, entry in vocabulary.items()}
    described = {name: found.as_texts() for name, found in DESCRIPTIONS.items()}
    data = {
        "signals": ["advantage", "lens", "entropy", "logprob"],
        "groups": [{**group, "vocabulary": known, "described": described} for group in groups],
    }
    text = json.dumps(data).replace("<", "\\u003c")
    script, styles = bundle.script("tokens/token_view"), bundle.styles("tokens/token_view", "board/board")
    path.write_text(PAGE.format(styles=styles, script=script, data=text, source=source, theme=theme))
    return path.as_uri()


def sentence(*further: int) -> list[int]:
    """Token ids of two lines, with some more behind."""
    return [*range(16), *further, 16]


@contextmanager
def token_pages(browser: Any, folder: Path) -> Iterator[Callable[..., Any]]:
    """Opens token views over groups; fails at the end on errors of the pages and on requests that leave them."""
    opened = []

    def open_page(
        groups: Sequence[dict[str, Any]], vocabulary: Mapping[int, list[Any]] = VOCABULARY, **more: Any
    ) -> Any:
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        watch = Watch()
        watch.listen(page)
        page.goto(token_page(folder / "page.html", groups, vocabulary, **more))
        page.wait_for_selector(".wb-tokens .wb-token")
        opened.append((page, watch))
        return page

    yield open_page
    for page, watch in opened:
        page.close()
        watch.check()


def press(page: Any, *keys: str) -> None:
    """Keys, one after the other, with the focus on the tokens."""
    page.focus(".wb-rollouts >> nth=0")
    for key in keys:
        page.keyboard.press(key)
