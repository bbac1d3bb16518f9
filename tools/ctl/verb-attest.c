/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl attest: a round now, and what it found. */

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "tools/ctl/ctl.h"

/* A round waits for the TPM, perhaps for a paravisor and a key service. */
#define ROUND_TIMEOUT (300 * USEC_PER_SEC)
enum { NONCE_MIN = 8, NONCE_MAX = 64 };

int ctl_call_round(const Ctl *c, sd_bus *bus, const char *method, const CtlNonce *nonce, const uint64_t *since,
                   sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE,
                                           method);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', nonce->bytes, nonce->size);
        if (r >= 0 && since)
                r = sd_bus_message_append(m, "tt", since[0], since[1]);
        if (r >= 0)
                r = sd_bus_call(bus, m, ROUND_TIMEOUT, &error, ret_reply);
        return r < 0 ? ctl_call_failed(c, method, &error, r) : 0;
}

int ctl_nonce(const Ctl *c, const char *text, CtlNonce *ret) {
        size_t n = strlen(text);

        if (n % 2 != 0 || n < 2 * NONCE_MIN || n > 2 * NONCE_MAX || hex_decode(text, n / 2, ret->bytes) < 0)
                return ctl_fail(c, CTL_USAGE, "--nonce expects 8 to 64 bytes in hexadecimal digits");
        ret->size = n / 2;
        return 0;
}

static const char *text_of(const json_t *object, const char *key) {
        return strempty(json_string_value(json_object_get(object, key)));
}

static void print_people(const json_t *all) {
        const json_t *checks = json_object_get(all, "checks"), *check;
        bool colour = isatty(STDOUT_FILENO), passed = streq(text_of(all, "result"), "passed");
        size_t i;

        json_array_foreach(checks, i, check) {
                const char *result = text_of(check, "result");
                const char *start = !colour                 ? ""
                                    : streq(result, "fail") ? "\033[1;31m"
                                    : streq(result, "pass") ? "\033[32m"
                                                            : "";

                printf("%s%4s%s %s: %s\n", start, result, *start ? "\033[0m" : "", text_of(check, "name"),
                       text_of(check, "detail"));
        }
        if (json_is_true(json_object_get(all, "simulated")))
                printf("SIMULATED: this proves nothing about this machine\n");
        printf("%s%s%s: attestation by %s, round %lld%s%s\n",
               !colour  ? ""
               : passed ? "\033[32m"
                        : "\033[1;31m",
               text_of(all, "result"), colour ? "\033[0m" : "", text_of(all, "provider"),
               (long long) json_integer_value(json_object_get(all, "round")), *text_of(all, "reason") ? ": " : "",
               text_of(all, "reason"));
}

int verb_attest(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "nonce", required_argument, NULL, 'n' }, {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        json_auto_t *all = NULL;
        const char *result, *text;
        CtlNonce nonce = {};
        int o, r = 0;

        while (r == 0 && (o = getopt_long(argc, argv, "", options, NULL)) == 'n')
                r = ctl_nonce(c, optarg, &nonce);
        if (r != 0)
                return r;
        if (o >= 0 || optind < argc)
                return ctl_fail(c, CTL_USAGE, "usage: attest [--nonce HEX]");
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call_round(c, bus, "Attest", &nonce, NULL, &reply);
        if (r != 0)
                return r;
        if (sd_bus_message_read(reply, "ss", &result, &text) < 0 || !(all = json_loads(text, 0, NULL)))
                return ctl_fail(c, CTL_UNREACHABLE, "attest: the daemon's answer makes no sense");
        if (c->json)
                puts(text);
        else
                print_people(all);
        return streq(result, "passed") ? CTL_YES : CTL_NO;
}
