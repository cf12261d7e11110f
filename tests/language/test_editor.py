"""A text editor's YAML language server completes and checks definitions with the published schema."""

import json
import shutil
import subprocess
import threading
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / ".venv/language_server/node_modules/yaml-language-server/bin/yaml-language-server"
TEXT = f"""# yaml-language-server: $schema={(ROOT / "static/app.schema.json").as_uri()}
app: tickets
label: Tickets
forms:
  ticket:
    label: Ticket
    fields:
      name: {{type: text, max_lenght: 80}}
      due_on:
        type: date
        CURSOR
"""
LINE = TEXT.splitlines().index("        CURSOR")


class Server:
    """Speaks the language server protocol over stdio."""

    def __init__(self):
        assert SERVER.exists(), "run: .venv/bin/python tools/language_server.py"
        assert shutil.which("node"), "nodejs is needed"
        self.process = subprocess.Popen(
            ["node", str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.said = Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.count = 0

    def _listen(self):
        stream = self.process.stdout
        while head := stream.readline():
            length = int(head.split(b":")[1])
            while stream.readline().strip():
                pass
            self.said.put(json.loads(stream.read(length)))

    def send(self, method, params, **more):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def ask(self, method, params):
        self.count += 1
        asked = self.count
        self.send(method, params, id=asked)
        return self.wait(lambda said: said.get("id") == asked and "method" not in said)["result"]

    def wait(self, wanted):
        while True:
            said = self.said.get(timeout=30)
            if "id" in said and "method" in said:  # it asks for its settings: the defaults
                answer = [None] * len(said["params"].get("items", [])) if said["params"] else None
                body = json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": answer}).encode()
                self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                self.process.stdin.flush()
            if wanted(said):
                return said

    def open(self, uri, text):
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server():
    server = Server()
    server.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    server.send("initialized", {})
    yield server
    server.close()


def test_an_editor_offers_the_options_of_a_field_type(server):
    server.open("file:///completion.yaml", TEXT.replace("CURSOR", ""))
    place = {"textDocument": {"uri": "file:///completion.yaml"}, "position": {"line": LINE, "character": 8}}
    answer = server.ask("textDocument/completion", place)
    offered = {item["label"]: item for item in (answer["items"] if isinstance(answer, dict) else answer)}
    assert {"label", "required", "default_expression", "min", "max"} <= set(offered)
    assert not {"max_length", "options", "currency"} & set(offered)  # those of other types
    assert "It must be filled." in json.dumps(offered["required"])


def test_an_editor_marks_a_misspelt_option(server):
    server.open("file:///mistake.yaml", TEXT.replace("CURSOR", ""))
    said = server.wait(
        lambda said: (
            said.get("method") == "textDocument/publishDiagnostics" and said["params"]["uri"] == "file:///mistake.yaml"
        )
    )
    shown = [(one["range"]["start"]["line"], one["message"]) for one in said["params"]["diagnostics"]]
    assert shown == [(7, "Property max_lenght is not allowed.")]


def test_an_editor_shows_what_a_key_is_for(server):
    server.open("file:///hover.yaml", TEXT.replace("CURSOR", "required: true"))
    place = {"textDocument": {"uri": "file:///hover.yaml"}, "position": {"line": LINE, "character": 10}}
    assert "It must be filled." in json.dumps(server.ask("textDocument/hover", place))
