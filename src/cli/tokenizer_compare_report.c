/* tokenizer_compare_report.c - the page and the JSON of `jikji tokenizer compare`. */
#include "base/file.h"
#include "base/json.h"
#include "base/page.h"
#include "cli/tokenizer_compare.h"
#include "text/unicode/hangul.h"

#include <stdio.h>
#include <string.h>

/* One ratio of the numbers, with its names. */
typedef struct {
    const char *key;
    Phrase name;
    ValueKind kind;
    double (*of)(const TextNumbers *n);
} Measure;

#define RATIO(name, top, bottom) \
    static double name(const TextNumbers *n) { return compare_ratio((double)(top), (double)(bottom)); }
RATIO(tokens_per_word, n->n_word_tokens, n->n_words)
RATIO(tokens_per_eojeol, n->n_eojeol_tokens, n->n_eojeol)
RATIO(words_per_token, n->n_words, n->n_word_tokens)
RATIO(bytes_per_token, n->n_bytes, n->n_tokens)
RATIO(chars_per_token, n->n_chars, n->n_tokens)
RATIO(whole_words, n->n_whole_words, n->n_words)
RATIO(whole_eojeol, n->n_whole_eojeol, n->n_eojeol)
RATIO(seams_met, n->n_seams_met, n->n_seams)
RATIO(unknown, n->n_unk, n->n_tokens)
RATIO(parts, n->n_parts, n->n_tokens)
RATIO(nfd_inflation, n->n_nfd_tokens, n->n_nfc_tokens)
RATIO(efficiency, n->renyi_efficiency, 1.0)
RATIO(lines_back, n->n_lines_back, n->n_lines)
RATIO(cold, (double)n->n_bytes / 1e6, n->cold_seconds)
RATIO(warm, (double)n->n_bytes / 1e6, n->warm_seconds)
RATIO(decode, (double)n->n_bytes / 1e6, n->decode_seconds)
RATIO(memory, n->peak_bytes, 1.0)

static const Measure measures[] = {
    {"tokens_per_word", {"tokens per word", "단어당 토큰"}, VALUE_NUMBER, tokens_per_word},
    {"tokens_per_eojeol", {"tokens per eojeol", "어절당 토큰"}, VALUE_NUMBER, tokens_per_eojeol},
    {"words_per_token", {"words per token", "토큰당 단어"}, VALUE_NUMBER, words_per_token},
    {"bytes_per_token", {"bytes per token", "토큰당 바이트"}, VALUE_NUMBER, bytes_per_token},
    {"chars_per_token", {"characters per token", "토큰당 글자"}, VALUE_NUMBER, chars_per_token},
    {"whole_words", {"words kept whole", "통째로 남은 단어"}, VALUE_PERCENT, whole_words},
    {"whole_eojeol", {"eojeol kept whole", "통째로 남은 어절"}, VALUE_PERCENT, whole_eojeol},
    {"seams_met", {"particle seams met", "조사 경계 일치"}, VALUE_PERCENT, seams_met},
    {"unknown", {"unknown", "미등록"}, VALUE_PERCENT, unknown},
    {"parts", {"bytes and jamo", "바이트·자모"}, VALUE_PERCENT, parts},
    {"nfd_inflation", {"NFD over NFC", "NFD/NFC 배율"}, VALUE_NUMBER, nfd_inflation},
    {"renyi_efficiency", {"Rényi efficiency", "레니 효율"}, VALUE_PERCENT, efficiency},
    {"lines_back", {"lines that come back", "되돌아온 줄"}, VALUE_PERCENT, lines_back},
    {"encode_cold_mb_s", {"encode, cold MB/s", "인코딩(처음) MB/s"}, VALUE_NUMBER, cold},
    {"encode_warm_mb_s", {"encode, warm MB/s", "인코딩(다시) MB/s"}, VALUE_NUMBER, warm},
    {"decode_mb_s", {"decode MB/s", "디코딩 MB/s"}, VALUE_NUMBER, decode},
    {"peak_bytes", {"memory", "메모리"}, VALUE_BYTES, memory},
};
enum { N_MEASURES = sizeof measures / sizeof measures[0] };

