/* split_window_test.c - looks of 64 bytes: every CPU level sees what a reading byte by byte sees, and the words found with them are PCRE2's. */
#include "text/unicode/split_window.h"
#include "text/unicode/split_alike.h"
#include "text/unicode/utf8.h"
#include "base/philox.h"
#include "base/test.h"

static const char *const parts[] = {"a", "the", "word", "가", "나다라", "힟", "퟿", " ", " ", " ", "internationalization", "도서관에서는도서관에서는", "\xEA\xB0\x80", "\xED\x9D\xBF",
                                    "\xED\x9E\x80", "\xED\x9E\xA3", "\xEA\xAF\xBF", "B", "'", "'s", "é", "中", "1", "234", "\n", "!", "\u0301", "😀", "\u00a0", "  "};
enum { N_PARTS = sizeof parts / sizeof parts[0], N_EASY = 12, TEXT_BYTES_MAX = SPLIT_ALIKE_BYTES_MAX };

static size_t make(char *text, uint64_t i, int n_parts)
{
    size_t n = 0;
    for (int k = 0; k < n_parts; k++) {
        uint32_t r = philox(17, 1, i, (uint64_t)k).word[0];
        const char *part = parts[r / 8 % (r % 8 ? N_EASY : N_PARTS)];
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

static SplitWindow window_plain(const char *text, bool cased)
{
    SplitWindow window = {0, 0};
    for (int i = 0; i < SPLIT_WINDOW_BYTES;) {
        unsigned char byte = (unsigned char)text[i];
        bool small = byte >= 'a' && byte <= 'z', capital = byte >= 'A' && byte <= 'Z';
        uint32_t c;
        int length = utf8_decode(&c, text + i, text + SPLIT_WINDOW_BYTES);
        if (c >= 0xAC00 && c <= 0xD77F) {
            window.letters |= 7ull << i;
            i += 3;
            continue;
        }
        window.letters |= (uint64_t)(small || (capital && !cased)) << i;
        window.others |= (uint64_t)(byte >= 0x80 || (cased && (capital || byte == '\''))) << i;
        i += length > 1 ? 1 : length;
    }
    return window;
}

TEST(split_window, levels_see_what_stands_there)
{
    int n_wrong = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        char text[TEXT_BYTES_MAX];
        size_t n = make(text, i, 80), from = philox(17, 2, i, 0).word[0] % 8;
        for (uint64_t k = 0; k < i % 4 * 8; k++)
            text[philox(17, 3, i, k).word[0] % n] = (char)philox(17, 4, i, k).word[0];
        for (int cased = 0; cased < 2 && n >= 72; cased++) {
            SplitWindow want = window_plain(text + from, cased), portable = split_window_portable(text + from, cased), best = KERNEL_PICK(split_window)(text + from, cased);
            n_wrong += portable.letters != want.letters || portable.others != want.others || best.letters != want.letters || best.others != want.others;
        }
    }
    CHECK_EQUAL(n_wrong, 0);
}

/* Texts of many windows, cut in one go and a few pieces at a time. */
TEST(split_window, words_are_cut_as_pcre2_cuts_them)
{
    static const char *const names[] = {"gpt2", "cl100k", "o200k", "llama3", "qwen"};
    for (size_t which = 0; which < sizeof names / sizeof names[0]; which++) {
        Splitter *scan, *regex;
        REQUIRE_OK(splitter_open(&scan, names[which], SPLIT_UNICODE_14));
        REQUIRE_OK(splitter_open_regex(&regex, names[which]));
        int n_wrong = 0;
        for (uint64_t i = 0; i < 1500; i++) {
            char text[TEXT_BYTES_MAX];
            size_t n = make(text, 100000 + i, 1 + (int)(i % 70));
            n_wrong += !split_is_alike(scan, regex, text, n, i % 3 ? TEXT_BYTES_MAX : 5);
        }
        CHECK_EQUAL(n_wrong, 0);
        splitter_free(scan);
        splitter_free(regex);
    }
}
