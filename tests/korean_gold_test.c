/* korean_gold_test.c - how well the rule for particles finds the seams that people marked: the Korean treebanks of Universal Dependencies. */
#include "text/tokenizer/korean.h"
#include "text/corpus/byte_stream.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int64_t n_words, n_seams, n_cuts, n_right;
} Score;

/* Particles, endings, the copula and the suffixes that make verbs: Sejong's tags in capitals (GSD), KAIST's in small letters. */
static bool is_functional(const char *tag)
{
    static const char *const beginnings[] = {"J", "E", "VCP", "XSV", "XSA", "j", "e", "xsv", "xsm"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(tag, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static int split(char *text, char *parts[], int n_max)
{
    int n = 0;
    for (char *part = strtok(text, "+"); part && n < n_max; part = strtok(NULL, "+"))
        parts[n++] = part;
    return n;
}

/* Bytes of the stem, n when nothing functional follows it; 0 when the morphemes do not spell the form (contractions) or no stem is left. */
static size_t gold_stem(const char *form, char *lemma, char *tags)
{
    enum { PARTS_MAX = 32 };
    char *morphemes[PARTS_MAX], *tag[PARTS_MAX], spelled[1024] = "";
    int n = split(lemma, morphemes, PARTS_MAX), n_tags = split(tags, tag, PARTS_MAX), n_stem = n;
    for (int i = 0; i < n; i++)
        if (strlen(spelled) + strlen(morphemes[i]) < sizeof spelled)
            strcat(spelled, morphemes[i]);
    if (n == 0 || n != n_tags || strcmp(spelled, form) != 0)
        return 0;
    while (n_stem > 0 && is_functional(tag[n_stem - 1]))
        n_stem--;
    size_t bytes = 0;
    for (int i = 0; i < n_stem; i++)
        bytes += strlen(morphemes[i]);
    return bytes;
}

static bool is_hangul(const char *text)
{
    for (; *text; text += 3)
        if ((unsigned char)text[0] < 0xEA || (unsigned char)text[0] > 0xED || !text[1] || !text[2])
            return false;
    return true;
}

static void score_line(char *line, Score *nouns, Score *all)
{
    char *column[10] = {line};
    int n = 1;
    for (char *c = line; *c && n < 10; c++)
        if (*c == '\t') {
            *c = '\0';
            column[n++] = c + 1;
        }
    if (n < 5 || !is_hangul(column[1]))
        return;
    bool has_particle = strstr(column[4], "+j") || strstr(column[4], "+J");
    size_t length = strlen(column[1]), gold = gold_stem(column[1], column[2], column[4]);
    if (gold == 0)
        return;
    size_t cut = korean_stem_bytes(column[1], length);
    Score *scores[] = {all, has_particle ? nouns : NULL};
    for (int i = 0; i < 2; i++) {
        if (!scores[i])
            continue;
        scores[i]->n_words++;
        scores[i]->n_seams += gold < length;
        scores[i]->n_cuts += cut < length;
        scores[i]->n_right += gold < length && cut == gold;
    }
}

static void score_bank(const char *name, double precision_min, double recall_min, double particle_recall_min)
{
    Arena *arena = arena_new();
    ByteStream *stream;
    Score nouns = {0}, all = {0};
    REQUIRE_OK(byte_stream_open(&stream, arena_printf(arena, "%s/%s", test_data_dir(), name)));
    LineReader *lines = line_reader_new(stream, 1 << 20);
    const char *line;
    size_t n;
    Err err = OK;
    while (line_reader_next(lines, &line, &n, &err)) {
        if (n == 0 || line[0] == '#')
            continue;
        score_line(arena_strndup(arena, line, n), &nouns, &all);
        arena_reset(arena);
    }
    CHECK_OK(err);
    double precision = (double)all.n_right / (double)all.n_cuts, recall = (double)all.n_right / (double)all.n_seams;
    double of_particles = (double)nouns.n_right / (double)nouns.n_seams;
    test_note("%s: %lld words, precision %.3f, recall %.3f, of words with particles %.3f", name, (long long)all.n_words, precision, recall, of_particles);
    CHECK(precision > precision_min && recall > recall_min && of_particles > particle_recall_min);
    line_reader_free(lines);
    arena_free(arena);
}

/* Goal: the stated quality of the rule. Words whose morphemes do not spell them (contracted endings) have no seam in the text and are left out. */
TEST(korean_gold, seams_agree_with_the_treebanks)
{
    if (!test_data_dir())
        SKIP("needs the data sets");
    score_bank("ko-ud-gsd/dev.conllu.zst", 0.88, 0.73, 0.85);
    score_bank("ko-ud-kaist/test.conllu.zst", 0.88, 0.77, 0.85);
}
