/* mail_address.c - the form that mail addresses have in running text; of RFC 5322 the part that people use. */
#include "text/corpus/mail_address.h"

#include <ctype.h>
#include <string.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 255 };

bool mail_is_local_char(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || (c && strchr("._%+-", c) != NULL));
}

static bool is_domain_char(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || c == '-' || c == '.');
}

bool mail_address_find(const unsigned char *c, size_t n, size_t low, size_t at, size_t *begin, size_t *end)
{
    size_t first = at, behind = at + 1, last_dot = 0, n_tld = 0;
    while (first > low && at - first < LOCAL_MAX && mail_is_local_char(c[first - 1]))
        first--;
    while (first < at && c[first] == '.')
        first++;
    while (behind < n && behind - at < DOMAIN_MAX && is_domain_char(c[behind]))
        behind++;
    while (behind > at + 1 && (c[behind - 1] == '.' || c[behind - 1] == '-'))
        behind--;
    for (size_t i = at + 1; i < behind; i++)
        if (c[i] == '.')
            last_dot = i;
    for (size_t i = last_dot + 1; last_dot && i < behind && isalpha(c[i]); i++)
        n_tld++;
    *begin = first;
    *end = behind;
    return first < at && last_dot > at + 1 && n_tld >= 2 && last_dot + 1 + n_tld == behind;
}
