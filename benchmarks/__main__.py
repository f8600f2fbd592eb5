"""`python -m benchmarks [NAME ...]`: each benchmark in a separate process; all of them if none is named."""

import pkgutil
import subprocess
import sys
from pathlib import Path

HELPERS = {"__main__", "common", "middles", "trl_peer", "gpu_check", "league_play", "attack_programs"}


def names() -> list[str]:
    """The names of all benchmarks."""
    found = {item.name for item in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return sorted(name for name in found - HELPERS if not name.startswith("_"))


def main(arguments: list[str]) -> int:
    """Runs the named ones with the given options. Returns how many failed."""
    options = [word for word in arguments if word.startswith("-")]
    wanted = [word for word in arguments if not word.startswith("-")] or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted:
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
