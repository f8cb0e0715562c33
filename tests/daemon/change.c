#include "tests/daemon/change.h"

#include "tests/unit/run.h"

#include <stdio.h>
#include <string.h>

struct change_answer answer;

void note_answer(void *userdata, int r, const struct err *e)
{
	ck_assert_msg(!answer.done, "a change is answered once");
	answer.done = true;
	answer.r = r;
	(void)snprintf(answer.text, sizeof(answer.text), "%s", e ? e->text : "");
}

static struct config *parse(const char *text)
{
	static struct config_problems problems;
	struct config *config = NULL;
	const struct span span = { (const uint8_t *)text, strlen(text) };

	ck_assert_msg(config_parse("test", span, CONFIG_KIND_TEAMS, &config, &problems) == 0, "%s",
		      problems.problems[0].text);
	ck_assert_uint_eq(config->n_teams, 1);
	return config;
}

static struct host_setting setting_of(const struct config *config)
{
	memset(&answer, 0, sizeof(answer));
	return (struct host_setting){ .config = &config->teams[0], .changed = note_answer };
}

void begin(const char *text, bool force)
{
	struct config *config = parse(text);
	struct host_setting setting = setting_of(config);

	setting.force = force;
	host_set_team(world.host, team0(), &setting);
	config_free(config);
}

void set(const char *text)
{
	begin(text, false);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(answer.done);
	ck_assert_msg(answer.r == 0, "%s", answer.text);
}

void refuse(const char *text, int r, const char *why)
{
	begin(text, false);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(answer.done);
	ck_assert_int_eq(answer.r, r);
	ck_assert_msg(strstr(answer.text, why), "%s", answer.text);
}

void create(const char *text)
{
	struct config *config = parse(text);
	struct host_setting setting = setting_of(config);

	host_create_team(world.host, &setting);
	config_free(config);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(answer.done);
}

void setup_silent(void)
{
	setup();
	world.partner_silent = true;
}
