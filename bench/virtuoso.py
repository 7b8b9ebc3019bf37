"""Virtuoso 7 with a folder and settings of its own, and its bulk loader.

Rule: answers whole and unlimited, since what is compared is answers; a public server has limits.
See https://docs.openlinksw.com/virtuoso/dbadm/ and https://docs.openlinksw.com/virtuoso/rdfperfloading/
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

GRAPH = "http://localhost/bench"
_CLIENTS = 64  # connections at once, more than are ever made
_BUFFER = 8_192  # bytes of a page
_SETTINGS = """\
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
FileExtend = 200
TempStorage = TempDatabase

[TempDatabase]
DatabaseFile = temp.db
TransactionFile = temp.trx

[Parameters]
ServerPort = 127.0.0.1:{sql}
DisableUnixSocket = 1
MaxClientConnections = {clients}
CheckpointInterval = 0
CaseMode = 2
DirsAllowed = ., {allowed}
NumberOfBuffers = {buffers}
MaxDirtyBuffers = {dirty}
MaxQueryMem = 2G
ThreadsPerQuery = 2

[HTTPServer]
ServerPort = 127.0.0.1:{port}
ServerRoot = .
ServerThreads = {clients}
MaxClientConnections = {clients}
MaxKeepAlives = {clients}
KeepAliveTimeout = 60
Charset = UTF-8

[SPARQL]
ResultSetMaxRows = 10000000
MaxQueryCostEstimationTime = 0
MaxQueryExecutionTime = 0
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where it keeps its files, its ports for HTTP and SQL, what it loads."""

    folder: Path
    port: int
    sql: int
    path: Path


def version() -> str | None:
    """The version, None where it is not installed."""
    program, client = shutil.which("virtuoso-t"), shutil.which("isql-vt")
    if program is None or client is None:
        return None
    told = subprocess.run([program, "-?"], capture_output=True, text=True, check=False)
    found = re.search(r"Version (\d+(?:\.\d+)+)", told.stdout + told.stderr)
    return found[1] if found else "7"


def prepare(setting: Setting, triples: int) -> list[str]:
    """Empty its folder, write its settings; the command that starts it."""
    shutil.rmtree(setting.folder, ignore_errors=True)
    setting.folder.mkdir(parents=True)
    # about 90 bytes a triple on disk, and as much again to work in
    buffers = max(50_000, triples * 180 // _BUFFER)
    written = _SETTINGS.format(
        sql=setting.sql,
        port=setting.port,
        clients=_CLIENTS,
        allowed=setting.path.parent,
        buffers=buffers,
        dirty=buffers * 3 // 4,
    )
    (setting.folder / "virtuoso.ini").write_text(written)
    # it looks for everything in the folder that it is started in
    script = 'cd "$0" && exec virtuoso-t -f -c virtuoso.ini'
    return ["sh", "-c", script, str(setting.folder)]


def load(setting: Setting) -> None:
    """Load the file in bulk and write it to disk.

    Raises subprocess.CalledProcessError if that fails.
    """
    folder, name = setting.path.parent, setting.path.name
    commands = f"ld_dir('{folder}', '{name}', '{GRAPH}'); rdf_loader_run(); checkpoint;"
    subprocess.run(
        ["isql-vt", f"127.0.0.1:{setting.sql}", "dba", "dba", f"exec={commands}"],  # noqa: S607 - of the system
        capture_output=True,
        check=True,
    )
