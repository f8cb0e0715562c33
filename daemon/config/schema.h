/* The one table of configuration keys: name, type, range or words, default, help, and where the
 * value is kept. Parsing, defaults, dumping and fingerprints walk it, and the tests hold the manual
 * page to it: a row here is all that a plain new key needs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_type {
	SCHEMA_BOOL,
	SCHEMA_NUMBER,
	SCHEMA_WORD,      /* One of 'words', kept as its number. */
	SCHEMA_WORD_TEXT, /* One of 'words', kept as text. */
	SCHEMA_VARIANT,   /* One of 'words', by which the elements of a list differ; see below. */
	SCHEMA_NAME,      /* Of a network interface, kept as text. */
	SCHEMA_MAC,       /* "auto" or an address, kept as a bool and a struct mac. */
	SCHEMA_ADDRESSES, /* A list of IP addresses, kept as an unsigned count and an array. */
	SCHEMA_GROUP,
	SCHEMA_LIST, /* Of groups. */
};

/* What is chosen by a key and decides which others may stand beside it. */
enum schema_choice {
	SCHEMA_CHOICE_NONE,
	SCHEMA_CHOICE_MODE,    /* Of the team. */
	SCHEMA_CHOICE_BALANCE, /* Likewise. */
	SCHEMA_CHOICE_TYPE,    /* Of a monitor. */
};
#define SCHEMA_CHOICES 4

/* What was chosen around a section. */
#define SCHEMA_UNKNOWN (-1)
struct schema_context {
	int64_t chosen[SCHEMA_CHOICES]; /* A word's value, or SCHEMA_UNKNOWN. */
};

struct schema_word {
	const char *word; /* NULL ends the array. */
	int value;
};

struct schema_section;

struct schema_key {
	const char *name;
	enum schema_type type;
	bool required; /* Where it may stand at all. */
	size_t offset; /* From the section's base. */
	size_t size;   /* Of the field; of a list with a count: of one element. */
	size_t other;  /* SCHEMA_MAC: offset of the address. With a count: of the count. */
	int64_t min;   /* Of a number, or of the elements of a list. */
	int64_t max;
	bool or_zero; /* 0 is allowed beside min to max. */
	/* SCHEMA_LIST: the element whose variant is 0 is always there, comes first, and is kept in
	 * the section's own base. There is one of it at most. */
	bool resident;
	bool always_hashed; /* SCHEMA_GROUP: see fingerprint.c. */
	int64_t fallback;   /* The default: a number, a bool, or a word's value. */
	const struct schema_word *words;
	enum schema_choice chooses; /* What the key's own value is. */
	/* The values of each choice, by SCHEMA_BIT(), with which the key may stand; 0: with all. */
	unsigned only[SCHEMA_CHOICES];
	const char *why_not; /* What is said of it with another, after a colon; may be NULL. */
	const struct schema_section *section; /* Of a group, or of a list's elements. */
	const char *help;                     /* One sentence. */
};

struct schema_section {
	const char *name;  /* As the manual page titles it, and as its key is named. */
	const char *place; /* Where the section's keys belong, in words. */
	const struct schema_key *keys;
	unsigned n_keys;
};

#define SCHEMA_TEXT_SIZE 200
#define SCHEMA_BIT(value) (1u << (unsigned)(value))

extern const struct schema_section schema_host;    /* yoke.conf, in a struct config. */
extern const struct schema_section schema_root;    /* A file of conf.d: "team" and "teams". */
extern const struct schema_section schema_team;    /* In a struct config_team. */
extern const struct schema_section schema_member;  /* In a struct config_member. */
extern const struct schema_section schema_monitor; /* In a struct config_monitor. */

/* All sections, in the order of the manual page; NULL ends the array. */
extern const struct schema_section *const schema_sections[];

const struct schema_key *schema_find(const struct schema_section *section, const char *name);

/* The section of that name, or NULL. */
const struct schema_section *schema_section(const char *name);

/* The first section that has a key of that name, or NULL. */
const struct schema_section *schema_owner(const char *name);

/* Gives every field of the section at 'base' its default. */
void schema_defaults(const struct schema_section *section, void *base);

/* The same for the fields that an element of the list has; 'base' is the element's own. */
void schema_element_defaults(const struct schema_key *key, void *base, int64_t variant);

/* The field of a bool, number or word. */
int64_t schema_get(const struct schema_key *key, const void *base);
void schema_set(const struct schema_key *key, void *base, int64_t value);

/* The base of the group. */
const void *schema_group(const struct schema_key *key, const void *base);

/* How many elements the list has, and the base of one of them. */
unsigned schema_count(const struct schema_key *key, const void *base);
const void *schema_element(const struct schema_key *key, const void *base, unsigned index);

/* The key by which the elements of a list differ, or NULL. */
const struct schema_key *schema_variant(const struct schema_key *key);

/* A context in which nothing is chosen; what the section at 'base' chooses in one; and what the
 * element of the list that stands in that section does. */
struct schema_context schema_nowhere(void);
struct schema_context schema_enter(const struct schema_section *section, const void *base,
				   struct schema_context context);
struct schema_context schema_enter_element(const struct schema_key *key, const void *base,
					   unsigned index, struct schema_context context);

/* The word of a value, NULL where it has none; and the entry of a word. */
const char *schema_word(const struct schema_word *words, int64_t value);
const struct schema_word *schema_find_word(const struct schema_word *words, const char *word);

/* Whether the key may stand in that context; where nothing is known it may. */
bool schema_allows(const struct schema_key *key, const struct schema_context *context);

/* Why it may not, in words that follow its name: "goes with mode \"lacp\", and mode is \"static\"".
 * Only for a key that may not. Returns 'text'. */
const char *schema_misplaced(const struct schema_key *key, const struct schema_context *context,
			     char text[static SCHEMA_TEXT_SIZE]);

/* What the key expects, in words: "\"fast\" or \"slow\"". Returns 'text'. */
const char *schema_expected(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE]);

/* A value of a bool, number or word as it is written in a file. Returns 'text'. */
const char *schema_value_text(const struct schema_key *key, int64_t value,
			      char text[static SCHEMA_TEXT_SIZE]);

/* The default as it is written in a file, "" where the key has none. Returns 'text'. */
const char *schema_default_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE]);
