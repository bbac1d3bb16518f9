/* SPDX-License-Identifier: GPL-2.0-only */

/* A livepatch for tests: what /proc/cmdline says is ours. */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int show(struct seq_file *file, void *unused) {
        seq_puts(file, "patched\n");
        return 0;
}

static struct klp_func functions[] = { { .old_name = "cmdline_proc_show", .new_func = show }, {} };
static struct klp_object objects[] = { { .funcs = functions }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init begin(void) {
        return klp_enable_patch(&patch);
}

static void __exit end(void) {
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Patches /proc/cmdline, for tests");
