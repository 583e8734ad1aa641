/* SPDX-License-Identifier: BSD-2-Clause */
#include "lead/score.h"

#include <math.h>

static int64_t drift(const struct lead_settings *settings, int64_t score, int64_t seconds)
{
    if (score == 0 || seconds <= 0)
        return score;
    return llround((double)score * exp2(-(double)seconds / (double)settings->score.half_life));
}

int64_t score_at(const struct lead_settings *settings, const struct lead *lead, int64_t at)
{
    return drift(settings, lead->score, at - lead->scored);
}

static int64_t bounded(int64_t score)
{
    return score > SCORE_MOST ? SCORE_MOST : score < -SCORE_MOST ? -SCORE_MOST : score;
}

void score_add(const struct lead_settings *settings, struct lead *lead, int64_t at, int64_t weight,
               int64_t most)
{
    int64_t score = score_at(settings, lead, at), sum;

    if (at < lead->scored)
        weight = drift(settings, weight, lead->scored - at);
    else
        lead->scored = at;
    sum = bounded(score + weight);
    /* A score that other events have brought above `most` is not pulled down to it. */
    if (weight > 0 && sum > most)
        sum = score > most ? score : most;
    lead->score = sum;
}

int64_t score_of_bounce(const struct lead_settings *settings, enum cause cause)
{
    const struct cause_info *info = cause_info(cause);

    switch (info->fault) {
    case FAULT_LEAD: return info->hardness == HARDNESS_HARD ? settings->score.hard : settings->score.soft;
    case FAULT_TRANSIENT: return settings->score.soft;
    case FAULT_SENDER: return settings->score.block;
    case FAULT_MESSAGE:
    case FAULT_WILL:
    case FAULT_NONE: return 0;
    }
    return 0;
}
