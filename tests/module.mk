# SPDX-License-Identifier: Apache-2.0
#
# A unit test is tests/unit/COMPONENT/test_MODULE.c and links COMPONENT's
# archive. A fuzz target is tests/fuzz/fuzz_FORMAT.c; its second line says
# which archive it links ("fuzz: COMPONENT"). System tests are bats files.

UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(O)/%)
CMOCKA_LIBS = $(call pc,--libs,cmocka)

component_of = $(notdir $(patsubst %/,%,$(dir $(1))))
fuzz_component = $(shell sed -n 's/.*fuzz: *\([a-z-]*\).*/\1/p' $(1) | head -n 1)

define unit_test
$(O)/$(1:%.c=%): $(O)/obj/$(1:%.c=%.o) $$(call archives_of,$(2))
	@mkdir -p $$(@D)
	$(Q)$$(CC) $$(ALL_LDFLAGS) $$(LDFLAGS_$(notdir $(1:%.c=%))) -o $$@ $$< \
		-Wl,--start-group $$(call archives_of,$(2)) -Wl,--end-group $$(call libs_of,$(2)) $$(CMOCKA_LIBS)
$(O)/obj/$(1:%.c=%.o): ARCHIVE_CFLAGS := $$(foreach a,$$(call closure,$(2)),$$(CFLAGS_$$(a)))
endef
$(foreach t,$(UNIT_SRC),$(eval $(call unit_test,$(t),$(call component_of,$(t)))))

# The same target file runs its corpus everywhere (replay.c) and fuzzes
# where it is built by clang with VARIANT=fuzz.
FUZZ_MAIN = $(if $(filter fuzz,$(VARIANT)),,$(O)/obj/tests/fuzz/replay.o)
define fuzz_target
$(O)/$(1:%.c=%): $(O)/obj/$(1:%.c=%.o) $(FUZZ_MAIN) $$(call archives_of,$(2))
	@mkdir -p $$(@D)
	$(Q)$$(CC) $$(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $$@ $$< $(FUZZ_MAIN) \
		-Wl,--start-group $$(call archives_of,$(2)) -Wl,--end-group $$(call libs_of,$(2))
$(O)/obj/$(1:%.c=%.o): ARCHIVE_CFLAGS := $$(foreach a,$$(call closure,$(2)),$$(CFLAGS_$$(a)))
endef
$(foreach t,$(FUZZ_SRC),$(eval $(call fuzz_target,$(t),$(call fuzz_component,$(t)))))

NET_SOAK = PATH="$$PATH:/usr/sbin:/sbin" unshare $(if $(filter 0,$(shell id -u)),-nm,-rnm) python3 tests/helpers/net_soak.py

.PHONY: soak-net soak-oci check-unit check-system check-peers check-vm check-run fuzz fuzz-replay soak soak-overlay kill-overlay fault-overlay stress-overlay

check-unit: $(UNIT_BIN) $(FUZZ_BIN) ## unit tests and the fuzz corpora
	@tests/run unit $(O)

fuzz-replay: $(FUZZ_BIN) ## run every fuzz target over its corpus
	@tests/run fuzz $(O)

check-system: all $(TEST_HELPERS) ## system tests (bats) as unprivileged users
	@tests/run system $(O) $(B)/bin $(BATS)

check-run: all $(UNIT_BIN) $(FUZZ_BIN) $(TEST_HELPERS)
	@tests/run all $(O) $(B)/bin $(BATS)

check-peers: deps-peers ## Debian's podman, containerd and rootlesskit with our programs in their places
	@$(MAKE) --no-print-directory all
	@SUITE_TIMEOUT=7200 STALL=1800 tests/run system $(O) $(B)/bin $(or $(BATS),tests/peers)

check-vm: deps-vm ## tests/vm, or BATS=: in a virtual machine with systemd, cgroup controllers, AppArmor, another kernel
	@$(MAKE) --no-print-directory all
	@tests/vm/run $(B)/bin $(BATS)

soak: soak-net soak-oci soak-overlay kill-overlay fault-overlay stress-overlay ## every long campaign

soak-net: all ## CONNECTIONS=200000: connections after another, at once, and over a wire with delay and loss
	@$(NET_SOAK) churn $(B)/bin/slirp-net $(or $(CONNECTIONS),200000)
	@$(NET_SOAK) many $(B)/bin/slirp-net $$(($$(ulimit -Hn) / 2 > 20050 ? 20000 : $$(ulimit -Hn) / 2 - 50))
	@$(NET_SOAK) limit $(B)/bin/slirp-net 300
	@$(NET_SOAK) wire $(B)/bin/slirp-net 1000000 576,1500,9000,65520 10,100 1

soak-oci: all ## ROUNDS=1000 AT_ONCE=100: containers of runner-oci after another and at once
	@OCI_ROUNDS=$(or $(ROUNDS),1000) OCI_AT_ONCE=$(or $(AT_ONCE),100) SUITE_TIMEOUT=7200 STALL=3600 tests/run system $(O) $(B)/bin \
		tests/system/420-oci-crash.bats

soak-overlay: all ## OPS=100000 SEED= OPTIONS=: random operations on an overlay mount against a plain folder
	@dir=$$(mktemp -d) && unshare $(if $(filter 0,$(shell id -u)),-m,-rm --map-auto) python3 \
		tests/helpers/overlay_soak.py $(B)/bin/fuse-overlay $$dir $(or $(OPS),100000) \
		$(or $(SEED),$$(date +%s)) "$(OPTIONS)" && rm -rf $$dir

kill-overlay: all ## ROUNDS=200: kill -9 of the overlay server in the middle of copying up, and at every step of its start
	@dir=$$(mktemp -d) && for what in kill start; do \
		unshare $(if $(filter 0,$(shell id -u)),-m,-rm --map-auto) python3 tests/helpers/overlay_$$what.py \
		$(B)/bin/fuse-overlay $$dir/$$what $(or $(ROUNDS),200) || exit 1; done; rm -rf $$dir

fault-overlay: all ## DEPTH=12 ERRNOS="EIO ENOSPC ENOMEM": every system call of the overlay server fails, the Nth of each kind
	@dir=$$(mktemp -d) && unshare $(if $(filter 0,$(shell id -u)),-m,-rm --map-auto) python3 \
		tests/helpers/overlay_faults.py $(B)/bin/fuse-overlay $$dir $(or $(DEPTH),12) $(or $(ERRNOS),EIO ENOSPC ENOMEM) && \
		rm -rf $$dir

stress-overlay: deps-stress ## SECONDS=600 OPTIONS=: fsx, fio with verify, stress-ng on an overlay mount; for VARIANT=asan and tsan
	@$(MAKE) --no-print-directory all
	@dir=$$(mktemp -d) && unshare $(if $(filter 0,$(shell id -u)),-m,-rm --map-auto) bash \
		tests/helpers/overlay_stress.sh $(abspath $(B)/bin/fuse-overlay) $$dir $(or $(SECONDS),600) "$(OPTIONS)" && \
		rm -rf $$dir

fuzz: ## FUZZ=NAME SECONDS=600: fuzz one format with libFuzzer (clang)
	$(MAKE) VARIANT=fuzz CC=clang build/fuzz/tests/fuzz/fuzz_$(FUZZ)
	mkdir -p build/fuzz/found/$(FUZZ)
	build/fuzz/tests/fuzz/fuzz_$(FUZZ) -max_total_time=$(or $(SECONDS),600) \
		-artifact_prefix=build/fuzz/found/ build/fuzz/found/$(FUZZ) tests/fuzz/corpus/$(FUZZ)

include tests/bench/bench.mk
