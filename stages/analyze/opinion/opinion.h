#ifndef TARE_ANALYZE_OPINION_OPINION_H
#define TARE_ANALYZE_OPINION_OPINION_H

/* What a provider other than the rules contributed; all NULL where the rules speak. Borrowed. */
struct opinion {
    const char *source;   /* "llm", "proposal" */
    const char *provider; /* "anthropic" */
    const char *model;
    const char *proposed_by; /* of a proposal: the login, or "somebody"; NULL for workloads that it is not about */
    const char *reasoning;   /* shown before the evidence */
    const char *class_name;
    double confidence;   /* NaN: the plan's own, which it can only lower */
    double disagreement; /* largest relative difference to the rules' numbers; it raises the risk beyond analysis.disagreement */
    const char *fallback_from, *fallback_reason;
};

#endif
