/* synth_en.c - tells a story in English: articles by first mention, pronouns only where one person can be meant. */
#include "text/corpus/synth_tell.h"

#include <string.h>

static const SynthName *name_of(const Story *s, int person)
{
    return &synth_names[s->people[person]];
}

static Phrase person(const Story *s, Teller *t, int p)
{
    return person_phrase(t, name_of(s, p));
}

static const char *place(const Story *s, int p)
{
    return synth_places[s->places[p]].en;
}

/* "in the kitchen", "at the market" */
static const char *at_place(const Story *s, Teller *t, int p)
{
    const SynthPlace *where = &synth_places[s->places[p]];
    return tell_phrase(t, "%s %s", where->at, where->en);
}

static SynthRelation spot_relation(const Story *s, int spot)
{
    return synth_spot_kinds[s->spots[spot].kind].relation;
}

/* "a red box" the first time, "the red box" or "the box" after. */
static const char *spot_noun(const Story *s, Teller *t, int spot)
{
    const char *kind = synth_spot_kinds[s->spots[spot].kind].en;
    const char *whole = tell_phrase(t, "%s %s", synth_materials[s->spots[spot].material].en, kind);
    bool named = t->spots_named >> spot & 1;
    t->spots_named |= 1u << spot;
    if (!named)
        return english_a(t, whole);
    return tell_phrase(t, "the %s", dice_chance(&t->dice, 50) ? whole : kind);
}

static const char *spot_phrase(const Story *s, Teller *t, int spot)
{
    static const char *const sides[] = {"in", "on", "under"};
    return tell_phrase(t, "%s %s", sides[spot_relation(s, spot)], spot_noun(s, t, spot));
}

static const char *thing(const Story *s, Teller *t, int o)
{
    const char *name = synth_things[s->objects[o].thing].en;
    const char *whole = tell_phrase(t, "%s %s", synth_looks[s->objects[o].look].en, name);
    bool named = t->objects_named >> o & 1;
    t->objects_named |= 1u << o;
    if (!named)
        return english_a(t, whole);
    return tell_phrase(t, "the %s", dice_chance(&t->dice, 45) ? whole : name);
}

static const char *count_of(Teller *t, int n, const SynthThing *thing_counted)
{
    return tell_phrase(t, "%s %s", english_number(t, n), n == 1 ? thing_counted->en : thing_counted->en_plural);
}

/* Opening. */

static void tell_people_en(const Story *s, Teller *t)
{
    for (int at = 0; at < s->n_places; at++) {
        int here[PEOPLE_MAX], n = 0;
        for (int p = 0; p < s->n_people; p++)
            if (s->place_first[p] == at)
                here[n++] = p;
        if (n == 0)
            continue;
        char list[PEOPLE_MAX * PHRASE_BYTES] = "";
        for (int i = 0; i < n; i++) {
            strcat(list, i == 0 ? "" : i + 1 < n ? ", " : " and ");
            strcat(list, person(s, t, here[i]).text);
        }
        Phrase args[] = {{list, false, false}, {at_place(s, t, at), false, false}, {n == 1 ? "was" : "were", false, false}};
        tell(t, "$1 $3 $2. ", args);
    }
}

static void tell_object_en(const Story *s, Teller *t, int o)
{
    WhereIs where = s->object_first[o];
    const char *name = thing(s, t, o);
    if (where.held) {
        Phrase args[] = {person(s, t, where.index), {name, false, false}};
        TELL_ONE_OF(t, args, "$1 was holding $2. ", "$1 had $2. ");
        return;
    }
    Phrase args[] = {{spot_phrase(s, t, where.index), false, false}, {name, false, false},
                     {at_place(s, t, s->spots[where.index].place), false, false}};
    TELL_ONE_OF(t, args, "There was $2 $1 $3. ", "$3, there was $2 $1. ");
}

static void tell_opening_en(const Story *s, Teller *t)
{
    Phrase scene[] = {{synth_times[s->time].en, false, false}, {synth_weathers[s->weather].en, false, false}};
    char weather[PHRASE_BYTES];
    strcpy(weather, synth_weathers[s->weather].en);
    weather[0] = (char)(weather[0] | 0x20);
    scene[1].text = weather;
    tell(t, "$1, $2. ", scene);
    tell_people_en(s, t);
    for (int o = 0; o < s->n_objects; o++)
        tell_object_en(s, t, o);
    if (s->pile_thing >= 0) {
        const char *verb = s->pile_first == 1 ? "was" : "were";
        Phrase args[] = {{spot_phrase(s, t, s->pile_spot), false, false},
                         {count_of(t, s->pile_first, &synth_things[s->pile_thing]), false, false},
                         {at_place(s, t, s->spots[s->pile_spot].place), false, false}, {verb, false, false}};
        TELL_ONE_OF(t, args, "There $4 $2 $1 $3. ", "There $4 also $2 $1 $3. ");
    }
}

/* Events. Arguments: 1 subject, 2 object, 3 spot or place, 4 the other person, 5 a count. */

