//! The few calls of the backend's HTTP interface that are needed.

use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tonic::codegen::Bytes;
use tonic::codegen::http::{Request, StatusCode};

use crate::Result;

const ANSWER_BYTES: usize = 16 * 1024 * 1024;

pub struct Api {
    pub url: String,
    pub key: Option<String>,
}

impl Api {
    /// Makes a rule; one that is there already stays as it is.
    pub async fn create_rule(&self, rule: &Value) -> Result<Made> {
        let (status, answer) = self.call("POST", "/v1/rules", rule.to_string()).await?;
        match status {
            StatusCode::CREATED => Ok(Made::New),
            StatusCode::CONFLICT => Ok(Made::Before),
            _ => Err(format!("the rule {} was not taken: {status}: {answer}", rule["id"]).into()),
        }
    }

    pub async fn get(&self, path: &str) -> Result<String> {
        match self.call("GET", path, String::new()).await? {
            (StatusCode::OK, answer) => Ok(answer),
            (status, answer) => Err(format!("{path}: {status}: {answer}").into()),
        }
    }

    async fn call(&self, method: &str, path: &str, body: String) -> Result<(StatusCode, String)> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request =
            Request::builder().method(method).uri(&url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        let response = client
            .request(request.body(Full::from(body))?)
            .await
            .map_err(|error| format!("{url} does not answer: {error}; is the backend there? see --api"))?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

pub enum Made {
    New,
    Before,
}
