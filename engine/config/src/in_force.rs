//! The configuration at one instant, as the rules of a ticket ask for it.

use std::collections::BTreeMap;

use guichet_rules::{
    AUTO_CLOSE, Asking, DeskRules, FiredRule, Life, ProcedureRule, RATING_WINDOW_MS, REOPEN_LIMIT,
    REOPEN_LIMIT_WITHIN_MS, Reach, Ticket, Unconfigured, Whose,
};
use guichet_schemas::command::{Command, Import, Name, Order, SetField};
use guichet_schemas::event::FieldValue;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::Tag;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, Priority, TicketState};

use crate::body::{Agent, Field, FieldKind, Role, UnknownTags};
use crate::configuration::Configuration;

/// The configuration in force at an instant.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    configuration: &'a Configuration,
    at: Timestamp,
}

impl Configuration {
    /// The configuration in force at an instant, for decisions.
    #[must_use]
    pub const fn at(&self, at: Timestamp) -> InForce<'_> {
        InForce { configuration: self, at }
    }
}

impl InForce<'_> {
    /// Refuses what the caller, or the actor for whom it speaks, may not do at all.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn permits(&self, asking: &Asking<'_>) -> Result<(), Rejection> {
        let Some(callers) = self.configuration.callers(self.at) else { return Unconfigured.permits(asking) };
        match asking.whose() {
            Whose::Clocks(allowed) => return allowed,
            Whose::Look => {
                return callers.may_look(asking.caller, asking.actor).map_err(Rejection::Forbidden);
            }
            Whose::Configuration | Whose::Access | Whose::Anybody => {}
        }
        callers.may(asking.caller, asking.actor, asking.verb).map_err(Rejection::Forbidden)
    }

    /// The roles by which a caller may do what it asks for. `None`: it needs none, or nobody has said who has which.
    fn roles<'c>(&'c self, asking: &Asking<'c>) -> Option<impl Iterator<Item = Role> + use<'c>> {
        let callers = self.configuration.callers(self.at)?;
        let verb = asking.verb;
        match asking.whose() {
            Whose::Clocks(_) | Whose::Look => None,
            Whose::Configuration | Whose::Access | Whose::Anybody if verb == Import::VERB => None,
            Whose::Configuration | Whose::Access | Whose::Anybody => {
                let roles = callers.roles(asking.caller).iter().copied();
                Some(roles.filter(move |role| role.has(verb)))
            }
        }
    }
}

