/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The vtable of org.sealwatch1.Manager, and its property getters. */

#include <stdio.h>
#include <time.h>

#include "dbus/bus-internal.h"
#include "lib/base/hex.h"

static BusProperties properties_of(void *userdata) {
        const Bus *b = userdata;
        BusProperties p = {};

        b->ops.properties(b->ops.userdata, &p);
        return p;
}

#define GETTER(name)                                                                                                  \
        static int get_##name(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,        \
                              const char *property _unused_, sd_bus_message *m, void *userdata,                       \
                              sd_bus_error *error _unused_)

#define SIMPLE_GETTER(name, type, expression)                                                                         \
        GETTER(name) {                                                                                                \
                const BusProperties p = properties_of(userdata);                                                      \
                return sd_bus_message_append_basic(m, type, expression);                                              \
        }

#define NUMBER_GETTER(name, type, ctype, expression)                                                                  \
        GETTER(name) {                                                                                                \
                const BusProperties p = properties_of(userdata);                                                      \
                const ctype value = expression;                                                                       \
                return sd_bus_message_append_basic(m, type, &value);                                                  \
        }

SIMPLE_GETTER(version, 's', p.version)
SIMPLE_GETTER(state, 's', state_names[p.status.state])
SIMPLE_GETTER(mode, 's', mode_names[p.status.mode])
SIMPLE_GETTER(life, 's', p.life)
SIMPLE_GETTER(scope, 's', p.scope)
NUMBER_GETTER(event_count, 't', uint64_t, p.status.events)
NUMBER_GETTER(anchored_count, 't', uint64_t, p.status.anchored)
NUMBER_GETTER(lost_count, 't', uint64_t, p.status.lost)
NUMBER_GETTER(denied_count, 't', uint64_t, p.status.denied)
NUMBER_GETTER(ungated_count, 't', uint64_t, p.status.ungated)
NUMBER_GETTER(suppressed_count, 't', uint64_t, p.status.suppressed)
NUMBER_GETTER(generation, 't', uint64_t, p.status.generation)
NUMBER_GETTER(measurement_pcr, 'u', uint32_t, p.measurement_pcr)
NUMBER_GETTER(cap_pcr, 'u', uint32_t, p.cap_pcr)
NUMBER_GETTER(capped, 'b', int, p.status.capped)

