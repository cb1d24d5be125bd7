# make run   does the main job           make test  runs everything that checks it
# Both need only Python 3.11 or newer, make and git; what is missing they install, or say in one line how to.

VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --quiet
# Every package comes in the version and with the hash that requirements/ holds. What comes as source is built with
# the locked build packages, so that pip fetches nothing else.
LOCKED  := $(PIP) --require-hashes --no-build-isolation
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable
ARGS    ?=

# A Pi's camera library comes from its system packages, so the environment must see them.
PI := $(shell grep -qs 'Raspberry Pi' /proc/device-tree/model && echo yes)

MICROPHONE_PACKAGES := portaudio19-dev gcc libc6-dev python3-dev
TEST_PACKAGES := mosquitto mosquitto-clients pulseaudio pulseaudio-utils libasound2-plugins systemd

.PHONY: help setup run test lint clean microphone test-packages mutants lock release
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:
	@echo 'make run      camera and microphone, or else the built-in clip, to MQTT, shown here until Ctrl-C'
	@echo 'make test     everything that checks the project (EMOTION_DATA=DIR adds the tests that need the corpora)'
	@echo 'make setup    what both need: afterwards $(BIN)/edge-emotion works'
	@echo 'make lint     format, style, import contracts and type checks alone'
	@echo 'make mutants  puts small faults into the code and counts those that no test notices (ROOMS="fusion publish")'
	@echo 'make lock     writes requirements/*.txt anew (ARGS=--upgrade takes newer versions)'
	@echo 'make release  VERSION=1.2.3 builds and checks wheel and sdist, and dates the changelog'
	@echo 'make clean    removes $(VENV), caches and build products; keeps models and training runs'

# $(call packages,NAMES,what is lost without them): Debian packages, installed where we may, else one line to type.
define packages
@missing=; for name in $(1); do \
  dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$name"; done; \
mkdir -p build; \
if [ -z "$$missing" ]; then :; \
elif ! command -v apt-get >/dev/null; then echo "Not here:$$missing (or what this system calls them); without them $(2)"; \
elif [ "$$(id -u)" != 0 ]; then echo "Without these packages $(2). To have them:  sudo apt-get install$$missing"; \
else echo "Installing$$missing"; export DEBIAN_FRONTEND=noninteractive; \
  { apt-get -qq -o DPkg::Lock::Timeout=300 update; \
    apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends $$missing; } >build/apt.log 2>&1 \
  || { tail -n 3 build/apt.log; echo "apt-get failed (build/apt.log); without these packages $(2)"; }; \
fi
endef

$(BIN)/python:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	if [ -z "$$python" ]; then \
	  echo 'Python 3.11 or newer is needed:  sudo apt-get install python3  (Debian 12, Raspberry Pi OS 12 and later)'; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  name=$$($$python -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "Installing $$name"; \
	    export DEBIAN_FRONTEND=noninteractive; mkdir -p build; \
	    { apt-get -qq -o DPkg::Lock::Timeout=300 update; \
	      apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends $$name; } >build/apt.log 2>&1 \
	    || { tail -n 3 build/apt.log; exit 1; }; \
	  else echo "$$python cannot make virtual environments:  sudo apt-get install $$name"; exit 1; fi; fi; \
	if [ -n "$(PI)" ] || $$python -c 'import picamera2' 2>/dev/null; then option=--system-site-packages; fi; \
	echo "Making $(VENV) with $$($$python --version)"; \
	$$python -m venv $$option $(VENV) || { rm -rf $(VENV); exit 1; }

# Debian 12's picamera2 is built for NumPy 1 and breaks beside NumPy 2: beside it, the locks ending in -numpy1 hold.
$(VENV)/lock: $(BIN)/python
	@$(BIN)/python -c 'import numpy; print("-numpy1" if numpy.__version__ < "2" else "")' 2>/dev/null >$@ || :

# $(call lock,NAME): the file of locked requirements for this environment.
lock = requirements/$(1)$$(cat $(VENV)/lock).txt

$(VENV)/demo.stamp: pyproject.toml hatch_build.py $(wildcard requirements/demo*.txt) $(VENV)/lock
	@echo 'Installing edge-emotion and what it needs (some minutes the first time)'
	@$(LOCKED) --requirement $(call lock,demo)
	@$(EDITABLE) .
	@touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp $(wildcard requirements/test*.txt)
	@echo 'Installing what the tests need, TensorFlow among it (some minutes the first time)'
	@$(LOCKED) --requirement $(call lock,test)
	@touch $@

$(VENV)/tools.stamp: $(VENV)/test.stamp requirements/tools.txt
	@echo 'Installing the tools of `make mutants`, `make lock` and `make release`'
	@$(LOCKED) --requirement requirements/tools.txt
	@touch $@

microphone: $(VENV)/demo.stamp
	$(call packages,$(MICROPHONE_PACKAGES),there is no microphone)
ifeq ($(PI),yes)
	$(call packages,python3-picamera2,there is no CSI camera)
endif
	@if $(BIN)/python -c 'import pyaudio' 2>/dev/null; then :; \
	elif [ ! -f /usr/include/portaudio.h ]; then echo 'Going on without the microphone'; \
	else $(LOCKED) --requirement $(call lock,microphone) >build/pyaudio.log 2>&1 || \
	  { tail -n 3 build/pyaudio.log; echo 'PyAudio cannot be built (build/pyaudio.log); going on without the microphone'; }; fi

setup: $(VENV)/demo.stamp microphone
	@$(BIN)/python -m models.face.fetch

run: setup
	@exec $(BIN)/edge-emotion run --auto $(ARGS)

test-packages:
	$(call packages,$(TEST_PACKAGES),some tests skip)

lint: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: setup $(VENV)/test.stamp test-packages lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

mutants: $(VENV)/tools.stamp
	$(BIN)/python tests/tools/mutants.py $(ROOMS) $(ARGS)

# $(call compile,NAME,OPTIONS): one lock for every Python and machine; versions stay as they are unless ARGS=--upgrade.
compile = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-emit-index-url --custom-compile-command 'make lock' $(ARGS) $(2) --output-file requirements/$(1).txt

lock: $(VENV)/tools.stamp
	$(call compile,test,pyproject.toml --extra test --group build)
	$(call compile,demo,pyproject.toml --extra demo --group build --constraints requirements/test.txt)
	$(call compile,device,pyproject.toml --constraints requirements/test.txt)
	$(call compile,microphone,pyproject.toml --extra microphone --group build --constraints requirements/test.txt)
	$(call compile,tools,--group tools --constraints requirements/test.txt)
	$(call compile,test-numpy1,pyproject.toml --extra test --group build --constraints requirements/numpy1.in)
	$(call compile,demo-numpy1,pyproject.toml --extra demo --group build --constraints requirements/test-numpy1.txt)
	$(call compile,microphone-numpy1,pyproject.toml --extra microphone --group build --constraints requirements/test-numpy1.txt)

release: $(VENV)/tools.stamp
	$(BIN)/python tests/tools/release.py $(VERSION)
	rm -rf dist
	$(BIN)/python -m hatchling build
	$(BIN)/twine check --strict dist/*
	@echo 'dist/ is ready. Commit edge/__init__.py and CHANGELOG.md, and tag the commit v$(VERSION)'

clean:
	rm -rf $(VENV) build dist .cache .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
