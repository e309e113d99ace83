# Everything runs in .venv, which is built once from requirements.lock.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
BENCH := .venv-bench
BENCH_READY := $(BENCH)/.ready

.PHONY: report test lint verify bench pictures gallery lab lock clean

report: $(READY)  ## build the sample reports and print where they are
	@$(BIN)/cxresearch report --data data/sample --out reports --jobs 2

# One thread for the matrices of each worker, which are small: more would wait for each other.
test verify: export OPENBLAS_NUM_THREADS = 1

# Three workers on two cores: a test that waits for a kernel or a browser leaves a core to others.
test: $(READY) lint  ## check style, types and behaviour
	@$(BIN)/pytest -q -n 3 --dist worksteal

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy

verify: $(READY)  ## the long simulations: coverage of every interval
	@$(BIN)/pytest -q -n 2 -m verify

bench: $(READY) $(BENCH_READY)  ## time and memory beside lifelines, lifetimes and the bare scan
	@$(BIN)/python -m tests.bench

pictures: $(READY)  ## the pictures of the README (needs chromium)
	@$(BIN)/python -m tests.pictures

gallery: $(READY)  ## the sample reports that the README links to
	@$(BIN)/python -m tests.pictures gallery

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=. notebooks

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --extra dev --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --output-file tests/bench/requirements.lock tests/bench/requirements.in

clean:
	rm -rf .venv $(BENCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; none was found. Install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version), once; this takes a minute or two"
	@$(PYTHON) -m venv .venv || { echo "error: python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# Its packages are compared with and never depended on: tests/bench/requirements.in says why.
$(BENCH_READY): $(READY) tests/bench/requirements.lock
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/bench/requirements.lock
	@touch $(BENCH_READY)
