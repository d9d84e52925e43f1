/* pii.h - numbers and addresses that point to a person, in Korean and other text.
 *
 * Found by form first, then by check digits, then by the words around: a form that many harmless numbers share (thirteen digits in a
 * row, a bank account) counts only with a right check digit or a word that names it near. Full-width digits, every kind of hyphen and
 * particles glued to the number (010-1234-5678로) are understood.
 *
 *   email      local@domain
 *   phone      Korean mobile, area, 070, 080, 050x, 15xx; +82 and other countries; forms of other countries near a word for telephone
 *   rrn        resident registration number YYMMDD-GNNNNNN. Since October 2020 the last six digits are random: a valid date and G with a
 *              hyphen is enough, without hyphen the check digit or a word is needed
 *   frn        the same of foreigners, G 5 to 8
 *   business   AAA-BB-CCCCC;   corporate NNNNNN-NNNNNNN: by check digit
 *   passport   M12345678 near a word, M123A4567;   driver AA-BB-CCCCCC-DD
 *   card       Luhn and issuer;   account 10 to 14 digits near a bank;   ip v4, v6 */
#ifndef CORPUS_PII_H
#define CORPUS_PII_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    PII_EMAIL, PII_PHONE, PII_RRN, PII_FRN, PII_BUSINESS, PII_CORPORATE, PII_PASSPORT, PII_DRIVER, PII_CARD, PII_ACCOUNT, PII_IP, N_PII
} PiiClass;

typedef struct {
    PiiClass class;
    size_t begin, end;  /* bytes of the text */
} PiiSpan;

typedef struct {
    PiiSpan *spans;  /* in order, not overlapping */
    int n;
} PiiSpans;

enum { PII_VERSION = 1 };  /* of the rules: goes into tags and logs */

/* Stops early when the arena is spent. */
PiiSpans pii_find(Arena *arena, const char *text, size_t n_bytes);
const char *pii_class_name(PiiClass class);

/* Check digits over plain digits. */
bool pii_rrn_checks(const char digits[13]);
bool pii_frn_checks(const char digits[13]);
bool pii_business_checks(const char digits[10]);
bool pii_corporate_checks(const char digits[13]);
bool pii_luhn_checks(const char *digits, int n);

#endif
