/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The payload of racer.c: ends with status 11, or with 22 when the first or the last byte of a page of its own is 0. That page
 * is the end of the file, so that there are many ways to change it in place. */

#include <sys/syscall.h>

static volatile unsigned char page[4096] __attribute__((aligned(4096), section(".data"))) = { [0 ... 4095] = 1 };

__attribute__((__noreturn__, __used__)) void _start(void);

void _start(void) {
        long r;

        for (;;)
                __asm__ volatile("syscall"
                                 : "=a"(r)
                                 : "0"(SYS_exit_group), "D"(page[0] && page[4095] ? 11L : 22L)
                                 : "rcx", "r11", "memory");
}
