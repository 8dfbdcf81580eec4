# SPDX-License-Identifier: Apache-2.0
#
# The built-in image. Its program runs inside containers: static, and never
# built with a sanitizer.
HELLO := $(O)/hello/hello
HELLO_IMAGE := $(B)/share/runner/images/hello/index.json

$(HELLO): runner/hello/hello.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) $(if $(filter 1,$(WERROR)),-Werror) -Os -static -s -o $@ $<

$(HELLO_IMAGE): $(HELLO) runner/hello/mkimage.sh
	@echo '  IMAGE   $(@D)'
	@runner/hello/mkimage.sh $(HELLO) $(@D)

DATA_FILES += $(HELLO_IMAGE)
