/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringfence/reason.h>

#include "agent/path_template.h"
#include "core/json.h"

#define VERSION  1
#define BUCKETS  8192 /* twice the rows */
#define FILE_MAX (16 * 1024 * 1024)

struct rf_audit_rows {
	struct rf_audit_row rows[RF_AUDIT_ROWS];
	size_t count;
	uint64_t lost;
	uint16_t buckets[BUCKETS]; /* index + 1, 0 = free; linear probing */
	uint16_t paths[BUCKETS];   /* templates of each destination; two whose names meet here share their room */
};

int rf_audit_rows_new(struct rf_audit_rows **ret)
{
	struct rf_audit_rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	*ret = rows;
	return 0;
}

static void row_done(struct rf_audit_row *row)
{
	free(row->source);
	free(row->destination);
	free(row->method);
	free(row->path);
	*row = (struct rf_audit_row){};
}

void rf_audit_rows_clear(struct rf_audit_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		row_done(&rows->rows[i]);
	memset(rows->buckets, 0, sizeof(rows->buckets));
	memset(rows->paths, 0, sizeof(rows->paths));
	rows->count = 0;
	rows->lost = 0;
}

void rf_audit_rows_free(struct rf_audit_rows *rows)
{
	if (rows)
		rf_audit_rows_clear(rows);
	free(rows);
}

static size_t mix(size_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

static bool same(const struct rf_audit_row *a, const struct rf_audit_row *b)
{
	return a->port == b->port && a->would == b->would && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->destination, b->destination) == 0 && strcmp(a->method, b->method) == 0 && strcmp(a->path, b->path) == 0;
}

/* The bucket of this row, or the free one where it would go. There are always free ones. */
static uint16_t *bucket_of(struct rf_audit_rows *rows, const struct rf_audit_row *row)
{
	size_t hash =
		mix(mix(mix(mix(14695981039346656037u ^ row->port, row->source), row->destination), row->method), row->path) ^ row->would;

	for (;; hash++) {
		uint16_t *b = &rows->buckets[hash % BUCKETS];

		if (!*b || same(&rows->rows[*b - 1], row))
			return b;
	}
}

/* Asked for every request that has no row: not by counting rows. */
static uint16_t *paths_of(struct rf_audit_rows *rows, const char *destination)
{
	return &rows->paths[mix(14695981039346656037u, destination) % BUCKETS];
}

static int insert(struct rf_audit_rows *rows, uint16_t *bucket, const struct rf_audit_row *row)
{
	struct rf_audit_row copy = *row;

	if (rows->count == RF_AUDIT_ROWS)
		return -ENOSPC;
	copy.source = strdup(row->source);
	copy.destination = strdup(row->destination);
	copy.method = strdup(row->method);
	copy.path = strdup(row->path);
	if (!copy.source || !copy.destination || !copy.method || !copy.path) {
		row_done(&copy);
		return -ENOMEM;
	}
	*paths_of(rows, copy.destination) += strcmp(copy.path, RF_AUDIT_OTHERS) != 0;
	rows->rows[rows->count++] = copy;
	*bucket = (uint16_t)rows->count;
	return 0;
}

static void add_to(struct rf_audit_row *to, const struct rf_audit_row *row)
{
	to->count += row->count;
	to->first_ns = row->first_ns < to->first_ns ? row->first_ns : to->first_ns;
	to->last_ns = row->last_ns > to->last_ns ? row->last_ns : to->last_ns;
}

/* Those that a policy can name; TLS stands for a connection to outside (sockd/protocol.h). */
static bool is_known(const char *method)
{
	static const char *const names[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "TLS"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], method))
			return true;
	return false;
}

void rf_audit_rows_count(struct rf_audit_rows *rows, const struct rf_audit_row *row)
{
	char path[RF_AUDIT_PATH_MAX], method[RF_AUDIT_METHOD], others[] = RF_AUDIT_OTHERS;
	struct rf_audit_row r = *row;
	uint16_t *bucket;

	rf_path_template(row->path, path, sizeof(path));
	rf_text_visible(row->method, method, sizeof(method));
	r.path = path;
	r.method = method;
	bucket = bucket_of(rows, &r);
	if (!*bucket && *paths_of(rows, r.destination) >= RF_AUDIT_PATHS) {
		r.path = others;
		r.method = is_known(method) ? method : others;
		bucket = bucket_of(rows, &r);
	}
	if (*bucket)
		add_to(&rows->rows[*bucket - 1], &r);
	else if (insert(rows, bucket, &r) < 0)
		rows->lost += r.count;
}

size_t rf_audit_rows_size(const struct rf_audit_rows *rows)
{
	return rows->count;
}

const struct rf_audit_row *rf_audit_rows_at(const struct rf_audit_rows *rows, size_t index)
{
	return index < rows->count ? &rows->rows[index] : NULL;
}