impl DeskRules for InForce<'_> {
    fn may(&self, command: &Command) -> Result<(), Rejection> {
        let asking = Asking::of(command);
        self.permits(&asking)?;
        if self
            .roles(&asking)
            .is_none_or(|mut roles| roles.any(|role| role.writes(command.order.is_internal())))
        {
            return Ok(());
        }
        let (what, needs) = if command.order.is_internal() {
            ("internal", "light_agent, agent, trainee, supervisor, bot, service or system")
        } else {
            ("public", "requester, participant, agent, trainee, supervisor, bot, service or system")
        };
        Err(Rejection::Forbidden(format!(
            "caller {} has no role that writes {what} comments: it needs {needs}",
            asking.caller
        )))
    }

    fn any_reach(&self, command: &Command, holds: &dyn Fn(Reach) -> bool) -> bool {
        match self.roles(&Asking::of(command)) {
            None => holds(Reach::Every),
            Some(mut roles) => {
                roles.any(|role| role.writes(command.order.is_internal()) && holds(role.reach()))
            }
        }
    }

    fn groups_of(&self, agent: &str) -> Option<&[String]> {
        let agents = self.configuration.agents(self.at)?;
        Some(agents.get(agent).map_or(&[], |agent| agent.groups.as_slice()))
    }

    fn has_members(&self, group: &str) -> bool {
        let agents = self.configuration.agents(self.at).into_iter().flat_map(|agents| &agents.agents);
        agents.into_iter().any(|agent| agent.groups.iter().any(|own| own == group))
    }

    fn tier_of(&self, agent: &str) -> Option<u32> {
        self.configuration.agents(self.at)?.get(agent)?.tier
    }

    fn knows(&self, order: &Order) -> Result<(), FieldError> {
        order.names().into_iter().try_for_each(|name| self.lists(name))?;
        if let Order::Create(order) = order {
            self.fits_fields(&order.fields)
        } else if let Order::SetField(order) = order {
            self.fits_field(order)
        } else {
            Ok(())
        }
    }

    fn life(&self) -> Life {
        let life = self.configuration.lifecycle(self.at);
        let ms = |seconds: Option<u32>| seconds.map(|s| u64::from(s).saturating_mul(1000));
        Life {
            pending_guard: life.pending_guard,
            auto_assign_on_resolve: life.auto_assign_on_resolve,
            escalation_needs_tag: life.escalation_needs_tag,
            resolve_requires_confirmation: life.resolve_requires_confirmation,
            reopen_window_ms: ms(life.reopen_window_s),
            reopen_closed_ms: ms(life.follow_up_reopen_within_s),
            closed_message: life.closed_message.unwrap_or_default(),
            reopen_limit: life.reopen_limit.unwrap_or(REOPEN_LIMIT),
            reopen_limit_within_ms: ms(life.reopen_limit_within_s).unwrap_or(REOPEN_LIMIT_WITHIN_MS),
            rating_window_ms: ms(life.rating_window_s).unwrap_or(RATING_WINDOW_MS),
            bot_replies_count: life.bot_replies_count,
        }
    }

    fn may_merge_any(&self, command: &Command) -> bool {
        let callers = self.configuration.callers(self.at);
        let granted = callers.and_then(|callers| callers.callers.get(command.caller.as_str()));
        granted.is_some_and(|caller| caller.merge_any) || Unconfigured.may_merge_any(command)
    }

    fn missing_on_resolve(&self, ticket: &Ticket) -> Vec<String> {
        let listed = self.configuration.fields(self.at).into_iter().flat_map(|fields| &fields.fields);
        let is_missing = |field: &&Field| field.required_on_resolve && !ticket.fields.contains_key(&field.id);
        listed.filter(is_missing).map(|field| field.id.clone()).collect()
    }

    fn is_supervised(&self, command: &Command) -> bool {
        let is_person = matches!(
            command.actor.kind,
            ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin
        );
        is_person
            && (self.agent_of(&command.actor.id).is_some_and(|agent| agent.trainee) || self.trains(command))
    }

    fn mentor(&self, agent: &str) -> Option<String> {
        self.agent_of(agent)?.mentor.clone()
    }

    fn authority(&self, agent: &str) -> Option<Priority> {
        self.agent_of(agent)?.authority.as_ref()?.highest_priority.map(|word| word.0)
    }

    fn procedure(&self, id: &str) -> Option<ProcedureRule> {
        let (version, procedure) = self.configuration.procedure(id, self.at)?;
        let steps = procedure.steps.iter().map(|step| (step.id.clone(), step.mandatory)).collect();
        Some(ProcedureRule { version, steps })
    }

    fn time_rule(&self, id: &str) -> Option<FiredRule> {
        if id == AUTO_CLOSE {
            return Some(FiredRule::auto_close());
        }
        let rule = self.configuration.time_rules(self.at).iter().find(|rule| rule.id == id)?;
        Some(FiredRule {
            states: TicketState::ALL.iter().copied().filter(|state| rule.looks_at(*state)).collect(),
            actions: rule.actions.clone(),
        })
    }
}

