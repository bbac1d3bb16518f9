/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsing of [Rule] sections. */

#include "policy/rule.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "policy/settings.h"

static const char *parse_events(const Setting *s _unused_, const char **at, void *member) {
        static const char expected[] = "events like exec, library, module and mount (sealwatch.policy(5))";
        const char *p = *at, *word;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                Event e = event_from_name(word, n);

                *at = word;
                if (e == _EVENT_INVALID)
                        return expected;
                *(unsigned *) member |= 1U << e;
        }
        return *(unsigned *) member == 0 ? expected : NULL;
}

static const char *parse_actions(const Setting *s _unused_, const char **at, void *member) {
        static const char expected[] = "some of ignore, allow, alert, deny, kill and lock";
        unsigned *actions = member;
        const char *p = *at, *word;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                unsigned found = 0;

                for (unsigned i = 0; rule_action_names[i]; i++)
                        if (strlen(rule_action_names[i]) == n && memcmp(rule_action_names[i], word, n) == 0)
                                found = 1U << i;
                *at = word;
                if (!found)
                        return expected;
                *actions |= found;
        }
        if (*actions == 0)
                return expected;
        if (actions_refuse(*actions) && *actions & (RULE_ALLOW | RULE_IGNORE))
                return "either ignore or allow, or deny, kill or lock, but not both";
        if (*actions & RULE_IGNORE && *actions != RULE_IGNORE)
                return "ignore alone";
        return NULL;
}

/* Words with negation; what they name is found out in rules_resolve(). */
static const char *parse_match(const Setting *s _unused_, const char **at, void *member) {
        const char *p = *at, *word;
        size_t n;

        while ((n = next_word(&p, &word)) > 0) {
                bool negated = *word == '!';

                *at = word;
                if (n == 1 && negated)
                        return "a word behind the !";
                if (match_add(member, word + negated, n - negated, negated, 0) < 0)
                        return "more memory";
        }
        return p == *at ? "at least one word" : NULL;
}

/* Paths are absolute: a pattern that can match none of them would be a rule without effect. */
static const char *parse_paths(const Setting *s, const char **at, void *member) {
        const char *p = *at, *word;

        while (next_word(&p, &word) > 0)
                if (!strchr("/*?[", word[*word == '!'])) {
                        *at = word;
                        return "absolute paths, or wildcards that match them";
                }
        return parse_match(s, at, member);
}

/* T1204 or T1204.002. */
static const char *parse_technique(const Setting *s, const char **at, void *member) {
        static const char shape[] = "T0000.000";
        const char *p = *at;
        size_t i = 0;

        while (p[i] && i < strlen(shape) && (shape[i] == '0' ? p[i] >= '0' && p[i] <= '9' : p[i] == shape[i]))
                i++;
        if (p[i] || (i != strlen("T0000") && i != strlen(shape)))
                return "a MITRE ATT&CK technique like T1204 or T1204.002";
        return setting_text(s, at, member);
}

/* Match keys may be given more than once in a rule: their words add up. */
static const Setting rule_settings[] = {
        { "Rule", "Event", parse_events, offsetof(Rule, events) },
        { "Rule", "Path", parse_paths, offsetof(Rule, paths) },
        { "Rule", "User", parse_match, offsetof(Rule, users) },
        { "Rule", "Unit", parse_match, offsetof(Rule, units) },
        { "Rule", "Reference", parse_match, offsetof(Rule, references) },
        { "Rule", "Action", parse_actions, offsetof(Rule, actions) },
        { "Rule", "Severity", setting_word, offsetof(Rule, severity), .words = severity_names },
        { "Rule", "Technique", parse_technique, offsetof(Rule, technique) },
};

static bool adds_up(const char *key) {
        static const char *const keys[] = { "Path", "User", "Unit", "Reference" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(keys[i], key))
                        return true;
        return false;
}

int rule_begin(Policy *p, const UnitFile *file, const UnitItem *header, ProblemList *problems) {
        Rule *r;

        if (p->rules_size == RULES_MAX) {
                problem_add(problems, file->name, header->line, header->column, "there are more than %d rules",
                            RULES_MAX);
                return 0;
        }
        for (size_t i = 0; i < p->rules_size; i++)
                if (streq(p->rules[i].name, header->label)) {
                        problem_add(problems, file->name, header->line, header->value_column,
                                    "the rule \"%s\" is there already, at %s:%u", header->label, p->rules[i].file,
                                    p->rules[i].line);
                        break;
                }
        if (streq(header->label, "default"))
                problem_add(problems, file->name, header->line, header->value_column,
                            "\"default\" is what records say when no rule matched; choose another name");
        if (GREEDY_REALLOC(p->rules, p->rules_allocated, p->rules_size + 1) < 0)
                return -ENOMEM;
        r = &p->rules[p->rules_size++];
        *r = (Rule){ .line = header->line, .severity = SEVERITY_WARNING };
        if (free_and_strdup(&r->name, header->label) < 0 || free_and_strdup(&r->file, file->name) < 0)
                return -ENOMEM;
        return 0;
}

int rule_take(Policy *p, const UnitFile *file, const UnitItem *item, uint64_t *seen, ProblemList *problems) {
        uint64_t once = adds_up(item->key) ? 0 : *seen;
        int r = setting_apply(rule_settings, ELEMENTSOF(rule_settings), file, item, &p->rules[p->rules_size - 1],
                              &once, problems);

        *seen |= once;
        return r;
}

void rule_end(const Rule *r, ProblemList *problems) {
        if (r->actions == 0)
                problem_add(problems, r->file, r->line, 0, "[Rule %s] has no Action=", r->name);
}

/* A uid in digits; UINT32_MAX is none. */
static bool parse_uid(const char *s, unsigned *ret) {
        unsigned long v = strlen(s) <= 10 ? strtoul(s, NULL, 10) : UINT32_MAX;

        *ret = (unsigned) v;
        return *s && s[strspn(s, "0123456789")] == '\0' && v < UINT32_MAX;
}

static int resolve_users(Rule *r, const PolicySource *source, ProblemList *problems) {
        for (size_t i = 0; i < r->users.size; i++) {
                MatchWord *w = &r->users.words[i];
                int error;

                if (parse_uid(w->word, &w->number))
                        continue;
                error = source->user(source->userdata, w->word, &w->number);
                if (error == -ENOENT)
                        problem_add(problems, r->file, r->line, 0,
                                    "[Rule %s] names the user \"%s\", and there is none", r->name, w->word);
                else if (error < 0)
                        return error;
        }
        return 0;
}

static int resolve_references(const Policy *p, Rule *r, ProblemList *problems) {
        _cleanup_free_ const char **names = new0(const char *, p->references_size + 1);

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < p->references_size; i++)
                names[i] = p->references[i].name;
        for (size_t i = 0; i < r->references.size; i++) {
                MatchWord *w = &r->references.words[i];

                for (w->number = 0; w->number < p->references_size && !streq(names[w->number], w->word);)
                        w->number++;
                if (w->number == p->references_size)
                        complain_word(problems, r->file, r->line, 0, "reference set", w->word, names);
        }
        return 0;
}

int rules_resolve(Policy *p, const PolicySource *source, ProblemList *problems) {
        for (size_t i = 0; i < p->rules_size; i++) {
                Rule *r = &p->rules[i];
                int error = resolve_users(r, source, problems);

                if (error >= 0)
                        error = resolve_references(p, r, problems);
                if (error < 0)
                        return error;
                if (rule_events(r) & ((1U << _EVENT_CODE_MAX) - 1) && (r->users.size > 0 || r->units.size > 0))
                        p->needs_subject = true;
        }
        return 0;
}
