//! The same work on many things, several at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Works on all `items`, `jobs` at once; results in their order. Every worker has a `State` that it uses again, for
/// buffers. After a failure nothing new is begun.
pub(super) fn each<T: Sync, State: Default, R: Send, E: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T, &mut State) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let (mut state, mut done) = (State::default(), Vec::new());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return Ok(done) };
            // Nobody starts another.
            let result =
                work(item, &mut state).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
            done.push((at, result));
        }
    };
    let workers: Vec<Result<Vec<_>, E>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..jobs.max(1).min(items.len())).map(|_| scope.spawn(worker)).collect();
        let own = worker();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    });
    let mut all: Vec<_> = workers.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}