impl InForce<'_> {
    fn lists(&self, name: Name<'_>) -> Result<(), FieldError> {
        match name {
            Name::Agent(path, id) => self.agent(path, id.as_str()),
            Name::Group(path, id) => self.group(path, id.as_str()),
            Name::Tier(path, tier) => self.tier(path, tier),
            Name::Status(path, id, state) => self.status(path, id.as_str(), state),
            Name::Category(path, category) => self.category(path, category.as_str()),
            Name::Tags(path, tags) => self.tags(path, tags),
        }
    }

    fn fits_fields(&self, given: &BTreeMap<String, FieldValue>) -> Result<(), FieldError> {
        let Some(fields) = self.configuration.fields(self.at) else { return Ok(()) };
        for (name, value) in given {
            let path = || format!("fields.{name}");
            let field = fields.get(name).ok_or_else(|| unlisted(path(), "field", "fields", name))?;
            if let Some(rule) = misfit(field, value) {
                return Err(FieldError::new(path(), rule));
            }
        }
        let missing = fields.fields.iter().find(|f| f.required_on_create && !given.contains_key(&f.id));
        missing.map_or(Ok(()), |field| Err(FieldError::new(format!("fields.{}", field.id), "is required")))
    }

    fn fits_field(&self, order: &SetField) -> Result<(), FieldError> {
        let Some(fields) = self.configuration.fields(self.at) else { return Ok(()) };
        let name = &order.field;
        let listed = fields.get(name);
        let field = listed.ok_or_else(|| unlisted("field".to_owned(), "field", "fields", name))?;
        let rule = match &order.value {
            Some(value) => misfit(field, value),
            None => field.required_on_create.then(|| "is required: no ticket is without it".to_owned()),
        };
        rule.map_or(Ok(()), |rule| Err(FieldError::new("value", rule)))
    }

    fn agent_of(&self, id: &str) -> Option<&Agent> {
        self.configuration.agents(self.at)?.get(id)
    }

    /// Whether the caller is one that only trainees use.
    fn trains(&self, command: &Command) -> bool {
        let Some(callers) = self.configuration.callers(self.at) else { return false };
        let roles = callers.roles(command.caller.as_str());
        roles.contains(&Role::Trainee) && !roles.contains(&Role::Agent) && !roles.contains(&Role::Supervisor)
    }

    fn agent(&self, path: &str, id: &str) -> Result<(), FieldError> {
        match self.configuration.agents(self.at) {
            Some(agents) if agents.get(id).is_none() => Err(unlisted(path.to_owned(), "agent", "agents", id)),
            Some(_) | None => Ok(()),
        }
    }

    fn group(&self, path: &str, id: &str) -> Result<(), FieldError> {
        match self.configuration.groups(self.at) {
            Some(groups) if groups.get(id).is_none() => Err(unlisted(path.to_owned(), "group", "groups", id)),
            Some(_) | None => Ok(()),
        }
    }

    fn category(&self, path: &str, category: &str) -> Result<(), FieldError> {
        match self.configuration.categories(self.at) {
            Some(categories) if !categories.has(category) => {
                Err(unlisted(path.to_owned(), "category", "categories", category))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn tier(&self, path: &str, tier: u32) -> Result<(), FieldError> {
        match self.configuration.tiers(self.at) {
            Some(tiers) if !tiers.tiers.iter().any(|known| known.tier == tier) => {
                Err(unlisted(path.to_owned(), "tier", "tiers", &tier.to_string()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn status(&self, path: &str, id: &str, state: TicketState) -> Result<(), FieldError> {
        let Some(statuses) = self.configuration.statuses(self.at) else { return Ok(()) };
        match statuses.get(id) {
            Some(status) if status.state.0 == state => Ok(()),
            Some(status) => Err(FieldError::new(
                path,
                format!("{id:?} is a status of {}, not of {state}", status.state.0),
            )),
            None => Err(unlisted(path.to_owned(), "status", "statuses", id)),
        }
    }

    fn tags(&self, path: &str, tags: &[Tag]) -> Result<(), FieldError> {
        let Some(known) = self.configuration.tags(self.at).filter(|t| t.unknown == UnknownTags::Refuse)
        else {
            return Ok(());
        };
        let unknown = tags.iter().enumerate().find(|(_, tag)| known.meant_by(tag.as_str()).is_none());
        unknown.map_or(Ok(()), |(n, tag)| Err(unlisted(format!("{path}[{n}]"), "tag", "tags", tag.as_str())))
    }
}

/// Why a value is none of a field.
fn misfit(field: &Field, value: &FieldValue) -> Option<String> {
    let fits = match (field.kind, value) {
        (FieldKind::Text, FieldValue::Text(text)) => field.options.is_empty() || field.options.contains(text),
        (FieldKind::Number, FieldValue::Number(_)) | (FieldKind::Flag, FieldValue::Flag(_)) => true,
        (FieldKind::Text | FieldKind::Number | FieldKind::Flag, _) => false,
    };
    let rule = || match field.kind {
        FieldKind::Text if !field.options.is_empty() => {
            format!("must be one of {}", field.options.join(", "))
        }
        FieldKind::Text => "must be a text".to_owned(),
        FieldKind::Number => "must be a number".to_owned(),
        FieldKind::Flag => "must be true or false".to_owned(),
    };
    (!fits).then(rule)
}

fn unlisted(path: String, what: &str, kind: &str, name: &str) -> FieldError {
    FieldError::new(path, format!("{name:?} is no {what} that the configuration kind {kind} lists"))
}
