# weir: build, run, test, install. No recursion; one list of objects per program.
#
#   make            build everything into $(O)          make run     everything, on a capture or IFACE=/PCAP=
#   make test       install, build and run all tests    make V=1     show the commands
#   make SAN=1 O=build/san ...   with AddressSanitizer and UndefinedBehaviorSanitizer

O       ?= build
PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -O2 -g
PKG_CONFIG ?= pkg-config
VERSION := 0.1.0

PROCS   := capture classify checks alertd notify apid

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
           -Wno-missing-field-initializers
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now
ifdef SAN
HARDEN  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDHARDEN := -fsanitize=address,undefined
endif
ifdef DEVELOPER
WARN    += -Werror
endif
DEFS    := -D_GNU_SOURCE -DWEIR_VERSION=\"$(VERSION)\" -DWEIR_PREFIX=\"$(PREFIX)\"
ALL_CFLAGS = -std=gnu11 $(DEFS) $(WARN) $(HARDEN) -Icommon -I$(O)/gen -I. $(CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$(patsubst $(O)/%,%,$@))))

pc = $(shell $(PKG_CONFIG) --$(1) $(2) 2>/dev/null)

# Third-party libraries, each behind the one module that knows it.
LIBS_common   = -lnng -lmsgpackc $(call pc,libs,yaml-0.1) $(call pc,libs,libxxhash) $(call pc,libs,libsystemd) \
                $(call pc,libs,libseccomp) $(call pc,libs,libcap) $(call pc,libs,jansson) -lpthread -lm
LIBS_capture  = -lpcap -lz
LIBS_classify = -lndpi
LIBS_checks   = $(call pc,libs,luajit) -Wl,-E
LIBS_alertd   = $(call pc,libs,sqlite3)
LIBS_notify   = $(call pc,libs,libcurl) $(call pc,libs,sqlite3)
LIBS_apid     = $(call pc,libs,libmicrohttpd)
LIBS_weir     = $(call pc,libs,libcurl)
CFLAGS_checks = $(call pc,cflags,luajit)

V ?= 0
ifeq ($(V),0)
Q = @
say = @printf '  %-6s %s\n' $(1) $(patsubst $(O)/%,%,$@);
else
Q =
say =
endif

# -- objects --------------------------------------------------------------------------------------------------------
COMMON_SRC := $(filter-out common/recgen.c,$(wildcard common/*.c))
COMMON_OBJ := $(COMMON_SRC:%.c=$(O)/%.o)
WEIR_SRC   := $(wildcard common/weir/*.c)
WEIR_OBJ   := $(WEIR_SRC:%.c=$(O)/%.o)
PROGRAMS   := $(PROCS:%=$(O)/bin/weir-%) $(O)/bin/weir

.PHONY: all
all: $(PROGRAMS) reference

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libcommon.a: $(COMMON_OBJ)
	$(call say,AR)
	$(Q)rm -f $@; ar crs $@ $^

# Process P: P/P.c is its wiring; the rest are pure modules that tests link as lib<P>.a.
define process
OBJ_$(1) := $(patsubst %.c,$(O)/%.o,$(wildcard $(1)/*.c))
$(O)/lib$(1).a: $$(filter-out $(O)/$(1)/$(1).o,$$(OBJ_$(1)))
	$$(call say,AR)
	$(Q)rm -f $$@; ar crs $$@ $$^
$(O)/bin/weir-$(1): $(O)/$(1)/$(1).o $(O)/lib$(1).a $(O)/libcommon.a
	@mkdir -p $$(@D)
	$$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $$@ $$^ $(LIBS_$(1)) $(LIBS_common)
.PHONY: $(1)
$(1): $(O)/bin/weir-$(1)
endef
$(foreach p,$(PROCS),$(eval $(call process,$(p))))

$(O)/bin/weir: $(WEIR_OBJ) $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_weir) $(LIBS_common)
.PHONY: weir
weir: $(O)/bin/weir

# -- generated reference --------------------------------------------------------------------------------------------
$(O)/bin/recgen: $(O)/common/recgen.o $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_common)
$(O)/weir-fields.7: $(O)/bin/recgen
	$(call say,GEN)
	$(Q)$< man > $@
.PHONY: reference
reference: $(O)/weir-fields.7

# -- unit tests: tests/unit/test_<module>.c, cmocka -------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT     := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
$(O)/tests/%: $(O)/tests/unit/%.o $(PROCS:%=$(O)/lib%.a) $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $< -Wl,--start-group $(PROCS:%=$(O)/lib%.a) $(O)/libcommon.a \
		-Wl,--end-group $(foreach p,$(PROCS),$(LIBS_$(p))) $(LIBS_common) -lcmocka

.PHONY: unit
unit: $(UNIT)
	$(Q)for t in $(UNIT); do $$t || exit 1; done

.PHONY: clean
clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
