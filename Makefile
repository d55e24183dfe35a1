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
LIBS_common   = -lnng $(call pc,libs,yaml-0.1) $(call pc,libs,libxxhash) $(call pc,libs,libsystemd) \
                $(call pc,libs,libseccomp) $(call pc,libs,libcap) $(call pc,libs,jansson) $(call pc,libs,libcrypto) -lpthread -lm
LIBS_capture  = -lpcap -lz
LIBS_classify = -lndpi -Wl,-E
LIBS_checks   = $(call pc,libs,luajit) $(call pc,libs,libloc) $(call pc,libs,libmaxminddb) -Wl,-E
LIBS_alertd   = $(call pc,libs,sqlite3)
LIBS_notify   = $(call pc,libs,libcurl) $(call pc,libs,sqlite3)
LIBS_apid     = $(call pc,libs,libmicrohttpd) -lz
LIBS_weir     = $(call pc,libs,libcurl) -lpcap
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
SHIPPED    := $(O)/share/weir/lua

.PHONY: all
all: $(PROGRAMS) $(SHIPPED) reference

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Where a program finds it beside itself, as if it were installed.
$(O)/share/weir/lua:
	$(Q)mkdir -p $(@D) && ln -sfn $(CURDIR)/checks/lua $@

# Lua that is put into the program as text.
$(O)/checks/lua_text.o: $(wildcard checks/luart/*.lua)

$(O)/libcommon.a: $(COMMON_OBJ)
	$(call say,AR)
	$(Q)rm -f $@; ar crs $@ $^

# What nDPI can tell apart, for programs that do not know it. A tool of the build: without sanitizers, and no fuzz target.
$(O)/bin/apps: classify/gen/apps.c
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -std=gnu11 $(DEFS) $(WARN) $(CFLAGS) -o $@ $< -lndpi
$(O)/gen/ndpi_apps.h: $(O)/bin/apps
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)$< > $@
$(O)/apid/ndpi_names.o: $(O)/gen/ndpi_apps.h

# The commit that this is built from, "" where that is not known: no repository of its own, no git. Written when it is another
# one, and left alone by who may not read the repository (make install as another user).
REVISION ?= $(shell [ -e .git ] && GIT_OPTIONAL_LOCKS=0 git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
.PHONY: FORCE
$(O)/gen/revision.h: FORCE
	@mkdir -p $(@D)
	$(Q)[ -z "$(REVISION)" ] && [ -e $@ ] || { r='#define WEIR_REVISION "$(REVISION)"'; echo "$$r" | cmp -s - $@ || echo "$$r" > $@; }
$(O)/apid/prom_live.o: $(O)/gen/revision.h

# Process P: P/P.c is its wiring; the rest are pure modules that tests link as lib<P>.a.
define process
OBJ_$(1) := $(patsubst %.c,$(O)/%.o,$(wildcard $(1)/*.c))
$(O)/lib$(1).a: $$(filter-out $(O)/$(1)/$(1).o,$$(OBJ_$(1)))
	$$(call say,AR)
	$(Q)rm -f $$@; ar crs $$@ $$^
$(O)/bin/weir-$(1): $(O)/$(1)/$(1).o $(O)/lib$(1).a $(O)/libcommon.a
	@mkdir -p $$(@D)
	$$(call say,LD)
	$(Q)$$(CC) $$(LDHARDEN) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(LIBS_common)
.PHONY: $(1)
$(1): $(O)/bin/weir-$(1)
endef
$(foreach p,$(PROCS),$(eval $(call process,$(p))))

$(O)/bin/weir: $(WEIR_OBJ) $(O)/libcapture.a $(O)/libcommon.a
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
$(O)/weir-checks.7: $(O)/bin/recgen
	$(call say,GEN)
	$(Q)$< checks > $@
$(O)/weir.yaml.5: etc/weir.yaml.5.in $(O)/bin/recgen
	$(call say,GEN)
	$(Q)$(O)/bin/recgen keys $< > $@
# Types for editors of Lua checks.
$(O)/stubs/weir.lua: $(O)/bin/recgen checks/luart/globals.d.lua
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)$< lua > $@ && cat checks/luart/globals.d.lua >> $@
$(O)/weir.bash: $(O)/bin/weir
	$(call say,GEN)
	$(Q)$< --completion > $@
.PHONY: reference
reference: $(O)/weir.bash $(O)/weir.yaml.5 $(O)/weir-fields.7 $(O)/weir-checks.7 $(O)/stubs/weir.lua

# What only tests run: lines are enough for a report, and a hundred programs are linked, which gold does in a quarter of the time.
TEST_CFLAGS := -O1 -g1
TEST_LD     = $(if $(shell command -v ld.gold),-fuse-ld=gold)

# -- unit tests: tests/unit/test_<module>.c, cmocka -------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT     := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
$(O)/tests/%: $(O)/tests/unit/%.o $(PROCS:%=$(O)/lib%.a) $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(PROCS:%=$(O)/lib%.a) $(O)/libcommon.a \
		-Wl,--end-group $(foreach p,$(PROCS),$(LIBS_$(p))) $(LIBS_common) $(LIBS_$(@F)) -lcmocka
$(O)/tests/test_codec: LIBS_test_codec = -lmsgpackc
$(O)/tests/test_store $(O)/tests/test_store_sums $(O)/tests/test_store_retention: $(O)/tests/unit/store_lab.o
# Golden tests of checks, by family.
golden = $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/golden/golden.c tests/unit/golden/$(1)_*.c))
$(O)/tests/test_checks_flow: $(call golden,flow)
$(O)/tests/test_checks_host: $(call golden,host)
$(O)/tests/test_checks_place: $(call golden,place)

.PHONY: unit
unit: $(UNIT) $(SHIPPED)
	$(Q)tests/run -2 $(UNIT)

# -- fuzz targets: tests/fuzz/fuzz_<parser>.c, libFuzzer of clang ------------------------------------------------------
# They link everything anew with clang's sanitizers and coverage, in a folder of their own.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_CC  := clang
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
# The archives that some parser is in.
FUZZ_LIBS := $(patsubst %,$(O)/lib%.a,capture classify checks apid common)
T ?= 60

.PHONY: fuzz-build fuzz
fuzz-build:
	+$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz CC="$(FUZZ_CC)" HARDEN="$(FUZZ_FLAGS)" \
		LDHARDEN="-fsanitize=fuzzer,address,undefined" LDFLAGS="$(LDFLAGS) $(TEST_LD)" CFLAGS="$(TEST_CFLAGS)" FUZZING=1 fuzz-bins
ifdef FUZZING
.PHONY: fuzz-bins
fuzz-bins: $(FUZZ_SRC:tests/fuzz/%.c=$(O)/bin/%)
$(O)/tests/fuzz/fuzz_lua.o: CFLAGS_tests = $(call pc,cflags,luajit)
$(O)/bin/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $< -Wl,--start-group $(FUZZ_LIBS) -Wl,--end-group \
		$(foreach p,$(PROCS),$(LIBS_$(p))) $(LIBS_common)
endif
# make fuzz T=600: each target for T seconds, new inputs kept below $(O).
fuzz: fuzz-build
	$(Q)tests/fuzz/run $(O)/fuzz/bin $(O)/fuzz/corpus $(T)

# -- lint -------------------------------------------------------------------------------------------------------------
LINT_SRC := $(wildcard common/*.[ch] common/weir/*.[ch] $(PROCS:%=%/*.[ch]) tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
.PHONY: lint
lint: deps-lint
	+$(Q)$(MAKE) --no-print-directory O=$(O)/lint DEVELOPER=1 all
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance --inline-suppr \
		--suppressions-list=etc/packaging/cppcheck.txt -j 2 -Icommon -I. -D_GNU_SOURCE -DWEIR_VERSION='""' \
		-DWEIR_PREFIX='""' common common/weir $(PROCS)
	+$(Q)$(MAKE) --no-print-directory lint-text
# The part that takes seconds: make test has it too.
.PHONY: lint-text
lint-text: reference
	$(Q)! grep -nE '^(<<<<<<<|>>>>>>>) ' $(LINT_SRC) README.md */README.md
	$(Q)etc/packaging/check-source $(LINT_SRC)
	$(Q)for m in $(MAN_SRC) $(MAN_GEN); do mandoc -T lint -W warning $$m || exit 1; done

# -- dependencies -----------------------------------------------------------------------------------------------------
.PHONY: deps deps-test deps-lint
deps:
	$(Q)etc/packaging/deps build
deps-test:
	$(Q)etc/packaging/deps build test
deps-lint:
	$(Q)etc/packaging/deps build lint

# -- run, test ----------------------------------------------------------------------------------------------------------
# As many compilers as there are processors, unless it was said how many.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
# make run [IFACE=eth0 | PCAP="file ..."] [SPEED=n|max]: everything in the foreground, in $(O)/run.
SPEED ?= 1
PCAP  ?= tests/captures/office.pcapng
RUN_INPUT = $(if $(IFACE),--interface $(IFACE),--speed $(SPEED) $(PCAP:%=--pcap %))
.PHONY: run test
run: deps
	+$(Q)$(MAKE) $(JOBS) --no-print-directory -s all
	@exec $(O)/bin/weir run -f etc/weir.yaml --dir $(O)/run --watch $(RUN_INPUT)
test: deps-test
	+$(Q)$(MAKE) $(JOBS) --no-print-directory all
	+$(Q)$(MAKE) $(JOBS) --no-print-directory O=$(O)/san SAN=1 CFLAGS="$(TEST_CFLAGS)" LDFLAGS="$(LDFLAGS) $(TEST_LD)" \
		DEVELOPER=1 all unit-build
	+$(Q)$(MAKE) $(JOBS) --no-print-directory fuzz-build
	$(Q)tests/run --all $(O)

# Hours of kills: SEEDS=20, ROUNDS=60, CUTS=6, ORDERS=30, SPEED=10, EVERY=5; see tests/soak. No test of it is given up for taking long.
.PHONY: soak
soak: deps-test all
	$(Q)TEST_SECONDS=86400 WEIR_BIN=$(CURDIR)/$(O)/bin tests/run $(wildcard tests/soak/*.sh)
.PHONY: unit-build
unit-build: $(UNIT) $(SHIPPED)

# -- bench: a ratio against something else in the same run --------------------------------------------------------------
.PHONY: bench bench-checks bench-share bench-keep bench-store bench-load bench-latency
bench: deps-test
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/run $(O)

# All checks on against all checks off.
bench-share: deps-test
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/checks_share $(O)

# Checks in C, in LuaJIT and in PUC Lua: one program with LuaJIT, one with PUC Lua, since they define the same functions.
bench-checks: deps-test
	+$(Q)$(MAKE) --no-print-directory $(O)/bin/lua_bench $(O)/bin/lua_puc
	$(Q)tests/bench/lua_checks $(O)
$(O)/bin/lua_bench: $(O)/tests/bench/lua_bench.o $(O)/libchecks.a $(O)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_checks) $(LIBS_common) -lcmocka
$(O)/bin/lua_puc: CFLAGS_tests = $(call pc,cflags,lua5.4)
$(O)/bin/lua_puc: $(O)/tests/bench/lua_puc.o $(O)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(call pc,libs,lua5.4) $(LIBS_common)

# What the guarantee costs, and how long recovery takes: 1 M flows, 300 K hosts.
bench-keep: deps-test
	+$(Q)$(MAKE) --no-print-directory all $(O)/bin/keep_bench
	$(Q)$(O)/bin/keep_bench
	$(Q)tests/bench/guarantee $(O)
# From the start to the first alert, and from an alert to the program that is told.
bench-latency: all
	$(Q)tests/bench/latency $(O)
$(O)/bin/keep_bench: $(O)/tests/bench/keep.o $(O)/libchecks.a $(O)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_checks) $(LIBS_common) -lcmocka

# A store full of alerts and flows, and what questions to it take. FILL='ALERTS FLOWS HOURS'.
bench-store: deps-test $(O)/bin/fill
	$(Q)d=$$(mktemp -d /var/tmp/weir-fill-XXXXXX) && $(O)/bin/fill $$d $(FILL); rm -rf $$d
$(O)/bin/fill: $(O)/tests/bench/fill.o $(O)/libalertd.a $(O)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_alertd) $(LIBS_common)

# The API under load, see tests/bench/load.
bench-load: deps-test
	+$(Q)$(MAKE) --no-print-directory all $(O)/bin/fill $(O)/bin/load
	$(Q)tests/bench/load $(O)
$(O)/bin/load: $(O)/tests/bench/load.o $(O)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(LIBS_common)

# -- manuals ------------------------------------------------------------------------------------------------------------
MAN_SRC := $(wildcard common/*.7 checks/*.7 common/weir/*.1 $(PROCS:%=%/*.8))
MAN_GEN := $(O)/weir-fields.7 $(O)/weir-checks.7 $(O)/weir.yaml.5

# -- install ------------------------------------------------------------------------------------------------------------
DESTDIR    ?=
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR    ?= $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)
BINDIR     = $(DESTDIR)$(PREFIX)/bin
LIBEXEC    = $(DESTDIR)$(PREFIX)/libexec/weir
MANDIR     = $(DESTDIR)$(PREFIX)/share/man
DATADIR    = $(DESTDIR)$(PREFIX)/share/weir
COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
DOCDIR     = $(DESTDIR)$(PREFIX)/share/doc/weir
UNITS      := $(wildcard etc/systemd/*.service etc/systemd/*.target)
subst_paths = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'

.PHONY: install uninstall deb
install: all
	install -d $(BINDIR) $(LIBEXEC) $(DATADIR)/lua $(DOCDIR) $(DESTDIR)$(SYSCONFDIR)/weir $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d $(MANDIR)/man1 $(MANDIR)/man5 \
		$(MANDIR)/man7 $(MANDIR)/man8
	install -m 755 $(O)/bin/weir $(BINDIR)/weir
	install -m 755 $(PROCS:%=$(O)/bin/weir-%) $(LIBEXEC)
	install -d $(COMPLETIONS)
	install -m 644 $(O)/weir.bash $(COMPLETIONS)/weir
	install -m 644 $(wildcard checks/lua/*.lua) $(DATADIR)/lua
	install -d $(DATADIR)/stubs $(DATADIR)/examples $(DATADIR)/dashboards
	install -m 644 etc/dashboards/grafana.json $(DATADIR)/dashboards
	install -m 644 $(O)/stubs/weir.lua $(DATADIR)/stubs
	install -m 644 $(wildcard checks/lua/examples/*.lua) $(DATADIR)/examples
	install -m 644 LICENSE README.md etc/packaging/third-party.md $(DOCDIR)
	[ -e $(DESTDIR)$(SYSCONFDIR)/weir/weir.yaml ] || \
		install -m 640 etc/weir.yaml $(DESTDIR)$(SYSCONFDIR)/weir/weir.yaml
	for u in $(UNITS); do $(subst_paths) $$u > $(DESTDIR)$(UNITDIR)/$${u##*/} || exit 1; done
	install -m 644 etc/packaging/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/weir.conf
	install -m 644 etc/packaging/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/weir.conf
	for m in $(MAN_SRC) $(MAN_GEN); do install -m 644 $$m $(MANDIR)/man$${m##*.}/ || exit 1; done

# Leaves the configuration and what was stored.
uninstall:
	rm -rf $(LIBEXEC) $(DATADIR) $(DOCDIR)
	rm -f $(BINDIR)/weir $(COMPLETIONS)/weir $(DESTDIR)$(PREFIX)/lib/sysusers.d/weir.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/weir.conf \
		$(UNITS:etc/systemd/%=$(DESTDIR)$(UNITDIR)/%) $(foreach m,$(MAN_SRC) $(MAN_GEN),$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))

deb: deps
	+$(Q)$(MAKE) --no-print-directory O=$(O)/deb PREFIX=/usr all
	$(Q)etc/packaging/mkdeb $(O)/deb $(VERSION)

.PHONY: clean
clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' -type f 2>/dev/null)
