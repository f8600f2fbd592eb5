"""Seccomp filters as programs of classic BPF, assembled by hand: a few instructions, and no library.

A filter reads `struct seccomp_data` (number 0, architecture 4, arguments from 16 on, eight bytes each, low half first
on both machines) and answers with what becomes of the call. Linux, Documentation/userspace-api/seccomp_filter.rst.
"""

import platform
import struct
from collections.abc import Mapping

from workbench.sandbox.walls.syscalls import MACHINES, Check, number

LOAD, EQUALS, LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # LD|W|ABS, JEQ|K, JGE|K, JSET|K, RET|K
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
NOT_PERMITTED, NO_SUCH_CALL = 1, 38  # EPERM; ENOSYS, on which the C library tries the older call
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OTHER_ABI = 0x40000000  # calls of x86-64's x32 have this bit

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def allowing(calls: Mapping[str, Check | None], machine: str | None = None) -> bytes:
    """A filter under which only these calls succeed, each with arguments as its check says; the others fail."""
    machine = machine or this_machine()
    body = [step for name, check in calls.items() for step in case(name, check, ALLOW, denied(name), machine)]
    return assembled([*preamble(machine), *body, (RETURN, 0, 0, FAIL | NOT_PERMITTED)])


def forbidding(calls: Mapping[str, Check | None], machine: str | None = None) -> bytes:
    """A filter under which these calls fail, those with a check only where it does not hold; the others succeed."""
    machine = machine or this_machine()
    body = [
        step
        for name, check in calls.items()
        for step in case(name, check, denied(name) if check is None else ALLOW, denied(name), machine)
    ]
    return assembled([*preamble(machine), *body, (RETURN, 0, 0, ALLOW)])


def denied(name: str) -> int:
    """How a call fails."""
    return FAIL | (NO_SUCH_CALL if name in ("clone3", "faccessat2") else NOT_PERMITTED)


def preamble(machine: str) -> list[Instruction]:
    """Ends a process that calls through another architecture's table; then the number is loaded."""
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUALS, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, KILL)]
    steps.append((LOAD, 0, 0, NUMBER))
    if machine == "x86_64":
        steps += [(LEAST, 0, 1, OTHER_ABI), (RETURN, 0, 0, KILL)]
    return steps


def case(name: str, check: Check | None, held: int, failed: int, machine: str) -> list[Instruction]:
    """One call: what becomes of it where its check holds (or it has none), and where not."""
    wanted = number(name, machine)
    if wanted is None:
        return []
    if check is None:
        return [(EQUALS, 0, 1, wanted), (RETURN, 0, 0, held)]
    test = (EQUALS, 0, 1, check.value) if check.kind == "equals" else (ANY_BIT, 1, 0, check.value)
    argument = (LOAD, 0, 0, ARGUMENTS + 8 * check.argument)
    return [(EQUALS, 0, 4, wanted), argument, test, (RETURN, 0, 0, held), (RETURN, 0, 0, failed)]


def assembled(steps: list[Instruction]) -> bytes:
    """The instructions as `struct sock_filter`s."""
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def this_machine() -> str:
    """The machine's name in the table. Raises ValueError for one that is not in it."""
    name = platform.machine()
    if name not in MACHINES:
        raise ValueError(f"no seccomp filter is known for {name!r} processors: only for {' and '.join(MACHINES)}")
    return name
