/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands in the ring. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"

enum { PARTS_PATH_SIZE = ABI_PATH_SIZE + 2 };

/* The EventType of a record, once it is sure that all of it is as it must be; else -EPROTO. Of a CodeEvent only `size` bytes are there. */
int kernel_event_type(const void *data, size_t size);

/* True where the path is that in the root of the mount namespace, to be had by event_path(). */
bool event_has_parts(const CodeEvent *e);

/* In the event or the buffer. */
const char *event_path(const CodeEvent *e, char buffer[PARTS_PATH_SIZE]);
