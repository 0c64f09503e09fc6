# Everything runs in a virtual environment of the checkout's own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXPORTERS_VENV ?= .venv-exporters

.PHONY: demo test test-exporters lint

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

test: $(VENV)/.ready
	$(BIN)/pytest -n 2

# What PyTorch, scikit-learn and Keras write today; these frameworks take gigabytes, so apart.
$(EXPORTERS_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(EXPORTERS_VENV)
	$(EXPORTERS_VENV)/bin/pip install --quiet --editable '.[dev,exporters]'
	touch $@

test-exporters: $(EXPORTERS_VENV)/.ready
	$(EXPORTERS_VENV)/bin/pytest tests/exporters

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
