# Everything runs in a virtual environment of the project's own, made on first use.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
JOBS ?= $(shell nproc)
STAMP := $(VENV)/.installed

.PHONY: help install lint test demo bench docs reproduce clean

help:
	@echo "make install   virtual environment in $(VENV) with everything that development needs"
	@echo "make demo      transcribe eight bad recordings, then degrade a clean one and transcribe that"
	@echo "make test      the whole test suite"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make bench     speed and parity, side by side"
	@echo "make reproduce DATA=DIR OUT=work/tiny   the tiny recipe from recordings to weights and tables (hours)"
	@echo "make docs      write docs/reference.md and docs/conditions/ from the plugins"

install: $(STAMP)

# torch first and alone: it is the large part, and the CPU build is enough for everything here.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[tiny,oracle,dev]"
	touch $@

$(VENV)/.demo: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[tiny]"
	touch $@

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict megaasr megaasr_core
	$(BIN)/mypy degradations rewards routers plugins
	$(BIN)/lint-imports

# A process a core, and one thread in each: threads of several processes that share cores wait for each other.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=term:skip-covered --durations=20

docs: $(STAMP)
	$(BIN)/python docs/generate.py

bench: $(STAMP)
	$(BIN)/python -m benchmarks

$(VENV)/.recipe: recipes/tiny/requirements.txt $(STAMP)
	$(BIN)/python -m pip install --quiet -r recipes/tiny/requirements.txt
	touch $@

DATA ?= ../shared/data
OUT ?= work/tiny
reproduce: $(VENV)/.recipe
	$(BIN)/python -m recipes.tiny.reproduce "$(DATA)" --out "$(OUT)"

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
