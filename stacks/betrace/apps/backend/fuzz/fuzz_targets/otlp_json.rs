//! Any bytes are an error, or a request whose spans are within the limits, each taken or rejected.
#![no_main]

use betrace_backend::ingest::{json, otlp};
use betrace_backend::limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = json::read(bytes) else { return };
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let sent: usize = scopes.map(|scope| scope.spans.len()).sum();
    let Ok(taken) = otlp::take(request) else {
        assert!(sent > limits::REQUEST_SPANS);
        return;
    };
    assert_eq!(taken.spans.len() + taken.rejected, sent);
    for span in &taken.spans {
        assert!(!span.name.is_empty() && span.name.len() <= limits::SPAN_NAME_BYTES);
        assert!(span.attributes.len() <= limits::SPAN_ATTRIBUTES && span.start <= span.end);
        assert!(span.attributes.iter().all(|(key, _)| key.len() <= limits::KEY_BYTES));
    }
    let answer = json::write(&otlp::answer(&taken));
    assert_eq!(answer.as_object().is_some_and(|it| it.is_empty()), taken.rejected == 0);
});
