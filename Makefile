# SPDX-License-Identifier: Apache-2.0
# One non-recursive Makefile. `make help` lists the targets.
#
# Each folder becomes a static library, linked in the order of the layers; tests/unit/<folder>_*.c links
# the libraries its folder may use, so a test cannot reach up.

VARIANT ?= release
OUT := build/$(VARIANT)

CC_release := gcc
CC_check := gcc
CC_tsan := gcc
CC_coverage := gcc
CC_fuzz := clang
CC := $(CC_$(VARIANT))

PACKAGES_core := libcrypto libidn2
PACKAGES_parser := gmime-3.0 libpcre2-8 libseccomp
PACKAGES_ingest := libevent_core libssl opendkim libunbound libpsl
PACKAGES_store := libpq
PACKAGES_api := libmicrohttpd json-c
PACKAGES := $(PACKAGES_core) $(PACKAGES_parser) $(PACKAGES_ingest) $(PACKAGES_store) $(PACKAGES_api)
HAVE_PACKAGES := $(shell pkg-config --exists $(PACKAGES) 2>/dev/null && echo yes)
# Foreign headers are not held to our warnings.
PACKAGE_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wcast-qual -Wswitch-enum -Wconversion
WARNINGS_gcc := -Wnull-dereference
FLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS_check := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
FLAGS_coverage := -O0 --coverage
# gcc defines __SANITIZE_ADDRESS__ itself.
FLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -D__SANITIZE_ADDRESS__
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_check := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_coverage := --coverage
LDFLAGS_fuzz := -fsanitize=address,undefined

# A line a file; V=1 shows the whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $(2)')

CFLAGS := -std=gnu17 -g $(WARNINGS) $(WARNINGS_$(CC)) $(FLAGS_$(VARIANT)) -I. -I$(OUT) \
	-D_GNU_SOURCE $(PACKAGE_CFLAGS) $(EXTRA_CFLAGS)
LDFLAGS := $(LDFLAGS_$(VARIANT))

# Layers, lowest last as the linker wants them: app → api, ingest, parser, store → core.
FOLDERS := app api ingest parser store core
SOURCES = $(wildcard $(1)/*.c $(1)/*/*.c)
OBJECTS = $(patsubst %.c,$(OUT)/%.o,$(call SOURCES,$(1)))
LIBRARIES := $(foreach f,$(FOLDERS),$(OUT)/$(f).a)
LIBRARIES_core := $(OUT)/core.a
LIBRARIES_parser := $(OUT)/parser.a $(OUT)/core.a
LIBRARIES_ingest := $(OUT)/ingest.a $(OUT)/core.a
LIBRARIES_store := $(OUT)/store.a $(OUT)/core.a
LIBRARIES_api := $(OUT)/api.a $(OUT)/store.a $(OUT)/core.a
LIBRARIES_app := $(LIBRARIES)

## all            build build/bounced (the default)
.PHONY: all
all: build/bounced

.PHONY: FORCE
FORCE:
.PRECIOUS: $(OUT)/%.o

# A changed flag rebuilds what it went into.
$(OUT)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(LDFLAGS)' > $@

$(OUT)/%.o: %.c $(OUT)/.flags
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

define FOLDER_RULES
$(OUT)/$(1).a: $(call OBJECTS,$(1))
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULES,$(f))))

# Data that is compiled in: SQL statements, migrations, rules and reporters. A header is made again when a
# file changes, comes or goes.
define EMBED
$(OUT)/$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(sort $(3))' | cmp -s - $$@ || echo '$(sort $(3))' > $$@
$(OUT)/$(1): $(3) $(OUT)/$(1).list deploy/embed.py
	$$(Q)/usr/bin/python3 deploy/embed.py $(2) $(3) > $$@
