//! How a ticket ends: solved and closed, given up, or back once more before that.

use guichet_schemas::event::{
    Event, Personal, TicketCancelled, TicketClosed, TicketReopened, TicketResolved,
};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    CancelReason, CloseReason, CommentKind, ConfirmedBy, HoldReason, StatusCause, Strategy, TicketState,
    Visibility,
};
use rand::Rng as _;

use super::Life;
use super::chance::any_code;
use crate::calendar::{DAY, HOUR, date, instant};
use crate::cast::{agent, one, system};

/// Resolved tickets close by themselves after this.
const AUTO_CLOSE: i64 = 4 * DAY;

impl Life {
    /// Reported by many, solved by one: closed with the others when the line is back.
    pub(super) fn wait_for_the_line(&mut self) {
        let pause = self.minutes(2, 25);
        self.story.wait(pause);
        let by = one(&mut self.dice, self.group.agents);
        self.story.assign(&agent(by), by, self.group.name, Strategy::Pull, None);
        self.internal(self.words.finding);
        self.story.status(&agent(by), TicketState::Hold, Some(HoldReason::ThirdParty), StatusCause::Command);
        if let Some(until) = self.arrival.outage_until {
            self.story.wait_until(until);
        }
        let pause = self.minutes(3, 40);
        self.story.wait(pause);
        self.resolve(false);
        self.end();
    }

    pub(super) fn give_up(&mut self) {
        let pause = self.minutes(5, 300);
        self.story.sleep(pause);
        let (reason, note) = match self.dice.random_range(0..3) {
            0 => (CancelReason::Spam, "Advertisement, no request."),
            1 => (CancelReason::Duplicate, "The same request came by phone."),
            _ => (CancelReason::Withdrawn, "Requester called: it has settled itself."),
        };
        let by = agent(one(&mut self.dice, self.group.agents));
        self.story.comment(&by, Visibility::Internal, CommentKind::Message, None, note);
        self.story.fact(&by, Event::from(TicketCancelled { reason }));
    }

    pub(super) fn finish(&mut self) {
        let effort = self.minutes(5, 150);
        self.story.work(effort);
        if self.story.state() == TicketState::Pending && self.chance(0.3) {
            return;
        }
        self.back_to_work();
        self.resolve(true);
        if self.chance(0.13) {
            self.come_back();
        }
        self.end();
    }

    pub(super) fn back_to_work(&mut self) {
        let by = self.owner();
        if matches!(self.story.state(), TicketState::Pending | TicketState::Hold) {
            self.story.status(&by, TicketState::Open, None, StatusCause::Command);
        }
    }

    pub(super) fn resolve(&mut self, with_steps: bool) {
        let by = self.owner();
        let solution = self.text(self.words.solution);
        let opening = one(&mut self.dice, self.phrases.solved);
        self.public(&format!("{opening} {solution}"));
        let code = if self.chance(0.85) { self.topic.code } else { any_code(&mut self.dice) };
        let found = self.text(self.words.finding);
        let resolved = TicketResolved {
            by: by.id.clone(),
            code,
            summary: Personal::Plain(solution.clone()),
            steps: if with_steps && self.chance(0.4) { vec![found.clone(), solution] } else { Vec::new() },
            root_cause: (with_steps && self.chance(0.3)).then_some(found),
            confirmed_by: ConfirmedBy::None,
            override_reason: None,
            resolution_no: self.story.ticket().map_or(1, |t| t.resolutions() + 1),
        };
        self.story.fact(&by, resolved.into());
    }

    /// It was not solved after all.
    pub(super) fn come_back(&mut self) {
        let pause = self.minutes(30, 2800);
        self.story.sleep(pause);
        let text = one(&mut self.dice, self.phrases.not_solved);
        self.reply(text);
        let by = self.asker();
        let last = self.story.ticket().and_then(|t| t.last_resolution.clone());
        let reopened = TicketReopened {
            by_kind: by.kind,
            reason: None,
            resolution_no: last.as_ref().map_or(0, |r| r.number),
            resolver_of_last: last.as_ref().map(|r| r.by.clone()),
            since_resolved_ms: last.as_ref().map_or(0, |r| self.story.now().since(r.at)),
            follow_up: false,
        };
        self.story.fact(&by, reopened.into());
        if self.chance(0.4) {
            self.escalate();
        }
        let effort = self.minutes(15, 400);
        self.story.work(effort);
        self.resolve(true);
    }

    pub(super) fn end(&mut self) {
        if self.chance(0.35) {
            let pause = self.minutes(3, 700);
            self.story.sleep(pause);
            let text = one(&mut self.dice, self.phrases.thanks);
            let by = self.asker();
            self.story.thanks(&by, self.channel, text);
            let pause = self.minutes(2, 90);
            self.story.work(pause);
            let by = self.owner();
            return self
                .story
                .fact(&by, Event::from(TicketClosed { reason: CloseReason::Resolved, auto: false }));
        }
        // The clock that closes looks once an hour.
        let due = Timestamp(self.story.now().0 + AUTO_CLOSE);
        let hour = (due.0 - instant(date(due), 0).0).div_euclid(HOUR) + 1;
        self.story.wait_until(Timestamp(instant(date(due), 0).0 + hour * HOUR));
        self.story.fact(
            &system("auto-close"),
            Event::from(TicketClosed { reason: CloseReason::Resolved, auto: true }),
        );
    }
}
