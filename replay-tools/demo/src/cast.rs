//! Who works at the made-up desk, and who calls it.

use guichet_schemas::event::Actor;
use guichet_schemas::words::{ActorKind, RequesterKind};
use rand::Rng as _;
use rand::rngs::StdRng;

/// A group of agents at one tier.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) tier: u32,
    pub(super) agents: &'static [&'static str],
    pub(super) above: Option<&'static Group>,
}

pub(super) static INFRASTRUCTURE: Group =
    Group { name: "infrastructure", tier: 3, agents: &["yannick", "ingrid"], above: None };
pub(super) static NETWORK: Group =
    Group { name: "network", tier: 2, agents: &["bruno", "leila", "tomas"], above: Some(&INFRASTRUCTURE) };
pub(super) static WORKPLACE: Group =
    Group { name: "workplace", tier: 2, agents: &["chloe", "piotr"], above: Some(&INFRASTRUCTURE) };
pub(super) static SERVICE_DESK: Group = Group {
    name: "service-desk",
    tier: 1,
    agents: &["alice", "bob", "nadia", "hugo"],
    above: Some(&WORKPLACE),
};
pub(super) static CONNECTIVITY_DESK: Group = Group {
    name: "service-desk",
    tier: 1,
    agents: &["alice", "bob", "nadia", "hugo"],
    above: Some(&NETWORK),
};
pub(super) static FINANCE: Group = Group { name: "finance", tier: 2, agents: &["marguerite"], above: None };
pub(super) static BILLING: Group =
    Group { name: "billing", tier: 1, agents: &["sofia", "karim"], above: Some(&FINANCE) };
pub(super) static SALES: Group = Group { name: "sales", tier: 1, agents: &["dora", "felix"], above: None };
pub(super) static HR: Group = Group { name: "hr", tier: 1, agents: &["odile", "samir"], above: None };

/// The one whom others ask for a decision.
pub(super) const MANAGER: &str = "claire";

const FIRST: &[&str] = &[
    "Camille", "Louis", "Emma", "Karim", "Sofie", "Jonas", "Aïcha", "Marc", "Greta", "Pablo", "Inès",
    "Oliver", "Zoé", "Henrik", "Lucia", "Adam", "Noémie", "Viktor", "Salma", "Peter",
];
const LAST: &[&str] = &[
    "Moreau", "Nowak", "Schmidt", "Benali", "Leroy", "García", "Rossi", "Jansen", "Dubois", "Keller",
    "Lefèvre", "Novák", "Okafor", "Martin", "Weber", "Silva", "Petit", "Larsen",
];
const COMPANIES: &[&str] = &["Atelier Nord", "Kestrel Foods", "Maison Aubry", "Port de Sète", "Lindqvist AB"];

/// Somebody with a problem.
#[derive(Debug)]
pub(super) struct Requester {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) kind: RequesterKind,
    pub(super) organisation: Option<&'static str>,
}

/// One of some 180 people; the same number is always the same person.
pub(super) fn requester(dice: &mut StdRng, kind: RequesterKind) -> Requester {
    let n = dice.random_range(0..180_usize);
    let (first, last) = (FIRST[n % FIRST.len()], LAST[n * 7 % LAST.len()]);
    let plain = |text: &str| -> String {
        let ascii = |c: char| match c {
            'á' | 'à' | 'â' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ï' => 'i',
            other => other.to_ascii_lowercase(),
        };
        text.chars().map(ascii).collect()
    };
    let organisation = (kind != RequesterKind::Employee).then(|| COMPANIES[n % COMPANIES.len()]);
    let letter = if kind == RequesterKind::Employee { 'e' } else { 'c' };
    Requester {
        id: format!("{letter}-{:04}", 1000 + n),
        name: format!("{first} {last}"),
        // Names that the RFCs reserve and numbers that nobody has.
        email: format!("{}.{}@example.org", plain(first), plain(last)),
        phone: format!("+33 1 99 00 {:02} {:02}", n % 90 + 10, n * 3 % 90 + 10),
        kind,
        organisation,
    }
}

/// One of a list.
pub(super) fn one<'a, T: ?Sized>(dice: &mut StdRng, list: &[&'a T]) -> &'a T {
    list[dice.random_range(0..list.len())]
}

pub(super) fn agent(id: &str) -> Actor {
    Actor { kind: ActorKind::Agent, id: id.to_owned(), on_behalf_of: None }
}

pub(super) fn supervisor() -> Actor {
    Actor { kind: ActorKind::Supervisor, id: MANAGER.to_owned(), on_behalf_of: None }
}

pub(super) fn system(id: &str) -> Actor {
    Actor { kind: ActorKind::System, id: id.to_owned(), on_behalf_of: None }
}

pub(super) fn by_requester(id: &str) -> Actor {
    Actor { kind: ActorKind::Requester, id: id.to_owned(), on_behalf_of: None }
}
