# Two commands matter: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONUNBUFFERED := 1

.PHONY: run test lint bench crash faults conformance mutations live screenshots clean

run: .venv/run.stamp
	$(BIN)/streamlit run main.py

test: .venv/dev.stamp
	$(BIN)/python scripts/ensure_browser.py
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/dev.stamp
	$(BIN)/python -m benchmarks

crash: .venv/dev.stamp
	$(BIN)/python -m tests.crash.harness

faults: .venv/dev.stamp
	$(BIN)/python -m tests.faults.matrix

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

.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@ .venv/run.stamp

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
