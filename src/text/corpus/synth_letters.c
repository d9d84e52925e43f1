/* synth_letters.c - letters, sums and conversations. */
#include "text/corpus/synth_tell.h"

#include <stdio.h>
#include <string.h>

/* Letters: a greeting, a story, a farewell. */

/* A child who is not `not_this` and, if there is a story, not in it. */
static int draw_child(Dice *dice, int not_this, const Story *story)
{
    for (;;) {
        int person = dice_below(dice, n_synth_names);
        bool is_free = synth_names[person].age == AGE_CHILD && person != not_this;
        for (int p = 0; story && p < story->n_people; p++)
            is_free = is_free && story->people[p] != person;
        if (is_free)
            return person;
    }
}

void letter_tell(Teller *t, const Story *story, Dice dice)
{
    int from = draw_child(&dice, -1, story), to = draw_child(&dice, from, story);
    Phrase args[] = {person_phrase(t, &synth_names[to]), {synth_towns[dice_below(&dice, n_synth_towns)].ko, false, false},
                     {synth_seasons[dice_below(&dice, n_synth_seasons)].ko, false, false}};
    if (t->is_english) {
        TELL_ONE_OF(t, args, "Dear $1,\nHow are you? Let me tell you what happened here.\n", "Dear $1,\nI hope you are well. I want to tell you a story.\n",
                    "Hello $1!\nThank you for your letter. Listen to what happened.\n");
        story_tell_en(story, t);
    } else {
        args[0].text = synth_names[to].ko;
        TELL_ONE_OF(t, args, "$1에게\n안녕, $1{아}! 잘 지내니? 여기서 있었던 일을 적어 보낼게.\n", "보고 싶은 $1에게\n편지 고마워. 재미있는 이야기를 들려줄게.\n",
                    "$1에게\n$1{아}, 그동안 잘 있었어? 내가 들은 이야기를 전할게.\n");
        story_tell_ko(story, t);
    }
    args[0].text = t->is_english ? synth_names[from].en : synth_names[from].ko;
    if (t->is_english)
        TELL_ONE_OF(t, args, "\nWrite back soon.\nYour friend, $1", "\nSee you soon.\nLove, $1", "\nI miss you.\nYours, $1");
    else
        TELL_ONE_OF(t, args, "\n답장 기다릴게.\n$1{이}", "\n곧 만나자.\n너의 친구 $1{이}", "\n감기 조심해.\n$1{이}");
}

/* Sums: words first, then the figures. */

static void sums_tell_left(Teller *t, Dice *dice)
{
    const SynthThing *thing = &synth_things[dice_below(dice, n_synth_things)];
    int all = 4 + dice_below(dice, 40), gone = 1 + dice_below(dice, all - 2);
    const SynthName *who = &synth_names[dice_below(dice, n_synth_names)], *other;
    do
        other = &synth_names[dice_below(dice, n_synth_names)];
    while (other == who);
    Phrase args[] = {person_phrase(t, who), person_phrase(t, other), {"", false, false}, {"", false, false}, {"", false, false}, {"", false, false},
                     {tell_phrase(t, "%d - %d = %d", all, gone, all - gone), false, false}};
    if (t->is_english) {
        args[2].text = tell_phrase(t, "%s %s", english_number(t, all), thing->en_plural);
        args[3].text = english_number(t, gone);
        args[4].text = english_number(t, all - gone);
        args[5].text = all - gone == 1 ? "is" : "are";
        TELL_ONE_OF(t, args, "$1 had $3. {he} gave $4 of them to $2. $7, so {he} has $5 left.\n", "$1 had $3 and gave $4 to $2. How many are left? $7. There $6 $5 left.\n");
        return;
    }
    args[2].text = thing->ko;
    args[3].text = korean_count(t, all, thing->counter);
    args[4].text = korean_count(t, gone, thing->counter);
    args[5].text = korean_count(t, all - gone, thing->counter);
    tell(t, args[1].honoured ? "$1{은} $3{을} $4 가지고 {있었/계셨}{다}. 그중 $5{을} $2{에게} {드렸/드리셨}{다}. $7. "
                             : "$1{은} $3{을} $4 가지고 {있었/계셨}{다}. 그중 $5{을} $2{에게} {주었/주셨}{다}. $7. ", args);
    Phrase left[] = {{korean_count(t, all - gone, thing->counter), false, false}};
    TELL_ONE_OF(t, left, "$1{이} 남았{다}.\n", "남은 것은 $1{이다}.\n");
}

