//! Where a hub is, and whether one may go there without TLS.

use std::net::{IpAddr, SocketAddr};

use crate::error::{Error, Result};

/// The port of an endpoint that names none.
const DEFAULT_PORT: u16 = 8432;

/// A hub's address: `http://host:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Reads `sync.cloud_endpoint`. Refused by name: TLS, which is not built yet, and plain HTTP that was not asked for.
    pub fn parse(url: &str, insecure: bool) -> Result<Self> {
        if url.starts_with("https://") || url.starts_with("wss://") {
            return Err(Error::Config(format!(
                "sync.cloud_endpoint = {url:?}: TLS is not supported yet; use http:// with sync.insecure = true on loopback"
            )));
        }
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(Error::Config(format!("sync.cloud_endpoint = {url:?} is not of the form http://host:port")));
        };
        if !insecure {
            return Err(Error::Config(format!(
                "sync.cloud_endpoint = {url:?} is plain HTTP; set sync.insecure = true to allow that on loopback"
            )));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(authority).ok_or_else(|| {
            Error::Config(format!("sync.cloud_endpoint = {url:?} is not of the form http://host:port"))
        })?;
        Ok(Self { host: host.to_owned(), port })
    }

    /// Host and port, as in a `Host` header.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The addresses of the endpoint, all on loopback: a name that leads elsewhere is refused.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> =
            found.map_err(|error| Error::line(format!("cannot resolve {}: {error}", self.host)))?.collect();
        match addresses.iter().find(|address| !is_loopback(address.ip())) {
            Some(elsewhere) => Err(Error::Config(format!(
                "sync.cloud_endpoint leads to {elsewhere}, which is not on loopback; plain HTTP is allowed there only"
            ))),
            None => Ok(addresses),
        }
    }
}

fn split_port(authority: &str) -> Option<(&str, u16)> {
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', '[', ']']);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => DEFAULT_PORT,
    };
    is_host(host).then_some((host, port))
}

/// Whether plain HTTP may be spoken at an address.
pub fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_and_ports() {
        let authority = |url| Endpoint::parse(url, true).map(|endpoint| endpoint.authority());
        assert_eq!(authority("http://127.0.0.1:18430").unwrap(), "127.0.0.1:18430");
        assert_eq!(authority("http://localhost/").unwrap(), "localhost:8432");
        assert_eq!(authority("http://[::1]:99").unwrap(), "[::1]:99");
        for bad in
            ["", "127.0.0.1:1", "http://", "http://a:b", "http://a:1/path", "http://u@a:1", "ftp://a", "http://[::1"]
        {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_safe_is_refused_with_the_mend() {
        let error = Endpoint::parse("https://hq.example:443", true).unwrap_err().to_string();
        assert!(error.contains("TLS is not supported yet"), "{error}");
        let error = Endpoint::parse("http://127.0.0.1:1", false).unwrap_err().to_string();
        assert!(error.contains("sync.insecure = true"), "{error}");
    }

    #[tokio::test]
    async fn plain_http_stays_on_loopback() {
        let here = Endpoint::parse("http://127.0.0.1:5", true).unwrap();
        assert_eq!(here.resolve().await.unwrap(), ["127.0.0.1:5".parse().unwrap()]);
        let elsewhere = Endpoint::parse("http://192.0.2.7:5", true).unwrap();
        let error = elsewhere.resolve().await.unwrap_err().to_string();
        assert!(error.contains("not on loopback"), "{error}");
        assert!(is_loopback("::ffff:127.0.0.1".parse().unwrap()));
    }
}
