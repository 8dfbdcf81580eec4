# SPDX-License-Identifier: Apache-2.0
# the OCI runtime; the engine links it, runner-oci is its own front
USES_oci := common
LIBS_oci := $(call slim,libseccomp jansson)
$(eval $(call archive,oci,runner/oci,runner/oci/main.c))
$(eval $(call program,runner-oci,runner/oci/main.c,oci))
