#include "stages/collect/figures/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/figures/order.h"

enum { HOURS_OF_DAY = 24, POD_SAMPLES_MIN = 30, SAMPLES_PER_CLASS = 4, LEAP = 16, NO_CLASS = ORDER_CLASSES };

/* Percentiles in thousandths. */
static const int64_t plain[TALLY_PLAIN] = {500, 900, 950, 990, 995};
static const int64_t weighted[TALLY_WEIGHTED] = {500, 900, 950, 990};

/* Whose samples a percentile is of. */
enum group { GROUP_ALL, GROUP_EARLIER, GROUP_RECENT, GROUP_STEADY, GROUP_HOUR, GROUP_POD };

/* A percentile in the making: going down from the largest sample, the first at which the sum of amounts is more than
 * `beyond`. That is the first in ascending order with q of the total at or below it, for beyond = (1 − q) × total. */
struct quest {
    enum group group;
    uint32_t member; /* which hour of day, which pod */
    unsigned class;  /* where it lies */
    unsigned shift;  /* classes of which it is known: 2^shift taken together */
    double left;     /* what is still to be passed in it */
    double *value;
};

struct pod {
    uint32_t steady_from; /* offset */
    unsigned shift;       /* its sums are over 2^shift classes each */
    double *sums;
    int64_t count; /* steady samples */
    double weight;
    unsigned class; /* wanted, NO_CLASS for none */
};

/* Samples beside each other that are of one pod: from here to the next run. */
struct run {
    size_t from;
    uint32_t place;
};

/* A sample that lies in a class looked for. */
struct found {
    uint32_t key; /* the class, or of a pod's quest ORDER_CLASSES + its place */
    uint32_t index;
};

struct work {
    struct tally *tally;
    const struct samples *samples;
    const struct window *window;
    uint32_t recent_after; /* offset */
    struct order order;
    unsigned char *classes;
    struct pod *pods;
    double *pod_sums;
    struct run *runs;
    size_t run_count;
    size_t run_capacity;
    uint32_t counts[2][2][ORDER_CLASSES]; /* of samples: earlier and recent, those at even and odd places apart */
    double earlier[ORDER_CLASSES]; /* the same as sums */
    double recent[ORDER_CLASSES];
    double all[ORDER_CLASSES];
    double steady[ORDER_CLASSES]; /* sums of weights of steady samples */
    double hours[HOURS_OF_DAY][ORDER_CLASSES];
    double hour_weight[HOURS_OF_DAY];
    struct portion *startup;
    size_t startup_count;
    size_t startup_capacity;
    struct quest *quests;
    size_t quest_count;
    size_t quest_capacity;
    bool wanted[ORDER_CLASSES];
    struct found *found;
    size_t found_count;
    size_t found_capacity;
    size_t *found_from; /* of each key, once they are in order */
    struct portion *portions;
    size_t portion_capacity;
};

int64_t tally_rank(int64_t count, int64_t thousandths)
{
    return (count * thousandths + 999) / 1000;
}

/* ---- Sums over classes ---- */

/* Steady begins three minutes after the first sample of a pod that was not there when the window began. A pod that
 * lives less than an hour (a job's) is steady from the start: there, starting is part of the work. */
static uint32_t steady_from(const struct sample_pod *pod, int64_t start_range_ms)
{
    bool started = start_range_ms >= 0 && (int64_t)pod->first > start_range_ms;
    return started && pod->last - pod->first >= HOUR * 1000u ? pod->first + STARTUP * 1000u : 0;
}

static void prepare_pods(struct work *work, int64_t start_range_ms)
{
    size_t size = 0;
    size_t pods = work->samples->pod_count;
    work->pods = xcalloc_array(pods, sizeof *work->pods);
    for (size_t i = 0; i < pods; i++) {
        struct pod *pod = &work->pods[i];
        pod->steady_from = steady_from(&work->samples->pods[i], start_range_ms);
        while (ORDER_CLASSES >> pod->shift > 1 &&
               (ORDER_CLASSES >> pod->shift) * SAMPLES_PER_CLASS > work->samples->pods[i].count) {
            pod->shift++;
        }
        size += (size_t)ORDER_CLASSES >> pod->shift;
    }
    work->pod_sums = xcalloc_array(size, sizeof *work->pod_sums);
    double *sums = work->pod_sums;
    for (size_t i = 0; i < pods; i++) {
        work->pods[i].sums = sums;
        sums += ORDER_CLASSES >> work->pods[i].shift;
    }
}

