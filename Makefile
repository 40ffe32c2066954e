# The commands of this project. `make help` lists them.
# Needed: Go and make. Everything else comes as Go modules, with pinned hashes.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BUILD := _build
TOOL  := go tool -modfile=internal/tools/go.mod
LINT  := go tool -modfile=internal/tools/lint/go.mod golangci-lint

# The modules of this repository, the product's first.
MODULES := . cmd/feishu-audit internal/conformance internal/bench e2e internal/tools/kubeconform internal/tools/cross internal/tools/dashboards internal/tools/monitoring internal/tools/renew internal/tools/words

# What the receiver is compiled from, for the distributions to be rebuilt when it changes.
SOURCES := $(shell find . -name '*.go' -not -name '*_test.go' -not -path './$(BUILD)/*' -not -path './e2e/*' -not -path './internal/bench/*' -not -path './internal/tools/*' -not -path './cmd/*') go.mod go.sum
TOOL_SOURCES := $(shell find cmd/feishu-audit -name '*.go' -not -name '*_test.go') cmd/feishu-audit/go.mod cmd/feishu-audit/go.sum

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: demo
demo: $(BUILD)/otelcol-feishu-demo $(BUILD)/feishu-audit ## Show audit records arriving; DEMO_SECONDS=20 ends it after 20 seconds
	@$(BUILD)/feishu-audit demo --collector $(BUILD)/otelcol-feishu-demo --config demo/collector.yaml --dir $(BUILD)/demo --seconds "$(DEMO_SECONDS)"

.PHONY: demo-reset
demo-reset: ## Forget what the demo has read
	rm -rf $(BUILD)/demo

.PHONY: test
test: ## Run the tests that need only Go, with the race detector; make simulate runs the long ones
	@./internal/tools/test.sh -short . cmd/feishu-audit internal/conformance

.PHONY: simulate
simulate: ## Run the long tests, a part of them with the race detector, and SIM_RUNS simulated worlds (default 60, some 200 days)
	@./internal/tools/test.sh -sample .
	@./internal/tools/test.sh -long .
	@mkdir -p $(BUILD); echo "== simulated worlds"
	@GOGC=400 go test -count=1 -timeout 60m -v -run '^TestSimulation$$' -sim.runs $(or $(SIM_RUNS),60) . > $(BUILD)/simulate.log \
	  || { grep -v -e '=== ' -e '--- PASS' $(BUILD)/simulate.log; exit 1; }
	@grep 'simulated days' $(BUILD)/simulate.log

.PHONY: soak
soak: ## Run simulated worlds for SOAK_SECONDS (default 60) on all processors
	@./internal/tools/soak.sh

