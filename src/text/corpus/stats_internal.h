/* stats_internal.h - shared by the files of the statistics only. */
#ifndef CORPUS_STATS_INTERNAL_H
#define CORPUS_STATS_INTERNAL_H

#include "base/json.h"
#include "base/page.h"
#include "text/corpus/stats.h"

void stats_write_counts(JsonWriter *json, const char *name, const StatsCount *counts, int n);
void stats_write_stages(JsonWriter *json, const Stats *s);
void stats_add_stages(Page *page, Arena *arena, const Stats *s);

#endif
