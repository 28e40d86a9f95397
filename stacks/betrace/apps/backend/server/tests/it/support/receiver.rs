use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

use super::{eventually, free_port};

/// Takes what the backend sends, as Tempo does.
pub struct Receiver {
    pub port: u16,
    inbox: Inbox,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Inbox {
    spans: Arc<Mutex<Vec<Span>>>,
    refusing: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl TraceService for Inbox {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        if self.refusing.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Status::unavailable("not now"));
        }
        let groups = request.into_inner().resource_spans.into_iter().flat_map(|group| group.scope_spans);
        self.spans.lock().extend(groups.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    pub fn start() -> Self {
        Self::start_on(free_port())
    }

    pub fn start_on(port: u16) -> Self {
        let inbox = Inbox::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = TraceServiceServer::new(inbox.clone());
        let thread = std::thread::spawn(move || {
            // Its own runtime, so that its connections end with it.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let server = tonic::transport::Server::builder().add_service(service);
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            runtime.block_on(async {
                tokio::select! {
                    served = server.serve(address) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        eventually("the receiver listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self { port, inbox, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn refuse(&self, refuse: bool) {
        self.inbox.refusing.store(refuse, Ordering::SeqCst);
    }

    pub fn refused(&self) -> usize {
        self.inbox.refused.load(Ordering::SeqCst)
    }

    /// The violations that came so far.
    pub fn violations(&self) -> Vec<Span> {
        let spans = self.inbox.spans.lock();
        spans.iter().filter(|span| span.name == "betrace.violation").cloned().collect()
    }

    pub fn wait(&self, count: usize) -> Vec<Span> {
        eventually(&format!("{count} violations at the receiver"), || {
            Some(self.violations()).filter(|violations| violations.len() >= count)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        drop(self.thread.take().map(|thread| thread.join()));
    }
}

/// An attribute of a span as text.
pub fn attribute_text(span: &Span, key: &str) -> String {
    let value = span.attributes.iter().find(|attribute| attribute.key == key);
    match value.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}
