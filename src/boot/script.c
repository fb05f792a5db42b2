#include "boot/script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

struct reader {
    struct script *script;
    const char *at, *end;
    unsigned depth;
};

/* --- variables */

/* A name comes from a file, and may hold a NUL. */
static bool is_named(const char *own, const char *name, size_t length) {
    return strlen(own) == length && memcmp(own, name, length) == 0;
}

const char *script_get(const struct script *script, const char *name, size_t length) {
    for (unsigned i = 0; i < script->variable_count; i++)
        if (is_named(script->variables[i].name, name, length))
            return script->variables[i].value;
    return "";
}

void script_set(struct script *script, const char *name, size_t length, const char *value) {
    char *copy = strlen(value) < SCRIPT_VALUE_MAX ? strdup(value) : NULL;
    if (!copy)
        return;
    for (unsigned i = 0; i < script->variable_count; i++)
        if (is_named(script->variables[i].name, name, length)) {
            free(script->variables[i].value);
            script->variables[i].value = copy;
            return;
        }
    char *own = script->variable_count < SCRIPT_VARIABLES_MAX ? strndup(name, length) : NULL;
    if (!own) {
        free(copy);
        return;
    }
    script->variables[script->variable_count].name = own;
    script->variables[script->variable_count++].value = copy;
}

void script_free(struct script *script) {
    for (unsigned i = 0; i < script->variable_count; i++) {
        free(script->variables[i].name);
        free(script->variables[i].value);
    }
    script->variable_count = 0;
}

/* --- words */

static void put(struct script_words *words, char c) {
    if (words->used < sizeof words->text - 1)
        words->text[words->used++] = c;
    else
        words->too_large = true;
}

static void end_word(struct script_words *words, size_t start) {
    words->text[words->used] = 0;
    if (words->count == SCRIPT_WORDS_MAX || words->used == sizeof words->text - 1) {
        words->too_large = true;
        words->used = start;
        return;
    }
    words->word[words->count++] = words->text + start;
    words->used++;
}

/* What is behind a $, which is skipped: its value. */
static const char *variable(struct reader *r) {
    const char *name = r->at;
    if (r->at < r->end && *r->at == '{') {
        const char *close = memchr(r->at, '}', (size_t)(r->end - r->at));
        if (!close)
            return "$";
        r->at = close + 1;
        return script_get(r->script, name + 1, (size_t)(close - name - 1));
    }
    while (r->at < r->end && (isalnum((unsigned char)*r->at) || *r->at == '_'))
        r->at++;
    if (r->at == name && r->at < r->end && strchr("?@#*", *r->at)) {
        r->at++;
        return "";
    }
    return r->at == name ? "$" : script_get(r->script, name, (size_t)(r->at - name));
}

static void read_single_quoted(struct reader *r, struct script_words *words) {
    while (r->at < r->end && *r->at != '\'')
        put(words, *r->at++);
    r->at += r->at < r->end;
}

static void read_double_quoted(struct reader *r, struct script_words *words) {
    while (r->at < r->end && *r->at != '"') {
        char c = *r->at++;
        if (c == '$') {
            for (const char *value = variable(r); *value; value++)
                put(words, *value);
            continue;
        }
        if (c == '\\' && r->at < r->end && strchr("\"$\\\n", *r->at)) {
            c = *r->at++;
            if (c == '\n')
                continue;
        }
        put(words, c);
    }
    r->at += r->at < r->end;
}

/* A value without quotes is divided at its blanks. */
static void put_divided(struct script_words *words, const char *value, size_t *start, bool *quoted) {
    for (; *value; value++) {
        if (!isspace((unsigned char)*value)) {
            put(words, *value);
        } else if (words->used > *start || *quoted) {
            end_word(words, *start);
            *start = words->used;
            *quoted = false;
        }
    }
}

static bool ends_word(char c) {
    return isspace((unsigned char)c) || c == ';' || c == '&' || c == '|';
}

/* One word, which may become several or none, is added. */
static void read_word(struct reader *r, struct script_words *words) {
    size_t start = words->used;
    bool quoted = false;
    words->bare = true;
    while (r->at < r->end && !ends_word(*r->at)) {
        char c = *r->at++;
        words->bare &= !strchr("'\"$\\", c);
        if (c == '\'' || c == '"') {
            quoted = true;
            (c == '"' ? read_double_quoted : read_single_quoted)(r, words);
        } else if (c == '$') {
            put_divided(words, variable(r), &start, &quoted);
        } else if (c != '\\' || r->at == r->end) {
            put(words, c);
        } else if (*r->at++ != '\n') {
            put(words, r->at[-1]);
        }
    }
    if (words->used > start || quoted)
        end_word(words, start);
}

