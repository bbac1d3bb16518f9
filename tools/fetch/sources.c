/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AMD's key service (AMD 57230), and the endpoint of Azure's hosts (THIM). */

#include "tools/fetch/sources.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "tools/fetch/http.h"

enum { URL_MAX = 1024, JSON_MAX = 256 * 1024 };

static const FetchPart order[] = { FETCH_VEK, FETCH_CHAIN, FETCH_CRL };

void found_done(Found *f) {
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                buffer_done(&f->parts[p]);
}

static FetchStatus say(Found *ret, FetchStatus status, const char *text) {
        snprintf(ret->text, sizeof(ret->text), "%s", text);
        ret->status = status;
        return status;
}

static FetchStatus amd_part(const Sources *s, const FetchRequest *request, FetchPart part, Found *ret) {
        char path[FETCH_PATH_MAX], url[URL_MAX];
        HttpGet get = { .url = url, .max = fetch_part_max[part], .timeout = s->timeout };

        if (fetch_amd_path(request, part, path) < 0 || snprintf(url, URL_MAX, "%s%s", s->amd, path) >= URL_MAX)
                return say(ret, FETCH_UNKNOWN, "nobody has that");
        ret->status = http_get(&get, &ret->parts[part], ret->text);
        return ret->status;
}

static void ask_amd(const Sources *s, const FetchRequest *request, Found *ret) {
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                const unsigned bit = 1U << order[i];

                if (!(request->parts & bit) || amd_part(s, request, order[i], ret) == FETCH_OK)
                        continue;
                if (order[i] == FETCH_CRL && request->parts != bit)
                        ret->status = FETCH_OK;
                return;
        }
}

/* {"vcekCert": PEM, "certificateChain": PEM, ...} */
static FetchStatus take_json(const Buffer *body, Found *ret) {
        static const struct {
                const char *key;
                FetchPart part;
        } keys[] = { { "vcekCert", FETCH_VEK }, { "certificateChain", FETCH_CHAIN } };
        json_auto_t *json = json_loadb((const char *) body->data, body->size, JSON_REJECT_DUPLICATES, NULL);

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const json_t *value = json_object_get(json, keys[i].key);
                size_t n = json_string_length(value);

                if (n == 0 || n > fetch_part_max[keys[i].part])
                        return say(ret, FETCH_BAD, "not the JSON that was expected");
                buffer_bytes(&ret->parts[keys[i].part], json_string_value(value), n);
        }
        return FETCH_OK;
}

static void ask_azure(const Sources *s, Found *ret) {
        _cleanup_(buffer_done) Buffer body = {};
        char url[URL_MAX];
        const HttpGet get = {
                .url = url, .header = "Metadata: true", .direct = true, .max = JSON_MAX, .timeout = s->timeout
        };

        if (snprintf(url, URL_MAX, "%s/metadata/THIM/amd/certification", s->azure) >= URL_MAX)
                (void) say(ret, FETCH_UNKNOWN, "the address is too long");
        else {
                ret->status = http_get(&get, &body, ret->text);
                if (ret->status == FETCH_OK)
                        ret->status = take_json(&body, ret);
        }
}

void sources_ask(const Sources *s, const FetchRequest *request, Found *ret) {
        if (request->source == FETCH_AZURE)
                ask_azure(s, ret);
        else
                ask_amd(s, request, ret);
        for (FetchPart p = 0; p < _FETCH_PART_MAX; p++)
                if (ret->status != FETCH_OK)
                        buffer_done(&ret->parts[p]);
                else if (buffer_error(&ret->parts[p]) < 0)
                        (void) say(ret, FETCH_FAILED, "out of memory");
        if (ret->status == FETCH_OK)
                *ret->text = '\0';
}
