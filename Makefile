# Everything runs in a virtual environment of the checkout's own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXPORTERS_VENV ?= .venv-exporters
BENCH_VENV ?= .venv-bench
BROWSER_VENV ?= .venv-browser

.PHONY: bench bench-large bench-quick demo test test-browser test-exporters test-slow lint

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# The main job on a shipped network: count, list, bound, weigh, draw.
DEMO := demo-output
MOONS := models/moons/moons_torch_epoch_0100.onnx
SAMPLES := --data models/moons/moons_test_x.npy --labels models/moons/moons_test_y.npy

demo: $(VENV)/.ready
	rm -rf $(DEMO)
	$(BIN)/cpwl-milp inspect $(MOONS)
	$(BIN)/cpwl-milp bounds $(MOONS) --box -2,3
	$(BIN)/cpwl-milp count $(MOONS) --box -2,3 --linear-regions
	$(BIN)/cpwl-milp enumerate $(MOONS) --box -2,3 -o $(DEMO)/run --with-maps
	$(BIN)/cpwl-milp information $(DEMO)/run $(SAMPLES)
	$(BIN)/cpwl-milp plot $(MOONS) --box -2,3 $(SAMPLES) -o $(DEMO)/regions.png
	@echo
	@echo "picture:        $(DEMO)/regions.png"
	@echo "regions listed: $(DEMO)/run/regions/*.parquet (what was asked: $(DEMO)/run/run.json)"
	@echo "sample masses:  $(DEMO)/run/mass/*.parquet"

test: $(VENV)/.ready
	$(BIN)/pytest -n 2

# Coverage of intervals and other simulations.
test-slow: $(VENV)/.ready
	$(BIN)/pytest -n 2 -m slow

# What PyTorch, scikit-learn and Keras write today; these frameworks take gigabytes, so apart.
$(EXPORTERS_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(EXPORTERS_VENV)
	$(EXPORTERS_VENV)/bin/pip install --quiet --editable '.[dev,exporters]'
	touch $@

test-exporters: $(EXPORTERS_VENV)/.ready
	$(EXPORTERS_VENV)/bin/pytest -n 2 tests/exporters

# The report of an audit in headless Chromium: the system's if there is one (or $CHROMIUM), else
# Playwright fetches its own.
$(BROWSER_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(BROWSER_VENV)
	$(BROWSER_VENV)/bin/pip install --quiet --editable '.[dev,browser]'
	command -v chromium chromium-browser google-chrome || $(BROWSER_VENV)/bin/playwright install chromium
	touch $@

test-browser: $(BROWSER_VENV)/.ready
	$(BROWSER_VENV)/bin/pytest tests/browser

# The engines, the textbook loop and the peers that PyPI has, side by side: some 20 minutes, then
# the tables and the figure of docs/performance.md. The peers live in an environment of their own.
$(BENCH_VENV)/.ready: pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --editable '.[cluster]' --requirement benchmarks/requirements.txt
	touch $@

bench: $(BENCH_VENV)/.ready
	$(BENCH_VENV)/bin/python -m benchmarks
	$(BENCH_VENV)/bin/python -m benchmarks.report
	$(BENCH_VENV)/bin/python -m benchmarks.proofs
	$(BENCH_VENV)/bin/python -m benchmarks.errors

# A minute, nothing is written.
bench-quick: $(BENCH_VENV)/.ready
	$(BENCH_VENV)/bin/python -m benchmarks --quick

# 10^8 regions counted and listed, the textbook loop to its end: an hour, and some GB of disk.
bench-large: $(BENCH_VENV)/.ready
	$(BENCH_VENV)/bin/python -m benchmarks large
	$(BENCH_VENV)/bin/python -m benchmarks.report

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
