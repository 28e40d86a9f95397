//! Stories: what happens at which millisecond, what is to be done then, and where the services are after it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn service() -> Definition {
    Definition {
        needs: BTreeMap::new(),
        kind: ServiceKind::Service,
        restart: Restart::Always,
        grace: 10 * SECOND,
        rhythm: None,
    }
}

/// Three failures count, after ten seconds.
fn probed() -> Definition {
    let rhythm = Rhythm { interval: 5 * SECOND, retries: 3, start_period: 10 * SECOND };
    Definition { rhythm: Some(rhythm), ..service() }
}

fn job() -> Definition {
    Definition { kind: ServiceKind::Job, restart: Restart::OnFailure, ..service() }
}

fn needing(definition: Definition, needs: &[(&str, Condition)]) -> Definition {
    let needs = needs.iter().map(|(name, condition)| ((*name).to_owned(), *condition)).collect();
    Definition { needs, ..definition }
}

fn machine(services: &[(&str, Definition)]) -> Machine {
    Machine::new(defined(services))
}

fn defined(services: &[(&str, Definition)]) -> BTreeMap<String, Definition> {
    services.iter().map(|(name, definition)| ((*name).to_owned(), definition.clone())).collect()
}

/// `started web 1`, `ended web 1 code 3`, `probed web 1 well`, `stop` …
fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split(' ').collect();
    let service = || words[1].to_owned();
    let run = || words[2].parse().unwrap();
    match words[0] {
        "time" => Event::Time,
        "stop" => Event::Stop,
        "kill" => Event::Kill,
        "restart" => Event::Restart { service: service() },
        "started" => Event::Started { service: service(), run: run() },
        "not-started" => Event::NotStarted { service: service(), run: run(), why: words[3..].join(" ") },
        "ended" => {
            let number: i32 = words[4].parse().unwrap();
            let status = match words[3] {
                "code" => Status::Code(number.try_into().unwrap()),
                _ => Status::Signal(number),
            };
            Event::Ended { service: service(), run: run(), exit: Exit { status, out_of_memory: false } }
        }
        "probed" => {
            let verdict = if words[3] == "well" { Verdict::Healthy } else { Verdict::Unhealthy };
            let answer = Answer { verdict, line: words[3].to_owned() };
            Event::Probed { service: service(), run: run(), answer }
        }
        other => panic!("{other}"),
    }
}

