/* c4_test.c - C4's rules by hand and by datatrove (tests/golden/quality/make_c4.py); lists of words. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/c4.h"
#include "text/corpus/stage.h"
#include "text/corpus/word_list.h"

#include <stdio.h>
#include <string.h>

TEST(c4, lines_and_pages_go_by_their_rules)
{
    Arena *arena = arena_new();
    C4Options options = c4_options_default();
    options.sentences_min = 2;
    const char *text = "The first line stays here. And so does this.\nno end\nToo short.\nIt trails off like this...\nEnable JavaScript to go on.\n"
                       "We USE cookies on this page.\n\u3000 Cited[3] facts are \"fine.\"[edit] \u3000\u00a0";
    C4Result r = c4_clean(arena, &options, text, strlen(text));
    CHECK(!r.drop_rule);
    CHECK_STRING(arena_strndup(arena, r.text, r.n_bytes), "The first line stays here. And so does this.\nCited facts are \"fine.\"");
    CHECK(r.n_lines == 7 && r.n_sentences == 3 && r.n_removed[C4_LINE_END] == 2 && r.n_removed[C4_LINE_WORDS] == 1);
    CHECK(r.n_removed[C4_LINE_JAVASCRIPT] == 1 && r.n_removed[C4_LINE_POLICY] == 1 && r.n_removed[C4_LINE_WORD_CHARS] == 0);
    options.sentences_min = 4;
    CHECK_STRING(c4_clean(arena, &options, text, strlen(text)).drop_rule, "c4.sentences");
    CHECK_STRING(c4_clean(arena, &options, "", 0).drop_rule, "c4.sentences");
    CHECK_STRING(c4_clean(arena, &options, "int main() { return here.", 25).drop_rule, "c4.braces");
    arena_free(arena);
}

static const char *rule_of(const char *decision)
{
    static const char *const names[][2] = {{"lorem_ipsum", "c4.lorem_ipsum"}, {"curly_bracket", "c4.braces"}, {"too_few_sentences", "c4.sentences"}, {"paragraphs", "mc4.paragraphs"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(decision, names[i][0]) == 0)
            return names[i][1];
    return "";
}

TEST(c4, decisions_and_texts_equal_datatroves)
{
    Arena *arena = arena_new();
    DocumentOptions documents = document_options_default();
    DocumentReader *reader;
    REQUIRE_OK(document_reader_open(&reader, test_source_path("tests/golden/quality/c4.jsonl"), &documents));
    Document document;
    Err err;
    int n = 0, n_drops = 0;
    for (; document_reader_next(reader, &document, &err); n++, arena_reset(arena)) {
        StageDocument fields = {.record = document.record, .n_record_bytes = document.n_record_bytes, .tags = ""};
        C4Options c4 = c4_options_default(), mc4 = {.word_chars_max = 1 << 20, .paragraphs_min = 3, .paragraph_chars = 200};
        C4Result r = c4_clean(arena, &c4, document.text, document.n_bytes);
        CHECK_STRING(r.drop_rule ? r.drop_rule : "", rule_of(stage_tag_text(arena, &fields, "c4")));
        if (!r.drop_rule)
            CHECK_STRING(arena_strndup(arena, r.text, r.n_bytes), stage_tag_text(arena, &fields, "kept"));
        n_drops += r.drop_rule != NULL;
        r = c4_clean(arena, &mc4, document.text, document.n_bytes);
        CHECK_STRING(r.drop_rule ? r.drop_rule : "", rule_of(stage_tag_text(arena, &fields, "mc4")));
        n_drops += r.drop_rule != NULL;
    }
    CHECK_OK(err);
    CHECK_EQUAL(n, 120);
    test_note("%d decisions, %d of them drops", 2 * n, n_drops);
    document_reader_free(reader);
    arena_free(arena);
}

TEST(c4, listed_words_are_found_whole_at_the_beginning_or_anywhere)
{
    char path[512];
    snprintf(path, sizeof path, "%s/list.txt", test_dir());
    const char *paths[] = {path}, *words = "# unwanted\nSpam\n광고\n  casino # a place\n\n", *text = "Spam spammer, 광고를 했다. 새광고! CASINO";
    CHECK(file_write(path, words, strlen(words)) == OK);
    Arena *arena = arena_new();
    WordList *list;
    CHECK(word_list_read(&list, arena, paths, 1) == OK);
    CHECK_EQUAL(word_list_count(list, WORD_LIST_EQUAL, text, strlen(text)).n_words, 6);
    CHECK_EQUAL(word_list_count(list, WORD_LIST_EQUAL, text, strlen(text)).n_listed, 2);
    CHECK_EQUAL(word_list_count(list, WORD_LIST_BEGINS, text, strlen(text)).n_listed, 4);
    CHECK_EQUAL(word_list_count(list, WORD_LIST_ANYWHERE, text, strlen(text)).n_listed, 5);
    CHECK(file_write(path, "two words\n", 10) == OK);
    CHECK(word_list_read(&list, arena, paths, 1) == ERR_FORMAT && strstr(err_message(), "list.txt:1: expected one word"));
    arena_free(arena);
}
