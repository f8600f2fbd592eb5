"""A line with a checksum: whichever of its bits changes, the line is not taken for what was written."""

import json

from workbench.runs.directory.lines import intact, seal

LINE = {"attempt": 1, "step": 12, "time": 1796093330.25, "reward": -0.5, "note": 'half "done"'}


def test_every_single_bit_is_told() -> None:
    line = seal(LINE)
    assert intact(line)
    for place in range(len(line) - 1):  # the line break ends it
        for bit in range(8):
            changed = bytearray(line)
            changed[place] ^= 1 << bit
            assert not intact(bytes(changed)) or not readable(bytes(changed)), (place, bit, bytes(changed))


def readable(line: bytes) -> bool:
    """Whether a line is JSON; what is none is told as such."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
