//! Why a request is not answered as it wished; over HTTP and gRPC alike.

use serde::Serialize;
use tonic::Code;

use crate::store;

#[derive(Debug, Serialize)]
pub struct Failure {
    #[serde(serialize_with = "number")]
    pub code: Code,
    pub message: String,
    pub details: Vec<Detail>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    pub field: String,
    pub description: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where in an expression something is wrong; lines and columns from 1.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    pub hint: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} `{id}`"))
    }

    /// A field of the request that can't be what it is.
    pub fn field(field: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        let message = format!("`{field}` {description}");
        let detail = Detail { field: field.to_owned(), description, place: None };
        Self { code: Code::InvalidArgument, message, details: vec![detail] }
    }
}

impl From<store::Error> for Failure {
    /// The path stays in the log: it is nobody's business outside.
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            store::Error::Damaged { .. } | store::Error::Record { .. } => {
                Self::new(Code::Internal, "what is stored can't be read")
            }
            store::Error::Database { .. } | store::Error::InUse { .. } | store::Error::Closed { .. } => {
                Self::new(Code::Unavailable, "the store can't be used now; nothing has changed")
            }
        }
    }
}

impl From<Failure> for tonic::Status {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code, failure.message)
    }
}

fn number<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i32(i32::from(*code))
}
