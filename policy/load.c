/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From policy files to a policy: parse every file, then fill the reference sets, then resolve what rules name. */

#include "policy/load.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/unitfile.h"
#include "policy/rule.h"
#include "policy/settings.h"

typedef struct Loader {
        const PolicySource *source;
        Policy *policy;
        ProblemList *problems;
        Buffer identity;        /* what the policy digest covers */
        ReferenceSet *current;  /* being filled */
        uint64_t seen;          /* settings in this section, as in setting_apply() */
        uint64_t seen_in_file;  /* the same of [Policy], which stands for the whole file */
        uint64_t seen_failures; /* rows of [Failures] in this file */
} Loader;

DEFINE_CLEANUP(Policy *, policy_free)

static_assert(_FAILURE_MAX <= 64, "a bit per row in Loader.seen_failures");

static const char *const section_names[] = { "Policy", "Failures", "Reference", "Rule", NULL };

static const Setting policy_settings[] = {
        { "Policy", "Mode", setting_word, offsetof(Policy, mode), .words = mode_names },
};

static int take_failure(Loader *l, const UnitFile *file, const UnitItem *item) {
        Failure f = failure_from_key(item->key);

        if (f == _FAILURE_INVALID) {
                const char *keys[_FAILURE_MAX + 1] = {};

                for (Failure i = 0; i < _FAILURE_MAX; i++)
                        keys[i] = failure_key(i);
                complain_word(l->problems, file->name, item->line, item->column, "key", item->key, keys);
                return 0;
        }
        if (l->seen_failures & (UINT64_C(1) << f)) {
                problem_add(l->problems, file->name, item->line, item->column, "%s= is given twice", item->key);
                return 0;
        }
        l->seen_failures |= UINT64_C(1) << f;
        for (FailureAction a = 0; a < _ON_FAILURE_MAX; a++)
                if (streq(failure_action_names[a], item->value) && failure_accepts(f, a)) {
                        l->policy->failures[f] = a;
                        return 0;
                }
        problem_add(l->problems, file->name, item->line, item->value_column, "%s= expects %s", item->key,
                    f < _FAILURE_GATE_MAX ? "allow, deny or lock" : "count, degrade or lock");
        return 0;
}

static int begin_reference(Loader *l, const UnitFile *file, const UnitItem *header) {
        Policy *p = l->policy;
        Reference *r;

        if (p->references_size == REFERENCES_MAX) {
                problem_add(l->problems, file->name, header->line, header->column,
                            "there are more than %d reference sets", REFERENCES_MAX);
                return 0;
        }
        for (size_t i = 0; i < p->references_size; i++)
                if (streq(p->references[i].name, header->label)) {
                        problem_add(l->problems, file->name, header->line, header->value_column,
                                    "the reference set \"%s\" is there already, at %s:%u", header->label,
                                    p->references[i].file, p->references[i].line);
                        break;
                }
        if (GREEDY_REALLOC(p->references, p->references_allocated, p->references_size + 1) < 0)
                return -ENOMEM;
        r = &p->references[p->references_size++];
        *r = (Reference){ .line = header->line };
        if (free_and_strdup(&r->name, header->label) < 0 || free_and_strdup(&r->file, file->name) < 0)
                return -ENOMEM;
        return reference_set_new(&r->set);
}

static int add_pattern(Reference *r, const char *word, size_t n) {
        char **grown = reallocarray(r->patterns, r->patterns_size + 1, sizeof(char *));

        if (!grown)
                return -ENOMEM;
        r->patterns = grown;
        r->patterns[r->patterns_size] = memdup_nul(word, n);
        return r->patterns[r->patterns_size++] ? 0 : -ENOMEM;
}

static int take_reference(Loader *l, const UnitFile *file, const UnitItem *item) {
        static const char *const keys[] = { "File", NULL };
        Reference *r = &l->policy->references[l->policy->references_size - 1];
        const char *p = item->value, *word;
        size_t n;
        int error = 0;

        if (!streq(item->key, "File")) {
                complain_word(l->problems, file->name, item->line, item->column, "key", item->key, keys);
                return 0;
        }
        while (error >= 0 && (n = next_word(&p, &word)) > 0)
                error = add_pattern(r, word, n);
        return error;
}

static int take_header(Loader *l, const UnitFile *file, const UnitItem *item) {
        l->seen = 0;
        for (size_t i = 0; section_names[i]; i++) {
                bool labelled = i >= 2;

                if (!streq(section_names[i], item->section))
                        continue;
                if (labelled && (!item->label || *item->label == '\0'))
                        problem_add(l->problems, file->name, item->line, item->column, "expected a name: [%s name]",
                                    item->section);
                else if (!labelled && item->label)
                        problem_add(l->problems, file->name, item->line, item->value_column, "[%s] takes no name",
                                    item->section);
                else if (streq(item->section, "Reference"))
                        return begin_reference(l, file, item);
                else if (streq(item->section, "Rule"))
                        return rule_begin(l->policy, file, item, l->problems);
                return 0;
        }
        complain_word(l->problems, file->name, item->line, item->column, "section", item->section, section_names);
        return 0;
}

