#include "base/markup.h"

#include "base/wtf8.h"

#include <string.h>

/* What stands for this character in markup; NULL: itself. */
static const char *replacement(const unsigned char *p, int length)
{
    if (length < 0 || wtf8_is_surrogate(p, length))
        return "\xEF\xBF\xBD";
    if (length > 1)
        return NULL;
    switch (*p) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\t': case '\n': return NULL;
    case '\r': return "";  /* a parser would turn it into another line break */
    default: return *p < 0x20 || *p == 0x7F ? "\xEF\xBF\xBD" : NULL;
    }
}

void markup_bytes(FILE *out, const char *bytes, size_t n_bytes)
{
    const unsigned char *p = (const unsigned char *)bytes, *stop = p + n_bytes;
    while (p < stop) {
        int length = wtf8_length(p, (size_t)(stop - p));
        int n = length < 0 ? -length : length;
        const char *other = replacement(p, length);
        if (other)
            fputs(other, out);
        else
            fwrite(p, 1, (size_t)n, out);
        p += n;
    }
}

void markup_text(FILE *out, const char *text)
{
    markup_bytes(out, text, strlen(text));
}

void markup_phrase(FILE *out, const char *tag, Phrase phrase)
{
    if (!phrase.ko) {
        markup_text(out, phrase_text(phrase, false));
        return;
    }
    fprintf(out, "<%s lang=\"en\">", tag);
    markup_text(out, phrase.en);
    fprintf(out, "</%s><%s lang=\"ko\">", tag, tag);
    markup_text(out, phrase.ko);
    fprintf(out, "</%s>", tag);
}

const char *phrase_text(Phrase phrase, bool korean)
{
    if (korean && phrase.ko)
        return phrase.ko;
    return phrase.en ? phrase.en : "";
}

bool phrase_is_empty(Phrase phrase)
{
    return !phrase.en || !phrase.en[0];
}
