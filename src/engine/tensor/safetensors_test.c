#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"
#include "engine/tensor/safetensors.h"

#include <stdio.h>
#include <stdlib.h>

/* The ramp of make_safetensors.py. */
static double ramp(DType dtype, int64_t i)
{
    bool is_float = dtype == DTYPE_F32 || dtype == DTYPE_F64 || dtype == DTYPE_BF16;
    return is_float ? 0.25 * (double)i - 1.0 : (double)i;
}

static void fill_ramp(const Tensor *tensor)
{
    for (int64_t i = 0; i < tensor_count(tensor); i++)
        tensor_set(tensor, i, ramp(tensor->dtype, i));
}

static int64_t count_off_ramp(const Tensor *tensor, double shift)
{
    int64_t n = 0;
    for (int64_t i = 0; i < tensor_count(tensor); i++)
        n += tensor_get(tensor, i) != ramp(tensor->dtype, i) + shift;
    return n;
}

/* Reads `name` into a buffer of 64 doubles as `dtype`. */
static Tensor read_as(const Safetensors *file, const char *name, DType dtype, double buffer[64])
{
    const SafeTensor *found;
    Shape shape = {0};
    Tensor into = tensor_contiguous(dtype, shape, buffer);
    if (!CHECK_OK(safetensors_find(&found, file, name)) || !CHECK_OK(safetensors_shape(&shape, found)))
        return into;
    into = tensor_contiguous(dtype, shape, buffer);
    CHECK_OK(safetensors_read(found, &into));
    return into;
}

/* Goal: what the reference implementation writes, we read: every dtype, scalars, empty tensors, awkward names.
 * Method: a golden whose values follow a formula (tests/golden/make_safetensors.py). */
TEST(safetensors, golden_of_the_reference_is_read)
{
    Safetensors *file;
    REQUIRE_OK(safetensors_open(&file, test_source_path("tests/golden/safetensors/everything.safetensors")));
    CHECK_EQUAL(safetensors_count(file), 15);
    CHECK_STRING(safetensors_metadata(file, "작성"), "golden");
    CHECK(safetensors_metadata(file, "missing") == NULL);
    double b[64];
    static const struct {
        const char *name;
        DType dtype;
        double shift;
    } ramps[] = {{"f64", DTYPE_F64, 0}, {"f32", DTYPE_F32, 0}, {"f32", DTYPE_BF16, 0}, {"f32", DTYPE_F64, 0},
                 {"bf16", DTYPE_BF16, 0}, {"bf16", DTYPE_F32, 0}, {"i64", DTYPE_I64, -0x1p40}, {"i32", DTYPE_I32, 0},
                 {"u8", DTYPE_U8, 0}, {"한글 \"이름\"\\\n", DTYPE_F32, 0}};
    for (size_t i = 0; i < sizeof ramps / sizeof ramps[0]; i++) {
        Tensor t = read_as(file, ramps[i].name, ramps[i].dtype, b);
        CHECK(tensor_count(&t) > 1);
        CHECK_EQUAL(count_off_ramp(&t, ramps[i].shift), 0);
    }
    Tensor scalar = read_as(file, "scalar", DTYPE_F32, b);
    CHECK_CLOSE(tensor_get(&scalar, 0), 2.5, 0.0);
    Tensor empty = read_as(file, "empty", DTYPE_F32, b);
    CHECK(shape_equal(empty.shape, shape_2(0, 7)));
    Tensor half = read_as(file, "f16", DTYPE_F32, b);
    static const double halves[] = {0.0, -0.0, 1.0, -2.5, 65504.0, 0x1p-24, 0x1p-14, INFINITY};
    for (int i = 0; i < 8; i++)
        CHECK(tensor_get(&half, i) == halves[i] && signbit(tensor_get(&half, i)) == signbit(halves[i]));
    safetensors_close(file);
}

