# SPDX-License-Identifier: Apache-2.0
LIBS_uidmap := $(call pc,--libs,jansson)
USES_uidmap := agent common
$(eval $(call archive,uidmap,uidmap,uidmap/newuidmap.c uidmap/newgidmap.c uidmap/main.c))
$(eval $(call program,newuidmap,uidmap/newuidmap.c,uidmap))
$(eval $(call program,newgidmap,uidmap/newgidmap.c,uidmap))
$(eval $(call program,uidmap,uidmap/main.c,uidmap))

# The folder of the programs: what was installed, or BINDIR=build/bin
install-caps: ## as root: let the installed mappings map granted ids (BINDIR=build/bin: those just built)
	setcap cap_setuid,cap_setgid+ep $(DESTDIR)$(BINDIR)/newuidmap
	setcap cap_setgid+ep $(DESTDIR)$(BINDIR)/newgidmap
.PHONY: install-caps
