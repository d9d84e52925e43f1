/* scan_test.c - every CPU level says of every text what a reader of single bytes says. */
#include "base/scan.h"

#include "base/test.h"
#include "base/wtf8.h"

#include <stdint.h>
#include <string.h>

static bool is_utf8_plainly(const char *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < n;) {
        int length = wtf8_length(p + i, n - i);
        if (length < 0 || wtf8_is_surrogate(p + i, length))
            return false;
        i += (size_t)length;
    }
    return true;
}

static size_t plain_bytes(const char *bytes, size_t n)
{
    size_t i = 0;
    while (i < n && (unsigned char)bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\')
        i++;
    return i;
}

static bool levels_agree(CpuLevel best, const char *bytes, size_t n)
{
    bool good = is_utf8_plainly(bytes, n);
    size_t plain = plain_bytes(bytes, n);
    bool agree = scan_is_utf8_portable(bytes, n) == good && scan_json_plain_portable(bytes, n) == plain;
    if (best >= CPU_AVX2)
        agree = agree && scan_is_utf8_avx2(bytes, n) == good && scan_json_plain_avx2(bytes, n) == plain;
    if (best >= CPU_AVX512)
        agree = agree && scan_is_utf8_avx512(bytes, n) == good && scan_json_plain_avx512(bytes, n) == plain;
    return agree;
}

/* Goal: no sequence of bytes is judged otherwise, wherever it lies in a block and whatever follows.
 * Method: every first two bytes with some third and fourth bytes at the borders of table 3-7, ending at, before and behind the borders of a block,
 * with text behind and without. */
TEST(scan, all_levels_judge_all_short_sequences_as_bytes_do)
{
    static const unsigned char borders[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xF0};
    enum { N_BORDERS = sizeof borders };
    static const size_t places[] = {0, 29, 30, 31, 32, 61};
    char bytes[96];
    int n_wrong = 0;
    CpuLevel best = cpu_level_best();
    for (int two = 0; two < 65536; two++)
        for (int k = two % 13; k < N_BORDERS * N_BORDERS; k += 13) {
            size_t at = places[(unsigned)(two / 13 + k) % 6], n = at + 2 + (unsigned)k % 3;
            memset(bytes, 'a', sizeof bytes);
            bytes[at] = (char)(two >> 8), bytes[at + 1] = (char)two;
            bytes[at + 2] = (char)borders[k / N_BORDERS], bytes[at + 3] = (char)borders[k % N_BORDERS];
            n_wrong += !levels_agree(best, bytes, n) + !levels_agree(best, bytes, sizeof bytes);
        }
    CHECK(n_wrong == 0);
}

/* Goal: the same in running text: Hangul, accents, emoji, one byte turned over at each place in turn. */
TEST(scan, one_wrong_byte_in_a_text_is_seen_at_every_place)
{
    static const char text[] = "한글과 영어 English가 섞인 글, café ☕ 그리고 😀 이모지 — \"따옴표\"와 \\ 그리고 끝.\t하나 더: 가나다라마바사아자차카타파하";
    char bytes[sizeof text];
    int n_wrong = 0;
    CpuLevel best = cpu_level_best();
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(bytes, text, sizeof text);
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
            for (size_t begin = 0; begin <= i; begin += 17)
                n_wrong += !levels_agree(best, bytes + begin, sizeof text - 1 - begin);
        }
    CHECK(n_wrong == 0);
}

