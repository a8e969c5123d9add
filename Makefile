# Every target does the set-up it needs: a machine with Python 3.11 or newer and make is enough.
# PYTHON=python3.12 chooses another interpreter, WORKERS=4 more test processes, KILLS=1000 longer drills.

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 2
KILLS ?= 20
TORCH ?= torch==2.13.0
VENV = .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
STRUCTURE = tests/test_layout.py tests/test_budgets.py tests/test_exports.py

# Most of the time of the tests goes into optimizing programs that then run for milliseconds: they are compiled without.
# Optimized are those of results that a user is told, of different programs that are equal in every bit, and of tests
# that hang on how the last bit is rounded. `make test QUICK=` optimizes all.
QUICK = JAX_DISABLE_MOST_OPTIMIZATIONS=1 XLA_FLAGS="$$XLA_FLAGS --xla_cpu_use_fusion_emitters=false"
OPTIMIZED = tests/test_docs.py tests/test_examples.py tests/training/test_named.py tests/training/test_resume.py \
	tests/training/test_chunk.py tests/training/sweeps/test_lanes.py tests/doctor/test_trial.py \
	tests/training/test_fine_tune.py tests/learning/landscape/test_stationary.py tests/learning/test_averaging.py \
	tests/network/test_running_statistics.py tests/network/test_activations.py \
	tests/claims/test_claims.py::test_the_quick_tier_points_where_it_pointed[transformers.placement]
TEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not accept"

.PHONY: help demo test check bench accept story worked map docs tree lock clean

help:  ## Say what each target does.
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/core  ## Find why a network does not learn, prove remedies, and say where report.html lies.
	$(BIN)/headway cure digits-sigmoid20

test: $(VENV)/test  ## Run every test but the long drills.
	$(QUICK) $(TEST) $(OPTIMIZED:%=--deselect='%')
	$(TEST) $(OPTIMIZED:%='%')

check: $(VENV)/test  ## Format, lint, types, and the structure of the code.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(STRUCTURE)

accept: $(VENV)/test  ## Run the long drills; those stored for this very code are not run again, those broken off go on.
	$(BIN)/python -m pytest -m accept --kills $(KILLS)

bench: $(VENV)/bench  ## Measure speed and memory side by side with other libraries.
	$(BIN)/python -m benchmarks

story: $(VENV)/test  ## Run the demo's cure, store it, and bring the first screen of README.md up to date with it.
	$(BIN)/python -m benchmarks.worked digits-sigmoid20

worked: $(VENV)/test  ## Run the cures of all worked examples, the demo's too, store them, and write their pages.
	$(BIN)/python -m benchmarks.worked all

map: $(VENV)/test  ## Write the map with its verdicts, the table of claims and the audit of the seed, in seconds.
	$(BIN)/python docs/build.py --map

docs: $(VENV)/test  ## Write these and the page of every concept, and build the documentation as a site in site/.
	$(BIN)/python docs/build.py

tree: $(VENV)/test  ## Bring the tree in README.md up to date with the files.
	$(BIN)/python tests/test_layout.py --write

lock:  ## Resolve the newest versions on Python 3.11 and write constraints.txt.
	rm -rf $(VENV)-lock && python3.11 -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet ".[test]"
	(sed -n '/^#/p' constraints.txt && $(VENV)-lock/bin/python -m pip freeze --exclude headway | \
		sed 's/$$/ ; python_version == "3.11"/') > $(VENV)-lock/constraints.txt
	mv $(VENV)-lock/constraints.txt constraints.txt && rm -rf $(VENV)-lock

clean:  ## Remove what make and the tools made.
	rm -rf $(VENV) $(VENV)-lock build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Headway needs Python 3.11 or newer; set PYTHON=path/to/python."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/test: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable ".[test]"
	@touch $@ $(VENV)/core

# Where the plain torch wheel would bring gigabytes of CUDA libraries, name the index of the CPU wheels:
# make bench TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
$(VENV)/bench: $(VENV)/test
	$(INSTALL) $(TORCH)
	$(INSTALL) --editable ".[test,bench]"
	@touch $@
