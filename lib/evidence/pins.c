/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pins. */

#include "lib/evidence/pins.h"

#include <errno.h>
#include <stdio.h>

#include "lib/azure/claims.h"
#include "lib/azure/hcl.h"
#include "lib/base/hex.h"

typedef enum PinType { PIN_BYTES, PIN_NAME, PIN_TEXT, PIN_SAME, PIN_NOT_LESS } PinType;

static const struct Pin {
        const char *name, *check, *what;
        PinType type;
        size_t offset, size;
} pins[] = {
#define PIN(name, check, what, type, member)                                                                          \
        { name, check, what, type, offsetof(Pins, member), sizeof(((Pins *) NULL)->member) }
        PIN("report-id", "same-report-id", "the launch of this guest (REPORT_ID)", PIN_BYTES, report_id),
        PIN("chip-id", "same-chip-id", "the processor (CHIP_ID)", PIN_BYTES, chip_id),
        PIN("measurement", "same-measurement", "the launch measurement", PIN_BYTES, measurement),
        PIN("vm-id", "same-vm-id", "vmUniqueId", PIN_TEXT, vm_id),
        PIN("ak", "same-ak", "the Name of the attestation key", PIN_NAME, ak),
        PIN("resets", "same-reset-count", "resetCount", PIN_SAME, resets),
        PIN("restarts", "restart-count", "restartCount", PIN_NOT_LESS, restarts),
        PIN("clock", "clock-forward", "the TPM's clock", PIN_NOT_LESS, clock),
#undef PIN
};
static_assert(ELEMENTSOF(pins) == PINS, "a row per pin");

static const void *at(const Pins *p, const struct Pin *pin) {
        return (const char *) p + pin->offset;
}

static uint64_t number_of(const Pins *p, const struct Pin *pin) {
        return *(const uint64_t *) at(p, pin);
}

static bool is_known(const Pins *p, const struct Pin *pin) {
        switch (pin->type) {
        case PIN_BYTES:
                return p->has_report;
        case PIN_NAME:
                return p->ak.size > 0;
        case PIN_TEXT:
                return *p->vm_id != '\0';
        default:
                return p->has_clock;
        }
}

void pins_take_report(Pins *p, const SnpReport *report) {
        static_assert(sizeof(p->report_id) == SNP_REPORT_ID_SIZE, "all of it");
        static_assert(sizeof(p->measurement) == SNP_MEASUREMENT_SIZE, "all of it");
        p->has_report = true;
        memcpy(p->report_id, report->report_id, sizeof(p->report_id));
        memcpy(p->chip_id, report->chip_id, sizeof(p->chip_id));
        memcpy(p->measurement, report->measurement, sizeof(p->measurement));
}

int pins_take_claims(Pins *p, Bytes blob) {
        HclClaims claims = {};
        HclBlob parsed;
        const char *why;
        size_t offset;
        int r = hcl_parse(blob.data, blob.size, &parsed, &offset, &why);

        if (r >= 0)
                r = hcl_claims_parse(parsed.claims.data, parsed.claims.size, &claims, &why);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (claims.vm_id)
                snprintf(p->vm_id, sizeof(p->vm_id), "%s", claims.vm_id);
        hcl_claims_done(&claims);
        return 0;
}

/* "": as it must be. */
static const char *what_changed(const Pins *before, const Pins *now, const struct Pin *pin) {
        switch (pin->type) {
        case PIN_NAME:
                return before->ak.size == now->ak.size && memcmp(before->ak.bytes, now->ak.bytes, now->ak.size) == 0
                               ? ""
                               : "is another one";
        case PIN_SAME:
                return number_of(before, pin) == number_of(now, pin) ? "" : "changed";
        case PIN_NOT_LESS:
                return number_of(before, pin) <= number_of(now, pin) ? "" : "went back";
        default:
                return memcmp(at(before, pin), at(now, pin), pin->size) == 0 ? "" : "is another one";
        }
}

