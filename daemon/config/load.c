/* Which files make the configuration, and in which order. */
#include "daemon/config/config.h"
#include "daemon/config/files.h"
#include "daemon/config/parse.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_FILE "yoke.conf"
#define TEAMS_FOLDER "conf.d"

static int load_file(struct batch *batch, struct config_problems *problems, const char *path,
		     enum config_kind kind)
{
	const struct report report = report_begin(problems, path);
	cleanup(freep) char *bytes = NULL;
	size_t size = 0;
	int r = file_read(&report, path, &bytes, &size);

	if (r == -EINVAL)
		return 0; /* It is in the report, and the other files are still of interest. */
	if (r == 0)
		r = parse_text(batch, &report, (struct span){ (const uint8_t *)bytes, size }, kind);
	report_end(&report);
	return r;
}

static enum config_kind kind_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, HOST_FILE) ? CONFIG_KIND_TEAMS : CONFIG_KIND_HOST;
}

static int load_folder(struct batch *batch, struct config_problems *problems, const char *path)
{
	const struct report report = report_begin(problems, path);
	cleanup(file_list_fini) struct file_list list = {};
	int r = file_list_folder(&report, path, &list);

	if (r == -EINVAL)
		return 0;
	for (unsigned i = 0; i < list.n && r == 0; i++)
		r = load_file(batch, problems, list.paths[i], CONFIG_KIND_TEAMS);
	return r;
}

static int load_main(struct batch *batch, struct config_problems *problems, const char *path)
{
	cleanup(freep) char *folder = file_beside(path, TEAMS_FOLDER);
	bool file_absent = file_kind(path) == FILE_KIND_ABSENT;
	bool folder_absent;
	int r = 0;

	if (!folder)
		return -ENOMEM;
	folder_absent = file_kind(folder) == FILE_KIND_ABSENT;
	if (file_absent && folder_absent) {
		const struct report report = report_begin(problems, path);

		report_warning(&report, 0,
			       "there is neither this file nor a folder " TEAMS_FOLDER
			       " beside it: no team is configured");
	}
	if (!file_absent)
		r = load_file(batch, problems, path, CONFIG_KIND_HOST);
	if (r == 0 && !folder_absent)
		r = load_folder(batch, problems, folder);
	return r;
}

/* A folder like /etc/yoke, or one like its conf.d. */
static int load_any_folder(struct batch *batch, struct config_problems *problems, const char *path)
{
	cleanup(freep) char *host = file_in(path, HOST_FILE);
	cleanup(freep) char *teams = file_in(path, TEAMS_FOLDER);

	if (!host || !teams)
		return -ENOMEM;
	if (file_kind(host) == FILE_KIND_ABSENT && file_kind(teams) == FILE_KIND_ABSENT)
		return load_folder(batch, problems, path);
	return load_main(batch, problems, host);
}

static int load_any(struct batch *batch, struct config_problems *problems, const char *path)
{
	if (file_kind(path) == FILE_KIND_FOLDER)
		return load_any_folder(batch, problems, path);
	return load_file(batch, problems, path, kind_of(path));
}

static void clear(struct config_problems *problems)
{
	problems->n = 0;
	problems->n_errors = 0;
	problems->n_warnings = 0;
}

static int finish(struct batch *batch, int r, const struct config_problems *problems,
		  struct config **ret)
{
	if (r == 0 && problems->n_errors)
		r = -EINVAL;
	if (r == 0)
		*ret = steal_ptr(batch->config);
	return r;
}

int config_load(const char *path, struct config **ret, struct config_problems *problems)
{
	cleanup(batch_fini) struct batch batch = {};
	int r = batch_init(&batch);

	clear(problems);
	if (r == 0)
		r = load_main(&batch, problems, path);
	return finish(&batch, r, problems, ret);
}

static int load_paths(struct batch *batch, struct config_problems *problems,
		      const char *const paths[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = load_any(batch, problems, paths[i]);
	return r;
}

int config_load_paths(const char *const paths[], size_t n, struct config **ret,
		      struct config_problems *problems)
{
	cleanup(batch_fini) struct batch batch = {};
	int r = batch_init(&batch);

	clear(problems);
	if (r == 0)
		r = load_paths(&batch, problems, paths, n);
	return finish(&batch, r, problems, ret);
}

int config_check(const struct config_question *question, struct config **ret,
		 struct config_problems *problems)
{
	cleanup(batch_fini) struct batch batch = {};
	int r = batch_init(&batch);

	clear(problems);
	batch.thorough = true;
	batch.datapath = question->datapath;
	if (r == 0 && question->n_paths)
		r = load_paths(&batch, problems, question->paths, question->n_paths);
	else if (r == 0)
		r = load_main(&batch, problems, question->main_path);
	return finish(&batch, r, problems, ret);
}

int config_parse(const char *name, struct span text, enum config_kind kind, struct config **ret,
		 struct config_problems *problems)
{
	cleanup(batch_fini) struct batch batch = {};
	struct report report;
	int r = batch_init(&batch);

	clear(problems);
	report = report_begin(problems, name);
	if (r == 0)
		r = parse_text(&batch, &report, text, kind);
	report_end(&report);
	return finish(&batch, r, problems, ret);
}
