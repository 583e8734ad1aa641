#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""embed.py RULES OUT.c: the file as a C array, so that the programs have their rules wherever they run."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "bounce/rules_shipped.h"\n\nconst char rules_shipped[] = {\n')
    for at in range(0, len(data), 20):
        # As signed numbers, whatever the sign of char is.
        out.write(",".join("(char)%d" % byte for byte in data[at : at + 20]) + ",\n")
    out.write("0};\nconst size_t rules_shipped_n = sizeof(rules_shipped) - 1;\n")
