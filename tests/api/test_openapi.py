"""The document and the page about the API: whole, valid, in the reader's language, and about nothing they may not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from calling import MAINTENANCE, ORDER_HUB, Program, Site
from jsonschema import Draft202012Validator
from visiting import Grounds, text


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture(params=[MAINTENANCE, ORDER_HUB], ids=lambda path: path.stem)
def document(request: pytest.FixtureRequest, make_site: Any) -> dict[str, Any]:
    found: dict[str, Any] = make_site(request.param).program("admin").get("/openapi.json")
    return found


def test_every_schema_of_it_is_a_schema_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for found in re.findall(r"#/components/(\w+)/([\w.]+)", str(document)):
        assert found[1] in document["components"][found[0]], found
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_operation_documents_its_refusals(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert {"400", "401", "403", "404", "406", "422", "429"} <= set(operation["responses"]), path
        if method != "get":
            assert {"409", "413", "415"} <= set(operation["responses"]), path


def test_every_route_of_the_api_is_in_the_document(site: Site) -> None:
    documented = {(method.upper(), _shape(f"/api/v1{path}")) for method, path, _ in
                  operations(site.program("admin").get("/openapi.json"))}  # fmt: skip
    for rule in site.web.url_map.iter_rules():
        if rule.rule.startswith("/api/v1") and rule.rule not in ("/api/v1/docs", "/api/v1/openapi.json"):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                wanted = re.compile(re.sub(r"<[^>]+>", "[^/]+", rule.rule))
                assert any(known == method and wanted.fullmatch(path) for known, path in documented), (
                    f"{method} {rule.rule}"
                )


def _shape(path: str) -> str:
    return path.replace("{", "").replace("}", "")


def test_it_speaks_chinese_where_asked(site: Site) -> None:
    answer = site.program("admin").call("GET", "/openapi.json", headers={"Accept-Language": "zh"}).get_json()
    for _, path, operation in operations(answer):
        assert re.search(r"[\u4e00-\u9fff]", operation["summary"]), f"{path}: {operation['summary']}"
    for name, one in answer["components"]["responses"].items():
        assert re.search(r"[\u4e00-\u9fff]", one["description"]), name
    for parameter in answer["paths"]["/records/repair"]["get"]["parameters"]:
        assert re.search(r"[\u4e00-\u9fff]", parameter["description"]), parameter


def test_it_offers_each_person_what_they_may_do(site: Site) -> None:
    def doors(login: str) -> set[str]:
        return {f"{method} {path}" for method, path, _ in operations(site.program(login).get("/openapi.json"))}

    olga, tom = doors("olga"), doors("tom")
    assert "post /records/repair" in olga
    assert "post /records/repair" not in tom
    assert "post /records/repair/{id}/transitions/finish" in tom
    assert "post /records/repair/{id}/transitions/finish" not in olga
    assert "post /records/repair/{id}/press/ask_for_parts" in tom
    assert "delete /records/repair/{id}" not in tom


def test_what_can_be_sent_is_what_may_be_set(site: Site) -> None:
    olga = site.program("olga").get("/openapi.json")["components"]["schemas"]
    assert "technician" not in olga["repair.create"]["properties"]
    assert "technician" not in olga["repair.update"]["properties"]
    assert not {"number", "reported_at", "parts_cost", "state", "id"} & set(olga["repair.update"]["properties"]) - {
        "reported_at"
    }
    assert olga["repair.create"]["required"] == ["equipment", "fault"]


def test_states_and_options_are_enumerated(site: Site) -> None:
    record = site.program("admin").get("/openapi.json")["components"]["schemas"]["repair.record"]["properties"]
    assert record["state"]["enum"] == ["reported", "repairing", "waiting", "done", None]
    assert record["severity"]["enum"] == ["low", "high", None]


def test_answers_are_as_the_document_says(site: Site) -> None:
    chief = site.program("chris")
    schemas = chief.get("/openapi.json")["components"]["schemas"]
    validator = Draft202012Validator({"$ref": "#/components/schemas/repair.record", "components": {"schemas": schemas}})
    made = _repair(chief)
    listed = chief.get("/records/repair", lines="true")["records"]
    assert [record["id"] for record in listed] == [made["id"]]
    assert [one.message for record in (made, *listed) for one in validator.iter_errors(record)] == []


def _repair(chief: Program) -> dict[str, Any]:
    area = chief.create("area", name="Hall 1")["id"]
    pump = chief.create("equipment", tag="P-1", name="Pump", area=area)["id"]
    return chief.create("repair", equipment=pump, fault="It leaks", kinds=["leak"], stopped=False)


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def grounds(make_app: Any) -> Grounds:
    return Grounds(make_app(MAINTENANCE))


def test_the_page_shows_doors_fields_filters_and_examples(grounds: Grounds) -> None:
    page = grounds.visitor("olga").get("/api/v1/docs")
    said = text(page)
    assert page.status_code == 200
    assert "curl -H &#34;Authorization: Bearer $TOKEN&#34; http://localhost/api/v1/me" in page.text
    assert "POST /records/repair Create a Repair" in said
    assert "&#39;{&#34;equipment&#34;: 1, &#34;fault&#34;: &#34;…&#34;}&#39;" in page.text
    assert "one of low, high" in said
    assert "/records/part" not in said, "operators do not see spare parts"
    assert "style=" not in page.text
    assert "<script>" not in page.text


def test_the_page_is_in_the_language_of_its_reader(grounds: Grounds) -> None:
    olga = grounds.visitor("olga")
    olga.post("/me/language", {"language": "zh"})
    said = text(olga.get("/api/v1/docs"))
    assert "新建维修单" in said
    assert "Create a" not in said
