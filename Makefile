# Two commands for a fresh machine: `make demo` and `make test`. Both install what they miss (Debian) and say so.
#   make demo     build, then the main job on a private Redis: three languages, three codecs, one queue
#   make test     formatting, warnings as errors, all tests in Swift, Python and Ruby, the examples
#   make bench    sizes and times of all codecs beside other languages' libraries, with a plot: .build/codecs.svg
#   make fuzz     a million inputs for each codec and the envelope; 100,000 values and mutants through three languages
#   make model    100,000 schedules of the Redis functions against a model, and some sixty faults of them that it must find
#   make bench-peers   drain of Tempest's workers beside Sidekiq's, Celery's and others', on one Redis (installs them; quarter of an hour)
#   make bench-micro   instructions of reading and writing a small document, against the committed ones (needs valgrind)
#   make faults   workers killed, stopped, cut off; Redis killed, stalled, full, flushed: nothing lost, and a table (half an hour)
#   make build    the tempest program, optimised: .build/release/tempest
#   make format   rewrite the Swift sources as .swift-format says
#   make clean    remove what was built

SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
RUBY ?= ruby
SWIFT ?= swift
export PYTHON RUBY

.PHONY: demo test bench bench-peers bench-micro fuzz model faults build format clean setup

demo: setup
	@echo "==> building the tempest program (the first time takes some minutes)"
	$(SWIFT) build -c release --product tempest
	@echo "==> the demonstration"
	.build/release/tempest demo --root .

build: setup
	$(SWIFT) build -c release --product tempest

test: setup
	@Tests/run

bench: build
	.build/release/tempest bench codecs --compare --install-peers --plot .build/codecs.svg

bench-peers: build
	@$(PYTHON) Tests/Benchmarks/peers/run --install

bench-micro: setup
	@Tests/Benchmarks/counts

fuzz: setup
	@Tests/Fuzz/fuzz long
	@Tests/Differential/run

model: setup
	$(PYTHON) Tests/Model/model --schedules 100000
	$(PYTHON) Tests/Model/model --mutants

faults: build
	@TEMPEST_BIN=.build/release $(PYTHON) Tests/Faults/faults full
	@TEMPEST_BIN=.build/release $(PYTHON) Tests/Faults/faults mutants

setup:
	@Tests/setup

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests examples/swift examples/cbor

clean:
	rm -rf .build .build-benchmarks examples/*/.build
