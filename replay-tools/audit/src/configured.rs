//! The configuration of every tenant, as the log builds it up: what each decision was taken under, and whether what was
//! published is what its hash says.

use std::collections::BTreeMap;

use guichet_config::{Configuration, Kind};
use guichet_schemas::codec::Head;
use guichet_schemas::event::{ConfigEvent, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::words::StreamKind;

use crate::findings::{Check, Findings};

/// Every tenant's configuration, as far as the log has been read.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    tenants: BTreeMap<String, Tenant>,
    /// Events whose configuration was looked at.
    pub(crate) judged: u64,
    /// Publications and retirements.
    pub(crate) published: u64,
    /// Publications that this program cannot read.
    pub(crate) unread: u64,
}

#[derive(Debug)]
struct Tenant {
    configuration: Configuration,
    version: u64,
}

impl Configured {
    /// What a tenant has configured so far; `None`: nothing yet.
    pub(crate) fn of(&self, tenant: &str) -> Option<&Configuration> {
        self.tenants.get(tenant).map(|known| &known.configuration)
    }

    /// The version that an event names must be the one that the log had reached.
    pub(crate) fn judge(&mut self, head: &Head<'_>, findings: &mut Findings) {
        let version = self.tenants.get(head.tenant).map_or(0, |known| known.version);
        self.judged += 1;
        if head.config_version > version {
            let what = format!(
                "it was decided under configuration version {}, but version {version} is the newest before it",
                head.config_version
            );
            findings.at(Check::Configuration, head.position, what);
        } else if head.config_version < version {
            let what = format!(
                "it was decided under configuration version {}, but version {version} was in force",
                head.config_version
            );
            findings.at(Check::Configuration, head.position, what);
        }
    }

    /// Takes a publication, once whoever published it has been judged by what was in force before.
    pub(crate) fn take(&mut self, head: &Head<'_>, findings: &mut Findings) {
        if head.stream_kind != StreamKind::Config.to_wire() {
            return;
        }
        self.published += 1;
        if !self.tenants.contains_key(head.tenant) {
            let configuration = Configuration::new(head.tenant);
            self.tenants.insert(head.tenant.to_owned(), Tenant { configuration, version: 0 });
        }
        let Some(known) = self.tenants.get_mut(head.tenant) else { return };
        // The chain says where one is missing; what follows is judged by what there is.
        known.version = head.version;
        let Ok(record) = head.record() else {
            self.unread += 1;
            return;
        };
        if let Some(what) = wrong(&known.configuration, &record.event) {
            findings.at(Check::Configuration, head.position, what);
        }
        known.configuration.evolve(&record.event);
    }
}

fn wrong(before: &Configuration, event: &Event) -> Option<String> {
    let (kind, id, version) = match event {
        Event::Config(ConfigEvent::ConfigPublished(e)) => {
            if Hash::of_bytes(e.body.as_bytes()) != e.body_hash {
                return Some(format!("the body of {} {:?} is not what its hash says", e.kind, e.id));
            }
            (&e.kind, &e.id, e.version)
        }
        Event::Config(ConfigEvent::ConfigRetired(e)) => (&e.kind, &e.id, e.version),
        Event::Ticket(_) | Event::Log(_) | Event::Sla(_) | Event::Desk(_) => {
            return Some(format!("{} stands in the stream of a configuration", event.type_name()));
        }
    };
    let last = before.history(Kind::parse(kind)?, id).last().map_or(0, |one| u64::from(one.version));
    (version != last + 1).then(|| format!("version {version} of {kind} {id:?} follows version {last}"))
}
