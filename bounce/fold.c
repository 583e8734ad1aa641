/* SPDX-License-Identifier: BSD-2-Clause */
/* "Usuário" comes as "Usuario", "USUÁRIO" and, composed in another way, as "Usua´rio"; `doesn't` with two
 * kinds of apostrophe; blanks of three widths. Accents of Latin and Cyrillic letters go; those of other
 * scripts are letters in their own right. */
#include "bounce/fold.h"

#include <glib.h>

/* Letters that are not written as a base and an accent. */
static gunichar plain(gunichar c)
{
    switch (c) {
    case 0x00a0: /* no-break space */
    case 0x2009: /* thin space */
    case 0x202f: /* narrow no-break space */
    case 0x3000: /* ideographic space */ return ' ';
    case 0x2018:
    case 0x2019:
    case 0x00b4: return '\'';
    case 0x201c:
    case 0x201d:
    case 0x00ab:
    case 0x00bb: return '"';
    case 0x2010:
    case 0x2011:
    case 0x2013: return '-';
    case 0x0131: /* Turkish dotless i */ return 'i';
    case 0x0142: /* Polish l with stroke */ return 'l';
    case 0x00f8: /* o with stroke */ return 'o';
    case 0x0111: /* d with stroke */ return 'd';
    }
    return c;
}

static gunichar without_accent(gunichar c)
{
    gunichar base, accent;

    while (c < 0x0530 && g_unichar_decompose(c, &base, &accent))
        c = base;
    return c >= 0xff01 && c <= 0xff5e ? c - 0xff01 + '!' : c; /* fullwidth ASCII */
}

size_t fold_character(char dst[FOLD_MOST], struct span s, size_t *used)
{
    gunichar c = (unsigned char)s.p[0];

    *used = 1;
    if (c < 0x80) {
        dst[0] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        return 1;
    }
    c = g_utf8_get_char_validated(s.p, (gssize)s.n);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        dst[0] = '?';
        return 1;
    }
    *used = (size_t)(g_utf8_next_char(s.p) - s.p);
    if (c >= 0x0300 && c <= 0x036f) /* an accent that stands alone */
        return 0;
    return (size_t)g_unichar_to_utf8(plain(g_unichar_tolower(without_accent(c))), dst);
}
