/* SPDX-License-Identifier: BSD-2-Clause */
/* provider_note: the scripts by which answers are counted, for SCRIPT LOAD. */
#ifndef LEADGATE_STORE_PROVIDER_NOTE_H
#define LEADGATE_STORE_PROVIDER_NOTE_H

#define FIVES_KEPT INT64_C(172800) /* seconds that the counts of five minutes are kept */

/* KEYS five five:leads day step step:leads; ARGV 1 to 3 when five, day and step end ("0" = they are not
 * counted), 4 "/STREAM" or "", 5 n, then n names and amounts, then leads. */
extern const char note_script[];

/* KEYS domain; ARGV provider, when it was seen, when that is forgotten. */
extern const char learn_script[];

#endif
