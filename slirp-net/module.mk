# SPDX-License-Identifier: Apache-2.0
# only libslirp's header: the library is loaded at run time (stack.c); its .pc
# asks for glib-2.0.pc, which libslirp-dev does not pull in
CFLAGS_slirp-net := $(call pc,--cflags,jansson) -I/usr/include/slirp
LIBS_slirp-net := $(call slim,jansson)
USES_slirp-net := common
$(eval $(call archive,slirp-net,slirp-net,slirp-net/main.c))
$(eval $(call program,slirp-net,slirp-net/main.c,slirp-net))

# the seccomp allow-list comes from the sources themselves
$(O)/gen/slirp-net/syscalls.h: common/syscalls.sh $(wildcard slirp-net/*.c)
	@mkdir -p $(@D)
	$(Q)common/syscalls.sh syscalls=SYSCALLS_MAIN syscalls:broker=SYSCALLS_BROKER -- $(filter %.c,$^) >$@
$(O)/obj/slirp-net/seccomp.o: $(O)/gen/slirp-net/syscalls.h
