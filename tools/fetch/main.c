/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-fetch: the one program of the house that speaks with a network. It has no privileges, and lives for one request:
 * the socket of its unit accepts, and gives it the connection as standard input and output. */

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"
#include "tools/fetch/http.h"
#include "tools/fetch/sources.h"
#include "version.h"

enum { LIFE_MAX = 90, TIMEOUT_MAX = 60 }; /* seconds */

static int usage(FILE *to, int code) {
        fprintf(to, "sealwatch-fetch [--amd URL] [--azure URL] [--timeout SEC]\n"
                    "Gets endorsements for sealwatchd, which asks on standard input. See sealwatch-fetch(8).\n");
        return code;
}

/* 0, or the exit code with *ret_done set. */
static int read_options(int argc, char **argv, Sources *s, bool *ret_done) {
        static const struct option table[] = {
                { "amd", required_argument, NULL, 'a' },     { "azure", required_argument, NULL, 'z' },
                { "timeout", required_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },       {},
        };
        int option, seconds;

        *ret_done = true;
        while ((option = getopt_long(argc, argv, "h", table, NULL)) >= 0)
                switch (option) {
                case 'a':
                        s->amd = optarg;
                        break;
                case 'z':
                        s->azure = optarg;
                        break;
                case 't':
                        seconds = atoi(optarg);
                        if (seconds < 1 || seconds > TIMEOUT_MAX)
                                return usage(stderr, 2);
                        s->timeout = (usec_t) seconds * USEC_PER_SEC;
                        break;
                case 'h':
                        return usage(stdout, 0);
                case 'v':
                        puts("sealwatch-fetch " SEALWATCH_VERSION);
                        return 0;
                default:
                        return usage(stderr, 2);
                }
        if (optind < argc)
                return usage(stderr, 2);
        *ret_done = false;
        return 0;
}

static void answer(const Found *f, Buffer *ret) {
        FetchAnswer a = { .status = f->status };

        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                a.parts[p] = (DerObject){ f->parts[p].data, f->parts[p].size };
        snprintf(a.text, sizeof(a.text), "%s", f->text);
        fetch_answer_write(&a, ret);
}

static int serve(const Sources *s) {
        _cleanup_(buffer_done) Buffer out = {};
        _cleanup_(found_done) Found found = { .status = FETCH_UNKNOWN, .text = "this is no request" };
        uint8_t bytes[FETCH_REQUEST_SIZE];
        FetchRequest request;

        if (read_up_to(STDIN_FILENO, bytes, sizeof(bytes)) == sizeof(bytes) &&
            fetch_request_parse(bytes, sizeof(bytes), &request) >= 0)
                sources_ask(s, &request, &found);
        answer(&found, &out);
        return buffer_error(&out) < 0 || write_all(STDOUT_FILENO, out.data, out.size) < 0;
}

int main(int argc, char **argv) {
        Sources s = { .amd = "https://kdsintf.amd.com",
                      .azure = "http://169.254.169.254",
                      .timeout = 20 * USEC_PER_SEC };
        bool done;
        int code = read_options(argc, argv, &s, &done);

        if (done)
                return code;
        (void) alarm(LIFE_MAX); /* whoever does not ask, or does not read */
        if (!http_init()) {
                fputs("sealwatch-fetch: cannot set up libcurl\n", stderr);
                return 1;
        }
        return serve(&s);
}
