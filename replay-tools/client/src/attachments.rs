//! The bytes of attachments, brought and fetched part by part. `access` is the position of a `record_access`, which a restricted ticket needs.

use async_nats::service::NATS_SERVICE_ERROR;
use bytes::Bytes;
use guichet_schemas::command::limits::ATTACHMENT_CHUNK;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::subject::{AttachmentSubject, Carry};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Client, ClientError, FIRST_PAUSE, PAUSE_MAX};

/// An upload that has to begin again more often than this meets an engine that does not stay.
const BEGINNINGS: usize = 5;

#[derive(Debug, Deserialize)]
struct Received {
    received: u64,
    stored: bool,
}

#[derive(Debug, Deserialize)]
struct Refused {
    error: Why,
}

#[derive(Debug, Deserialize)]
struct Why {
    message: String,
}

impl Client {
    /// Brings bytes to a ticket, so that `add_attachment` may name them. When this returns they are on disk. What an
    /// interrupted upload has brought is not brought twice, and an engine that starts meanwhile gets all again.
    ///
    /// # Errors
    /// Nobody answers, or the engine refuses.
    pub async fn upload(
        &self,
        ticket: TicketId,
        bytes: &Bytes,
        access: Option<u64>,
        told: impl Fn(u64),
    ) -> Result<Hash, ClientError> {
        let (sha256, size) = (Hash::of_bytes(bytes), bytes.len() as u64);
        let (mut offset, mut beginnings) = (0, 0);
        loop {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let part = bytes.slice(from..bytes.len().min(from + ATTACHMENT_CHUNK));
            let answer = self.carry(ticket, sha256, Carry::Put { size }, offset, part, access).await?.payload;
            let Received { received, stored } = serde_json::from_slice(&answer)
                .map_err(|e| self.strange("the answer to an upload".to_owned(), &e))?;
            if stored {
                return Ok(sha256);
            }
            beginnings += usize::from(received == 0);
            if beginnings > BEGINNINGS || received > size {
                return Err(self.strange("the answer to an upload".to_owned(), &"it makes no progress"));
            }
            offset = received;
            told(offset);
        }
    }

    /// Fetches an attachment and compares its bytes with its name.
    ///
    /// # Errors
    /// Nobody answers, the engine refuses, or what came is something else.
    pub async fn fetch(
        &self,
        ticket: TicketId,
        sha256: Hash,
        access: Option<u64>,
        told: impl Fn(u64),
    ) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        loop {
            let part =
                self.carry(ticket, sha256, Carry::Get, bytes.len() as u64, Bytes::new(), access).await?;
            let header = part.headers.as_ref().and_then(|headers| headers.get("Guichet-Size"));
            let size = header.and_then(|size| size.as_str().parse::<u64>().ok());
            let size = size.filter(|_| !part.payload.is_empty()).ok_or_else(|| {
                self.strange("a part of an attachment".to_owned(), &"it is empty, or has no size")
            })?;
            bytes.extend_from_slice(&part.payload);
            told(bytes.len() as u64);
            if bytes.len() as u64 >= size {
                break;
            }
        }
        if Hash::of_bytes(&bytes) != sha256 {
            return Err(self.strange("an attachment".to_owned(), &"its bytes have another SHA-256"));
        }
        Ok(bytes)
    }

    async fn carry(
        &self,
        ticket: TicketId,
        sha256: Hash,
        act: Carry,
        offset: u64,
        body: Bytes,
        access: Option<u64>,
    ) -> Result<async_nats::Message, ClientError> {
        let (tenant, caller) = (self.tenant.clone(), self.caller.clone());
        let subject = AttachmentSubject { tenant, caller, ticket, sha256, act, offset }.to_string();
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.message_of(subject.clone(), body.clone(), self.timeout, access).await;
            let is_last = started.elapsed().saturating_add(pause) > self.timeout;
            match answer {
                Ok(message) => {
                    let code = message.headers.as_ref().and_then(|headers| headers.get(NATS_SERVICE_ERROR));
                    let Some(code) = code.map(|code| code.as_str().to_owned()) else { return Ok(message) };
                    if code != "busy" || is_last {
                        let why = serde_json::from_slice::<Refused>(&message.payload);
                        let message = why.map_or_else(|_| subject.clone(), |why| why.error.message);
                        return Err(ClientError::Refused { code, message });
                    }
                }
                // A part that came twice is taken once.
                Err(error) if error.is_passing() && !is_last => {}
                Err(error) => return Err(error),
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}
