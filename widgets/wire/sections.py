"""Sections of a run's page: a button below the curves each, whose script is sent when the section is first opened.

A room enters its section in its `answers.py`; no other file names it:

    section("memory/ledger", "Problems", "which problems are solved, at which step", styles=("memory/memory",))

The module's default export is called with the page's host, and answers a section as `widgets/page/sections.js` has it.
"""

from dataclasses import asdict, dataclass
from typing import Any

from widgets.wire import answers, bundle
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@dataclass(frozen=True)
class Section:
    """A section: its module, as `room/file`, the text of its button and its tooltip, and its style sheets.

    `asks`: it loads the run's model, so that it is not offered on a page that may only read.
    """

    module: str
    title: str
    help: str
    styles: tuple[str, ...] = ()
    asks: bool = False


SECTIONS: dict[str, Section] = {}


def section(module: str, title: str, help: str, styles: tuple[str, ...] = (), asks: bool = False) -> None:
    """Enters a section."""
    SECTIONS[module] = Section(module, title, help, styles, asks)


def listed() -> list[dict[str, Any]]:
    """The sections that there are, as a page draws their buttons."""
    answers.load()
    return [{**asdict(each), "styles": []} for _, each in sorted(SECTIONS.items())]


@answer("section")
def module_of(desk: Any, request: Request) -> bytes:
    """The script and the style sheets of a section; ValueError where there is none."""
    found = SECTIONS.get(str(request["module"]))
    if found is None:
        raise ValueError(f"there is no section {request['module']!r}; there are {', '.join(sorted(SECTIONS))}")
    return pack({"kind": "section", "script": bundle.packed(found.module), "styles": bundle.styles(*found.styles)}, {})
