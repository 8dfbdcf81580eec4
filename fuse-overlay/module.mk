# fuse-overlay/module.mk
CFLAGS_fuse-overlay := $(call pc,--cflags,fuse3)
LIBS_fuse-overlay := $(call pc,--libs,fuse3)
USES_fuse-overlay := common
$(eval $(call archive,fuse-overlay,fuse-overlay,fuse-overlay/main.c))
$(eval $(call program,fuse-overlay,fuse-overlay/main.c,fuse-overlay))
# allocations that fail, one after the other
LDFLAGS_test_oom := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
