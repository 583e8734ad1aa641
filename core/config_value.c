/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of all kinds are one thing: digits, a unit, a range. The units are rows, and both directions use
 * them, so that what is shown can be read back. A number without a unit is refused where there are units:
 * a guess whether 90 was meant as seconds or days would be found out too late. */
#include "core/config_value.h"

#include "core/config_secret.h"
#include "leadgate/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Per type the first row that divides a value is the one it is shown in; weeks are only read. */
static const struct unit {
    enum config_type type;
    const char *suffix;
    int64_t factor;
} units[] = {
    { CONFIG_INT, "", 1 },
    { CONFIG_PERCENT, "%", 1 },
    { CONFIG_DURATION, "d", 86400 },
    { CONFIG_DURATION, "h", 3600 },
    { CONFIG_DURATION, "m", 60 },
    { CONFIG_DURATION, "s", 1 },
    { CONFIG_DURATION, "w", 604800 },
    { CONFIG_MILLISECONDS, "d", 86400000 },
    { CONFIG_MILLISECONDS, "h", 3600000 },
    { CONFIG_MILLISECONDS, "m", 60000 },
    { CONFIG_MILLISECONDS, "s", 1000 },
    { CONFIG_MILLISECONDS, "ms", 1 },
    { CONFIG_SIZE, "GiB", INT64_C(1) << 30 },
    { CONFIG_SIZE, "MiB", INT64_C(1) << 20 },
    { CONFIG_SIZE, "KiB", INT64_C(1) << 10 },
    { CONFIG_SIZE, "", 1 },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

/* What is allowed, in words; "" = the row's own words. */
static const char *const nouns[] = {
    [CONFIG_INT] = "a whole number",
    [CONFIG_BOOL] = "true or false",
    [CONFIG_WORD] = "",
    [CONFIG_TEXT] = "a text",
    [CONFIG_TEXTS] = "a list of texts, [a, b]",
    [CONFIG_DURATION] = "a number with a unit (s, m, h, d, w)",
    [CONFIG_MILLISECONDS] = "a number with a unit (ms, s, m, h, d, w)",
    [CONFIG_SIZE] = "a number of bytes, KiB, MiB or GiB",
    [CONFIG_PERCENT] = "a number with a % sign",
    [CONFIG_DECIMAL] = "a number with up to three decimals",
    [CONFIG_MODE] = "an octal number with a leading 0",
    [CONFIG_ENDPOINT] = "unix:/absolute/path or inet:host:port",
    [CONFIG_ENDPOINTS] = "a list of unix:/absolute/path or inet:host:port, [a, b]",
    [CONFIG_SECRET] = "the absolute path of a file",
    [CONFIG_ITEMS] = "a list of mappings, each with keys of its own",
};

bool config_value_is_list(enum config_type type)
{
    return type == CONFIG_TEXTS || type == CONFIG_ENDPOINTS || type == CONFIG_ITEMS;
}

static bool is_number(enum config_type type)
{
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].type == type)
            return true;
    return type == CONFIG_MODE || type == CONFIG_DECIMAL;
}

static bool show_number(char *dst, size_t size, const struct config_key *key, int64_t value)
{
    char text[DECIMAL_TEXT_SIZE];
    int n = -1;

    if (key->type == CONFIG_DECIMAL)
        return span_copy(dst, size, span_of(decimal_text(text, value)));
    if (key->type == CONFIG_MODE)
        n = snprintf(dst, size, "%04" PRIo64, (uint64_t)value);
    else if (value == 0)
        n = snprintf(dst, size, "0");
    for (size_t i = 0; i < UNITS && n < 0; i++)
        if (units[i].type == key->type && value % units[i].factor == 0)
            n = snprintf(dst, size, "%" PRId64 "%s", value / units[i].factor, units[i].suffix);
    return n >= 0 && (size_t)n < size;
}

/* `a`, `a or b`, `a, b or c` */
static void list_words(char *dst, size_t size, const char *const *words)
{
    size_t n = 0;

    dst[0] = '\0';
    for (size_t i = 0; words[i] != NULL && n < size; i++) {
        const char *between = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";

        n += (size_t)snprintf(dst + n, size - n, "%s%s", between, words[i]);
    }
}

void config_value_allowed(char *dst, size_t size, const struct config_key *key)
{
    char min[32], max[32];

    if (key->type == CONFIG_WORD)
        list_words(dst, size, key->words);
    else if (is_number(key->type) && show_number(min, sizeof(min), key, key->min) &&
             show_number(max, sizeof(max), key, key->max))
        snprintf(dst, size, "%s from %s to %s", nouns[key->type], min, max);
    else
        snprintf(dst, size, "%s", nouns[key->type]);
}

