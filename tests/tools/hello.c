/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A payload: says that it ran, and ends with a status by which one knows it. Without a C library: small, so that a race
 * rewrites it quickly, and the same size whatever it says. TEXT and STATUS come from the build; WAIT: it never ends. */

#include <sys/syscall.h>

static const char text[64] = TEXT "\n";
static volatile const int status = STATUS; /* in the data, not in the code: patched copies differ in a few bytes */

static long call(long number, long a, long b, long c) {
        long r;

        __asm__ volatile("syscall" : "=a"(r) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
        return r;
}

__attribute__((__noreturn__, __used__)) void _start(void);

void _start(void) {
        long n = 0;

        while (text[n])
                n++;
        call(SYS_write, 1, (long) text, n);
#ifdef WAIT
        for (;;)
                call(SYS_pause, 0, 0, 0);
#endif
        for (;;)
                call(SYS_exit_group, status, 0, 0);
}
