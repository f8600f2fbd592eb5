"""System calls by number, and which of them the zygote and the programs below it may make.

A program's list names what is allowed; everything else fails. The zygote never runs a program, but it imports modules
and forks, so its list names what is forbidden.
"""

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """A condition on the low half of an argument: it equals a value, or has none of some bits."""

    argument: int
    kind: Literal["equals", "without"]
    value: int


#: Name, number on x86-64, number on aarch64; "-" where a machine has no such call (Linux, asm/unistd_64.h).
TABLE = """
read 0 63, write 1 64, close 3 57, fstat 5 80, lseek 8 62, mmap 9 222, mprotect 10 226, munmap 11 215, brk 12 214,
rt_sigreturn 15 139, mremap 25 216, madvise 28 233, getpid 39 172, exit 60 93, gettimeofday 96 169,
clock_gettime 228 113, exit_group 231 94, newfstatat 262 79, getrandom 318 278, open 2 -, openat2 437 437,
creat 85 -, fork 57 -, vfork 58 -, stat 4 -, lstat 6 -, pread64 17 67, access 21 -, getcwd 79 17, readlink 89 -,
getdents64 217 61, openat 257 56, readlinkat 267 78, faccessat 269 48, faccessat2 439 439, socket 41 198,
socketpair 53 199, clone 56 220, clone3 435 435, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271,
mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, unshare 272 97, setns 308 268, keyctl 250 219,
add_key 248 217, request_key 249 218, bpf 321 280, perf_event_open 298 241, userfaultfd 323 282,
io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, init_module 175 105, finit_module 313 273,
delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225,
open_by_handle_at 304 265, name_to_handle_at 303 264, mount_setattr 442 442, move_mount 429 429, fsopen 430 430,
fsconfig 431 431, fsmount 432 432, fspick 433 433, open_tree 428 428, personality 135 92, acct 163 89,
quotactl 179 60, syslog 103 116, iopl 172 -, ioperm 173 -, settimeofday 164 170, clock_settime 227 112,
adjtimex 159 171, clock_adjtime 305 266, sethostname 170 161, setdomainname 171 162, execveat 322 281,
pidfd_getfd 438 438, kcmp 312 272, fanotify_init 300 262, modify_ldt 154 -, vmsplice 278 75, move_pages 279 239,
migrate_pages 256 238, mbind 237 235, set_mempolicy 238 237, lookup_dcookie 212 18, uselib 134 -, vhangup 153 58,
nfsservctl 180 42
"""
MACHINES = ("x86_64", "aarch64")
ROWS = re.findall(r"(\w+) (\d+) (\d+|-)", TABLE)

STANDARD_INPUT, RESULTS = 0, 1  # the two file descriptors that a program has
EXECUTABLE = 0x4  # PROT_EXEC
EMPTY_PATH = 0x1000  # AT_EMPTY_PATH: the status of an open file, not of a path
NAMESPACES = 0x7E020080  # every CLONE_NEW… flag
CHANGES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE

ANYWAY = ("close", "fstat", "lseek", "munmap", "brk", "rt_sigreturn", "mremap", "madvise", "getpid", "exit")
CLOCKS = ("gettimeofday", "clock_gettime", "exit_group", "getrandom")
#: What a program may do: its two files, memory that is not executable, clocks, and to end. It cannot wait for
#: anything, so that a program that makes no progress is one that the machine gives no time.
PROGRAM: dict[str, Check | None] = {
    **dict.fromkeys((*ANYWAY, *CLOCKS)),
    "read": Check(0, "equals", STANDARD_INPUT),
    "write": Check(0, "equals", RESULTS),
    "newfstatat": Check(3, "equals", EMPTY_PATH),
    "mmap": Check(2, "without", EXECUTABLE),
    "mprotect": Check(2, "without", EXECUTABLE),
}
FILES = ("read", "pread64", "stat", "lstat", "newfstatat", "access", "getcwd", "readlink", "readlinkat")
FOLDERS = ("getdents64", "faccessat", "faccessat2", "mmap", "mprotect")
#: What a function of an installed library may do besides: read files, and load modules when it first needs them.
LIBRARY: dict[str, Check | None] = {
    **PROGRAM,
    **dict.fromkeys((*FILES, *FOLDERS)),
    "openat": Check(2, "without", CHANGES),
}
#: What the zygote may not do.
FORBIDDEN = tuple(name for name, _, _ in ROWS[[name for name, _, _ in ROWS].index("socket") :] if name != "clone")
ZYGOTE: dict[str, Check | None] = {**dict.fromkeys(FORBIDDEN), "clone": Check(0, "without", NAMESPACES)}

#: What a simulator may not do: all that the zygote may not, make processes, or open a file to write.
TOOL: dict[str, Check | None] = {
    **ZYGOTE,
    **dict.fromkeys(("clone", "fork", "vfork", "creat", "openat2")),
    "open": Check(1, "without", CHANGES),
    "openat": Check(2, "without", CHANGES),
}


def number(name: str, machine: str) -> int | None:
    """The number of a system call on a machine; None where it has none.

    >>> number("openat", "x86_64"), number("stat", "aarch64")
    (257, None)
    """
    row = next(row for row in ROWS if row[0] == name)
    text = row[1 + MACHINES.index(machine)]
    return None if text == "-" else int(text)
