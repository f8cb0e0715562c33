/* Which datapath a team gets: what is asked for, what is there, what can do it, in this order. */
#include "daemon/choose-datapath.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

enum wish {
	WISH_PLAIN,
	WISH_DIRECT, /* What the datapath "team" can never do. */
	WISH_INDEPENDENT,
};

struct question {
	const char *what;
	enum wish wish;
	const char *configured;
	const char *asked;
	const char *there;
	bool possible; /* The kernel has the team driver. */
	const char *datapath;
	const char *why;
};

#define CANNOT "transmit is \"direct\", which datapath \"team\" cannot do: the kernel's driver"

static const struct question questions[] = {
	{ "a new team where the driver is", WISH_PLAIN, "auto", NULL, NULL, true, "team",
	  "the kernel has the team driver, which can do all that the configuration asks for" },
	{ "a new team where it is not", WISH_PLAIN, "auto", NULL, NULL, false, "bpf",
	  "the kernel has no team driver" },
	{ "a team that exists on the driver", WISH_PLAIN, "auto", NULL, "team", false, "team",
	  "the team's device was made by it" },
	{ "a team that exists on our programs", WISH_PLAIN, "auto", NULL, "bpf", true, "bpf",
	  "the team's device was made by it" },
	{ "a configuration that asks for the driver", WISH_PLAIN, "team", NULL, "bpf", false,
	  "team", "the configuration asks for it" },
	{ "a command line against the configuration", WISH_PLAIN, "team", "bpf", "team", true,
	  "bpf", "it was asked for on the command line" },
	{ "a new team that wants more than the driver can", WISH_DIRECT, "auto", NULL, NULL, true,
	  "bpf", CANNOT },
	{ "the same where the driver is not", WISH_DIRECT, "auto", NULL, NULL, false, "bpf",
	  CANNOT },
	{ "a switch-independent team", WISH_INDEPENDENT, "auto", NULL, NULL, true, "team",
	  "the kernel has the team driver, which can do all that the configuration asks for" },
	{ "the driver asked for in the configuration", WISH_DIRECT, "team", NULL, NULL, true, NULL,
	  CANNOT },
	{ "the driver asked for on the command line", WISH_DIRECT, "bpf", "team", NULL, true, NULL,
	  CANNOT },
	{ "a team that exists on the driver and wants more", WISH_DIRECT, "auto", NULL, "team",
	  true, NULL, "it made the device: \"ip link delete team0\" makes room" },
	{ "the same, with our programs asked for", WISH_DIRECT, "bpf", NULL, "team", true, "bpf",
	  "the configuration asks for it" },
	{ "our programs, which can do it", WISH_DIRECT, "auto", NULL, "bpf", true, "bpf",
	  "the team's device was made by it" },
};

static bool possible(void *userdata)
{
	const struct question *question = userdata;

	return question->possible;
}

static struct config_team team_of(const struct question *question)
{
	struct config_team team;

	config_team_init(&team, "team0");
	strcpy(team.datapath, question->configured);
	team.transmit_direct = question->wish == WISH_DIRECT;
	if (question->wish == WISH_INDEPENDENT)
		team.mode = CONFIG_MODE_INDEPENDENT;
	return team;
}

START_TEST(a_team_gets_its_datapath)
{
	struct question question = questions[_i];
	const struct config_team team = team_of(&question);
	const struct datapath_facts facts = {
		.asked = question.asked,
		.there = question.there,
		.team_is_possible = possible,
		.userdata = &question,
	};
	char why[DATAPATH_WHY_SIZE];
	const char *chosen = choose_datapath(&team, &facts, why);

	ck_assert_msg(chosen ? question.datapath && !strcmp(chosen, question.datapath)
			     : !question.datapath,
		      "%s: %s, for %s", question.what, chosen ? chosen : "none", why);
	ck_assert_msg(strstr(why, question.why) != NULL, "%s: %s", question.what, why);
	ck_assert_uint_lt(strlen(why), sizeof(why) - 1);
}
END_TEST

/* The kernel's answer loads a module: nobody asks for it who need not know it. */
static bool never(void *userdata)
{
	ck_abort_msg("asked");
}

START_TEST(the_kernel_is_asked_only_where_its_answer_counts)
{
	struct datapath_facts facts = { .asked = "bpf", .team_is_possible = never };
	struct config_team team;
	char why[DATAPATH_WHY_SIZE];

	config_team_init(&team, "team0");
	ck_assert_str_eq(choose_datapath(&team, &facts, why), "bpf");
	facts = (struct datapath_facts){ .there = "team", .team_is_possible = never };
	ck_assert_str_eq(choose_datapath(&team, &facts, why), "team");
	team.transmit_direct = true;
	facts.there = NULL;
	ck_assert_str_eq(choose_datapath(&team, &facts, why), "bpf");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/choose-datapath");
	TCase *tcase = tcase_create("choose-datapath");

	tcase_add_loop_test(tcase, a_team_gets_its_datapath, 0, ARRAY_SIZE(questions));
	tcase_add_test(tcase, the_kernel_is_asked_only_where_its_answer_counts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
