/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Event types of the firmware's log.
 *
 * Bound are those that appraisal reads and that every firmware is known to measure as the profile says. For the others a
 * digest of something else is no sign of tampering: most of them only name what was measured. */

#include "lib/firmware/eventtype.h"

#include <stddef.h>

#include "lib/base/macro.h"

static const EventType types[] = {
        { 0x00000000, FORM_WHOLE, false, "EV_PREBOOT_CERT" },
        { 0x00000001, FORM_TEXT, false, "EV_POST_CODE" },
        { 0x00000002, FORM_WHOLE, false, "EV_UNUSED" },
        { EV_NO_ACTION, FORM_WHOLE, false, "EV_NO_ACTION" },
        { EV_SEPARATOR, FORM_SEPARATOR, true, "EV_SEPARATOR" },
        { 0x00000005, FORM_TEXT, true, "EV_ACTION" },
        { EV_EVENT_TAG, FORM_TAGGED, false, "EV_EVENT_TAG" },
        { 0x00000007, FORM_TEXT, false, "EV_S_CRTM_CONTENTS" },
        { EV_S_CRTM_VERSION, FORM_TEXT, false, "EV_S_CRTM_VERSION" },
        { 0x00000009, FORM_WHOLE, false, "EV_CPU_MICROCODE" },
        { 0x0000000a, FORM_WHOLE, false, "EV_PLATFORM_CONFIG_FLAGS" },
        { 0x0000000b, FORM_WHOLE, false, "EV_TABLE_OF_DEVICES" },
        { 0x0000000c, FORM_WHOLE, false, "EV_COMPACT_HASH" },
        { EV_IPL, FORM_LABELLED, false, "EV_IPL" },
        { 0x0000000e, FORM_WHOLE, false, "EV_IPL_PARTITION_DATA" },
        { 0x0000000f, FORM_WHOLE, false, "EV_NONHOST_CODE" },
        { 0x00000010, FORM_WHOLE, false, "EV_NONHOST_CONFIG" },
        { 0x00000011, FORM_WHOLE, false, "EV_NONHOST_INFO" },
        { 0x00000012, FORM_TEXT, false, "EV_OMIT_BOOT_DEVICE_EVENTS" },
        { 0x00000013, FORM_WHOLE, false, "EV_POST_CODE2" },
        { EV_EFI_VARIABLE_DRIVER_CONFIG, FORM_WHOLE, true, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
        { EV_EFI_VARIABLE_BOOT, FORM_VARIABLE, true, "EV_EFI_VARIABLE_BOOT" },
        { EV_EFI_BOOT_SERVICES_APPLICATION, FORM_WHOLE, false, "EV_EFI_BOOT_SERVICES_APPLICATION" },
        { 0x80000004, FORM_WHOLE, false, "EV_EFI_BOOT_SERVICES_DRIVER" },
        { 0x80000005, FORM_WHOLE, false, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
        { EV_EFI_GPT_EVENT, FORM_WHOLE, true, "EV_EFI_GPT_EVENT" },
        { EV_EFI_ACTION, FORM_TEXT, true, "EV_EFI_ACTION" },
        { EV_EFI_PLATFORM_FIRMWARE_BLOB, FORM_WHOLE, false, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
        { 0x80000009, FORM_WHOLE, false, "EV_EFI_HANDOFF_TABLES" },
        { 0x8000000a, FORM_WHOLE, false, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
        { 0x8000000b, FORM_WHOLE, false, "EV_EFI_HANDOFF_TABLES2" },
        { 0x8000000c, FORM_VARIABLE, true, "EV_EFI_VARIABLE_BOOT2" },
        { 0x8000000d, FORM_WHOLE, false, "EV_EFI_GPT_EVENT2" },
        { 0x80000010, FORM_WHOLE, false, "EV_EFI_HCRTM_EVENT" },
        { EV_EFI_VARIABLE_AUTHORITY, FORM_AUTHORITY, true, "EV_EFI_VARIABLE_AUTHORITY" },
        { 0x800000e1, FORM_WHOLE, false, "EV_EFI_SPDM_FIRMWARE_BLOB" },
        { 0x800000e2, FORM_WHOLE, false, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
        { 0x800000e3, FORM_WHOLE, false, "EV_EFI_SPDM_DEVICE_POLICY" },
        { 0x800000e4, FORM_WHOLE, false, "EV_EFI_SPDM_DEVICE_AUTHORITY" },
};

const EventType *event_type(uint32_t id) {
        static const EventType unknown = { UINT32_MAX, FORM_WHOLE, false, "unknown" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].id == id)
                        return &types[i];
        return &unknown;
}
