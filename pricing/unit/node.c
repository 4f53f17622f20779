#include "pricing/unit/node.h"

#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

/* Hard eviction below 100 Mi of free memory: the kubelet's default, and that of all three services. */
#define EVICTION_BYTES (100 * MIB)

enum {
    MAX_PODS_DEFAULT = 110, /* the kubelet's; GKE's; AKS with kubenet (250 with overlay networks, 30 with node subnets) */
    EKS_PODS_SMALL = 110,   /* managed node groups of EKS allow no more below 30 vCPU, … */
    EKS_PODS_LARGE = 250,   /* … and no more than this above */
    EKS_SMALL_MILLI = 30000,
    SHARED_CORE_MILLICORES = 1060 /* of GKE on e2-micro, e2-small, e2-medium */
};

/* A step of a scale: this many millionths, up to here. */
struct tier {
    int64_t up_to;
    int64_t ppm;
};

static int64_t by_tiers(const struct tier *tiers, size_t count, int64_t amount)
{
    int64_t sum = 0;
    int64_t from = 0;
    for (size_t i = 0; i < count && amount > from; i++) {
        int64_t until = amount < tiers[i].up_to ? amount : tiers[i].up_to;
        sum += (until - from) * tiers[i].ppm;
        from = until;
    }
    return sum;
}

/* GKE and EKS: 6 % of the first core, 1 % of the second, 0.5 % of the third and fourth, 0.25 % of the others.
 * Sources: cloud.google.com "Plan GKE Standard node sizes"; awslabs/amazon-eks-ami, bootstrap of the node. */
static int64_t cpu_of_shares(int64_t vcpu_milli)
{
    static const struct tier tiers[] = {{1000, 60000}, {2000, 10000}, {4000, 5000}, {INT64_MAX, 2500}};
    return (by_tiers(tiers, ARRAY_COUNT(tiers), vcpu_milli) + 999999) / 1000000;
}

/* AKS: 60, 100, 140, 180, 260, 420, 740 millicores of 1, 2, 4, 8, 16, 32, 64 cores; between them as straight lines go.
 * Source: learn.microsoft.com, AKS "Node resource reservations". */
static int64_t cpu_of_aks(int64_t vcpu_milli)
{
    static const struct tier tiers[] = {{1000, 60000}, {2000, 40000}, {4000, 20000}, {INT64_MAX, 10000}};
    return (by_tiers(tiers, ARRAY_COUNT(tiers), vcpu_milli) + 999999) / 1000000;
}

/* GKE: 255 MiB below 1 GiB, else 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % of the next 112, 2 % of
 * the rest. Source: as above. */
static int64_t memory_of_gke(int64_t gib_milli)
{
    static const struct tier tiers[] = {{4000, 250000}, {8000, 200000}, {16000, 100000}, {128000, 60000}, {INT64_MAX, 20000}};
    if (gib_milli < 1000) {
        return 255 * MIB;
    }
    int64_t billionths = by_tiers(tiers, ARRAY_COUNT(tiers), gib_milli); /* of a GiB */
    return billionths / 1000 * GIB / 1000000;
}

/* AKS 1.29 and later: 20 MiB for each pod that the node may have and 50 MiB, at most a quarter of the memory. */
static int64_t memory_of_aks(int64_t gib_milli, int64_t max_pods)
{
    int64_t by_pods = (20 * max_pods + 50) * MIB;
    int64_t quarter = gib_milli * GIB / 4000;
    return by_pods < quarter ? by_pods : quarter;
}

/* EKS: 255 MiB and 11 MiB for each pod. Source: awslabs/amazon-eks-ami. */
static int64_t memory_of_eks(int64_t max_pods)
{
    return (255 + 11 * max_pods) * MIB;
}

