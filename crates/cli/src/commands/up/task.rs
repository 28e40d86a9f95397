//! From the stack as it is read to all that a supervisor needs to run it: what `up` does, and what it does again when sources
//! have changed.

use std::collections::{BTreeMap, BTreeSet};

use longshore_deploy::run::{self, Input, Owners, Place, Plan, Roots};
use longshore_image::rootfs::RootFs;
use longshore_stack::lock::Lock;

use super::{published, secrets};
use crate::args::Up;
use crate::machine::Machine;
use crate::others;
use crate::pipeline;
use crate::project::Project;
use crate::report::Failure;

/// One time that a stack is brought up.
pub struct Task<'a> {
    pub args: &'a Up,
    pub project: &'a Project,
    pub machine: &'a Machine,
    pub place: &'a Place,
}

impl Task<'_> {
    /// Takes what `services` need of what was published; says how they run, and in which roots.
    pub fn plan_published(&self, services: &BTreeSet<String>) -> Result<(Plan, Roots), Failure> {
        let images = self.images(services);
        let (project, images) = published::images(self.args, &images, self.project, self.machine)?;
        self.plan_with(&project, services, &images)
    }

    /// The images that `services` run.
    fn images(&self, services: &BTreeSet<String>) -> BTreeSet<String> {
        let specs = services.iter().filter_map(|name| self.project.stack.services.get(name));
        specs.map(|spec| spec.image.clone()).collect()
    }

    /// Builds what `services` need; says how they run, and in which roots.
    pub fn plan(&self, services: &BTreeSet<String>, lock: &Lock) -> Result<(Plan, Roots), Failure> {
        let images = self.images(services);
        let platform = self.project.own_platform()?;
        let project = others::inherited(self.project, lock, self.machine, &platform)?;
        let images = pipeline::roots(&project, lock, self.machine, &images, &platform)?;
        self.plan_with(&project, services, &images)
    }

    fn plan_with(
        &self,
        project: &Project,
        services: &BTreeSet<String>,
        images: &BTreeMap<String, RootFs>,
    ) -> Result<(Plan, Roots), Failure> {
        let (stack, store, place) = (&project.stack, &self.machine.store, self.place);
        let users = services.iter().filter_map(|name| stack.services.get(name)).map(|it| &it.user);
        let owners = match users.map(|user| (user.uid, user.gid)).all(longshore_sandbox::can_become) {
            true => Owners::Tree,
            false => Owners::Caller,
        };
        // What can't be read says nothing of addresses.
        let before = Plan::read(place).ok();
        let native = self.args.native.iter().cloned().collect();
        let before = before.as_ref();
        let input = Input { stack, images, services, native: &native, place, before, store, owners };
        Ok(run::plan(&input)?)
    }

    /// Writes those of the roots that are not there yet.
    pub fn unpack(&self, roots: Roots) -> Result<(), Failure> {
        let Machine { store, progress, .. } = self.machine;
        Ok(roots.write(store, self.machine.jobs().get(), &**progress)?)
    }

    /// Makes the other files and folders that `plan` speaks of. Gives the services that had been given other secrets.
    pub fn stage(&self, plan: &Plan) -> Result<BTreeSet<String>, Failure> {
        Ok(run::stage(plan, self.place, &secrets(self.project, self.place))?)
    }
}
