/* korean.h - the little grammar that turns a stem or a noun into running Korean: particles by the last sound, native numerals.
 *
 * The last sound is that of the last character that is read aloud: Hangul syllables by their final consonant, digits and Latin
 * letters by how Koreans read them ("3은" 삼은, "7로" 칠로, "L을" 엘을); closing quotes and brackets are passed over. */
#ifndef CORPUS_KOREAN_H
#define CORPUS_KOREAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { FINAL_NONE, FINAL_RIEUL, FINAL_OTHER } FinalSound;

FinalSound korean_final_sound(const char *text, size_t n_bytes);

/* The particle in its right form; `particle` is the form after a consonant: 은 이 을 과 으로 아 이나 이랑 이라고. Any other text is
 * returned as it is (에, 에서, 도 ... do not change). 으로 becomes 로 also after ㄹ. */
const char *korean_particle(const char *particle, FinalSound sound);

/* Native numerals before a counter: 한, 두, 세, 네, 다섯 ... 스무, 스물한 ... 아흔아홉. 1 <= n <= 99. */
void korean_numeral(char out[32], int n);

#endif
