/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules are asked stage by stage, in each stage first about the remote server's words, then about those for
 * people. What a pattern needs to match at all (rule_literals.h) is looked up for all patterns in one pass
 * over the text, so that of some hundred patterns only a few are run.
 *
 * The text comes from strangers: a pattern that would take too long on it is given up, and has not matched.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "bounce/rule_set.h"

#include "bounce/fold.h"
#include "bounce/literal_index.h"
#include "bounce/rule_literals.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Steps of one pattern in one text. Useful ones take less than a thousand, and this many a fraction of a
 * millisecond. */
#define STEPS_MOST 5000

/* Compiled when it is first run: of the shipped ones most never are. */
struct pattern {
    struct span text;
    _Atomic(pcre2_code *) code;
};

/* A rule's patterns are neighbours. */
struct ready_rule {
    size_t first, n; /* patterns */
};

struct rule_set {
    const struct rule **rules; /* in the order in which they are asked */
    struct ready_rule *ready;  /* one for each */
    size_t n;
    size_t stage_end[RULE_STAGES]; /* index behind a stage's last rule */
    struct pattern *patterns;
    size_t n_patterns;
    GStringChunk *texts;
    struct literal_index *index;
    GArray *always;           /* size_t: patterns that must be run on each text */
    GPtrArray *about_notices; /* rules that look at all of a notice */
    pcre2_match_context *limits;
};

/* --- making --- */

/* Patterns are compared with folded texts, so they are folded, too. */
static struct span fold_pattern(struct rule_set *set, const char *text)
{
    GString *folded = g_string_new(NULL);
    struct span rest = span_of(text), kept;

    while (rest.n > 0) {
        char dst[FOLD_MOST];
        size_t used = 1;

        /* Of ASCII the case is left alone: \B is not \b. The pattern is caseless anyway. */
        if ((unsigned char)rest.p[0] < 0x80)
            g_string_append_c(folded, rest.p[0]);
        else
            g_string_append_len(folded, dst, (gssize)fold_character(dst, rest, &used));
        rest = (struct span){ rest.p + used, rest.n - used };
    }
    kept =
        (struct span){ g_string_chunk_insert_len(set->texts, folded->str, (gssize)folded->len), folded->len };
    g_string_free(folded, TRUE);
    return kept;
}

static void index_pattern(struct rule_set *set, struct span text, size_t number)
{
    struct literals literals;

    rule_literals_read(&literals, text, set->texts);
    if (literals.n == 0)
        g_array_append_val(set->always, number);
    for (size_t i = 0; i < literals.n; i++) {
        struct span literal = literals.item[i];

        /* The letters of a pattern may be large. */
        literal.p = g_string_chunk_insert_len(set->texts, literal.p, (gssize)literal.n);
        for (size_t k = 0; k < literal.n; k++) {
            char *c = (char *)(uintptr_t)&literal.p[k];

            *c = g_ascii_tolower(*c);
        }
        literal_index_add(set->index, literal, number);
    }
}

static pcre2_code *compile(struct span text, int *why, PCRE2_SIZE *at)
{
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text.p, text.n,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, why, at, NULL);

    /* Where there is no JIT the interpreter does the work. */
    if (code != NULL)
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}

static int check_pattern(const struct rule *rule, const struct rule_line *line, struct span text,
                         struct err *err)
{
    PCRE2_UCHAR words[128];
    PCRE2_SIZE at;
    int why;
    pcre2_code *code = compile(text, &why, &at);

    if (code == NULL) {
        pcre2_get_error_message(why, words, sizeof(words));
        return err_set(err, "%s:%d: the pattern is wrong at character %zu: %s", rule->path, line->line, at,
                       (const char *)words);
    }
    pcre2_code_free(code);
    return 0;
}

static int add_pattern(struct rule_set *set, const struct rule *rule, const struct rule_line *line,
                       bool trusted, struct err *err)
{
    struct pattern *pattern = &set->patterns[set->n_patterns];

    pattern->text = fold_pattern(set, line->text);
    if (!trusted && check_pattern(rule, line, pattern->text, err) < 0)
        return -1;
    index_pattern(set, pattern->text, set->n_patterns++);
    return 0;
}

static int add_rule(struct rule_set *set, const struct rule *rule, bool trusted, struct err *err)
{
    struct ready_rule *ready = &set->ready[set->n];

    *ready = (struct ready_rule){ .first = set->n_patterns, .n = rule->n_matches };
    for (size_t i = 0; i < rule->n_matches; i++)
        if (add_pattern(set, rule, &rule->matches[i], trusted, err) < 0)
            return -1;
    if ((rule->places & PLACE_NOTICE) != 0)
        g_ptr_array_add(set->about_notices, (gpointer)(uintptr_t)rule);
    set->rules[set->n++] = rule;
    return 0;
}

