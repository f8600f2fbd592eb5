"""Seconds that `import workbench` takes: fresh processes, less those of a bare Python, in turns."""

import sys
from functools import partial

from benchmarks.common import alternate, options, process_seconds, publish, spread

LIMIT = 0.3
BARE, FULL = [sys.executable, "-c", "pass"], [sys.executable, "-c", "import workbench"]


def main(arguments: list[str]) -> int:
    """Measures; fails where the import takes longer than the limit."""
    parser = options(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    process_seconds(FULL)  # the first start compiles bytecode
    seconds = alternate(
        {"bare": partial(process_seconds, BARE), "workbench": partial(process_seconds, FULL)}, given.rounds
    )
    bare, full = spread(seconds["bare"]), spread(seconds["workbench"])
    numbers = {
        "seconds": round(full["median"] - bare["median"], 4),
        "limit": LIMIT,
        "workbench": full,
        "bare_python": bare,
        "rounds": given.rounds,
    }
    publish("import_time", numbers, save=given.save)
    return 0 if numbers["seconds"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