/* Goal: what we cannot hold is listed, and refused by name when asked for. */
TEST(safetensors, foreign_dtypes_are_listed_and_refused_by_name)
{
    Safetensors *file;
    REQUIRE_OK(safetensors_open(&file, test_source_path("tests/golden/safetensors/everything.safetensors")));
    static const char *const names[] = {"i16", "i8", "bool", "f8_e4m3"};
    const SafeTensor *t;
    DType dtype;
    double b[64];
    for (int i = 0; i < 4; i++) {
        REQUIRE_OK(safetensors_find(&t, file, names[i]));
        CHECK_EQUAL(safetensors_dtype(&dtype, t), ERR_UNSUPPORTED);
        CHECK(strstr(err_message(), names[i]) && strstr(err_message(), t->dtype_name));
    }
    REQUIRE_OK(safetensors_find(&t, file, "five"));
    CHECK_EQUAL(t->n_dims, 5);
    CHECK_EQUAL(t->n_elements, 2);
    Tensor into = tensor_contiguous(DTYPE_F32, shape_1(2), b);
    CHECK_EQUAL(safetensors_read(t, &into), ERR_UNSUPPORTED);
    float second = 0.0f;
    CHECK_OK(safetensors_read_range(t, 1, 1, DTYPE_F32, &second));
    CHECK_CLOSE(second, -0.75, 0.0);
    REQUIRE_OK(safetensors_find(&t, file, "i32"));
    into = tensor_contiguous(DTYPE_F32, shape_1(5), b);
    CHECK_EQUAL(safetensors_read(t, &into), ERR_UNSUPPORTED);
    into = tensor_contiguous(DTYPE_I32, shape_2(1, 5), b);
    CHECK_EQUAL(safetensors_read(t, &into), ERR_FORMAT);
    CHECK(strstr(err_message(), "[5]") && strstr(err_message(), "[1, 5]"));
    CHECK_EQUAL(safetensors_find(&t, file, "nobody"), ERR_FORMAT);
    CHECK(strstr(err_message(), "nobody"));
    safetensors_close(file);
}

static const SafetensorsEntry golden_entries[] = {
    {"b.weight", DTYPE_F32, {2, {2, 3}}}, {"a.weight", DTYPE_BF16, {1, {3}}},  {"c.step", DTYPE_I64, {1, {1}}},
    {"e.byte", DTYPE_U8, {1, {3}}},      {"d.empty", DTYPE_F32, {2, {0, 2}}}, {"q\"\\\t한글", DTYPE_F64, {0, {0}}},
    {"i.ids", DTYPE_I32, {1, {2}}},
};
enum { N_GOLDEN_ENTRIES = sizeof golden_entries / sizeof golden_entries[0] };

static Err write_golden_copy(const char *path, uint64_t *hash)
{
    SafetensorsEntry entries[N_GOLDEN_ENTRIES];
    memcpy(entries, golden_entries, sizeof entries);
    safetensors_sort_entries(entries, N_GOLDEN_ENTRIES);
    SafetensorsWriter *writer;
    TRY(safetensors_writer_open(&writer, path, entries, N_GOLDEN_ENTRIES));
    Err err = OK;
    for (int i = 0; i < N_GOLDEN_ENTRIES && err == OK; i++) {
        double b[16];
        Tensor t = tensor_contiguous(entries[i].dtype, entries[i].shape, b);
        fill_ramp(&t);
        if (entries[i].dtype == DTYPE_I64)
            tensor_set(&t, 0, 7);
        if (entries[i].dtype == DTYPE_F64)
            tensor_set(&t, 0, 0.5);
        err = safetensors_writer_tensor(writer, &t);
    }
    if (err != OK) {
        safetensors_writer_abort(writer);
        return err;
    }
    return safetensors_writer_commit(writer, hash);
}

/* Goal: our file and the reference's are the same bytes, so whoever reads one reads the other. */
TEST(safetensors, written_file_equals_the_reference_byte_for_byte)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/ours.safetensors", test_dir()), *got, *want;
    uint64_t hash, hash_on_disk;
    size_t n_got, n_want;
    REQUIRE_OK(write_golden_copy(path, &hash));
    REQUIRE_OK(file_read(&got, &n_got, arena, path));
    REQUIRE_OK(file_read(&want, &n_want, arena, test_source_path("tests/golden/safetensors/written.safetensors")));
    CHECK_EQUAL(n_got, n_want);
    CHECK(n_got == n_want && memcmp(got, want, n_got) == 0);
    CHECK_OK(file_hash(&hash_on_disk, path));
    CHECK(hash == hash_on_disk);
    arena_free(arena);
}

