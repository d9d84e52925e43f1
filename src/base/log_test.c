/* log_test.c - figures as text, widths, the progress line on and off a terminal, and interrupts. */
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(log, figures_are_short)
{
    Arena *arena = arena_new();
    CHECK_STRING(format_bytes(arena, 0), "0 B");
    CHECK_STRING(format_bytes(arena, 999), "999 B");
    CHECK_STRING(format_bytes(arena, 1000), "1.00 kB");
    CHECK_STRING(format_bytes(arena, 1.2345e9), "1.23 GB");
    CHECK_STRING(format_bytes(arena, 999.6e6), "1.00 GB");
    CHECK_STRING(format_bytes(arena, 99.96e6), "100 MB");
    CHECK_STRING(format_count(arena, 12), "12");
    CHECK_STRING(format_count(arena, 12.3e6), "12.3 M");
    CHECK_STRING(format_count(arena, 0.5), "0.50");
    CHECK_STRING(format_count(arena, -4.5e3), "-4.50 k");
    CHECK_STRING(format_seconds(arena, 0.4), "0:00");
    CHECK_STRING(format_seconds(arena, 59.6), "1:00");
    CHECK_STRING(format_seconds(arena, 3723), "1:02:03");
    CHECK_STRING(format_seconds(arena, -1), "?");
    CHECK_STRING(format_seconds(arena, INFINITY), "?");
    arena_free(arena);
}

/* Oracle: the terminal's own rule (UAX #11 and zero-width marks), by hand. */
TEST(log, columns_follow_unicode)
{
    CHECK_EQUAL(text_columns(""), 0);
    CHECK_EQUAL(text_columns("abc\t\033"), 3);
    CHECK_EQUAL(text_columns("직지"), 4);
    CHECK_EQUAL(text_columns("\u1112\u1161\u11ab"), 2);  /* one syllable in conjoining jamo */
    CHECK_EQUAL(text_columns("e\u0301é"), 2);
    CHECK_EQUAL(text_columns("😀漢ｶＡ"), 7);
    CHECK_EQUAL(text_columns("\u200b\ufeff"), 0);
    CHECK_EQUAL(text_columns("\u0378\U0003FFFD"), 3);  /* unassigned: narrow, but wide where ideographs will come */
    CHECK_EQUAL(text_columns("\x80\xff" "a"), 3);
    CHECK_EQUAL(text_columns("\xed\x95"), 1);
}

/* Runs `body` in a child whose stderr is `fd`. */
static int run_with_stderr(int fd, void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(fd, STDERR_FILENO);
        body();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void speak(void)
{
    log_info("hello %d", 1);
    log_debug("hidden");
    log_set_level(LOG_DEBUG);
    log_debug("shown");
    Progress *p = progress_new("work", 200, "B");
    for (int i = 0; i <= 200; i++)
        progress_set(p, i);
    progress_note(p, "note %s", "x");
    progress_free(p);
    log_set_level(LOG_QUIET);
    log_info("not said");
    log_warn("still said");
    p = progress_new("silent", 10, "");
    progress_set(p, 10);
    progress_free(p);
    progress_free(NULL);
}

TEST(log, off_a_terminal_lines_are_whole_and_few)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/stderr", test_dir());
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    REQUIRE(fd >= 0);
    CHECK_EQUAL(run_with_stderr(fd, speak), 0);
    close(fd);
    const char *text;
    size_t n;
    REQUIRE_OK(file_read(&text, &n, arena, path));
    CHECK(strncmp(text, "hello 1\ndebug: shown\nwork  100 %  ", 34) == 0);
    CHECK(strstr(text, "  note x\nwarning: still said\n") != NULL);
    CHECK(!strchr(text, '\r') && !strchr(text, '\033') && !strstr(text, "silent"));
    arena_free(arena);
}

static void draw_wide(void)
{
    Progress *p = progress_new("직지", 2, "");
    usleep(120000);
    progress_note(p, "가나다라마바사아자차카타파하가나다라마바사아자차카타파하");
    progress_set(p, 1);
    log_info("between");
    progress_free(p);
}

/* Goal: on a terminal of 40 columns the line is redrawn in place, never wider than the terminal, and a message does not cut it. */
TEST(log, on_a_terminal_one_line_is_redrawn)
{
    int master, terminal;
    struct winsize size = {.ws_row = 10, .ws_col = 40};
    if (openpty(&master, &terminal, NULL, NULL, &size) != 0)
        SKIP("no pseudo terminal here");
    CHECK_EQUAL(run_with_stderr(terminal, draw_wide), 0);
    char text[4096] = {0};
    size_t n = 0;
    close(terminal);
    for (ssize_t got = 1; got > 0 && n < sizeof text - 1; n += got > 0 ? (size_t)got : 0)  /* on a busy machine what was written comes in pieces */
        got = read(master, text + n, sizeof text - 1 - n);
    close(master);
    REQUIRE(n > 0);
    CHECK(strstr(text, "\r\033[K직지  [==========>         ] 50 %") != NULL);
    CHECK(strstr(text, "\r\033[Kbetween\r\n") != NULL);
    for (char *piece = strtok(text, "\r\n"); piece; piece = strtok(NULL, "\r\n"))
        CHECK(text_columns(piece) <= 40 + 3);  /* "\033[K" shows as 2 columns here */
}

static void be_interrupted(void)
{
    interrupt_install();
    if (interrupt_requested())
        _exit(1);
    raise(SIGTERM);
    if (!interrupt_requested())
        _exit(2);
    raise(SIGTERM);  /* asked again, politely: still a clean stop */
    raise(SIGINT);
    _exit(3);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIGNALS_ARE_HELD_BACK 1
#endif
#endif

TEST(log, second_interrupt_ends_with_130)
{
#ifdef SIGNALS_ARE_HELD_BACK
    SKIP("ThreadSanitizer hands no signals to the child of a fork");
#endif
    CHECK_EQUAL(run_with_stderr(STDERR_FILENO, be_interrupted), 130 << 8);
}
