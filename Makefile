# Everything from a fresh clone: needs CPython 3.11 to 3.13 with headers, pip, gcc and make, and a package index.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/
COMPILED := PYTHONPATH=$(CURDIR)/build/compiled:$(CURDIR)

.PHONY: demo test test-long test-compiled compiled bench docs lock format clean

# One command that sets everything up and runs the main job; leaves demo.db here.
demo: $(VENV)/installed
	$(RUN)lianxing demo

# One command that sets everything up and passes the tests; four workers, for the tests often wait for a disk.
test: $(VENV)/installed
	$(RUN)pytest -n 4 --dist loadgroup -q

# The long proofs: a million random policies and facts, hundreds of killed processes, the whole yardstick.
test-long: $(VENV)/installed
	LIANXING_LONG=1 $(RUN)pytest -n 2 --dist loadgroup -q

# The package as a wheel for production has it, with the engine's busiest modules compiled; a minute on two cores.
compiled: $(VENV)/installed
	rm -rf build/compiled
	LIANXING_COMPILED=1 $(RUN)pip install -q --disable-pip-version-check --no-deps --no-build-isolation --target build/compiled .

# The tests of the checkout, on what is compiled.
test-compiled: compiled
	$(COMPILED) $(RUN)pytest -n 4 --dist loadgroup -q -o pythonpath=

bench: compiled
	$(COMPILED) $(RUN)python benchmarks/matching.py
	$(COMPILED) $(RUN)python benchmarks/assessing.py
	$(COMPILED) $(RUN)python benchmarks/ledger.py
	$(COMPILED) $(RUN)python benchmarks/importing.py
	$(COMPILED) $(RUN)python benchmarks/growing.py
	$(COMPILED) $(RUN)python benchmarks/bank.py
	$(COMPILED) $(RUN)python benchmarks/waiting.py
	$(COMPILED) $(RUN)python benchmarks/reading.py
	$(COMPILED) $(RUN)python benchmarks/starting.py

# The generated tables and schemas below docs/.
docs: $(VENV)/installed
	$(RUN)python docs/generate.py

# The pins of every package, for all supported versions of Python.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q uv
	echo "# Every package that 'make demo' and 'make test' install, pinned, for CPython 3.11 to 3.13. Made by 'make lock'." > requirements.lock
	$(VENV)-lock/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 --extra test --no-header >> requirements.lock
	rm -rf $(VENV)-lock

format: $(VENV)/installed
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

clean:
	rm -rf $(VENV) dist build demo.db demo.db-wal demo.db-shm demo.set-aside.csv

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)pip install -q --disable-pip-version-check -r requirements.lock
	$(RUN)pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
