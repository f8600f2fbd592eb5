"""The models that come with the package, by the names a config gives them."""

from dataclasses import dataclass
from pathlib import Path

EMBEDDED = "embedded"
PROGRAMS = "embedded-programs"


@dataclass(frozen=True)
class Shipped:
    """A model in a folder of the package."""

    folder: Path
    title: str
    tasks: tuple[str, ...]  # asked in the words that it was taught


HERE = Path(__file__).parent
SHIPPED = {
    EMBEDDED: Shipped(HERE / "embedded", "the embedded model", ("word_problems", "sums", "chains")),
    PROGRAMS: Shipped(HERE / "embedded_programs", "the embedded model for programs", ("small_programs",)),
}
EMBEDDED_FOLDER = SHIPPED[EMBEDDED].folder
