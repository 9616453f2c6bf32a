# Build rules. DEBUG=1 adds ASan + UBSan and builds into build/debug. A new .c file in one of the folders below is picked up by itself.
CC ?= gcc
BPF_CC ?= clang
BPFTOOL ?= bpftool
VERSION := 0.1.0
ifeq ($(DEBUG),1)
B := build/debug
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
OPT := -O1 -g
else
B := build
SAN :=
OPT := -O2 -g
endif
Q ?= @
WARN := -Wall -Wextra -Wshadow -Werror
CPPFLAGS += -D_GNU_SOURCE -DRF_VERSION='"$(VERSION)"' -Iheaders -Iuserspace -I$(B)/skel
CFLAGS += -std=gnu17 $(OPT) $(WARN) $(SAN) -MMD -MP $(shell pkg-config --cflags libnl-route-3.0 2>/dev/null)
LDLIBS := -lbpf -lelf -lz -lcjson -lyaml -lnl-route-3 -lnl-3 -lcap -lpthread

LIB_DIRS := core objects automaton policy datapath source pods
LIB_SRC := $(foreach d,$(LIB_DIRS),$(wildcard userspace/$(d)/*.c))
LIB := $(B)/librf.a
dir_objs = $(patsubst %.c,$(B)/%.o,$(wildcard userspace/$(1)/*.c))

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_SKEL := $(BPF_SRC:bpf/%.bpf.c=$(B)/skel/%.skel.h)

# llhttp: bookworm ships its C sources in node-llhttp, trixie a library (libllhttp-dev).
LLHTTP_SRC := $(wildcard /usr/share/llhttp/llhttp.c)
ifneq ($(LLHTTP_SRC),)
LLHTTP_OBJ := $(B)/llhttp/llhttp.o $(B)/llhttp/api.o $(B)/llhttp/http.o
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp
else
LLHTTP_OBJ :=
LLHTTP_LIBS := -lllhttp
endif

PROGRAMS := $(B)/ringfenced $(B)/ringfence-sockd $(B)/ringfence-checker $(B)/ringfence
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.DELETE_ON_ERROR:
.PHONY: all clean programs unit bpf
all: programs
programs: $(PROGRAMS)
bpf: $(BPF_SKEL)
unit: $(UNIT_TESTS)
	$(Q)set -e; for t in $(UNIT_TESTS); do $$t; done

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/lib/*.h) $(wildcard headers/ringfence/*.h)
	@mkdir -p $(@D); echo "BPF  $@"
	$(Q)$(BPF_CC) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Iheaders -Ibpf -idirafter /usr/include/$(shell $(CC) -dumpmachine) -c $< -o $@
$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D); echo "SKEL $@"
	$(Q)$(BPFTOOL) gen skeleton $< name rf_$(subst -,_,$*)_bpf > $@

$(B)/userspace/datapath/%.o: | $(BPF_SKEL)
$(B)/userspace/checker/%.o: CPPFLAGS += $(LLHTTP_CFLAGS)
$(B)/%.o: %.c
	@mkdir -p $(@D); echo "CC   $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@
$(B)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D); echo "CC   $@"
	$(Q)$(CC) -O2 -g $(SAN) $(LLHTTP_CFLAGS) -c $< -o $@
$(LIB): $(LIB_SRC:%.c=$(B)/%.o)
	$(Q)rm -f $@; ar rcs $@ $^
$(B)/ringfenced: $(call dir_objs,agent) $(LIB)
$(B)/ringfence-sockd: $(call dir_objs,sockd) $(LIB)
$(B)/ringfence-checker: $(call dir_objs,checker) $(LLHTTP_OBJ) $(LIB)
$(B)/ringfence-checker: LDLIBS += $(LLHTTP_LIBS)
$(B)/ringfence: $(call dir_objs,cli) $(LIB)
$(PROGRAMS):
	@echo "LD   $@"
	$(Q)$(CC) $(CFLAGS) $^ $(LDLIBS) -o $@
# A unit test links the library; one that needs a program's object includes its .c.
$(B)/tests/%: tests/unit/%.c $(LIB) $(LLHTTP_OBJ)
	@mkdir -p $(@D); echo "TEST $@"
	$(Q)$(CC) $(CPPFLAGS) $(LLHTTP_CFLAGS) $(CFLAGS) $< $(LIB) $(LLHTTP_OBJ) -lcmocka $(LDLIBS) $(LLHTTP_LIBS) -o $@

clean:
	rm -rf build
-include $(shell find $(B) -name '*.d' 2>/dev/null)
