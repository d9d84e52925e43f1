/* stage_kinds.c - the table of all stages, in the order in which people chain them. */
#include "text/corpus/stage_kinds.h"

#include <assert.h>
#include <string.h>

static const StageKind *const kinds[] = {
    &extract_stage_kind,
    &clean_stage_kind,
    &langid_stage_kind,
    &quality_stage_kind,
    &c4_stage_kind,
    &words_stage_kind,
    &perplexity_stage_kind,
    &patterns_stage_kind,
    &dedup_stage_kind,
    &parts_stage_kind,
    &pii_stage_kind,
};

int stage_n_kinds(void)
{
    return N_ELEMENTS(kinds);
}

const StageKind *stage_kind(int i)
{
    assert(i >= 0 && i < N_ELEMENTS(kinds));
    return kinds[i];
}

const StageKind *stage_kind_find(const char *name)
{
    for (int i = 0; i < N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

void *stage_settings_new(const StageKind *kind, Arena *arena)
{
    void *settings = arena_alloc(arena, kind->settings_bytes);
    if (kind->defaults)
        kind->defaults(settings);
    return settings;
}

Err stage_open(Stage *stage, const StageKind *kind, const void *settings, Arena *arena)
{
    *stage = (Stage){.name = kind->name};
    return kind->open(stage, settings, arena);
}

void stage_close(Stage *stage)
{
    if (stage->close)
        stage->close(stage->context);
    *stage = (Stage){0};
}
