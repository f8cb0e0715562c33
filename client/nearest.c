#include "client/nearest.h"

#include <string.h>

#define SIZE_MAX_WORD 32
#define SLIPS_MAX 2

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* The letters that have to be added, dropped, changed or swapped with their neighbour to make 'b'
 * of 'a'. Both are shorter than SIZE_MAX_WORD. */
static size_t distance(const char *a, const char *b)
{
	size_t table[SIZE_MAX_WORD][SIZE_MAX_WORD];
	size_t n = strlen(a), m = strlen(b);

	for (size_t i = 0; i <= n; i++)
		table[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		table[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t *cell = &table[i][j];

			*cell = least(table[i - 1][j] + 1, table[i][j - 1] + 1,
				      table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				*cell = least(*cell, *cell, table[i - 2][j - 2] + 1);
		}
	}
	return table[n][m];
}

const char *nearest_word(const char *word, const char *const words[], size_t n)
{
	size_t best = SLIPS_MAX + 1;
	const char *nearest = NULL;

	if (strlen(word) >= SIZE_MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t slips;

		if (strlen(words[i]) >= SIZE_MAX_WORD)
			continue;
		slips = distance(word, words[i]);
		if (slips < best && slips * 2 < strlen(words[i])) {
			best = slips;
			nearest = words[i];
		}
	}
	return nearest;
}
