/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy_tally.h"

void policy_tally_note(struct policy_tally *tally, const struct policy_reply *reply, enum store_rc rc)
{
    if (rc == STORE_DOWN) {
        tally->unavailable++;
        return;
    }
    switch (reply->verdict) {
    case POLICY_PASSED: tally->passed++; break;
    case POLICY_REFUSED: tally->refused[reply->cause]++; break;
    case POLICY_OBSERVED:
        if (reply->held.why != POLICY_WHY_NONE)
            tally->held_observed[reply->held.why]++;
        else
            tally->observed[reply->cause]++;
        break;
    case POLICY_DEFERRED: tally->held[reply->held.why]++; break;
    }
}

void policy_tally_move(struct policy_tally *tally, struct counters *counters)
{
    counters_add(counters, tally->passed, "decisions", "passed", NULL);
    counters_add(counters, tally->exempt, "decisions", "exempt", NULL);
    counters_add(counters, tally->unavailable, "decisions", "unavailable", NULL);
    counters_add(counters, tally->absences, "failures", "store", "policyd", NULL);
    for (int cause = 0; cause < CAUSES; cause++) {
        const char *name = cause_name((enum cause)cause);

        counters_add(counters, tally->refused[cause], "decisions", "refused", name, NULL);
        counters_add(counters, tally->observed[cause], "decisions", "observed", name, NULL);
    }
    for (int why = POLICY_WHY_NONE + 1; why < POLICY_WHYS; why++) {
        const char *name = policy_why_name((enum policy_why)why);

        counters_add(counters, tally->held[why], "decisions", "held", name, NULL);
        counters_add(counters, tally->held_observed[why], "decisions", "observed", name, NULL);
    }
    *tally = (struct policy_tally){ .passed = 0 };
}
