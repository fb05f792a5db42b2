#include "net/dns.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/bytes.h"

enum { HEADER = 12, NAME_MAX_SIZE = 255, LABEL_MAX = 63, TTL_SECONDS = 5, UDP_PAYLOAD = 1232 };
enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_OPT = 41, TYPE_ANY = 255, CLASS_IN = 1, CLASS_ANY = 255 };
enum { FLAG_RESPONSE = 0x8000, FLAGS_OPCODE = 0x7800, FLAG_AUTHORITATIVE = 0x0400, FLAG_TRUNCATED = 0x0200 };
enum { FLAG_RECURSION = 0x0100, FLAG_RECURSION_AVAILABLE = 0x0080, CODE_NO_NAME = 3 };

struct question {
    char name[NAME_MAX_SIZE + 1]; /* with dots between its labels and none at its end */
    uint16_t type, class;
    size_t end; /* where it ends in the query */
};

struct writer {
    uint8_t *at;
    size_t size;
};

static void put(struct writer *out, const void *data, size_t size) {
    memcpy(out->at + out->size, data, size);
    out->size += size;
}

static void put16(struct writer *out, unsigned value) {
    put(out, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* --- what is asked */

/* A label whose bytes could be mistaken for more than one is no guest's. */
static bool is_plain(const uint8_t *label, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (label[i] <= ' ' || label[i] >= 0x7f || label[i] == '.')
            return false;
    return true;
}

/* Section 4.1.2. Names in questions are not compressed: there is nothing before them to point to. */
static bool read_question(const uint8_t *query, size_t size, struct question *question) {
    size_t at = HEADER, length = 0;
    while (at < size && query[at]) {
        size_t label = query[at++];
        if (label > LABEL_MAX || label > size - at || length + 1 + label > NAME_MAX_SIZE ||
            !is_plain(query + at, label))
            return false;
        if (length)
            question->name[length++] = '.';
        memcpy(question->name + length, query + at, label);
        length += label;
        at += label;
    }
    if (size - at < 5) /* the root's label, type and class */
        return false;
    question->name[length] = 0;
    question->type = bytes_be16(query + at + 1);
    question->class = bytes_be16(query + at + 3);
    question->end = at + 5;
    return true;
}

/* A query with one question, and at most an OPT record after it (RFC 6891, 6.1.1). */
static bool is_query(const uint8_t *query, size_t size) {
    return size >= HEADER && !(bytes_be16(query + 2) & (FLAG_RESPONSE | FLAGS_OPCODE | FLAG_TRUNCATED)) &&
           bytes_be16(query + 4) == 1 && !bytes_be16(query + 6) && !bytes_be16(query + 8) &&
           bytes_be16(query + 10) <= 1;
}

static bool has_opt(const uint8_t *query, size_t size, const struct question *question) {
    const uint8_t *record = query + question->end;
    return bytes_be16(query + 10) == 1 && size - question->end >= 11 && record[0] == 0 &&
           bytes_be16(record + 1) == TYPE_OPT;
}

/* --- what it is about */

struct subject {
    bool ours;
    uint8_t guest;    /* 0: there is none of that name */
    const char *name; /* what its address is asked for; NULL: its name is given */
};

static struct subject find_address(const struct net_dns_names *names, const char *asked) {
    static const char reverse[] = ".2.0.10.in-addr.arpa"; /* section 3.5 */
    unsigned guest;
    int end = 0;
    if (sscanf(asked, "%3u%n", &guest, &end) != 1 || guest > 255 || strcasecmp(asked + end, reverse) != 0)
        return (struct subject){0};
    const char *name = names->name(names->ctx, (uint8_t)guest);
    return (struct subject){.ours = name, .guest = (uint8_t)guest, .name = name};
}

/* In the domain, all names are ours, and without dots, those that there are. */
static struct subject find_subject(const struct net_dns_names *names, char *asked) {
    static const char domain[] = "." NET_DNS_DOMAIN;
    size_t length = strlen(asked), suffix = sizeof domain - 1;
    bool inside = length > suffix && strcasecmp(asked + length - suffix, domain) == 0;
    if (!inside && strchr(asked, '.'))
        return find_address(names, asked);
    if (inside)
        asked[length - suffix] = 0;
    uint8_t guest = names->find(names->ctx, asked);
    return (struct subject){.ours = inside || guest, .guest = guest};
}

/* --- the answer (section 4.1) */

static void put_name(struct writer *out, const char *name) {
    while (*name) {
        size_t label = strcspn(name, ".");
        if (label) /* a VM may be called a..b; its name only leads here */
            put(out, &(uint8_t){(uint8_t)label}, 1);
        put(out, name, label);
        name += label + (name[label] == '.');
    }
    put(out, &(uint8_t){0}, 1);
}

static void put_data(struct writer *out, const struct subject *subject) {
    if (!subject->name) {
        put16(out, 4);
        put(out, (const uint8_t[]){10, 0, 2, subject->guest}, 4);
        return;
    }
    struct writer size = *out;
    out->size += 2;
    put_name(out, subject->name);
    out->size--; /* its end comes with the domain's */
    put_name(out, NET_DNS_DOMAIN);
    put16(&size, (unsigned)(out->size - size.size - 2));
}

static void put_record(struct writer *out, const struct subject *subject) {
    put16(out, 0xc000 | HEADER); /* the question's name */
    put16(out, subject->name ? TYPE_PTR : TYPE_A);
    put16(out, CLASS_IN);
    put16(out, 0);
    put16(out, TTL_SECONDS);
    put_data(out, subject);
}

static void put_opt(struct writer *out) {
    put(out, &(uint8_t){0}, 1);
    put16(out, TYPE_OPT);
    put16(out, UDP_PAYLOAD);
    put(out, (const uint8_t[6]){0}, 6); /* flags, and no options */
}

size_t net_dns_answer(const struct net_dns_names *names, const uint8_t *query, size_t size,
    uint8_t answer[NET_DNS_ANSWER_MAX]) {
    struct question question;
    if (!is_query(query, size) || !read_question(query, size, &question) ||
        (question.class != CLASS_IN && question.class != CLASS_ANY))
        return 0;
    struct subject subject = find_subject(names, question.name);
    if (!subject.ours)
        return 0;
    bool answered =
        subject.guest && (question.type == TYPE_ANY || question.type == (subject.name ? TYPE_PTR : TYPE_A));
    bool opt = has_opt(query, size, &question);
    struct writer out = {.at = answer};
    put(&out, query, 2);
    put16(&out, FLAG_RESPONSE | FLAG_AUTHORITATIVE | FLAG_RECURSION_AVAILABLE |
                    (bytes_be16(query + 2) & FLAG_RECURSION) | (subject.guest ? 0 : CODE_NO_NAME));
    put16(&out, 1);
    put16(&out, answered);
    put16(&out, 0);
    put16(&out, opt);
    put(&out, query + HEADER, question.end - HEADER);
    if (answered)
        put_record(&out, &subject);
    if (opt)
        put_opt(&out);
    return out.size;
}
