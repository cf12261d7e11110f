"""Programs that call the API: a Flask test client with a Bearer token and nothing of a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from making import Made
from webs import web_for
from werkzeug.test import TestResponse

from engine import sessions
from engine.web.context import Settings

MAINTENANCE = Path(__file__).parent.parent / "apps" / "maintenance.yaml"
ORDER_HUB = Path(__file__).parent.parent.parent / "apps" / "order_hub.yaml"


class Program:
    """Calls with one person's token; paths are relative to ``/api/v1``."""

    def __init__(self, site: Site, token: str | None) -> None:
        self.site = site
        self.client = site.web.test_client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.client.open(address, method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a 200."""
        answer = self.call("GET", path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def send(self, method: str, path: str, json: Any = None, *, expect: int = 200, **headers: str) -> Any:
        """The JSON of an answer with the status ``expect``; keyword names are headers, ``_`` for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.call(method, path, headers=sent, **({} if json is None else {"json": json}))
        assert answer.status_code == expect, f"{answer.status_code} {answer.text}"
        return answer.get_json() if answer.data else None

    def create(self, form: str, **values: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.send("POST", f"/records/{form}", values, expect=201)
        return found

    def error(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, dict[str, Any]]:
        """(status, what stands under ``error``) of a refusal."""
        if json is not None:
            options["json"] = json
        answer = self.call(method, path, **options)
        assert answer.status_code >= 400, answer.text
        assert answer.mimetype == "application/json", answer.text
        error = answer.get_json()["error"]
        assert {"code", "message", "problems", "request_id"} <= set(error)
        return answer.status_code, error


class Site:
    """An application and the programs of its people."""

    def __init__(self, made: Made, *, lasting: bool = False, **settings: Any) -> None:
        self.made = made
        self.app = made.application
        self.web = web_for(self.app, Settings(**settings), lasting=lasting)
        user = self.app.tables.user
        with self.app.database.write() as conn:
            conn.execute(user.update().values(language="en"))

    def program(self, login: str, scopes: list[str] | None = None) -> Program:
        return Program(self, self.token(login, scopes))

    def nobody(self) -> Program:
        return Program(self, None)

    def token(self, login: str, scopes: list[str] | None = None, **options: Any) -> str:
        with self.app.database.write() as conn:
            return sessions.create_token(
                conn,
                self.app.tables,
                self.made.id_of(login),
                name="test",
                scopes=scopes,
                now=self.made.clock(),
                **options,
            )


def problems(error: dict[str, Any]) -> list[str]:
    """What a refusal says, with the place in front."""
    return [f"{one['where']}: {one['message']}" for one in error["problems"]]
