/* split_plain_test.c - text of characters in no order is cut by table where the scanners cut it, and where PCRE2 does. */
#include "text/unicode/split_alike.h"
#include "text/unicode/utf8.h"
#include "base/philox.h"
#include "base/test.h"

static const char *const names[] = {"gpt2", "cl100k", "llama3", "qwen", "o200k"};
enum { TEXT_BYTES = 1500, N_TEXTS = 400 };

/* ASCII of all kinds, some of them often; in every other text also bytes beyond. */
static void make(char *text, uint64_t i)
{
    static const char often[] = " \n\t'/aBs09!.";
    for (size_t k = 0; k < TEXT_BYTES; k++) {
        uint32_t r = philox(23, 1, i, k).word[0];
        uint32_t top = i % 2 ? 0x80 : 0x100;
        text[k] = (char)(r % 3 && i % 4 < 2 ? often[r / 8 % (sizeof often - 1)] : (char)(r / 8 % top));
    }
}

/* Characters of every kind, of one to four bytes; in every other text also broken ones. */
static void make_wide(char *text, uint64_t i)
{
    static const char *const good[] = {"a", "B", " ", "'", "7", "\n", "/", "!", "\u00e9", "\u00c9", "\u01c5", "\u02b0", "\u0301", "\u05d0", "\u0663", "\u00a0", "\u2028",
                                       "\uac00", "\u1e9e", "\u1e9f", "\u20dd", "\u2460", "\U0001F389", "\U00010400"};
    static const char *const broken[] = {"\xc3", "\xe3\x81", "\xf0\x9f\x8e", "\x81", "\xe0\x80", "\xed\xa0\x80", "\xf4\x90"};
    enum { N_GOOD = sizeof good / sizeof good[0], N_BROKEN = sizeof broken / sizeof broken[0] };
    size_t n = 0;
    for (uint64_t k = 0; n + UTF8_BYTES_MAX <= TEXT_BYTES; k++) {
        uint32_t r = philox(29, 1, i, k).word[0];
        const char *next = i % 2 == 0 && r % 4 == 0 ? broken[r / 4 % N_BROKEN] : good[r / 4 % (i % 3 ? N_GOOD : N_GOOD / 2)];
        memcpy(text + n, next, strlen(next));
        n += strlen(next);
    }
    memset(text + n, 'x', TEXT_BYTES - n);
}

/* One piece a call leaves everything to the scanner. */
TEST(split_plain, table_cuts_where_the_scanner_cuts)
{
    for (size_t which = 0; which < sizeof names / sizeof names[0]; which++) {
        Splitter *scan, *regex;
        REQUIRE_OK(splitter_open(&scan, names[which], SPLIT_UNICODE_14));
        REQUIRE_OK(splitter_open_regex(&regex, names[which]));
        int n_wrong = 0;
        for (uint64_t i = 0; i < N_TEXTS; i++) {
            char text[TEXT_BYTES];
            (i % 8 < 4 ? make : make_wide)(text, i);
            const Splitter *judge = i % 2 ? regex : scan;  /* PCRE2 reads well-formed text */
            n_wrong += !split_is_alike(scan, judge, text, sizeof text, i % 3 ? TEXT_BYTES : 7);
        }
        CHECK_EQUAL(n_wrong, 0);
        splitter_free(scan);
        splitter_free(regex);
    }
}
