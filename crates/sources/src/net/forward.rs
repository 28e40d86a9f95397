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

use super::names::Names;

/// An agent whose `http:` requests all go to `proxy`. `config` must name no proxy.
pub(super) fn agent(config: Config, proxy: &Proxy) -> Agent {
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
        Ok(transport.map(|transport| Forwarding { transport, origin: format!("http://{host}").into_bytes() }))
    }
}

/// A connection to a proxy: completes the addresses of the requests sent on it.
#[derive(Debug)]
struct Forwarding {
    transport: Box<dyn Transport>,
    origin: Vec<u8>,
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        const METHOD: &[u8] = b"GET ";
        let output = self.transport.buffers().output();
        let mut amount = amount;
        // We ask for files only, so whatever begins with the method and a path is a request line, not a body.
        if output[..amount].starts_with(b"GET /") {
            let path = METHOD.len() + self.origin.len();
            let end = amount + self.origin.len();
            if end > output.len() {
                return Err(Error::BadUri("the address is too long".to_owned()));
            }
            output.copy_within(METHOD.len()..amount, path);
            output[METHOD.len()..path].copy_from_slice(&self.origin);
            amount = end;
        }
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }
}
