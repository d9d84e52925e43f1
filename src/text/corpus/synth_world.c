/* synth_world.c - casts a story and lets things happen in it.
 *
 * A person in focus acts for a few events, then another one does. What may happen next is drawn from what is possible in the present
 * state; story_apply is the one place that changes it. */
#include "text/corpus/synth_world.h"

#include "base/philox.h"

#include <assert.h>
#include <string.h>

int dice_below(Dice *dice, int n)
{
    return (int)philox_below(dice->seed, dice->stream, (dice->document << 16) + dice->n_thrown++, (uint64_t)n);
}

bool dice_chance(Dice *dice, int percent)
{
    return dice_below(dice, 100) < percent;
}

bool where_equal(WhereIs a, WhereIs b)
{
    return a.held == b.held && a.index == b.index;
}

static int where_place(const Story *story, WhereIs where)
{
    return where.held ? story->place_now[where.index] : story->spots[where.index].place;
}

int story_object_place(const Story *story, int object)
{
    return where_place(story, story->object_now[object]);
}

/* Casting. */

/* Draws from [0, n) what is not among the first n_taken of `taken`. */
static int draw_new(Dice *dice, int n, const int *taken, int n_taken)
{
    for (;;) {
        int draw = dice_below(dice, n);
        bool is_new = true;
        for (int i = 0; i < n_taken; i++)
            is_new = is_new && taken[i] != draw;
        if (is_new)
            return draw;
    }
}

static void story_cast_places(Story *story, Dice *dice)
{
    int cluster = dice_below(dice, N_SYNTH_CLUSTERS), candidates[32], n = 0, drawn[PLACES_MAX];
    for (int i = 0; i < n_synth_places; i++)
        if (synth_places[i].cluster == cluster)
            candidates[n++] = i;
    story->n_places = 2 + dice_below(dice, PLACES_MAX - 1);
    for (int i = 0; i < story->n_places; i++) {
        drawn[i] = draw_new(dice, n, drawn, i);
        story->places[i] = candidates[drawn[i]];
    }
}

static void story_cast_spots(Story *story, Dice *dice)
{
    int kinds[SPOTS_MAX];
    story->n_spots = story->n_places + dice_below(dice, SPOTS_MAX - story->n_places + 1);
    for (int i = 0; i < story->n_spots; i++) {
        int place = i < story->n_places ? i : dice_below(dice, story->n_places);
        bool indoors = synth_places[story->places[place]].is_indoors;
        const SynthSpotKind *kind;
        do {
            kinds[i] = draw_new(dice, n_synth_spot_kinds, kinds, i);
            kind = &synth_spot_kinds[kinds[i]];
        } while (indoors ? !kind->is_indoors : !kind->is_outdoors);
        story->spots[i].kind = kinds[i];
        story->spots[i].place = place;
        story->spots[i].material = dice_below(dice, n_synth_materials);
    }
}

static void story_cast_objects(Story *story, Dice *dice)
{
    int things[OBJECTS_MAX + 1];
    story->n_objects = 2 + dice_below(dice, OBJECTS_MAX - 1);
    for (int i = 0; i < story->n_objects; i++) {
        things[i] = draw_new(dice, n_synth_things, things, i);
        story->objects[i].thing = things[i];
        story->objects[i].look = dice_below(dice, n_synth_looks);
        bool held = dice_chance(dice, 25);
        story->object_first[i] = (WhereIs){held, dice_below(dice, held ? story->n_people : story->n_spots)};
        story->object_now[i] = story->object_first[i];
    }
    story->pile_thing = -1;
    if (!dice_chance(dice, 50))
        return;
    do
        story->pile_thing = draw_new(dice, n_synth_things, things, story->n_objects);
    while (!synth_things[story->pile_thing].is_food);
    story->pile_spot = dice_below(dice, story->n_spots);
    story->pile_first = story->pile_now = 3 + dice_below(dice, 15);
}

