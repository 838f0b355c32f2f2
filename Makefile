# Two commands set everything up: `make demo` and `make test`. Only Python 3.11+ and make are needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.9
DEMO := outputs/demo
DEMO_KM ?= 12
# Offices with a certificate authority of their own trust it in the system's store. (Two names: old and new uv.)
export UV_NATIVE_TLS := 1
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick lint format audit manual bench bench-screening bench-detection bench-buildings bench-grain bench-roadside train-buildings lock wheelhouse notebooks clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# The environment follows the lock file: remade when either file changes, left alone otherwise.
$(VENV)/.locked: uv.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "luyu needs Python 3.11 or newer; PYTHON=/path/to/python3.11 make ..." >&2; exit 2; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=$(UV_VERSION)"
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --locked --quiet --inexact
	touch $@

demo: $(VENV)/.locked ## simulate a small county pair, run the whole pipeline on it, say where the maps are; DEMO_KM=2: sooner
	$(BIN)/luyu demo --out $(DEMO) --km $(DEMO_KM)

test: $(VENV)/.locked ## every test, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-quick: $(VENV)/.locked ## the tests that take little time
	$(BIN)/python -m pytest -m "not slow and not browser"

lint: $(VENV)/.locked ## style, types, docstrings, lock file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/interrogate pipeline
	$(BIN)/uv lock --check

format: $(VENV)/.locked ## put the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A report and no gate: what is known today of versions of yesterday must not stop a build, nor must a missing network.
audit: $(VENV)/.locked ## known vulnerabilities of the locked dependencies, from the list that PyPI keeps
	@timeout 60 $(BIN)/pip-audit -r requirements.lock --require-hashes --disable-pip --progress-spinner off --timeout 10 \
	  || echo "audit: see above; without a network nothing was looked up" >&2

bench: $(VENV)/.locked ## benchmarks; they print ratios against a peer measured in the same run; QUICK=1: the smaller forms
	@for file in benchmarks/bench_*.py; do echo "== $$file"; \
	$(BIN)/python $$file $(if $(QUICK),$$(grep -q -e --quick $$file && echo --quick)) || exit 1; done

train-buildings: $(VENV)/.locked ## train the building network anew, and those that score it: two hours on two cores
	test -x $(VENV)-train/bin/python || "$(PYTHON)" -m venv $(VENV)-train
	$(VENV)-train/bin/python -m pip install --quiet -r requirements.lock -r benchmarks/building_net/requirements.txt
	$(VENV)-train/bin/python -m pip install --quiet --no-deps --editable .
	$(VENV)-train/bin/python benchmarks/building_net/make_all.py

bench-detection: bench-buildings bench-grain bench-roadside ## all scores of what is found, on left-out data

bench-buildings: $(VENV)/.locked ## score every way of finding buildings on left-out data; writes benchmarks/DETECTION.md
	$(BIN)/python benchmarks/score_detection.py

bench-roadside: $(VENV)/.locked ## scores of grain, works, stockpiles, billboards and buildings in simulated worlds; writes benchmarks/ROADSIDE.md
	$(BIN)/python benchmarks/score_roadside.py --out benchmarks/ROADSIDE.md

bench-grain: $(VENV)/.locked ## scores of grain laid onto real road pixels, and of clean real roads; writes benchmarks/GRAIN.md
	$(BIN)/python benchmarks/score_grain.py --out benchmarks/GRAIN.md

manual: $(VENV)/.locked ## the manual in Chinese and English, with pictures of a finished run, into outputs/manual
	test -f $(DEMO)/run/index.html || $(BIN)/luyu demo --out $(DEMO)
	$(BIN)/python docs/screenshots.py $(DEMO)/run outputs/shots --config $(DEMO)/world/run.yaml
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "outputs/manual/index.html"

bench-screening: $(VENV)/.locked ## scores of the 10 m screening on real Sentinel-2 pairs; writes benchmarks/SCREENING.md
	$(BIN)/python benchmarks/score_screening.py --out benchmarks/SCREENING.md

lock: $(VENV)/.locked ## solve the dependencies anew and export the hashed lists for pip
	$(BIN)/uv lock --upgrade
	$(BIN)/python configs/deploy/requirements/export.py

wheelhouse: $(VENV)/.locked ## all packages for machines without a network, Linux and Windows (configs/deploy/wheelhouse)
	$(BIN)/python configs/deploy/wheelhouse/wheelhouse.py outputs/wheelhouse

clean: ## remove the environment and the demo
	rm -rf $(VENV) $(DEMO)
