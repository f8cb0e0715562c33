/* The frames by which switches and neighbours learn on which link an address is. Each is written
 * with an IEEE 802.1Q tag if 'vlan' is not 0, and is as long as Ethernet asks for. */
#pragma once

#include "lib/wire/ether.h"

#include <stddef.h>
#include <stdint.h>

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_RARP 0x8035
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd

/* Enough for each of them. */
#define ANNOUNCE_FRAME_SIZE 96

extern const struct mac mac_broadcast;

/* A RARP request (RFC 903) of 'mac' for itself: broadcast, and nobody has to know an IP address.
 * Returns its length, as the others do. */
size_t announce_frame_rarp(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			   uint16_t vlan);

/* An ARP announcement (RFC 5227 section 3) of an IPv4 address. */
size_t announce_frame_arp(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			  uint16_t vlan, const uint8_t ip[static 4]);

/* An unsolicited Neighbor Advertisement (RFC 4861 section 7.2.6) of an IPv6 address to all nodes,
 * which overrides what they know. 'router': who has it forwards; otherwise hosts would take it out
 * of their default routers. */
size_t announce_frame_na(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			 uint16_t vlan, const uint8_t ip[static 16], bool router);
