#!/usr/bin/env python3
"""A stack of twelve images over two years, week by week, as one JSON file that the replay benchmark of layer plans reads.

    world.py stable|rolling SEED [--trace] > series.json

Closures, sizes and the dates of changes are those of real Debian packages: data-stable.json is bookworm with what became of
it, data-rolling.json is trixie with what was uploaded to unstable. A seed draws changes at each source package's own rate;
`--trace` takes the very dates. What is no package, and what images gain and lose, is made up: see `OWN` and `World.step`.
The same arguments give the same bytes.
"""
import argparse
import bisect
import collections
import json
import math
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KB, MB = 1e3, 1e6
# The classes of the planner, and changes a year by which a class is known where nothing better is.
CLASS = {'deb': 'package', 'vendor': 'vendored', 'app': 'application', 'cfg': 'configuration', 'meta': 'metadata'}
PRIOR = {
    'stable': dict(deb=.5, vendor=6, app=50, cfg=12, meta=52),
    'rolling': dict(deb=3.6, vendor=6, app=50, cfg=12, meta=52),
}
POINT = 9           # weeks between point releases
WAITS = .55         # the share of stable changes that wait for one
GAINS, NEW, LOSES = 6, 3, 3             # a year, of all images together
RENAMES = {'stable': 2, 'rolling': 10}  # libraries that get another name, a year
MAJORS = ['postgresql-15', 'openjdk-17', 'nodejs', 'postgresql-17', 'openjdk-21', 'python3.11', 'python3.13', 'caddy', 'prometheus']
# What is no package: name, source, compressed MB, images, kind, changes a year.
OWN = [
    ('log-agent', 'log-agent', 15, ('edge', 'web', 'api', 'worker', 'backend'), 'vendor', 12),
    ('app-edge', 'app-frontend', 6, ('edge',), 'app', 100),
    ('npm-edge', 'npm-edge', 15, ('edge',), 'vendor', 12),
    ('app-web', 'app-web', 3, ('web',), 'app', 50),
    ('app-django', 'app-django', 4, ('api', 'worker'), 'app', 150),
    ('app-ssr', 'app-frontend', 8, ('ssr',), 'app', 100),
    ('app-jvm', 'app-jvm', 1, ('jvm',), 'app', 100),
    ('app-backend', 'app-backend', 7, ('backend',), 'app', 100),
]
GRAFANA = [
    ('grafana-bin', 'grafana', 45, ('grafana',), 'vendor', 14),
    ('grafana-assets', 'grafana', 60, ('grafana',), 'vendor', 14),
    *((f'plugin-{n}', f'plugin-{n}', 8, ('grafana',), 'vendor', 5) for n in range(3)),
    ('loki-bin', 'loki', 40, ('loki',), 'vendor', 8),
]


class Component:
    """Something that goes into layers whole; `version` is a number that nothing else ever had."""

    def __init__(self, source, size, images, kind):
        self.source, self.size, self.images, self.kind, self.version = source, size, frozenset(images), kind, 0


def own(images):
    """What is no package, in the order in which chance is asked about it."""
    yield 'healthcheck', 'org-health', 2.0, images, 'vendor', 4
    yield 'org-ca', 'org-ca', .004, images, 'vendor', 3
    yield from OWN
    bundles = random.Random(7)  # the same bundles with every seed
    for n in range(26):
        size = min(12, math.exp(bundles.gauss(-1.5, 1.3)))
        yield f'wheel-{n}', f'wheel-{n}', size, ('api', 'worker') if n % 3 else ('worker',), 'vendor', max(1, bundles.gauss(6, 4))
    for n in range(16):
        yield f'npm-{n}', f'npm-{n}', min(15, math.exp(bundles.gauss(-.3, 1.2))), ('ssr',), 'vendor', max(1, bundles.gauss(8, 5))
    for n in range(18):
        yield f'jar-{n}', f'jar-{n}', min(15, math.exp(bundles.gauss(.4, 1.1))), ('jvm',), 'vendor', max(.5, bundles.gauss(4, 3))
    yield from GRAFANA
    for image in images:
        yield f'cfg-{image}', f'cfg-{image}', .003, (image,), 'cfg', 10
        # A record of what is in the image: another one whenever anything in it is.
        yield f'meta-{image}', f'meta-{image}', .025, (image,), 'meta', 52


