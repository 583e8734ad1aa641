/* SPDX-License-Identifier: BSD-2-Clause */
/* undo: what the last bounces of a lead replaced, so that revert.h can take them back exactly. The string
 * lead:{ADDR}:undo has a line for each bounce that led to anything, the newest first:
 *
 *     REV FROM AT LAST CAUSE PROVIDER <TAB> FIELD=BEFORE ... <TAB> the remote server's words
 *
 * It made the lead's `rev` REV out of FROM, and happened AT; the fields had these values before, "" = were
 * not there. Bounces after it that led to nothing but being known make REV and LAST grow, so does what no
 * bounce plays a part in: a deferral, an unsubscribe. It is written in the bounce's own commit and kept for
 * two days after the last one. At most so many lines; a line `cut LAST` says up to when there were more. */
#ifndef LEADGATE_STORE_UNDO_H
#define LEADGATE_STORE_UNDO_H

#include "leadgate/event.h"
#include "leadgate/lead.h"

#define UNDO_KEPT    "172800" /* seconds */
#define UNDO_RECORDS 32
#define UNDO_MANY    "32"

#define UNDO_TEXT_SIZE 900

/* The line that an event makes, AT twice. With nothing behind it when no bounce plays a part in the event, ""
 * when there was none, or what is known of them is to stay as it is. *effective: a bounce that led to
 * something. */
void undo_make(char dst[UNDO_TEXT_SIZE], const struct event *event, const struct lead *before,
               const struct lead *after, int64_t at, bool *effective);

/* Lua: puts `line`, of undo_make(), on top of the lines of `key`, or into the first of them. What changes the
 * lead without it stands on them, for it leaves another rev behind. `was`: the lead's rev before; "" =
 * nothing was known of her, and none of the lines is hers. */
#define UNDO_LUA                                                                                             \
    "local old, new, keep = was ~= '' and redis.pcall('GET', key) or '', nil, nil\n"                         \
    "if type(old) == 'table' then\n"                                                                         \
    "  redis.call('RENAME', key, key .. ':odd')\n"                                                           \
    "  old, done = '', 'odd'\n"                                                                              \
    "end\n"                                                                                                  \
    "if old == '' then\n"                                                                                    \
    "  if not string.find(line, '\\t\\t', 1, true) then new = line end\n"                                    \
    "else\n"                                                                                                 \
    "  local rev, from, at, who, before, words =\n"                                                          \
    "    string.match(line, '^(%S+) (%S+) (%S+) %S+ ([^\\t]*)\\t([^\\t]*)\\t([^\\n]*)')\n"                   \
    "  local r, f, first, last, w, rest =\n"                                                                 \
    "    string.match(old, '^(%S+) (%S+) (%S+) (%S+) ([^\\t\\n]*)(.*)$')\n"                                  \
    "  local follows = r == from\n"                                                                          \
    "  if who == '' then\n"                                                                                  \
    "    if follows then\n"                                                                                  \
    "      rest = string.gsub(rest, '([\\t ]seen=)(%d*)', function(name, seen)\n"                            \
    "        if seen == '' or tonumber(seen) > tonumber(at) then return name .. at end\n"                    \
    "      end)\n"                                                                                           \
    "      new = table.concat({rev, f, first, last, w}, ' ') .. rest\n"                                      \
    "      keep = math.max(1, redis.call('PTTL', key))\n"                                                    \
    "    end\n"                                                                                              \
    "  elseif before ~= '' or (follows and\n"                                                                \
    "      (w ~= who or string.match(rest, '^\\t[^\\t]*\\t([^\\n]*)') ~= words)) then\n"                     \
    "    new = line .. old\n"                                                                                \
    "    local n, stop = 0, 0\n"                                                                             \
    "    while stop and n < " UNDO_MANY " do\n"                                                              \
    "      n, stop = n + 1, string.find(new, '\\n', stop + 1, true)\n"                                       \
    "    end\n"                                                                                              \
    "    local gone = stop and string.match(new, '^%S+ %S+ %S+ (%S+) [^\\n]*\\n', stop + 1)\n"               \
    "    if gone then new = string.sub(new, 1, stop) .. 'cut ' .. gone .. '\\n' end\n"                       \
    "  elseif follows then\n"                                                                                \
    "    new = table.concat({rev, f, first, at, w}, ' ') .. rest\n"                                          \
    "  end\n"                                                                                                \
    "end\n"                                                                                                  \
    "if new then redis.call('SET', key, new, 'PX', keep or " UNDO_KEPT "000) end\n"

/* A line of lead:{ADDR}:undo. */
struct undo_record {
    int64_t rev, from, at, last;
    struct span cause, provider, before, words;
    struct span rest; /* the value from the line behind it on */
    struct span tail; /* the line from AT on, and all that follows: what stays when rev changes */
};

struct undo {
    struct undo_record records[UNDO_RECORDS];
    size_t n;
    int64_t cut; /* there were more bounces, the last of them then; 0 = no */
};

/* Reads the value of the key. The spans point into it. What is not ours ends it. */
void undo_read(struct undo *undo, struct span value);

/* Sets the fields back to what they were before it. */
void undo_restore(const struct undo_record *record, struct lead *lead);

/* Whether it began an opt-out. */
bool undo_began_optout(const struct undo_record *record);

/* A provider's name as a line holds it. */
#define UNDO_PROVIDER_SIZE LEAD_TEXT_SIZE
void undo_provider(char dst[UNDO_PROVIDER_SIZE], struct span provider);

#endif
