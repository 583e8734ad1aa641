/* SPDX-License-Identifier: BSD-2-Clause */
/* The progress bar, as it comes out of standard error: into a terminal, a dumb one, and a pipe. */
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pty.h>

#include <cmocka.h>

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the child: 300 ms of the smallest steps, far more of them than are drawn; on a slow machine until one
 * is. */
static void work(uint64_t total)
{
    struct progress progress = progress_begin("leads", total);
    int64_t begun = progress.drawn, end = now_ms() + 300;

    while (now_ms() < end || (progress.shown && progress.drawn == begun))
        progress_step(&progress, 1);
    progress_end(&progress);
    fflush(stderr);
}

/* What a child that works writes to its standard error, a terminal or a pipe. */
static void output_of(char *text, size_t size, bool terminal, const char *term, uint64_t total)
{
    int fds[2];
    size_t n = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(terminal ? openpty(&fds[0], &fds[1], NULL, NULL, NULL) : pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("TERM", term, 1);
        dup2(fds[1], STDERR_FILENO);
        work(total);
        _exit(0);
    }
    close(fds[1]);
    /* A terminal whose other side is gone answers EIO. */
    while (n < size - 1 && (got = read(fds[0], text + n, size - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(fds[0]);
    waitpid(child, NULL, 0);
}

static int count_of(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

static void a_bar_on_a_terminal(void **state)
{
    static const char gone[] = "\r\033[K";
    char text[4096];

    (void)state;
    output_of(text, sizeof(text), true, "xterm", UINT64_MAX);
    assert_ptr_equal(
        strstr(text, "\rleads: [..............................]   0 % of 18446744073709551615\033[K"), text);
    /* Ten times a second at most. */
    assert_in_range(count_of(text, "leads:"), 1, 3);
    assert_string_equal(text + strlen(text) - strlen(gone), gone);
    output_of(text, sizeof(text), true, "xterm", 1);
    assert_non_null(strstr(text, "[##############################] 100 % of 1\033[K"));
    output_of(text, sizeof(text), true, "xterm", 0);
    assert_ptr_equal(strstr(text, "\rleads: "), text);
    assert_null(strchr(text, '%'));
}

static void nothing_elsewhere(void **state)
{
    char text[4096];

    (void)state;
    output_of(text, sizeof(text), false, "xterm", 10);
    assert_string_equal(text, "");
    output_of(text, sizeof(text), true, "dumb", 10);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_on_a_terminal),
        cmocka_unit_test(nothing_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
