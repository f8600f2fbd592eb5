"""Joins JavaScript modules into one script, and style sheets into one: no build step, no package, no network.

A module is named by room and file: `text/card` is `widgets/text/card.js`.

A widget's module reaches the browser as a text without an address, so it cannot import its neighbours; the report holds
everything in one file.
"""

import base64
import gzip
import posixpath
import re
from pathlib import Path

WIDGETS = Path(__file__).parents[1]
IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.\.?/[a-z_/]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) ([A-Za-z0-9_]+))", re.MULTILINE)
NOTE = re.compile(r"^ */\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
TYPE = re.compile(r"/\*\* @type [^*]*\*/ ?")
REMARK = re.compile(r"(?:^|[ \t]+)// [^\"'`\n]*$", re.MULTILINE)  # no quote in it, so no text is taken for one
INDENT = re.compile(r"^ +|\n(?=\n)", re.MULTILINE)
DEFAULT = re.compile(r"^export default ", re.MULTILINE)
LOADER = """\
const bytes = Uint8Array.from(atob("PACKED"), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const text = await new Response(stream).text();
const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const whole = await import(address);
URL.revokeObjectURL(address);
export default whole.default;
"""


def modules(entry: str) -> list[str]:
    """The module and all it imports, each after what it needs.

    >>> modules("page/signals")
    ['page/signals']
    """
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " -> ".join([*above, name])
            raise ValueError(f"{circle}: modules import each other in a circle; move what they share into a third")
        if name not in order:
            for _, needed in IMPORT.findall(read(name)):
                visit(resolved(name, needed), (*above, name))
            order.append(name)

    visit(entry, ())
    return order


def script(entry: str) -> str:
    """One module with the entry's neighbours in it, each in a scope of its own, and the entry's default export."""
    parts = [scoped(name) for name in modules(entry)]
    if DEFAULT.search(read(entry)):
        parts.append(f"export default {variable(entry)}.whole;")
    return "\n".join(parts)


def scoped(name: str) -> str:
    """A module as a function called at once: what it imports are names of others, what it exports its answer.

    Comments and indentation stay behind: a widget sends its module anew for every instance.

    >>> " = page_dom_js;" in scoped("charts/charts")
    True
    """
    text = INDENT.sub("", REMARK.sub("", TYPE.sub("", NOTE.sub("", read(name)))))
    exported = EXPORT.findall(text)
    if DEFAULT.search(text):
        text = DEFAULT.sub("const whole = ", text)
        exported.append("whole")
    joined = IMPORT.sub(lambda found: f"const {found[1]} = {variable(resolved(name, found[2]))};\n", text)
    body = EXPORT.sub("", joined)
    return f"const {variable(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def resolved(name: str, path: str) -> str:
    """The name of the module that the module `name` imports by a relative path.

    >>> resolved("board/facts", "../page/dom"), resolved("board/facts", "./head")
    ('page/dom', 'board/head')
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def variable(name: str) -> str:
    """The variable that holds a module's exports in the joined script.

    >>> variable("page/dom")
    'page_dom_js'
    """
    return name.replace("/", "_") + "_js"


def read(name: str) -> str:
    """The text of a module."""
    return (WIDGETS / f"{name}.js").read_text()


def styles(*names: str) -> str:
    """Style sheets, one after the other."""
    return "\n".join((WIDGETS / f"{name}.css").read_text() for name in names)


def packed(entry: str) -> str:
    """The same module as gzip that unpacks itself: a third of the size, and a widget sends it for every instance.

    >>> len(packed("dashboard/dashboard")) < len(script("dashboard/dashboard")) / 2
    True
    """
    text = base64.b64encode(gzip.compress(script(entry).encode(), 9, mtime=0)).decode()
    return LOADER.replace("PACKED", text)
