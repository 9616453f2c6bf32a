/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to one question: for each pod that a connection may lead to, what the kernel's own decision program says, and for requests
 * what the checker's decision function says over the live routes.
 */
#pragma once

#include "cli/why_question.h"

#define RF_WHY_PARTS_MAX 64

enum rf_why_decision {
	RF_WHY_DENIED,
	RF_WHY_AUDIT, /* would be denied */
	RF_WHY_PER_REQUEST,
	RF_WHY_ALLOWED,
};
enum rf_why_engine {
	RF_WHY_CONNECT, /* the kernel, at connect() (UDP: at sendmsg(), too) */
	RF_WHY_TC,      /* the kernel, when the packet enters the pod */
	RF_WHY_CHECKER,
};

struct rf_why_part { /* one backend, from one of the source's pods */
	char from_pod[130], to_pod[130];
	char to_account[RF_IDENTITY_NAME_MAX]; /* "" = outside */
	struct rf_question asked;
	struct rf_answer kernel;
	uint32_t weight, weights; /* 0, 0: no TrafficSplit */
	enum rf_why_decision decision;
	enum rf_why_engine engine;
	uint32_t reason, would, rule_id;
	bool request_judged; /* reason and rule are those of a request */
};

struct rf_why_answer {
	const struct rf_why_question *question;
	struct rf_why_part parts[RF_WHY_PARTS_MAX];
	size_t part_count;
	size_t more; /* parts that there was no room for */
	rf_epoch_t epoch;
};

/* 0, or -errno of reading the kernel (error gets the sentence). */
int rf_why_ask(struct rf_why_world *world, const struct rf_why_question *question, struct rf_why_answer *ret, char error[RF_WHY_ERROR_MAX]);

/* The worst of all parts: what a caller has to expect. */
enum rf_why_decision rf_why_overall(const struct rf_why_answer *answer);
bool rf_why_mixed(const struct rf_why_answer *answer);
const char *rf_why_decision_text(enum rf_why_decision decision);
const char *rf_why_engine_text(enum rf_why_engine engine);
