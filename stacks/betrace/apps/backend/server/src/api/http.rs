//! The interface over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::Code;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::trace::TraceLayer;

use super::{ApiKey, body, query};
use crate::backend::Backend;
use crate::failure::Failure;
use crate::ingest::json;
use crate::limits;
use crate::metrics::Metrics;
use crate::proto;
use crate::rules;
use crate::telemetry;

#[derive(Clone)]
struct App {
    backend: Arc<Backend>,
    metrics: Arc<Metrics>,
    key: ApiKey,
}

pub fn router(backend: Arc<Backend>, metrics: Arc<Metrics>, key: ApiKey) -> Router {
    let app = App { backend, metrics, key };
    let rules = Router::new()
        .route("/", get(list_rules).post(create_rule))
        .route("/validate", post(validate_rule))
        .route("/{id}", get(get_rule).put(update_rule).delete(delete_rule))
        .route("/{id}/enable", post(enable_rule))
        .route("/{id}/disable", post(disable_rule));
    let violations = Router::new()
        .route("/", get(list_violations))
        .route("/stats", get(violation_stats))
        .route("/{id}", get(get_violation));
    Router::new()
        .route("/health", get(health))
        .route("/v1/health", get(health))
        .route("/v1/ready", get(ready))
        .route("/v1/status", get(status))
        .route("/metrics", get(metrics_text))
        .nest("/v1/rules", rules.clone())
        .nest("/api/rules", rules.clone())
        .nest("/api/v1/rules", rules)
        .nest("/v1/violations", violations.clone())
        .nest("/api/violations", violations)
        .route("/v1/spans", post(ingest))
        .route("/v1/traces", post(export))
        .route("/v1/traces/{id}", get(get_trace))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), check_key))
        .layer(RequestDecompressionLayer::new())
        .layer(middleware::from_fn(body::read_whole))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(telemetry::request_span))
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES))
        .with_state(app)
}

type Answer<T> = Result<Json<T>, Failure>;

async fn check_key(State(app): State<App>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // It is asked with POST for its length, and changes nothing.
    if !reads && !request.uri().path().ends_with("/rules/validate") {
        let headers = request.headers();
        let checked = app.key.check(|name| headers.get(name).and_then(|value| value.to_str().ok()));
        if let Err(failure) = checked {
            return failure_as_asked(request.uri(), headers, failure);
        }
    }
    next.run(request).await
}

async fn health(State(app): State<App>) -> Json<proto::HealthCheckResponse> {
    Json(app.backend.health())
}

async fn ready(State(app): State<App>) -> Result<Response, Failure> {
    let backend = app.backend;
    let ready = blocking(move || Ok(backend.ready())).await?;
    let status = match ready.status() {
        proto::health_check_response::Status::Healthy => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, Json(ready)).into_response())
}

async fn status(State(app): State<App>) -> Answer<proto::StackStatus> {
    blocking(move || Ok(Json(app.backend.status()))).await
}

async fn metrics_text(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response()
}

async fn list_rules(State(app): State<App>, RawQuery(text): RawQuery) -> Answer<proto::ListRulesResponse> {
    app.backend.rules.list(&query::read(&text.unwrap_or_default())?).map(Json)
}

