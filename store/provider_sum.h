/* SPDX-License-Identifier: BSD-2-Clause */
/* provider_sum: the script that adds up what was counted of a provider, for SCRIPT LOAD. It only reads. */
#ifndef LEADGATE_STORE_PROVIDER_SUM_H
#define LEADGATE_STORE_PROVIDER_SUM_H

/* KEYS what the hashes' names begin with; ARGV the first number, the last one, "1" = the leads, too. Answers
 * leads, tries, delivered, faults, known, known-dead, invalid, logged. */
extern const char sum_script[];

#endif
