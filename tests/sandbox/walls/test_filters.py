"""Seccomp filters, run by an interpreter of the few instructions that they use."""

import struct

import pytest

from workbench.sandbox.walls.filters import ALLOW, ARCHITECTURES, FAIL, KILL, allowing, forbidding
from workbench.sandbox.walls.syscalls import LIBRARY, MACHINES, PROGRAM, ROWS, ZYGOTE, number

PERMISSION = FAIL | 1


def verdict(steps: bytes, machine: str, call: int, arguments: tuple[int, ...] = (), foreign: bool = False) -> int:
    """What the kernel would answer: seccomp(2), `struct seccomp_data`."""
    architecture = 0x40000003 if foreign else ARCHITECTURES[machine]
    data = struct.pack("=IIQ6Q", call, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    program = list(struct.iter_unpack("=HBBI", steps))
    place = accumulator = 0
    while True:
        code, yes, no, constant = program[place]
        place += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, constant)
        elif code == 0x06:
            return int(constant)
        else:
            holds = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}[code]
            place += yes if holds else no


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_may_do_what_is_listed_and_nothing_else(machine: str) -> None:
    steps = allowing(PROGRAM, machine)
    for name, _, _ in ROWS:
        call = number(name, machine)
        if call is not None and name not in PROGRAM:
            assert verdict(steps, machine, call) & FAIL == FAIL, name
    assert verdict(steps, machine, number("exit_group", machine) or 0) == ALLOW
    assert verdict(steps, machine, 9999) == PERMISSION
    assert verdict(steps, machine, number("brk", machine) or 0, foreign=True) == KILL


def test_arguments_decide() -> None:
    steps = allowing(PROGRAM, "x86_64")
    read, write, mmap, newfstatat = (number(name, "x86_64") or 0 for name in ("read", "write", "mmap", "newfstatat"))
    assert verdict(steps, "x86_64", write, (1,)) == ALLOW
    assert verdict(steps, "x86_64", write, (2,)) == PERMISSION
    assert verdict(steps, "x86_64", read, (1,)) == PERMISSION
    assert verdict(steps, "x86_64", mmap, (0, 4096, 0b011)) == ALLOW
    assert verdict(steps, "x86_64", mmap, (0, 4096, 0b101)) == PERMISSION
    assert verdict(steps, "x86_64", newfstatat, (0, 0, 0, 0)) == PERMISSION


def test_a_library_reads_files_and_writes_none() -> None:
    steps = allowing(LIBRARY, "x86_64")
    openat = number("openat", "x86_64") or 0
    assert verdict(steps, "x86_64", openat, (0, 0, 0o2000000)) == ALLOW
    for flags in (0o1, 0o2, 0o100, 0o1000, 0o2000, 0o20200000):
        assert verdict(steps, "x86_64", openat, (0, 0, flags)) == PERMISSION
    for name in ("socket", "clone", "execveat", "ptrace"):
        assert verdict(steps, "x86_64", number(name, "x86_64") or 0) == PERMISSION


def test_the_x32_table_is_closed() -> None:
    assert verdict(allowing(PROGRAM, "x86_64"), "x86_64", 0x40000000 + 39) == KILL
    assert verdict(forbidding(ZYGOTE, "x86_64"), "x86_64", 0x40000000 + 2) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_a_zygote_may_fork_but_not_leave(machine: str) -> None:
    steps = forbidding(ZYGOTE, machine)
    clone, unshare = number("clone", machine) or 0, number("unshare", machine) or 0
    assert verdict(steps, machine, clone, (0x01200011,)) == ALLOW
    assert verdict(steps, machine, clone, (0x10000000,)) == PERMISSION
    assert verdict(steps, machine, unshare) == PERMISSION
    assert verdict(steps, machine, number("clone3", machine) or 0) == FAIL | 38
    assert verdict(steps, machine, number("openat", machine) or 0) == ALLOW


def test_a_processor_without_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ValueError, match="'riscv64' processors: only for x86_64 and aarch64"):
        allowing(PROGRAM)
