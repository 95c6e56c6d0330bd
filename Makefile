# Edgewright. `make run` opens the console, `make test` passes the tests; both need Python 3.11+ with venv and pip only.
# Everything is installed from lock files with hashes into .venv; nothing outside this folder is touched.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
VENV := .venv
PY := $(VENV)/bin/python
ARGS ?=
# Nearly half of the fast tests' time is waiting, so two processes more than there are cores.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 2)
PYTEST_ARGS ?=
KUBERNETES_TESTS ?= tests/e2e/kubernetes
DOCTOR_TESTS ?= tests/e2e/doctor
# Each hub and each console of a test would compile all sources where the environment forbids the cache.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/build/bytecode

.PHONY: help run test collect fast check lint types contracts format e2e e2e-core e2e-hub e2e-dist e2e-schedules e2e-forge e2e-lab e2e-sites e2e-doctor e2e-kubernetes kubernetes bench agent deb sbom lock clean

help:  ## Show these targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.base:
	@test -n "$(PYTHON)" || { echo "Edgewright needs Python 3.11 or later and found none: install it, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PY) -c 'import sysconfig, pathlib; pathlib.Path(sysconfig.get_path("purelib"), "edgewright.pth").write_text("$(CURDIR)\n")'
	@printf '#!/bin/sh\nexec "%s" -m edgewright "$$@"\n' "$(CURDIR)/$(PY)" > $(VENV)/bin/edgewright && chmod +x $(VENV)/bin/edgewright
	@touch $@

$(VENV)/.run: $(VENV)/.base requirements.txt
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements-dev.txt
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run

run: $(VENV)/.run  ## Open the console (ARGS="..." go to edgewright)
	@$(PY) -m edgewright $(ARGS)

test: $(VENV)/.dev  ## Run the tests that need no root and no other machine, in JOBS processes (0: in this one)
	$(PY) -m pytest -m "not e2e" -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

collect: $(VENV)/.dev
	@$(PY) -m pytest -m "not e2e" --collect-only -qq

check: lint types contracts test  ## Style, types, import contracts, tests

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) tools/words.py --check

types: $(VENV)/.dev
	$(VENV)/bin/mypy edgewright tui tests benchmarks packaging tools

contracts: $(VENV)/.dev
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev  ## Format the sources
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# k9s, for the tests that run it through `kube proxy`, and kwok, which answers for kubelets; EDGEWRIGHT_K9S and
# EDGEWRIGHT_KWOK name one that is there, and none is built then.
K9S_VERSION := v0.50.16
KWOK_VERSION := v0.8.0
K9S := $(if $(EDGEWRIGHT_K9S),,build/bin/k9s)
KWOK := $(if $(EDGEWRIGHT_KWOK),,build/bin/kwok)
export EDGEWRIGHT_K9S ?= $(CURDIR)/build/bin/k9s
export EDGEWRIGHT_KWOK ?= $(CURDIR)/build/bin/kwok
build/bin/k9s: MODULE := github.com/derailed/k9s@$(K9S_VERSION)
build/bin/kwok: MODULE := sigs.k8s.io/kwok/cmd/kwok@$(KWOK_VERSION)
build/bin/k9s build/bin/kwok:
	@command -v go >/dev/null || { echo "$(@F) is built with Go: install it, or name one that is there: make EDGEWRIGHT_K9S=FILE EDGEWRIGHT_KWOK=FILE ..." >&2; exit 1; }
	GOBIN="$(CURDIR)/build/bin" CGO_ENABLED=0 go install -trimpath -ldflags "-s -w" $(MODULE)

# A schedule waits for most of its time, so three sets run beside each other, each with hubs and PostgreSQL of its own.
SCHEDULES = EDGEWRIGHT_SCHEDULES="$${EDGEWRIGHT_SCHEDULES-500}" EDGEWRIGHT_STEPS="$${EDGEWRIGHT_STEPS-4}" \
	  $(PY) -m pytest -m e2e --timeout=300 -n 3 --dist loadgroup tests/dist/test_schedules.py $(PYTEST_ARGS)

# No line of a recipe names $(MAKE): make runs such a line even where it is asked only to print it (make -n).
e2e: $(VENV)/.dev agent kubernetes $(K9S) $(KWOK)  ## Run every end-to-end test (root, systemd-nspawn, QEMU, tmux; see docs/testing.md)
	status=0; $(PY) -m pytest -m e2e --timeout=1800 --deselect tests/dist/test_schedules.py $(PYTEST_ARGS) || status=$$?; \
	  $(SCHEDULES) || status=$$?; exit $$status

