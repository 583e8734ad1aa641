/* SPDX-License-Identifier: BSD-2-Clause */
/* shares: the script that adds up a provider's day, for SCRIPT LOAD. It only reads. */
#ifndef LEADGATE_STORE_SHARES_INTERNAL_H
#define LEADGATE_STORE_SHARES_INTERNAL_H

/* KEYS what the names of the five minutes and of the days begin with; ARGV the first number of five minutes,
 * the last one, today, the least number of tries, the first number of which answers to risky leads count.
 * Answers stream, tries, invalid, and these answers, for each stream, "*" for all mail, of which alone the
 * latter are counted; nothing where there are too few, or none of the log. */
extern const char shares_script[];

#endif
