//! Asks for keys, remembers them for a while, and opens texts.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::service::NATS_SERVICE_ERROR;
use bytes::Bytes;
use guichet_keys::{DataKey, Place, open};
use guichet_schemas::ids::KeyId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::personal::Form;
use guichet_schemas::wire::{KeyBatch, KeyRequest};
use prost::Message as _;
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::texts::Text;

/// An answer never waits longer than this for keys, whatever it needs.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a request that failed at once, texts stay sealed for so long before the service is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// After one that nobody answered, for so many times as long as it took; each time in a row twice as many.
const PAUSE_PER_WAIT: u32 = 2;
/// And never longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a service that is busy is left alone; each time in a row twice as long, within the patience.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Requests of this process at a time: the service bounds what it takes from one connection.
const ASKING_MAX: usize = 8;
/// Keys in one request, as the service takes them.
const ASK_MAX: usize = 1000;

/// Opens personal texts. Its clones share what they know.
#[derive(Clone)]
pub struct Opener {
    client: Client,
    subject: Arc<str>,
    state: Arc<Mutex<State>>,
    asking: Arc<Semaphore>,
}

struct State {
    cache: Cache,
    /// The service failed a moment ago.
    not_before: Option<Instant>,
    /// So often in a row.
    failures: u32,
}

impl State {
    /// A service that is away says so at once, and may soon be back. One that is silent, or that may not be asked,
    /// would cost every answer its whole patience.
    fn pause(&mut self, waited: Duration) {
        let pause = waited * PAUSE_PER_WAIT.saturating_pow(self.failures.min(8) + 1);
        self.failures += 1;
        self.not_before = Some(Instant::now() + pause.clamp(PAUSE, PAUSE_MAX));
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Opener {
    /// Opens with the keys of a partition.
    #[must_use]
    pub fn new(client: Client, partition: Partition) -> Self {
        let state = State { cache: Cache::new(), not_before: None, failures: 0 };
        let (subject, state) = (subject::keys(partition).into(), Arc::new(Mutex::new(state)));
        Self { client, subject, state, asking: Arc::new(Semaphore::new(ASKING_MAX)) }
    }

    /// Opens what can be opened; the rest stays as it is. Never fails, and never takes much longer than a second.
    pub async fn open(&self, tenant: &str, texts: Vec<Text<'_>>) {
        let wanted: BTreeSet<KeyId> = texts.iter().filter_map(Text::key_id).collect();
        if wanted.is_empty() {
            return;
        }
        let keys = self.keys(tenant, wanted).await;
        for Text { ticket, command, field, text } in texts {
            let Some(Form::Sealed(sealed)) = &text.form else { continue };
            let key = KeyId::from_slice(&sealed.key_id).and_then(|id| keys.get(&id));
            let place = Place { tenant, ticket, field, command };
            let opened = key.and_then(|key| open(key, &place, &sealed.nonce, &sealed.ciphertext).ok());
            if let Some(plain) = opened {
                text.form = Some(Form::Plain(plain));
            }
        }
    }

    async fn keys(&self, tenant: &str, wanted: BTreeSet<KeyId>) -> HashMap<KeyId, DataKey> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        let began = Instant::now();
        {
            let mut state = self.state();
            for id in wanted {
                match state.cache.get(tenant, id, began) {
                    Some(Some(key)) => drop(found.insert(id, key)),
                    Some(None) => {}
                    None => missing.push(id),
                }
            }
            if missing.is_empty() || state.not_before.is_some_and(|at| began < at) {
                return found;
            }
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask(tenant, &missing, &mut found)).await;
        if let Err(why) = asked.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            // Once per pause, not once per answer: the pages stay sealed meanwhile, and say so themselves.
            tracing::warn!(why, "no keys from the key service; texts stay sealed for now");
            self.state().pause(began.elapsed());
        }
        found
    }

    async fn ask(
        &self,
        tenant: &str,
        missing: &[KeyId],
        found: &mut HashMap<KeyId, DataKey>,
    ) -> Result<(), String> {
        // Never closed, so an error cannot come.
        let _turn = self.asking.acquire().await.map_err(|e| e.to_string())?;
        for ids in missing.chunks(ASK_MAX) {
            let key_ids = ids.iter().map(|id| id.to_wire()).collect();
            let request = KeyRequest { tenant: tenant.to_owned(), key_ids }.encode_to_vec();
            let batch = self.request(request.into()).await?;
            let now = Instant::now();
            let mut state = self.state();
            (state.not_before, state.failures) = (None, 0);
            for id in ids {
                state.cache.put(tenant, *id, None, now);
            }
            for key in batch.keys {
                let Some(id) = KeyId::from_slice(&key.key_id) else { continue };
                // A key that is not the one that was committed to could open a text to another text.
                let Some(data_key) = DataKey::from_slice(&key.key)
                    .filter(|data_key| data_key.commitment().0.as_slice() == key.commitment)
                else {
                    continue;
                };
                if ids.contains(&id) {
                    state.cache.put(tenant, id, Some(data_key.clone()), now);
                    found.insert(id, data_key);
                }
            }
        }
        Ok(())
    }

    /// One answer of the service, which is asked again where it is busy. Who calls bounds the time.
    async fn request(&self, request: Bytes) -> Result<KeyBatch, String> {
        let mut pause = BUSY_PAUSE;
        loop {
            let asked = self.client.request(self.subject.to_string(), request.clone()).await;
            let message = asked.map_err(|e| e.to_string())?;
            match message.headers.as_ref().and_then(|h| h.get(NATS_SERVICE_ERROR)) {
                Some(refused) if refused.as_str() == "busy" => tokio::time::sleep(pause).await,
                Some(refused) => return Err(format!("refused: {refused}")),
                None => return KeyBatch::decode(message.payload).map_err(|e| e.to_string()),
            }
            pause = pause.saturating_mul(2);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
