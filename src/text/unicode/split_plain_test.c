/* split_plain_test.c - text of bytes in no order is cut by table where the scanners cut it, and where PCRE2 does. */
#include "text/unicode/split_alike.h"
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
            make(text, i);
            const Splitter *judge = i % 2 ? regex : scan;  /* PCRE2 reads well-formed text */
            n_wrong += !split_is_alike(scan, judge, text, sizeof text, i % 3 ? TEXT_BYTES : 7);
        }
        CHECK_EQUAL(n_wrong, 0);
        splitter_free(scan);
        splitter_free(regex);
    }
}
