//! Builds in the order of what they take from each other, as many at once as the machine allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};

use longshore_oci::{Platform, Progress, Step};
use longshore_stack::model::BuildSpec;

use crate::Error;

/// One build for one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The build's name.
    pub build: String,
    /// What its output runs on.
    pub platform: Platform,
}

impl fmt::Display for Job {
    /// The build alone: which builds need each other is the same on all platforms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.build)
    }
}

/// What `spec`, built for `platform` on `host`, takes outputs of: its inputs for the one, its tools for the other.
pub fn needs(spec: &BuildSpec, platform: &Platform, host: &Platform) -> BTreeSet<Job> {
    let job = |platform: &Platform, build: &str| Job { build: build.to_owned(), platform: platform.clone() };
    let inputs = spec.input_builds().map(|build| job(platform, build));
    inputs.chain(spec.tool_builds().map(|build| job(host, build))).collect()
}

/// Things to make, most often a [`Job`] each, with those that each needs: no cycle, and nothing needed that there isn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph<K> {
    needs: BTreeMap<K, BTreeSet<K>>,
}

impl<K: Ord + Clone + fmt::Display + Send + Sync> Graph<K> {
    /// Those of `needs` that are `wanted`, with all that they need.
    pub fn new(needs: &BTreeMap<K, BTreeSet<K>>, wanted: impl IntoIterator<Item = K>) -> Result<Self, Error> {
        let mut graph = Self { needs: BTreeMap::new() };
        for name in wanted {
            graph.add(needs, &name, &mut Vec::new())?;
        }
        Ok(graph)
    }

    /// Adds a build after all that it needs; `above` are those that need it.
    fn add(&mut self, all: &BTreeMap<K, BTreeSet<K>>, name: &K, above: &mut Vec<K>) -> Result<(), Error> {
        if let Some(start) = above.iter().position(|before| before == name) {
            let builds = above[start..].iter().chain([name]).map(K::to_string).collect();
            return Err(Error::Cycle { builds });
        }
        if self.needs.contains_key(name) {
            return Ok(());
        }
        let Some(needs) = all.get(name) else {
            let build = above.last().unwrap_or(name).to_string();
            return Err(Error::Unknown { build, needed: name.to_string() });
        };
        above.push(name.clone());
        needs.iter().try_for_each(|needed| self.add(all, needed, above))?;
        above.pop();
        self.needs.insert(name.clone(), needs.clone());
        Ok(())
    }

