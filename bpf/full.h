/* The programs of teams that have rules. Part of datapath.bpf.c, whose maps they use.
 *
 * Without CAP_PERFMON the verifier refuses a number of 32 bits in a place of the stack where a
 * pointer was. So pointers are kept in structs of which the compiler has to think that others know
 * them, and numbers that live long are of 64 bits. */
#pragma once

#define KEEP_IN_MEMORY(variable) __asm__ volatile("" : : "r"(&(variable)) : "memory")

/* A frame's queue mapping is kept plus one, as the kernel keeps the queue that one came in by; and
 * a member's transmit queue is its slot plus one. */
#define STEERED_QUEUE 2

/* What a frame on its way out is handled with. */
struct tx {
	const struct abi_team *team;
	struct abi_words *words;
	const struct abi_plan *plan;
	struct abi_counters *counted;
	struct abi_station *station; /* The source's; or NULL. */
	__u64 rules;
	__u64 fields; /* enum abi_hash */
	__u64 fit;
	__u32 index;
};

static __always_inline __u64 word_of(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

static __always_inline bool find_plan(__u32 index, const struct abi_words *word,
				      const struct abi_plan **ret)
{
	__u32 key = index * 2 + (__u32)(word_of(&word->plan) & 1);

	*ret = bpf_map_lookup_elem(&plans, &key);
	return *ret != NULL;
}

static __always_inline bool find_team(struct tx *tx, __u32 ifindex)
{
	tx->team = bpf_map_lookup_elem(&teams, &ifindex);
	if (!tx->team)
		return false;
	tx->index = tx->team->index;
	tx->rules = tx->team->rules;
	tx->fields = tx->team->hash;
	tx->counted = bpf_map_lookup_elem(&counters, &tx->index);
	tx->words = bpf_map_lookup_elem(&words, &tx->index);
	if (!tx->counted || !tx->words || !find_plan(tx->index, tx->words, &tx->plan))
		return false;
	tx->fit = word_of(&tx->words->carrier) & word_of(&tx->words->may_send);
	return true;
}

static __always_inline void tell(const struct abi_station_key *key, enum abi_news_type type,
				 __u64 slot, __u64 vlan)
{
	struct abi_station_news news = {
		.team = key->team,
		.type = (__u8)type,
		.slot = (__u8)slot,
		.vlan = (__u16)vlan,
	};

	__builtin_memcpy(news.mac, key->mac, ABI_MAC_SIZE);
	(void)bpf_ringbuf_output(&station_news, &news, sizeof(news), 0);
}

/* Enters the address, which is not known. NULL: there is no room. */
static __always_inline struct abi_station *learn(const struct tx *tx,
						 const struct abi_station_key *key, __u16 vlan)
{
	struct abi_station station;

	if (!stations_take_room(tx->words)) {
		if (stations_tell_full(tx->words))
			tell(key, ABI_NEWS_FULL, ABI_NONE, vlan);
		return NULL;
	}
	stations_begin(&station, stations_next_home(tx->words));
	(void)stations_note(&station, word_of(&tx->words->heartbeat), vlan);
	/* Another processor may be faster. */
	if (bpf_map_update_elem(&stations, key, &station, BPF_NOEXIST) < 0)
		stations_give_room(tx->words);
	else
		tell(key, ABI_NEWS_LEARNED, station.order[0], vlan);
	return bpf_map_lookup_elem(&stations, key);
}

static __always_inline struct abi_station *source_station(const struct tx *tx,
							  const struct frame *frame)
{
	const struct abi_station_key key = stations_key(tx->index, frame->ethernet.h_source);
	struct abi_station *station = bpf_map_lookup_elem(&stations, &key);

	if (!station) {
		if (!(tx->rules & ABI_RULE_LEARN) || !stations_can_be(key.mac))
			return NULL;
		return learn(tx, &key, frame->vlan);
	}
	if (station->kind == ABI_STATION_LOCAL &&
	    stations_note(station, word_of(&tx->words->heartbeat), frame->vlan))
		tell(&key, ABI_NEWS_LEARNED, station->order[0], frame->vlan);
	return station;
}

struct full_order {
	__u8 slots[ABI_MEMBERS];
};

/* Functions of the object's own, which the verifier looks at once and not on each way to them:
 * without CAP_PERFMON it would follow more ways than it has patience for. None of them takes the
 * frame, which takes types that not every kernel has. */
__attribute__((noinline)) __u64 full_carrier(const struct full_order *order, __u64 hold, __u64 fit)
{
	return order ? order_carrier(order->slots, hold, fit) : ABI_NONE;
}

__attribute__((noinline)) __u64 full_pick(const struct abi_loads *of_team, __u64 fit)
{
	return of_team ? flowlets_pick(of_team, fit) : ABI_NONE;
}

__attribute__((noinline)) int full_age(struct abi_loads *of_team, __u64 now)
{
	if (of_team)
		flowlets_age(of_team, now);
	return 0;
}

static __always_inline __u64 carrier_of(const __u8 *order, __u64 hold, __u64 fit)
{
	return full_carrier((const struct full_order *)(const void *)order, hold, fit);
}

static __always_inline __u64 bucket_carrier(const struct abi_plan *plan, __u64 bucket, __u64 fit)
{
	return carrier_of(plan->order[bucket], plan->hold[bucket], fit);
}

/* A plan that names none, as one from before the team was independent, has that of its first
 * bucket. */
static __always_inline __u64 primary_of(const struct abi_plan *plan, __u64 fit)
{
	__u64 slot = carrier_of(plan->primary, plan->primary_hold, fit);

	return slot < ABI_MEMBERS ? slot : bucket_carrier(plan, 0, fit);
}

/* A station without an order of its own goes by the bucket that its address falls into. */
static __always_inline __u64 station_carrier(const struct abi_station *station,
					     const struct abi_plan *plan, __u64 bucket, __u64 fit)
{
	__u64 slot = carrier_of(station->order, station->hold, fit);

	return slot < ABI_MEMBERS ? slot : bucket_carrier(plan, bucket, fit);
}

/* Whether the station is on the primary whatever its order says. */
static __always_inline bool is_with_primary(__u64 rules, const struct abi_station *station)
{
	return !(rules & ABI_RULE_HOMES) || station->kind != ABI_STATION_LOCAL;
}

/* Where the frame's source address is, as the switch is to see it. In an independent team what has
 * no room among the stations is on the primary, where answers to nobody known are received. */
static __always_inline __u64 home_of(const struct tx *tx, __u64 bucket)
{
	const struct abi_station *station = tx->station;

	if (tx->rules & ABI_RULE_INDEPENDENT && (!station || is_with_primary(tx->rules, station)))
		return primary_of(tx->plan, tx->fit);
	return station ? station_carrier(station, tx->plan, bucket, tx->fit)
		       : bucket_carrier(tx->plan, bucket, tx->fit);
}

/* Changes *frame to what is in it, if the team looks there. */
static __always_inline __u64 frame_hash(struct __sk_buff *skb, struct frame *frame,
					const struct tx *tx)
{
	if (tx->rules & ABI_RULE_INNER)
		inner_enter(skb, frame);
	KEEP_IN_MEMORY(*frame);
	return parse_hash(skb, &frame->ethernet, frame->protocol, frame->offset, (__u32)tx->fields);
}

/* Where the flow is, or is from now on; ABI_NONE: the team has no flowlets yet. */
static __always_inline __u64 flowlet_carrier(const struct tx *tx, __u64 hash, __u64 size)
{
	void *of_team = bpf_map_lookup_elem(&flowlets, &tx->index);
	struct abi_loads *load = bpf_map_lookup_elem(&loads, &tx->index);
	__u32 key = hash & (ABI_FLOWLETS - 1);
	struct abi_flowlet *flowlet;
	__u64 now, now_us, slot;

	if (!of_team || !load)
		return ABI_NONE;
	flowlet = bpf_map_lookup_elem(of_team, &key);
	if (!flowlet)
		return ABI_NONE;
	now = bpf_ktime_get_boot_ns();
	now_us = now / 1000;
	(void)full_age(load, now);
	if (!flowlets_stays(flowlet, (__u32)now_us, tx->team->flowlet_gap_us, tx->fit)) {
		flowlet->slot = (__u8)full_pick(load, tx->fit);
		flowlet->used = 1;
	}
	flowlet->last_us = (__u32)now_us;
	slot = *(volatile __u8 *)&flowlet->slot;
	if (slot < ABI_MEMBERS)
		__sync_fetch_and_add(&load->load[in_bounds(slot)],
				     size * load->cost[in_bounds(slot)]);
	return slot;
}

static __always_inline int send_by(struct __sk_buff *skb, const struct tx *tx, __u64 slot,
				   __u64 bucket)
{
	__u64 n = frames(skb), ifindex = 0;
	struct abi_member_counters *counted;

	if (slot < ABI_MEMBERS)
		ifindex = *(const volatile __u32 *)&tx->words->ifindex[in_bounds(slot)];
	if (!ifindex) {
		tx->counted->tx_no_member += n;
		return TC_ACT_SHOT;
	}
	tx->counted->bucket_tx_packets[bucket & (ABI_BUCKETS - 1)] += n;
	counted = &tx->counted->members[in_bounds(slot)];
	counted->tx_packets += n;
	counted->tx_bytes += skb->len;
	if (tx->rules & ABI_RULE_STEERED) {
		skb->queue_mapping = (__u32)slot + STEERED_QUEUE;
		return TC_ACT_UNSPEC;
	}
	return (int)bpf_redirect((__u32)ifindex, 0);
}

SEC("tc")
int yoke_tx_full(struct __sk_buff *skb)
{
	__u64 rules, home_bucket, bucket, hash, home = ABI_NONE, slot, kind = INDEPENDENT_ORDINARY;
	struct frame frame;
	struct tx tx = {};

	KEEP_IN_MEMORY(tx);
	if (!find_team(&tx, skb->ifindex) || !frame_read(skb, &frame))
		return TC_ACT_SHOT;
	rules = tx.rules;
	if (rules == ABI_RULE_STEERED)
		return TC_ACT_UNSPEC;
	if (rules & (ABI_RULE_LEARN | ABI_RULE_HOMES | ABI_RULE_INDEPENDENT))
		tx.station = source_station(&tx, &frame);
	if (rules & ABI_RULE_INDEPENDENT)
		kind = frame_number(independent_kind(skb, &frame));
	if (kind == INDEPENDENT_ANNOUNCEMENT && tx.station)
		tx.station->announced = bpf_ktime_get_boot_ns();

	home_bucket = stations_bucket(frame.ethernet.h_source);
	if (rules & (ABI_RULE_HOMES | ABI_RULE_INDEPENDENT))
		home = home_of(&tx, home_bucket);
	if (kind != INDEPENDENT_ORDINARY ||
	    (rules & (ABI_RULE_HOMES | ABI_RULE_FLOWLETS)) == ABI_RULE_HOMES)
		return send_by(skb, &tx, home, home_bucket);

	hash = frame_hash(skb, &frame, &tx);
	bucket = hash >> 24;
	slot = rules & ABI_RULE_FLOWLETS ? flowlet_carrier(&tx, hash, skb->len) : ABI_NONE;
	if (slot >= ABI_MEMBERS)
		slot = bucket_carrier(tx.plan, bucket, tx.fit);
	if (rules & ABI_RULE_INDEPENDENT && slot != home && slot < ABI_MEMBERS &&
	    !independent_disguise(skb, tx.team, in_bounds(slot)))
		slot = home;
	return send_by(skb, &tx, slot, bucket);
}

/* What a frame that came in is handled with. */
struct rx {
	struct abi_counters *of_team;
	struct abi_member_counters *counted;
	__u32 index;
	__u64 slot;
	__u64 rules;
	__u64 fit;
	const struct abi_plan *plan;
};

/* Whether the frame, whose source address is one of ours, was sent by us. Else the address has
 * moved away, and is forgotten. */
static __always_inline bool is_reflected(struct __sk_buff *skb, const struct rx *rx,
					 const struct frame *frame,
					 const struct abi_station_key *key,
					 const struct abi_station *station)
{
	if (station->kind != ABI_STATION_LOCAL ||
	    independent_kind(skb, frame) != INDEPENDENT_ANNOUNCEMENT ||
	    bpf_ktime_get_boot_ns() - *(const volatile __u64 *)&station->announced <
		    STATIONS_ANNOUNCED_NS)
		return true;
	/* Other copies of it may be here, too: one of them tells. */
	if (bpf_map_delete_elem(&stations, key) == 0)
		tell(key, ABI_NEWS_LEFT, rx->slot, frame->vlan);
	return false;
}

/* Whether this member is the one that takes frames for that address, and for all that is no
 * station of ours: of the copies of a flooded frame one is let in. */
static __always_inline bool takes(const struct rx *rx, const struct frame *frame)
{
	struct abi_station_key key = stations_key(rx->index, frame->ethernet.h_dest);
	struct abi_station *station;
	__u64 carrier, also;

	if (independent_is_group(key.mac))
		return primary_of(rx->plan, rx->fit) == rx->slot;
	station = bpf_map_lookup_elem(&stations, &key);
	if (!station)
		return primary_of(rx->plan, rx->fit) == rx->slot;
	if (station->kind == ABI_STATION_MEMBER)
		return false;
	if (is_with_primary(rx->rules, station)) {
		carrier = primary_of(rx->plan, rx->fit);
		also = rx->plan->primary_also;
	} else {
		carrier = station_carrier(station, rx->plan, stations_bucket(key.mac), rx->fit);
		also = station->also;
	}
	if (carrier == rx->slot) {
		if (station->taken != carrier + 1)
			station->taken = (__u8)(carrier + 1);
		return true;
	}
	/* What is on its way to where the station was is over with the first frame that comes to
	 * where it is: a switch that floods would have each let in twice. */
	return also == rx->slot && station->taken != carrier + 1;
}

static __always_inline bool find_rules(const struct abi_member *member,
				       const struct abi_words *word, struct rx *rx)
{
	const __u32 peer = member->peer;
	const struct abi_team *team = bpf_map_lookup_elem(&teams, &peer);

	if (!team || !find_plan(rx->index, word, &rx->plan))
		return false;
	rx->rules = team->rules;
	rx->fit = word_of(&word->carrier) & word_of(&word->may_receive);
	return true;
}

SEC("tc")
int yoke_rx_full(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct abi_member *member = bpf_map_lookup_elem(&members, &ifindex);
	const struct abi_station *station;
	const struct abi_words *word;
	struct abi_station_key source;
	struct frame frame;
	struct rx rx = {};
	__u64 n;

	KEEP_IN_MEMORY(rx);
	if (!member || is_for_member(skb))
		return TC_ACT_OK;
	rx.index = member->team;
	rx.slot = member->slot;
	rx.of_team = bpf_map_lookup_elem(&counters, &rx.index);
	word = bpf_map_lookup_elem(&words, &rx.index);
	if (!rx.of_team || !word || rx.slot >= ABI_MEMBERS || !find_rules(member, word, &rx) ||
	    !frame_read(skb, &frame))
		return TC_ACT_SHOT;

	n = frames(skb);
	rx.counted = &rx.of_team->members[in_bounds(rx.slot)];
	KEEP_IN_MEMORY(rx);
	if (rx.rules != ABI_RULE_STEERED && !has(word_of(&word->may_receive), rx.slot)) {
		rx.counted->rx_not_collecting += n;
		return TC_ACT_SHOT;
	}
	if (rx.rules & ABI_RULE_INDEPENDENT) {
		source = stations_key(rx.index, frame.ethernet.h_source);
		station = bpf_map_lookup_elem(&stations, &source);
		if (station && is_reflected(skb, &rx, &frame, &source, station)) {
			rx.counted->rx_reflected += n;
			return TC_ACT_SHOT;
		}
		if (!takes(&rx, &frame)) {
			rx.counted->rx_copies += n;
			return TC_ACT_SHOT;
		}
	}
	rx.counted->rx_packets += n;
	rx.counted->rx_bytes += skb->len;
	return rx.rules & ABI_RULE_STEERED ? TC_ACT_UNSPEC : (int)bpf_redirect(member->peer, 0);
}
