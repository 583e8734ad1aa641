/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine under a table of its own: every type, every way to get a file wrong, and where it is said to be
 * wrong. */
#include "leadgate/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct item {
    int64_t weight;
    int mood;
};

struct sample {
    int64_t count, life, wait, size, share, mode;
    bool flag;
    int word;
    char *text, *secret;
    struct config_texts texts;
    struct endpoint endpoint;
    struct config_endpoints endpoints;
    struct item items[3];
    struct config_items rooms;
};

struct room {
    char *name;
    int64_t doors;
    int mood;
    struct config_texts keys;
};

static const char *const words[] = { "red", "green", "blue", NULL };

static const char *item_name(size_t index)
{
    static const char *const names[] = { "first", NULL, "third" };

    return names[index];
}

static bool is_short(const char *text, struct err *err)
{
    if (strlen(text) <= 10)
        return true;
    err_set(err, "longer than 10 letters");
    return false;
}

#define IN_ROOM(member) .at = offsetof(struct room, member)

static const struct config_key room_keys[] = {
    { "name", CONFIG_TEXT, IN_ROOM(name), .def = "", .check = is_short },
    { "doors", CONFIG_INT, IN_ROOM(doors), .def = "1", .min = 1, .max = 9 },
    { "wall.mood", CONFIG_WORD, IN_ROOM(mood), .def = "blue", .words = words },
    { "keys", CONFIG_TEXTS, IN_ROOM(keys), .def = "[k]", .check = is_short },
};

/* Together they have at most nine doors, and each has a name. */
static bool are_rooms(const struct config_items *rooms, struct config_fault *fault, struct err *err)
{
    const struct room *room = rooms->item;
    int64_t doors = 0;

    for (fault->item = 0; fault->item < rooms->n; fault->item++) {
        doors += room[fault->item].doors;
        fault->key = room[fault->item].name[0] == '\0' ? "name" : "doors";
        if (doors > 9 || room[fault->item].name[0] == '\0') {
            err_set(err, doors > 9 ? "too many doors" : "a room without a name");
            return false;
        }
    }
    return true;
}

static const struct config_table room_table = { room_keys, sizeof(room_keys) / sizeof(room_keys[0]),
                                                sizeof(struct room), are_rooms };

#define AT(member) .at = offsetof(struct sample, member)
#define ITEMS      .each = item_name, .each_n = 3, .stride = sizeof(struct item)

static const struct config_key keys[] = {
    { "count", CONFIG_INT, AT(count), .def = "5", .min = 0, .max = 10 },
    { "times.life", CONFIG_DURATION, AT(life), .def = "6h", .min = 0, .max = INT64_C(9000000000000000000) },
    { "times.wait", CONFIG_MILLISECONDS, AT(wait), .def = "500ms", .min = 10, .max = 60000 },
    { "size", CONFIG_SIZE, AT(size), .def = "10MiB", .min = 512, .max = INT64_C(1) << 30 },
    { "share", CONFIG_PERCENT, AT(share), .def = "5%", .min = 0, .max = 100 },
    { "socket.mode", CONFIG_MODE, AT(mode), .def = "0660", .min = 0, .max = 0777 },
    { "flag", CONFIG_BOOL, AT(flag), .def = "true" },
    { "socket.deep.word", CONFIG_WORD, AT(word), .def = "green", .words = words },
    { "text", CONFIG_TEXT, AT(text), .def = "", .check = is_short },
    { "secret", CONFIG_SECRET, AT(secret), .def = "" },
    { "texts", CONFIG_TEXTS, AT(texts), .def = "[a, b c]", .check = is_short },
    { "endpoint", CONFIG_ENDPOINT, AT(endpoint), .def = "unix:/run/x" },
    { "endpoints", CONFIG_ENDPOINTS, AT(endpoints), .def = "[]" },
    { "items.*.weight", CONFIG_INT, AT(items[0].weight), .min = 1, .max = 9, ITEMS },
    { "items.*.mood", CONFIG_WORD, AT(items[0].mood), .words = words, ITEMS },
    { "house.rooms", CONFIG_ITEMS, AT(rooms), .def = "[]", .items = &room_table },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static char folder[] = "/tmp/test_config_XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/c.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *name, struct span text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
    close(fd);
}

