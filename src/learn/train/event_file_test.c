/* event_file_test.c - frames and messages as the formats fix them; tests/oracle/check_tensorboard.py lets TensorBoard itself read a run. */
#include "learn/train/event_file.h"

#include "base/crc32c.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/protobuf.h"
#include "base/test.h"

/* The vectors of RFC 3720, B.4, and the check value of the catalogue of CRCs. */
TEST(crc32c, equals_published_vectors)
{
    unsigned char bytes[32];
    CHECK_EQUAL(crc32c("123456789", 9), 0xE3069283);
    CHECK_EQUAL(crc32c("", 0), 0);
    memset(bytes, 0, 32);
    CHECK_EQUAL(crc32c(bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    CHECK_EQUAL(crc32c(bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    CHECK_EQUAL(crc32c(bytes, 32), 0x46DD794E);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    CHECK_EQUAL(crc32c(bytes, 32), 0x113FDB5C);
}

/* The encodings that the guide itself works out: field 1 = 150 is 08 96 01, field 2 = "testing", field 3 holds the first. */
TEST(protobuf, equals_the_examples_of_its_guide)
{
    Protobuf inner = {0}, outer = {0};
    protobuf_int(&inner, 1, 150);
    CHECK(inner.n_bytes == 3 && memcmp(inner.bytes, "\x08\x96\x01", 3) == 0);
    protobuf_message(&outer, 3, &inner);
    CHECK(outer.n_bytes == 5 && memcmp(outer.bytes, "\x1a\x03\x08\x96\x01", 5) == 0);
    CHECK_EQUAL(inner.n_bytes, 0);
    protobuf_clear(&outer);
    protobuf_text(&outer, 2, "testing");
    CHECK(outer.n_bytes == 9 && memcmp(outer.bytes, "\x12\x07testing", 9) == 0);
    protobuf_clear(&outer);
    protobuf_int(&outer, 1, -1);
    CHECK(outer.n_bytes == 11 && outer.bytes[10] == 1);
    protobuf_clear(&outer);
    protobuf_float(&outer, 2, 1.0f);
    CHECK(outer.n_bytes == 5 && memcmp(outer.bytes, "\x15\0\0\x80\x3f", 5) == 0);
    protobuf_clear(&outer);
    protobuf_doubles(&outer, 6, (double[]){1.0}, 1);
    CHECK(outer.n_bytes == 10 && memcmp(outer.bytes, "\x32\x08\0\0\0\0\0\0\xf0\x3f", 10) == 0);
    protobuf_free(&inner);
    protobuf_free(&outer);
}

static uint64_t little(const unsigned char *at, int n_bytes)
{
    uint64_t value = 0;
    for (int i = n_bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* Undoes the mask, by the reader's own formula (record_reader). */
static uint32_t unmasked(uint64_t stored)
{
    uint32_t rotated = (uint32_t)stored - 0xA282EAD8u;
    return rotated >> 17 | rotated << 15;
}

typedef struct {
    Arena *arena;
    const unsigned char *bytes;
    size_t n_bytes;
    int n_records;
    const unsigned char *record[8];
    size_t n_record_bytes[8];
} Read;

static void read_back(Read *r)
{
    char **names;
    int n_names;
    const char *text;
    *r = (Read){.arena = arena_new()};
    REQUIRE_OK(file_list_dir(&names, &n_names, r->arena, test_dir()));
    REQUIRE(n_names == 1 && strstr(names[0], "events.out.tfevents."));
    REQUIRE_OK(file_read(&text, &r->n_bytes, r->arena, arena_printf(r->arena, "%s/%s", test_dir(), names[0])));
    r->bytes = (const unsigned char *)text;
    for (size_t at = 0; at < r->n_bytes && r->n_records < 8;) {
        uint64_t n = little(r->bytes + at, 8);
        CHECK_EQUAL(unmasked(little(r->bytes + at + 8, 4)), crc32c(r->bytes + at, 8));
        REQUIRE(at + 16 + n <= r->n_bytes);
        CHECK_EQUAL(unmasked(little(r->bytes + at + 12 + n, 4)), crc32c(r->bytes + at + 12, n));
        r->record[r->n_records] = r->bytes + at + 12;
        r->n_record_bytes[r->n_records++] = n;
        at += 16 + n;
    }
}

static bool holds(const Read *r, int record, const char *bytes, size_t n_bytes)
{
    return record < r->n_records && memmem(r->record[record], r->n_record_bytes[record], bytes, n_bytes);
}

TEST(event_file, records_are_framed_and_say_what_was_written)
{
    EventFile *file;
    REQUIRE_OK(event_file_open(&file, test_dir(), 0));
    CHECK_OK(event_file_scalar(file, 300, "loss/train", 1.0));
    CHECK_OK(event_file_text(file, 300, "sample", "한\nb\xFF"));
    event_file_close(file);
    Read r;
    read_back(&r);
    REQUIRE(r.n_records == 3);
    CHECK(holds(&r, 0, "\x1a\x0d" "brain.Event:2", 15));
    CHECK(holds(&r, 1, "\x10\xac\x02", 3));                                          /* step 300 */
    CHECK(holds(&r, 1, "\x2a\x13\x0a\x11\x0a\x0aloss/train\x15\0\0\x80\x3f", 21));  /* summary, value, tag, simple_value */
    CHECK(holds(&r, 2, "    한\n    b\xEF\xBF\xBD", 16));
    CHECK(holds(&r, 2, "\x0a\x06" "\x0a\x04text", 8));
    arena_free(r.arena);
}

TEST(event_file, a_resumed_run_marks_where_it_goes_on)
{
    EventFile *file;
    REQUIRE_OK(event_file_open(&file, test_dir(), 17));
    event_file_close(file);
    Read r;
    read_back(&r);
    REQUIRE(r.n_records == 2);
    CHECK(holds(&r, 1, "\x10\x11\x3a\x02\x08\x01", 6));  /* step 17, session_log { status: START } */
    arena_free(r.arena);
}

static void read_floats(const void *context, int64_t first, int64_t n, float *values)
{
    memcpy(values, (const float *)context + first, sizeof *values * (size_t)n);
}

/* Goal: counts, sums and ends are those of the values. Method: known values; the message's fixed fields are read back as doubles. */
TEST(event_file, a_histogram_counts_every_finite_value_once)
{
    float values[] = {0.0f, 1.0f, 1.0f, -2.0f, 1e-20f, NAN, INFINITY, 1e30f};
    EventFile *file;
    EventHistogram *histogram = event_histogram_new();
    event_histogram_add(histogram, &(EventValues){read_floats, values, 8}, 0.5);
    REQUIRE_OK(event_file_open(&file, test_dir(), 0));
    CHECK_OK(event_file_histogram(file, 1, "weights/w", histogram));
    event_file_close(file);
    event_histogram_free(histogram);
    Read r;
    read_back(&r);
    REQUIRE(r.n_records == 2);
    double wanted[] = {-1.0, 5e29, 6.0};  /* min, max, number */
    for (int i = 0; i < 3; i++) {
        char field[9] = {(char)((i + 1) << 3 | 1)};
        double value = i == 1 ? (double)1e30f * 0.5 : wanted[i];
        memcpy(field + 1, &value, 8);
        CHECK(holds(&r, 1, field, 9));
    }
    arena_free(r.arena);
}

/* Goal: each value lies below its bucket's limit and not below the one before, on any number of threads. Method: the values just beside limits and
 * between them, by the definition 1e-12 * 1.1^i; a million values in many pieces, counted on one thread and on three. */
TEST(event_histogram, values_fall_between_their_limits)
{
    EventHistogram *histogram = event_histogram_new();
    double limits[EVENT_HISTOGRAM_BUCKETS], counts[EVENT_HISTOGRAM_BUCKETS];
    for (int i = 0; i < 700; i += 3)
        for (int side = -1; side <= 1; side++)
            for (int sign = -1; sign <= 1; sign += 2) {
                float value = (float)(sign * 1e-12 * pow(1.1, i) * (1 + 1e-6 * side));
                event_histogram_clear(histogram);
                event_histogram_add(histogram, &(EventValues){read_floats, &value, 1}, 1);
                size_t n = event_histogram_buckets(histogram, limits, counts);
                REQUIRE(n == 2 && counts[0] == 0 && counts[1] == 1);
                double low = (double)value * (1 - sign * 1e-12), high = (double)value * (1 + sign * 1e-12);
                CHECK(limits[0] <= high && limits[1] >= low && (i == 0 || fabs(limits[1] / limits[0]) < 1.11 || fabs(limits[0] / limits[1]) < 1.11));
            }
    event_histogram_free(histogram);
}

static void read_waves(const void *context, int64_t first, int64_t n, float *values)
{
    (void)context;
    for (int64_t i = 0; i < n; i++)
        values[i] = sinf((float)(first + i)) * 1e-3f;
}

TEST(event_histogram, sums_do_not_depend_on_threads)
{
    EventHistogram *histogram = event_histogram_new();
    EventHistogramSums sums[2];
    int n_threads = parallel_threads();
    for (int k = 0; k < 2; k++) {
        parallel_set_threads(1 + 2 * k);
        event_histogram_clear(histogram);
        event_histogram_add(histogram, &(EventValues){read_waves, NULL, 5000001}, 2);
        sums[k] = event_histogram_sums(histogram);
    }
    parallel_set_threads(n_threads);
    CHECK_CLOSE(sums[0].n, 5000001, 0);
    CHECK_CLOSE(sums[0].sum, sums[1].sum, 0);
    CHECK_CLOSE(sums[0].sum_squares, sums[1].sum_squares, 0);
    CHECK_CLOSE(sums[0].sum_squares, 4e-6 / 2 * 5000001, 1e-4);
    CHECK_CLOSE(sums[0].max, 2e-3, 1e-9);
    event_histogram_free(histogram);
}
