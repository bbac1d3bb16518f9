/* SPDX-License-Identifier: GPL-2.0-only */

/* The policy, the known digests, and what all hooks ask about them. */

#include "bpf/decide.h"

struct policies policies SEC(".maps");

struct digest_table {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_INNER_MAP); /* tables of any size fit */
        __uint(max_entries, 1);
        __uint(key_size, sizeof(__u32));
        __uint(value_size, sizeof(KernelDigest)); /* clang leaves the type out of the BTF of a map inside a map */
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
        __uint(max_entries, 2);
        __type(key, __u32);
        __array(values, struct digest_table);
} digests SEC(".maps");

const CodeEvent *type_of_code_events __attribute__((unused));
const KernelDigest *type_of_digests __attribute__((unused));

/* The reference sets that hold the digest. Not static: so the verifier looks at it once, not once for each way that leads here. */
__noinline __u32 sets_of(const struct finding *f, __u32 count, __u32 size) {
        __u32 slot = count & 1;
        void *table = bpf_map_lookup_elem(&digests, &slot);
        __u32 low = 0, high = size;

        if (!table || !f)
                return 0;
#pragma clang loop unroll(disable)
        for (int i = 0; i <= ABI_DIGESTS_BITS && low < high; i++) {
                __u32 middle = low + (high - low) / 2;
                const KernelDigest *row = bpf_map_lookup_elem(table, &middle);
                int order;

                if (!row)
                        return 0;
                order = compare_digests(f->digest, row->digest);
                if (order == 0)
                        return row->sets;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return 0;
}

__noinline __u32 judge(const KernelPolicy *p, __u32 kind, const struct finding *f) {
        if (!p || !f)
                return CODE_DENIED;
        return first_match(p, kind, f->sets, f->error == 0, f->writers);
}
