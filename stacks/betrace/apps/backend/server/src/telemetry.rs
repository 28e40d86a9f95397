//! The backend's own logs, as JSON lines, and its own spans, sent by OTLP.

use axum::extract::MatchedPath;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The target of the spans that are sent; everything else is only logged.
pub const SENT: &str = "betrace";

/// What must be flushed before the process ends.
pub struct Telemetry(Option<SdkTracerProvider>);

/// Logs go to standard error from now on, spans to `endpoint` where there is one. Needs a runtime of tokio.
///
/// # Errors
/// If there is no client for such an endpoint.
pub fn start(
    endpoint: Option<&str>,
    service_name: &str,
) -> Result<Telemetry, opentelemetry_otlp::ExporterBuildError> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let logs = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    let provider = endpoint.map(|endpoint| provider(endpoint, service_name)).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        let only_ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == SENT);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("betrace")).with_filter(only_ours)
    });
    tracing_subscriber::registry().with(logs.with_filter(filter)).with(spans).init();
    Ok(Telemetry(provider))
}

fn provider(
    endpoint: &str,
    service_name: &str,
) -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let resource = Resource::builder().with_service_name(service_name.to_owned()).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_resource(resource)
        .build())
}

/// The span of a request. None for what comes in by the thousand, or only to see whether the backend lives: spans of the
/// backend's own for each batch of spans would come back as a batch of spans.
pub fn request_span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let path = request.uri().path();
    let quiet = ["/v1/spans", "/v1/traces", "/v1/ready", "/metrics"].contains(&path)
        || ["/health", "/Export", "/IngestSpans", "/Check", "/Watch", "/Ready"]
            .iter()
            .any(|end| path.ends_with(end));
    if quiet {
        return tracing::Span::none();
    }
    // The route, not the path: a name for each rule would be a name too many.
    let route = request.extensions().get::<MatchedPath>().map_or(path, MatchedPath::as_str);
    let name = format!("{} {route}", request.method());
    tracing::info_span!(target: SENT, "request", otel.name = name, otel.kind = "server", http.request.method = %request.method(), url.path = path)
}

impl Telemetry {
    /// Sends what is left. Blocks.
    pub fn stop(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last of the backend's own spans could not be sent");
        }
    }
}