/* Goal: strides are the caller's business on both ways. Method: write a transposed view, read it into a slice. */
TEST(safetensors, strided_tensors_are_written_and_read)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/t.safetensors", test_dir());
    float block[12], wide[4 * 5];
    Tensor rows = tensor_contiguous(DTYPE_F32, shape_2(3, 4), block);
    fill_ramp(&rows);
    Tensor columns = {DTYPE_F32, shape_2(4, 3), {1, 4}, block};
    SafetensorsEntry entry = {"t", DTYPE_F32, shape_2(4, 3)};
    SafetensorsWriter *writer;
    REQUIRE_OK(safetensors_writer_open(&writer, path, &entry, 1));
    CHECK_OK(safetensors_writer_tensor(writer, &columns));
    REQUIRE_OK(safetensors_writer_commit(writer, NULL));

    Safetensors *file;
    REQUIRE_OK(safetensors_open(&file, path));
    memset(wide, 0, sizeof wide);
    Tensor slice = {DTYPE_F32, shape_2(4, 3), {5, 1}, wide + 1};
    CHECK_OK(safetensors_read(safetensors_at(file, 0), &slice));
    for (int r = 0; r < 4; r++) {
        CHECK_CLOSE(wide[r * 5], 0.0, 0.0);
        CHECK_CLOSE(wide[r * 5 + 4], 0.0, 0.0);
        for (int c = 0; c < 3; c++)
            CHECK_CLOSE(wide[r * 5 + 1 + c], ramp(DTYPE_F32, c * 4 + r), 0.0);
    }
    safetensors_close(file);
    arena_free(arena);
}

/* Goal: until commit there is no file, and giving up leaves none. */
TEST(safetensors, an_abandoned_file_is_absent)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/gone.safetensors", test_dir());
    SafetensorsEntry entry = {"t", DTYPE_U8, shape_1(3)};
    SafetensorsWriter *writer;
    REQUIRE_OK(safetensors_writer_open(&writer, path, &entry, 1));
    CHECK_OK(safetensors_writer_bytes(writer, "ab", 2));
    CHECK(!file_exists(path));
    safetensors_writer_abort(writer);
    char **names;
    int n_names;
    CHECK_OK(file_list_dir(&names, &n_names, arena, test_dir()));
    CHECK_EQUAL(n_names, 0);
    arena_free(arena);
}

/* Goal: a sharded checkpoint reads like one file, by folder or by index; what the index does not name is not there. */
TEST(safetensors, shards_are_opened_as_one)
{
    static const char *const ways[] = {"tests/golden/safetensors",
                                       "tests/golden/safetensors/model.safetensors.index.json"};
    for (int i = 0; i < 2; i++) {
        Safetensors *file;
        REQUIRE_OK(safetensors_open(&file, test_source_path(ways[i])));
        CHECK_EQUAL(safetensors_count(file), 3);
        CHECK_STRING(safetensors_at(file, 0)->name, "w1");
        CHECK(!safetensors_has(file, "stray"));
        CHECK_STRING(safetensors_metadata(file, "format"), "pt");
        double b[64];
        static const char *const names[] = {"w0", "w1", "w2"};
        for (int t = 0; t < 3; t++) {
            Tensor tensor = read_as(file, names[t], DTYPE_F32, b);
            CHECK_EQUAL(tensor_count(&tensor), t == 0 ? 3 : t == 1 ? 4 : 2);
            CHECK_EQUAL(count_off_ramp(&tensor, 0), 0);
        }
        safetensors_close(file);
    }
}

/* --- what a file can get wrong --- */

typedef struct {
    const char *header;
    int n_data_bytes;
    Err want;
    const char *message;  /* a part of it */
} Broken;

static void check_opening(const char *path, const Broken *broken)
{
    Safetensors *file;
    Err err = safetensors_open(&file, path);
    if (err == OK)
        safetensors_close(file);
    bool holds = err == broken->want && (err == OK || (strstr(err_message(), broken->message) && strstr(err_message(), path)));
    if (!CHECK(holds))
        printf("    %.120s\n    gave %s: %s\n    want %s\n", broken->header, err_name(err), err ? err_message() : "",
               broken->message);
}

/* 8 bytes of length, the header, zeros. */
static Err write_file(const char *path, uint64_t length, const char *header, int n_data_bytes)
{
    FileWriter *writer;
    TRY(file_writer_open(&writer, path));
    file_writer_write(writer, &length, sizeof length);
    file_writer_write(writer, header, strlen(header));
    for (int i = 0; i < n_data_bytes; i++)
        file_writer_write(writer, "", 1);
    return file_writer_commit(writer);
}

