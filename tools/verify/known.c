/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of guests. One table says how each member of KnownGuest stands in its file. */

#include "tools/verify/known.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/file.h>

#include "lib/base/hex.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "lib/json.h"
#include "policy/policy.h"

enum { KNOWN_FORMAT = 1, KNOWN_FILE_MAX = 64 * 1024, NAME_MAX_SIZE = 2 * TPM_NAME_MAX + 16 };

typedef enum MemberType { MEMBER_U64, MEMBER_U32, MEMBER_U64S, MEMBER_BYTES, MEMBER_TEXT } MemberType;

typedef struct Member {
        const char *key;
        MemberType type;
        size_t offset, size;
} Member;

#define MEMBER(key, type, member)                                                                                     \
        { key, MEMBER_##type, offsetof(KnownGuest, member), sizeof(((KnownGuest *) NULL)->member) }
#define FAULT(key, member)                                                                                            \
        MEMBER(key "-count", U64, conduct.member.count), MEMBER(key "-first", U64, conduct.member.first)

static const Member members[] = {
        MEMBER("resets", U64, resets),
        MEMBER("restarts", U64, restarts),
        MEMBER("clock", U64, clock),
        MEMBER("report-id", BYTES, report_id),
        MEMBER("log-records", U64, base.records),
        MEMBER("log-entries", U64, base.entries),
        MEMBER("log-pcr", U32, base.pcr),
        MEMBER("log-value", BYTES, base.value),
        MEMBER("ima-entries", U64, base.ima_entries),
        MEMBER("ima-value", BYTES, base.ima_value),
        MEMBER("cap-pcrs", U32, base.cap.pcrs),
        MEMBER("cap-digest", BYTES, base.cap.digest),
        MEMBER("lock-pcrs", U32, base.lock.pcrs),
        MEMBER("lock-digest", BYTES, base.lock.digest),
        MEMBER("entries", U64, conduct.entries),
        MEMBER("last-time", U64, conduct.last_time),
        MEMBER("boot-resets", U64, conduct.resets),
        MEMBER("state", U64, conduct.state),
        MEMBER("mode", U64, conduct.mode),
        MEMBER("policy", BYTES, conduct.policy),
        MEMBER("generation", U64, conduct.generation),
        MEMBER("levels", U64S, conduct.levels),
        MEMBER("start-levels", U64S, conduct.start_levels),
        MEMBER("gaps", U64, conduct.gaps),
        MEMBER("unclean-gaps", U64, conduct.unclean_gaps),
        MEMBER("lost", U64, conduct.lost),
        MEMBER("reasons", TEXT, conduct.reasons),
        MEMBER("taints", TEXT, conduct.taints),
        MEMBER("demand", U64, conduct.demand),
        MEMBER("interrupted", U64, conduct.interrupted),
        FAULT("unlocked", unlocked),
        FAULT("transitions", transitions),
        FAULT("verdicts", verdicts),
        FAULT("releases", releases),
        MEMBER("lock", U64, conduct.lock),
        MEMBER("locked", U64, conduct.locked),
        MEMBER("lock-failure", TEXT, conduct.lock_failure),
        MEMBER("cap-pcr", U64, conduct.cap_pcr),
        MEMBER("bank", TEXT, conduct.bank),
        MEMBER("cap-found", BYTES, conduct.found),
        MEMBER("cap-value", BYTES, conduct.capped),
        MEMBER("canary", U64, conduct.canary),
        MEMBER("canary-nonce", TEXT, conduct.canary_nonce),
        MEMBER("canary-digest", BYTES, conduct.canary_digest),
        MEMBER("canary-seen", U64, conduct.canary_seen),
        MEMBER("drills", U64, conduct.drills),
        MEMBER("drill-used", U64, conduct.drill_used),
        MEMBER("drill-id", TEXT, conduct.drill_id),
        MEMBER("drill-items", U64S, conduct.drill_items),
        MEMBER("drill-done", U64, conduct.drill_done),
        FAULT("exemptions", exemptions),
        FAULT("drill-let", drill_let),
};

static json_t *write_member(const Member *m, const void *at) {
        _cleanup_free_ char *hex = NULL;
        json_t *list;

        switch (m->type) {
        case MEMBER_U64:
                return json_integer((json_int_t) * (const uint64_t *) at);
        case MEMBER_U32:
                return json_integer(*(const uint32_t *) at);
        case MEMBER_TEXT:
                return json_string(at);
        case MEMBER_BYTES:
                hex = malloc(2 * m->size + 1);
                return hex ? json_string(hex_encode(at, m->size, hex)) : NULL;
        case MEMBER_U64S:
                list = json_array();
                for (size_t i = 0; list && i < m->size / sizeof(uint64_t); i++)
                        json_array_append_new(list, json_integer((json_int_t) ((const uint64_t *) at)[i]));
                return list;
        }
        return NULL;
}

static bool read_count(const json_t *value, uint64_t max, uint64_t *ret) {
        if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t) json_integer_value(value) > max)
                return false;
        *ret = (uint64_t) json_integer_value(value);
        return true;
}

