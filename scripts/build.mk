# Build rules. A new .c file in one of the folders below is picked up by itself; a changed header rebuilds every object that reads it, in the
# kernel part (BPF) as in user space. DEBUG=1: ASan + UBSan, into build/debug. FUZZ=1: the same with clang, for `make fuzz`, into build/fuzz.
# LAYOUT=test (maps of another layout) and LAYOUT=version (the number of a later one): for tests of the takeover, into build/layout and
# build/version.
ifeq ($(origin CC),default)
CC := gcc
endif
CXX ?= g++
BPF_CC ?= clang
FUZZ_CC ?= clang
# On Debian bpftool is in a directory that is only in root's PATH.
BPFTOOL ?= $(or $(shell PATH=$$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v bpftool),bpftool)
VERSION := 0.1.0
ifeq ($(DEBUG),1)
B := build/debug
# gcc's own manual: with sanitizers this warning is often wrong. The build without them has it.
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wno-maybe-uninitialized
OPT := -O1 -g
else ifeq ($(FUZZ),1)
override CC := $(FUZZ_CC)
B := build/fuzz
SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT := -O1 -g
else
B := build
SAN :=
OPT := -O2 -g
endif
ifeq ($(LAYOUT),test)
B := $(B)/layout
LAYOUT_CPPFLAGS := -DRF_LAYOUT_TEST
else ifeq ($(LAYOUT),version)
B := $(B)/version
LAYOUT_CPPFLAGS := -DRF_LAYOUT_VERSION=4
endif
ifeq ($(V),1)
Q :=
else
Q ?= @
endif

# format-truncation guesses lengths from types; where a cut text would matter its length is checked.
WARN := -Wall -Wextra -Wshadow -Wno-format-truncation -Wno-unknown-warning-option -Werror
# What CI compiles with as well: `make check` passes EXTRA_WARN for the parts that hold to it.
EXTRA_WARN ?=
RF_CPPFLAGS := -D_GNU_SOURCE -DRF_VERSION='"$(VERSION)"' -Iheaders -Iuserspace -I$(B)/skel $(LAYOUT_CPPFLAGS) $(CPPFLAGS)
RF_CFLAGS = -std=gnu17 $(OPT) $(WARN) $(EXTRA_WARN) $(SAN) -MMD -MP $(NL_CFLAGS) $(CFLAGS)
LDLIBS := -lbpf -lelf -lz -lcjson -lyaml -lnl-route-3 -lnl-3 -lcap -lpthread

