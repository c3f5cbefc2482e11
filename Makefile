# stadtsinn: `make demo` runs a market day, `make test` proves the whole thing.
# Both set up everything they need; see README.md.

PY := .venv/bin/python
CACHE := $(CURDIR)/.cache
# Tests start hundreds of processes: without bytecode each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-nightly test-install test-arm64 test-debian13 check bench bench-decoders conformance fuzz fuzz-api wheel docs format lock parts influxdb2 clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/ready: pyproject.toml requirements.lock .ci/venv
	.ci/venv

demo: .venv/ready ## a market day in time-lapse; ARGS="--for 60", ARGS="--check --json"
	@.venv/bin/stadtsinn demo $(ARGS)

# A file's tests stay in one worker, which has servers of its own; more workers than cores, because
# tests wait for servers (those of test-fast for less, and each worker reads all files). What was
# skipped is listed.
WORKERS := $(shell expr $$(nproc) + 2)
test-fast: WORKERS := $(shell expr $$(nproc) + 1)
# First the kernel is compiled: else each of the first processes that needs it would do so.
PYTEST = $(PY) -m stadtsinn.decoders.kernel_cache; $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -r s

# mypy keeps one core busy for a minute: tests have the others meanwhile.
test: .venv/ready parts ## everything: format, lint, types, contracts, all tests on all cores
	@mkdir -p $(CACHE)
	@$(MAKE) --no-print-directory check > $(CACHE)/check.log 2>&1 & checking=$$!; \
	$(PYTEST) $(ARGS); tested=$$?; \
	wait $$checking; checked=$$?; \
	cat $(CACHE)/check.log; exit $$((tested | checked))

test-fast: .venv/ready ## for the work in between: all tests but those marked slow, no checks
	$(PYTEST) --fast $(ARGS)

test-nightly: .venv/ready parts influxdb2 check ## the nightly target: `make test`, and each repetition with other servers
	$(PYTEST) --nightly $(ARGS)

test-install: ## the nightly target: docs/install.md on a bare Debian 13, SUITE=bookworm: 12; as root, on a Debian
	SUITE=$(SUITE) .ci/install $(ARGS)

test-arm64: .venv/ready ## the nightly target: an edge on an emulated arm64 Debian, and its packages by hash; as root, on a Debian (not run to its end yet)
	$(PY) .ci/arm64_wheels.py
	SUITE=$(SUITE) .ci/arm64 $(ARGS)

test-debian13: ## `make test` in a Debian 13 of its own, from a fresh clone; as root, on a Debian
	.ci/debian13 make test

check: .venv/ready ## format, lint, types, import contracts
	.venv/bin/ruff format --check .
	RUST_LOG=warn .venv/bin/taplo fmt --check
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: .venv/ready parts ## the numbers of README.md, each with its comparison in the same run
	$(PY) bench/run.py $(ARGS)

bench-decoders: .venv/ready ## decoding against JavaScript in Node on the same bytes
	$(PY) bench/decoders.py $(ARGS)

fuzz: .venv/ready ## the nightly target: millions of random payloads, interpreter against kernel
	$(PY) tests/decoders/fuzz.py $(ARGS)

fuzz-api: .venv/ready ## the nightly target: the whole API, called as its document allows and forbids; EXAMPLES=200
	STADTSINN_FUZZ_EXAMPLES=$(or $(EXAMPLES),200) $(PY) -m pytest tests/cloud/publish/api/test_fuzzed.py $(ARGS)

conformance: .venv/ready ## the vendors' published payloads, device by device (needs ../shared/vectors)
	$(PY) tests/support/conformance.py

wheel: .venv/ready ## dist/: the folder that a machine is installed from (docs/install.md)
	rm -rf dist
	$(PY) -m build --wheel --no-isolation --outdir dist .
	sed -nE 's/^([A-Za-z0-9][^ ]*==[^ ]+)( ;[^\\]*)? *\\?$$/\1\2/p' requirements.lock > dist/constraints.txt
	cp -R hardware/install.sh hardware/cloud hardware/edge-agent dist/
	@echo "dist/ is what a machine needs: copy it there, then as root: sh dist/install.sh cloud dist"

docs: .venv/ready ## write docs/devices anew from the device files
	.venv/bin/stadtsinn decoders pages docs/devices

format: .venv/ready ## put code into its one format
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .
	RUST_LOG=warn .venv/bin/taplo fmt

influxdb2: ## InfluxDB 2 for the tests of the night, by Go and Rust
	.ci/influxdb2

parts: ## the real servers that tests talk to (Debian packages; InfluxDB 1.8 by Go)
	.ci/parts

lock: ## resolve the dependencies anew, one version for every Python; needs uv
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links --quiet \
		--custom-compile-command "make lock" --upgrade -o requirements.lock

clean: ## remove what was built here
	rm -rf .venv .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
