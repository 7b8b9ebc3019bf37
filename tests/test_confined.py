"""The systemd unit of docs/deploy: systemd reads it, and the service works under what it says."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from confined import USER, confined, read_unit
from conformance.wire import command, variables
from rokgraph.settings import Settings
from running import ROOT, missing
from test_replicas import free_ports, ready

if sys.platform != "linux":
    pytest.skip("systemd is of Linux", allow_module_level=True)

UNIT = ROOT / "docs" / "deploy" / "rokgraph.service"
LONG = "SELECT (COUNT(*) AS ?n) { ?a <http://e/of> ?b . ?c <http://e/of> ?d . ?e <http://e/of> ?f }"


@pytest.fixture(autouse=True)
def _systemd() -> None:
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze (Debian package systemd)")


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@contextlib.contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, int]]:
    """A server under the unit: its URL and process id."""
    [port] = free_ports(1)
    room = folder / "room"
    room.mkdir()
    settings = dict(
        value.split("=", 1)
        for value in read_unit(UNIT)["Environment"]
    )  # fmt: skip
    settings["ROKGRAPH_DUMPS"] = str(room / "dumps")  # as StateDirectory has it
    line = command("serve", "--port", str(port), *options)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            confined(line, room, [folder], unit=UNIT), stdout=log, stderr=log,
            env=variables(**settings, TMPDIR=str(room), **environment),
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        ready(f"{url}/readyz", server, folder / "log")
        yield url, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def asked(url: str, query: str) -> httpx.Response:
    return httpx.get(f"{url}/sparql", params={"query": query}, timeout=30)


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def family(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [pid, *(each for child in children for each in family(child))]


def test_systemd_reads_it(tmp_path: Path) -> None:
    told = UNIT.read_text().replace(read_unit(UNIT)["ExecStart"][0].split()[0], "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(told)
    found = analyze("verify", "--man=no", "--recursive-errors=no", unit)
    assert (found.returncode, found.stderr) == (0, "")
    unit.write_text(told.replace("PrivateTmp", "PrivatTmp"))
    assert "PrivatTmp" in analyze("verify", "--man=no", "--recursive-errors=no", unit).stderr


def test_systemd_calls_it_safe() -> None:
    """Its exposure, of 100 for a service without bounds, is at most 20."""
    found = analyze("security", "--offline=yes", "--threshold=20", UNIT)
    assert found.returncode == 0, found.stdout[-500:]


def test_what_it_names_is_there() -> None:
    unit = read_unit(UNIT)
    [start] = unit["ExecStart"]
    assert start.split()[1:] == ["serve"]
    assert (
        f"COPY --from=built {Path(start.split()[0]).parents[1]}"
        in (UNIT.parent / "Containerfile").read_text()
    )
    for value in unit["Environment"]:
        name = value.partition("=")[0]
        assert name.startswith("PYTHON") or name.removeprefix("ROKGRAPH_").lower() in (
            Settings.model_fields
        )
    [reload] = unit["ExecReload"]
    assert shutil.which(reload.split()[0])
    [memory] = re.findall(r"^(\d+)G$", unit["MemoryMax"][0])
    # one query may be too large without the service being so
    assert int(memory) << 30 > 2 * Settings.model_fields["memory"].default


def test_it_takes_away_what_it_says(tmp_path: Path) -> None:
    """The test's own means: what is forbidden does not work, and works without them."""
    tried = """
import ctypes, mmap, os, socket, sys
def told(what):
    try:
        what()
    except OSError as error:
        return error.errno and os.strerror(error.errno)
    return "works"
print(os.getuid())
print(told(lambda: open(sys.argv[1] + "/new", "w")), told(lambda: open(sys.argv[2] + "/new", "w")))
print(told(lambda: socket.socket(socket.AF_UNIX)), end=" ")
print(told(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)))
print(told(lambda: mmap.mmap(-1, 4096, prot=7)))
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"none", b"/", b"tmpfs", 0, None), os.strerror(ctypes.get_errno()))
"""
    room = tmp_path / "room"
    room.mkdir()
    line = [sys.executable, "-c", tried, str(tmp_path), str(room)]
    sealed = subprocess.check_output(confined(line, room, [tmp_path], unit=UNIT), text=True)
    denied = os.strerror(1)
    assert sealed.splitlines() == [
        str(USER), "Read-only file system works", f"works {denied}", "Permission denied",
        f"-1 {denied}",
    ]  # fmt: skip
    free = subprocess.check_output(line, text=True)
    assert free.splitlines()[1:4] == ["works works", "works works", "works"]


def test_it_serves_ends_what_is_long_and_changes_its_data(tmp_path: Path) -> None:
    given = tmp_path / "given.nt"

    def write(which: str) -> None:
        lines = [f"<http://e/{n}> <http://e/of> <http://e/{which}> .\n" for n in range(3000)]
        given.write_text("".join(lines))

    write("old")
    environment = {"ROKGRAPH_TIMEOUT": "1"}
    with served(tmp_path, "--data", str(given), **environment) as (url, pid):
        for each in (pid, *family(pid)):
            told = status(each)
            assert (told["NoNewPrivs"], told["Seccomp"], int(told["CapEff"], 16)) == ("1", "2", 0)
            assert set(told["Uid"].split()) == {str(USER)}
        assert len(family(pid)) > 2  # the front, what forks, workers
        assert "old" in asked(url, "SELECT * { ?s ?p ?o } LIMIT 1").text
        assert asked(url, LONG).status_code == 503
        write("new")
        reload = read_unit(UNIT)["ExecReload"][0].replace("$MAINPID", str(pid))
        subprocess.run(reload.split(), check=True)
        end = time.monotonic() + 30
        while "new" not in asked(url, "SELECT * { ?s ?p ?o } LIMIT 1").text:
            assert time.monotonic() < end, (tmp_path / "log").read_text()[-1000:]
            time.sleep(0.1)


def test_it_makes_dumps_and_draws(tmp_path: Path) -> None:
    """What other processes than workers do: they are started under it too."""
    with served(tmp_path) as (url, _):
        end = time.monotonic() + 60
        while (
            found := httpx.get(f"{url}/data/latest/SHA256SUMS", timeout=30, follow_redirects=True)
        ).status_code != 200:
            assert time.monotonic() < end, found.text
            time.sleep(0.5)
        pages = {path: httpx.get(url + path, timeout=60) for path in ("/", "/picture.png")}
        assert {page.status_code for page in pages.values()} == {200}
