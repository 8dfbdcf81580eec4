/* SPDX-License-Identifier: Apache-2.0
 *
 * lean - a process that waits needs little memory
 */
#include "common/lean.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VDSO "linux-vdso"

/* Segments that the linker's relocations cannot have changed: dropping a
 * changed page would bring the unchanged one back. */
static int drop(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	if (info->dlpi_name && strncmp(info->dlpi_name, VDSO, sizeof(VDSO) - 1) == 0)
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;
		union {
			uintptr_t number;
			void *p;
		} at = { .number = start & ~(page - 1) };

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			(void)madvise(at.p, end - at.number, MADV_DONTNEED);
	}
	return 0;
}

static int has_textrel(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		union {
			uintptr_t number;
			const ElfW(Dyn) *dyn;
		} at = { .number = info->dlpi_addr + p->p_vaddr };

		if (p->p_type != PT_DYNAMIC)
			continue;
		for (; at.dyn->d_tag != DT_NULL; at.dyn++) {
			if (at.dyn->d_tag == DT_TEXTREL)
				return 1;
		}
	}
	return 0;
}

void lean_rest(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)malloc_trim(0);
	if (!dl_iterate_phdr(has_textrel, NULL))
		(void)dl_iterate_phdr(drop, &page);
}
