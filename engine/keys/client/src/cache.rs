//! The keys of the last minute. Short, so that a destroyed key soon opens nothing anywhere; bounded in bytes, so that a
//! long report does not keep every key of the desk in memory.

use std::time::{Duration, Instant};

use guichet_keys::DataKey;
use guichet_schemas::ids::KeyId;
use lru::LruCache;

/// How long a key opens texts after it was asked for.
const KEEP: Duration = Duration::from_secs(60);
/// How long a key that is not there is not asked for again.
const KEEP_ABSENT: Duration = Duration::from_secs(5);
/// Bytes that all of them take: some ten thousand keys.
const BYTES_MAX: usize = 4 << 20;
/// Bytes of an entry beside the name of its tenant: itself, its places in the list and the table, and the allocator's
/// share.
const ENTRY_BYTES: usize = size_of::<(Of, Known)>().saturating_mul(2).saturating_add(128);

/// Tenant and key: no tenant opens with another's.
type Of = (String, KeyId);
type Known = (Instant, Option<DataKey>);

/// Keys as they were last heard of. That one is absent is remembered, too.
pub(crate) struct Cache {
    known: LruCache<Of, Known>,
    bytes: usize,
}

const fn bytes_of(of: &Of) -> usize {
    ENTRY_BYTES.saturating_add(of.0.len())
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { known: LruCache::unbounded(), bytes: 0 }
    }

    /// The key; `Some(None)`: there is none; `None`: ask.
    pub(crate) fn get(&mut self, tenant: &str, id: KeyId, now: Instant) -> Option<Option<DataKey>> {
        let of = (tenant.to_owned(), id);
        let (asked, key) = self.known.get(&of)?;
        let keep = if key.is_some() { KEEP } else { KEEP_ABSENT };
        if now.duration_since(*asked) < keep {
            return Some(key.clone());
        }
        self.known.pop(&of);
        self.bytes = self.bytes.saturating_sub(bytes_of(&of));
        None
    }

    pub(crate) fn put(&mut self, tenant: &str, id: KeyId, key: Option<DataKey>, now: Instant) {
        let of = (tenant.to_owned(), id);
        let more = bytes_of(&of);
        if self.known.put(of, (now, key)).is_none() {
            self.bytes = self.bytes.saturating_add(more);
        }
        while self.bytes > BYTES_MAX
            && let Some((oldest, _)) = self.known.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(bytes_of(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> KeyId {
        KeyId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_key_is_forgotten_after_a_minute_and_its_absence_sooner() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        cache.put("default", id(1), DataKey::from_slice(&[7; 32]), now);
        cache.put("default", id(2), None, now);
        assert!(cache.get("default", id(1), now + Duration::from_secs(59)).unwrap().is_some());
        assert!(cache.get("default", id(1), now + Duration::from_secs(60)).is_none());
        assert!(cache.get("default", id(2), now + Duration::from_secs(4)).unwrap().is_none());
        assert!(cache.get("default", id(2), now + Duration::from_secs(5)).is_none());
    }

    #[test]
    fn tenants_do_not_share_keys() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        cache.put("a", id(1), DataKey::from_slice(&[7; 32]), now);
        assert!(cache.get("b", id(1), now).is_none());
    }

    #[test]
    fn the_cache_does_not_grow_without_bound() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        // Long names make fewer keys: it is bytes that count.
        for tenant in ["t".to_owned(), "t".repeat(64)] {
            let fit = (BYTES_MAX / (ENTRY_BYTES + tenant.len())) as u128;
            for n in 0..=fit {
                cache.put(&tenant, id(n), None, now);
                cache.put(&tenant, id(n), None, now);
            }
            assert!(cache.bytes <= BYTES_MAX && cache.known.len() as u128 <= fit);
            assert!(cache.get(&tenant, id(0), now).is_none(), "the oldest went");
            assert!(cache.get(&tenant, id(fit), now).is_some());
        }
        let later = now + KEEP;
        let left: Vec<Of> = cache.known.iter().map(|(of, _)| of.clone()).collect();
        left.iter().for_each(|(tenant, id)| drop(cache.get(tenant, *id, later)));
        assert_eq!((cache.bytes, cache.known.len()), (0, 0), "what was forgotten is not counted");
    }
}
