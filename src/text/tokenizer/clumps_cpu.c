/* clumps_cpu.c - see clumps.h: characters to clumps, and clumps to ids. */
#include "text/tokenizer/clumps.h"

#include <string.h>

#if defined __AVX2__
#include <immintrin.h>
#endif

/* The ids of a character's bytes; three are written. Returns how many there are. */
static inline size_t spell(const ClumpRules *rules, uint16_t c, int32_t *ids)
{
    bool is_two = c >= 0x80, is_three = c >= 0x800;
    uint32_t last = 0x80u | (c & 0x3F), middle = 0x80u | (c >> 6 & 0x3F);
    ids[0] = rules->byte_ids[is_three ? 0xE0u | (uint32_t)c >> 12 : is_two ? 0xC0u | (uint32_t)c >> 6 : c];
    ids[1] = rules->byte_ids[is_three ? middle : last];
    ids[2] = rules->byte_ids[last];
    return 1u + is_two + is_three;
}

#if defined __AVX512BW__ && defined __AVX512VL__

enum { LANES = 16, LOOKS = 64, EDGE_WORDS = CLUMP_PLACES / LANES + LOOKS / LANES + 2 };

static inline __m512i load_chars(const uint16_t *chars)
{
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)chars));
}

/* Of sixteen characters, in `bits` those of the pairs that they end, and in `words` the numbers of their words. */
static inline void place_pairs(const ClumpRules *rules, __m512i first, __m512i second, uint32_t *words, uint32_t *bits)
{
    const __m512i factor = _mm512_set1_epi32((int)0x9E3779B1), ones = _mm512_set1_epi32(1), low5 = _mm512_set1_epi32(31);
    const __m128i shift = _mm_cvtsi32_si128(rules->pairs_shift), shift_a = _mm_cvtsi32_si128(rules->pairs_shift - 5),
                  shift_b = _mm_cvtsi32_si128(rules->pairs_shift - 10);
    __m512i hash = _mm512_mullo_epi32(_mm512_or_si512(_mm512_slli_epi32(first, 16), second), factor);
    __m512i a = _mm512_sllv_epi32(ones, _mm512_and_si512(_mm512_srl_epi32(hash, shift_a), low5));
    __m512i b = _mm512_sllv_epi32(ones, _mm512_and_si512(_mm512_srl_epi32(hash, shift_b), low5));
    _mm512_storeu_si512(words, _mm512_srl_epi32(hash, shift));
    _mm512_storeu_si512(bits, _mm512_or_si512(a, b));
}

/* Looks taken one by one: many CPUs gather more slowly. The compiler is kept from making a gather of it. */
static inline void look_up(const ClumpRules *rules, const uint16_t *chars, uint32_t *words, uint16_t *alone)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < LOOKS; i++) {
        size_t word = words[i], c = chars[i];
        __asm__("" : "+r"(word), "+r"(c));
        words[i] = rules->pairs[word];
        alone[i] = rules->alone[c];
    }
}

/* A bit for each character that begins a clump, and for the end; and what each character becomes alone. */
static inline void find_edges(const ClumpRules *rules, const uint16_t *chars, size_t n, uint16_t edges[EDGE_WORDS], uint16_t *alone)
{
    const __m512i mark = _mm512_set1_epi32(CLUMP_SPACE_MARK);
    __m512i last = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += LOOKS) {
        uint32_t words[LOOKS], bits[LOOKS];
        uint16_t clings[LOOKS / LANES];
        for (size_t k = 0; k < LOOKS; k += LANES) {
            __m512i second = load_chars(chars + i + k), first = _mm512_alignr_epi32(second, last, LANES - 1);
            place_pairs(rules, first, second, words + k, bits + k);
            clings[k / LANES] = (uint16_t)(_mm512_cmpneq_epi32_mask(second, mark) | _mm512_cmpeq_epi32_mask(first, mark));
            last = second;
        }
        look_up(rules, chars + i, words, alone + i);
        for (size_t k = 0; k < LOOKS; k += LANES) {
            __m512i sought = _mm512_loadu_si512(bits + k), word = _mm512_loadu_si512(words + k);
            __mmask16 is_pair = _mm512_cmpeq_epi32_mask(_mm512_and_si512(word, sought), sought);
            edges[(i + k) / LANES] = (uint16_t)~(is_pair & clings[k / LANES]);
        }
    }
    edges[n / LANES] = (uint16_t)((n % LANES ? edges[n / LANES] & ((1u << n % LANES) - 1) : 0) | 1u << n % LANES);
    edges[0] |= 1;
    edges[n / LANES + 1] = 0;
}

