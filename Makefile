# Two commands matter: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url --upgrade
export PYTHONUNBUFFERED := 1
unexport PYTHONDONTWRITEBYTECODE # set in many images; each of a hundred processes of the tests would compile all anew

.PHONY: run test lint lock bench crash faults conformance mutations live screenshots clean

run: .venv/run.stamp
	$(BIN)/streamlit run main.py

test: .venv/dev.stamp
	$(BIN)/python scripts/ensure_browser.py
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Takes the newest releases that the two requirements files allow, for every Python from 3.11 on.
lock: .venv/bin/python
	$(BIN)/python -m pip install --quiet "uv>=0.5"
	$(LOCK) requirements.txt --output-file requirements.lock \
	    --custom-compile-command "make lock"
	$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock \
	    --custom-compile-command "make lock"

bench: .venv/dev.stamp
	$(BIN)/python -m benchmarks

crash: .venv/dev.stamp
	$(BIN)/python -m tests.crash.harness

faults: .venv/dev.stamp
	$(BIN)/python -m tests.faults.fault_matrix

conformance: .venv/dev.stamp
	$(BIN)/python -m conformance

mutations: .venv/dev.stamp
	$(BIN)/python -m tests.emulator.mutations

# Asks Google itself, with your key in GEMINI_API_KEY: free calls first, then a few cents at most.
live: .venv/dev.stamp
	$(BIN)/python -m pytest tests/contract --live -s

screenshots: .venv/dev.stamp
	$(BIN)/python scripts/ensure_browser.py
	$(BIN)/python scripts/screenshots.py

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (set PYTHON=…)."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

.venv/run.stamp: requirements.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	@touch $@ .venv/run.stamp

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