static const Phrase *tokenizer_names(const Comparison *c, Arena *arena)
{
    Phrase *names = ARENA_ARRAY(arena, Phrase, c->n_tokenizers);
    for (int i = 0; i < c->n_tokenizers; i++)
        names[i] = PHRASE_SAME(c->tokenizers[i].name);
    return names;
}

static Phrase number_cell(Arena *arena, ValueKind kind, double value)
{
    return PHRASE_SAME(value_text(arena, kind, value));
}

/* A row a tokenizer: what it is. */
static void add_vocabularies(Page *page, const Comparison *c, Arena *arena)
{
    static const Phrase columns[] = {{"tokenizer", "토크나이저"}, {"family", "종류"}, {"vocabulary", "어휘 크기"}, {"mean characters", "평균 글자"}, {"syllables whole", "통음절"},
                                     {"in parts", "나뉜 음절"}, {"changed or lost", "바뀌거나 잃은 음절"}, {"unreachable", "닿지 않는 토큰"}, {"gaps", "빈 번호"},
                                     {"out of order", "순서 어긋남"}, {"NFD over NFC", "NFD/NFC 배율"}, {"loaded in s", "읽기 초"}, {"bits per byte", "바이트당 비트"}};
    enum { N = sizeof columns / sizeof columns[0] };
    Phrase *cells = ARENA_ARRAY(arena, Phrase, c->n_tokenizers * N);
    for (int i = 0; i < c->n_tokenizers; i++) {
        const ComparedTokenizer *t = &c->tokenizers[i];
        const int64_t numbers[] = {t->coverage.n_whole, t->coverage.n_parts, t->coverage.n_changed + t->coverage.n_lost,
                                   t->report.n_unreachable + t->report.n_cut, t->report.n_gaps, t->report.n_diverging};
        Phrase *row = &cells[i * N];
        row[0] = PHRASE_SAME(t->name);
        row[1] = PHRASE_SAME(t->type);
        row[2] = number_cell(arena, VALUE_INTEGER, (double)t->vocab_size);
        row[3] = number_cell(arena, VALUE_NUMBER, t->mean_length.n_chars);
        for (int k = 0; k < 6; k++)
            row[4 + k] = number_cell(arena, VALUE_INTEGER, (double)numbers[k]);
        row[10] = t->nfd.same_ids ? PHRASE("same ids", "같은 번호") : number_cell(arena, VALUE_NUMBER, t->nfd.inflation);
        row[11] = number_cell(arena, VALUE_NUMBER, t->load_seconds);
        row[12] = PHRASE("of a model", "모델이 있어야");
    }
    page_table(page, &(PageTable){PHRASE("The 11,172 syllables, and what no text reaches", "11,172 음절과 닿지 않는 토큰"), columns, N, cells, c->n_tokenizers, true});
}

/* A row a tokenizer, a column each of the measures [begin, end). */
static void add_table(Page *page, const Comparison *c, Arena *arena, int text, Phrase title, int begin, int end)
{
    Phrase columns[N_MEASURES + 1] = {{"tokenizer", "토크나이저"}};
    int n = end - begin, width = n + 1;
    Phrase *cells = ARENA_ARRAY(arena, Phrase, c->n_tokenizers * width);
    for (int m = 0; m < n; m++)
        columns[m + 1] = measures[begin + m].name;
    for (int i = 0; i < c->n_tokenizers; i++) {
        const ComparedTokenizer *t = &c->tokenizers[i];
        const TextNumbers *numbers = text < c->n_texts ? &t->texts[text] : &t->all;
        cells[i * width] = PHRASE_SAME(t->name);
        for (int m = 0; m < n; m++)
            cells[i * width + m + 1] = number_cell(arena, measures[begin + m].kind, measures[begin + m].of(numbers));
    }
    page_table(page, &(PageTable){title, columns, width, cells, c->n_tokenizers, true});
}

/* Two tables a text, of as many columns as a page holds: how text is cut, and what is lost, how evenly, how fast. */
static void add_numbers(Page *page, const Comparison *c, Arena *arena, int text)
{
    enum { N_OF_CUTS = 8 };
    Phrase name = text < c->n_texts ? PHRASE_SAME(c->texts[text].domain) : PHRASE("all texts", "모든 글");
    add_table(page, c, arena, text, name, 0, N_OF_CUTS);
    Phrase more = {arena_printf(arena, "%s: coverage and speed", name.en), arena_printf(arena, "%s: 덮임과 속도", name.ko ? name.ko : name.en)};
    add_table(page, c, arena, text, more, N_OF_CUTS, N_MEASURES);
}

