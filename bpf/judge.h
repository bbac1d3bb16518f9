/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* How the kernel side judges: bare C, so that tests compare it with the policy it was compiled from. */

#include <stdbool.h>

#include <linux/types.h>

#include "bpf/abi.h"

/* As memcmp() over the bytes. */
static inline __attribute__((__always_inline__)) int compare_digests(const __u64 *a, const __u64 *b) {
        for (int i = 0; i < ABI_DIGEST_SIZE / 8; i++) {
                __u64 x = __builtin_bswap64(a[i]), y = __builtin_bswap64(b[i]);

                if (x != y)
                        return x < y ? -1 : 1;
        }
        return 0;
}

/* True when the rule's references match a digest that these sets hold. */
static inline __attribute__((__always_inline__)) bool sets_match(const KernelRule *rule, __u32 sets) {
        return !(sets & rule->none) && (rule->any == 0 || sets & rule->any);
}

/* The verdict of the first rule that matches. Where no digest binds the content (there is none, or the file has writers), a
 * rule that looks at references could go either way: refused. */
static inline __attribute__((__always_inline__)) CodeVerdict first_match(const KernelPolicy *p, __u32 kind, __u32 sets,
                                                                         bool has_digest, __u32 writers) {
        bool bound = has_digest && (writers == 0 || p->allow_writers), allowed = false, denied = false;

#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
        for (__u32 i = 0; i < ABI_RULES_MAX && i < p->rules_size; i++) {
                const KernelRule *rule = &p->rules[i];
                bool looks = rule->any != 0 || rule->none != 0;

                if (!(rule->kinds & (1U << (kind & 31))))
                        continue;
                if (looks && !bound)
                        return CODE_DENIED;
                if (looks && !sets_match(rule, sets))
                        continue;
                allowed = allowed || rule->verdict == CODE_ALLOWED;
                denied = denied || rule->verdict == CODE_DENIED;
                if (!rule->maybe)
                        return allowed && denied ? CODE_ASK : denied ? CODE_DENIED : CODE_ALLOWED;
        }
        return denied ? CODE_ASK : CODE_ALLOWED;
}
