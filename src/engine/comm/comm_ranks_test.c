/* comm_ranks_test.c - what holds in a group of any size. comm_test.c starts this very test on 1 to 4 MPI ranks; run by
 * itself it is a group of one. */
#include "base/arena.h"
#include "base/test.h"
#include "engine/comm/comm_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* A value of rank r at index i; sums of such values depend on their order: magnitudes from 2^-20 to 2^20, both signs.
 * A hash of both gives sign and fraction, and the exponent through its upper bits. */
static double value_of(int rank, int64_t i)
{
    uint64_t hash = ((uint64_t)i * 0x9e3779b97f4a7c15u) ^ ((uint64_t)(rank + 1) * 0xd1342543de82ef95u);
    hash ^= hash >> 31;
    hash *= 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 29;
    uint64_t exponent = 1023 - 20 + (hash >> 52 & 0x7ff) % 41;
    uint64_t bits = (hash & 0x800fffffffffffffu) | exponent << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void fill_values(DType dtype, void *block, int64_t n, int rank)
{
    for (int64_t i = 0; i < n; i++) {
        double value = value_of(rank, i);
        if (dtype == DTYPE_F32)
            ((float *)block)[i] = (float)value;
        else if (dtype == DTYPE_F64)
            ((double *)block)[i] = value;
        else
            ((int64_t *)block)[i] = (int64_t)(1e6 * value);
    }
}

/* The tree of comm.h, told recursively: the left half is the largest power of two that leaves something on the right. */
#define DEFINE_TREE(name, type)                                            \
    static type name(const type *values, int n, CommOp op)                 \
    {                                                                      \
        if (n == 1)                                                        \
            return values[0];                                              \
        int half = 1;                                                      \
        while (half * 2 < n)                                               \
            half *= 2;                                                     \
        type a = name(values, half, op), b = name(values + half, n - half, op); \
        return op == COMM_SUM ? a + b : a > b ? a : b;                     \
    }
DEFINE_TREE(tree_f32, float)
DEFINE_TREE(tree_f64, double)
DEFINE_TREE(tree_i64, int64_t)

/* Elements of got[n] whose bits are not those of the tree over ranks, got[0] being element `first`. */
static int64_t count_off_tree(DType dtype, const void *got, int64_t first, int64_t n, int size, CommOp op)
{
    int64_t n_off = 0;
    for (int64_t i = 0; i < n; i++) {
        float f32[16];
        double f64[16];
        int64_t i64[16];
        for (int r = 0; r < size; r++) {
            f64[r] = value_of(r, first + i);
            f32[r] = (float)f64[r];
            i64[r] = (int64_t)(1e6 * f64[r]);
        }
        float want_f32 = tree_f32(f32, size, op);
        double want_f64 = tree_f64(f64, size, op);
        int64_t want_i64 = tree_i64(i64, size, op);
        const void *want = dtype == DTYPE_F32 ? (void *)&want_f32 : dtype == DTYPE_F64 ? (void *)&want_f64 : (void *)&want_i64;
        size_t n_bytes = (size_t)dtype_bytes(dtype);
        n_off += memcmp((const char *)got + (size_t)i * n_bytes, want, n_bytes) != 0;
    }
    return n_off;
}

static const DType reduced[] = {DTYPE_F32, DTYPE_F64, DTYPE_I64};

/* Goal: every element has the bits of the documented tree, at any size, also across blocks of scratch. */
static void case_all_reduce(Comm *group, Arena *arena)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 5, 17, 1000, COMM_SCRATCH_BYTES / 4 + 12345};
    for (int d = 0; d < 3; d++)
        for (int s = 0; s < 8; s++)
            for (CommOp op = COMM_SUM; op <= COMM_MAX; op++) {
                if (sizes[s] > 1000 && (op == COMM_MAX || reduced[d] != DTYPE_F32))
                    continue;
                void *values = mem_alloc((size_t)sizes[s] * 8);
                fill_values(reduced[d], values, sizes[s], comm_rank(group));
                CHECK_OK(comm_all_reduce(group, values, sizes[s], reduced[d], op));
                CHECK_EQUAL(count_off_tree(reduced[d], values, 0, sizes[s], comm_size(group), op), 0);
                free(values);
            }
    (void)arena;
}

