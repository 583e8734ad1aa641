/* SPDX-License-Identifier: BSD-2-Clause */
/* One growing array. Order matters to the lead: an event that is older than the last one of its kind counts
 * as a repeat, so a mailbox that waited for Redis is to be read as it came in. */
#include "feed/names.h"

#include <stdlib.h>
#include <string.h>

static int64_t name_time(const char *text)
{
    int64_t time = 0;

    while (*text >= '0' && *text <= '9')
        if (__builtin_mul_overflow(time, 10, &time) || __builtin_add_overflow(time, *text++ - '0', &time))
            return 0;
    return time;
}

static int compare(const void *a, const void *b)
{
    const struct name *x = a, *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return strcmp(x->text, y->text);
}

bool names_append(struct names *names, const char *text)
{
    char *copy;

    if (names->n == names->room) {
        size_t room = names->room == 0 ? 64 : names->room * 2;
        struct name *item = reallocarray(names->item, room, sizeof(*item));

        if (item == NULL)
            return false;
        names->item = item;
        names->room = room;
    }
    if ((copy = strdup(text)) == NULL)
        return false;
    names->item[names->n++] = (struct name){ name_time(text), copy };
    return true;
}

void names_sort(struct names *names)
{
    if (names->n > 1)
        qsort(names->item, names->n, sizeof(*names->item), compare);
}

/* Where text is, or where it would have to be. */
static size_t place(const struct names *names, const struct name *name)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&names->item[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct names *names, size_t at, const char *text)
{
    return at < names->n && strcmp(names->item[at].text, text) == 0;
}

bool names_insert(struct names *names, const char *text)
{
    struct name name = { name_time(text), (char *)(uintptr_t)text };
    size_t at = place(names, &name);

    if (stands_at(names, at, text))
        return false;
    if (names_append(names, text)) {
        name = names->item[names->n - 1];
        memmove(&names->item[at + 1], &names->item[at], (names->n - 1 - at) * sizeof(name));
        names->item[at] = name;
    }
    return true;
}

bool names_find(const struct names *names, const char *text)
{
    struct name name = { name_time(text), (char *)(uintptr_t)text };

    return stands_at(names, place(names, &name), text);
}

void names_filter(struct names *names, const struct names *other, bool in)
{
    size_t kept = 0;

    for (size_t i = 0; i < names->n; i++) {
        if (names_find(other, names->item[i].text) == in)
            names->item[kept++] = names->item[i];
        else
            free(names->item[i].text);
    }
    names->n = kept;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->item[i].text);
    free(names->item);
    *names = (struct names){ .item = NULL };
}