endef
$(eval $(call EMBED,store/statements.h,sql,$(wildcard store/sql/*.sql)))
$(eval $(call EMBED,store/migrations.h,files,$(wildcard migrations/*.sql)))
$(eval $(call EMBED,parser/builtin_rules.h,files,$(wildcard parser/rules/*.rules)))
$(eval $(call EMBED,ingest/builtin_reporters.h,files,$(wildcard ingest/reporters/*.reporters)))
$(call OBJECTS,ingest) $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/*/*.c)): | $(OUT)/ingest/builtin_reporters.h
$(call OBJECTS,store): | $(OUT)/store/statements.h $(OUT)/store/migrations.h
$(call OBJECTS,parser): | $(OUT)/parser/builtin_rules.h

$(OUT)/bounced: $(LIBRARIES)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(OUT)/app/main.o $(LIBRARIES) $(PACKAGE_LIBS) -lpthread

build/bounced: FORCE
	@$(MAKE) --no-print-directory VARIANT=release build/release/bounced
	@cmp -s build/release/bounced $@ || { cp build/release/bounced $@.new && mv $@.new $@; }

# -- tests --

UNIT_TESTS = $(patsubst tests/unit/%.c,$(OUT)/tests/unit/%,$(wildcard tests/unit/*.c))
DB_TESTS = $(patsubst tests/db/%.c,$(OUT)/tests/db/%,$(wildcard tests/db/*.c))
FOLDER_OF = $(firstword $(subst _, ,$(notdir $(1))))

# A rule each: one with two patterns would be taken to make both programs of an equal name at once.
.SECONDEXPANSION:
define TEST_RULES
$(OUT)/tests/$(1)/%: $(OUT)/tests/$(1)/%.o $$$$(LIBRARIES_$$$$(call FOLDER_OF,$$$$*))
	$$(CC) $$(LDFLAGS) -o $$@ $$< $$(LIBRARIES_$$(call FOLDER_OF,$$*)) $$(PACKAGE_LIBS) -lcmocka -lpthread
endef
$(foreach group,unit db,$(eval $(call TEST_RULES,$(group))))

# The program with a parser that some messages kill or hang.
$(OUT)/tests/e2e/poisoned: $(OUT)/tests/e2e/poison.o $(LIBRARIES)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=parser_parse -o $@ $(OUT)/app/main.o $< $(LIBRARIES) $(PACKAGE_LIBS) -lpthread

.PHONY: units
units: $(UNIT_TESTS) $(DB_TESTS)

# Makes calls of the program as it is shipped fail. It has the C library's functions itself.
$(OUT)/tests/e2e/faults.so: tests/e2e/faults.c $(OUT)/.flags
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -U_FORTIFY_SOURCE -fPIC -shared -MMD -MP -o $@ $<

-include $(wildcard $(OUT)/*/*.d $(OUT)/*/*/*.d)

# -- checks, benchmarks --
# tests/run builds what it runs and prints a line a test. T is the time of one fuzz target in seconds, RUNS
# the number of its executions instead.

T ?= 60
TESTS := /usr/bin/python3 tests/run
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*_*.c))
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(OUT)/tests/fuzz/%)
BENCH_PROGRAMS := $(OUT)/bench/smtp_load $(OUT)/bench/bare_insert $(OUT)/bench/bare_gmime

## check          install what is missing, build with sanitizers, run every test
## check-unit     one kind of tests: check-unit, check-db, check-e2e
.PHONY: check check-unit check-db check-e2e
check:
	@deploy/install-packages check
	@$(TESTS)
check-unit check-db check-e2e: check-%:
	@$(TESTS) $*

## lint           check layers, format, rules and sources; runs no service
.PHONY: lint
lint:
	@deploy/install-packages check
	@$(MAKE) --no-print-directory build/bounced
	@FLAGS='$(CFLAGS)' tests/lint/run

# The same tests under other watchers. The sanitizers' own findings fail a test.
## tsan           unit and database tests under the thread sanitizer
## memcheck       unit tests under valgrind
## coverage       which lines the tests reach
.PHONY: tsan memcheck coverage
tsan:
	@$(TESTS) --variant tsan unit db
