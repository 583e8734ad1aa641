#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Prints every #include that points the wrong way; says nothing, and exits 0, when there is none.
#
#   core < lead < bounce, store, sim (which do not know each other) < settings < policy, milter, feed, cli
#   (of which only cli sees sim); maillog stands on bounce, and settings, feed and cli see it
#
# Each folder sees itself and what is below it, through include/leadgate or by its own name. A library belongs to the
# folder that exists to hide it.
set -eu
cd "$(dirname "$0")/.."

find core lead bounce maillog store sim settings policy milter feed cli include -name '*.[ch]' | sort | xargs awk '
function layer_list(text, names,    n, i, words) {
    n = split(text, words, " ")
    for (i = 1; i <= n; i++)
        names[words[i]] = 1
}
function headers(folder, text,    n, i, words) {
    n = split(text, words, " ")
    for (i = 1; i <= n; i++)
        home[words[i]] = folder
}
BEGIN {
    # What a folder may include from, itself aside.
    below["core"] = ""
    below["lead"] = "core"
    below["bounce"] = below["store"] = "core lead"
    below["sim"] = "core lead"
    below["maillog"] = "core lead bounce"
    below["settings"] = "core lead bounce maillog store"
    below["policy"] = below["milter"] = "core lead bounce store settings"
    below["feed"] = "core lead bounce maillog store settings"
    below["cli"] = "core lead bounce maillog store sim settings"

    # Which folder a public header belongs to.
    headers("core", "address config decimal endpoint err hash keyring logline network provider span times token")
    headers("lead", "cause event guard incident lead")
    headers("bounce", "bounce reason rules")
    headers("maillog", "maillog")
    headers("sim", "rehearsal simulate trouble")
    headers("store", "campaign counters lookup provider_state revert store store_admin store_guard store_inbox store_incident store_pool store_position store_provider store_shares store_unverified")
    headers("settings", "answers authenticity settings signing startup stream unsubscribe")

    # Which files may see a library.
    library["hiredis/"] = "^store/"
    library["libmilter/"] = "^milter/(callbacks[.][ch]|listener[.]c|main[.]c)$"
    library["gmime/"] = library["glib"] = "^bounce/"
    library["pcre2.h"] = "^bounce/"
    library["sodium.h"] = "^core/(keyring|keyring_keys|token)[.][ch]$"
    library["libpsl.h"] = "^core/provider[.]c$"
    library["zlib.h"] = "^(feed|cli)/"
    library["yaml.h"] = "^core/config[^/]*[.][ch]$"
}
function wrong(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, included, why
    bad = 1
}
FNR == 1 {
    folder = FILENAME
    sub("/.*", "", folder)
    if (folder == "include") {
        name = FILENAME
        gsub(".*/|[.]h$", "", name)
        if (name in home)
            folder = home[name]
        else {
            included = FILENAME
            wrong("belongs to no folder: say which one in test/layers.sh")
        }
    }
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    included = $0
    sub("^[^<\"]*[<\"]", "", included)
    sub("[>\"].*", "", included)
    for (prefix in library)
        if (index(included, prefix) == 1 && FILENAME !~ library[prefix])
            wrong("this library is not used here")

    target = included
    if (sub("^leadgate/", "", target)) {
        sub("[.]h$", "", target)
        if (!(target in home)) {
            wrong("belongs to no folder: say which one in test/layers.sh")
            next
        }
        target = home[target]
    } else if (sub("/.*", "", target) == 0)
        next
    if (!(target in below) || target == folder)
        next
    split("", allowed)
    layer_list(below[folder], allowed)
    if (!(target in allowed))
        wrong(folder "/ does not see " target "/")
    else if (included !~ /^leadgate\//)
        wrong("an internal header of " target "/")
}
END { exit bad }
'
