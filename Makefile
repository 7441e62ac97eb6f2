# `make` runs what CI runs for Go. Every target but web, web-size, cross and e2e needs Go alone;
# those that compare with Yjs also use Node when it is there, and say so when they
# skip.
#
# `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check

# Packages to work on, as a Go pattern: make test PKG=./wire/...
PKG ?= ./...
# How many packages are built and tested at once. Empty: as many as there are CPUs.
P ?=
# How long each fuzz target runs: a duration, or a count such as 5000x.
FUZZTIME ?= 30s
# How often make chaos kills the hub.
N ?= 50
# How many histories the simulator plays.
SEEDS ?= 20000
# How many worlds make cross plays.
WORLDS ?= 300
# Any value makes bench-hub short: one run of each load instead of three.
QUICK ?=
# Where the recorded editing sessions are; see crdt/ydoc/trace.
TRACES ?= ../shared/traces
# What make bench-text measures, e.g. BENCH_TEXT='-only automerge-paper -phases local'. Empty: all, for an hour.
BENCH_TEXT ?=

STATICCHECK := go tool -modfile=tools/go.mod staticcheck
PARALLEL := $(if $(P),-p $(P))

## check: everything below that CI runs, in its order (the default)
.PHONY: check
check: format vet layering lint test race bench-vet current

## format: fail if a file is not formatted as gofmt would
.PHONY: format
format:
	@unformatted="$$(git ls-files -co --exclude-standard -- '*.go' | xargs -r ls -d 2>/dev/null | xargs -r gofmt -l)"; \
	if [[ -n "$$unformatted" ]]; then \
		echo "not formatted; run: gofmt -w" $$unformatted >&2; exit 1; \
	fi

## vet: go vet
.PHONY: vet
vet:
	go vet $(PKG)

## layering: who may import whom, step machines, words, pages (the house's own tests)
.PHONY: layering
layering:
	go test -run '^(TestLayer|TestStep|TestWords|TestPages)' .

## lint: staticcheck, at the version pinned in tools/go.mod
.PHONY: lint
lint:
	$(STATICCHECK) $(PKG)

## test: all Go tests, once, without services
.PHONY: test
test:
	go test $(PARALLEL) $(PKG)

## race: all Go tests under the race detector
.PHONY: race
race:
	go test $(PARALLEL) -race $(PKG)

## current: fail if committed files differ from what is in the tree (stale generated files, uncommitted work)
.PHONY: current
current:
	@git diff --exit-code || { echo 'files differ from the commit: commit them, or run the generator again' >&2; exit 1; }

## bench: benchmarks of the codec, the rules and the path through the hub
.PHONY: bench
bench:
	go test -p 1 -run '^$$' -bench . -benchmem $(PKG)

## bench-text: the text engine beside yjs and json-joy (needs Node) on the sessions in TRACES
.PHONY: bench-text
bench-text:
	go run ./crdt/ydoc/textbench -compare $(TRACES) $(BENCH_TEXT)

## bench-hub: the hub beside its peers, 20 minutes (Linux; more peers with Node and redis-server); QUICK=1 takes 3
.PHONY: bench-hub
bench-hub: bin/bench
	cd bench && ../bin/bench run -scale $(if $(QUICK),quick,full) -dir ../results -traces $(abspath $(TRACES))

## bench-sanity: every load of bench-hub on every peer, short and small: nothing may be lost
.PHONY: bench-sanity
bench-sanity: bin/bench
	cd bench && ../bin/bench run -scale sanity -growth -dir ../results -traces $(abspath $(TRACES))

## bench-vet: vet, staticcheck and tests of bench/, which is a module of its own
.PHONY: bench-vet
bench-vet:
	staticcheck="$$(go tool -modfile=tools/go.mod -n staticcheck)"; \
	cd bench && go vet ./... && "$$staticcheck" ./... && go test ./...

.PHONY: bin/bench
bin/bench:
	cd bench && go build -o ../bin/bench .

## fuzz: each fuzz target in turn, for FUZZTIME each
.PHONY: fuzz
fuzz:
	@.ci/fuzz $(FUZZTIME)

## sim: play SEEDS random histories of hubs and clients; a failing one prints how to play it again
.PHONY: sim
sim:
	go test ./internal/sim -run TestHistories -seeds=$(SEEDS) -timeout 0

## mutants: plant each fault of internal/sim/mutants in a copy of the source and search the history that finds it; the table goes to results/
.PHONY: mutants
mutants:
	go run ./internal/sim/mutants

## mutants-recorded: play for each fault the one history that found it
.PHONY: mutants-recorded
mutants-recorded:
	go run ./internal/sim/mutants -recorded

## chaos: kill the real hub N times under load, and end it in other rude ways; figures go to results/
.PHONY: chaos
chaos:
	CHAOS_KILLS=$(N) CHAOS_RESULTS=$(CURDIR)/results go test -count=1 -timeout 0 -v ./internal/chaos

# How often make attack attacks.
ROUNDS ?= 12

## attack: 200 hostile connections beside a good client, ROUNDS times; figures go to results/
.PHONY: attack
attack:
	ATTACK_ROUNDS=$(ROUNDS) ATTACK_RESULTS=$(CURDIR)/results go test -tags attack -count=1 -v -run '^TestAttack$$' .

## bench-stall: how long commits take while a stream is compacted, and otherwise
.PHONY: bench-stall
bench-stall:
	go test -run '^$$' -bench CompactionStall -benchtime 1x .

## bench-store: acked ops a second beside a bare file with the same fsyncs, loading a million ops, memory
.PHONY: bench-store
bench-store:
	go test -run '^$$' -bench . ./store/sqlite

## cover: test coverage as a page, in results/cover.html
.PHONY: cover
cover:
	mkdir -p results
	go test $(PARALLEL) -coverpkg=./... -coverprofile=results/cover.out $(PKG)
	go tool cover -html=results/cover.out -o results/cover.html
	@go tool cover -func=results/cover.out | tail -1

## build: the flowsync command, in bin/
.PHONY: build
build:
	go build -o bin/ ./cmd/flowsync

## web: the TypeScript client: types, lint, tests, build, what is in the package (needs Node)
.PHONY: web
web:
	cd web && npm ci --no-audit --no-fund --loglevel=error
	cd web && npm run --silent types && npm run --silent lint && npm run --silent test
	cd web && npm run --silent build && npm run --silent package && npm run --silent size

## cross: WORLDS random worlds of Go and JavaScript clients on a real hub (after make web)
.PHONY: cross
cross:
	go test -count=1 -timeout 20m -parallel 16 ./internal/cross -run '^TestConverge$$' -seeds $(WORLDS) -v | grep -v '^=== \|^ *--- PASS'

## e2e: the built TypeScript client in a real Chromium (after make web; Debian's package is installed if there is none)
.PHONY: e2e
e2e:
	.ci/chromium
	cd web/browser && npm ci --no-audit --no-fund --loglevel=error
	cd web && npx tsc -p browser --noEmit && npx vitest run --root browser

## web-size: how large each entry and each part of the built TypeScript client is, beside peers
.PHONY: web-size
web-size:
	cd web && npm ci --prefix peers --no-audit --no-fund --loglevel=error
	cd web && npm run --silent size -- --parts --peers

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
		printf '  %-12s %s\n' "$$name" "$$what"; done