LIB_DIRS := core objects automaton policy datapath source pods
LIB_SRC := $(foreach d,$(LIB_DIRS),$(wildcard userspace/$(d)/*.c))
LIB := $(B)/librf.a
dir_objs = $(patsubst %.c,$(B)/%.o,$(wildcard userspace/$(1)/*.c))

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_SKEL := $(BPF_SRC:bpf/%.bpf.c=$(B)/skel/%.skel.h)
# asm/types.h is the one header that Debian keeps by architecture.
BPF_CFLAGS := $(LAYOUT_CPPFLAGS) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Iheaders -Ibpf -idirafter /usr/include/$(shell uname -m)-linux-gnu

# llhttp: bookworm ships its C sources in node-llhttp, later releases a library (libllhttp-dev).
LLHTTP_SRC := $(wildcard /usr/share/llhttp/llhttp.c)
ifneq ($(LLHTTP_SRC),)
LLHTTP_OBJ := $(B)/llhttp/llhttp.o $(B)/llhttp/api.o $(B)/llhttp/http.o
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp
else
LLHTTP_OBJ :=
LLHTTP_LIBS := -lllhttp
endif

PROGRAMS := $(addprefix $(B)/,ringfenced ringfence-sockd ringfence-checker ringfence)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
BPF_TESTS := $(patsubst tests/bpf/%.c,$(B)/tests/bpf/%,$(wildcard tests/bpf/test_*.c))
BENCHES := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))
TEST_TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
DIFFER := $(B)/tests/automaton/differ
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 10

# ---- is everything there that a build needs? Asked once, for goals that build something. ----
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean uninstall,$(GOALS)),)
NEED_TOOLS := $(firstword $(CC)) $(firstword $(CXX)) $(firstword $(BPF_CC)) $(BPFTOOL) pkg-config ar
NEED_LIBS := libbpf libelf zlib libcjson yaml-0.1 libnl-route-3.0 libcap libssl cmocka libpcre2-8 re2
MISSING := $(shell for t in $(NEED_TOOLS); do command -v $$t >/dev/null || echo $$t; done)
MISSING += $(shell command -v pkg-config >/dev/null && for l in $(NEED_LIBS); do pkg-config --exists $$l || echo $$l; done)
ifeq ($(LLHTTP_SRC)$(wildcard /usr/include/llhttp.h /usr/local/include/llhttp.h),)
MISSING += llhttp
endif
ifneq ($(strip $(MISSING)),)
$(error missing: $(strip $(MISSING)). Run `sudo scripts/deps` (it installs the packages; `scripts/deps --check` only lists them))
endif
NL_CFLAGS := $(shell pkg-config --cflags libnl-route-3.0)
endif

.DELETE_ON_ERROR:
.SECONDARY: # keep the BPF objects beside their skeletons
.PHONY: all help clean programs bpf tests unit check fuzz fuzz-run verify verify-record install uninstall FORCE
all: programs ## build the four programs into build/ (V=1: show commands, DEBUG=1: ASan + UBSan into build/debug)
programs: $(PROGRAMS)
bpf: $(BPF_SKEL) ## compile the BPF programs only
tests: $(UNIT_TESTS) $(BPF_TESTS) $(DIFFER) $(B)/tests/bpf/insns $(B)/tests/bpf/hostile_checker $(TEST_TOOLS) $(BENCHES) ## build the C tests, run nothing
unit: $(UNIT_TESTS) ## build and run the unit tests (no root needed)
	$(Q)failed=; for t in $(UNIT_TESTS); do $$t || failed="$$failed $$t"; done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }
check: ## format, warnings, clang-tidy, shellcheck, sizes, headers, documents, unit tests under ASan + UBSan
	$(Q)scripts/check
verify: $(B)/tests/bpf/insns $(BPF_SKEL) ## load every BPF program and compare the verifier's work with tests/bpf/verifier.json (needs root)
	$(Q)tests/bpf/verify
verify-record: $(B)/tests/bpf/insns $(BPF_SKEL) ## write this kernel's numbers into tests/bpf/verifier.json (needs root)
	$(Q)tests/bpf/verify --record
fuzz: ## build the fuzz targets with clang and run each for FUZZ_SECONDS (10) over its corpus
	$(Q)$(MAKE) --no-print-directory --keep-going FUZZ=1 fuzz-run
help: ## this list
	@echo "ringfence: make targets"; sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' scripts/build.mk | expand -t 16
clean: ## remove build/
	rm -rf build

# ---- compile ----
# Changed flags rebuild too: the file below changes only when they do. (":=", or a target's own flags would leak into the text.)
FLAGS_TEXT := $(CC) $(RF_CPPFLAGS) $(RF_CFLAGS) | $(BPF_CC) $(BPF_CFLAGS) | $(LLHTTP_CFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' >$@

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(B)/flags
	@mkdir -p $(@D); echo "BPF  $@"
	$(Q)$(BPF_CC) $(BPF_CFLAGS) -MMD -MP -c $< -o $@
$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D); echo "SKEL $@"
	$(Q)$(BPFTOOL) gen skeleton $< name rf_$(subst -,_,$*)_bpf > $@

# A skeleton must exist before the first object that includes it; which ones do is in the dependency files afterwards.
$(call dir_objs,datapath): | $(BPF_SKEL)
$(B)/userspace/checker/%.o: RF_CPPFLAGS += $(LLHTTP_CFLAGS)
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "CC   $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(RF_CFLAGS) -c $< -o $@
$(B)/llhttp/%.o: /usr/share/llhttp/%.c $(B)/flags
	@mkdir -p $(@D); echo "CC   $@"
	$(Q)$(CC) -O2 -g $(SAN) $(LLHTTP_CFLAGS) -c $< -o $@
$(LIB): $(LIB_SRC:%.c=$(B)/%.o)
	$(Q)rm -f $@; ar rcs $@ $^

# ---- programs ----
$(B)/ringfenced: $(call dir_objs,agent) $(LIB)
$(B)/ringfence-sockd: $(call dir_objs,sockd) $(LIB)
$(B)/ringfence-checker: $(call dir_objs,checker) $(LLHTTP_OBJ) $(LIB)
$(B)/ringfence-checker: LDLIBS += $(LLHTTP_LIBS) -lssl -lcrypto
$(B)/ringfence: $(call dir_objs,cli) $(LIB)
$(PROGRAMS):
	@echo "LD   $@"
	$(Q)$(CC) $(OPT) $(SAN) $(LDFLAGS) $^ $(LDLIBS) -o $@

# ---- tests. A test links the library; one that needs a program's object includes its .c. ----
# pcre2 is what the automata are compared with.
TEST_LINK = $(LIB) $(LLHTTP_OBJ) -lcmocka -lpcre2-8 $(LDLIBS) $(LLHTTP_LIBS) -lssl -lcrypto
$(B)/tests/%: tests/unit/%.c $(LIB) $(LLHTTP_OBJ) $(B)/flags
	@mkdir -p $(@D); echo "TEST $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(LLHTTP_CFLAGS) $(RF_CFLAGS) $(LDFLAGS) $< $(TEST_LINK) -o $@
$(B)/tests/bpf/%: tests/bpf/%.c $(LIB) $(LLHTTP_OBJ) $(B)/flags | $(BPF_SKEL)
	@mkdir -p $(@D); echo "TEST $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(LLHTTP_CFLAGS) $(RF_CFLAGS) $(LDFLAGS) $< $(TEST_LINK) -o $@
# RE2 is C++: one file of it.
DIFFER_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/automaton/*.c)) $(B)/tests/automaton/re2.o
$(B)/tests/automaton/re2.o: tests/automaton/re2.cc tests/automaton/re2.h $(B)/flags
	@mkdir -p $(@D); echo "CXX  $@"
	$(Q)$(CXX) -std=c++17 $(OPT) -Wall -Wextra -Wshadow -Werror $(SAN) $(shell pkg-config --cflags-only-I re2) $(CXXFLAGS) -c $< -o $@
$(DIFFER): $(DIFFER_OBJ) $(LIB)
	@echo "LD   $@"
	$(Q)$(CXX) $(OPT) $(SAN) $(LDFLAGS) $^ $(shell pkg-config --libs re2) -o $@
# Tools do not link the library: they are other people's programs.
$(B)/tests/tools/%: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D); echo "TOOL $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(RF_CFLAGS) $(LDFLAGS) $< -lbpf -lpthread -o $@
# A measurement links what the agent links; it is built when scripts/bench-policy asks for it.
$(B)/tests/bench/%: tests/bench/%.c $(LIB) $(B)/flags
	@mkdir -p $(@D); echo "BENCH $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(RF_CFLAGS) $(LDFLAGS) $< $(LIB) $(LDLIBS) -o $@
$(B)/tests/fuzz/%: tests/fuzz/%.c $(LIB) $(LLHTTP_OBJ) $(B)/flags
	@mkdir -p $(@D); echo "FUZZ $@"
	$(Q)$(CC) $(RF_CPPFLAGS) $(LLHTTP_CFLAGS) $(RF_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $< $(LIB) $(LLHTTP_OBJ) $(LDLIBS) $(LLHTTP_LIBS) -lssl -lcrypto -o $@

# Each target goes its own time, a failing one does not stop the others. New inputs go to build/, never into the committed corpus. Beside its
# own corpus a target reads the tutorial's files where it reads files, and a dictionary if it has one.
FUZZ_FILES := yaml policy
FUZZ_RUNS := $(FUZZERS:$(B)/tests/fuzz/fuzz_%=fuzz-run-%)
.PHONY: fuzz-run $(FUZZ_RUNS)
fuzz-run: $(FUZZ_RUNS)
$(FUZZ_RUNS): fuzz-run-%: $(FUZZERS)
	$(Q)mkdir -p $(B)/corpus/$*; corpus=; [ ! -d tests/fuzz/corpus/$* ] || corpus=tests/fuzz/corpus/$*; \
	case " $(FUZZ_FILES) " in *" $* "*) corpus="$$corpus policies" ;; esac; [ ! -f tests/fuzz/$*.dict ] || corpus="-dict=tests/fuzz/$*.dict $$corpus"; \
	$(B)/tests/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 -artifact_prefix=$(B)/$*- $(B)/corpus/$* $$corpus >$(B)/$*.log 2>&1 \
	&& echo "ok      fuzz $*, $(FUZZ_SECONDS) s" || { tail -n 40 $(B)/$*.log; echo "FAILED  fuzz $*"; exit 1; }

# ---- install ----
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share/ringfence
DOCDIR ?= $(PREFIX)/share/doc/ringfence
MANDIR ?= $(PREFIX)/share/man
# systemd looks for units of local software in /usr/local/lib/systemd/system too.
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= /etc
install: programs ## install programs, man pages, systemd units, docs and sample policies (PREFIX=/usr/local, DESTDIR=)
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man8
	install -m 644 docs/man/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 docs/man/*.8 $(DESTDIR)$(MANDIR)/man8
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)
	install -m 755 $(B)/ringfence $(DESTDIR)$(BINDIR)
	install -m 755 $(B)/ringfenced $(B)/ringfence-sockd $(B)/ringfence-checker $(DESTDIR)$(SBINDIR)
	for u in deploy/systemd/*.service; do sed 's|@SBINDIR@|$(SBINDIR)|g; s|@DOCDIR@|$(DOCDIR)|g' $$u >$(DESTDIR)$(UNITDIR)/$${u##*/}; chmod 644 $(DESTDIR)$(UNITDIR)/$${u##*/}; done
	install -m 644 README.md LICENSE LICENSES/GPL-2.0.txt docs/*.md docs/maps.jq $(DESTDIR)$(DOCDIR)
	cp -r --no-preserve=ownership policies $(DESTDIR)$(DATADIR)/
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/ringfence/policies
uninstall: ## remove what install put there (same PREFIX and DESTDIR); stop the agent and run `ringfence uninstall` first
	rm -f $(DESTDIR)$(BINDIR)/ringfence $(addprefix $(DESTDIR)$(SBINDIR)/,ringfenced ringfence-sockd ringfence-checker)
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(wildcard deploy/systemd/*.service)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(wildcard docs/man/*.1))) $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(wildcard docs/man/*.8)))
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
