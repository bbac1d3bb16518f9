/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies from memory: what policy_load() asks for, answered from arrays. */

#include <errno.h>
#include <string.h>

#include "policy/load.h"

typedef struct MemoryFile {
        const char *name;
        const char *text;
        size_t size; /* 0: strlen(text) */
} MemoryFile;

typedef struct MemorySource {
        const MemoryFile *policies;   /* ended by a name NULL */
        const MemoryFile *references; /* the same */
        size_t piece;                 /* bytes per piece of a reference file; 0: all at once */
        int policies_error, reference_error, user_error;
        const char *unreadable; /* the file behind policies_error */
} MemorySource;

static inline size_t memory_size(const MemoryFile *f) {
        return f->size > 0 ? f->size : strlen(f->text);
}

static inline int memory_policies(void *userdata, int (*file)(void *, const char *, const char *, size_t), void *sink,
                                  char **reterr_path) {
        const MemorySource *s = userdata;
        int r = s->policies_error;

        *reterr_path = s->unreadable ? strdup(s->unreadable) : NULL;
        for (const MemoryFile *f = s->policies; r >= 0 && f->name; f++)
                r = file(sink, f->name, f->text, memory_size(f));
        return r;
}

static inline int memory_reference(void *userdata, const char *pattern,
                                   int (*piece)(void *, const char *, const char *, size_t), void *sink) {
        const MemorySource *s = userdata;

        if (s->reference_error < 0)
                return s->reference_error;
        for (const MemoryFile *f = s->references; f && f->name; f++) {
                size_t n = memory_size(f), step = s->piece > 0 ? s->piece : n;

                if (strcmp(f->name, pattern) != 0)
                        continue;
                for (size_t i = 0; i < n; i += step) {
                        int r = piece(sink, f->name, f->text + i, step < n - i ? step : n - i);

                        if (r < 0)
                                return r;
                }
                return piece(sink, f->name, "", 0);
        }
        return -ENOENT;
}

static inline int memory_user(void *userdata, const char *name, uint32_t *ret) {
        const MemorySource *s = userdata;

        if (s->user_error < 0)
                return s->user_error;
        if (strcmp(name, "ci") == 0)
                *ret = 1000;
        else if (strcmp(name, "root") == 0)
                *ret = 0;
        else
                return -ENOENT;
        return 0;
}

static inline PolicySource memory_source(MemorySource *s) {
        return (PolicySource){ s, memory_policies, memory_reference, memory_user };
}

/* A policy from one text and up to one reference file "base.sha256". NULL when it has mistakes. */
static inline Policy *memory_policy(const char *text, const char *base) {
        const MemoryFile policies[] = { { "p", text, 0 }, { NULL, NULL, 0 } };
        const MemoryFile references[] = { { base ? "base.sha256" : NULL, base, 0 }, { NULL, NULL, 0 } };
        MemorySource s = { .policies = policies, .references = references };
        const PolicySource source = memory_source(&s);
        ProblemList problems = {};
        Policy *p = NULL;

        (void) policy_load(&source, &p, &problems);
        problem_list_done(&problems);
        return p;
}
