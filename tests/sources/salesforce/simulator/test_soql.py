"""SOQL: what a query may say, what it means, and how it is refused."""

# ruff: noqa: S608 - these are queries of the simulated language, over the rows of the test itself

import pytest

from tests.sources.salesforce.simulator.book import (
    ACME,
    ALICE,
    CONTRACT,
    GONE,
    KANJI,
    MERGED,
    MULLER,
    ORDER,
    OTHER,
    PLAIN,
    REDUCTION,
    SATO,
    UMLAUT,
    YEN,
)
from tests.sources.salesforce.simulator.conftest import Organisation


class TestRecords:
    def test_a_record_says_its_type_and_address_and_only_the_fields_asked_for(self, org: Organisation) -> None:
        assert org.query(f"SELECT Name, IsDeleted FROM Account WHERE Id = '{ACME}'") == {
            "totalSize": 1,
            "done": True,
            "records": [
                {
                    "attributes": {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{ACME}"},
                    "Name": "Acme, Inc.",
                    "IsDeleted": False,
                }
            ],
        }

    def test_names_are_known_in_any_case_and_come_back_in_their_own(self, org: Organisation) -> None:
        [row] = org.rows(f"select name, owner.EMAIL from ACCOUNT where id = '{ACME}'")
        assert row["Name"] == "Acme, Inc."
        assert row["Owner"]["Email"] == "zoe@opsgraph.example"

    def test_parents_are_nested_records_and_null_where_there_is_none(self, org: Organisation) -> None:
        rows = org.rows(
            f"SELECT Id, Parent.Name, Parent.Owner.Name FROM Account WHERE Id IN ('{ACME}', '{UMLAUT}') ORDER BY Id"
        )
        assert rows[0]["Parent"] is None
        assert rows[1]["Parent"]["attributes"]["type"] == "Account"
        assert rows[1]["Parent"]["Name"] == "Acme, Inc."
        assert rows[1]["Parent"]["Owner"]["Name"] == "Zoë Quinn"

    def test_a_lookup_of_our_own_is_followed_by_its_relationship_name(self, org: Organisation) -> None:
        [row] = org.rows(f"SELECT Bill_To__r.Name, End_Customer__c FROM Order WHERE Id = '{ORDER}'")
        assert (row["Bill_To__r"]["Name"], row["End_Customer__c"]) == ("Acme, Inc.", UMLAUT)

    def test_an_address_is_one_value(self, org: Organisation) -> None:
        [row] = org.rows(f"SELECT BillingAddress FROM Account WHERE Id = '{ACME}'")
        assert row["BillingAddress"]["city"] == "Boston"
        assert row["BillingAddress"]["latitude"] is None

    def test_numbers_dates_and_instants_have_their_wire_forms(self, org: Organisation) -> None:
        [row] = org.rows(
            f"SELECT TotalAmount, EffectiveDate, IsReductionOrder, CurrencyIsoCode FROM Order WHERE Id = '{YEN}'"
        )
        assert (row["TotalAmount"], row["EffectiveDate"]) == (15000.0, "2026-02-01")
        assert (row["IsReductionOrder"], row["CurrencyIsoCode"]) == (False, "JPY")
        [row] = org.rows(f"SELECT LastModifiedDate FROM Account WHERE Id = '{ACME}'")
        assert row["LastModifiedDate"] == "2026-01-01T12:00:00.250+0000"

    def test_a_reduction_order_has_a_negative_total(self, org: Organisation) -> None:
        [row] = org.rows("SELECT TotalAmount, OriginalOrder.OrderNumber FROM Order WHERE IsReductionOrder = TRUE")
        assert (row["TotalAmount"], row["OriginalOrder"]["OrderNumber"]) == (-99.8, "00000200")

    def test_every_custom_field_of_ours_can_be_asked_for(self, org: Organisation) -> None:
        [row] = org.rows(
            "SELECT Support_Plan__c, Coverage__c, Covers__c, Subscription_Id__c, Time_Zone__c, SlaProcess.Name FROM Entitlement"
        )
        assert row["Covers__c"] == f"{ACME};{UMLAUT}"
        assert row["SlaProcess"]["Name"] == "Premium Support"
        [row] = org.rows("SELECT Status, StatusCode, Subscription_Id__c FROM Contract")
        assert (row["Status"], row["StatusCode"]) == ("In Approval Process", "InApproval")
        [row] = org.rows("SELECT Type, ContractId, Contract.ContractNumber FROM Opportunity")
        assert (row["Type"], row["ContractId"], row["Contract"]["ContractNumber"]) == ("Renewal", CONTRACT, "00000100")
        [row] = org.rows("SELECT Support_Ticket_Id__c, MilestoneStatus, Contact.Name FROM Case")
        assert (row["Support_Ticket_Id__c"], row["MilestoneStatus"]) == ("5001", "Open Violation")

    def test_all_fields_can_be_asked_for_within_200_rows(self, org: Organisation) -> None:
        [row] = org.rows(f"SELECT FIELDS(ALL) FROM Account WHERE Id = '{ACME}' LIMIT 200")
        assert row["Billing_Customer_Id__c"] == "cus_1"
        assert org.refused("SELECT FIELDS(ALL) FROM Account")[1] == "MALFORMED_QUERY"

    def test_the_owner_of_a_contact_is_the_owner_of_its_account(self, org: Organisation) -> None:
        assert org.rows(f"SELECT OwnerId FROM Contact WHERE Id = '{MULLER}'")[0]["OwnerId"] == OTHER


class TestChildren:
    def test_a_sub_select_is_a_list_of_its_own_and_null_when_empty(self, org: Organisation) -> None:
        rows = org.rows(
            "SELECT Id, (SELECT OrderNumber, Account.Name FROM Orders ORDER BY OrderNumber DESC), (SELECT Id FROM Contacts) "
            f"FROM Account WHERE Id IN ('{ACME}', '{PLAIN}') ORDER BY Id"
        )
        orders = rows[0]["Orders"]
        assert (orders["totalSize"], orders["done"]) == (2, True)
        assert [order["OrderNumber"] for order in orders["records"]] == ["00000201", "00000200"]
        assert orders["records"][0]["Account"]["Name"] == "Acme, Inc."
        assert [one["Id"] for one in rows[0]["Contacts"]["records"]] == [ALICE]
        assert rows[1]["Orders"] is None

    def test_limit_and_conditions_of_a_sub_select_count_for_each_parent(self, org: Organisation) -> None:
        rows = org.rows(
            f"SELECT Id, (SELECT Id FROM Orders WHERE Status = 'Activated' LIMIT 1) FROM Account WHERE Id IN ('{ACME}', '{KANJI}') ORDER BY Id"
        )
        assert [[one["Id"] for one in row["Orders"]["records"]] for row in rows] == [[ORDER], [YEN]]

    def test_children_may_have_children(self, org: Organisation) -> None:
        [row] = org.rows(
            f"SELECT Id, (SELECT Id, (SELECT Quantity FROM OrderItems ORDER BY Quantity) FROM Orders WHERE Id = '{ORDER}') FROM Account WHERE Id = '{ACME}'"
        )
        [order] = row["Orders"]["records"]
        assert [item["Quantity"] for item in order["OrderItems"]["records"]] == [1.0, 10.0]


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ("Name = 'acme, inc.'", [ACME]),
            ("Name = 'ÜBER größe gmbh'", [UMLAUT]),
            ("Name IN ('ÜBER größe gmbh', 'acme, inc.')", [ACME, UMLAUT]),
            ("Name LIKE 'acme%'", [ACME]),
            ("Name LIKE '%Ü%'", [UMLAUT]),
            ("Name LIKE '%サクラ'", [KANJI]),
            (r"Name LIKE '%0\%%'", [PLAIN]),
            (r"Name LIKE '%r\_s%'", [PLAIN]),
            ("Name LIKE '_cme%'", [ACME]),
            ("Industry != 'Software'", [KANJI, PLAIN]),
            ("NOT Industry = 'Software'", [KANJI, PLAIN]),
            ("Industry NOT IN ('Software')", [KANJI, PLAIN]),
            ("NOT (Industry LIKE 'Soft%')", [KANJI, PLAIN]),
            ("Industry = NULL", [KANJI]),
            ("Industry = ''", [KANJI]),
            ("Industry != null", [ACME, UMLAUT, PLAIN]),
            ("Industry IN ('Retail', null)", [KANJI, PLAIN]),
            ("Region__c = 'EMEA' OR Region__c = 'APAC'", [UMLAUT, KANJI]),
            ("(Region__c = 'EMEA' OR Region__c = 'AMER') AND Type LIKE 'Customer%'", [ACME, UMLAUT]),
            ("Owner.Name = 'Bo'", [UMLAUT]),
            ("Parent.Owner.Email LIKE 'zoe@%'", [UMLAUT]),
            (f"Id > '{UMLAUT}'", [KANJI, PLAIN]),
            (f"Id = '{ACME[:15]}'", [ACME]),
            ("Id IN (SELECT AccountId FROM Contact WHERE Email LIKE '%.example')", [ACME, UMLAUT]),
            ("Id NOT IN (SELECT AccountId FROM Order)", [UMLAUT, PLAIN]),
            ("Restriction__c = 'Legal Hold'", [PLAIN]),
        ],
    )
    def test_a_condition_finds(self, org: Organisation, condition: str, found: list[str]) -> None:
        assert org.ids(f"SELECT Id FROM Account WHERE {condition} ORDER BY Id") == found

    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ("Authorised_Until__c < 2026-11-20T00:00:00Z", [MULLER]),
            ("Authorised_Until__c = 2026-11-19T10:30:00+01:00", [MULLER]),
            ("Authorised_Until__c = YESTERDAY", [MULLER]),
            ("Authorised_Until__c = LAST_N_DAYS:1", [MULLER]),
            ("Authorised_Until__c >= TODAY", []),
            ("Authorised_Until__c < THIS_YEAR", []),
            ("Authorised_Until__c != TODAY", [ALICE, MULLER, SATO]),
            ("ReportsTo.LastName = 'Archer'", [SATO]),
            ("Email = 'alice@acme.EXAMPLE'", [ALICE]),
        ],
    )
    def test_instants_compare_in_any_offset_and_by_name(
        self, org: Organisation, condition: str, found: list[str]
    ) -> None:
        assert org.ids(f"SELECT Id FROM Contact WHERE {condition} ORDER BY Id") == found

    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ("EffectiveDate = 2026-02-01 AND TotalAmount > 500.5", [YEN]),
            ("TotalAmount < -1", [REDUCTION]),
            ("TotalAmount = 1.5e4", [YEN]),
            ("EffectiveDate = THIS_YEAR AND Status = 'Draft'", [REDUCTION]),
            ("EffectiveDate = NEXT_N_DAYS:30", []),
        ],
    )
    def test_days_and_numbers_compare(self, org: Organisation, condition: str, found: list[str]) -> None:
        assert org.ids(f"SELECT Id FROM Order WHERE {condition} ORDER BY Id") == found

    def test_a_string_may_hold_escaped_quotes_and_backslashes(self, org: Organisation) -> None:
        assert org.ids(r"SELECT Id FROM Account WHERE Name = 'O\'Neil \\ Sons' OR Name = 'Acme, Inc.'") == [ACME]

    def test_a_thousand_alternatives_are_no_trouble(self, org: Organisation) -> None:
        many = " OR ".join(f"Id='{ACME}'" for _ in range(400))
        assert org.ids(f"SELECT Id FROM Account WHERE {many}") == [ACME]

    def test_deleted_rows_are_seen_by_query_all_only(self, org: Organisation) -> None:
        gone = f"SELECT Id, MasterRecordId FROM Account WHERE Id IN ('{GONE}', '{MERGED}') ORDER BY Id"
        assert org.rows(gone) == []
        assert [row["MasterRecordId"] for row in org.rows(gone, deleted=True)] == [None, ACME]
        assert len(org.ids("SELECT Id FROM Contact", deleted=True)) == 4