/* Samples beside each other that are alike in all but value and weight: of one pod, one hour of the day, and on one side
 * of the borders. */
struct stretch {
    size_t from;
    size_t to;
    uint32_t place;
    unsigned hour_of_day;
    bool recent;
    bool steady;
};

static bool is_alike(const struct sample *sample, uint32_t place, int64_t low, int64_t high)
{
    return sample_place(sample) == place && sample->offset >= low && sample->offset <= high;
}

/* The end of what is of the same pod as the sample at `from` and has an offset from `low` to `high`. */
static size_t stretch_end(const struct samples *samples, size_t from, int64_t low, int64_t high)
{
    const struct sample *items = samples->items;
    uint32_t place = sample_place(&items[from]);
    size_t to = from + 1;
    while (samples->ordered && to + LEAP <= samples->count && is_alike(&items[to + LEAP - 1], place, low, high)) {
        to += LEAP;
    }
    while (to < samples->count && is_alike(&items[to], place, low, high)) {
        to++;
    }
    return to;
}

static struct stretch stretch_from(const struct work *work, size_t from)
{
    const struct sample *items = work->samples->items;
    int64_t offset = items[from].offset;
    uint32_t place = sample_place(&items[from]);
    int64_t border = work->pods[place].steady_from;
    int64_t into_day = ((work->window->start * 1000 + offset) % (DAY * 1000) + DAY * 1000) % (DAY * 1000);
    struct stretch stretch = {.from = from,
                              .place = place,
                              .hour_of_day = (unsigned)(into_day / (HOUR * 1000)),
                              .recent = offset > work->recent_after,
                              .steady = offset >= border};
    int64_t low = offset - into_day % (HOUR * 1000);
    int64_t high = low + HOUR * 1000 - 1;
    low = stretch.recent && low <= work->recent_after ? (int64_t)work->recent_after + 1 : low;
    high = !stretch.recent && high > work->recent_after ? work->recent_after : high;
    low = stretch.steady && low < border ? border : low;
    high = !stretch.steady && high >= border ? border - 1 : high;
    stretch.to = stretch_end(work->samples, from, low, high);
    return stretch;
}

static void add_startup(struct work *work, const struct stretch *stretch)
{
    struct tally *tally = work->tally;
    GROW(work->startup, work->startup_capacity, work->startup_count + (stretch->to - stretch->from));
    for (size_t i = stretch->from; i < stretch->to; i++) {
        const struct sample *sample = &work->samples->items[i];
        tally->startup_max = sample->value > tally->startup_max ? sample->value : tally->startup_max;
        work->startup[work->startup_count++] = (struct portion){sample->value, sample_count(sample)};
    }
}

/* What is added up of a stretch. */
struct sums {
    int64_t count;
    double weight;
    double weighted;
};

/* How weights go in an hour: 2^(x / half-life) = e^y by Taylor's series, which for |y| < 0.01 is as exact as any. */
static inline double growth(double ms)
{
    double y = ms * (0.69314718055994530942 / (WEIGHT_HALF_LIFE * 1000.0));
    double square = y * y;
    return 1 + y + square * (0.5 + y * (1.0 / 6) + square * (1.0 / 24 + y * (1.0 / 120)));
}

/* Finds the classes, counts and adds up; what is not steady has no weight. Two counters a class, since an addition waits for
 * the one before to the same place. */
static int64_t add_stretch(struct work *work, const struct stretch *stretch)
{
    const struct sample *items = work->samples->items;
    const struct order_search search = order_search(&work->order);
    struct pod *pod = &work->pods[stretch->place];
    uint32_t(*counts)[ORDER_CLASSES] = work->counts[stretch->recent];
    unsigned char *restrict classes = work->classes;
    double *hour = work->hours[stretch->hour_of_day];
    double *own = pod->sums;
    unsigned shift = pod->shift;
    uint32_t middle = items[stretch->from].offset / 2 + items[stretch->to - 1].offset / 2;
    double unit = stretch->steady ? window_weight(work->window, middle) : 0;
    struct sums all = {0};
    for (size_t i = stretch->from; i < stretch->to; i++) {
        double value = items[i].value;
        uint32_t count = sample_count(&items[i]);
        double weight = unit * (int32_t)count * growth((int32_t)(items[i].offset - middle));
        unsigned class = order_class(&search, value);
        classes[i] = (unsigned char)class;
        counts[i % 2][class] += count;
        hour[class] += weight;
        own[class >> shift] += weight;
        all.count += count;
        all.weight += weight;
        all.weighted += weight * value;
    }
    pod->weight += all.weight;
    work->hour_weight[stretch->hour_of_day] += all.weight;
    work->tally->weight += all.weight;
    work->tally->weighted_sum += all.weighted;
    *(stretch->recent ? &work->tally->recent_count : &work->tally->earlier_count) += all.count;
    return all.count;
}

