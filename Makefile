# Every recipe works from any path, as root or not; only python3 (>= 3.11) and make are needed.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
REQ ?=
OUT ?=
DATA ?=
LOCK_DATE ?= $(shell date -u -d '7 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-7d +%Y-%m-%d)
COMPILE = $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --exclude-newer $(LOCK_DATE) --upgrade -q

.DEFAULT_GOAL := help
.PHONY: help setup dev build test check lint types layers sizes cover bench bench-analyze bench-build bench-sandbox bench-verdicts bench-edits bench-repair bench-gateway bench-peers bench-batch bench-ledger bench-soak bench-redis serve docs docs-check lock clean

help: ## show the recipes
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/.core ## install the locked environment
	@$(PY) -m compileall -qq src || true

dev: $(VENV)/.dev ## install what make check needs as well
	@$(PY) -m compileall -qq src || true

$(VENV)/.core: requirements/core.txt requirements/bootstrap.txt requirements/install.sh
	@PYTHON="$(PYTHON)" sh requirements/install.sh core

$(VENV)/.dev: requirements/dev.txt requirements/bootstrap.txt requirements/install.sh
	@PYTHON="$(PYTHON)" sh requirements/install.sh dev

export REQ OUT

build: setup ## make build REQ="A REST API that tracks books ..." [OUT=folder]
	@if [ -z "$$REQ" ]; then echo 'error: REQ is empty' >&2; \
	  echo '  next: make build REQ="A REST API that tracks books with title, author and year"' >&2; exit 2; fi
	@if [ -n "$$OUT" ]; then $(PY) -m buildwright build --out "$$OUT" -- "$$REQ"; \
	  else $(PY) -m buildwright build -- "$$REQ"; fi

test: dev ## run the tests
	@$(PY) -m pytest -q -n 2 --dist worksteal

check: dev lint types layers sizes docs-check cover ## everything that CI checks

lint: dev
	@$(PY) -m ruff check src tests bench tools
	@$(PY) -m ruff format --check src tests bench tools

types: dev
	@$(PY) -m mypy

layers: dev
	@$(BIN)/lint-imports --no-cache

sizes: dev
	@$(PY) tools/sizes.py

cover: dev
	@rm -f .coverage .coverage.*
	@$(PY) -m pytest -q -n 2 --dist worksteal --cov --cov-report=term

serve: setup ## serve the gateway; PORT=4000
	@$(PY) -m buildwright serve $(if $(PORT),--port "$(PORT)")

bench: bench-analyze bench-sandbox bench-verdicts bench-edits bench-build bench-repair bench-ledger bench-gateway bench-batch ## every benchmark

bench-analyze: dev ## precision and recall of the rules; DATA=FILE for another set
	@$(PY) bench/analyze.py $(if $(DATA),"$(DATA)")

bench-build: setup ## stage times and our own overhead of whole builds
	@$(PY) bench/build.py

bench-sandbox: dev ## overhead of the sandbox over a bare process
	@$(PY) bench/sandbox.py

bench-verdicts: dev ## right, wrong and cheating solutions against the verdict; DATA=FILE
	@$(PY) bench/verdicts.py $(if $(DATA),"$(DATA)")

bench-edits: dev ## perturbed real edits against a plain search/replace; DATA=FILE
	@$(PY) bench/edits.py $(if $(DATA),"$(DATA)")

bench-repair: dev ## whole builds with scripted models ("oracle replay"); DATA=FILE
	@$(PY) bench/repair.py $(if $(DATA),"$(DATA)")

bench-gateway: dev ## the gateway under load beside nginx and, where installed, LiteLLM; ARGS="--rounds 5"
	@$(PY) bench/gateway.py $(ARGS)

bench-peers: $(VENV)-peers/.done ## install LiteLLM in an environment of its own, then bench-gateway with it
	@$(PY) bench/gateway.py --peers direct,nginx,litellm $(ARGS)

$(VENV)-peers/.done:
	@$(PYTHON) -m venv $(VENV)-peers
	@$(BIN)/uv pip install -q --python $(VENV)-peers/bin/python "litellm[proxy]"
	@touch $@

bench-batch: dev ## batches against one call after the other; cached answers
	@$(PY) bench/batch.py $(ARGS)

bench-ledger: dev ## cost of a ledger row, and the budget storm
	@$(PY) bench/ledger.py $(ARGS)
	@$(PY) bench/ledger.py --storm

bench-redis: dev ## Redis slow, frozen, killed, flushed under load
	@$(PY) bench/redis_faults.py $(ARGS)

bench-soak: dev ## half an hour of load: memory, descriptors, streams; ARGS="--minutes 5"
	@$(PY) bench/soak.py $(ARGS)

docs: dev ## write the generated pages of docs/reference
	@$(PY) tools/reference.py

docs-check: dev
	@$(PY) tools/reference.py --check

lock: dev ## refresh requirements/*.txt with releases older than a week
	@$(COMPILE) pyproject.toml -o requirements/core.txt
	@$(COMPILE) pyproject.toml --group dev -o requirements/dev.txt
	@echo uv | $(COMPILE) - -o requirements/bootstrap.txt

clean: ## remove the environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.*
