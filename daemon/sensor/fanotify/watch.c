/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Inode marks beside the file systems' own.
 *
 * They must never be removed. An exec that waits at the gate holds on to all marks of its file; a mark that is removed
 * meanwhile stays in the file's list until the last of them goes on; and to an exec that finds a mark of our group in
 * that state the kernel gives way, unasked (fsnotify_prepare_user_wait()). Whoever can make us remove a mark, by writing
 * to his own file, and keep one exec waiting, could run what he likes. So a mark that has served is told to ignore what
 * it watches, and is heard again when the file is hashed again. It is evictable: it goes with the inode, when the kernel
 * needs the memory and nobody waits any more. Kernels without such marks (before 5.19) get no cache: other marks would
 * keep every inode that ever ran in memory. */

#include "daemon/sensor/fanotify/watch.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/fanotify.h>

#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif

static const uint64_t CHANGES = FAN_MODIFY | FAN_CLOSE_WRITE;

bool watch_begin(int group, int fd) {
        return fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_EVICTABLE, CHANGES, fd, NULL) >= 0 &&
               fanotify_mark(group, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, CHANGES, fd, NULL) >= 0;
}

void watch_end(int group, int fd) {
        (void) fanotify_mark(group,
                             FAN_MARK_ADD | FAN_MARK_EVICTABLE | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
                             CHANGES, fd, NULL);
}
