//! The example rules, and the traces that keep and break them, as if they had happened just now.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode};
use serde_json::Value;

use crate::Result;
use crate::api::{Api, Made};
use crate::otlp::{Connection, Receiver, of_service, text};

pub async fn send(api: &Api, receiver: &Receiver, folder: &Path) -> Result<()> {
    let listing = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> =
        listing.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        return Err(format!("{} holds no examples", folder.display()).into());
    }
    let mut connection = receiver.connect().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut now = u64::try_from(now)?;
    for path in files {
        let example: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let made = match api.create_rule(&example["rule"]).await? {
            Made::New => "made",
            Made::Before => "was there",
        };
        for kind in ["keeps", "breaks"] {
            let spans = example[kind].as_array().map(Vec::as_slice).unwrap_or_default();
            // So that no two traces have one id.
            now += 1;
            let trace_id = u128::from(now) << 64 | u128::from(now.reverse_bits());
            send_trace(&mut connection, trace_id, now, spans)
                .await
                .map_err(|error| format!("{}: {error}", path.display()))?;
            println!(
                "{}: {made}; a trace that {kind} it: {trace_id:032x}",
                example["rule"]["id"].as_str().unwrap_or_default()
            );
        }
    }
    Ok(())
}

/// The trace as it is written, but with another id, and ended at `now`.
async fn send_trace(connection: &mut Connection, trace_id: u128, now: u64, spans: &[Value]) -> Result<()> {
    let end = spans.iter().filter_map(|span| nanos(&span["endTime"])).max().unwrap_or(0);
    let mut services: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for span in spans {
        let at = |time: &Value| now.saturating_sub(end.saturating_sub(nanos(time).unwrap_or(end)));
        let id = |field: &str| hex(span[field].as_str().unwrap_or_default());
        let attributes = span["attributes"].as_object();
        let code = match span["status"].as_str() {
            Some("OK") => StatusCode::Ok,
            Some("ERROR") => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        let kind = format!("SPAN_KIND_{}", span["kind"].as_str().unwrap_or("INTERNAL"));
        services.entry(span["serviceName"].as_str().unwrap_or("example")).or_default().push(Span {
            trace_id: trace_id.to_be_bytes().to_vec(),
            span_id: id("spanId"),
            parent_span_id: id("parentSpanId"),
            name: span["name"].as_str().unwrap_or_default().to_owned(),
            kind: SpanKind::from_str_name(&kind).unwrap_or(SpanKind::Internal).into(),
            start_time_unix_nano: at(&span["startTime"]),
            end_time_unix_nano: at(&span["endTime"]),
            attributes: attributes
                .into_iter()
                .flatten()
                .map(|(key, value)| text(key, value.as_str().unwrap_or_default()))
                .collect(),
            status: Some(Status { code: code.into(), ..Default::default() }),
            ..Default::default()
        });
    }
    let rejected =
        connection.send(services.into_iter().map(|(name, spans)| of_service(name, spans)).collect()).await?;
    if rejected > 0 { Err(format!("{rejected} of its spans were rejected").into()) } else { Ok(()) }
}

fn nanos(time: &Value) -> Option<u64> {
    time.as_u64().or_else(|| time.as_str()?.parse().ok())
}

/// The bytes of hexadecimal digits; the examples' own tests see to it that they are some.
fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
