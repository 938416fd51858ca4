//! The commands of a plausible desk, the same in every run: create, assign, comment, comment, resolve.

use std::collections::BTreeMap;

use guichet_schemas::command::{
    AddComment, Assign, Command, Create, Entity, Order, Reopen, Requester, Resolve,
};
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CallerId, CommandId, TenantId, TicketId};
use guichet_schemas::rejection::FieldError;
use guichet_schemas::words::{ActorKind, Channel, ResolutionCode, Visibility};
use uuid::{Builder, Uuid};

/// First instant in the ids: 2026-01-01. Ids rise with time as those of real callers do.
const EPOCH_MS: u64 = 1_767_225_600_000;
/// Commands of one ticket are this many tickets apart: a batch holds many tickets, and callers that race each
/// other still meet every ticket in order.
const APART: u64 = 1024;
/// Steps in the life of a ticket.
const STEPS: u64 = 5;

/// Which tickets the commands are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tickets {
    /// Every fifth command opens a new one.
    Many,
    /// Every command opens one, of a requester whom nobody has met before.
    New,
    /// Always the same few, which are reopened instead of created anew.
    Hot(u64),
}

/// An endless series of commands, in an order in which all of them are accepted.
#[derive(Debug)]
pub struct Workload {
    tickets: Tickets,
    step: u64,
    command: u64,
    tenant: TenantId,
    caller: CallerId,
}

impl Workload {
    /// From the beginning.
    pub fn new(tickets: Tickets) -> Self {
        let caller = CallerId::parse("bench").expect("bench is a token");
        Self { tickets, step: 0, command: 0, tenant: TenantId::default_tenant(), caller }
    }

    /// The next ticket and what happens to it; `None`: not in this step.
    fn plan(&self, step: u64) -> Option<(u64, u64)> {
        match self.tickets {
            Tickets::Many => {
                let stage = step % STEPS;
                (step / STEPS).checked_sub(stage * APART).map(|ticket| (ticket, stage))
            }
            Tickets::New => Some((step, 0)),
            Tickets::Hot(count) => {
                let round = step / count;
                // A hot ticket is created once; after that its life begins with a reopen.
                let stage = if round == 0 { 0 } else { 1 + (round - 1) % STEPS };
                Some((step % count, stage))
            }
        }
    }

    /// How many people open tickets.
    const fn requesters(&self) -> u64 {
        match self.tickets {
            Tickets::Many | Tickets::Hot(_) => 5000,
            Tickets::New => u64::MAX,
        }
    }

    fn write(&mut self, ticket: u64, stage: u64) -> Result<Command, FieldError> {
        self.command += 1;
        let id = id(1, self.command);
        let order = match stage {
            0 => Order::Create(create(ticket, self.requesters())?),
            1 => Order::Assign(assign(self.command)?),
            4 => Order::Resolve(resolve()?),
            5 => Order::Reopen(Reopen { reason: "it happened again".to_owned().parse_as()? }),
            _ => Order::AddComment(comment(self.command)?),
        };
        Ok(Command {
            tenant: self.tenant.clone(),
            caller: self.caller.clone(),
            entity: Entity::Ticket(TicketId(self::id(0, ticket))),
            command_id: CommandId(id),
            actor: Actor { kind: ActorKind::Agent, id: agent(self.command), on_behalf_of: None },
            expected_version: None,
            correlation_id: None,
            causation_id: None,
            channel: None,
            dry_run: false,
            traceparent: None,
            order,
        })
    }
}

impl Iterator for Workload {
    type Item = Command;

    fn next(&mut self) -> Option<Command> {
        loop {
            let planned = self.plan(self.step);
            self.step += 1;
            if let Some((ticket, stage)) = planned {
                return Some(self.write(ticket, stage).expect("the texts below keep their limits"));
            }
        }
    }
}

/// A checked text from a plain one, whatever its limit.
trait ParseAs {
    fn parse_as<T: guichet_schemas::mirror::Wire<Repr = String>>(self) -> Result<T, FieldError>;
}

impl ParseAs for String {
    fn parse_as<T: guichet_schemas::mirror::Wire<Repr = String>>(self) -> Result<T, FieldError> {
        T::from_wire(self)
    }
}

fn create(ticket: u64, requesters: u64) -> Result<Create, FieldError> {
    let groups = ["network", "accounts", "billing", "hardware"];
    let group = groups[usize::try_from(ticket % 4).unwrap_or(0)];
    Ok(Create {
        subject: format!("printer {ticket} on the third floor prints nothing").parse_as()?,
        description: format!(
            "Since this morning the printer {ticket} takes every job and prints none of them. The display says \
             that it is ready. We tried another cable and switched it off and on again, without any success."
        )
        .parse_as()?,
        channel: Channel::Email,
        requester: Requester {
            id: format!("requester-{}", ticket % requesters).parse_as()?,
            name: None,
            email: None,
            phone: None,
            kind: None,
        },
        origin: None,
        r#type: None,
        category: Some("technical/printing".to_owned().parse_as()?),
        urgency: None,
        impact: None,
        priority: None,
        tags: vec!["printer".to_owned().parse_as()?],
        group: Some(group.to_owned().parse_as()?),
        assignee: None,
        product: None,
        brand: None,
        language: None,
        organisation: None,
        external_ref: None,
        fields: BTreeMap::new(),
        due_at: None,
        synthetic: false,
        restricted_to: Vec::new(),
    })
}

fn assign(command: u64) -> Result<Assign, FieldError> {
    // Never twice in a row to the same agent: that would be nothing to record.
    Ok(Assign { assignee: Some(agent(command).parse_as()?), group: None, reason: None, handover_note: None })
}

fn comment(command: u64) -> Result<AddComment, FieldError> {
    Ok(AddComment {
        visibility: if command.is_multiple_of(3) { Visibility::Internal } else { Visibility::Public },
        kind: None,
        body: format!(
            "Looked at it again ({command}): the queue on the server is stuck on a job from last night. Removed \
             that job and printed a test page, which came out as it should."
        )
        .parse_as()?,
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    })
}

fn resolve() -> Result<Resolve, FieldError> {
    Ok(Resolve {
        code: ResolutionCode::Configuration,
        summary: "Removed the stuck job from the queue; the printer prints again.".to_owned().parse_as()?,
        steps: Vec::new(),
        root_cause: None,
        override_reason: None,
    })
}

fn agent(command: u64) -> String {
    format!("agent-{}", command % 97)
}

/// A UUID of version 7 that looks random behind its time and is the same in every run.
fn id(kind: u64, number: u64) -> Uuid {
    let high = mix(number.wrapping_mul(2).wrapping_add(kind));
    let mut random = [0; 10];
    random[..8].copy_from_slice(&high.to_be_bytes());
    random[8..].copy_from_slice(&mix(high).to_be_bytes()[..2]);
    Builder::from_unix_timestamp_millis(EPOCH_MS + number / 20, &random).into_uuid()
}

/// A mixer of 64 bits (splitmix).
fn mix(seed: u64) -> u64 {
    let x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
