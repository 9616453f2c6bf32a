/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging for the four programs (never for library code: policy/, objects/, automaton/, datapath/ return errors and texts). One line an
 * event on stderr, "ringfenced: error: text", no timestamps (the journal has them). Every call returns -err, so that a failing path is
 * one expression:  return rf_log_error(-r, "cannot open '%s'", path);  appends ": strerror".
 */
#pragma once

enum rf_log_level { RF_LOG_ERROR, RF_LOG_WARNING, RF_LOG_INFO, RF_LOG_DEBUG };

/* name: prefix of every line, static storage. max: lines above this level are dropped. */
void rf_log_setup(const char *name, enum rf_log_level max);

/* err: positive errno value or 0 (no strerror appended). Returns -err. */
int rf_log(enum rf_log_level level, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define rf_log_error(err, ...)   rf_log(RF_LOG_ERROR, (err), __VA_ARGS__)
#define rf_log_warning(err, ...) rf_log(RF_LOG_WARNING, (err), __VA_ARGS__)
#define rf_log_info(...)         rf_log(RF_LOG_INFO, 0, __VA_ARGS__)
#define rf_log_debug(...)        rf_log(RF_LOG_DEBUG, 0, __VA_ARGS__)