static void story_cast(Story *story, Dice *dice)
{
    memset(story, 0, sizeof *story);
    story_cast_places(story, dice);
    story_cast_spots(story, dice);
    story->n_people = 2 + dice_below(dice, 3);
    for (int i = 0; i < story->n_people; i++) {
        story->people[i] = draw_new(dice, n_synth_names, story->people, i);
        story->place_first[i] = story->place_now[i] = dice_below(dice, story->n_places);
    }
    story_cast_objects(story, dice);
    /* Everyone knows what lies in their own room at the beginning. */
    for (int p = 0; p < story->n_people; p++)
        for (int o = 0; o < story->n_objects; o++)
            if (story_object_place(story, o) == story->place_now[p]) {
                story->belief[p][o].known = true;
                story->belief[p][o].where = story->object_now[o];
            }
    story->time = dice_below(dice, n_synth_times);
    story->weather = dice_below(dice, n_synth_weathers);
}

/* Events. */

static void story_witness(Story *story, int place, int object)
{
    for (int p = 0; p < story->n_people; p++) {
        if (story->place_now[p] != place)
            continue;
        story->belief[p][object].known = true;
        story->belief[p][object].stale = false;
        story->belief[p][object].where = story->object_now[object];
    }
}

/* Someone who comes in may or may not notice what lies there: what they believed about this room, true or not, is open from now on. */
static void story_unsettle(Story *story, int person, int place)
{
    for (int o = 0; o < story->n_objects; o++) {
        bool believed_here = story->belief[person][o].known && where_place(story, story->belief[person][o].where) == place;
        if (believed_here || story_object_place(story, o) == place)
            story->belief[person][o].stale = true;
    }
}

static bool has_empty_hands(const Story *s, int p)
{
    for (int o = 0; o < s->n_objects; o++)
        if (where_equal(s->object_now[o], (WhereIs){true, p}))
            return false;
    return true;
}

bool story_apply(Story *s, const Event *e)
{
    int p = e->person, at = s->place_now[p];
    if (at == GONE)
        return false;
    switch (e->kind) {
    case EVENT_MOVE:
        if (e->place == at)
            return false;
        s->place_now[p] = e->place;
        story_unsettle(s, p, e->place);
        return true;
    case EVENT_LEAVE:
        if (!has_empty_hands(s, p))
            return false;
        s->place_now[p] = GONE;
        return true;
    case EVENT_TAKE:
        if (!where_equal(s->object_now[e->object], (WhereIs){false, e->spot}) || s->spots[e->spot].place != at)
            return false;
        s->object_now[e->object] = (WhereIs){true, p};
        story_witness(s, at, e->object);
        return true;
    case EVENT_PUT:
        if (!where_equal(s->object_now[e->object], (WhereIs){true, p}) || s->spots[e->spot].place != at)
            return false;
        s->object_now[e->object] = (WhereIs){false, e->spot};
        story_witness(s, at, e->object);
        return true;
    case EVENT_GIVE:
        if (!where_equal(s->object_now[e->object], (WhereIs){true, p}) || s->place_now[e->other] != at || e->other == p)
            return false;
        s->object_now[e->object] = (WhereIs){true, e->other};
        story_witness(s, at, e->object);
        return true;
    case EVENT_SEARCH:
        return s->spots[e->spot].place == at && !where_equal(s->object_now[e->object], (WhereIs){false, e->spot});
    case EVENT_ASK:
        if (s->place_now[e->other] != at || e->other == p || e->knows != s->belief[e->other][e->object].known)
            return false;
        return !e->knows || where_equal(e->answer, s->belief[e->other][e->object].where);
    case EVENT_MEET:
        return s->place_now[e->other] == at && e->other != p;
    case EVENT_EAT:
        if (s->pile_thing < 0 || s->spots[s->pile_spot].place != at || e->count < 1 || e->count > s->pile_now)
            return false;
        s->pile_now -= e->count;
        return true;
    case EVENT_ADD:
        if (s->pile_thing < 0 || s->spots[s->pile_spot].place != at || e->count < 1)
            return false;
        s->pile_now += e->count;
        return true;
    case EVENT_DEED: case EVENT_FEEL:
        return true;
    case N_EVENTS:
        break;
    }
    return false;
}

