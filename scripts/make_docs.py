"""Writes what the documentation takes from the code: the pages of methods, papers, pieces, config, commands, API,
league, study and benchmarks in `docs/`, the base rates in tasks.md, and the requirements in environment.yml.

`python -m scripts.make_docs` writes; with `--check` it writes nothing and fails if a file is stale.
"""

import os
import sys
import tomllib
from pathlib import Path

from scripts.api_tables import api_page
from scripts.base_table import base_table
from scripts.benchmark_tables import benchmarks_page
from scripts.command_tables import commands_page
from scripts.config_tables import config_page
from scripts.league_table import league_page
from scripts.method_tables import methods_page, papers_page
from scripts.piece_tables import kinds, own_pieces, pieces_page
from scripts.sources import ROOT
from scripts.study_table import study_page

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
    from workbench.registry import HOMES, methods

    entries = [method for _, method in sorted(methods().items())]
    homes = {key: ROOT / f"{HOMES[key].replace('.', '/')}.py" for key in methods()}
    environment, tasks = ROOT / "environment.yml", ROOT / "docs" / "tasks.md"
    pages = {
        "api": api_page(NOTE),
        "benchmarks": benchmarks_page(NOTE),
        "commands": commands_page(NOTE),
        "config": config_page(NOTE),
        "league": league_page(NOTE),
        "methods": methods_page(entries, NOTE),
        "papers": papers_page(entries, homes, [piece for kind in kinds() for piece in own_pieces(kind)], NOTE),
        "pieces": pieces_page(kinds(), NOTE),
        "study": study_page(NOTE),
    }
    return {
        environment: between(environment.read_text(encoding="utf-8"), "requirements", requirements(), comment="#"),
        tasks: between(tasks.read_text(encoding="utf-8"), "base rates", base_table()),
        **{ROOT / "docs" / f"{name}.md": text for name, text in pages.items()},
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


def requirements() -> str:
    """The requirements of pyproject.toml, the package's own and those of `dev`, as conda's pip section has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return "\n".join(f'      - "{name}"' for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
