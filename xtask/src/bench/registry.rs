//! A registry of its own for every run.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{empty, said};
use crate::run::{Result, root};

/// Distribution, until it is dropped.
pub struct Registry {
    process: Child,
    port: u16,
}

impl Registry {
    /// One that keeps what it has in `folder`, which is emptied.
    pub fn start(folder: &Path) -> Result<Self> {
        empty(folder)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        let config = folder.join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}/data}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
            folder.display()
        );
        fs::write(&config, text).map_err(|error| said(&config, &error))?;
        let mut program = Command::new(root().join("target/test-tools/registries-1/distribution"));
        let process = program.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let registry = Self { process: process.map_err(|error| error.to_string())?, port };
        for _ in 0..200 {
            if TcpStream::connect(registry.host()).is_ok() {
                return Ok(registry);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(String::from("the registry does not serve"))
    }

    /// Its address and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
