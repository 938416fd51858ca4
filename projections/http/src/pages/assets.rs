//! Style, script and what others wrote: in the program, so that no page asks another host for anything. A browser
//! keeps them for ever, because their address changes with their content.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::packed::Packed;
use crate::refusal::Refusal;

struct Asset {
    name: &'static str,
    media: &'static str,
    content: &'static str,
}

macro_rules! asset {
    ($name:literal, $media:literal, $path:literal) => {
        Asset { name: $name, media: $media, content: include_str!(concat!("../../assets/", $path)) }
    };
}

const ASSETS: &[Asset] = &[
    asset!("guichet.css", "text/css; charset=utf-8", "guichet.css"),
    asset!("guichet.js", "text/javascript; charset=utf-8", "guichet.js"),
    asset!("icon.svg", "image/svg+xml", "icon.svg"),
    asset!("htmx.js", "text/javascript; charset=utf-8", "vendor/htmx/htmx.min.js"),
    asset!("sse.js", "text/javascript; charset=utf-8", "vendor/htmx-ext-sse/sse.min.js"),
    asset!("uplot.js", "text/javascript; charset=utf-8", "vendor/uplot/uPlot.iife.min.js"),
    asset!("uplot.css", "text/css; charset=utf-8", "vendor/uplot/uPlot.min.css"),
];

/// The beginning of the hash of all: one version for everything, because it ships as one.
pub(super) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let all = ASSETS.iter().fold(Sha256::new(), |hash, asset| hash.chain_update(asset.content));
        hex::encode(&all.finalize()[..8])
    })
}

/// All of them, as they go out.
fn packed(asset: &Asset) -> &'static Packed {
    static ALL: OnceLock<BTreeMap<&'static str, Packed>> = OnceLock::new();
    let pack = |asset: &Asset| (asset.name, Packed::new(Bytes::from_static(asset.content.as_bytes())));
    &ALL.get_or_init(|| ASSETS.iter().map(pack).collect())[asset.name]
}

/// `GET /assets/{file}`.
pub(super) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == file) else {
        return Refusal::nothing_here().into_response();
    };
    let tag = format!("\"{}\"", version());
    let keep = [
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, tag.as_str()),
        (header::CONTENT_TYPE, asset.media),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, keep).into_response();
    }
    (keep, packed(asset).answer(&headers)).into_response()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_others_wrote_is_what_they_published() {
        let folder = Path::new("assets/vendor");
        let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        let mut licences = 0;
        for line in sums.lines() {
            let (sum, path) = line.split_once("  ").unwrap();
            let content = std::fs::read(folder.join(path)).unwrap();
            assert_eq!(hex::encode(Sha256::digest(content)), sum, "{path} was changed");
            licences += usize::from(path.ends_with("/LICENSE"));
        }
        let files =
            |dir: &Path| std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
        let folders: Vec<_> = files(folder).into_iter().filter(|p| p.is_dir()).collect();
        assert_eq!(folders.len(), licences, "each with its licence");
        let shipped: usize = folders.iter().map(|dir| files(dir).len()).sum();
        assert_eq!(sums.lines().count(), shipped, "every file has its sum");
    }

    #[test]
    fn nothing_leads_to_another_host() {
        for asset in ASSETS {
            // Names of XML are no addresses.
            let text = asset.content.replace("http://www.w3.org/", "");
            let ours = !["htmx.js", "uplot.js"].contains(&asset.name);
            assert!(!(ours && (text.contains("http://") || text.contains("https://"))), "{}", asset.name);
        }
    }
}