/* Bars of one measure: a row a text, a series a tokenizer. */
static void add_bars(Page *page, const Comparison *c, Arena *arena, const Measure *measure, Phrase note)
{
    int n_series = c->n_tokenizers < CHART_SERIES_MAX ? c->n_tokenizers : CHART_SERIES_MAX;
    Phrase *rows = ARENA_ARRAY(arena, Phrase, c->n_texts);
    double *values = ARENA_ARRAY(arena, double, c->n_texts * n_series);
    for (int k = 0; k < c->n_texts; k++) {
        rows[k] = PHRASE_SAME(c->texts[k].domain);
        for (int i = 0; i < n_series; i++)
            values[k * n_series + i] = measure->of(&c->tokenizers[i].texts[k]);
    }
    page_bars(page, &(BarChart){.title = measure->name, .note = note, .value_name = measure->name, .kind = measure->kind, .rows = rows, .n_rows = c->n_texts,
                                .series = tokenizer_names(c, arena), .n_series = n_series, .values = values});
}

/* Shares of the vocabulary by script; the rarer kinds together, since a chart has six series. */
static void add_scripts(Page *page, const Comparison *c, Arena *arena)
{
    static const Phrase series[] = {{"Hangul", "한글"}, {"Latin", "라틴"}, {"Han and kana", "한자·가나"}, {"other letters", "다른 문자"},
                                    {"digits, marks, spaces", "숫자·부호·공백"}, {"parts and special", "조각·특수"}};
    enum { N = 6 };
    static const int group[N_TOKEN_SCRIPTS] = {[TOKEN_HANGUL] = 0, [TOKEN_LATIN] = 1, [TOKEN_HAN] = 2, [TOKEN_KANA] = 2, [TOKEN_CYRILLIC] = 3,
                                               [TOKEN_OTHER_LETTERS] = 3, [TOKEN_DIGITS] = 4, [TOKEN_MARKS] = 4, [TOKEN_SPACES] = 4, [TOKEN_PARTS] = 5,
                                               [TOKEN_SPECIAL] = 5};
    double *values = ARENA_ARRAY(arena, double, c->n_tokenizers * N);
    memset(values, 0, (size_t)c->n_tokenizers * N * sizeof *values);
    for (int i = 0; i < c->n_tokenizers; i++)
        for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
            values[i * N + group[s]] += compare_ratio((double)c->tokenizers[i].scripts[s], (double)c->tokenizers[i].report.n_tokens);
    page_bars(page, &(BarChart){.title = PHRASE("The vocabulary by script", "문자별 어휘"), .value_name = PHRASE("share of tokens", "토큰 비율"), .kind = VALUE_PERCENT,
                                .stacked = true, .rows = tokenizer_names(c, arena), .n_rows = c->n_tokenizers, .series = series, .n_series = N, .values = values});
}

static void add_coverage(Page *page, const Comparison *c, Arena *arena)
{
    static const Phrase series[] = {{"one token", "한 토큰"}, {"in parts", "나뉨"}, {"changed", "바뀜"}, {"lost", "잃음"}};
    double *values = ARENA_ARRAY(arena, double, c->n_tokenizers * 4);
    for (int i = 0; i < c->n_tokenizers; i++) {
        const SyllableCoverage *s = &c->tokenizers[i].coverage;
        const int64_t counts[] = {s->n_whole, s->n_parts, s->n_changed, s->n_lost};
        for (int k = 0; k < 4; k++)
            values[i * 4 + k] = (double)counts[k] / HANGUL_N_SYLLABLES;
    }
    page_bars(page, &(BarChart){.title = PHRASE("The 11,172 syllables", "11,172 음절"), .value_name = PHRASE("share of syllables", "음절 비율"), .kind = VALUE_PERCENT,
                                .stacked = true, .rows = tokenizer_names(c, arena), .n_rows = c->n_tokenizers, .series = series, .n_series = 4, .values = values});
}

