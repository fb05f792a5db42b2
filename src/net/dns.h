/* Answers to DNS queries (RFC 1035) for the names of guests: NAME and NAME.pearvisor.internal, and the names
 * of their addresses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* .internal is never delegated (ICANN, 2024). */
#define NET_DNS_DOMAIN "pearvisor.internal"

enum { NET_DNS_ANSWER_MAX = 512 };

struct net_dns_names {
    /* The guest of that name (in any case), and the name of that guest; 0 and NULL: there is none now. */
    uint8_t (*find)(void *ctx, const char *name);
    const char *(*name)(void *ctx, uint8_t guest);
    void *ctx;
};

/* Returns the answer's size; 0 if the query is for others to answer. Whatever is in the query. */
size_t net_dns_answer(
    const struct net_dns_names *names, const uint8_t *query, size_t size, uint8_t answer[NET_DNS_ANSWER_MAX]);
