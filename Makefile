# make          builds build/jikji            make run    installs what is missing, builds, runs the main job
# make test     installs, builds, tests       make bench  measures; make soak  long fuzzing and kill tests
BUILD ?= build

.PHONY: all test tests
all: $(BUILD)/build.ninja
	@cmake --build $(BUILD)

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json
	@cmake --preset release -B $(BUILD) > /dev/null

tests: all
	$(BUILD)/jikji_tests
