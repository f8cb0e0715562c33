/* What somebody may have meant. */
#pragma once

#include <stddef.h>

/* The one of 'words' that is nearest to 'word': at most two slips of a finger away and less than
 * half of it wrong; NULL if none is. */
const char *nearest_word(const char *word, const char *const words[], size_t n);
