"""A real Tryton (GPL-3) in an environment and a process of its own, with seeded books of one company.

The seeded database is made once (half a minute or more) and kept in the cache per versions and seed; each start copies it.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.peers import CACHE, alone, interpreter

PACKAGES = (
    "trytond==8.2.1",
    *("trytond_account==8.2.1", "trytond_account_invoice==8.2.0", "trytond_account_credit_limit==8.2.0"),
    *("trytond_sale==8.2.0", "trytond_party==8.2.0", "trytond_company==8.2.0", "proteus==8.2.0"),
)
MODULES = ("sale", "account_invoice", "account_credit_limit")
SEED = Path(__file__).parent / "seed.py"
CONFIGURATION = "[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"


class Erp(msgspec.Struct):
    """A running server: its address, and what the seed told (`keys`, `company`, `closed` ...)."""

    url: str
    seeded: dict[str, Any]


@contextmanager
def running() -> Iterator[Erp]:
    """A server over a copy of the seeded books; ends with the block."""
    python = interpreter(*PACKAGES)
    template = _template(python)
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), _free_port()
        shutil.copy(template / "erp.sqlite", folder)
        configuration = _configured(folder, port)
        log = (folder / "log").open("w")
        command: list[Any] = [python.parent / "trytond", "-c", configuration, "-d", "erp"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, folder / "log")
            yield Erp(url, json.loads((template / "seed.json").read_text()))
        finally:
            process.terminate()
            process.wait(20)
            log.close()


def _template(python: Path) -> Path:
    """The folder of the seeded books; made where it is not there yet."""
    tag = hashlib.sha256(repr((PACKAGES, MODULES)).encode() + SEED.read_bytes()).hexdigest()[:12]
    home = CACHE / "tryton" / tag
    with alone(f"tryton-{tag}"), tempfile.TemporaryDirectory() as name:
        if (home / "seed.json").exists():
            return home
        folder = Path(name)
        configuration = _configured(folder, 0)
        (folder / "erp.sqlite").touch()
        (folder / "pass").write_text("Adm1n-of-a-test-only")
        admin = [python.parent / "trytond-admin", "-c", configuration, "-d", "erp", "-u", *MODULES]
        _run([*admin, "--activate-dependencies", "--email", "admin@example.com", "-p"], folder)
        told = _run([python, SEED, configuration], folder)
        (folder / "seed.json").write_text(told.splitlines()[-1])
        home.mkdir(parents=True, exist_ok=True)
        for each in ("erp.sqlite", "seed.json"):  # what says that it is complete comes last
            shutil.copy(folder / each, home)
    return home


def _run(command: list[Any], folder: Path) -> str:
    known = {**os.environ, "TRYTONPASSFILE": str(folder / "pass")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=known)
    if done.returncode:
        pytest.skip(f"NOT TESTED against Tryton, its books cannot be made: {done.stderr[-500:]}")
    return done.stdout


def _configured(folder: Path, port: int) -> Path:
    path = folder / "trytond.conf"
    path.write_text(CONFIGURATION.format(folder=folder, port=port))
    return path


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx2.HTTPError):
            httpx2.get(url, timeout=20)
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"Tryton does not start: {log.read_text()[-2000:]}")
