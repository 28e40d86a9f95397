//! Plain `http:` through an HTTP proxy: the whole address in the request line (RFC 9112, 3.2.2).
//!
//! Left to itself, ureq asks proxies for tunnels (`CONNECT`) only, and many allow those to port 443 alone.

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Agent, Error, Proxy};

use crate::names::Names;

/// An agent whose `http:` requests all go to `proxy`. `config` must name no proxy.
pub(crate) fn agent(config: Config, proxy: &Proxy) -> Agent {
    let connector = ToProxy { proxy: proxy.clone(), connector: DefaultConnector::new() };
    let resolver = ProxyAddress { proxy: proxy.clone(), names: Names::default() };
    Agent::with_parts(config, connector, resolver)
}

/// The proxy's address, whatever host is asked for.
#[derive(Debug)]
struct ProxyAddress {
    proxy: Proxy,
    names: Names,
}

impl Resolver for ProxyAddress {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.names.resolve(self.proxy.uri(), config, timeout)
    }
}

/// Connects to the proxy, with TLS to an `https:` one, whatever host is asked for.
#[derive(Debug)]
struct ToProxy {
    proxy: Proxy,
    connector: DefaultConnector,
}

impl Connector for ToProxy {
    type Out = Forwarding;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Forwarding>, Error> {
        let to_proxy = ConnectionDetails {
            uri: self.proxy.uri(),
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        // Connections are shared per host and port only, so all requests on this one have the same.
        let host = details.uri.authority().map(ToString::to_string).unwrap_or_default();
        let transport = self.connector.connect(&to_proxy, None)?;
        let origin = format!("http://{host}").into_bytes();
        Ok(transport.map(|transport| Forwarding { transport, origin, sending: Sending::Content(0) }))
    }
}

/// A connection to a proxy: completes the addresses of the requests sent on it.
#[derive(Debug)]
struct Forwarding {
    transport: Box<dyn Transport>,
    origin: Vec<u8>,
    sending: Sending,
}

/// Where in a request a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// Before its request line, or in its content with so many bytes to come.
    Content(u64),
    /// In its header lines.
    Head,
}

impl Sending {
    /// After `bytes` more of a head, which our requests always end with the length of their content, where they have any.
    fn after_head(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Self::Head };
        let length = bytes[..end].split(|&byte| byte == b'\n').find_map(|line| {
            let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<u64>().ok())?
        });
        let sent = (bytes.len() - end - 4) as u64;
        Self::Content(length.unwrap_or(0).saturating_sub(sent))
    }
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.transport.buffers().output();
        let mut amount = amount;
        self.sending = match self.sending {
            Sending::Content(left) if left > 0 => Sending::Content(left.saturating_sub(amount as u64)),
            Sending::Head => Sending::after_head(&output[..amount]),
            Sending::Content(_) => {
                let sending = Sending::after_head(&output[..amount]);
                // `PUT /path HTTP/1.1`: the origin goes before the path.
                let path = output[..amount].windows(2).position(|window| window == b" /").map(|at| at + 1);
                let Some(at) = path else { return Err(Error::BadUri("the request has no path".to_owned())) };
                let (from, end) = (at + self.origin.len(), amount + self.origin.len());
                if end > output.len() {
                    return Err(Error::BadUri("the address is too long".to_owned()));
                }
                output.copy_within(at..amount, from);
                output[at..from].copy_from_slice(&self.origin);
                amount = end;
                sending
            }
        };
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }
}
