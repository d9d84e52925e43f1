/* corpus_web_test.c - the synthetic web, archive to documents, held against its truth: extraction, encodings, language, copies, personal data. */
#include "base/file.h"
#include "base/json.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/pii.h"
#include "text/corpus/synth_web.h"

#include <stdio.h>
#include <stdlib.h>

static const char recipe[] = "version: 1\n"
                             "inputs: [%s/web.warc.gz]\n"
                             "out: %s/out\n"
                             "dropped: true\n"
                             "stages:\n"
                             "  - extract\n"
                             "  - normalize\n"
                             "  - langid: {model: %s/web.lid}\n"
                             "  - dedup\n"
                             "  - pii: {policy: tag}\n";

enum { SEED = 7, TRAIN_SEED = 8, BYTES = 4000000 };

/* What the build says of a page. */
typedef struct {
    const char *text, *language, *charset;
    bool is_dropped_copy, is_dropped_else;
    int n_pii;
    struct {
        const char *class, *value;
    } pii[64];
} Outcome;

static Err read_pii(JsonReader *json, Outcome *o, size_t spans[64][2], Arena *arena)
{
    JsonText key;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        if (!json_text_is(key, "spans")) {
            TRY(json_skip(json));
            continue;
        }
        TRY(json_array_begin(json));
        while (json_array_next(json) && o->n_pii < 64) {
            int64_t begin, end;
            TRY(json_array_begin(json));
            json_array_next(json);
            TRY(json_string(json, arena, &o->pii[o->n_pii].class, NULL));
            json_array_next(json);
            TRY(json_int(json, &begin));
            json_array_next(json);
            TRY(json_int(json, &end));
            json_array_next(json);
            spans[o->n_pii][0] = (size_t)begin, spans[o->n_pii++][1] = (size_t)end;
        }
    }
    return OK;
}

static Err read_record(const Document *d, Outcome *outcomes, int64_t n_pages, Arena *arena)
{
    Outcome o = {.text = arena_strdup(arena, d->text), .language = "", .charset = ""};
    size_t spans[64][2];
    const char *url = "", *value;
    JsonReader json;
    JsonText key;
    json_reader_init(&json, d->path, d->record, d->n_record_bytes);
    TRY(json_object_begin(&json));
    while (json_object_next(&json, &key)) {
        if (json_text_is(key, "url"))
            TRY(json_string(&json, arena, &url, NULL));
        else if (json_text_is(key, "language"))
            TRY(json_string(&json, arena, &o.language, NULL));
        else if (json_text_is(key, "charset"))
            TRY(json_string(&json, arena, &o.charset, NULL));
        else if (json_text_is(key, "pii"))
            TRY(read_pii(&json, &o, spans, arena));
        else if (json_text_is(key, "dropped")) {
            size_t n;
            TRY(json_raw(&json, &value, &n));
            o.is_dropped_copy = memmem(value, n, "dedup", 5) != NULL;
            o.is_dropped_else = !o.is_dropped_copy;
        } else
            TRY(json_skip(&json));
    }
    TRY(json_reader_end(&json));
    for (int i = 0; i < o.n_pii; i++)
        o.pii[i].value = arena_strndup(arena, o.text + spans[i][0], spans[i][1] - spans[i][0]);
    long k = strrchr(url, '/') ? strtol(strrchr(url, '/') + 1, NULL, 10) : -1;
    CHECK(k >= 0 && k < n_pages && !outcomes[k].text);  /* nothing twice */
    if (k >= 0 && k < n_pages)
        outcomes[k] = o;
    return OK;
}

static bool read_outcomes(Outcome *outcomes, int64_t n_pages, Arena *arena, const char *path)
{
    DocumentReader *reader;
    DocumentOptions options = document_options_default();
    Document d;
    Err err;
    if (!CHECK_OK(document_reader_open(&reader, path, &options)))
        return false;
    while (document_reader_next(reader, &d, &err))
        CHECK_OK(read_record(&d, outcomes, n_pages, arena));
    CHECK_OK(err);
    document_reader_free(reader);
    return true;
}

/* Lines that two texts share, each counted once, and how many each has: what a main text is made of. */
static void count_lines(const char *truth, const char *got, double *both, double *in_truth, double *in_got)
{
    for (const char *at = truth; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t n = strcspn(at, "\n");
        *in_truth += (double)n;
        *both += n > 0 && memmem(got, strlen(got), at, n) ? (double)n : 0;
    }
    for (const char *at = got; *at; at += strcspn(at, "\n"), at += *at == '\n')
        *in_got += (double)strcspn(at, "\n");
}

/* Then most encodings are the same. */
static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

static void check_pii(const WebPage *pages, const Outcome *outcomes, int64_t n_pages)
{
    int n_true[N_PII] = {0}, n_said[N_PII] = {0}, n_hit[N_PII] = {0};
    for (int64_t k = 0; k < n_pages; k++) {
        const Outcome *o = &outcomes[k];
        if (!o->text || o->is_dropped_copy || o->is_dropped_else)
            continue;
        for (int i = 0; i < pages[k].n_pii; i++) {
            bool hit = false;
            for (int m = 0; m < o->n_pii; m++)
                hit = hit || (strcmp(o->pii[m].value, pages[k].pii[i].value) == 0 && strcmp(o->pii[m].class, pii_class_name(pages[k].pii[i].class)) == 0);
            n_true[pages[k].pii[i].class]++;
            n_hit[pages[k].pii[i].class] += hit;
        }
        for (int m = 0; m < o->n_pii; m++)
            for (int class = 0; class < N_PII; class++)
                n_said[class] += strcmp(o->pii[m].class, pii_class_name((PiiClass)class)) == 0;
    }
    for (int class = 0; class < N_PII; class++) {
        double recall = (double)n_hit[class] / (n_true[class] + 1e-9), precision = (double)n_hit[class] / (n_said[class] + 1e-9);
        test_note("pii %-9s %d of %d found, %d said", pii_class_name((PiiClass)class), n_hit[class], n_true[class], n_said[class]);
        CHECK(n_true[class] >= 250 && recall >= 0.99 && precision >= 0.97);
    }
}

