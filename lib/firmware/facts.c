/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts out of the firmware's log. */

#include "lib/firmware/facts.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/firmware/eventtype.h"
#include "lib/firmware/variable.h"

void firmware_facts_done(FirmwareFacts *f) {
        for (size_t i = 0; i < _ITEMS_MAX; i++) {
                for (size_t k = 0; k < f->lists[i].size; k++)
                        free(f->lists[i].items[k].text);
                free(f->lists[i].items);
        }
        *f = (FirmwareFacts){};
}

/* Text in ASCII or UTF-16, as one string; what is neither becomes "?". */
static char *copy_text(const uint8_t *data, size_t n) {
        bool wide = n >= 2 && n % 2 == 0 && data[0] != 0 && data[1] == 0;
        size_t step = wide ? 2 : 1, length = MIN(n, (size_t) FIRMWARE_TEXT_MAX * step) / step;
        char *text = memdup_nul(data, length);

        for (size_t i = 0; text && i < length; i++) {
                text[i] = !wide || data[2 * i + 1] == 0 ? (char) data[i * step] : '?';
                if (text[i] == '\0' && i + 1 < length)
                        text[i] = '?';
        }
        return text;
}

static int add_item(FirmwareFacts *f, FirmwareItems which, const FirmwareEvent *e, const uint8_t *text, size_t n) {
        FirmwareItemList *l = &f->lists[which];
        FirmwareItem item = { e->number, e->pcr, e->digests, NULL };

        if (l->size == FIRMWARE_ITEMS_MAX) {
                l->dropped++;
                return 0;
        }
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0)
                return -ENOMEM;
        if (n > 0) {
                item.text = copy_text(text, n);
                if (!item.text)
                        return -ENOMEM;
        }
        l->items[l->size++] = item;
        return 0;
}

static bool is_short_text(const EventBinding *b) {
        enum { SHORT = 128 };

        if (b->binding != BINDING_BOUND || b->size == 0 || b->size > SHORT)
                return false;
        for (size_t i = 0; i < b->size; i++)
                if (b->data[i] < 0x20 || b->data[i] > 0x7e)
                        return false;
        return true;
}

static bool says(const EventBinding *b, const char *text) {
        return b->binding == BINDING_BOUND && b->size == strlen(text) && memcmp(b->data, text, b->size) == 0;
}

/* Whatever its type says: 1 a separator, 2 one that stands for an error, 0 none, or a negative errno. */
static int is_separator(const FirmwareEvent *e, const EventBinding *b) {
        static const uint8_t values[][4] = { { 0, 0, 0, 0 }, { 0xff, 0xff, 0xff, 0xff }, { 1, 0, 0, 0 } };

        if (b->error)
                return 2;
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                int r = b->binding == BINDING_BOUND
                                ? b->size == sizeof(values[i]) && memcmp(b->data, values[i], b->size) == 0
                        : e->pcr >= 8 ? 0
                                      : event_digests_are(e, values[i], sizeof(values[i]));

                if (r != 0)
                        return r < 0 ? r : i == 2 ? 2 : 1;
        }
        return 0;
}

/* "sbat,1,2021030218\n…": the third field of the first line; 0 when it is not like that. */
static uint64_t sbat_date(const UefiVariable *v) {
        static const char start[] = "sbat,1,";
        uint64_t date = 0;
        size_t n = sizeof(start) - 1, digits = 0;

        if (v->size < n || memcmp(v->data, start, n) != 0)
                return 0;
        for (; n < v->size && v->data[n] >= '0' && v->data[n] <= '9' && digits < 18; n++, digits++)
                date = date * 10 + (uint64_t) (v->data[n] - '0');
        return n == v->size || v->data[n] == '\n' || v->data[n] == ',' || v->data[n] == 0 ? date : 0;
}

