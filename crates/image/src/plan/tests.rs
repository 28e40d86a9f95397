//! Plans of small images.

use std::collections::BTreeSet;

use longshore_oci::Node;
use longshore_stack::model::{ContentSpec, NixLinks, WritableSpec};

use super::*;
use crate::rootfs::fixture::*;

fn images() -> BTreeMap<String, RootFs> {
    let world = World::new([
        libc().sized("usr/lib/x86_64-linux-gnu/locale", 9_000_000),
        libgcc().sized("usr/lib/x86_64-linux-gnu/libgcc", 150_000),
        package("web", &["libc6"])
            .program("usr/bin/web", &["libc.so.6"])
            .sized("usr/share/web/pages", 5_000_000)
            .folder("var/lib/web", 0o750, 33),
        package("job", &["libc6"])
            .program("usr/bin/job", &["libc.so.6"])
            .sized("usr/share/job/tables", 2_000_000)
            .file("usr/share/doc/job/notes", 0o644)
            .hard("usr/bin/job2", "usr/bin/job"),
        package("ca-certificates", &[]),
        local("site").file("index.html", 0o644),
    ]);
    let mut web = spec([
        authorities(),
        whole("web"),
        text("/etc/web.conf", "listen"),
        ContentSpec::Directory(place("site", "/srv/www")),
    ]);
    web.writable = vec![WritableSpec { path: path("var/cache/web"), owner: (10001, 10001), mode: 0o750 }];
    let mut odd = spec([whole("web")]);
    // Another owner above a package's file: that package's layer can't be shared.
    odd.writable = vec![WritableSpec { path: path("usr/share/doc/libgcc-s1"), owner: (1, 1), mode: 0o755 }];
    [("job", spec([authorities(), whole("job")])), ("odd", odd), ("web", web)]
        .map(|(name, spec)| (name.to_owned(), world.compose(&spec).unwrap()))
        .into()
}

fn planned(images: &BTreeMap<String, RootFs>, max_layers: usize) -> LayerPlan {
    planned_after(images, max_layers, &[])
}

fn planned_after(images: &BTreeMap<String, RootFs>, max_layers: usize, prior: &[LayoutLayer]) -> LayerPlan {
    let input: BTreeMap<_, _> =
        images.iter().map(|(name, rootfs)| (name.clone(), ImageInput { rootfs, max_layers })).collect();
    let known = |origin: &Origin| match origin {
        Origin::Package(_) => Known::of_class(origin, Class::Package),
        Origin::Path(_) => Known::of_class(origin, Class::Application),
        _ => Known::of_class(origin, Class::Configuration),
    };
    let pins = Pins::default();
    let planning = Planning { strategy: Strategy::Stack, prior, pins: &pins, known: &known };
    let plan = plan(&input, planning).unwrap();
    for (image, input) in &input {
        check(&plan, image, input);
    }
    plan
}

/// The union of an image's layers is its tree, and no layer has what another has but directories.
fn check(plan: &LayerPlan, image: &str, input: &ImageInput<'_>) {
    let layers = &plan.images[image];
    assert!(layers.len() <= input.max_layers, "{image:?}");
    let tree = input.rootfs.tree();
    let mut seen = BTreeSet::new();
    for layer in layers.iter().map(|&n| &plan.layers[n]) {
        assert!(
            layer.images.iter().any(|name| name == image)
                && !layer.paths.is_empty()
                && !layer.name.is_empty()
        );
        let bytes = layer.paths.iter().filter_map(|path| match tree.get(path)?.node {
            Node::File(content) => Some(content.size),
            _ => None,
        });
        assert_eq!(bytes.sum::<u64>(), layer.bytes);
        for path in &layer.paths {
            assert!(seen.insert(path.clone()), "{path} twice");
            seen.extend(path.ancestors().filter(|parent| tree.get(parent).is_some()));
        }
    }
    let all: BTreeSet<_> = tree.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(seen, all, "{image:?}");
}

#[test]
fn what_images_share_is_one_layer() {
    insta::assert_snapshot!(planned(&images(), 40));
}

#[test]
fn images_with_too_many_layers_get_the_smallest_merged() {
    insta::assert_snapshot!(planned(&images(), 3));
    let one = planned(&images(), 1);
    assert_eq!(one.layers.len(), 3);
    assert!(one.images.values().all(|layers| layers.len() == 1));
}

#[test]
fn two_versions_of_one_program_stay_where_they_are() {
    let world = World::new([
        store_path("app-1", &["lib-1.0", "lib-2.0"]).file(&below("app-1", "share/app"), 0o444),
        store_path("lib-1.0", &[]).sized(&below("lib-1.0", "lib/one"), 9_000_000),
        store_path("lib-2.0", &[]).sized(&below("lib-2.0", "lib/two"), 8_000_000),
    ]);
    let image = world.compose(&spec([nix(NixLinks::Nothing, &[])])).unwrap();
    let images = BTreeMap::from([("app".to_owned(), image)]);
    let first = planned(&images, 40);
    let libraries = first.layers.iter().filter(|layer| layer.bytes > 7_000_000);
    assert_eq!(libraries.count(), 2, "{first}");
    let again = planned_after(&images, 40, &first.layout());
    assert!(again.layers.iter().all(|layer| layer.state == State::Kept), "{again}");
}

#[test]
fn an_image_alone_keeps_the_layers_that_the_stack_gave_it() {
    let all = images();
    let alone: BTreeMap<_, _> = all.clone().into_iter().filter(|(name, _)| name == "job").collect();
    let paths = |plan: &LayerPlan| -> BTreeSet<Vec<longshore_oci::TreePath>> {
        let job = &plan.images["job"];
        job.iter().map(|&n| plan.layers[n].paths.clone()).collect()
    };
    let shared = planned(&all, 40);
    assert_eq!(paths(&planned_after(&alone, 40, &shared.layout())), paths(&shared));
    // Who shares with nobody needs fewer.
    assert!(planned(&alone, 40).images["job"].len() < shared.images["job"].len());
}
