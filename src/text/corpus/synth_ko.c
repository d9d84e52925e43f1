/* synth_ko.c - tells a story in Korean, at one level of speech, with honorifics for the old. */
#include "text/corpus/korean.h"
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
    return synth_places[s->places[p]].ko;
}

static const char *spot_noun(const Story *s, Teller *t, int spot)
{
    return tell_phrase(t, "%s %s", synth_materials[s->spots[spot].material].ko, synth_spot_kinds[s->spots[spot].kind].ko);
}

static SynthRelation spot_relation(const Story *s, int spot)
{
    return synth_spot_kinds[s->spots[spot].kind].relation;
}

static const char *spot_phrase(const Story *s, Teller *t, int spot)
{
    static const char *const sides[] = {"안", "위", "밑"};
    return tell_phrase(t, "%s %s", spot_noun(s, t, spot), sides[spot_relation(s, spot)]);
}

static const char *thing(const Story *s, Teller *t, int o)
{
    const char *name = synth_things[s->objects[o].thing].ko;
    bool named = t->objects_named >> o & 1;
    t->objects_named |= 1u << o;
    if (named && dice_chance(&t->dice, 55))
        return name;
    return tell_phrase(t, "%s %s", synth_looks[s->objects[o].look].ko, name);
}

/* Opening: time, weather, who is where, what lies where. */

static void tell_people_ko(const Story *s, Teller *t)
{
    for (int at = 0; at < s->n_places; at++) {
        char list[PEOPLE_MAX * PHRASE_BYTES] = "";
        bool all_honoured = true;
        for (int p = 0; p < s->n_people; p++) {
            if (s->place_first[p] != at)
                continue;
            Phrase one = person(s, t, p);
            if (list[0]) {
                strcat(list, korean_particle("과", korean_final_sound(list, strlen(list))));
                strcat(list, " ");
            }
            strcat(list, one.text);
            all_honoured = all_honoured && one.honoured;
        }
        if (!list[0])
            continue;
        Phrase args[] = {{list, all_honoured, false}, {place(s, at), false, false}};
        TELL_ONE_OF(t, args, "$1{은} $2에 {있었/계셨}{다}. ", "$2에는 $1{이} {있었/계셨}{다}. ");
    }
}

static void tell_object_ko(const Story *s, Teller *t, int o)
{
    WhereIs where = s->object_first[o];
    const char *name = thing(s, t, o);
    if (where.held) {
        Phrase args[] = {person(s, t, where.index), {name, false, false}};
        TELL_ONE_OF(t, args, "$1{은} $2{을} 들고 {있었/계셨}{다}. ", "$1{은} $2{을} 가지고 {있었/계셨}{다}. ");
        return;
    }
    Phrase args[] = {{spot_phrase(s, t, where.index), false, false}, {name, false, false},
                     {place(s, s->spots[where.index].place), false, false}};
    TELL_ONE_OF(t, args, "$3에 있는 $1에는 $2{이} 있었{다}. ", "$2{은} $3에 있는 $1에 있었{다}. ", "$3의 $1에 $2{이} 놓여 있었{다}. ");
}

static void tell_opening_ko(const Story *s, Teller *t)
{
    Phrase scene[] = {{synth_times[s->time].ko, false, false}, {synth_weathers[s->weather].ko, false, false}};
    TELL_ONE_OF(t, scene, "$1{이었}{다}. $2{다}. ", "$1, $2{다}. ");
    tell_people_ko(s, t);
    for (int o = 0; o < s->n_objects; o++)
        tell_object_ko(s, t, o);
    if (s->pile_thing >= 0) {
        const SynthThing *food = &synth_things[s->pile_thing];
        Phrase args[] = {{spot_phrase(s, t, s->pile_spot), false, false}, {food->ko, false, false},
                         {korean_count(t, s->pile_first, food->counter), false, false},
                         {place(s, s->spots[s->pile_spot].place), false, false}};
        TELL_ONE_OF(t, args, "$4에 있는 $1에는 $2{이} $3 있었{다}. ", "그리고 $4의 $1에 $2{이} $3 있었{다}. ");
    }
}

/* Events. Arguments: 1 subject, 2 object, 3 spot or place, 4 the other person, 5 a count. */

