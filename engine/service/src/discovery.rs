//! The three questions of discovery, and the only place that answers them.

use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Client, Error, Message, Subscriber};
use futures_util::stream::{SelectAll, select_all};
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_schemas::subject::is_reply;
use serde_json::{Map, Value, json};

use crate::figures::Figures;
use crate::service::{About, Metadata, QUEUE_GROUP};

#[derive(Debug, Clone, Copy)]
enum Verb {
    Ping,
    Info,
    Stats,
}

/// An endpoint as discovery lists it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) subject: String,
    pub(crate) metadata: Metadata,
    pub(crate) figures: Arc<Figures>,
}

/// The questions to one process of a service: to all services, to those of its name, to itself.
pub(crate) struct Questions {
    id: String,
    pings: SelectAll<Subscriber>,
    infos: SelectAll<Subscriber>,
    stats: SelectAll<Subscriber>,
}

/// Subscribes to the questions. No queue group: every process answers.
pub(crate) async fn questions(client: &Client, about: &About) -> Result<Questions, Error> {
    let id = unique(client);
    let subscribe = async |verb: &str| -> Result<_, Error> {
        let all = format!("$SRV.{verb}");
        let (named, this) = (format!("{all}.{}", about.name), format!("{all}.{}.{id}", about.name));
        let mut subscribers = Vec::new();
        for subject in [all, named, this] {
            subscribers.push(client.subscribe(subject).await?);
        }
        Ok(select_all(subscribers))
    };
    let (pings, infos, stats) =
        (subscribe("PING").await?, subscribe("INFO").await?, subscribe("STATS").await?);
    Ok(Questions { id, pings, infos, stats })
}

/// The library makes an inbox unique; what makes it so does for a process too.
fn unique(client: &Client) -> String {
    let inbox = client.new_inbox();
    inbox.rsplit('.').next().unwrap_or(&inbox).to_owned()
}

impl Questions {
    /// Answers until the connection is closed for good.
    pub(crate) async fn answer(mut self, client: Client, about: About, listed: Arc<Mutex<Vec<Listed>>>) {
        loop {
            let (verb, question) = tokio::select! {
                Some(question) = self.pings.next() => (Verb::Ping, question),
                Some(question) = self.infos.next() => (Verb::Info, question),
                Some(question) = self.stats.next() => (Verb::Stats, question),
                else => return,
            };
            let Message { reply: Some(reply), .. } = question else { continue };
            if !is_reply(&reply) {
                tracing::warn!("dropped a question of discovery: its reply subject is no inbox");
                continue;
            }
            let answer = {
                let listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
                Value::Object(answer(verb, &self.id, &about, &listed)).to_string()
            };
            // Where the connection takes nothing more, answers would only gather; and a question that waits for one
            // would keep the others waiting. Who asked will ask again.
            match tokio::task::unconstrained(client.publish(reply, answer.into())).now_or_never() {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "a question of discovery could not be answered"),
                None => {
                    metrics::counter!("guichet_requests_refused_total", "of" => "discovery", "bound" => "all")
                        .increment(1);
                }
            }
        }
    }
}

fn answer(verb: Verb, id: &str, about: &About, listed: &[Listed]) -> Map<String, Value> {
    let of = |kind: &str| {
        object(json!({
            "type": format!("io.nats.micro.v1.{kind}_response"),
            "name": about.name, "id": id, "version": about.version, "metadata": about.metadata,
        }))
    };
    match verb {
        Verb::Ping => of("ping"),
        Verb::Info => {
            let endpoint = |e: &Listed| json!({"name": e.name, "subject": e.subject, "queue_group": QUEUE_GROUP, "metadata": e.metadata});
            let mut info = of("info");
            info.insert("description".to_owned(), about.description.into());
            info.insert("endpoints".to_owned(), listed.iter().map(endpoint).collect());
            info
        }
        Verb::Stats => {
            let endpoint = |e: &Listed| {
                let mut figures = object(e.figures.show());
                let names = json!({"name": e.name, "subject": e.subject, "queue_group": QUEUE_GROUP});
                figures.extend(object(names));
                Value::Object(figures)
            };
            let mut stats = of("stats");
            stats.insert("started".to_owned(), about.started.to_string().into());
            stats.insert("endpoints".to_owned(), listed.iter().map(endpoint).collect());
            stats
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use guichet_schemas::time::Timestamp;

    use super::*;

    fn shown(verb: Verb) -> Value {
        let about = About {
            name: "guichet-test",
            version: "1.2.3",
            description: "a test",
            metadata: Metadata::from([("contract".to_owned(), "v1".to_owned())]),
            started: Timestamp(0),
        };
        let figures = Arc::new(Figures::default());
        figures.answered(Duration::from_nanos(10));
        figures.refused(404, "not_found");
        figures.answered(Duration::from_nanos(20));
        figures.dropped();
        let metadata = Metadata::from([("format".to_owned(), "application/json".to_owned())]);
        let listed = [Listed { name: "ask", subject: "test.ask".to_owned(), metadata, figures }];
        Value::Object(answer(verb, "ID", &about, &listed))
    }

    #[test]
    fn the_answers_have_the_form_of_adr_32() {
        let contract = json!({"contract": "v1"});
        assert_eq!(
            shown(Verb::Ping),
            json!({"type": "io.nats.micro.v1.ping_response", "name": "guichet-test", "id": "ID", "version": "1.2.3", "metadata": contract})
        );
        assert_eq!(
            shown(Verb::Info),
            json!({"type": "io.nats.micro.v1.info_response", "name": "guichet-test", "id": "ID", "version": "1.2.3", "metadata": contract,
                "description": "a test",
                "endpoints": [{"name": "ask", "subject": "test.ask", "queue_group": "q", "metadata": {"format": "application/json"}}]})
        );
        assert_eq!(
            shown(Verb::Stats),
            json!({"type": "io.nats.micro.v1.stats_response", "name": "guichet-test", "id": "ID", "version": "1.2.3", "metadata": contract,
                "started": "1970-01-01T00:00:00.000Z",
                "endpoints": [{"name": "ask", "subject": "test.ask", "queue_group": "q", "num_requests": 2, "num_errors": 1,
                    "last_error": "404:not_found", "processing_time": 30, "average_processing_time": 15, "data": {"dropped": 1}}]})
        );
    }
}
