"""What the documentation site needs beside MkDocs: pages from outside `docs/`, equations, and a look for strangers.

MkDocs calls the functions named `on_…`; `mkdocs.yml` names this file. Nothing that a page loads may come from another
host: equations become MathML while the site is built, and `on_post_page` warns of a script, sheet, font or picture
from elsewhere, which `--strict` makes an error.
"""

import html
import logging
import posixpath
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
LOG = logging.getLogger("mkdocs.hooks.workbench")
#: Files of the repository that are pages of the site, with their place in it.
ADOPTED = {
    "CHANGELOG.md": "changelog.md",
    "DECISIONS.md": "decisions.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "README.md": "index.md",  # links to it lead to the start page; its text is not shown twice
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)


def on_files(files: "Files", config: Any) -> "Files":
    """Adds the lessons and the pages that stand at the top of the repository."""
    from mkdocs.structure.files import File  # only where the site is built: tests import this module without MkDocs

    for name, place in ADOPTED.items():
        if place not in files.src_uris:
            text = rewritten((ROOT / name).read_text(encoding="utf-8"), "", place)
            files.append(File.generated(config, place, content=text))
    copies = ROOT / "build" / "pages"  # mkdocs-jupyter reads a lesson from a folder, where it has its place in the site
    (copies / "lessons").mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        place = f"lessons/{path.name}"
        shutil.copy(path, copies / place)
        files.append(File(place, str(copies), config.site_dir, config.use_directory_urls))
    return files


on_files.mkdocs_priority = 100  # type: ignore[attr-defined]  # before mkdocs-jupyter looks for lessons


def on_page_markdown(markdown: str, page: Any, config: Any, files: "Files") -> str:
    """Links out of `docs/` as the site has them."""
    del config, files
    return rewritten(markdown, posixpath.join("docs", posixpath.dirname(page.file.src_uri)), page.file.src_uri)


def rewritten(text: str, folder: str, place: str) -> str:
    """A page's links, written for a reader of the repository in `folder`, for a page of the site at `place`.

    A link to a file that is no page of the site becomes its text: there is nothing to lead to.

    >>> rewritten("[a](../CHANGELOG.md#x), [b](../workbench/ops.py), [c](vllm.md)", "docs", "index.md")
    '[a](changelog.md#x), b, [c](vllm.md)'
    >>> rewritten("[vLLM](docs/vllm.md), [lesson](notebooks/01.ipynb)", "", "contributing.md")
    '[vLLM](vllm.md), [lesson](lessons/01.ipynb)'
    """

    def replaced(match: re.Match[str]) -> str:
        image, label, target, anchor = match[1], match[2], match[3], match[4] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        found = site_place(posixpath.normpath(posixpath.join(folder, target)))
        if found is None:
            return label
        return f"{image}[{label}]({posixpath.relpath(found, posixpath.dirname(place) or '.')}{anchor})"

    return "".join(part if code else LINK.sub(replaced, part) for part, code in outside_code(text))


def site_place(path: str) -> str | None:
    """Where a file of the repository stands on the site; None where it does not."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("notebooks/") and path.endswith(".ipynb"):
        return "lessons/" + path.removeprefix("notebooks/")
    return ADOPTED.get(path)


def outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """A Markdown text in pieces: each with whether it is a fenced block."""
    for number, part in enumerate(re.split(r"(^```.*?^```[^\S\n]*$)", text, flags=re.DOTALL | re.MULTILINE)):
        yield part, bool(number % 2)


# ------------------------------------------------------------------------------------------ equations


def equation(
    source: str, language: str = "", css_class: str = "", options: Any = None, md: Any = None, **more: Any
) -> str:
    """A fenced block of LaTeX as MathML; the arguments are those of a fence of pymdownx."""
    del language, options, md, more
    return f'<div class="{css_class or "equation"}">{mathml(source, "block")}</div>'


def mathml(latex: str, display: str) -> str:
    """LaTeX as MathML, which browsers draw without a script."""
    from latex2mathml.converter import convert

    return str(convert(latex.replace(r"\arg", r"\operatorname{arg}"), display=display))


def on_page_content(content: str, page: Any, config: Any, files: "Files") -> str:
    """Equations in the texts of a lesson; code is left alone."""
    del config, files
    if not page.file.src_uri.endswith(".ipynb"):
        return content
    parts = re.split(r"(<(?:pre|code|script|style)\b.*?</(?:pre|code|script|style)>|<[^>]+>)", content, flags=re.DOTALL)
    return "".join(part if number % 2 else MATH.sub(as_mathml, part) for number, part in enumerate(parts))


def as_mathml(match: re.Match[str]) -> str:
    """A match of MATH as MathML."""
    kind = "block" if match["block"] else "inline"
    return mathml(html.unescape(match[kind]), kind)


# ------------------------------------------------------------------------------------------ strangers


class Loaded(HTMLParser):
    """Collects what a page loads by itself from another host; links that a reader may follow are no matter."""

    SOURCES = ("src", "srcset", "data", "poster")

    def __init__(self) -> None:
        super().__init__()
        self.strangers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Looks at the attributes that make a browser load something."""
        found = dict(attrs)
        names = ("href",) if tag == "link" and found.get("rel") not in ("canonical", "next", "prev") else self.SOURCES
        self.strangers += [str(found[name]) for name in names if re.match(r"(https?:)?//", found.get(name) or "")]


def strangers(page: str) -> list[str]:
    """The addresses on other hosts from which a page loads something.

    >>> strangers('<script src="https://cdn.example/x.js"></script><a href="https://arxiv.org">a paper</a>')
    ['https://cdn.example/x.js']
    """
    reader = Loaded()
    reader.feed(page)
    return reader.strangers


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Warns of a page that needs the network."""
    del config
    for address in strangers(output):
        LOG.warning("%s loads %s: every part of the site must come with it", page.file.src_uri, address)
    return output
