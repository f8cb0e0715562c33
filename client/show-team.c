/* Teams and members as text. */
#include "client/field.h"
#include "client/show.h"
#include "lib/ctl/text.h"

#include <inttypes.h>
#include <string.h>

static size_t n_active(const json_t *members)
{
	size_t i, n = 0;
	json_t *member;

	json_array_foreach (members, i, member) {
		n += strcmp(field_text(member, "state"), "active") == 0;
	}
	return n;
}

void show_teams(const struct output *output, const json_t *teams)
{
	cleanup(ctl_table_freep) struct ctl_table *table =
		ctl_table_new("TEAM|STATE|MODE|ACTIVE|>SPEED|>MTU|MAC");
	size_t i;
	json_t *team;

	json_array_foreach (teams, i, team) {
		const json_t *members = json_object_get(team, "members");
		const char *state = field_text(team, "state");
		char speed[CTL_TEXT_SIZE];

		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(team, "name"));
		ctl_table_add(table, state_style(state), "%s", state);
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(team, "mode"));
		ctl_table_add(table, CTL_STYLE_PLAIN, "%zu of %zu", n_active(members),
			      json_array_size(members));
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s",
			      ctl_text_speed(field_number(team, "speed_mbps"), speed));
		ctl_table_add(table, CTL_STYLE_PLAIN, "%" PRIu64, field_number(team, "mtu"));
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(team, "mac"));
	}
	ctl_table_write(table, output->file, 0, output->colour);
}

static void add_member(struct ctl_table *table, const json_t *member)
{
	const char *state = field_text(member, "state");
	char speed[CTL_TEXT_SIZE], received[CTL_TEXT_SIZE], sent[CTL_TEXT_SIZE];

	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(member, "name"));
	ctl_table_add(table, state_style(state), "%s", state);
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s",
		      ctl_text_speed(field_number(member, "speed_mbps"), speed));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%" PRIu64, field_number(member, "buckets"));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s",
		      ctl_text_bytes(field_number(member, "rx_bytes"), received));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s",
		      ctl_text_bytes(field_number(member, "tx_bytes"), sent));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(member, "reason"));
}

/* The sentences of those that have something to explain. */
static void explain_members(const struct output *output, const json_t *members)
{
	size_t i;
	json_t *member;

	json_array_foreach (members, i, member) {
		if (*field_text(member, "explanation"))
			write_sentence(output, "%s: %s", field_text(member, "name"),
				       field_text(member, "explanation"));
	}
}

void show_member_table(const struct output *output, const json_t *members)
{
	cleanup(ctl_table_freep) struct ctl_table *table =
		ctl_table_new("MEMBER|STATE|>SPEED|>BUCKETS|>RECEIVED|>SENT|REASON");
	size_t i;
	json_t *member;

	json_array_foreach (members, i, member) {
		add_member(table, member);
	}
	ctl_table_write(table, output->file, 2, output->colour);
	explain_members(output, members);
}

void show_members(const struct output *output, const json_t *teams)
{
	cleanup(ctl_table_freep) struct ctl_table *table =
		ctl_table_new("MEMBER|TEAM|STATE|REASON");
	size_t i, j;
	json_t *team, *member;

	json_array_foreach (teams, i, team) {
		const json_t *members = json_object_get(team, "members");

		json_array_foreach (members, j, member) {
			const char *state = field_text(member, "state");

			ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(member, "name"));
			ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(team, "name"));
			ctl_table_add(table, state_style(state), "%s", state);
			ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(member, "reason"));
		}
	}
	ctl_table_write(table, output->file, 0, output->colour);
}

static void show_interfaces(const struct output *output, const json_t *team)
{
	char text[512] = "";
	size_t i, used = 0;
	json_t *interface;

	json_array_foreach (json_object_get(team, "interfaces"), i, interface) {
		uint64_t vlan = field_number(interface, "vlan");
		int r = snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
				 field_text(interface, "name"));

		used += r > 0 ? (size_t)r : 0;
		if (used < sizeof(text) && vlan) {
			r = snprintf(text + used, sizeof(text) - used, " (VLAN %" PRIu64 ")", vlan);
			used += r > 0 ? (size_t)r : 0;
		}
		if (used >= sizeof(text))
			break;
	}
	write_field(output, "interfaces", "%s", text);
}

static void show_partner(const struct output *output, const json_t *partner)
{
	if (json_is_object(partner))
		write_field(output, "partner", "%s, priority %" PRIu64 ", key %" PRIu64,
			    field_text(partner, "system"), field_number(partner, "system_priority"),
			    field_number(partner, "key"));
}

