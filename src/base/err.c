#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };
static _Thread_local char message[MESSAGE_BYTES];

Err err_set(Err code, const char *format, ...)
{
    char text[MESSAGE_BYTES];  /* arguments may point into the old message */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof text);
    return code;
}

Err err_prefix(Err code, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : strlen(text);
    for (const char *rest = ": "; *rest && used + 1 < sizeof text; rest++)
        text[used++] = *rest;
    for (const char *rest = message; *rest && used + 1 < sizeof text; rest++)
        text[used++] = *rest;
    text[used] = '\0';
    memcpy(message, text, used + 1);
    return code;
}

const char *err_message(void)
{
    return message;
}

const char *err_name(Err code)
{
    switch (code) {
    case OK: return "ok";
    case ERR_USAGE: return "usage error";
    case ERR_IO: return "I/O error";
    case ERR_FORMAT: return "format error";
    case ERR_UNSUPPORTED: return "unsupported";
    case ERR_MEMORY: return "out of memory";
    case ERR_NUMERIC: return "numeric failure";
    case ERR_COMM: return "communication failure";
    case ERR_INTERRUPTED: return "interrupted";
    }
    return "unknown error";
}
