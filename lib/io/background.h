/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One thread for what may block on a disk: archiving the log, writing blobs, loading a policy. Work is done in order;
 * what follows from it is called back on the thread that dispatches. */

typedef struct Background Background;

/* Runs on the background thread. What it returns is handed to the done function. */
typedef int (*BackgroundWork)(void *item);
/* Runs on the dispatching thread and owns the item. cancelled: the work was never run. */
typedef void (*BackgroundDone)(void *item, int result, int cancelled);

int background_new(Background **ret);
/* Waits for the work under way, cancels the rest. */
Background *background_free(Background *b);

/* item is taken over, also on failure (then done() is called with cancelled). 0 or -ENOMEM. */
int background_submit(Background *b, BackgroundWork work, BackgroundDone done, void *item);

/* Readable when background_dispatch() has something to call back. */
int background_fd(const Background *b);
void background_dispatch(Background *b);