static void note_run(struct work *work, const struct stretch *stretch)
{
    if (work->run_count == 0 || work->runs[work->run_count - 1].place != stretch->place) {
        GROW(work->runs, work->run_capacity, work->run_count + 1);
        work->runs[work->run_count++] = (struct run){stretch->from, stretch->place};
    }
}

static void add_classes(struct work *work)
{
    for (size_t i = 0; i < ORDER_CLASSES; i++) {
        work->earlier[i] = (double)work->counts[0][0][i] + work->counts[0][1][i];
        work->recent[i] = (double)work->counts[1][0][i] + work->counts[1][1][i];
        work->all[i] = work->earlier[i] + work->recent[i];
    }
    for (size_t hour = 0; hour < HOURS_OF_DAY; hour++) {
        for (size_t i = 0; i < ORDER_CLASSES; i++) {
            work->steady[i] += work->hours[hour][i];
        }
    }
}

static void add_up(struct work *work)
{
    for (size_t i = 0; i < work->samples->count;) {
        struct stretch stretch = stretch_from(work, i);
        int64_t count = add_stretch(work, &stretch);
        note_run(work, &stretch);
        if (stretch.steady) {
            work->pods[stretch.place].count += count;
        } else {
            add_startup(work, &stretch);
            work->tally->startup_count += count;
        }
        i = stretch.to;
    }
    add_classes(work);
}

/* ---- In which classes the percentiles lie ---- */

/* Going down the classes, the one in which the sum comes to be more than *beyond, which then is what is left for it; the
 * lowest that has any where rounding leaves the sum short. */
static unsigned class_beyond(const double *sums, unsigned classes, double *beyond)
{
    unsigned lowest = 0;
    double left = *beyond;
    for (unsigned i = classes; i-- > 0;) {
        if (sums[i] > left) {
            *beyond = left;
            return i;
        }
        lowest = sums[i] > 0 ? i : lowest;
        *beyond = sums[i] > 0 ? left : *beyond;
        left -= sums[i];
    }
    return lowest;
}

static double beyond_count(int64_t count, int64_t thousandths)
{
    return (double)(count - tally_rank(count, thousandths));
}

/* Sums of weights are made in more than one order, so they may miss each other by rounding: the goal gives way a little,
 * and percentiles of equal weights are those of counts. */
static double beyond_weight(double weight, int64_t thousandths)
{
    return weight * (1 - (double)thousandths / 1000 * (1 - 1e-12));
}

static void seek(struct work *work, const struct quest *quest, const double *sums, double beyond)
{
    struct quest made = *quest;
    made.left = beyond;
    made.class = class_beyond(sums, ORDER_CLASSES >> made.shift, &made.left);
    if (made.shift == 0 && order_single(&work->order, made.class, made.value)) {
        return;
    }
    if (made.group == GROUP_POD) {
        work->pods[made.member].class = made.class;
    } else {
        work->wanted[made.class] = true;
    }
    GROW(work->quests, work->quest_capacity, work->quest_count + 1);
    work->quests[work->quest_count++] = made;
}

static void seek_counts(struct work *work)
{
    struct tally *tally = work->tally;
    for (size_t i = 0; i < TALLY_PLAIN; i++) {
        seek(work, &(struct quest){.group = GROUP_ALL, .value = &tally->plain[i]}, work->all,
             beyond_count(work->samples->total, plain[i]));
    }
    if (tally->earlier_count > 0) {
        seek(work, &(struct quest){.group = GROUP_EARLIER, .value = &tally->earlier_p95}, work->earlier,
             beyond_count(tally->earlier_count, 950));
    }
    if (tally->recent_count > 0) {
        seek(work, &(struct quest){.group = GROUP_RECENT, .value = &tally->recent_p95}, work->recent,
             beyond_count(tally->recent_count, 950));
    }
}

