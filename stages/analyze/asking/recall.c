#include "stages/analyze/asking/recall.h"

int recall_open(const struct options *options, const struct config *config, int64_t created, struct recall *out, struct err *err)
{
    const char *path = options_string(options, OPT_HISTORY);
    int64_t ttl = config_integer(config, "analysis.cache_ttl", 0);
    *out = (struct recall){.replay = options_flag(options, OPT_REPLAY)};
    if (out->replay && !path) {
        (void)err_set(err, ERR_USAGE, "--replay takes answers from --history, and there is none");
        return err_hint(err, "add --history FILE, or let tare do it: tare rerun RUN --replay");
    }
    /* With no time to live no row is young enough, and what was spent is read all the same. */
    return history_answers_open(path, out->replay ? INT64_MIN : ttl > 0 ? created - ttl : INT64_MAX, &out->answers, err);
}

void recall_release(struct recall *recall)
{
    history_answers_free(recall->answers);
    recall->answers = NULL;
}

enum recalled recall_look(const struct recall *recall, const struct subject *subject, struct arena *arena, struct told *told)
{
    bool found = recall->answers && (recall->replay ? history_answers_exact(recall->answers, subject, arena, told)
                                                    : history_answers_alike(recall->answers, arena, told));
    if (!found) {
        return recall->replay ? RECALL_MISSING : RECALL_NOTHING;
    }
    return told->outcome == TOLD_ANSWERED && told->text ? RECALL_ANSWER : RECALL_PASSED;
}
