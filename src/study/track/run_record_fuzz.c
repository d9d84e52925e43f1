/* run_record_fuzz.c - any bytes as a run's log and as its forecast: refused, or read and drawn as a page. */
#include "base/file.h"
#include "study/track/run_report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void put(const char *path, const uint8_t *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    assert(file);
    fwrite(bytes, 1, n_bytes, file);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    const char *dir = arena_printf(arena, "/tmp/jikji-run-record-fuzz-%d", (int)getpid());
    RunRecord record;
    Err err = file_make_dirs(dir);
    assert(err == OK);
    put(arena_printf(arena, "%s/log.jsonl", dir), bytes, n_bytes);
    put(arena_printf(arena, "%s/forecast.json", dir), bytes, n_bytes);
    if (run_log_read(&record, arena, arena_printf(arena, "%s/log.jsonl", dir)) == OK) {
        for (int k = 0; k < N_RUN_SERIES; k++)
            for (int64_t i = 0; i < record.series[k].n; i++)
                assert(isfinite(record.series[k].value[i]) && record.series[k].step[i] >= 0);
        err = run_report_write(&record, arena_printf(arena, "%s/report.html", dir), n_bytes & 1);
        assert(err == OK);
    }
    if (run_record_read(&record, arena, dir) == OK) {
        err = run_report_write(&record, arena_printf(arena, "%s/report.html", dir), n_bytes & 1);
        assert(err == OK);
    }
    err = file_remove_tree(dir);
    assert(err == OK);
    arena_free(arena);
    return 0;
}