memcheck:
	@$(TESTS) --variant release --memcheck unit
# Counts are written by whatever user a service becomes, too.
coverage:
	@rm -f $$(find build/coverage -name '*.gcda' 2>/dev/null)
	@umask 0 && $(TESTS) --variant coverage lint unit db e2e
	@/usr/bin/python3 tests/coverage.py build/coverage

# A fuzz target is LLVMFuzzerTestOneInput() in tests/fuzz/<folder>_<thing>.c, linked like a unit test. In
# the fuzz variant libFuzzer drives it; in all others replay.c runs its seeds.
FUZZ_DRIVER = $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(OUT)/tests/fuzz/replay.o)
$(FUZZ_PROGRAMS): $(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o \
		$$(LIBRARIES_$$(call FOLDER_OF,$$*))
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(FUZZ_DRIVER) $(LIBRARIES_$(call FOLDER_OF,$*)) $(PACKAGE_LIBS) -lpthread
units: $(FUZZ_PROGRAMS)

MORE_SEEDS_parser_message := tests/fixtures

## fuzz-TARGET    one of tests/fuzz/ for T seconds (60), or RUNS executions
.PHONY: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: FORCE
	@$(MAKE) --no-print-directory VARIANT=fuzz build/fuzz/tests/fuzz/$*
	@mkdir -p build/fuzz/corpus/$*
	G_SLICE=always-malloc build/fuzz/tests/fuzz/$* $(if $(RUNS),-runs=$(RUNS),-max_total_time=$(T)) \
		-timeout=5 -rss_limit_mb=2048 -print_final_stats=1 build/fuzz/corpus/$* tests/fuzz/seeds/$* \
		$(MORE_SEEDS_$*)

## fuzz-all       every target: 1,000,000 executions each, 100,000 of whole messages
.PHONY: fuzz-all
fuzz-all:
	@$(MAKE) --no-print-directory RUNS=1000000 $(patsubst %,fuzz-%,$(filter-out parser_message,$(FUZZ_TARGETS)))
	@$(MAKE) --no-print-directory RUNS=100000 fuzz-parser_message

$(BENCH_PROGRAMS): $(OUT)/bench/%: $(OUT)/bench/%.o $(OUT)/bench/spool.o $(OUT)/store.a $(OUT)/core.a
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)
## bench          measure; writes build/bench.json
.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)
bench:
	@$(MAKE) --no-print-directory VARIANT=release build/bounced bench-programs
	@/usr/bin/python3 bench/run

# Long campaigns: the tests that check runs short, at full length.
## soak           the long tests at full length
.PHONY: soak
soak:
	@BOUNCED_SOAK=1 $(TESTS) e2e reliability connections abuse faults

# -- running and installing --
# A line that begins with two hashes is what `make help` prints.

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help
help:
	@sed -n 's/^## /  make /p' $(firstword $(MAKEFILE_LIST))

## run            install what is missing, build, and serve with a database of its own in var/
.PHONY: run
run: deps-run
	@$(MAKE) --no-print-directory build/bounced
	@deploy/run

## deps-run       install the Debian packages that building and running needs
.PHONY: deps-run
deps-run:
	@deploy/install-packages run

## deps-check     install those that the tests and linters need as well
.PHONY: deps-check
deps-check:
	@deploy/install-packages check

## install        into DESTDIR and PREFIX (/usr/local): program, systemd unit, example configuration
.PHONY: install
install: build/bounced
	install -D -m 755 build/bounced $(DESTDIR)$(PREFIX)/bin/bounced
	install -D -m 644 deploy/bounced.conf.example $(DESTDIR)/etc/bounced/bounced.conf.example
	install -D -m 644 deploy/bounced.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/bounced.conf
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' deploy/bounced.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/bounced.service
