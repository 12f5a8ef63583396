"""The limits of orders: what their file may say, and that a mistake in it is one line that says where."""

from decimal import Decimal
from pathlib import Path

import pytest

from policies.load import RULES, load_rules
from policies.orders import OrderRules, Sells, order_rules
from policies.yaml import RuleError, read
from resolvers.validation.checks.table import CODES


def rules(folder: Path, text: str) -> OrderRules:
    (folder / "orders.yaml").write_text(text, encoding="utf-8")
    return order_rules(read(folder / "orders.yaml", "rules/orders.yaml"))


def test_the_rules_that_come_along_speak_of_checks_that_there_are() -> None:
    found = load_rules(RULES).orders
    assert set(found.not_applicable) <= CODES
    assert found.terms_usual in found.terms
    assert found.entities is not None


def test_an_empty_file_has_the_usual_limits(tmp_path: Path) -> None:
    assert rules(tmp_path, "") == OrderRules()


def test_figures_are_exact(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        'version: "3"\ndiscount_most: "12.5"\nterms: {Net 30: "30"}\nterms_usual: Net 30\n'
        "entities: {NO: {currencies: [NOK], countries: [NO, SE], withheld: X}, SE: {currencies: SEK, countries: any}}\n",
    )
    assert (found.version, found.discount_most, found.terms) == ("3", Decimal("12.5"), {"Net 30": 30})
    assert found.entities == {
        "NO": Sells(frozenset({"NOK"}), frozenset({"NO", "SE"}), frozenset({"X"})),
        "SE": Sells(frozenset({"SEK"})),
    }


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('lines: "1"', 1, "`version` is missing"),
        ('version: "1"\nlines: many', 2, "whole number"),
        ('version: "1"\ndiscount_most: -1', 2, "an amount"),
        ('version: "1"\nunheard: of', 2, "unknown key"),
        ('version: "1"\nterms_usual: Net 30', 2, "`terms_usual`"),
        ('version: "1"\nrevenue_rule_for: some', 2, "`all` or `recurring`"),
        ('version: "1"\nentities: {US: {countries: any}}', 2, "`currencies` is missing"),
        ('version: "1"\nentities: {US: {currencies: [dollar]}}', 2, "`dollar`"),
        ('version: "1"\nterm_months_least: "9"\nterm_months_most: "3"', 1, "more than"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, text: str, line: int, word: str) -> None:
    with pytest.raises(RuleError, match=word) as error:
        rules(tmp_path, text)
    assert (error.value.file, error.value.line) == ("rules/orders.yaml", line)
