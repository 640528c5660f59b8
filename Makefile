# Souk. `make demo` sets up everything and plays a shopping journey; `make test` runs every test; `make help` tells the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
SERVICES := $(patsubst functions/%/app.py,%,$(wildcard functions/*/app.py))
ON_TEST_STACK := SOUK_HOME="$${SOUK_TEST_HOME:-.souk/test}" SOUK_PORT_BASE="$${SOUK_TEST_PORT_BASE:-8140}"
LAYERS := $(patsubst layers/%/requirements.in,%,$(wildcard layers/*/requirements.in))
COMPILE := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --python-platform x86_64-manylinux2014

.PHONY: help
help: ## Tell what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/.installed: requirements/dev.txt pyproject.toml infra/setup.sh
	@infra/setup.sh

.PHONY: setup
setup: .venv/.installed ## Make the development environment (.venv) from the hash-pinned lock

.PHONY: demo
demo: setup ## Set up everything, load real shopping data, deploy, and watch a shopping journey
	@souk demo

.PHONY: up
up: setup ## Start the local stack (stores, LocalStack, gateway); twice does nothing
	@souk up

.PHONY: deploy
deploy: up ## Deploy the six services to LocalStack
	@souk deploy --stage local

.PHONY: serve
serve: setup ## Serve the six apps without LocalStack, reloading on change
	@souk serve --reload

.PHONY: status
status: setup ## Show each store and each function
	@souk status

.PHONY: seed
seed: setup ## Load shopping data: make seed SIZE=sample|full (full can be resumed)
	@souk seed --size $(or $(SIZE),sample)

.PHONY: down
down: ## Stop the local stack; its data stays
	@if [ -x $(BIN)/souk ]; then $(BIN)/souk down; else echo "nothing is set up, nothing runs"; fi

.PHONY: check
check: setup ## The one gate: style, types, contracts, API documents, templates, shell scripts, lock files
	ruff check .
	ruff format --check .
	mypy -p souk -p souk_cli -p souk_local -p souk_executor -p order_path $(foreach s,$(SERVICES),-p chalicelib.$(s))
	for service in $(SERVICES); do mypy functions/$$service/app.py; done
	mypy bench
	MYPYPATH=tests mypy tests
	PYTHONPATH=$$(printf 'functions/%s:' $(SERVICES)) lint-imports
	souk openapi --check
	cfn-lint infra/*.yaml
	git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
	python -m souk_local.docker
	infra/check_locks.sh

.PHONY: format
format: setup ## Format the code and mend what ruff can
	ruff check --fix .
	ruff format .

.PHONY: test
test: setup ## Run every test, on empty stores: unit, contract, apps, faults, the journeys on both LocalStack and serve
	@$(ON_TEST_STACK) souk reset --yes
	pytest tests/unit
	pytest tests/contract tests/apps
	pytest tests/stack tests/faults
	pytest tests/journeys
	@$(MAKE) --silent test-down

.PHONY: unit
unit: setup ## Run the fast tests alone: no network, no stores, less than a minute
	pytest tests/unit

.PHONY: model
model: setup ## Explore the model of the order path: it must hold, and break without each line of the protocol
	@PYTHONPATH=docs/decisions python -m order_path

.PHONY: test-down
test-down: ## Stop the stack that tests use, which stays up when one fails
	@if [ -x $(BIN)/souk ]; then $(ON_TEST_STACK) souk down; fi

.PHONY: figures
figures: setup ## Measure imports, zips, layers and memory of what was deployed
	python -m bench.figures

.PHONY: bench
bench: setup ## Prove and measure buying and browsing on serve, with the sample (under 8 minutes, on a quiet machine)
	python -m bench

.PHONY: bench-local
bench-local: deploy ## Prove in small and measure the same on LocalStack, also while it is killed; it needs the data of `make seed`
	python -m bench.browsing --base http://127.0.0.1:$${SOUK_PORT_BASE:-8080}
	python -m bench.checkout speed --base http://127.0.0.1:$${SOUK_PORT_BASE:-8080}
	python -m bench.checkout buyers --buyers 60 --units 10 --at-once 16 --skus 4 --base http://127.0.0.1:$${SOUK_PORT_BASE:-8080}
	python -m bench.checkout clicks --base http://127.0.0.1:$${SOUK_PORT_BASE:-8080}
	python -m bench.checkout history --operations 300 --threads 4 --base http://127.0.0.1:$${SOUK_PORT_BASE:-8080}
	python -m bench.checkout chaos --on local --small --threads 4

.PHONY: bench-chaos
bench-chaos: setup ## Time failovers on serve, then shop at random while everything is killed, parted and halted (half an hour)
	souk up postgres redis mongo rabbitmq
	souk down bridge
	souk migrate
	python -m bench.checkout failover
	python -m bench.checkout chaos

.PHONY: bench-sabotage
bench-sabotage: setup ## Remove protective lines from a throw-away copy, and see that the proofs notice
	python -m bench.checkout sabotage

.PHONY: lock
lock: ## Compile the lock files again (versions and hashes, no addresses)
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	for layer in $(LAYERS); do $(COMPILE) -c requirements/dev.txt layers/$$layer/requirements.in -o layers/$$layer/requirements.txt; done
	for tool in lambda-runtime localstack mongo; do $(COMPILE) localstack/requirements/$$tool.in -o localstack/requirements/$$tool.txt; done
	for tool in data docs; do $(COMPILE) --no-deps localstack/requirements/$$tool.in -o localstack/requirements/$$tool.txt; done

.PHONY: upgrade
upgrade: ## Compile the lock files anew with the newest versions allowed
	$(MAKE) lock COMPILE='$(COMPILE) --upgrade'
