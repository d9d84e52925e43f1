/* synth_questions.c - which questions a story can answer. Only what was told or follows from it: a belief is asked when the person saw
 * the object put somewhere and has not been near it since. */
#include "text/corpus/synth_tell.h"

static void add(Question *all, int *n, Question question)
{
    if (*n < 64)
        all[(*n)++] = question;
}

static void list_object_questions(const Story *s, int o, Question *all, int *n)
{
    bool moved = false;
    int giver = -1, receiver = -1, n_gifts = 0;
    for (int i = 0; i < s->n_events; i++) {
        const Event *e = &s->events[i];
        bool touches = e->kind == EVENT_TAKE || e->kind == EVENT_PUT || e->kind == EVENT_GIVE;
        moved = moved || (touches && e->object == o);
        if (e->kind == EVENT_GIVE && e->object == o)
            giver = e->person, receiver = e->other, n_gifts++;
    }
    add(all, n, (Question){.kind = ASK_OBJECT_PLACE, .object = o});
    if (moved)
        add(all, n, (Question){.kind = ASK_OBJECT_PLACE, .object = o});  /* twice: what moved is the better question */
    if (s->object_now[o].held && moved)
        add(all, n, (Question){.kind = ASK_HOLDER, .object = o});
    if (n_gifts == 1)
        add(all, n, (Question){.kind = ASK_GIVER, .object = o, .person = giver, .other = receiver});
    if (moved && !s->object_first[o].held)
        add(all, n, (Question){.kind = ASK_FIRST_SPOT, .object = o});
    for (int p = 0; p < s->n_people; p++)
        if (s->belief[p][o].known && !s->belief[p][o].stale && !s->belief[p][o].where.held && moved &&
            !where_equal(s->belief[p][o].where, s->object_now[o]))
            add(all, n, (Question){.kind = ASK_BELIEF, .object = o, .person = p});
}

int story_questions(const Story *s, Dice *dice, Question questions[QUESTIONS_MAX])
{
    Question all[64];
    int n = 0;
    for (int o = 0; o < s->n_objects; o++)
        list_object_questions(s, o, all, &n);
    for (int p = 0; p < s->n_people; p++)
        if (s->place_now[p] != s->place_first[p])
            add(all, &n, (Question){.kind = ASK_PERSON_PLACE, .person = p});
    if (s->pile_thing >= 0)
        add(all, &n, (Question){.kind = ASK_PILE});
    int n_wanted = 2 + dice_below(dice, QUESTIONS_MAX - 1), n_chosen = 0;
    while (n_chosen < n_wanted && n > 0) {
        int i = dice_below(dice, n);
        Question question = all[i];
        all[i] = all[--n];
        bool repeated = false;
        for (int k = 0; k < n_chosen; k++)
            repeated = repeated || (questions[k].kind == question.kind && questions[k].object == question.object &&
                                    questions[k].person == question.person);
        if (!repeated)
            questions[n_chosen++] = question;
    }
    return n_chosen;
}
