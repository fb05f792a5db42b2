#include "net/frame.h"

#include <string.h>

#include "util/bytes.h"

enum { ETHERNET = 14, ARP_SIZE = 28, IPV4_SIZE = 20, IPV6_SIZE = 40, UDP_SIZE = 8 };
enum { TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum { PROTOCOL_UDP = 17, PORT_DHCP_SERVER = 67 };

static const uint8_t mac_prefix[5] = {0x52, 0x50, 0x56, 0x00, 0x00};
static const uint8_t network[3] = {10, 0, 2};

/* --- guests */

void net_guest_mac(uint8_t guest, uint8_t mac[NET_MAC_SIZE]) {
    memcpy(mac, mac_prefix, sizeof mac_prefix);
    mac[5] = (uint8_t)(guest - NET_GUEST_FIRST + 1);
}

uint8_t net_guest_of_mac(const uint8_t mac[NET_MAC_SIZE]) {
    unsigned guest = mac[5] + NET_GUEST_FIRST - 1u;
    bool is_one = memcmp(mac, mac_prefix, sizeof mac_prefix) == 0 && guest >= NET_GUEST_FIRST &&
                  guest <= NET_GUEST_LAST;
    return is_one ? (uint8_t)guest : 0;
}

static bool is_address_of(const uint8_t address[4], uint8_t guest) {
    return memcmp(address, network, sizeof network) == 0 && address[3] == guest;
}

/* RFC 826, and RFC 5227 for probes, which have no sender yet. */
static bool arp_is_from(const uint8_t *arp, size_t size, uint8_t guest) {
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4}, none[4];
    uint8_t mac[NET_MAC_SIZE];
    net_guest_mac(guest, mac);
    return size >= ARP_SIZE && memcmp(arp, head, sizeof head) == 0 && memcmp(arp + 8, mac, sizeof mac) == 0 &&
           (is_address_of(arp + 14, guest) || memcmp(arp + 14, none, sizeof none) == 0);
}

static bool ipv4_is_from(const uint8_t *ip, size_t size, uint8_t guest) {
    if (size < IPV4_SIZE || ip[0] >> 4 != 4 || !is_address_of(ip + 12, guest))
        return false;
    size_t header = (ip[0] & 15) * 4u;
    if (header < IPV4_SIZE || bytes_be16(ip + 2) < header || bytes_be16(ip + 2) > size)
        return false;
    bool first = !(bytes_be16(ip + 6) & 0x1fff); /* of its fragments */
    bool has_port = first && ip[9] == PROTOCOL_UDP && size >= header + 2;
    return !(has_port && bytes_be16(ip + header) == PORT_DHCP_SERVER);
}

bool net_frame_is_from(const uint8_t *frame, size_t size, uint8_t guest) {
    if (size < ETHERNET || net_guest_of_mac(frame + NET_MAC_SIZE) != guest)
        return false;
    uint16_t type = bytes_be16(frame + 12);
    if (type == TYPE_ARP)
        return arp_is_from(frame + ETHERNET, size - ETHERNET, guest);
    return type == TYPE_IPV4 && ipv4_is_from(frame + ETHERNET, size - ETHERNET, guest);
}

/* --- UDP (RFC 768) over IPv4 (RFC 791) and IPv6 (RFC 8200) */

static bool find_udp_ipv4(const uint8_t *ip, size_t *size, struct net_udp *udp) {
    bool good = *size >= IPV4_SIZE && ip[0] == 0x45 && ip[9] == PROTOCOL_UDP &&
                !(bytes_be16(ip + 6) & 0x3fff) && bytes_be16(ip + 2) >= IPV4_SIZE &&
                bytes_be16(ip + 2) <= *size;
    if (!good)
        return false;
    *size = bytes_be16(ip + 2) - IPV4_SIZE;
    udp->from = ip + 12;
    udp->to = ip + 16;
    udp->data = ip + IPV4_SIZE;
    return true;
}

