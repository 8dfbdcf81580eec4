# runner/cmd: one file a command
USES_cmd := engine image oci common
CFLAGS_cmd := $(call pc,--cflags,jansson)
LIBS_cmd := $(call pc,--libs,jansson)
$(eval $(call archive,cmd,runner/cmd,))