static void set_defaults(struct sample *sample)
{
    struct err err;

    memset(sample, 0, sizeof(*sample));
    if (config_defaults(sample, keys, KEYS, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 3; i++)
        sample->items[i] = (struct item){ .weight = 7, .mood = 2 };
}

static int read_text(struct sample *sample, struct span text, struct err *err)
{
    write_file(path, text, 0644);
    return config_read(sample, keys, KEYS, path, NULL, NULL, err);
}

static void assert_shown(const struct sample *sample, size_t key, size_t index, const char *want)
{
    char got[200];

    assert_true(config_show(got, sizeof(got), sample, &keys[key], index));
    assert_string_equal(got, want);
}

/* Each default is read by the same parser as the file's values and shown in the same spelling. An empty file,
 * one of comments, and empty sections leave them. */
static void test_defaults(void **state)
{
    static const char *const texts[] = { "",           "# nothing\n", "---\n",
                                         "---\n...\n", "{}",          "times:\n\nitems:\n  first:\n" };

    (void)state;
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        struct sample sample;
        struct err err;

        set_defaults(&sample);
        if (read_text(&sample, span_of(texts[t]), &err) < 0)
            fail_msg("\"%s\": %s", texts[t], err.text);
        for (size_t i = 0; i < KEYS; i++)
            if (keys[i].def != NULL)
                assert_shown(&sample, i, 0, keys[i].def);
        assert_shown(&sample, 13, 2, "7");
        config_free(&sample, keys, KEYS);
        config_free(&sample, keys, KEYS);
    }
}

static void count_name(void *ctx, const char *name)
{
    *(size_t *)ctx += strcmp(name, "items.third.mood") == 0 || strcmp(name, "flag") == 0 ? 1 : 100;
}