static bool read_member(const Member *m, const json_t *value, void *at) {
        uint64_t v = 0;
        bool good = true;

        switch (m->type) {
        case MEMBER_U64:
                return read_count(value, INT64_MAX, at);
        case MEMBER_U32:
                good = read_count(value, UINT32_MAX, &v);
                *(uint32_t *) at = (uint32_t) v;
                return good;
        case MEMBER_TEXT:
                if (!json_is_string(value) || json_string_length(value) >= m->size)
                        return false;
                memcpy(at, json_string_value(value), json_string_length(value) + 1);
                return true;
        case MEMBER_BYTES:
                return json_is_string(value) && json_string_length(value) == 2 * m->size &&
                       hex_decode(json_string_value(value), m->size, at) >= 0;
        case MEMBER_U64S:
                for (size_t i = 0; i < m->size / sizeof(uint64_t); i++)
                        good = good && read_count(json_array_get(value, i), INT64_MAX, (uint64_t *) at + i);
                return good && json_array_size(value) == m->size / sizeof(uint64_t);
        }
        return false;
}

static void file_name(const TpmName *name, char ret[NAME_MAX_SIZE]) {
        hex_encode(name->bytes, name->size, ret);
        strcat(ret, ".json");
}

int known_open(const char *path, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        int r = make_directories(path, 0700);

        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int known_load(int dir, const TpmName *name, KnownGuest *ret) {
        _cleanup_free_ char *text = NULL;
        char file[NAME_MAX_SIZE];
        json_auto_t *object = NULL;
        KnownGuest guest = {};
        uint64_t format;
        size_t n;
        int r;

        file_name(name, file);
        r = file_read(dir, file, KNOWN_FILE_MAX, &text, &n);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        object = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
        if (json_object_size(object) != ELEMENTSOF(members) + 1 ||
            !read_count(json_object_get(object, "format"), KNOWN_FORMAT, &format) || format != KNOWN_FORMAT)
                return -EBADMSG;
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (!read_member(&members[i], json_object_get(object, members[i].key),
                                 (uint8_t *) &guest + members[i].offset))
                        return -EBADMSG;
        if (guest.conduct.state >= _STATE_MAX || guest.conduct.mode > _MODE_MAX || guest.conduct.canary_seen > 3)
                return -EBADMSG;
        *ret = guest;
        return 1;
}

int known_store(int dir, const TpmName *name, const KnownGuest *guest) {
        json_auto_t *object = json_object();
        _cleanup_free_ char *text = NULL;
        char file[NAME_MAX_SIZE];
        int r = json_put(object, "format", json_integer(KNOWN_FORMAT));

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(members); i++)
                r = json_put(object, members[i].key,
                             write_member(&members[i], (const uint8_t *) guest + members[i].offset));
        if (r < 0)
                return r;
        text = json_canonical(object);
        if (!text)
                return -ENOMEM;
        file_name(name, file);
        return file_write_atomic(dir, file, 0600, text, strlen(text));
}

static void report_name(const uint8_t report_id[SNP_REPORT_ID_SIZE], char ret[NAME_MAX_SIZE]) {
        hex_encode(report_id, SNP_REPORT_ID_SIZE, ret + sprintf(ret, "report-"));
}

int known_key_of_report(int dir, const uint8_t report_id[SNP_REPORT_ID_SIZE], char ret[2 * TPM_NAME_MAX + 1]) {
        _cleanup_free_ char *text = NULL;
        char file[NAME_MAX_SIZE];
        size_t n;
        int r;

        report_name(report_id, file);
        r = file_read(dir, file, 2 * TPM_NAME_MAX, &text, &n);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        memcpy(ret, text, n + 1);
        return 1;
}

int known_store_report(int dir, const uint8_t report_id[SNP_REPORT_ID_SIZE], const TpmName *name) {
        char file[NAME_MAX_SIZE], text[2 * TPM_NAME_MAX + 1];

        report_name(report_id, file);
        hex_encode(name->bytes, name->size, text);
        return file_write_atomic(dir, file, 0600, text, strlen(text));
}
