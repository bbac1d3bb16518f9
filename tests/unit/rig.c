/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An engine to feed by hand. */

#include "tests/unit/rig.h"

#include "lib/base/cleanup.h"
#include "lib/pending.h"
#include "tests/memory-source.h"

Policy *rig_policy(const char *text) {
        char base[2 * SHA256_SIZE + 16];
        uint8_t digest[SHA256_SIZE];
        Policy *p;

        assert_int_equal(sha256(RIG_KNOWN, strlen(RIG_KNOWN), digest), 0);
        hex_encode(digest, SHA256_SIZE, base);
        strcat(base, "  known\n");
        p = memory_policy(text, base);
        assert_non_null(p);
        return p;
}

void rig_again(Rig *rig, const char *policy) {
        rig->engine = engine_free(rig->engine);
        rig->on_its_way = false;
        memset(rig->answers, 0, sizeof(rig->answers));
        rig->log.size = rig->pending.size = rig->committed = 0;
        rig->registers = rig->pcrs;
        assert_int_equal(engine_new(&rig->config, rig_policy(policy), &rig->engine), 0);
}

void rig_new(Rig *rig, const char *policy) {
        *rig = (Rig){
                .config = {
                        .banks = 1U << HASH_SHA256,
                        .measurement_pcr = 13,
                        .cap_pcr = 12,
                        .poison_pcrs = 1U << 7 | 1U << 11,
                        .log_max_size = 256 << 20,
                        .extend_deadline = 2 * USEC_PER_SEC,
                },
                .pcrs.banks = 1U << HASH_SHA256,
                .now = { .boottime = 10 * USEC_PER_SEC, .realtime = 1000 * USEC_PER_SEC },
                .facts = { .fresh = true, .version = "1", .life = "1-aa", .bootid = "b", .kernel = "6", .scope = "machine",
                           .reset_count = 1, .levels = { LEVEL_GATE, LEVEL_OBSERVE }, .secrets_openable = true },
        };
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                rig->config.required_levels[w] = -1;
        rig_again(rig, policy);
}

void rig_done(Rig *rig) {
        buffer_done(&rig->log);
        buffer_done(&rig->pending);
        action_list_done(&rig->list);
        rig->engine = engine_free(rig->engine);
}

static void note_answer(Rig *rig, const Action *a) {
        assert_true(a->answer.token < RIG_TOKENS);
        assert_int_equal(rig->answers[a->answer.token], 0);
        rig->answers[a->answer.token] = 1 + a->answer.allow;
}

static void note_commit(Rig *rig, const Action *a) {
        if (a->commit.upto < rig->committed) /* once more */
                return;
        rig->committed = a->commit.upto + 1;
        assert_int_equal(pending_put_commit(&rig->pending, a->commit.upto, rig->log.size, (uint32_t) a->commit.size),
                         0);
        buffer_bytes(&rig->log, a->commit.bytes, a->commit.size);
        rig->commit = a->commit.digest;
}

static void note(Rig *rig, const Action *a) {
        if (a->type == ACTION_ANSWER)
                note_answer(rig, a);
        else if (a->type == ACTION_RECORD)
                assert_int_equal(pending_put_entry(&rig->pending, a->record.seq, a->record.known ? PENDING_KNOWN : 0,
                                                   a->record.bytes, a->record.size),
                                 0);
        else if (a->type == ACTION_COMMIT)
                note_commit(rig, a);
}

static void extend(Rig *rig) {
        BankDigests value = pcr_values_get(&rig->registers, 13);

        assert_int_equal(bank_digests_extend(&value, &rig->commit), 0);
        memcpy(rig->registers.values[HASH_SHA256][13], value.values[HASH_SHA256], SHA256_SIZE);
        rig->on_its_way = false;
}

void rig_feed(Rig *rig, const Input *in) {
        action_list_done(&rig->list);
        if (in->type == INPUT_EXTENDED && rig->on_its_way)
                extend(rig);
        if (rig->around)
                rig->around(true);
        rig->result = engine_feed(rig->engine, in, &rig->now, &rig->list);
        if (rig->around)
                rig->around(false);
        for (size_t i = 0; i < rig->list.size; i++)
                note(rig, &rig->list.items[i]);
        rig->on_its_way = rig->on_its_way || rig_count(rig, ACTION_COMMIT) > 0;
}