/* The rules that hold: of several with one name the first file's. */
static GHashTable *choose_rules(const struct rule_file *files, size_t n)
{
    GHashTable *chosen = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < files[i].n; k++) {
            const struct rule *rule = &files[i].rules[k];

            if (!g_hash_table_contains(chosen, rule->name))
                g_hash_table_insert(chosen, (gpointer)(uintptr_t)rule->name, (gpointer)(uintptr_t)rule);
        }
    return chosen;
}

static int add_stage(struct rule_set *set, const struct rule_file *file, enum rule_stage stage,
                     GHashTable *chosen, struct err *err)
{
    for (size_t i = 0; i < file->n; i++) {
        const struct rule *rule = &file->rules[i];

        if (rule->off || rule->stage != stage || g_hash_table_lookup(chosen, rule->name) != rule)
            continue;
        if (add_rule(set, rule, file->trusted, err) < 0)
            return -1;
    }
    return 0;
}

static int add_files(struct rule_set *set, const struct rule_file *files, size_t n, struct err *err)
{
    GHashTable *chosen = choose_rules(files, n);
    int rc = 0;

    for (int stage = 0; stage < RULE_STAGES && rc == 0; stage++) {
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = add_stage(set, &files[i], (enum rule_stage)stage, chosen, err);
        set->stage_end[stage] = set->n;
    }
    g_hash_table_unref(chosen);
    return rc;
}

int rule_set_check(const struct rule_set *set, struct err *err)
{
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < set->ready[i].n; k++)
            if (check_pattern(set->rules[i], &set->rules[i]->matches[k],
                              set->patterns[set->ready[i].first + k].text, err) < 0)
                return -1;
    return 0;
}

struct rule_set *rule_set_new(const struct rule_file *files, size_t n, struct err *err)
{
    struct rule_set *set = g_new0(struct rule_set, 1);
    size_t all = 0, patterns = 0;

    for (size_t i = 0; i < n; i++) {
        all += files[i].n;
        for (size_t k = 0; k < files[i].n; k++)
            patterns += files[i].rules[k].n_matches;
    }
    set->rules = g_new0(const struct rule *, all + 1);
    set->ready = g_new0(struct ready_rule, all + 1);
    set->patterns = g_new0(struct pattern, patterns + 1);
    set->always = g_array_new(FALSE, FALSE, sizeof(size_t));
    set->about_notices = g_ptr_array_new();
    set->texts = g_string_chunk_new(16384);
    set->index = literal_index_new();
    if ((set->limits = pcre2_match_context_create(NULL)) == NULL) {
        err_set(err, "out of memory");
        goto fail;
    }
    pcre2_set_match_limit(set->limits, STEPS_MOST);
    if (add_files(set, files, n, err) == 0)
        return set;
fail:
    rule_set_free(set);
    return NULL;
}

void rule_set_free(struct rule_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->n_patterns; i++)
        pcre2_code_free(set->patterns[i].code);
    pcre2_match_context_free(set->limits);
    literal_index_free(set->index);
    g_string_chunk_free(set->texts);
    g_array_free(set->always, TRUE);
    g_ptr_array_free(set->about_notices, TRUE);
    g_free(set->patterns);
    g_free(set->ready);
    g_free(set->rules);
    g_free(set);
}

const struct rule *const *rule_set_rules(const struct rule_set *set, size_t *n)
{
    *n = set->n;
    return set->rules;
}

/* --- asking --- */

/* One text, and the patterns that may be in it. */
struct candidates {
    struct span text;
    uint64_t *bits;
};

struct asking {
    const struct rule_set *set;
    const struct evidence *evidence;
    struct candidates diag, human, notice;
    pcre2_match_data *match;
    struct rule_hit *hits;
    size_t n, most;
};

/* `*` any run of characters, `?` any one, a leading `x` either class of failure: x.1.1 is 4.1.1 and 5.1.1. */
static bool glob_fits(struct span glob, struct span text)
{
    while (glob.n > 0) {
        if (glob.p[0] == '*') {
            struct span rest = { glob.p + 1, glob.n - 1 };

            for (size_t i = 0; i <= text.n; i++)
                if (glob_fits(rest, (struct span){ text.p + i, text.n - i }))
                    return true;
            return false;
        }
        if (text.n == 0 || (glob.p[0] != '?' && glob.p[0] != text.p[0] &&
                            !(glob.p[0] == 'x' && (text.p[0] == '4' || text.p[0] == '5'))))
            return false;
        glob = (struct span){ glob.p + 1, glob.n - 1 };
        text = (struct span){ text.p + 1, text.n - 1 };
    }
    return text.n == 0;
}

static bool any_fits(const char *globs, struct span text)
{
    struct span rest = span_of(globs);

    if (text.n == 0)
        return false;
    while (rest.n > 0) {
        struct span glob = span_cut(&rest, ' ');

        if (glob.n > 0 && glob_fits(glob, text))
            return true;
    }
    return false;
}

