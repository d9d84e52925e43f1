/* bench_peak.c - `jikji bench peak`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "engine/op/probe.h"
#include "study/bench/gemm_rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

typedef struct {
    OptionTexts shapes;
    int precision;
    int64_t rounds;
    bool json;
} PeakSettings;

static const Option rows[] = {
    OPTION_TEXTS("shapes", PeakSettings, shapes, "products as MxNxK: [M, K] times [K, N]"),
    OPTION_CHOICE("precision", PeakSettings, precision, "both|f32|bf16", "of operands and result; both: f32, and bf16 where the CPU has its dot products"),
    OPTION_INT("rounds", PeakSettings, rounds, 1, 1000, "turns of each library; its best call counts"),
    OPTION_BOOL("json", PeakSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench peak [settings]",
    .examples = "    jikji bench peak\n"
                "    jikji bench peak --shapes 1024x2304x768,1024x768x3072 --rounds 9\n"
                "    jikji bench peak --precision bf16 --json\n",
    .about = "GFLOP/s, a multiply-add counting as two. Libraries take turns on all threads; one that is missing is named.\n",
    .table = {rows, N_ELEMENTS(rows)},
};

typedef struct {
    const PeakSettings *settings;
    double fma_flops, bf16_flops;  /* bf16_flops: 0 without the instruction */
    MemoryRates memory;
    int n;
    GemmShape shape[OPTION_LIST_MAX];
    int n_dtypes;
    DType dtype[2];
    GemmRates rates[2][OPTION_LIST_MAX];  /* by dtype */
} Peak;

enum { PEAK_BOTH, PEAK_F32, PEAK_BF16 };

static Err read_shapes(Peak *peak)
{
    enum { SIDE_MAX = 1 << 20 };
    const OptionTexts *texts = &peak->settings->shapes;
    for (int i = 0; i < texts->n; i++) {
        GemmShape *s = &peak->shape[i];
        int end = 0;
        bool read = sscanf(texts->value[i], "%" SCNd64 "x%" SCNd64 "x%" SCNd64 "%n", &s->m, &s->n, &s->k, &end) == 3 && !texts->value[i][end];
        if (!read || s->m < 1 || s->n < 1 || s->k < 1 || s->m > SIDE_MAX || s->n > SIDE_MAX || s->k > SIDE_MAX)
            return err_set(ERR_USAGE, "--shapes: \"%s\" is no MxNxK with sides 1 .. %d", texts->value[i], SIDE_MAX);
    }
    peak->n = texts->n;
    return OK;
}

static Err measure(Peak *peak)
{
    const PeakSettings *s = peak->settings;
    peak->fma_flops = probe_fma_flops_per_second();
    peak->bf16_flops = probe_bf16_flops_per_second();
    TRY(probe_memory(&peak->memory));
    if (s->precision != PEAK_BF16)
        peak->dtype[peak->n_dtypes++] = DTYPE_F32;
    if (s->precision == PEAK_BF16 || (s->precision == PEAK_BOTH && peak->bf16_flops > 0))
        peak->dtype[peak->n_dtypes++] = DTYPE_BF16;
    int n_products = peak->n * peak->n_dtypes;
    Progress *progress = progress_new("products", n_products, "");
    Err err = OK;
    for (int i = 0; i < n_products && err == OK; i++) {
        int d = i / peak->n, shape = i % peak->n;
        err = gemm_rates_measure(&peak->rates[d][shape], &peak->shape[shape], peak->dtype[d], (int)s->rounds);
        progress_set(progress, i + 1);
    }
    progress_free(progress);
    return err;
}

/* What multiply-adds from registers reach with operands of a dtype. */
static double peak_of(const Peak *peak, DType dtype)
{
    return dtype == DTYPE_BF16 && peak->bf16_flops > 0 ? peak->bf16_flops : peak->fma_flops;
}

