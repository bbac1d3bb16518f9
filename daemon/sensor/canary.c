/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that the probes try to run: it ends. With an argument it gives up its capabilities, so that who started it may trace it,
 * waits on its standard input, asks to be traced, says whether that was let, and waits again. Without a C library, so that it is one small file and asks the gate for no
 * loader; it runs only to show that it could be stopped. */

#include <linux/capability.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

__attribute__((__noreturn__, __used__)) void begin(long arguments);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov (%rsp), %rdi\n\tcall begin\n");

static long call(long number, long a, long b, long c) {
        long r = number;

        __asm__ volatile("syscall" : "+a"(r) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
        return r;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tldr x0, [sp]\n\tbl begin\n");

static long call(long number, long a, long b, long c) {
        register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x8 __asm__("x8") = number;

        __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
        return x0;
}
#else
#error "how does one call the kernel here?"
#endif

void begin(long arguments) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct nothing[2] = {};
        char c = 0;

        if (arguments > 1)
                call(SYS_capset, (long) &header, (long) nothing, 0);
        if (arguments > 1 && call(SYS_read, 0, (long) &c, 1) == 1) {
                c = call(SYS_ptrace, PTRACE_TRACEME, 0, 0) == 0 ? 'y' : 'n';
                call(SYS_write, 0, (long) &c, 1);
                call(SYS_read, 0, (long) &c, 1);
        }
        for (;;)
                call(SYS_exit_group, 0, 0, 0);
}
