"""The wheel, installed into an empty environment in another folder, does what the checkout does."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from running import ROOT


def run(*command: object, cwd: Path) -> str:
    answer = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    clean = folder / "checkout"
    tracked = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, clean / name)
    build = "import hatchling.build as b, sys; print(b.build_wheel(sys.argv[1]))"
    run(sys.executable, "-c", build, folder, cwd=clean)
    shutil.rmtree(clean)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_all_that_is_read_at_run_time(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("ontology", "data", "shapes", "queries"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.is_file():
                assert f"rokgraph/_root/{path.relative_to(ROOT)}" in packed
    assert "rokgraph/_root/docs/reference/model.md" in packed


def test_check_and_serve_work_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "run.lock", cwd=tmp_path)
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    told = run(home / "bin" / "rokgraph", "check", cwd=tmp_path)
    assert "0 violations" in told
    ask = (
        "import subprocess, sys, time, urllib.request as u, socket\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]; s.close()\n"
        "p = subprocess.Popen([sys.argv[1], 'serve', '--port', str(port)])\n"
        "url = f'http://127.0.0.1:{port}/sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D'\n"
        "for _ in range(300):\n"
        "    try:\n"
        "        print(u.urlopen(url).read().decode()); break\n"
        "    except OSError: time.sleep(0.1)\n"
        "p.terminate(); p.wait()\n"
    )
    assert '"boolean":true' in run(python, "-c", ask, home / "bin" / "rokgraph", cwd=tmp_path)
