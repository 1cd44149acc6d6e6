# `make run` and `make test` are all that a new user needs: Python 3.11 or later and a C++20 compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
SANITIZE_DESIGNS ?= 300
INSTALLED := $(VENV)/.installed
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(shell find env/cpp netlists/cpp placer/cpp -type f)

.PHONY: run test test-slow test-gpu lint sanitize bench clean

run: $(INSTALLED)
	$(BIN)/placer place netlists/samples/cpu_small --seconds 15 --out out/cpu_small

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/pytest -q

test-slow: $(INSTALLED)
	$(BIN)/pytest -q -m slow

test-gpu: $(INSTALLED)
	$(BIN)/pytest -q -m gpu

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/pyright

# The kernels under the address, undefined-behaviour and thread sanitizers, on random input, without Python.
sanitize:
	for kind in address,undefined thread; do \
	  cmake -S . -B build/sanitize-$$kind -DPLACER_SANITIZE=$$kind -DPLACER_WERROR=ON >/dev/null && \
	  cmake --build build/sanitize-$$kind --target core_test policy_net_test >/dev/null && \
	  build/sanitize-$$kind/env/cpp/core_test $(SANITIZE_DESIGNS) && \
	  build/sanitize-$$kind/placer/cpp/policy_net_test $(SANITIZE_DESIGNS) || exit 1; \
	done

bench: $(INSTALLED)
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python scripts/bench_policy.py --out results/policy_speed.json
	$(BIN)/python scripts/bench_speed.py --out results/speed.json
	$(BIN)/python scripts/bench_formats.py --out results/formats.json
	$(BIN)/python scripts/bench_clustering.py --out results/clustering.json

# A torch that is already in the environment and fits is kept; TORCH chooses another build.
$(INSTALLED): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf build dist out runs $(VENV)