static void tell_put_ko(const Story *s, Teller *t, const Event *e, const Phrase *args)
{
    static const char *const any = "{S}$2{을} $3에 {두었/두셨}{다}. ";
    switch (spot_relation(s, e->spot)) {
    case SPOT_IN: TELL_ONE_OF(t, args, any, "{S}$2{을} $3에 {넣었/넣으셨}{다}. ", "{S}조심스럽게 $2{을} $3에 {넣었/넣으셨}{다}. "); break;
    case SPOT_ON: TELL_ONE_OF(t, args, any, "{S}$2{을} $3에 {놓았/놓으셨}{다}. ", "{S}$2{을} $3에 {올려놓았/올려놓으셨}{다}. "); break;
    case SPOT_UNDER: TELL_ONE_OF(t, args, any, "{S}$2{을} $3에 {숨겼/숨기셨}{다}. ", "{S}$2{을} $3에 살짝 {넣어 두었/넣어 두셨}{다}. "); break;
    }
}

static void tell_take_ko(const Story *s, Teller *t, const Event *e, const Phrase *args)
{
    static const char *const any = "{S}$3에 있던 $2{을} {가져갔/가져가셨}{다}. ";
    switch (spot_relation(s, e->spot)) {
    case SPOT_IN: TELL_ONE_OF(t, args, any, "{S}$3에서 $2{을} {꺼냈/꺼내셨}{다}. ", "{S}$3에 손을 넣어 $2{을} {꺼냈/꺼내셨}{다}. "); break;
    case SPOT_ON: TELL_ONE_OF(t, args, any, "{S}$3에 있던 $2{을} {집었/집으셨}{다}. ", "{S}$3에서 $2{을} 집어 {들었/드셨}{다}. "); break;
    case SPOT_UNDER: TELL_ONE_OF(t, args, any, "{S}$3에서 $2{을} {꺼냈/꺼내셨}{다}. ", "{S}몸을 숙여 $3에서 $2{을} {꺼냈/꺼내셨}{다}. "); break;
    }
}

static void tell_give_ko(Teller *t, const Phrase *args)
{
    if (args[3].honoured)
        TELL_ONE_OF(t, args, "{S}$4{에게} $2{을} {드렸/드리셨}{다}. ", "{S}두 손으로 $4{에게} $2{을} {드렸/드리셨}{다}. ");
    else
        TELL_ONE_OF(t, args, "{S}$4{에게} $2{을} {주었/주셨}{다}. ", "{S}$4{에게} $2{을} {건넸/건네셨}{다}. ",
                    "{S}웃으면서 $4{에게} $2{을} {주었/주셨}{다}. ");
}

/* Who speaks to whom decides the endings inside the quotes: 요 to adults and the honoured, none among children and downwards. */
static bool speaks_politely(const Story *s, int from, int to)
{
    const SynthName *a = name_of(s, from), *b = name_of(s, to);
    return b->is_title || (b->age == AGE_ADULT && a->age == AGE_CHILD) || (a->age == AGE_ADULT && b->age == AGE_ADULT);
}

/* The last one who put the object where it is believed to be, if that was seen: for a quote within the answer. */
static int last_putter(const Story *s, const Event *ask, const Event *before)
{
    for (const Event *e = before - 1; e >= s->events; e--)
        if (e->object == ask->object && (e->kind == EVENT_PUT || e->kind == EVENT_TAKE || e->kind == EVENT_GIVE))
            return e->kind == EVENT_PUT && !ask->answer.held && e->spot == ask->answer.index ? e->person : -1;
    return -1;
}

