# SPDX-License-Identifier: Apache-2.0
#
# One make process for everything; a folder adds itself by its module.mk.
# "make help" lists the targets. VARIANT=release|dev|asan|tsan|cov chooses
# flags and a build folder of its own; WERROR=1 turns warnings into errors.

VARIANT ?= release
WERROR ?= 0
ifeq ($(origin CC),default)
CC := gcc
endif
# V=1 shows whole commands
Q := $(if $(filter 1,$(V)),,@)
PREFIX ?= /usr/local
DESTDIR ?=
export VARIANT
VERSION := 0.1.0

BINDIR := $(PREFIX)/bin
LIBEXECDIR := $(PREFIX)/libexec/runner
DATADIR := $(PREFIX)/share/runner
MANDIR := $(PREFIX)/share/man
COMPLETIONDIR := $(PREFIX)/share/bash-completion/completions

# Debian 12 packages: to build, and to test
DEPS_BUILD := gcc make pkg-config libslirp-dev libglib2.0-dev \
	libfuse3-dev libcap-dev libseccomp-dev libjansson-dev libarchive-dev \
	libzstd-dev libcurl4-openssl-dev libssl-dev libisal-dev
DEPS_RUN := fuse3 libcap2-bin ca-certificates
# the demo fetches its page with it
DEPS_DEMO := curl
DEPS_TEST := libcmocka-dev bats curl iproute2 procps util-linux tmux skopeo docker-registry \
	mmdebstrap busybox-static netcat-openbsd python3 jq attr acl mandoc iperf3 tcpdump \
	universal-ctags strace bind9-dnsutils iputils-ping uidmap podman buildah nftables zstd \
	fuse-overlayfs
DEPS_STRESS := fio stress-ng
# the engines that tests/peers runs on our programs
DEPS_PEERS := podman conmon buildah containerd runc rootlesskit slirp4netns
# the machine itself; what runs inside is on the disk that it makes
DEPS_VM := qemu-system-x86 seabios mmdebstrap e2fsprogs busybox-static

O := build/$(VARIANT)
# the default variant's programs are the product, at a fixed place
B := $(if $(filter release,$(VARIANT)),build,$(O))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

pc = $(shell pkg-config $(1) $(2) 2>/dev/null)

# LIBRARIES from their archives where the -dev package has one: a program that
# starts in milliseconds pays a tenth of one for each library that is looked for.
# SHARED=1 links with the shared ones all the same.
slim = $(foreach l,$(1),$(or $(if $(SHARED),,$(wildcard \
	$(call pc,--variable=libdir,$(l))/$(patsubst %,lib%.a,$(patsubst lib%,%,$(l))))),$(call pc,--libs,$(l))))

# --- flags ------------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Walloca -Wwrite-strings \
	-Wcast-qual -Wpointer-arith -Wstrict-prototypes -Wold-style-definition \
	-Wmissing-prototypes -Wmissing-declarations -Wredundant-decls -Wformat=2 \
	-Wimplicit-fallthrough -Wdate-time -Wswitch-enum -Wno-missing-field-initializers
WARN_CLANG := -Wno-gnu-statement-expression -Wno-unknown-warning-option
WARN_GCC := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init \
	-Wformat-signedness -Wimplicit-fallthrough=5 -ftrivial-auto-var-init=zero
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	-fno-common -fno-strict-overflow -fno-delete-null-pointer-checks -fPIE

OPT_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
OPT_dev := -O1 -g
OPT_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
OPT_cov := -O0 -g --coverage
OPT_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined

IS_CLANG := $(findstring clang,$(CC))
BASE := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVERSION='"$(VERSION)"' \
	-DLIBEXECDIR='"$(LIBEXECDIR)"' -DDATADIR='"$(DATADIR)"' -DBINDIR='"$(BINDIR)"' \
	-I. -I$(O)/gen
ALL_CFLAGS = $(BASE) $(WARN) $(if $(IS_CLANG),$(WARN_CLANG),$(WARN_GCC)) $(if $(filter 1,$(WERROR)),-Werror) \
	$(HARDEN) $(OPT_$(VARIANT)) -include common/banned.h $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed \
	$(filter -fsanitize=% --coverage,$(OPT_$(VARIANT))) $(LDFLAGS)

# --- the three helpers that module.mk files use -------------------------------

