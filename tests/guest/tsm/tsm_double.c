/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A provider of TSM reports, for tests: whoever has /dev/tsm-double open makes them. A read waits for a request and gives its
 * inblob; a write answers it: two u32, the sizes of outblob and auxblob, and they. The provider calls itself "sev_guest".
 *
 * /sys/module/tsm_double/parameters/fail: an errno that requests end with instead.
 */
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/tsm.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#define BLOB_MAX (64 * 1024)
#define PATIENCE (30 * HZ)

static int fail;
module_param(fail, int, 0600);

enum state { IDLE, ASKED, TAKEN, ANSWERED };

static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(changed);
static enum state state;
static u8 question[sizeof(((struct tsm_report *) NULL)->desc.inblob)];
static size_t question_size;
static void *out, *aux;
static u32 sizes[2];

static void forget(void) {
        kvfree(out);
        kvfree(aux);
        out = aux = NULL;
        state = IDLE;
}

static int report_new(struct tsm_report *report, void *data) {
        long left;
        int r = 0;

        if (fail)
                return -fail;
        mutex_lock(&lock);
        forget();
        question_size = report->desc.inblob_len;
        memcpy(question, report->desc.inblob, question_size);
        state = ASKED;
        mutex_unlock(&lock);
        wake_up_all(&changed);

        left = wait_event_interruptible_timeout(changed, READ_ONCE(state) == ANSWERED, PATIENCE);
        mutex_lock(&lock);
        if (state != ANSWERED) {
                r = left < 0 ? left : -ETIMEDOUT;
        } else {
                report->outblob = out; /* the core frees them with kvfree() */
                report->outblob_len = sizes[0];
                report->auxblob = aux;
                report->auxblob_len = sizes[1];
                out = aux = NULL;
        }
        forget();
        mutex_unlock(&lock);
        return r;
}

static bool attr_visible(int n) {
        return n == TSM_REPORT_GENERATION || n == TSM_REPORT_PROVIDER || n == TSM_REPORT_PRIVLEVEL ||
               n == TSM_REPORT_PRIVLEVEL_FLOOR;
}

static bool bin_attr_visible(int n) {
        return n == TSM_REPORT_INBLOB || n == TSM_REPORT_OUTBLOB || n == TSM_REPORT_AUXBLOB;
}

static const struct tsm_ops ops = {
        .name = "sev_guest",
        .report_new = report_new,
        .report_attr_visible = attr_visible,
        .report_bin_attr_visible = bin_attr_visible,
};

static ssize_t device_read(struct file *file, char __user *to, size_t n, loff_t *at) {
        ssize_t r;

        if (wait_event_interruptible(changed, READ_ONCE(state) == ASKED))
                return -ERESTARTSYS;
        mutex_lock(&lock);
        r = n < question_size ? -EINVAL : copy_to_user(to, question, question_size) ? -EFAULT : question_size;
        if (r > 0)
                state = TAKEN;
        mutex_unlock(&lock);
        return r;
}

/* A copy of what user space has there; NULL for nothing. */
static void *take(const char __user *from, u32 n) {
        void *p;

        if (n == 0)
                return NULL;
        p = kvmalloc(n, GFP_KERNEL);
        if (!p)
                return ERR_PTR(-ENOMEM);
        if (copy_from_user(p, from, n)) {
                kvfree(p);
                return ERR_PTR(-EFAULT);
        }
        return p;
}

static ssize_t device_write(struct file *file, const char __user *from, size_t n, loff_t *at) {
        void *first, *second;
        u32 size[2];

        if (n < sizeof(size) || copy_from_user(size, from, sizeof(size)))
                return -EFAULT;
        if (size[0] > BLOB_MAX || size[1] > BLOB_MAX || n != sizeof(size) + size[0] + size[1])
                return -EINVAL;
        first = take(from + sizeof(size), size[0]);
        if (IS_ERR(first))
                return PTR_ERR(first);
        second = take(from + sizeof(size) + size[0], size[1]);
        if (IS_ERR(second)) {
                kvfree(first);
                return PTR_ERR(second);
        }
        mutex_lock(&lock);
        if (state != TAKEN) {
                mutex_unlock(&lock);
                kvfree(first);
                kvfree(second);
                return -EPIPE;
        }
        out = first;
        aux = second;
        memcpy(sizes, size, sizeof(sizes));
        WRITE_ONCE(state, ANSWERED);
        mutex_unlock(&lock);
        wake_up_all(&changed);
        return n;
}

static const struct file_operations device_ops = {
        .owner = THIS_MODULE,
        .read = device_read,
        .write = device_write,
};

static struct miscdevice device = {
        .minor = MISC_DYNAMIC_MINOR,
        .name = "tsm-double",
        .fops = &device_ops,
        .mode = 0600,
};

static int __init start(void) {
        int r = misc_register(&device);

        if (r)
                return r;
        r = tsm_register(&ops, NULL);
        if (r)
                misc_deregister(&device);
        return r;
}

static void __exit end(void) {
        tsm_unregister(&ops);
        misc_deregister(&device);
        forget();
}

module_init(start);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("TSM reports made in user space, for tests");