static void add_sweep(Page *page, const Comparison *c, Arena *arena)
{
    page_section(page, PHRASE("Size of the vocabulary", "어휘 크기"));
    double x[SWEEP_POINTS], eojeol[SWEEP_POINTS], word[SWEEP_POINTS], bytes[SWEEP_POINTS];
    for (int i = 0; i < c->n_sweep; i++) {
        x[i] = (double)c->sweep[i].vocab_size;
        eojeol[i] = c->sweep[i].tokens_per_eojeol;
        word[i] = c->sweep[i].tokens_per_word;
        bytes[i] = c->sweep[i].bytes_per_token;
    }
    ChartSeries series[] = {{.name = PHRASE("tokens per eojeol", "어절당 토큰"), .mark = SERIES_LINE_DOTS, .x = x, .y = eojeol, .n = c->n_sweep},
                            {.name = PHRASE("tokens per word", "단어당 토큰"), .mark = SERIES_LINE_DOTS, .x = x, .y = word, .n = c->n_sweep},
                            {.name = PHRASE("bytes per token", "토큰당 바이트"), .mark = SERIES_LINE_DOTS, .x = x, .y = bytes, .n = c->n_sweep}};
    page_lines(page, &(LineChart){.title = PHRASE("Byte-level BPE trained on these texts", "이 글들로 학습한 바이트 BPE"),
                                  .note = PHRASE("measured on what it was trained on", "학습한 글에서 잰 값"), .x_name = PHRASE("tokens in the vocabulary", "어휘의 토큰 수"),
                                  .y_name = PHRASE("ratio", "비율"), .x_kind = VALUE_INTEGER, .x_log = true, .y_from_zero = true, .series = series, .n_series = 3});
    const char *shared = arena_printf(arena, "%lld of %lld tokens are the same whether pairs are merged by count (BPE) or by likelihood (WordPiece).",
                                      (long long)c->merges.n_shared, (long long)c->merges.vocab_size);
    page_text(page, PHRASE(shared, arena_printf(arena, "횟수로 합칠 때(BPE)와 우도로 합칠 때(WordPiece) 어휘 %lld개 가운데 %lld개가 같다.",
                                               (long long)c->merges.vocab_size, (long long)c->merges.n_shared)));
    page_sample(page, PHRASE("only by count", "횟수로만"), c->merges.only_count, strlen(c->merges.only_count));
    page_sample(page, PHRASE("only by likelihood", "우도로만"), c->merges.only_likelihood, strlen(c->merges.only_likelihood));
}

Err tokenizer_compare_page(const Comparison *c, const char *path)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE("Tokenizers compared", "토크나이저 비교"), PHRASE(NULL, NULL), page_locale_is_korean());
    page_section(page, PHRASE("Vocabularies", "어휘"));
    add_vocabularies(page, c, arena);
    add_coverage(page, c, arena);
    add_scripts(page, c, arena);
    page_section(page, PHRASE("Texts", "글"));
    add_bars(page, c, arena, &measures[1], PHRASE("fewer is shorter", "적을수록 짧다"));
    add_bars(page, c, arena, &measures[3], PHRASE("more is shorter", "많을수록 짧다"));
    add_bars(page, c, arena, &measures[5], PHRASE(NULL, NULL));
    add_bars(page, c, arena, &measures[7], PHRASE("where the rule for particles cuts, a token ends", "조사 규칙이 자르는 곳에서 토큰이 끝난다"));
    add_bars(page, c, arena, &measures[13], PHRASE("one thread, the first text after loading", "스레드 하나, 읽어 들인 뒤 첫 글"));
    for (int k = c->n_texts > 1 ? c->n_texts : 0; k >= 0; k--)
        add_numbers(page, c, arena, k);
    page_section(page, PHRASE("The same lines", "같은 줄"));
    for (int i = 0; i < c->n_tokenizers; i++)
        page_sample(page, PHRASE_SAME(c->tokenizers[i].name), c->tokenizers[i].sample, strlen(c->tokenizers[i].sample));
    if (c->merges.vocab_size)
        add_sweep(page, c, arena);
    Err err = page_save(page, path);
    page_free(page);
    arena_free(arena);
    return err;
}