static void seek_weights(struct work *work)
{
    for (size_t i = 0; i < TALLY_WEIGHTED && work->tally->weight > 0; i++) {
        seek(work, &(struct quest){.group = GROUP_STEADY, .value = &work->tally->weighted[i]}, work->steady,
             beyond_weight(work->tally->weight, weighted[i]));
    }
}

/* Only hours of day whose percentile lies in the highest class can be the busiest. */
static void seek_busiest(struct work *work, double *p90)
{
    unsigned classes[HOURS_OF_DAY];
    unsigned highest = 0;
    for (size_t i = 0; i < HOURS_OF_DAY; i++) {
        p90[i] = -1;
        if (work->hour_weight[i] > 0) {
            double beyond = beyond_weight(work->hour_weight[i], 900);
            classes[i] = class_beyond(work->hours[i], ORDER_CLASSES, &beyond);
            highest = classes[i] > highest ? classes[i] : highest;
        }
    }
    for (size_t i = 0; i < HOURS_OF_DAY; i++) {
        if (work->hour_weight[i] > 0 && classes[i] == highest) {
            seek(work, &(struct quest){.group = GROUP_HOUR, .member = (uint32_t)i, .value = &p90[i]}, work->hours[i],
                 beyond_weight(work->hour_weight[i], 900));
        }
    }
}

static void seek_pod(struct work *work, size_t place)
{
    struct pod *pod = &work->pods[place];
    struct quest quest = {.group = GROUP_POD,
                          .member = (uint32_t)place,
                          .shift = pod->shift,
                          .value = &work->tally->pod_wp95[place]};
    seek(work, &quest, pod->sums, beyond_weight(pod->weight, 950));
}

/* Pods that say something: those with enough steady samples, else the one with most. */
static void seek_pods(struct work *work)
{
    size_t telling = 0;
    size_t longest = 0;
    work->tally->pod_wp95 = xcalloc_array(work->samples->pod_count, sizeof(double));
    for (size_t i = 0; i < work->samples->pod_count; i++) {
        work->pods[i].class = NO_CLASS;
        work->tally->pod_wp95[i] = -1;
        longest = work->pods[i].count > work->pods[longest].count ? i : longest;
        if (work->pods[i].count >= POD_SAMPLES_MIN) {
            telling++;
            seek_pod(work, i);
        }
    }
    if (telling == 0 && work->pods[longest].count > 0) {
        seek_pod(work, longest);
    }
}

/* ---- A closer look at those classes ---- */

static void found(struct work *work, uint32_t key, size_t index)
{
    GROW(work->found, work->found_capacity, work->found_count + 1);
    work->found[work->found_count++] = (struct found){key, (uint32_t)index};
}

/* Looks through [from, to), samples of one pod. */
static void find_in(struct work *work, uint32_t place, size_t from, size_t to)
{
    const struct pod *pod = &work->pods[place];
    bool wanted[ORDER_CLASSES];
    memcpy(wanted, work->wanted, sizeof wanted);
    for (unsigned i = 0; i < 1u << pod->shift && pod->class != NO_CLASS; i++) {
        wanted[(pod->class << pod->shift) + i] = true;
    }
    for (size_t i = from; i < to; i++) {
        unsigned class = work->classes[i];
        if (!wanted[class]) {
            continue;
        }
        if (work->wanted[class]) {
            found(work, class, i);
        }
        if (class >> pod->shift == pod->class) {
            found(work, ORDER_CLASSES + place, i);
        }
    }
}

static void find_all(struct work *work)
{
    for (size_t i = 0; i < work->run_count; i++) {
        find_in(work, work->runs[i].place, work->runs[i].from,
                i + 1 < work->run_count ? work->runs[i + 1].from : work->samples->count);
    }
}

/* Puts what was found in order of keys (counting sort). */
static void group_found(struct work *work)
{
    size_t keys = ORDER_CLASSES + work->samples->pod_count;
    size_t *from = xcalloc_array(keys + 2, sizeof *from);
    struct found *grouped = xcalloc_array(work->found_count, sizeof *grouped);
    for (size_t i = 0; i < work->found_count; i++) {
        from[work->found[i].key + 2]++;
    }
    for (size_t i = 2; i < keys + 2; i++) {
        from[i] += from[i - 1];
    }
    for (size_t i = 0; i < work->found_count; i++) {
        grouped[from[work->found[i].key + 1]++] = work->found[i];
    }
    free(work->found);
    work->found = grouped;
    work->found_from = from;
}