.PHONY: mutants
mutants: ## Break the receiver in some 400 ways, one at a time: the tests must notice each; MUTANTS=-stale for those of changed code
	@go run ./internal/mutants -report docs/mutants.md $(MUTANTS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZ_SECONDS (default 10)
	@./internal/tools/fuzz.sh $(or $(FUZZ_SECONDS),10)

.PHONY: bench
bench: build tool ## Measure the receiver beside other ways: all, or BENCH="decode quota pipeline memory tenants plots"
	@mkdir -p $(BUILD)/bench
	@cd internal/bench && go build -o ../../$(BUILD)/bench/bench .
	@$(BUILD)/bench/bench $(or $(BENCH),decode quota pipeline memory tenants plots)

.PHONY: profile
profile: ## Show where the time of decoding goes, for each kind of page
	@mkdir -p $(BUILD)/bench
	@cd internal/bench && go build -o ../../$(BUILD)/bench/bench .
	@$(BUILD)/bench/bench profile

.PHONY: compat
compat: ## Run the receiver with a recent collector release (needs Go 1.26)
	@cd internal/compat && go test -count=1 ./...

.PHONY: build
build: $(BUILD)/otelcol-feishu ## Build the collector, _build/otelcol-feishu

.PHONY: tool
tool: $(BUILD)/feishu-audit ## Build the tool beside the collector, _build/feishu-audit

.PHONY: victoria-logs
victoria-logs: $(BUILD)/victoria-logs ## Build VictoriaLogs, a backend of the end-to-end tests (needs Go 1.26)

.PHONY: vmalert
vmalert: $(BUILD)/vmalert ## Build vmalert, which runs the detections on VictoriaLogs (needs Go 1.26)

# The two want different versions of each other, so each has a module of its own.
define backend
$(BUILD)/$(1): internal/backends/$(2)/go.mod internal/backends/$(2)/go.sum
	@mkdir -p $(BUILD)
	@echo "building $(1) (a minute the first time)"
	@cd internal/backends/$(2) && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o $(CURDIR)/$$@ $(3)
endef
$(eval $(call backend,victoria-logs,victorialogs,github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs))
$(eval $(call backend,vmalert,vmalert,github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert))

.PHONY: opensearch
opensearch: $(BUILD)/opensearch/ready ## Fetch OpenSearch, a backend of the end-to-end tests (needs Java 17 and Maven)

.PHONY: kafka
kafka: $(BUILD)/kafka/ready ## Fetch Kafka, a backend of the end-to-end tests (needs Java 17 and Maven)

$(BUILD)/%/ready: internal/backends/%/pom.xml internal/backends/%/jars.sha256 $(wildcard internal/backends/*/*.java) internal/tools/jars.sh
	@echo "fetching $*"
	@./internal/tools/jars.sh $*
	@touch $@

.PHONY: clients
clients: $(BUILD)/oapi-node/ready $(BUILD)/oapi-python/ready $(BUILD)/oapi-java/ready ## Install the vendor's own clients, for the end-to-end tests (needs Node.js 18, Python 3.9, Java 17 and Maven)

$(BUILD)/oapi-java/ready: $(wildcard internal/clients/oapi-java/*) internal/tools/jars.sh
	@echo "fetching oapi-java"
	@./internal/tools/jars.sh oapi-java
	@touch $@

$(BUILD)/oapi-node/ready: internal/clients/oapi-node/package-lock.json
$(BUILD)/oapi-python/ready: internal/clients/oapi-python/requirements.txt
$(BUILD)/oapi-node/ready $(BUILD)/oapi-python/ready: internal/tools/clients.sh
	@echo "installing $(@:$(BUILD)/%/ready=%)"
	@./internal/tools/clients.sh $(@:$(BUILD)/%/ready=%)
	@touch $@

.PHONY: opensearch-pin kafka-pin oapi-java-pin
opensearch-pin kafka-pin oapi-java-pin: ## Pin the jars of OpenSearch, Kafka or the Java SDK after a change of their pom.xml
	@./internal/tools/jars.sh $(@:-pin=) pin

.PHONY: logql
logql: $(BUILD)/logql/ready ## Fetch the grammar of LogQL, for the end-to-end tests (needs Node.js 20 and npm)

$(BUILD)/logql/ready: internal/tools/logql/package.json internal/tools/logql/package-lock.json internal/tools/logql/parse.js
	@command -v npm > /dev/null || { echo "logql needs Node.js 20 or later, and npm"; exit 1; }
	@rm -rf $(BUILD)/logql && mkdir -p $(BUILD) && cp -r internal/tools/logql $(BUILD)/logql
	@cd $(BUILD)/logql && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: e2e
e2e: build tool package victoria-logs vmalert opensearch kafka logql clients $(BUILD)/detections/ready ## Run the end-to-end tests with the real collector and real backends (Prometheus, Alertmanager, nginx, rsyslog, rpm and systemd-analyze are installed if missing)
	@SERVICES="prometheus prometheus-node-exporter prometheus-alertmanager" ./internal/tools/install.sh "prometheus prometheus-alertmanager psmisc curl" prometheus promtool amtool fuser curl
	@./internal/tools/install.sh systemd systemd-analyze
	@SERVICES=nginx ./internal/tools/install.sh nginx-light nginx
	@SERVICES=rsyslog ./internal/tools/install.sh rsyslog rsyslogd
	@./internal/tools/install.sh rpm rpm
	@./internal/tools/test.sh e2e

.PHONY: e2e-loki
e2e-loki: ## Run the end-to-end tests that need a Loki of your own: LOKI_URL=http://... (examples/loki/README.md says which settings it needs)
	@[ -n "$(LOKI_URL)" ] || { echo "LOKI_URL is not set: LOKI_URL=http://localhost:3100 make e2e-loki, see examples/loki/README.md"; exit 1; }
	@$(MAKE) build
	@cd e2e && go test -count=1 -timeout 30m -v -run '^(TestLoki.*|TestRuler)$$' . | grep -v '^=== '

.PHONY: e2e-slow
e2e-slow: build ## Test with Prometheus that a time range which the API no longer keeps is skipped and reported (a quarter of an hour)
	@SERVICES="prometheus prometheus-node-exporter prometheus-alertmanager" ./internal/tools/install.sh "prometheus prometheus-alertmanager psmisc curl" prometheus promtool amtool fuser curl
	@cd e2e && go test -count=1 -timeout 30m -v -run '^TestAlerts$$/faults/time_is' . -args -slow | grep -v '^=== '

.PHONY: kube-apiserver
kube-apiserver: $(BUILD)/kube-apiserver ## Build Kubernetes' API server, for the tests of several replicas

$(BUILD)/kube-apiserver: internal/backends/kubernetes/go.mod internal/backends/kubernetes/go.sum
	@mkdir -p $(BUILD)
	@echo "building kube-apiserver (ten minutes the first time)"
	@cd internal/backends/kubernetes && CGO_ENABLED=0 go build -buildvcs=false -o $(CURDIR)/$@ k8s.io/kubernetes/cmd/kube-apiserver

.PHONY: e2e-ha
e2e-ha: build kube-apiserver ## Test two replicas with Kubernetes' API server, etcd and Redis (installed if missing)
	@SERVICES="etcd redis-server" ./internal/tools/install.sh "etcd-server redis-server" etcd redis-server
	@cd e2e && go test -count=1 -timeout 15m -v -run '^TestHighAvailability$$' . -args -ha | grep -v '^=== '

.PHONY: on-call
on-call: build ## Break eleven things, and write what the person on call sees of each to _build/on-call
	@SERVICES="prometheus prometheus-node-exporter" ./internal/tools/install.sh prometheus prometheus promtool
	@cd e2e && go test -count=1 -v -run '^TestOnCall$$' . -args -oncall $(CURDIR)/$(BUILD)/on-call

.PHONY: screenshot
screenshot: build tool victoria-logs vmalert ## Take two pictures for docs/img: a search in VictoriaLogs, and firing detections in vmalert (Chromium is installed if missing)
	@./internal/tools/install.sh "chromium fonts-noto-cjk" chromium
	@cd e2e && go test -count=1 -run '^TestScreenshot(Vmalert)?$$' . -args -screenshot ../docs/img

.PHONY: sbom
sbom: build ## Write the bill of materials, _build/otelcol-feishu.cdx.json
	@./internal/tools/sbom.sh $(BUILD)/otelcol-feishu $(BUILD)/otelcol-feishu.cdx.json

# What a release has packages of.
comma := ,
empty :=
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

.PHONY: package
package: build ## Write a tar.gz, a deb and an rpm of collector and tool, with bills of materials and checksums, to _build/release; PLATFORM=linux/arm64 for another one
	@./internal/tools/package.sh "$(or $(PLATFORM),$$(go env GOHOSTOS)/$$(go env GOHOSTARCH))"

.PHONY: release
release: build ## Write the packages of every platform to _build/release (ten minutes each the first time)
	@rm -rf $(BUILD)/release
	@for p in $(PLATFORMS); do ./internal/tools/package.sh "$$p"; done

.PHONY: cross
cross: $(BUILD)/otelcol-feishu ## Check that everything compiles for every platform of a release: our modules with their tests, and the whole collector
	@cd internal/tools/cross && go test -count=1 ./... && go build -o ../../../$(BUILD)/cross .
	@for m in . cmd/feishu-audit internal/conformance internal/bench; do $(BUILD)/cross -test -platforms "$(subst $(empty) ,$(comma),$(PLATFORMS))" $$m ./...; done
	@$(BUILD)/cross -test -platforms "$(subst $(empty) ,$(comma),$(filter-out windows/%,$(PLATFORMS)))" e2e ./... # it stops and resumes processes
	@$(BUILD)/cross -platforms "$(subst $(empty) ,$(comma),$(PLATFORMS))" $(BUILD)/src/otelcol-feishu .

.PHONY: detections
detections: $(BUILD)/detections/ready ## Convert detections/*.yml for every backend (needs Python 3.10; installs pySigma below _build)
	@./internal/tools/detections/run.sh

.PHONY: detections-check
detections-check: $(BUILD)/detections/ready logql ## Validate the detections, and fail if what was converted is stale (needs Node.js 20, too)
	@./internal/tools/detections/run.sh --check

$(BUILD)/detections/ready: internal/tools/detections/requirements.txt internal/tools/detections/install.sh
	@echo "installing pySigma"
	@./internal/tools/detections/install.sh
	@touch $@

.PHONY: dashboards
dashboards: ## Write the dashboards of the audit log, for Loki and for VictoriaLogs, from internal/tools/dashboards/audit.go
	@cd internal/tools/dashboards && go run . -write $(CURDIR)/examples

.PHONY: lint
lint: ## Run the linters
	@for m in $(MODULES); do echo "lint $$m"; (cd $$m && go tool -modfile=$(CURDIR)/internal/tools/lint/go.mod golangci-lint run --config $(CURDIR)/.golangci.yml ./...); done
	@echo "lint the words"
	@cd internal/tools/words && go test . && go run . $(CURDIR)
	@cd internal/tools/renew && go test .
	@echo "lint the manifests for Kubernetes"
	@for folder in single replicas overlay; do $(KUSTOMIZE) build "examples/kubernetes/$$folder" | $(KUBECONFORM); done
	@$(KUBECONFORM) examples/kubernetes/namespace.yaml
	@$(KUSTOMIZE) build examples/prometheus | $(KUBECONFORM) -skip PodMonitor,PrometheusRule
	@for example in loki victorialogs; do $(KUSTOMIZE) build "examples/$$example" | $(KUBECONFORM); done
	@cd internal/tools/monitoring && go test . && $(KUSTOMIZE) build ../../../examples/prometheus | go run .
	@echo "lint the dashboards for Grafana"
	@cd internal/tools/dashboards && go test . && go run . $(CURDIR)/examples

KUBECONFORM := go tool -modfile=$(CURDIR)/internal/tools/kubeconform/go.mod kubeconform -strict -summary \
  -schema-location '$(CURDIR)/internal/tools/kubeconform/schemas/{{.ResourceKind}}{{.KindSuffix}}.json'
KUSTOMIZE   := go tool -modfile=$(CURDIR)/internal/tools/kustomize/go.mod kustomize

.PHONY: kube-schemas
kube-schemas: ## Write the schemas for the Kubernetes manifests again, of the release that make kube-apiserver builds
	@cd internal/tools/kubeconform && go run . "$$(cd ../../backends/kubernetes && go list -m -f '{{.Dir}}' k8s.io/kubernetes)/api/openapi-spec/swagger.json" schemas

.PHONY: fmt
fmt: ## Format the sources
	@for m in $(MODULES); do (cd $$m && go tool -modfile=$(CURDIR)/internal/tools/lint/go.mod golangci-lint fmt --config $(CURDIR)/.golangci.yml ./...); done

# mdatagen takes the package's name from the name of the folder, and a checkout may
# be called anything.
.PHONY: generate
generate: ## Write the generated files (mdatagen, the schema of the configuration)
	@mkdir -p $(BUILD)
	@ln -sfn .. $(BUILD)/feishuauditreceiver
	@$(TOOL) mdatagen $(BUILD)/feishuauditreceiver/metadata.yaml
	@./internal/tools/kube-rules.sh < examples/prometheus/alerts.yaml > examples/prometheus/prometheusrule.yaml
	@go test -run '^TestConfigSchema$$' -schema.update . > /dev/null

GENERATED := README.md config.schema.json generated_component_test.go generated_package_test.go documentation.md internal/metadata internal/metadatatest examples/prometheus/prometheusrule.yaml

.PHONY: generate-check
generate-check: generate ## Fail if a generated file is stale
	@changes=$$(git status --porcelain -- $(GENERATED)); if [ -n "$$changes" ]; then \
	  echo "these generated files are stale: run make generate and commit them"; echo "$$changes"; exit 1; fi

# The sources of a distribution come from ocb, its dependencies from the pins: no
# module is looked up, and no hash is taken on trust. Without version control stamps
# and paths, the same sources give the same binary wherever they lie; without C code it runs on
# any Linux.
define distribution
$(BUILD)/$(1): $(2) distribution/$(1)/go.mod distribution/$(1)/go.sum $$(SOURCES)
	@mkdir -p $(BUILD)/src
	@echo "generating $(1)"
	@$(TOOL) builder --config $(2) --skip-compilation --skip-get-modules > $(BUILD)/src/$(1).log 2>&1 || { cat $(BUILD)/src/$(1).log; exit 1; }
	@mv $(BUILD)/src/$(1)/go.mod $(BUILD)/src/$(1)/go.mod.manifest
	@./internal/tools/pin-check.sh $(1)
	@cp distribution/$(1)/go.mod distribution/$(1)/go.sum $(BUILD)/src/$(1)/
	@echo "building $(1) (some minutes the first time)"
	@cd $(BUILD)/src/$(1) && CGO_ENABLED=0 $(CURDIR)/internal/tools/go-build.sh -mod=readonly $(3) -buildvcs=false -o ../../$(1) . \
	  || { echo "if Go asks for updates of go.mod or for go.sum entries, the pins are stale: run make pin and commit distribution/"; exit 1; }
endef
$(eval $(call distribution,otelcol-feishu,builder-config.yaml,-trimpath -ldflags="-s -w"))
# Without -trimpath it shares what the demo itself is compiled from.
$(eval $(call distribution,otelcol-feishu-demo,demo/builder-config.yaml,))

$(BUILD)/feishu-audit: $(SOURCES) $(TOOL_SOURCES)
	@mkdir -p $(BUILD)
	@echo "building feishu-audit"
	@cd cmd/feishu-audit && CGO_ENABLED=0 $(CURDIR)/internal/tools/go-build.sh -buildvcs=false -o ../../$@ .

.PHONY: pin
pin: ## Pin the dependencies of the distributions after a change of a manifest; keeps what make renew has moved
	@mkdir -p $(BUILD)/src
	@for d in otelcol-feishu:builder-config.yaml otelcol-feishu-demo:demo/builder-config.yaml; do \
	  name=$${d%%:*}; mkdir -p distribution/$$name; \
	  $(TOOL) builder --config $${d#*:} --skip-compilation; \
	  [ -f distribution/$$name/go.mod ] || cp $(BUILD)/src/$$name/go.mod $(BUILD)/src/$$name/go.sum distribution/$$name/; \
	  (cd internal/tools/renew && go run . -keep -sources $(CURDIR)/$(BUILD)/src/$$name -pins $(CURDIR)/distribution/$$name); done

.PHONY: renew
renew: ## Move what the distributions depend on, below the collector's release, to the newest releases that fit; lists what changed in _build/renew-*.md
	@mkdir -p $(BUILD)/src
	@for d in otelcol-feishu:builder-config.yaml otelcol-feishu-demo:demo/builder-config.yaml; do \
	  name=$${d%%:*}; \
	  $(TOOL) builder --config $${d#*:} --skip-compilation --skip-get-modules > $(BUILD)/src/$$name.log 2>&1 || { cat $(BUILD)/src/$$name.log; exit 1; }; \
	  (cd internal/tools/renew && go run . -sources $(CURDIR)/$(BUILD)/src/$$name -pins $(CURDIR)/distribution/$$name -report $(CURDIR)/$(BUILD)/renew-$$name.md); done

.PHONY: tidy-check
tidy-check: ## Fail if a go.mod or go.sum is not tidy
	@for m in $(MODULES) internal/tools; do (cd $$m && go mod tidy -diff); done

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(BUILD)
