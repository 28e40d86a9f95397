//! `[image-defaults]` into an image: lists are joined, defaults first; tables are merged, the image's keys on top;
//! the rest is the image's where it says something. A profile's images go into the file's by the same rule.

use std::collections::BTreeMap;

use crate::file::{File, ImageTable, ResourcesTable, ServiceTable};

impl File {
    /// The file as if what the profile called `name` says had been written into its own tables. No profile is left in it, so
    /// nothing after this knows of them; every place is still the one in the text.
    pub(crate) fn with_profile(mut self, name: &str) -> Self {
        let profiles = std::mem::take(&mut self.profile);
        let Some((_, profile)) = profiles.into_iter().find(|(key, _)| key.value == name) else { return self };
        self.values.extend(profile.values);
        self.sources = merged(self.sources, profile.sources);
        self.build = merged(self.build, profile.build);
        self.url = merged(self.url, profile.url);
        self.image_defaults = match (self.image_defaults, profile.image_defaults) {
            (Some(below), Some(above)) => Some(merge(&below, above)),
            (below, above) => above.or(below),
        };
        for (name, above) in profile.image {
            match self.image.get_mut(&name) {
                Some(image) => *image = merge(image, above),
                None => drop(self.image.insert(name, above)),
            }
        }
        for (name, above) in profile.service {
            match self.service.get_mut(&name) {
                Some(service) => *service = laid_over(std::mem::take(service), above),
                None => drop(self.service.insert(name, above)),
            }
        }
        self.secret = merged(self.secret, profile.secret);
        self
    }
}

pub(super) fn merge(defaults: &ImageTable, image: ImageTable) -> ImageTable {
    let defaults = defaults.clone();
    ImageTable {
        base: image.base.or(defaults.base),
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

/// A service with what a profile says of it on top.
fn laid_over(below: ServiceTable, above: ServiceTable) -> ServiceTable {
    ServiceTable {
        image: above.image.or(below.image),
        kind: above.kind.or(below.kind),
        command: above.command.or(below.command),
        env: merged(below.env, above.env),
        files: merged(below.files, above.files),
        ports: merged(below.ports, above.ports),
        publish: merged(below.publish, above.publish),
        needs: joined(below.needs, above.needs),
        health: above.health.or(below.health),
        volumes: merged(below.volumes, above.volumes),
        secrets: joined(below.secrets, above.secrets),
        resources: match (below.resources, above.resources) {
            (Some(below), Some(above)) => Some(ResourcesTable {
                memory: above.memory.or(below.memory),
                cpus: above.cpus.or(below.cpus),
                pids: above.pids.or(below.pids),
                reserve_memory: above.reserve_memory.or(below.reserve_memory),
                reserve_cpus: above.reserve_cpus.or(below.reserve_cpus),
            }),
            (below, above) => above.or(below),
        },
        replicas: above.replicas.or(below.replicas),
        scale: above.scale.or(below.scale),
        restart: above.restart.or(below.restart),
        stop_signal: above.stop_signal.or(below.stop_signal),
        stop_grace: above.stop_grace.or(below.stop_grace),
        egress: joined(below.egress, above.egress),
        groups: joined(below.groups, above.groups),
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
