# The front door: installs what is missing, prepares the sysroot where the host's libraries are too old, and drives meson.
#   make            build ./pearvisor
#   make demo       build, prepare a Debian guest, boot it, leave demo.png and a report
#   make check-long what takes hours: repeated boots, suites of programs in the guest
#   make check      every test; the last line is "N passed, N failed"
#   make sanitize   the unit tests, the CPU tests and one boot under ASan and UBSan
#   make fuzz       every fuzzer, FUZZ_SECONDS (10) each
#   make bench      the CPU suite on PearVisor, on PEARVISOR_PEER if given, and natively
#   make bench-gpu  the GPU suite likewise
#   make format     clang-format over the tree
#   make install    into PREFIX (/usr/local)
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 10

.PHONY: all deps demo check check-long sanitize fuzz bench bench-gpu format install clean
.DEFAULT_GOAL := all

all: deps
	@tools/build $(BUILD)

deps:
	@tools/deps

demo: deps
	@BUILD=$(BUILD) tools/demo

check: all
	@tests/check

check-long: all
	@LIMIT=14400 tests/check 'long/*'

sanitize: deps
	@tools/build build-sanitize -Db_sanitize=address,undefined -Db_lundef=false -Dwindow=disabled
	@tests/sanitize

fuzz: deps
	@CC=clang tools/build build-fuzz -Dfuzz=true -Dwindow=disabled
	@tests/fuzz/run $(FUZZ_SECONDS)

bench: all
	@tests/bench/cpu

bench-gpu: all
	@tests/bench/gpu

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

install: all
	@meson install -C $(BUILD) --quiet

clean:
	rm -rf build build-sanitize build-fuzz