void rig_resume(Rig *rig, const char *policy) {
        const Findings f = {
                .log = rig->log.data ?: (const uint8_t *) "",
                .log_size = rig->log.size,
                .pending = rig->pending.data,
                .pending_size = rig->pending.size,
                .had_log = true,
                .life = rig->facts.life,
                .reset_count = rig->facts.reset_count,
                .restart_count = rig->facts.restart_count,
                .pcrs = &rig->registers,
                .measurement_pcr = 13,
                .cap_pcr = 12,
        };

        assert_int_equal(reconcile(&f, &rig->found), 0);
        rig->engine = engine_free(rig->engine);
        assert_int_equal(engine_new(&rig->config, rig_policy(policy), &rig->engine), 0);
        assert_int_equal(engine_resume(rig->engine, &f, &rig->found), 0);
        if (rig->found.owed_size > 0)
                extend(rig);
        memset(rig->answers, 0, sizeof(rig->answers));
        rig->on_its_way = false;
        rig->log.size = rig->found.keep;
        rig->committed = rig->found.entries;
        rig->facts.fresh = reconcile_begins(&rig->found);
        rig->facts.secrets_openable = reconcile_opens(&rig->found);
        rig->facts.capped = reconcile_caps(&rig->found);
}

void rig_settle(Rig *rig) {
        const Input extended = { .type = INPUT_EXTENDED };

        while (rig->on_its_way)
                rig_feed(rig, &extended);
}

void rig_start(Rig *rig) {
        const Input harvested = { .type = INPUT_HARVESTED, .harvested.capped = true };
        const Input ready = { .type = INPUT_READY };
        Input start = { .type = INPUT_START, .start = rig->facts };

        start.start.pcrs = &rig->pcrs;
        rig_feed(rig, &start);
        rig_settle(rig);
        if (rig->facts.secrets_openable)
                rig_feed(rig, &harvested);
        rig_feed(rig, &ready);
        rig_settle(rig);
}

void rig_tick(Rig *rig, usec_t by) {
        const Input in = { .type = INPUT_TIMER };

        rig->now.boottime += by;
        rig->now.realtime += by;
        action_list_done(&rig->list);
        if (engine_deadline(rig->engine) <= rig->now.boottime)
                rig_feed(rig, &in);
}

Observation rig_observation(uint64_t token, const char *path, Failure failure) {
        Observation o = {
                .event = EVENT_EXEC,
                .token = token,
                .path = path,
                .has_digest = failure == _FAILURE_INVALID,
                .failure = failure,
                .subject = { .pid = 100 + (uint32_t) token,
                             .uid = 1000,
                             .euid = 1000,
                             .exe = "/bin/sh",
                             .comm = "sh" },
                .file = { .inode_address = 1 + token, .inode = 1 + token },
        };

        assert_int_equal(sha256(path, strlen(path), o.digest), 0);
        return o;
}

void rig_exec(Rig *rig, uint64_t token, const char *path, Failure failure) {
        const Input in = { .type = INPUT_EXEC, .exec = rig_observation(token, path, failure) };

        rig_feed(rig, &in);
}

static Status status_of(const Rig *rig) {
        Status status;

        engine_status(rig->engine, &status);
        return status;
}

State rig_state(const Rig *rig) {
        return status_of(rig).state;
}

unsigned rig_reasons(const Rig *rig) {
        return status_of(rig).reasons;
}

size_t rig_count(const Rig *rig, ActionType type) {
        size_t n = 0;

        for (size_t i = 0; i < rig->list.size; i++)
                n += rig->list.items[i].type == type;
        return n;
}

const Action *rig_find(const Rig *rig, ActionType type) {
        for (size_t i = 0; i < rig->list.size; i++)
                if (rig->list.items[i].type == type)
                        return &rig->list.items[i];
        fail_msg("no action of type %d", type);
        return NULL;
}

bool rig_answered(const Rig *rig, uint64_t token, bool allow) {
        return rig->answers[token] == 1 + allow;
}

json_t *rig_event(const Rig *rig, Kind kind) {
        for (size_t i = 0; i < rig->list.size; i++) {
                const Action *a = &rig->list.items[i];
                RecordView view;
                const char *why;
                Reader r;

                if (a->type != ACTION_RECORD)
                        continue;
                r = reader_new(a->record.bytes, a->record.size);
                assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
                if (view.template == TEMPLATE_BUF && kind_from_record_name(view.name) == kind)
                        return json_loadb((const char *) view.buf, view.buf_size, 0, NULL);
        }
        return NULL;
}

void rig_expect(const Rig *rig, Kind kind, const char *key, const char *value) {
        json_t *event = rig_event(rig, kind);

        assert_non_null(event);
        assert_string_equal(strempty(json_string_value(json_object_get(event, key))), value);
        json_decref(event);
}