static void tell_answer_ko(const Story *s, Teller *t, const Event *e)
{
    bool polite = speaks_politely(s, e->other, e->person);
    Phrase args[] = {person(s, t, e->other), {synth_things[s->objects[e->object].thing].ko, false, false}, {"", false, false}, {"", false, false}};
    const char *end = polite ? "어요" : "어";
    if (!e->knows) {
        args[2].text = tell_phrase(t, polite ? "잘 모르겠어요" : "나도 몰라");
        TELL_ONE_OF(t, args, "$1{은} \"$3.\"라고 {대답했/대답하셨}{다}. ", "\"$3.\" $1{이} {말했/말씀하셨}{다}. ");
        return;
    }
    if (e->answer.held && e->answer.index == e->other) {
        args[2].text = tell_phrase(t, polite ? "제가 가지고 있%s" : "내가 가지고 있%s", end);
    } else if (e->answer.held) {
        Phrase holder = person(s, t, e->answer.index);
        args[3] = holder;
        args[2].text = tell_phrase(t, holder.honoured ? (polite ? "가지고 계세요" : "가지고 계셔") : "가지고 있%s", end);
        TELL_ONE_OF(t, args, "\"$4{이} $3.\" $1{이} {대답했/대답하셨}{다}. ", "$1{은} \"$2{은} $4{이} $3.\"라고 {말했/말씀하셨}{다}. ");
        return;
    } else {
        int putter = last_putter(s, e, e);
        args[3].text = spot_phrase(s, t, e->answer.index);
        if (putter >= 0 && putter != e->other && putter != e->person && !name_of(s, putter)->is_title && dice_chance(&t->dice, 60)) {
            args[2] = person(s, t, putter);
            tell(t, polite ? "\"$3{이} '$4에 둘게.'라고 했어요.\" $1{이} {대답했/대답하셨}{다}. "
                           : "\"$3{이} '$4에 둘게.'라고 했어.\" $1{이} {대답했/대답하셨}{다}. ", args);
            return;
        }
        args[2].text = tell_phrase(t, "%s에 있%s", args[3].text, end);
    }
    TELL_ONE_OF(t, args, "$1{은} \"$3.\"라고 {대답했/대답하셨}{다}. ", "\"$2? $3.\" $1{이} {말했/말씀하셨}{다}. ", "\"$3.\" $1{이} {알려 주었/알려 주셨}{다}. ");
}

static void tell_ask_ko(const Story *s, Teller *t, const Event *e, const Phrase *args)
{
    if (speaks_politely(s, e->person, e->other) && args[3].honoured)
        TELL_ONE_OF(t, args, "\"$2{은} 어디에 있어요?\" {S}$4{에게} {여쭈었/여쭈셨}{다}. ", "{S}$4{에게} \"혹시 $2{을} 보셨어요?\"라고 {여쭈었/여쭈셨}{다}. ");
    else if (speaks_politely(s, e->person, e->other))
        TELL_ONE_OF(t, args, "\"$2{은} 어디에 있어요?\" {S}$4{에게} {물었/물으셨}{다}. ", "{S}$4{에게} \"혹시 $2{을} 봤어요?\"라고 {물었/물으셨}{다}. ");
    else
        TELL_ONE_OF(t, args, "\"$2{은} 어디에 있어?\" {S}$4{에게} {물었/물으셨}{다}. ", "{S}$4{에게} \"혹시 $2 봤어?\"라고 {물었/물으셨}{다}. ");
    tell_answer_ko(s, t, e);
}