# archive NAME,FOLDER,MAINS: every .c of FOLDER but MAINS goes into NAME.a.
# Per-archive extras: CFLAGS_NAME, LIBS_NAME (linker words), USES_NAME (archives).
define archive
SRC_$(1) := $$(filter-out $(3),$$(wildcard $(2)/*.c))
OBJ_$(1) := $$(SRC_$(1):%.c=$(O)/obj/%.o)
$$(OBJ_$(1)) $(patsubst %.c,$(O)/obj/%.o,$(3)): ARCHIVE_CFLAGS := $$(CFLAGS_$(1))
$(O)/$(1).a: $$(OBJ_$(1))
	@rm -f $$@
	$(Q)ar crs $$@ $$(OBJ_$(1))
ALL_SRC += $$(SRC_$(1)) $(3)
ARCHIVES += $(1)
endef

# the archives NAME needs, itself first, users before used
closure = $(1) $(foreach u,$(USES_$(1)),$(call closure,$(u)))
archives_of = $(foreach a,$(call closure,$(1)),$(O)/$(a).a)
libs_of = $(foreach a,$(call closure,$(1)),$(LIBS_$(a)))

# program NAME,MAIN,ARCHIVE: links MAIN with ARCHIVE and all that it uses
define program
$(B)/bin/$(1): $(patsubst %.c,$(O)/obj/%.o,$(2)) $$(call archives_of,$(3))
	@mkdir -p $$(@D)
	@echo '  LINK    $$@'
	$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $(patsubst %.c,$(O)/obj/%.o,$(2)) \
		-Wl,--start-group $$(call archives_of,$(3)) -Wl,--end-group $$(call libs_of,$(3)) $$(LIBS_program_$(1))
PROGRAMS += $(1)
endef

# --- folders ------------------------------------------------------------------

include common/module.mk
include $(sort $(wildcard uidmap/module.mk uidmap/agent/module.mk slirp-net/module.mk fuse-overlay/module.mk))
include $(sort $(wildcard runner/*/module.mk runner/module.mk))
include tests/module.mk

all: $(PROGRAMS:%=$(B)/bin/%) $(DATA_FILES)

# --- rules --------------------------------------------------------------------

# A changed compiler or flag rebuilds everything (as git's GIT-CFLAGS does)
FLAGS_NOW := $(CC) $(ALL_CFLAGS) $(foreach a,$(ARCHIVES),$(CFLAGS_$(a)))
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@

$(O)/obj/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(ARCHIVE_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)

.PHONY: FORCE all help deps deps-build deps-peers deps-vm install uninstall clean demo check lint format hdr-check tidy cppcheck man tags
FORCE:

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 18
	@echo 'variables: VARIANT=release|dev|asan|tsan|cov WERROR=1 PREFIX= DESTDIR='

# sudo only where it is needed and only when something is missing
define install_missing
	@missing=$$(for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "installing:" $$missing; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		$$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

deps-build: ## install the Debian packages needed to build and for the demo
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_DEMO))

deps: ## install the Debian packages needed to build and test
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST))

deps-stress:
	$(call install_missing,$(DEPS_STRESS))

deps-peers: deps
	$(call install_missing,$(DEPS_PEERS))

deps-vm:
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_VM))

demo: deps-build ## build, serve a page from a container without privilege, fetch it, show it
	@$(MAKE) --no-print-directory all
	@tests/demo.sh $(B)/bin

check: deps ## set up, build, and pass all tests
	@$(MAKE) --no-print-directory all check-run

install: all ## install programs, man pages, completion, data into PREFIX (DESTDIR respected)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(COMPLETIONDIR)
	install -m 755 $(PROGRAMS:%=$(B)/bin/%) $(DESTDIR)$(BINDIR)
	$(foreach m,$(wildcard docs/man/*.1),install -m 644 $(m) $(DESTDIR)$(MANDIR)/man1$(newline))
	$(foreach m,$(wildcard docs/man/*.5),install -m 644 $(m) $(DESTDIR)$(MANDIR)/man5$(newline))
	install -m 644 runner/completion/runner.bash $(DESTDIR)$(COMPLETIONDIR)/runner
	cp -R $(B)/share/runner/. $(DESTDIR)$(DATADIR)
	chmod -R u=rwX,go=rX $(DESTDIR)$(DATADIR)
	@echo 'as root, "make install-caps PREFIX=$(PREFIX)" lets users map their subordinate ids'

uninstall: ## remove what install put into PREFIX
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%) \
		$(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man1/%,$(wildcard docs/man/*.1)) \
		$(patsubst docs/man/%,$(DESTDIR)$(MANDIR)/man5/%,$(wildcard docs/man/*.5)) \
		$(DESTDIR)$(COMPLETIONDIR)/runner
	rm -rf $(DESTDIR)$(DATADIR)

clean: ## remove everything that was built
	rm -rf build

lint: ## layers and names (these fail), sizes (these are shown)
	@tests/lint/layers
	@tests/lint/docs
	@tests/lint/funclen

format: ## let clang-format lay out every source
	clang-format -i $$(git ls-files '*.c' '*.h')

hdr-check: ## every header compiles alone
	@for h in $$(git ls-files '*.h'); do case $$h in tests/*) continue;; esac; \
		$(CC) $(BASE) $(WARN) -Werror $(sort $(foreach a,$(ARCHIVES),$(CFLAGS_$(a)))) \
			-fsyntax-only -include common/banned.h -x c -Wno-unused -Wno-pragma-once-outside-header $$h || exit 1; done
	@echo 'hdr-check: all headers compile alone'

tidy: ## clang-tidy over every source
	clang-tidy --quiet $$(git ls-files '*.c') -- $(BASE) $(sort $(foreach a,$(ARCHIVES),$(CFLAGS_$(a))))

cppcheck: ## cppcheck over every source
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		-I. -D_GNU_SOURCE $$(git ls-files '*.c')

define newline


endef
