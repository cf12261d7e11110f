PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Python keeps what it compiled, whatever the shell says: the tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test deep check bench schemathesis faults chaos channels designer pictures simulate on-time extension vendure

run: $(VENV)/.installed
	$(BIN)/appmill run apps/order_hub.yaml --demo

test: $(VENV)/.installed-test
	$(BIN)/python tools/browser.py
	$(BIN)/python tools/language_server.py
	$(BIN)/python tools/axe.py
	$(BIN)/ruff check -q engine designer plugins tests benchmarks tools
	$(BIN)/python -m compileall -q -j 2 engine designer plugins benchmarks
	$(BIN)/pytest --collect-only -qq >/dev/null 2>&1 & $(BIN)/mypy; ended=$$?; wait; exit $$ended  # tests compiled beside it
	$(BIN)/pytest -n 4

# What `make test` takes samples of, wholly: every mutation of every scenario, every person at every address, every
# screen for those who read screens by ear, in both themes.
deep: $(VENV)/.installed-test
	DEEP=full $(BIN)/pytest -n 2 $$(grep -rlE '^from deep import' tests)

# The API against its own document, thousands of requests on both databases.
schemathesis: $(VENV)/.installed-test
	SCHEMATHESIS=full $(BIN)/pytest tests/api/test_schemathesis.py

# The process dies at every point of a rule's life, on both databases: more than 500 deaths.
faults: $(VENV)/.installed-test
	FAULTS=full $(BIN)/pytest -n 2 -rP tests/faults

# A thousand random sequences of edits, the maintenance application made from an empty file in a browser, and a change
# of the Order Hub by mouse and by keyboard.
designer: $(VENV)/.installed-test
	DESIGNER=full $(BIN)/pytest -n 2 -rP tests/designer/test_random_edits.py tests/designer/test_difference_random.py \
	  tests/browser/test_from_nothing.py tests/browser/test_change_without_developers.py

# The pictures of README.md and docs/images, from a demo in a folder of its own.
pictures: $(VENV)/.installed-test
	$(BIN)/python tools/pictures.py
	STORY=1 $(BIN)/pytest tests/browser/test_whole_story.py

# Half a year of a simulated factory through the Order Hub's own doors, three times; then whether everything is right,
# and whether every figure on its pages is that of the events, worked out by DuckDB.
simulate: $(VENV)/.installed-test
	for seed in 1 2 3; do rm -rf var/simulated; \
	  $(BIN)/appmill simulate apps/order_hub.yaml --orders 10000 --days 180 --seed $$seed --keep var/simulated && \
	  $(BIN)/python benchmarks/figures.py --days 180 --keep var/simulated || exit 1; done

# A simulated factory on paper and run by the Order Hub: what is delivered on time (15 minutes).
on-time: $(VENV)/.installed
	$(BIN)/python benchmarks/on_time.py --hub --orders 400 --days 60 --seeds 1 2 3

# The browser extension as a ZIP in var/, to be loaded or handed to a store: the same bytes from the same files.
extension: $(VENV)/.installed
	$(BIN)/python tools/extension.py

# The connector to Vendure against Vendure itself, which npm installs into a folder of the cache (3 minutes, once).
vendure: $(VENV)/.installed-test
	$(BIN)/python tests/vendure/shop.py install
	$(BIN)/pytest -rP tests/vendure/against_vendure.py

# Three servers and three workers on PostgreSQL, killed at random under load.
chaos: $(VENV)/.installed-test
	$(BIN)/python tests/faults/chaos.py --minutes 5

# Orders of three shops that misbehave, while our processes are killed; from a webhook to its order; looking within the
# limits that the vendors publish.
channels: $(VENV)/.installed-test
	$(BIN)/python benchmarks/channels.py run
	$(BIN)/python benchmarks/channels.py told
	$(BIN)/python benchmarks/channels.py asked

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