static bool conditions_hold(const struct rule *rule, const struct evidence *evidence)
{
    char reply[4];

    if (rule->stage == STAGE_LOCAL && !evidence->local)
        return false;
    if (rule->status != NULL && !any_fits(rule->status, span_of(evidence->status)))
        return false;
    if (rule->reporter != NULL && !any_fits(rule->reporter, evidence->reporter))
        return false;
    if (rule->reply == NULL)
        return true;
    reply[0] = (char)('0' + evidence->reply / 100 % 10);
    reply[1] = (char)('0' + evidence->reply / 10 % 10);
    reply[2] = (char)('0' + evidence->reply % 10);
    reply[3] = '\0';
    return any_fits(rule->reply, evidence->reply == 0 ? SPAN_NONE : span_of(reply));
}

/* Threads that come at the same time may each compile; the first one's is kept. NULL: no memory, or a pattern
 * that nobody has checked. */
static const pcre2_code *pattern_code(struct pattern *pattern)
{
    pcre2_code *code = atomic_load(&pattern->code), *none = NULL;
    PCRE2_SIZE at;
    int why;

    if (code != NULL || (code = compile(pattern->text, &why, &at)) == NULL)
        return code;
    if (atomic_compare_exchange_strong(&pattern->code, &none, code))
        return code;
    pcre2_code_free(code);
    return none;
}

static bool pattern_matches(const struct asking *asking, size_t number, const struct candidates *in)
{
    const pcre2_code *code;

    if ((in->bits[number / 64] >> (number % 64) & 1) == 0)
        return false;
    code = pattern_code(&asking->set->patterns[number]);
    return code != NULL && pcre2_match(code, (PCRE2_SPTR)in->text.p, in->text.n, 0, PCRE2_NO_UTF_CHECK,
                                       asking->match, asking->set->limits) >= 0;
}

static bool rule_matches(const struct asking *asking, size_t i, const struct candidates *in)
{
    const struct ready_rule *ready = &asking->set->ready[i];

    for (size_t k = 0; k < ready->n; k++)
        if (pattern_matches(asking, ready->first + k, in))
            return true;
    return false;
}

static void add_hit(struct asking *asking, const struct rule *rule, enum rule_place place)
{
    for (size_t i = 0; i < asking->n; i++)
        if (asking->hits[i].rule == rule)
            return;
    asking->hits[asking->n++] = (struct rule_hit){ rule, place };
}

/* One stage's rules about one text; those without a pattern are asked with the first. */
static void ask_stage(struct asking *asking, size_t from, size_t to, enum rule_place place)
{
    const struct candidates *in = place == PLACE_DIAG    ? &asking->diag
                                  : place == PLACE_HUMAN ? &asking->human
                                                         : &asking->notice;

    for (size_t i = from; i < to && asking->n < asking->most; i++) {
        const struct rule *rule = asking->set->rules[i];

        if (rule->n_matches == 0 && place == PLACE_DIAG && conditions_hold(rule, asking->evidence))
            add_hit(asking, rule, 0);
        else if (rule->n_matches > 0 && in->text.n > 0 && (rule->places & place) != 0 &&
                 rule_matches(asking, i, in) && conditions_hold(rule, asking->evidence))
            add_hit(asking, rule, place);
    }
}

static void find_candidates(const struct rule_set *set, struct candidates *out, struct span text,
                            uint64_t *bits)
{
    *out = (struct candidates){ .text = text, .bits = bits };
    if (text.n == 0)
        return;
    literal_index_look(set->index, text, bits);
    for (guint i = 0; i < set->always->len; i++) {
        size_t number = g_array_index(set->always, size_t, i);

        bits[number / 64] |= UINT64_C(1) << (number % 64);
    }
}

bool rule_set_asks_notice(const struct rule_set *set, const struct evidence *evidence)
{
    for (guint i = 0; i < set->about_notices->len; i++)
        if (conditions_hold(g_ptr_array_index(set->about_notices, i), evidence))
            return true;
    return false;
}

size_t rule_set_find(const struct rule_set *set, const struct evidence *evidence, struct rule_hit *hits,
                     size_t most)
{
    struct asking asking = { .set = set, .evidence = evidence, .hits = hits, .most = most };
    size_t words = set->n_patterns / 64 + 1, from = 0;
    uint64_t *bits = g_new0(uint64_t, 3 * words);

    if ((asking.match = pcre2_match_data_create(1, NULL)) == NULL)
        g_error("out of memory");
    find_candidates(set, &asking.diag, evidence->diag, bits);
    find_candidates(set, &asking.human, evidence->human, bits + words);
    find_candidates(set, &asking.notice, evidence->notice, bits + 2 * words);
    for (int stage = 0; stage < RULE_STAGES && asking.n < most; stage++) {
        ask_stage(&asking, from, set->stage_end[stage], PLACE_DIAG);
        ask_stage(&asking, from, set->stage_end[stage], PLACE_HUMAN);
        ask_stage(&asking, from, set->stage_end[stage], PLACE_NOTICE);
        from = set->stage_end[stage];
    }
    pcre2_match_data_free(asking.match);
    g_free(bits);
    return asking.n;
}
