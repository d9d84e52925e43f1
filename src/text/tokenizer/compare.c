/* compare.c - the numbers of compare.h. */
#include "text/tokenizer/compare.h"
#include "text/tokenizer/korean.h"
#include "text/tokenizer/survey.h"
#include "base/file.h"
#include "base/log.h"
#include "text/unicode/char_props.h"
#include "text/unicode/hangul.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double renyi_order = 2.5;
enum { NFD_SAMPLE_BYTES = 1 << 18 };

typedef struct {
    const char *text;
    size_t n;
    TokenSpan ids;
    const TokenOffset *at;
    bool *ends;  /* [n + 1]: a token ends there */
} Encoded;

/* The last run of Hangul syllables of a word; false when it has none. */
static bool last_hangul_run(const char *text, size_t begin, size_t end, size_t *run_begin, size_t *run_end)
{
    bool found = false, inside = false;
    for (size_t at = begin; at < end;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, text + at, text + end);
        bool is = hangul_is_syllable(c);
        if (is && !inside)
            *run_begin = at;
        if (is)
            *run_end = at + length;
        found |= is;
        inside = is;
        at += length;
    }
    return found;
}

/* Tokens before `*next` are behind; counts those whose last byte lies in [begin, end). */
static int64_t tokens_of_word(const Encoded *e, int64_t *next, size_t begin, size_t end, bool *is_whole)
{
    int64_t n = 0;
    *is_whole = false;
    for (; *next < e->ids.n; ++*next) {
        TokenOffset at = e->at[*next];
        int64_t last = at.end > at.begin ? at.end - 1 : at.begin;
        if (last >= (int64_t)end)
            break;
        if (last < (int64_t)begin)
            continue;
        *is_whole = n++ == 0 && at.begin <= (int64_t)begin && at.end >= (int64_t)end;
    }
    return n;
}

static void count_word(const Encoded *e, int64_t *next, size_t begin, size_t end, TextNumbers *numbers)
{
    bool is_whole;
    int64_t n = tokens_of_word(e, next, begin, end, &is_whole);
    numbers->n_words++;
    numbers->n_word_tokens += n;
    numbers->n_whole_words += is_whole;
    size_t run_begin = 0, run_end = 0;
    if (!last_hangul_run(e->text, begin, end, &run_begin, &run_end))
        return;
    numbers->n_eojeol++;
    numbers->n_eojeol_tokens += n;
    numbers->n_whole_eojeol += is_whole;
    size_t stem = korean_stem_bytes(e->text + run_begin, run_end - run_begin);
    if (stem < run_end - run_begin) {
        numbers->n_seams++;
        numbers->n_seams_met += e->ends[run_begin + stem];
    }
}

static void count_words(const Encoded *e, TextNumbers *numbers)
{
    int64_t next = 0;
    size_t begin = 0;
    bool inside = false;
    for (size_t at = 0; at < e->n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, e->text + at, e->text + e->n);
        bool space = char_is_space(c);
        if (!space && !inside)
            begin = at;
        if (space && inside)
            count_word(e, &next, begin, at, numbers);
        inside = !space;
        at += length;
    }
    if (inside)
        count_word(e, &next, begin, e->n, numbers);
}

/* Rényi entropy of the order, in nats, over that of an even vocabulary. */
static double efficiency(const int64_t *counts, int64_t n_ids, int64_t n_tokens)
{
    double sum = 0.0;
    for (int64_t id = 0; id < n_ids && n_tokens; id++)
        if (counts[id])
            sum += pow((double)counts[id] / (double)n_tokens, renyi_order);
    return sum > 0.0 && n_ids > 1 ? log(sum) / (1.0 - renyi_order) / log((double)n_ids) : 0.0;
}

static void count_tokens(const Tokenizer *tok, const Encoded *e, TextNumbers *numbers)
{
    int64_t n_ids = tokenizer_vocab_size(tok), *counts = mem_alloc((size_t)(n_ids + 1) * sizeof *counts);
    int32_t unk = tokenizer_special_id(tok, SPECIAL_UNK);
    for (int64_t i = 0; i < e->ids.n; i++)
        if (e->ids.ids[i] < n_ids)
            counts[e->ids.ids[i]]++;
    for (int32_t id = 0; id < n_ids; id++) {
        if (id == unk)
            numbers->n_unk += counts[id];
        else if (counts[id] && survey_script_of(tok, id) == TOKEN_PARTS)
            numbers->n_parts += counts[id];
    }
    numbers->renyi_efficiency = efficiency(counts, n_ids, e->ids.n);
    free(counts);
}