class TestOrder:
    def test_nulls_come_first_unless_the_query_says_otherwise(self, org: Organisation) -> None:
        assert org.ids("SELECT Id FROM Account ORDER BY Industry, Id")[0] == KANJI
        assert org.ids("SELECT Id FROM Account ORDER BY Industry DESC")[0] == KANJI
        assert org.ids("SELECT Id FROM Account ORDER BY Industry ASC NULLS LAST")[-1] == KANJI

    def test_limit_and_offset_cut_the_list(self, org: Organisation) -> None:
        assert org.ids("SELECT Id FROM Account ORDER BY Id LIMIT 2 OFFSET 1") == [UMLAUT, KANJI]
        assert org.query("SELECT Id FROM Account ORDER BY Id LIMIT 2")["totalSize"] == 2

    def test_a_parents_field_orders(self, org: Organisation) -> None:
        assert org.ids("SELECT Id FROM Account ORDER BY Owner.Name, Id")[0] == UMLAUT


class TestAggregates:
    def test_count_alone_is_a_number_without_records(self, org: Organisation) -> None:
        assert org.query("SELECT COUNT() FROM Account") == {"totalSize": 4, "done": True, "records": []}

    def test_groups_have_the_names_of_their_fields_and_aliases(self, org: Organisation) -> None:
        rows = org.rows(
            "SELECT Account.Name, COUNT(Id) orders, SUM(TotalAmount) FROM Order GROUP BY Account.Name ORDER BY COUNT(Id) DESC"
        )
        assert rows[0] == {"attributes": {"type": "AggregateResult"}, "Name": "Acme, Inc.", "orders": 2, "expr0": 399.3}

    def test_having_picks_groups(self, org: Organisation) -> None:
        assert len(org.rows("SELECT AccountId FROM Order GROUP BY AccountId HAVING COUNT(Id) > 1")) == 1

    def test_an_ungrouped_column_is_refused(self, org: Organisation) -> None:
        refused = org.refused("SELECT Status, COUNT(Id) FROM Order")
        assert refused == (400, "MALFORMED_QUERY", "Field must be grouped or aggregated: Status")
