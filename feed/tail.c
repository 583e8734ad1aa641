/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever happens to the files, there are four questions: which file the place is of (search_place), which
 * one follows the one that is read (search_next), whether that one is still what it was (logfile_is_cut), and
 * still where it was (follow_copy). */
#include "feed/tail.h"

#include "feed/lines.h"
#include "feed/logfile.h"
#include "feed/rotated.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 20 }; /* to find a file while others are being renamed */

struct tail {
    const char *path;
    struct logfile file;
    struct lines *lines;
    bool live;           /* the file stands under the log's name, when that was last looked at */
    int64_t written;     /* when it was last written */
    bool next_seen;      /* its successor has something in it: at its end it is over */
    struct place target; /* where to begin, or up to where it is history; head 0 = nowhere */
    int64_t history;
    bool past;      /* on the way to the target */
    bool in_target; /* this file is the target's */
    char said[200]; /* what was wrong, and has been said; "" = all is well */
};

struct tail *tail_new(const char *path, const struct place *place, int64_t history)
{
    struct tail *tail = calloc(1, sizeof(*tail));

    if (tail == NULL || (tail->lines = lines_new()) == NULL) {
        free(tail);
        return NULL;
    }
    tail->path = path;
    tail->file = LOGFILE_CLOSED;
    tail->history = history;
    if (place != NULL)
        tail->target = *place;
    return tail;
}

void tail_free(struct tail *tail)
{
    if (tail == NULL)
        return;
    logfile_close(&tail->file);
    lines_free(tail->lines);
    free(tail);
}

/* Says what is wrong, or that it no longer is (NULL), when it is news. */
static void note_trouble(struct tail *tail, const struct err *err)
{
    const char *text = err != NULL ? err->text : "";

    if (strcmp(tail->said, text) == 0)
        return;
    if (err != NULL)
        log_say(LOG_WARNING, "log %s; trying again", text);
    else
        log_say(LOG_NOTICE, "log %s is there", tail->path);
    span_excerpt(tail->said, sizeof(tail->said), span_of(text));
}

/* Whether the file is the one that stands under the log's name. */
static bool is_live(const struct tail *tail)
{
    struct stat st;

    return stat(tail->path, &st) == 0 && st.st_dev == tail->file.dev && st.st_ino == tail->file.ino;
}

static void note_age(struct tail *tail)
{
    tail->live = is_live(tail);
    tail->written = logfile_time(&tail->file).tv_sec;
}

/* Reads on at `at` in a file that was opened, and takes it over. Where that is within a line, the rest of it
 * has been passed over already, or is not to be understood. */
static int enter(struct tail *tail, struct logfile *file, int64_t at, struct err *err)
{
    bool in_target = tail->past && place_matches(&tail->target, logfile_head(file));
    char before = '\n';

    if (logfile_seek(file, at > 0 ? at - 1 : 0, err) < 0 ||
        (at > 0 && logfile_read(file, &before, 1, err) < 0)) {
        logfile_close(file);
        return -1;
    }
    logfile_close(&tail->file);
    tail->file = *file;
    tail->next_seen = false;
    /* Behind the file that it was in there is nothing of it. */
    tail->past = tail->past && (in_target || !tail->in_target);
    tail->in_target = in_target;
    lines_start(tail->lines, file->at, before != '\n');
    note_age(tail);
    note_trouble(tail, NULL);
    return 0;
}

/* --- looking for a file --- */

/* Tries the files of the list; SEARCH_AGAIN: one of them had gone by then. */
enum search { SEARCH_FOUND, SEARCH_NONE, SEARCH_AGAIN };
typedef enum search search_fn(struct tail *tail, const struct place *place, const struct rotated *rotated,
                              struct logfile *file, size_t *index);

/* Whatever the answer, it is worth nothing when files were renamed meanwhile: then all is done again. On
 * SEARCH_FOUND *file is open: the one under the log's name (*index is the length of the list) or an older
 * one. */
static bool find(struct tail *tail, search_fn *search, const struct place *place, struct rotated *rotated,
                 struct logfile *file, size_t *index)
{
    enum search answer = SEARCH_AGAIN;
    struct rotated now;
    struct err err;

    for (int i = 0; i < TRIES && answer == SEARCH_AGAIN; i++) {
        rotated_free(rotated);
        if (rotated_list(rotated, tail->path, &err) < 0)
            break;
        answer = search(tail, place, rotated, file, index);
        if (rotated_list(&now, tail->path, &err) < 0 || !rotated_eq(rotated, &now)) {
            if (answer == SEARCH_FOUND)
                logfile_close(file);
            answer = SEARCH_AGAIN;
        }
        rotated_free(&now);
    }
    return answer == SEARCH_FOUND;
}

