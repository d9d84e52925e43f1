/* unigram_walk_cpu.c - see unigram_walk.h. */
#include "text/tokenizer/unigram_walk.h"

#include <float.h>
#include <math.h>

/* Every place's first step, and a row of its own. What comes next is put on its way. Returns how many go on. */
static size_t take_first_step(const WalkNode *restrict nodes, WalkBatch *batch)
{
    static const float row[WALK_STEPS] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    const uint16_t *restrict labels = batch->labels;
    uint16_t(*restrict ids)[WALK_STEPS] = batch->ids;
    float(*restrict scores)[WALK_STEPS] = batch->scores;
    WalkGoing *restrict going = batch->going;
    size_t n = 0, n_places = batch->n_places;
    for (size_t place = 1; place < n_places; place++) {
        const WalkNode *node = &nodes[labels[place]];
        memcpy(scores[place], row, sizeof row);
        scores[place][0] = node->score;
        ids[place][0] = node->id;
        going[n] = (WalkGoing){(uint32_t)place, node->base};
        n += node->label >> 31;
        __builtin_prefetch(&nodes[node->base + labels[place - 1]]);
    }
    return n;
}

/* A further step of those that go on, without a branch, into one column of the rows: of the places where pieces end, or begin. */
static inline size_t take_step(const WalkNode *restrict nodes, WalkBatch *batch, bool by_begin, size_t n, size_t step, float (*restrict scores)[WALK_STEPS],
                               uint16_t (*restrict ids)[WALK_STEPS])
{
    const uint16_t *restrict labels = batch->labels;
    WalkGoing *restrict going = batch->going;
    size_t column = step % WALK_STEPS, n_left = 0;
    uint32_t nothing;
    const float minus_infinity = -INFINITY;
    memcpy(&nothing, &minus_infinity, sizeof nothing);
    for (size_t i = 0; i < n; i++) {
        size_t place = going[i].place, row = by_begin ? place - step : place;
        uint32_t label = labels[place - step], score;
        const WalkNode *node = &nodes[going[i].base + label];
        uint32_t other = node->label ^ label;
        memcpy(&score, &node->score, sizeof score);
        score = other << 1 ? nothing : score;
        memcpy(&scores[row][column], &score, sizeof score);
        ids[row][column] = node->id;
        going[n_left] = (WalkGoing){(uint32_t)place, node->base};
        n_left += other == WALK_GOES_ON;
        __builtin_prefetch(&nodes[node->base + labels[place - step - 1]]);
    }
    return n_left;
}

/* Further rows for the words of those that still go on. */
static void open_deep_rows(WalkBatch *batch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int low = 0, high = batch->n_words - 1;
        while (low < high) {
            int middle = (low + high + 1) / 2;
            if (batch->words[middle].place <= batch->going[i].place)
                low = middle;
            else
                high = middle - 1;
        }
        WalkWord *word = &batch->words[low];
        for (uint32_t k = 0; k < word->n_chars && !word->is_deep; k++)
            for (int step = 0; step < WALK_STEPS; step++)
                batch->deep_scores[word->place + k][step] = -INFINITY;
        word->is_deep = true;
    }
}

static inline void walk_all(const WalkNode *nodes, WalkBatch *batch, bool by_begin)
{
    size_t n = take_first_step(nodes, batch);
    for (size_t step = 1; step < WALK_STEPS && n > 0; step++)
        n = take_step(nodes, batch, by_begin, n, step, batch->scores, batch->ids);
    open_deep_rows(batch, n);
    for (size_t step = WALK_STEPS; step < WALK_DEEP_STEPS && n > 0; step++)
        n = take_step(nodes, batch, by_begin, n, step, batch->deep_scores, batch->deep_ids);
    for (size_t i = 0; i < n; i++)
        batch->scores[batch->going[i].place][0] = INFINITY;  /* then so is the best sum of the word */
}

#if defined __AVX2__
#include <immintrin.h>

/* The ways to the next eight places, side by side. */
typedef struct {
    __m256 best, gaps, lengths;
} Window;

static inline void offer(Window *window, const float *scores, __m256 here, __m256 steps)
{
    __m256 sums = _mm256_add_ps(_mm256_loadu_ps(scores), here), is_better = _mm256_cmp_ps(sums, window->best, _CMP_GT_OQ);
    __m256 difference = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(sums, window->best));
    window->gaps = _mm256_blendv_ps(_mm256_min_ps(difference, window->gaps), difference, is_better);  /* of no number, min takes the gap */
    window->lengths = _mm256_blendv_ps(window->lengths, steps, is_better);
    window->best = _mm256_max_ps(sums, window->best);
}

/* One place on; what comes in at the end is the first of `more`. */
static inline __m256 moved(__m256 x, __m256 more)
{
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(x, more, 1), _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0));
}

static inline void move(Window *window, const Window *more)
{
    window->best = moved(window->best, more->best);
    window->gaps = moved(window->gaps, more->gaps);
    window->lengths = moved(window->lengths, more->lengths);
}

