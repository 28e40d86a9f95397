//! The interface over gRPC.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::service::RoutesBuilder;
use tonic::{Code, Request, Response, Status};

use super::ApiKey;
use crate::backend::Backend;
use crate::failure::Failure;
use crate::limits;
use crate::proto::health_service_server::{HealthService, HealthServiceServer};
use crate::proto::rule_service_server::{RuleService, RuleServiceServer};
use crate::proto::span_service_server::{SpanService, SpanServiceServer};
use crate::proto::violation_service_server::{ViolationService, ViolationServiceServer};
use crate::proto::{self, DESCRIPTORS};
use crate::rules;

#[derive(Clone)]
struct Api {
    backend: Arc<Backend>,
    key: ApiKey,
}

/// Every service but the standard health, which is told what to say.
///
/// # Errors
/// If the descriptors that were built in are none.
pub fn routes(
    backend: Arc<Backend>,
    key: ApiKey,
    builder: &mut RoutesBuilder,
) -> Result<(), tonic_reflection::server::Error> {
    let api = Api { backend, key };
    builder
        .add_service(RuleServiceServer::new(api.clone()))
        .add_service(ViolationServiceServer::new(api.clone()))
        .add_service(HealthServiceServer::new(api.clone()))
        .add_service(SpanServiceServer::new(api.clone()).max_decoding_message_size(limits::REQUEST_BYTES))
        .add_service(
            TraceServiceServer::new(api)
                .max_decoding_message_size(limits::REQUEST_BYTES)
                .accept_compressed(CompressionEncoding::Gzip)
                .send_compressed(CompressionEncoding::Gzip),
        );
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    builder.add_service(reflection().build_v1()?);
    // Clients of some age ask for the older one only.
    builder.add_service(reflection().build_v1alpha()?);
    Ok(())
}

type Answer<T> = Result<Response<T>, Status>;

impl Api {
    fn may_write<T>(&self, request: &Request<T>) -> Result<(), Failure> {
        self.key.check(|name| request.metadata().get(name).and_then(|value| value.to_str().ok()))
    }

    /// Work that reads or writes files.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Backend) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<T> {
        let backend = Arc::clone(&self.backend);
        let failed = |_| Failure::new(Code::Internal, "the request could not be worked on");
        let done = tokio::task::spawn_blocking(move || work(&backend)).await.map_err(failed)?;
        Ok(Response::new(done?))
    }
}

#[tonic::async_trait]
impl RuleService for Api {
    async fn list_rules(
        &self,
        request: Request<proto::ListRulesRequest>,
    ) -> Answer<proto::ListRulesResponse> {
        Ok(Response::new(self.backend.rules.list(request.get_ref())?))
    }

    async fn get_rule(&self, request: Request<proto::GetRuleRequest>) -> Answer<proto::Rule> {
        Ok(Response::new(self.backend.rules.get(&request.get_ref().id)?))
    }

    async fn create_rule(&self, request: Request<proto::CreateRuleRequest>) -> Answer<proto::Rule> {
        self.may_write(&request)?;
        self.blocking(|backend| backend.rules.create(request.into_inner())).await
    }

    async fn update_rule(&self, request: Request<proto::UpdateRuleRequest>) -> Answer<proto::Rule> {
        self.may_write(&request)?;
        self.blocking(|backend| backend.rules.update(request.into_inner())).await
    }

    async fn delete_rule(
        &self,
        request: Request<proto::DeleteRuleRequest>,
    ) -> Answer<proto::DeleteRuleResponse> {
        self.may_write(&request)?;
        self.blocking(move |backend| {
            backend.rules.delete(&request.get_ref().id)?;
            Ok(proto::DeleteRuleResponse { success: true })
        })
        .await
    }

    async fn enable_rule(&self, request: Request<proto::EnableRuleRequest>) -> Answer<proto::Rule> {
        self.may_write(&request)?;
        self.blocking(move |backend| backend.rules.enable(&request.get_ref().id)).await
    }

    async fn disable_rule(&self, request: Request<proto::DisableRuleRequest>) -> Answer<proto::Rule> {
        self.may_write(&request)?;
        self.blocking(move |backend| backend.rules.disable(&request.get_ref().id)).await
    }

    async fn validate_rule(
        &self,
        request: Request<proto::ValidateRuleRequest>,
    ) -> Answer<proto::ValidateRuleResponse> {
        Ok(Response::new(rules::validate(&request.get_ref().expression)))
    }
}

#[tonic::async_trait]
impl ViolationService for Api {
    async fn list_violations(
        &self,
        request: Request<proto::ListViolationsRequest>,
    ) -> Answer<proto::ListViolationsResponse> {
        self.blocking(move |backend| backend.violations(request.get_ref())).await
    }

    async fn get_violation(&self, request: Request<proto::GetViolationRequest>) -> Answer<proto::Violation> {
        self.blocking(move |backend| backend.violation(&request.get_ref().id)).await
    }

    async fn get_violation_stats(
        &self,
        request: Request<proto::GetViolationStatsRequest>,
    ) -> Answer<proto::ViolationStats> {
        self.blocking(move |backend| backend.stats(request.get_ref())).await
    }

    async fn get_trace(&self, request: Request<proto::GetTraceRequest>) -> Answer<proto::Trace> {
        self.blocking(move |backend| backend.trace(&request.get_ref().trace_id)).await
    }
}

#[tonic::async_trait]
impl HealthService for Api {
    async fn check(&self, _: Request<proto::HealthCheckRequest>) -> Answer<proto::HealthCheckResponse> {
        Ok(Response::new(self.backend.health()))
    }

    async fn ready(&self, _: Request<proto::HealthCheckRequest>) -> Answer<proto::HealthCheckResponse> {
        self.blocking(|backend| Ok(backend.ready())).await
    }

    async fn get_status(&self, _: Request<proto::GetStatusRequest>) -> Answer<proto::StackStatus> {
        self.blocking(|backend| Ok(backend.status())).await
    }
}

#[tonic::async_trait]
impl SpanService for Api {
    async fn ingest_spans(
        &self,
        request: Request<proto::IngestSpansRequest>,
    ) -> Answer<proto::IngestSpansResponse> {
        self.may_write(&request)?;
        Ok(Response::new(self.backend.ingest(request.into_inner())?))
    }
}

#[tonic::async_trait]
impl TraceService for Api {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Answer<ExportTraceServiceResponse> {
        self.may_write(&request)?;
        Ok(Response::new(self.backend.export(request.into_inner())?))
    }
}
