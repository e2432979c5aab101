# Every target installs what it needs by itself; see docs/guides/install.md.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMPS := .stamps
ARGS ?=

export PYTHONDONTWRITEBYTECODE :=

help:
	@echo "make up      the hub with a local agent, open in a browser"
	@echo "make demo    the same with a simulated organization of three sites"
	@echo "make test    the whole test suite, real browser and real PostgreSQL included"
	@echo "make check   lint, types, import contracts, unit tests (under a minute)"
	@echo "make fuzz    a minute of coverage-guided fuzzing of the device lines (FUZZ_S=60)"
	@echo "make bench   the benchmarks of bench/README.md"
	@echo "make api     web/src/api/schema.ts from the hub's own API document"
	@echo "make lock    resolve requirements/*.in again into hashed lock files"

.venv/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Soundpost needs Python 3.11 or newer as python3; this is $$(python3 --version)."; exit 1; }
	@python3 -m venv .venv || { echo "The venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@.venv/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9 || { echo "pip could not install uv: is a Python package index reachable from here?"; exit 1; }

$(STAMPS)/python: requirements/dev.txt .venv/bin/uv
	@mkdir -p $(STAMPS)
	@VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/uv pip sync -q --require-hashes requirements/dev.txt || { echo "The locked packages could not be installed: is a Python package index reachable from here?"; exit 1; }
	@touch $@

# The editable install runs the build hook, which builds the web client only when its sources changed.
$(STAMPS)/web: $(STAMPS)/python pyproject.toml hatch_build.py requirements/runtime.in $(shell find web -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)
	@VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/uv pip install -q --no-deps --no-build-isolation -e . || { echo "The web client could not be built: is the npm registry reachable from here?"; exit 1; }
	@touch $@

setup: $(STAMPS)/web

up: setup
	@.venv/bin/soundpost up $(ARGS)

demo: setup
	@.venv/bin/soundpost demo $(ARGS)

lint: setup
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/lint-imports --no-logo >$(STAMPS)/imports.txt || { cat $(STAMPS)/imports.txt; exit 1; }
	@.venv/bin/mypy --no-error-summary

# Types, lint and unit tests of the web client, by the same Node that builds it.
web-check: setup
	@$(PY) -c 'import pathlib, hatch_build; hatch_build.npm(pathlib.Path("web"), "run", "check", "--silent")' >$(STAMPS)/web.txt 2>&1 || { cat $(STAMPS)/web.txt; exit 1; }

check: lint
	@.venv/bin/pytest -q -n 3 --dist worksteal -m 'not slow and not postgresql' tests/unit

test: lint web-check
	@$(PY) tests/chromium.py
	@.venv/bin/pytest -q -n 2 --dist loadfile $(ARGS)

# The shapes the web client is written against, from the hub's own document; a test fails while they differ.
api: setup
	@$(PY) -m soundpost.editions.openapi >$(STAMPS)/openapi.json
	@$(PY) -c 'import pathlib, hatch_build; hatch_build.npm(pathlib.Path("web"), "run", "api", "--silent")'

bench: setup
	@.venv/bin/soundpost bench all $(ARGS)

# A minute of coverage-guided fuzzing of what a device says; see fuzz/README.md. Clean, or it stops at the first finding.
FUZZ_S ?= 60
fuzz: setup
	@for family in converge_pro2 bma360d; do \
		mkdir -p $(STAMPS)/fuzz/$$family || exit 1; \
		PYTHONPATH=. FUZZ_FAMILY=$$family $(PY) fuzz/run.py $(STAMPS)/fuzz/$$family fuzz/corpus/$$family -max_total_time=$$(($(FUZZ_S) / 2)) \
			-max_len=4096 -timeout=10 -artifact_prefix=fuzz/$$family- -print_final_stats=1 || exit 1; \
	done

lock: .venv/bin/uv
	@cd requirements && for set in runtime dev; do ../.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade $$set.in -o $$set.txt || exit 1; done

clean:
	rm -rf .venv $(STAMPS) web/node_modules web/dist src/soundpost/_web

.PHONY: help setup up demo lint web-check check test api fuzz bench lock clean
