//! The keys of the last minute. Short, so that a destroyed key soon opens nothing anywhere; bounded, so that a long
//! report does not keep every key of the desk in memory.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use guichet_keys::DataKey;
use guichet_schemas::ids::KeyId;
use lru::LruCache;

/// How long a key opens texts after it was asked for.
const KEEP: Duration = Duration::from_secs(60);
/// How long a key that is not there is not asked for again.
const KEEP_ABSENT: Duration = Duration::from_secs(5);
/// Keys at a time.
const KEYS_MAX: usize = 10_000;

/// Tenant and key: no tenant opens with another's.
type Of = (String, KeyId);

/// What is known of keys. An absent one is known too.
pub(crate) struct Cache {
    known: LruCache<Of, (Instant, Option<DataKey>)>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { known: LruCache::new(NonZeroUsize::new(KEYS_MAX).expect("the constant is not zero")) }
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
        None
    }

    pub(crate) fn put(&mut self, tenant: &str, id: KeyId, key: Option<DataKey>, now: Instant) {
        self.known.put((tenant.to_owned(), id), (now, key));
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
        for n in 0..KEYS_MAX as u128 + 1 {
            cache.put("default", id(n), None, now);
        }
        assert!(cache.get("default", id(0), now).is_none(), "the oldest went");
        assert!(cache.get("default", id(KEYS_MAX as u128), now).is_some());
    }
}