static void sums_tell_price(Teller *t, Dice *dice)
{
    const SynthThing *thing = &synth_things[dice_below(dice, n_synth_things)];
    int n = 2 + dice_below(dice, 8), total = n * thing->price, paid = (total / 10000 + 1) * 10000;
    Phrase args[] = {person_phrase(t, &synth_names[dice_below(dice, n_synth_names)]), {"", false, false}, {"", false, false},
                     {tell_phrase(t, "%d", thing->price), false, false}, {tell_phrase(t, "%d × %d = %d", thing->price, n, total), false, false},
                     {tell_phrase(t, "%d", total), false, false}, {tell_phrase(t, "%d", paid), false, false}, {tell_phrase(t, "%d", paid - total), false, false}};
    if (t->is_english) {
        args[1].text = english_a(t, thing->en);
        args[2].text = tell_phrase(t, "%s %s", english_number(t, n), thing->en_plural);
        tell(t, "At the market $2 costs $4 won. $1 bought $3. $5, so the price was $6 won. {he} paid $7 won and got $8 won back.\n", args);
        return;
    }
    args[1].text = thing->ko;
    args[2].text = korean_count(t, n, thing->counter);
    tell(t, "시장에서 $2 값은 하나에 $4원{이다}. $1{은} $2{을} $3 {샀/사셨}{다}. $5. 값은 모두 $6원{이다}. $7원을 내고 $8원을 거슬러 {받았/받으셨}{다}.\n", args);
}

static void sums_tell_figures(Teller *t, Dice *dice)
{
    for (int i = 0; i < 4; i++) {
        int a = dice_below(dice, 100), b = dice_below(dice, 100);
        const char *line;
        switch (dice_below(dice, 3)) {
        case 0: line = tell_phrase(t, "%d + %d = %d", a, b, a + b); break;
        case 1: line = tell_phrase(t, "%d - %d = %d", a > b ? a : b, a > b ? b : a, a > b ? a - b : b - a); break;
        default: line = tell_phrase(t, "%d × %d = %d", a % 10, b % 10, a % 10 * (b % 10)); break;
        }
        Phrase args[] = {{line, false, false}};
        tell(t, i < 3 ? "$1, " : "$1\n", args);
    }
}

void sums_tell(Teller *t, Dice dice)
{
    int n = 4 + dice_below(&dice, 4);
    for (int i = 0; i < n; i++) {
        switch (dice_below(&dice, 3)) {
        case 0: sums_tell_left(t, &dice); break;
        case 1: sums_tell_price(t, &dice); break;
        default: sums_tell_figures(t, &dice); break;
        }
    }
    t->bytes[--t->n] = '\0';
}

/* Conversations: two children make a plan for a day, then it is summed up. */

typedef struct {
    int a, b, day, place, thing, reason, hobby;
    bool refused;
} Plan;

static void conversation_tell_ko(Teller *t, const Plan *p)
{
    const SynthPlace *place = &synth_places[p->place];
    char a[PHRASE_BYTES], b[PHRASE_BYTES];
    snprintf(a, sizeof a, "%s", synth_names[p->a].ko);
    snprintf(b, sizeof b, "%s", synth_names[p->b].ko);
    int first_day = p->refused ? (p->day + 5) % n_synth_days : p->day;
    Phrase args[] = {{a, false, false}, {b, false, false}, {synth_days[p->day].ko, false, false}, {place->ko, false, false},
                     {synth_things[p->thing].ko, false, false}, {synth_reasons[p->reason].ko, false, false},
                     {synth_days[first_day].ko, false, false}, {synth_hobbies[p->hobby].ko, false, false}};
    TELL_ONE_OF(t, args, "$1: 안녕, $2{아}! 오늘 뭐 했어?\n", "$1: $2{아}, 반가워! 잘 지냈어?\n");
    TELL_ONE_OF(t, args, "$2: 안녕! 나는 $8{을} 했어. 너는?\n", "$2: 응, 잘 지냈어. 요즘은 $8에 푹 빠졌어.\n");
    TELL_ONE_OF(t, args, "$1: 나는 심심했어. $7에 같이 $4에 갈래?\n", "$1: 좋겠다. 그런데 $7에 시간 있어? $4에 가자.\n");
    if (p->refused) {
        TELL_ONE_OF(t, args, "$2: 미안해, $7에는 $6 못 가. $3은 어때?\n", "$2: 가고 싶지만 $6 안 돼. $3에 가면 어떨까?\n");
        TELL_ONE_OF(t, args, "$1: 괜찮아. 그럼 $3에 만나자.\n", "$1: 좋아, $3에 가자!\n");
        TELL_ONE_OF(t, args, "$2: 뭐 가져갈까?\n$1: $5{을} 가져와 줘.\n", "$2: 내가 가져갈 것이 있어?\n$1: 응, $5{을} 부탁해.\n");
        TELL_ONE_OF(t, args, "$2: 알았어. $3에 $4에서 만나!\n$1: 잘 가!\n", "$2: 그럴게. 안녕!\n");
    } else {
        TELL_ONE_OF(t, args, "$2: 좋아, 꼭 갈게!\n", "$2: 와, 재미있겠다. 같이 가자!\n");
        TELL_ONE_OF(t, args, "$1: 나는 물을 챙길게. 너는 $5{을} 가져올래?\n$2: 응, 그럴게.\n", "$1: 혹시 $5{을} 가져올 수 있어?\n$2: 물론이지.\n");
        TELL_ONE_OF(t, args, "$1: 그럼 $3에 보자!\n$2: 응, 안녕!\n", "$1: 고마워. 잘 가!\n");
    }
    tell(t, "두 사람은 $3에 $4에 가기로 {했다|했어요|했습니다}. $5{을} 가져올 사람은 $2{이다}.", args);
}

