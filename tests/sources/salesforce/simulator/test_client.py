"""The independent client `simple-salesforce`, unchanged; only the address and the scheme are turned to the simulator."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from sources.vendors.salesforce.simulator import DEVELOPMENT, DEVELOPMENT_KEY, Limits
from sources.vendors.salesforce.simulator.sales import PRICEBOOK
from tests.sources.salesforce.simulator.book import ACME, ALICE, GONE, ORDER, SEAT_PRICE, UMLAUT
from tests.sources.salesforce.simulator.conftest import Organisation, Start


class ToTheSimulator(HTTPAdapter):
    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        return super().send(request, *arguments, **options)


class Clients:
    """Makes sessions that reach one simulator, and closes them."""

    def __init__(self) -> None:
        self._sessions: list[requests.Session] = []

    def login(self, base: str, **credentials: Any) -> Any:
        session = requests.Session()
        session.mount("https://", ToTheSimulator(base))
        self._sessions.append(session)
        return Salesforce(session=session, version="66.0", **credentials)

    def by_assertion(self, base: str) -> Any:
        return self.login(
            base,
            username=DEVELOPMENT.username,
            consumer_key=DEVELOPMENT.client_id,
            privatekey=DEVELOPMENT_KEY.private_pem,
        )

    def close(self) -> None:
        for session in self._sessions:
            session.close()


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture
def organisation(start: Start) -> Organisation:
    return start()


@pytest.fixture
def salesforce(organisation: Organisation, clients: Clients) -> Any:
    return clients.by_assertion(organisation.base)


class TestLogin:
    def test_a_secret_logs_in(self, organisation: Organisation, clients: Clients) -> None:
        secret = {"consumer_key": DEVELOPMENT.client_id, "consumer_secret": DEVELOPMENT.client_secret}
        client = clients.login(organisation.base, domain="northwind.my", **secret)
        assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 4

    def test_a_password_logs_in(self, organisation: Organisation, clients: Clients) -> None:
        client = clients.login(
            organisation.base,
            username=DEVELOPMENT.username,
            password=DEVELOPMENT.password,
            consumer_key=DEVELOPMENT.client_id,
            consumer_secret=DEVELOPMENT.client_secret,
        )
        assert client.sf_instance.startswith("127.0.0.1:")

    def test_a_wrong_secret_is_refused(self, organisation: Organisation, clients: Clients) -> None:
        secret = {"consumer_key": DEVELOPMENT.client_id, "consumer_secret": "wrong"}
        with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
            clients.login(organisation.base, domain="northwind.my", **secret)

    def test_an_ended_session_is_renewed_by_the_client(self, organisation: Organisation, salesforce: Any) -> None:
        organisation.app.state.identity.expire()
        assert salesforce.query("SELECT Id FROM Account LIMIT 1")["done"]
        assert organisation.app.state.calls.tokens == 3


class TestQueries:
    def test_all_pages_are_read(self, start: Start, clients: Clients) -> None:
        client = clients.by_assertion(start(Limits(short_pages=2)).base)
        first = client.query("SELECT Id, Name FROM Account ORDER BY Id")
        assert (first["totalSize"], first["done"], len(first["records"])) == (4, False, 2)
        more = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
        assert (more["done"], len(more["records"])) == (True, 2)
        locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
        assert client.query_more(locator)["records"] == more["records"]
        everything = client.query_all("SELECT Id FROM Account", include_deleted=True)
        assert (everything["totalSize"], len(everything["records"])) == (6, 6)

    def test_values_the_client_escapes_come_through(self, salesforce: Any) -> None:
        salesforce.Account.create({"Name": 'O\'Neil \\ "Sons"\n& Töchter'})
        soql = format_soql(
            "SELECT Name FROM Account WHERE Name = {} AND Name LIKE '%{:like}%'", 'O\'Neil \\ "Sons"\n& Töchter', "\\"
        )
        assert [row["Name"] for row in salesforce.query(soql)["records"]] == ['O\'Neil \\ "Sons"\n& Töchter']

    def test_a_wrong_query_is_a_malformed_request(self, salesforce: Any) -> None:
        with pytest.raises(SalesforceMalformedRequest) as raised:
            salesforce.query("SELECT Nope FROM Account")
        assert "'errorCode': 'INVALID_FIELD'" in str(raised.value.content)

    def test_the_usage_is_read_from_each_answer(self, salesforce: Any) -> None:
        salesforce.query("SELECT Id FROM Account LIMIT 1")
        assert (salesforce.api_usage["api-usage"].used, salesforce.api_usage["api-usage"].total) == (1, 150_000)
        assert salesforce.limits()["DailyApiRequests"] == {"Max": 150_000, "Remaining": 149_998}

    def test_an_exhausted_quota_is_a_refused_request(self, start: Start, clients: Clients) -> None:
        client = clients.by_assertion(start(Limits(daily_calls=1)).base)
        client.query("SELECT Id FROM Account")
        with pytest.raises(SalesforceRefusedRequest, match="TotalRequests Limit exceeded"):
            client.query("SELECT Id FROM Account")


class TestRecords:
    def test_records_are_read_by_id_and_by_external_id(self, salesforce: Any) -> None:
        assert salesforce.Account.get(UMLAUT)["Name"] == "Über Größe GmbH"
        assert salesforce.Account.get_by_custom_id("Billing_Customer_Id__c", "cus_1")["Id"] == ACME
        assert salesforce.Contact.get(ALICE, params={"fields": "Email"})["Email"] == "Alice@Acme.example"

    def test_missing_and_deleted_records_are_not_found(self, salesforce: Any) -> None:
        for record_id in (GONE, "001000000000000AAA"):
            with pytest.raises(SalesforceResourceNotFound):
                salesforce.Account.get(record_id)

    def test_several_records_of_one_external_id_are_listed(self, salesforce: Any) -> None:
        with pytest.raises(SalesforceMoreThanOneRecord) as raised:
            salesforce.Account.get_by_custom_id("Billing_Customer_Id__c", "cus_2")
        assert len(raised.value.content) == 2

    def test_a_record_is_created_changed_and_deleted(self, salesforce: Any) -> None:
        made = salesforce.Account.create({"Name": "Новая компания"})
        assert made["success"] is True
        assert salesforce.Account.update(made["id"], {"Phone": "+49 1"}) == 204
        read = salesforce.Account.get(made["id"])
        assert (read["Name"], read["Phone"]) == ("Новая компания", "+49 1")
        assert salesforce.Account.delete(made["id"]) == 204
        with pytest.raises(SalesforceResourceNotFound):
            salesforce.Account.get(made["id"])

    def test_an_upsert_creates_once(self, salesforce: Any) -> None:
        key = format_external_id("Gateway_Op_Id__c", "op/1")
        values = {"AccountId": ACME, "EffectiveDate": "2026-12-01", "Status": "Draft"}
        assert salesforce.Order.upsert(key, values) == 201
        assert salesforce.Order.upsert(key, {"Description": "again"}) == 200
        assert salesforce.query("SELECT COUNT() FROM Order WHERE Gateway_Op_Id__c = 'op/1'")["totalSize"] == 1

    def test_objects_describe_themselves(self, salesforce: Any) -> None:
        fields = {field["name"]: field for field in salesforce.Account.describe()["fields"]}
        assert (fields["ParentId"]["referenceTo"], fields["ParentId"]["relationshipName"]) == (["Account"], "Parent")
        assert fields["Billing_Customer_Id__c"]["externalId"] is True
        assert "Order" in {sobject["name"] for sobject in salesforce.describe()["sobjects"]}
        assert salesforce.Account.metadata()["objectDescribe"]["keyPrefix"] == "001"


class TestComposite:
    def test_an_order_is_made_and_activated_in_one_call(self, salesforce: Any) -> None:
        data = "/services/data/v66.0/sobjects"
        draft = {"AccountId": ACME, "EffectiveDate": "2026-12-01", "Status": "Draft", "Pricebook2Id": PRICEBOOK}
        steps = [
            ("POST", f"{data}/Order", "ord", draft),
            (
                "POST",
                f"{data}/OrderItem",
                "line",
                {"OrderId": "@{ord.id}", "PricebookEntryId": SEAT_PRICE, "Quantity": 3, "UnitPrice": 10},
            ),
            ("PATCH", f"{data}/Order/@{{ord.id}}", "act", {"Status": "Activated"}),
            ("GET", f"{data}/Order/@{{ord.id}}?fields=StatusCode,TotalAmount", "read", None),
        ]
        names = ("method", "url", "referenceId", "body")
        body = {"allOrNone": True, "compositeRequest": [dict(zip(names, step, strict=True)) for step in steps]}
        answer = salesforce.restful("composite", method="POST", json=body)
        assert answer is not None
        assert [one["httpStatusCode"] for one in answer["compositeResponse"]] == [201, 201, 204, 200]
        read = answer["compositeResponse"][-1]["body"]
        assert (read["StatusCode"], read["TotalAmount"]) == ("Activated", 30.0)

    def test_a_batch_answers_each_of_its_calls(self, salesforce: Any) -> None:
        urls = (f"v66.0/sobjects/Order/{ORDER}?fields=OrderNumber", "v66.0/query/?q=SELECT+COUNT()+FROM+Contact")
        body = {"batchRequests": [{"method": "GET", "url": url} for url in urls]}
        answer = salesforce.restful("composite/batch", method="POST", json=body)
        assert answer is not None
        first, second = answer["results"]
        assert (first["result"]["OrderNumber"], second["result"]["totalSize"]) == ("00000200", 3)
