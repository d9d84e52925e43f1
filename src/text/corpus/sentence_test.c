/* sentence_test.c - sentences by hand, and the F1 of their ends on two Korean treebanks. */
#include "base/arena_limit.h"
#include "base/cpu_level.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/sentence.h"

#include <stdio.h>
#include <string.h>

/* The sentences of a text joined by '|'. */
static const char *split(Arena *arena, const char *text)
{
    Sentences s = sentence_split(arena, text, strlen(text), true);
    const char *joined = "";
    for (int i = 0; i < s.n; i++)
        joined = arena_printf(arena, "%s%s%.*s", joined, i ? "|" : "", (int)(s.sentences[i].end - s.sentences[i].begin), text + s.sentences[i].begin);
    return joined;
}

TEST(sentence, ends_are_where_readers_see_them)
{
    static const char *const cases[][2] = {
        {"One. Two! Three? Four", "One.|Two!|Three?|Four"},
        {"Mr. Smith met J. R. Jones at 3.5 p.m. on Jan. 5. They talked.", "Mr. Smith met J. R. Jones at 3.5 p.m. on Jan. 5.|They talked."},
        {"He lives in the U.S. now. See e.g. Fig. 3.", "He lives in the U.S. now.|See e.g. Fig. 3."},
        {"Wait... what? \"Yes.\" She left.", "Wait... what?|\"Yes.\"|She left."},
        {"1. First point. 2. Second", "1. First point.|2. Second"},
        {"나는 집에 갔다. 비가 왔다! 그래?", "나는 집에 갔다.|비가 왔다!|그래?"},
        {"그는 \"나는 간다.\"고 말했다. 그리고 떠났다.", "그는 \"나는 간다.\"고 말했다.|그리고 떠났다."},
        {"맛있게 먹었습니다 다음에 또 올게요", "맛있게 먹었습니다|다음에 또 올게요"},
        {"먹었다 고 했다", "먹었다 고 했다"},
        {"吾輩は猫である。名前はまだ無い。", "吾輩は猫である。|名前はまだ無い。"},
        {"A line\nanother line\n\nend", "A line|another line|end"},
        {"Version 1.2.3 at example.com. Done", "Version 1.2.3 at example.com.|Done"},
        {"", ""},
        {" . ", "."},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STRING(split(arena, cases[i][0]), cases[i][1]);
    arena_free(arena);
}

/* Goal: what is found does not depend on where the blocks of the kernel begin, nor on the CPU level. Method: a text with every kind of end, behind 0 to 130
 * line breaks, at every level. */
TEST(sentence, ends_do_not_depend_on_blocks_or_the_cpu)
{
    static const char text[] = "먹었습니다 다음에 또 왔다~ 그는 \"간다.\"고 했다. 中文。日本語は「はい。」と言う。end… Dr. No! 그래요; 좋음 هل؟ नमस्ते। नहीं “Yes.” he said. 필요 없음\t끝\r\n둘";
    Arena *arena = arena_new();
    CpuLevel best = cpu_level_best();
    const char *first = split(arena, text);
    CHECK(strstr(first, "먹었습니다|다음에 또 왔다~|그는") && strstr(first, "中文。|日本語は「はい。」|と言う。|end") && strstr(first, "없음|끝|둘"));
    for (int level = CPU_PORTABLE; level <= (int)best && level <= CPU_AVX512; level++) {
        cpu_level_set((CpuLevel)level);
        for (int shift = 0; shift <= 130; shift++) {
            char *shifted = arena_alloc(arena, sizeof text + (size_t)shift);
            memset(shifted, '\n', (size_t)shift);
            memcpy(shifted + shift, text, sizeof text);
            CHECK_STRING(split(arena, shifted), first);
        }
    }
    cpu_level_reset();
    arena_free(arena);
}

TEST(sentence, long_texts_end_when_the_arena_is_spent)
{
    enum { N = 1 << 20 };
    Arena *arena = arena_new();
    char *text = arena_alloc(arena, N + 1);
    for (int i = 0; i < N; i++)
        text[i] = "One two. "[i % 9];
    int n_all = sentence_split(arena, text, N, true).n;
    arena_set_limit(arena, 1, 0);
    int n_cut = sentence_split(arena, text, N, true).n;
    arena_set_limit(arena, 0, 0);
    CHECK(n_all > N / 10 && n_cut > 0 && n_cut < n_all / 2);
    arena_free(arena);
}

/* Sentences of a CoNLL-U file, joined by blanks; `ends` holds the end of each. */
static const char *read_treebank(Arena *arena, const char *path, size_t **ends, int *n, size_t *n_bytes)
{
    enum { SENTENCES_MAX = 20000, BYTES_MAX = 4 << 20 };
    DocumentOptions options = document_options_default();
    options.format = DOCUMENT_LINES;
    DocumentReader *reader;
    char *text = arena_alloc(arena, BYTES_MAX);
    *ends = ARENA_ARRAY(arena, size_t, SENTENCES_MAX);
    *n = 0;
    *n_bytes = 0;
    if (!CHECK(document_reader_open(&reader, path, &options) == OK))
        return text;
    Document line;
    Err err;
    while (document_reader_next(reader, &line, &err)) {
        static const char head[] = "# text = ";
        size_t n_head = sizeof head - 1;
        if (line.n_bytes <= n_head || memcmp(line.text, head, n_head) != 0 || *n_bytes + line.n_bytes > BYTES_MAX)
            continue;
        if (*n > 0)
            text[(*n_bytes)++] = ' ';
        memcpy(text + *n_bytes, line.text + n_head, line.n_bytes - n_head);
        *n_bytes += line.n_bytes - n_head;
        (*ends)[(*n)++] = *n_bytes;
    }
    document_reader_free(reader);
    return text;
}

static double treebank_f1(const char *data, const char *name)
{
    Arena *arena = arena_new();
    size_t *ends, n_bytes;
    int n, n_both = 0;
    const char *text = read_treebank(arena, arena_printf(arena, "%s/%s", data, name), &ends, &n, &n_bytes);
    Sentences s = sentence_split(arena, text, n_bytes, true);
    for (int i = 0, k = 0; i < s.n && k < n;) {
        n_both += s.sentences[i].end == ends[k];
        size_t a = s.sentences[i].end, b = ends[k];
        i += a <= b;
        k += b <= a;
    }
    double f1 = 2.0 * n_both / (double)(s.n + n);
    test_note("%s: F1 %.4f, precision %.4f, recall %.4f of %d sentences", name, f1, (double)n_both / s.n, (double)n_both / n, n);
    arena_free(arena);
    return f1;
}

TEST(sentence, ends_agree_with_the_korean_treebanks)
{
    const char *data = test_data_dir();
    if (!data)
        SKIP("no real data");
    CHECK(treebank_f1(data, "ko-ud-kaist/dev.conllu.zst") > 0.995);
    CHECK(treebank_f1(data, "ko-ud-kaist/test.conllu.zst") > 0.995);
    CHECK(treebank_f1(data, "ko-ud-gsd/dev.conllu.zst") > 0.84);
}
