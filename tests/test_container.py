"""The Containerfile, line by line without a container: what it copies, runs, starts and checks.

Where podman or docker is there, it is built by `podman build -f docs/deploy/Containerfile .`; here
its own words are run in a folder, and what it starts runs as a container does: as process 1 and
nobody, on a read-only root, without capabilities.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from confined import USER, confined
from conformance.wire import variables
from rokgraph.settings import Settings
from running import ROOT
from test_confined import family, status
from test_replicas import free_ports, ready

if sys.platform != "linux":
    pytest.skip("containers are of Linux", allow_module_level=True)

FILE = ROOT / "docs" / "deploy" / "Containerfile"
GUIDE = ROOT / "docs" / "guide" / "deployment.md"
HOME = "/opt/rokgraph"


def instructions(text: str) -> list[tuple[str, str]]:
    """Name and words of each, lines that go on put together."""
    whole = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [
        (name, words.strip())
        for name, _, words in (line.partition(" ") for line in whole.splitlines() if line)
    ]


def stages(text: str) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, words in instructions(text):
        if name == "FROM":
            found.append([])
        found[-1].append((name, words))
    return found


@dataclass(frozen=True)
class Image:
    """What the first stage made, in another place than it is in an image."""

    home: Path

    def placed(self, words: str) -> str:
        return words.replace(HOME, str(self.home))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("image")
    image, work = Image(folder / "rokgraph"), folder / "build"
    work.mkdir()
    for name, words in stages(FILE.read_text())[0]:
        if name == "COPY":
            *sources, target = words.split()
            for source in sources:
                copy(ROOT / source, work / target, into=target.endswith("/"))
        elif name == "RUN":
            told = subprocess.run(
                ["sh", "-c", image.placed(words)], cwd=work, env=plain(),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
        else:
            assert name in {"FROM", "WORKDIR"}
    shutil.rmtree(work)  # nothing of it is in the image
    return image


def copy(source: Path, target: Path, *, into: bool) -> None:
    """As COPY does: what is in a folder, or a file, to a name or into a folder."""
    target = target / source.name if into else target
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def plain(**more: str) -> dict[str, str]:
    """An environment in which `python` is the one that runs the tests."""
    path = f"{Path(sys.base_prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    kept = {name: value for name, value in variables().items() if not name.startswith("PYTHON")}
    return {**kept, "PATH": path, **more}


def test_it_starts_as_nobody_on_a_read_only_root(image: Image, tmp_path: Path) -> None:
    serves(image, tmp_path)


def test_a_store_is_served_from_a_read_only_root(image: Image, tmp_path: Path) -> None:
    """The image of the guide, with a store of other data in it."""
    [text] = re.findall(r"^```dockerfile\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    place = tmp_path / "srv"
    given = tmp_path / "data"
    given.mkdir()
    (given / "one.ttl").write_text('<http://e/s> <http://e/p> "o" .')
    more: dict[str, str] = {}
    places = {"/srv/rokgraph": place, "/tmp/data": given}
    for name, told in instructions(text):
        words = image.placed(told)
        for old, new in places.items():
            words = words.replace(old, str(new))
        if name == "RUN":
            environment = plain(PATH=f"{image.home}/bin:{os.environ['PATH']}")
            subprocess.run(["sh", "-c", words], env=environment, check=True)
        elif name == "ENV":
            key, _, value = words.partition("=")
            more[key] = value
        else:
            assert name in {"FROM", "COPY", "USER"}
    assert instructions(text)[-1] == ("USER", dict(stages(FILE.read_text())[1])["USER"])
    assert "1 triples" in serves(image, tmp_path, **more)


def serves(image: Image, folder: Path, **more: str) -> str:
    """Start what the last stage starts, ask it what HEALTHCHECK asks; its log."""
    last = stages(FILE.read_text())[1]
    named = dict(last)
    assert named["USER"] == f"{USER}:{USER}"
    settings = dict(words.split("=", 1) for name, words in last if name == "ENV")
    [port] = free_ports(1)
    assert settings["ROKGRAPH_PORT"] == named["EXPOSE"]
    environment = {
        **{key: image.placed(value) for key, value in settings.items()},
        **more, "ROKGRAPH_PORT": str(port), "TMPDIR": str(folder / "room"),
    }  # fmt: skip
    for name in environment:
        if name.startswith("ROKGRAPH_"):
            assert name.removeprefix("ROKGRAPH_").lower() in Settings.model_fields
    (folder / "room").mkdir()
    command = [*json.loads(named["ENTRYPOINT"]), *json.loads(named["CMD"])]
    command[0] = shutil.which(command[0], path=environment["PATH"]) or command[0]
    log = folder / "log"
    with log.open("wb") as told:
        outer = subprocess.Popen(
            confined(command, folder / "room", [folder, image.home], first=True),
            env=plain(**environment), stdout=told, stderr=told,
        )  # fmt: skip
    try:
        ready(f"http://127.0.0.1:{port}/readyz", outer, log)
        first = family(outer.pid)[1]
        assert status(first)["NSpid"].split()[-1] == "1"
        for each in family(first):
            found = status(each)
            assert (found["NoNewPrivs"], int(found["CapEff"], 16)) == ("1", 0)
            assert set(found["Uid"].split()) == {str(USER)}
        check = json.loads(named["HEALTHCHECK"].partition("CMD ")[2])
        asks = [part.replace(named["EXPOSE"], str(port)) for part in check]
        assert subprocess.run(asks, env=plain(**environment), check=False).returncode == 0
        os.kill(first, getattr(signal, named["STOPSIGNAL"]))
        assert outer.wait(20) == 0
        assert subprocess.run(
            asks, env=plain(**environment), check=False, stderr=subprocess.DEVNULL
        ).returncode  # fmt: skip
    finally:
        outer.kill()
        outer.wait(20)
    return log.read_text()
