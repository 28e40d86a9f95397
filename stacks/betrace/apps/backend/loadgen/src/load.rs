//! As many traces as asked, or as many as are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span::SpanKind};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::Result;
use crate::api::Api;
use crate::otlp::{Connection, Receiver, number, of_service, text};

#[derive(Args)]
pub struct Load {
    /// For how long.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Spans a second in all; 0 for as many as are taken.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    #[arg(long, default_value_t = 10)]
    spans_per_trace: u64,
    #[arg(long, default_value_t = 100)]
    traces_per_request: u64,
    #[arg(long, default_value_t = 2)]
    connections: u64,
    /// Rules that are made before: `load-0`, `load-1` and so on.
    #[arg(long, default_value_t = 100)]
    rules: u64,
    /// One trace in so many breaks a rule; 0 for none.
    #[arg(long, default_value_t = 1000)]
    violating: u64,
}

#[derive(Default)]
struct Sent {
    spans: AtomicU64,
    rejected: AtomicU64,
    refused: AtomicU64,
    next_trace: AtomicU64,
    times: Mutex<Vec<Duration>>,
}

pub async fn run(api: &Api, receiver: &Receiver, load: Load) -> Result<()> {
    if load.spans_per_trace == 0 || load.traces_per_request == 0 || load.connections == 0 {
        return Err("--spans-per-trace, --traces-per-request and --connections must be at least 1".into());
    }
    for nth in 0..load.rules {
        api.create_rule(&rule(nth)).await?;
    }
    // The first half of every trace's id, so that no two runs have the same.
    let run = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?;
    let (load, sent) = (Arc::new(load), Arc::new(Sent::default()));
    let start = Instant::now();
    let until = start + Duration::from_secs(load.seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections {
        let connection = receiver.connect().await?;
        tasks.spawn(send_until(connection, Arc::clone(&load), Arc::clone(&sent), run, start, until));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    report(&sent, start.elapsed()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    report_backend(&api.get("/metrics").await?);
    Ok(())
}

/// What the backend itself has counted since it started.
fn report_backend(metrics: &str) {
    let value =
        |line: &str| line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0);
    let named = |name: &str| metrics.lines().find(|line| line.starts_with(name)).map_or(0.0, value);
    let judged = named("betrace_verdict_seconds_count");
    let mut buckets = metrics.lines().filter(|line| line.starts_with("betrace_verdict_seconds_bucket"));
    let bound = buckets
        .find(|line| value(line) >= judged * 0.99)
        .and_then(|line| line.split('"').nth(1))
        .unwrap_or("?");
    println!("{judged} traces judged, 99 of 100 within {bound} s of their last span");
    for line in metrics.lines().filter(|line| line.starts_with("betrace_spans_dropped_total")) {
        println!("{line}");
    }
}

async fn send_until(
    mut connection: Connection,
    load: Arc<Load>,
    sent: Arc<Sent>,
    run: u64,
    start: Instant,
    until: Instant,
) -> Result<()> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let first = sent.next_trace.fetch_add(load.traces_per_request, Ordering::Relaxed);
        if load.rate > 0 {
            let due = (first * load.spans_per_trace) as f64 / load.rate as f64;
            tokio::time::sleep_until((start + Duration::from_secs_f64(due)).into()).await;
        }
        let batch = batch(&load, run, first);
        let spans = load.traces_per_request * load.spans_per_trace;
        let begin = Instant::now();
        match connection.send(batch).await {
            Ok(rejected) => {
                sent.spans.fetch_add(spans, Ordering::Relaxed);
                sent.rejected.fetch_add(rejected.unsigned_abs(), Ordering::Relaxed);
                times.push(begin.elapsed());
            }
            Err(status) if status.code() == tonic::Code::Unavailable => {
                sent.refused.fetch_add(spans, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(status) => return Err(format!("a request failed: {status}").into()),
        }
    }
    sent.times.lock().await.append(&mut times);
    Ok(())
}

async fn report(sent: &Sent, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    let (spans, rejected) = (sent.spans.load(Ordering::Relaxed), sent.rejected.load(Ordering::Relaxed));
    let mut times = sent.times.lock().await;
    times.sort_unstable();
    let quantile =
        |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!("{spans} spans taken in {seconds:.1} s: {:.0} spans/s", spans as f64 / seconds);
    println!("{rejected} rejected, {} refused for lack of room", sent.refused.load(Ordering::Relaxed));
    println!(
        "a request took {:.1} ms (median), {:.1} ms (99 of 100)",
        millis(quantile(50)),
        millis(quantile(99))
    );
}

/// Rules of several forms; `shop.checkout` is in every trace, so that all of them are judged.
fn rule(nth: u64) -> serde_json::Value {
    let expression = match nth % 4 {
        0 => format!(
            "when {{ shop.checkout.where(amount > {nth}) }} always {{ payment.charge }} never {{ fraud.override }}"
        ),
        1 => format!("when {{ count(db.query) > 0 }} always {{ count(db.query) <= {} }}", 20 + nth),
        2 => format!(
            "when {{ payment.charge.where(currency == \"EUR\") }} never {{ payment.charge.where(retries > {}) }}",
            5 + nth
        ),
        _ => format!(
            "when {{ shop.checkout and not step-{nth} }} never {{ db.query.where(table matches \"^secret_{nth}$\") }}"
        ),
    };
    json!({ "id": format!("load-{nth}"), "name": format!("Load {nth}"), "severity": "LOW", "expression": expression })
}

fn batch(load: &Load, run: u64, first: u64) -> Vec<ResourceSpans> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let mut spans =
        Vec::with_capacity(usize::try_from(load.traces_per_request * load.spans_per_trace).unwrap_or(0));
    for nth in first..first + load.traces_per_request {
        // Spread over all bits, as an SDK's random ids are.
        let low = nth.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let trace_id = u128::from(run) << 64 | u128::from(low);
        let violates = load.violating > 0 && nth % load.violating == 0;
        spans.extend((0..load.spans_per_trace).map(|span| one(trace_id, span, violates, now)));
    }
    vec![of_service("shop", spans)]
}

fn one(trace_id: u128, nth: u64, violates: bool, now: u64) -> Span {
    let (name, attributes) = match nth {
        0 => ("shop.checkout", vec![number("amount", 120), text("customer.tier", "gold")]),
        1 => (
            "payment.charge",
            vec![text("currency", "EUR"), number("retries", if violates { 1000 } else { 1 })],
        ),
        _ => ("db.query", vec![text("table", "orders"), text("db.system", "postgresql"), number("rows", 12)]),
    };
    Span {
        trace_id: trace_id.to_be_bytes().to_vec(),
        span_id: (nth + 1).to_be_bytes().to_vec(),
        parent_span_id: if nth == 0 { Vec::new() } else { 1u64.to_be_bytes().to_vec() },
        name: name.to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: now + nth,
        end_time_unix_nano: now + nth + 1_000_000,
        attributes,
        ..Default::default()
    }
}
