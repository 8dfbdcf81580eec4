# runner/engine: containers: records, ids, root file system, network, monitor
USES_engine := image oci common
CFLAGS_engine := $(call pc,--cflags,jansson)
LIBS_engine := $(call slim,jansson)
$(eval $(call archive,engine,runner/engine,))