int config_value_refuse(const struct config_key *key, struct span text, const char *why, struct err *err)
{
    char found[80], allowed[256];

    span_excerpt(found, sizeof(found), text);
    config_value_allowed(allowed, sizeof(allowed), key);
    return err_set(err, "found \"%s\"%s; allowed is %s", found, why, allowed);
}

/* NULL, or why not. */
static const char *parse_number(const struct config_key *key, struct span text, int64_t *out)
{
    struct span digits = { text.p, 0 }, suffix;
    bool suffix_known = false;
    int64_t factor = 1;

    while (digits.n < text.n && text.p[digits.n] >= '0' && text.p[digits.n] <= '9')
        digits.n++;
    suffix = (struct span){ text.p + digits.n, text.n - digits.n };
    for (size_t i = 0; i < UNITS && !suffix_known; i++) {
        suffix_known = units[i].type == key->type && span_eq(suffix, span_of(units[i].suffix));
        factor = units[i].factor;
    }
    if (digits.n == 0 || (!suffix_known && suffix.n > 0))
        return "";
    if (!span_int64(digits, out))
        return ", out of range";
    if (!suffix_known && *out != 0)
        return ", which has no unit";
    if (__builtin_mul_overflow(*out, factor, out))
        return ", out of range";
    return NULL;
}

/* The leading 0 is asked for because 660 may as well be a decimal slip. */
static const char *parse_mode(struct span text, int64_t *out)
{
    if (text.n < 2 || text.n > 5 || text.p[0] != '0')
        return "";
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return "";
        *out = *out * 8 + (text.p[i] - '0');
    }
    return NULL;
}

static const char *parse_decimal(struct span text, int64_t *out)
{
    return decimal_parse(text, out) ? NULL : "";
}

static int set_number(int64_t *member, const struct config_key *key, struct span text, struct err *err)
{
    int64_t value = 0;
    const char *why = key->type == CONFIG_MODE      ? parse_mode(text, &value)
                      : key->type == CONFIG_DECIMAL ? parse_decimal(text, &value)
                                                    : parse_number(key, text, &value);

    if (why == NULL && (value < key->min || value > key->max))
        why = ", out of range";
    if (why != NULL)
        return config_value_refuse(key, text, why, err);
    *member = value;
    return 0;
}

static int set_bool(bool *member, const struct config_key *key, struct span text, struct err *err)
{
    if (!span_eq(text, SPAN("true")) && !span_eq(text, SPAN("false")))
        return config_value_refuse(key, text, "", err);
    *member = text.p[0] == 't';
    return 0;
}

static int set_word(int *member, const struct config_key *key, struct span text, struct err *err)
{
    for (int i = 0; key->words[i] != NULL; i++) {
        if (span_eq(text, span_of(key->words[i]))) {
            *member = i;
            return 0;
        }
    }
    return config_value_refuse(key, text, "", err);
}

static char *copy_text(const struct config_key *key, struct span text, struct err *err)
{
    char *copy;

    if (memchr(text.p, '\0', text.n) != NULL) {
        config_value_refuse(key, text, ", with a NUL byte in it", err);
        return NULL;
    }
    if ((copy = strndup(text.p, text.n)) == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    if (key->check != NULL && !key->check(copy, err)) {
        free(copy);
        return NULL;
    }
    return copy;
}

static int set_text(char **member, const struct config_key *key, struct span text, struct err *err)
{
    char *copy = copy_text(key, text, err);

    if (copy == NULL)
        return -1;
    free(*member);
    *member = copy;
    return 0;
}

static int set_secret(char **member, struct span path, struct err *err)
{
    char *secret = config_secret_read(path, err);

    if (secret == NULL)
        return -1;
    config_secret_free(*member);
    *member = secret;
    return 0;
}

int config_value_set(void *member, const struct config_key *key, struct span text, struct err *err)
{
    switch (key->type) {
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_MILLISECONDS:
    case CONFIG_SIZE:
    case CONFIG_PERCENT:
    case CONFIG_DECIMAL:
    case CONFIG_MODE: return set_number(member, key, text, err);
    case CONFIG_BOOL: return set_bool(member, key, text, err);
    case CONFIG_WORD: return set_word(member, key, text, err);
    case CONFIG_TEXT: return set_text(member, key, text, err);
    case CONFIG_ENDPOINT: return endpoint_parse(member, text, err);
    case CONFIG_SECRET: return set_secret(member, text, err);
    case CONFIG_TEXTS:
    case CONFIG_ENDPOINTS:
    case CONFIG_ITEMS: return config_value_refuse(key, text, "", err);
    }
    abort(); /* no type: a bug in the table */
}

static int add_text(struct config_texts *list, const struct config_key *key, struct span text,
                    struct err *err)
{
    char *copy = copy_text(key, text, err);
    char **item = copy == NULL ? NULL : reallocarray(list->item, list->n + 1, sizeof(*item));

    if (item == NULL) {
        free(copy);
        return copy == NULL ? -1 : err_set(err, "out of memory");
    }
    list->item = item;
    list->item[list->n++] = copy;
    return 0;
}

static int add_endpoint(struct config_endpoints *list, struct span text, struct err *err)
{
    struct endpoint *item = reallocarray(list->item, list->n + 1, sizeof(*item));

    if (item == NULL)
        return err_set(err, "out of memory");
    list->item = item;
    if (endpoint_parse(&item[list->n], text, err) < 0)
        return -1;
    list->n++;
    return 0;
}

int config_value_add(void *member, const struct config_key *key, struct span text, struct err *err)
{
    if (text.n == 0)
        return config_value_refuse(key, text, " in a list", err);
    if (key->type == CONFIG_ITEMS)
        return config_value_refuse(key, text, "", err); /* as a default: only [] can be one */
    return key->type == CONFIG_TEXTS ? add_text(member, key, text, err) : add_endpoint(member, text, err);
}

static void free_texts(struct config_texts *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct config_texts){ NULL, 0 };
}

