/* words_stage.c - the stage `words`: drops documents with too many of the user's listed words, or too few. */
#include "text/corpus/stage_kinds.h"
#include "text/corpus/word_list.h"

#include <inttypes.h>

typedef struct {
    OptionTexts list;
    int match;
    int64_t count_max, count_min;
    double share_max;
} WordsSettings;

typedef struct {
    const WordsSettings *settings;
    WordList *list;
} WordsStage;

enum { WORDS_VERSION = 1 };

static void words_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const WordsStage *stage = context;
    const WordsSettings *s = stage->settings;
    WordListCount count = word_list_count(stage->list, (WordListMatch)s->match, document->text, document->n_bytes);
    double share = count.n_words ? (double)count.n_listed / (double)count.n_words : 0;
    result->tags = arena_printf(arena, "\"words\":{\"version\":%d,\"listed\":%" PRId64 ",\"all\":%" PRId64 "}", WORDS_VERSION, count.n_listed, count.n_words);
    result->drop_value = (double)count.n_listed;
    if (count.n_listed > s->count_max)
        result->drop_rule = "words.count_max";
    else if (count.n_listed < s->count_min)
        result->drop_rule = "words.count_min";
    else if (share > s->share_max)
        result->drop_rule = "words.share_max", result->drop_value = share;
}

static const Option rows[] = {
    OPTION_TEXTS("list", WordsSettings, list, "files of words, one a line"),
    OPTION_CHOICE("match", WordsSettings, match, WORD_LIST_MATCH_CHOICES, "a word of the text is a listed one, begins with one (Korean), or holds one"),
    OPTION_INT("count_max", WordsSettings, count_max, 0, 1e12, "more listed words than this drop a document"),
    OPTION_INT("count_min", WordsSettings, count_min, 0, 1e12, "fewer drop one: for lists of wanted words"),
    OPTION_REAL("share_max", WordsSettings, share_max, 0.0, 1.0, "a larger share of all words drops one"),
};

static void words_defaults(void *settings)
{
    *(WordsSettings *)settings = (WordsSettings){.share_max = 1.0};
}

static Err words_open(Stage *stage, const void *settings, Arena *arena)
{
    WordsStage *state = ARENA_NEW(arena, WordsStage);
    state->settings = settings;
    if (state->settings->list.n == 0)
        return err_set(ERR_USAGE, "words: list is missing");
    TRY(word_list_read(&state->list, arena, state->settings->list.value, state->settings->list.n));
    stage->work = words_work;
    stage->context = state;
    stage->identity = word_list_identity(state->list);
    return OK;
}

const StageKind words_stage_kind = {
    .name = "words",
    .help = "judge documents by lists of unwanted or wanted words",
    .examples = "    jikji corpus words text.jsonl.zst --list bad-words.txt --out clean.jsonl.zst\n"
                "    jikji corpus words ko.jsonl --list spam-ko.txt --match begins --count-max 2 --out clean.jsonl\n",
    .about = "Drops: words.count_max, words.count_min, words.share_max. The tag \"words\" counts.\n",
    .version = WORDS_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(WordsSettings),
    .defaults = words_defaults,
    .open = words_open,
};
