/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this process may do. capabilities(7) belong to threads, and a new thread has those of the one that makes it. */

/* Keeps what the daemon needs, and nothing more, whatever it was started with. Before the first thread. 0 or a negative errno. */
int privileges_reduce(void);

/* Gives up what only the sensors' probes needed. In the thread that ran them. 0 or a negative errno. */
int privileges_settle(void);
