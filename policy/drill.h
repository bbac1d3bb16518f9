/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drill: what is tried, harmlessly, on the user's own machine, to see what is denied and what is seen. The list is shared by who
 * tries (sealwatchctl), who announces and exempts (the engine), and the tests. */

#include "lib/base/bytes.h"
#include "policy/event.h"
#include "policy/level.h"
#include "policy/policy.h"

enum {
        DRILL_ITEMS_MAX = 40,
        DRILL_NAME_MAX = 24,
        DRILL_ID_SIZE = 32, /* hexadecimal digits, and no NUL */
};

#define DRILL_TIME_MAX (120 * USEC_PER_SEC) /* it ends by itself */

typedef enum DrillItem {
        DRILL_SIGNAL,
        DRILL_PTRACE,
        DRILL_READ_MEMORY,
        DRILL_OPEN_MEMORY,
        DRILL_GET_DESCRIPTOR,
        DRILL_LIMIT,
        DRILL_PROCESSORS,
        DRILL_OOM_SCORE,
        DRILL_SYSRQ,
        DRILL_LOG,
        DRILL_PID_REUSE,
        DRILL_REMOVE,
        DRILL_PINS,
        DRILL_MAP,
        DRILL_LINK,
        DRILL_PROGRAM,
        DRILL_MOUNT,
        DRILL_UNMOUNT,
        DRILL_CGROUP_KILL,
        DRILL_CGROUP_FREEZE,
        DRILL_CGROUP_LIMIT,
        DRILL_CGROUP_MOVE,
        DRILL_FTRACE,
        DRILL_KPROBE,
        DRILL_LIVEPATCH,
        DRILL_TPM_DRIVER,
        DRILL_TPM_DEVICE,
        DRILL_BPF,
        DRILL_EXEC,
        DRILL_MEMFD,
        DRILL_LOADER,
        DRILL_LIBRARY,
        DRILL_MODULE,
        DRILL_RACE_RENAME,
        DRILL_RACE_WRITE,
        _DRILL_MAX,
        _DRILL_INVALID = -1,
} DrillItem;
static_assert((int) _DRILL_MAX <= (int) DRILL_ITEMS_MAX, "room for every item");

typedef struct DrillRow {
        const char *name;
        Event event;
        const char *how;   /* of an activity (details of the record); NULL: an item about code, known by its digest */
        Level needs;       /* in enforce, where less would let it happen */
        const char *named; /* what the threat model says of what is not seen; NULL: it must be seen */
} DrillRow;

const DrillRow *drill_row(DrillItem item);
DrillItem drill_item_from_name(const char *name);

/* Why it is not tried; NULL when it may be. What the level does not deny would be a violation in enforce. */
const char *drill_obstacle(DrillItem item, const Policy *policy, const Level levels[_WATCHED_MAX]);

/* The program of an item about code: in no reference set, since the drill's id is in it, and it ends at once. id: DRILL_ID_SIZE
 * digits. 0 or a negative errno. */
int drill_program(const char *id, DrillItem item, Buffer *ret);
int drill_digest(const char *id, DrillItem item, uint8_t ret[SHA256_SIZE]);
