/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mountinfo: "36 35 98:0 /root /mount\040point rw,noatime master:1 - ext3 /dev/root rw". */

#include "daemon/sensor/fanotify/mountinfo.h"

#include <errno.h>

#include "daemon/sensor/fanotify/fstypes.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

static void mount_done(Mount *m) {
        free(m->path);
        free(m->type);
}

void mount_list_done(MountList *l) {
        for (size_t i = 0; i < l->size; i++)
                mount_done(&l->items[i]);
        free(l->items);
        *l = (MountList){};
}

/* A word of the line; the blank behind it is stepped over. False at the end of the line. */
static bool take_word(const char **at, const char **ret, size_t *ret_n) {
        *ret = *at;
        *ret_n = strcspn(*at, " \n");
        *at += *ret_n;
        if (**at == ' ')
                (*at)++;
        return *ret_n > 0;
}

static bool parse_number(const char *word, size_t n, char end, uint64_t *ret, size_t *ret_used) {
        uint64_t v = 0;
        size_t i;

        for (i = 0; i < n && word[i] != end; i++) {
                if (word[i] < '0' || word[i] > '9' || v > UINT32_MAX)
                        return false;
                v = v * 10 + (uint64_t) (word[i] - '0');
        }
        *ret = v;
        *ret_used = i;
        return i > 0;
}

static bool parse_device(const char *word, size_t n, uint64_t *ret) {
        uint64_t major, minor;
        size_t used, rest;

        if (!parse_number(word, n, ':', &major, &used) || used == n ||
            !parse_number(word + used + 1, n - used - 1, '\0', &minor, &rest))
                return false;
        *ret = major << 32 | minor;
        return true;
}

/* The kernel writes blank, tab, line feed and backslash as three octal digits behind a backslash. */
static char *unescape(const char *word, size_t n) {
        char *text = memdup_nul(word, n), *out = text;

        for (size_t i = 0; text && i < n; i++) {
                const char *p = word + i;

                if (n - i >= 4 && p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                    p[3] >= '0' && p[3] <= '7') {
                        *out++ = (char) ((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        i += 3;
                } else
                        *out++ = *p;
        }
        if (text)
                *out = '\0';
        return text;
}

/* From the mount options on: optional fields, a dash, the type. */
static bool find_type(const char *at, const char **ret, size_t *ret_n) {
        const char *word;
        size_t n;

        while (take_word(&at, &word, &n))
                if (n == 1 && *word == '-')
                        return take_word(&at, ret, ret_n);
        return false;
}

static int parse_line(const char *at, Mount *ret) {
        const char *id, *word, *device, *path, *type;
        size_t id_n, n, device_n, path_n, type_n, used;

        if (!take_word(&at, &id, &id_n) || !take_word(&at, &word, &n) || !take_word(&at, &device, &device_n) ||
            !take_word(&at, &word, &n) || !take_word(&at, &path, &path_n) || !take_word(&at, &word, &n) ||
            !find_type(at, &type, &type_n))
                return -EBADMSG;
        if (!parse_number(id, id_n, '\0', &ret->id, &used) || !parse_device(device, device_n, &ret->device))
                return -EBADMSG;
        ret->path = unescape(path, path_n);
        ret->type = unescape(type, type_n);
        return ret->path && ret->type ? 0 : -ENOMEM;
}

static int by_id(const void *a, const void *b) {
        uint64_t x = ((const Mount *) a)->id, y = ((const Mount *) b)->id;

        return x < y ? -1 : x > y;
}

int mountinfo_parse(const char *text, MountList *ret) {
        for (const char *line = text; *line; line += *line == '\n') {
                Mount m = {};
                int r = parse_line(line, &m);

                if (r >= 0)
                        r = GREEDY_REALLOC(ret->items, ret->allocated, ret->size + 1);
                if (r < 0) {
                        mount_done(&m);
                        return r;
                }
                ret->items[ret->size++] = m;
                line += strcspn(line, "\n");
        }
        if (ret->size > 1)
                qsort(ret->items, ret->size, sizeof(*ret->items), by_id);
        return 0;
}

const Mount *mount_list_find(const MountList *l, uint64_t id) {
        const Mount key = { .id = id };

        return l->size == 0 ? NULL : bsearch(&key, l->items, l->size, sizeof(*l->items), by_id);
}

bool mount_list_may_wait(const MountList *l, const char *path) {
        for (size_t i = 0; i < l->size; i++) {
                const char *point = l->items[i].path;
                size_t n = strlen(point);

                n -= n > 0 && point[n - 1] == '/'; /* the root */
                if (strncmp(path, point, n) == 0 && (path[n] == '/' || path[n] == '\0') &&
                    fs_name_may_wait(l->items[i].type))
                        return true;
        }
        return false;
}