/* What may happen, with weights. */
typedef struct {
    Event events[256];
    int weights[256];
    int n, total;
} Options;

static void options_add(Options *options, Event event, int weight)
{
    if (options->n == 256)
        return;
    options->events[options->n] = event;
    options->weights[options->n++] = weight;
    options->total += weight;
}

static const Event *story_last(const Story *story, EventKind kind)
{
    for (int i = story->n_events - 1; i >= 0; i--)
        if (story->events[i].kind == kind)
            return &story->events[i];
    return NULL;
}

/* What p can do with the objects here or in hand. */
static void story_list_object_events(const Story *s, int p, Options *options)
{
    int at = s->place_now[p];
    const Event *last = s->n_events > 0 ? &s->events[s->n_events - 1] : NULL;
    const Event *last_put = story_last(s, EVENT_PUT);
    for (int o = 0; o < s->n_objects; o++) {
        WhereIs where = s->object_now[o];
        bool just_put = last_put && last_put->object == o && last_put->person == p;
        bool just_given = last && last->kind == EVENT_GIVE && last->object == o;
        if (!where.held && s->spots[where.index].place == at && !just_put)
            options_add(options, (Event){.kind = EVENT_TAKE, .person = p, .object = o, .spot = where.index}, 12);
        if (!where.held || where.index != p)
            continue;
        const Event *last_take = story_last(s, EVENT_TAKE);
        for (int spot = 0; spot < s->n_spots; spot++)
            if (s->spots[spot].place == at && !(last_take && last_take->object == o && last_take->spot == spot))
                options_add(options, (Event){.kind = EVENT_PUT, .person = p, .object = o, .spot = spot}, 8);
        for (int q = 0; q < s->n_people; q++)
            if (q != p && s->place_now[q] == at && !just_given)
                options_add(options, (Event){.kind = EVENT_GIVE, .person = p, .other = q, .object = o}, 10);
    }
}

static void story_list_search_events(const Story *s, int p, Options *options)
{
    int at = s->place_now[p];
    for (int o = 0; o < s->n_objects; o++) {
        if (s->object_now[o].held && s->object_now[o].index == p)
            continue;
        bool sees_it = s->belief[p][o].known && !s->belief[p][o].stale && where_equal(s->belief[p][o].where, s->object_now[o]);
        if (sees_it)
            continue;
        for (int spot = 0; spot < s->n_spots; spot++)
            if (s->spots[spot].place == at && !where_equal(s->object_now[o], (WhereIs){false, spot}))
                options_add(options, (Event){.kind = EVENT_SEARCH, .person = p, .object = o, .spot = spot}, 2);
        for (int q = 0; q < s->n_people; q++) {
            if (q == p || s->place_now[q] != at || (s->belief[q][o].known && s->belief[q][o].stale))
                continue;
            Event ask = {.kind = EVENT_ASK, .person = p, .other = q, .object = o, .knows = s->belief[q][o].known};
            ask.answer = s->belief[q][o].where;
            options_add(options, ask, ask.knows ? 5 : 2);
        }
    }
}