    /// Makes every one once all that it needs is made, up to `jobs` at once. `make` is given which, and what those that it
    /// needs made. After a failure nothing new begins; the first failure in order is the answer. Those that wait for others
    /// say so to `progress`.
    pub fn run<T: Clone + Send, E: Send>(
        &self,
        jobs: usize,
        progress: &dyn Progress,
        make: impl Fn(&K, BTreeMap<K, T>) -> Result<T, E> + Sync,
    ) -> Result<BTreeMap<K, T>, E> {
        let state = Mutex::new(State {
            begun: BTreeSet::new(),
            made: BTreeMap::new(),
            failed: BTreeMap::new(),
            waiting: self.waiting(progress),
        });
        let changed = Condvar::new();
        let work = || {
            let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
            while now.failed.is_empty() && now.begun.len() < self.needs.len() {
                let Some((name, given)) = self.ready(&now) else {
                    now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                now.begun.insert(name.clone());
                drop(now);
                let result = make(name, given);
                now = state.lock().unwrap_or_else(PoisonError::into_inner);
                match result {
                    Ok(made) => {
                        now.made.insert(name.clone(), made);
                        let State { waiting, made, .. } = &mut *now;
                        let unmade = |needed: &K| !made.contains_key(needed);
                        waiting.retain(|name, _| self.needs[*name].iter().any(unmade));
                    }
                    Err(error) => {
                        now.failed.insert(name.clone(), error);
                        now.waiting.clear();
                    }
                }
                changed.notify_all();
            }
        };
        std::thread::scope(|scope| {
            (1..jobs.clamp(1, 64)).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        let State { made, failed, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.into_values().next().map_or(Ok(made), Err)
    }

    /// Those that can't begin yet.
    fn waiting(&self, progress: &dyn Progress) -> BTreeMap<&K, Box<dyn Step>> {
        let waiting = self.needs.iter().filter(|(_, needs)| !needs.is_empty());
        waiting
            .map(|(name, needs)| {
                let on: Vec<_> = needs.iter().map(K::to_string).collect();
                (name, progress.wait(&name.to_string(), &on))
            })
            .collect()
    }

    /// The first in order that can begin, with what it needs.
    fn ready<T: Clone, E>(&self, now: &State<'_, K, T, E>) -> Option<(&K, BTreeMap<K, T>)> {
        self.needs.iter().filter(|(name, _)| !now.begun.contains(*name)).find_map(|(name, needs)| {
            let given = needs.iter().map(|needed| Some((needed.clone(), now.made.get(needed)?.clone())));
            Some((name, given.collect::<Option<_>>()?))
        })
    }
}

struct State<'a, K, T, E> {
    begun: BTreeSet<K>,
    made: BTreeMap<K, T>,
    failed: BTreeMap<K, E>,
    /// Those whose needs are not all made.
    waiting: BTreeMap<&'a K, Box<dyn Step>>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use longshore_oci::Silent;

    use super::*;

    /// Writes down who waits, and whose wait is over.
    #[derive(Default)]
    struct Waits(Arc<Mutex<Vec<String>>>);

    struct Wait(Arc<Mutex<Vec<String>>>, String);

    impl Progress for Waits {
        fn begin(&self, _verb: &'static str, _what: &str, _bytes: Option<u64>) -> Box<dyn Step> {
            Box::new(Silent)
        }

        fn wait(&self, what: &str, on: &[String]) -> Box<dyn Step> {
            self.0.lock().unwrap().push(format!("{what} waits for {}", on.join(", ")));
            Box::new(Wait(Arc::clone(&self.0), what.to_owned()))
        }

        fn note(&self, _message: &str) {}
    }

    impl Step for Wait {
        fn advance(&self, _bytes: u64) {}
    }

    impl Drop for Wait {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(format!("{} waits no more", self.1));
        }
    }

    fn all(text: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        text.iter().map(|(name, needs)| ((*name).to_owned(), set(needs))).collect()
    }

    #[test]
    fn each_is_made_once_after_what_it_needs_and_nothing_else_is() {
        let all = all(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[]), ("other", &[])]);
        let graph = Graph::new(&all, [String::from("a")]).unwrap();
        for jobs in [1, 3] {
            let order = Mutex::new(Vec::new());
            let made = graph.run(jobs, &Silent, |name, given: BTreeMap<String, String>| {
                order.lock().unwrap().push(name.clone());
                let given: Vec<_> = given.into_values().collect();
                Ok::<_, Error>(format!("{name}({})", given.join(",")))
            });
            assert_eq!(made.unwrap()["a"], "a(b(d()),c(d()))");
            let order = order.into_inner().unwrap();
            assert_eq!(order.len(), 4, "{order:?}");
            assert_eq!((order[0].as_str(), order[3].as_str()), ("d", "a"));
        }
    }

    #[test]
    fn independent_builds_run_at_once() {
        let graph = Graph::new(&all(&[("a", &[]), ("b", &[])]), ["a", "b"].map(String::from)).unwrap();
        let meeting = std::sync::Barrier::new(2);
        let made = graph.run(2, &Silent, |_, _: BTreeMap<String, ()>| {
            meeting.wait();
            Ok::<_, Error>(())
        });
        assert_eq!(made.unwrap().len(), 2);
    }

    #[test]
    fn builds_wait_until_all_that_they_need_is_made() {
        let all = all(&[("app", &["base", "web"]), ("base", &[]), ("web", &["base"])]);
        let graph = Graph::new(&all, [String::from("app")]).unwrap();
        let (waits, made) = (Waits::default(), |name: &str| format!("{name} is made"));
        let lines = Arc::clone(&waits.0);
        let done = graph.run(1, &waits, |name, _: BTreeMap<String, ()>| {
            lines.lock().unwrap().push(made(name));
            Ok::<_, Error>(())
        });
        done.unwrap();
        let expected = [
            "app waits for base, web",
            "web waits for base",
            "base is made",
            "web waits no more",
            "web is made",
            "app waits no more",
            "app is made",
        ];
        assert_eq!(*lines.lock().unwrap(), expected);
    }

    #[test]
    fn a_failure_is_given_and_what_needs_it_never_begins() {
        let graph = Graph::new(&all(&[("a", &["b"]), ("b", &[])]), [String::from("a")]).unwrap();
        let result = graph.run(
            2,
            &Silent,
            |name, _: BTreeMap<String, ()>| {
                if name == "a" { Ok(()) } else { Err(format!("{name} failed")) }
            },
        );
        assert_eq!(result.unwrap_err(), "b failed");
    }

    #[test]
    fn cycles_and_unknown_names_are_refused() {
        let all = all(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["e"])]);
        let error = |name: &str| Graph::new(&all, [name.to_owned()]).unwrap_err().to_string();
        assert_eq!(error("a"), "builds need each other: `b` → `c` → `b`");
        assert_eq!(error("d"), "build `d` takes the output of `e`, which is no build of the stack");
    }
}