static void conversation_tell_en(Teller *t, const Plan *p)
{
    const SynthPlace *place = &synth_places[p->place];
    char at[PHRASE_BYTES], thing[PHRASE_BYTES];
    snprintf(at, sizeof at, "%s %s", place->at, place->en);
    snprintf(thing, sizeof thing, "%s", english_a(t, synth_things[p->thing].en));
    int first_day = p->refused ? (p->day + 5) % n_synth_days : p->day;
    Phrase args[] = {{synth_names[p->a].en, false, false}, {synth_names[p->b].en, false, false}, {synth_days[p->day].en, false, false},
                     {place->en, false, false}, {thing, false, false}, {synth_reasons[p->reason].en, false, false},
                     {synth_days[first_day].en, false, false}, {synth_hobbies[p->hobby].en, false, false}, {at, false, false}};
    TELL_ONE_OF(t, args, "$1: Hi, $2! What did you do today?\n", "$1: Hello, $2! How are you?\n");
    TELL_ONE_OF(t, args, "$2: Hi! I like $8 these days. And you?\n", "$2: I am fine. I spend all my time on $8.\n");
    TELL_ONE_OF(t, args, "$1: I am a little bored. Shall we go to $4 on $7?\n", "$1: Are you free on $7? Let's go to $4.\n");
    if (p->refused) {
        TELL_ONE_OF(t, args, "$2: I'm sorry, I can't go on $7 $6. How about $3?\n", "$2: I would like to, but I can't $6. Can we go on $3?\n");
        TELL_ONE_OF(t, args, "$1: No problem. Let's meet on $3.\n", "$1: $3 is fine!\n");
        TELL_ONE_OF(t, args, "$2: What should I bring?\n$1: Please bring $5.\n", "$2: Do you need anything?\n$1: Yes, please bring $5.\n");
        TELL_ONE_OF(t, args, "$2: All right. We'll meet $9 on $3.\n$1: Goodbye!\n", "$2: I will. Bye!\n");
    } else {
        TELL_ONE_OF(t, args, "$2: Good idea, I'll be there!\n", "$2: That sounds like fun!\n");
        TELL_ONE_OF(t, args, "$1: I'll bring some water. Can you bring $5?\n$2: Yes, of course.\n", "$1: Do you have $5? Please bring it.\n$2: All right.\n");
        TELL_ONE_OF(t, args, "$1: See you on $3!\n$2: Bye!\n", "$1: Thank you. Goodbye!\n");
    }
    tell(t, "They decided to go to $4 on $3. $2 will bring $5.", args);
}

void conversation_tell(Teller *t, Dice dice)
{
    Plan plan = {.a = draw_child(&dice, -1, NULL), .day = dice_below(&dice, n_synth_days), .place = dice_below(&dice, n_synth_places),
                 .thing = dice_below(&dice, n_synth_things), .reason = dice_below(&dice, n_synth_reasons),
                 .hobby = dice_below(&dice, n_synth_hobbies), .refused = dice_chance(&dice, 40)};
    plan.b = draw_child(&dice, plan.a, NULL);
    if (t->is_english)
        conversation_tell_en(t, &plan);
    else
        conversation_tell_ko(t, &plan);
}
