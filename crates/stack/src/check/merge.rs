//! `[image-defaults]` into an image: lists are joined, defaults first; tables are merged, the image's keys on top;
//! the rest is the image's where it says something.

use std::collections::BTreeMap;

use crate::file::ImageTable;

pub(super) fn merge(defaults: &ImageTable, image: ImageTable) -> ImageTable {
    let defaults = defaults.clone();
    ImageTable {
        contents: joined(defaults.contents, image.contents),
        user: image.user.or(defaults.user),
        users: joined(defaults.users, image.users),
        entrypoint: image.entrypoint.or(defaults.entrypoint),
        command: image.command.or(defaults.command),
        env: merged(defaults.env, image.env),
        workdir: image.workdir.or(defaults.workdir),
        labels: merged(defaults.labels, image.labels),
        title: image.title.or(defaults.title),
        description: image.description.or(defaults.description),
        ports: merged(defaults.ports, image.ports),
        stop_signal: image.stop_signal.or(defaults.stop_signal),
        writable: joined(defaults.writable, image.writable),
        alternatives: merged(defaults.alternatives, image.alternatives),
        certificates: joined(defaults.certificates, image.certificates),
        keep: joined(defaults.keep, image.keep),
        allow: joined(defaults.allow, image.allow),
        max_layers: image.max_layers.or(defaults.max_layers),
    }
}

fn joined<T>(mut first: Vec<T>, then: Vec<T>) -> Vec<T> {
    first.extend(then);
    first
}

fn merged<K: Ord, V>(mut below: BTreeMap<K, V>, above: BTreeMap<K, V>) -> BTreeMap<K, V> {
    for (key, value) in above {
        // The key's place must be the image's too, which `insert` alone would not replace.
        below.remove(&key);
        below.insert(key, value);
    }
    below
}
