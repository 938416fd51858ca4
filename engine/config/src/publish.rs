//! What a command that configures leads to, and what its event means.

use guichet_rules::DeskRules as _;
use guichet_schemas::command::{Command, Order, PublishConfig, RetireConfig};
use guichet_schemas::event::{ConfigEvent, ConfigPublished, ConfigRetired, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;

use crate::body::Body;
use crate::canonical;
use crate::configuration::{Configuration, Publication};
use crate::fault::Fault;
use crate::kind::{Kind, THE_ONE};

/// Kinds of the contract that later builds have.
const LATER: &[&str] = &[
    "ruleset",
    "form",
    "routing",
    "template",
    "survey",
    "roles",
    "retention",
    "intake",
    "game",
    "report_schedule",
    "connector",
    "brand",
];

impl Configuration {
    /// Decides a command that configures; `None`: what it wants holds already.
    ///
    /// # Errors
    /// `forbidden`, `validation_failed`, `config_invalid`, `not_found` or `unsupported`.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Result<Option<Event>, Rejection> {
        self.at(now).may(command)?;
        if let Order::PublishConfig(order) = &command.order {
            self.decide_publication(order, now)
        } else if let Order::RetireConfig(order) = &command.order {
            self.decide_retirement(order, now).map(Some)
        } else {
            Err(Rejection::BadSubject(format!("{} is about a ticket", command.order.verb())))
        }
    }

    fn decide_publication(&self, order: &PublishConfig, now: Timestamp) -> Result<Option<Event>, Rejection> {
        let kind = kind(&order.kind)?;
        let id = self.id(kind, order.id.as_ref());
        let effective_from = order.effective_from.unwrap_or(now);
        let checked =
            self.check(kind, &id, &order.body, effective_from, now, order.retroactive).map_err(invalid)?;
        if checked.unchanged {
            return Ok(None);
        }
        let body =
            serde_json::from_str(&checked.body).map_err(|e| invalid(Fault::at("body", e.to_string())))?;
        let body = Body::read(kind, &body).map_err(invalid)?;
        if let Some(what) = body.not_yet() {
            return Err(Rejection::Unsupported(what.to_owned()));
        }
        Ok(Some(Event::from(ConfigPublished {
            kind: kind.to_string(),
            id,
            version: u64::from(checked.version),
            effective_from,
            apply: order.apply.unwrap_or_default(),
            body_hash: Hash::of_bytes(checked.body.as_bytes()),
            body: checked.body.to_string(),
            zone_data: (kind == Kind::Calendar).then(|| chrono_tz::IANA_TZDB_VERSION.to_owned()),
            retroactive: order.retroactive,
        })))
    }

    fn decide_retirement(&self, order: &RetireConfig, now: Timestamp) -> Result<Event, Rejection> {
        let kind = kind(&order.kind)?;
        let id = self.id(kind, order.id.as_ref());
        let effective_from = order.effective_from.unwrap_or(now);
        if self.in_force(kind, &id, effective_from).is_none() {
            return Err(Rejection::NotFound { what: format!("{kind} {id:?}") });
        }
        let version = self.check_retirement(kind, &id, effective_from, now, false).map_err(invalid)?;
        Ok(Event::from(ConfigRetired {
            kind: kind.to_string(),
            id,
            version: u64::from(version),
            effective_from,
        }))
    }

    fn id(&self, kind: Kind, id: Option<&Label>) -> String {
        let own = if kind == Kind::Tenant { self.tenant_token() } else { THE_ONE };
        id.map_or(own, Label::as_str).to_owned()
    }

    /// Takes an event of the log. Others than those of the configuration change nothing, nor does a kind that this
    /// build does not know.
    pub fn evolve(&mut self, event: &Event) {
        if let Some(publication) = Publication::of(event) {
            self.publish(publication);
        }
    }
}

impl Publication {
    /// The publication or retirement in an event; `None`: it has none, or is of a kind that this build does not know.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if let Event::Config(ConfigEvent::ConfigPublished(e)) = event {
            Some(Self {
                kind: Kind::parse(&e.kind)?,
                id: e.id.clone(),
                version: u32::try_from(e.version).unwrap_or(u32::MAX),
                effective_from: e.effective_from,
                apply: e.apply,
                retired: false,
                body: e.body.as_str().into(),
            })
        } else if let Event::Config(ConfigEvent::ConfigRetired(e)) = event {
            Some(Self {
                kind: Kind::parse(&e.kind)?,
                id: e.id.clone(),
                version: u32::try_from(e.version).unwrap_or(u32::MAX),
                effective_from: e.effective_from,
                apply: Apply::default(),
                retired: true,
                body: "".into(),
            })
        } else {
            None
        }
    }

    /// Its body; `None`: retired, or from a build that knows more than this one.
    #[must_use]
    pub fn body(&self) -> Option<Body> {
        if self.retired {
            return None;
        }
        let mut body = canonical::read(&self.body).and_then(|value| Body::read(self.kind, &value)).ok()?;
        if let Body::SlaPolicies(body) = &mut body {
            for policy in &mut body.policies {
                policy.version.get_or_insert(self.version);
            }
        }
        Some(body)
    }
}

fn kind(name: &Label) -> Result<Kind, Rejection> {
    let name = name.as_str();
    match Kind::parse(name) {
        Some(kind) => Ok(kind),
        None if LATER.contains(&name) => Err(Rejection::Unsupported(format!("configuration kind {name}"))),
        None => Err(FieldError::new("data.kind", format!("must be one of {}", Kind::names())).into()),
    }
}

fn invalid(fault: Fault) -> Rejection {
    Rejection::ConfigInvalid { path: fault.path, rule: fault.rule }
}
