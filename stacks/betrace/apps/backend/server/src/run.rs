//! Starts everything in order, and stops it in order.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Channel;

use crate::api::{self, ApiKey};
use crate::backend::Backend;
use crate::buffer::{Bounds, Buffer};
use crate::clock::{Clock, nanos};
use crate::config::{self, Config};
use crate::export::{self, Exporter};
use crate::failure::Failure;
use crate::metrics::{Counts, Metrics};
use crate::pipeline::{Parts, Pipeline};
use crate::rules::Rules;
use crate::signature::Key;
use crate::status::Services;
use crate::store::{self, Capacity, Store};
use crate::telemetry;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}")]
    Rules(String),
    #[error("can't use `{path}`: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't send to `{endpoint}`: {source}")]
    Endpoint { endpoint: String, source: tonic::transport::Error },
    #[error("can't send spans of its own: {0}")]
    Telemetry(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("can't describe its own services: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("can't start: {0}")]
    Runtime(io::Error),
    #[error("{0} violations could not be stored before the time to stop was over")]
    Lost(usize),
}

/// How long a trace that was judged is remembered, besides the time it waited.
const MEMORY: Duration = Duration::from_secs(60);
/// How much of the grace is kept for sending what was found at the end.
const SENDING: u32 = 3;

/// Runs until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// If it can't start, or could not store everything before it ended.
pub fn run(config: Config) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    let result = runtime.block_on(serve(config));
    // What still runs now only waits for others.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

async fn serve(config: Config) -> Result<(), Error> {
    let telemetry = telemetry::start(config.otlp_endpoint.as_deref(), &config.service_name)?;
    for name in &config.unknown {
        tracing::warn!(name, "this variable is not known, and does nothing");
    }
    let listening = listen(&config, config.http_port).await?;
    let listening_grpc = listen(&config, config.grpc_port).await?;
    let (stop, stopping) = watch::channel(false);
    // Told later than the others, when the last violations are stored.
    let (finish, finishing) = watch::channel(false);
    let parts = parts(&config)?;
    let (buffer, rules, store) =
        (Arc::clone(&parts.buffer), Arc::clone(&parts.rules), Arc::clone(&parts.store));
    let metrics = Arc::new(Metrics::new(&parts.counts, buffer, rules, store));

    let export = Arc::new(Mutex::new(export::State::Off));
    let exporting = match &config.otlp_endpoint {
        None => None,
        Some(endpoint) => {
            let exporter = Exporter {
                endpoint: endpoint.clone(),
                store: Arc::clone(&parts.store),
                counts: Arc::clone(&parts.counts),
                service_name: config.service_name.clone(),
                stored: Arc::clone(&parts.stored),
                state: Arc::clone(&export),
            };
            Some(tokio::spawn(exporter.run(channel(endpoint)?, finishing)))
        }
    };
    let services = Arc::new(Services::new(&config.services, Arc::clone(&parts.clock)));
    tokio::spawn(Arc::clone(&services).ask(stopping.clone()));

    let judges = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let backend = Arc::new(Backend {
        rules: Arc::clone(&parts.rules),
        store: Arc::clone(&parts.store),
        buffer: Arc::clone(&parts.buffer),
        clock: Arc::clone(&parts.clock),
        services,
        key: parts.key.clone(),
        export,
        data: config.data.clone(),
        started: Instant::now(),
        pipeline: Pipeline::start(parts, judges),
    });

    let key = ApiKey::new(config.api_key.clone().map(|key| key.0));
    let http = api::http::router(Arc::clone(&backend), metrics, key.clone());
    let (reporter, health) = tonic_health::server::health_reporter();
    let mut routes = Routes::builder();
    routes.add_service(health);
    api::grpc::routes(Arc::clone(&backend), key, &mut routes)?;
    let http = axum::serve(listening, http).with_graceful_shutdown(told(stopping.clone()));
    let http = tokio::spawn(http.into_future());
    let grpc = tonic::transport::Server::builder()
        .trace_fn(telemetry::request_span)
        .add_routes(routes.routes())
        .serve_with_incoming_shutdown(TcpListenerStream::new(listening_grpc), told(stopping.clone()));
    let grpc = tokio::spawn(grpc);
    let health = tokio::spawn(report_health(reporter, Arc::clone(&backend)));
    tracing::info!(http = config.http_port, grpc = config.grpc_port, "ready");

    signalled().await;
    tracing::info!("stopping: no more spans are taken, and what waits is judged");
    let deadline = Instant::now() + config.grace;
    // Requests under way end; connections that are only kept open don't hold it up.
    stop.send_replace(true);
    let requests = async { drop((http.await, grpc.await)) };
    drop(tokio::time::timeout(config.grace / SENDING, requests).await);
    health.abort();
    let lost = stop_pipeline(backend, deadline - config.grace / SENDING).await?;
    finish.send_replace(true);
    if let Some(exporting) = exporting {
        let left = deadline.saturating_duration_since(Instant::now());
        if tokio::time::timeout(left, exporting).await.is_err() {
            tracing::warn!(
                "not all violations could be sent; they are stored, and are sent after the next start"
            );
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    drop(tokio::time::timeout(left, tokio::task::spawn_blocking(|| telemetry.stop())).await);
    if lost > 0 { Err(Error::Lost(lost)) } else { Ok(()) }
}

fn parts(config: &Config) -> Result<Parts, Error> {
    let folder = &config.data;
    std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.clone(), source })?;
    let capacity = Capacity { violations: config.violations, bytes: config.store_bytes };
    let store = Arc::new(Store::open(folder, capacity)?);
    let key = match &config.signature_key {
        Some(key) => key.clone(),
        None => own_key(folder)?,
    };
    let last = store.index(store::Index::last_time);
    let rules = store.rules()?;
    let last = rules.iter().filter_map(|rule| rule.updated_at.as_ref().map(nanos)).fold(last, u64::max);
    let clock = Arc::new(Clock::system(last));
    let as_error = |failure: Failure| Error::Rules(failure.message);
    let rules = Arc::new(Rules::new(rules, Arc::clone(&store), Arc::clone(&clock)).map_err(as_error)?);
    let bounds = Bounds {
        silence: config.silence,
        max_age: config.max_age,
        memory: config.max_age.min(MEMORY) + config.silence,
        spans: config.buffer_spans,
        bytes: config.buffer_bytes,
    };
    Ok(Parts {
        buffer: Arc::new(Buffer::new(bounds, Instant::now())),
        rules,
        store,
        clock,
        counts: Arc::new(Counts::default()),
        key,
        own_name: config.service_name.clone(),
        stored: Arc::new(Notify::new()),
    })
}

/// The key in the data folder, made there the first time, for nobody else to read.
fn own_key(folder: &Path) -> Result<Key, Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let path = folder.join("signature.key");
    let failed = |source| Error::File { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) => match hex::decode(text.trim()) {
            Ok(bytes) if bytes.len() == 32 => return Ok(Key::unchecked(bytes)),
            _ => return Err(failed(io::Error::other("it is not 64 hexadecimal digits"))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| failed(io::Error::other(error.to_string())))?;
    // Whole or not at all, whenever the machine stops.
    let draft = folder.join(".signature.key");
    drop(std::fs::remove_file(&draft));
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    file.write_all(hex::encode(bytes).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&draft, &path).map_err(failed)?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    tracing::info!(path = %path.display(), "made a key to sign violations with");
    Ok(Key::unchecked(bytes.to_vec()))
}

async fn listen(config: &Config, port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(config.address, port);
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

fn channel(endpoint: &str) -> Result<Channel, Error> {
    let parsed = tonic::transport::Endpoint::from_shared(endpoint.to_owned());
    let parsed = parsed.map_err(|source| Error::Endpoint { endpoint: endpoint.to_owned(), source })?;
    Ok(parsed.connect_timeout(Duration::from_secs(3)).connect_lazy())
}

/// How many violations could not be stored until `deadline`.
async fn stop_pipeline(backend: Arc<Backend>, deadline: Instant) -> Result<usize, Error> {
    let grace = deadline.saturating_duration_since(Instant::now());
    let stopped = tokio::task::spawn_blocking(move || backend.pipeline.stop(grace)).await;
    stopped.map_err(|error| Error::Runtime(io::Error::other(error)))
}

/// The standard health of gRPC says what `/v1/ready` says.
async fn report_health(reporter: tonic_health::server::HealthReporter, backend: Arc<Backend>) {
    use crate::proto::health_check_response::Status;

    loop {
        let status = match backend.ready().status() {
            Status::Healthy => tonic_health::ServingStatus::Serving,
            _ => tonic_health::ServingStatus::NotServing,
        };
        for service in ["", "betrace.v1.RuleService", "betrace.v1.ViolationService", "betrace.v1.SpanService"]
        {
            reporter.set_service_status(service, status).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn told(mut stopping: watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};

    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        },
        // Without handlers the signals end the process themselves.
        _ => std::future::pending().await,
    }
}