static void count_lines(const Tokenizer *tok, const char *text, size_t n, TextNumbers *numbers)
{
    Arena *arena = arena_new();
    for (size_t at = 0; at < n;) {
        const char *stop = memchr(text + at, '\n', n - at);
        size_t length = stop ? (size_t)(stop - text) - at : n - at;
        TokenSpan ids = tokenizer_encode(tok, arena, text + at, length);
        TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
        numbers->n_lines++;
        numbers->n_lines_back += back.n_bytes == length && memcmp(back.bytes, text + at, length) == 0;
        at += length + 1;
        arena_reset(arena);
    }
    arena_free(arena);
}

static void count_forms(const Tokenizer *tok, Arena *arena, const char *text, size_t n, TextNumbers *numbers)
{
    size_t n_sample = n < NFD_SAMPLE_BYTES ? n : NFD_SAMPLE_BYTES, n_nfc, n_nfd;
    n_sample -= n_sample < n ? utf8_incomplete_tail(text, n_sample) : 0;
    const char *nfc = normalize(arena, NORMALIZE_NFC, text, n_sample, &n_nfc), *nfd = normalize(arena, NORMALIZE_NFD, text, n_sample, &n_nfd);
    numbers->n_nfc_tokens = tokenizer_encode(tok, arena, nfc, n_nfc).n;
    numbers->n_nfd_tokens = tokenizer_encode(tok, arena, nfd, n_nfd).n;
}

static void time_runs(const Tokenizer *tok, Arena *arena, const char *text, size_t n, TextNumbers *numbers)
{
    memory_resident_peak_reset();
    int64_t before = memory_resident_bytes();
    double start = clock_seconds();
    tokenizer_encode(tok, arena, text, n);
    numbers->cold_seconds = clock_seconds() - start;
    int64_t peak = memory_resident_peak_bytes();
    numbers->peak_bytes = peak > before ? peak - before : 0;
    start = clock_seconds();
    TokenSpan ids = tokenizer_encode(tok, arena, text, n);
    numbers->warm_seconds = clock_seconds() - start;
    start = clock_seconds();
    tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    numbers->decode_seconds = clock_seconds() - start;
    arena_reset(arena);
}

TextNumbers compare_measure(const Tokenizer *tok, const char *text, size_t n_bytes)
{
    TextNumbers numbers = {.n_bytes = (int64_t)n_bytes, .n_chars = utf8_count(text, n_bytes)};
    Arena *arena = arena_new();
    time_runs(tok, arena, text, n_bytes, &numbers);
    Encoded e = {.text = text, .n = n_bytes};
    TokenOffset *at;
    e.ids = tokenizer_encode_with(tok, arena, text, n_bytes, 0, &at);
    e.at = at;
    e.ends = ARENA_ARRAY(arena, bool, n_bytes + 1);
    memset(e.ends, 0, n_bytes + 1);
    for (int64_t i = 0; i < e.ids.n; i++)
        e.ends[at[i].end] = true;
    numbers.n_tokens = e.ids.n;
    count_words(&e, &numbers);
    count_tokens(tok, &e, &numbers);
    count_lines(tok, text, n_bytes, &numbers);
    count_forms(tok, arena, text, n_bytes, &numbers);
    arena_free(arena);
    return numbers;
}

void compare_add(TextNumbers *sum, const TextNumbers *more)
{
    double n = (double)(sum->n_tokens + more->n_tokens);
    if (n > 0.0)
        sum->renyi_efficiency = (sum->renyi_efficiency * (double)sum->n_tokens + more->renyi_efficiency * (double)more->n_tokens) / n;
    const int64_t *from = &more->n_bytes;
    int64_t *to = &sum->n_bytes;
    for (size_t i = 0; i < offsetof(TextNumbers, renyi_efficiency) / sizeof *to; i++)
        to[i] += from[i];
    sum->cold_seconds += more->cold_seconds;
    sum->warm_seconds += more->warm_seconds;
    sum->decode_seconds += more->decode_seconds;
    if (more->peak_bytes > sum->peak_bytes)
        sum->peak_bytes = more->peak_bytes;
}