static void print_products(const Peak *peak, int d)
{
    printf("\n%-4s%18s", dtype_name(peak->dtype[d]), "M x N x K, GFLOP/s");
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        printf("%15s", gemm_peer_name((GemmPeer)p));
    printf("   best, of multiply-adds\n");
    for (int i = 0; i < peak->n; i++) {
        const GemmShape *s = &peak->shape[i];
        const GemmRates *rates = &peak->rates[d][i];
        printf("%5" PRId64 " x %5" PRId64 " x %5" PRId64 " ", s->m, s->n, s->k);
        for (int p = 0; p < GEMM_PEER_COUNT; p++)
            if (rates->flops_per_second[p] > 0)
                printf("%15.1f", rates->flops_per_second[p] * 1e-9);
            else
                printf("%15s", "-");
        printf("%10.0f %%\n", 100 * rates->best / peak_of(peak, peak->dtype[d]));
    }
}

static void print_table(const Peak *peak)
{
    printf("%s, %d threads\n", cpu_level_name(cpu_level()), parallel_threads());
    printf("f32 multiply-adds %.1f GFLOP/s, bf16 dot products ", peak->fma_flops * 1e-9);
    if (peak->bf16_flops > 0)
        printf("%.1f GFLOP/s\n", peak->bf16_flops * 1e-9);
    else
        printf("not on this CPU: bf16 is widened to f32\n");
    printf("reading %.1f GB/s, copying %.1f GB/s, updating in place %.1f GB/s\n", peak->memory.read * 1e-9, peak->memory.copy * 1e-9,
           peak->memory.update * 1e-9);
    GemmPeers *peers = gemm_peers_open();
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        if (gemm_peers_missing(peers, (GemmPeer)p))
            printf("missing: %s (%s)\n", gemm_peer_name((GemmPeer)p), gemm_peers_missing(peers, (GemmPeer)p));
    gemm_peers_close(peers);
    for (int d = 0; d < peak->n_dtypes; d++)
        print_products(peak, d);
}

static void write_shape(JsonWriter *json, DType dtype, const GemmShape *s, const GemmRates *rates)
{
    json_write_object_begin(json);
    json_field_string(json, "precision", dtype_name(dtype));
    json_field_int(json, "m", s->m);
    json_field_int(json, "n", s->n);
    json_field_int(json, "k", s->k);
    json_field_double(json, "best_flops_per_second", rates->best);
    json_write_key(json, "flops_per_second_by");
    json_write_object_begin(json);
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        json_field_double(json, gemm_peer_name((GemmPeer)p), rates->flops_per_second[p] > 0 ? rates->flops_per_second[p] : NAN);
    json_write_object_end(json);
    json_write_object_end(json);
}

static void print_json(const Peak *peak)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_field_string(json, "precision", peak->n_dtypes == 2 ? "both" : dtype_name(peak->dtype[0]));
    json_field_double(json, "fma_flops_per_second", peak->fma_flops);
    json_field_double(json, "bf16_dot_flops_per_second", peak->bf16_flops > 0 ? peak->bf16_flops : NAN);
    json_field_double(json, "read_bytes_per_second", peak->memory.read);
    json_field_double(json, "copy_bytes_per_second", peak->memory.copy);
    json_field_double(json, "update_bytes_per_second", peak->memory.update);
    json_write_key(json, "products");
    json_write_array_begin(json);
    for (int d = 0; d < peak->n_dtypes; d++)
        for (int i = 0; i < peak->n; i++)
            write_shape(json, peak->dtype[d], &peak->shape[i], &peak->rates[d][i]);
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

Err bench_peak(int argc, char **argv)
{
    Arena *arena = arena_new();
    PeakSettings settings = {.rounds = 5, .shapes = {7, {"1024x1024x1024", "1024x2304x768", "1024x768x768", "1024x3072x768", "1024x768x3072",
                                                         "768x3072x1024", "1024x50257x768"}}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        Peak peak = {.settings = &settings};
        interrupt_install();
        err = read_shapes(&peak);
        if (err == OK)
            err = measure(&peak);
        if (err == OK && settings.json)
            print_json(&peak);
        else if (err == OK)
            print_table(&peak);
    }
    arena_free(arena);
    return err;
}
