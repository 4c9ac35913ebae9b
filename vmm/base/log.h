/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: vmm's own lines, on stderr, with "vmm: " in front. Stdout belongs to the guest.
 *
 *	log_error	what you asked for did not happen
 *	log_warn	odd, we went on, and the line says how
 *	log_info	life-cycle events; shown with --verbose
 *	log_debug	for us; shown with --verbose --verbose
 *
 * A line is a fact with its value: no exclamation, no newline, no "Error:". Safe from any thread.
 * Library-like layers do not log; the caller that gives up does. While the terminal is raw, lines
 * end in CR LF so that they do not stagger.
 */
#ifndef VMM_BASE_LOG_H
#define VMM_BASE_LOG_H

#include "vmm/base/defs.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

/*
 * A block of lines, each ended by '\n', that no other line comes between: one write.
 */
void log_block(enum log_level level, const char *lines);

/* What is shown: @level and everything above it. Default LOG_WARN. */
void log_set_level(enum log_level level);

/* Whether stderr is a terminal in raw mode, which wants "\r\n". */
void log_set_raw(bool raw);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