void KERNEL(clump_cut)(const ClumpRules *rules, ClumpBlock *block)
{
    uint16_t edges[EDGE_WORDS];
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m256i none = _mm256_set1_epi16((short)CLUMP_NO_ID), other = _mm256_set1_epi16((short)CLUMP_OTHER);
    const size_t n = block->n_chars;
    size_t n_starts = 0, n_ends = 0;
    __mmask16 is_other = 0;
    find_edges(rules, block->chars, n, edges, block->alone);
    for (size_t i = 0; i < n; i += LANES) {
        uint32_t there = n - i < LANES ? (1u << (n - i)) - 1 : 0xFFFF;
        uint32_t two = (uint32_t)edges[i / LANES] | (uint32_t)edges[i / LANES + 1] << LANES, begins = two & there, ends = two >> 1 & there;
        __m256i alone = _mm256_loadu_si256((const __m256i *)(block->alone + i));
        is_other |= _mm256_mask_cmpeq_epi16_mask((__mmask16)there, alone, other);
        __mmask16 is_told = _mm256_mask_cmplt_epu16_mask((__mmask16)(begins & ends), alone, other);
        _mm256_storeu_si256((__m256i *)(block->alone + i), _mm256_mask_mov_epi16(none, is_told, alone));
        __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)i));
        __mmask16 starts = (__mmask16)(begins & ~(uint32_t)is_told);
        _mm512_storeu_si512(block->starts + n_starts, _mm512_maskz_compress_epi32(starts, places));
        n_starts += (size_t)__builtin_popcount(starts);
        ends &= ~(uint32_t)is_told;
        _mm512_storeu_si512(block->ends + n_ends, _mm512_maskz_compress_epi32((__mmask16)ends, _mm512_add_epi32(places, _mm512_set1_epi32(1))));
        n_ends += (size_t)__builtin_popcount(ends);
    }
    block->n_clumps = n_starts;
    block->is_plain = !is_other;
}

/* Sixteen ids, of which only these are put out. */
static inline size_t put_some(__m256i all, __mmask16 mask, int32_t *ids)
{
    _mm512_storeu_si512(ids, _mm512_maskz_compress_epi32(mask, _mm512_cvtepu16_epi32(all)));
    return (size_t)__builtin_popcount(mask);
}

size_t KERNEL(clump_put)(const ClumpRules *rules, const ClumpBlock *block, size_t begin, size_t end, int32_t *ids)
{
    const __m256i no_id = _mm256_set1_epi16((short)CLUMP_NO_ID), bytes = _mm256_set1_epi16((short)CLUMP_BYTES);
    size_t n = 0;
    for (size_t i = begin; i < end; i += LANES) {
        __mmask16 there = end - i < LANES ? (__mmask16)((1u << (end - i)) - 1) : (__mmask16)0xFFFF;
        __m256i alone = _mm256_loadu_si256((const __m256i *)(block->alone + i)), found = _mm256_loadu_si256((const __m256i *)(block->found + i));
        __m256i all = _mm256_mask_mov_epi16(alone, _mm256_cmpeq_epi16_mask(alone, no_id), found);
        uint32_t spelt = _mm256_mask_cmpeq_epi16_mask(there, all, bytes), left = _mm256_mask_cmplt_epu16_mask(there, all, bytes);
        for (; spelt; spelt &= spelt - 1) {
            int at = __builtin_ctz(spelt);
            n += put_some(all, (__mmask16)(left & ((1u << at) - 1)), ids + n);
            n += spell(rules, block->chars[i + (size_t)at], ids + n);
            left &= ~0u << at;
        }
        n += put_some(all, (__mmask16)left, ids + n);
    }
    return n;
}

#else

