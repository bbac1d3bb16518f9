/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What outlives the daemon: links, maps and the ring, by names in a file system of type bpf. Each daemon has a directory of
 * its own, "<dir>/<version>-<time>/", with a "map-..." per map and a "link-..." per program that is attached. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Pins Pins;

enum { PINS_NAME_MAX = 64 };

/* Takes `dir` for this process, makes it where its parent is of type bpf, and in it a directory of our own. host_view: whether
 * they are there is asked where the machine's first process sees them as well, if it sees them now. On failure
 * a negative errno, and *ret_why says why (static). */
int pins_new(const char *dir, bool host_view, Pins **ret, const char **ret_why);
Pins *pins_free(Pins *p); /* what is pinned stays */

/* 0 or a negative errno. name: without dots. */
int pins_add_map(Pins *p, const char *name, int fd);
int pins_add_link(Pins *p, const char *name, int fd);

/* How many links were pinned. */
unsigned pins_links(const Pins *p);

/* True while every one of them is there. */
bool pins_are_there(const Pins *p);

/* A descriptor that becomes readable when something was removed from our directory; -1: none. To be read empty with
 * pins_read_events(). */
int pins_fd(const Pins *p);
void pins_read_events(Pins *p);

/* Whether the first process is asked, too. */
bool pins_have_host_view(const Pins *p);

/* Removes everything that we pinned. */
void pins_remove(Pins *p);

/* The paths of other directories, oldest first; freed by the caller, as is the list. Returns how many, or a negative errno. */
int pins_list_others(const Pins *p, char ***ret);

/* Removes the links, or everything, from such a directory. */
void pins_remove_links(const char *path);
void pins_remove_all(const char *path);
