#include "daemon/control/settings-text.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than any key lies. */
#define DEPTH_MAX 8

/* Names as libconfig has them: with others the text would be another one than what was meant. */
static bool is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *name && strchr(letters, *name) && strspn(name, all) == strlen(name);
}

static void write_string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			(void)fprintf(out, "\\x%02x", c);
		else
			(void)fprintf(out, "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
	}
	(void)fputc('"', out);
}

static int write_value(FILE *out, const json_t *value, unsigned depth, struct err *e);

static int write_object(FILE *out, const json_t *object, unsigned depth, struct err *e)
{
	json_t *mutable = (json_t *)(uintptr_t)object; /* Iteration changes nothing. */
	const char *name;
	json_t *value;
	int r;

	(void)fputs("{\n", out);
	json_object_foreach (mutable, name, value) {
		if (!is_name(name))
			return err_set(e, -EINVAL, "unknown key \"%.40s\"", name);
		(void)fprintf(out, "%s = ", name);
		r = write_value(out, value, depth, e);
		if (r < 0)
			return r;
		(void)fputs(";\n", out);
	}
	(void)fputs("}", out);
	return 0;
}

/* Of plain values it is an array for libconfig, of others a list. */
static int write_array(FILE *out, const json_t *array, unsigned depth, struct err *e)
{
	const json_t *first = json_array_get(array, 0);
	bool is_list = !first || json_is_object(first) || json_is_array(first);
	size_t i;
	json_t *value;
	int r;

	(void)fputs(is_list ? "( " : "[ ", out);
	json_array_foreach (array, i, value) {
		(void)fputs(i ? ", " : "", out);
		r = write_value(out, value, depth, e);
		if (r < 0)
			return r;
	}
	(void)fputs(is_list ? " )" : " ]", out);
	return 0;
}

static int write_value(FILE *out, const json_t *value, unsigned depth, struct err *e)
{
	if (depth == DEPTH_MAX)
		return err_set(e, -EINVAL, "the settings are nested too deeply");
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(out, value, depth + 1, e);
	case JSON_ARRAY:
		return write_array(out, value, depth + 1, e);
	case JSON_STRING:
		write_string(out, json_string_value(value));
		return 0;
	case JSON_INTEGER:
		(void)fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return 0;
	case JSON_REAL:
		(void)fprintf(out, "%.6f", json_real_value(value));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		(void)fputs(json_is_true(value) ? "true" : "false", out);
		return 0;
	case JSON_NULL:
		(void)fputs("\"\"", out);
		return 0;
	}
	return 0;
}

static int write_text(const json_t *object, char **ret, struct err *e)
{
	size_t size = 0;
	FILE *out = open_memstream(ret, &size);
	bool failed;
	int r;

	if (!out)
		return err_set(e, -ENOMEM, "out of memory");
	(void)fputs("team: ", out);
	r = write_value(out, object, 0, e);
	(void)fputs(";\n", out);
	failed = ferror(out);
	if (fclose(out) != 0 || failed)
		return err_set(e, -ENOMEM, "out of memory");
	return r;
}

/* Lines are of a text that nobody has seen. */
static void drop_lines(char *text)
{
	char *at = text;

	while ((at = strstr(at, " (line "))) {
		size_t size = strcspn(at, ")");

		memmove(at, at + size + 1, strlen(at + size));
	}
}

/* "member 2" is known by its name. */
static int tell(const json_t *object, char *text, struct err *e)
{
	const json_t *members = json_object_get(object, "members");
	const char *name;
	unsigned number;
	int size = 0;

	drop_lines(text);
	if (sscanf(text, "member %u: %n", &number, &size) != 1 || !size || !number)
		return err_set(e, -EINVAL, "%s", text);
	name = json_string_value(json_object_get(json_array_get(members, number - 1), "name"));
	if (!name)
		return err_set(e, -EINVAL, "%s", text);
	return err_set(e, -EINVAL, "member %.15s: %s", name, text + size);
}

static int first_error(const json_t *object, struct config_problems *problems, struct err *e)
{
	for (unsigned i = 0; i < problems->n; i++)
		if (!problems->problems[i].warning)
			return tell(object, problems->problems[i].text, e);
	return err_set(e, -EINVAL, "the settings are wrong");
}

int settings_parse(const json_t *object, struct config_team *ret, struct err *e)
{
	cleanup(freep) struct config_problems *problems = calloc(1, sizeof(*problems));
	cleanup(freep) char *text = NULL;
	struct config *config = NULL;
	struct span span;
	int r = write_text(object, &text, e);

	if (r < 0)
		return r;
	span = (struct span){ (const uint8_t *)text, strlen(text) };
	r = problems ? config_parse("settings", span, CONFIG_KIND_TEAMS, &config, problems)
		     : -ENOMEM;
	if (r == -EINVAL)
		return first_error(object, problems, e);
	if (r < 0)
		return err_set(e, r, "out of memory");
	*ret = config->teams[0];
	config_free(config);
	return 0;
}