static bool find_udp_ipv6(const uint8_t *ip, size_t *size, struct net_udp *udp) {
    bool good = *size >= IPV6_SIZE && ip[0] >> 4 == 6 && ip[6] == PROTOCOL_UDP &&
                bytes_be16(ip + 4) <= *size - IPV6_SIZE;
    if (!good)
        return false;
    *size = bytes_be16(ip + 4);
    udp->ipv6 = true;
    udp->from = ip + 8;
    udp->to = ip + 24;
    udp->data = ip + IPV6_SIZE;
    return true;
}

bool net_frame_udp(const uint8_t *frame, size_t size, struct net_udp *udp) {
    *udp = (struct net_udp){.frame = frame};
    if (size < ETHERNET)
        return false;
    uint16_t type = bytes_be16(frame + 12);
    size -= ETHERNET;
    bool found = type == TYPE_IPV4   ? find_udp_ipv4(frame + ETHERNET, &size, udp)
                 : type == TYPE_IPV6 ? find_udp_ipv6(frame + ETHERNET, &size, udp)
                                     : false;
    if (!found || size < UDP_SIZE || bytes_be16(udp->data + 4) < UDP_SIZE || bytes_be16(udp->data + 4) > size)
        return false;
    udp->from_port = bytes_be16(udp->data);
    udp->to_port = bytes_be16(udp->data + 2);
    udp->size = bytes_be16(udp->data + 4) - UDP_SIZE;
    udp->data += UDP_SIZE;
    return true;
}

/* RFC 1071; sum is of what comes before. */
static uint32_t add_words(uint32_t sum, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
    return sum;
}

static uint16_t fold(uint32_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *put_ip(const struct net_udp *udp, size_t udp_size, uint8_t *ip) {
    enum { HOPS = 64 };
    if (udp->ipv6) {
        memcpy(ip,
            (const uint8_t[]){0x60, 0, 0, 0, (uint8_t)(udp_size >> 8), (uint8_t)udp_size, PROTOCOL_UDP, HOPS},
            8);
        memcpy(ip + 8, udp->to, 16);
        memcpy(ip + 24, udp->from, 16);
        return ip + IPV6_SIZE;
    }
    memcpy(ip, (const uint8_t[]){0x45, 0, 0, 0, 0, 0, 0, 0, HOPS, PROTOCOL_UDP, 0, 0}, 12);
    bytes_put_be16(ip + 2, (unsigned)(IPV4_SIZE + udp_size));
    memcpy(ip + 12, udp->to, 4);
    memcpy(ip + 16, udp->from, 4);
    bytes_put_be16(ip + 10, fold(add_words(0, ip, IPV4_SIZE)));
    return ip + IPV4_SIZE;
}

size_t net_frame_answer(const struct net_udp *udp, const void *data, size_t size, uint8_t *frame) {
    size_t udp_size = UDP_SIZE + size, address_size = udp->ipv6 ? 16 : 4;
    memcpy(frame, udp->frame + NET_MAC_SIZE, NET_MAC_SIZE);
    memcpy(frame + NET_MAC_SIZE, udp->frame, NET_MAC_SIZE);
    memcpy(frame + 12, udp->frame + 12, 2);
    uint8_t *at = put_ip(udp, udp_size, frame + ETHERNET);
    bytes_put_be16(at, udp->to_port);
    bytes_put_be16(at + 2, udp->from_port);
    bytes_put_be16(at + 4, (unsigned)udp_size);
    bytes_put_be16(at + 6, 0);
    memcpy(at + UDP_SIZE, data, size);
    uint32_t sum = (uint32_t)udp_size + PROTOCOL_UDP; /* of the pseudo header */
    sum = add_words(add_words(sum, udp->from, address_size), udp->to, address_size);
    uint16_t checksum = fold(add_words(sum, at, udp_size));
    bytes_put_be16(at + 6, checksum ? checksum : 0xffff); /* 0 would mean that there is none */
    return (size_t)(at + udp_size - frame);
}
