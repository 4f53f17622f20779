"""Compares tare's windows (tests/harness/window_main.c) with zoneinfo. Arguments: program, seed, number of cases."""
import datetime
import random
import subprocess
import sys
from zoneinfo import ZoneInfo

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Auckland', 'Asia/Beirut',
         'America/Santiago', 'Europe/Dublin', 'Africa/Casablanca', 'America/Havana', 'Asia/Tehran',
         'Pacific/Chatham', 'UTC', 'America/Nuuk', 'Africa/Cairo']
YEARS = [2024, 2026, 2027, 2039, 2041]
DURATIONS = [1, 5, 30, 60, 90, 180, 600, 1440, 2880]


def field(low, high):
    """A random cron field: its text, the values it means, whether it begins with a star."""
    every = range(low, high + 1)
    kind = random.random()
    if kind < 0.35:
        return '*', set(every), True
    if kind < 0.5:
        step = random.choice([2, 3, 5, 7, 10])
        return f'*/{step}', set(range(low, high + 1, step)), True
    if kind < 0.75:
        value = random.choice(every)
        return str(value), {value}, False
    first = random.choice(every)
    if kind < 0.9:
        last = random.randint(first, high)
        return f'{first}-{last}', set(range(first, last + 1)), False
    pair = random.sample(every, 2)
    return ','.join(map(str, pair)), set(pair), False


def instant_of(wall, zone):
    """The first instant that shows the wall clock reading; in a gap the first instant after it."""
    found = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    low = int(found.timestamp()) - 30 * 3600
    high = int(found.timestamp()) + 30 * 3600
    while high - low > 1:
        middle = (low + high) // 2
        shown = datetime.datetime.fromtimestamp(middle, UTC).astimezone(zone).replace(tzinfo=None)
        low, high = (low, middle) if shown >= wall else (middle, high)
    return datetime.datetime.fromtimestamp(high, UTC)


def changes(zone, year):
    """Hours of the year after which the offset is another."""
    found, hour = [], datetime.datetime(year, 1, 1, tzinfo=UTC)
    while hour.year == year:
        later = hour + 60 * MINUTE
        if later.astimezone(zone).utcoffset() != hour.astimezone(zone).utcoffset():
            found.append(later)
        hour = later
    return found


def is_open(fields, duration, zone, instant):
    """Searches every minute from which an opening could still be open."""
    minutes, hours, days, months, weekdays = fields
    local = instant.astimezone(zone).replace(tzinfo=None, second=0)
    wall = local - (duration + 1600) * MINUTE
    while wall <= local + 1600 * MINUTE:
        by_day, by_weekday = wall.day in days[1], wall.isoweekday() % 7 in weekdays[1]
        both = not days[2] and not weekdays[2]
        day = (by_day or by_weekday) if both else (by_day and by_weekday)
        if wall.minute in minutes[1] and wall.hour in hours[1] and wall.month in months[1] and day:
            start = instant_of(wall, zone)
            if start <= instant < start + duration * MINUTE:
                return True
        wall += MINUTE
    return False


def main():
    program, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random.seed(seed)
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    known, done, wrong = {}, 0, 0
    while done < cases:
        name, year = random.choice(ZONES), random.choice(YEARS)
        zone = ZoneInfo(name)
        if (name, year) not in known:
            known[name, year] = changes(zone, year)
        near = known[name, year]
        if near and random.random() < 0.75:
            instant = random.choice(near) + random.randint(-2000, 2000) * MINUTE
        else:
            instant = datetime.datetime(year, 1, 1, tzinfo=UTC) + random.randint(0, 525000) * MINUTE
        month = field(1, 12) if random.random() < 0.3 else ('*', set(range(1, 13)), True)
        fields = [field(0, 59), field(0, 23), field(1, 31), month, field(0, 6)]
        schedule = ' '.join(part[0] for part in fields)
        duration = random.choice(DURATIONS)
        child.stdin.write(f'{name}|{schedule}|{duration}m|{instant:%Y-%m-%dT%H:%M:%SZ}\n')
        child.stdin.flush()
        said = child.stdout.readline().strip()
        if 'never comes' in said:
            continue
        done += 1
        right = '1' if is_open(fields, duration, zone, instant) else '0'
        if said != right:
            wrong += 1
            print(f'{name} "{schedule}" for {duration}m at {instant}: {said}, should be {right}')
    child.stdin.close()
    child.wait()
    print(f'seed {seed}: {done} cases, {wrong} wrong')
    sys.exit(1 if wrong or done == 0 else 0)


main()