static void tell_take_en(const Story *s, Teller *t, const Event *e, Phrase *args)
{
    const char *noun = spot_noun(s, t, e->spot);
    args[2].text = noun;
    switch (spot_relation(s, e->spot)) {
    case SPOT_IN: TELL_ONE_OF(t, args, "{S} took $2 out of $3. ", "{S} reached into $3 and took out $2. "); break;
    case SPOT_ON: TELL_ONE_OF(t, args, "{S} picked up $2 from $3. ", "{S} took $2 from $3. "); break;
    case SPOT_UNDER: TELL_ONE_OF(t, args, "{S} took $2 from under $3. ", "{S} bent down and pulled $2 out from under $3. "); break;
    }
}

static void tell_put_en(const Story *s, Teller *t, const Event *e, Phrase *args)
{
    args[2].text = spot_phrase(s, t, e->spot);
    if (spot_relation(s, e->spot) == SPOT_UNDER)
        TELL_ONE_OF(t, args, "{S} put $2 $3. ", "{S} hid $2 $3. ", "{S} pushed $2 $3. ");
    else
        TELL_ONE_OF(t, args, "{S} put $2 $3. ", "{S} carefully put $2 $3. ", "{S} placed $2 $3. ", "{S} left $2 $3. ");
}

static int last_putter(const Story *s, const Event *ask)
{
    for (const Event *e = ask - 1; e >= s->events; e--)
        if (e->object == ask->object && (e->kind == EVENT_PUT || e->kind == EVENT_TAKE || e->kind == EVENT_GIVE))
            return e->kind == EVENT_PUT && !ask->answer.held && e->spot == ask->answer.index ? e->person : -1;
    return -1;
}

static void tell_ask_en(const Story *s, Teller *t, const Event *e, const Phrase *asked)
{
    TELL_ONE_OF(t, asked, "\"Where is $2?\" {S} asked $4. ", "{S} asked $4, \"Have you seen $2?\" ", "{S} asked $4 about $2. ");
    Phrase args[] = {person(s, t, e->other), {"", false, false}, {"", false, false}};
    if (!e->knows) {
        TELL_ONE_OF(t, args, "\"I don't know,\" said $1. ", "\"I have no idea,\" $1 answered. ", "$1 said, \"I haven't seen it.\" ");
        return;
    }
    if (e->answer.held) {
        bool own = e->answer.index == e->other;
        args[1].text = own ? "I" : person(s, t, e->answer.index).text;
        args[2].text = own ? "have" : "has";
        TELL_ONE_OF(t, args, "\"$2 $3 it,\" said $1. ", "$1 answered, \"$2 $3 it.\" ");
        return;
    }
    int putter = last_putter(s, e);
    args[2].text = spot_phrase(s, t, e->answer.index);
    if (putter >= 0 && putter != e->other && putter != e->person && dice_chance(&t->dice, 60)) {
        args[1].text = person(s, t, putter).text;
        tell(t, "\"$2 said, 'I will leave it $3,'\" answered $1. ", args);
        return;
    }
    TELL_ONE_OF(t, args, "\"It is $3,\" said $1. ", "$1 answered, \"It is $3.\" ", "\"I think it is $3,\" said $1. ");
}

static void tell_pile_en(const Story *s, Teller *t, const Event *e, Phrase *args, int pile_left)
{
    const SynthThing *food = &synth_things[s->pile_thing];
    args[2].text = spot_phrase(s, t, s->pile_spot);
    args[4].text = count_of(t, e->count, food);
    if (e->kind == EVENT_ADD) {
        args[4].text = tell_phrase(t, "%s more %s", english_number(t, e->count), e->count == 1 ? food->en : food->en_plural);
        TELL_ONE_OF(t, args, "{S} brought $5 and put them $3. ", "{S} put $5 $3. ");
        return;
    }
    args[1].text = english_number(t, e->count);
    args[3].text = food->en_plural;
    TELL_ONE_OF(t, args, "{S} ate $5. ", "{S} ate $2 of the $4 $3. ");
    if (pile_left > 0 && dice_chance(&t->dice, 50)) {
        Phrase left[] = {{count_of(t, pile_left, food), false, false}, {pile_left == 1 ? "was" : "were", false, false}};
        TELL_ONE_OF(t, left, "Now $1 $2 left. ", "$1 $2 left. ");
    }
}

