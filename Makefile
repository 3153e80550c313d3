# Two commands do all the set-up on a machine with python3 (3.11 or newer), make and git:
#   make bench   the main job for 10 s on the embedded cluster; installs what running needs
#   make test    every check: lint, types, layers, tests; installs the development tools too
# make test-unit is the part that needs no server.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
STAMP := $(VENV)/.installed
# Not compiled at once: most of what is installed is never imported, and what is compiles at its first import.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

# Tests start processes by the hundred: what they import is compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench install test beside checks lint types layers test-unit test-integration test-timing docs benchmarks calibration fuzz clean

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lensload needs Python 3.11 or newer; say make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'pip>=25'  # the one of Python 3.11 takes twice the time

$(RUN): pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable .
	touch $@

$(STAMP): pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable '.[dev]'
	touch $(RUN) $@

install: $(STAMP)

bench: $(RUN)
	$(BIN)/lensload bench --duration 10s --run-file run.json

test: beside test-timing

# Tests of real processes wait half of the time. All that only computes has what they leave idle, at a low priority, so
# that they do not notice. What each prints is shown when it ends.
beside: $(STAMP)
	$(MAKE) --jobs 2 --no-print-directory --output-sync=target IDLE=nice test-integration lint types layers test-unit

# The type checker uses one core, and each worker of the unit tests another: together they leave none idle.
checks: $(STAMP)
	$(MAKE) --jobs 2 lint types layers test-unit

lint: $(STAMP)
	$(IDLE) $(BIN)/ruff check .
	$(IDLE) $(BIN)/ruff format --check .

types: $(STAMP)
	$(IDLE) $(BIN)/basedpyright

layers: $(STAMP)
	$(IDLE) $(BIN)/lint-imports

test-unit: $(STAMP)
	$(IDLE) $(BIN)/python -m pytest -q -n 2 --dist worksteal tests/unit

# Of the calibration, what counts events is exact however busy the machine is; what times them has the machine to itself.
# Three brokers, two hosts or a slow disk need it to themselves too, or more than CI has: `make calibration` has them.
CALIBRATION := $(wildcard tests/calibration/test_*.py)
COUNTS := $(addprefix tests/calibration/,test_generator_freeze.py test_kill.py test_ledger.py test_percentiles.py test_service_faults.py)
CLUSTERS := $(addprefix tests/calibration/,test_cluster_truth.py test_two_hosts.py test_slow_disk.py)
TIMES := $(filter-out $(COUNTS) $(CLUSTERS),$(CALIBRATION))

# Most of these wait half of the time: four at once keep two cores busy, and find what only a busy machine shows.
# The longest come first, so that none is still on when all others have ended.
AT_ONCE := 4
test-integration: $(STAMP)
	$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadgroup --durations 20 $(COUNTS) tests/integration

test-timing: $(STAMP)
	$(BIN)/python -m pytest -q --durations 10 $(TIMES)

docs: $(STAMP)
	$(BIN)/python docs/generate.py

benchmarks: $(STAMP)
	$(BIN)/python benchmarks/side_by_side.py

# All of the calibration and its table. make calibration CALIBRATION_ROUNDS=5 is what docs/accuracy.md shows.
calibration: $(STAMP)
	$(BIN)/python -m pytest -q --timeout 1800 --durations 10 tests/calibration

# Ten thousand generated inputs, and a thousand examples of each property that sets no number; CI makes a few hundred, and 50.
fuzz: $(STAMP)
	FUZZ_EXAMPLES=1250 $(BIN)/python -m pytest -q -n 2 --dist worksteal --timeout 3600 -m hypothesis --hypothesis-profile many tests/unit

clean:
	rm -rf $(VENV) build dist