/* How much a sample counts for a quest; 0: it is none of its. */
static double amount_for(const struct work *work, const struct quest *quest, const struct sample *sample)
{
    if (quest->group == GROUP_ALL) {
        return sample_count(sample);
    }
    if (quest->group == GROUP_EARLIER || quest->group == GROUP_RECENT) {
        bool recent = sample->offset > work->recent_after;
        return recent == (quest->group == GROUP_RECENT) ? sample_count(sample) : 0;
    }
    if (sample->offset < work->pods[sample_place(sample)].steady_from) {
        return 0;
    }
    if (quest->group == GROUP_HOUR) {
        int64_t hours = work->window->start * 1000 + sample->offset;
        hours = hours / (HOUR * 1000) - (hours % (HOUR * 1000) < 0);
        if ((uint32_t)((hours % HOURS_OF_DAY + HOURS_OF_DAY) % HOURS_OF_DAY) != quest->member) {
            return 0;
        }
    }
    return window_weight(work->window, sample->offset) * sample_count(sample);
}

static void answer(struct work *work, const struct quest *quest)
{
    size_t key = quest->group == GROUP_POD ? ORDER_CLASSES + (size_t)quest->member : quest->class;
    size_t count = 0;
    GROW(work->portions, work->portion_capacity, work->found_from[key + 1] - work->found_from[key] + 1);
    for (size_t i = work->found_from[key]; i < work->found_from[key + 1]; i++) {
        const struct sample *sample = &work->samples->items[work->found[i].index];
        double amount = amount_for(work, quest, sample);
        if (amount > 0) {
            work->portions[count++] = (struct portion){sample->value, amount};
        }
    }
    if (count > 0) {
        *quest->value = order_pick(work->portions, count, quest->left);
    }
}

/* ---- All of it ---- */

static void settle_busiest(struct tally *tally, const double *p90)
{
    tally->busiest = -1;
    for (int i = 0; i < HOURS_OF_DAY; i++) {
        if (p90[i] >= 0 && (tally->busiest < 0 || p90[i] > tally->busiest_p90)) {
            tally->busiest = i;
            tally->busiest_p90 = p90[i];
        }
    }
}

/* Keeps the pods that say something, in their order. */
static void settle_pods(struct tally *tally, const struct samples *samples)
{
    for (size_t i = 0; i < samples->pod_count; i++) {
        double value = tally->pod_wp95[i];
        if (value < 0) {
            continue;
        }
        if (tally->pods == 0 || value > tally->pod_max) {
            tally->pod_max = value;
            tally->pod_max_id = samples->pods[i].id;
        }
        tally->pod_wp95[tally->pods++] = value;
    }
}

static void release(struct work *work)
{
    free(work->pods);
    free(work->pod_sums);
    free(work->runs);
    free(work->startup);
    free(work->quests);
    free(work->found);
    free(work->found_from);
    free(work->portions);
    free(work);
}

void tally_make(struct tally *tally, struct samples *samples, const struct window *window, int64_t start_range_ms)
{
    double p90[HOURS_OF_DAY];
    struct work *work = xcalloc(sizeof *work);
    *tally = (struct tally){0};
    GROW(samples->classes, samples->class_capacity, samples->count);
    work->tally = tally;
    work->samples = samples;
    work->window = window;
    work->classes = samples->classes;
    int64_t length = (window->end - window->start) * 1000;
    work->recent_after = (uint32_t)(length - length * 2 / 7);
    order_init(&work->order, samples->items, samples->count);
    prepare_pods(work, start_range_ms);
    add_up(work);
    seek_counts(work);
    seek_weights(work);
    seek_busiest(work, p90);
    seek_pods(work);
    find_all(work);
    group_found(work);
    for (size_t i = 0; i < work->quest_count; i++) {
        answer(work, &work->quests[i]);
    }
    if (work->startup_count > 0) {
        tally->startup_p99 = order_pick(work->startup, work->startup_count, beyond_count(tally->startup_count, 990));
    }
    settle_busiest(tally, p90);
    settle_pods(tally, samples);
    release(work);
}

void tally_release(struct tally *tally)
{
    free(tally->pod_wp95);
    *tally = (struct tally){0};
}
