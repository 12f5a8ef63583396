"""What a checked SuiteQL query must say differently for SQLite."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

from collections.abc import Callable

import sqlglot
from sqlglot import exp

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.columns import PSEUDO, Columns
from sources.vendors.netsuite.simulator.errors import Refusal

_COMPARISONS = exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Between | exp.In
_ENUMERATIONS = {
    ("transaction", "type"): "ns_type",
    ("transaction", "approvalstatus"): "ns_approval",
    ("customer", "creditholdoverride"): "ns_hold",
}
Refuse = Callable[..., Refusal]


def rewrite(tree: exp.Query, columns: Columns, refused: Refuse) -> None:
    """Changes `tree` in place: dates, statuses, labels, ROWNUM, FETCH FIRST and ordering."""
    nodes = list(tree.walk())
    for node in nodes:
        if isinstance(node, _COMPARISONS):
            _compare_dates(node, columns)
    for node in nodes:
        if isinstance(node, exp.Add | exp.Sub):
            _shift_dates(node, columns)
    for node in nodes:
        if isinstance(node, exp.EQ | exp.NEQ | exp.In):
            _compare_status(node, columns)
    for node in nodes:
        if isinstance(node, exp.Dot):
            _label(node, columns, refused)
        elif isinstance(node, exp.CurrentDate | exp.CurrentTimestamp):
            node.replace(_call("ns_today" if isinstance(node, exp.CurrentDate) else "ns_now"))
        elif isinstance(node, exp.DPipe):
            _concatenate(node)
        elif isinstance(node, exp.Ordered):
            _order_by_key(node)
    for select in list(tree.find_all(exp.Select)):
        _limit_rows(select, refused)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _compare_dates(node: exp.Expr, columns: Columns) -> None:
    """A text beside a date is read in the account's date format."""
    sides = [child for child in node.iter_expressions() if not isinstance(child, exp.Query)]
    if not any(columns.is_date(side) for side in sides):
        return
    for side in sides:
        if isinstance(side, exp.Placeholder) or (isinstance(side, exp.Literal) and side.is_string):
            side.replace(_call("to_date", side.copy()))


def _shift_dates(node: exp.Add | exp.Sub, columns: Columns) -> None:
    if columns.is_date(node.this) or columns.is_date(node.expression):
        name = "ns_plus" if isinstance(node, exp.Add) else "ns_minus"
        node.replace(_call(name, node.this, node.expression))


def _compare_status(node: exp.EQ | exp.NEQ | exp.In, columns: Columns) -> None:
    """`status` may be compared with `A` and with `CustInvc:A`."""
    column = node.this
    if not isinstance(column, exp.Column) or not _is_status(column, columns):
        return
    alias = (columns.alias_and_table(column) or ("", ""))[0]
    full = node.copy()
    kind = exp.column("type", table=alias)
    full.set("this", exp.DPipe(this=exp.DPipe(this=kind, expression=exp.Literal.string(":")), expression=column.copy()))
    both = exp.And if isinstance(node, exp.NEQ) or isinstance(node.parent, exp.Not) else exp.Or
    if isinstance(node.parent, exp.Not):
        node.parent.replace(exp.Paren(this=both(this=exp.Not(this=node.copy()), expression=exp.Not(this=full))))
        return
    node.replace(exp.Paren(this=both(this=node.copy(), expression=full)))


def _is_status(column: exp.Column, columns: Columns) -> bool:
    placed = columns.alias_and_table(column)
    return placed is not None and placed[1] == "transaction" and column.name == "status"


def _label(node: exp.Dot, columns: Columns, refused: Refuse) -> None:
    """BUILTIN.DF(column): what people read instead of the stored id."""
    call = node.expression
    column = call.expressions[0] if isinstance(call, exp.Anonymous) and len(call.expressions) == 1 else None
    if node.name and node.this.name != "builtin":
        raise refused()
    placed = columns.alias_and_table(column) if isinstance(column, exp.Column) else None
    known = columns.table_column(column) if isinstance(column, exp.Column) else None
    if placed is None or known is None or column is None:
        raise refused()
    alias, table = placed
    if (table, column.name) == ("transaction", "status"):
        node.replace(_call("ns_status", exp.column("type", table=alias), column.copy()))
        return
    if name := _ENUMERATIONS.get((table, column.name)):
        node.replace(_call(name, column.copy()))
        return
    if known.refers is None:
        node.replace(_call("to_char", column.copy()))
        return
    own = exp.column(column.name, table=alias, quoted=True)
    where = f'"df"."id" = {own.sql(dialect="sqlite", identify=True)}'
    text = f'(SELECT {facts.LABELS[known.refers]} FROM "{known.refers}" AS "df" WHERE {where})'
    label: exp.Expr = sqlglot.parse_one(text, dialect="sqlite")
    node.replace(label)


def _concatenate(node: exp.DPipe) -> None:
    """Null is the empty text, as in Oracle."""
    for side in (node.this, node.expression):
        if not isinstance(side, exp.Literal | exp.DPipe):
            side.replace(exp.Coalesce(this=_call("to_char", side.copy()), expressions=[exp.Literal.string("")]))


def _order_by_key(node: exp.Ordered) -> None:
    """An id is never null: without NULLS LAST, SQLite can order by the index."""
    if isinstance(node.this, exp.Column) and node.this.name == "id":
        node.set("nulls_first", not node.args.get("desc"))


def _limit_rows(select: exp.Select, refused: Refuse) -> None:
    """ROWNUM: a bound of the rows in WHERE, a number of the row among the output."""
    for column in [one for one in select.find_all(exp.Column) if one.name == PSEUDO and not one.table]:
        if column.find_ancestor(exp.Select) is not select:
            continue
        if column.find_ancestor(exp.Where) is None:
            column.replace(exp.Window(this=exp.RowNumber()))
            continue
        bound = column.parent
        if not isinstance(bound, exp.LTE | exp.LT) or bound.this is not column:
            raise refused()
        if not isinstance(bound.parent, exp.Where | exp.And) or _shapes_rows(select):
            raise refused(facts.UNSUPPORTED + " Put the ordered or grouped query into FROM ( ... ), ROWNUM around it.")
        count = bound.expression.copy()
        if isinstance(bound, exp.LT):
            count = exp.Sub(this=count, expression=exp.Literal.number(1))
        bound.replace(exp.true())
        select.set("limit", exp.Limit(expression=count))


def _shapes_rows(select: exp.Select) -> bool:
    """Does it order, group or bound rows, which SQLite would do before LIMIT and Oracle after ROWNUM?"""
    aggregates = any(one.find(exp.AggFunc) for one in select.expressions)
    return aggregates or any(select.args.get(part) for part in ("order", "limit", "group", "distinct"))
