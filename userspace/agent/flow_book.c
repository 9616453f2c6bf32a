/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/flow_book.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NONE UINT32_MAX

struct page {
	struct rf_tuple key;
	struct rf_event_line *line;
	uint64_t opened_ns;
	uint64_t told;         /* number of the line that says it is open, or RF_EVENTS_NO_NUMBER */
	uint32_t chain;        /* next of the same bucket; of a free page: the next free one */
	uint32_t older, newer; /* in the order of opening */
};

struct rf_flow_book {
	struct rf_events *events;
	uint64_t seed; /* a pod chooses its ports, and must not choose their bucket */
	uint32_t capacity;
	uint32_t free;
	uint32_t oldest, newest;
	uint32_t untold; /* the oldest that nobody has told yet */
	uint32_t *buckets;
	struct page pages[];
};

int rf_flow_book_new(struct rf_events *events, size_t capacity, struct rf_flow_book **ret)
{
	struct rf_flow_book *book;

	if (!capacity || capacity > 1u << 24)
		return -EINVAL;
	book = calloc(1, sizeof(*book) + capacity * sizeof(book->pages[0]));
	if (!book)
		return -ENOMEM;
	book->buckets = malloc(capacity * sizeof(book->buckets[0]));
	if (!book->buckets || getrandom(&book->seed, sizeof(book->seed), 0) != (ssize_t)sizeof(book->seed)) {
		rf_flow_book_free(book);
		return -ENOMEM;
	}
	book->events = events;
	book->capacity = (uint32_t)capacity;
	book->oldest = book->newest = book->untold = NONE;
	for (uint32_t i = 0; i < capacity; i++) {
		book->buckets[i] = NONE;
		book->pages[i].chain = i + 1 < capacity ? i + 1 : NONE;
	}
	*ret = book;
	return 0;
}

void rf_flow_book_free(struct rf_flow_book *book)
{
	for (size_t i = 0; book && i < book->capacity; i++)
		rf_event_line_unref(book->pages[i].line);
	if (book)
		free(book->buckets);
	free(book);
}

