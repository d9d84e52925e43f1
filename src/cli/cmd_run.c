/* cmd_run.c - `jikji run`: the whole road, from raw text to a model that writes. */
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/road.h"

#include <string.h>

static const char examples[] =
    "    jikji run                               stories in Korean and English, a llama that learns to tell them\n"
    "    jikji run --text book.txt               the same with your own text, in runs/book\n"
    "    jikji run --text 'articles/*.jsonl.zst' --field body --train.steps 5000 --out runs/articles\n"
    "    jikji run recipes/road.yaml --model.d_model 256 --generate.prompts 'One day'\n"
    "    jikji run --force train                 trains again, on the same tokens\n"
    "    jikji run --until shards                stops before training\n";

static const char about[] =
    "Stages: corpus, tokenizer, shards, train, generate. A stage is done when its settings or its inputs changed, and skipped\n"
    "when they did not; a road that was stopped goes on where it was, with the same command. Ends in a table, the loss curve,\n"
    "samples, and where the files lie. No recipe is needed: what recipes/road.yaml says is built in. With --text, the vocabulary\n"
    "and the number of steps follow the size of the text. Every setting of `jikji train` that the road does not decide is here too.\n";

/* Defaults, then the training recipe they name, then the road's file, then flags. */
static Err read_settings(RoadSettings *settings, CommandWords *words, Arena *arena, int argc, char **argv)
{
    CommandHelp help = {.synopsis = "run [ROAD.yaml] [settings]", .examples = examples, .about = about, .table = road_table(arena), .n_words_max = 1};
    *settings = road_settings_default();
    TRY(command_line_read(words, &help, settings, arena, argc, argv));
    if (words->helped)
        return OK;
    const char *road_file = words->n ? words->word[0] : NULL, *recipe_path = settings->recipe_path;
    if (road_file && !recipe_path) {
        TRY(options_read_yaml(&help.table, settings, arena, road_file));
        recipe_path = settings->recipe_path;
    }
    *settings = road_settings_default();
    if (recipe_path)
        TRY(options_read_yaml(&recipe_table, &settings->recipe, arena, recipe_path));
    if (road_file)
        TRY(options_read_yaml(&help.table, settings, arena, road_file));
    return command_line_read(words, &help, settings, arena, argc, argv);
}

/* runs/road for the built-in text, runs/book for --text texts/book.txt; out and run outrank it. */
static const char *choose_out(const RoadSettings *settings, Arena *arena)
{
    const Recipe *r = &settings->recipe;
    if (r->out)
        return r->out;
    if (settings->text.n == 0 || strcmp(r->run, road_settings_default().recipe.run) != 0)
        return arena_printf(arena, "runs/%s", r->run);
    const char *slash = strrchr(settings->text.value[0], '/'), *name = slash ? slash + 1 : settings->text.value[0];
    size_t n = strcspn(name, ".*?");
    return n > 0 ? arena_printf(arena, "runs/%.*s", (int)n, name) : "runs/text";
}

Err cmd_run(int argc, char **argv)
{
    Road road = {.arena = arena_new()};
    CommandWords words;
    Err err = read_settings(&road.settings, &words, road.arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        road.out = choose_out(&road.settings, road.arena);
        err = road_run(&road);
        if (err == OK)
            err = road.settings.json ? road_print_json(&road) : road_print(&road);
    }
    arena_free(road.arena);
    return err;
}
