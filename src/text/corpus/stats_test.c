/* stats_test.c - figures of a corpus counted by hand, and its page. */
#include "base/file.h"
#include "base/json.h"
#include "base/test.h"
#include "text/corpus/stats.h"

#include <stdio.h>
#include <string.h>

static void gather(Stats *stats, Arena *arena, const char *lines)
{
    const char *path = arena_printf(arena, "%s/in.jsonl", test_dir());
    CHECK(file_write(path, lines, strlen(lines)) == OK);
    StageOptions options = {.inputs = &path, .n_inputs = 1, .documents = document_options_default()};
    CHECK(stats_gather(stats, arena, &options) == OK);
}

static const char small_corpus[] =
    "{\"text\":\"The cat sat. The dog ran\",\"language\":\"en\",\"url\":\"https://www.a.org/x\"}\n"
    "{\"text\":\"고양이가 집에 있다. 여성은 책을 읽었다.\",\"language\":\"ko\",\"url\":\"http://b.kr/y?z\"}\n"
    "{\"text\":\"고양이가 집에 있다. 여성은 책을 읽었다.\",\"language\":\"ko\",\"url\":\"http://b.kr/z\"}\n"
    "{\"text\":\"전화는 010-1234-5678로 하세요.\",\"language\":\"ko\",\"pii\":{\"spans\":[[\"phone\",10,23],[\"card\",1,2]]}}\n"
    "{\"text\":\"short\",\"dropped\":{\"stage\":\"quality\",\"rule\":\"gopher.words_min\",\"value\":1}}\n";

TEST(stats, figures_are_those_counted_by_hand)
{
    Arena *arena = arena_new();
    Stats *s = ARENA_NEW(arena, Stats);
    gather(s, arena, small_corpus);
    CHECK(s->n_documents == 4 && s->n_dropped == 1 && s->n_copies == 1 && s->n_words == 6 + 6 + 6 + 3);
    CHECK(s->chars_min == 23 && s->chars_max == 24 && s->n_vocabulary == 5 + 6 + 3 && s->n_once == 4 + 3);
    CHECK_CLOSE(s->chars_median, 23, 1.0);
    CHECK_STRING(s->words[0].name, "the");
    CHECK_STRING(s->languages[0].name, "ko");
    CHECK(s->n_domains == 2 && s->domains[0].n == 2);
    CHECK_STRING(s->domains[0].name, "b.kr");
    CHECK_STRING(s->drops[0].name, "gopher.words_min");
    CHECK_STRING(s->drops[0].example, "short");
    CHECK(s->n_pii[PII_PHONE] == 1 && s->n_pii_documents == 1 && s->n_pii_tagged[PII_PHONE] == 1 && s->n_pii_tagged_documents == 1);
    CHECK(s->n_sentences == 7 && s->n_sentences_ended == 6 && s->n_korean_plain == 2 && s->n_korean_polite == 1);
    CHECK(s->n_terms == 1 && s->terms[0].n == 2 && strstr(s->terms[0].example, "여성은 책을"));
    CHECK(s->n_languages == 2 && s->by_language[0].n_words == 6 + 6 + 3 && s->by_language[1].n_words == 6 && s->by_language[1].n_chars == 24);
    CHECK(s->by_language[0].n_sentences == 5 && s->by_language[0].n_sentences_ended == 5 && s->by_language[1].n_sentences_ended == 1);
    CHECK_CLOSE(s->cumulative[s->n_ranks - 1], 1.0, 1e-12);
    arena_free(arena);
}

TEST(stats, the_page_and_the_json_hold_them)
{
    Arena *arena = arena_new();
    Stats *s = ARENA_NEW(arena, Stats), *empty = ARENA_NEW(arena, Stats);
    gather(s, arena, small_corpus);
    const char *json = stats_json(arena, s, empty), *page, *path = arena_printf(arena, "%s/stats.html", test_dir());
    CHECK(strstr(json, "\"documents\":4,\"dropped\":1,") && strstr(json, "\"phone\":1") && strstr(json, "\"before\":{\"version\""));
    CHECK(strstr(json, "\"by_language\":[{\"language\":\"ko\",\"documents\":3,"));
    size_t n;
    CHECK(stats_page(s, empty, "test", path) == OK);
    CHECK(file_read(&page, &n, arena, path) == OK);
    CHECK(strstr(page, "<svg") && strstr(page, "gopher.words_min") && strstr(page, "고양이가") && strstr(page, "b.kr"));
    CHECK(stats_page(empty, NULL, "nothing", path) == OK);
    arena_free(arena);
}
