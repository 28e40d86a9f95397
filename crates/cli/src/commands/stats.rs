//! `longshore stats`: what services use.

use std::path::Path;
use std::time::Duration;

use longshore_deploy::run::{Ask, Error, Said, Used, client};
use serde_json::{Value, json};

use super::up::running;
use crate::args::Global;
use crate::report::services::{Services, View, columns};
use crate::report::{Failure, bytes, duration, note, print, print_json};

/// From the first look to the second: what processors did in between is the load.
const BETWEEN: Duration = Duration::from_millis(500);

pub fn run(global: &Global, folder: &Path) -> Result<(), Failure> {
    let place = running(folder, global)?;
    let look = || match client::one(&place, Ask::Usage)? {
        Said::Used(used) => Ok(used),
        _ => Err(Error::Answer { source: std::io::ErrorKind::InvalidData.into() }),
    };
    let mut services = Services::default();
    services.take(client::one(&place, Ask::Status)?, &mut View::Quiet);
    let first = look()?;
    std::thread::sleep(BETWEEN);
    let second = look()?;
    let load = |name: &str, now: &Used| {
        let before = first.get(name).filter(|before| before.time < now.time && before.cpu <= now.cpu)?;
        Some((now.cpu - before.cpu).as_secs_f64() / (now.time - before.time).as_secs_f64() * 100.0)
    };
    if global.json {
        let row = |(name, used): (&String, &Used)| {
            json!({
                "service": name, "memory": used.memory, "memory_limit": used.memory_limit, "processes": used.processes,
                "cpu_seconds": used.cpu.as_secs_f64(), "cpu_percent": load(name, used), "seconds": used.time.as_secs_f64(),
            })
        };
        let rows: Vec<Value> = second.iter().map(row).collect();
        print_json(&json!({ "bounded": services.unbounded().is_none(), "services": rows }));
        return Ok(());
    }
    let rows = second.iter().map(|(name, used)| {
        let limit = used.memory_limit.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
        let load = load(name, used).map(|load| format!("{load:.1} %")).unwrap_or_default();
        let (memory, processes) = (format!("{}{limit}", bytes(used.memory)), used.processes.to_string());
        [name.clone(), memory, load, duration(used.cpu), processes, duration(used.time)]
    });
    let head = ["service", "memory", "cpu", "cpu time", "processes", "runs for"].map(str::to_owned);
    print(&columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    if let Some(why) = services.unbounded() {
        note(&format!("`resources` are not held: {why}"), global);
    }
    Ok(())
}
