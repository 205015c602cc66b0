# The commands of the project. CI runs the same ones (.ci/run).
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: build test race vet lint security generate integration soak bench clean

build: ## a static binary in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/moldau ./cmd/moldau

test: ## everything that needs Go alone
	$(GO) test ./...

race: ## the same under the race detector
	$(GO) test -race ./...

vet:
	$(GO) vet ./...
	$(GO) vet -tags integration ./...

lint: vet ## vet and staticcheck
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags integration ./test/...

security: ## gosec, and govulncheck, which needs https://vuln.go.dev
	$(GO) run github.com/securego/gosec/v2/cmd/gosec@v2.30.0 -quiet -conf .ci/gosec.json ./...
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

generate: ## reference documentation from the plugins' definitions
	$(GO) generate ./...

integration: build ## with real Kafka, Connect, Elasticsearch and registry (Java 17, Maven, Python 3)
	MOLDAU_BIN=$(CURDIR)/bin/moldau $(GO) test -tags integration -count=1 -timeout 50m ./test/integration/...

soak: build ## an hour of faults, and ten minutes with a dead destination (MOLDAU_SEED, MOLDAU_CHAOS, MOLDAU_MEMORY, MOLDAU_CLUSTER_SEEDS)
	MOLDAU_CLUSTER_SEEDS=$${MOLDAU_CLUSTER_SEEDS:-500} $(GO) test -count=1 -timeout 0 -v -run '^TestStorms$$' ./test/cluster
	MOLDAU_BIN=$(CURDIR)/bin/moldau MOLDAU_CHAOS=$${MOLDAU_CHAOS:-1h} MOLDAU_MEMORY=$${MOLDAU_MEMORY:-10m} \
		$(GO) test -tags integration -count=1 -timeout 0 -v -run '^(TestChaos|TestMemoryOfDeadDestination)$$' ./test/integration

bench: build ## speed as ratios to the bare client and to Apache Connect
	MOLDAU_BIN=$(CURDIR)/bin/moldau $(GO) run ./test/bench

clean:
	rm -rf bin
