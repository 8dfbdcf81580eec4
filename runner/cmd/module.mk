# runner/cmd: one file a command
USES_cmd := engine image oci common
CFLAGS_cmd := $(call pc,--cflags,jansson)
LIBS_cmd := $(call slim,jansson)
$(eval $(call archive,cmd,runner/cmd,))
