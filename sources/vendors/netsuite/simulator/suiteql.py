"""SuiteQL into SQLite: parse as Oracle's dialect, check every name, rewrite what SQLite says otherwise."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.parsers.oracle import OracleParser

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.columns import Columns
from sources.vendors.netsuite.simulator.errors import Refusal
from sources.vendors.netsuite.simulator.functions import CALLABLE
from sources.vendors.netsuite.simulator.rewrites import rewrite


class SuiteQL(Oracle):
    """Oracle's grammar with the date functions left as they are written: their patterns are ours to read."""

    class Parser(OracleParser):
        FUNCTIONS = {  # noqa: RUF012 - the library's own shape
            name: build
            for name, build in OracleParser.FUNCTIONS.items()
            if name not in CALLABLE and name not in {"TRUNCATE", "DATE_TRUNC"}
        }


class Translated(msgspec.Struct, frozen=True):
    """A query SQLite can run. `parameters`: how many `?` it had; they are named 1, 2, 3 in the order of the text.
    `bounded`: it limits its rows itself."""

    sql: str
    parameters: int
    bounded: bool


def refused(detail: str = facts.UNSUPPORTED) -> Refusal:
    """400: the query is not one NetSuite runs."""
    return Refusal(400, "INVALID_PARAMETER", detail, query="q")


@lru_cache(maxsize=500)
def translate(text: str) -> Translated:
    """The query for SQLite; raises Refusal as NetSuite would answer."""
    tree = _parsed(text)
    _lower(tree)
    marks = list(tree.find_all(exp.Placeholder, bfs=False))
    for number, place in enumerate(marks, 1):
        place.set("this", str(number))
    _check_shape(tree)
    columns = Columns(_checked(tree))
    rewrite(tree, columns, refused)
    _name_outputs(tree)
    return Translated(
        tree.sql(dialect="sqlite", identify=True), len(marks), bool(tree.args.get("limit") or tree.args.get("offset"))
    )


def _parsed(text: str) -> exp.Query:
    try:
        statements = sqlglot.parse(text, read=SuiteQL)
    except (SqlglotError, RecursionError) as error:
        raise refused() from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        raise refused()
    return statements[0]


def _lower(tree: exp.Expr) -> None:
    """Names are the same in any case, quoted or not."""
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.name.lower())


def _check_shape(tree: exp.Expr) -> None:
    """Refuses what other dialects have and SuiteQL has not, and lists longer than Oracle takes."""
    for node in tree.walk():
        if isinstance(node, exp.With | exp.Parameter | exp.Into) or type(node) is exp.Limit:
            raise refused()
        if isinstance(node, exp.In) and len(node.expressions) > facts.MAX_IN:
            raise refused()
        if isinstance(node, exp.Anonymous) and not _known(node):
            raise refused()
        if isinstance(node, exp.Column) and node.args.get("join_mark"):
            raise refused(facts.UNSUPPORTED + " Outer joins by (+) are not simulated: write LEFT JOIN.")


def _known(call: exp.Anonymous) -> bool:
    return call.name.upper() in CALLABLE or (isinstance(call.parent, exp.Dot) and call.name.lower() == "df")


def _checked(tree: exp.Expr) -> list[Scope]:
    try:
        scopes = traverse_scope(tree)
    except SqlglotError as error:
        raise refused() from error
    for scope in scopes:
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and source.name not in facts.TABLES:
                raise refused(facts.UNKNOWN_TABLE.format(name=source.name))
    return scopes


def _name_outputs(tree: exp.Query) -> None:
    """A computed column without an alias gets the name NetSuite would give it."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    for number, one in enumerate(select.expressions, 1):
        if not isinstance(one, exp.Alias | exp.Column | exp.Star):
            one.replace(exp.alias_(one.copy(), facts.UNNAMED.format(number=number)))