/* Goal: a piece is the same bits whether it came by reduce-scatter or all-reduce; in place too. */
static void case_reduce_scatter(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    static const int64_t sizes[] = {0, 1, 7, 1000, COMM_SCRATCH_BYTES / 32 + 77};
    for (int d = 0; d < 3; d++)
        for (int s = 0; s < 5; s++) {
            int64_t n = sizes[s], size = dtype_bytes(reduced[d]);
            if (n > 1000 && reduced[d] != DTYPE_F64)
                continue;
            char *from = mem_alloc((size_t)(n * P * 8)), *into = arena_alloc(arena, (size_t)(n * 8));
            fill_values(reduced[d], from, n * P, rank);
            CHECK_OK(comm_reduce_scatter(group, into, from, n, reduced[d], COMM_SUM));
            CHECK_EQUAL(count_off_tree(reduced[d], into, n * rank, n, P, COMM_SUM), 0);
            CHECK_OK(comm_reduce_scatter(group, from + rank * n * size, from, n, reduced[d], COMM_SUM));
            CHECK(memcmp(from + rank * n * size, into, (size_t)(n * size)) == 0);
            free(from);
        }
}

/* Goal: a NaN on any one rank is seen by all, in sums and in maxima. */
static void case_nan_is_not_lost(Comm *group, Arena *arena)
{
    (void)arena;
    for (int bad = 0; bad < comm_size(group); bad++)
        for (CommOp op = COMM_SUM; op <= COMM_MAX; op++) {
            float f32[3] = {1.0f, comm_rank(group) == bad ? NAN : 2.0f, -INFINITY};
            double f64[2] = {comm_rank(group) == bad ? NAN : -1.0, 0.5};
            CHECK_OK(comm_all_reduce(group, f32, 3, DTYPE_F32, op));
            CHECK_OK(comm_all_reduce(group, f64, 2, DTYPE_F64, op));
            CHECK(isnan(f32[1]) && isnan(f64[0]));
            CHECK(!isnan(f32[0]) && !isnan(f64[1]) && f32[2] == -INFINITY);
        }
}

static unsigned char byte_of(int from, int to, int64_t i)
{
    return (unsigned char)(from * 31 + to * 7 + i * 13 + i / 256);
}

static int64_t count_wrong_bytes(const unsigned char *got, int64_t n, int from, int to)
{
    int64_t n_wrong = 0;
    for (int64_t i = 0; i < n; i++)
        n_wrong += got[i] != byte_of(from, to, i);
    return n_wrong;
}

static void fill_bytes(unsigned char *block, int64_t n, int from, int to)
{
    for (int64_t i = 0; i < n; i++)
        block[i] = byte_of(from, to, i);
}

static const int64_t byte_sizes[] = {0, 1, 6, 7, 8, 14, 1001};

static void case_broadcast(Comm *group, Arena *arena)
{
    for (int root = 0; root < comm_size(group); root++)
        for (int s = 0; s < 7; s++) {
            int64_t n = byte_sizes[s];
            unsigned char *block = arena_alloc(arena, (size_t)n);
            if (comm_rank(group) == root)
                fill_bytes(block, n, root, 0);
            CHECK_OK(comm_broadcast(group, block, n, root));
            CHECK_EQUAL(count_wrong_bytes(block, n, root, 0), 0);
        }
}

static void case_all_gather(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    for (int s = 0; s < 7; s++)
        for (int in_place = 0; in_place < 2; in_place++) {
            int64_t n = byte_sizes[s];
            unsigned char *into = arena_alloc(arena, (size_t)(n * P)), *from = arena_alloc(arena, (size_t)n);
            if (in_place)
                from = into + rank * n;
            fill_bytes(from, n, rank, 0);
            CHECK_OK(comm_all_gather(group, into, from, n));
            for (int r = 0; r < P; r++)
                CHECK_EQUAL(count_wrong_bytes(into + r * n, n, r, 0), 0);
        }
}

static int64_t pair_bytes(int from, int to)
{
    return (from * 3 + to * 5) % 11 * (from == 1 ? 100 : 1);  /* some are 0 */
}

static void case_all_to_all(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    int64_t n_from[16], n_into[16], from_total = 0, into_total = 0;
    unsigned char from[16 * 1100], *into = arena_alloc(arena, 16 * 1100);
    for (int r = 0; r < P; r++) {
        n_from[r] = pair_bytes(rank, r);
        n_into[r] = pair_bytes(r, rank);
        fill_bytes(from + from_total, n_from[r], rank, r);
        from_total += n_from[r];
    }
    CHECK_OK(comm_all_to_all(group, into, n_into, from, n_from));
    for (int r = 0; r < P; r++) {
        CHECK_EQUAL(count_wrong_bytes(into + into_total, n_into[r], r, rank), 0);
        into_total += n_into[r];
    }
}

