/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follows the kernel's IMA measurement list and replays it. Reading may take a while where the list is long: not for the
 * main thread. */

#include "lib/ima/list.h"

typedef struct ImaTail ImaTail;

#define IMA_LIST_PATH "/sys/kernel/security/ima/binary_runtime_measurements"

enum { IMA_TAIL_REGISTER = 10 };

/* banks: those of the registers to compare with; the preferred one is replayed. -ENOENT: the kernel has no IMA, or securityfs is
 * not mounted. 0 or another negative errno. */
int ima_tail_open(const char *path, BankSet banks, ImaTail **ret);
ImaTail *ima_tail_free(ImaTail *t);

/* Reads what is new; entry() is called for each. 0; -EBADMSG with a static sentence for what no kernel writes (and from
 * then on always); another negative errno. */
typedef void (*ImaTailEntry)(void *userdata, const ImaEntry *e);
int ima_tail_read(ImaTail *t, ImaTailEntry entry, void *userdata, const char **reterr_why);

/* True when the register's value is one that the list replays to: at its end, or since the last value for which this was
 * true (the kernel lists an entry before it extends, and both go on while we look). */
bool ima_tail_reached(ImaTail *t, const PcrValues *values);

/* Opens the list again and goes on behind the last entry that was read. For a kernel that removed entries from it, by which
 * the place in the old descriptor means another one. 0 or a negative errno. */
int ima_tail_reopen(ImaTail *t);

uint64_t ima_tail_entries(const ImaTail *t); /* read until now */

/* Registers that the list's entries say they were extended into. */
PcrSet ima_tail_registers(const ImaTail *t);
