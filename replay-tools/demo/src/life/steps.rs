//! What happens while somebody works on a ticket.

use guichet_schemas::event::{
    CategoryChanged, Event, PriorityChanged, TagsChanged, TicketDeescalated, TicketEscalated,
};
use guichet_schemas::words::{
    CommentKind, EscalationKind, EscalationReason, HoldReason, Priority, StatusCause, Strategy, TicketState,
    Visibility,
};
use rand::Rng as _;

use super::Life;
use super::chance::topic;
use crate::calendar::DAY;
use crate::cast::{MANAGER, one, supervisor};

impl Life {
    /// One of the things that happen while somebody works on a ticket.
    pub(super) fn step(&mut self) {
        if self.story.state() == TicketState::Pending {
            return;
        }
        let pause = self.minutes(10, 180);
        self.story.work(pause);
        match self.dice.random_range(0..100) {
            0..30 => self.ask_back(),
            30..52 => self.internal(self.words.finding),
            52..64 => self.hand_over(),
            64..80 => self.escalate(),
            80..90 => {
                let reasons =
                    [HoldReason::Vendor, HoldReason::ThirdParty, HoldReason::Change, HoldReason::Asset];
                let reason = reasons[self.dice.random_range(0..reasons.len())];
                self.hold(reason);
            }
            90..95 => self.weigh_anew(),
            _ => self.classify_anew(),
        }
    }

    pub(super) fn ask_back(&mut self) {
        self.public(self.words.question);
        let by = self.owner();
        self.story.status(&by, TicketState::Pending, None, StatusCause::Command);
        if self.chance(0.2) {
            self.story.work(2 * DAY / 3);
            self.public(self.phrases.reminder);
        }
        // Not everybody answers.
        if self.chance(0.08) {
            return;
        }
        let pause = self.minutes(8, 1500);
        self.story.sleep(pause);
        self.reply(self.words.answer);
        let by = self.asker();
        self.story.status(&by, TicketState::Open, None, StatusCause::RequesterComment);
    }

    pub(super) fn hold(&mut self, reason: HoldReason) {
        let by = self.owner();
        self.story.status(&by, TicketState::Hold, Some(reason), StatusCause::Command);
        let pause = self.minutes(120, 1600);
        self.story.work(pause);
        self.story.status(&by, TicketState::Open, None, StatusCause::Command);
    }

    /// To a colleague of the same group, with a note.
    pub(super) fn hand_over(&mut self) {
        let by = self.owner();
        let others: Vec<&str> = self.group.agents.iter().copied().filter(|a| *a != by.id).collect();
        if others.is_empty() {
            return;
        }
        let to = one(&mut self.dice, &others);
        let reasons = ["end of my shift", "you know this system better", "on leave from tomorrow"];
        let reason = one(&mut self.dice, &reasons);
        let note = format!("{} Next: {}", self.text(self.words.finding), self.text(self.words.solution));
        let comment = self.story.comment(&by, Visibility::Internal, CommentKind::Handover, None, &note);
        self.story.assign(&by, to, self.group.name, Strategy::Manual, Some((comment, reason.to_owned())));
    }

    pub(super) fn escalate(&mut self) {
        let Some(ticket) = self.story.ticket() else { return };
        let (by, from_tier) = (self.owner(), ticket.tier);
        let (tags, category_at) = (ticket.tags.clone(), ticket.category.clone());
        let above = self.group.above.filter(|g| g.tier > from_tier);
        let reasons = [
            EscalationReason::Expertise,
            EscalationReason::Complexity,
            EscalationReason::Authority,
            EscalationReason::TimeLimit,
        ];
        let reason = reasons[self.dice.random_range(0..reasons.len())];
        let mut tags_at = tags.clone();
        if let Some(group) = above {
            let tag = format!("to-{}", group.name);
            if !tags_at.contains(&tag) {
                tags_at.push(tag.clone());
                self.story.fact(&by, Event::from(TagsChanged { added: vec![tag], removed: Vec::new() }));
            }
        }
        let note = self.text(self.words.finding);
        let comment = self.story.comment(&by, Visibility::Internal, CommentKind::Handover, None, &note);
        let escalated = TicketEscalated {
            kind: if above.is_some() { EscalationKind::Functional } else { EscalationKind::Hierarchical },
            from_tier,
            to_tier: above.map_or(from_tier, |g| g.tier),
            to_manager: above.is_none().then(|| MANAGER.to_owned()),
            reason,
            tags_at,
            category_at,
            note_comment: Some(comment),
        };
        self.story.fact(&by, escalated.into());
        let pause = self.minutes(5, 120);
        self.story.work(pause);
        match above {
            Some(group) => {
                self.take(group);
                let pause = self.minutes(10, 90);
                self.story.work(pause);
                if self.chance(0.12) {
                    self.give_back(from_tier);
                }
            }
            None => {
                self.story.comment(
                    &supervisor(),
                    Visibility::Internal,
                    CommentKind::Message,
                    None,
                    "Agreed, go ahead.",
                );
            }
        }
    }

    pub(super) fn give_back(&mut self, to_tier: u32) {
        let by = self.owner();
        let from_tier = self.group.tier;
        let reason = Some("Known case, the procedure is in the handbook.".to_owned());
        self.story.fact(&by, Event::from(TicketDeescalated { from_tier, to_tier, reason }));
        self.take(self.topic.desk);
    }

    pub(super) fn weigh_anew(&mut self) {
        let Some(ticket) = self.story.ticket() else { return };
        let (from, urgency, impact) = (ticket.priority, ticket.urgency, ticket.impact);
        let (to, reason) = match from {
            Priority::Low => (Priority::Normal, "more people are concerned"),
            Priority::Normal => (Priority::High, "the team cannot work"),
            Priority::High => (Priority::Urgent, "the whole site is concerned"),
            Priority::Urgent => (Priority::High, "there is a way around it"),
        };
        let by = self.owner();
        let event = PriorityChanged {
            from,
            to,
            urgency,
            impact,
            cause: StatusCause::Command,
            reason: Some(reason.to_owned()),
        };
        self.story.fact(&by, event.into());
    }

    pub(super) fn classify_anew(&mut self) {
        let from = self.story.ticket().and_then(|t| t.category.clone());
        let to = topic(&mut self.dice).category.to_owned();
        if from.as_ref() != Some(&to) {
            let by = self.owner();
            self.story.fact(&by, Event::from(CategoryChanged { from, to: Some(to) }));
        }
    }
}
