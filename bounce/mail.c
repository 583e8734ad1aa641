/* SPDX-License-Identifier: BSD-2-Clause */
/* GMime parses the mail once, over the caller's bytes (it steps over the separator line of an mbox by
 * itself); contents of parts stay where they are. Then one walk notes the parts that tell something. It never
 * steps into a returned mail: a bounce of a bounce is about the mail outside, and the recipients inside are
 * somebody else's. */
#include "bounce/mail.h"

#include "bounce/fields.h"

#include <limits.h>
#include <string.h>

#define DEPTH_MAX 32 /* multiparts in multiparts */

static const struct {
    const char *type, *subtype;
    enum part_kind kind;
} part_types[] = {
    { "message", "delivery-status", PART_STATUS },   { "message", "global-delivery-status", PART_STATUS },
    { "message", "feedback-report", PART_FEEDBACK }, { "message", "rfc822", PART_RETURNED },
    { "message", "global", PART_RETURNED },          { "message", "global-headers", PART_RETURNED },
    { "text", "rfc822-headers", PART_RETURNED },
};

static void note_part(struct mail *mail, GMimeObject *object)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);

    for (size_t i = 0; i < sizeof(part_types) / sizeof(part_types[0]); i++)
        if (mail->n < MAIL_PARTS &&
            g_mime_content_type_is_type(type, part_types[i].type, part_types[i].subtype))
            mail->parts[mail->n++] = (struct mail_part){ part_types[i].kind, object };
}

static void walk(struct mail *mail, GMimeObject *object, int depth)
{
    if (object == NULL)
        return;
    if (!GMIME_IS_MULTIPART(object)) {
        note_part(mail, object);
        return;
    }
    if (depth == DEPTH_MAX)
        return;
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
        walk(mail, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1);
}

/* GMime keeps the Content- fields with the body. */
static bool has_header(GMimeMessage *message)
{
    return g_mime_header_list_get_count(g_mime_object_get_header_list(GMIME_OBJECT(message))) > 0 ||
           (message->mime_part != NULL &&
            g_mime_header_list_get_count(g_mime_object_get_header_list(message->mime_part)) > 0);
}

int mail_open(struct mail *mail, struct span bytes, struct err *err)
{
    GMimeStream *stream = NULL;
    GMimeParser *parser = NULL;
    int rc = -1;

    *mail = (struct mail){ .bytes = bytes };
    if (mail->bytes.n > INT_MAX)
        return err_set(err, "larger than 2 GiB");
    /* GMime reads through the array and, not being its owner, neither grows nor frees it. */
    mail->array = (GByteArray){ (guint8 *)(uintptr_t)mail->bytes.p, (guint)mail->bytes.n };
    stream = g_mime_stream_mem_new_with_byte_array(&mail->array);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    parser = g_mime_parser_new_with_stream(stream);
    mail->message = g_mime_parser_construct_message(parser, NULL);
    if (mail->message == NULL || !has_header(mail->message)) {
        err_set(err, "not a mail: it does not begin with a header");
        goto out;
    }
    if (mail->message->mime_part != NULL) {
        GMimeContentType *type = g_mime_object_get_content_type(mail->message->mime_part);

        mail->report = g_mime_content_type_is_type(type, "multipart", "report");
        walk(mail, mail->message->mime_part, 0);
    }
    rc = 0;
out:
    g_object_unref(parser);
    g_object_unref(stream);
    return rc;
}

void mail_close(struct mail *mail)
{
    if (mail->message != NULL)
        g_object_unref(mail->message);
    mail->message = NULL;
    mail->n = 0;
}

const char *mail_header(const struct mail *mail, const char *name)
{
    return g_mime_object_get_header(GMIME_OBJECT(mail->message), name);
}

const struct mail_part *mail_find_part(const struct mail *mail, enum part_kind kind)
{
    for (size_t i = 0; i < mail->n; i++)
        if (mail->parts[i].kind == kind)
            return &mail->parts[i];
    return NULL;
}

/* The part's bytes as they stand in the mail, where GMime kept a window on them. */
static bool borrow(const struct mail *mail, GMimeStream *stream, struct span *out)
{
    if (!GMIME_IS_STREAM_MEM(stream) || GMIME_STREAM_MEM(stream)->buffer != &mail->array ||
        stream->bound_start < 0 || stream->bound_end < stream->bound_start ||
        (size_t)stream->bound_end > mail->bytes.n)
        return false;
    *out = (struct span){ mail->bytes.p + stream->bound_start,
                          (size_t)(stream->bound_end - stream->bound_start) };
    return true;
}

struct span mail_part_bytes(const struct mail *mail, const struct mail_part *part, GByteArray **owned)
{
    GMimeDataWrapper *content =
        GMIME_IS_PART(part->object) ? g_mime_part_get_content(GMIME_PART(part->object)) : NULL;
    GMimeStream *decoded;
    struct span bytes;

    if (content == NULL)
        return SPAN_NONE;
    switch (g_mime_data_wrapper_get_encoding(content)) {
    case GMIME_CONTENT_ENCODING_BASE64:
    case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
    case GMIME_CONTENT_ENCODING_UUENCODE: break;
    case GMIME_CONTENT_ENCODING_DEFAULT:
    case GMIME_CONTENT_ENCODING_7BIT:
    case GMIME_CONTENT_ENCODING_8BIT:
    case GMIME_CONTENT_ENCODING_BINARY:
        if (borrow(mail, g_mime_data_wrapper_get_stream(content), &bytes))
            return bytes;
    }
    *owned = g_byte_array_new();
    decoded = g_mime_stream_mem_new_with_byte_array(*owned);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(decoded), FALSE);
    g_mime_data_wrapper_write_to_stream(content, decoded);
    g_object_unref(decoded);
    return (*owned)->len == 0 ? SPAN_NONE : (struct span){ (const char *)(*owned)->data, (*owned)->len };
}

static bool copy_field(char *dst, size_t size, struct span value)
{
    /* An unfolded value is never longer than the folded one: what is shorter than dst fits. */
    if (value.n >= size)
        return false;
    return field_unfold(dst, size, value) > 0;
}

bool mail_returned_field(const struct mail *mail, const char *name, char *dst, size_t size)
{
    const struct mail_part *part = mail_find_part(mail, PART_RETURNED);
    GByteArray *owned = NULL;
    struct field field;
    struct span rest;
    bool found = false;

    dst[0] = '\0';
    if (part == NULL)
        return false;
    if (GMIME_IS_MESSAGE_PART(part->object)) {
        GMimeMessage *returned = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part->object));

        return returned != NULL &&
               copy_field(dst, size, span_of(g_mime_object_get_header(GMIME_OBJECT(returned), name)));
    }
    rest = mail_part_bytes(mail, part, &owned);
    while (!found && field_next(&rest, &field) == FIELD_ONE)
        found = span_eq_nocase(field.name, span_of(name)) && copy_field(dst, size, field.value);
    if (owned != NULL)
        g_byte_array_unref(owned);
    return found;
}
