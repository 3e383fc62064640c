# make run     the whole kiosk on virtual hardware; prints the address to open
# make test    everything that must hold before a change lands
# make help    the rest

T ?= 30s
export CGO_ENABLED = 1

run: assets ## start the kiosk on virtual hardware
	go build -o bin/ ./cmd/...
	exec bin/kioskdev $(ARGS)

fleet: assets ## start the supervision with two kiosks on virtual hardware; prints the console's address
	go build -o bin/ ./cmd/...
	exec bin/fleetdemo -bin bin $(ARGS)

test: deps assets check ## format, vet, staticcheck, then every test against the real counterparts
	go test -race -shuffle=on -timeout 20m -p 3 ./...

check: assets ## format, vet and staticcheck only
	@out=$$(gofmt -l cmd kiosk drivers ui provisioning 2>/dev/null); test -z "$$out" || { echo "gofmt -w $$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

e2e: deps assets ## the browser tests only: whole visits in Chromium
	go test -count=1 -v -run 'Visit' ./cmd/kioskdev

escapes: deps ## try to leave the locked browser in every way known, and print what held (ARGS=--help: the choices)
	go run ./cmd/internal/escapes $(ARGS)

bench: deps ## speed and memory, beside img2pdf, Ghostscript and bare Chromium; fifty visits on a portal
	go test -run '^$$' -bench . -benchtime 3x ./kiosk/document/...
	go run ./cmd/internal/bench
	go run ./cmd/internal/benchbrowser

bench-engine: deps ## the document engine beside its peers on the same pages: bytes, CPU, memory, OCR; into bin/bench-engine
	go run ./cmd/internal/benchengine $(ARGS)

bench-fleet: deps assets ## fleetd with 5,000 simulated kiosks, and killed in mid-stream (ARGS="-quick", "-only failures", "-json")
	go run ./cmd/internal/benchfleet $(ARGS)

fuzz: ## every fuzz target for T each (make fuzz T=5m)
	@grep -rl --include=*_test.go 'func Fuzz' . | while read -r f; do \
	  for n in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$f); do \
	    echo "== $$(dirname $$f) $$n"; go test -run '^$$' -fuzz "^$$n\$$" -fuzztime $(T) -fuzzminimizetime 1x "./$$(dirname $$f)" || exit 1; \
	  done; done

build: assets ## the commands, in bin/
	go build -o bin/ ./cmd/...

VERSION ?= 0.1.0
ARCH ?= amd64
deb: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
deb: assets ## the Debian packages, in bin/deb (VERSION=1.2.3, ARCH=arm64)
	go run ./cmd/internal/packages -version $(VERSION) -arch $(ARCH) $(ARGS)

as_root = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

image: ## the kiosk's system, as a disk image to flash and as a signed release, in bin/image (VERSION=1.2.3)
	$(MAKE) deb ARGS=
	@.ci/deps image
	go build -o bin/build/ ./cmd/internal/image
	$(as_root) bin/build/image -version $(VERSION) $(ARGS)

# Three systems: 2.0.0 is good, the agent of 3.0.0 does not start.
image-test: ## the image in virtual machines: first start, enrolment, updates, power cuts (an hour; ARGS="-only start,enrol")
	$(MAKE) deb VERSION=1.0.0 ARGS=
	@.ci/deps image
	go build -o bin/build/ ./cmd/internal/image ./cmd/internal/imagetest
	$(as_root) bin/build/image -version 1.0.0 -out bin/image-test/images -cache bin/image/cache -keys bin/image-test/images/keys
	$(as_root) bin/build/image -version 2.0.0 -out bin/image-test/images -cache bin/image/cache -keys bin/image-test/images/keys -disk=false
	$(as_root) bin/build/image -version 3.0.0 -out bin/image-test/images -cache bin/image/cache -keys bin/image-test/images/keys -disk=false \
		-edit cmd/internal/imagetest/broken-agent
	$(as_root) bin/build/image -plain -out bin/image-test/images -cache bin/image/cache -keys bin/image-test/images/keys
	$(as_root) bin/build/imagetest $(ARGS)

deb-test: ## the packages in a clean Debian 12 under a systemd of its own: installed, run, upgraded, purged; needs root
	$(MAKE) deb ARGS=
	@.ci/deps image
	go build -o bin/ ./cmd/internal/packagetest
	$(as_root) bin/packagetest $(ARGS) bin/deb/pointnum-*_$(VERSION)_$(ARCH).deb

# ARGS are the trial's, not the packages'.
arm64-test: ## the arm64 packages under an emulator: the agent starts, kioskctl converts papers, the locks hold; needs root
	@.ci/deps image
	$(MAKE) deb ARCH=arm64 ARGS=
	go build -o bin/ ./cmd/kioskctl ./cmd/internal/arm64test
	GOARCH=arm64 CC=aarch64-linux-gnu-gcc go test -c -o bin/sandbox-arm64.test ./kiosk/document/sandbox
	$(as_root) bin/arm64test $(ARGS) bin/deb/pointnum-*_$(VERSION)_arm64.deb

assets: ## fonts and pictograms of the screens, by npm
	@.ci/deps run
	@ui/assets/fetch

deps: ## what the tests need, by apt and npm
	@.ci/deps test

help:
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

.PHONY: run fleet test check e2e escapes bench bench-engine bench-fleet fuzz build deb deb-test arm64-test image image-test assets deps help
