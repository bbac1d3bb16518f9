/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of sealwatchctl share. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "lib/base/macro.h"
#include "lib/io/confdir.h"

/* Exit codes of sealwatchctl(1). */
enum {
        CTL_YES = 0,
        CTL_NO = 1, /* the answer is no */
        CTL_USAGE = 2,
        CTL_UNREACHABLE = 3,
        CTL_NOT_PERMITTED = 4,
};

typedef struct Ctl {
        bool json;
        const char *bus_address; /* NULL: the system bus */
        ConfigDirs config_dirs;
} Ctl;

/* Verbs. argv starts with the verb (for "policy check" with "check"); each returns the exit code. */
int verb_status(const Ctl *c, int argc, char **argv);
int verb_events(const Ctl *c, int argc, char **argv);
int verb_log(const Ctl *c, int argc, char **argv);
int verb_seal(const Ctl *c, int argc, char **argv);
int verb_release(const Ctl *c, int argc, char **argv);
int verb_secrets(const Ctl *c, int argc, char **argv);
int verb_lock(const Ctl *c, int argc, char **argv);
int verb_drill(const Ctl *c, int argc, char **argv);
int verb_detach(const Ctl *c, int argc, char **argv);
int verb_reload(const Ctl *c, int argc, char **argv);
int verb_policy(const Ctl *c, int argc, char **argv);
int verb_policy_check(const Ctl *c, int argc, char **argv);
int verb_policy_learn(const Ctl *c, int argc, char **argv);
int verb_blob(const Ctl *c, int argc, char **argv);
int verb_attest(const Ctl *c, int argc, char **argv);
int verb_evidence(const Ctl *c, int argc, char **argv);

typedef struct CtlNonce {
        size_t size;
        uint8_t bytes[64];
} CtlNonce;

/* verb-attest.c: 8 to 64 bytes from hexadecimal digits; a method that takes such a nonce (and two counts, or NULL), and waits
 * for a round. 0 or an exit code, after saying why. */
int ctl_nonce(const Ctl *c, const char *text, CtlNonce *ret);
int ctl_call_round(const Ctl *c, sd_bus *bus, const char *method, const CtlNonce *nonce, const uint64_t *since,
                   sd_bus_message **ret_reply);

/* Writes a file that nobody else may read, whole or not at all. 0 or a negative errno. */
int ctl_write_file(const char *directory, const char *name, const void *data, size_t n);

/* Says what went wrong, on standard error and with --json as an object, and returns the code. */
int ctl_fail(const Ctl *c, int code, const char *format, ...) _printf_(3, 4);

/* Connects to the bus. 0 or an exit code, after saying why. */
int ctl_connect(const Ctl *c, sd_bus **ret);

/* Calls a method of the daemon and waits for the answer. 0 or an exit code, after saying why. */
int ctl_call(const Ctl *c, sd_bus *bus, const char *method, sd_bus_message **ret_reply, const char *types, ...);

/* Says what a failed call means, and returns its exit code. */
int ctl_call_failed(const Ctl *c, const char *what, const sd_bus_error *error, int r);