/* To the next word of this command; false: it ends here. */
static bool skip_blanks(struct reader *r) {
    while (r->at < r->end) {
        if (*r->at == '#')
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        else if (*r->at == '\\' && r->at + 1 < r->end && r->at[1] == '\n')
            r->at += 2;
        else if (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
            r->at++;
        else
            return !ends_word(*r->at);
    }
    return false;
}

static bool is_one_of(const struct script_words *words, const char *const *list) {
    for (; *list; list++)
        if (words->bare && words->count == 1 && strcmp(words->word[0], *list) == 0)
            return true;
    return false;
}

/* --- blocks */

/* Past the } that belongs to a { just read. Braces count as words of their own. */
static void skip_block(struct reader *r) {
    struct script_words *words = &r->script->words;
    for (unsigned depth = 1; depth && r->at < r->end;) {
        if (!skip_blanks(r)) {
            r->at += r->at < r->end;
            continue;
        }
        words->count = 0;
        words->used = 0;
        read_word(r, words);
        if (words->bare && words->count == 1)
            depth += (strcmp(words->word[0], "{") == 0) - (strcmp(words->word[0], "}") == 0);
    }
}

/* The words up to {, and the block behind it. */
static void read_entry(struct reader *r, bool run) {
    struct script_words head = {0};
    head.word[head.count++] = strcmp(r->script->words.word[0], "submenu") == 0 ? "submenu" : "menuentry";
    for (bool open = false; !open;) {
        if (!skip_blanks(r))
            return;
        unsigned before = head.count;
        read_word(r, &head);
        open = head.bare && head.count == before + 1 && strcmp(head.word[before], "{") == 0;
    }
    head.count--;
    const char *block = r->at;
    skip_block(r);
    const char *end = r->at > block && r->at[-1] == '}' ? r->at - 1 : r->at;
    if (run && !head.too_large)
        r->script->entry(r->script->ctx, &head, block, (size_t)(end - block));
}

static void skip_function(struct reader *r) {
    while (skip_blanks(r)) {
        r->script->words.count = 0;
        r->script->words.used = 0;
        read_word(r, &r->script->words);
        if (is_one_of(&r->script->words, (const char *const[]){"{", NULL})) {
            skip_block(r);
            return;
        }
    }
}

/* --- commands */

static int run_list(struct reader *r, bool run, const char *const *stop, bool *success, struct error *e);

static int run_if(struct reader *r, bool run, bool *success, struct error *e) {
    static const char *const then[] = {"then", NULL}, *const next[] = {"elif", "else", "fi", NULL};
    bool taken = !run, condition = false;
    for (const char *word = "elif"; strcmp(word, "fi") != 0;) {
        bool is_else = strcmp(word, "else") == 0;
        if (!is_else && run_list(r, !taken, then, &condition, e) < 0)
            return -1;
        bool here = !taken && (is_else || condition);
        if (run_list(r, here, next, success, e) < 0)
            return -1;
        taken |= here;
        if (r->at == r->end)
            break;
        word = r->script->words.word[0];
    }
    return 0;
}

static int skip_loop(struct reader *r, struct error *e) {
    static const char *const done[] = {"done", NULL};
    bool ignored;
    return run_list(r, false, done, &ignored, e);
}

/* The rest of a command whose first word has been read; NAME=VALUE is one, too. */
static void run_command(struct reader *r, bool run, bool *success) {
    struct script_words *words = &r->script->words;
    while (skip_blanks(r))
        read_word(r, words);
    if (!run || !words->count || words->too_large)
        return;
    char *equals = strchr(words->word[0], '=');
    const char *assignment = words->word[0];
    if (strcmp(words->word[0], "set") == 0 && words->count > 1) {
        assignment = words->word[1];
        equals = strchr(words->word[1], '=');
    }
    if (equals && *words->word[0] != '[') {
        script_set(r->script, assignment, (size_t)(equals - assignment), equals + 1);
        *success = true;
    } else {
        *success = r->script->command(r->script->ctx, words);
    }
}

/* Runs, or only reads, commands up to one of the words of stop, which is the script's last word then. */
static int run_list(struct reader *r, bool run, const char *const *stop, bool *success, struct error *e) {
    static const char *const ifs[] = {"if", NULL}, *const loops[] = {"for", "while", "until", NULL},
                             *const entries[] = {"menuentry", "submenu", NULL},
                             *const functions[] = {"function", NULL},
                             *const fillers[] = {"do", "{", "}", NULL};
    struct script_words *words = &r->script->words;
    int result = 0;
    if (r->depth == DEPTH_MAX)
        return error_set(e, "it nests too deep");
    r->depth++;
    while (r->at < r->end && result == 0) {
        if (!skip_blanks(r)) {
            r->at += r->at < r->end;
            continue;
        }
        words->count = 0;
        words->used = 0;
        words->too_large = false;
        read_word(r, words);
        if (is_one_of(words, stop))
            break;
        if (is_one_of(words, ifs))
            result = run_if(r, run, success, e);
        else if (is_one_of(words, loops))
            result = skip_loop(r, e);
        else if (is_one_of(words, entries))
            read_entry(r, run);
        else if (is_one_of(words, functions))
            skip_function(r);
        else if (!is_one_of(words, fillers))
            run_command(r, run, success);
    }
    r->depth--;
    return result;
}

int script_run(struct script *script, const char *text, size_t size, struct error *e) {
    static const char *const none[] = {NULL};
    struct reader r = {.script = script, .at = text, .end = text + size};
    bool ignored = false;
    return run_list(&r, true, none, &ignored, e);
}