/* Nothing comes in: of a place that no way has led to, gap and length do not matter. */
static inline void move_alone(Window *window)
{
    window->best = moved(window->best, _mm256_set1_ps(-INFINITY));
    window->gaps = moved(window->gaps, window->gaps);
    window->lengths = moved(window->lengths, window->lengths);
}

/* From each place of a word to its end, the length of the best way's first piece, and by how much it surpasses the second best. Returns the sum of
 * the best way through the word. */
static inline float find_ways(WalkBatch *batch, const WalkWord *word, bool is_deep)
{
    const __m256 steps = _mm256_castsi256_ps(_mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8));
    const __m256 deep_steps = _mm256_castsi256_ps(_mm256_setr_epi32(9, 10, 11, 12, 13, 14, 15, 16));
    const Window none = {_mm256_set1_ps(-INFINITY), _mm256_setzero_ps(), _mm256_setzero_ps()};
    Window near = none, far = none;
    near.best = _mm256_blend_ps(none.best, _mm256_setzero_ps(), 1);
    for (size_t place = word->place + word->n_chars; place-- > word->place;) {
        __m256 here = _mm256_broadcastss_ps(_mm256_castps256_ps128(near.best));
        if (is_deep)
            move(&near, &far);
        else
            move_alone(&near);
        offer(&near, batch->scores[place], here, steps);
        if (is_deep) {
            move_alone(&far);
            offer(&far, batch->deep_scores[place], here, deep_steps);
        }
        _mm_store_ss(&batch->gaps[place], _mm256_castps256_ps128(near.gaps));
        batch->lengths[place] = (uint32_t)_mm_cvtsi128_si32(_mm_castps_si128(_mm256_castps256_ps128(near.lengths)));
    }
    return _mm256_cvtss_f32(near.best);
}

#else

static void offer(const float *scores, float here, uint32_t first_step, float *best, uint32_t *lengths, float *gaps)
{
    for (uint32_t i = 0; i < WALK_STEPS; i++) {
        float sum = scores[i] + here, difference = fabsf(sum - best[i]);
        bool is_better = sum > best[i];
        gaps[i] = is_better || difference < gaps[i] ? difference : gaps[i];
        lengths[i] = is_better ? first_step + i : lengths[i];
        best[i] = is_better ? sum : best[i];
    }
}

/* From each place of a word to its end, the length of the best way's first piece, and by how much it surpasses the second best. Returns the sum of
 * the best way through the word. */
static inline float find_ways(WalkBatch *batch, const WalkWord *word, bool is_deep)
{
    float best[WALK_CHARS_MAX + WALK_DEEP_STEPS + 1], gaps[WALK_CHARS_MAX + WALK_DEEP_STEPS + 1] = {0};
    uint32_t lengths[WALK_CHARS_MAX + WALK_DEEP_STEPS + 1] = {0}, n = word->n_chars;
    for (uint32_t i = 0; i <= n + WALK_DEEP_STEPS; i++)
        best[i] = i == 0 ? 0.0f : -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        size_t place = word->place + n - 1 - i;
        offer(batch->scores[place], best[i], 1, best + i + 1, lengths + i + 1, gaps + i + 1);
        if (is_deep)
            offer(batch->deep_scores[place], best[i], 1 + WALK_STEPS, best + i + 1 + WALK_STEPS, lengths + i + 1 + WALK_STEPS, gaps + i + 1 + WALK_STEPS);
        batch->gaps[place] = gaps[i + 1];
        batch->lengths[place] = lengths[i + 1];
    }
    return best[n];
}

#endif

static void read_way(const WalkBatch *batch, WalkWord *word)
{
    float gap = FLT_MAX;
    uint32_t n = 0;
    bool has_unknown = false;
    size_t end = word->place + word->n_chars;
    for (size_t place = word->place; place < end; n++) {
        uint32_t length = batch->lengths[place];
        gap = batch->gaps[place] < gap ? batch->gaps[place] : gap;
        place += length;
        uint16_t id = length <= WALK_STEPS ? batch->ids[place - 1][length - 1] : batch->deep_ids[place - 1][length - 1 - WALK_STEPS];
        has_unknown |= id == WALK_UNKNOWN;
        word->ids[n] = id;
    }
    word->n_ids = n;
    word->gap = gap;
    word->has_unknown = has_unknown;
    size_t place = word->place;
    for (uint32_t i = 0; i < n && has_unknown; i++) {
        word->lengths[i] = (uint8_t)batch->lengths[place];
        place += batch->lengths[place];
    }
}

void KERNEL(walk_steps)(const WalkNode *nodes, WalkBatch *batch)
{
    walk_all(nodes, batch, true);
}

/* All ways are found before the first is read: what one reads, branches on. */
void KERNEL(walk_words)(const WalkNode *nodes, WalkBatch *batch)
{
    walk_all(nodes, batch, false);
    for (int i = 0; i < batch->n_words; i++) {
        WalkWord *word = &batch->words[i];
        word->n_ids = 0;
        word->has_unknown = false;
        word->gap = word->is_deep ? find_ways(batch, word, true) : find_ways(batch, word, false);
    }
    for (int i = 0; i < batch->n_words; i++)
        if (batch->words[i].gap < INFINITY)
            read_way(batch, &batch->words[i]);
}

