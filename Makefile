# The commands of the project. Each does its own set-up; nothing is to be installed by hand but Rust and a C compiler.

CARGO ?= cargo
TARGET = $(or $(CARGO_TARGET_DIR),target)

.PHONY: run build check test bench soak setup-test setup-bench

## A cloud and two registers on loopback with a sample shop; prints psql lines to try; ^C stops.
run: build
	$(TARGET)/release/heliosdb-edge demo --dir .demo

## The release binary: $(CARGO_TARGET_DIR)/release/heliosdb-edge or target/release/heliosdb-edge.
build:
	$(CARGO) build --release --locked -p heliosdb-edge

## Formatting, lints, documentation.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

## All tests. Needs psql and PostgreSQL 15 to compare with, which it installs where it can.
test: setup-test
	$(CARGO) build --workspace --locked
	.ci/run-tests

## Longer runs of the model test, the shop under faults, random queries and fuzzers.
soak: setup-test
	$(CARGO) build --workspace --locked
	HELIOS_MODEL_RUNS=100000 HELIOS_SHOP_BASKETS=5000 HELIOS_GENERATOR_SECONDS=1800 HELIOS_FUZZ_SECONDS=900 \
		.ci/run-tests

## Side by side with PostgreSQL 15; writes docs/benchmarks.md.
bench: setup-bench build
	$(CARGO) run --release --locked -p heliosdb-bench

setup-test:
	.ci/install psql postgresql-client-15
	.ci/install /usr/lib/postgresql/15/bin/initdb postgresql-15

setup-bench:
	.ci/install /usr/lib/postgresql/15/bin/initdb postgresql-15