static int64_t max_pods_of(const struct catalog *catalog, const char *provider, const char *instance, int64_t vcpu_milli)
{
    int64_t addresses = instance == NULL ? 0 : catalog_max_pods(catalog, provider, instance);
    if (strcmp(provider, "aws") != 0 || addresses == 0) {
        return addresses > 0 ? addresses : MAX_PODS_DEFAULT;
    }
    int64_t allowed = vcpu_milli < EKS_SMALL_MILLI ? EKS_PODS_SMALL : EKS_PODS_LARGE;
    return addresses < allowed ? addresses : allowed;
}

static bool is_shared_core(const char *instance)
{
    return instance != NULL && (str_equal(instance, "e2-micro") || str_equal(instance, "e2-small") || str_equal(instance, "e2-medium"));
}

static void reserve(const char *provider, const char *instance, int64_t vcpu_milli, int64_t gib_milli, struct node_limits *limits)
{
    limits->reserved_memory_bytes = EVICTION_BYTES;
    if (strcmp(provider, "gcp") == 0) {
        limits->reserved_cpu_millicores = is_shared_core(instance) ? SHARED_CORE_MILLICORES : cpu_of_shares(vcpu_milli);
        limits->reserved_memory_bytes += memory_of_gke(gib_milli);
    } else if (strcmp(provider, "aws") == 0) {
        limits->reserved_cpu_millicores = cpu_of_shares(vcpu_milli);
        limits->reserved_memory_bytes += memory_of_eks(limits->max_pods);
    } else if (strcmp(provider, "azure") == 0) {
        limits->reserved_cpu_millicores = cpu_of_aks(vcpu_milli);
        limits->reserved_memory_bytes += memory_of_aks(gib_milli, limits->max_pods);
    }
}

struct node_limits node_limits_of(const struct catalog *catalog, const char *provider, const char *instance,
                                  int64_t vcpu_milli, int64_t gib_milli, const struct node_wishes *wishes)
{
    struct node_limits limits = {0};
    limits.max_pods = wishes->max_pods >= 0 ? wishes->max_pods : max_pods_of(catalog, provider, instance, vcpu_milli);
    reserve(provider, instance, vcpu_milli, gib_milli, &limits);
    if (wishes->reserved_cpu_millicores >= 0) {
        limits.reserved_cpu_millicores = wishes->reserved_cpu_millicores;
    }
    if (wishes->reserved_memory_bytes >= 0) {
        limits.reserved_memory_bytes = wishes->reserved_memory_bytes;
    }
    return limits;
}

/* AWS says it by a g after the generation (m7g, c6gn; its first, a1, has none), Azure by a p after the size (D2ps_v5), Google by its own
 * families. */
static bool is_arm(const char *provider, const char *instance)
{
    if (strcmp(provider, "aws") == 0) {
        size_t letters = strcspn(instance, "0123456789");
        size_t digits = strspn(instance + letters, "0123456789");
        const char *after = instance + letters + digits;
        return memchr(after, 'g', strcspn(after, ".")) != NULL || str_starts(instance, "a1.");
    }
    if (strcmp(provider, "azure") == 0) {
        const char *name = strncasecmp(instance, "Standard_", 9) == 0 ? instance + 9 : instance;
        size_t letters = strcspn(name, "0123456789");
        const char *after = name + letters + strspn(name + letters, "0123456789-");
        return memchr(after, 'p', strcspn(after, "_")) != NULL;
    }
    return str_starts(instance, "t2a-") || str_starts(instance, "c4a-") || str_starts(instance, "n4a-");
}

/* Accelerators make the price another one; CPU by credit or share is not there all the time. */
static bool is_special(const char *provider, const char *instance)
{
    if (strcmp(provider, "aws") == 0) {
        return instance[0] == 't' || instance[0] == 'g' || instance[0] == 'p';
    }
    if (strcmp(provider, "azure") == 0) {
        return str_starts(instance, "Standard_B") || str_starts(instance, "Standard_N");
    }
    return is_shared_core(instance) || str_starts(instance, "a2-") || str_starts(instance, "g2-");
}

bool node_could_replace(const char *provider, const char *from, const char *to)
{
    return !is_special(provider, to) && is_arm(provider, from) == is_arm(provider, to);
}
