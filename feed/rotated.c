/* SPDX-License-Identifier: BSD-2-Clause */
/* Age is told by the time of the last write, which renaming and gzip(1) keep. Files written within one tick
 * of the clock are told apart by their names: a higher number is older, an earlier date is, too. */
#include "feed/rotated.h"

#include "leadgate/span.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS "0123456789"

enum {
    TRIES = 20,       /* until two lists in a row are the same */
    COUNT_DIGITS = 4, /* more of them are a date */
};

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);

    return n >= k && strcmp(name + n - k, end) == 0;
}

/* What stands behind the log's name: a dot or a hyphen, then digits and what stands between digits in a
 * point in time. */
static bool is_suffix(const char *suffix)
{
    size_t n;

    if ((suffix[0] != '.' && suffix[0] != '-') || strchr(DIGITS, suffix[1]) == NULL || suffix[1] == '\0')
        return false;
    n = 1 + strspn(suffix + 1, DIGITS "-_:T");
    return suffix[n] == '\0' || strcmp(suffix + n, ".gz") == 0;
}

static int count_of(const char *suffix)
{
    size_t n = strspn(suffix + 1, DIGITS);

    return suffix[0] == '.' && n <= COUNT_DIGITS && (suffix[1 + n] == '\0' || suffix[1 + n] == '.')
               ? atoi(suffix + 1)
               : 0;
}

static int compare(const void *a, const void *b)
{
    const struct rotated_file *one = a, *other = b;

    if (one->time.tv_sec != other->time.tv_sec)
        return one->time.tv_sec < other->time.tv_sec ? -1 : 1;
    if (one->time.tv_nsec != other->time.tv_nsec)
        return one->time.tv_nsec < other->time.tv_nsec ? -1 : 1;
    if (one->count != other->count)
        return one->count > other->count ? -1 : 1;
    return strcmp(one->path, other->path);
}

void rotated_free(struct rotated *rotated)
{
    for (size_t i = 0; i < rotated->n; i++)
        free(rotated->item[i].path);
    free(rotated->item);
    *rotated = (struct rotated){ .n = 0 };
}

/* One more file, unless it is gone by now, or no file. */
static int add(struct rotated *rotated, const char *folder, const char *name, const char *suffix,
               struct err *err)
{
    struct rotated_file *grown = realloc(rotated->item, (rotated->n + 1) * sizeof(*grown));
    struct rotated_file *file;
    struct stat st;

    if (grown == NULL)
        return err_set(err, "out of memory");
    rotated->item = grown;
    file = &grown[rotated->n];
    if (asprintf(&file->path, "%s/%s", folder, name) < 0)
        return err_set(err, "out of memory");
    if (stat(file->path, &st) < 0 || !S_ISREG(st.st_mode)) {
        free(file->path);
        return 0;
    }
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->size = st.st_size;
    file->time = st.st_mtim;
    file->count = count_of(suffix);
    rotated->n++;
    return 0;
}

static bool has_twin(const struct rotated *rotated, const char *path)
{
    size_t n = strlen(path) - strlen(".gz");

    for (size_t i = 0; i < rotated->n; i++)
        if (strncmp(rotated->item[i].path, path, n) == 0 && rotated->item[i].path[n] == '\0')
            return true;
    return false;
}

/* mail.log.1.gz is not finished as long as mail.log.1 is there. */
static void drop_unfinished(struct rotated *rotated)
{
    size_t kept = 0;

    for (size_t i = 0; i < rotated->n; i++)
        if (!ends_in(rotated->item[i].path, ".gz") || !has_twin(rotated, rotated->item[i].path)) {
            struct rotated_file file = rotated->item[i];

            /* Swapped and not moved, so that has_twin() still sees all of them. */
            rotated->item[i] = rotated->item[kept];
            rotated->item[kept++] = file;
        }
    for (size_t i = kept; i < rotated->n; i++)
        free(rotated->item[i].path);
    rotated->n = kept;
}

static int list_once(struct rotated *out, const char *folder, const char *base, struct err *err)
{
    const struct dirent *entry;
    size_t n = strlen(base);
    DIR *dir = opendir(folder);
    int rc = 0;

    if (dir == NULL)
        return err_set(err, "%s: %s", folder, strerror(errno));
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, base, n) == 0 && is_suffix(entry->d_name + n))
            rc = add(out, folder, entry->d_name, entry->d_name + n, err);
    closedir(dir);
    drop_unfinished(out);
    if (out->n > 0)
        qsort(out->item, out->n, sizeof(*out->item), compare);
    return rc;
}

bool rotated_eq(const struct rotated *a, const struct rotated *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->item[i].path, b->item[i].path) == 0 && a->item[i].ino == b->item[i].ino;
    return same;
}

int rotated_list(struct rotated *out, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct rotated before = { .n = 0 };
    char folder[PATH_MAX] = ".";
    bool settled = false;

    *out = before;
    if (slash != NULL &&
        !span_copy(folder, sizeof(folder), (struct span){ path, slash == path ? 1 : (size_t)(slash - path) }))
        return err_set(err, "%s: the name is too long", path);
    for (int i = 0; i < TRIES && !settled; i++) {
        rotated_free(&before);
        before = *out;
        *out = (struct rotated){ .n = 0 };
        if (list_once(out, folder, slash != NULL ? slash + 1 : path, err) < 0) {
            rotated_free(&before);
            return -1;
        }
        settled = i > 0 && rotated_eq(out, &before);
    }
    rotated_free(&before);
    return 0;
}
