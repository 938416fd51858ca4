//! Texts that are always the same: packed once, not for every reader who needs no token for them.

use std::io::Write as _;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A text, plain and packed.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl Packed {
    pub(crate) fn new(plain: Bytes) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // Memory takes what is written to it; if not, it goes out as it is.
        let gzip = packer.write_all(&plain).and_then(|()| packer.finish()).ok();
        let gzip = gzip.filter(|gzip| gzip.len() < plain.len()).map(Bytes::from);
        Self { plain, gzip }
    }

    /// As the reader of these headers wants it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = match self.gzip.as_ref().filter(|_| takes_gzip(headers)) {
            Some(gzip) => ([(header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response(),
            None => self.plain.clone().into_response(),
        };
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut words = coding.split(';').map(str::trim);
        let is_gzip = words.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !words.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_it_packed_gets_it_packed() {
        let packed = Packed::new(Bytes::from("x".repeat(1_000)));
        for (accepts, is_packed) in [
            ("gzip, br", true),
            ("br;q=1, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepts.parse().unwrap());
            let answer = packed.answer(&headers);
            assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), is_packed, "{accepts}");
            assert!(answer.headers().contains_key(header::VARY));
        }
        let small = Packed::new(Bytes::from_static(b"x"));
        assert!(small.gzip.is_none(), "what does not get smaller goes out as it is");
    }
}