#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

TEST(safetensors, every_broken_header_is_named)
{
    static const Broken cases[] = {
        {"{}", 0, OK, ""},
        {"{\"a\":" T("F32", "[1]", 0, 4) "}   ", 4, OK, ""},
        {"{\"a\":" T("F32", "[1]", 1, 5) ",\"b\":" T("U8", "[1]", 0, 1) "}", 5, OK, ""},  /* unaligned is read */
        {"{\"a\":" T("F32", "[0]", 0, 0) ",\"b\":" T("F32", "[1]", 0, 4) ",\"c\":" T("F32", "[0,9]", 4, 4) "}", 4, OK, ""},
        {"{\"a\":" T("F4", "[2,3]", 0, 3) "}", 3, OK, ""},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":[{}]}}", 1, OK, ""},
        {"", 0, ERR_FORMAT, "does not start with {"},
        {"[]", 0, ERR_FORMAT, "does not start with {"},
        {" {}", 0, ERR_FORMAT, "does not start with {"},
        {"{}x", 0, ERR_FORMAT, ""},
        {"{\"a\":", 0, ERR_FORMAT, ""},
        {"{\"a\":3}", 0, ERR_FORMAT, ""},
        {"{\"a\":" T("F4", "[3]", 0, 1) "}", 1, ERR_FORMAT, "whole bytes"},
        {"{\"a\":" T("F99", "[1]", 0, 4) "}", 4, ERR_UNSUPPORTED, "F99"},
        {"{\"a\":" T("f32", "[1]", 0, 4) "}", 4, ERR_UNSUPPORTED, "f32"},
        {"{\"a\":" T("F32", "[1]", 0, 4) "}", 3, ERR_FORMAT, "\"a\": data_offsets [0, 4] reach beyond"},
        {"{\"a\":" T("F32", "[1]", 0, 4) "}", 5, ERR_FORMAT, "1 bytes after the last tensor"},
        {"{}", 1, ERR_FORMAT, "1 bytes after"},
        {"{\"a\":" T("F32", "[2]", 0, 4) "}", 4, ERR_FORMAT, "need 8 bytes, found 4"},
        {"{\"a\":" T("F32", "[0]", 0, 4) "}", 4, ERR_FORMAT, "need 0 bytes, found 4"},
        {"{\"a\":" T("F32", "[1]", 4, 0) "}", 4, ERR_FORMAT, "run backwards"},
        {"{\"a\":" T("F32", "[1]", -4, 0) "}", 4, ERR_FORMAT, "run backwards"},
        {"{\"a\":" T("U8", "[2]", 0, 2) ",\"b\":" T("U8", "[2]", 1, 3) "}", 3, ERR_FORMAT, "\"b\" at offset"},
        {"{\"a\":" T("U8", "[2]", 0, 2) ",\"b\":" T("U8", "[2]", 0, 2) "}", 2, ERR_FORMAT, "overlaps"},
        {"{\"a\":" T("U8", "[2]", 0, 2) ",\"b\":" T("U8", "[2]", 3, 5) "}", 5, ERR_FORMAT, "leaves a gap"},
        {"{\"a\":" T("U8", "[2]", 1, 3) "}", 3, ERR_FORMAT, "leaves a gap"},
        {"{\"a\":" T("U8", "[1]", 0, 1) ",\"a\":" T("U8", "[1]", 1, 2) "}", 2, ERR_FORMAT, "is there twice"},
        {"{\"a\":" T("U8", "[1]", 0, 1) ",\"\\u0061\":" T("U8", "[1]", 1, 2) "}", 2, ERR_FORMAT, "is there twice"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", 0, 0) "}", 0, ERR_FORMAT, "no size"},
        {"{\"a\":" T("F64", "[2305843009213693952]", 0, 0) "}", 0, ERR_FORMAT, "no size"},
        {"{\"a\":" T("F64", "[0,4294967296,4294967296]", 0, 0) "}", 0, ERR_FORMAT, "no size"},
        {"{\"a\":" T("F32", "[-1]", 0, 0) "}", 0, ERR_FORMAT, "a dimension of -1"},
        {"{\"a\":" T("F32", "[1.5]", 0, 0) "}", 0, ERR_FORMAT, ""},
        {"{\"a\":" T("F32", "[99999999999999999999]", 0, 0) "}", 0, ERR_FORMAT, ""},
        {"{\"a\":" T("U8", "[1]", 9223372036854775807, 9223372036854775807) "}", 0, ERR_FORMAT, "reach beyond"},
        {"{\"a\":" T("U8", "[1]", 0, 9223372036854775807) "}", 1, ERR_FORMAT, "reach beyond"},
        {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, ERR_FORMAT,
         "more than 32 dimensions"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, ERR_FORMAT, "has no dtype"},
        {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, ERR_FORMAT, "has no shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, ERR_FORMAT, "has no data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"dtype\":\"U8\"}}", 1, ERR_FORMAT, "twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, ERR_FORMAT, "needs two numbers"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, ERR_FORMAT, "more than two"},
        {"{\"a\\u0000b\":" T("U8", "[1]", 0, 1) "}", 1, ERR_FORMAT, "NUL"},
        {"{\"__metadata__\":{\"a\":1}}", 0, ERR_FORMAT, ""},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, ERR_FORMAT, "given twice"},
    };
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/broken.safetensors", test_dir());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REQUIRE_OK(write_file(path, strlen(cases[i].header), cases[i].header, cases[i].n_data_bytes));
        check_opening(path, &cases[i]);
    }
    arena_free(arena);
}