class World:
    def __init__(self, mode, seed, trace):
        with open(os.path.join(HERE, f'data-{mode}.json')) as file:
            data = json.load(file)
        self.mode, self.rng = mode, random.Random(f'{mode}/{seed}/{trace}')
        self.images, self.weeks, self.before = list(data['closure']), data['weeks'], data['hist']
        holders = collections.defaultdict(set)
        for image in self.images:
            for package in data['closure'][image]:
                holders[package].add(image)
        self.components = {
            name: Component(data['pkg'][name][0], data['pkg'][name][1], images, 'deb') for name, images in holders.items()
        }
        self.needs = {name: [other for other in data['deps'].get(name, ()) if other in holders] for name in holders}
        self.asked = set().union(*data['tops'].values())
        self.events = {}
        self.draw_packages(data['events'], trace)
        for name, source, size, images, kind, rate in own(tuple(self.images)):
            self.components[name] = Component(source, size * MB, images, kind)
            self.needs[name] = []
            if source not in self.events and kind != 'meta':
                self.events[source] = self.draw(rate, range(-self.before, self.weeks))
        self.due = collections.defaultdict(set)
        for source, weeks in self.events.items():
            for week in weeks:
                self.due[week].add(source)
        self.version = self.arrived = 0
        rng = self.rng
        upgraded = rng.sample(MAJORS, 4)
        self.majors = {rng.randrange(25, self.weeks - 10): source for source in upgraded}
        self.first = {}

    def chance(self, a_year):
        return self.rng.random() < a_year / 52

    def draw(self, rate, weeks):
        return [week for week in weeks if self.rng.random() < 1 - math.exp(-rate / 52)]

    def draw_packages(self, recorded, trace):
        """When each source package changes."""
        rng, weeks = self.rng, range(-self.before, self.weeks)
        points = set(range(-self.before + rng.randrange(POINT), self.weeks, POINT))
        for source in sorted({component.source for component in self.components.values()}):
            seen = recorded.get(source, [])
            rate = (len(seen) + .15) / (len(weeks) / 52 + .3)
            if trace:
                self.events[source] = list(seen)
            elif self.mode == 'rolling':
                self.events[source] = self.draw(rate, weeks)
            else:
                drawn = set()
                for week in weeks:
                    if rng.random() < 1 - math.exp(-(1 - WAITS) * rate / 52):
                        drawn.add(week)
                    if week in points and rng.random() < 1 - math.exp(-WAITS * rate * POINT / 52):
                        drawn.add(week)
                self.events[source] = sorted(drawn)

    def another(self):
        self.version += 1
        return self.version

    def step(self, week):
        """What becomes of the stack in a week."""
        before = {name: (component.images, component.version) for name, component in self.components.items()}
        wobble = .01 if self.mode == 'stable' else .03
        for component in self.components.values():
            if component.source in self.due[week]:
                component.version = self.another()
                component.size = max(500, component.size * math.exp(self.rng.gauss(0, wobble)))
        if self.chance(GAINS):
            self.gain()
        if self.chance(NEW):
            self.arrive(week)
        if self.chance(LOSES):
            self.lose()
        self.rename(week)
        for name in [name for name, component in self.components.items() if not component.images]:
            del self.components[name]
        self.record(before)

    def packages(self):
        return sorted(name for name, component in self.components.items() if component.kind == 'deb')

    def gain(self):
        """An image gains a package that others have, with what it needs."""
        image, queue, seen = self.rng.choice(self.images), [self.rng.choice(self.packages())], set()
        while queue:
            name = queue.pop()
            if name not in seen and name in self.components:
                seen.add(name)
                self.components[name].images |= {image}
                queue += self.needs.get(name, [])

    def arrive(self, week):
        """A package that is new to the stack."""
        image, name = self.rng.choice(self.images), f'new-{self.arrived}'
        self.arrived += 1
        rate = self.rng.expovariate(1 / (1 if self.mode == 'stable' else 4))
        version = self.another()
        component = Component(name, min(2e7, 2e5 * math.exp(self.rng.gauss(0, 1.5))), (image,), 'deb')
        component.version = version
        self.components[name], self.needs[name] = component, ['libc6']
        self.events[name] = self.draw(rate, range(week + 1, self.weeks))
        for later in self.events[name]:
            self.due[later].add(name)

    def lose(self):
        """An image loses a package that nobody asked for and nothing in it needs."""
        image = self.rng.choice(self.images)
        needed = {
            other for name, component in self.components.items() if image in component.images
            for other in self.needs.get(name, ())
        }
        free = [
            name for name in self.packages()
            if image in self.components[name].images and name not in needed and name not in self.asked
        ]
        if free:
            self.components[self.rng.choice(free)].images -= {image}

    def rename(self, week):
        """Major upgrades, and libraries with another ABI: one name goes, another comes."""
        upgraded = self.majors.get(week)
        names = [name for name, component in self.components.items() if component.source == upgraded]
        if self.chance(RENAMES[self.mode]):
            names.append(self.rng.choice([name for name in self.packages() if name.startswith('lib')]))
        for name in names:
            version, component, new = self.another(), self.components.pop(name), name + '~'
            component.version = version
            self.components[new] = component
            self.needs[new] = self.needs.get(name, [])
            for needs in self.needs.values():
                needs[:] = [new if other == name else other for other in needs]

    def record(self, before):
        """The records of images in which anything changed change too."""
        changed = set()
        for name, component in self.components.items():
            old = before.get(name)
            if old != (component.images, component.version):
                changed |= component.images | (old[0] if old else frozenset())
        for name, (images, _) in before.items():
            if name not in self.components:
                changed |= images
        for image in sorted(changed):
            self.components[f'meta-{image}'].version = self.another()

    def rate(self, component, week):
        """Thousandths of a change a year, as one knows it in that week: a year's changes, and half a year of the class."""
        prior = PRIOR[self.mode][component.kind]
        if component.kind == 'meta':
            return round(prior * 1000)
        events, first = self.events.get(component.source, ()), self.first[component.source]
        span = min(52, week + self.before, week - first + (self.before if first == 0 else 0))
        changes = bisect.bisect_right(events, week) - bisect.bisect_right(events, week - span)
        return round((changes + prior * .5) / (span / 52 + .5) * 1000)

    def snapshot(self, week):
        for component in self.components.values():
            self.first.setdefault(component.source, week)
        package = 'package' if self.mode == 'stable' else 'rolling-package'
        return [
            {
                'name': name,
                'source': component.source,
                'class': package if component.kind == 'deb' else CLASS[component.kind],
                'rate': self.rate(component, week),
                'bytes': int(component.size),
                'images': sorted(component.images),
                'version': str(component.version),
                'needs': [other for other in self.needs.get(name, ()) if other in self.components],
            }
            for name, component in sorted(self.components.items())
        ]

    def history(self):
        for week in range(self.weeks):
            if week:
                self.step(week)
            yield {'what': f'week {week}', 'components': self.snapshot(week)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('mode', choices=sorted(PRIOR))
    parser.add_argument('seed', type=int)
    parser.add_argument('--trace', action='store_true', help='the very dates of changes, in place of their rates')
    arguments = parser.parse_args()
    world = World(arguments.mode, arguments.seed, arguments.trace)
    kind = 'traced' if arguments.trace else 'simulated'
    name = f'{arguments.mode}, real dates' if arguments.trace else f'{arguments.mode}, seed {arguments.seed}'
    series = {'name': name, 'kind': kind, 'group': f'{kind}, {arguments.mode}', 'steps': list(world.history())}
    json.dump(series, sys.stdout, separators=(',', ':'))


if __name__ == '__main__':
    main()
