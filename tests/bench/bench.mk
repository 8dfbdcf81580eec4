# SPDX-License-Identifier: Apache-2.0
#
# make bench: ours and the peers, alternately, as an ordinary user.
# ONLY=GROUP… QUICK=1 PEERS="NAME=PATH …" ROUNDS=N; tests/bench/bench.py --help
DEPS_BENCH := podman crun slirp4netns passt fuse-overlayfs bubblewrap skopeo umoci \
	docker-registry mmdebstrap busybox-static iperf3 iproute2 uidmap python3 util-linux

BENCH_SRC := $(wildcard tests/bench/*.c)
BENCH_BIN := $(BENCH_SRC:%.c=$(O)/%)
BENCH_OUT := build/bench
BENCH_IMAGE := $(BENCH_OUT)/inputs/debian/index.json

# measuring programs are alike in every variant and run inside images without
# a C library: static, without sanitizers
$(BENCH_BIN): $(O)/%: %.c common/num.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -I. $(WARN) $(if $(filter 1,$(WERROR)),-Werror) \
		-O2 -static -o $@ $< common/num.c

# the only step that asks a Debian mirror; make bench itself downloads nothing
$(BENCH_IMAGE): tests/bench/mkdebian.py
	@mkdir -p $(dir $(@D))
	tests/bench/mkdebian.py $(@D)

.PHONY: bench bench-deps bench-helpers bench-page
bench-helpers: $(BENCH_BIN)

bench-deps: ## install the peers that "make bench" measures against, make its Debian image
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_BENCH))
	@$(MAKE) --no-print-directory $(BENCH_IMAGE)

bench: all $(BENCH_BIN) ## measure ours and the peers (ONLY=start|exec|memory|many|net|overlay|pull|notify|scale QUICK=1 PEERS=)
	@BENCH_COMMIT=$$(git describe --always --dirty 2>/dev/null) tests/bench/bench.py --bin $(B)/bin --helpers $(O)/tests/bench --out $(BENCH_OUT) \
		$(if $(QUICK),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) $(ONLY:%=--only %) $(PEERS:%=--peer %)

bench-page: ## put the tables of the last "make bench" into docs/BENCHMARKS.md
	@tests/bench/page.py $(BENCH_OUT) docs/BENCHMARKS.md
