/* SPDX-License-Identifier: BSD-2-Clause */
/* Over a store's own connection, which has nothing outstanding between two deeds. */
#include "store/counters.h"
#include "store/store.h"

enum store_rc counters_flush(struct counters *counters, struct store *store, struct err *err)
{
    struct wire *wire = store_wire(store);
    enum store_rc rc = STORE_OK;
    struct batch batch;

    /* Nothing is taken before there is a connection: it stays counted. */
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    if (!batch_take(&batch, counters))
        return STORE_OK;
    for (const struct counter *counter = batch.first; counter != NULL; counter = counter->next) {
        struct counter_command command;

        counter_command_make(&command, counter);
        wire_send(wire, COUNTER_ARGS, command.argv, command.len);
    }
    while (batch.first != NULL) {
        redisReply *reply = NULL;

        /* After the first answer that does not come none is waited for. */
        if (rc == STORE_OK)
            rc = wire_receive(wire, &reply, err);
        batch_answer(&batch, reply);
        freeReplyObject(reply);
    }
    return rc;
}
