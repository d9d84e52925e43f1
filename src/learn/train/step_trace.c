#include "learn/train/step_trace.h"

#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>

struct StepTrace {
    FileWriter *file;
    double start;
    int64_t n_events;
    Arena *scratch;
    Err err;  /* the first that failed */
};

enum { PROCESS = 1, THREAD = 1 };

static JsonWriter *event_begin(const char *phase, const char *name)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "ph", phase);
    json_field_string(json, "name", name);
    json_field_int(json, "pid", PROCESS);
    json_field_int(json, "tid", THREAD);
    return json;
}

static void event_end(StepTrace *trace, JsonWriter *json)
{
    json_write_object_end(json);
    Err err = file_writer_printf(trace->file, "%s%s", trace->n_events++ ? ",\n" : "", json_writer_text(json, NULL));
    if (trace->err == OK)
        trace->err = err;
    json_writer_free(json);
}

/* Nanoseconds are as fine as the clock. */
static void field_microseconds(JsonWriter *json, const char *key, double seconds)
{
    json_field_double(json, key, (double)(int64_t)(seconds * 1e9 + 0.5) / 1e3);
}

static void put_name(StepTrace *trace, const char *kind, const char *name)
{
    JsonWriter *json = event_begin("M", kind);
    json_write_key(json, "args");
    json_write_object_begin(json);
    json_field_string(json, "name", name);
    json_write_object_end(json);
    event_end(trace, json);
}

static void put_counter(StepTrace *trace, const char *name, double at, double value)
{
    JsonWriter *json = event_begin("C", name);
    field_microseconds(json, "ts", at - trace->start);
    json_write_key(json, "args");
    json_write_object_begin(json);
    json_field_double(json, "value", value);
    json_write_object_end(json);
    event_end(trace, json);
}

Err step_trace_open(StepTrace **out, const char *path, double start)
{
    *out = NULL;
    StepTrace *trace = mem_alloc(sizeof *trace);
    trace->start = start;
    Err err = file_writer_open(&trace->file, path);
    if (err == OK)
        err = file_writer_printf(trace->file, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n");
    if (err != OK) {
        step_trace_abort(trace);
        return err;
    }
    trace->scratch = arena_new();
    put_name(trace, "process_name", "jikji train");
    put_name(trace, "thread_name", "step");
    *out = trace;
    return OK;
}

void step_trace_slice(StepTrace *trace, const char *name, double start, double seconds)
{
    JsonWriter *json = event_begin("X", name);
    field_microseconds(json, "ts", start - trace->start);
    field_microseconds(json, "dur", seconds);
    event_end(trace, json);
}

static const char *shape_words(Arena *arena, Shape shape)
{
    const char *text = "";
    for (int i = 0; i < shape.n_dims; i++)
        text = arena_printf(arena, "%s%s%lld", text, i ? " x " : "", (long long)shape.dim[i]);
    return text;
}

static const char *segment_name(Segment segment)
{
    return segment == SEGMENT_FORWARD ? "forward" : segment == SEGMENT_BACKWARD ? "backward" : "update";
}

void step_trace_call(StepTrace *trace, const CallTiming *timing)
{
    const Cost *cost = &timing->cost;
    double n_bytes = cost->bytes_read + cost->bytes_written, flops = cost->matmul_flops + cost->other_flops;
    JsonWriter *json = event_begin("X", timing->name);
    json_field_string(json, "cat", timing->op);
    field_microseconds(json, "ts", timing->start - trace->start);
    field_microseconds(json, "dur", timing->seconds);
    json_write_key(json, "args");
    json_write_object_begin(json);
    json_field_string(json, "operator", timing->op);
    json_field_string(json, "segment", segment_name(timing->segment));
    json_field_bool(json, "recompute", timing->repeats);
    json_field_string(json, "dtype", dtype_name(timing->dtype));
    json_field_string(json, "shape", shape_words(trace->scratch, timing->shape));
    json_field_double(json, "bytes", n_bytes);
    json_field_double(json, "matmul_flops", cost->matmul_flops);
    json_field_double(json, "flops", flops);
    json_write_object_end(json);
    event_end(trace, json);
    if (timing->seconds <= 0)
        return;
    put_counter(trace, "GFLOP/s", timing->start, 1e-9 * flops / timing->seconds);
    put_counter(trace, "GB/s", timing->start, 1e-9 * n_bytes / timing->seconds);
}

Err step_trace_close(StepTrace *trace)
{
    Err err = trace->err;
    if (err == OK)
        err = file_writer_printf(trace->file, "\n]}\n");
    if (err == OK) {
        err = file_writer_commit(trace->file);
        trace->file = NULL;
    }
    step_trace_abort(trace);
    return err;
}

void step_trace_abort(StepTrace *trace)
{
    if (!trace)
        return;
    file_writer_abort(trace->file);
    arena_free(trace->scratch);
    free(trace);
}
