/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files that patterns stand for, with the digests of their content. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/digest.h"

enum {
        FILES_MAX = 4096,          /* more are not watched, which is a failure */
        FILES_SIZE_MAX = 16 << 20, /* bytes; larger ones have no digest */
        FILES_DEPTH_MAX = 6,       /* of directories below one that is watched */
};

typedef struct WatchedFile {
        char *path;
        dev_t device;
        ino_t inode;
        uint64_t changed, size; /* changed: ns */
        bool has_digest;
        uint8_t digest[SHA256_SIZE];
} WatchedFile;

/* All-zero is empty. Sorted by path, each once. */
typedef struct FileList {
        WatchedFile *files;
        size_t size, allocated;
        bool full; /* there were more */
} FileList;

void file_list_done(FileList *l);

typedef struct FileListOps {
        /* A directory in which names matter, or may come to matter. */
        void (*directory)(void *userdata, const char *path);

        /* True when the file is to be hashed although it looks as before. name: the last component. */
        bool (*is_suspect)(void *userdata, const char *name);

        void *userdata;
} FileListOps;

/* Takes digests over from `before` where a file looks as it did. 0 or a negative errno. */
int file_list_make(const char *const *patterns, const FileList *before, const FileListOps *ops, FileList *ret);

/* Walks through two lists: told() is called for each file with other content, that is new (before NULL) or gone (now NULL). */
void file_list_compare(const FileList *before, const FileList *now,
                       void (*told)(void *userdata, const WatchedFile *before, const WatchedFile *now),
                       void *userdata);