static void write_numbers(JsonWriter *w, const TextNumbers *n)
{
    json_write_object_begin(w);
    json_field_int(w, "bytes", n->n_bytes);
    json_field_int(w, "characters", n->n_chars);
    json_field_int(w, "tokens", n->n_tokens);
    json_field_int(w, "words", n->n_words);
    json_field_int(w, "eojeol", n->n_eojeol);
    for (int m = 0; m < N_MEASURES; m++)
        json_field_double(w, measures[m].key, measures[m].of(n));
    json_write_key(w, "bits_per_byte");
    json_write_null(w);
    json_write_object_end(w);
}

static void write_tokenizer(JsonWriter *w, const Comparison *c, const ComparedTokenizer *t)
{
    json_write_object_begin(w);
    json_field_string(w, "name", t->name);
    json_field_string(w, "path", t->path);
    json_field_string(w, "family", t->type);
    char hash[20];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)t->hash);
    json_field_string(w, "hash", hash);
    json_field_int(w, "vocab_size", t->vocab_size);
    json_field_double(w, "mean_token_bytes", t->mean_length.n_bytes);
    json_field_double(w, "mean_token_chars", t->mean_length.n_chars);
    json_field_double(w, "load_seconds", t->load_seconds);
    json_field_int(w, "tokens", t->report.n_tokens);
    json_field_int(w, "gaps", t->report.n_gaps);
    json_field_int(w, "duplicates", t->report.n_duplicates);
    json_field_int(w, "diverging", t->report.n_diverging);
    json_field_int(w, "unreachable", t->report.n_unreachable);
    json_field_int(w, "cut", t->report.n_cut);
    json_field_int(w, "syllables_whole", t->coverage.n_whole);
    json_field_int(w, "syllables_parts", t->coverage.n_parts);
    json_field_int(w, "syllables_changed", t->coverage.n_changed);
    json_field_int(w, "syllables_lost", t->coverage.n_lost);
    json_field_bool(w, "nfd_same_ids", t->nfd.same_ids);
    json_field_double(w, "nfd_inflation", t->nfd.inflation);
    json_write_key(w, "scripts");
    json_write_object_begin(w);
    for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
        json_field_int(w, survey_script_name((TokenScript)s), t->scripts[s]);
    json_write_object_end(w);
    json_write_key(w, "texts");
    json_write_object_begin(w);
    for (int k = 0; k < c->n_texts; k++) {
        json_write_key(w, c->texts[k].domain);
        write_numbers(w, &t->texts[k]);
    }
    json_write_object_end(w);
    json_write_key(w, "all");
    write_numbers(w, &t->all);
    json_write_object_end(w);
}

static void write_sweep(JsonWriter *w, const Comparison *c)
{
    json_write_key(w, "sweep");
    json_write_array_begin(w);
    for (int i = 0; i < c->n_sweep; i++) {
        json_write_object_begin(w);
        json_field_int(w, "vocab_size", c->sweep[i].vocab_size);
        json_field_double(w, "tokens_per_eojeol", c->sweep[i].tokens_per_eojeol);
        json_field_double(w, "tokens_per_word", c->sweep[i].tokens_per_word);
        json_field_double(w, "bytes_per_token", c->sweep[i].bytes_per_token);
        json_field_double(w, "renyi_efficiency", c->sweep[i].renyi_efficiency);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_key(w, "merges");
    json_write_object_begin(w);
    json_field_int(w, "vocab_size", c->merges.vocab_size);
    json_field_int(w, "shared", c->merges.n_shared);
    json_field_string(w, "only_by_count", c->merges.only_count);
    json_field_string(w, "only_by_likelihood", c->merges.only_likelihood);
    json_write_object_end(w);
}

Err tokenizer_compare_json(const Comparison *c, const char *path)
{
    JsonWriter *w = json_writer_new(strcmp(path, "-") == 0 ? 0 : 2);
    json_write_object_begin(w);
    json_field_int(w, "version", 1);
    json_write_key(w, "tokenizers");
    json_write_array_begin(w);
    for (int i = 0; i < c->n_tokenizers; i++)
        write_tokenizer(w, c, &c->tokenizers[i]);
    json_write_array_end(w);
    if (c->merges.vocab_size)
        write_sweep(w, c);
    json_write_object_end(w);
    size_t n;
    const char *text = json_writer_text(w, &n);
    Err err = OK;
    if (strcmp(path, "-") == 0)
        puts(text);
    else
        err = file_write(path, text, n);
    json_writer_free(w);
    return err;
}
