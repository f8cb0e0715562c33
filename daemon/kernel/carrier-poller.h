/* Carrier sense by asking. The kernel may hold back the news of a lost link for up to a second; a
 * question (ETHTOOL_GLINK) is answered truly at once. A thread of its own asks,
 * because the answer may have to wait for the rtnl lock, and acts on the answer: it clears the
 * member's bit in the datapath's carrier word before it tells anybody. It never sets one. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/nsec.h"

#include <stdbool.h>
#include <stdint.h>

struct carrier_poller;

struct carrier_poller_figures {
	uint64_t questions;
	uint64_t losses;      /* Bits that it cleared. */
	nsec_t interval;      /* Between two questions to the same carrying member, as it is now. */
	nsec_t latest;        /* Longest time ever beyond the interval between two questions. */
	nsec_t latest_recent; /* … within the last minute. */
	/* Longest time that a batch of answers took: somebody held the rtnl lock. A loss is acted
	 * on within interval + latest + slowest. */
	nsec_t slowest;
};

/* Called by carrier_poller_dispatch(): the member has lost its carrier, and 'when' its bit was
 * cleared; 'late' is how much later than planned the answer came: the question's lateness, and how
 * long the answer took. May call the functions below but carrier_poller_free(). */
typedef void carrier_lost(void *userdata, int ifindex, nsec_t when, nsec_t late);

/* 'interval': for members that carry; others are asked every second. At most 'budget' questions a
 * second for the host, carrying members first: with more of them the interval grows. */
int carrier_poller_new(nsec_t interval, unsigned budget, carrier_lost *lost, void *userdata,
		       struct carrier_poller **ret, struct err *e);
void carrier_poller_free(struct carrier_poller *poller);

int carrier_poller_fd(const struct carrier_poller *poller);
void carrier_poller_dispatch(struct carrier_poller *poller);

/* Asks for 'ifindex' from now on, or in another rhythm. At a loss (also when the device is gone)
 * bit 'slot' of *word is cleared, if it was set already when the question was asked, and the loss
 * told; each time that it is set again arms the poller again. 'word' may be NULL: then each loss is
 * told once, and again after the next carrier or the next call with 'carrying'.
 *
 * To be called with each piece of news that carrier is there, before the bit is set: an answer to
 * a question from before the call is not acted upon. 0 or -ENOMEM.
 * None of these sleeps for longer than it takes to exchange a pointer. */
int carrier_poller_watch(struct carrier_poller *poller, int ifindex, uint64_t *word, unsigned slot,
			 bool carrying);

/* When it returns, *word is not touched any more for this device. Does not wait for an answer. */
void carrier_poller_unwatch(struct carrier_poller *poller, int ifindex);

void carrier_poller_figures(const struct carrier_poller *poller,
			    struct carrier_poller_figures *figures);