static void tell_event_en(const Story *s, Teller *t, const Event *e, int pile_left)
{
    bool names_others = e->kind == EVENT_GIVE || e->kind == EVENT_ASK || e->kind == EVENT_MEET;
    tell_subject(t, e->person, names_others);
    if (t->subject_is_clear && dice_chance(&t->dice, 25))
        TELL_ONE_OF(t, NULL, "Then ", "After that, ", "A little later, ", "Next, ");
    Phrase args[] = {person(s, t, e->person), {"", false, false}, {"", false, false}, {"", false, false}, {"", false, false}};
    if (names_others)
        args[3] = person(s, t, e->other);
    if (e->kind <= EVENT_ASK && e->kind != EVENT_MOVE)
        args[1].text = thing(s, t, e->object);
    switch (e->kind) {
    case EVENT_MOVE:
        args[2].text = place(s, e->place);
        TELL_ONE_OF(t, args, "{S} went to $3. ", "{S} walked to $3. ", "{S} hurried to $3. ", "{S} walked slowly to $3. ", "{S} headed for $3. ");
        break;
    case EVENT_TAKE: tell_take_en(s, t, e, args); break;
    case EVENT_PUT: tell_put_en(s, t, e, args); break;
    case EVENT_GIVE:
        TELL_ONE_OF(t, args, "{S} gave $2 to $4. ", "{S} handed $2 to $4. ", "{S} smiled and gave $2 to $4. ", "{S} gave $4 $2. ");
        break;
    case EVENT_SEARCH:
        args[2].text = spot_phrase(s, t, e->spot);
        TELL_ONE_OF(t, args, "{S} looked for $2 $3, but it was not there. ", "{S} searched for $2 $3 but found nothing. ");
        break;
    case EVENT_ASK: tell_ask_en(s, t, e, args); break;
    case EVENT_EAT: case EVENT_ADD: tell_pile_en(s, t, e, args, pile_left); break;
    case EVENT_DEED:
        args[1].text = synth_places[s->places[e->place]].deeds[e->count].en;
        tell(t, "{S} $2. ", args);
        break;
    case EVENT_FEEL:
        args[1].text = synth_feelings[e->count].en;
        tell(t, "{S} $2. ", args);
        break;
    case EVENT_LEAVE:
        TELL_ONE_OF(t, args, "{S} went home. ", "{S} said goodbye and went home. ");
        break;
    case EVENT_MEET:
        TELL_ONE_OF(t, args, "{S} met $4. ", "\"Hello, $4!\" said $1. ", "{S} waved to $4. ");
        break;
    case N_EVENTS:
        break;
    }
}

static void tell_break(Teller *t, int i, int n)
{
    if (i > 2 && i + 2 < n && dice_chance(&t->dice, 20)) {
        t->n -= t->bytes[t->n - 1] == ' ';
        tell(t, "\n", NULL);
    }
}

void story_tell_en(const Story *s, Teller *t)
{
    tell_opening_en(s, t);
    int pile = s->pile_first;
    for (int i = 0; i < s->n_events; i++) {
        const Event *e = &s->events[i];
        pile += e->kind == EVENT_ADD ? e->count : e->kind == EVENT_EAT ? -e->count : 0;
        tell_event_en(s, t, e, pile);
        tell_break(t, i, s->n_events);
    }
    t->n -= t->n > 0 && t->bytes[t->n - 1] == ' ';
    t->bytes[t->n] = '\0';
}

static void questions_tell_one_en(const Story *s, Teller *t, const Question *q)
{
    Phrase args[] = {{"", false, false}, {tell_phrase(t, "the %s", synth_things[s->objects[q->object].thing].en), false, false},
                     {"", false, false}, {"", false, false}};
    WhereIs where = s->object_now[q->object];
    switch (q->kind) {
    case ASK_OBJECT_PLACE:
        args[2].text = where.held ? "" : spot_phrase(s, t, where.index);
        args[3].text = at_place(s, t, story_object_place(s, q->object));
        if (where.held)
            args[0] = person(s, t, where.index);
        tell(t, where.held ? "Question: Where is $2 now?\nAnswer: $1 has it $4" : "Question: Where is $2 now?\nAnswer: It is $3 $4", args);
        break;
    case ASK_HOLDER:
        args[0] = person(s, t, where.index);
        tell(t, "Question: Who has $2 now?\nAnswer: $1", args);
        break;
    case ASK_PERSON_PLACE:
        args[0] = person(s, t, q->person);
        args[2].text = s->place_now[q->person] == GONE ? "at home" : at_place(s, t, s->place_now[q->person]);
        tell(t, "Question: Where is $1 now?\nAnswer: {he} is $3", args);
        break;
    case ASK_PILE:
        args[1].text = synth_things[s->pile_thing].en_plural;
        args[2].text = s->pile_now == 0 ? "none" : english_number(t, s->pile_now);
        args[3].text = s->pile_now == 1 ? "is" : "are";
        tell(t, "Question: How many $2 are left now?\nAnswer: There $4 $3 left", args);
        break;
    case ASK_GIVER:
        args[0] = person(s, t, q->person);
        args[2] = person(s, t, q->other);
        tell(t, "Question: Who gave $2 to $3?\nAnswer: $1", args);
        break;
    case ASK_BELIEF:
        args[0] = person(s, t, q->person);
        args[2].text = spot_phrase(s, t, s->belief[q->person][q->object].where.index);
        tell(t, "Question: Where does $1 think $2 is?\nAnswer: {he} thinks it is $3", args);
        break;
    case ASK_FIRST_SPOT:
        args[2].text = spot_phrase(s, t, s->object_first[q->object].index);
        tell(t, "Question: Where was $2 at first?\nAnswer: It was $3", args);
        break;
    }
}

void questions_tell_en(const Story *s, Teller *t, const Question *questions, int n)
{
    for (int i = 0; i < n; i++) {
        tell(t, "\n", NULL);
        questions_tell_one_en(s, t, &questions[i]);
        tell(t, ".", NULL);
    }
}