static void take_variable(FirmwareFacts *f, const FirmwareEvent *e, const UefiVariable *v) {
        if (uefi_variable_is(v, uefi_guid_global, "SecureBoot") && !(f->separated & 1U << 7)) {
                bool on = v->size == 1 && v->data[0] == 1;

                if (f->secure_boot != SECURE_BOOT_UNKNOWN)
                        f->secure_boot = SECURE_BOOT_UNCLEAR;
                else
                        f->secure_boot = on ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
                f->secure_boot_event = e->number;
        }
        if (uefi_variable_is(v, uefi_guid_shim, "SbatLevel")) {
                uint64_t date = sbat_date(v);

                if (f->sbat_event == 0 || date < f->sbat) {
                        f->sbat = date;
                        f->sbat_event = e->number;
                }
        }
}

static int add_secure_boot(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        UefiVariable v;

        if (says(b, "UEFI Debug Mode"))
                f->debugger = e->number;
        else if (b->binding == BINDING_BOUND && uefi_variable_parse(b->data, b->size, &v))
                take_variable(f, e, &v);
        else if (!is_short_text(b) && f->unexplained == 0) {
                f->unexplained = e->number;
                f->unexplained_early = !(f->separated & 1U << 7);
        }
        return 0;
}

static int add_boot_loader(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        return is_short_text(b) ? 0 : add_item(f, ITEMS_IMAGES, e, NULL, 0);
}

static int add_grub(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        static const char label[] = "kernel_cmdline: ";

        if (e->pcr == 9 || b->binding != BINDING_BOUND)
                return add_item(f, ITEMS_FILES, e, e->data, e->size);
        if ((b->size > 0 && (b->data[0] == '/' || b->data[0] == '(')) ||
            (e->size >= sizeof(label) - 1 && memcmp(e->data, label, sizeof(label) - 1) == 0))
                return add_item(f, ITEMS_COMMAND_LINES, e, b->data, b->size);
        return 0;
}

/* systemd-stub extends PCR 11 with a section's name, and then with the section. */
static int add_section(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        int kernel = event_digests_are(e, ".linux", sizeof(".linux")), cmdline, r = 0;

        if (kernel < 0)
                return kernel;
        cmdline = event_digests_are(e, ".cmdline", sizeof(".cmdline"));
        if (cmdline < 0)
                return cmdline;
        if (f->after_kernel_name)
                r = add_item(f, ITEMS_KERNELS, e, NULL, 0);
        else if (f->after_cmdline_name)
                r = add_item(f, ITEMS_COMMAND_LINES, e, b->data, b->size);
        f->after_kernel_name = kernel > 0 && !f->after_kernel_name;
        f->after_cmdline_name = cmdline > 0 && !f->after_cmdline_name;
        return r;
}

static int add_stub(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        return add_item(f, ITEMS_COMMAND_LINES, e, b->data, b->size);
}

static int (*const of_pcr[PCR_COUNT])(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) = {
        [4] = add_boot_loader, [7] = add_secure_boot, [8] = add_grub,
        [9] = add_grub,        [11] = add_section,    [12] = add_stub,
};

static void count(FirmwareFacts *f, const FirmwareEvent *e, const EventBinding *b) {
        if (b->binding == BINDING_BOUND)
                f->bound++;
        else if (b->binding == BINDING_NONE)
                f->unbound++;
        else if (f->broken == 0) {
                f->broken = e->number;
                f->broken_type = e->type;
                f->broken_pcr = e->pcr;
        }
}

int firmware_facts_add(FirmwareFacts *f, const FirmwareEvent *e) {
        EventBinding b;
        int r;

        if (e->type == EV_NO_ACTION)
                return 0;
        r = event_bind(e, &b);
        if (r < 0)
                return r;
        count(f, e, &b);
        r = is_separator(e, &b);
        if (r < 0)
                return r;
        if (r > 0) {
                f->separated |= 1U << e->pcr;
                if (r == 2)
                        f->error_separator = e->number;
                return 0;
        }
        return of_pcr[e->pcr] ? of_pcr[e->pcr](f, e, &b) : 0;
}
