/* chat.h - conversations as a model was taught to read them: the chat template of tokenizer_config.json or chat_template.jinja, applied.
 *
 *     ChatTemplate *chat;
 *     TRY(chat_open(&chat, tok, "dir", NULL));
 *     ChatText text;
 *     TRY(chat_render(chat, arena, "{\"messages\": [{\"role\": \"user\", \"content\": \"안녕\"}], \"add_generation_prompt\": true}", n, &text));
 *     TokenSpan ids = chat_encode(chat, arena, &text, &offsets);
 *
 * Special tokens come from the template alone: what a message says is text, even when it spells "<|im_end|>". */
#ifndef TEXT_CHAT_H
#define TEXT_CHAT_H

#include "text/tokenizer/jinja.h"
#include "text/tokenizer/tokenizer.h"

typedef struct ChatTemplate ChatTemplate;

/* The template of a directory: chat_template.jinja, or "chat_template" of tokenizer_config.json, a text or a list of named ones of which `name` is
 * taken (NULL: "default"). Borrows tok. ERR_FORMAT: there is none, or it does not parse. ERR_UNSUPPORTED: it uses what is not known, by name. */
Err chat_open(ChatTemplate **out, const Tokenizer *tok, const char *dir, const char *name);
/* A template as text. */
Err chat_open_text(ChatTemplate **out, const Tokenizer *tok, const char *name, const char *source, size_t n_bytes);
void chat_free(ChatTemplate *chat);  /* NULL is fine */

/* `variables` is a JSON object: messages, and what the template asks for besides (tools, add_generation_prompt, enable_thinking ...). The special
 * tokens of the tokenizer are there as bos_token, eos_token, pad_token, unk_token, sep_token, cls_token, mask_token. */
typedef JinjaText ChatText;
Err chat_render(const ChatTemplate *chat, Arena *arena, const char *variables, size_t n_bytes, ChatText *out);
/* The ids of a rendered conversation; nothing is added. `offsets` into the text, one a token. */
TokenSpan chat_encode(const ChatTemplate *chat, Arena *arena, const ChatText *text, TokenOffset **offsets);

#endif
