# `make` lists the targets. Each prepares the environment first, which takes a moment after the
# first time: an active virtual or conda environment is used, else .venv is made here.

PYTHON ?= python3
LAB ?=
PORT ?=
WORKERS ?= 2

# conda's base is where conda itself lives; nothing is installed into it.
CONDA_ENVIRONMENT := $(filter-out base,$(CONDA_DEFAULT_ENV))
ifneq ($(VIRTUAL_ENV),)
ENVIRONMENT := $(VIRTUAL_ENV)
else ifneq ($(CONDA_ENVIRONMENT),)
ENVIRONMENT := $(CONDA_PREFIX)
else
ENVIRONMENT := $(CURDIR)/.venv
endif
RUN := "$(ENVIRONMENT)/bin/python"

# One numeric thread per process: tests and gradings run side by side, and must not differ from
# machine to machine.
ALONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 MPLBACKEND=Agg

RUFF := $(RUN) -m ruff

.DEFAULT_GOAL := help
.PHONY: help setup lab check labs test lint format build import figures bank class

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make the environment ready; every other target does so first
	@command -v $(PYTHON) > /dev/null || \
		{ echo "There is no $(PYTHON) here; install Python 3.11 or later." >&2; exit 1; }
	@$(PYTHON) -I course/environment.py "$(ENVIRONMENT)"

lab: setup ## learners: open your working copies in JupyterLab (LAB=… opens that one, PORT=…)
	@$(RUN) -m course lab $(if $(LAB),"$(LAB)") $(if $(PORT),--port "$(PORT)")

check: setup ## learners: grade your notebook of LAB=… here, hidden tests included
	@$(RUN) -m course check $(if $(LAB),"$(LAB)")

labs: setup ## learners: list the labs
	@$(RUN) -m course labs

class: setup ## instructors: play a class through nbgrader, from release to feedback
	@$(ALONE) $(RUN) -m autograde.classroom

build: setup ## authors: build notebook, release and solution of each lab that changed (LAB=…)
	@$(RUN) -m authoring build $(LAB)

import: setup ## authors: bring edits of an instructor notebook back to its source (LAB=…)
	@$(RUN) -m authoring import $(LAB)

figures: setup ## authors: draw the figures of the reading chapters anew
	@$(ALONE) $(RUN) -m course.readings.figures

bank: setup ## authors: prove the checks with the answer bank (LAB=…)
	@$(ALONE) $(RUN) -m autograde.bank $(LAB)

lint: setup ## check the style of all code
	@$(RUFF) check .
	@$(RUFF) format --check .

format: setup ## put all code into the house format
	@$(RUFF) check --fix-only --quiet .
	@$(RUFF) format .

test: setup lint ## prove all that the project claims: style, builds, answer bank, tests
	@$(ALONE) $(RUN) -m authoring check
	@$(ALONE) $(RUN) -m autograde.bank
	@$(ALONE) $(RUN) -m pytest -n $(WORKERS)