uint64_t rf_audit_rows_lost(const struct rf_audit_rows *rows)
{
	return rows->lost;
}

/* ---- the file: {"version", "lost", "rows": [[source, destination, port, would, method, path, count, first, last]...]} ---- */

/* Times do not fit into the numbers of JSON (2^53): as text. */
static void add_number_text(cJSON *array, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

static cJSON *row_json(const struct rf_audit_row *row)
{
	cJSON *a = cJSON_CreateArray();

	cJSON_AddItemToArray(a, cJSON_CreateString(row->source));
	cJSON_AddItemToArray(a, cJSON_CreateString(row->destination));
	cJSON_AddItemToArray(a, cJSON_CreateNumber(row->port));
	cJSON_AddItemToArray(a, cJSON_CreateNumber(row->would));
	cJSON_AddItemToArray(a, cJSON_CreateString(row->method));
	cJSON_AddItemToArray(a, cJSON_CreateString(row->path));
	add_number_text(a, row->count);
	add_number_text(a, row->first_ns);
	add_number_text(a, row->last_ns);
	return a;
}

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int rf_audit_rows_save(const struct rf_audit_rows *rows, const char *path)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char fresh[PATH_MAX];
	cJSON *list;
	int r;

	cJSON_AddNumberToObject(root, "version", VERSION);
	cJSON_AddNumberToObject(root, "lost", (double)rows->lost);
	list = cJSON_AddArrayToObject(root, "rows");
	for (size_t i = 0; i < rows->count; i++)
		cJSON_AddItemToArray(list, row_json(&rows->rows[i]));
	text = cJSON_PrintUnformatted(root);
	if (!text || !list || cJSON_GetArraySize(list) != (int)rows->count)
		return -ENOMEM;
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	r = write_text(fresh, text);
	if (r < 0)
		return r;
	return rename(fresh, path) < 0 ? -errno : 0;
}

static int read_number(const cJSON *row, int index, uint64_t *ret)
{
	const cJSON *item = cJSON_GetArrayItem(row, index);
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	unsigned long long number;
	int used = 0;

	if (sscanf(text, "%20llu%n", &number, &used) != 1 || text[used])
		return -EBADMSG;
	*ret = number;
	return 0;
}

static int read_row(struct rf_audit_rows *rows, const cJSON *item)
{
	char *texts[4];
	static const int at[4] = {0, 1, 4, 5};
	const cJSON *port = cJSON_GetArrayItem(item, 2), *would = cJSON_GetArrayItem(item, 3);
	struct rf_audit_row row = {};

	if (cJSON_GetArraySize(item) != 9 || !cJSON_IsNumber(port) || !cJSON_IsNumber(would) || port->valuedouble < 0 ||
	    port->valuedouble > UINT16_MAX || would->valuedouble < 0 || would->valuedouble >= _RF_REASON_MAX)
		return -EBADMSG;
	for (int i = 0; i < 4; i++) {
		const cJSON *text = cJSON_GetArrayItem(item, at[i]);

		if (!cJSON_IsString(text) || strlen(text->valuestring) > 4 * RF_AUDIT_PATH_MAX)
			return -EBADMSG;
		texts[i] = text->valuestring;
	}
	row = (struct rf_audit_row){.source = texts[0],
				    .destination = texts[1],
				    .method = texts[2],
				    .path = texts[3],
				    .port = (uint16_t)port->valuedouble,
				    .would = (uint16_t)would->valuedouble};
	if (read_number(item, 6, &row.count) < 0 || read_number(item, 7, &row.first_ns) < 0 || read_number(item, 8, &row.last_ns) < 0)
		return -EBADMSG;
	return insert(rows, bucket_of(rows, &row), &row) == -ENOMEM ? -ENOMEM : 0;
}

static int read_file(const char *path, cJSON **ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!f)
		return -errno;
	text = malloc(FILE_MAX);
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, FILE_MAX, f);
	if (ferror(f))
		return -EIO;
	*ret = cJSON_ParseWithLength(text, len);
	return *ret ? 0 : -EBADMSG;
}

int rf_audit_rows_load(struct rf_audit_rows *rows, const char *path)
{
	_cleanup_json_ cJSON *root = NULL;
	const cJSON *list, *item;
	int r = read_file(path, &root);

	if (r < 0)
		return r;
	list = cJSON_GetObjectItemCaseSensitive(root, "rows");
	if (rf_json_number(root, "version", 0) != VERSION || !cJSON_IsArray(list))
		return -EBADMSG;
	cJSON_ArrayForEach(item, list)
	{
		r = read_row(rows, item);
		if (r < 0) {
			rf_audit_rows_clear(rows);
			return r;
		}
	}
	rows->lost = (uint64_t)rf_json_number(root, "lost", 0);
	return 0;
}
