"""What docs/sandbox.md shows is what its code prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from scripts.sources import ROOT

PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_prints_its_comments(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block, "sandbox.md", "exec"), {"__name__": "page"})
    assert printed.getvalue().splitlines() == [line[2:] for line in block.splitlines() if line.startswith("# ")]
