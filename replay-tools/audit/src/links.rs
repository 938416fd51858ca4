//! The chain of every stream of events (each ticket is one): versions without a gap, each naming the hash of the one
//! before.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use guichet_schemas::codec::Head;
use guichet_schemas::hash::Hash;

use crate::findings::{Check, Findings};

/// A stream, told from all others by a hash of its tenant, kind and id: sixteen bytes, however long its name.
type Stream = [u8; 16];

/// Where the chain of each stream begins and ends in a run of records.
#[derive(Debug, Default)]
pub(crate) struct Links {
    streams: HashMap<Stream, Link>,
    name: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    first: u64,
    /// Version and claimed predecessor of the first event in the run.
    first_version: u64,
    first_prev: Hash,
    last_version: u64,
    last_hash: Hash,
}

impl Links {
    /// Streams seen.
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Adds the next event of its stream.
    pub(crate) fn add(&mut self, head: &Head<'_>, hash: Hash, findings: &mut Findings) {
        let Some(prev) = Hash::from_slice(head.prev_hash) else {
            return findings.at(Check::Chain, head.position, "its prev_hash is no hash".to_owned());
        };
        match self.streams.entry(stream(&mut self.name, head)) {
            Entry::Vacant(vacant) => {
                let (first, first_version) = (head.position, head.version);
                let last_version = first_version;
                vacant.insert(Link { first, first_version, first_prev: prev, last_version, last_hash: hash });
            }
            Entry::Occupied(mut occupied) => {
                let link = occupied.get_mut();
                follows(head.position, (head.version, prev), (link.last_version, link.last_hash), findings);
                (link.last_version, link.last_hash) = (head.version, hash);
            }
        }
    }

    /// Adds the run of records behind this one.
    pub(crate) fn join(&mut self, later: Self, findings: &mut Findings) {
        let mut joined: Vec<(Stream, Link)> = later.streams.into_iter().collect();
        // In the order of the log, so that the same log gives the same findings.
        joined.sort_unstable_by_key(|(_, link)| link.first);
        for (stream, link) in joined {
            let before = self.streams.get(&stream).map_or((0, Hash::ZERO), |l| (l.last_version, l.last_hash));
            follows(link.first, (link.first_version, link.first_prev), before, findings);
            self.streams
                .entry(stream)
                .and_modify(|l| (l.last_version, l.last_hash) = (link.last_version, link.last_hash))
                .or_insert(link);
        }
    }
}

/// The event at `position` claims a version and a predecessor: are they those of the event before?
fn follows(position: u64, claimed: (u64, Hash), before: (u64, Hash), findings: &mut Findings) {
    if claimed.0 != before.0 + 1 {
        let what = format!("version {} of its stream follows version {}", claimed.0, before.0);
        findings.at(Check::Chain, position, what);
    } else if claimed.1 != before.1 {
        findings.at(
            Check::Chain,
            position,
            format!(
                "its prev_hash is {}, but version {} of its stream has {}: one of the two was changed",
                claimed.1, before.0, before.1
            ),
        );
    }
}

fn stream(name: &mut Vec<u8>, head: &Head<'_>) -> Stream {
    name.clear();
    name.extend_from_slice(head.tenant.as_bytes());
    name.push(0);
    name.extend_from_slice(&head.stream_kind.to_be_bytes());
    name.extend_from_slice(head.stream_id.as_bytes());
    let mut stream = [0; 16];
    stream.copy_from_slice(&Hash::of_record(name).0[..16]);
    stream
}
