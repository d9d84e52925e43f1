/* stats_report.c - figures of a corpus as JSON and as a page. */
#include "text/corpus/stats_internal.h"

#include <inttypes.h>
#include <string.h>

void stats_write_counts(JsonWriter *json, const char *name, const StatsCount *counts, int n)
{
    json_write_key(json, name);
    json_write_array_begin(json);
    for (int i = 0; i < n; i++) {
        json_write_object_begin(json);
        json_field_string(json, "name", counts[i].name);
        json_field_int(json, "n", counts[i].n);
        if (counts[i].example)
            json_field_string(json, "example", counts[i].example);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_values(JsonWriter *json, const char *name, const double *values, int n)
{
    json_write_key(json, name);
    json_write_array_begin(json);
    for (int i = 0; i < n; i++)
        json_write_double(json, values[i]);
    json_write_array_end(json);
}

static double share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0.0;
}

static void write_writing(JsonWriter *json, const Stats *s)
{
    json_write_key(json, "writing");
    json_write_object_begin(json);
    json_field_int(json, "sentences", s->n_sentences);
    json_field_double(json, "sentences_ended", share(s->n_sentences_ended, s->n_sentences));
    json_field_double(json, "sentence_words", s->sentence_words);
    json_field_int(json, "korean_plain", s->n_korean_plain);
    json_field_int(json, "korean_polite", s->n_korean_polite);
    json_field_int(json, "korean_mixed", s->n_korean_mixed);
    json_write_object_end(json);
}

static void write_languages(JsonWriter *json, const Stats *s)
{
    json_write_key(json, "by_language");
    json_write_array_begin(json);
    for (int i = 0; i < s->n_languages && i < STATS_LANGUAGES; i++) {
        const StatsLanguage *l = &s->by_language[i];
        json_write_object_begin(json);
        json_field_string(json, "language", l->name);
        json_field_int(json, "documents", l->n_documents);
        json_field_int(json, "bytes", l->n_bytes);
        json_field_int(json, "chars", l->n_chars);
        json_field_int(json, "words", l->n_words);
        json_field_int(json, "sentences", l->n_sentences);
        json_field_double(json, "sentences_ended", share(l->n_sentences_ended, l->n_sentences));
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_members(JsonWriter *json, const Stats *s)
{
    json_field_int(json, "version", STATS_VERSION);
    json_field_int(json, "documents", s->n_documents);
    json_field_int(json, "dropped", s->n_dropped);
    json_field_int(json, "bytes", s->n_bytes);
    json_field_int(json, "chars", s->n_chars);
    json_field_int(json, "words", s->n_words);
    json_write_key(json, "length");
    json_write_object_begin(json);
    json_field_double(json, "mean", s->chars_mean);
    json_field_double(json, "median", s->chars_median);
    json_field_int(json, "min", s->chars_min);
    json_field_int(json, "max", s->chars_max);
    write_values(json, "edges", s->length_edges, STATS_BINS + 1);
    write_values(json, "counts", s->length_counts, STATS_BINS);
    json_write_object_end(json);
    json_write_key(json, "vocabulary");
    json_write_object_begin(json);
    json_field_int(json, "size", s->n_vocabulary);
    json_field_int(json, "once", s->n_once);
    json_field_double(json, "unique_share", share(s->n_vocabulary, s->n_words));
    write_values(json, "word_lengths", s->word_lengths, STATS_WORD_LENGTHS);
    write_values(json, "rank", s->rank, s->n_ranks);
    write_values(json, "frequency", s->frequency, s->n_ranks);
    write_values(json, "cumulative", s->cumulative, s->n_ranks);
    stats_write_counts(json, "top", s->words, s->n_top_words);
    json_write_object_end(json);
    stats_write_counts(json, "languages", s->languages, s->n_languages);
    write_languages(json, s);
    stats_write_counts(json, "domains", s->domains, s->n_domains);
    json_field_int(json, "domains_all", s->n_domains_all);
    json_field_double(json, "domains_even", s->n_domains_even);
    stats_write_counts(json, "drops", s->drops, s->n_drops);
    json_field_double(json, "copies", share(s->n_copies, s->n_documents));
    json_write_key(json, "pii");
    json_write_object_begin(json);
    json_field_int(json, "documents", s->n_pii_documents);
    json_field_int(json, "documents_of_the_stage", s->n_pii_tagged_documents);
    for (int i = 0; i < N_PII; i++)
        json_field_int(json, pii_class_name((PiiClass)i), s->n_pii[i]);
    json_write_object_end(json);
    json_write_key(json, "pii_of_the_stage");
    json_write_object_begin(json);
    for (int i = 0; i < N_PII; i++)
        json_field_int(json, pii_class_name((PiiClass)i), s->n_pii_tagged[i]);
    json_write_object_end(json);
    write_writing(json, s);
    stats_write_stages(json, s);
    stats_write_counts(json, "groups_of_people", s->terms, s->n_terms);
}

const char *stats_json(Arena *arena, const Stats *s, const Stats *before)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    write_members(json, s);
    if (before) {
        json_write_key(json, "before");
        json_write_object_begin(json);
        write_members(json, before);
        json_write_object_end(json);
    }
    json_write_object_end(json);
    const char *text = arena_strdup(arena, json_writer_text(json, NULL));
    json_writer_free(json);
    return text;
}

/* The page. */

static void add_counts(Page *page, Arena *arena, Phrase title, const StatsCount *counts, int n)
{
    if (n == 0)
        return;
    Phrase *rows = ARENA_ARRAY(arena, Phrase, n), series = {0};
    double *values = ARENA_ARRAY(arena, double, n);
    for (int i = 0; i < n; i++) {
        rows[i] = PHRASE_SAME(counts[i].name);
        values[i] = (double)counts[i].n;
    }
    page_bars(page, &(BarChart){.title = title, .kind = VALUE_INTEGER, .rows = rows, .n_rows = n, .series = &series, .n_series = 1, .values = values});
}

static void add_examples(Page *page, Arena *arena, Phrase title, Phrase first, const StatsCount *counts, int n)
{
    if (n == 0)
        return;
    const Phrase columns[] = {first, PHRASE("count", "수"), PHRASE("example", "예")};
    Phrase *cells = ARENA_ARRAY(arena, Phrase, 3 * n);
    for (int i = 0; i < n; i++) {
        cells[3 * i] = PHRASE_SAME(counts[i].name);
        cells[3 * i + 1] = PHRASE_SAME(value_text(arena, VALUE_INTEGER, (double)counts[i].n));
        cells[3 * i + 2] = PHRASE_SAME(counts[i].example ? counts[i].example : "");
    }
    page_table(page, &(PageTable){.title = title, .columns = columns, .n_columns = 3, .cells = cells, .n_rows = n});
}

static void add_languages(Page *page, Arena *arena, const Stats *s)
{
    const Phrase columns[] = {PHRASE("language", "언어"), PHRASE("documents", "문서"), PHRASE("of all", "비율"), PHRASE("bytes", "바이트"), PHRASE("words", "어절"),
                              PHRASE("characters a document", "문서당 글자"), PHRASE("words a sentence", "문장당 어절"), PHRASE("sentences that end in a mark", "부호로 끝나는 문장")};
    enum { N = N_ELEMENTS(columns) };
    int n = s->n_languages < STATS_LANGUAGES ? s->n_languages : STATS_LANGUAGES;
    Phrase *cells = ARENA_ARRAY(arena, Phrase, n * N + 1);
    for (int i = 0; i < n; i++) {
        const StatsLanguage *l = &s->by_language[i];
        const struct { ValueKind kind; double value; } values[N - 1] = {
            {VALUE_INTEGER, (double)l->n_documents}, {VALUE_PERCENT, share(l->n_documents, s->n_documents)}, {VALUE_BYTES, (double)l->n_bytes},
            {VALUE_INTEGER, (double)l->n_words}, {VALUE_NUMBER, share(l->n_chars, l->n_documents)}, {VALUE_NUMBER, share(l->n_words, l->n_sentences)},
            {VALUE_PERCENT, share(l->n_sentences_ended, l->n_sentences)}};
        cells[N * i] = PHRASE_SAME(l->name);
        for (int k = 1; k < N; k++)
            cells[N * i + k] = PHRASE_SAME(value_text(arena, values[k - 1].kind, values[k - 1].value));
    }
    if (n > 0)
        page_table(page, &(PageTable){.title = PHRASE("By language", "언어별"), .columns = columns, .n_columns = N, .cells = cells, .n_rows = n, .numbers = true});
}

/* Documents that stages took out as copies, of those that the first such stage was given. */
static double share_of_copies(const Stats *s)
{
    int64_t n_copies = 0, n_in = 0;
    for (int i = 0; i < s->n_stages; i++) {
        bool is_dedup = strcmp(s->stages[i].name, "dedup") == 0;
        n_in = is_dedup && n_in == 0 ? s->stages[i].n_in : n_in;
        n_copies += is_dedup ? s->stages[i].n_in - s->stages[i].n_out : 0;
    }
    return share(n_copies, n_in);
}

typedef struct {
    Phrase name;
    ValueKind kind;
    double now, before;
} Row;

static void add_rows(Page *page, Arena *arena, const Stats *s, const Stats *b)
{
    const Stats none = {0}, *o = b ? b : &none;
    const Row rows[] = {
        {PHRASE("documents", "문서"), VALUE_INTEGER, (double)s->n_documents, (double)o->n_documents},
        {PHRASE("bytes", "바이트"), VALUE_BYTES, (double)s->n_bytes, (double)o->n_bytes},
        {PHRASE("words", "어절"), VALUE_INTEGER, (double)s->n_words, (double)o->n_words},
        {PHRASE("characters a document, mean", "문서당 글자, 평균"), VALUE_NUMBER, s->chars_mean, o->chars_mean},
        {PHRASE("characters a document, median", "문서당 글자, 중앙값"), VALUE_NUMBER, s->chars_median, o->chars_median},
        {PHRASE("shortest", "가장 짧은 문서"), VALUE_INTEGER, (double)s->chars_min, (double)o->chars_min},
        {PHRASE("longest", "가장 긴 문서"), VALUE_INTEGER, (double)s->chars_max, (double)o->chars_max},
        {PHRASE("different words", "서로 다른 어절"), VALUE_INTEGER, (double)s->n_vocabulary, (double)o->n_vocabulary},
        {PHRASE("different words of all", "서로 다른 어절의 비율"), VALUE_PERCENT, share(s->n_vocabulary, s->n_words), share(o->n_vocabulary, o->n_words)},
        {PHRASE("places", "출처"), VALUE_INTEGER, (double)s->n_domains_all, (double)o->n_domains_all},
        {PHRASE("as many places as if all were equal", "고르게 나눈 셈의 출처"), VALUE_NUMBER, s->n_domains_even, o->n_domains_even},
        {PHRASE("copies and near copies that stages took out", "단계가 덜어 낸 똑같거나 비슷한 문서"), VALUE_PERCENT, share_of_copies(s), share_of_copies(o)},
        {PHRASE("exact copies in the text", "글에 있는 똑같은 문서"), VALUE_PERCENT, share(s->n_copies, s->n_documents), share(o->n_copies, o->n_documents)},
        {PHRASE("documents in which a stage found personal data", "단계가 개인정보를 찾은 문서"), VALUE_PERCENT, share(s->n_pii_tagged_documents, s->n_documents), share(o->n_pii_tagged_documents, o->n_documents)},
        {PHRASE("documents with personal data in the text", "글에 개인정보가 있는 문서"), VALUE_PERCENT, share(s->n_pii_documents, s->n_documents), share(o->n_pii_documents, o->n_documents)},
        {PHRASE("words a sentence", "문장당 어절"), VALUE_NUMBER, s->sentence_words, o->sentence_words},
        {PHRASE("sentences that end in a mark", "부호로 끝나는 문장"), VALUE_PERCENT, share(s->n_sentences_ended, s->n_sentences), share(o->n_sentences_ended, o->n_sentences)},
        {PHRASE("Korean documents that mix plain and polite endings", "예사말과 높임말이 섞인 한국어 문서"), VALUE_PERCENT,
         share(s->n_korean_mixed, s->n_korean_plain + s->n_korean_polite + s->n_korean_mixed), share(o->n_korean_mixed, o->n_korean_plain + o->n_korean_polite + o->n_korean_mixed)},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    const Phrase columns[] = {PHRASE("", ""), PHRASE("now", "지금"), PHRASE("before", "이전")};
    int n_columns = b ? 3 : 2;
    Phrase *cells = ARENA_ARRAY(arena, Phrase, 3 * N);
    for (int i = 0; i < N; i++) {
        cells[n_columns * i] = rows[i].name;
        cells[n_columns * i + 1] = PHRASE_SAME(value_text(arena, rows[i].kind, rows[i].now));
        if (b)
            cells[n_columns * i + 2] = PHRASE_SAME(value_text(arena, rows[i].kind, rows[i].before));
    }
    page_table(page, &(PageTable){.columns = columns, .n_columns = n_columns, .cells = cells, .n_rows = N, .numbers = true});
}

static void add_words(Page *page, Arena *arena, const Stats *s)
{
    double edges[STATS_WORD_LENGTHS + 1];
    for (int i = 0; i <= STATS_WORD_LENGTHS; i++)
        edges[i] = i + 1;
    page_section(page, PHRASE("Words", "어절"));
    add_counts(page, arena, PHRASE("The most frequent", "가장 잦은 어절"), s->words, s->n_top_words);
    ChartSeries frequency = {.name = PHRASE("frequency", "빈도"), .mark = SERIES_LINE_DOTS, .x = s->rank, .y = s->frequency, .n = s->n_ranks};
    page_lines(page, &(LineChart){.title = PHRASE("Frequency by rank", "순위와 빈도"), .x_name = PHRASE("rank", "순위"), .y_name = PHRASE("times", "횟수"), .x_kind = VALUE_INTEGER,
                                  .y_kind = VALUE_INTEGER, .x_log = true, .y_log = true, .series = &frequency, .n_series = 1});
    ChartSeries cumulative = {.name = PHRASE("share", "비율"), .mark = SERIES_LINE, .x = s->rank, .y = s->cumulative, .n = s->n_ranks};
    page_lines(page, &(LineChart){.title = PHRASE("Share of all words up to a rank", "순위까지의 누적 비율"), .x_name = PHRASE("rank", "순위"), .y_name = PHRASE("share", "비율"),
                                  .x_kind = VALUE_INTEGER, .y_kind = VALUE_PERCENT, .x_log = true, .y_from_zero = true, .series = &cumulative, .n_series = 1});
    page_histogram(page, &(Histogram){.title = PHRASE("Length of words", "어절의 길이"), .x_name = PHRASE("characters", "글자"), .y_name = PHRASE("words", "어절"),
                                      .x_kind = VALUE_INTEGER, .edges = edges, .counts = s->word_lengths, .n_bins = STATS_WORD_LENGTHS});
}

static void add_pii_counts(Page *page, Arena *arena, Phrase title, const int64_t found[N_PII])
{
    StatsCount counts[N_PII];
    int n = 0;
    for (int i = 0; i < N_PII; i++)
        if (found[i] > 0)
            counts[n++] = (StatsCount){.name = pii_class_name((PiiClass)i), .n = found[i]};
    add_counts(page, arena, title, counts, n);
}

static void add_pii(Page *page, Arena *arena, const Stats *s)
{
    add_pii_counts(page, arena, PHRASE("Personal data that the stage found, by kind", "단계가 찾은 개인정보, 종류별"), s->n_pii_tagged);
    add_pii_counts(page, arena, PHRASE("Personal data that stand in the text, by kind", "글에 있는 개인정보, 종류별"), s->n_pii);
}

Err stats_page(const Stats *s, const Stats *before, const char *title, const char *path)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE("A corpus", "말뭉치"), PHRASE_SAME(title), page_locale_is_korean());
    page_section(page, PHRASE("Figures", "수치"));
    add_rows(page, arena, s, before);
    stats_add_stages(page, arena, s);
    page_section(page, PHRASE("Documents", "문서"));
    if (s->n_documents > 0)
        page_histogram(page, &(Histogram){.title = PHRASE("Length", "길이"), .x_name = PHRASE("characters", "글자"), .y_name = PHRASE("documents", "문서"), .x_kind = VALUE_INTEGER,
                                          .x_log = s->chars_min > 0, .edges = s->length_edges, .counts = s->length_counts, .n_bins = STATS_BINS});
    add_counts(page, arena, PHRASE("Languages", "언어"), s->languages, s->n_languages);
    add_counts(page, arena, PHRASE("Places", "출처"), s->domains, s->n_domains);
    add_languages(page, arena, s);
    add_words(page, arena, s);
    page_section(page, PHRASE("What was dropped, what is private, who is named", "버린 것, 사적인 것, 불린 사람들"));
    if (s->n_stages == 0)  /* else the stages have told */
        add_examples(page, arena, PHRASE("Drops by rule", "규칙별 제외"), PHRASE("rule", "규칙"), s->drops, s->n_drops);
    add_pii(page, arena, s);
    add_examples(page, arena, PHRASE("Words for groups of people", "사람들의 무리를 부르는 말"), PHRASE("word", "낱말"), s->terms, s->n_terms);
    Err err = page_save(page, path);
    page_free(page);
    arena_free(arena);
    return err;
}
