//! `longshore serve`: the images of the stack as a registry on this machine.

use std::net::TcpListener;
use std::sync::Arc;

use longshore_image::pack::Wanted;
use longshore_publish::registry::Parcel;
use longshore_publish::serve::{Shelf, serve};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Serve};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, Verbosity, print, print_json};

pub fn run(args: &Serve, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    if !args.listen.ip().is_loopback() {
        return Err(Failure::Usage {
            message: format!(
                "`{}` is not on loopback, and anybody who reaches it could read",
                args.listen.ip()
            ),
            hint: "push to a registry that knows who may: `longshore push`".to_owned(),
        });
    }
    // Before the work: a port that is taken should be known at once.
    let listener = TcpListener::bind(args.listen).map_err(|error| Failure::Usage {
        message: format!("can't listen on {}: {error}", args.listen),
        hint: "longshore serve --listen 127.0.0.1:0".to_owned(),
    })?;
    let names = project.select_images(&args.selection.images)?;
    let platforms = project.select_platforms(&args.selection)?;
    let lock = for_build(global, project, machine)?;
    let codec = machine.codec(args.compression);
    let images = pipeline::build(project, &lock, machine, &names, &platforms, Wanted::Blobs(codec))?;
    let address = listener.local_addr().map_err(Failure::Io)?;
    let mut parcels = Vec::new();
    for index in images.indexes(project, "latest")? {
        let jobs = machine.jobs().get();
        parcels.push(Parcel::of(&index, args.tags.clone(), codec, &machine.store, jobs, &*machine.progress)?);
    }
    // It may serve for weeks: what it serves is kept, and the store is others' to tidy.
    for parcel in &mut parcels {
        parcel.keep(&machine.store)?;
    }
    machine.store.let_go();
    let named = |parcel: &Parcel| format!("{address}/{}", parcel.repository.repository);
    if global.json {
        let images = parcels.iter().map(|parcel| {
            json!({ "image": parcel.image, "repository": named(parcel), "digest": parcel.top.digest, "tags": parcel.tags })
        });
        print_json(&json!({ "address": address.to_string(), "images": images.collect::<Vec<_>>() }));
    } else {
        for parcel in &parcels {
            print(&format!("{}@{}  {}", named(parcel), parcel.top.digest, parcel.tags.join(", ")));
        }
        print(&format!("serving on http://{address} until interrupted"));
    }
    let (progress, told) = (Arc::clone(&machine.progress), machine.verbosity == Verbosity::Verbose);
    serve(listener, Shelf::new(parcels), move |request, status| {
        if told {
            progress.note(&format!("{status} {request}"));
        }
    })
    .map_err(Failure::Io)
}
