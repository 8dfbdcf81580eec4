# SPDX-License-Identifier: Apache-2.0
LIBS_agent := $(call pc,--libs,jansson)
USES_agent := common
$(eval $(call archive,agent,uidmap/agent,))
