/* synth.c - chooses what document k is and in which language, and has it told. */
#include "text/corpus/synth_internal.h"

#include "base/philox.h"

#include <stdlib.h>
#include <string.h>

typedef enum { KIND_STORY, KIND_CONVERSATION, KIND_LETTER, KIND_PORTRAIT, KIND_SUMS, KIND_ORDER, N_KINDS } Kind;
static const char *const kind_names[N_KINDS] = {"story", "conversation", "letter", "portrait", "sums", "order"};
static const int kind_percents[N_KINDS] = {60, 10, 10, 8, 7, 5};

static Kind draw_kind(Dice *dice)
{
    int throw = dice_below(dice, 100), kind = 0;
    while (throw >= kind_percents[kind])
        throw -= kind_percents[kind++];
    return (Kind)kind;
}

/* Parallel documents are one in eight where single ones are wanted too. */
static int draw_language(Dice *dice, int languages)
{
    if (languages == 0)
        languages = SYNTH_KO | SYNTH_EN | SYNTH_PARALLEL;
    int singles = languages & (SYNTH_KO | SYNTH_EN);
    if ((languages & SYNTH_PARALLEL) && (singles == 0 || dice_chance(dice, 12)))
        return SYNTH_PARALLEL;
    return singles == (SYNTH_KO | SYNTH_EN) ? (dice_chance(dice, 50) ? SYNTH_KO : SYNTH_EN) : singles;
}

static Dice document_dice(const SynthOptions *options, uint64_t k, const char *what)
{
    return (Dice){.seed = options->seed, .document = k, .stream = philox_stream(what)};
}

SynthPlan synth_plan(const SynthOptions *options, uint64_t k)
{
    Dice dice = document_dice(options, k, "synth.plan");
    SynthPlan plan = {.language = draw_language(&dice, options->languages), .kind = draw_kind(&dice)};
    if (plan.kind != KIND_STORY && plan.kind != KIND_LETTER)
        return plan;
    Dice world = document_dice(options, k, "synth.world");
    bool is_short = plan.language == SYNTH_PARALLEL || plan.kind == KIND_LETTER;
    story_simulate(&plan.story, &world, is_short ? 3 + dice_below(&dice, 3) : 5 + dice_below(&dice, 7));
    if (plan.kind == KIND_STORY) {
        Dice questions = document_dice(options, k, "synth.questions");
        plan.n_questions = story_questions(&plan.story, &questions, plan.questions);
    }
    return plan;
}

static void plan_tell(const SynthOptions *options, const SynthPlan *plan, uint64_t k, Teller *t)
{
    Dice dice = document_dice(options, k, "synth.matter");
    switch ((Kind)plan->kind) {
    case KIND_STORY:
        (t->is_english ? story_tell_en : story_tell_ko)(&plan->story, t);
        (t->is_english ? questions_tell_en : questions_tell_ko)(&plan->story, t, plan->questions, plan->n_questions);
        break;
    case KIND_CONVERSATION: conversation_tell(t, dice); break;
    case KIND_LETTER: letter_tell(t, &plan->story, dice); break;
    case KIND_PORTRAIT: portrait_tell(t, options->seed, dice); break;
    case KIND_SUMS: sums_tell(t, dice); break;
    case KIND_ORDER: order_tell(t, options->seed, dice); break;
    case N_KINDS: break;
    }
}

SynthDocument synth_document(const SynthOptions *options, uint64_t k, Arena *arena)
{
    SynthPlan plan = synth_plan(options, k);
    SynthDocument document = {.language = plan.language, .kind = kind_names[plan.kind]};
    Teller *t = mem_alloc(sizeof *t);
    const char *korean = "", *english = "";
    if (plan.language != SYNTH_EN) {
        teller_start(t, false, options->seed, k);
        plan_tell(options, &plan, k, t);
        korean = arena_strndup(arena, t->bytes, t->n);
    }
    if (plan.language != SYNTH_KO) {
        teller_start(t, true, options->seed, k);
        plan_tell(options, &plan, k, t);
        english = arena_strndup(arena, t->bytes, t->n);
    }
    free(t);
    document.text = plan.language == SYNTH_PARALLEL ? arena_printf(arena, "%s\n\n%s", korean, english) : korean[0] ? korean : english;
    document.n_bytes = strlen(document.text);
    return document;
}
