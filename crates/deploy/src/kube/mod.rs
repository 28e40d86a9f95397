//! Objects for Kubernetes 1.33 and later: a stack has a namespace of its own, in which its services have their own names.
//!
//! Ports are published on no address of a host: who may reach them is told to the network, and how they are reached is the
//! cluster's (a Service of another type, an Ingress, a Gateway). What else has no counterpart is said as [`crate::Note`]s.

mod config;
mod container;
mod elastic;
mod error;
mod helm;
mod labels;
mod names;
mod network;
mod notes;
mod object;
mod plain;
mod pod;
mod probes;
mod resources;
mod volumes;
mod wait;
mod workload;

use std::collections::BTreeMap;

use longshore_stack::model::{ServiceSpec, Stack};

pub use error::Error;

use crate::{Deployment, Rendered, header, yaml};

/// How the objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One file, `kube.yaml`, in the order in which they have to be there.
    File,
    /// One file each; their names sort in that order.
    Folder,
    /// A base for kustomize: `kustomization.yaml` and a file each.
    Kustomize,
    /// A chart for Helm, with values for what differs from one cluster to the next. It holds no namespace: Helm is told one.
    Helm,
}

impl Form {
    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Kustomize => "kustomize",
            Self::Helm => "helm",
        }
    }
}

/// What is asked for besides the stack.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How it is written.
    pub form: Form,
    /// Services of these groups are written too.
    pub groups: &'a [String],
}

/// The name of the Secret that holds the values of the stack's secrets: its keys are their names.
///
/// Nothing that is rendered makes it; pods wait until it is there.
pub fn secret_name(stack: &Stack) -> String {
    format!("{}-secrets", names::label(&stack.name, names::LABEL - "-secrets".len()))
}

/// The namespace that the objects are in; with [`Form::Helm`] the one that Helm is told, which is best the same.
pub fn namespace(stack: &Stack) -> String {
    names::label(&stack.name, names::LABEL)
}

/// The stack as files for Kubernetes.
pub fn kube(deployment: &Deployment<'_>, options: Options<'_>) -> Result<Rendered, Error> {
    let view = View::new(deployment, options.groups);
    let objects = object::all(&view)?;
    let header = header(deployment, options);
    let files = match options.form {
        Form::File => plain::file(&objects, &header)?,
        Form::Folder => plain::folder(&objects, &header)?,
        Form::Kustomize => plain::kustomize(&objects, &header)?,
        Form::Helm => helm::chart(&view, &objects, &header)?,
    };
    Ok(Rendered { files, notes: notes::notes(&view), ..Rendered::default() })
}

fn header(deployment: &Deployment<'_>, options: Options<'_>) -> String {
    let groups: String = options.groups.iter().map(|group| format!(" --group {group}")).collect();
    let what = format!("kube --form {}{groups}", options.form.word());
    yaml::comment(&header::header(deployment, &what))
}

/// The services that are written, and what is around them.
struct View<'a> {
    deployment: Deployment<'a>,
    stack: &'a Stack,
    namespace: String,
    secret: String,
    services: Services<'a>,
}

type Services<'a> = BTreeMap<&'a str, &'a ServiceSpec>;

impl<'a> View<'a> {
    fn new(deployment: &Deployment<'a>, groups: &[String]) -> Self {
        let stack = deployment.stack;
        Self {
            deployment: *deployment,
            stack,
            namespace: namespace(stack),
            secret: secret_name(stack),
            services: rendered(stack, groups),
        }
    }

    /// The services that `spec` speaks to, of those that are written.
    fn callees<'b>(&'b self, spec: &'b ServiceSpec) -> impl Iterator<Item = (&'b str, &'a ServiceSpec)> {
        spec.connections().into_iter().filter_map(|name| Some((name, *self.services.get(name)?)))
    }
}

/// The services that run when these groups are asked for, and what those need, whatever group that is in.
fn rendered<'a>(stack: &'a Stack, groups: &[String]) -> Services<'a> {
    let named = |name: &str| stack.services.get_key_value(name).map(|(name, spec)| (name.as_str(), spec));
    let asked = stack.services.iter().filter(|(_, spec)| spec.is_in(groups)).map(|(name, _)| name.as_str());
    let mut services = BTreeMap::new();
    let mut next: Vec<_> = asked.filter_map(named).collect();
    while let Some((name, spec)) = next.pop() {
        if services.insert(name, spec).is_none() {
            next.extend(spec.needs.keys().filter_map(|need| named(need)));
        }
    }
    services
}
