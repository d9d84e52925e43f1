/* hangul_test.c - all 11,172 syllables against ICU's normal forms. */
#include "text/unicode/hangul.h"
#include "base/test.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

TEST(hangul, taking_apart_is_nfd_and_putting_together_its_inverse)
{
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (uint32_t c = HANGUL_FIRST; c < HANGUL_FIRST + HANGUL_N_SYLLABLES; c++) {
        int jamo[3], n = hangul_decompose(c, jamo);
        char text[4], apart[12];
        size_t n_text = (size_t)utf8_encode(text, c), n_apart = 0, n_nfd;
        for (int i = 0; i < n; i++) {
            n_apart += (size_t)utf8_encode(apart + n_apart, hangul_jamo_char(jamo[i]));
            n_wrong += hangul_jamo_number(hangul_jamo_char(jamo[i])) != jamo[i];
        }
        const char *nfd = normalize(arena, NORMALIZE_NFD, text, n_text, &n_nfd);
        n_wrong += n_nfd != n_apart || memcmp(nfd, apart, n_nfd) != 0;
        n_wrong += hangul_compose(jamo[0], jamo[1], n == 3 ? jamo[2] : -1) != c || !hangul_is_syllable(c);
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(!hangul_is_syllable(HANGUL_FIRST - 1) && !hangul_is_syllable(0xD7A4));
    CHECK(hangul_jamo_number(0x3131) < 0 && hangul_jamo_number(0x11A7) < 0 && hangul_jamo_number(0x1113) < 0);
    arena_free(arena);
}
