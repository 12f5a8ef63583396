"""What every gateway of the benchmark is held to: one schema, rows of one shape, answers of one size."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, lexicographic_sort_schema, parse, print_schema, validate
from strawberry import Schema

import bench
from bench.gateways.connector import RESOURCES
from bench.gateways.types import SCHEMA
from bench.peers import strawberry_plain
from bench.upstreams.holdings import Holdings
from bench.upstreams.server import Systems
from bench.workloads import WORKLOADS, Workload
from sources.decode import decode

CONTRACT = build_schema((Path(bench.__file__).parent / "schema.graphql").read_text())


def bare(schema: GraphQLSchema) -> str:
    """A schema as sorted text, without descriptions and without the line that names the root."""
    text = print_schema(lexicographic_sort_schema(schema))
    without = re.sub(r'^ *""".*?"""\n', "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\n\s*\n", "\n", re.sub(r"^schema \{.*?\}\n\n", "", without, flags=re.DOTALL))


@pytest.mark.parametrize("schema", [SCHEMA, Schema(strawberry_plain.Query)], ids=["opsgraph", "strawberry"])
def test_a_gateway_serves_the_contract_s_schema(schema: Schema) -> None:
    assert bare(schema._schema) == bare(CONTRACT)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_document_is_valid_and_can_be_made_unseen_by_its_operation_s_name(workload: Workload) -> None:
    assert validate(CONTRACT, parse(workload.document)) == []
    assert workload.bodies[0].count(workload.operation) == 1
    assert len(set(workload.bodies)) >= 16


def test_keys_may_be_joined_or_repeated_and_rows_come_in_their_order() -> None:
    holdings = Holdings()
    joined = holdings.find("crm/accounts", {"ids": ["C-002,C-001"]})
    assert joined is not None
    assert [row["id"] for row in joined] == ["C-002", "C-001"]
    assert holdings.find("crm/accounts", {"ids": ["C-002", "C-001"]}) == joined


def test_a_filter_narrows_rows_and_an_unknown_resource_is_nothing() -> None:
    holdings = Holdings()
    rows = holdings.find("billing/invoices", {"account_ids": ["C-001"], "status": ["open"]})
    assert rows is not None
    assert [row["status"] for row in rows] == ["open", "open"]
    assert holdings.find("crm/leads", {"ids": ["C-001"]}) is None
    assert holdings.find("crm/accounts", {}) is None


def test_every_region_s_list_has_the_same_number_of_leaves() -> None:
    holdings = Holdings()
    for region, accounts in holdings.regions.items():
        keys = [",".join(row["id"] for row in accounts[:50])]
        asked: dict[str, dict[str, list[str]]] = {
            "billing/subscriptions": {},
            "billing/invoices": {"status": ["open"]},
            "support/cases": {"status": ["open"]},
        }
        counted = [len(holdings.find(name, {"account_ids": keys, **more}) or ()) for name, more in asked.items()]
        if region != "C":
            assert counted == [100, 100, 50]


def test_the_systems_count_calls_and_answer_the_same_bytes_again() -> None:
    systems = Systems()
    first, delayed = systems.answer(b"GET /crm/accounts?ids=C-001 HTTP/1.1")
    again, _ = systems.answer(b"GET /crm/accounts?ids=C-001 HTTP/1.1")
    assert first is again
    assert delayed
    told, _ = systems.answer(b"GET /_calls HTTP/1.1")
    assert told.endswith(b'{"crm/accounts":2}')
    systems.answer(b"DELETE /_calls HTTP/1.1")
    assert systems.answer(b"GET /_calls HTTP/1.1")[0].endswith(b"{}")


def test_every_record_decodes_the_upstream_s_rows_whole() -> None:
    holdings = Holdings()
    for resources in RESOURCES.values():
        for resource in resources.values():
            name = resource.path.strip("/")
            systems = Systems()
            key = next(iter(holdings.rows[name]))
            body = systems.answer(f"GET {resource.path}?{resource.parameter}={key} HTTP/1.1".encode())[0]
            if resource.parameter == "region":
                continue
            decoded = decode(resource.shape, body.partition(b"\r\n\r\n")[2], "bench").data
            row = holdings.rows[name][key][0]
            shown = {re.sub("[A-Z]", lambda found: "_" + found[0].lower(), field) for field in row} - {
                "id",
                "account_id",
            }
            missing = shown - set(decoded[0].__struct_fields__) - {"created_at"}
            assert not missing, f"{name}: {missing}"
