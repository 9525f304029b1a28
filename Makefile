# The short way to CMake. `make` builds build/bin/vecfill; `make help` lists the rest.
CMAKE_PRESET ?= release
BUILD = build/$(CMAKE_PRESET)
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)

all: $(BUILD)/CMakeCache.txt ## build the programs into build/bin
	cmake --build $(BUILD) --parallel $(JOBS)

$(BUILD)/CMakeCache.txt:
	cmake --preset $(CMAKE_PRESET)

.PHONY: all