static void tell_event_ko(const Story *s, Teller *t, const Event *e, int pile_left)
{
    bool names_others = e->kind == EVENT_GIVE || e->kind == EVENT_ASK || e->kind == EVENT_MEET;
    tell_subject(t, e->person, names_others);
    if (t->subject_is_clear && dice_chance(&t->dice, 35))
        TELL_ONE_OF(t, NULL, "그리고 ", "그러고 나서 ", "잠시 후 ", "이어서 ");
    Phrase args[] = {person(s, t, e->person), {"", false, false}, {"", false, false}, {"", false, false}, {"", false, false}};
    if (names_others)
        args[3] = person(s, t, e->other);
    if (e->kind <= EVENT_ASK && e->kind != EVENT_MOVE)
        args[1].text = thing(s, t, e->object);
    const SynthThing *food = s->pile_thing >= 0 ? &synth_things[s->pile_thing] : NULL;
    switch (e->kind) {
    case EVENT_MOVE:
        args[2].text = place(s, e->place);
        TELL_ONE_OF(t, args, "{S}$3{으로} {갔/가셨}{다}. ", "{S}$3{으로} {걸어갔/걸어가셨}{다}. ", "{S}$3{으로} {향했/향하셨}{다}. ",
                    "{S}서둘러 $3{으로} {갔/가셨}{다}. ", "{S}천천히 $3{으로} {갔/가셨}{다}. ");
        break;
    case EVENT_TAKE:
        args[2].text = spot_phrase(s, t, e->spot);
        tell_take_ko(s, t, e, args);
        break;
    case EVENT_PUT:
        args[2].text = spot_phrase(s, t, e->spot);
        tell_put_ko(s, t, e, args);
        break;
    case EVENT_GIVE:
        tell_give_ko(t, args);
        break;
    case EVENT_SEARCH:
        args[2].text = spot_phrase(s, t, e->spot);
        TELL_ONE_OF(t, args, "{S}$2{을} 찾으려고 $3{을} {살펴보았/살펴보셨}지만 거기에는 없었{다}. ",
                    "{S}$3{을} {들여다보았/들여다보셨}{다}. $2{은} 거기에 없었{다}. ");
        break;
    case EVENT_ASK:
        tell_ask_ko(s, t, e, args);
        break;
    case EVENT_EAT:
        args[1].text = food->ko;
        args[2].text = spot_phrase(s, t, s->pile_spot);
        args[4].text = korean_count(t, e->count, food->counter);
        TELL_ONE_OF(t, args, "{S}$3에 있던 $2{을} $5 {먹었/드셨}{다}. ", "{S}$2{을} $5 {먹었/드셨}{다}. ");
        if (pile_left > 0 && dice_chance(&t->dice, 50)) {
            Phrase left[] = {{food->ko, false, false}, {korean_count(t, pile_left, food->counter), false, false}};
            TELL_ONE_OF(t, left, "이제 $1{은} $2 남았{다}. ", "$1{은} $2{이} 남았{다}. ");
        }
        break;
    case EVENT_ADD:
        args[1].text = food->ko;
        args[2].text = spot_phrase(s, t, s->pile_spot);
        args[4].text = korean_count(t, e->count, food->counter);
        TELL_ONE_OF(t, args, "{S}$2{을} $5 더 가져와서 $3에 {두었/두셨}{다}. ", "{S}$3에 $2{을} $5 더 {두었/두셨}{다}. ");
        break;
    case EVENT_DEED:
        args[1].text = synth_places[s->places[e->place]].deeds[e->count].ko;
        tell(t, "{S}$2{다}. ", args);
        break;
    case EVENT_FEEL:
        args[1].text = synth_feelings[e->count].ko;
        tell(t, "{S}$2{다}. ", args);
        break;
    case EVENT_LEAVE:
        TELL_ONE_OF(t, args, "{S}집으로 {돌아갔/돌아가셨}{다}. ", "{S}인사를 하고 집으로 {갔/가셨}{다}. ");
        break;
    case EVENT_MEET:
        if (args[3].honoured)
            TELL_ONE_OF(t, args, "{S}$4{에게} 공손히 {인사했/인사하셨}{다}. ", "\"안녕하세요!\" {S}$4{에게} 큰 소리로 {인사했/인사하셨}{다}. ");
        else
            TELL_ONE_OF(t, args, "{S}$4{을} {만났/만나셨}{다}. ", "\"안녕!\" {S}$4{에게} 손을 {흔들었/흔드셨}{다}. ");
        break;
    case N_EVENTS:
        break;
    }
}

/* Ends a paragraph now and then. */
static void tell_break(Teller *t, int i, int n)
{
    if (i > 2 && i + 2 < n && dice_chance(&t->dice, 20)) {
        t->n -= t->bytes[t->n - 1] == ' ';
        tell(t, "\n", NULL);
    }
}

void story_tell_ko(const Story *s, Teller *t)
{
    tell_opening_ko(s, t);
    int pile = s->pile_first;
    for (int i = 0; i < s->n_events; i++) {
        const Event *e = &s->events[i];
        pile += e->kind == EVENT_ADD ? e->count : e->kind == EVENT_EAT ? -e->count : 0;
        tell_event_ko(s, t, e, pile);
        tell_break(t, i, s->n_events);
    }
    t->n -= t->n > 0 && t->bytes[t->n - 1] == ' ';
    t->bytes[t->n] = '\0';
}

/* Questions at the end, always in the level of the story. */

