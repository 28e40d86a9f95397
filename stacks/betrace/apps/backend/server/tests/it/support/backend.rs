use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::transport::Channel;

use super::{eventually, free_port, runtime};

const PROGRAM: &str = env!("CARGO_BIN_EXE_betrace-backend");

/// How a backend is to be started.
pub struct Setup {
    settings: BTreeMap<String, String>,
    folder: Arc<TempDir>,
    disk: Option<&'static str>,
}

impl Setup {
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let ours = [
            ("BETRACE_ADDRESS", "127.0.0.1".to_owned()),
            ("BETRACE_PORT_BACKEND", free_port().to_string()),
            ("BETRACE_PORT_GRPC", free_port().to_string()),
            ("BETRACE_DATA_DIR", folder.path().join("data").display().to_string()),
            ("BETRACE_TRACE_SILENCE_MS", "300".to_owned()),
        ];
        let settings = ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { settings, folder, disk: None }
    }

    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.insert(name.to_owned(), value.to_string());
        self
    }

    /// The data folder is a disk of its own, of this size, which goes with the process.
    pub fn disk(mut self, size: &'static str) -> Self {
        self.disk = Some(size);
        self
    }

    /// The folder that the data folder is in; files can be put there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn start(self) -> Backend {
        let mut backend = Backend::new(self);
        backend.wait();
        backend
    }

    /// For a start that goes wrong: what the program ended with, and all that it said.
    pub fn start_in_vain(self) -> (ExitStatus, String) {
        let mut backend = Backend::new(self);
        let status = eventually("the program ends", || backend.child.try_wait().unwrap());
        (status, backend.whole_log())
    }

    fn command(&self) -> Command {
        let mut command = match self.disk {
            None => Command::new(PROGRAM),
            Some(size) => {
                let mut command = Command::new("unshare");
                let script = "mkdir -p \"$0\" && mount -t tmpfs -o size=$1 tmpfs \"$0\" && exec \"$2\"";
                let data = &self.settings["BETRACE_DATA_DIR"];
                command.args(["--mount", "/bin/sh", "-c", script, data, size, PROGRAM]);
                command
            }
        };
        command.env_clear().envs(&self.settings).stdin(Stdio::null()).stdout(Stdio::null());
        if self.disk.is_some() {
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        }
        command.stderr(Stdio::piped());
        command
    }
}

/// A running backend; it is killed at the end of its test.
pub struct Backend {
    setup: Setup,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
    agent: ureq::Agent,
}

/// What was answered over HTTP.
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body, if the status is what it should be.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Backend {
    fn new(setup: Setup) -> Self {
        let mut child = setup.command().spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let reader = read_log(&mut child, Arc::clone(&log));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { setup, child, log, reader: Some(reader), agent: config.into() }
    }

    fn wait(&mut self) {
        eventually("the backend answers", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the backend ended at once, {status}: {}", self.whole_log());
            }
            self.try_call("GET", "/v1/health", &[], None).ok().filter(|answer| answer.status == 200)
        });
    }

    pub fn setting(&self, name: &str) -> &str {
        &self.setup.settings[name]
    }

    pub fn data(&self) -> PathBuf {
        self.setting("BETRACE_DATA_DIR").into()
    }

    /// The data folder as the process sees it, with what is mounted there.
    pub fn data_inside(&self) -> PathBuf {
        let data = self.data();
        Path::new(&format!("/proc/{}/root", self.child.id())).join(data.strip_prefix("/").unwrap())
    }

    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.setting("BETRACE_PORT_BACKEND"))
    }

    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.setting("BETRACE_PORT_GRPC"))
    }

    pub fn channel(&self) -> Channel {
        let _inside = runtime().enter();
        Channel::from_shared(self.grpc()).unwrap().connect_lazy()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().clone()
    }

    fn whole_log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log()
    }

    /// Without a chance to do anything more.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = eventually("it ends after SIGTERM", || self.child.try_wait().unwrap());
        (status, start.elapsed())
    }

    /// Starts it again with what it was started with and, of that, something else.
    pub fn restart(&mut self, changes: &[(&str, &str)]) {
        if self.child.try_wait().unwrap().is_none() {
            self.kill9();
        }
        for (name, value) in changes {
            self.setup.settings.insert((*name).to_owned(), (*value).to_owned());
        }
        self.child = self.setup.command().spawn().unwrap();
        self.log.lock().clear();
        self.reader = Some(read_log(&mut self.child, Arc::clone(&self.log)));
        self.wait();
    }

    /// As `restart`, for a start that goes wrong.
    pub fn restart_in_vain(&mut self) -> (ExitStatus, String) {
        self.log.lock().clear();
        self.child = self.setup.command().spawn().unwrap();
        self.reader = Some(read_log(&mut self.child, Arc::clone(&self.log)));
        let status = eventually("the program ends", || self.child.try_wait().unwrap());
        (status, self.whole_log())
    }

    pub fn try_call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.http()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            None => self.agent.run(request.body(()).unwrap())?,
            Some(body) => self.agent.run(request.body(body).unwrap())?,
        };
        let headers = response.headers().clone();
        let body = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        Ok(Answer { status: response.status().as_u16(), headers, body })
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        let answer = self.try_call(method, path, headers, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], Some(body.to_string().into_bytes()))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[("content-type", "application/json")], Some(body.to_string().into_bytes()))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], None)
    }

    /// OTLP over HTTP, as protobuf.
    #[track_caller]
    pub fn export(&self, request: &ExportTraceServiceRequest) -> Answer {
        let headers = [("content-type", "application/x-protobuf")];
        self.call("POST", "/v1/traces", &headers, Some(request.encode_to_vec()))
    }

    #[track_caller]
    pub fn rule(&self, id: &str, expression: &str) {
        let rule =
            json!({"id": id, "name": format!("{id} by name"), "expression": expression, "severity": "HIGH"});
        self.post("/v1/rules", &rule).expect(201);
    }

    #[track_caller]
    pub fn total(&self) -> i64 {
        self.get("/v1/violations?limit=1").expect(200)["totalCount"].as_i64().unwrap()
    }

    /// All violations, when there are this many.
    #[track_caller]
    pub fn violations(&self, count: i64) -> Vec<Value> {
        eventually(&format!("{count} violations"), || (self.total() >= count).then_some(()));
        let list = self.get("/v1/violations?limit=1000").expect(200);
        assert_eq!(list["totalCount"], count);
        list["violations"].as_array().unwrap().clone()
    }

    /// The value of a metric with its labels; 0 if it is not there.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// How many traces were judged.
    pub fn judged(&self) -> f64 {
        let text = self.get("/metrics").text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("betrace_traces_evaluated_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    pub fn wait_judged(&self, count: u32) {
        eventually(&format!("{count} traces are judged"), || {
            (self.judged() >= f64::from(count)).then_some(())
        });
    }
}

fn read_log(child: &mut Child, log: Arc<Mutex<String>>) -> std::thread::JoinHandle<()> {
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut log = log.lock();
            log.push_str(&line);
            log.push('\n');
        }
    })
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // For whoever looks at a test that failed.
        if std::thread::panicking() {
            eprintln!("log of the backend:\n{}", self.log());
        }
    }
}
