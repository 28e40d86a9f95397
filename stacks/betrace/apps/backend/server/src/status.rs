//! What the other services of the stack answer when they are asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Uri;
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::{Clock, timestamp};
use crate::proto::{ServiceStatus, service_status::State};

const EVERY: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(3);

pub struct Services {
    clock: Arc<Clock>,
    known: Mutex<BTreeMap<String, ServiceStatus>>,
}

impl Services {
    pub fn new(urls: &BTreeMap<String, String>, clock: Arc<Clock>) -> Self {
        let known = urls.iter().map(|(name, url)| {
            let unasked = ServiceStatus { name: name.clone(), url: url.clone(), ..ServiceStatus::default() };
            (name.clone(), unasked)
        });
        Self { clock, known: Mutex::new(known.collect()) }
    }

    /// By name, as they answered when they were last asked.
    pub fn all(&self) -> Vec<ServiceStatus> {
        self.known.lock().values().cloned().collect()
    }

    /// Asks all of them every few seconds until it is told to stop.
    pub async fn ask(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = stopping.changed() => return,
            }
            let mut asked = tokio::task::JoinSet::new();
            for status in self.all() {
                let (client, services) = (client.clone(), Arc::clone(&self));
                asked.spawn(async move {
                    let start = Instant::now();
                    let answer = match status.url.parse::<Uri>() {
                        Ok(uri) => tokio::time::timeout(TIMEOUT, client.get(uri)).await,
                        Err(error) => return services.note(status, Err(error.to_string()), start),
                    };
                    let result = match answer {
                        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
                        Ok(Err(error)) => Err(innermost(&error)),
                        Ok(Ok(response)) if response.status().is_success() => Ok(()),
                        Ok(Ok(response)) => Err(format!("it answered {}", response.status())),
                    };
                    services.note(status, result, start);
                });
            }
            while asked.join_next().await.is_some() {}
        }
    }

    fn note(&self, mut status: ServiceStatus, result: Result<(), String>, start: Instant) {
        status.checked_at = Some(timestamp(self.clock.now()));
        status.latency_ms = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
        status.set_state(if result.is_ok() { State::Up } else { State::Down });
        status.message = result.err().unwrap_or_default();
        self.known.lock().insert(status.name.clone(), status);
    }
}

/// The error that says most: a client's own words are only that it could not connect.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
