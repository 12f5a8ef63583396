"""What docs show of a command is what it prints."""

import re
import shlex
from pathlib import Path

import pytest

from gateway.cli import main

DOCS = Path(__file__).parents[3] / "docs"
_LINE = re.compile(r"(\.yaml):\d+")  # a rule moves with every line above it


def test_the_plan_in_the_engines_page_is_the_one_that_explain_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (DOCS / "engine.md").read_text(encoding="utf-8")
    shown = re.search(r"```\n\$ cat (\S+)\n(.*?)\n\$ opsgraph ([^\n]*)\n(.*?)\n```", page, re.DOTALL)
    assert shown is not None
    name, document, command, printed = shown.groups()
    (tmp_path / name).write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)) == 0
    assert _LINE.sub(r"\1", capsys.readouterr().out.strip()) == _LINE.sub(r"\1", printed)