/* The page that this one was copied from, at the end of the chain. */
static int64_t origin_of(const WebPage *page, int64_t k)
{
    return page->copy_of >= 0 ? page->copy_of : page->near_of >= 0 ? page->near_of : k;
}

static void check_copies(const WebPage *pages, const Outcome *outcomes, int64_t n_pages)
{
    int *left = calloc((size_t)n_pages, sizeof *left), *there = calloc((size_t)n_pages, sizeof *there);
    int n_should = 0, n_gone = 0, n_right = 0;
    for (int64_t k = 0; k < n_pages; k++) {
        const Outcome *o = &outcomes[k];
        if (!pages[k].text[0] || !o->text || o->is_dropped_else)
            continue;
        int64_t origin = origin_of(&pages[k], k);
        there[origin]++;
        left[origin] += !o->is_dropped_copy;
        n_gone += o->is_dropped_copy;
    }
    for (int64_t k = 0; k < n_pages; k++) {
        n_should += there[k] > 1 ? there[k] - 1 : 0;
        n_right += left[k] > 0 ? there[k] - left[k] : there[k] > 0 ? there[k] - 1 : 0;
    }
    double recall = (double)n_right / n_should, precision = (double)n_right / n_gone;
    test_note("copies: %d of %d gone, %d said; recall %.4f precision %.4f", n_right, n_should, n_gone, recall, precision);
    CHECK(n_should > 100 && recall >= 0.99 && precision >= 0.99);
    free(left);
    free(there);
}

TEST(corpus_web, every_stage_is_right_about_the_synthetic_web)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *warc = arena_printf(arena, "%s/web.warc.gz", dir);
    WebReport report;
    REQUIRE_OK(synth_web_write(&report, TRAIN_SEED, BYTES / 4, arena_printf(arena, "%s/train.warc", dir)));
    REQUIRE_OK(synth_web_write(&report, SEED, BYTES, warc));
    const char *yaml = arena_printf(arena, recipe, dir, dir, dir), *path = arena_printf(arena, "%s/web.yaml", dir);
    REQUIRE_OK(file_write(path, yaml, strlen(yaml)));
    const char *command = arena_printf(arena, "%s corpus langid train %s/train.truth.jsonl --out %s/web.lid > %s/log 2>&1 && %s corpus build %s >> %s/log 2>&1",
                                       JIKJI_BINARY, dir, dir, dir, JIKJI_BINARY, path, dir);
    REQUIRE(system(command) == 0);
    int64_t n_pages = report.n_pages;
    WebPage *pages = ARENA_ARRAY(arena, WebPage, n_pages);
    Outcome *outcomes = ARENA_ARRAY(arena, Outcome, n_pages);
    for (int64_t k = 0; k < n_pages; k++)
        pages[k] = synth_web_page(SEED, (uint64_t)k, arena);
    REQUIRE(read_outcomes(outcomes, n_pages, arena, arena_printf(arena, "%s/out/documents.jsonl.zst", dir)));
    REQUIRE(read_outcomes(outcomes, n_pages, arena, arena_printf(arena, "%s/out/dropped.jsonl.zst", dir)));
    double both = 0, in_truth = 0, in_got = 0;
    int n_language = 0, n_articles = 0, n_charset = 0, n_links_kept = 0;
    for (int64_t k = 0; k < n_pages; k++) {
        const Outcome *o = &outcomes[k];
        CHECK(o->text != NULL || !pages[k].text[0]);  /* nothing is lost: each article is kept or dropped with a rule */
        if (!o->text)
            continue;  /* a page of links: dropped with no text at all */
        bool kept = !o->is_dropped_else;
        n_links_kept += !pages[k].text[0] && kept;
        count_lines(pages[k].text, kept ? o->text : "", &both, &in_truth, &in_got);
        n_charset += pages[k].text[0] && (strcmp(o->charset, pages[k].charset) == 0 || is_ascii(pages[k].text));
        n_articles += pages[k].text[0] != '\0';
        n_language += pages[k].text[0] && strcmp(o->language, pages[k].language) == 0;
    }
    test_note("%lld pages; main text: recall %.4f precision %.4f; charset %.4f; language %.4f; %d pages of links kept", (long long)n_pages, both / in_truth,
              both / in_got, (double)n_charset / n_articles, (double)n_language / n_articles, n_links_kept);
    CHECK(both / in_truth >= 0.98 && both / in_got >= 0.98);
    CHECK((double)n_charset / n_articles >= 0.98 && (double)n_language / n_articles >= 0.98);
    check_copies(pages, outcomes, n_pages);
    check_pii(pages, outcomes, n_pages);
    arena_free(arena);
}