static void free_endpoints(struct config_endpoints *list)
{
    free(list->item);
    *list = (struct config_endpoints){ NULL, 0 };
}

static void free_items(struct config_items *list, const struct config_table *table)
{
    for (size_t i = 0; i < list->n; i++)
        config_free((char *)list->item + i * table->size, table->keys, table->n);
    free(list->item);
    *list = (struct config_items){ NULL, 0 };
}

void config_value_free(void *member, const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_TEXT:
        free(*(char **)member);
        *(char **)member = NULL;
        return;
    case CONFIG_SECRET:
        config_secret_free(*(char **)member);
        *(char **)member = NULL;
        return;
    case CONFIG_TEXTS: free_texts(member); return;
    case CONFIG_ENDPOINTS: free_endpoints(member); return;
    case CONFIG_ITEMS: free_items(member, key->items); return;
    case CONFIG_ENDPOINT: *(struct endpoint *)member = (struct endpoint){ .port = 0 }; return;
    case CONFIG_BOOL: *(bool *)member = false; return;
    case CONFIG_WORD: *(int *)member = 0; return;
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_MILLISECONDS:
    case CONFIG_SIZE:
    case CONFIG_PERCENT:
    case CONFIG_DECIMAL:
    case CONFIG_MODE: *(int64_t *)member = 0; return;
    }
}

/* Appends, or spoils *n by making it size. */
static void show_more(char *dst, size_t size, size_t *n, const char *text)
{
    int more = *n < size ? snprintf(dst + *n, size - *n, "%s", text) : 0;

    *n = more >= 0 && (size_t)more < size - *n ? *n + (size_t)more : size;
}

static bool show_list(char *dst, size_t size, const void *member, enum config_type type)
{
    const struct config_texts *texts = member;
    const struct config_endpoints *endpoints = member;
    size_t count = type == CONFIG_TEXTS ? texts->n : endpoints->n, n = 0;

    show_more(dst, size, &n, "[");
    for (size_t i = 0; i < count; i++) {
        char text[ENDPOINT_TEXT_SIZE];

        show_more(dst, size, &n, i > 0 ? ", " : "");
        show_more(dst, size, &n,
                  type == CONFIG_TEXTS ? texts->item[i] : endpoint_text(text, &endpoints->item[i]));
    }
    show_more(dst, size, &n, "]");
    return n < size;
}

static bool show_items(char *dst, size_t size, const struct config_items *items)
{
    size_t n = 0;

    show_more(dst, size, &n, "[");
    for (size_t i = 0; i < items->n; i++)
        show_more(dst, size, &n, i > 0 ? ", {...}" : "{...}");
    show_more(dst, size, &n, "]");
    return n < size;
}

bool config_value_show(char *dst, size_t size, const void *member, const struct config_key *key)
{
    char text[ENDPOINT_TEXT_SIZE];

    switch (key->type) {
    case CONFIG_BOOL: return span_copy(dst, size, span_of(*(const bool *)member ? "true" : "false"));
    case CONFIG_WORD: return span_copy(dst, size, span_of(key->words[*(const int *)member]));
    case CONFIG_TEXT: return span_copy(dst, size, span_of(*(char *const *)member));
    case CONFIG_SECRET: return span_copy(dst, size, span_of(**(char *const *)member == '\0' ? "" : "***"));
    case CONFIG_ENDPOINT: return span_copy(dst, size, span_of(endpoint_text(text, member)));
    case CONFIG_TEXTS:
    case CONFIG_ENDPOINTS: return show_list(dst, size, member, key->type);
    case CONFIG_ITEMS: return show_items(dst, size, member);
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_MILLISECONDS:
    case CONFIG_SIZE:
    case CONFIG_PERCENT:
    case CONFIG_DECIMAL:
    case CONFIG_MODE: return show_number(dst, size, key, *(const int64_t *)member);
    }
    return false;
}
