"""The walls around a zygote: bubblewrap's arguments, and whether this machine can put them up.

Own user, mount, process, network, IPC, host-name and cgroup namespaces; user 65534 without capabilities; an empty
environment; a root that holds Python, its standard library and the system's shared libraries, read-only. There is no
/proc, no /dev, no /etc, no /tmp and no home.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.sandbox.walls.filters import this_machine

INSIDE = "/inside"  # the folder with the zygote's two files
HERE = Path(__file__).parents[1]
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64")
LINKS = (*LIBRARIES, "/bin")  # where links to /usr are shown as links
REMEDY = (
    "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and allow user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; on Ubuntu from 24.04 on "
    "kernel.apparmor_restrict_unprivileged_userns=0; in Docker: --privileged, or a seccomp profile that allows "
    "unshare). Until then rewards that run programs are refused"
)
NOBODY = "65534"


def command(seed: int, control: int, filter_file: int, info: int, folders: Sequence[str] = ()) -> list[str]:
    """The command of a zygote: a hash seed, its control socket, the filter's file, and where bubblewrap tells its id.

    `folders` are visible besides, read-only, under their own paths.
    """
    python = os.path.realpath(sys.executable)
    words = walls({"PYTHONHASHSEED": str(seed), "PYTHONHOME": sys.base_prefix, "OMP_NUM_THREADS": "1"})
    words += ["--as-pid-1"]  # so that everything inside ends with it
    for path in shown(python):
        words += bound(path)
    if folders:  # some libraries do not import without a place for their caches; programs cannot write there
        words += ["--tmpfs", "/tmp", "--setenv", "HOME", "/tmp"]
    for path in folders:
        words += ["--ro-bind", path, path]
    for name in ("zygote.py", "values.py"):
        words += ["--ro-bind", str(HERE / name), f"{INSIDE}/{name}"]
    words += ["--remount-ro", "/", "--chdir", "/", "--seccomp", str(filter_file), "--info-fd", str(info)]
    return [*words, "--", python, "-S", "-s", "-B", "-X", "utf8", f"{INSIDE}/zygote.py", str(control)]


def walls(environment: Mapping[str, str]) -> list[str]:
    """The part of a command that every sandbox has: namespaces, a user without rights, only these variables."""
    words = ["bwrap", "--unshare-all", "--hostname", "sandbox", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"]
    words += ["--new-session", "--clearenv"]
    for name, value in {"LANG": "C.UTF-8", **environment}.items():
        words += ["--setenv", name, value]
    return words


def tool(words: Sequence[str], folder: str, filter_file: int, writes: bool) -> list[str]:
    """The command of a program of the system: what it sees besides libraries is one folder, as /work."""
    command = [*walls({"PATH": "/usr/bin:/bin", "TMPDIR": "/work"}), "--die-with-parent"]
    for path in (*LIBRARIES, "/usr/bin", "/bin"):
        command += bound(path)
    command += ["--bind" if writes else "--ro-bind", folder, "/work", "--remount-ro", "/", "--chdir", "/work"]
    return [*command, "--seccomp", str(filter_file), "--", *words]


def shown(python: str) -> list[str]:
    """What of the file system is visible: the interpreter, the standard library, shared libraries."""
    standard = sysconfig.get_path("stdlib")
    shared = sysconfig.get_config_var("LDLIBRARY") or ""
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / shared
    linked = [str(library.resolve()), str(library)] if shared.endswith(".so") and library.is_file() else []
    versions = [str(each) for each in library.parent.glob(f"{shared}.*")] if linked else []
    return [*LIBRARIES, python, standard, *linked, *versions]


def bound(path: str) -> list[str]:
    """Shows a path inside as it is outside, a link as a link; nothing where there is none."""
    if os.path.islink(path) and path in LINKS:
        return ["--symlink", os.readlink(path), path]
    return ["--ro-bind", path, path] if os.path.exists(path) else []


def missing() -> str:
    """Why no zygote can be started here, as far as that can be told without trying; empty: nothing is against it."""
    if sys.platform != "linux":
        return f"the sandbox needs Linux, this is {sys.platform}"
    try:
        this_machine()
    except ValueError as error:
        return str(error)
    return "" if shutil.which("bwrap") else "bubblewrap (bwrap) is not installed"
