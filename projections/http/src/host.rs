//! Which `Host` a request may name. A page of another site can point its own domain at our address (DNS
//! rebinding) and would then read us as itself; what it cannot do is name us by our address.

use std::net::IpAddr;

/// True for an address, for `localhost`, and for the names that the operator gave.
pub(crate) fn is_ours(host: &str, names: &[String]) -> bool {
    let name = without_port(host);
    let address = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_our_names_are_ours_and_nothing_else() {
        let names = ["desk.example".to_owned()];
        for host in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "[::1]:80",
            "[::1]",
            "localhost:1",
            "LocalHost",
            "desk.example:443",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "desk.example.evil:1",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }
}
