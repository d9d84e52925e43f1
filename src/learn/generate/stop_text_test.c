/* stop_text_test.c - stop strings in text that comes in pieces. */
#include "base/test.h"
#include "learn/generate/stop_text.h"

/* Pushes `text` in pieces of n bytes; returns what was given out, in `arena`. */
static const char *stream(Arena *arena, const char *text, size_t n, const char *const *stops, int n_stops, bool *stopped)
{
    StopText stop = stop_text_new(arena, stops, n_stops);
    const char *out = "";
    *stopped = false;
    for (size_t i = 0; i < strlen(text) && !*stopped; i += n) {
        size_t n_piece = strlen(text) - i < n ? strlen(text) - i : n, n_given;
        *stopped = stop_text_push(&stop, text + i, n_piece);
        const char *given = stop_text_take(&stop, *stopped, &n_given);
        out = arena_printf(arena, "%s%.*s", out, (int)n_given, given);
    }
    size_t n_rest;
    const char *rest = stop_text_take(&stop, true, &n_rest);
    return arena_printf(arena, "%s%.*s", out, (int)n_rest, rest);
}

/* Goal: what is given out is the text before the first stop string, however the text is cut. Method: every cut. */
TEST(stop_text, text_ends_before_the_first_stop_however_it_is_cut)
{
    Arena *arena = arena_new();
    const char *const stops[] = {"\n\nUser:", "END", "끝"};
    bool stopped;
    for (size_t n = 1; n < 20; n++) {
        CHECK_STRING(stream(arena, "a\n\nb EN E\n\nUser: more END", n, stops, 3, &stopped), "a\n\nb EN E");
        CHECK(stopped);
        CHECK_STRING(stream(arena, "이야기 끝. END", n, stops, 3, &stopped), "이야기 ");
        CHECK(stopped);
        CHECK_STRING(stream(arena, "no stop here: EN", n, stops, 3, &stopped), "no stop here: EN");
        CHECK(!stopped);
        CHECK_STRING(stream(arena, "ENEND", n, stops, 3, &stopped), "EN");
        CHECK_STRING(stream(arena, "plain", n, NULL, 0, &stopped), "plain");
    }
    arena_free(arena);
}

/* Goal: a stop string that is still possible is held back, and nothing else is. */
TEST(stop_text, only_what_a_stop_could_swallow_is_held_back)
{
    Arena *arena = arena_new();
    const char *const stops[] = {"aab"};
    StopText stop = stop_text_new(arena, stops, 1);
    size_t n;
    CHECK(!stop_text_push(&stop, "xaaa", 4));
    stop_text_take(&stop, false, &n);
    CHECK_EQUAL(n, 2);  /* "xa": "aa" may go on to "aab" */
    CHECK(!stop_text_push(&stop, "c", 1));
    stop_text_take(&stop, false, &n);
    CHECK_EQUAL(n, 3);
    arena_free(arena);
}
