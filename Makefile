# Every target makes its own .venv from compiled, hashed requirement files; nothing is installed elsewhere.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
UV     := $(BIN)/uv
OUT    ?= out
# Numerical libraries must not start one thread pool each on a small machine.
export OMP_NUM_THREADS      ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test check train bench serve clean requirements proto character page

help: ## Show these targets.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(VENV)/.demo ## Install, run all five stages on real speech, save a talking face in out/.
	$(BIN)/avatarkit demo --out $(OUT)

test: $(VENV)/.test page ## Install what the tests need and run the whole suite.
	@sh scripts/system-packages.sh chromium postgresql mesa-vulkan-drivers xvfb
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile
	@sh web/scripts/test.sh

check: $(VENV)/.test ## Lint, formatting and strict types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

train: $(VENV)/.packages ## Make the motion engine's weights anew: synthesisers, PyTorch, corpus, training (hours).
	@sh scripts/system-packages.sh flite espeak-ng festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts
	$(UV) pip install -q --python $(PY) -e '.[train]'
	$(PY) -m avatarkit.motion.training

bench: $(VENV)/.demo ## Run every benchmark and print its table.
	$(PY) -m bench

serve: $(VENV)/.demo page ## Start the server on http://127.0.0.1:8700 with its data in ./data.
	$(BIN)/avatarkit serve --data data

page: ## Build the server's page and console (web/page); without Node the server shows a plain page.
	@sh web/scripts/page.sh install

clean: ## Remove everything that the targets made.
	rm -rf $(VENV) $(OUT) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f src/avatarkit/avatars/builtin/*.glb src/avatarkit/avatars/builtin/*.key
	rm -rf src/avatarkit/server/page/built web/node_modules web/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

requirements: $(UV) ## Compile the requirement files anew (the only target that changes versions).
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --no-deps requirements/data.in -o requirements/data.txt
	$(COMPILE) pyproject.toml --extra all --group build -o requirements/all.txt
	$(COMPILE) pyproject.toml --extra all --group build --group test -c requirements/all.txt -o requirements/test.txt
	$(COMPILE) pyproject.toml --extra server --extra cli --extra audio --extra render --extra studio --extra postgres --extra storage --extra telemetry -c requirements/test.txt -o requirements/server.txt

proto: $(VENV)/.test ## Generate the Python protocol module from proto/avatarkit.proto.
	$(PY) -m grpc_tools.protoc -I proto --python_out=src/avatarkit/protocol --pyi_out=src/avatarkit/protocol avatarkit.proto

character: $(VENV)/.packages ## Build the characters that come with the package anew.
	$(PY) -m avatarkit.studio.character --force

COMPILE := $(UV) pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "AvatarKit needs Python 3.11 or newer; set PYTHON=/path/to/it" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# The library with every extra, and the packages whose data avatars are made from. Compiled at once: a start that
# must compile takes three times as long, and where PYTHONDONTWRITEBYTECODE is set every start would.
$(VENV)/.packages: $(UV) requirements/all.txt requirements/data.txt pyproject.toml
	$(UV) pip install -q --compile-bytecode --python $(PY) --require-hashes -r requirements/all.txt
	$(UV) pip install -q --python $(PY) --no-deps --require-hashes -r requirements/data.txt
	$(UV) pip install -q --python $(PY) --no-deps --no-build-isolation -e .
	@$(PY) -m compileall -q src/avatarkit
	@touch $@

# The built characters and compiled kernels: both skip what is already up to date.
$(VENV)/.demo: $(VENV)/.packages FORCE
	@$(PY) -m avatarkit.studio.character
	@$(PY) -m avatarkit.render.warm
	@$(PY) -m avatarkit.motion.warm
	@sh web/scripts/page.sh
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.demo
	$(UV) pip install -q --compile-bytecode --python $(PY) --require-hashes -r requirements/test.txt
	@touch $@

.PHONY: FORCE
FORCE:
