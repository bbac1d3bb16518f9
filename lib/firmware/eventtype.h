/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Event types of the firmware's log (TCG PC Client Platform Firmware Profile 1.06, section 10.4.1, table 27), and what
 * their digests are made from. A PCR holds digests only: neither an event's type nor its data are in it, unless the
 * digest is of the data. */

#include <stdbool.h>
#include <stdint.h>

enum {
        EV_NO_ACTION = 0x00000003,
        EV_SEPARATOR = 0x00000004,
        EV_EVENT_TAG = 0x00000006,
        EV_S_CRTM_VERSION = 0x00000008,
        EV_IPL = 0x0000000d,
};
#define EV_EFI_VARIABLE_DRIVER_CONFIG UINT32_C(0x80000001)
#define EV_EFI_VARIABLE_BOOT UINT32_C(0x80000002)
#define EV_EFI_BOOT_SERVICES_APPLICATION UINT32_C(0x80000003)
#define EV_EFI_GPT_EVENT UINT32_C(0x80000006)
#define EV_EFI_ACTION UINT32_C(0x80000007)
#define EV_EFI_PLATFORM_FIRMWARE_BLOB UINT32_C(0x80000008)
#define EV_EFI_VARIABLE_AUTHORITY UINT32_C(0x800000e0)

/* Which bytes of an event's data its digest may be of, beside all of them. */
typedef enum EventForm {
        FORM_WHOLE,
        FORM_TEXT,      /* without a NUL at the end */
        FORM_VARIABLE,  /* the variable's contents, without its name (EDK2 and what came from it) */
        FORM_AUTHORITY, /* without the last byte, which shim added before version 15.3 */
        FORM_SEPARATOR, /* the value 1, which stands for an error that the data describe */
        FORM_LABELLED,  /* what GRUB puts behind a label: "grub_cmd: ", without the NUL */
        FORM_TAGGED,    /* what is in a tagged event, behind its tag and size */
        _FORM_MAX,
} EventForm;

typedef struct EventType {
        uint32_t id;
        EventForm form;
        bool bound; /* the digest must be of the data; else it may be */
        const char *name;
} EventType;

/* The row of a type; of an unknown type one with the name "unknown". */
const EventType *event_type(uint32_t id);
