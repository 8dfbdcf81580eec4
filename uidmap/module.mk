# SPDX-License-Identifier: Apache-2.0
$(eval $(call archive,uidmap,uidmap,uidmap/newuidmap.c uidmap/newgidmap.c))
USES_uidmap := common
$(eval $(call program,newuidmap,uidmap/newuidmap.c,uidmap))
$(eval $(call program,newgidmap,uidmap/newgidmap.c,uidmap))

# The folder of the programs: what was installed, or BINDIR=build/bin
install-caps: ## as root: let the installed mappers map granted ids (BINDIR=build/bin: those just built)
	setcap cap_setuid+ep $(DESTDIR)$(BINDIR)/newuidmap
	setcap cap_setgid+ep $(DESTDIR)$(BINDIR)/newgidmap
.PHONY: install-caps
