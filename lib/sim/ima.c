/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* IMA lists of kernels that never ran. */

#include "lib/sim/ima.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/ima/entry.h"

static const char *const templates[] = { "ima-ng",       "ima-ngv2", "ima-sig",
                                         "ima-sigv2",    "ima-buf",  "ima-modsig",
                                         "evm-sig",      "ima",      "d-ng|n-ng|evmsig|iuid|imode",
                                         "d-modsig|n-ng" };

SimIma sim_ima_default(void) {
        return (SimIma){ .digests = HASH_SHA1, .pcr = 10, .template = "ima-ng", .entries = 20 };
}

static int put_hash(Buffer *b, const void *data, size_t n, HashAlg alg) {
        Digest d;
        int r = digest_data(alg, data, n, &d);

        if (r >= 0)
                buffer_bytes(b, d.bytes, hash_size(alg));
        return r;
}

/* What the template digest of the old "ima" is of: the name without its length, zeros to 256 bytes behind it. */
static void put_padded(Buffer *b, const Buffer *data) {
        static const uint8_t zeros[IMA_NAME_OLD_MAX + 1];
        size_t name = data->size - SHA1_SIZE - 4;

        buffer_bytes(b, data->data, SHA1_SIZE);
        buffer_bytes(b, data->data + SHA1_SIZE + 4, name);
        buffer_bytes(b, zeros, sizeof(zeros) - name);
}

int sim_ima_entry(Buffer *list, HashAlg digests, uint32_t pcr, const char *template, const Buffer *data,
                  bool violation) {
        static const uint8_t zeros[DIGEST_MAX];
        _cleanup_(buffer_done) Buffer padded = {};
        bool legacy = streq(template, "ima");
        int r = 0;

        buffer_u32le(list, pcr);
        if (legacy)
                put_padded(&padded, data);
        if (violation)
                buffer_bytes(list, zeros, hash_size(digests));
        else if (legacy)
                r = put_hash(list, padded.data, padded.size, digests);
        else
                r = put_hash(list, data->data, data->size, digests);
        buffer_u32le(list, (uint32_t) strlen(template));
        buffer_string(list, template);
        if (!legacy)
                buffer_u32le(list, (uint32_t) data->size);
        buffer_bytes(list, data->data, data->size);
        list->failed |= data->failed | padded.failed;
        return r < 0 ? r : buffer_error(list);
}

static int put_digest(Buffer *b, const char *prefix, const char *measured, HashAlg alg, bool violation) {
        Digest d = {};
        int r = violation ? 0 : digest_data(alg, measured, strlen(measured), &d);

        buffer_string(b, prefix);
        if (*prefix)
                buffer_u8(b, 0);
        buffer_bytes(b, d.bytes, hash_size(alg));
        return r;
}

static int put_field(Buffer *b, ImaField f, const char *name, const char *measured, bool violation) {
        switch (f) {
        case IMA_D:
                return put_digest(b, "", measured, HASH_SHA1, violation);
        case IMA_D_NG:
                return put_digest(b, "sha256:", measured, HASH_SHA256, violation);
        case IMA_D_NGV2:
                return put_digest(b, "verity:sha256:", measured, HASH_SHA256, violation);
        case IMA_D_MODSIG:
                return put_digest(b, "sha512:", measured, HASH_SHA512, violation);
        case IMA_N:
        case IMA_N_NG:
                buffer_bytes(b, name, strlen(name) + 1);
                return 0;
        case IMA_BUF:
                buffer_string(b, measured);
                return 0;
        case IMA_XATTRNAMES:
                buffer_bytes(b, "security.selinux|security.capability", 37);
                return 0;
        case IMA_XATTRLENGTHS:
                buffer_bytes(b, "\x05\0\0\0\0\0\0", 8);
                return 0;
        case IMA_IUID:
        case IMA_IGID:
                buffer_u32le(b, 1000);
                return 0;
        case IMA_IMODE:
                buffer_u16le(b, 0100755);
                return 0;
        default:
                if (strlen(name) % 2 == 0) /* signatures: some have one, some have not */
                        buffer_bytes(b, "\x03\x02\x04signature", 12);
                return 0;
        }
}

int sim_ima_data(Buffer *data, const char *template, const char *name, const char *measured, bool violation) {
        ImaTemplate t;

        if (!ima_template_find(template, strlen(template), &t))
                return -EINVAL;
        for (size_t i = 0; i < t.n; i++) {
                _cleanup_(buffer_done) Buffer field = {};
                int r = put_field(&field, t.fields[i], name, measured, violation);

                if (r < 0)
                        return r;
                if (t.legacy && t.fields[i] == IMA_N)
                        field.size--; /* no NUL */
                if (!t.legacy || t.fields[i] == IMA_N)
                        buffer_u32le(data, (uint32_t) field.size);
                buffer_bytes(data, field.data, field.size);
                data->failed |= field.failed;
        }
        return buffer_error(data);
}