async fn get_rule(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::Rule> {
    app.backend.rules.get(&id).map(Json)
}

async fn create_rule(
    State(app): State<App>,
    Json(request): Json<proto::CreateRuleRequest>,
) -> Result<Response, Failure> {
    let rule = match blocking(move || app.backend.rules.create(request)).await {
        // Not the request is too large: there are too many rules.
        Err(failure) if failure.code == Code::ResourceExhausted => {
            return Ok((StatusCode::TOO_MANY_REQUESTS, Json(failure)).into_response());
        }
        created => created?,
    };
    let location = HeaderValue::from_str(&format!("/v1/rules/{}", rule.id));
    let mut response = (StatusCode::CREATED, Json(rule)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn update_rule(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(mut request): Json<proto::UpdateRuleRequest>,
) -> Answer<proto::Rule> {
    if !request.id.is_empty() && request.id != id {
        return Err(Failure::field("id", format!("is `{}`, and `{id}` in the path", request.id)));
    }
    request.id = id;
    blocking(move || app.backend.rules.update(request).map(Json)).await
}

async fn delete_rule(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::DeleteRuleResponse> {
    blocking(move || app.backend.rules.delete(&id)).await?;
    Ok(Json(proto::DeleteRuleResponse { success: true }))
}

async fn enable_rule(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::Rule> {
    blocking(move || app.backend.rules.enable(&id).map(Json)).await
}

async fn disable_rule(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::Rule> {
    blocking(move || app.backend.rules.disable(&id).map(Json)).await
}

async fn validate_rule(Json(request): Json<proto::ValidateRuleRequest>) -> Json<proto::ValidateRuleResponse> {
    Json(rules::validate(&request.expression))
}

async fn list_violations(
    State(app): State<App>,
    RawQuery(text): RawQuery,
) -> Answer<proto::ListViolationsResponse> {
    let request = query::read(&text.unwrap_or_default())?;
    blocking(move || app.backend.violations(&request).map(Json)).await
}

async fn violation_stats(State(app): State<App>, RawQuery(text): RawQuery) -> Answer<proto::ViolationStats> {
    let request = query::read(&text.unwrap_or_default())?;
    blocking(move || app.backend.stats(&request).map(Json)).await
}

async fn get_violation(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::Violation> {
    blocking(move || app.backend.violation(&id).map(Json)).await
}

async fn get_trace(State(app): State<App>, Path(id): Path<String>) -> Answer<proto::Trace> {
    blocking(move || app.backend.trace(&id).map(Json)).await
}

async fn ingest(
    State(app): State<App>,
    Json(request): Json<proto::IngestSpansRequest>,
) -> Answer<proto::IngestSpansResponse> {
    app.backend.ingest(request).map(Json)
}

/// OTLP over HTTP: what is answered, failures too, is in the form of what was asked.
/// <https://opentelemetry.io/docs/specs/otlp/#otlphttp>
async fn export(State(app): State<App>, headers: HeaderMap, request: Request<Body>) -> Response {
    match content_type(&headers) {
        "application/json" => {
            let answer =
                export_as(&app, request, |bytes| json::read(bytes).map_err(|error| error.to_string()));
            match answer.await {
                Ok(answer) => Json(json::write(&answer)).into_response(),
                Err(failure) => failure.into_response(),
            }
        }
        PROTOBUF => {
            let answer = export_as(&app, request, |bytes| {
                ExportTraceServiceRequest::decode(bytes).map_err(|error| error.to_string())
            });
            match answer.await {
                Ok(answer) => ([(header::CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response(),
                Err(failure) => failure_as_protobuf(failure),
            }
        }
        other => {
            let message = format!("`{other}` is neither application/x-protobuf nor application/json");
            let failure = Failure::new(Code::InvalidArgument, message);
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, Json(failure)).into_response()
        }
    }
}

const PROTOBUF: &str = "application/x-protobuf";

fn content_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

async fn export_as(
    app: &App,
    request: Request<Body>,
    read: impl FnOnce(&[u8]) -> Result<ExportTraceServiceRequest, String>,
) -> Result<opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse, Failure> {
    let bytes = body(request).await?;
    let request = read(&bytes)
        .map_err(|error| Failure::new(Code::InvalidArgument, format!("the body can't be read: {error}")))?;
    app.backend.export(request)
}

/// A failure in the form of what was asked, which for OTLP may be protobuf.
pub fn failure_as_asked(uri: &Uri, headers: &HeaderMap, failure: Failure) -> Response {
    match uri.path() == "/v1/traces" && content_type(headers) == PROTOBUF {
        true => failure_as_protobuf(failure),
        false => failure.into_response(),
    }
}

/// The same status and headers as any failure, its body as protobuf.
fn failure_as_protobuf(failure: Failure) -> Response {
    let body = rpc_status(&failure);
    let (mut head, _) = failure.into_response().into_parts();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
    Response::from_parts(head, Body::from(body))
}

/// `google.rpc.Status` as protobuf, which OTLP has failures in.
fn rpc_status(failure: &Failure) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }
    Status { code: i32::from(failure.code), message: failure.message.clone() }.encode_to_vec()
}

async fn no_such_path(uri: Uri) -> Failure {
    Failure::new(Code::NotFound, format!("there is nothing at `{}`", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    let failure = Failure::new(Code::InvalidArgument, format!("`{}` does not take {method}", uri.path()));
    (StatusCode::METHOD_NOT_ALLOWED, Json(failure)).into_response()
}

/// Work that reads or writes files.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let failed = |_| Failure::new(Code::Internal, "the request could not be worked on");
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

async fn body(request: Request<Body>) -> Result<Bytes, Failure> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => body::too_large(),
        _ => {
            Failure::new(Code::InvalidArgument, format!("the body can't be read: {}", rejection.body_text()))
        }
    })
}

/// A message as JSON, in and out.
struct Json<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Failure> {
        let bytes = body(request).await?;
        // Nothing at all is a message without fields.
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Failure::new(Code::InvalidArgument, format!("the body can't be read: {error}")))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer can't be written as JSON");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (http_status(self.code), Json(&self)).into_response();
        if self.code == Code::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn http_status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
