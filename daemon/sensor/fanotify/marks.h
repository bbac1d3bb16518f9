/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which file systems are under the gate: those of a list of paths, or every one in the mount table (view.h)
 * that can hold code; now and whenever mounts change.
 *
 * A file system that is mounted in other mount namespaces only is not seen, and neither is one that is hidden below
 * another mount. Between the mount of a new file system and its mark lie some 100 µs. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "daemon/sensor/fanotify/cache.h"
#include "daemon/sensor/fanotify/remote.h"

typedef struct Marks Marks;

typedef struct MarksOps {
        void (*failed)(void *userdata, const char *path, int error); /* once, until it works or fails otherwise */
        void (*changed)(void *userdata);                             /* mounts have changed; before new marks */
        void *userdata;
        RemoteOps remote; /* marked stays empty: it is done here */
} MarksOps;

/* Marks what is there. group: the fanotify descriptor. paths: NULL, or ended by NULL, and valid as long as this is. host_view: view.h.
 * 0 or a negative errno; marks that fail are no error of this. */
int marks_new(sd_event *event, int group, const char *const *paths, bool host_view, const MarksOps *ops, Marks **ret);
Marks *marks_free(Marks *m);

/* True for a mount of the mount namespace that counts. */
bool marks_know_mount(const Marks *m, uint64_t id);

/* True when the file system of the mount is marked. */
bool marks_cover_mount(const Marks *m, uint64_t id);

/* True when the path leads to this very file in the mount namespace that counts. Looks only at what is in the kernel's
 * cache, and it is there when a process has just looked it up. */
bool marks_lead_to(const Marks *m, const char *path, const FileStamp *file);
