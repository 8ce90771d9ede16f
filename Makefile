# Every target makes what it needs: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
OUT ?= build/demo

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types docs golden lock bench clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# One environment; the development lock is a superset of the local one, version by version.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "headgate needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
ifdef UV
	@uv venv -q --clear -p $(PYTHON) $(VENV)
else
	@$(PYTHON) -m venv --clear $(VENV)
endif
	@touch $@

define install
@echo "installing $(1) (hash-checked)"
$(if $(UV),@uv pip install -q -p $(BIN)/python --require-hashes -r $(1),@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1))
$(if $(UV),@uv pip install -q -p $(BIN)/python --no-deps --no-build-isolation -e .,@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .)
@touch $@
endef

$(VENV)/.local: $(VENV)/.python requirements/local.txt pyproject.toml
	$(call install,requirements/local.txt)

$(VENV)/.dev: $(VENV)/.python requirements/dev.txt pyproject.toml
	$(call install,requirements/dev.txt)

demo: $(VENV)/.local  ## run the promotion pipeline on real data, four acts, on this machine
	@$(BIN)/python examples/demo.py --out $(OUT)

test: $(VENV)/.dev  ## run the tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/unit --cov=headgate
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/components tests/contract tests/local

lint: $(VENV)/.dev  ## style, types, import rules, generated files in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m headgate.cli.component_docs --check

format: $(VENV)/.dev  ## rewrite the sources in the common style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## write the components' READMEs again
	$(BIN)/python -m headgate.cli.component_docs

golden: $(VENV)/.dev  ## write the golden files again; review the diff
	$(BIN)/python -m pytest tests/contract --update-golden

lock:  ## resolve the requirement files again (needs uv)
	uv pip compile -q pyproject.toml --extra local --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate -o requirements/local.txt
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate -c requirements/local.txt -o requirements/dev.txt

bench: $(VENV)/.dev  ## measure every claim of the README, side by side (about 40 minutes)
	$(BIN)/python -m benchmarks.run

clean:  ## remove what the targets made
	rm -rf build $(VENV)
