"""The rules of the house that no linter knows."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gateway", "resolvers", "sources", "policies")
LOCKS = {
    "requirements.lock": ("simulators", "redis", "writes", "build"),
    "requirements-dev.lock": ("simulators", "redis", "writes", "build", "test", "dev"),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# In pieces, so that this file does not find itself.
PRIVATE_PLACES = [
    r"(?<![\w.])/" + folder + r"/[A-Za-z0-9_.-]+/"
    for folder in ("ho" + "me", "Us" + "ers", "wo" + "rk", "opt/" + "pypi[a-z-]*")
] + [r"(?<![\w.])/ro" + "ot/", r"[A-Z]:\\\\?Us" + "ers"]
REGISTRY_HOSTS = [
    re.escape(name + "." + domain)
    for name, domain in (
        ("py" + "pi", "org"),
        ("pythonhost" + "ed", "org"),
        ("npm" + "js", "org"),
        ("npm" + "js", "com"),
        ("yarnp" + "kg", "com"),
        ("deb.deb" + "ian", "org"),
        ("cra" + "tes", "io"),
        ("proxy.go" + "lang", "org"),
    )
]
UNWANTED = re.compile("|".join(PRIVATE_PLACES + REGISTRY_HOSTS))


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def requirements(*groups: str) -> list[Requirement]:
    named = PROJECT["project"]["optional-dependencies"] | PROJECT["dependency-groups"]
    wanted = [*PROJECT["project"]["dependencies"], *(line for group in groups for line in named[group])]
    return [Requirement(line) for line in wanted]


def pins(lock: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize(
    "line",
    [
        "/ho" + "me/ada/opsgraph/x.py",
        'path = "/wo' + 'rk/main/x.py"',
        "/ro" + "ot/.cache",
        "https://py" + "pi.org/simple",
        "files.pythonhost" + "ed.org",
    ],
)
def test_the_pattern_finds_private_places_and_registry_hosts(line: str) -> None:
    assert UNWANTED.search(line)


@pytest.mark.parametrize("line", ["/api/home/x/", "GET /v1/homes/", "docs/work/log/", "https://example.org/root"])
def test_the_pattern_leaves_ordinary_addresses_alone(line: str) -> None:
    assert not UNWANTED.search(line)


def test_no_file_names_a_private_place_or_a_registry_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := UNWANTED.search(line))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text())
    unhashed = [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert not unhashed


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_contains_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)


@pytest.mark.parametrize(("lock", "groups"), LOCKS.items())
def test_a_lock_answers_the_project_file(lock: str, groups: tuple[str, ...]) -> None:
    pinned = pins(lock)
    stale = [
        f"{wanted} is locked to {pinned.get(canonicalize_name(wanted.name), 'nothing')}: run `make lock`"
        for wanted in requirements(*groups)
        if not wanted.specifier.contains(pinned.get(canonicalize_name(wanted.name), "0"), prereleases=True)
    ]
    assert not stale, "\n".join(stale)


def test_both_locks_agree() -> None:
    development = pins("requirements-dev.lock")
    assert {name: development.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    def bounded(wanted: Requirement) -> bool:
        operators = {part.operator for part in wanted.specifier}
        return bool(operators & {">=", "==", "~="}) and bool(operators & {"<", "<=", "==", "~="})

    backend = [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    everything = [*backend, *requirements("simulators", "redis", "writes", "build", "test", "dev")]
    assert not [str(wanted) for wanted in everything if not bounded(wanted)]


def test_every_module_says_what_it_is_in_its_first_line() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not (said := ast.get_docstring(ast.parse(path.read_bytes())))
        or not said.splitlines()[0].endswith((".", "`"))
    ]
    assert not silent, f"a module's docstring starts with one whole sentence: {silent}"


def test_the_policies_import_only_the_standard_library_and_their_file_decoders() -> None:
    allowed = sys.stdlib_module_names | {"policies", "msgspec", "ruamel"}
    strangers = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "policies").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in imported(node)
        if name.partition(".")[0] not in allowed
    ]
    assert not strangers


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def test_what_serves_loads_no_simulator_and_no_database() -> None:
    serving = [
        name
        for name in ("gateway.app", "gateway.cli.serve", "gateway.settings", "sources.catalog", "sources.durable")
        if importlib.util.find_spec(name)
    ]
    program = f"""
import importlib, sys
for name in {serving!r}:
    importlib.import_module(name)
print(*(name for name in sys.modules if name.split(".")[0] == "sqlglot"
    or name.split(".")[0] in ("dbos", "sqlalchemy", "alembic", "psycopg")
    or name.startswith(("sources.simulation", "gateway.enterprise")) or ".simulator" in name))
"""
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not loaded.stdout.split()


class TestNothingIsLeftOutInCI:
    @pytest.fixture
    def project(self, pytester: pytest.Pytester) -> pytest.Pytester:
        pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
        pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
        pytester.makepyfile("""
            import pytest

            def test_runs(): pass

            @pytest.mark.skip(reason="no browser")
            def test_is_left_out(): pass

            @pytest.mark.xfail(reason="known")
            def test_is_known_to_fail(): assert False
        """)
        return pytester

    def test_a_skip_fails_the_run_and_says_why(self, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        result = project.runpytest_inprocess("-p", "no:cacheprovider")
        result.assert_outcomes(passed=1, errors=1, xfailed=1)
        result.stdout.fnmatch_lines(["*nothing may be left out in CI*no browser*"])
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    def test_a_whole_module_that_is_left_out_fails_the_run(
        self, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI", "true")
        project.makepyfile(test_absent="import pytest; pytest.importorskip('there_is_no_such_module')")
        result = project.runpytest_inprocess("-p", "no:cacheprovider")
        result.stdout.fnmatch_lines(["*nothing may be left out in CI*there_is_no_such_module*"])
        assert result.ret == pytest.ExitCode.INTERRUPTED

    def test_elsewhere_a_skip_is_only_reported(self, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CI", raising=False)
        result = project.runpytest_inprocess("-p", "no:cacheprovider", "-ra")
        result.assert_outcomes(passed=1, skipped=1, xfailed=1)
        result.stdout.fnmatch_lines(["SKIPPED*no browser*"])
        assert result.ret == pytest.ExitCode.OK
