/* Monitors that cannot be content, or are there twice. */
#include "daemon/config/check-internal.h"

#include <string.h>

/* One monitor, and how it is called in messages. */
struct subject {
	const struct check *check;
	const struct config_monitor *monitor;
	const char *type;
	unsigned number; /* As in the file, from 1. */
	unsigned line;
};

static struct subject subject_of(const struct check *check, unsigned index)
{
	const struct config_monitor *monitor = &check->team->monitors[index];
	const struct place *place = places_at(check->places, check->team, &monitor->type);

	return (struct subject){
		.check = check,
		.monitor = monitor,
		.type = config_monitor_type_name(monitor->type),
		.number = place ? place->element : index + 1,
		.line = place ? place->line : check->team->line,
	};
}

static bool is_probe(const struct config_monitor *monitor)
{
	return monitor->type == CONFIG_MONITOR_ARP || monitor->type == CONFIG_MONITOR_ND;
}

static bool address_equal(const struct config_address *a, const struct config_address *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool asks(const struct config_monitor *monitor, const struct config_address *target)
{
	for (unsigned i = 0; i < monitor->n_targets; i++)
		if (address_equal(&monitor->targets[i], target))
			return true;
	return false;
}

static void check_targets(const struct subject *subject)
{
	const struct config_monitor *monitor = subject->monitor;
	const struct check *check = subject->check;
	bool v6 = monitor->type == CONFIG_MONITOR_ND;
	unsigned line = check_line(check, monitor->targets);
	char text[CONFIG_ADDRESS_TEXT_SIZE];

	for (unsigned i = 0; i < monitor->n_targets; i++) {
		const struct config_address *target = &monitor->targets[i];

		(void)config_address_text(target, text);
		if (target->v6 != v6)
			report_error(check->report, line,
				     "monitor %u: targets has \"%s\": expected addresses of %s "
				     "with type \"%s\"",
				     subject->number, text, v6 ? "IPv6" : "IPv4", subject->type);
		for (unsigned j = 0; j < i; j++)
			if (address_equal(target, &monitor->targets[j]))
				report_error(check->report, line,
					     "monitor %u: targets has \"%s\" twice",
					     subject->number, text);
	}
}

/* A switch that has the links in one aggregation chooses by itself on which the answer comes. */
static void warn_of_aggregation(const struct subject *subject)
{
	const struct config_team *team = subject->check->team;

	if (team->mode == CONFIG_MODE_INDEPENDENT || team->n_members == 1)
		return;
	report_warning(subject->check->report, subject->line,
		       "monitor %u: type is \"%s\" and mode is \"%s\": the switch may send the "
		       "answer on another member than the one that asked, which then counts as "
		       "failed",
		       subject->number, subject->type, config_mode_name(team->mode));
}

static void check_one(const struct subject *subject)
{
	const struct config_monitor *monitor = subject->monitor;

	if (is_probe(monitor)) {
		check_targets(subject);
		warn_of_aggregation(subject);
	}
	if (monitor->type == CONFIG_MONITOR_SPEED && !monitor->min_speed_mbps &&
	    !monitor->full_duplex)
		report_error(subject->check->report, subject->line,
			     "monitor %u: a monitor of type \"speed\" watches nothing: expected "
			     "min_speed_mbps, full_duplex = true, or both",
			     subject->number);
}

/* Which of its targets the other one asks in the same VLAN, too. */
static const struct config_address *same_target(const struct config_monitor *monitor,
						const struct config_monitor *other)
{
	if (!is_probe(monitor) || monitor->vlan != other->vlan)
		return NULL;
	for (unsigned i = 0; i < monitor->n_targets; i++)
		if (asks(other, &monitor->targets[i]))
			return &monitor->targets[i];
	return NULL;
}

static void check_pair(const struct subject *subject, const struct subject *before)
{
	const struct config_monitor *monitor = subject->monitor, *other = before->monitor;
	const struct report *report = subject->check->report;
	const struct config_address *target;
	char text[CONFIG_ADDRESS_TEXT_SIZE];

	if (monitor->type != other->type)
		return;
	target = same_target(monitor, other);
	if (target)
		report_error(report, check_line(subject->check, monitor->targets),
			     "monitor %u: targets has \"%s\", which monitor %u asks already "
			     "(line %u)",
			     subject->number, config_address_text(target, text), before->number,
			     before->line);
	if (monitor->type == CONFIG_MONITOR_SPEED ||
	    (monitor->type == CONFIG_MONITOR_ERRORS && monitor->interval_ms == other->interval_ms))
		report_error(report, subject->line,
			     "monitor %u: type is \"%s\"%s, which is monitor %u already (line %u)",
			     subject->number, subject->type,
			     monitor->type == CONFIG_MONITOR_ERRORS ? " with the same interval_ms"
								    : "",
			     before->number, before->line);
}

void check_monitors(const struct check *check)
{
	const struct config_team *team = check->team;

	for (unsigned i = 0; i < team->n_monitors; i++) {
		const struct subject subject = subject_of(check, i);

		check_one(&subject);
		for (unsigned j = 0; j < i; j++) {
			const struct subject before = subject_of(check, j);

			check_pair(&subject, &before);
		}
	}
	if (team->n_monitors < 2 && places_at(check->places, team, &team->monitor_policy))
		report_warning(check->report, check_line(check, &team->monitor_policy),
			       "monitor_policy needs two monitors beside the carrier to make a "
			       "difference");
}
