/* synth_tell.c - the template language of synth_tell.h. */
#include "text/corpus/synth_tell.h"

#include "base/philox.h"
#include "text/corpus/korean.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void teller_start(Teller *t, bool is_english, uint64_t seed, uint64_t document)
{
    t->n = 0;
    t->bytes[0] = '\0';
    t->dice = (Dice){.seed = seed, .document = document, .stream = philox_stream(is_english ? "synth.en" : "synth.ko")};
    t->is_english = is_english;
    t->level = (SpeechLevel)dice_below(&t->dice, 3);
    t->familiar = dice_chance(&t->dice, 50);
    t->subject_is_clear = false;
    t->last_subject = -1;
    t->last_was_alone = false;
    t->spots_named = t->objects_named = 0;
    t->n_scratch = 0;
}

static void put(Teller *t, const char *text, size_t n)
{
    assert(t->n + n < TELL_BYTES_MAX);
    memcpy(t->bytes + t->n, text, n);
    t->n += n;
    t->bytes[t->n] = '\0';
}

const char *tell_phrase(Teller *t, const char *format, ...)
{
    char *phrase = t->scratch[t->n_scratch++ % 16];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(phrase, PHRASE_BYTES, format, arguments);
    va_end(arguments);
    assert(n < PHRASE_BYTES);
    (void)n;
    return phrase;
}

void tell_subject(Teller *t, int person, bool names_others)
{
    bool same = person == t->last_subject && t->last_was_alone;
    t->subject_is_clear = same && dice_chance(&t->dice, t->is_english ? 75 : 60);
    t->last_subject = person;
    t->last_was_alone = !names_others;
}

/* The n-th of alternatives between `separator`s in [at, end); the last when there are fewer. */
static void put_alternative(Teller *t, const char *at, const char *end, char separator, int which)
{
    for (; which > 0; which--) {
        const char *next = memchr(at, separator, (size_t)(end - at));
        if (!next)
            break;
        at = next + 1;
    }
    const char *stop = memchr(at, separator, (size_t)(end - at));
    put(t, at, (size_t)((stop ? stop : end) - at));
}

static void put_particle(Teller *t, const char *name, bool honoured)
{
    FinalSound sound = korean_final_sound(t->bytes, t->n);
    const char *particle = korean_particle(name, sound);
    if (honoured)
        particle = strcmp(name, "은") == 0 ? "께서는" : strcmp(name, "이") == 0 ? "께서" : strcmp(name, "에게") == 0 ? "께" : particle;
    if (strcmp(name, "다") == 0)
        particle = (const char *const[]){"다", "어요", "습니다"}[t->level];
    else if (strcmp(name, "이었") == 0)
        particle = sound == FINAL_NONE ? "였" : "이었";
    else if (strcmp(name, "이다") == 0)
        particle = (const char *const[]){sound == FINAL_NONE ? "다" : "이다", sound == FINAL_NONE ? "예요" : "이에요", "입니다"}[t->level];
    put(t, particle, strlen(particle));
}

static void put_text(Teller *t, const char *text)
{
    put(t, text, strlen(text));
}

/* What stands between braces. */
static void put_braces(Teller *t, const char *at, const char *end, const Phrase *args, bool honoured)
{
    size_t n = (size_t)(end - at);
    char name[32];
    if (memchr(at, '|', n)) {
        put_alternative(t, at, end, '|', (int)t->level);
        return;
    }
    if (memchr(at, '/', n)) {
        put_alternative(t, at, end, '/', args && args[0].honoured);
        return;
    }
    assert(n < sizeof name);
    memcpy(name, at, n);
    name[n] = '\0';
    bool female = args && args[0].is_female;
    if (strcmp(name, "S") == 0 && t->is_english) {
        put_text(t, t->subject_is_clear ? (female ? "she" : "he") : args[0].text);
    } else if (strcmp(name, "S") == 0) {
        if (t->subject_is_clear)
            return;
        put_text(t, args[0].text);
        put_particle(t, "은", args[0].honoured);
        put_text(t, " ");
    } else if (strcmp(name, "he") == 0) {
        put_text(t, female ? "she" : "he");
    } else if (strcmp(name, "his") == 0) {
        put_text(t, female ? "her" : "his");
    } else if (strcmp(name, "him") == 0) {
        put_text(t, female ? "her" : "him");
    } else {
        put_particle(t, name, honoured);
    }
}

