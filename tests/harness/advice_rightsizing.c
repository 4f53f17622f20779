/*
 * Right-sizing: the tables of all rules, the same multiplied to the same violations and to the same slack, how firm the verdict
 * is, and what has to hold.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/advice_bench.h"
#include "tests/harness/advice_trials.h"

/* Where days may begin, for the check that the verdict does not hang on it. */
enum { PHASES = 8, PHASE = ADVICE_DAY / PHASES };

static size_t rule_of(const char *name)
{
    size_t rule = 0;
    while (rule + 1 < advice_rule_count && strcmp(advice_rules[rule].name, name) != 0) {
        rule++;
    }
    return rule;
}

static void print_table(const struct trials *trials, const char *title)
{
    printf("\n%s: %zu series, %zu days judged\n", title, trials->series_count, trials->count);
    printf("%-30s %8s %8s %9s %12s %8s\n", "rule", "above %", "slack", "starved %", "worst hour %", "churn %");
    for (size_t r = 0; r < advice_rule_count; r++) {
        struct score score = trials_score(trials, r, 1, choice_all);
        printf("%-30s %8.2f %8.3f %9.2f %12.1f %8.1f\n", advice_rules[r].name, 100 * score.above, score.slack, 100 * score.starved,
               100 * score.worst_hour, 100 * score.churn);
    }
}

/* A rule multiplied until it is above as rarely as ours, and until it has the slack of ours. */
struct pair {
    double factor_above, factor_slack;
    struct score at_above, at_slack;
    bool behind; /* more slack there, and more violations here */
};

static struct pair pair_of(const struct trials *trials, size_t rule, struct choice choice)
{
    struct score ours = trials_score(trials, rule_of("ours"), 1, choice);
    struct pair pair;
    pair.factor_above = trials_factor(trials, rule, ours.above, choice);
    pair.factor_slack = ours.slack / trials_score(trials, rule, 1, choice).slack;
    pair.at_above = trials_score(trials, rule, pair.factor_above, choice);
    pair.at_slack = trials_score(trials, rule, pair.factor_slack, choice);
    /* Where no factor reaches our violations, the rule is behind whatever its slack. */
    bool reached = pair.at_above.above <= ours.above;
    pair.behind = (!reached || pair.at_above.slack > ours.slack) && pair.at_slack.above > ours.above;
    return pair;
}

static void print_plane(const struct trials *trials, const char *title)
{
    struct score ours = trials_score(trials, rule_of("ours"), 1, choice_all);
    printf("\n%s, the rules multiplied: ours is above %.2f %% of the time at a slack of %.3f and starves %.2f %% of the use\n", title,
           100 * ours.above, ours.slack, 100 * ours.starved);
    printf("%-30s %36s   %26s\n", "", "to our violations", "to our slack");
    printf("%-30s %8s %8s %8s %9s   %8s %8s %8s\n", "rule", "times", "above %", "slack", "starved %", "times", "above %", "slack");
    for (size_t r = 0; r < advice_rule_count; r++) {
        if (!advice_rules[r].peer) {
            continue;
        }
        struct pair pair = pair_of(trials, r, choice_all);
        printf("%-30s %8.2f %8.2f %8.3f %9.2f   %8.2f %8.2f %8.3f %s\n", advice_rules[r].name, pair.factor_above,
               100 * pair.at_above.above, pair.at_above.slack, 100 * pair.at_above.starved, pair.factor_slack, 100 * pair.at_slack.above, pair.at_slack.slack, pair.behind ? "" : "ahead of ours");
    }
}

/* Prints whether something that has to hold does; returns what is missed. */
static int limit(bool holds, const char *text)
{
    printf("%-104s %s\n", text, holds ? "ok" : "not reached");
    return holds ? 0 : 1;
}

/* One rule against another as they are. */
static bool better(const struct trials *trials, size_t rule, size_t other, struct choice choice)
{
    struct score a = trials_score(trials, rule, 1, choice);
    struct score b = trials_score(trials, other, 1, choice);
    return a.above < b.above && a.slack <= b.slack;
}

/* The baseline's violations at our slack are more than ours. */
static bool ahead(const struct trials *trials, struct choice choice)
{
    size_t baseline = rule_of("max(1.10 wp95, 1.05 BH90)");
    return pair_of(trials, baseline, choice).at_slack.above > trials_score(trials, rule_of("ours"), 1, choice).above;
}

