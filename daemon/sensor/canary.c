/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that the probes try to run: it ends. Without a C library, so that it is one small file and asks the gate
 * for no loader; it runs only to show that it could be stopped. */

#include <sys/syscall.h>

__attribute__((__noreturn__, __used__)) void _start(void);

void _start(void) {
        for (;;) {
#if defined(__x86_64__)
                __asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
                register long status __asm__("x0") = 0, number __asm__("x8") = SYS_exit_group;

                __asm__ volatile("svc #0" : : "r"(number), "r"(status) : "memory");
#else
#error "how does one exit here?"
#endif
        }
}
