# Two commands do all set-up on a fresh machine: `make demo` (build, train and test a model), `make test` (prove the code).
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test train-tests attacks knowledge base-text generated clean

demo: .venv/demo.installed
	@$(BIN)/prodabuild compile
	@echo
	@$(BIN)/prodabuild test
	@cat scripts/next.txt

test: .venv/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/prodabuild check
	$(BIN)/pytest --numprocesses auto --dist worksteal

train-tests: .venv/dev.installed
	$(BIN)/pytest -m "train or engine or crash" --numprocesses 2 --dist worksteal

# Every attack on a repository, and 10,000 changed files: an hour
attacks: .venv/dev.installed
	$(BIN)/pytest -m attack --numprocesses 2 --dist worksteal
	$(BIN)/python benchmarks/fuzz.py --cases 10000 --seed 1

# Debian: apt-get install wordnet-base; elsewhere: WORDNET=folder/with/data.noun
WORDNET ?= /usr/share/wordnet
knowledge: .venv/demo.installed
	$(BIN)/prodabuild import wordnet $(WORDNET) --select sources/wordnet.yaml
base-text: .venv/demo.installed
	$(BIN)/python scripts/base_text.py $(WORDNET)

# Files made from code: dvc.yaml, the JSON Schemas and docs/reference
generated: .venv/dev.installed
	$(BIN)/python -m scripts.generated

clean:
	rm -rf build .prodabuild

.venv/bin/python:
	$(PYTHON) -m venv .venv
.venv/demo.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing prodabuild, torch, transformers, peft and lm-eval into .venv (minutes, the first time)"
	@$(PIP) -e '.[train,eval]'
	@touch $@
.venv/dev.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing prodabuild with all extras into .venv (minutes, the first time)"
	@$(PIP) -e '.[dev]'
	@touch $@ .venv/demo.installed