/* SentencePiece goes from a word's start to its end, and each sum is rounded to float when a way has been chosen, but not before: of two that are rounded
 * alike one may still be better. A sum of two floats is rounded by adding them; what that leaves out is `row - (sum - here)`, as `here` is the greater. */
#if defined __AVX2__

/* The pieces that begin at a place, by length. */
static inline void offer_behind(Window *window, const float *scores, __m256 here, __m256 steps, bool is_unknown)
{
    __m256 row = _mm256_loadu_ps(scores), sums = _mm256_add_ps(here, row);
    __m256 rest = _mm256_sub_ps(row, _mm256_sub_ps(sums, here));
    if (is_unknown)
        rest = _mm256_blend_ps(rest, _mm256_setzero_ps(), 1);  /* its sum is rounded at once */
    __m256 is_equal = _mm256_cmp_ps(sums, window->best, _CMP_EQ_OQ), is_more = _mm256_cmp_ps(rest, _mm256_setzero_ps(), _CMP_GT_OQ);
    __m256 is_better = _mm256_or_ps(_mm256_cmp_ps(sums, window->best, _CMP_GT_OQ), _mm256_and_ps(is_equal, is_more));
    window->lengths = _mm256_blendv_ps(window->lengths, steps, is_better);
    window->best = _mm256_max_ps(sums, window->best);
}

static inline float find_way_behind(WalkBatch *batch, const WalkWord *word, float path_score, bool is_deep)
{
    const __m256 steps = _mm256_castsi256_ps(_mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8));
    const __m256 deep_steps = _mm256_castsi256_ps(_mm256_setr_epi32(9, 10, 11, 12, 13, 14, 15, 16));
    const Window none = {_mm256_set1_ps(-INFINITY), _mm256_setzero_ps(), _mm256_setzero_ps()};
    Window near = none, far = none;
    __m256 here = _mm256_set1_ps(path_score);
    for (size_t place = word->place, end = place + word->n_chars; place < end; place++) {
        offer_behind(&near, batch->scores[place], here, steps, batch->ids[place][0] == WALK_UNKNOWN);
        if (is_deep)
            offer_behind(&far, batch->deep_scores[place], here, deep_steps, false);
        here = _mm256_broadcastss_ps(_mm256_castps256_ps128(near.best));
        batch->lengths[place] = (uint32_t)_mm_cvtsi128_si32(_mm_castps_si128(_mm256_castps256_ps128(near.lengths)));
        near.best = moved(near.best, far.best);
        near.lengths = moved(near.lengths, far.lengths);
        move_alone(&far);
    }
    return _mm256_cvtss_f32(here);
}

#else

static inline void offer_behind(const float *scores, float here, uint32_t first_step, bool is_unknown, float *best, uint32_t *lengths)
{
    for (uint32_t i = 0; i < WALK_STEPS; i++) {
        float row = scores[i], sum = here + row, rest = is_unknown && i == 0 ? 0.0f : row - (sum - here);
        bool is_better = sum > best[i] || (sum == best[i] && rest > 0.0f);
        best[i] = is_better ? sum : best[i];
        lengths[i] = is_better ? first_step + i : lengths[i];
    }
}

static inline float find_way_behind(WalkBatch *batch, const WalkWord *word, float path_score, bool is_deep)
{
    float best[WALK_CHARS_MAX + WALK_DEEP_STEPS + 1];
    uint32_t lengths[WALK_CHARS_MAX + WALK_DEEP_STEPS + 1] = {0}, n = word->n_chars;
    for (uint32_t i = 0; i <= n + WALK_DEEP_STEPS; i++)
        best[i] = i == 0 ? path_score : -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        size_t place = word->place + i;
        offer_behind(batch->scores[place], best[i], 1, batch->ids[place][0] == WALK_UNKNOWN, best + i + 1, lengths + i + 1);
        if (is_deep)
            offer_behind(batch->deep_scores[place], best[i], 1 + WALK_STEPS, false, best + i + 1 + WALK_STEPS,
                         lengths + i + 1 + WALK_STEPS);
        batch->lengths[place] = lengths[i + 1];
    }
    return best[n];
}

#endif

float KERNEL(walk_behind)(WalkBatch *batch, WalkWord *word, float path_score)
{
    path_score = word->is_deep ? find_way_behind(batch, word, path_score, true) : find_way_behind(batch, word, path_score, false);
    word->n_ids = 0;
    word->has_unknown = false;
    if (path_score == INFINITY)
        return path_score;
    for (size_t end = word->place + word->n_chars; end > word->place; end -= batch->lengths[end - 1])
        word->n_ids++;
    size_t end = word->place + word->n_chars;
    for (uint32_t i = word->n_ids; i-- > 0;) {
        uint32_t length = batch->lengths[end - 1];
        end -= length;
        uint16_t id = length <= WALK_STEPS ? batch->ids[end][length - 1] : batch->deep_ids[end][length - 1 - WALK_STEPS];
        word->ids[i] = id;
        word->lengths[i] = (uint8_t)length;
        word->has_unknown |= id == WALK_UNKNOWN;
    }
    return path_score;
}