/* Goal: messages go round a ring; those of one tag keep their order, tags keep apart.
 * Method: the tag sent last is received first; bytes depend on the tag. */
static void case_send_recv(Comm *group, Arena *arena)
{
    enum { TAG_LAST = 32766 };
    int P = comm_size(group), rank = comm_rank(group), right = (rank + 1) % P, left = (rank + P - 1) % P;
    if (P == 1)
        return;
    for (int s = 0; s < 7; s++) {
        int64_t n = byte_sizes[s];
        unsigned char *plain = arena_alloc(arena, (size_t)n), *tagged = arena_alloc(arena, (size_t)n);
        unsigned char *in = arena_alloc(arena, (size_t)n);
        fill_bytes(plain, n, rank, 0);
        fill_bytes(tagged, n, rank, 1);
        for (int turn = 0; turn < 2; turn++)
            if ((rank == 0) == (turn == 0)) {
                CHECK_OK(comm_send(group, plain, n, right, 0));
                CHECK_OK(comm_send(group, &s, sizeof s, right, 0));
                CHECK_OK(comm_send(group, tagged, n, right, TAG_LAST));
            } else {
                int number = -1;
                CHECK_OK(comm_recv(group, in, n, left, TAG_LAST));
                CHECK_EQUAL(count_wrong_bytes(in, n, left, 1), 0);
                CHECK_OK(comm_recv(group, in, n, left, 0));
                CHECK_EQUAL(count_wrong_bytes(in, n, left, 0), 0);
                CHECK_OK(comm_recv(group, &number, sizeof number, left, 0));
                CHECK_EQUAL(number, s);
            }
    }
}

/* Goal: two sides that disagree about a size hear of it, and the group lives on. */
static void case_sizes_that_differ_are_reported(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    if (P == 1)
        return;
    int64_t n_from[16], n_into[16];
    unsigned char *from = arena_alloc(arena, 16 * 8), *into = arena_alloc(arena, 16 * 8);
    for (int r = 0; r < P; r++) {
        n_from[r] = rank == 0 && r == 1 ? 4 : 8;
        n_into[r] = 8;
    }
    Err err = comm_all_to_all(group, into, n_into, from, n_from);
    CHECK_EQUAL(err, rank == 1 ? ERR_COMM : OK);
    if (rank == 1)
        CHECK(strstr(err_message(), "rank 0 sent 4 bytes where 8 were expected") != NULL);
    CHECK_OK(comm_barrier(group));
}

/* Goal: parts are ordered by key, talk among themselves, and compose: pairs, then pairs of pairs, give the bits of all. */
static void case_split(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    Comm *part, *pair, *across;
    (void)arena;
    REQUIRE_OK(comm_split(&part, group, rank == P - 1 && P > 1 ? -1 : 3, -rank));
    CHECK((part == NULL) == (rank == P - 1 && P > 1));
    if (part) {
        CHECK_EQUAL(comm_size(part), P > 1 ? P - 1 : 1);
        CHECK_EQUAL(comm_rank(part), comm_size(part) - 1 - rank);
        int64_t sum = rank;
        CHECK_OK(comm_sum_i64(part, &sum, 1));
        CHECK_EQUAL(sum, (P - 1) * (P - 2) / 2);
        comm_close(part);
    }
    if (P != 2 && P != 4)
        return;
    REQUIRE_OK(comm_split(&pair, group, rank / 2, rank));
    REQUIRE_OK(comm_split(&across, group, rank % 2, rank));
    float values[500];
    fill_values(DTYPE_F32, values, 500, rank);
    CHECK_OK(comm_all_reduce(pair, values, 500, DTYPE_F32, COMM_SUM));
    CHECK_OK(comm_all_reduce(across, values, 500, DTYPE_F32, COMM_SUM));
    CHECK_EQUAL(count_off_tree(DTYPE_F32, values, 0, 500, P, COMM_SUM), 0);
    comm_close(across);
    comm_close(pair);
}

/* Goal: every unit of work is drawn by exactly one rank. */
static void case_counter(Comm *group, Arena *arena)
{
    enum { N_UNITS = 300 };
    int64_t *drawn = ARENA_ARRAY(arena, int64_t, N_UNITS), first = 0;
    CommCounter *counter;
    REQUIRE_OK(comm_counter_new(&counter, group));
    for (int n = 1;; n = n % 3 + 1) {
        REQUIRE_OK(comm_counter_take(&first, counter, n));
        if (first >= N_UNITS)
            break;
        for (int64_t i = first; i < first + n && i < N_UNITS; i++)
            drawn[i]++;
    }
    CHECK_OK(comm_sum_i64(group, drawn, N_UNITS));
    int n_wrong = 0;
    for (int i = 0; i < N_UNITS; i++)
        n_wrong += drawn[i] != 1;
    CHECK_EQUAL(n_wrong, 0);
    comm_counter_free(counter);
}