/* Arguments may themselves hold braces (deeds do), so they are told, not copied. */
static void tell_part(Teller *t, const char *template, const Phrase *args, int depth)
{
    bool honoured = false;  /* the last thing put was an honoured person */
    for (const char *at = template; *at; at++) {
        if (*at == '$' && isdigit((unsigned char)at[1])) {
            const Phrase *arg = &args[*++at - '1'];
            if (depth == 0)
                tell_part(t, arg->text, args, 1);
            else
                put_text(t, arg->text);
            honoured = arg->honoured;
        } else if (*at == '{') {
            const char *end = strchr(at, '}');
            assert(end);
            put_braces(t, at + 1, end, args, honoured);
            honoured = false;
            at = end;
        } else {
            put(t, at, 1);
            honoured = false;
        }
    }
}

/* Does a sentence begin at i? After a full stop, a line break, a question's colon, or the end of a quote that ended the last one. */
static bool sentence_begins(const Teller *t, size_t i)
{
    static const char *const titles[] = {"Mr.", "Ms.", "Mrs."};
    size_t end = i;
    while (end > 0 && t->bytes[end - 1] == ' ')
        end--;
    if (end == 0 || t->bytes[end - 1] == '\n')
        return true;
    for (int k = 0; k < 3; k++)
        if (end >= strlen(titles[k]) && strncmp(t->bytes + end - strlen(titles[k]), titles[k], strlen(titles[k])) == 0)
            return false;
    if (end < i && t->bytes[end - 1] == '"')
        return strchr(".?!", t->bytes[end - 2]) != NULL;
    return end < i && strchr(".?!:", t->bytes[end - 1]);
}

/* `"Where is it?" she asked` goes on after its quote, so inside one template a quote ends nothing. */
void tell(Teller *t, const char *template, const Phrase *args)
{
    size_t begin = t->n;
    tell_part(t, template, args, 0);
    for (size_t i = begin; i < t->n && t->is_english; i++) {
        bool after_quote = i > begin && t->bytes[i - 1] == ' ' && i >= 2 && t->bytes[i - 2] == '"';
        if (islower((unsigned char)t->bytes[i]) && !after_quote && sentence_begins(t, i))
            t->bytes[i] = (char)toupper((unsigned char)t->bytes[i]);
    }
    t->n_scratch = 0;
}

void tell_one_of(Teller *t, const Phrase *args, const char *const *templates)
{
    int n = 0;
    while (templates[n])
        n++;
    tell(t, templates[dice_below(&t->dice, n)], args);
}

const char *english_number(Teller *t, int n)
{
    static const char *const small[20] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
                                          "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[10] = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
    assert(0 <= n && n <= 99);
    if (n < 20)
        return small[n];
    return n % 10 == 0 ? tens[n / 10] : tell_phrase(t, "%s-%s", tens[n / 10], small[n % 10]);
}

const char *english_a(Teller *t, const char *phrase)
{
    bool vowel = strchr("aeiou", phrase[0]) && strncmp(phrase, "uni", 3) != 0 && strncmp(phrase, "one", 3) != 0;
    return tell_phrase(t, "%s %s", vowel ? "an" : "a", phrase);
}

const char *korean_count(Teller *t, int n, const char *counter)
{
    char numeral[32];
    korean_numeral(numeral, n);
    return tell_phrase(t, "%s %s", numeral, counter);
}

Phrase person_phrase(Teller *t, const SynthName *name)
{
    if (t->is_english)
        return (Phrase){name->en, false, name->is_female};
    bool takes_i = t->familiar && name->age == AGE_CHILD && korean_final_sound(name->ko, strlen(name->ko)) != FINAL_NONE;
    return (Phrase){takes_i ? tell_phrase(t, "%s이", name->ko) : name->ko, name->is_title, name->is_female};
}
