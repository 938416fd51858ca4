//! One desk for a test: nats-server, HTTP, and a query service that answers what the test wants and remembers what
//! it was asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use guichet_http::{Bounds, Running, Settings, Token, start};
use guichet_schemas::wire::{self, ProjectionState, ProjectionView, query_reply};
use guichet_test_support::Nats;
use prost::Message as _;
use tokio::sync::watch;

use crate::client::{self, Answer, Stream};

/// A text that would do harm if it were not written as text.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script>\"&";

const TOKEN: [u8; 32] = [0xab; 32];

/// What the scripted service says to questions in JSON: number, code word and body.
pub(crate) type Script = (u16, &'static str, String);

pub(crate) struct Desk {
    pub(crate) http: Running,
    pub(crate) nats: Client,
    /// Subject and body of every question in JSON.
    asked: Arc<Mutex<Vec<(String, String)>>>,
    script: Arc<Mutex<Script>>,
    /// How far the read model is; `None`: it stands still.
    pub(crate) folded: watch::Sender<Option<u64>>,
    /// What is said of publishing.
    pub(crate) publishing: watch::Sender<Option<wire::PublishingView>>,
    /// While it is set, nothing that tiles ask for is answered.
    pub(crate) holds: watch::Sender<bool>,
    /// Questions of tiles.
    pub(crate) tiles: Arc<AtomicUsize>,
    _server: Nats,
}

impl Desk {
    /// With a query service.
    pub(crate) async fn start() -> Option<Self> {
        Self::within(Bounds::default()).await
    }

    /// With a query service, and bounds of its own.
    pub(crate) async fn within(bounds: Bounds) -> Option<Self> {
        let desk = Self::alone(bounds).await?;
        let mut questions = desk.nats.subscribe("guichet.v1.query.>").await.unwrap();
        // The server has taken one subscription when the next on the same connection works.
        let mut echo = desk.nats.subscribe("echo").await.unwrap();
        desk.nats.publish("echo", "".into()).await.unwrap();
        echo.next().await.unwrap();
        let (nats, asked, script, folded) =
            (desk.nats.clone(), Arc::clone(&desk.asked), Arc::clone(&desk.script), desk.folded.subscribe());
        let (publishing, holds) = (desk.publishing.subscribe(), desk.holds.subscribe());
        let tiles = Arc::clone(&desk.tiles);
        tokio::spawn(async move {
            while let Some(question) = questions.next().await {
                let (nats, folded) = (nats.clone(), folded.clone());
                let protobuf = question
                    .headers
                    .as_ref()
                    .and_then(|h| h.get("Content-Type"))
                    .is_some_and(|t| t.as_str() == "application/protobuf");
                if protobuf && question.subject.ends_with(".projections") {
                    let publishing = publishing.borrow().clone();
                    tokio::spawn(projections(nats, question, folded, publishing));
                    continue;
                }
                if protobuf {
                    tiles.fetch_add(1, Relaxed);
                    let mut holds = holds.clone();
                    tokio::spawn(async move {
                        holds.wait_for(|holds| !*holds).await.unwrap();
                        let to = question.reply.clone().unwrap();
                        nats.publish_with_headers(to, HeaderMap::new(), answer(&question)).await.unwrap();
                    });
                    continue;
                }
                if question.subject.contains(".silent.") {
                    continue;
                }
                let body = String::from_utf8(question.payload.to_vec()).unwrap();
                asked.lock().unwrap().push((question.subject.to_string(), body));
                let (number, code, body) = script.lock().unwrap().clone();
                let mut headers = HeaderMap::new();
                headers.insert("Content-Type", "application/json");
                if number != 200 {
                    headers.insert("Nats-Service-Error", code);
                    headers.insert("Nats-Service-Error-Code", number.to_string());
                }
                nats.publish_with_headers(question.reply.unwrap(), headers, body.into()).await.unwrap();
            }
        });
        Some(desk)
    }

    /// Nobody answers questions.
    pub(crate) async fn without_read_models() -> Option<Self> {
        Self::alone(Bounds::default()).await
    }

    async fn alone(bounds: Bounds) -> Option<Self> {
        let server = Nats::start_where_there_is_one().await?;
        let nats = async_nats::connect(server.url()).await.unwrap();
        let settings = Settings {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            names: vec!["desk.example".to_owned()],
            token: Token::from_secret(TOKEN),
            bounds,
        };
        let http = start(settings, async_nats::connect(server.url()).await.unwrap()).await.unwrap();
        Some(Self {
            http,
            nats,
            asked: Arc::default(),
            script: Arc::new(Mutex::new((200, "", r#"{"ok":true}"#.to_owned()))),
            folded: watch::Sender::new(Some(7)),
            publishing: watch::Sender::new(None),
            holds: watch::Sender::new(false),
            tiles: Arc::default(),
            _server: server,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.http.url().strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) fn bearer() -> String {
        format!("Bearer {}", "ab".repeat(32))
    }

    /// The cookie that a browser would send.
    pub(crate) fn cookie(&self) -> String {
        format!("theme=dark; guichet_{}={}", self.address().port(), "ab".repeat(32))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        client::send(self.address(), "GET", path, &[("Authorization", &Self::bearer())]).await
    }

    /// As a browser that came in.
    pub(crate) async fn page(&self, path: &str, language: &str) -> Answer {
        client::send(
            self.address(),
            "GET",
            path,
            &[("Cookie", &self.cookie()), ("Accept-Language", language)],
        )
        .await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        client::send(self.address(), method, path, headers).await
    }

    pub(crate) async fn live(&self) -> Stream {
        Stream::open(self.address(), "/api/v1/default/live", &[("Authorization", &Self::bearer())]).await
    }

    /// What the service says from now on.
    pub(crate) fn says(&self, number: u16, code: &'static str, body: impl Into<String>) {
        *self.script.lock().unwrap() = (number, code, body.into());
    }

    /// The questions so far.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }

    /// An event of the log, as the engine publishes it.
    pub(crate) async fn happens(&self, position: u64) {
        let mut headers = HeaderMap::new();
        headers.insert("ce-sequence", format!("{position:020}"));
        let subject = "guichet.v1.evt.default.0.TicketCreated";
        self.nats.publish_with_headers(subject, headers, "record".into()).await.unwrap();
    }
}

/// What the tiles ask for: little, and some of it hostile.
fn answer(question: &async_nats::Message) -> bytes::Bytes {
    let name = question.subject.rsplit('.').next().unwrap();
    let data = match name {
        "queues" => query_reply::Data::Queues(wire::QueuesView {
            queues: vec![
                wire::QueueRow {
                    group: Some(HOSTILE.to_owned()),
                    tickets: 1_234,
                    by_priority: Some(wire::PriorityCounts {
                        urgent: 4,
                        normal: 1_230,
                        ..Default::default()
                    }),
                    unassigned: 3,
                    reopen_held: 2,
                    ..Default::default()
                },
                wire::QueueRow { tickets: 2, overdue: 1, ..Default::default() },
            ],
        }),
        "queue" => query_reply::Data::Queue(wire::QueueView {
            tickets: vec![wire::QueueEntry {
                number: "T-9".to_owned(),
                subject: Some(wire::Personal { form: Some(wire::personal::Form::Plain(HOSTILE.to_owned())) }),
                score: Some(wire::Score {
                    points: 51.5,
                    inputs: vec![wire::ScoreInput {
                        name: "priority".to_owned(),
                        value: 2.0,
                        weight: 10.0,
                        points: 20.0,
                    }],
                }),
                reopen_held_at: Some(1_771_840_860_000),
                ..Default::default()
            }],
        }),
        "report_backlog" => query_reply::Data::ReportBacklog(wire::BacklogReport {
            rows: vec![wire::BacklogRow {
                period: "2026-W11".to_owned(),
                created: 7,
                unresolved_at_end: 3,
                backlog_ratio: Some(0.75),
                running: true,
                ..Default::default()
            }],
        }),
        "report_reopen_rate" => {
            query_reply::Data::Error(wire::Error { code: "unsupported".to_owned(), ..Default::default() })
        }
        "tickets" => query_reply::Data::Tickets(wire::TicketsView { tickets: with_external_id(question) }),
        "ticket" => query_reply::Data::Ticket(wire::TicketView {
            number: "T-9".to_owned(),
            version: if is_about(question, LONG) { VERSIONS } else { 1 },
            requester: HOSTILE.to_owned(),
            ..Default::default()
        }),
        "timeline" => query_reply::Data::Timeline(wire::TimelineView {
            entries: history(question),
            ..Default::default()
        }),
        "suggested_articles" => query_reply::Data::SuggestedArticles(wire::SuggestedArticlesView {
            by_text: true,
            category: None,
            articles: vec![article()],
        }),
        "articles" => query_reply::Data::Articles(wire::ArticlesView { articles: vec![article()] }),
        "article" => query_reply::Data::Article(article()),
        "knowledge_gaps" => query_reply::Data::KnowledgeGaps(wire::KnowledgeGapsView {
            gaps: vec![wire::KnowledgeGap {
                number: "T-9".to_owned(),
                category: Some(HOSTILE.to_owned()),
                resolved_by: HOSTILE.to_owned(),
                ..Default::default()
            }],
        }),
        other => panic!("nobody should ask {other}"),
    };
    wire::QueryReply { as_of_position: 5, data: Some(data), ..Default::default() }.encode_to_vec().into()
}

fn article() -> wire::PublishedArticle {
    wire::PublishedArticle {
        article: HOSTILE.to_owned(),
        version: 2,
        title: HOSTILE.to_owned(),
        body: Some(HOSTILE.to_owned()),
        language: Some(HOSTILE.to_owned()),
        categories: vec![HOSTILE.to_owned()],
        ..Default::default()
    }
}

/// An id in another system that one ticket has, and one that two have.
pub(crate) const OLD_ID: &str = "INC 7/é";
pub(crate) const OLD_NUMBER: &str = "4711";

fn with_external_id(question: &async_nats::Message) -> Vec<wire::TicketView> {
    let query = wire::Query::decode(question.payload.clone()).unwrap();
    let Some(wire::query::Data::Tickets(of)) = query.data else { panic!("{query:?}") };
    let id = of.external_id.unwrap();
    let ticket = |number: &str, source: &str| wire::TicketView {
        number: number.to_owned(),
        external_ref: Some(wire::ExternalRef { source: source.to_owned(), id: id.clone() }),
        ..Default::default()
    };
    match id.as_str() {
        OLD_ID => vec![ticket("T-9", "servicenow")],
        OLD_NUMBER => vec![ticket("T-12", HOSTILE), ticket("T-3", "zammad")],
        _ => Vec::new(),
    }
}

/// The ticket whose history is long, and how long; each of its events is large.
pub(crate) const LONG: &str = "T-77";
pub(crate) const VERSIONS: u64 = 120;

fn is_about(question: &async_nats::Message, number: &str) -> bool {
    let query = wire::Query::decode(question.payload.clone()).unwrap();
    match query.data {
        Some(wire::query::Data::Ticket(of)) => of.number.as_deref() == Some(number),
        Some(wire::query::Data::Timeline(of)) => of.number.as_deref() == Some(number),
        _ => false,
    }
}

/// As the read model does it: the newest first, below a version, as many as were asked for and fit.
fn history(question: &async_nats::Message) -> Vec<wire::TimelineEntry> {
    let query = wire::Query::decode(question.payload.clone()).unwrap();
    let Some(wire::query::Data::Timeline(of)) = query.data else { panic!("{query:?}") };
    let entry = |version: u64, text: String| wire::TimelineEntry {
        position: version + 3,
        version,
        r#type: "TicketCreated".to_owned(),
        sentence: text,
        ..Default::default()
    };
    if of.number.as_deref() != Some(LONG) {
        return vec![entry(1, HOSTILE.to_owned())];
    }
    assert!(of.newest_first);
    let newest = of.before.map_or(VERSIONS, |before| before - 1).min(VERSIONS);
    let fits = 4.min(query.limit.unwrap() as usize);
    (1..=newest).rev().take(fits).map(|version| entry(version, "<&\"'".repeat(12_000))).collect()
}

/// Waits for the position that was asked for, as the read models do, then says how they are.
async fn projections(
    nats: Client,
    question: async_nats::Message,
    mut folded: watch::Receiver<Option<u64>>,
    publishing: Option<wire::PublishingView>,
) {
    let query = wire::Query::decode(question.payload).unwrap();
    let wanted = query.min_position.unwrap_or(0);
    let reached = folded.wait_for(|folded| folded.is_none_or(|at| at >= wanted));
    let wait = std::time::Duration::from_millis(query.wait_ms.unwrap_or(0));
    let folded = match tokio::time::timeout(wait, reached).await {
        Ok(reached) => *reached.unwrap(),
        Err(_) => Some(0),
    };
    let state = if folded.is_none() { ProjectionState::Halted } else { ProjectionState::Live };
    let checkpoint = folded.unwrap_or(3);
    let data = if checkpoint < wanted && folded.is_some() {
        let code = "unavailable".to_owned();
        query_reply::Data::Error(wire::Error { code, ..Default::default() })
    } else {
        query_reply::Data::Projections(wire::ProjectionsView {
            projections: vec![ProjectionView {
                name: "ticket".to_owned(),
                checkpoint,
                verified_position: checkpoint,
                state: state as i32,
                reason: folded.is_none().then(|| "another lineage".to_owned()),
                ..Default::default()
            }],
            publishing,
        })
    };
    let mut headers = HeaderMap::new();
    if let query_reply::Data::Error(error) = &data {
        headers.insert("Nats-Service-Error", error.code.as_str());
        headers.insert("Nats-Service-Error-Code", "503");
    }
    let reply = wire::QueryReply { as_of_position: checkpoint, data: Some(data), ..Default::default() };
    nats.publish_with_headers(question.reply.unwrap(), headers, reply.encode_to_vec().into()).await.unwrap();
}
