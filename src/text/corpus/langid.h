/* langid.h - which language a text is in: by its script where that says it, else by a trained model of runs of letters.
 *
 * The script with the most letters decides which languages are possible (a Hangul, Han or kana letter weighs two, since it says more than one
 * of an alphabet; Hangul of a third of all weight makes a text Korean whatever stands between; kana of a twentieth of Han and kana makes it Japanese).
 * Among several languages of a script a naive Bayes model chooses: the sum over the text's features of log p(feature | language), smoothed
 * by Lidstone's rule, weights of close languages refined (langid_refine.h). Every letter lies in about LANGID_RUN_MAX + 1 features, so a confidence is the softmax of the sums divided by that.
 *
 * The most frequent words of the training text are listed in the model: their features are added up once, when it is opened.
 *
 * A model's file, little-endian: "jikjilid", u32 format 3, u32 number of languages, their names of 16 bytes each, u32 number of scripts; of each
 * script: its name (ISO 15924, 4 bytes), u32 L, u32 n, f32 scale, i32 languages[L] (numbers of names), u32 keys[n] (features), i8 weights[n][L],
 * which times scale are nats, u32 bytes of the list of words, the words, each with a NUL behind. With L = 1 there are no features. */
#ifndef CORPUS_LANGID_H
#define CORPUS_LANGID_H

#include "base/arena.h"
#include "base/err.h"
#include "text/corpus/langid_letters.h"

enum { LANGID_VERSION = 2, LANGID_LANGUAGES_MAX = 512, LANGID_NAME_MAX = 15 };
#define LANGID_UNKNOWN "und"  /* ISO 639-2: undetermined */
#define LANGID_NO_LANGUAGE "zxx"  /* ISO 639-2: no linguistic content: programs, numbers */

typedef struct LangidModel LangidModel;

/* NULL path: the rules of scripts alone. ERR_IO, ERR_FORMAT: not such a file. */
Err langid_open(LangidModel **out, const char *path);
void langid_close(LangidModel *model);  /* NULL is fine */
bool langid_knows(const LangidModel *model, const char *language);  /* was it among the labels of the training text? */
uint64_t langid_identity(const LangidModel *model);  /* hash of the file; 0 without one */

typedef struct {
    const char *language;  /* the model's string, or LANGID_UNKNOWN, LANGID_NO_LANGUAGE */
    double confidence;     /* of the language, 0 to 1 */
    double weight;         /* letters, those of Hangul, Han and kana twice */
} LangidGuess;

/* The language of one piece of text: a sentence, a paragraph. */
LangidGuess langid_guess(const LangidModel *model, const char *text, size_t n_bytes);

typedef struct {
    size_t begin, end;  /* bytes in the document, without the line break */
    LangidGuess guess;
} LangidParagraph;
typedef struct {
    const char *language;
    double share;  /* of the weight of all paragraphs that hold language */
} LangidShare;
enum { LANGID_SHARES_MAX = 16 };
typedef struct {
    LangidGuess guess;  /* of the whole: the largest share, but Korean from a third on; confidence: its share of certainty */
    LangidShare shares[LANGID_SHARES_MAX];  /* falling */
    int n_shares;
    LangidParagraph *paragraphs;  /* lines that are not blank; an unsure one has the language of the whole when that is possible */
    int n_paragraphs;
} LangidDocument;
LangidDocument langid_document(Arena *arena, const LangidModel *model, const char *text, size_t n_bytes);

#endif
