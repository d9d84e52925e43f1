/* options_fuzz.c - any bytes as a recipe: no crash, no hang; what is read is written so that it reads the same. */
#include "base/options.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

typedef struct {
    const char *run;
    int64_t steps;
    double lr;
    OptionReals betas;
    bool tie;
    int schedule;
    OptionTexts files;
    OptionItems stages;
} Settings;

static const Option rows[] = {
    OPTION_TEXT("run", Settings, run, ""),
    OPTION_INT("train.steps", Settings, steps, 1, 1e12, ""),
    OPTION_REAL("optim.lr", Settings, lr, 0.0, 10.0, ""),
    OPTION_REALS("optim.betas", Settings, betas, 0.0, 1.0, ""),
    OPTION_BOOL("model.tie", Settings, tie, ""),
    OPTION_CHOICE("schedule.name", Settings, schedule, "constant|cosine", ""),
    OPTION_TEXTS("data.files", Settings, files, ""),
    OPTION_ITEMS("stages", Settings, stages, ""),
};
static const OptionTable table = {rows, N_ELEMENTS(rows)};

static void set_from_text(Arena *arena, const char *text)
{
    Settings s = {.steps = 1}, back = s;
    for (int i = 0; i < table.n_rows; i++) {
        if (options_set(&table, &s, arena, "fuzz", rows[i].name, text) != OK)
            continue;
        const char *value = options_get(&table, &s, arena, rows[i].name);
        Err err = options_set(&table, &back, arena, "fuzz", rows[i].name, value);
        assert(err == OK);
        assert(strcmp(options_get(&table, &back, arena, rows[i].name), value) == 0);
    }
    options_nearest(&table, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    Settings s = {.steps = 1}, back = s;
    if (options_read_yaml_text(&table, &s, arena, "fuzz", (const char *)bytes, n_bytes) == OK) {
        const char *yaml = options_to_yaml(&table, &s, arena);
        Err err = options_read_yaml_text(&table, &back, arena, "back", yaml, strlen(yaml));
        assert(err == OK);
        assert(strcmp(yaml, options_to_yaml(&table, &back, arena)) == 0);
    }
    set_from_text(arena, arena_strndup(arena, (const char *)bytes, n_bytes));
    arena_free(arena);
    return 0;
}
