/* SPDX-License-Identifier: BSD-2-Clause */
/* private_key: a key for signing, in a temporary folder of one test program. */
#ifndef LEADGATE_TEST_PRIVATE_KEY_H
#define LEADGATE_TEST_PRIVATE_KEY_H

/* Makes the folder of a template for mkdtemp(3), which gets its name, and in it the file `key`. 0, or -1. */
int private_key_make(char *folder);
/* Takes both away; the folder must hold nothing else by then. 0, or -1. */
int private_key_remove(const char *folder);

#endif