TEST(safetensors, header_lengths_beyond_reason_are_refused)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/long.safetensors", test_dir());
    static const struct {
        uint64_t length;
        const char *message;
    } cases[] = {{3, "a header of 3 bytes in a file of 10"},
                 {100000001, "the format allows"},
                 {UINT64_MAX, "the format allows"},
                 {0, "does not start with {"}};
    for (int i = 0; i < 4; i++) {
        REQUIRE_OK(write_file(path, cases[i].length, "{}", 0));
        check_opening(path, &(Broken){"{}", 0, ERR_FORMAT, cases[i].message});
    }
    REQUIRE_OK(file_write(path, "1234567", 7));
    check_opening(path, &(Broken){"", 0, ERR_FORMAT, "too few"});
    REQUIRE_OK(file_write(path, "", 0));
    check_opening(path, &(Broken){"", 0, ERR_FORMAT, "too few"});
    check_opening(arena_printf(arena, "%s/absent", test_dir()), &(Broken){"", 0, ERR_IO, ""});
    check_opening(test_dir(), &(Broken){"", 0, ERR_IO, "holds neither"});
    arena_free(arena);
}

TEST(safetensors, every_broken_index_is_named)
{
    static const Broken cases[] = {
        {"{\"weight_map\":{}}", 0, OK, ""},
        {"{\"metadata\":{\"total_size\":4},\"weight_map\":{\"a\":\"s.safetensors\"}}", 0, OK, ""},
        {"{\"weight_map\":{\"b\":\"s.safetensors\"}}", 0, ERR_FORMAT, "tensor \"b\" is not in s.safetensors"},
        {"{\"weight_map\":{\"a\":\"s.safetensors\",\"a\":\"s.safetensors\"}}", 0, ERR_FORMAT, "is there twice"},
        {"{\"weight_map\":{\"a\":\"../s.safetensors\"}}", 0, ERR_FORMAT, "not a file beside"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", 0, ERR_FORMAT, "not a file beside"},
        {"{\"weight_map\":{\"a\":\"\"}}", 0, ERR_FORMAT, "not a file beside"},
        {"{\"weight_map\":{},\"weight_map\":{}}", 0, ERR_FORMAT, "given twice"},
        {"{\"weight_map\":[]}", 0, ERR_FORMAT, ""},
        {"{}", 0, ERR_FORMAT, "no weight_map"},
        {"[]", 0, ERR_FORMAT, ""},
    };
    Arena *arena = arena_new();
    const char *shard = "{\"a\":" T("F32", "[1]", 0, 4) "}";
    const char *path = arena_printf(arena, "%s/m.index.json", test_dir());
    REQUIRE_OK(write_file(arena_printf(arena, "%s/s.safetensors", test_dir()), strlen(shard), shard, 4));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REQUIRE_OK(file_write(path, cases[i].header, strlen(cases[i].header)));
        check_opening(path, &cases[i]);
    }
    arena_free(arena);
}
