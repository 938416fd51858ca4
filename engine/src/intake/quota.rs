//! How many commands, and how many bytes of them, may be under way: in all, of one tenant and of one caller.
//!
//! A tenant may have as many as are free: alone it gets half of all, beside another a third. A caller may have as many
//! as its tenant may still take: alone in a tenant it gets half of the tenant's share. So however much some send, there
//! is always room for the first command of another caller, and more for one of another tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::rejection::Rejection;

/// Commands that have come and have no answer yet.
pub(crate) const COMMANDS_MAX: usize = 32_768;
/// Bytes of their bodies; what is made of a body takes a few times as much.
pub(crate) const BYTES_MAX: usize = 64 << 20;
/// Bytes that every command counts beside its body.
const FRAME: usize = 512;
const RETRY_MS: u64 = 50;

pub(crate) type Who = (TenantId, CallerId);

/// The account of all and of each.
#[derive(Debug, Default)]
pub(crate) struct Quota(Mutex<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    of_all: Used,
    /// Only of those who have something under way.
    tenants: HashMap<TenantId, OfTenant>,
}

#[derive(Debug, Default)]
struct OfTenant {
    of_all: Used,
    callers: HashMap<CallerId, Used>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) commands: usize,
    pub(crate) bytes: usize,
}

/// Room for one command, until it is dropped: hold it until the answer is on its way.
#[derive(Debug)]
pub(crate) struct Permit {
    quota: Arc<Quota>,
    who: Who,
    bytes: usize,
    /// Commands of the same caller under way, this one included.
    pub(crate) place: usize,
}

impl Quota {
    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        // Only numbers are changed under the lock: they are whole whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for a command whose body has so many bytes.
    ///
    /// # Errors
    /// `busy`, naming the bound, and the word of the bound for the metric.
    pub(crate) fn admit(
        self: &Arc<Self>,
        who: &Who,
        body: usize,
    ) -> Result<Permit, (Rejection, &'static str)> {
        let bytes = body.saturating_add(FRAME);
        let mut accounts = self.accounts();
        let (tenant, caller) = who;
        let all = accounts.of_all;
        let free = Used {
            commands: COMMANDS_MAX.saturating_sub(all.commands),
            bytes: BYTES_MAX.saturating_sub(all.bytes),
        };
        let of_tenant = accounts.tenants.get(tenant);
        let tenants = of_tenant.map(|of| of.of_all).unwrap_or_default();
        let own = of_tenant.and_then(|of| of.callers.get(caller)).copied().unwrap_or_default();
        let full = |reason, bound| Err((Rejection::Busy { reason, retry_after_ms: RETRY_MS }, bound));
        if free.commands == 0 {
            return full("the engine has as many commands under way as it may", "commands");
        }
        if free.bytes < bytes {
            return full("the commands under way have as many bytes as they may", "bytes");
        }
        if tenants.commands >= free.commands {
            return full("this tenant has its share of the commands under way", "commands_of_tenant");
        }
        if tenants.commands > 0 && tenants.bytes.saturating_add(bytes) > free.bytes {
            return full("this tenant has its share of the bytes under way", "bytes_of_tenant");
        }
        let left = free.left_beside(tenants);
        if own.commands >= left.commands {
            return full("this caller has its share of the commands under way", "commands_of_caller");
        }
        if own.commands > 0 && own.bytes.saturating_add(bytes) > left.bytes {
            return full("this caller has its share of the bytes under way", "bytes_of_caller");
        }
        accounts.of_all = all.with(bytes);
        let of_tenant = accounts.tenants.entry(tenant.clone()).or_default();
        of_tenant.of_all = tenants.with(bytes);
        let own = own.with(bytes);
        of_tenant.callers.insert(caller.clone(), own);
        Ok(Permit { quota: self.clone(), who: who.clone(), bytes, place: own.commands })
    }

    /// The use of all together, and the number of callers.
    pub(crate) fn used(&self) -> (Used, usize) {
        let accounts = self.accounts();
        (accounts.of_all, accounts.tenants.values().map(|of| of.callers.len()).sum())
    }
}