/* True when the section of the item is one that take_header() took. */
static bool section_is_open(const Loader *l, const UnitFile *file, const UnitItem *item) {
        const Policy *p = l->policy;

        if (streq(item->section, "Policy") || streq(item->section, "Failures"))
                return !item->label;
        if (!item->label || *item->label == '\0')
                return false;
        if (streq(item->section, "Reference"))
                return p->references_size > 0 && streq(p->references[p->references_size - 1].file, file->name);
        return streq(item->section, "Rule") && p->rules_size > 0 &&
               streq(p->rules[p->rules_size - 1].file, file->name);
}

static int take_item(Loader *l, const UnitFile *file, const UnitItem *item) {
        if (!item->key)
                return take_header(l, file, item);
        if (!section_is_open(l, file, item))
                return 0; /* its header was complained about */
        if (streq(item->section, "Failures"))
                return take_failure(l, file, item);
        if (streq(item->section, "Reference"))
                return take_reference(l, file, item);
        if (streq(item->section, "Rule"))
                return rule_take(l->policy, file, item, &l->seen, l->problems);
        return setting_apply(policy_settings, ELEMENTSOF(policy_settings), file, item, l->policy, &l->seen_in_file,
                             l->problems);
}

static int take_file(void *sink, const char *name, const char *text, size_t n) {
        _cleanup_(unit_file_done) UnitFile file = {};
        Loader *l = sink;
        size_t first_rule = l->policy->rules_size;
        int r;

        l->seen_in_file = l->seen_failures = 0;
        buffer_bytes(&l->identity, name, strlen(name) + 1);
        buffer_u64le(&l->identity, n);
        buffer_bytes(&l->identity, text, n);
        r = unit_file_parse(name, text, n, &file, l->problems);
        if (r < 0)
                return r;
        for (size_t i = 0; i < file.size; i++) {
                r = take_item(l, &file, &file.items[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = first_rule; i < l->policy->rules_size; i++)
                rule_end(&l->policy->rules[i], l->problems);
        return buffer_error(&l->identity);
}

static int take_piece(void *sink, const char *file, const char *text, size_t n) {
        Loader *l = sink;

        return reference_set_feed(l->current, file, text, n, l->problems);
}

/* A set without File= is the file of its name in reference.d. */
static int fill_reference(Loader *l, Reference *ref) {
        int r;

        if (ref->patterns_size == 0) {
                char name[UNITFILE_LABEL_MAX + sizeof(".sha256")];

                snprintf(name, sizeof(name), "%s.sha256", ref->name);
                r = add_pattern(ref, name, strlen(name));
                if (r < 0)
                        return r;
        }
        l->current = ref->set;
        for (size_t i = 0; i < ref->patterns_size; i++) {
                r = l->source->reference(l->source->userdata, ref->patterns[i], take_piece, l);
                if (r == -ENOENT)
                        problem_add(l->problems, ref->file, ref->line, 0,
                                    "no reference file \"%s\" for [Reference %s]", ref->patterns[i], ref->name);
                else if (r == -ENOMEM)
                        return r;
                else if (r < 0)
                        problem_add(l->problems, ref->file, ref->line, 0, "cannot read \"%s\" for [Reference %s]: %s",
                                    ref->patterns[i], ref->name, strerror(-r));
        }
        r = reference_set_finish(ref->set);
        buffer_bytes(&l->identity, ref->name, strlen(ref->name) + 1);
        buffer_bytes(&l->identity, reference_set_digest(ref->set), SHA256_SIZE);
        return r;
}

/* What cannot be read is for a person to mend, as what can be read and is wrong. */
static int take_policies(Loader *l) {
        _cleanup_free_ char *path = NULL;
        int r = l->source->policies(l->source->userdata, take_file, l, &path);

        if (r >= 0 || r == -ENOMEM || !path)
                return r;
        problem_add(l->problems, path, 0, 0, "cannot be read: %s", strerror(-r));
        return 0;
}

static void loader_done(Loader *l) {
        buffer_done(&l->identity);
}

int policy_load(const PolicySource *source, Policy **ret, ProblemList *problems) {
        _cleanup_(policy_freep) Policy *p = new0(Policy, 1);
        _cleanup_(loader_done) Loader l = { .source = source, .policy = p, .problems = problems };
        int r;

        if (!p)
                return -ENOMEM;
        for (Failure f = 0; f < _FAILURE_MAX; f++)
                p->failures[f] = failure_default(f);
        r = take_policies(&l);
        for (size_t i = 0; r >= 0 && i < p->references_size; i++)
                r = fill_reference(&l, &p->references[i]);
        if (r >= 0)
                r = rules_resolve(p, source, problems);
        if (r >= 0)
                r = sha256(l.identity.data, l.identity.size, p->digest);
        if (r < 0)
                return r;
        if (!problem_list_is_empty(problems))
                return -EBADMSG;
        *ret = TAKE_PTR(p);
        return 0;
}