static void story_list_events(const Story *s, int p, Options *options)
{
    int at = s->place_now[p], n_left = 0;
    const Event *last = s->n_events > 0 ? &s->events[s->n_events - 1] : NULL;
    story_list_object_events(s, p, options);
    story_list_search_events(s, p, options);
    bool just_moved = last && last->kind == EVENT_MOVE && last->person == p;
    for (int place = 0; place < s->n_places && !just_moved; place++)
        if (place != at)
            options_add(options, (Event){.kind = EVENT_MOVE, .person = p, .place = place}, 6);
    for (int q = 0; q < s->n_people; q++) {
        n_left += s->place_now[q] != GONE;
        if (just_moved && q != p && s->place_now[q] == at)
            options_add(options, (Event){.kind = EVENT_MEET, .person = p, .other = q}, 8);
    }
    if (n_left > 2 && s->n_events > 5 && has_empty_hands(s, p))
        options_add(options, (Event){.kind = EVENT_LEAVE, .person = p}, 3);
    if (s->pile_thing >= 0 && s->spots[s->pile_spot].place == at && !(last && last->kind == EVENT_EAT) &&
        !(last && last->kind == EVENT_ADD)) {
        for (int count = 1; count <= 3 && count < s->pile_now; count++)
            options_add(options, (Event){.kind = EVENT_EAT, .person = p, .count = count}, 4);
        for (int count = 2; count <= 6; count++)
            options_add(options, (Event){.kind = EVENT_ADD, .person = p, .count = count}, 1);
    }
    if (!last || (last->kind != EVENT_DEED && last->kind != EVENT_FEEL)) {
        options_add(options, (Event){.kind = EVENT_DEED, .person = p, .place = at, .count = 0}, 2);
        options_add(options, (Event){.kind = EVENT_DEED, .person = p, .place = at, .count = 1}, 2);
        options_add(options, (Event){.kind = EVENT_DEED, .person = p, .place = at, .count = 2}, 2);
        for (int feeling = 0; feeling < n_synth_feelings && last; feeling++)
            options_add(options, (Event){.kind = EVENT_FEEL, .person = p, .count = feeling}, 1);
    }
}

/* A deed, a feeling, a question or a search comes once a story. Moving on is always left. */
static void options_drop_repeats(Options *options, const Story *story)
{
    for (int i = 0; i < options->n; i++) {
        const Event *event = &options->events[i];
        bool comes_once = event->kind == EVENT_DEED || event->kind == EVENT_FEEL || event->kind == EVENT_ASK ||
                          event->kind == EVENT_SEARCH || event->kind == EVENT_MEET;
        bool happened = false;
        for (int k = 0; k < story->n_events && comes_once; k++) {
            const Event *past = &story->events[k];
            bool same_matter = past->kind == event->kind && past->object == event->object && past->spot == event->spot;
            happened = happened || (same_matter && event->kind == EVENT_FEEL && past->count == event->count) ||
                       (same_matter && event->kind == EVENT_DEED && past->count == event->count && past->place == event->place) ||
                       (same_matter && event->kind > EVENT_GIVE && event->kind < EVENT_DEED && past->person == event->person) ||
                       (same_matter && event->kind == EVENT_MEET && past->other == event->other);
        }
        if (happened) {
            options->total -= options->weights[i];
            options->weights[i] = 0;
        }
    }
}

void story_simulate(Story *story, Dice *dice, int n_events)
{
    assert(n_events <= EVENTS_MAX);
    story_cast(story, dice);
    int focus = dice_below(dice, story->n_people);
    while (story->n_events < n_events) {
        if (story->place_now[focus] == GONE || (story->n_events > 0 && dice_chance(dice, 28))) {
            do
                focus = dice_below(dice, story->n_people);
            while (story->place_now[focus] == GONE);
        }
        Options options = {.n = 0};
        story_list_events(story, focus, &options);
        options_drop_repeats(&options, story);
        if (options.total == 0) {
            do
                focus = (focus + 1) % story->n_people;
            while (story->place_now[focus] == GONE);
            continue;
        }
        int throw = dice_below(dice, options.total), i = 0;
        while (throw >= options.weights[i])
            throw -= options.weights[i++];
        Event event = options.events[i];
        bool happened = story_apply(story, &event);
        assert(happened);
        story->events[story->n_events++] = event;
    }
}
