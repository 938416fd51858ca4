//! Who reads personal texts outside of answers: recorded in a stream of the tenant, before anything is given.

use std::sync::Arc;

use guichet_rules::DeskRules as _;
use guichet_schemas::codec::Request;
use guichet_schemas::command::Order;
use guichet_schemas::event::{AccessRecorded, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::words::StreamKind;
use guichet_service::caught;

use super::Decider;
use super::command::refused;
use crate::log::batch::Answer;
use crate::log::derived_tail::decode;
use crate::log::disk::Disk;
use crate::log::stage::{Place, StagedOther, stage_of_desk};
use crate::log::{StoreFault, keys, outcome};

/// The stream of the accesses of a tenant.
const STREAM: &str = "access";

/// What a command comes to, before anything of it is in the batch.
enum Prepared {
    /// Nothing to write.
    Answer(Answer),
    /// A record.
    Record(Box<(StagedOther, wire::Accepted)>),
}

impl<D: Disk> Decider<D> {
    /// Decides a command about an access. As for tickets: up to the border a panic is an answer.
    pub(super) fn record_access(&mut self, request: &Request, now: Timestamp) -> Result<Answer, StoreFault> {
        let prepared = match caught("record_access", || self.prepare_access(request, now)) {
            Ok(prepared) => prepared?,
            Err(internal) => Prepared::Answer(refused(internal)),
        };
        // The border.
        match prepared {
            Prepared::Answer(answer) => Ok(answer),
            Prepared::Record(record) => {
                let (staged, accepted) = *record;
                let end = (staged.recorded.version, staged.hash);
                self.accesses.insert(request.command.tenant.clone(), end);
                self.put(staged.bytes, staged.hash, staged.recorded.position, staged.derived);
                self.reply(request, &accepted);
                Ok(Answer::Ready(Ok(accepted)))
            }
        }
    }

    fn prepare_access(&mut self, request: &Request, now: Timestamp) -> Result<Prepared, StoreFault> {
        let (command, partition, epoch, last) = (&request.command, self.partition, self.epoch, self.last);
        #[cfg(test)]
        super::tests::fall_over(command);
        let answered = |outcome| Ok(Prepared::Answer(Answer::Ready(outcome)));
        let Order::RecordAccess(order) = &command.order else {
            return answered(Err(Rejection::BadSubject(format!(
                "{} is not about a desk",
                command.order.verb()
            ))));
        };
        let configured = self.configured(&command.tenant)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        if let Err(rejection) = configuration.at(now).may(command) {
            return answered(Err(rejection));
        }
        let end = self.last_access(&command.tenant)?;
        let actual = end.map(|(version, _)| version);
        if !command.expects(actual) {
            let (expected, actual) = (command.expected_version.unwrap_or(0), StreamVersion::or_zero(actual));
            return answered(Err(Rejection::VersionConflict {
                expected,
                actual,
                missed_count: actual.saturating_sub(expected),
                missed: Vec::new(),
            }));
        }
        let viewer = order.viewer.as_ref().map_or(command.actor.id.as_str(), |viewer| viewer.as_str());
        let event = Event::from(AccessRecorded {
            viewer: viewer.to_owned(),
            scope: order.scope.as_str().to_owned(),
            purpose: order.purpose.as_str().to_owned(),
        });
        let place = Place { partition, epoch, last, now, config_version };
        let stream = (StreamKind::System, STREAM);
        let staged = match stage_of_desk(request, event, stream, &place, end, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return answered(Err(rejection)),
        };
        let (entity, entity_id) = outcome::about_desk(command.tenant.as_str());
        let accepted = wire::Accepted {
            version: staged.recorded.version.get(),
            partition: partition.0,
            position: staged.recorded.position.get(),
            events: vec![guichet_schemas::codec::event_ref_to_wire(&staged.recorded)],
            entity,
            entity_id,
            ..wire::Accepted::default()
        };
        if command.dry_run {
            return answered(Ok(accepted));
        }
        Ok(Prepared::Record(Box::new((staged, accepted))))
    }

    /// Where the stream of a tenant's accesses ends; what is under way is remembered, so the disk is asked once.
    fn last_access(&mut self, tenant: &TenantId) -> Result<Option<(StreamVersion, Hash)>, StoreFault> {
        if let Some(end) = self.accesses.get(tenant) {
            return Ok(Some(*end));
        }
        let position =
            self.store.number(keys::META, &keys::access(tenant.as_str()))?.and_then(LogPosition::new);
        let Some(position) = position else { return Ok(None) };
        let (record, hash) = decode(&self.store, position)?;
        self.accesses.insert(tenant.clone(), (record.version, hash));
        Ok(Some((record.version, hash)))
    }
}
