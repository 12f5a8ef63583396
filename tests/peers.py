"""Other people's programs to test against, each in an environment of its own; and servers of ours on free ports."""

import fcntl
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from starlette.applications import Starlette

CACHE = Path(__file__).resolve().parents[1] / ".cache"


def interpreter(requirement: str, *more: str) -> Path:
    """The interpreter of an environment that has `requirement` (an exact version); built once, kept in the cache.

    Where it cannot be built the test says loudly that it was left out; in CI that is a failure.
    """
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        pytest.skip(f"NOT TESTED against {requirement}: install `uv`")
    _make_cache()
    name = f"{requirement.replace('==', '-')}-py{sys.version_info.major}.{sys.version_info.minor}"
    home = CACHE / "venvs" / name
    python, done = home / "bin" / "python", home / "complete"
    with alone(home.name):
        if done.exists():
            return python
        commands: tuple[list[Path | str], ...] = (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, home],
            [uv, "pip", "install", "--quiet", "--python", python, requirement, *more],
        )
        for command in commands:
            built = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if built.returncode:
                pytest.skip(f"NOT TESTED against {requirement}, its environment cannot be built: {built.stderr[-500:]}")
        done.touch()
    return python


def node_folder(source: Path) -> Path:
    """A copy of `source` (programs, package.json, package-lock.json) with its packages installed, kept in the cache per lock.

    Where node or npm is missing or cannot install, the test says loudly that it was left out; in CI that is a failure.
    """
    lock = (source / "package-lock.json").read_bytes()
    home = CACHE / "node" / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if missing := [program for program in ("node", "npm") if not shutil.which(program)]:
        pytest.skip(f"NOT TESTED with {source.name}: install `{'`, `'.join(missing)}`")
    _make_cache()
    with alone(home.name):
        shutil.copytree(source, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        done = home / "complete"
        if done.exists():
            return home
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        built = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=900, check=False)
        if built.returncode:
            pytest.skip(f"NOT TESTED with {source.name}, its packages cannot be installed: {built.stderr[-500:]}")
        done.touch()
    return home


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time makes what the cache keeps; the others find it made."""
    with (CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make_cache() -> None:
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")


@contextmanager
def serving(app: Starlette, *, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    """An application on a free port, in a thread; its address. `lifespan`: whether it is started and ended too."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan=lifespan))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join(20 if lifespan == "on" else 5)


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
