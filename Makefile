# Every recipe works from any path, as root or not; only python3 (>= 3.11) and make are needed.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQ ?=
DATA ?=
LOCK_DATE ?= $(shell date -u -d '7 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-7d +%Y-%m-%d)
COMPILE = $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --exclude-newer $(LOCK_DATE) --upgrade -q

.DEFAULT_GOAL := help
.PHONY: help setup dev build test check lint types layers sizes bench bench-analyze bench-build serve docs lock clean

help: ## show the recipes
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.core ## install the locked environment

dev: $(VENV)/.dev

$(VENV)/.core: requirements/core.txt requirements/bootstrap.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh requirements/install.sh core

$(VENV)/.dev: requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh requirements/install.sh dev