impl Used {
    /// The amount that a tenant may still take beside the others: each command that it takes is one fewer that is free.
    const fn left_beside(self, tenants: Self) -> Self {
        Self {
            commands: self.commands.saturating_sub(tenants.commands).div_ceil(2),
            bytes: self.bytes.saturating_sub(tenants.bytes).div_ceil(2),
        }
    }

    fn with(self, bytes: usize) -> Self {
        Self { commands: self.commands.saturating_add(1), bytes: self.bytes.saturating_add(bytes) }
    }

    fn without(self, bytes: usize) -> Self {
        Self { commands: self.commands.saturating_sub(1), bytes: self.bytes.saturating_sub(bytes) }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut accounts = self.quota.accounts();
        accounts.of_all = accounts.of_all.without(self.bytes);
        let (tenant, caller) = &self.who;
        let Some(of_tenant) = accounts.tenants.get_mut(tenant) else { return };
        of_tenant.of_all = of_tenant.of_all.without(self.bytes);
        if let Some(own) = of_tenant.callers.get_mut(caller) {
            *own = own.without(self.bytes);
            if own.commands == 0 {
                of_tenant.callers.remove(caller);
            }
        }
        if of_tenant.callers.is_empty() {
            accounts.tenants.remove(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(caller: &str) -> Who {
        (TenantId::default_tenant(), CallerId::parse(caller).unwrap())
    }

    /// All that a caller gets, one after the other.
    fn take_all(quota: &Arc<Quota>, who: &Who, body: usize) -> (Vec<Permit>, &'static str) {
        let mut had = Vec::new();
        loop {
            match quota.admit(who, body) {
                Ok(permit) => had.push(permit),
                Err((refusal, bound)) => {
                    assert_eq!(refusal.code(), "busy");
                    return (had, bound);
                }
            }
        }
    }

    #[test]
    fn however_many_take_all_they_can_another_still_gets_something() {
        for body in [0, 256 * 1024] {
            let quota = Arc::new(Quota::default());
            let mut held = Vec::new();
            for greedy in 0..6 {
                let (had, bound) = take_all(&quota, &who(&format!("greedy-{greedy}")), body);
                assert!(!had.is_empty(), "caller {greedy} of {body} bytes got nothing");
                assert!(bound.ends_with("_of_caller") || bound.ends_with("_of_tenant"), "{bound}");
                held.push(had);
            }
            assert!(quota.admit(&who("polite"), 1_000).is_ok());
            assert!(held[0].len() >= held[5].len(), "who comes first has no less");
        }
    }

    #[test]
    fn one_alone_gets_half_of_what_its_tenant_gets() {
        let quota = Arc::new(Quota::default());
        assert_eq!(take_all(&quota, &who("alone"), 0).0.len(), COMMANDS_MAX / 4);
    }

    #[test]
    fn however_many_callers_a_tenant_has_half_is_left_to_others() {
        let quota = Arc::new(Quota::default());
        let mut held = Vec::new();
        for n in 0.. {
            match quota.admit(&who(&format!("caller-{n}")), 0) {
                Ok(permit) => held.push(permit),
                Err((_, bound)) => {
                    assert_eq!(bound, "commands_of_tenant");
                    break;
                }
            }
        }
        assert_eq!(held.len(), COMMANDS_MAX / 2);
        let other = (TenantId::parse("other").unwrap(), CallerId::parse("polite").unwrap());
        let (had, bound) = take_all(&quota, &other, 0);
        assert!(had.len() >= COMMANDS_MAX / 8, "{} and {bound}", had.len());
    }

    #[test]
    fn what_is_answered_makes_room_and_leaves_no_trace() {
        let quota = Arc::new(Quota::default());
        let (had, _) = take_all(&quota, &who("a"), 100);
        drop(had);
        assert_eq!(quota.used(), (Used::default(), 0));
        assert!(quota.accounts().tenants.is_empty());
    }
}