/* The digest of the first PCRs (0 to 7 in SHA-1, 0 to 9 in SHA-256), which is what the kernel measures first. */
static int put_aggregate(const SimIma *s, Buffer *list) {
        _cleanup_(buffer_done) Buffer data = {}, values = {};
        bool legacy = s->template && streq(s->template, "ima");
        HashAlg alg = legacy ? HASH_SHA1 : HASH_SHA256;
        static const uint8_t zeros[SHA256_SIZE];
        int r = 0;

        for (unsigned pcr = 0; pcr < (legacy ? 8 : 10); pcr++)
                buffer_bytes(&values, s->boot ? s->boot->files[alg].values[pcr] : zeros, hash_size(alg));
        if (!legacy) {
                buffer_u32le(&data, 8 + SHA256_SIZE);
                buffer_bytes(&data, "sha256:", 8);
        }
        r = put_hash(&data, values.data, values.size, alg);
        if (r < 0)
                return r;
        buffer_u32le(&data, sizeof("boot_aggregate") - legacy);
        buffer_bytes(&data, "boot_aggregate", sizeof("boot_aggregate") - legacy);
        data.failed |= values.failed;
        return sim_ima_entry(list, s->digests, s->pcr, legacy ? "ima" : "ima-ng", &data, false);
}

int sim_ima_list(const SimIma *s, Buffer *list) {
        int r = put_aggregate(s, list);

        for (unsigned i = 0; r >= 0 && i < s->entries; i++) {
                _cleanup_(buffer_done) Buffer data = {};
                const char *template = s->template ? s->template : templates[i % ELEMENTSOF(templates)];
                bool violation = s->violate_every > 0 && i % s->violate_every == 1 && !streq(template, "ima-buf");
                char name[64];

                snprintf(name, sizeof(name), "/usr/bin/program-%u", i * i);
                r = sim_ima_data(&data, template, name, name, violation);
                if (r >= 0)
                        r = sim_ima_entry(list, s->digests, s->pcr, template, &data, violation);
        }
        return r;
}

static void put_hex(Buffer *text, const uint8_t *data, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char hex[3];

                buffer_string(text, hex_encode(data + i, 1, hex));
        }
}

/* As ima_show_template_data_ascii(): words up to the NUL, then digits. */
static void put_text(Buffer *text, ImaForm form, const uint8_t *data, size_t n) {
        Reader r = reader_new(data, n);
        char number[16];
        size_t words;

        switch (form) {
        case IMA_FORM_DIGEST_ALG:
        case IMA_FORM_DIGEST_TYPE:
                words = strlen((const char *) data);
                buffer_bytes(text, data, words);
                put_hex(text, data + words + 1, n - words - 1);
                return;
        case IMA_FORM_TEXT:
                buffer_bytes(text, data, strnlen((const char *) data, n));
                return;
        case IMA_FORM_U32:
        case IMA_FORM_U16:
                snprintf(number, sizeof(number), "%u",
                         form == IMA_FORM_U32 ? reader_u32le(&r) : (unsigned) reader_u16le(&r));
                buffer_string(text, number);
                return;
        default:
                put_hex(text, data, n);
        }
}

static void put_fields(Buffer *text, const ImaEntry *e) {
        Reader r = reader_new(e->data, e->data_size);

        for (size_t i = 0; i < e->template.n; i++) {
                ImaField f = e->template.fields[i];
                size_t n = e->template.legacy && f == IMA_D ? SHA1_SIZE : reader_u32le(&r);
                const uint8_t *data = reader_bytes(&r, n);

                buffer_u8(text, ' ');
                if (data && n > 0)
                        put_text(text, ima_fields[f].form, data, n);
        }
}

int sim_ima_text(const Buffer *list, HashAlg digests, Buffer *text) {
        Reader r = reader_new(list->data, list->size);
        LogResult result;
        const char *why;
        ImaEntry e;

        for (size_t start = 0; (result = ima_entry_parse(&r, digests, &e, &why)) == LOG_ENTRY; start = r.pos) {
                Reader head = reader_new(list->data + start, list->size - start);
                char number[8];
                size_t n;

                snprintf(number, sizeof(number), "%2u ", (unsigned) e.pcr);
                buffer_string(text, number);
                put_hex(text, e.template_digest, hash_size(digests));
                reader_bytes(&head, 4 + hash_size(digests));
                n = reader_u32le(&head);
                buffer_u8(text, ' ');
                buffer_bytes(text, reader_bytes(&head, n), n);
                put_fields(text, &e);
                buffer_u8(text, '\n');
        }
        return result == LOG_END ? buffer_error(text) : -EINVAL;
}
