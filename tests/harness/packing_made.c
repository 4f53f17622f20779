#include "tests/harness/packing_made.h"

#include <math.h>

#include "pipeline/base/mem.h"

/* A node of 4 vCPU and 16 GiB as EKS leaves it. */
static const int64_t node_cpu = 3920, node_memory = INT64_C(15160) << 20;

struct making {
    struct arena *arena;
    uint64_t state;
    enum made_shape shape;
    struct fleet_workload *workloads;
    size_t count;
};

static double chance(struct making *making)
{
    uint64_t z = making->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

const char *made_name(enum made_shape shape)
{
    static const char *const names[MADE_SHAPES] = {"uniform", "heavy-tailed", "small", "over half a node", "cpu or memory", "round numbers",
                                                   "with rules"};
    return names[shape];
}

static double pick(struct making *making, const double *values, size_t count)
{
    return values[(size_t)(chance(making) * (double)count)];
}

/* Parts of a node. */
static void parts(struct making *making, double *cpu, double *memory)
{
    static const double round_cpu[] = {0.0128, 0.0255, 0.0255, 0.051, 0.0638, 0.1276, 0.2551, 0.5102};
    static const double round_memory[] = {0.0042, 0.0084, 0.0169, 0.0338, 0.0675, 0.135, 0.2702};
    bool left = chance(making) < 0.5;
    double a = chance(making), b = chance(making);
    switch (making->shape) {
    case MADE_UNIFORM:
        *cpu = a / 2;
        *memory = b / 2;
        break;
    case MADE_SMALL:
        *cpu = 0.003 + a / 30;
        *memory = 0.003 + b / 30;
        break;
    case MADE_LARGE:
        *cpu = left ? 0.5 + 0.4 * a : 0.02 + 0.15 * a;
        *memory = left ? *cpu * (0.4 + 0.5 * b) : 0.02 + 0.1 * b;
        break;
    case MADE_MIXED:
        *cpu = left ? 0.02 + 0.25 * a : 0.01 + 0.05 * a;
        *memory = left ? 0.01 + 0.05 * b : 0.02 + 0.25 * b;
        break;
    case MADE_ROUND:
        *cpu = pick(making, round_cpu, ARRAY_COUNT(round_cpu));
        *memory = pick(making, round_memory, ARRAY_COUNT(round_memory));
        break;
    default:
        *cpu = exp(log(0.004) + a * a * log(150));
        *memory = *cpu * exp((b - 0.5) * 3);
        break;
    }
}

static int64_t replicas(struct making *making)
{
    if (making->shape == MADE_UNIFORM) {
        return 1;
    }
    double a = chance(making);
    return 1 + (int64_t)(a * a * a * a * 12);
}

static struct fleet_request ask(double cpu, double memory)
{
    cpu = cpu > 0.95 ? 0.95 : cpu;
    memory = memory > 0.95 ? 0.95 : memory;
    return (struct fleet_request){(int64_t)(cpu * (double)node_cpu), (int64_t)(memory * (double)node_memory)};
}

enum { RULES_MADE = 12, DAEMONS_MADE = 4 };

/* Rules that many share; those that name others are made where they are used. */
static struct fleet_rules *shared_rules(struct making *making, size_t most)
{
    struct fleet_rules *rules = arena_alloc_array(making->arena, most, sizeof *rules);
    static const struct fleet_company self = {.self = true};
    static const struct fleet_label ssd = {"disk", "ssd"}, blue = {"colour", "blue"};
    static const char *const kinds[] = {"batch", "cron"};
    static const struct fleet_requirement batch = {"work", "In", kinds, 2}, other = {"colour", "NotIn", kinds, 2};
    static const struct fleet_term terms[] = {{&batch, 1}, {&other, 1}};
    static const int64_t ports[] = {9100, 8080};
    rules[0] = (struct fleet_rules){.apart = &self, .apart_count = 1};
    rules[1] = (struct fleet_rules){.selector = &ssd, .selector_count = 1};
    rules[2] = (struct fleet_rules){.selector = &blue, .selector_count = 1};
    rules[3] = (struct fleet_rules){.has_affinity = true, .affinity = terms, .affinity_count = 1};
    rules[4] = (struct fleet_rules){.has_affinity = true, .affinity = &terms[1], .affinity_count = 1};
    rules[5] = (struct fleet_rules){.ports = &ports[1], .port_count = 1};
    rules[6] = (struct fleet_rules){.ports = ports, .port_count = 1};
    return rules;
}

static const char *const *one_name(struct making *making, size_t workload)
{
    const char **names = arena_alloc_array(making->arena, 1, sizeof *names);
    names[0] = making->workloads[workload].name;
    return names;
}

static struct fleet_company *company(struct making *making, size_t workload)
{
    struct fleet_company *made = arena_alloc(making->arena, sizeof *made);
    *made = (struct fleet_company){.others = one_name(making, workload), .other_count = 1};
    return made;
}

/* A third of the workloads gets rules; beside and apart only small ones, as who must be beside somebody is made small. */
static void add_rules(struct making *making, struct fleet_input *input)
{
    struct fleet_rules *rules = shared_rules(making, RULES_MADE + making->count);
    size_t count = RULES_MADE;
    for (size_t i = 10; i < making->count; i++) {
        struct fleet_workload *w = &making->workloads[i];
        double luck = chance(making);
        size_t other = (size_t)(chance(making) * (double)i);
        w->rules = luck < 0.15 ? 0 : luck < 0.19 ? 1 : luck < 0.22 ? 2 : luck < 0.24 ? 3 : luck < 0.26 ? 4 : PACK_NONE;
        if (luck > 0.98 && w->rules == PACK_NONE) {
            rules[count] = (struct fleet_rules){.apart = company(making, other), .apart_count = 1};
            w->rules = (uint32_t)count++;
        } else if (luck > 0.97 && making->workloads[other].rules == PACK_NONE) {
            rules[count] = (struct fleet_rules){.beside = company(making, other), .beside_count = 1};
            w->before = w->after = (struct fleet_request){10, 16 << 20};
            w->count = making->workloads[other].count;
            w->rules = (uint32_t)count++;
        }
    }
    for (size_t i = 0; i < DAEMONS_MADE && i < making->count; i++) {
        making->workloads[i].daemon = true;
        making->workloads[i].before = (struct fleet_request){50, 100 << 20};
        making->workloads[i].after = (struct fleet_request){30, 64 << 20};
        making->workloads[i].rules = i == 0 ? 6 : i == 1 ? 1 : PACK_NONE;
    }
    for (size_t i = 4; i < 8 && i < making->count; i++) {
        making->workloads[i].rules = 5;
    }
    input->rules = rules;
    input->rules_count = count;
}

void made_input(struct arena *arena, enum made_shape shape, int64_t pods, uint64_t seed, struct fleet_input *input)
{
    struct making making = {.arena = arena, .state = seed * 1000 + (uint64_t)shape, .shape = shape};
    making.workloads = arena_alloc_array(arena, (size_t)pods + 1, sizeof *making.workloads);
    struct fleet_source *source = arena_alloc(arena, sizeof *source);
    *source = (struct fleet_source){
        .type = {.instance = "m6i.xlarge", .capacity = {{node_cpu, node_memory, 58}}, .microusd_per_hour = 192000}};
    for (int64_t made = 0; made < pods;) {
        double cpu, memory;
        parts(&making, &cpu, &memory);
        int64_t count = replicas(&making);
        double less = 0.4 + 0.6 * chance(&making);
        struct fleet_workload *w = &making.workloads[making.count];
        *w = (struct fleet_workload){
            .name = arena_printf(arena, "made/n%zu/Deployment/w%zu", making.count % 40, making.count),
            .rules = PACK_NONE,
            .count = count < pods - made ? count : pods - made,
            .before = ask(cpu, memory),
            .after = ask(cpu * less, memory * less),
        };
        made += w->count;
        making.count++;
    }
    *input = (struct fleet_input){.workloads = making.workloads, .sources = source, .source_count = 1};
    if (shape == MADE_BOUND) {
        add_rules(&making, input);
    }
    input->workload_count = making.count;
}
