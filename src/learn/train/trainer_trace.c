/* trainer_trace.c - which step is traced, and how its segments are called. */
#include "learn/train/trainer_internal.h"

#include "base/file.h"
#include "base/log.h"

static void hear(void *trace, const CallTiming *timing)
{
    step_trace_call(trace, timing);
}

static void listen(Trainer *t)
{
    void (*heard)(void *, const CallTiming *) = t->trace ? hear : NULL;
    program_listen(t->micro_step, heard, t->trace);
    program_listen(t->update, heard, t->trace);
}

Err trainer_trace_begin(Trainer *t, double start)
{
    if (!t->options.run_dir || t->options.record.trace_step == 0 || t->state.step + 1 != t->options.record.trace_step)
        return OK;
    Arena *arena = arena_new();
    Err err = file_make_dirs(t->options.run_dir);
    if (err == OK)
        err = step_trace_open(&t->trace, arena_printf(arena, "%s/trace-step-%lld.json", t->options.run_dir, (long long)t->state.step + 1), start);
    arena_free(arena);
    if (err == OK)
        listen(t);
    return err;
}

void trainer_trace_segment(Trainer *t, const ScheduleItem *item, double start)
{
    static const char *const names[N_SEGMENTS] = {"forward", "backward", "update"};
    if (!t->trace)
        return;
    Arena *arena = arena_new();
    const char *name = item->segment == SEGMENT_UPDATE ? names[SEGMENT_UPDATE]
                                                       : arena_printf(arena, "%s %lld", names[item->segment], (long long)item->micro);
    step_trace_slice(t->trace, name, start, clock_seconds() - start);
    arena_free(arena);
}

Err trainer_trace_end(Trainer *t, double start)
{
    if (!t->trace)
        return OK;
    Arena *arena = arena_new();
    step_trace_slice(t->trace, arena_printf(arena, "step %lld", (long long)t->state.step + 1), start, clock_seconds() - start);
    Err err = step_trace_close(t->trace);
    t->trace = NULL;
    listen(t);
    arena_free(arena);
    return err;
}