void KERNEL(clump_cut)(const ClumpRules *rules, ClumpBlock *block)
{
    const uint16_t *chars = block->chars;
    size_t n = 0, start = 0;
    block->is_plain = true;
    for (size_t i = 0; i < block->n_chars; i++) {
        bool is_end = i + 1 == block->n_chars || !clump_clings(rules, chars[i], chars[i + 1]);
        uint16_t alone = rules->alone[chars[i]];
        bool is_told = (is_end & (start == i)) && alone < CLUMP_OTHER;
        block->is_plain &= alone != CLUMP_OTHER;
        block->alone[i] = is_told ? alone : CLUMP_NO_ID;
        block->starts[n] = (uint32_t)start;
        block->ends[n] = (uint32_t)i + 1;
        n += is_end & !is_told;
        start = is_end ? i + 1 : start;
    }
    block->n_clumps = n;
}

size_t KERNEL(clump_put)(const ClumpRules *rules, const ClumpBlock *block, size_t begin, size_t end, int32_t *ids)
{
    size_t n = 0;
    for (size_t i = begin; i < end; i++) {
        uint16_t id = block->alone[i] == CLUMP_NO_ID ? block->found[i] : block->alone[i];
        ids[n] = id;
        n += id < CLUMP_BYTES;
        if (id == CLUMP_BYTES)
            n += spell(rules, block->chars[i], ids + n);
    }
    return n;
}

#endif

void KERNEL(clump_announce)(const SmallEntry *small, ClumpBlock *block)
{
    for (size_t i = 0, n = block->n_clumps; i < n; i++) {
        size_t start = block->starts[i];
        uint64_t key[2];
        clump_key(block->chars + start, block->ends[i] - start, key);
        size_t bucket = word_small_bucket(key);
        block->keys[i][0] = key[0];
        block->keys[i][1] = key[1];
        block->buckets[i] = (uint32_t)bucket;
        __builtin_prefetch(&small[2 * bucket]);
    }
}

/* A clump's entry, and eight places of its ids at once: there are five. */
#if defined __AVX2__

static inline const SmallEntry *find_entry(const SmallEntry *bucket, const uint64_t *key, bool *is_known)
{
    __m128i sought = _mm_loadu_si128((const __m128i *)key);
    __m128i first = _mm_xor_si128(sought, _mm_loadu_si128((const __m128i *)bucket));
    __m128i second = _mm_xor_si128(sought, _mm_loadu_si128((const __m128i *)(bucket + 1)));
    bool is_first = _mm_testz_si128(first, first);
    *is_known = is_first | _mm_testz_si128(second, second);
    return bucket + !is_first;
}

static inline void put_ids(const SmallEntry *entry, uint16_t *found)
{
    const __m128i none = _mm_set1_epi16((short)CLUMP_NO_ID);
    _mm_storeu_si128((__m128i *)found, _mm_blend_epi16(_mm_loadu_si128((const __m128i *)entry->ids), none, 0xFF & ~((1 << CLUMP_IDS_MAX) - 1)));
}

#else

static inline const SmallEntry *find_entry(const SmallEntry *bucket, const uint64_t *key, bool *is_known)
{
    bucket += ((bucket->a ^ key[0]) | (bucket->b ^ key[1])) != 0;
    *is_known = ((bucket->a ^ key[0]) | (bucket->b ^ key[1])) == 0;
    return bucket;
}

static inline void put_ids(const SmallEntry *entry, uint16_t *found)
{
    for (int i = 0; i < CLUMP_CHARS_MAX; i++)
        found[i] = i < CLUMP_IDS_MAX ? entry->ids[i] : CLUMP_NO_ID;
}

#endif

void KERNEL(clump_find)(const SmallEntry *small, ClumpBlock *block, size_t first, float note_min)
{
    const size_t n_clumps = block->n_clumps;
    size_t n_others = 0;
    for (size_t i = first; i < n_clumps; i++) {
        bool is_known;
        const SmallEntry *entry = find_entry(small + 2 * (size_t)block->buckets[i], block->keys[i], &is_known);
        float note;
        memcpy(&note, &entry->note, sizeof note);
        put_ids(entry, block->found + block->starts[i]);
        block->others[n_others] = (uint32_t)i;
        n_others += !(is_known & (note > note_min));
    }
    block->n_others = n_others;
}