static uint32_t *bucket_of(const struct rf_flow_book *book, const struct rf_tuple *key)
{
	const unsigned char *bytes = (const unsigned char *)key;
	uint64_t h = book->seed;

	for (size_t i = 0; i < sizeof(*key); i++) {
		h = (h ^ bytes[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return &book->buckets[h % book->capacity];
}

static uint32_t find(const struct rf_flow_book *book, const struct rf_tuple *key)
{
	uint32_t at = *bucket_of(book, key);

	while (at != NONE && memcmp(&book->pages[at].key, key, sizeof(*key)) != 0)
		at = book->pages[at].chain;
	return at;
}

static void tear_out(struct rf_flow_book *book, uint32_t which)
{
	struct page *p = &book->pages[which];
	uint32_t *at = bucket_of(book, &p->key);

	while (*at != which)
		at = &book->pages[*at].chain;
	*at = p->chain;
	if (book->untold == which)
		book->untold = p->newer;
	*(p->older == NONE ? &book->oldest : &book->pages[p->older].newer) = p->newer;
	*(p->newer == NONE ? &book->newest : &book->pages[p->newer].older) = p->older;
	rf_event_line_unref(p->line);
	*p = (struct page){.chain = book->free};
	book->free = which;
}

static void tell(struct rf_flow_book *book, struct page *p)
{
	p->told = rf_events_add(book->events, rf_event_line_ref(p->line), RF_SHOW_USUAL);
}

bool rf_flow_book_tell(struct rf_flow_book *book, uint64_t now_ns)
{
	while (book->untold != NONE) {
		struct page *p = &book->pages[book->untold];

		if (now_ns < p->opened_ns + RF_FLOW_TELL_NS)
			return true;
		book->untold = p->newer;
		tell(book, p);
	}
	return false;
}

static uint32_t free_page(struct rf_flow_book *book)
{
	if (book->free == NONE) {
		if (book->untold == book->oldest)
			tell(book, &book->pages[book->oldest]);
		tear_out(book, book->oldest);
	}
	return book->free;
}

static void enter(struct rf_flow_book *book, const struct rf_tuple *key, struct rf_event_line *line, uint64_t now_ns)
{
	uint32_t which = free_page(book), *bucket = bucket_of(book, key);
	struct page *p = &book->pages[which];

	book->free = p->chain;
	*p = (struct page){.key = *key,
			   .line = line,
			   .opened_ns = now_ns,
			   .told = RF_EVENTS_NO_NUMBER,
			   .chain = *bucket,
			   .older = book->newest,
			   .newer = NONE};
	*bucket = which;
	*(book->newest == NONE ? &book->oldest : &book->pages[book->newest].newer) = which;
	book->newest = which;
	if (book->untold == NONE)
		book->untold = which;
}

static struct rf_tuple answer_to(const struct rf_tuple *key)
{
	return (struct rf_tuple){.saddr = key->daddr, .daddr = key->saddr, .sport = key->dport, .dport = key->sport, .proto = key->proto};
}

/* The kernel says "new" again. A datagram's flow is new indeed: the old one was silent for too long. Between ends outside the mesh, where
 * nothing is followed, each datagram is new to it, and each answer, too. known: the page of this tuple or NONE. */
static bool is_repeated(const struct rf_flow_book *book, const struct rf_tuple *key, uint32_t known, const struct rf_event_line *line)
{
	const struct rf_tuple answered = answer_to(key);

	if (known == NONE && line->proto == IPPROTO_UDP && line->reason == RF_REASON_ALLOW_UNMESHED)
		known = find(book, &answered);
	return known != NONE && book->pages[known].line->reason == line->reason &&
	       (line->proto == IPPROTO_TCP || line->reason == RF_REASON_ALLOW_UNMESHED);
}

void rf_flow_book_opened(struct rf_flow_book *book, const struct rf_tuple *key, struct rf_event_line *line, uint64_t now_ns)
{
	uint32_t known = find(book, key);

	if (!line) {
		rf_events_count_lost(book->events, 1);
		return;
	}
	(void)rf_events_add(book->events, rf_event_line_ref(line), RF_SHOW_ALL);
	if (is_repeated(book, key, known, line)) {
		rf_event_line_unref(line);
		return;
	}
	if (known != NONE)
		tear_out(book, known);
	enter(book, key, line, now_ns);
}

bool rf_flow_book_has(const struct rf_flow_book *book, const struct rf_tuple *key)
{
	return find(book, key) != NONE;
}

/* What the opening knew is better than what the end knows: names may be gone by then, rules have other numbers. */
static void recall(struct rf_event_line *end, const struct rf_event_line *opening)
{
	if (end->verdict != RF_EVENT_FAILED)
		end->verdict = opening->verdict;
	end->source = opening->source;
	end->destination = opening->destination;
	end->reason = opening->reason;
	end->would = opening->would;
	end->rule = opening->rule;
	end->epoch = opening->epoch;
	if (!end->has_duration && end->time_ns >= opening->time_ns) {
		end->has_duration = true;
		end->duration_ns = end->time_ns - opening->time_ns;
	}
}

void rf_flow_book_closed(struct rf_flow_book *book, const struct rf_tuple *key, const struct rf_event_line *draft)
{
	uint32_t which = find(book, key);
	struct rf_event_line end = *draft;

	if (which == NONE) {
		(void)rf_events_add(book->events, rf_event_line_new(&end), RF_SHOW_BOTH);
		return;
	}
	recall(&end, book->pages[which].line);
	rf_events_hide(book->events, book->pages[which].told, RF_SHOW_USUAL);
	(void)rf_events_add(book->events, rf_event_line_new(&end), RF_SHOW_BOTH);
	tear_out(book, which);
}

static bool ends_untold(const struct rf_event_line *line)
{
	return line->proto != IPPROTO_TCP || !line->source.pod;
}

void rf_flow_book_gone(struct rf_flow_book *book, const struct rf_addr *addr, uint64_t realtime_ns)
{
	uint32_t newer;

	for (uint32_t at = book->oldest; at != NONE; at = newer) {
		const struct rf_event_line *line = book->pages[at].line;
		struct rf_tuple key = book->pages[at].key;
		struct rf_event_line end = {.time_ns = realtime_ns, .kind = RF_LINE_CLOSE, .proto = line->proto};

		newer = book->pages[at].newer;
		if (ends_untold(line) && (rf_addr_equal(&key.saddr, addr) || rf_addr_equal(&key.daddr, addr)))
			rf_flow_book_closed(book, &key, &end);
	}
}