static void question_place_ko(const Story *s, Teller *t, int o)
{
    WhereIs where = s->object_now[o];
    Phrase args[] = {{synth_things[s->objects[o].thing].ko, false, false}, {"", false, false}, {"", false, false}};
    tell(t, "질문: $1{은} 지금 어디에 {있을까|있나요|있습니까}?\n", args);
    if (where.held) {
        args[0] = person(s, t, where.index);
        args[1].text = place(s, s->place_now[where.index]);
        tell(t, args[0].honoured ? "답: $2에 계신 $1{이} 가지고 {계신다|계세요|계십니다}"
                                 : "답: $2에 있는 $1{이} 가지고 {있다|있어요|있습니다}", args);
    } else {
        args[1].text = spot_phrase(s, t, where.index);
        args[2].text = place(s, s->spots[where.index].place);
        tell(t, "답: $3에 있는 $2에 {있다|있어요|있습니다}", args);
    }
}

static void questions_tell_one_ko(const Story *s, Teller *t, const Question *q)
{
    Phrase args[] = {{"", false, false}, {synth_things[s->objects[q->object].thing].ko, false, false}, {"", false, false}, {"", false, false}};
    switch (q->kind) {
    case ASK_OBJECT_PLACE:
        question_place_ko(s, t, q->object);
        break;
    case ASK_HOLDER:
        args[0] = person(s, t, s->object_now[q->object].index);
        tell(t, "질문: $2{은} 지금 누가 가지고 {있을까|있나요|있습니까}?\n답: $1{이다}", args);
        break;
    case ASK_PERSON_PLACE:
        args[0] = person(s, t, q->person);
        args[2].text = s->place_now[q->person] == GONE ? "집" : place(s, s->place_now[q->person]);
        tell(t, "질문: $1{은} 지금 어디에 ", args);
        tell(t, args[0].honoured ? "{계실까|계신가요|계십니까}?\n답: $3에 {계신다|계세요|계십니다}"
                                 : "{있을까|있나요|있습니까}?\n답: $3에 {있다|있어요|있습니다}", args);
        break;
    case ASK_PILE:
        args[1].text = synth_things[s->pile_thing].ko;
        args[2].text = s->pile_now > 0 ? korean_count(t, s->pile_now, synth_things[s->pile_thing].counter) : "";
        args[3].text = synth_things[s->pile_thing].counter;
        tell(t, s->pile_now > 0 ? "질문: $2{은} 지금 몇 $4 {남았을까|남았나요|남았습니까}?\n답: $3{이다}"
                                : "질문: $2{은} 지금 몇 $4 {남았을까|남았나요|남았습니까}?\n답: 하나도 {없다|없어요|없습니다}", args);
        break;
    case ASK_GIVER:
        args[0] = person(s, t, q->person);
        args[2] = person(s, t, q->other);
        args[3].text = args[2].honoured ? "드린 사람" : args[0].honoured ? "주신 분" : "준 사람";
        tell(t, "질문: $3{에게} $2{을} $4{은} {누구일까|누구인가요|누구입니까}?\n답: $1{이다}", args);
        break;
    case ASK_BELIEF:
        args[0] = person(s, t, q->person);
        args[2].text = spot_phrase(s, t, s->belief[q->person][q->object].where.index);
        tell(t, args[0].honoured ? "질문: $1{은} $2{이} 어디에 있다고 {생각하실까|생각하시나요|생각하십니까}?\n답: $3에 있다고 {생각하신다|생각하세요|생각하십니다}"
                                 : "질문: $1{은} $2{이} 어디에 있다고 {생각할까|생각하나요|생각합니까}?\n답: $3에 있다고 {생각한다|생각해요|생각합니다}", args);
        break;
    case ASK_FIRST_SPOT:
        args[2].text = spot_phrase(s, t, s->object_first[q->object].index);
        tell(t, "질문: $2{은} 처음에 어디에 있었{을까|나요|습니까}?\n답: $3에 있었{다}", args);
        break;
    }
}

void questions_tell_ko(const Story *s, Teller *t, const Question *questions, int n)
{
    for (int i = 0; i < n; i++) {
        tell(t, "\n", NULL);
        questions_tell_one_ko(s, t, &questions[i]);
        tell(t, ".", NULL);
    }
}
