/* mail_address.h - where a mail address begins and ends, from its @ outwards: local@domain.tld, ASCII. Private to personal data and patterns. */
#ifndef CORPUS_MAIL_ADDRESS_H
#define CORPUS_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* c[at] is the @ of n characters; the local part begins at `low` or later. Letters before or after that are not ASCII (a particle) end it. */
bool mail_address_find(const unsigned char *c, size_t n, size_t low, size_t at, size_t *begin, size_t *end);
bool mail_is_local_char(unsigned char c);

#endif
