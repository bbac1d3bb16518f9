/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether an event's digests are of its own data: only then does a PCR hold what the event says. */

#include "lib/firmware/eventlog.h"

typedef enum Binding {
        BINDING_NONE,   /* the digests are of something that is not in the log */
        BINDING_BOUND,  /* they are of (part of) the data */
        BINDING_BROKEN, /* they should be, and are not; or they are in some banks only */
} Binding;

typedef struct EventBinding {
        Binding binding;
        const uint8_t *data; /* BINDING_BOUND: the part of the event's data that the digests are of */
        size_t size;
        bool error; /* a separator of the value 1, which stands for an error of the firmware; data are empty */
} EventBinding;

/* Compares in every bank of the event. 0 or a negative errno from the crypto library. */
int event_bind(const FirmwareEvent *e, EventBinding *ret);

/* True when the event's digests are, in every bank that it has, those of n bytes. 0 or 1, or a negative errno. */
int event_digests_are(const FirmwareEvent *e, const void *data, size_t n);
