/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may load modules and kernels is asked to try that with the probe's file: a service has no capability for it, and then the
 * kernel refuses before any hook is asked. Its word alone claims nothing: the hook itself must have told, too.
 *
 * Both ends: a byte DEPUTY_MODULE or DEPUTY_KEXEC comes with the file's descriptor, and an int32_t goes back: 0 or a negative
 * errno. */

#define DEPUTY_SOCKET "/run/sealwatch/probe"

typedef enum DeputyOrder {
        DEPUTY_MODULE = 'm',
        DEPUTY_KEXEC = 'k',
} DeputyOrder;

/* 0 or what the kernel said; -ENOLINK when there is nobody to ask, or no answer. Waits some seconds at most. */
int deputy_try(const char *socket, DeputyOrder order, int fd);
