//! What users see of the backend: the program itself, started with files and ports of its own, spoken to from outside.

mod damage;
mod disk;
mod end_to_end;
mod exporting;
mod grpc;
mod judging;
mod keys;
mod metrics;
mod otlp;
mod rules;
mod starting;
mod status;
mod stopping;
mod support;
mod violations;
