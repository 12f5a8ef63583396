"""The token: who may show it, for what, how long; and what is judged again all the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from resolvers.validation.checks.table import ALWAYS, CODES
from resolvers.validation.findings import Outcome
from resolvers.validation.intake import Intake, order_of
from resolvers.validation.judge import Validation, edition_of, judge
from resolvers.validation.order import Kind
from resolvers.validation.token import TokenRefused, Vouched, open_token
from sources import canonical as c
from sources.assertion import BadSeal, seal, unseal
from sources.settings import Secret
from tests.resolvers.validation import orders as o
from tests.resolvers.world import NOW, Shelf, usd


def order(**given: Any) -> Intake:
    return order_of(o.asked(**given), o.RULES)


async def token(**given: Any) -> str:
    answer = await o.validated(o.asked(**given))
    assert answer.token is not None
    return answer.token


def opened(text: str, **other: Any) -> Vouched:
    plain: dict[str, Any] = {
        "intake": order(), "principal": o.SELLER, "rules": "7", "now": NOW + timedelta(minutes=5), "key": o.KEY,
    }  # fmt: skip
    return open_token(text, **plain | other)


async def test_a_token_vouches_for_its_order() -> None:
    assert opened(await token()).at == NOW


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"now": NOW + timedelta(minutes=15)}, "TOKEN_EXPIRED"),
        ({"now": NOW - timedelta(minutes=2)}, "TOKEN_EXPIRED"),
        ({"principal": replace(o.SELLER, subject="other")}, "TOKEN_OTHER_SUBJECT"),
        ({"principal": replace(o.SELLER, human="bob@acme.test")}, "TOKEN_OTHER_SUBJECT"),
        ({"principal": replace(o.SELLER, human=None)}, "TOKEN_OTHER_SUBJECT"),
        ({"intake": order(lines=[o.line(quantity=Decimal(11))])}, "TOKEN_OTHER_ORDER"),
        ({"intake": order(purchase_order="PO")}, "TOKEN_OTHER_ORDER"),
        ({"intake": order(lines=[o.line(), o.line(quantity=Decimal(-1))])}, "TOKEN_OTHER_ORDER"),
        ({"intake": order(currency="")}, "TOKEN_OTHER_ORDER"),
        ({"rules": "8"}, "TOKEN_OTHER_RULES"),
        ({"key": Secret("another key")}, "TOKEN_INVALID"),
    ],
)
async def test_a_token_that_is_for_something_else_is_refused_with_a_code(other: dict[str, Any], code: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        opened(await token(), **other)
    assert refused.value.code == code


async def test_a_token_that_was_touched_is_refused() -> None:
    text = await token()
    head, body, mark = text.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for other in ("", "x", f"{head}.{body}", f"{head}.{body[:-2]}AA.{mark}", f"{unsigned}.{body}.", text[:-3] + "AAA"):
        with pytest.raises(TokenRefused) as refused:
            opened(other)
        assert refused.value.code == "TOKEN_INVALID"


async def test_a_token_is_for_the_very_rules_that_are_in_force() -> None:
    told = []
    for digest in ("a" * 64, "b" * 64):
        within = o.context()
        within.rules.digest = digest
        answer = await o.validated(within=within)
        assert answer.rules_version == f"7@{digest[:12]}"
        told.append((answer.token or "", edition_of(within)))
    (token, rules), (_, changed) = told
    assert opened(token, rules=rules).at == NOW
    with pytest.raises(TokenRefused) as refused:
        opened(token, rules=changed)
    assert refused.value.code == "TOKEN_OTHER_RULES"


@pytest.mark.parametrize("claims", [{}, {"iss": "opsgraph"}, {"iat": "yesterday"}])
def test_a_seal_of_ours_that_is_no_token_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused) as refused:
        opened(seal(claims, o.KEY))
    assert refused.value.code == "TOKEN_INVALID"


async def test_a_token_for_another_purpose_is_refused() -> None:
    claims = unseal(await token(), o.KEY)
    with pytest.raises(TokenRefused) as refused:
        opened(seal(claims | {"aud": "somebody"}, o.KEY))
    assert refused.value.code == "TOKEN_INVALID"


def test_a_key_of_any_length_seals() -> None:
    assert unseal(seal({"a": 1}, Secret("short")), Secret("short")) == {"a": 1}
    with pytest.raises(BadSeal):
        unseal(seal({"a": 1}, Secret("short")), Secret("shorter"))


async def test_the_token_ends_with_the_day_where_the_entity_is() -> None:
    late = datetime(2026, 3, 11, 3, 55, tzinfo=UTC)  # 23:55 in New York
    answer = await o.validated(within=o.context(now=late))
    assert answer.valid_until == datetime(2026, 3, 11, 4, 0, tzinfo=UTC)


async def test_nobody_signs_without_a_key() -> None:
    without = type(o.context())(o.SELLER, NOW, "test", o.context().rules)
    answer = await o.validated(within=without)
    assert (answer.verdict, answer.token) == (Outcome.VALID, None)


# ---------------------------------------------------------------- judging again


async def again(on: Shelf) -> Validation:
    return await judge(order(), on, o.context(), vouched=opened(await token()))


async def test_what_was_vouched_for_is_not_read_again() -> None:
    on = o.shelf(items=[], taxes=[])
    answer = await again(on)
    assert answer.verdict is Outcome.VALID
    assert {record for record, _, _ in on.asked}.isdisjoint({"ErpItem", "TaxProfile", "Meter", "Case"})
    by_token = {each.code for each in answer.checks if each.source == "token"}
    assert by_token == CODES - ALWAYS
    assert set(o.states(answer)) == CODES | {"INPUT_INVALID", "AUTHORITY", "PRICES_CHANGED"}


async def test_what_did_not_apply_is_not_passed_by_a_token() -> None:
    first, answer = o.states(await o.validated()), await again(o.shelf())
    assert first["QUOTE_TOTAL_MISMATCH"] == first["TAX_ID"] == "NOT_APPLICABLE"
    assert {code: state for code, state in o.states(answer).items() if code != "PRICES_CHANGED"} == first
    assert answer.token is None  # it would stand for what was judged long ago


async def test_a_token_does_not_outlive_the_right_to_see_the_account() -> None:
    answer = await again(o.shelf(accounts=[], profiles=[], taxes=[]))
    assert o.said(answer, "PARTY_UNKNOWN") == ["ERROR account"]
    assert (answer.verdict, answer.token) == (Outcome.INVALID, None)


async def test_a_line_that_could_not_be_taken_in_does_not_vanish() -> None:
    answer = await judge(order(lines=[o.line(), o.line(quantity=Decimal(-5))]), o.shelf(), o.context())
    assert o.said(answer, "INPUT_INVALID") == ["ERROR lines.1.quantity"]
    assert (answer.verdict, answer.token) == (Outcome.INVALID, None)


@pytest.mark.parametrize(
    ("on", "code"),
    [
        (o.shelf(profiles=[o.profile(credit_hold_override=c.CreditHoldOverride.ON)]), "CREDIT_HOLD"),
        (o.shelf(profiles=[o.profile(credit_limit=usd(20_000))]), "CREDIT_EXCEEDED"),
        (o.shelf(periods=o.periods(closed=True)), "PERIOD_CLOSED"),
        (o.shelf(orders=[o.order()]), "DUPLICATE_ORDER"),
        (o.shelf(accounts=[o.account(restrictions=(c.Restriction.FRAUD,))]), "PARTY_RESTRICTED"),
        (o.shelf(subscriptions=[o.subscription()]), "AMEND_REQUIRED"),
        (o.shelf(accounts=[]), "PARTY_UNKNOWN"),
        (o.shelf(prices=[o.price(amount="10.01")]), "PRICES_CHANGED"),
    ],
)
async def test_what_may_have_changed_since_is_judged_again(on: Shelf, code: str) -> None:
    answer = await again(on)
    assert answer.verdict is Outcome.INVALID
    assert o.states(answer)[code] == "FAILED"


async def test_approvals_are_asked_for_whatever_a_token_says() -> None:
    lines = [o.line(discount=Decimal(20))]
    answer = await o.validated(o.asked(lines=lines))
    assert (answer.verdict, bool(answer.token)) == (Outcome.VALID_WITH_APPROVAL, True)
    vouched = opened(answer.token or "", intake=order(lines=lines))
    repeated = await judge(order(lines=lines), o.shelf(), o.context(), vouched=vouched)
    assert [each.role for each in repeated.approvals_required] == ["revops"]


async def test_what_others_have_reserved_is_not_there_for_this_order() -> None:
    on = o.shelf(profiles=[o.profile(credit_limit=usd(200_000))])
    assert (await judge(order(), on, o.context())).verdict is Outcome.VALID
    less = await judge(order(), on, o.context(), reserved=[usd(70_001)])
    assert o.said(less, "CREDIT_EXCEEDED") == ["ERROR parties.payer"]
    unknown = await judge(order(), on, o.context(), reserved=[c.Money(1, "EUR")])
    assert o.said(unknown, "CREDIT_EXCEEDED") == ["UNVERIFIED parties.payer"]


@pytest.mark.parametrize(
    ("change", "state"),
    [({}, "FAILED"), ({"account_key": "001B"}, "PASSED"), ({"status": c.OrderStatus.CANCELED}, "PASSED")],
)
async def test_an_order_on_its_way_is_no_reason_to_order_again(change: dict[str, Any], state: str) -> None:
    other = o.order("operation-1", created_at=NOW, **change)
    answer = await judge(order(), o.shelf(), o.context(), under_way=[other])
    assert o.states(answer)["DUPLICATE_ORDER"] == state


async def test_orders_on_their_way_count_once_among_those_of_thirty_days() -> None:
    other = o.order("801B", lines=(), total=usd(4_990_000), purchase_order="PO")
    for under_way, on in (([other], o.shelf()), ([other], o.shelf(orders=[other]))):
        answer = await judge(order(purchase_order="PO"), on, o.context(), under_way=under_way)
        assert [each.amount for each in answer.approvals_required] == [usd(5_110_000)]
        assert o.said(answer, "PO_USED") == ["ERROR purchaseOrder"]


async def test_the_instant_to_prorate_by_is_bound() -> None:
    given = o.asked(kind=Kind.AMEND, lines=[o.line(quantity=Decimal(20))])
    answer = await o.validated(given, o.shelf(changing=True))
    assert answer.proration is not None
    assert answer.token is not None
    found = order_of(given, o.RULES)
    assert opened(answer.token, intake=found).proration_at == answer.proration.date
    assert answer.first_invoice is not None
    assert answer.first_invoice.amount == answer.proration.net
    assert date(2026, 3, 24) <= answer.first_invoice.period_end <= date(2026, 3, 25)