static void write_vlans(const json_t *station, char *text, size_t size)
{
	size_t i, used = 0;
	json_t *vlan;

	*text = '\0';
	json_array_foreach (json_object_get(station, "vlans"), i, vlan) {
		int r = snprintf(text + used, size - used, "%s%" JSON_INTEGER_FORMAT, i ? "," : "",
				 json_integer_value(vlan));

		used += r > 0 ? (size_t)r : 0;
		if (used >= size)
			return;
	}
}

/* "-" where there is none. */
static const char *name_or_none(const json_t *object, const char *field)
{
	const char *text = field_text(object, field);

	return *text ? text : "-";
}

static void add_station(struct ctl_table *table, const json_t *station)
{
	char vlans[96];

	write_vlans(station, vlans, sizeof(vlans));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(station, "mac"));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", name_or_none(station, "member"));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", name_or_none(station, "home"));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", name_or_none(station, "port"));
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", vlans);
	ctl_table_add(table, CTL_STYLE_PLAIN, "%" PRIu64 " s",
		      field_number(station, "age_ms") / 1000);
}

static void show_stations(const struct output *output, const json_t *team)
{
	cleanup(ctl_table_freep) struct ctl_table *table =
		ctl_table_new("ADDRESS|MEMBER|HOME|PORT|VLANS|>HEARD");
	uint64_t refused = field_number(team, "stations_refused");
	const json_t *stations = json_object_get(team, "stations");
	size_t i;
	json_t *station;

	if (json_array_size(stations) == 0)
		return;
	json_array_foreach (stations, i, station) {
		add_station(table, station);
	}
	(void)fputc('\n', output->file);
	ctl_table_write(table, output->file, 2, output->colour);
	if (refused)
		write_sentence(output,
			       "%" PRIu64 " times an address found no place here: it goes "
			       "by its hash",
			       refused);
}

static void show_team_head(const struct output *output, const json_t *team)
{
	const char *state = field_text(team, "state");
	const char *explanation = field_text(team, "explanation");

	write_safe(output, CTL_STYLE_HEAD, field_text(team, "name"));
	(void)fputs(": ", output->file);
	write_safe(output, state_style(state), state);
	(void)fputc('\n', output->file);
	if (*explanation)
		write_sentence(output, "%s", explanation);
}

static bool is_direct(const json_t *team)
{
	const json_t *settings = json_object_get(team, "settings");

	return strcmp(field_text(settings, "transmit"), "direct") == 0;
}

void show_team(const struct output *output, const json_t *team)
{
	uint64_t in_order = field_number(team, "moved_in_order");
	uint64_t unproven = field_number(team, "moved_unproven");
	const char *device = field_text(team, "device");
	/* Of the kernel's driver it has the name. */
	const char *on =
		!*device || strcmp(device, field_text(team, "datapath")) == 0 ? "" : " on ";
	char speed[CTL_TEXT_SIZE];

	if (!*on)
		device = "";

	show_team_head(output, team);
	write_field(output, "mode", "%s, balance %s by %s", field_text(team, "mode"),
		    field_text(team, "balance"), field_text(team, "hash"));
	write_field(output, "datapath", "%s%s%s%s%s%s", field_text(team, "datapath"), on, device,
		    field_is(team, "adopted") ? ", adopted from a former yoked" : "",
		    *field_text(team, "datapath_why") ? ": " : "",
		    field_text(team, "datapath_why"));
	if (is_direct(team))
		write_field(output, "transmit", "%s",
			    "direct: what is sent is not counted, seen or queued on the team's "
			    "device, but on its members");
	write_field(output, "address", "%s, MTU %" PRIu64, field_text(team, "mac"),
		    field_number(team, "mtu"));
	write_field(output, "speed", "%s", ctl_text_speed(field_number(team, "speed_mbps"), speed));
	if (*field_text(team, "primary"))
		write_field(output, "primary", "%s", field_text(team, "primary"));
	show_partner(output, json_object_get(team, "partner"));
	show_interfaces(output, team);
	if (in_order || unproven)
		write_field(output, "moved",
			    "%" PRIu64 " buckets in order, %" PRIu64 " without proof of order",
			    in_order, unproven);
	if (field_is(team, "changed"))
		write_field(output, "changed", "%s",
			    "at run time: it holds until the host boots, unless it is written into "
			    "the configuration");
	if (*field_text(team, "file"))
		write_field(output, "configured", "%s:%" PRIu64, field_text(team, "file"),
			    field_number(team, "line"));
	(void)fputc('\n', output->file);
	show_member_table(output, json_object_get(team, "members"));
	show_stations(output, team);
}
