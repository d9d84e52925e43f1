/* cmd_doctor.c - `jikji doctor`: what this machine is and can do, what would be slow, why, and what helps. */
#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/machine.h"
#include "engine/op/probe.h"
#include "study/bench/gemm_rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool measure, json;
} DoctorSettings;

static const Option rows[] = {
    OPTION_BOOL("measure", DoctorSettings, measure, "measure rates too: two seconds in which nothing else should run"),
    OPTION_BOOL("json", DoctorSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "doctor [settings]",
    .examples = "    jikji doctor\n"
                "    jikji doctor --measure false --json\n",
    .about = "FLOP/s count a multiply-add as two. The rate of multiply-adds is what the cores could do at most; the best matrix product\n"
             "is what training is measured against.\n",
    .table = {rows, N_ELEMENTS(rows)},
};

enum { ADVICE_MAX = 12 };
typedef struct {
    const char *what, *cure;
} Advice;

typedef struct {
    Machine machine;
    MachineLibrary libraries[MACHINE_LIBRARIES];
    double fma_flops, read_bytes, copy_bytes;  /* a second; 0: not measured */
    GemmRates matmul;
    int n_advice;
    Advice advice[ADVICE_MAX];
} Findings;

/* ---- what would be slow ---- */

static void advise(Findings *f, const char *what, const char *cure)
{
    if (f->n_advice < ADVICE_MAX)
        f->advice[f->n_advice++] = (Advice){what, cure};
}

static void advise_cpu(Findings *f, Arena *arena)
{
    const Machine *m = &f->machine;
    if (cpu_level() == CPU_PORTABLE && cpu_level_best() == CPU_PORTABLE)
        advise(f, "this CPU has no AVX2 and FMA: matrix products run on the portable kernels, several times slower",
               "use a CPU with AVX2 (Intel from Haswell on, AMD Zen) or, twice as fast, AVX-512 for training");
    else if (cpu_level() == CPU_AVX2 && cpu_level_best() == CPU_AVX2)
        advise(f, "this CPU has no AVX-512: matrix products run at about half of what that gives",
               "use a CPU with AVX-512 for training (Intel from Skylake-SP on, AMD from Zen 4 on)");
    else if (cpu_level() != cpu_level_best())
        advise(f, arena_printf(arena, "JIKJI_CPU holds the kernels at %s, this CPU has %s", cpu_level_name(cpu_level()), cpu_level_name(cpu_level_best())),
               "unset JIKJI_CPU");
    if (cpu_level_best() == CPU_AVX512)
        advise(f, "this CPU has no AVX512_BF16: --train.precision bf16 saves memory but no time", "stay with f32");
    if (parallel_threads() < m->n_usable)
        advise(f, arena_printf(arena, "%d of %d CPUs are used", parallel_threads(), m->n_usable), "unset OMP_NUM_THREADS");
    if (m->n_cores > 0 && parallel_threads() > m->n_cores)
        advise(f, arena_printf(arena, "%d threads share %d cores: two on a core do not multiply faster", parallel_threads(), m->n_cores),
               arena_printf(arena, "OMP_NUM_THREADS=%d", m->n_cores));
    if (m->cpu_quota > 0 && m->cpu_quota < parallel_threads())
        advise(f, arena_printf(arena, "the control group grants %.1f CPUs to %d threads: they wait for each other", m->cpu_quota, parallel_threads()),
               arena_printf(arena, "OMP_NUM_THREADS=%d", m->cpu_quota < 1 ? 1 : (int)m->cpu_quota));
    if (m->load > 0.5 * m->n_cpus)
        advise(f, arena_printf(arena, "other work is running (load %.1f on %d CPUs): what was measured here is too low", m->load, m->n_cpus),
               "run again when the machine is idle");
}

static void advise_memory(Findings *f, Arena *arena)
{
    const Machine *m = &f->machine;
    if (strcmp(m->huge_pages, "never") == 0)
        advise(f, "huge pages are off: large matrices cost more address look-ups",
               "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
    int64_t usable = m->memory_limit_bytes ? m->memory_limit_bytes : m->memory_available_bytes;
    if (usable < INT64_C(2000000000))
        advise(f, arena_printf(arena, "%s of memory are free: a model of 124 M parameters takes about 4 GB to train", format_bytes(arena, (double)usable)),
               "jikji plan RECIPE says beforehand what a run takes; lower train.micro_batch_size");
    if (m->disk_is_memory)
        advise(f, "the current folder lies in memory (tmpfs): checkpoints vanish with the machine and take memory from training", "give --out a folder on a disk");
    else if (m->disk_free_bytes < INT64_C(5000000000))
        advise(f, arena_printf(arena, "%s are free on the disk: a checkpoint takes 12 bytes a parameter", format_bytes(arena, (double)m->disk_free_bytes)),
               "give --out another disk, or lower train.keep_best");
}

static void advise_rates(Findings *f, Arena *arena)
{
    double ours = f->matmul.flops_per_second[GEMM_PEER_OURS], best = f->matmul.best;
    if (ours > 0 && ours < 0.8 * best)
        advise(f, arena_printf(arena, "our matrix product reaches %.0f %% of the best library's here", 100 * ours / best),
               "run again when the machine is idle; if it stays, tell us with the output of `jikji bench peak --json`");
    if (best > 0 && best < 0.5 * f->fma_flops)
        advise(f, arena_printf(arena, "the best matrix product reaches %.0f %% of the cores' multiply-adds", 100 * best / f->fma_flops),
               "other work on the machine is the usual cause");
}

static void advise_all(Findings *f, Arena *arena)
{
    advise_cpu(f, arena);
    advise_memory(f, arena);
    advise_rates(f, arena);
    for (int i = 0; i < MACHINE_LIBRARIES; i++)
        if (!f->libraries[i].version && f->libraries[i].is_peer)
            advise(f, arena_printf(arena, "%s is not installed: benches compare with one library less, nothing else changes", f->libraries[i].name),
                   strcmp(f->libraries[i].name, "oneDNN") == 0 ? "apt install libdnnl2" : "apt install libopenblas0-pthread");
    if (!f->machine.mpirun)
        advise(f, "there is no mpirun: several machines cannot train together", "apt install openmpi-bin");
}

/* ---- what it says ---- */

static void print_row(const char *name, const char *value)
{
    printf("%-22s%s\n", name, value);
}

static void print_machine(const Findings *f, Arena *arena)
{
    const Machine *m = &f->machine;
    print_row("CPU", m->cpu);
    print_row("  has", m->features);
    print_row("  kernels", arena_printf(arena, "%s", cpu_level_name(cpu_level())));
    print_row("  cores", arena_printf(arena, "%d threads on %d CPUs, %d cores", parallel_threads(), m->n_usable, m->n_cores));
    if (m->cpu_quota > 0)
        print_row("  granted", arena_printf(arena, "%.1f CPUs by the control group", m->cpu_quota));
    print_row("  load", arena_printf(arena, "%.1f", m->load));
    print_row("memory", arena_printf(arena, "%s, %s available", format_bytes(arena, (double)m->memory_bytes),
                                     format_bytes(arena, (double)m->memory_available_bytes)));
    if (m->memory_limit_bytes)
        print_row("  granted", format_bytes(arena, (double)m->memory_limit_bytes));
    print_row("  huge pages", m->huge_pages);
    print_row("disk, free here", format_bytes(arena, (double)m->disk_free_bytes));
    print_row("MPI", m->mpirun ? m->mpirun : "no mpirun");
}

static void print_rates(const Findings *f, Arena *arena)
{
    if (f->fma_flops <= 0)
        return;
    printf("\n");
    print_row("multiply-adds, f32", arena_printf(arena, "%.0f GFLOP/s", f->fma_flops * 1e-9));
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        if (f->matmul.flops_per_second[p] > 0)
            print_row(p == GEMM_PEER_OURS ? "matrix product, f32" : "",
                      arena_printf(arena, "%.0f GFLOP/s  %s%s", f->matmul.flops_per_second[p] * 1e-9, gemm_peer_name((GemmPeer)p),
                                   f->matmul.flops_per_second[p] == f->matmul.best ? "  (best)" : ""));
    print_row("memory, reading", arena_printf(arena, "%.1f GB/s", f->read_bytes * 1e-9));
    print_row("memory, copying", arena_printf(arena, "%.1f GB/s", f->copy_bytes * 1e-9));
}

static void print_findings(const Findings *f, Arena *arena)
{
    print_machine(f, arena);
    print_rates(f, arena);
    printf("\n");
    for (int i = 0; i < MACHINE_LIBRARIES; i++)
        printf("%-22s%-18s%s\n", f->libraries[i].name, f->libraries[i].version ? f->libraries[i].version : "-", f->libraries[i].used_for);
    printf("\n%s\n", f->n_advice ? "What would be slow, and what helps:" : "Nothing here would be slow.");
    for (int i = 0; i < f->n_advice; i++)
        printf("  - %s\n    -> %s\n", f->advice[i].what, f->advice[i].cure);
}

static void write_libraries(JsonWriter *json, const Findings *f)
{
    json_write_key(json, "libraries");
    json_write_object_begin(json);
    for (int i = 0; i < MACHINE_LIBRARIES; i++)
        json_field_string(json, f->libraries[i].name, f->libraries[i].version);
    json_write_object_end(json);
}

static void write_rates(JsonWriter *json, const Findings *f)
{
    json_field_double(json, "fma_flops_per_second", f->fma_flops > 0 ? f->fma_flops : NAN);
    json_field_double(json, "matmul_flops_per_second", f->matmul.best > 0 ? f->matmul.best : NAN);
    json_write_key(json, "matmul_flops_per_second_by");
    json_write_object_begin(json);
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        json_field_double(json, gemm_peer_name((GemmPeer)p), f->matmul.flops_per_second[p] > 0 ? f->matmul.flops_per_second[p] : NAN);
    json_write_object_end(json);
    json_field_double(json, "read_bytes_per_second", f->read_bytes > 0 ? f->read_bytes : NAN);
    json_field_double(json, "copy_bytes_per_second", f->copy_bytes > 0 ? f->copy_bytes : NAN);
}

static void print_json(const Findings *f)
{
    const Machine *m = &f->machine;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "cpu", m->cpu);
    json_field_string(json, "cpu_features", m->features);
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_string(json, "cpu_level_best", cpu_level_name(cpu_level_best()));
    json_field_int(json, "cpus", m->n_cpus);
    json_field_int(json, "cpus_usable", m->n_usable);
    json_field_int(json, "cores", m->n_cores);
    json_field_int(json, "threads", parallel_threads());
    json_field_double(json, "load", m->load);
    json_field_int(json, "memory_bytes", m->memory_bytes);
    json_field_int(json, "memory_available_bytes", m->memory_available_bytes);
    json_field_string(json, "huge_pages", m->huge_pages);
    json_field_int(json, "disk_free_bytes", m->disk_free_bytes);
    json_field_string(json, "mpirun", m->mpirun);
    write_libraries(json, f);
    write_rates(json, f);
    json_write_key(json, "advice");
    json_write_array_begin(json);
    for (int i = 0; i < f->n_advice; i++) {
        json_write_object_begin(json);
        json_field_string(json, "what", f->advice[i].what);
        json_field_string(json, "cure", f->advice[i].cure);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err measure(Findings *f)
{
    enum { SIDE = 1024, ROUNDS = 3 };
    MemoryRates rates;
    f->fma_flops = probe_fma_flops_per_second();
    TRY(probe_memory(&rates));
    f->read_bytes = rates.read;
    f->copy_bytes = rates.copy;
    return gemm_rates_measure(&f->matmul, &(GemmShape){SIDE, SIDE, SIDE}, DTYPE_F32, ROUNDS);
}

Err cmd_doctor(int argc, char **argv)
{
    Arena *arena = arena_new();
    DoctorSettings settings = {.measure = true};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        Findings f = {.machine = machine_read(arena)};
        machine_libraries(f.libraries, arena);
        err = settings.measure ? measure(&f) : OK;
        advise_all(&f, arena);
        if (err == OK && settings.json)
            print_json(&f);
        else if (err == OK)
            print_findings(&f, arena);
    }
    arena_free(arena);
    return err;
}
