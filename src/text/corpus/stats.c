/* stats.c - one pass that counts. */
#include "text/corpus/stats.h"

#include "base/json.h"
#include "base/log.h"
#include "text/corpus/hash.h"
#include "text/corpus/sentence.h"
#include "text/corpus/stage_source.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Counts by text: an open table whose texts live in an arena. */
typedef struct {
    uint64_t hash;
    StatsCount count;
} Slot;
typedef struct {
    Slot *slots;
    uint64_t mask;
    int64_t n;
    Arena *texts;
} Counter;

static Slot *counter_slot(const Counter *counter, uint64_t hash)
{
    uint64_t i = hash & counter->mask;
    while (counter->slots[i].hash && counter->slots[i].hash != hash)
        i = (i + 1) & counter->mask;
    return &counter->slots[i];
}

static void counter_grow(Counter *counter)
{
    Counter old = *counter;
    counter->mask = old.slots ? 2 * old.mask + 1 : 1023;
    counter->slots = mem_alloc((counter->mask + 1) * sizeof *counter->slots);
    for (uint64_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].hash)
            *counter_slot(counter, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

static StatsCount *counter_add(Counter *counter, const char *text, size_t n_bytes)
{
    if (!counter->slots || 2 * (uint64_t)counter->n > counter->mask)
        counter_grow(counter);
    uint64_t hash = hash64(text, n_bytes, 0);
    Slot *slot = counter_slot(counter, hash ? hash : 1);
    if (!slot->hash) {
        slot->hash = hash ? hash : 1;
        slot->count.name = arena_strndup(counter->texts, text, n_bytes);
        counter->n++;
    }
    slot->count.n++;
    return &slot->count;
}

/* Is a before b: more first, of equals by name? */
static bool is_before(const StatsCount *a, const StatsCount *b)
{
    return a->n != b->n ? a->n > b->n : strcmp(a->name, b->name) < 0;
}

/* The first `most`, in order. */
static void counter_top(const Counter *counter, Arena *arena, int most, StatsCount **top, int *n)
{
    StatsCount *first = ARENA_ARRAY(arena, StatsCount, most + 1);
    *n = 0;
    for (uint64_t i = 0; counter->slots && i <= counter->mask; i++) {
        const StatsCount *count = &counter->slots[i].count;
        if (!counter->slots[i].hash || (*n == most && !is_before(count, &first[most - 1])))
            continue;
        int at = *n < most ? (*n)++ : most - 1;
        for (; at > 0 && is_before(count, &first[at - 1]); at--)
            first[at] = first[at - 1];
        first[at] = *count;
    }
    for (int i = 0; i < *n; i++) {
        first[i].name = arena_strdup(arena, first[i].name);
        first[i].example = first[i].example ? arena_strdup(arena, first[i].example) : NULL;
    }
    *top = first;
}

static int compare_falling(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* All counts, falling. */
static int64_t *counter_sorted(const Counter *counter)
{
    int64_t *counts = mem_alloc(((size_t)counter->n + 1) * sizeof *counts), n = 0;
    for (uint64_t i = 0; counter->slots && i <= counter->mask; i++)
        if (counter->slots[i].hash)
            counts[n++] = counter->slots[i].count.n;
    qsort(counts, (size_t)n, sizeof *counts, compare_falling);
    return counts;
}

typedef struct {
    Stats *stats;
    Arena *arena, *scratch, *texts;
    Counter words, languages, domains, drops, contents;
    int64_t *lengths, n_lengths, room;
    StatsLanguage by_language[4 * STATS_LANGUAGES];
    int n_languages;
} Gathering;

static const char *const terms[STATS_TERMS] = {"여성", "남성", "장애인", "노인", "외국인", "이주민", "동성애자", "청년", "women", "men", "disabled", "elderly", "immigrants", "muslims", "gay", "black"};

/* The text round a place, cut at characters. */
static const char *place_of(Arena *arena, const char *text, size_t n_bytes, size_t at)
{
    enum { AROUND = 60 };
    size_t begin = at > AROUND ? at - AROUND : 0, end = at + AROUND < n_bytes ? at + AROUND : n_bytes;
    while (begin > 0 && ((unsigned char)text[begin] & 0xC0) == 0x80)
        begin--;
    while (end < n_bytes && ((unsigned char)text[end] & 0xC0) == 0x80)
        end++;
    char *place = arena_strndup(arena, text + begin, end - begin);
    for (char *c = place; *c; c++)
        *c = *c == '\n' || *c == '\t' ? ' ' : *c;
    return place;
}

enum { TERM_PLACES = 3 };

static void count_term(Gathering *g, const StageDocument *document, const char *word, size_t n_bytes, size_t at)
{
    for (int i = 0; i < STATS_TERMS; i++) {
        if (word[0] != terms[i][0] || word[1] != terms[i][1])
            continue;
        size_t m = strlen(terms[i]);
        bool korean = (unsigned char)terms[i][0] >= 0x80;  /* particles follow */
        if (n_bytes < m || memcmp(word, terms[i], m) != 0 || (!korean && n_bytes != m))
            continue;
        StatsCount *count = &g->stats->terms[i];
        if (count->n++ >= TERM_PLACES)
            continue;
        const char *place = place_of(g->arena, document->text, document->n_bytes, at);
        count->example = count->example ? arena_printf(g->arena, "%s … %s", count->example, place) : place;
    }
}

static bool is_wordlike(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (c >= 0xAC00 && c <= 0xD7A3) || (c != UTF8_ILL_FORMED && char_is_word(c));
}

/* Lower case of a word between white space, punctuation at its ends left out. */
static size_t plain_word(char *out, size_t room, const char *at, const char *end, int64_t *n_chars)
{
    size_t n = 0, n_last = 0;
    int64_t n_all = 0;
    for (uint32_t c; at < end && n + UTF8_BYTES_MAX < room;) {
        if ((unsigned char)*at < 0x80)
            c = (unsigned char)*at++;
        else
            at += utf8_decode(&c, at, end);
        if (n == 0 && !is_wordlike(c))
            continue;
        if (c < 0x80)
            out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
        else
            n += (size_t)utf8_encode(out + n, c == UTF8_ILL_FORMED ? 0xFFFD : c >= 0xAC00 && c <= 0xD7A3 ? c : char_lower(c));
        n_all++;
        if (is_wordlike(c))
            n_last = n, *n_chars = n_all;
    }
    return n_last;
}

static void count_words(Gathering *g, const StageDocument *document)
{
    enum { WORD_BYTES_MAX = 256 };
    Stats *s = g->stats;
    const char *end = document->text + document->n_bytes;
    for (const char *at = document->text; at < end;) {
        const char *begin = at;
        uint32_t c = 0;
        for (int n_step; at < end && (unsigned char)*at > ' '; at += n_step) {
            n_step = (unsigned char)*at < 0x80 ? 1 : utf8_is_syllable(at, end) ? 3 : utf8_decode(&c, at, end);
            if (n_step > 1 && !utf8_is_syllable(at, end) && char_is_space(c))
                break;
        }
        char word[WORD_BYTES_MAX];
        int64_t n_chars = 0;
        size_t n = at > begin ? plain_word(word, sizeof word, begin, at, &n_chars) : 0;
        if (n > 0) {
            counter_add(&g->words, word, n);
            s->n_words++;
            s->word_lengths[(n_chars < STATS_WORD_LENGTHS ? n_chars : STATS_WORD_LENGTHS) - 1]++;
            count_term(g, document, word, n, (size_t)(begin - document->text));
        }
        if (at < end && at == begin)
            at += utf8_decode(&c, at, end);
    }
}

static bool ends_in(const char *text, size_t n, const char *what)
{
    size_t m = strlen(what);
    return n >= m && memcmp(text + n - m, what, m) == 0;
}

static void count_sentences(Gathering *g, const StageDocument *document)
{
    Stats *s = g->stats;
    Sentences sentences = sentence_split(g->scratch, document->text, document->n_bytes, true);
    int64_t n_plain = 0, n_polite = 0;
    for (int i = 0; i < sentences.n; i++) {
        const char *text = document->text + sentences.sentences[i].begin;
        size_t n = sentences.sentences[i].end - sentences.sentences[i].begin;
        while (n > 0 && strchr("\"')]", text[n - 1]))
            n--;
        bool ended = n > 0 && (strchr(".!?", text[n - 1]) || ends_in(text, n, "。") || ends_in(text, n, "…") || ends_in(text, n, "”"));
        s->n_sentences_ended += ended;
        while (n > 0 && strchr(".!?~ ", text[n - 1]))
            n--;
        bool polite = ends_in(text, n, "요") || ends_in(text, n, "니다");
        n_polite += polite;
        n_plain += !polite && ends_in(text, n, "다");
    }
    s->n_sentences += sentences.n;
    if (n_plain + n_polite == 0)
        return;
    double share = (double)n_plain / (double)(n_plain + n_polite);
    s->n_korean_plain += share > 0.8;
    s->n_korean_polite += share < 0.2;
    s->n_korean_mixed += share >= 0.2 && share <= 0.8;
}

static void count_domain(Gathering *g, const char *url)
{
    const char *host = url ? strstr(url, "://") : NULL;
    if (!host)
        return;
    host += 3;
    if (strncmp(host, "www.", 4) == 0)
        host += 4;
    counter_add(&g->domains, host, strcspn(host, "/:?#"));
}

/* What a document added to the figures of all is added to those of its language. */
static void count_language(Gathering *g, const char *language, const Stats *before)
{
    const Stats *now = g->stats;
    int i = 0;
    while (i < g->n_languages && strcmp(g->by_language[i].name, language) != 0)
        i++;
    if (i == N_ELEMENTS(g->by_language))
        return;
    StatsLanguage *l = &g->by_language[i];
    if (i == g->n_languages)
        g->by_language[g->n_languages++].name = arena_strdup(g->texts, language);
    l->n_documents++;
    l->n_bytes += now->n_bytes - before->n_bytes;
    l->n_chars += now->n_chars - before->n_chars;
    l->n_words += now->n_words - before->n_words;
    l->n_sentences += now->n_sentences - before->n_sentences;
    l->n_sentences_ended += now->n_sentences_ended - before->n_sentences_ended;
}

/* The spans that the stage left: [["phone", 3, 16], ...]. */
static void count_tagged_data(Gathering *g, const StageDocument *document)
{
    const char *spans = stage_tag_text(g->scratch, document, "pii.spans"), *name;
    if (!spans)
        return;
    JsonReader json;
    json_reader_init(&json, "spans", spans, strlen(spans));
    if (json_array_begin(&json) != OK)
        return;
    for (int n = 0; json_array_next(&json); n++) {
        g->stats->n_pii_tagged_documents += n == 0;
        if (json_array_begin(&json) != OK || !json_array_next(&json) || json_string(&json, g->scratch, &name, NULL) != OK)
            return;
        for (int i = 0; i < N_PII; i++)
            g->stats->n_pii_tagged[i] += strcmp(name, pii_class_name((PiiClass)i)) == 0;
        while (json_array_next(&json))
            if (json_skip(&json) != OK)
                return;
    }
}

static void count_copies_and_data(Gathering *g, const StageDocument *document)
{
    Stats *s = g->stats;
    Hash128 hash = hash128(document->text, document->n_bytes, 0);
    s->n_copies += counter_add(&g->contents, (const char *)&hash, sizeof hash)->n > 1;
    PiiSpans spans = pii_find(g->scratch, document->text, document->n_bytes);
    for (int i = 0; i < spans.n; i++)
        s->n_pii[spans.spans[i].class]++;
    s->n_pii_documents += spans.n > 0;
    count_tagged_data(g, document);
}

static void count_document(Gathering *g, const StageDocument *document)
{
    enum { EXAMPLE_BYTES = 200 };
    Stats *s = g->stats;
    const char *rule = stage_tag_text(g->scratch, document, "dropped.rule");
    if (rule) {
        StatsCount *drop = counter_add(&g->drops, rule, strlen(rule));
        if (!drop->example)
            drop->example = place_of(g->texts, document->text, document->n_bytes < EXAMPLE_BYTES ? document->n_bytes : EXAMPLE_BYTES, 0);
        s->n_dropped++;
        return;
    }
    const Stats before = *s;
    int64_t n_chars = utf8_count(document->text, document->n_bytes);
    const char *language = stage_tag_text(g->scratch, document, "language");
    if (g->n_lengths == g->room) {
        g->room = g->room ? 2 * g->room : 1024;
        g->lengths = mem_realloc(g->lengths, (size_t)g->room * sizeof *g->lengths);
    }
    g->lengths[g->n_lengths++] = n_chars;
    s->n_documents++;
    s->n_bytes += (int64_t)document->n_bytes;
    s->n_chars += n_chars;
    if (language)
        counter_add(&g->languages, language, strlen(language));
    count_domain(g, stage_tag_text(g->scratch, document, "url"));
    count_words(g, document);
    count_sentences(g, document);
    count_copies_and_data(g, document);
    if (language)
        count_language(g, language, &before);
}

static int compare_lengths(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void sum_lengths(Gathering *g)
{
    Stats *s = g->stats;
    int64_t n = g->n_lengths;
    if (n == 0)
        return;
    qsort(g->lengths, (size_t)n, sizeof *g->lengths, compare_lengths);
    s->chars_min = g->lengths[0];
    s->chars_max = g->lengths[n - 1];
    s->chars_mean = (double)s->n_chars / (double)n;
    s->chars_median = ((double)g->lengths[(n - 1) / 2] + (double)g->lengths[n / 2]) / 2;
    double low = log(fmax(1.0, (double)s->chars_min)), high = log((double)s->chars_max + 1.0);
    for (int i = 0; i <= STATS_BINS; i++)
        s->length_edges[i] = exp(low + (high - low) * i / STATS_BINS);
    for (int64_t i = 0; i < n; i++) {
        int bin = (int)((log(fmax(1.0, (double)g->lengths[i])) - low) / fmax(high - low, 1e-12) * STATS_BINS);
        s->length_counts[bin < STATS_BINS ? bin : STATS_BINS - 1]++;
    }
}

/* Frequencies at ranks 1, 2, 3, 5, 7, 10, ...: a curve on two logarithmic axes needs no more. */
static void sum_words(Gathering *g)
{
    Stats *s = g->stats;
    int64_t *counts = counter_sorted(&g->words);
    int64_t n_sum = 0, next = 1;
    s->n_vocabulary = g->words.n;
    for (int64_t i = 0; i < g->words.n; i++) {
        n_sum += counts[i];
        s->n_once += counts[i] == 1;
        if ((i + 1 == next || i + 1 == g->words.n) && s->n_ranks < STATS_RANKS) {
            s->rank[s->n_ranks] = (double)(i + 1);
            s->frequency[s->n_ranks] = (double)counts[i];
            s->cumulative[s->n_ranks++] = (double)n_sum / (double)s->n_words;
            next = (int64_t)ceil((double)next * 1.35) + (next < 3);
            next = next > i + 1 ? next : i + 2;
        }
    }
    free(counts);
}

/* exp of the entropy of the places' shares. */
static double even_count(const Counter *counter)
{
    double n = 0, entropy = 0;
    for (uint64_t i = 0; counter->slots && i <= counter->mask; i++)
        n += (double)counter->slots[i].count.n;
    for (uint64_t i = 0; counter->slots && i <= counter->mask; i++)
        if (counter->slots[i].hash) {
            double p = (double)counter->slots[i].count.n / n;
            entropy -= p * log(p);
        }
    return counter->n > 0 ? exp(entropy) : 0;
}

/* In the order of the list of languages. */
static void sum_languages(Gathering *g)
{
    Stats *s = g->stats;
    for (int i = 0; i < s->n_languages && i < STATS_LANGUAGES; i++) {
        s->by_language[i].name = s->languages[i].name;
        for (int k = 0; k < g->n_languages; k++)
            if (strcmp(g->by_language[k].name, s->languages[i].name) == 0) {
                s->by_language[i] = g->by_language[k];
                s->by_language[i].name = s->languages[i].name;
            }
    }
}

static void sum_up(Gathering *g)
{
    enum { ALL = 64 };
    Stats *s = g->stats;
    sum_lengths(g);
    sum_words(g);
    s->sentence_words = s->n_sentences ? (double)s->n_words / (double)s->n_sentences : 0;
    s->n_domains_all = g->domains.n;
    s->n_domains_even = even_count(&g->domains);
    counter_top(&g->words, g->arena, STATS_TOP, &s->words, &s->n_top_words);
    counter_top(&g->languages, g->arena, ALL, &s->languages, &s->n_languages);
    sum_languages(g);
    counter_top(&g->domains, g->arena, STATS_TOP, &s->domains, &s->n_domains);
    counter_top(&g->drops, g->arena, ALL, &s->drops, &s->n_drops);
    for (int i = 0; i < STATS_TERMS; i++)
        if (s->terms[i].n > 0) {
            StatsCount count = s->terms[i];
            count.name = terms[i];
            s->terms[s->n_terms++] = count;
        }
}

Err stats_gather(Stats *stats, Arena *arena, const StageOptions *options)
{
    double start = clock_seconds();
    StageSource *source;
    StageDocument document;
    Err err = OK;
    *stats = (Stats){0};
    TRY(stage_source_open(&source, options, false));
    Gathering g = {.stats = stats, .arena = arena, .scratch = arena_new(), .texts = arena_new()};
    Counter *const counters[] = {&g.words, &g.languages, &g.domains, &g.drops, &g.contents};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        counters[i]->texts = g.texts;
    Progress *progress = progress_new("stats", stage_source_total(source), "B");
    while (stage_source_next(source, &document, &err)) {
        count_document(&g, &document);
        arena_reset(g.scratch);
        progress_set(progress, stage_source_done(source));
    }
    progress_free(progress);
    stage_source_free(source);
    if (err == OK)
        sum_up(&g);
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        free(counters[i]->slots);
    free(g.lengths);
    arena_free(g.scratch);
    arena_free(g.texts);
    stats->seconds = clock_seconds() - start;
    return err;
}
