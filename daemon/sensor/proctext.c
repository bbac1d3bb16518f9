/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsers of /proc texts. */

#include "daemon/sensor/proctext.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The value behind "key:" and blanks at the start of a line. NULL when there is no such line. */
static const char *find_line(const char *text, const char *key) {
        size_t n = strlen(key);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, n) == 0 && line[n] == ':')
                        return line + n + 1 + strspn(line + n + 1, " \t");
        }
        return NULL;
}

/* Reads a decimal number and the blanks behind it. */
static bool take_number(const char **at, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;
        const char *p = *at;

        if (*p < '0' || *p > '9')
                return false;
        for (; *p >= '0' && *p <= '9'; p++) {
                unsigned digit = (unsigned) (*p - '0');

                if (v > (max - digit) / 10)
                        return false;
                v = v * 10 + digit;
        }
        *at = p + strspn(p, " \t");
        *ret = v;
        return true;
}

/* The kernel writes a line feed in a name as \n and a backslash as \\. */
static void unescape_comm(const char *at, char ret[PROC_COMM_SIZE]) {
        size_t n = 0;

        for (; *at && *at != '\n' && n < PROC_COMM_SIZE - 1; at++) {
                if (*at == '\\' && (at[1] == 'n' || at[1] == '\\'))
                        ret[n++] = *++at == 'n' ? '\n' : '\\';
                else
                        ret[n++] = *at;
        }
        ret[n] = '\0';
}

int proc_status_parse(const char *text, ProcStatus *ret) {
        const char *name = find_line(text, "Name"), *ppid = find_line(text, "PPid"), *uids = find_line(text, "Uid");
        uint64_t parent, uid, euid;

        if (!name || !ppid || !uids || !take_number(&ppid, UINT32_MAX, &parent) ||
            !take_number(&uids, UINT32_MAX, &uid) || !take_number(&uids, UINT32_MAX, &euid))
                return -EBADMSG;
        *ret = (ProcStatus){ .ppid = (uint32_t) parent, .uid = (uint32_t) uid, .euid = (uint32_t) euid };
        unescape_comm(name, ret->comm);
        return 0;
}

int proc_status_parse_threads(const char *text, char *ret_state, uint64_t *ret_threads) {
        const char *state = find_line(text, "State"), *threads = find_line(text, "Threads");

        if (!state || *state < 'A' || *state > 'z' || !threads || !take_number(&threads, UINT32_MAX, ret_threads))
                return -EBADMSG;
        *ret_state = *state;
        return 0;
}

int proc_schedstat_parse(const char *text, uint64_t *ret) {
        return take_number(&text, UINT64_MAX, ret) ? 0 : -EBADMSG;
}

int proc_stat_parse_started(const char *text, uint64_t *ret) {
        const char *at = strrchr(text, ')'); /* a name may hold anything, parentheses and blanks too */

        if (!at)
                return -EBADMSG;
        /* Field 2 ends here; the fields are numbered as in proc(5). */
        for (int field = 3; field <= 22; field++) {
                at = strchr(at, ' ');
                if (!at)
                        return -EBADMSG;
                at++;
        }
        return take_number(&at, UINT64_MAX, ret) ? 0 : -EBADMSG;
}

const char *proc_cgroup_parse(char *text) {
        for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
                end = strchr(line, '\n');
                if (!startswith(line, "0::/"))
                        continue;
                if (end)
                        *end = '\0';
                return line + strlen("0::");
        }
        return NULL;
}

bool cgroup_is_in(const char *path, const char *scope) {
        size_t n = strlen(scope);

        while (n > 0 && scope[n - 1] == '/')
                n--;
        return strncmp(path, scope, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool ends_with(const char *s, size_t n, const char *suffix) {
        size_t k = strlen(suffix);

        return n > k && memcmp(s + n - k, suffix, k) == 0;
}

const char *cgroup_unit(const char *path, char ret[PROC_UNIT_SIZE]) {
        static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

        while (*path == '/') {
                size_t n = strcspn(++path, "/");

                if (!ends_with(path, n, ".slice")) {
                        size_t escaped = *path == '_'; /* systemd's escape of names that the kernel reserves */

                        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                                if (ends_with(path, n, suffixes[i]) && n - escaped < PROC_UNIT_SIZE) {
                                        memcpy(ret, path + escaped, n - escaped);
                                        ret[n - escaped] = '\0';
                                        return ret;
                                }
                        return NULL;
                }
                path += n;
        }
        return NULL;
}
