"""Commands under what a container or a systemd unit takes from them, by the tools of the system.

Rule: takes away at least what is said. All that is mounted is read-only but folders that are named,
the user is nobody, there is no capability and no way to get one, and, where a unit says so, no
system call but its own.
See https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
"""

import ctypes
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from running import ROOT, missing

USER = 65532
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL = 4
_ASIDE = "/mnt"
_PR_SET_MDWE = 65


def confined(
    command: Sequence[str],
    writable: Path,
    readable: Sequence[Path] = (),
    *,
    unit: Path | None = None,
    first: bool = False,
) -> list[str]:
    """The command line that runs it so; the folder to write to is empty and its own.

    `readable` are folders that it must be able to reach, that to write to in one of them;
    `first`: as process 1, the child of the one that is started.
    Skips the test where that cannot be done.
    """
    for program in ("unshare", "setpriv", "mount"):
        if shutil.which(program) is None:
            missing(f"{program} (Debian packages util-linux, mount)")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        missing("the right to mount (root)")
    for path in readable:
        path.chmod(0o755)
    apart = ["--pid", "--fork", "--kill-child", "--mount-proc"] if first else []
    told = {
        "writable": str(writable),
        "readable": [str(path) for path in (sys.base_prefix, sys.prefix, ROOT, *readable)],
        "seal": None if unit is None else _seal(unit),
    }
    return [
        "unshare", "--mount", "--propagation", "private", *apart, "--",
        sys.executable, __file__, json.dumps(told), *command,
    ]  # fmt: skip


def read_unit(path: Path) -> dict[str, list[str]]:
    """The settings of a systemd unit, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def _seal(path: Path) -> dict[str, object]:
    unit = read_unit(path)
    calls: set[str] = set()
    for line in unit["SystemCallFilter"]:
        named = {call for name in line.lstrip("~").split() for call in _calls(name)}
        calls = calls - named if line.startswith("~") else calls | named
    [families] = unit["RestrictAddressFamilies"]
    return {
        "calls": sorted(calls),
        "families": [int(getattr(socket, name)) for name in families.split()],
        "write_execute": unit["MemoryDenyWriteExecute"] != ["yes"],
    }


@cache
def _calls(name: str) -> frozenset[str]:
    """The system calls of a group, as systemd knows it; a name alone is itself."""
    if not name.startswith("@"):
        return frozenset({name})
    told = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", name],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    listed = [line.strip() for line in told.splitlines()[1:]]
    names = [line for line in listed if line and not line.startswith("#")]
    return frozenset(call for each in names for call in _calls(each))


# -- in the process that becomes the command -------------------------------------------------------


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _prepare(writable: str, readable: Sequence[str]) -> None:
    """Mount what the command sees; in a name space of its own."""
    closed: dict[Path, list[str]] = {}
    for place in readable:
        for folder in reversed((Path(place), *Path(place).parents)):
            if not folder.stat().st_mode & 0o001:
                closed.setdefault(folder, []).append(place)
                break
    _mount("-t", "tmpfs", "tmpfs", _ASIDE)
    # what stands in a folder of root's is put into an open one of the same name
    aside = {place: str(Path(_ASIDE) / str(at)) for at, place in enumerate(readable)}
    for folder, places in closed.items():
        for place in places:
            Path(aside[place]).mkdir()
            _mount("--bind", place, aside[place])
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
        for place in places:
            Path(place).mkdir(parents=True, exist_ok=True)
            _mount("--bind", aside[place], place)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = line.split()[4]
        if not place.startswith("/proc"):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], check=False, stderr=-3)
    _mount("-t", "tmpfs", "-o", f"uid={USER},gid={USER},mode=700", "tmpfs", writable)


class _Compared(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint), ("how", ctypes.c_int),
        ("one", ctypes.c_uint64), ("other", ctypes.c_uint64),
    )  # fmt: skip


def _seal_off(seal: dict[str, Any]) -> None:
    """Allow what the seal says and nothing more.

    See https://man7.org/linux/man-pages/man3/seccomp_rule_add.3.html
    """
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | errno.EPERM))
    for name in seal["calls"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0 or name == "socket":
            continue  # not of this processor, or below
        assert library.seccomp_rule_add_array(context, _ALLOW, number, 0, None) == 0, name
    number = library.seccomp_syscall_resolve_name(b"socket")
    for family in seal["families"]:
        compared = (_Compared * 1)(_Compared(0, _EQUAL, int(family), 0))
        assert library.seccomp_rule_add_array(context, _ALLOW, number, 1, compared) == 0
    if not seal["write_execute"]:
        ctypes.CDLL(None).prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # from Linux 6.3 on
    assert library.seccomp_load(context) == 0


def _main(told: dict[str, Any], command: list[str]) -> None:
    """Prepare as root, begin again as nobody, seal, be the command."""
    if os.geteuid() == 0:
        _prepare(told["writable"], told["readable"])
        rights = (
            f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all",
        )  # fmt: skip
        command = ["setpriv", *rights, sys.executable, __file__, json.dumps(told), *command]
    elif told["seal"] is not None:
        _seal_off(told["seal"])
    os.execvp(command[0], command)


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]), sys.argv[2:])
