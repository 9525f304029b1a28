# The short way to CMake: `make` builds build/bin/vecfill, `make help` lists the rest.
CMAKE_PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
MAKEFLAGS += --no-print-directory
BUILD = build/$(CMAKE_PRESET)
# Where scripts/install-deps puts a CMake when the system's is too old.
export PATH := $(CURDIR)/build/tools/bin:$(PATH)

all: $(BUILD)/CMakeCache.txt ## build the programs into build/bin
	@cmake --build $(BUILD) --parallel $(JOBS)

$(BUILD)/CMakeCache.txt:
	@command -v cmake >/dev/null || { \
	  echo "cmake is missing: run scripts/install-deps build" >&2; exit 1; }
	@cmake --preset $(CMAKE_PRESET)

# The tests and benchmarks are built on demand: they need cmocka.
with-tests:
	@cmake --preset $(CMAKE_PRESET) -DVECFILL_TESTS=ON
	@cmake --build $(BUILD) --parallel $(JOBS)

demo: ## set everything up, embed the sample articles, and search them
	@scripts/demo

check: ## set everything up and run all tests, sanitizers included
	@scripts/check

check-arm: ## build for 64-bit Arm and run the tests of the arithmetic under qemu
	@scripts/install-deps arm
	@scripts/install-arm
	@scripts/check-arm

test: with-tests ## run the tests of one preset (CMAKE_PRESET=dev, asan, tsan, …), without set-up
	@ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS)

# test_inject alone makes some 20,000 runs.
torture: with-tests ## let everything fail that docs/faults.md lists, everywhere: takes hours
	@VECFILL_TORTURE=1 VECFILL_TORTURE_TRIES=$${VECFILL_TORTURE_TRIES:-200} \
	  ctest --test-dir $(BUILD) --output-on-failure --verbose --timeout 43200 -L '^faults$$'

# Ends at the first finding, which stays in the build's folder; new inputs gather beside it.
FUZZ_SECONDS ?= 600
FUZZ = build/fuzz/tests
fuzz: ## look for inputs that break the parsers, FUZZ_SECONDS=600 each; needs Clang
	@cmake --preset asan -B build/fuzz -DCMAKE_C_COMPILER=clang -DVECFILL_FUZZ=ON
	@cmake --build build/fuzz --parallel $(JOBS) --target fuzzers
	@for corpus in fuzz/corpus/*; do \
	  name=$${corpus##*/} && echo "==> $$name" && mkdir -p "$(FUZZ)/new/$$name" && \
	  $(FUZZ)/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=25 -rss_limit_mb=2048 \
	    -print_final_stats=1 -verbosity=0 -artifact_prefix="$(FUZZ)/new/$$name-" \
	    "$(FUZZ)/new/$$name" "$$corpus" || exit 1; \
	done

bench: with-tests ## measure kernels, stages and the whole program
	@bench/run

install: all ## install programs, library and manual (PREFIX=/usr/local, DESTDIR=)
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

format: ## lay out all C files with clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove what was built
	@rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all with-tests demo check check-arm test torture fuzz bench install format clean help
