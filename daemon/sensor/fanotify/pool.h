/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Threads for everything about a file that may have to wait for its file system: hashing, and closing what may be the
 * last descriptor of a large file that was removed. A thread that hangs is given up and replaced; what it brings in
 * the end is dropped. */

#include <systemd/sd-event.h>

#include "daemon/sensor/fanotify/hash.h"

typedef struct Pool Pool;
typedef struct HashJob HashJob;

/* done() is called on the event loop for each job that was not forgotten, and may not be called for it again. file: that of
 * the order. */
int pool_new(sd_event *event, unsigned workers,
             void (*done)(void *userdata, uint64_t token, HashFile *file, const HashResult *result), void *userdata,
             Pool **ret);

/* Waits for nobody: threads that hang end when they can. Jobs must have been forgotten. */
Pool *pool_free(Pool *p);

/* The descriptor stays the caller's, open until done() or pool_forget(). order->file is taken over, and lasts until done() has
 * returned. NULL: out of memory. */
HashJob *pool_hash(Pool *p, uint64_t token, const HashOrder *order);

/* The job takes too long: another thread is put in the place of the one that may hang in it. done() is still called. */
void pool_give_up(Pool *p, HashJob *job);

/* The result is not wanted any more; done() will not be called, and the job is gone. Returns true when a thread is
 * reading the file right now: the descriptor is then the pool's. */
bool pool_forget(Pool *p, HashJob *job);

/* Closes a descriptor where that may wait; here and now when there is no memory. */
void pool_close(Pool *p, int fd);
