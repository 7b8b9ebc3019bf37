# Twelve targets; `make help` lists them. Needs Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
PORT ?= 8000
VENDOR := src/rokgraph/web/static/vendor

.DEFAULT_GOAL := help
.PHONY: help assets serve test peers bench check lint build infer format lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 10

serve: $(VENV)/run assets ## set up, check, serve at http://localhost:8000 (PORT=…)
	$(BIN)/rokgraph check
	$(BIN)/rokgraph serve --port $(PORT)

test: $(VENV)/test assets lint ## set up, lint, run all tests
	$(BIN)/pytest

peers: build/sssom/done ## set up the tools of others that some tests call; `test` skips these else

bench: $(VENV)/test build/rdflib-endpoint/done ## measure the speed, beside peers (BENCH=--quick, or other options)
	$(BIN)/python -m bench $(BENCH)

check: $(VENV)/run ## parse, validate and check the dataset
	$(BIN)/rokgraph check

lint: $(VENV)/test ## style, types, floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

assets: ## fetch the script of the query editor by npm; without npm the editor is a plain form
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(VENDOR)/done || echo "npm could not fetch the script of the query editor, which stays a plain form"; \
	else echo "npm is not here, so the query editor stays a plain form"; fi

build: $(VENV)/run ## write all files of the dataset to dist/
	$(BIN)/rokgraph build

infer: $(VENV)/run ## write the generated graphs anew
	$(BIN)/rokgraph infer

format: $(VENV)/test ## bring code and data into their one form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/rokgraph format

lock: $(VENV)/test ## pin the dependencies anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --upgrade --quiet -o requirements/run.lock
	$(BIN)/uv pip compile pyproject.toml --group build --group test --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --constraint requirements/run.lock --upgrade --quiet -o requirements/test.lock
	echo 'rdflib-endpoint[cli,oxigraph]>=0.6.3' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --upgrade --quiet -o requirements/rdflib-endpoint.lock
	echo 'sssom>=0.4.21' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --upgrade --quiet -o requirements/sssom.lock

clean: ## remove what the targets made
	rm -rf $(VENV) $(VENDOR) assets/node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/python:
	$(PYTHON) -c 'import sys; sys.exit("rokgraph needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/run: requirements/run.lock pyproject.toml | $(VENV)/python
	$(PIP) install --require-hashes -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test: requirements/test.lock $(VENV)/run
	$(PIP) install --require-hashes -r requirements/test.lock
	touch $@

# What the lock file pins by digest; with it the licence of each package that is in it.
$(VENDOR)/done: assets/package.json assets/package-lock.json
	rm -rf $(VENDOR)
	cd assets && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	mkdir -p $(VENDOR)/licences
	cp assets/node_modules/@zazuko/yasqe/build/yasqe.min.js assets/node_modules/@zazuko/yasqe/build/yasqe.min.css $(VENDOR)
	cp assets/node_modules/@zazuko/yasqe/package.json $(VENDOR)/licences/yasqe.json
	cd assets/node_modules && for file in */LICENSE* */license; do [ ! -f "$$file" ] || cp "$$file" "../../$(VENDOR)/licences/$$(dirname "$$file").txt"; done
	touch $@

# An environment of its own: its seventy packages shall not meet ours.
build/sssom/done: requirements/sssom.lock
	$(PYTHON) -m venv build/sssom
	build/sssom/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements/sssom.lock
	touch $@

# Likewise: a peer of the benchmark.
build/rdflib-endpoint/done: requirements/rdflib-endpoint.lock
	$(PYTHON) -m venv build/rdflib-endpoint
	build/rdflib-endpoint/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements/rdflib-endpoint.lock
	touch $@
