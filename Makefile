# Everything runs in a virtual environment of the checkout's own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXPORTERS_VENV ?= .venv-exporters

.PHONY: bench demo test test-exporters lint

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

# What PyTorch, scikit-learn and Keras write today; these frameworks take gigabytes, so apart.
$(EXPORTERS_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(EXPORTERS_VENV)
	$(EXPORTERS_VENV)/bin/pip install --quiet --editable '.[dev,exporters]'
	touch $@

test-exporters: $(EXPORTERS_VENV)/.ready
	$(EXPORTERS_VENV)/bin/pytest -n 2 tests/exporters

# The engines and the textbook loop side by side, on one core.
bench: $(VENV)/.ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
