#include "stages/collect/range/pace.h"

/* An `and` of two selectors holds three samples for each one that is answered. */
enum { POINTS_MAX = 11000, SAMPLES_MAX = 50 * 1000 * 1000 / 6 };

void pace_init(struct pace *pace)
{
    pthread_mutex_init(&pace->lock, NULL);
    pace->points = POINTS_MAX;
    pace->samples = SAMPLES_MAX;
    atomic_init(&pace->answered, false);
}

void pace_release(struct pace *pace)
{
    pthread_mutex_destroy(&pace->lock);
}

int64_t pace_points(struct pace *pace, int64_t series)
{
    pthread_mutex_lock(&pace->lock);
    int64_t points = pace->samples / (series < 1 ? 1 : series);
    points = points > pace->points ? pace->points : points;
    pthread_mutex_unlock(&pace->lock);
    return points < 1 ? 1 : points;
}

void pace_learn(struct pace *pace, int64_t points, int64_t series, bool resolution)
{
    pthread_mutex_lock(&pace->lock);
    if (resolution) {
        pace->points = points < pace->points ? points : pace->points;
    } else {
        int64_t samples = points * (series < 1 ? 1 : series);
        pace->samples = samples < pace->samples ? samples : pace->samples;
    }
    pthread_mutex_unlock(&pace->lock);
}
