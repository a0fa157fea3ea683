# `make` lists the targets. Each prepares the environment first, which takes a moment after the
# first time: an active virtual or conda environment is used, else .venv is made here.

PYTHON ?= python3
LAB ?=
EXERCISE ?=
MODULE ?=
STUDENT ?=
DASK ?=
FORCE ?=
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

# Extras of pyproject.toml: what learners need, and what each of the other targets adds.
EXTRAS := serving
lint format test site: EXTRAS += dev browser postgres cluster
grade: EXTRAS += $(if $(DASK),cluster) $(if $(COURSE_DATABASE),postgres)

.DEFAULT_GOAL := help
.PHONY: help setup lab check status next hint solution reset grade doctor class build import \
	figures pictures bank site lint format test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make the environment ready; every other target does so first
	@command -v $(PYTHON) > /dev/null || \
		{ echo "There is no $(PYTHON) here; install Python 3.11 or later." >&2; exit 1; }
	@$(PYTHON) -I course/environment.py "$(ENVIRONMENT)" $(EXTRAS)

lab: setup ## learners: open your working copies in JupyterLab (LAB=… opens that one, PORT=…)
	@$(RUN) -m course lab $(if $(LAB),"$(LAB)") $(if $(PORT),--port "$(PORT)")

check: setup ## learners: grade your notebook of LAB=… here, hidden tests included
	@$(RUN) -m course check $(if $(LAB),"$(LAB)")

status: setup ## learners: list the labs and your points (LAB=… for its exercises)
	@$(RUN) -m course status $(if $(LAB),"$(LAB)")

next: setup ## learners: say which exercise is next
	@$(RUN) -m course next

hint: setup ## learners: show the next hint of LAB=… (EXERCISE=…)
	@$(RUN) -m course hint "$(LAB)" $(if $(EXERCISE),"$(EXERCISE)")

solution: setup ## learners: show the solution of LAB=… EXERCISE=… beside yours
	@$(RUN) -m course solution "$(LAB)" $(if $(EXERCISE),"$(EXERCISE)")

reset: setup ## learners: put LAB=… (EXERCISE=…) back as released; keeps a backup
	@$(RUN) -m course reset "$(LAB)" $(if $(EXERCISE),"$(EXERCISE)")

grade: setup ## instructors: grade what MODULE=… has new (WORKERS=…, STUDENT=…, DASK=…, FORCE=1)
	@$(RUN) -m autograde.grade "$(MODULE)" --workers $(WORKERS) $(if $(STUDENT),--student "$(STUDENT)") \
		$(if $(DASK),--dask "$(DASK)") $(if $(FORCE),--force)

doctor: setup ## instructors: which sandbox confines submissions here, proven by trying it
	@$(RUN) -m autograde.doctor

class: setup ## instructors: play a class through nbgrader, from release to feedback
	@$(ALONE) $(RUN) -m autograde.classroom

build: setup ## authors: build notebook, release and solution of each lab that changed (LAB=…)
	@$(RUN) -m authoring build $(LAB)

import: setup ## authors: bring edits of an instructor notebook back to its source (LAB=…)
	@$(RUN) -m authoring import $(LAB)

figures: setup ## authors: draw the figures of the reading chapters anew
	@$(ALONE) $(RUN) -m course.readings.figures

pictures: EXTRAS += dev browser
pictures: setup ## authors: take the README's pictures anew, in a browser
	@SCREENSHOTS=docs $(ALONE) $(RUN) -m pytest tests/browser/test_learner.py \
		tests/browser/test_instructor.py -k "real or feedback"

bank: setup ## authors: prove the checks with the answer bank (LAB=…)
	@$(ALONE) $(RUN) -m autograde.bank $(LAB)

site: setup ## build the course's web site, in site/_build/html
	@$(ALONE) $(RUN) site/build.py

lint: setup ## check the style of all code
	@$(RUFF) check .
	@$(RUFF) format --check .

format: setup ## put all code into the house format
	@$(RUFF) check --fix-only --quiet .
	@$(RUFF) format .

test: setup lint ## prove all that the project claims: style, builds, answer bank, tests
	@$(ALONE) $(RUN) -m authoring check
	@$(ALONE) $(RUN) -m autograde.bank
	@$(ALONE) $(RUN) -m pytest -n $(WORKERS) --dist loadfile
