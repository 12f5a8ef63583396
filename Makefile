# Opsgraph: `make demo` shows it, `make test` proves it. Everything else is behind these two.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.PHONY: help demo test bench check format lock setup clean

VENV   := .venv
BIN    := $(VENV)/bin
PROJECT := gateway resolvers sources policies tests $(wildcard bench)
PACKAGES := gateway resolvers sources policies
TRUSTED := gateway/console/documents bench/home/documents
NODE_PEERS := bench/peers/node

# The first Python that can run Opsgraph: `python3` if it is new enough, otherwise the newest one there is.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& echo "$$python" && break; done)

# The installer itself comes out of the lock too, checked against its hashes like everything else.
UV := $(BIN)/uv
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile pyproject.toml --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

help: ## Show this page
	@printf '\n  \033[1mOpsgraph\033[0m  one governed GraphQL API over CRM, billing, ERP and support\n\n'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| while IFS='|' read -r name text; do printf '\033[36m%-16s\033[0m %s\n' "$$name" "$$text"; done
	@echo

demo: $(VENV)/demo.stamp ## Run Opsgraph with a simulated enterprise behind it (ARGS="..." are passed on)
	@exec $(BIN)/opsgraph demo $(ARGS)

test: $(VENV)/dev.stamp ## Run the tests (ARGS="..." are passed on to pytest)
	@exec $(BIN)/python -m pytest $(ARGS)

bench: $(VENV)/dev.stamp ## Measure Opsgraph beside its peers and write docs/benchmarks.md (ARGS="--quick" in three minutes)
	@if command -v npm >/dev/null && [ ! -d $(NODE_PEERS)/node_modules ]; then \
		echo 'Installing the peers in Node ...' >&2; (cd $(NODE_PEERS) && npm ci --no-audit --no-fund --loglevel=error) || \
		echo 'The peers in Node could not be installed: the report will say that they were left out' >&2; fi
	@exec $(BIN)/python -m bench $(ARGS)

check: $(VENV)/dev.stamp ## Lint, formatting, types, import contracts, locks, the published schema, trusted documents
	$(BIN)/ruff check $(PROJECT)
	$(BIN)/ruff format --check $(PROJECT)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_house.py
	@if [ -f schema.graphql ]; then echo '$(BIN)/opsgraph schema --check'; $(BIN)/opsgraph schema --check; fi
	$(BIN)/opsgraph documents check --calls $(TRUSTED)

format: $(VENV)/dev.stamp ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only $(PROJECT)
	$(BIN)/ruff format $(PROJECT)

lock: $(UV) ## Write the locks anew from pyproject.toml (UPGRADE=1 takes the newest versions)
	$(COMPILE) --extra simulators --extra redis --extra writes --group build --output-file requirements.lock
	$(COMPILE) --extra simulators --extra redis --extra writes --group build --group test --group dev --constraints requirements.lock --output-file requirements-dev.lock

setup: $(VENV)/dev.stamp ## Make the virtual environment with everything in it

clean: ## Remove the virtual environment and every cache
	@rm -rf $(VENV) $(NODE_PEERS)/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/demo.stamp: pyproject.toml requirements.lock | $(UV)
	@echo 'Installing Opsgraph into $(VENV) ...' >&2
	@$(INSTALL) --require-hashes --requirements requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml requirements-dev.lock | $(UV)
	@echo 'Installing Opsgraph and its development tools into $(VENV) ...' >&2
	@$(INSTALL) --require-hashes --requirements requirements-dev.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/demo.stamp

$(UV):
	@[ -n "$(PYTHON)" ] || { echo 'error: Opsgraph needs Python 3.11, 3.12 or 3.13; name one with `make PYTHON=...`' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo 'error: `$(PYTHON)` is not Python 3.11, 3.12 or 3.13' >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@awk '/^uv==/ { print; found = 1; next } found && /^ +--hash/ { print; next } { found = 0 }' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement $(VENV)/uv.txt
