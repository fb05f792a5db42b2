/* Frames of the virtual network 10.0.2.0/24: who sent them, and UDP in them. All that is read is hostile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NET_GUEST_FIRST = 15, /* a guest's number is the last byte of its address */
    NET_GUEST_LAST = 254,
    NET_MAC_SIZE = 6,
};

/* The MAC of a guest; locally administered. */
void net_guest_mac(uint8_t guest, uint8_t mac[NET_MAC_SIZE]);
/* Whose MAC it is: 0 if it is no guest's. */
uint8_t net_guest_of_mac(const uint8_t mac[NET_MAC_SIZE]);

/* Whether it is ARP or IPv4 that guest may send to other guests: in its own name, and nothing that only a
 * router or a DHCP server says. */
bool net_frame_is_from(const uint8_t *frame, size_t size, uint8_t guest);

/* UDP over IPv4 or IPv6 without fragments, options or extensions, its length checked. */
struct net_udp {
    const uint8_t *frame;
    bool ipv6;
    const uint8_t *from, *to; /* addresses, of 4 or 16 bytes */
    uint16_t from_port, to_port;
    const uint8_t *data;
    size_t size;
};

enum { NET_UDP_HEADERS_MAX = 14 + 40 + 8 };

bool net_frame_udp(const uint8_t *frame, size_t size, struct net_udp *udp);
/* A frame that answers it with data; room for NET_UDP_HEADERS_MAX more than size, which is at most 1232.
 * Returns the frame's size. */
size_t net_frame_answer(const struct net_udp *udp, const void *data, size_t size, uint8_t *frame);
