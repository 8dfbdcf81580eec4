# SPDX-License-Identifier: Apache-2.0
LIBS_agent := $(call pc,--libs,jansson)
USES_agent := common
$(eval $(call archive,agent,uidmap/agent,))

# the seccomp allow-list comes from the sources themselves
$(O)/gen/uidmap/agent/syscalls.h: common/syscalls.sh $(wildcard uidmap/agent/*.c)
	@mkdir -p $(@D)
	$(Q)common/syscalls.sh syscalls=SYSCALLS_AGENT -- $(filter %.c,$^) >$@
$(O)/obj/uidmap/agent/confine.o: $(O)/gen/uidmap/agent/syscalls.h
