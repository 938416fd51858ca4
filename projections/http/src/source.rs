//! Who a request comes from, as far as an address tells: what bounds per source are counted by.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

/// Reverse proxies name the address of their client in this header.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address, or for IPv6 the network of 64 bits that one customer usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
        }
    }

    /// The source of a request that a trusted proxy passes on: the last address in `X-Forwarded-For` that is not
    /// itself one of the proxies. What stands before it was written by who knows whom.
    pub(crate) fn behind(proxy: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> Self {
        let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
        let mut addresses: Vec<_> = lines.flat_map(|line| line.split(',')).collect();
        while let Some(text) = addresses.pop() {
            match text.trim().parse::<IpAddr>() {
                Ok(address) if proxies.contains(&address.to_canonical()) => {}
                Ok(address) => return Self::of(address),
                Err(_) => break,
            }
        }
        Self::of(proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn one_customer_is_one_source() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn behind_a_proxy_only_what_the_proxy_wrote_counts() {
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        for (lines, source) in [
            (vec!["192.0.2.9"], "192.0.2.9"),
            // Whoever sends the header through the proxy cannot choose who he is.
            (vec!["198.51.100.1, 192.0.2.9"], "192.0.2.9"),
            (vec!["198.51.100.1", "192.0.2.9, 10.0.0.2"], "192.0.2.9"),
            (vec![], "10.0.0.1"),
            (vec!["192.0.2.9, unknown"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            assert_eq!(Source::behind(proxies[0], &headers, &proxies), of(source), "{lines:?}");
        }
    }
}
