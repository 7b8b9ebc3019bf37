"""The dumps of a running server: made by a process of their own, then known by size and digest.

Rule: the process that talks to clients makes none of them and holds none in memory; what is not
listed here is not served.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rokgraph import __version__
from rokgraph.dumps import CHECKSUMS, NQUADS, Dump, dumps, write_dumps
from rokgraph.settings import Settings
from rokgraph.snapshot import Summary, load_built_in
from rokgraph.worker import die_with_parent

_LOG = logging.getLogger("publication")  # below `rokgraph` stand lines that are JSON already
_NICENESS = 5  # queries come first, but a busy machine shall not starve it


@dataclass(frozen=True, slots=True)
class Published:
    """A dump that is there: what it is, where, its length in bytes, its SHA-256 in hexadecimal."""

    dump: Dump
    file: Path
    size: int
    sha256: str

    @property
    def tag(self) -> str:
        """The strong entity tag of its bytes."""
        return f'"{self.sha256[:32]}"'

    @property
    def repr_digest(self) -> str:
        """The value of a Repr-Digest header.

        See https://www.rfc-editor.org/rfc/rfc9530
        """
        return f"sha-256=:{base64.b64encode(bytes.fromhex(self.sha256)).decode()}:"


class Publication:
    """The dumps of one snapshot: `planned` is known at once, `published` when they are made.

    Given data are not dumped, nor those of an upstream: who has given them has the files.
    """

    def __init__(self, settings: Settings, summary: Summary) -> None:
        """Take what is to be dumped.

        Raises SourceError for a query of the tables whose header is wrong.
        """
        self._settings, self._summary = settings, summary
        self.planned = () if settings.foreign else dumps(settings.root)
        self.published: dict[str, Published] = {}
        self.failed = False
        self._temporary: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def offered(self) -> bool:
        """Whether there are dumps, or will be."""
        return bool(self.planned)

    @property
    def version(self) -> str:
        """The version of the data, as the addresses of the dumps have it."""
        return self._summary.release

    async def make(self) -> None:
        """Make the dumps, or find those that an earlier server has kept; tell of a failure."""
        if not self.offered:
            return
        try:
            self.published = self._known(await self._folder())
        except (OSError, ValueError) as error:
            self.failed = True
            _LOG.error("the dumps cannot be made: %s", error)

    async def close(self) -> None:
        """Stop making; remove what nobody wants to keep."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    async def _folder(self) -> Path:
        """The folder that holds them all. Raises OSError and ValueError."""
        keep = self._settings.dumps
        if keep is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="rokgraph-"))
            await self._write(self._temporary)
            return self._temporary
        kept = keep / f"{self.version}-{self._summary.digest[:16]}-{__version__}"
        if not (kept / CHECKSUMS).is_file():
            keep.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix="making-", dir=keep))
            await self._write(self._temporary)
            shutil.rmtree(kept, ignore_errors=True)
            self._temporary.rename(kept)
        return kept

    async def _write(self, folder: Path) -> None:
        """Have another process write them. Raises OSError."""
        room = (sys.executable, "-m", "rokgraph.publication")
        command = (*room, self._settings.root, folder, os.getpid())
        self._process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        _, told = await self._process.communicate()
        if self._process.returncode:
            raise OSError(told.decode(errors="replace").strip()[-500:])

    def _known(self, folder: Path) -> dict[str, Published]:
        """What the checksums list, by path.

        Raises OSError for a file that is not there, ValueError where the dumps are of other data
        than those which are served.
        """
        lines = (folder / CHECKSUMS).read_text().splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        # the digest of a snapshot is that of its canonical N-Quads
        if sums.get(NQUADS) != self._summary.digest:
            raise ValueError("the files have changed since they were loaded")
        found = {}
        for dump in self.planned:
            path = folder / dump.path
            if dump.path == CHECKSUMS:
                sums[CHECKSUMS] = hashlib.sha256(path.read_bytes()).hexdigest()
            if dump.path in sums:
                size = path.stat().st_size
                found[dump.path] = Published(dump, path, size, sums[dump.path])
        return found


def main() -> None:
    """Write the dumps: `sys.argv` has the root, the folder to write into, and who started it."""
    die_with_parent(int(sys.argv[3]))
    root, folder = map(Path, sys.argv[1:3])
    for _ in write_dumps(load_built_in(root), root, folder):
        pass


if __name__ == "__main__":
    main()
