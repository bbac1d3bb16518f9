/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

static inline void mutex_unlockp(pthread_mutex_t **mutex) {
        pthread_mutex_unlock(*mutex);
}

/* Holds the mutex from here to the end of the scope. */
#define HOLD(mutex)                                                                                                   \
        _cleanup_(mutex_unlockp) _unused_ pthread_mutex_t *_held = (mutex);                                           \
        pthread_mutex_lock(_held)