fn shown(actions: &[Action]) -> String {
    let one = |action: &Action| match action {
        Action::Start { service, run } => format!("start {service} {run}"),
        Action::Stop { service } => format!("stop {service}"),
        Action::Kill { service } => format!("kill {service}"),
        Action::Probe { service, run } => format!("probe {service} {run}"),
    };
    actions.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Tells a story: `(milliseconds, event, actions, phases)`, where phases are those of all services, sorted.
#[track_caller]
fn story(machine: &mut Machine, lines: &[(u64, &str, &str, &str)]) {
    for (at, what, actions, phases) in lines {
        let done = machine.step(Duration::from_millis(*at), event(what));
        let now: Vec<_> = machine.services().values().map(|service| service.phase().name()).collect();
        assert_eq!((shown(&done).as_str(), now.join(" ").as_str()), (*actions, *phases), "at {at}: {what}");
    }
}

fn next(machine: &Machine) -> Option<u128> {
    machine.next().map(|at| at.as_millis())
}

#[test]
fn what_needs_nothing_starts_at_once_and_the_rest_when_its_needs_are_there() {
    let mut machine = machine(&[
        ("api", needing(service(), &[("db", Condition::Ready), ("setup", Condition::Completed)])),
        ("db", probed()),
        ("log", needing(service(), &[("api", Condition::Started)])),
        ("setup", needing(job(), &[("db", Condition::Ready)])),
    ]);
    story(
        &mut machine,
        &[
            (0, "time", "start db 1", "waiting starting waiting waiting"),
            (5, "started db 1", "", "waiting running waiting waiting"),
            (55, "time", "probe db 1", "waiting running waiting waiting"),
            (60, "probed db 1 ill", "", "waiting running waiting waiting"),
            (160, "time", "probe db 1", "waiting running waiting waiting"),
            (170, "probed db 1 well", "start setup 1", "waiting ready waiting starting"),
            (180, "started setup 1", "", "waiting ready waiting running"),
        ],
    );
    assert_eq!(machine.waits_for("api"), ["setup"]);
    story(
        &mut machine,
        &[
            (900, "ended setup 1 code 0", "start api 1", "starting ready waiting completed"),
            (910, "started api 1", "start log 1", "running ready starting completed"),
            (915, "started log 1", "", "running ready running completed"),
            // Nobody can be asked about it, so it is ready when it has not ended for a while.
            (1_410, "time", "", "ready ready running completed"),
            (1_415, "time", "", "ready ready ready completed"),
        ],
    );
}

#[test]
fn services_in_no_plan_are_not_waited_for() {
    let mut machine = machine(&[("web", needing(service(), &[("db", Condition::Ready)]))]);
    story(&mut machine, &[(0, "time", "start web 1", "starting")]);
}

#[test]
fn one_that_ends_is_started_later_and_later() {
    let mut machine = machine(&[("web", service())]);
    let mut at = 0;
    story(&mut machine, &[(0, "time", "start web 1", "starting")]);
    for (run, wait) in (1..).zip([1, 2, 4, 8, 16, 30, 30]) {
        story(&mut machine, &[(at, &format!("started web {run}"), "", "running")]);
        at += 100;
        story(&mut machine, &[(at, &format!("ended web {run} code 1"), "", "backoff")]);
        assert_eq!(next(&machine), Some(u128::from(at + wait * 1_000)), "after run {run}");
        at += wait * 1_000 - 1;
        story(&mut machine, &[(at, "time", "", "backoff")]);
        at += 1;
        story(&mut machine, &[(at, "time", &format!("start web {}", run + 1), "starting")]);
    }
    assert_eq!(machine.services()["web"].failures(), 7);
    // A minute of good work, and it begins anew.
    story(
        &mut machine,
        &[
            (at, "started web 8", "", "running"),
            (at + 500, "time", "", "ready"),
            (at + 60_500, "ended web 8 signal 9", "", "backoff"),
        ],
    );
    assert_eq!(next(&machine), Some(u128::from(at + 61_500)));
}

#[test]
fn whether_one_is_started_again_is_its_own() {
    let check = |definition: &Definition, how: &str, phase: &str| {
        let mut machine = machine(&[("it", definition.clone())]);
        story(
            &mut machine,
            &[
                (0, "time", "start it 1", "starting"),
                (0, "started it 1", "", "running"),
                (9, &format!("ended it 1 {how}"), "", phase),
            ],
        );
    };
    let with = |definition: Definition, restart| Definition { restart, ..definition };
    for (restart, well, badly) in [
        (Restart::Always, "backoff", "backoff"),
        (Restart::OnFailure, "completed", "backoff"),
        (Restart::Never, "completed", "failed"),
    ] {
        check(&with(service(), restart), "code 0", well);
        check(&with(service(), restart), "code 1", badly);
        check(&with(service(), restart), "signal 15", badly);
        // A job that ended well is done.
        check(&with(job(), restart), "code 0", "completed");
        check(&with(job(), restart), "code 1", badly);
    }
}

#[test]
fn what_cannot_be_started_at_first_is_given_up() {
    let mut machine = machine(&[("web", service())]);
    story(
        &mut machine,
        &[
            (0, "time", "start web 1", "starting"),
            (0, "not-started web 1 no such file", "", "failed"),
            (100, "restart web", "start web 2", "starting"),
            // It may be the machine's fault by now.
            (100, "not-started web 2 no memory", "", "backoff"),
        ],
    );
    assert_eq!(machine.services()["web"].why(), Some("no memory"));
}

#[test]
fn failures_count_after_the_start_period_and_in_a_row() {
    let mut machine = machine(&[("web", probed())]);
    story(&mut machine, &[(0, "time", "start web 1", "starting"), (0, "started web 1", "", "running")]);
    let mut seen = Vec::new();
    let mut at = 0;
    while machine.services()["web"].phase() == Phase::Running {
        at = u64::try_from(next(&machine).unwrap()).unwrap();
        seen.push(at);
        story(&mut machine, &[(at, "time", "probe web 1", "running")]);
        machine.step(Duration::from_millis(at), event("probed web 1 ill"));
    }
    // Eager in the start period, then every five seconds; three of those count.
    assert_eq!(seen[..6], [50, 150, 350, 750, 1_550, 2_550]);
    assert_eq!(seen[seen.len() - 3..], [10_550, 15_550, 20_550]);
    story(
        &mut machine,
        &[
            (at + 5_000, "time", "probe web 1", "unhealthy"),
            (at + 5_001, "probed web 1 well", "", "ready"),
            (at + 10_001, "time", "probe web 1", "ready"),
            (at + 10_001, "probed web 1 ill", "", "ready"),
            (at + 15_001, "time", "probe web 1", "ready"),
            (at + 15_001, "probed web 1 ill", "", "ready"),
            (at + 20_001, "time", "probe web 1", "ready"),
            (at + 20_001, "probed web 1 well", "", "ready"),
            (at + 25_001, "time", "probe web 1", "ready"),
            (at + 25_001, "probed web 1 ill", "", "ready"),
        ],
    );
}

#[test]
fn what_comes_late_counts_for_nothing() {
    let mut machine = machine(&[("web", probed())]);
    story(
        &mut machine,
        &[
            (0, "time", "start web 1", "starting"),
            (0, "started web 1", "", "running"),
            (50, "time", "probe web 1", "running"),
            (60, "ended web 1 code 1", "", "backoff"),
            (70, "probed web 1 well", "", "backoff"),
            (1_060, "time", "start web 2", "starting"),
            (1_060, "started web 2", "", "running"),
            (1_070, "ended web 1 code 1", "", "running"),
            (1_070, "probed web 1 well", "", "running"),
        ],
    );
}

#[test]
fn all_stop_those_first_that_need_others() {
    let mut machine = machine(&[
        ("api", needing(service(), &[("db", Condition::Started)])),
        ("db", service()),
        ("late", needing(service(), &[("never", Condition::Completed)])),
        ("never", Definition { restart: Restart::Never, ..job() }),
        ("web", needing(service(), &[("api", Condition::Started), ("db", Condition::Started)])),
    ]);
    story(
        &mut machine,
        &[
            (0, "time", "start db 1, start never 1", "waiting starting waiting starting waiting"),
            (1, "started db 1", "start api 1", "starting running waiting starting waiting"),
            (2, "started api 1", "start web 1", "running running waiting starting starting"),
            (3, "started web 1", "", "running running waiting starting running"),
            (4, "started never 1", "", "running running waiting running running"),
            (10, "stop", "stop never, stop web", "running running stopped stopping stopping"),
            (20, "ended web 1 code 0", "stop api", "stopping running stopped stopping stopped"),
            (30, "ended never 1 signal 15", "", "stopping running stopped stopped stopped"),
        ],
    );
    assert!(!machine.is_over());
    story(
        &mut machine,
        &[
            // The grace is over.
            (10_020, "time", "kill api", "stopping ready stopped stopped stopped"),
            (10_030, "ended api 1 signal 9", "stop db", "stopped stopping stopped stopped stopped"),
            (10_040, "kill", "kill db", "stopped stopping stopped stopped stopped"),
            (10_050, "ended db 1 signal 9", "", "stopped stopped stopped stopped stopped"),
        ],
    );
    assert!(machine.is_over());
    assert_eq!(next(&machine), None);
}

#[test]
fn an_end_while_all_stop_is_no_reason_to_start_again() {
    let mut machine =
        machine(&[("db", service()), ("web", needing(service(), &[("db", Condition::Started)]))]);
    story(
        &mut machine,
        &[
            (0, "time", "start db 1", "starting waiting"),
            (0, "started db 1", "start web 1", "running starting"),
            (0, "started web 1", "", "running running"),
            (10, "stop", "stop web", "running stopping"),
            (11, "ended db 1 code 1", "", "stopped stopping"),
            (12, "ended web 1 code 0", "", "stopped stopped"),
        ],
    );
}

#[test]
fn a_restart_stops_first_and_touches_nobody_else() {
    let mut machine = machine(&[("db", service()), ("web", needing(service(), &[("db", Condition::Ready)]))]);
    story(
        &mut machine,
        &[
            (0, "time", "start db 1", "starting waiting"),
            (0, "started db 1", "", "running waiting"),
            (500, "time", "start web 1", "ready starting"),
            (500, "started web 1", "", "ready running"),
            (1_000, "restart db", "stop db", "stopping ready"),
            (1_500, "restart db", "", "stopping ready"),
            (2_000, "ended db 1 code 0", "start db 2", "starting ready"),
            (2_000, "started db 2", "", "running ready"),
            // One that waits to be started again needs not wait.
            (2_100, "ended db 2 code 1", "", "backoff ready"),
            (2_200, "restart db", "start db 3", "starting ready"),
        ],
    );
}

#[test]
fn a_new_plan_touches_what_is_new_in_it() {
    let mut machine = machine(&[("gone", service()), ("kept", service()), ("old", service())]);
    story(
        &mut machine,
        &[
            (0, "time", "start gone 1, start kept 1, start old 1", "starting starting starting"),
            (0, "started gone 1", "", "running starting starting"),
            (0, "started kept 1", "", "running running starting"),
            (0, "started old 1", "", "running running running"),
            (500, "time", "", "ready ready ready"),
        ],
    );
    let services = defined(&[("kept", service()), ("new", service()), ("old", service())]);
    let define = Event::Define { services, changed: BTreeSet::from(["old".to_owned(), "new".to_owned()]) };
    let done = machine.step(SECOND, define);
    assert_eq!(shown(&done), "stop gone, stop old, start new 1");
    story(
        &mut machine,
        &[
            (1_100, "ended old 1 code 0", "start old 2", "stopping ready starting starting"),
            (1_200, "ended gone 1 code 0", "", "ready starting starting"),
        ],
    );
    assert_eq!(machine.services().keys().collect::<Vec<_>>(), ["kept", "new", "old"]);
}

#[test]
fn of_those_that_change_the_needing_stop_first() {
    let on = |name| needing(service(), &[(name, Condition::Ready)]);
    let mut machine =
        machine(&[("api", on("db")), ("db", service()), ("gone", on("api")), ("kept", on("db"))]);
    story(
        &mut machine,
        &[
            (0, "time", "start db 1", "waiting starting waiting waiting"),
            (0, "started db 1", "", "waiting running waiting waiting"),
            (500, "time", "start kept 1, start api 1", "starting ready waiting starting"),
            (500, "started api 1", "", "running ready waiting starting"),
            (500, "started kept 1", "", "running ready waiting running"),
            (1_000, "time", "start gone 1", "ready ready starting ready"),
            (1_000, "started gone 1", "", "ready ready running ready"),
        ],
    );
    let services = defined(&[("api", on("db")), ("db", service()), ("kept", on("db"))]);
    let changed = BTreeSet::from(["api".to_owned(), "db".to_owned()]);
    let done = machine.step(2 * SECOND, Event::Define { services, changed });
    assert_eq!(shown(&done), "stop gone");
    // One that is yet to be replaced is so also where the next plan says nothing new of it.
    let services = defined(&[("api", on("db")), ("db", service()), ("kept", on("db"))]);
    let done = machine.step(2 * SECOND, Event::Define { services, changed: BTreeSet::new() });
    assert_eq!(shown(&done), "");
    story(
        &mut machine,
        &[
            (2_100, "ended gone 1 code 0", "stop api", "stopping ready ready"),
            (2_200, "ended api 1 code 0", "stop db", "waiting stopping ready"),
            (2_300, "ended db 1 code 0", "start db 2", "waiting starting ready"),
            (2_300, "started db 2", "", "waiting running ready"),
            (2_800, "time", "start api 2", "starting ready ready"),
            (2_800, "started api 2", "", "running ready ready"),
        ],
    );
    // All are to stop now, and nothing comes back.
    let services = defined(&[("api", on("db")), ("db", service()), ("kept", on("db"))]);
    let changed = BTreeSet::from(["api".to_owned(), "db".to_owned()]);
    let done = machine.step(3 * SECOND, Event::Define { services, changed });
    assert_eq!(shown(&done), "stop api");
    story(
        &mut machine,
        &[
            (3_000, "stop", "stop kept", "stopping ready stopping"),
            (3_100, "ended kept 1 code 0", "", "stopping ready stopped"),
            (3_200, "ended api 2 code 0", "stop db", "stopped stopping stopped"),
            (3_300, "ended db 2 code 0", "", "stopped stopped stopped"),
        ],
    );
}