int append_reasons(sd_bus_message *m, unsigned reasons) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned i = 0; r >= 0 && reason_names[i]; i++)
                if (reasons & (1U << i))
                        r = sd_bus_message_append(m, "s", reason_names[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(reasons) {
        return append_reasons(m, properties_of(userdata).status.reasons);
}

GETTER(levels) {
        const BusProperties p = properties_of(userdata);
        int r = sd_bus_message_open_container(m, 'a', "{ss}");

        for (Watched w = 0; r >= 0 && w < _WATCHED_MAX; w++) {
                char text[256];

                if (p.status.level_why[w])
                        snprintf(text, sizeof(text), "%s (%s)", level_names[p.status.levels[w]],
                                 p.status.level_why[w]);
                else
                        snprintf(text, sizeof(text), "%s", level_names[p.status.levels[w]]);
                r = sd_bus_message_append(m, "{ss}", watched_names[w], text);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(failures) {
        const BusProperties p = properties_of(userdata);
        int r = sd_bus_message_open_container(m, 'a', "{st}");

        for (Failure f = 0; r >= 0 && f < _FAILURE_MAX; f++)
                if (p.status.failures[f] > 0)
                        r = sd_bus_message_append(m, "{st}", failure_name(f), p.status.failures[f]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(gate) {
        const BusProperties p = properties_of(userdata);
        int r = sd_bus_message_open_container(m, 'a', "{st}");

        for (size_t i = 0; r >= 0 && i < BUS_GATE_COUNTERS; i++)
                r = sd_bus_message_append(m, "{st}", p.gate[i].name, p.gate[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(tainted) {
        const BusProperties p = properties_of(userdata);
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (const char *const *taint = p.taints; r >= 0 && *taint; taint++)
                r = sd_bus_message_append(m, "s", *taint);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Whole seconds of CLOCK_REALTIME, in UTC. */
static const char *time_text(uint64_t usec, char ret[32]) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || !gmtime_r(&seconds, &tm) || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                return "";
        return ret;
}

GETTER(attestation) {
        const BusProperties p = properties_of(userdata);
        bool any = *p.status.attestation.provider != '\0';
        char rounds[24], last[32], passed[32];
        const struct {
                const char *key, *value;
        } items[] = {
                { "result", any ? attest_result_names[p.status.attestation.last] : "not attested" },
                { "required", p.status.attestation.required ? "yes" : "no" },
                { "provider", p.status.attestation.provider },
                { "rounds", rounds },
                { "last", time_text(p.status.attestation.last_realtime, last) },
                { "passed", time_text(p.status.attestation.passed_realtime, passed) },
                { "failed", p.attestation.failed },
                { "reason", p.attestation.why },
                { "ak-origin", p.attestation.ak_origin },
                { "tpm-trust", p.attestation.tpm_trust },
        };
        int r = sd_bus_message_open_container(m, 'a', "{ss}");

        snprintf(rounds, sizeof(rounds), "%llu", (unsigned long long) p.status.attestation.rounds);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(items); i++)
                if (items[i].value && *items[i].value)
                        r = sd_bus_message_append(m, "{ss}", items[i].key, items[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(poison_pcrs) {
        const BusProperties p = properties_of(userdata);
        int r = sd_bus_message_open_container(m, 'a', "u");

        for (uint32_t pcr = 0; r >= 0 && pcr < PCR_COUNT; pcr++)
                if (p.poison_pcrs & (1U << pcr))
                        r = sd_bus_message_append(m, "u", pcr);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

GETTER(policy_digest) {
        const BusProperties p = properties_of(userdata);
        char hex[2 * SHA256_SIZE + 1];

        return sd_bus_message_append(m, "s", hex_encode(p.status.policy_digest, SHA256_SIZE, hex));
}

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

/* Unprivileged for sd-bus only: its own check would ask the bus and wait. on_method() asks without waiting, and lets
 * root through alone. */
#define CHECKED SD_BUS_VTABLE_UNPRIVILEGED

const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListEvents", SD_BUS_ARGS("t", since, "u", max), SD_BUS_RESULT("a(tss)", events),
                                on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("ReleaseSecret", SD_BUS_ARGS("s", name), SD_BUS_RESULT("h", secret), on_method,
                                CHECKED),
        SD_BUS_METHOD_WITH_ARGS("SealSecret", SD_BUS_ARGS("s", name, "h", secret), SD_BUS_NO_RESULT, on_method,
                                CHECKED),
        SD_BUS_METHOD_WITH_ARGS("ListSecrets", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", secrets), on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("Lock", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT, on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("Detach", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT, on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("Snapshot", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", log, "t", size, "a(ss)", pcrs),
                                on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("Attest", SD_BUS_ARGS("ay", nonce), SD_BUS_RESULT("s", result, "s", checks), on_method,
                                CHECKED),
        SD_BUS_METHOD_WITH_ARGS("GetEvidence", SD_BUS_ARGS("ay", nonce, "t", since, "t", ima_since),
                                SD_BUS_RESULT("h", evidence), on_method, CHECKED),
        SD_BUS_METHOD_WITH_ARGS("BeginDrill", SD_BUS_ARGS("a{su}", items),
                                SD_BUS_RESULT("s", id, "t", announced, "a{ss}", targets, "a{ss}", left_out), on_method,
                                CHECKED),
        SD_BUS_METHOD_WITH_ARGS("EndDrill", SD_BUS_ARGS("s", id), SD_BUS_NO_RESULT, on_method, CHECKED),
        SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", from, "s", to, "as", reasons), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Violation", SD_BUS_ARGS("t", event, "s", kind, "s", json), 0),
        SD_BUS_SIGNAL_WITH_ARGS("EventsAnchored", SD_BUS_ARGS("t", count), 0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, CONSTANT),
        SD_BUS_PROPERTY("State", "s", get_state, 0, CHANGES),
        SD_BUS_PROPERTY("Reasons", "as", get_reasons, 0, CHANGES),
        SD_BUS_PROPERTY("Mode", "s", get_mode, 0, CHANGES),
        SD_BUS_PROPERTY("Levels", "a{ss}", get_levels, 0, CHANGES),
        SD_BUS_PROPERTY("Attestation", "a{ss}", get_attestation, 0, CHANGES),
        SD_BUS_PROPERTY("EventCount", "t", get_event_count, 0, 0),
        SD_BUS_PROPERTY("AnchoredCount", "t", get_anchored_count, 0, 0),
        SD_BUS_PROPERTY("LostCount", "t", get_lost_count, 0, 0),
        SD_BUS_PROPERTY("DeniedCount", "t", get_denied_count, 0, 0),
        SD_BUS_PROPERTY("UngatedCount", "t", get_ungated_count, 0, 0),
        SD_BUS_PROPERTY("SuppressedCount", "t", get_suppressed_count, 0, 0),
        SD_BUS_PROPERTY("Gate", "a{st}", get_gate, 0, 0),
        SD_BUS_PROPERTY("Failures", "a{st}", get_failures, 0, 0),
        SD_BUS_PROPERTY("MeasurementPCR", "u", get_measurement_pcr, 0, CONSTANT),
        SD_BUS_PROPERTY("CapPCR", "u", get_cap_pcr, 0, CONSTANT),
        SD_BUS_PROPERTY("PoisonPCRs", "au", get_poison_pcrs, 0, CONSTANT),
        SD_BUS_PROPERTY("Capped", "b", get_capped, 0, 0),
        SD_BUS_PROPERTY("Tainted", "as", get_tainted, 0, CONSTANT),
        SD_BUS_PROPERTY("PolicyDigest", "s", get_policy_digest, 0, 0),
        SD_BUS_PROPERTY("PolicyGeneration", "t", get_generation, 0, 0),
        SD_BUS_PROPERTY("Life", "s", get_life, 0, CONSTANT),
        SD_BUS_PROPERTY("Scope", "s", get_scope, 0, CONSTANT),
        SD_BUS_VTABLE_END,
};
