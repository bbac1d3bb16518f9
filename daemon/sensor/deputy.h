/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service's sandbox keeps from the daemon, another process does for it.
 *
 * Who may load modules and kernels is asked to try that with the probe's file: a service has no capability for it, and then the
 * kernel refuses before any hook is asked. Its word alone claims nothing: the hook itself must have told, too. And who may write to
 * cgroups is asked to put the process that asks into one.
 *
 * Both ends: a byte DEPUTY_MODULE or DEPUTY_KEXEC comes with the file's descriptor, a byte DEPUTY_JOIN with the path of a
 * directory behind it, and an int32_t goes back: 0 or a negative errno. */

#define DEPUTY_SOCKET "/run/sealwatch/probe"

typedef enum DeputyOrder {
        DEPUTY_MODULE = 'm',
        DEPUTY_KEXEC = 'k',
        DEPUTY_JOIN = 'j',
} DeputyOrder;

enum { DEPUTY_PATH_MAX = 512 };
#define DEPUTY_CGROUPS "/sys/fs/cgroup/"

/* 0 or what the kernel said; -ENOLINK when there is nobody to ask, or no answer. Waits some seconds at most. */
int deputy_try(const char *socket, DeputyOrder order, int fd);

/* Has the calling process put into a cgroup, by its directory below DEPUTY_CGROUPS. Returns as deputy_try(). Nothing but system
 * calls: for the child of a process with threads. */
int deputy_join(const char *socket, const char *directory);
