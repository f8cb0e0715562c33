/* Counts every copy of every frame. Numbered frames go out of one end, as a broadcast, a multicast
 * or to anybody's address, and each of many ends in as many network namespaces counts how often it
 * heard each number, the sender's own end too. Commands come on standard input, a line each, and
 * are answered by a line of JSON each:
 *
 *   end NAME NETNS DEVICE          counts there from now on; a NAME that is there moves there
 *   send STREAM END TO FORM COUNT RATE [from=MAC] [vlan=NUMBER] [flows=NUMBER]
 *                                  FORM: raw, v4 or v6 (UDP); frames a second
 *   stop STREAM                    what it has not sent yet it does not send
 *   report STREAM                  what was sent, and what each end heard
 *   forget STREAM                  it is not counted any more
 *   talkers END                    whose frames of what kind were heard there since last asked
 *
 * One process and one thread for all: what an end heard is in its socket's buffer until it is read.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COPIES_NAME_SIZE 24
#define COPIES_ENDS 80
#define COPIES_STREAMS 64
#define COPIES_FRAMES 200000 /* Of one stream. */
#define COPIES_FRAME_SIZE 128
#define COPIES_TALKERS 512 /* Kinds of frames of one end. */
#define COPIES_MAC 6
#define COPIES_NSEC 1000000000ull

enum copies_form {
	COPIES_RAW, /* With an EtherType for experiments. */
	COPIES_V4,
	COPIES_V6,
};

struct copies_head {
	uint32_t magic;
	uint32_t run; /* What an earlier run left in a queue is not ours. */
	uint32_t stream;
	uint32_t number;
};

/* Frames with the same source, VLAN and kind. */
struct copies_talker {
	uint8_t source[COPIES_MAC];
	uint16_t vlan;
	const char *kind;
	uint64_t frames;
};

struct copies_end {
	char name[COPIES_NAME_SIZE];
	int fd;
	uint8_t mac[COPIES_MAC]; /* The device's, when it became an end. */
	uint64_t overrun; /* Frames for which the socket had no room: no count is right then. */
	unsigned n_talkers;
	struct copies_talker talkers[COPIES_TALKERS];
};

struct copies_stream {
	char name[COPIES_NAME_SIZE]; /* "": free */
	uint32_t serial;             /* Of all streams there ever were. */
	unsigned from;
	uint8_t destination[COPIES_MAC];
	uint8_t source[COPIES_MAC];
	enum copies_form form;
	uint16_t vlan; /* 0: none */
	uint32_t flows;
	uint32_t count; /* To be sent. */
	uint32_t rate;
	uint32_t sent;
	uint32_t refused;
	uint64_t start;
	uint8_t *heard[COPIES_ENDS];   /* How often each number, at most 255; NULL: nothing yet. */
	uint32_t late[COPIES_ENDS];    /* Came behind a higher number of its flow. */
	uint32_t *newest[COPIES_ENDS]; /* Of each flow, + 1. */
};

struct copies {
	uint32_t run;
	uint32_t serials;
	unsigned n_ends;
	struct copies_end ends[COPIES_ENDS];
	struct copies_stream streams[COPIES_STREAMS];
};

/* What a received frame was. */
struct copies_frame {
	const uint8_t *bytes;
	size_t size;
	int vlan; /* Taken off by the kernel; -1: it took none. */
};

/* The whole frame with that number; returns its size. */
size_t copies_write(const struct copies *copies, const struct copies_stream *stream,
		    uint32_t number, uint8_t frame[COPIES_FRAME_SIZE]);

/* Whether it is a numbered frame of a stream. */
bool copies_read(const struct copies_frame *frame, struct copies_head *ret);

/* Source, VLAN and kind of any frame; false: it is too short to have them. */
bool copies_talker_of(const struct copies_frame *frame, struct copies_talker *ret);

/* Opens the device as an end. 0 or -errno. */
int copies_end_open(struct copies *copies, const char *name, const char *netns, const char *device);
void copies_end_close(struct copies_end *end);

/* Reads and counts all that waits at an end. */
void copies_end_drain(struct copies *copies, unsigned which);

/* The lines of JSON. */
void copies_tell_stream(struct copies *copies, const struct copies_stream *stream);
void copies_tell_talkers(struct copies_end *end);
