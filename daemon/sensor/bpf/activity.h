/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel side says of an activity, in words. Pure. */

#include "bpf/abi.h"
#include "core/input.h"

/* Room for the strings of an Activity. */
typedef struct ActivityText {
        char target[ABI_PARTS_SIZE + 32], program[ABI_PARTS_SIZE + 32], name[ABI_NAME_SIZE], number[32], pid[16];
} ActivityText;

/* Fills event, target, details, denied, started, privileged and the subject's program; the strings are static or in *text. False for what the kernel
 * side never says. */
bool activity_from_event(const ActivityEvent *e, ActivityText *text, Activity *ret);

/* "/a/b" from "b\0a\0\0". A path that does not lead up to the root begins with "(unreachable)". */
void activity_path(const char *parts, size_t size, bool whole, char *ret, size_t ret_size);

/* True for what the kernel side says. */
bool activity_is_sane(const ActivityEvent *e);

ActivityKind activity_kind_of(ActivityWhat what);
