/* log.c - messages, the live line of progress, figures as text, and interrupts. What is shared by the whole process
 * (level, live line, interrupt flag) belongs to the terminal, of which there is one. */
#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level = LOG_NORMAL;

/* Guards stderr and the live line, so that messages from threads come out whole. */
static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER;
static Progress *live;

struct Progress {
    char *what, *unit, *note;
    int64_t done, total;
    double start, drawn;  /* clock_seconds; drawn is when the line was last shown */
    bool on_terminal;
    Progress *outer;  /* the one whose line this one replaces while it lives */
};

void log_set_level(LogLevel new_level)
{
    atomic_store(&level, new_level);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load(&level);
}

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static const char *progress_amount(Arena *arena, const Progress *p, double amount)
{
    if (strcmp(p->unit, "B") == 0)
        return format_bytes(arena, amount);
    return arena_printf(arena, "%s%s%s", format_count(arena, amount), p->unit[0] ? " " : "", p->unit);
}

static const char *progress_bar(Arena *arena, double share)
{
    enum { WIDTH = 20 };
    char bar[WIDTH + 1] = {0};
    int filled = (int)(share * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    return arena_printf(arena, "[%s] ", bar);
}

static const char *progress_line(Arena *arena, const Progress *p, bool finished)
{
    double seconds = clock_seconds() - p->start;
    double rate = seconds > 0.0 ? (double)p->done / seconds : 0.0;
    const char *line = arena_printf(arena, "%s  ", p->what);
    if (p->total > 0) {
        double share = (double)p->done / (double)p->total;
        share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
        line = arena_printf(arena, "%s%s%d %%", line, p->on_terminal ? progress_bar(arena, share) : "", (int)(share * 100.0));
    } else {
        line = arena_printf(arena, "%s%s", line, progress_amount(arena, p, (double)p->done));
    }
    line = arena_printf(arena, "%s  %s/s", line, progress_amount(arena, p, rate));
    if (finished)
        line = arena_printf(arena, "%s  %s", line, format_seconds(arena, seconds));
    else if (p->total > p->done && rate > 0.0)
        line = arena_printf(arena, "%s  %s left", line, format_seconds(arena, (double)(p->total - p->done) / rate));
    return p->note[0] ? arena_printf(arena, "%s  %s", line, p->note) : line;
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Cuts the line where the terminal ends: a line that wraps cannot be redrawn. */
static void cut_to_columns(char *line, int n_columns)
{
    char *end = line + strlen(line);
    while (text_columns(line) > n_columns) {
        do
            end--;
        while (((unsigned char)*end & 0xC0) == 0x80);  /* UTF-8 continuation bytes */
        *end = '\0';
    }
}

/* The lock is held. */
static void draw(Progress *p, bool finished)
{
    Arena *arena = arena_new();
    char *line = arena_strdup(arena, progress_line(arena, p, finished));
    if (p->on_terminal) {
        cut_to_columns(line, terminal_columns() - 1);
        fprintf(stderr, "\r\033[K%s%s", line, finished ? "\n" : "");
    } else {
        fprintf(stderr, "%s\n", line);
    }
    fflush(stderr);
    p->drawn = clock_seconds();
    arena_free(arena);
}

static void print_message(const char *opening, const char *format, va_list args)
{
    pthread_mutex_lock(&terminal);
    bool interrupts_line = live && live->on_terminal;
    if (interrupts_line)
        fputs("\r\033[K", stderr);
    fputs(opening, stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    if (interrupts_line)
        draw(live, false);
    pthread_mutex_unlock(&terminal);
}

void log_info(const char *format, ...)
{
    if (log_level() < LOG_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    print_message("", format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message("warning: ", format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    if (log_level() < LOG_DEBUG)
        return;
    va_list args;
    va_start(args, format);
    print_message("debug: ", format, args);
    va_end(args);
}

Progress *progress_new(const char *what, int64_t total, const char *unit)
{
    Progress *p = mem_alloc(sizeof *p);
    p->what = mem_strdup(what);
    p->unit = mem_strdup(unit);
    p->note = mem_strdup("");
    p->total = total;
    p->on_terminal = isatty(STDERR_FILENO);
    p->start = p->drawn = clock_seconds();
    pthread_mutex_lock(&terminal);
    p->outer = live;
    live = p;
    pthread_mutex_unlock(&terminal);
    return p;
}

void progress_set(Progress *p, int64_t done)
{
    const double interval = p->on_terminal ? 0.1 : 30.0;  /* seconds */
    pthread_mutex_lock(&terminal);
    p->done = done;
    if (p == live && log_level() >= LOG_NORMAL && clock_seconds() - p->drawn >= interval)
        draw(p, false);
    pthread_mutex_unlock(&terminal);
}

void progress_note(Progress *p, const char *format, ...)
{
    char *note;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&note, format, args);
    va_end(args);
    if (n < 0)
        return;
    pthread_mutex_lock(&terminal);
    free(p->note);
    p->note = note;
    pthread_mutex_unlock(&terminal);
}

void progress_free(Progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&terminal);
    if (log_level() >= LOG_NORMAL)
        draw(p, true);
    for (Progress **link = &live; *link; link = &(*link)->outer)
        if (*link == p) {
            *link = p->outer;
            break;
        }
    pthread_mutex_unlock(&terminal);
    free(p->what);
    free(p->unit);
    free(p->note);
    free(p);
}

/* Three figures and the power of 1000 that fits: 999.6 becomes "1.00 k", not "1000". */
static const char *format_scaled(Arena *arena, double value, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    double size = value < 0.0 ? -value : value;
    size_t power = 0;
    while (size >= 999.5 && power + 1 < sizeof prefixes / sizeof prefixes[0]) {
        size /= 1000.0;
        value /= 1000.0;
        power++;
    }
    bool whole = power == 0 && value == (double)(int)value;
    int decimals = whole || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
    bool blank = power > 0 || unit[0];
    return arena_printf(arena, "%.*f%s%s%s", decimals, value, blank ? " " : "", prefixes[power], unit);
}

const char *format_bytes(Arena *arena, double n_bytes)
{
    return format_scaled(arena, n_bytes, "B");
}

const char *format_count(Arena *arena, double count)
{
    return format_scaled(arena, count, "");
}

const char *format_seconds(Arena *arena, double seconds)
{
    if (seconds < 0.0 || !(seconds < 1e12))
        return "?";
    int64_t whole = (int64_t)(seconds + 0.5);
    int64_t hours = whole / 3600;
    int minutes = (int)(whole / 60 % 60), rest = (int)(whole % 60);
    if (hours)
        return arena_printf(arena, "%lld:%02d:%02d", (long long)hours, minutes, rest);
    return arena_printf(arena, "%d:%02d", minutes, rest);
}

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    if (interrupted && signal_number == SIGINT)
        _exit(130);
    interrupted = 1;
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void)
{
    return interrupted != 0;
}