/* Goal: one failing rank tells all, by name; the lowest when there are several. */
static void case_agree(Comm *group, Arena *arena)
{
    int P = comm_size(group), rank = comm_rank(group);
    CHECK_OK(comm_agree(group, OK));
    Err err = OK;
    if (rank >= P / 2)
        err = err_set(rank == P / 2 ? ERR_FORMAT : ERR_IO, "file %d is broken", rank);
    CHECK_EQUAL(comm_agree(group, err), ERR_FORMAT);
    const char *want = P == 1 ? "file 0 is broken" : arena_printf(arena, "rank %d of %d: file %d is broken", P / 2, P, P / 2);
    CHECK_STRING(err_message(), want);
}

/* Goal: what the door says about cost is what is sent. Method: arrays that P divides. */
static void case_costs_are_as_documented(Comm *group, Arena *arena)
{
    int P = comm_size(group);
    enum { N = 1200 };
    float *values = ARENA_ARRAY(arena, float, N * 16);
    int64_t start = comm_bytes_sent(group);
    CHECK_OK(comm_all_reduce(group, values, N, DTYPE_F32, COMM_SUM));
    CHECK_EQUAL(comm_bytes_sent(group) - start, 2 * (P - 1) * N * 4 / P);
    start = comm_bytes_sent(group);
    CHECK_OK(comm_reduce_scatter(group, values, values, N, DTYPE_F32, COMM_SUM));
    CHECK_EQUAL(comm_bytes_sent(group) - start, (P - 1) * N * 4);
    start = comm_bytes_sent(group);
    CHECK_OK(comm_all_gather(group, values, values + comm_rank(group) * N, N * 4 * (P > 1)));
    CHECK_EQUAL(comm_bytes_sent(group) - start, (P - 1) * N * 4);
    start = comm_bytes_sent(group);
    CHECK_OK(comm_agree(group, OK));
    CHECK_EQUAL(comm_bytes_sent(group) - start, comm_rank(group) == 0 ? 8 * (P - 1) : 8 * (P > 1));
}

typedef void (*Case)(Comm *group, Arena *arena);

static void run_cases(Comm *group, const Case *cases, int n_cases)
{
    Arena *arena = arena_new();
    for (int i = 0; i < n_cases; i++) {
        cases[i](group, arena);
        CHECK_OK(comm_barrier(group));
        arena_reset(arena);
    }
    arena_free(arena);
}

/* Rank 1 goes in the way that is asked for, while the others wait for it. */
static void lose_a_rank(Comm *world, const char *way)
{
    if (comm_rank(world) == 1) {
        err_set(ERR_IO, "the disk is full");
        if (strcmp(way, "abort") == 0)
            comm_abort(world, 7);
        if (strcmp(way, "kill") == 0)
            raise(SIGKILL);
        _exit(3);
    }
    comm_barrier(world);
}

TEST(comm_ranks, every_case_holds)
{
    static const Case all[] = {
        case_broadcast, case_all_gather,      case_all_to_all,      case_send_recv,
        case_split,     case_all_reduce,      case_reduce_scatter,  case_nan_is_not_lost,
        case_counter,   case_agree,           case_sizes_that_differ_are_reported,
        case_costs_are_as_documented,
    };
    /* Small messages: each of these then travels in many pieces. */
    static const Case cut[] = {case_broadcast, case_all_gather, case_all_to_all, case_send_recv, case_split};
    const char *n_ranks = getenv("JIKJI_TEST_RANKS"), *way = getenv("JIKJI_TEST_LOSE_RANK");
    Comm *world;
    bool asked = n_ranks && atoi(n_ranks) == 1;  /* one rank gets MPI only by asking */
    REQUIRE_OK(comm_open(&world, asked ? COMM_MPI : COMM_AUTO));
    if (way)
        lose_a_rank(world, way);
    if (n_ranks) {
        CHECK_STRING(comm_backend(world), "mpi");
        REQUIRE(comm_size(world) == atoi(n_ranks));
    }
    run_cases(world, all, (int)(sizeof all / sizeof all[0]));
    if (strcmp(comm_backend(world), "mpi") == 0) {
        comm_mpi_set_message_bytes_max(world, 7);
        run_cases(world, cut, (int)(sizeof cut / sizeof cut[0]));
    }
    comm_close(world);
}
