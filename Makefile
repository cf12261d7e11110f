PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench

run: $(VENV)/.installed
	$(BIN)/appmill run apps/order_hub.yaml --demo

test: $(VENV)/.installed-test
	$(BIN)/python tools/browser.py
	$(BIN)/python tools/language_server.py
	$(BIN)/ruff check -q engine designer plugins tests benchmarks tools
	$(BIN)/mypy
	$(BIN)/pytest -n 2

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -e '.[test]'
	touch $(VENV)/.installed $@

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/web.py
