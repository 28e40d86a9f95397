//! Sends spans by OTLP over gRPC.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};

use crate::Result;

pub struct Receiver {
    pub url: String,
    pub key: Option<String>,
}

#[derive(Clone)]
pub struct Connection {
    client: TraceServiceClient<Channel>,
    key: Option<AsciiMetadataValue>,
}

impl Receiver {
    pub async fn connect(&self) -> Result<Connection> {
        let channel = Endpoint::from_shared(self.url.clone())?.connect().await;
        let channel =
            channel.map_err(|error| format!("{} takes no connection: {error}; see --otlp", self.url))?;
        let key = self.key.as_deref().map(str::parse).transpose()?;
        Ok(Connection { client: TraceServiceClient::new(channel), key })
    }
}

impl Connection {
    /// Returns how many of the spans were rejected.
    pub async fn send(
        &mut self,
        resource_spans: Vec<ResourceSpans>,
    ) -> std::result::Result<i64, tonic::Status> {
        let mut request = tonic::Request::new(ExportTraceServiceRequest { resource_spans });
        if let Some(key) = &self.key {
            request.metadata_mut().insert("x-api-key", key.clone());
        }
        let answer = self.client.export(request).await?.into_inner();
        Ok(answer.partial_success.map_or(0, |partial| partial.rejected_spans))
    }
}

/// The spans of one service.
pub fn of_service(name: &str, spans: Vec<Span>) -> ResourceSpans {
    let resource = Resource { attributes: vec![text("service.name", name)], ..Default::default() };
    ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans { spans, ..Default::default() }],
        ..Default::default()
    }
}

pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

pub fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