/* Goal: white space is marked where it stands, and nothing else is, for every byte at every place of a block and in the tail. */
TEST(scan, spaces_are_marked_at_every_level)
{
    CpuLevel best = cpu_level_best();
    int n_wrong = 0;
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 100; at += c % 32 == 0 || c == ' ' || c < 16 ? 1 : 33)
            for (int lines = 0; lines < 2; lines++) {
                char bytes[100];
                memset(bytes, c % 2 ? 'a' : (char)0xB0, sizeof bytes);
                bytes[at] = (char)c;
                bool is = c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'));
                uint64_t want[2] = {is && at < 64 ? 1ull << at : 0, is && at >= 64 ? 1ull << (at - 64) : 0}, got[2] = {1, 1};
                scan_spaces_portable(bytes, sizeof bytes, lines, got);
                n_wrong += memcmp(got, want, sizeof got) != 0;
                if (best >= CPU_AVX2)
                    scan_spaces_avx2(bytes, sizeof bytes, lines, got);
                n_wrong += memcmp(got, want, sizeof got) != 0;
                if (best >= CPU_AVX512)
                    scan_spaces_avx512(bytes, sizeof bytes, lines, got);
                n_wrong += memcmp(got, want, sizeof got) != 0;
            }
    CHECK_EQUAL(n_wrong, 0);
}

/* Goal: words are told apart as byte by byte, wherever they lie in a block, however many blocks there are and however the text ends.
 * Method: texts of short runs of spaces and letters of a length of its own each, at every level. */
TEST(scan, edges_of_words_stand_where_white_space_begins_and_ends)
{
    enum { N_MAX = 9000 };
    static char bytes[N_MAX];
    static uint32_t want[N_MAX + 1], got[N_MAX + 1 + SCAN_EDGES_ROOM];
    CpuLevel best = cpu_level_best();
    int n_wrong = 0;
    uint32_t dice = 1;
    for (size_t n = 0; n < N_MAX; n += n < 300 ? 1 : 977) {
        size_t n_want = 0, n_got;
        for (size_t i = 0; i < n; i++) {
            dice = dice * 1664525u + 1013904223u;
            uint32_t r = dice >> 16;
            bytes[i] = r % (2 + n % 7) ? (i > 0 && bytes[i - 1] != ' ' ? 'a' : (char)0xE0) : r / 16 % 4 ? ' ' : "\n\t\r\f"[r / 64 % 4];
        }
        for (int lines = 0; lines < 2; lines++) {
            n_want = 0;
            bool inside = false;
            for (size_t i = 0; i <= n; i++) {
                bool is_word = i < n && bytes[i] != ' ' && !(lines && (bytes[i] == '\n' || bytes[i] == '\t' || bytes[i] == '\r'));
                if (is_word != inside)
                    want[n_want++] = (uint32_t)i;
                inside = is_word;
            }
            n_got = scan_word_edges_portable(bytes, n, lines, got);
            n_wrong += n_got != n_want || memcmp(got, want, n_want * sizeof *want) != 0;
            n_got = best >= CPU_AVX2 ? scan_word_edges_avx2(bytes, n, lines, got) : n_got;
            n_wrong += n_got != n_want || memcmp(got, want, n_want * sizeof *want) != 0;
            n_got = best >= CPU_AVX512 ? scan_word_edges_avx512(bytes, n, lines, got) : n_got;
            n_wrong += n_got != n_want || memcmp(got, want, n_want * sizeof *want) != 0;
        }
    }
    CHECK_EQUAL(n_wrong, 0);
}

TEST(scan, three_bytes_in_a_row_are_found_at_every_place_and_no_others)
{
    static const char three[3] = "\xE2\x96\x81";
    CpuLevel best = cpu_level_best();
    int n_wrong = 0;
    for (size_t n = 0; n < 140; n++)
        for (size_t at = 0; at <= n; at++) {
            char bytes[140];
            for (size_t i = 0; i < n; i++)
                bytes[i] = three[i % 2];  /* the third never follows */
            bool holds = at + 3 <= n;
            memcpy(bytes + at, three, holds ? 3 : n - at < 2 ? n - at : 2);
            n_wrong += scan_holds_three_portable(bytes, n, three) != holds;
            n_wrong += best >= CPU_AVX2 && scan_holds_three_avx2(bytes, n, three) != holds;
            n_wrong += best >= CPU_AVX512 && scan_holds_three_avx512(bytes, n, three) != holds;
        }
    CHECK_EQUAL(n_wrong, 0);
}
