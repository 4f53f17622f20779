# tare: see `make help`. All products are in .build/; nothing generated is committed.
BUILD ?= .build
CC ?= gcc
ifeq ($(origin CC),default)
CC = gcc
endif
OPT ?= -O2
WERROR ?= -Werror
SANITIZE ?=

VERSION := 0.1.0
PACKAGES := yaml-0.1 libcurl jansson libpq libcrypto

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wformat=2 -Wmissing-prototypes \
    -Wstrict-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wimplicit-fallthrough -Wfloat-equal \
    -Wredundant-decls -Winit-self
# -Wnull-dereference is right only with gcc's whole-function analysis; clang has its own extra.
ifneq (,$(findstring clang,$(CC)))
WARN += -Wmissing-variable-declarations -Wno-gnu-zero-variadic-macro-arguments
else
WARN += -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-signedness
endif
HARDEN := -fno-common -fstack-protector-strong -fPIE
ifeq (,$(SANITIZE))
HARDEN += $(if $(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif
CPPFLAGS += -I. -I$(BUILD)/gen -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -DTARE_VERSION='"$(VERSION)"'
CFLAGS_ALL = -std=c11 $(OPT) -g $(WARN) $(WERROR) $(HARDEN) $(SANITIZE) $(PKG_CFLAGS) -ffunction-sections -fdata-sections $(CFLAGS)
LDFLAGS_ALL = $(SANITIZE) -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(LDFLAGS)
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
# Debian 12 has no pkg-config file for snappy, and the one of libical names more libraries than are used.
PKG_LIBS = $(shell pkg-config --libs $(PACKAGES)) -lical -lsnappy -lm -lpthread

LIB_DIRS := stages/common reports pricing pipeline/cli pipeline/run pipeline/kube pipeline/io pipeline/base
STAGES := $(notdir $(patsubst %/main.c,%,$(wildcard stages/*/main.c)))

lib_of = $(BUILD)/lib/lib$(subst /,_,$(1)).a
objects_of = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c)))
STAGE_DIRS := $(filter-out stages/common,$(patsubst %/,%,$(wildcard stages/*/)))
LIBS := $(foreach d,$(LIB_DIRS),$(if $(call objects_of,$(d)),$(call lib_of,$(d))))
STAGE_LIBS := $(foreach d,$(STAGE_DIRS),$(if $(call objects_of,$(d)),$(call lib_of,$(d))))
STAGE_BINS := $(STAGES:%=$(BUILD)/bin/tare-%)
DRIVER_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard pipeline/driver/*.c))
DRIVER := $(if $(wildcard pipeline/driver/main.c),$(BUILD)/bin/tare)
FIXTURE_DIRS := $(sort $(patsubst %/,%,$(dir $(wildcard fixtures/*/main.c))))
# A folder of fixtures/ without a main.c is for all of them and for tests.
FIXTURE_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(FIXTURE_DIRS:%=%/%),$(wildcard fixtures/*/*.c)))
FIXTURES := $(patsubst fixtures/%,$(BUILD)/bin/fixtures/%,$(FIXTURE_DIRS))

SQL := $(sort $(wildcard sql/migrations/*.sql)) $(sort $(wildcard sql/queries/*.sql))
ASSETS := $(sort $(wildcard reports/assets/*)) $(sort $(wildcard pricing/catalogs/*)) stages/mcp/tools.json
GENERATED := $(BUILD)/gen/sql_embed.h $(BUILD)/gen/asset_embed.h
GEN_OBJECTS := $(BUILD)/obj/gen/sql_embed.o $(BUILD)/obj/gen/asset_embed.o
GEN_LIB := $(BUILD)/lib/libgen.a

TEST_SOURCES := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
TEST_BINS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
HARNESS_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %_main.c %_preload.c,$(wildcard tests/harness/*.c))) \
    $(FIXTURE_OBJECTS)
HARNESS_BINS := $(patsubst tests/harness/%_main.c,$(BUILD)/bin/harness/%,$(wildcard tests/harness/*_main.c)) \
    $(patsubst tests/harness/%_preload.c,$(BUILD)/bin/harness/%.so,$(wildcard tests/harness/*_preload.c))

# V=1 shows the commands.
V ?= 0
ifeq ($(V),1)
say = @:
Q =
else
say = @printf '  %-5s %s\n'
Q = @
endif

.PHONY: all setup demo demo-up demo-down check bench storm kill-sweep llm-real lint asan fuzz clean install help readme
.DELETE_ON_ERROR:
.SECONDARY:
all: $(STAGE_BINS) $(DRIVER) $(FIXTURES) ## build everything

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GENERATED)
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/gen/%.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Rebuild when the compiler or its flags change.
FLAGS_TEXT = $(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' > $@
FORCE:

define lib_rule
$(call lib_of,$(1)): $(call objects_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach d,$(LIB_DIRS) $(STAGE_DIRS),$(eval $(call lib_rule,$(d))))

$(GEN_LIB): $(GEN_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Embedded files: SQL keeps its own index, everything else is an asset by its file name.
$(BUILD)/gen/sql_embed.c: $(SQL) sql/embed.awk
	@mkdir -p $(@D)
	$(Q)LC_ALL=C awk -v what=c -f sql/embed.awk $(SQL) > $@
$(BUILD)/gen/sql_embed.h: $(SQL) sql/embed.awk
	@mkdir -p $(@D)
	$(Q)LC_ALL=C awk -v what=h -f sql/embed.awk $(SQL) > $@
$(BUILD)/gen/asset_embed.c: $(ASSETS) .ci/embed-assets
	@mkdir -p $(@D)
	$(Q).ci/embed-assets c $(ASSETS) > $@
$(BUILD)/gen/asset_embed.h: $(ASSETS) .ci/embed-assets
	@mkdir -p $(@D)
	$(Q).ci/embed-assets h $(ASSETS) > $@

# A stage links the logic of its own folder; apply and rollback share code through stages/common.
define stage_rule
$(BUILD)/bin/tare-$(1): $(BUILD)/obj/stages/$(1)/main.o $(filter $(call lib_of,stages/$(1)),$(STAGE_LIBS)) $(LIBS) $(GEN_LIB)
	@mkdir -p $$(@D)
	$$(say) LINK $$@
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach s,$(STAGES),$(eval $(call stage_rule,$(s))))

$(BUILD)/bin/tare: $(DRIVER_OBJECTS) $(LIBS) $(GEN_LIB)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# One program a folder of fixtures/ that has a main.c.
define fixture_rule
$(BUILD)/bin/fixtures/$(notdir $(1)): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c)) $(FIXTURE_OBJECTS) $(LIBS) $(GEN_LIB)
	@mkdir -p $$(@D)
	$$(say) LINK $$@
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach f,$(FIXTURE_DIRS),$(eval $(call fixture_rule,$(f))))

$(BUILD)/tests/unit/%_test: $(BUILD)/obj/tests/unit/%_test.o $(HARNESS_OBJECTS) $(STAGE_LIBS) $(LIBS) $(GEN_LIB)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcmocka

# To be loaded before a program's own libraries; never instrumented itself.
$(BUILD)/bin/harness/%.so: tests/harness/%_preload.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -std=c11 -O2 $(filter-out -Wredundant-decls,$(WARN)) $(WERROR) -fPIC -shared -o $@ $< -ldl

$(BUILD)/bin/harness/%: $(BUILD)/obj/tests/harness/%_main.o $(HARNESS_OBJECTS) $(STAGE_LIBS) $(LIBS) $(GEN_LIB)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# The machine that changes objects, with the code that tare-apply and tare-rollback run, in made-up worlds.
SIM_SEEDS ?= 10000
SIM_FROM ?= 1
$(BUILD)/bin/harness/simulate: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/sim/*.c)) $(LIBS) $(GEN_LIB)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

simulate: $(BUILD)/bin/harness/simulate ## SIM_SEEDS made-up worlds for the machine that changes objects (10000); SIM_SEED=n lives one again
	$< $(if $(SIM_SEED),$(SIM_SEED),$(SIM_FROM) $(SIM_SEEDS) $(shell nproc))

.PHONY: tests-built check-run fuzz-built cluster-tools simulate
tests-built: all $(TEST_BINS) $(HARNESS_BINS)

FUZZ_SOURCES := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SOURCES))
FUZZ_SECONDS ?= 60
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(HARNESS_OBJECTS) $(STAGE_LIBS) $(LIBS) $(GEN_LIB)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)
fuzz-built: $(FUZZ_BINS)

check: ## install what tests need, build, and pass all tests
	.ci/setup build demo check
	$(MAKE) check-run

check-run: tests-built cluster-tools
	.ci/check $(BUILD)

# Only tests need Go. Where there is none, those that need these programs are skipped; CI has to have it.
cluster-tools: ## the Kubernetes API server, helm and kustomize that tests start, built once a version
	tests/cluster/tools.sh build || { [ $$? = 69 ] && [ "$$CI" != true ]; }

cluster-up: ## a whole Kubernetes control plane to play with, with nodes and pods that kwok plays
	.ci/setup build cluster
	tests/cluster/tools.sh build >/dev/null
	tests/cluster/server.sh start $(BUILD)/cluster kube-controller-manager kube-scheduler kwok
	@printf 'export KUBECONFIG=%s PATH=%s:$$PATH\n' "$$(realpath $(BUILD)/cluster/kubeconfig)" "$$(tests/cluster/tools.sh path)"

cluster-down: ## stop what cluster-up started, and forget its objects
	tests/cluster/server.sh stop $(BUILD)/cluster
	rm -rf $(BUILD)/cluster

check-cluster: tests-built cluster-tools ## the tests that need a Kubernetes control plane (make check has them, too)
	MATCH=cluster .ci/check $(BUILD) e2e

lint: tests-built ## the cheap checks of the tree itself
	.ci/check $(BUILD) lint

readme: $(HARNESS_BINS) ## write the reference tables of README.md anew
	.ci/readme $(BUILD)/bin/harness/reference > $(BUILD)/README.md
	cp $(BUILD)/README.md README.md

asan: ## unit and command-line tests under address and undefined-behaviour sanitizers
	$(MAKE) BUILD=$(BUILD)-asan OPT=-O1 SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' tests-built
	.ci/check $(BUILD)-asan unit cli

fuzz: ## every fuzz target for FUZZ_SECONDS seconds (60)
	$(MAKE) BUILD=$(BUILD)-fuzz CC=clang OPT=-O1 SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzz-built
	.ci/fuzz $(BUILD)-fuzz/fuzz $(FUZZ_SECONDS)

storm: all ## many people at once on one ledger, then everything that must hold is asked (STORM_ACTORS=50 STORM_SECONDS=120)
	.ci/setup build check
	tests/perf/storm.sh $(BUILD)

kill-sweep: all cluster-tools ## kill -9 while 20 objects of a real control plane are changed, then --resume or rollback (KILLS=200)
	.ci/setup build check
	tests/perf/kill_sweep.sh $(BUILD)

llm-real: tests-built ## a run of LLM_WORKLOADS workloads (200) on a real model server, where one lies beside the project
	.ci/setup build check
	LLM_WORKLOADS=$${LLM_WORKLOADS:-200} TEST_TIMEOUT=3600 MATCH=llm_real .ci/check $(BUILD) e2e

bench: all $(HARNESS_BINS) ## seconds and peak memory per stage, growth with the number of workloads
	.ci/setup build demo bench
	$(MAKE) tests-built
	tests/perf/bench.sh $(BUILD)

setup: ## install the Debian packages that building and the demo need
	.ci/setup build demo

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

demo: ## the whole line on the demo shop, with a private Prometheus and a private Postgres
	.ci/setup build demo
	$(MAKE) all
	fixtures/demo/demo.sh run $(BUILD)

demo-up: ## as demo, and leave the servers running
	.ci/setup build demo
	$(MAKE) all
	fixtures/demo/demo.sh up $(BUILD)

demo-down: ## stop what demo-up started
	fixtures/demo/demo.sh down $(BUILD)

demo-cluster: ## the whole story on a Kubernetes control plane: run, report, approve, apply, a bad change rolled back by itself
	.ci/setup build demo cluster
	tests/cluster/tools.sh build >/dev/null
	$(MAKE) all
	fixtures/demo/cluster.sh $(BUILD)

DESTDIR ?=
PREFIX ?= /usr/local
install: all ## into DESTDIR/PREFIX: bin/tare, and the stages beside it
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(DRIVER) $(STAGE_BINS) $(DESTDIR)$(PREFIX)/bin

clean: ## remove everything that was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz $(BUILD)-clang

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