static void test_every_type(void **state)
{
    static const char text[] = "count: 10\n"
                               "times: { life: 90s, wait: \"1m\" }\n"
                               "size: 512\n"
                               "share: 100%\n"
                               "socket:\n"
                               "  mode: 0600\n"
                               "  deep:\n"
                               "    word: 'blue'\n"
                               "flag: false\n"
                               "text: a b\n"
                               "texts:\n"
                               "  - x\n"
                               "  - y z\n"
                               "endpoint: inet:[::1]:25\n"
                               "endpoints: [ unix:/a, inet:h:1 ]\n"
                               "items:\n"
                               "  third: { mood: red }\n";
    static const char *const want[] = { "10",
                                        "90s",
                                        "1m",
                                        "512",
                                        "100%",
                                        "0600",
                                        "false",
                                        "blue",
                                        "a b",
                                        "",
                                        "[x, y z]",
                                        "inet:[::1]:25",
                                        "[unix:/a, inet:h:1]" };
    struct sample sample;
    struct err err;
    size_t names = 0;

    (void)state;
    set_defaults(&sample);
    if (read_text(&sample, span_of(text), &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(sample.life, 90);
    assert_int_equal(sample.wait, 60000);
    assert_int_equal(sample.mode, 0600);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_shown(&sample, i, 0, want[i]);
    assert_int_equal(sample.items[2].mood, 0);
    assert_int_equal(sample.items[2].weight, 7); /* not said: stays */
    assert_int_equal(sample.items[0].mood, 2);
    /* Over what is there: the list is replaced, not added to. */
    write_file(path, SPAN("flag: true\nitems: { third: { mood: blue } }\n"), 0644);
    assert_int_equal(config_read(&sample, keys, KEYS, path, count_name, &names, &err), 0);
    assert_int_equal(names, 2);
    assert_int_equal(read_text(&sample, SPAN("texts: [q]\n"), &err), 0);
    assert_shown(&sample, 10, 0, "[q]");
    config_free(&sample, keys, KEYS);
}

static void note_room(void *ctx, const char *name)
{
    char *names = ctx;
    size_t n = strlen(names);

    snprintf(names + n, 200 - n, "%s ", name);
}

/* A list of mappings: each item has its own defaults, and a second file replaces the list. */
static void test_items(void **state)
{
    static const char text[] = "house:\n"
                               "  rooms:\n"
                               "    - name: hall\n"
                               "      doors: 4\n"
                               "      keys: []\n"
                               "    - { wall: { mood: red }, name: attic }\n"
                               "    - name: cellar\n"
                               "      wall:\n"
                               "count: 3\n";
    static const char *const want[][4] = { { "hall", "4", "blue", "[]" },
                                           { "attic", "1", "red", "[k]" },
                                           { "cellar", "1", "blue", "[k]" } };
    const struct config_key *row = &keys[KEYS - 1];
    char got[200], names[200] = "";
    struct sample sample;
    struct err err;

    (void)state;
    set_defaults(&sample);
    write_file(path, span_of(text), 0644);
    if (config_read(&sample, keys, KEYS, path, note_room, names, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(names, "house.rooms house.rooms[0].name house.rooms[0].doors house.rooms[0].keys "
                               "house.rooms[1].wall.mood house.rooms[1].name house.rooms[2].name count ");
    assert_int_equal(sample.count, 3);
    assert_int_equal(sample.rooms.n, 3);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 4; k++) {
            const struct room *room = (const struct room *)sample.rooms.item + i;

            assert_true(config_show(got, sizeof(got), room, &row->items->keys[k], 0));
            assert_string_equal(got, want[i][k]);
        }
    }
    assert_shown(&sample, KEYS - 1, 0, "[{...}, {...}, {...}]");
    assert_int_equal(read_text(&sample, SPAN("house: { rooms: [ { name: x } ] }\n"), &err), 0);
    assert_int_equal(sample.rooms.n, 1);
    assert_int_equal(read_text(&sample, SPAN("house: { rooms: [] }\n"), &err), 0);
    assert_shown(&sample, KEYS - 1, 0, "[]");
    config_free(&sample, keys, KEYS);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        size_t key;
        const char *shown;
    } rows[] = {
        { "times: { life: 0 }", 1, "0" },
        { "times: { life: 0s }", 1, "0" },
        { "times: { life: 2w }", 1, "14d" },
        { "times: { life: 36h }", 1, "36h" },
        { "times: { life: 48h }", 1, "2d" },
        { "times: { life: 90m }", 1, "90m" },
        { "times: { wait: 1500ms }", 2, "1500ms" },
        { "size: 1GiB", 3, "1GiB" },
        { "size: 1536", 3, "1536" },
        { "size: 64KiB", 3, "64KiB" },
        { "size: 1025KiB", 3, "1025KiB" },
        { "share: 0", 4, "0" },
        { "count: 007", 0, "7" },
        { "socket: { mode: 00 }", 5, "0000" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample;
        struct err err;

        set_defaults(&sample);
        if (read_text(&sample, span_of(rows[i].text), &err) < 0)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_shown(&sample, rows[i].key, 0, rows[i].shown);
        config_free(&sample, keys, KEYS);
    }
}

/* Every error names the place, what was found and what is allowed. */
static void test_errors(void **state)
{
    static const struct {
        const char *text, *want; /* want: behind "path:" */
    } rows[] = {
        { "count: x\n", "1:8: count: found \"x\"; allowed is a whole number from 0 to 10" },
        { "\n\n  count: -1\n", "3:10: count: found \"-1\"; allowed is a whole number from 0 to 10" },
        { "count: 11\n", "1:8: count: found \"11\", out of range; allowed is a whole number from 0 to 10" },
        { "count: 99999999999999999999\n", "1:8: count: found \"99999999999999999999\", out of range; " },
        { "count: 5 # five\ncount: 6\n", "2:1: count: found a second time; the first is in line 1" },
        { "times: {}\nflag: true\ntimes: {}\n", "3:1: times: found a second time; the first is in line 1" },
        { "times:\n  life: 90\n", "2:9: times.life: found \"90\", which has no unit; "
                                  "allowed is a number with a unit (s, m, h, d, w) from 0 to " },
        { "times:\n  life: 1y\n", "2:9: times.life: found \"1y\"; allowed is" },
        { "times:\n  life: 500ms\n", "2:9: times.life: found \"500ms\"; allowed is" },
        { "times:\n  life: 1.5h\n", "2:9: times.life: found \"1.5h\"; allowed is" },
        { "times:\n  life: 1 h\n", "2:9: times.life: found \"1 h\"; allowed is" },
        { "times:\n  life: 9000000000000000000w\n",
          "2:9: times.life: found \"9000000000000000000w\", out of range" },
        { "times:\n  wait: 9ms\n", "2:9: times.wait: found \"9ms\", out of range; "
                                   "allowed is a number with a unit (ms, s, m, h, d, w) from 10ms to 1m" },
        { "size: 10MB\n",
          "1:7: size: found \"10MB\"; allowed is a number of bytes, KiB, MiB or GiB from 512 to 1GiB" },
        { "size: 9007199254740993KiB\n", "1:7: size: found \"9007199254740993KiB\", out of range" },
        { "share: 5\n",
          "1:8: share: found \"5\", which has no unit; allowed is a number with a % sign from 0 to 100%" },
        { "share: 101%\n", "1:8: share: found \"101%\", out of range" },
        { "socket: {mode: 660}\n", "1:16: socket.mode: found \"660\"; "
                                   "allowed is an octal number with a leading 0 from 0000 to 0777" },
        { "socket: {mode: 0o660}\n", "1:16: socket.mode: found \"0o660\"" },
        { "socket: {mode: 0680}\n", "1:16: socket.mode: found \"0680\"" },
        { "socket: {mode: 01777}\n", "1:16: socket.mode: found \"01777\", out of range" },
        { "flag: yes\n", "1:7: flag: found \"yes\"; allowed is true or false" },
        { "flag:\n", "1:6: flag: found nothing; allowed is true or false" },
        { "text:\n", "1:6: text: found nothing; allowed is a text, \"\" for none" },
        { "text: abcdefghijk\n", "1:7: text: longer than 10 letters" },
        { "text: \"a\\0b\"\n", "1:7: text: found \"a\", with a NUL byte in it" },
        { "text: [a]\n", "1:7: text: found a list; allowed is a text" },
        { "texts: a\n", "1:8: texts: found a value; allowed is a list of texts, [a, b]" },
        { "texts:\n", "1:7: texts: found nothing; allowed is a list of texts" },
        { "texts: [a, [b]]\n", "1:12: texts: found a list in a list; allowed is" },
        { "texts: [a, '']\n", "1:12: texts: found \"\" in a list; allowed is" },
        { "texts:\n  - a\n  - abcdefghijk\n", "3:5: texts: longer than 10 letters" },
        { "endpoint: unix:x\n",
          "1:11: endpoint: \"x\" is not an absolute path; allowed are unix:/absolute/path" },
        { "endpoints:\n  - inet:h:0\n", "2:5: endpoints: \"h:0\" is not host:port" },
        { "socket: {deep: {word: pink}}\n",
          "1:23: socket.deep.word: found \"pink\"; allowed is red, green or blue" },
        { "socket: 5\n", "1:9: socket: found a value; allowed are the keys mode, deep" },
        { "socket: [a]\n", "1:9: socket: found a list; allowed are the keys mode, deep" },
        { "socket:\n  dep: {}\n", "2:3: socket: unknown key \"dep\"; the nearest is \"deep\"" },
        { "socket:\n  owner: x\n", "2:3: socket: unknown key \"owner\"; allowed here are mode, deep" },
        { "cuont: 5\n", "1:1: unknown key \"cuont\"; " },
        { "coun: 5\n", "1:1: unknown key \"coun\"; the nearest is \"count\"" },
        { "zzz: 5\n",
          "1:1: unknown key \"zzz\"; allowed here are count, times, size, share, socket, flag, text, "
          "secret, texts, endpoint, endpoints, items, house" },
        { "times.life: 5s\n", "1:1: unknown key \"times.life\"; allowed here are" },
        { "\"count\\0\": 5\n", "1:1: unknown key \"count" },
        { "items: {second: {}}\n", "1:9: items: unknown key \"second\"; allowed here are first, third" },
        { "items: {first: {weight: 0}}\n", "1:25: items.first.weight: found \"0\", out of range" },
        { "items: {first: {mood: no}}\n",
          "1:23: items.first.mood: found \"no\"; allowed is red, green or blue" },
        { "house: {rooms: 3}\n",
          "1:16: house.rooms: found a value; allowed is a list of mappings, each with keys of its own" },
        { "house:\n  rooms:\n", "2:9: house.rooms: found nothing; allowed is a list of mappings" },
        { "house: {rooms: {name: a}}\n", "1:16: house.rooms: found keys; allowed is a list of mappings" },
        { "house: {rooms: [a]}\n", "1:17: house.rooms: found a value in a list; allowed is a list of " },
        { "house:\n  rooms:\n    - name: a\n    - name: b\n      doors: 0\n",
          "5:14: house.rooms[1].doors: found \"0\", out of range; allowed is a whole number from 1 to 9" },
        { "house:\n  rooms:\n    - name: a\n      wall: { mood: pink }\n",
          "4:21: house.rooms[0].wall.mood: found \"pink\"; allowed is red, green or blue" },
        { "house:\n  rooms:\n    - name: a\n      wall: { moood: red }\n",
          "4:15: house.rooms[0].wall: unknown key \"moood\"; the nearest is \"mood\"" },
        { "house: {rooms: [{nane: a}]}\n",
          "1:18: house.rooms[0]: unknown key \"nane\"; the nearest is \"name\"" },
        { "house: {rooms: [{count: 1}]}\n",
          "1:18: house.rooms[0]: unknown key \"count\"; allowed here are name, doors, wall, keys" },
        { "house: {rooms: [{name: a}, {name: b,\n name: c}]}\n",
          "2:2: house.rooms[1].name: found a second time; the first is in line 1" },
        { "house: {rooms: [{name: a, keys: [b, abcdefghijk]}]}\n",
          "1:37: house.rooms[0].keys: longer than 10 letters" },
        { "house:\n  rooms:\n    - name: a\n    - name: b\n      doors: 9\n    - name: c\n",
          "5:7: house.rooms[1].doors: too many doors" },
        { "house:\n  rooms:\n    - name: a\n    - doors: 2\n", "4:7: house.rooms[1]: a room without a name" },
        { "- a\n", "1:1: found a list; allowed are the keys count, " },
        { "word\n", "1:1: found a value; allowed are the keys count, " },
        { "[a]: b\n", "1:1: found a list; allowed is a key" },
        { "count: &x 5\n", "1:8: found an anchor (&); allowed are plain keys and values" },
        { "times: &x {}\n", "1:8: found an anchor (&)" },
        { "texts: !!seq []\n", "1:8: found a tag (!)" },
        { "count: !!int 5\n", "1:8: found a tag (!)" },
        { "count: *x\n", "1:8: found an alias (*)" },
        { "count: 5\n---\ncount: 6\n", "2:1: found a second document; allowed is one" },
        { "texts: [\n", "2:1: not valid YAML: did not find expected node content, while parsing a flow node "
                        "(from line 2)" },
        { "times:\n\tlife: 5s\n", "2:1: not valid YAML: " },
        { "text: a: b\n", "1:8: not valid YAML: mapping values are not allowed" },
        { "count: 5\ntext: \"\xff\"\n", "2:8: not valid YAML: " },
        { "# \xc3\xbc\xc3\xbc\xff\n", "1:5: not valid YAML: " },
        { "count: 5\n\x01\n", "2:1: not valid YAML: control characters are not allowed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample;
        struct err err = { "" };
        char want[600];

        set_defaults(&sample);
        snprintf(want, sizeof(want), "%s:%s", path, rows[i].want);
        if (read_text(&sample, span_of(rows[i].text), &err) == 0)
            fail_msg("%s was taken", rows[i].text);
        if (strncmp(err.text, want, strlen(want)) != 0)
            fail_msg("%s\n want %s\n got  %s", rows[i].text, want, err.text);
        config_free(&sample, keys, KEYS);
    }
}

/* A file cut anywhere is read or refused, and neither leaks nor crashes. */
static void test_every_cut(void **state)
{
    static const char text[] =
        "times: { life: 90s }\nsocket:\n  deep: { word: \"blue\" }\ntexts:\n  - x\n  - 'y'\n"
        "items: { third: { mood: red } }\nhouse:\n  rooms:\n    - { name: a }\n    - name: b\n      keys: "
        "[x, y]\n";

    (void)state;
    for (size_t n = 0; n <= sizeof(text) - 1; n++) {
        struct sample sample;
        struct err err = { "" };

        set_defaults(&sample);
        if (read_text(&sample, (struct span){ text, n }, &err) < 0)
            assert_true(strncmp(err.text, path, strlen(path)) == 0);
        config_free(&sample, keys, KEYS);
    }
}

static void test_files(void **state)
{
    struct sample sample;
    struct err err;
    char missing[sizeof(path) + 8], want[200];

    (void)state;
    set_defaults(&sample);
    snprintf(missing, sizeof(missing), "%s.not", path);
    snprintf(want, sizeof(want), "%s: No such file or directory", missing);
    assert_int_equal(config_read(&sample, keys, KEYS, missing, NULL, NULL, &err), -1);
    assert_string_equal(err.text, want);
    snprintf(want, sizeof(want), "%s: Is a directory", folder);
    assert_int_equal(config_read(&sample, keys, KEYS, folder, NULL, NULL, &err), -1);
    assert_string_equal(err.text, want);
    config_free(&sample, keys, KEYS);
}

static void test_secret(void **state)
{
    static const struct {
        struct span text;
        mode_t mode;
        const char *secret, *want;
    } rows[] = {
        { { "pass word\nsecond\n", 17 }, 0600, "pass word", NULL },
        { { "crlf\r\n", 6 }, 0640, "crlf", NULL },
        { { "bare", 4 }, 0400, "bare", NULL },
        { { "seen", 4 }, 0644, NULL, "has mode 0644: others may not have any right" },
        { { "seen", 4 }, 0602, NULL, "has mode 0602" },
        { { "", 0 }, 0600, NULL, "is empty" },
        { { "\nsecond", 7 }, 0600, NULL, "is empty" },
        { { "a\0b\n", 4 }, 0600, NULL, "NUL byte" },
    };
    char file[sizeof(path)], text[200], place[200];
    struct sample sample;
    struct err err;

    (void)state;
    snprintf(file, sizeof(file), "%s/secret", folder);
    snprintf(text, sizeof(text), "secret: %s\n", file);
    snprintf(place, sizeof(place), "%s:1:9: secret: %s", path, file);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_defaults(&sample);
        write_file(file, rows[i].text, rows[i].mode);
        if (rows[i].want == NULL) {
            assert_int_equal(read_text(&sample, span_of(text), &err), 0);
            assert_string_equal(sample.secret, rows[i].secret);
            assert_shown(&sample, 9, 0, "***");
        } else {
            assert_int_equal(read_text(&sample, span_of(text), &err), -1);
            assert_true(strncmp(err.text, place, strlen(place)) == 0);
            assert_non_null(strstr(err.text, rows[i].want));
        }
        config_free(&sample, keys, KEYS);
    }
    unlink(file);
    set_defaults(&sample);
    assert_int_equal(read_text(&sample, span_of(text), &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(read_text(&sample, SPAN("secret: relative\n"), &err), -1);
    assert_non_null(strstr(err.text, "absolute path"));
    snprintf(text, sizeof(text), "secret: %s\n", folder);
    assert_int_equal(read_text(&sample, span_of(text), &err), -1);
    assert_non_null(strstr(err.text, "no regular file"));
    config_free(&sample, keys, KEYS);
}

/* Too little room is said, not cut. */
static void test_show_room(void **state)
{
    struct sample sample;
    char got[16];

    (void)state;
    set_defaults(&sample);
    for (size_t i = 0; i < KEYS; i++)
        for (size_t size = 1; keys[i].def != NULL && size < sizeof(got); size++)
            assert_int_equal(config_show(got, size, &sample, &keys[i], 0), strlen(keys[i].def) < size);
    config_free(&sample, keys, KEYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_type), cmocka_unit_test(test_items),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_errors),     cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_files),    cmocka_unit_test(test_secret),     cmocka_unit_test(test_show_room),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
