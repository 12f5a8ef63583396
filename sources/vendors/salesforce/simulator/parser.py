"""Reads SOQL: a query's text in, its syntax out, MALFORMED_QUERY where it is none."""

from __future__ import annotations

from sources.vendors.salesforce.simulator import syntax
from sources.vendors.salesforce.simulator.errors import Refusal, assumed, query_error
from sources.vendors.salesforce.simulator.facts import QUERY_CHARACTERS, Assumed
from sources.vendors.salesforce.simulator.lexer import Token, tokens

_AFTER_SOURCE = frozenset(
    {"WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "ALL", "UPDATE"}
)
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_VALUES = frozenset({"string", "number", "date", "datetime"})
_DEEPEST = 50  # nested parentheses


def parsed(text: str) -> syntax.Select:
    """The syntax of a query. Raises Refusal with MALFORMED_QUERY."""
    if len(text) > QUERY_CHARACTERS:
        raise assumed(400, Assumed.LONG_QUERY)
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._place, self._depth = text, tokens(text), 0, 0

    # ------------------------------------------------------------ tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _unexpected(self, token: Token) -> Refusal:
        shown = token.text if token.kind != "end" else "<EOF>"
        return query_error("MALFORMED_QUERY", self._text, token.at, f"unexpected token: '{shown}'")

    def _word(self) -> Token:
        if self._next.kind != "word":
            raise self._unexpected(self._next)
        return self._take()

    def _expect(self, *texts: str) -> Token:
        for text in texts:
            if (self._next.upper or self._next.text) != text or self._next.kind in _VALUES:
                raise self._unexpected(self._next)
            token = self._take()
        return token

    def _accept(self, *texts: str) -> bool:
        ahead = self._tokens[self._place : self._place + len(texts)]
        if tuple(token.upper or token.text for token in ahead) != texts or ahead[0].kind in _VALUES:
            return False
        self._place += len(texts)
        return True

    # ------------------------------------------------------------ clauses

    def whole(self) -> syntax.Select:
        select = self._select()
        if self._next.kind != "end":
            raise self._unexpected(self._next)
        return select

    def _select(self) -> syntax.Select:
        self._expect("SELECT")
        columns = [self._column()]
        while self._accept(","):
            columns.append(self._column())
        self._expect("FROM")
        source = self._word()
        alias = self._alias()
        if self._accept("USING", "SCOPE"):
            self._word()
        where = self._condition() if self._accept("WHERE") else None
        if self._accept("WITH"):
            self._word()
        group = self._list() if self._accept("GROUP", "BY") else ()
        having = self._condition() if self._accept("HAVING") else None
        order = self._order() if self._accept("ORDER", "BY") else ()
        limit = self._count() if self._accept("LIMIT") else None
        offset_at = self._next.at
        offset = self._count() if self._accept("OFFSET") else 0
        if self._accept("FOR"):
            self._word()
        return syntax.Select(
            columns=tuple(columns),
            source=source.text,
            source_at=source.at,
            alias=alias,
            where=where,
            group=group,
            having=having,
            order=order,
            limit=limit,
            offset=offset,
            offset_at=offset_at,
        )

    def _nested(self) -> syntax.Select:
        self._deeper()
        select = self._select()
        self._depth -= 1
        self._expect(")")
        return select

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._unexpected(self._next)

    def _alias(self) -> str | None:
        self._accept("AS")
        if self._next.kind == "word" and self._next.upper not in _AFTER_SOURCE:
            return self._take().text
        return None

    def _column(self) -> syntax.Column | syntax.AllFields | syntax.Children:
        if self._accept("("):
            return syntax.Children(self._nested())
        at = self._next.at
        if self._accept("FIELDS", "("):
            which = self._word().upper
            self._expect(")")
            if which not in ("ALL", "STANDARD", "CUSTOM"):
                raise query_error("MALFORMED_QUERY", self._text, at, f"unexpected token: '{which}'")
            return syntax.AllFields(which, at)
        expression = self._expression()
        if self._next.kind == "word" and self._next.upper != "FROM":
            return syntax.Column(expression, self._take().text)
        return syntax.Column(expression)

    def _expression(self) -> syntax.Expression:
        name = self._word()
        if not self._accept("("):
            return syntax.Path(tuple(name.text.split(".")), name.at)
        if self._accept(")"):
            return syntax.Function(name.upper, None, name.at)
        argument = self._word()
        self._expect(")")
        return syntax.Function(name.upper, syntax.Path(tuple(argument.text.split(".")), argument.at), name.at)

    def _list(self) -> tuple[syntax.Expression, ...]:
        found = [self._expression()]
        while self._accept(","):
            found.append(self._expression())
        return tuple(found)

    def _order(self) -> tuple[syntax.Sort, ...]:
        found = [self._sort()]
        while self._accept(","):
            found.append(self._sort())
        return tuple(found)

    def _sort(self) -> syntax.Sort:
        expression = self._expression()
        descending = self._accept("DESC") or (self._accept("ASC") and False)
        if not self._accept("NULLS"):
            return syntax.Sort(expression, descending, None)
        nulls = self._word()
        if nulls.upper not in ("FIRST", "LAST"):
            raise self._unexpected(nulls)
        return syntax.Sort(expression, descending, nulls.upper)

    def _count(self) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected(token)
        return int(token.text)

    # ------------------------------------------------------------ conditions

    def _condition(self) -> syntax.Condition:
        """Operands joined by AND alone or by OR alone: the vendor wants parentheses around a mixture."""
        self._deeper()
        parts = [self._operand()]
        joined = self._next.upper
        while joined in ("AND", "OR") and self._accept(joined):
            parts.append(self._operand())
        self._depth -= 1
        if self._next.upper in ("AND", "OR"):
            raise self._unexpected(self._next)
        if len(parts) == 1:
            return parts[0]
        return syntax.All(tuple(parts)) if joined == "AND" else syntax.Either(tuple(parts))

    def _operand(self) -> syntax.Condition:
        if self._accept("NOT"):
            return syntax.Not(self._operand_once())
        return self._operand_once()

    def _operand_once(self) -> syntax.Condition:
        if self._accept("("):
            condition = self._condition()
            self._expect(")")
            return condition
        return self._test()

    def _test(self) -> syntax.Condition:
        left = self._expression()
        token = self._take()
        if token.kind == "sign" and token.text in _COMPARISONS:
            return syntax.Test(left, _COMPARISONS[token.text], self._value(), left.at)
        if token.upper == "LIKE":
            return syntax.Test(left, "LIKE", self._value(), left.at)
        if token.upper == "IN":
            return syntax.Test(left, "IN", self._values(), left.at)
        if token.upper == "NOT":
            self._expect("IN")
            return syntax.Not(syntax.Test(left, "IN", self._values(), left.at))
        raise self._unexpected(token)

    def _values(self) -> tuple[syntax.Literal, ...] | syntax.Select:
        self._expect("(")
        if self._next.upper == "SELECT":
            return self._nested()
        found = [self._value()]
        while self._accept(","):
            found.append(self._value())
        self._expect(")")
        return tuple(found)

    def _value(self) -> syntax.Literal:
        token = self._take()
        if token.kind in _VALUES:
            return syntax.Literal(token.kind, token.text, token.at)
        if token.upper in ("TRUE", "FALSE"):
            return syntax.Literal("boolean", token.upper, token.at)
        if token.upper == "NULL":
            return syntax.Literal("null", "NULL", token.at)
        if token.kind == "word":
            return syntax.Literal("named", token.upper, token.at)
        raise self._unexpected(token)
