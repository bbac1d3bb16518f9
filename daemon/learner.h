/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hashes code that the kernel side has no digest of, after it was seen, and tells it. Everything is called on the main
 * thread, and nothing here waits for a file system. */

#include <systemd/sd-event.h>

#include "daemon/sensor/bpf/observer.h"

typedef struct Learner Learner;

/* 0 or a negative errno. The observer must outlive it. */
int learner_new(sd_event *event, Observer *observer, usec_t hash_deadline, uint64_t max_file_size, Learner **ret);

/* What is under way is forgotten. */
Learner *learner_free(Learner *l);

/* Takes u over. */
void learner_take(Learner *l, UnhashedCode *u);
