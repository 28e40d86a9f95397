#!/usr/bin/env python3
"""The rules of `src/plan/joint`, tried on everything at every step, as they are told there and without any of its shortcuts.

    joint.py FILE...    plans the weeks of each file one after another, and writes the layouts into it

A week has `max_layers`, `components` (name, source, bytes, changes in a thousand years, images, version) and `layout` (images and
components of each layer)."""

import json
import sys
from fractions import Fraction

REQUEST, COLD, BUILDS = 4_000, 12, 52_000


def shown(rate):
    rest = 2**31 - rate * 2**31 // (BUILDS << 10)
    for _ in range(10):
        rest = rest * rest // 2**31
    return BUILDS * (2**31 - rest) // 2**31


class Layer:
    def __init__(self, parts, images, names, kept):
        self.images, self.names, self.kept = images, names, kept
        self.first = (min(names), sorted(images))
        self.bytes = sum(parts[name]["bytes"] for name in names)
        self.sources = {parts[name]["source"]: parts[name]["rate"] for name in names}
        self.shown = shown(sum(self.sources.values()))

    def yearly(self):
        if not self.images:
            return 0
        each = self.shown * (self.bytes + REQUEST) + REQUEST * COLD * 1000
        return (len(self.images) + 1) * each


def join(parts, a, b):
    """The layers that two become, and what that changes."""
    both = a.images & b.images
    after = [Layer(parts, both, a.names | b.names, False)]
    after += [Layer(parts, old.images - both, old.names, old.kept) for old in (a, b)]
    change = sum(layer.yearly() for layer in after) - a.yearly() - b.yearly()
    for old in (a, b):
        # Who had it pulls it once more, and who has the whole stack has it twice.
        if old.kept:
            change += (len(both) + 1) * old.bytes * 1000
        elif old.images - both:
            change += old.bytes * 1000
    return [layer for layer in after if layer.images], change


def over(layers, images, most):
    return {image for image in images if sum(image in layer.images for layer in layers) > most}


def best(parts, layers, few, known):
    """The two layers whose joining costs least for each image of `few`."""
    found = None
    for n, b in enumerate(layers):
        for a in layers[:n]:
            share = len(a.images & b.images & few)
            if share:
                if (a, b) not in known:
                    known[a, b] = join(parts, a, b)[1]
                key = (Fraction(known[a, b], share), a.first, b.first)
                if found is None or key < found[0]:
                    found = (key, a, b)
    return found


def lay(week, prior):
    fields = ("name", "source", "bytes", "rate", "images", "version")
    parts = {part[0]: dict(zip(fields, part)) for part in week["components"]}
    images = {image for part in parts.values() for image in part["images"]}
    wants = {name: set(part["images"]) for name, part in parts.items()}
    layers = []
    for own, versions in prior:
        own = own & images
        same = all(name in parts and parts[name]["version"] == version for name, version in versions.items())
        if own and same and all(own <= wants[name] for name in versions):
            for name in versions:
                wants[name] -= own
            layers.append(Layer(parts, own, frozenset(versions), True))
    if not any(wants.values()) and not over(layers, images, week["max_layers"]):
        return layers
    atoms = {}
    for name, left in wants.items():
        if left:
            atoms.setdefault((frozenset(left), parts[name]["source"]), set()).add(name)
    layers += [Layer(parts, own, frozenset(names), False) for (own, _), names in atoms.items()]
    paying, known = True, {}
    while True:
        layers.sort(key=lambda layer: layer.first)
        if paying:
            found = best(parts, layers, images, known)
            paying = found is not None and found[0][0] < 0
        if not paying:
            found = best(parts, layers, over(layers, images, week["max_layers"]), known)
            if found is None:
                return layers
        _, a, b = found
        layers = [layer for layer in layers if layer not in (a, b)] + join(parts, a, b)[0]


def main():
    for path in sys.argv[1:]:
        with open(path) as file:
            weeks = json.load(file)
        prior = []
        for week in weeks:
            layers = lay(week, prior)
            versions = {part[0]: part[5] for part in week["components"]}
            prior = [(layer.images, {name: versions[name] for name in layer.names}) for layer in layers]
            week["layout"] = sorted([sorted(layer.images), sorted(layer.names)] for layer in layers)
        with open(path, "w") as file:
            json.dump(weeks, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
