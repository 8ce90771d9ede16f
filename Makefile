# Every target makes what it needs: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
OUT ?= build/demo

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types docs golden images lock kind kind-down kubeflow e2e bench clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

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

images: $(VENV)/.local  ## build the container images; BASE_IMAGE=NAME, ONLY=python (needs Docker)
	@$(BIN)/python -m headgate.cli.images build $(if $(BASE_IMAGE),--base-image $(BASE_IMAGE)) $(if $(ONLY),--only $(ONLY))

golden: $(VENV)/.dev  ## write the golden files again; review the diff
	$(BIN)/python -m pytest tests/contract --update-golden

# What an image holds, for its own Python. Ours have the versions of the local lock; MLflow's server
# has its own, and carries the files of its client itself.
IMAGE_LOCK := uv pip compile -q --python-version 3.13 --python-platform linux --generate-hashes --no-header --no-annotate
LOCAL := -c requirements/local.txt
# Serving needs its own extra and nothing else of the wheel.
SERVE := $(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["serve"], sep="\n")'

lock:  ## resolve the requirement files again (needs uv)
	uv pip compile -q pyproject.toml --extra local --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate -o requirements/local.txt
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate -c requirements/local.txt -o requirements/dev.txt
	$(IMAGE_LOCK) $(LOCAL) pyproject.toml --extra train --extra deploy -o images/python/requirements.txt
	echo kfp | $(IMAGE_LOCK) $(LOCAL) --no-deps - >>images/python/requirements.txt
	$(SERVE) | $(IMAGE_LOCK) $(LOCAL) - -o images/predictor/requirements.txt
	echo setuptools | $(IMAGE_LOCK) $(LOCAL) --no-deps - -o images/wheel-builder.txt
	$(IMAGE_LOCK) images/mlflow/requirements.in --excludes images/mlflow/excludes.in --no-emit-package mlflow-skinny -o images/mlflow/requirements.txt

# The cluster's own choices. Empty takes what kind-config.yaml and manifests/gateways/traefik pin.
KIND_CLUSTER ?= headgate
KIND_NODE_IMAGE ?=
KIND_HTTP_PORT ?= 8080
KIND_MLFLOW_PORT ?= 5500
KIND_TIMEOUT ?= 180
GATEWAY_API_CRDS ?= https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.0/standard-install.yaml
TRAEFIK_IMAGE ?=
KFP_MANIFESTS ?= github.com/kubeflow/pipelines/manifests/kustomize
export KIND_CLUSTER KIND_NODE_IMAGE KIND_HTTP_PORT KIND_MLFLOW_PORT KIND_TIMEOUT GATEWAY_API_CRDS TRAEFIK_IMAGE KFP_MANIFESTS

# What is missing is found in a second, not after the minutes that a build takes; so the images are
# no prerequisite.
kind: $(VENV)/.local  ## make a kind cluster with headgate on it, or bring it up to date (needs Docker, kind, kubectl)
	@$(BIN)/python -m headgate.cli.kind check
	@$(MAKE) --no-print-directory images
	@$(BIN)/python -m headgate.cli.kind up

kind-down: $(VENV)/.local  ## take the kind cluster away
	@$(BIN)/python -m headgate.cli.kind down

kubeflow: $(VENV)/.local  ## experimental: put Kubeflow Pipelines on the kind cluster (needs a network)
	@$(BIN)/python -m headgate.cli.kind kubeflow

e2e: $(VENV)/.dev  ## run the end-to-end tests on the kind cluster of one node (at most 15 minutes)
	@$(BIN)/python -m headgate.cli.kind status
	$(BIN)/python -m pytest tests/e2e -q --session-timeout=900

bench: $(VENV)/.dev  ## measure every claim of the README, side by side (about 40 minutes)
	$(BIN)/python -m benchmarks.run

clean:  ## remove what the targets made
	rm -rf build $(VENV)