/* How firm it is: without each series in turn, on odd and on even days. */
static void print_choices(const struct trials *trials, const char *title)
{
    size_t baseline = rule_of("max(1.10 wp95, 1.05 BH90)");
    size_t won = 0;
    size_t clear = 0;
    for (size_t i = 0; i < trials->series_count; i++) {
        won += ahead(trials, (struct choice){.without = i}) ? 1 : 0;
        clear += better(trials, rule_of("ours"), baseline, (struct choice){.without = i}) ? 1 : 0;
    }
    printf("%s, one left out: fewer violations than the baseline at the same slack in %zu of %zu, and with less slack besides in %zu\n", title,
           won, trials->series_count, clear);
    for (int every = 1; every <= 2; every++) {
        struct choice choice = {.without = SIZE_MAX, .every = every};
        struct score ours = trials_score(trials, rule_of("ours"), 1, choice);
        struct score other = trials_score(trials, baseline, 1, choice);
        printf("%s, %s days: ours %.2f %% at %.3f, baseline %.2f %% at %.3f\n", title, every == 1 ? "odd" : "even", 100 * ours.above,
               ours.slack, 100 * other.above, other.slack);
    }
}

/* The same with days that begin at other hours. */
static void print_phases(const struct advice_set *set)
{
    size_t baseline = rule_of("max(1.10 wp95, 1.05 BH90)");
    for (size_t i = 0; i < PHASES; i++) {
        struct trials trials;
        trials_make(set, true, i * PHASE, &trials);
        struct score ours = trials_score(&trials, rule_of("ours"), 1, choice_all);
        struct score other = trials_score(&trials, baseline, 1, choice_all);
        printf("CPU series, days that begin %2zu hours later: ours %.2f %% at %.3f, baseline %.2f %% at %.3f\n", i * PHASE / 12,
               100 * ours.above, ours.slack, 100 * other.above, other.slack);
        trials_release(&trials);
    }
}

/* Ours with its constants a fifth smaller or larger keeps fewer violations and no more slack. */
static bool firm(const struct trials *trials)
{
    size_t baseline = rule_of("max(1.10 wp95, 1.05 BH90)");
    bool holds = true;
    for (size_t r = 0; r < advice_rule_count; r++) {
        if (advice_rules[r].variant) {
            holds = holds && better(trials, r, baseline, choice_all);
        }
    }
    return holds;
}

static bool peers_behind(const struct trials *trials)
{
    bool holds = true;
    for (size_t r = 0; r < advice_rule_count; r++) {
        bool compared = advice_rules[r].peer && r != rule_of("max(1.10 wp95, 1.05 BH90)");
        holds = holds && (!compared || pair_of(trials, r, choice_all).behind);
    }
    return holds;
}

/* Safe has fewer violations than balanced, lean less slack. */
static bool tempers_in_order(const struct trials *trials)
{
    struct score ours = trials_score(trials, rule_of("ours"), 1, choice_all);
    return trials_score(trials, rule_of("ours, safe"), 1, choice_all).above < ours.above &&
           trials_score(trials, rule_of("ours, lean"), 1, choice_all).slack < ours.slack;
}

static int print_limits(const struct trials *cpu, const struct trials *made)
{
    size_t ours = rule_of("ours");
    size_t baseline = rule_of("max(1.10 wp95, 1.05 BH90)");
    int missed = 0;
    printf("\n");
    missed |= limit(better(cpu, ours, baseline, choice_all), "CPU series: fewer violations and no more slack than max(1.10 wp95, 1.05 BH90)");
    missed |= limit(peers_behind(cpu), "CPU series: every other rule, multiplied, needs more slack for our violations and has more at our slack");
    missed |= limit(better(made, ours, baseline, choice_all), "made series: fewer violations and no more slack than max(1.10 wp95, 1.05 BH90)");
    missed |= limit(firm(cpu) && firm(made), "both: the same with constants a fifth smaller or larger");
    missed |= limit(tempers_in_order(cpu) && tempers_in_order(made), "both: safe has fewer violations than balanced, lean less slack");
    return missed;
}

int advice_rightsizing(const struct advice_set *real, const struct advice_set *made)
{
    struct trials cpu;
    struct trials other;
    struct trials synthetic;
    trials_make(real, true, 0, &cpu);
    trials_make(real, false, 0, &other);
    trials_make(made, true, 0, &synthetic);
    print_table(&cpu, "CPU series, of four cores");
    print_table(&other, "other series, the highest value four cores");
    print_table(&synthetic, "made series");
    print_plane(&cpu, "CPU series");
    print_plane(&synthetic, "made series");
    printf("\n");
    print_choices(&cpu, "CPU series");
    print_choices(&synthetic, "made series");
    print_phases(real);
    advice_replicas(made);
    int missed = print_limits(&cpu, &synthetic);
    trials_release(&cpu);
    trials_release(&other);
    trials_release(&synthetic);
    return missed;
}
