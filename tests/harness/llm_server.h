#ifndef TARE_TESTS_LLM_SERVER_H
#define TARE_TESTS_LLM_SERVER_H

/*
 * A model server on a free loopback port that speaks Anthropic's Messages and Message Batches and OpenAI's chat completions, keeps
 * connections open, answers many at once, and goes wrong as rules say (llm_rules.h, llm_mind.h). Beside the vendors' paths it has:
 *   GET /__count     questions asked alone (a batch's are not counted)    GET /__parallel   most of them at once
 *   GET /__stats     all counters as JSON                                  GET /__requests   every request, one JSON object a line
 */

struct llm_server;

struct llm_server_options {
    const char *rules; /* lines; NULL: none */
    const char *key;   /* the only right key; NULL: any for Anthropic, none needed for OpenAI */
    long limit_requests, limit_tokens, limit_ms; /* so many in so long, 429 beyond it; 0: no limit */
    long cache_floor;                            /* tokens of a system block below which nothing is cached */
};

/* New server in threads of this process. Exits the program where there is no port or a rule is none. */
struct llm_server *llm_server_start(const struct llm_server_options *options);

/* The port it listens on, at 127.0.0.1. */
int llm_server_port(const struct llm_server *server);

/* A counter of /__stats by its name. */
long llm_server_stat(struct llm_server *server, const char *name);

/* Closes the port, ends what hangs and frees. */
void llm_server_stop(struct llm_server *server);

#endif
