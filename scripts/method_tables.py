"""Pages about the methods: every method in full, and the index of the papers they come from."""

import ast
import re
from pathlib import Path

from scripts.piece_tables import plain
from scripts.sources import files, tree
from workbench.method import Method
from workbench.papers import systems
from workbench.piece import Piece

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
LEFT_OUT = "Left out:"  # begins the paragraph of a file's docstring that says what of its paper is not there
#: What `tests/test_contracts.py` asks of every method.
CONTRACTS = """
Beside the tests named, `tests/test_contracts.py` checks of every method, on generated ragged batches: padding and the
order of rollouts change nothing; masked tokens get no gradient; the rewards of other groups change nothing (or the
method says so); a group of equal rewards is left alone (or there is a stated reason); micro-batches of any size add up
to the same gradient; bfloat16 agrees; an unscored rollout counts as absent; all numbers stay finite.
""".strip()


def linked(paper: str) -> str:
    """Every arXiv id in a text as a link.

    >>> linked("arXiv:2402.03300, section 4")
    '[arXiv:2402.03300](https://arxiv.org/abs/2402.03300), section 4'
    """
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", paper)


def cell(text: str) -> str:
    """A text that may stand in a table: one line, bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


# -------------------------------------------------------------------------------------------- methods


def methods_page(entries: list[Method], note: str) -> str:
    """Every method: the table, then each in full with its four texts and the pieces in its slots."""
    lines = ["# Methods", "", note, ""]
    lines += [
        f"{len(entries)} methods. Each is one file in `workbench/methods/`, shared with its variants; the folder",
        "is the registry. [Papers](papers.md) says what of each paper is here and how it was checked,",
        "[the league](league.md) how they train the embedded model, [pieces](pieces.md) what the fields mean.",
        "",
        methods_table(entries),
    ]
    for method in entries:
        lines += [
            "",
            f"## {method.key}",
            "",
            f"**{method.title}**, {linked(method.paper)}. Against GRPO: {method.changes}.",
        ]
        lines += ["", "```math", " ".join(method.equation.split()), "```", "", *pieces_of(method)]
    return "\n".join(lines) + "\n"


def methods_table(entries: list[Method]) -> str:
    """One row a method: key, title, paper, what it changes."""
    rows = ["| key | method | paper | against GRPO |", "|---|---|---|---|"]
    for method in entries:
        key = f"[`{method.key}`](#{method.key})"
        rows.append(f"| {key} | {cell(method.title)} | {linked(cell(method.paper))} | {cell(method.changes)} |")
    return "\n".join(rows)


def pieces_of(method: Method) -> list[str]:
    """The slots of a method that are filled, as a table."""
    rows = ["| slot | piece | fields |", "|---|---|---|"]
    for slot, piece in method.pieces():
        fields = ", ".join(f"{name} = {plain(value)}" for name, value in piece.fields().items()) or "none"
        rows.append(f"| {slot} | [`{piece.name}`](pieces.md#{piece.kind}-{piece.name}) | {cell(fields)} |")
    return rows


# --------------------------------------------------------------------------------------------- papers


def papers_page(entries: list[Method], homes: dict[str, Path], pieces: list[type[Piece]], note: str) -> str:
    """The index of papers: for each method what is here, what is left out, and the tests that check it.

    `homes` are the files of the methods by key, `pieces` every piece of the project.
    """
    lines = ["# Papers", "", note, ""]
    lines += [
        "Every published system in the project. *Here* is the first sentence of the method's file, *left out* the",
        f"paragraph of it that begins with “{LEFT_OUT}”; a new file appears in this table by itself.",
        "",
        CONTRACTS,
        "",
        "| key | paper | here | left out | checked by |",
        "|---|---|---|---|---|",
    ]
    for method in entries:
        here, left_out = file_texts(homes[method.key])
        row = (f"[`{method.key}`](methods.md#{method.key})", linked(cell(method.paper)), here, left_out)
        lines.append(f"| {' | '.join((*map(cell, row[:2]), cell(here), cell(left_out), checks(method.key, homes)))} |")
    lines += ["", "## Published systems", "", *systems_table()]
    lines += ["", "## The tests", "", "In `tests/methods/`.", "", *tests_table(homes)]
    lines += ["", "## Papers of single pieces", ""]
    lines += ["Pieces outside `workbench/methods/` that follow a paper of their own.", ""]
    lines += ["| piece | kind | paper | what it is |", "|---|---|---|---|", *piece_rows(pieces)]
    return "\n".join(lines) + "\n"


def systems_table() -> list[str]:
    """What of every published system is here, from `workbench/papers/systems.toml`."""
    found = systems()
    counts = {status: sum(system.status == status for system in found) for status in ("whole", "part", "none")}
    told = "`workbench papers --json` gives the same. {} systems: {whole} whole, {part} in part, {none} not here."
    rows = ["| system | paper | status | carried by | here | missing |", "|---|---|---|---|---|---|"]
    for system in found:
        keys = ", ".join(f"`{key}`" for key in system.keys)
        columns = (system.title, linked(system.paper), system.status, keys, system.here, system.missing)
        rows.append(f"| {' | '.join(map(cell, columns))} |")
    return [told.format(len(found), **counts), "", *rows]


def file_texts(path: Path) -> tuple[str, str]:
    """What a method's file says is here, and what it says is left out."""
    paragraphs = (ast.get_docstring(tree(path)) or "").split("\n\n")
    left_out = [text.removeprefix(LEFT_OUT).strip() for text in paragraphs if text.startswith(LEFT_OUT)]
    return linked(paragraphs[0]), linked(left_out[0]) if left_out else "nothing stated"


def checks(key: str, homes: dict[str, Path]) -> str:
    """The test files of a method as they stand in the table."""
    return ", ".join(f"`{path.name}`" for path in tests_of(key, homes)) or "the contracts alone"


def tests_of(key: str, homes: dict[str, Path]) -> list[Path]:
    """The test files that name a method, or import from its file."""
    module = f"workbench.methods.{homes[key].stem} "
    texts = {path: path.read_text(encoding="utf-8") for path in files("tests/methods") if path.name.startswith("test_")}
    return [path for path, text in texts.items() if f'"{key}"' in text or module in text]


def tests_table(homes: dict[str, Path]) -> list[str]:
    """Every test file of a method with the first sentence of its docstring."""
    found = sorted({path for key in homes for path in tests_of(key, homes)})
    texts = [(path.name, (ast.get_docstring(tree(path)) or "").split("\n\n")[0]) for path in found]
    return ["| file | what it checks |", "|---|---|", *(f"| `{name}` | {cell(text)} |" for name, text in texts)]


def piece_rows(pieces: list[type[Piece]]) -> list[str]:
    """Pieces with a paper of their own that no method's file holds."""
    rows = []
    for piece in pieces:
        text = piece.__doc__ or ""
        if ARXIV.search(text) and not piece.__module__.startswith("workbench.methods"):
            papers = ", ".join(dict.fromkeys(f"arXiv:{found}" for found in ARXIV.findall(text)))
            name = piece.__name__
            kind = next(base for base in piece.__mro__ if Piece in base.__bases__).__name__
            rows.append(f"| `{name}` | {kind} | {linked(papers)} | {cell(linked(text.split(chr(10) * 2)[0]))} |")
    return sorted(set(rows))
