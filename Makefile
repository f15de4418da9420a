# An index of what can be done; each target is a script. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help up demo image dashboard test bench chaos fuzz book fmt lint lint-deny

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

up: ## everything in one process on http://127.0.0.1:8000; UP="--executor kubernetes" for pods
	@scripts/up.sh $(UP)

demo: ## one run from YAML to succeeded, with its log
	@scripts/demo.sh

image: ## the container image as an OCI archive; IMAGE="--name registry.example.com/berth:0.1.0"
	@scripts/image.sh $(IMAGE)

dashboard: ## the web page, which the next build puts into the binary; needs Node
	@scripts/dashboard.sh

test: ## every test, with servers of its own
	@scripts/test.sh

bench: ## measurements side by side; BENCH="--quick" for a first look, BENCH=page for the dashboard
	@scripts/bench.sh $(BENCH)

chaos: ## fuzzing and fault injection for long; DURATION=seconds, SEED=
	@scripts/chaos.sh

fuzz: ## every decoder, guided by coverage; FUZZ="SECONDS [TARGET...]"
	@scripts/fuzz.sh $(FUZZ)

book: ## the book of docs/ as HTML, with mdBook
	@scripts/book.sh

fmt: ## format the code
	@cargo fmt --all

lint: ## formatting, clippy and the rules of the tree
	@scripts/lint.sh

lint-deny: ## licenses and bans of deny.toml, with cargo-deny
	@scripts/lint-deny.sh
