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
	SCHEMA_NAME,      /* Of a network interface, kept as text. */
	SCHEMA_MAC,       /* "auto" or an address, kept as a bool and a struct mac. */
	SCHEMA_GROUP,
	SCHEMA_LIST, /* Of groups. */
};

struct schema_word {
	const char *word; /* NULL ends the array. */
	int value;
};

struct schema_section;

struct schema_key {
	const char *name;
	enum schema_type type;
	bool required;
	size_t offset; /* From the section's base. */
	size_t size;   /* Of the field; of a list with a count: of one element. */
	size_t other;  /* SCHEMA_MAC: offset of the address. SCHEMA_LIST: of the unsigned count. */
	int64_t min;   /* Of a number, or of the elements of a list. */
	int64_t max;
	bool or_zero;     /* 0 is allowed beside min to max. */
	bool single;      /* SCHEMA_LIST of one element, that is kept in the section's own base. */
	int64_t fallback; /* The default: a number, a bool, or a word's value. */
	const struct schema_word *words;
	/* The modes of a team, by SCHEMA_MODE(), in which the key may stand; 0: in all. */
	unsigned modes;
	const char *why_not; /* What is said of it in another, after a colon; may be NULL. */
	const struct schema_section *section; /* Of a group, or of a list's elements. */
	const char *help;                     /* One sentence. */
};

struct schema_section {
	const char *name;  /* As the manual page titles it. */
	const char *place; /* Where the section's keys belong, in words. */
	const struct schema_key *keys;
	unsigned n_keys;
};

#define SCHEMA_TEXT_SIZE 200
#define SCHEMA_MODE(mode) (1u << (unsigned)(mode))

extern const struct schema_section schema_host;   /* yoke.conf, in a struct config. */
extern const struct schema_section schema_root;   /* A file of conf.d: "team" and "teams". */
extern const struct schema_section schema_team;   /* In a struct config_team. */
extern const struct schema_section schema_member; /* In a struct config_member. */

/* All sections, in the order of the manual page; NULL ends the array. */
extern const struct schema_section *const schema_sections[];

const struct schema_key *schema_find(const struct schema_section *section, const char *name);

/* The section that has a key of that name, or NULL. */
const struct schema_section *schema_owner(const char *name);

/* Gives every field of the section at 'base' its default. */
void schema_defaults(const struct schema_section *section, void *base);

/* The field of a bool, number or word. */
int64_t schema_get(const struct schema_key *key, const void *base);
void schema_set(const struct schema_key *key, void *base, int64_t value);

/* The base of the group, or of element 'index' of the list, that 'key' of the section at 'base'
 * stands for. */
const void *schema_inner(const struct schema_key *key, const void *base, unsigned index);

/* How many elements the list has. */
unsigned schema_count(const struct schema_key *key, const void *base);

/* The word of a value, NULL where it has none; and the entry of a word. */
const char *schema_word(const struct schema_word *words, int64_t value);
const struct schema_word *schema_find_word(const struct schema_word *words, const char *word);

/* Whether the key may stand in a team of that mode. */
bool schema_in_mode(const struct schema_key *key, unsigned mode);

/* The modes in which it may, in words: "mode \"lacp\"". Returns 'text'. */
const char *schema_modes_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE]);

/* What the key expects, in words: "\"fast\" or \"slow\"". Returns 'text'. */
const char *schema_expected(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE]);

/* The default as it is written in a file, "" where the key has none. Returns 'text'. */
const char *schema_default_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE]);
