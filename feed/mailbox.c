/* SPDX-License-Identifier: BSD-2-Clause */
/* A step is: read some mails, commit them together, then move them. Killed before the commit, nothing has
 * happened; killed behind it, the mails that are still in new/ are applied again and are repeats. A mail that
 * is no bounce has nothing to commit and is moved at once.
 *
 * Feeders that share a Maildir read the same mails now and then, and the second to apply one finds a repeat.
 * That is dearer than a lock, and cannot be left behind by a process that was killed. */
#include "feed/mailbox.h"

#include "feed/maildir.h"
#include "feed/names.h"
#include "leadgate/logline.h"

#include <stdlib.h>

struct mailbox {
    struct maildir maildir;
    const struct feed_settings *settings;
    struct intake *intake;
    struct names todo;   /* what was listed */
    size_t next;         /* the first of these not yet done with */
    struct names failed; /* could not be read or moved, said once; as long as they are in new/ */
    char *buffer;        /* one mail, settings->max_size bytes */
};

struct mailbox *mailbox_new(const char *path, const struct feed_settings *settings, struct intake *intake)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (mailbox == NULL)
        return NULL;
    *mailbox = (struct mailbox){ .maildir = MAILDIR_CLOSED(path), .settings = settings, .intake = intake };
    if ((mailbox->buffer = malloc((size_t)settings->max_size)) == NULL) {
        free(mailbox);
        return NULL;
    }
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    maildir_close(&mailbox->maildir);
    names_free(&mailbox->todo);
    names_free(&mailbox->failed);
    free(mailbox->buffer);
    free(mailbox);
}

int mailbox_look(struct mailbox *mailbox, bool failed_too, struct err *err)
{
    names_free(&mailbox->todo);
    mailbox->next = 0;
    if (maildir_list(&mailbox->maildir, &mailbox->todo, err) < 0) {
        names_free(&mailbox->todo);
        return -1;
    }
    names_filter(&mailbox->failed, &mailbox->todo, true);
    if (!failed_too)
        names_filter(&mailbox->todo, &mailbox->failed, false);
    return 0;
}

/* A mail that we cannot do with what we should stays, and is spoken of once. */
static void note_failed(struct mailbox *mailbox, const char *name, const struct err *err)
{
    if (names_insert(&mailbox->failed, name))
        log_say(LOG_WARNING, "%s", err->text);
}

static void settle(struct mailbox *mailbox, const char *name, enum maildir_fate fate)
{
    struct err err;

    if (maildir_settle(&mailbox->maildir, name, fate, &err) == MAILDIR_FAILED)
        note_failed(mailbox, name, &err);
}

/* True when the mail is held by the intake, to be committed. */
static bool hold(struct mailbox *mailbox, const char *name, int64_t now)
{
    struct err err;
    struct span mail;
    int64_t arrived;

    switch (maildir_read(&mailbox->maildir, name, mailbox->buffer, (size_t)mailbox->settings->max_size, &mail,
                         &arrived, &err)) {
    case MAILDIR_OK: break;
    case MAILDIR_GONE: return false;
    case MAILDIR_FAILED: note_failed(mailbox, name, &err); return false;
    }
    switch (intake_read(mailbox->intake, mail, name, arrived, now)) {
    case INTAKE_HELD: return true;
    case INTAKE_NOTHING: settle(mailbox, name, FATE_UNRECOGNISED); return false;
    }
    abort(); /* no enum value: our bug */
}

enum mailbox_rc mailbox_step(struct mailbox *mailbox, int64_t now)
{
    enum maildir_fate fate = mailbox->settings->processed == PROCESSED_DELETE ? FATE_DELETE : FATE_KEEP;
    const char *held[INTAKE_MAILS];
    size_t n = 0, first = mailbox->next, end = first + INTAKE_MAILS;
    struct err err;

    while (mailbox->next < mailbox->todo.n && mailbox->next < end && !intake_full(mailbox->intake)) {
        const char *name = mailbox->todo.item[mailbox->next++].text;

        if (hold(mailbox, name, now))
            held[n++] = name;
    }
    switch (intake_commit(mailbox->intake, now, &err)) {
    case STORE_OK: break;
    case STORE_DOWN: mailbox->next = first; return MAILBOX_DOWN;
    }
    for (size_t i = 0; i < n; i++)
        settle(mailbox, held[i], fate);
    return mailbox->next < mailbox->todo.n ? MAILBOX_MORE : MAILBOX_DONE;
}