static const char *name_at(const struct tail *tail, const struct rotated *rotated, size_t index)
{
    return index == rotated->n ? tail->path : rotated->item[index].path;
}

/* --- which file the place is of --- */

/* The newest first: while a copy is being made, the file itself is the better one. */
static enum search search_place(struct tail *tail, const struct place *place, const struct rotated *rotated,
                                struct logfile *file, size_t *index)
{
    struct err err;

    for (size_t i = rotated->n + 1; i-- > 0;) {
        if (logfile_open(file, name_at(tail, rotated, i), &err) != LOGFILE_OK)
            continue;
        *index = i;
        if (logfile_holds(file, place))
            return SEARCH_FOUND;
        logfile_close(file);
    }
    return SEARCH_NONE;
}

/* Moves from the place to where its history begins, maybe in an older file, which is then the open one. */
static void go_back(const struct tail *tail, const struct rotated *rotated, struct logfile *file,
                    size_t index, int64_t *at)
{
    int64_t left = tail->history;
    struct logfile older;
    struct err err;

    *at = tail->target.offset;
    while (left > *at && index > 0 && logfile_open(&older, rotated->item[--index].path, &err) == LOGFILE_OK) {
        left -= *at;
        *at = logfile_size(&older);
        logfile_close(file);
        *file = older;
    }
    *at = left < *at ? *at - left : 0;
}

/* The first file to be read. */
static bool begin(struct tail *tail)
{
    struct rotated rotated = { .n = 0 };
    struct logfile file = LOGFILE_CLOSED;
    bool has_place = tail->target.head > 0, found;
    struct err err;
    size_t index;
    int64_t at = 0;
    int rc = -1;

    found = has_place && find(tail, search_place, &tail->target, &rotated, &file, &index);
    if (found) {
        go_back(tail, &rotated, &file, index, &at);
        tail->past = at < tail->target.offset || !place_matches(&tail->target, logfile_head(&file));
    }
    if (found || logfile_open(&file, tail->path, &err) == LOGFILE_OK)
        rc = enter(tail, &file, at, &err);
    if (rc < 0)
        note_trouble(tail, &err);
    else if (has_place && !found)
        log_say(LOG_WARNING, "log %s: no file goes on where it was left; reading from its beginning",
                tail->path);
    rotated_free(&rotated);
    return rc == 0;
}

/* --- which file follows the one that is read --- */

/* Where in the list the file is: under whatever name, or compressed meanwhile; else behind the last one that
 * is older. */
static size_t index_behind(const struct tail *tail, const struct rotated *rotated)
{
    struct timespec time = logfile_time(&tail->file);
    size_t i = 0;

    for (i = 0; i < rotated->n; i++)
        if (rotated->item[i].dev == tail->file.dev && rotated->item[i].ino == tail->file.ino)
            return i + 1;
    for (i = 0; i < rotated->n; i++)
        if (rotated->item[i].time.tv_sec > time.tv_sec ||
            (rotated->item[i].time.tv_sec == time.tv_sec && rotated->item[i].time.tv_nsec >= time.tv_nsec))
            break;
    return i;
}

/* Whether the file has something in it, and is another one than that which is read. */
static bool is_next(const struct tail *tail, const struct place *own, const struct logfile *file)
{
    return file->head_n > 0 && !(file->dev == tail->file.dev && file->ino == tail->file.ino) &&
           !place_matches(own, logfile_head(file));
}

/* The place is of the file that is read. */
static enum search search_next(struct tail *tail, const struct place *place, const struct rotated *rotated,
                               struct logfile *file, size_t *index)
{
    struct err err;

    for (size_t i = index_behind(tail, rotated); i <= rotated->n; i++) {
        enum logfile_rc rc = logfile_open(file, name_at(tail, rotated, i), &err);

        if (rc == LOGFILE_BAD)
            note_trouble(tail, &err);
        if (rc != LOGFILE_OK)
            continue;
        *index = i;
        if (is_next(tail, place, file))
            return SEARCH_FOUND;
        logfile_close(file);
    }
    return SEARCH_NONE;
}

/* Opens it; false while there is none, or nothing in it. */
static bool find_next(struct tail *tail, struct logfile *file)
{
    struct place own = place_make(0, logfile_head(&tail->file));
    struct rotated rotated = { .n = 0 };
    size_t index;
    bool found = find(tail, search_next, &own, &rotated, file, &index);

    rotated_free(&rotated);
    return found;
}

