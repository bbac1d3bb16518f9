/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the verbs read from their command lines. */

#include "tools/verify/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/io/fd.h"
#include "tools/verify/show.h"

enum { PCR_FILE_MAX = 64 * 1024 };

bool input_wants_json(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (strlen(argv[i]) > strlen("--") && startswith("--json", argv[i]))
                        return true;
        return false;
}

int input_next_option(int argc, char **argv, const struct option *options, uint64_t *seen) {
        int i = 0, c = getopt_long(argc, argv, "", options, &i);
        uint64_t bit = UINT64_C(1) << i;

        if (c < 0 || c == '?' || options[i].has_arg == no_argument || streq(options[i].name, "pcrs"))
                return c;
        if (*seen & bit) {
                fprintf(stderr, "sealwatch-verify: --%s is given twice\n", options[i].name);
                return '?';
        }
        *seen |= bit;
        return c;
}

int input_pcrs(PcrInputs *in, const char *value, bool json) {
        _cleanup_free_ char *text = NULL;
        HashAlg alg = HASH_SHA256;
        const char *path = value, *why;
        unsigned line;
        size_t n;
        int r;

        for (HashAlg i = 0; i < _HASH_MAX; i++)
                if (startswith(value, hash_name(i)) && value[strlen(hash_name(i))] == ':') {
                        alg = i;
                        path = value + strlen(hash_name(i)) + 1;
                }
        if (in->banks & bank(alg))
                return show_undecided(json, "--pcrs gives values of the %s bank twice", hash_name(alg));
        r = input_file(path, PCR_FILE_MAX, json, &text, &n);
        if (r != 0)
                return r;
        if (pcrfile_parse(text, n, alg, &in->files[alg], &line, &why) < 0)
                return show_undecided(json, "%s:%u: %s", path, line, why);
        in->banks |= bank(alg);
        return 0;
}

int input_number(const char *option, const char *value, uint64_t max, bool json, uint64_t *ret) {
        char *end;

        errno = 0;
        *ret = strtoull(value, &end, 10);
        if (value[0] < '0' || value[0] > '9' || *end || errno != 0 || *ret > max)
                return show_undecided(json, "%s expects a number from 0 to %" PRIu64, option, max);
        return 0;
}

static int read_all(int fd, size_t max, Buffer *b) {
        uint8_t chunk[64 * 1024];
        ssize_t n;

        while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        buffer_bytes(b, chunk, (size_t) n);
                if (b->size > max)
                        return -EFBIG;
        }
        buffer_u8(b, 0);
        return buffer_error(b);
}

int input_open(const char *path, bool json, int *ret_fd) {
        *ret_fd = streq(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                   : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return *ret_fd < 0 ? show_undecided(json, "cannot open %s: %s", path, strerror(errno)) : 0;
}

bool input_is_regular(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int input_file(const char *path, size_t max, bool json, char **ret, size_t *ret_size) {
        _cleanup_(buffer_done) Buffer b = {};
        _cleanup_close_ int fd = -1;
        int r = input_open(path, json, &fd);

        if (r != 0)
                return r;
        r = read_all(fd, max, &b);
        if (r == -EFBIG)
                return show_undecided(json, "%s is larger than %zu bytes", path, max);
        if (r < 0)
                return show_undecided(json, "cannot read %s: %s", path, strerror(-r));
        if (b.size == 1)
                return show_undecided(json, "%s is empty", path);
        *ret_size = b.size - 1;
        *ret = (char *) TAKE_PTR(b.data);
        return 0;
}

int input_hex(const char *option, const char *value, size_t max, bool json, uint8_t *ret, size_t *ret_size) {
        size_t digits = strlen(value);

        if (digits == 0 || digits % 2 != 0 || digits / 2 > max || hex_decode(value, digits / 2, ret) < 0)
                return show_undecided(json, "%s expects 2 to %zu hexadecimal digits, two for each byte", option,
                                      2 * max);
        *ret_size = digits / 2;
        return 0;
}
