# One command each; every one sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
PEERS_VENV := .venv-peers
PEERS := tests/benchmarks/peers
CONFIG ?= rnnts.toml

# The first interpreter that starts, is of a supported version and can make environments.
FIND_PYTHON = for candidate in $(PYTHON) python3 python3.12 python3.13 python3.11; do \
	"$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo "$$candidate" && exit; done

.PHONY: help setup test demo up bench peers bench-accuracy lock lock-peers clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## environment with the locked dependencies, and rnnts itself, editable

# --no-deps: the lock names every package, and pip's hash mode refuses `sqlalchemy[asyncio]`,
# which Prefect asks for, though the very same sqlalchemy stands in the lock.
$(VENV)/.ready: requirements.lock pyproject.toml
	@python=$$($(FIND_PYTHON)); \
	test -n "$$python" || { echo "rnnts needs Python 3.11, 3.12 or 3.13 (with venv); none was found: install one, or make PYTHON=/path/to/python3" >&2; exit 1; }; \
	test -x $(BIN)/python || { echo "environment $(VENV) with $$python"; "$$python" -m venv $(VENV); }
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# --no-cache: ruff sorts an import by whether its module exists, and its cache does not see one come.
test: setup ## everything that is held: lint, format, types, import direction, tests with coverage
	$(BIN)/ruff check --no-cache
	$(BIN)/ruff format --no-cache --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest rnnts flows tasks deployments tests --cov -n auto --maxprocesses 4 --dist loadfile

demo: setup ## the main job on real data: a year of flights, a retrain, eight nights, a picture
	$(BIN)/python -m deployments.demo

up: setup ## Prefect server, schedules and page on 127.0.0.1 (CONFIG=rnnts.toml); Ctrl-C stops all
	@exec $(BIN)/python -m deployments.local --config "$(CONFIG)"

bench: setup ## the speed table, each figure beside its reference
	@failed=0; for benchmark in $(basename $(notdir $(wildcard tests/benchmarks/bench_*.py))); do \
	$(BIN)/python -m "tests.benchmarks.$$benchmark" || failed=1; done; exit $$failed

# The parts in the order in which they are run; each also alone: make bench-accuracy PART=m4
PARTS := course speed-budget speed-training speed-forecast m4 m4-peers ett ett-peers nab nab-peers \
	small small-peers flights flights-peers flights-holidays weekly late missing
PART ?= $(PARTS)

bench-accuracy: setup peers ## accuracy beside other libraries, 7 hours (PART=m4: an hour at most)
	@failed=0; for part in $(PART); do \
	$(BIN)/python -m tests.benchmarks.accuracy $$part $(OPTIONS) || failed=1; done; \
	$(BIN)/python -m tests.benchmarks.accuracy table $(filter --quick,$(OPTIONS)); exit $$failed

peers: $(PEERS_VENV)/.ready ## the environment of other libraries that accuracy is measured beside

# PyTorch last, the build for CPUs if there is one; with the other comes what the lock leaves out.
PIP_OF_PEERS := $(PEERS_VENV)/bin/pip install --quiet --disable-pip-version-check
$(PEERS_VENV)/.ready: $(addprefix $(PEERS)/,requirements.lock torch.lock torch-cpu.lock)
	@python=$$($(FIND_PYTHON)); \
	test -x $(PEERS_VENV)/bin/python || { echo "environment $(PEERS_VENV) with $$python"; "$$python" -m venv $(PEERS_VENV); }
	$(PIP_OF_PEERS) --no-deps --require-hashes -r $(PEERS)/requirements.lock
	@$(PIP_OF_PEERS) --no-deps --require-hashes -r $(PEERS)/torch-cpu.lock 2>/dev/null || { \
	echo "no PyTorch for CPUs alone: the package index's own, with CUDA's libraries on Linux"; \
	$(PIP_OF_PEERS) --no-deps --require-hashes -r $(PEERS)/torch.lock && \
	$(PIP_OF_PEERS) $$(grep -o '^torch==[0-9.]*' $(PEERS)/torch.lock); }
	$(PEERS_VENV)/bin/python -c 'import neuralforecast, statsforecast'
	@touch $@

lock: setup ## resolve the dependencies anew
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --generate-hashes --no-annotate --python-version 3.11 --group dev pyproject.toml --all-extras -o requirements.lock

# PyTorch is kept by hand, see torch.lock; what its build for CUDA needs is left to it.
FOR_CUDA := cuda-bindings cuda-pathfinder cuda-toolkit triton $(addprefix nvidia-,cublas cuda-cupti \
	cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 \
	nvjitlink nvshmem-cu13 nvtx)

lock-peers: setup ## resolve the other libraries anew
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --generate-hashes --no-annotate --python-version 3.11 $(addprefix --no-emit-package ,torch $(FOR_CUDA)) $(PEERS)/requirements.in -o $(PEERS)/requirements.lock

clean: ## remove what was built and cached; the environment and your data stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