static bool has_next(struct tail *tail)
{
    struct logfile file;
    bool found = find_next(tail, &file);

    if (found)
        logfile_close(&file);
    return found;
}

/* The file is over: on to the next one. */
static bool go_on(struct tail *tail)
{
    struct logfile file;
    struct err err;

    if (!find_next(tail, &file))
        return false;
    if (enter(tail, &file, 0, &err) < 0) {
        note_trouble(tail, &err);
        return false;
    }
    /* Here at the latest the place had to come. */
    tail->past = tail->past && (tail->in_target || !tail->live);
    return true;
}

/* --- whether it is still what it was --- */

/* The file was cut off: what is left of the old text is in a copy, if there is one, and then comes the new.
 */
static bool follow_cut(struct tail *tail)
{
    struct place place = place_make(lines_at(tail->lines), logfile_head(&tail->file));
    struct rotated rotated = { .n = 0 };
    struct logfile file = LOGFILE_CLOSED;
    size_t index;
    bool found = place.head > 0 && find(tail, search_place, &place, &rotated, &file, &index);
    struct err err;
    int rc = -1;

    rotated_free(&rotated);
    if (found || logfile_open(&file, tail->path, &err) == LOGFILE_OK)
        rc = enter(tail, &file, found ? place.offset : 0, &err);
    if (rc < 0) {
        note_trouble(tail, &err);
        return false;
    }
    if (!found && place.head > 0) {
        tail->past = false;
        log_say(LOG_WARNING, "log %s was cut off, and no copy is found; reading from its beginning",
                tail->path);
    }
    return true;
}

/* Somebody has put a copy in its place (rsync(1), an editor), which begins as this one does: what is new is
 * in there. Where lines were taken out nobody knows which: then all of it is read, and what is known is a
 * repeat. */
static bool follow_copy(struct tail *tail)
{
    struct place place = place_make(lines_at(tail->lines), logfile_head(&tail->file));
    struct logfile file;
    struct err err;

    if (logfile_open(&file, tail->path, &err) != LOGFILE_OK)
        return false;
    if (place_matches(&place, logfile_head(&file)) &&
        !(file.dev == tail->file.dev && file.ino == tail->file.ino))
        return enter(tail, &file, logfile_agree(&tail->file, &file, place.offset) ? place.offset : 0, &err) ==
               0;
    logfile_close(&file);
    return false;
}

enum fill { FILL_MORE, FILL_END, FILL_FAILED };

static enum fill fill(struct tail *tail)
{
    struct err err, why;
    size_t size;
    char *room = lines_room(tail->lines, &size);
    ssize_t n = logfile_read(&tail->file, room, size, &why);

    if (n < 0) {
        err_set(&err, "%s: %s", tail->path, why.text);
        note_trouble(tail, &err);
        /* Of a compressed file nothing more is to be had. */
        return tail->file.gz != NULL ? FILL_END : FILL_FAILED;
    }
    if (logfile_is_cut(&tail->file))
        return follow_cut(tail) ? FILL_MORE : FILL_FAILED;
    lines_add(tail->lines, (size_t)n);
    return n > 0 ? FILL_MORE : FILL_END;
}

static enum tail_rc hand_out(struct tail *tail)
{
    if (tail->past && tail->in_target && lines_at(tail->lines) > tail->target.offset)
        tail->past = false;
    return tail->past ? TAIL_PAST : TAIL_LINE;
}

enum tail_rc tail_line(struct tail *tail, struct span *line)
{
    if (tail->file.fd < 0 && !begin(tail))
        return TAIL_END;
    for (;;) {
        if (lines_next(tail->lines, line))
            return hand_out(tail);
        switch (fill(tail)) {
        case FILL_MORE: continue;
        case FILL_FAILED: return TAIL_END;
        case FILL_END: break;
        }
        note_age(tail);
        if (tail->live)
            return TAIL_END;
        if (follow_copy(tail))
            continue;
        if (tail->next_seen) {
            if (lines_last(tail->lines, line))
                return hand_out(tail);
            if (!go_on(tail))
                return TAIL_END;
        } else if (!(tail->next_seen = has_next(tail))) {
            return TAIL_END;
        }
    }
}

bool tail_place(struct tail *tail, struct place *out)
{
    if (tail->file.fd < 0 && !begin(tail))
        return false;
    if (!tail->past && tail->file.head_n == 0)
        return false;
    *out = tail->past ? tail->target : place_make(lines_at(tail->lines), logfile_head(&tail->file));
    return true;
}

int64_t tail_time(const struct tail *tail, int64_t now)
{
    return tail->live ? now : tail->written;
}
