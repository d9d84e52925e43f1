# make          builds build/jikji
# make run      installs what is missing, builds, and runs the main job; TEXT=path takes that text instead of the built-in one
# make test     installs what is missing, builds, and runs the fast tests; WORDS="json gemm" chooses, SLOW=1 adds the slow ones; a process
#               for each core, or JOBS=1
# make bench    measures; WORDS chooses
# make soak     the slow tests, and an hour of fuzzing (SECONDS=3600 for all fuzzers together)
# make install  copies program, manual, completion, recipes and documents to PREFIX (/usr/local), under DESTDIR if set; make uninstall removes them
# make clean    removes what was built
BUILD ?= build
SECONDS ?= 3600
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
export TEXT

.PHONY: all packages run test bench soak install uninstall clean
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
	@. tools/test-env.sh && $(BUILD)/jikji_tests --jobs $(JOBS) $(if $(SLOW),--slow) $(WORDS)

bench: packages
	@$(MAKE) --no-print-directory all
	$(BUILD)/jikji_tests --bench $(WORDS)

soak:
	@tools/install-packages.sh check
	@$(MAKE) --no-print-directory test SLOW=1
	@tools/fuzz.sh -n -1 -t $(SECONDS) -b $(SECONDS)

root = $(DESTDIR)$(PREFIX)
install: all
	install -D -m 755 $(BUILD)/jikji $(root)/bin/jikji
	install -d $(root)/share/man/man1 $(root)/share/bash-completion/completions $(root)/share/zsh/site-functions \
	    $(root)/share/fish/vendor_completions.d $(root)/share/doc/jikji $(root)/share/jikji
	$(BUILD)/jikji help --man > $(root)/share/man/man1/jikji.1
	$(BUILD)/jikji completion bash > $(root)/share/bash-completion/completions/jikji
	$(BUILD)/jikji completion zsh > $(root)/share/zsh/site-functions/_jikji
	$(BUILD)/jikji completion fish > $(root)/share/fish/vendor_completions.d/jikji.fish
	cp -R recipes $(root)/share/jikji/
	cp -R README.md README.ko.md CHANGELOG.md LICENSE docs $(root)/share/doc/jikji/

uninstall:
	rm -f $(root)/bin/jikji $(root)/share/man/man1/jikji.1 $(root)/share/bash-completion/completions/jikji \
	    $(root)/share/zsh/site-functions/_jikji $(root)/share/fish/vendor_completions.d/jikji.fish
	rm -rf $(root)/share/jikji $(root)/share/doc/jikji

clean:
	@cmake -E rm -rf $(BUILD) build-asan build-tsan build-fuzz build-debug
