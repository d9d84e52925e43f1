/* event_file.h - what TensorBoard reads: events.out.tfevents.* files.
 *
 * A file is a chain of TFRecords: length (u64), masked CRC-32C of it, bytes, masked CRC-32C of them, all little-endian
 * (tensorflow/core/lib/io/record_writer). Each record is a protobuf Event (tensorflow/core/util/event.proto), the first one naming the version
 * "brain.Event:2"; values are Summary messages in the form that every writer uses: simple_value, histo, and a string tensor for text. */
#ifndef LEARN_TRAIN_EVENT_FILE_H
#define LEARN_TRAIN_EVENT_FILE_H

#include "base/err.h"
#include "learn/train/event_histogram.h"

#include <stddef.h>
#include <stdint.h>

typedef struct EventFile EventFile;

/* Begins a new file in `dir`, which is made. first_step > 0: a run that goes on; TensorBoard then drops what older files say of this
 * and later steps. ERR_IO. */
Err event_file_open(EventFile **out, const char *dir, int64_t first_step);
void event_file_close(EventFile *file);  /* NULL is fine */

/* Each appends one whole record. Names are paths: "loss/train" stands in the group "loss". */
Err event_file_scalar(EventFile *file, int64_t step, const char *name, double value);
/* Plain text: shown as it stands (TensorBoard reads Markdown, so lines are indented as code). Ill-formed UTF-8 is replaced. */
Err event_file_text(EventFile *file, int64_t step, const char *name, const char *text);

Err event_file_histogram(EventFile *file, int64_t step, const char *name, const EventHistogram *histogram);

#endif
