"""Manifests: what is read is exactly what is written, and every mistake is one line with file, place and cure."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.manifests import ManifestErrors, digest_named, digest_of, load_manifests
from resolvers.budget import OperationClass
from tests.gateway.engine.manifests_of import entry, id_of, write

TEXT = "query Card($key: ID!) { account(key: $key) { name } }"
OTHER = "{ bills { nodes { key } } }"


def mistakes(folder: Path) -> tuple[str, ...]:
    with pytest.raises(ManifestErrors) as error:
        load_manifests(folder)
    assert str(error.value) == "\n".join(error.value.mistakes)
    return error.value.mistakes


def test_a_manifest_says_what_its_client_may_run_and_on_what_terms(tmp_path: Path) -> None:
    terms = {"class": "lookup", "budget": 0.8, "maxAge": 30, "calls": 4, "costExempt": True, "operation": "Card"}
    write(tmp_path, "portal", entry(TEXT, **terms), entry(OTHER, roles=["chief"]), roles=["agent", "clerk"])
    found = load_manifests(tmp_path)
    assert len(found) == 2
    assert found.longest == len(TEXT)
    card, bills = (found.by_client["portal"][digest_of(text)] for text in (TEXT, OTHER))
    assert (card.id, card.text, card.operation) == (id_of(TEXT), TEXT, "Card")
    assert (card.operation_class, card.budget, card.max_age) == (OperationClass.LOOKUP, 0.8, 30)
    assert (card.calls, card.cost_exempt) == (4, True)
    assert (card.roles, bills.roles) == (frozenset({"agent", "clerk"}), frozenset({"chief"}))
    assert card.place == "portal.json: documents[0] (Card)"


def test_texts_may_lie_beside_the_manifest_and_are_taken_to_the_last_byte(tmp_path: Path) -> None:
    text = "# naïve 名\r\n{ bills { nodes { key } } }  \n\n"
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "bills.graphql").write_bytes(text.encode())
    write(tmp_path, "app", {"id": id_of(text), "file": "app/bills.graphql"})
    assert load_manifests(tmp_path).by_client["app"][digest_of(text)].text == text


def test_two_clients_may_have_the_same_document_on_terms_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "one", entry(TEXT, calls=1))
    write(tmp_path, "two", entry(TEXT, calls=2))
    found = load_manifests(tmp_path).by_client
    assert [found[client][digest_of(TEXT)].calls for client in ("one", "two")] == [1, 2]


def test_a_client_whose_name_is_no_file_name_says_it_inside(tmp_path: Path) -> None:
    write(tmp_path, "portal", entry(TEXT), client="https://portal.example.test/app")
    assert list(load_manifests(tmp_path).by_client) == ["https://portal.example.test/app"]


@given(st.text(max_size=60).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_an_id_is_read_back_with_and_without_its_prefix_and_nothing_else_is(text: str) -> None:
    digest = digest_of(text)
    assert digest_named(id_of(text)) == digest_named(digest.hex()) == digest
    wrong = (
        text,
        id_of(text).upper(),
        f"sha512:{digest.hex()}",
        id_of(text) + "0",
        f" {id_of(text)}",
        id_of(text)[:-1],
    )
    assert not any(digest_named(each) for each in wrong)


WRONG: list[tuple[Any, str]] = [
    ({"documents": [{**entry(TEXT), "id": id_of(OTHER)}]}, f"documents[0]: `id` does not fit the text, whose id is `{id_of(TEXT)}`"),
    ({"documents": [{**entry(TEXT), "id": "sha256:12"}]}, "documents[0]: `id` is `sha256:12`: `sha256:` and 64 digits of 0-9a-f"),
    ({"documents": [entry(TEXT), entry(TEXT)]}, f"documents[1]: `{id_of(TEXT)}` stands already in app.json: documents[0]: leave"),
    ({"documents": [entry(TEXT, roles=[])]}, "documents[0]: `roles` is empty, so that nobody may run it"),
    ({"documents": [entry(TEXT, file="x")]}, "documents[0]: either `body` (the text) or `file` (where it is) is expected"),
    ({"documents": [{"id": id_of(TEXT)}]}, "documents[0]: either `body` (the text) or `file` (where it is) is expected"),
    ({"documents": [{"id": id_of(TEXT), "file": "../x"}]}, "documents[0]: `file` is `../x`, which is outside the manifests' directory"),
    ({"documents": [{"id": id_of(TEXT), "file": "none.graphql"}]}, "documents[0]: `none.graphql` cannot be read: No such file"),
    ({"documents": [{"id": id_of(TEXT), "file": "bytes.graphql"}]}, "documents[0]: `bytes.graphql` is no UTF-8: see byte 2"),
    ({"documents": [entry(TEXT, **{"class": "urgent"})]}, "`documents[0].class`: invalid enum value 'urgent'"),
    ({"documents": [entry(TEXT, rolez=["a"])]}, "unknown key `rolez` in `documents[0]`: did you mean `roles`?"),
    ({"documents": [entry(TEXT, budget=99)]}, "`documents[0].budget`: expected `float` <= 60.0"),
    ({"documents": [{"body": TEXT}]}, "`id` is missing in `documents[0]`: add it"),
    ({"docs": []}, "unknown key `docs`: did you mean `documents`?"),
    ({"documents": [], "client": "a b"}, "`a b` is no client"),
    ([], "Expected `object`, got `array`"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_mistake_is_one_line_with_file_and_place(tmp_path: Path, tree: Any, message: str) -> None:
    (tmp_path / "bytes.graphql").write_bytes(b"{ \xff }")
    (tmp_path / "app.json").write_text(json.dumps(tree))
    (found,) = mistakes(tmp_path)
    assert found.startswith("app.json: ")
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"documents": [}', "app.json: line 1, column 16: this is no JSON"),
        ('{"documents": [], "documents": []}', "app.json: the key `documents` is given twice in one place"),
        ("[" * 100_000, "app.json: "),
    ],
    ids=["no JSON", "twice", "deep"],
)
def test_what_is_no_manifest_at_all_is_one_line_too(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "app.json").write_text(text)
    (found,) = mistakes(tmp_path)
    assert found.startswith(message)


def test_every_mistake_is_told_at_once_and_two_files_are_not_for_one_client(tmp_path: Path) -> None:
    write(tmp_path, "a", {**entry(TEXT), "id": id_of(OTHER)}, entry(OTHER, roles=[]))
    write(tmp_path, "b", entry(TEXT), client="c")
    write(tmp_path, "c", entry(TEXT))
    assert [each.split(" ")[0] for each in mistakes(tmp_path)] == ["a.json:", "a.json:", "c.json:"]


def test_a_directory_that_is_not_there_or_empty_says_what_to_do(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "none")[0].endswith("is no directory: make it, or leave `[documents] directory` out")
    assert mistakes(tmp_path)[0].endswith("has no manifest: that of a client is `<client>.json`")


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.graphql").write_text(TEXT)
    folder = tmp_path / "documents"
    write(folder, "app", {"id": id_of(TEXT), "file": "link.graphql"})
    (folder / "link.graphql").symlink_to(tmp_path / "secret.graphql")
    assert "which is outside the manifests' directory" in mistakes(folder)[0]
