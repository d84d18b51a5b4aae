# envkit: what there is to do. `make` alone prints the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/pytest
# The real tests run as two processes: most of their time they wait. What the second prints comes at the end.
real := $(PYTEST) -m "real and not long" --durations 25
SECOND := $(addprefix tests/,faults real/hosts real/registry real/save real/train real/up)
LOG := $(VENV)/second.log

.DEFAULT_GOAL := help
.PHONY: help setup check test demo bench golden clean browser engine sshd bindfs registry

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## make the Python environment .venv (envkit and its development tools)

check: $(STAMP) ## lint, types and the fast tests: no Docker, a minute or two
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -n auto

test: check browser sshd bindfs registry engine ## everything: check, then the real tests in real containers (as CI does)
	@$(real) $(SECOND) >$(LOG) 2>&1 & second=$$!; $(real) $(SECOND:%=--ignore=%); code=$$?; \
	  wait $$second || code=1; cat $(LOG); exit $$code

demo: $(STAMP) engine ## build, prove and start a real environment, then train in it
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

bench: $(STAMP) engine ## measure envkit beside the plain recipe; takes half an hour
	$(BIN)/python -m tests.bench

golden: $(STAMP) ## write tests/golden anew; read the difference before you commit it
	$(BIN)/python -m tests.golden

clean: ## remove what make and the tools made in this folder; images and /work/home stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "envkit needs Python 3.10 or newer: run make PYTHON=/path/to/python3.x" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call apt,python3-venv); }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

engine: $(STAMP)
	$(BIN)/envkit engine start

# The browser tests want Chromium: Debian's where it can be installed, else Playwright's own, which needs no root.
browser: $(STAMP)
	@command -v chromium >/dev/null || { $(call apt,chromium); } || \
	  { echo "trying Playwright's own Chromium instead" >&2; $(BIN)/playwright install chromium; }
	@command -v certutil >/dev/null || { $(call apt,libnss3-tools); } || \
	  echo "the test of envkit's own authority will name its certificate to the browser instead" >&2

# The tests of hosts start SSH servers of their own, on loopback, with Debian's sshd.
sshd:
	@command -v /usr/sbin/sshd >/dev/null || { $(call apt,openssh-server); }

# The tests of push start registries of their own, with Debian's docker-registry, and push with skopeo, too.
registry:
	@command -v docker-registry >/dev/null && command -v openssl >/dev/null && command -v skopeo >/dev/null || \
	  { $(call apt,docker-registry skopeo openssl); }

# The test of a home on FUSE mounts one with bindfs; where it cannot be had, that test says so and is left out.
bindfs:
	@command -v bindfs >/dev/null || { $(call apt,bindfs); } || true

# Install a Debian package as root; anyone else is told what to do.
define apt
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); \
  else \
    echo "$(1) is missing: install it (Debian, Ubuntu: sudo apt-get install $(1))" >&2; false; \
  fi
endef
