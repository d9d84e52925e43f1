/* err.h - how a function says that the world failed: a file, a network, a setting.
 *
 * Such functions return Err and put their results in the first parameters. The place that knows most
 * writes one short line with err_set; callers pass the code up without retelling it. Only main prints
 * the line and exits. Our own mistakes meet an assert instead. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

typedef enum {
    OK = 0,
    ERR_USAGE,        /* a command line or a setting that cannot be meant */
    ERR_IO,           /* the system refused: open, read, write, rename, disk full */
    ERR_FORMAT,       /* bytes that are not what their format promises */
    ERR_UNSUPPORTED,  /* well formed, and named in the message, but not something this build does */
    ERR_MEMORY,       /* an allocation or a stated memory limit */
    ERR_NUMERIC,      /* NaN or infinity where training cannot go on */
    ERR_COMM,         /* another rank or the network between ranks */
    ERR_INTERRUPTED,  /* Ctrl-C or SIGTERM, after a clean stop */
} Err;

/* Sets the calling thread's message (one line, no newline, impersonal: "runs/a/state.json:3: expected a
 * number, found \"x\"") and returns `code`. Overwrites an earlier message: call it where the failure is found. */
Err err_set(Err code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The calling thread's last message; "" if there was none. Valid until its next err_set. */
const char *err_message(void);

/* Puts "prefix: " before the present message, for a caller that knows the file name where the callee knew
 * only the offset. Returns `code`. */
Err err_prefix(Err code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "I/O error", for logs and JSON. */
const char *err_name(Err code);

/* Returns the caller's Err at once when `expression` is not OK. */
#define TRY(expression)                   \
    do {                                  \
        Err try_err_ = (expression);      \
        if (try_err_ != OK)               \
            return try_err_;              \
    } while (0)

/* The same for functions that have something to release: `err` keeps the code, `label` releases. */
#define TRY_GOTO(err, expression, label)  \
    do {                                  \
        (err) = (expression);             \
        if ((err) != OK)                  \
            goto label;                   \
    } while (0)

#endif
