"""Writes what the documentation takes from the code: README's tables of methods and of the league, docs/methods.md,
docs/pieces.md, docs/config.md, and the requirements in environment.yml.

`python -m scripts.make_docs` writes; with `--check` it writes nothing and fails if a file is stale.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

from scripts.config_tables import config_page
from scripts.league_table import league_table
from scripts.piece_tables import kinds, pieces_page, plain
from scripts.sources import ROOT
from workbench.method import Method

NOTE = "<!-- written by `make docs`; edit the code instead -->"


def main(arguments: list[str]) -> int:
    """Writes or checks every generated file; the answer is the exit status."""
    os.environ.pop("WORKBENCH_PATH", None)  # a user's own methods do not belong into the project's tables
    wanted = generated()
    stale = [path for path, text in wanted.items() if not is_current(path, text)]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run `make docs` and commit what it writes", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def is_current(path: Path, text: str) -> bool:
    """Whether a file already holds this text."""
    return path.exists() and path.read_text(encoding="utf-8") == text


def generated() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    from workbench.registry import methods

    entries = [method for _, method in sorted(methods().items())]
    readme, environment = ROOT / "README.md", ROOT / "environment.yml"
    text = between(readme.read_text(encoding="utf-8"), "methods", methods_table(entries))
    return {
        readme: between(text, "league", league_table()),
        environment: between(environment.read_text(encoding="utf-8"), "requirements", requirements(), comment="#"),
        ROOT / "docs" / "config.md": config_page(NOTE),
        ROOT / "docs" / "methods.md": methods_page(entries),
        ROOT / "docs" / "pieces.md": pieces_page(kinds(), NOTE),
    }


def between(text: str, name: str, content: str, comment: str = "<!--") -> str:
    """The text with what stands between its two markers replaced.

    >>> between("a\\n# begin x\\nold\\n# end x\\nb", "x", "new", comment="#")
    'a\\n# begin x\\nnew\\n# end x\\nb'
    """
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines) if line.strip().startswith(f"{comment} begin {name}")]
    ends = [number for number, line in enumerate(lines) if line.strip().startswith(f"{comment} end {name}")]
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise ValueError(f"one pair of lines '{comment} begin {name}' and '{comment} end {name}' is needed")
    return "\n".join([*lines[: begins[0] + 1], content, *lines[ends[0] :]])


def linked(paper: str) -> str:
    """Every arXiv id in a text as a link.

    >>> linked("arXiv:2402.03300, section 4")
    '[arXiv:2402.03300](https://arxiv.org/abs/2402.03300), section 4'
    """
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", paper)


def cell(text: str) -> str:
    """A text that may stand in a table: one line, bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def methods_table(entries: list[Method]) -> str:
    """One row a method: key, title, paper, what it changes."""
    rows = ["| key | method | paper | against GRPO |", "|---|---|---|---|"]
    for method in entries:
        rows.append(
            f"| `{method.key}` | {cell(method.title)} | {linked(cell(method.paper))} | {cell(method.changes)} |"
        )
    return "\n".join(rows)


def methods_page(entries: list[Method]) -> str:
    """Every method in full: the four texts and the pieces in its slots."""
    lines = ["# Methods", "", NOTE, "", "Every entry is one file in `workbench/methods/`; the folder is the registry."]
    for method in entries:
        lines += [
            "",
            f"## `{method.key}`: {method.title}",
            "",
            f"{linked(method.paper)}. Against GRPO: {method.changes}.",
            "",
        ]
        lines += ["```math", " ".join(method.equation.split()), "```", ""]
        lines += ["| slot | piece | fields |", "|---|---|---|"]
        for slot, piece in method.pieces():
            fields = ", ".join(f"{name} = {plain(value)}" for name, value in piece.fields().items()) or "none"
            lines.append(f"| {slot} | [`{piece.name}`](pieces.md#{piece.kind}-{piece.name}) | {cell(fields)} |")
    return "\n".join(lines) + "\n"


def requirements() -> str:
    """The requirements of pyproject.toml, the package's own and those of `dev`, as conda's pip section has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return "\n".join(f'      - "{name}"' for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
