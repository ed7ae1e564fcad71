# Every target uses the project's virtual environment, which is created on first use.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
JOBS ?= $(shell nproc)
STAMP := $(VENV)/.installed

.PHONY: help install lint test fuzz demo bench docs reproduce clean

help:
	@echo "make install   create the virtual environment $(VENV) with all development dependencies"
	@echo "make demo      transcribe eight degraded recordings, then degrade a clean recording and transcribe it"
	@echo "make test      run the test suite"
	@echo "make fuzz      damage files, rows, models and archives for SECONDS=600, and list what is not refused in one line"
	@echo "make lint      run ruff, mypy and import-linter"
	@echo "make bench     run the benchmarks and write benchmarks/results/"
	@echo "make reproduce DATA=DIR OUT=work/tiny   run the recipe recipes/tiny, from recordings to weights and tables (hours)"
	@echo "make docs      write docs/reference.md and docs/conditions/ from the installed plugins"

install: $(STAMP)

# torch is installed first and separately, so that TORCH can select another build; the CPU build is sufficient.
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

# One process for each core and one thread in each process: threads of processes that share cores block each other.
# Bytecode is written, whatever the environment says: the tests start many processes.
test: $(STAMP)
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --durations=20

# The long form of tests/fuzz: another seed each time, unless SEED is given; failing inputs go to work/fuzz/.
SECONDS ?= 600
SEED ?= $(shell date +%s)
fuzz: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED) --out work/fuzz

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
