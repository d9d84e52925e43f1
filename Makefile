# make          builds build/jikji
# make run      installs what is missing, builds, and runs the main job; TEXT=path takes that text instead of the built-in one
# make test     installs what is missing, builds, and runs the fast tests; WORDS="json gemm" chooses, SLOW=1 adds the slow ones
# make bench    measures; WORDS chooses
# make soak     the slow tests, and an hour of fuzzing (SECONDS=3600 for all fuzzers together)
# make clean    removes what was built
BUILD ?= build
SECONDS ?= 3600
export TEXT

.PHONY: all packages run test bench soak clean
all: $(BUILD)/build.ninja
	@cmake --build $(BUILD)

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json
	@cmake --preset release -B $(BUILD) $(CONFIGURE) > /dev/null

packages:
	@tools/install-packages.sh

run: packages
	@$(MAKE) --no-print-directory all
	@$(BUILD)/jikji run $(if $(TEXT),--text "$$TEXT")

test: packages
	@$(MAKE) --no-print-directory all
	@. tools/test-env.sh && $(BUILD)/jikji_tests $(if $(SLOW),--slow) $(WORDS)

bench: packages
	@$(MAKE) --no-print-directory all
	$(BUILD)/jikji_tests --bench $(WORDS)

soak:
	@tools/install-packages.sh check
	@$(MAKE) --no-print-directory test SLOW=1
	@tools/fuzz.sh -n -1 -t $(SECONDS) -b $(SECONDS)

clean:
	@cmake -E rm -rf $(BUILD) build-asan build-tsan build-fuzz build-debug