static void compare(const Pins *before, const Pins *now, size_t i, CheckList *checks) {
        const struct Pin *pin = &pins[i];
        char was[PIN_TEXT_MAX + 1] = "", is[PIN_TEXT_MAX + 1] = "";
        bool had = pins_text(before, i, was) != NULL, has = pins_text(now, i, is) != NULL;
        const char *changed = had && has ? what_changed(before, now, pin) : "";

        if (!had)
                check_add(checks, pin->check, CHECK_NA, "%s: %s", pin->what,
                          has ? "nothing to compare with yet" : "the evidence has none");
        else if (!has)
                check_add(checks, pin->check, CHECK_FAIL, "%s: it was %s, and the evidence has none now", pin->what,
                          was);
        else if (*changed)
                check_add(checks, pin->check, CHECK_FAIL, "%s %s: %s, it was %s", pin->what, changed, is, was);
        else
                check_add(checks, pin->check, CHECK_PASS, "%s: %s", pin->what, is);
}

void pins_compare(const Pins *before, const Pins *now, CheckList *checks) {
        for (size_t i = 0; i < PINS; i++)
                compare(before, now, i, checks);
}

void pins_update(Pins *p, const Pins *now) {
        Pins old = *p;

        *p = *now;
        for (size_t i = 0; i < PINS; i++)
                if (!is_known(now, &pins[i]))
                        memcpy((char *) p + pins[i].offset, at(&old, &pins[i]), pins[i].size);
        p->has_report = old.has_report || now->has_report;
        p->has_clock = old.has_clock || now->has_clock;
}

const char *pins_text(const Pins *p, size_t i, char ret[PIN_TEXT_MAX + 1]) {
        const struct Pin *pin = &pins[i];

        if (!is_known(p, pin))
                return NULL;
        switch (pin->type) {
        case PIN_BYTES:
                hex_encode(at(p, pin), pin->size, ret);
                break;
        case PIN_NAME:
                hex_encode(p->ak.bytes, p->ak.size, ret);
                break;
        case PIN_TEXT:
                snprintf(ret, PIN_TEXT_MAX + 1, "%s", p->vm_id);
                break;
        default:
                snprintf(ret, PIN_TEXT_MAX + 1, "%llu", (unsigned long long) number_of(p, pin));
        }
        return pin->name;
}

static int take_number(const char *text, uint64_t *ret) {
        uint64_t v = 0;

        if (*text == '\0')
                return -EINVAL;
        for (; *text >= '0' && *text <= '9'; text++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t) (*text - '0'), &v))
                        return -EINVAL;
        if (*text != '\0')
                return -EINVAL;
        *ret = v;
        return 0;
}

static int take_bytes(const char *text, size_t n, uint8_t *ret) {
        return strlen(text) == 2 * n ? hex_decode(text, n, ret) : -EINVAL;
}

int pins_take_text(Pins *p, const char *name, const char *text) {
        const struct Pin *pin = pins;
        size_t n = strlen(text);
        void *member;
        int r;

        while (pin < pins + PINS && !streq(pin->name, name))
                pin++;
        if (pin == pins + PINS)
                return -EINVAL;
        member = (char *) p + pin->offset;
        switch (pin->type) {
        case PIN_BYTES:
                r = take_bytes(text, pin->size, member);
                p->has_report = p->has_report || r >= 0;
                return r;
        case PIN_NAME:
                if (n == 0 || n > 2 * sizeof(p->ak.bytes) || take_bytes(text, n / 2, p->ak.bytes) < 0)
                        return -EINVAL;
                p->ak.size = n / 2;
                return 0;
        case PIN_TEXT:
                if (n >= sizeof(p->vm_id))
                        return -EINVAL;
                memset(p->vm_id, 0, sizeof(p->vm_id));
                memcpy(p->vm_id, text, n);
                return 0;
        default:
                r = take_number(text, member);
                p->has_clock = p->has_clock || r >= 0;
                return r;
        }
}
