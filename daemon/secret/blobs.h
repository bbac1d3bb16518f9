/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sealed secrets on disk: <state directory>/secrets/NAME.sealed. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/sealed.h"

/* One blob as found. */
typedef struct Blob {
        char *name; /* from the file's name */
        char *data; /* NULL when it could not be read */
        size_t size;
        Sealed sealed;   /* parsed, leading into data; only when why is NULL */
        const char *why; /* why it cannot be used: static; NULL: it can */
} Blob;

/* All-zero is empty. */
typedef struct BlobList {
        Blob *items;
        size_t size, allocated;
        size_t left_out; /* beyond what the vault can hold */
} BlobList;

void blob_list_done(BlobList *l);

/* Reads all blobs, ordered by name. A missing directory is an empty list. A bad blob is in the list with its reason.
 * 0 or a negative errno. */
int blobs_load(const char *state_directory, BlobList *ret);

/* Only the names. */
int blobs_names(const char *state_directory, BlobList *ret);

/* Adds a name, unless it is there. 0 or -ENOMEM. */
int blob_list_add(BlobList *l, const char *name);
bool blob_list_has(const BlobList *l, const char *name);

/* Writes a blob in one step. */
int blob_write(const char *state_directory, const char *name, const void *data, size_t n);
