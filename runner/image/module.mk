# SPDX-License-Identifier: Apache-2.0
#
# libcurl, libarchive, libcrypto, libzstd and libisal are not linked but loaded
# when a pull, a load or an unpack begins (lazy.c): linked, they cost every
# start 6 ms.
HAVE_ISAL ?= $(if $(call pc,--libs,libisal),1,0)
CFLAGS_image := $(call pc,--cflags,jansson libzstd zlib libcurl libarchive libcrypto) -DHAVE_ISAL=$(HAVE_ISAL)
# For the tests, which make what is unpacked; --as-needed leaves them out of runner.
LIBS_image := $(call slim,jansson) $(call pc,--libs,libzstd zlib) -lpthread
USES_image := common
$(eval $(call archive,image,runner/image,))