e2e-schedules: $(VENV)/.dev  ## ... of those 500 schedules of 4 faults against several hubs (EDGEWRIGHT_SCHEDULES, EDGEWRIGHT_STEPS: how many)
	$(SCHEDULES)

e2e-kubernetes: $(VENV)/.dev kubernetes  ## ... of those the clusters': Kubernetes on hosts of the lab (root)
	$(PY) -m pytest -m e2e --timeout=900 $(KUBERNETES_TESTS) $(PYTEST_ARGS)

e2e-core: e2e-hub e2e-dist e2e-forge e2e-lab e2e-sites  ## Run the end-to-end tests that the continuous check runs

e2e-hub: $(VENV)/.dev  ## ... of those the hub's: PostgreSQL, full disks
	$(PY) -m pytest tests/hub -m e2e --timeout=300 -n 3 --dist loadfile $(PYTEST_ARGS)

# `make e2e` alone runs these. A rolling restart is in the rolling upgrade and in the schedules (hubs stop); so are ended
# sessions, and a clock that is set back.
E2E_ALONE = test_rolling_upgrade.py test_several_hubs.py::test_a_rolling_restart_loses_nothing_and_turns_no_host_unhealthy \
  test_several_hubs.py::test_p65_lost_sessions_lose_nothing_that_was_acknowledged \
  "test_one_time.py::test_p82_a_hub_whose_machine_has_a_wrong_clock_judges_as_the_others[-10m]"

e2e-dist: $(VENV)/.dev  ## ... several hubs on one PostgreSQL, with 10 schedules of faults (EDGEWRIGHT_SCHEDULES: how many)
	$(PY) -m pytest tests/dist -m e2e --timeout=300 -n 6 --dist loadgroup $(addprefix --deselect tests/dist/,$(E2E_ALONE)) $(PYTEST_ARGS)

e2e-forge: $(VENV)/.dev agent  ## ... the forge's: appliance, images, flash, one boot proof
	EDGEWRIGHT_PROOF_WAYS="$${EDGEWRIGHT_PROOF_WAYS-bios-usb}" $(PY) -m pytest tests/e2e -k test_forge -m "e2e and core" --timeout=600 $(PYTEST_ARGS)

e2e-lab: $(VENV)/.dev agent  ## ... and the console's and the lab's
	$(PY) -m pytest tests/e2e -k "not test_forge" -m "e2e and core" --timeout=600 -n 2 --dist loadfile $(PYTEST_ARGS)

e2e-sites: $(VENV)/.dev agent  ## ... and those of SSH: real hosts, one behind a jump host, one with Dropbear and BusyBox, one faulty, one with a cluster
	$(PY) -m pytest tests/e2e/sites -m e2e --timeout=300 $(PYTEST_ARGS)

e2e-doctor: $(VENV)/.dev agent kubernetes  ## Every set of faults of Doctor, known by now, with the matrices and a table of all sums (root)
	$(PY) -m pytest $(DOCTOR_TESTS) -m e2e --timeout=3600 -n 2 --dist loadfile -rP $(PYTEST_ARGS)

kubernetes: $(VENV)/.run  ## Build Kubernetes for the lab, from package registries (needs Go; the first time takes minutes)
	$(PY) -m edgewright lab kubernetes build $(ARGS)

bench: $(VENV)/.dev  ## Run the benchmarks in their short form (ARGS=--full: in full); each prints ratios against a floor
	@$(PY) tools/bench.py $(ARGS)

agent: $(VENV)/.dev  ## Build dist/edgewright-agent.pyz and the binary for hosts without Python
	$(PY) packaging/build_agent.py

deb: $(VENV)/.dev  ## Build the Debian packages of hub and agent in dist/ (needs dpkg-deb)
	$(PY) packaging/build_deb.py

sbom: $(VENV)/.dev  ## Build the wheel and the agent's archive in dist/, and write the SBOM (SPDX 2.3) of each, of the hub and of its image
	$(PY) -m build --wheel --outdir dist .
	$(PY) packaging/build_agent.py --archive-only
	$(PY) packaging/sbom.py --dist dist

lock:  ## Refresh the lock files (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgresql pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev --extra postgresql pyproject.toml -o requirements-dev.txt

clean:  ## Remove what was built here
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
