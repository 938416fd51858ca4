//! `guichet timeline`: on the terminal, or with `--html` as one page to hand over. The page joins what the read models tell
//! with what the log proves: each event is checked against a signed root before it is put there.

use std::collections::BTreeMap;
use std::process::ExitCode;

use guichet_client::exit;
use guichet_client::output::Output;
use guichet_client::which::Which;
use guichet_client::{Client, ClientError};
use guichet_history::picture::Picture;
use guichet_history::story::{Cause, Step, Story};
use guichet_http::handover::{self, By, Changed, FieldChange, Handover, Proof};
use guichet_proof::VerifyingKey;
use guichet_replay_tools::proof::{Proven, prove_all};
use guichet_replay_tools::timeline::{self, TimelineArgs, Told};
use guichet_replay_tools::verify::read_key;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;

use crate::history;

/// Tells a history.
pub(crate) async fn run(args: TimelineArgs) -> anyhow::Result<ExitCode> {
    let Some(file) = args.html.clone() else { return Ok(timeline::run(args).await?.into()) };
    let output = Output::new(&args.output);
    let client = args.connect.connect().await?;
    let told = match args.told(&client).await? {
        Ok(told) => told,
        Err(refused) => {
            output.alarm(&refused);
            return Ok(exit::REFUSED.into());
        }
    };
    let proof = proof(&client, &told, key(&args)?.as_ref()).await?;
    let changes = changes(&client, &told, &args, &output).await?;
    let page = handover::page(
        &Handover {
            ticket: &told.ticket,
            entries: &told.entries,
            position: told.position,
            now: told.now.0,
            changes: &changes,
            proof: &proof,
        },
        &args.lang,
    );
    std::fs::write(&file, page)
        .map_err(|e| ClientError::File { path: file.clone(), problem: e.to_string() })?;
    let signed = if proof.key.is_some() {
        ""
    } else {
        "; the signature was not checked: name the public key with --key"
    };
    output.line(&format!("{} events with their proofs in {}{signed}", told.entries.len(), file.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn key(args: &TimelineArgs) -> Result<Option<VerifyingKey>, ClientError> {
    let beside = args.connect.data_dir.join("log.vkey");
    match &args.key {
        Some(named) => read_key(named).map(Some),
        None if beside.is_file() => read_key(&beside.to_string_lossy()).map(Some),
        None => Ok(None),
    }
}

/// Proves every event under one checkpoint. What is shown must be what was proven: the hashes that the read model tells
/// are those of the records.
async fn proof(client: &Client, told: &Told, key: Option<&VerifyingKey>) -> Result<Proof, ClientError> {
    let positions: Vec<u64> = told.entries.iter().map(|entry| entry.position).collect();
    let proven = prove_all(client, &positions).await?;
    let mut hashes = BTreeMap::new();
    for (one, entry) in proven.iter().zip(&told.entries) {
        let about = || format!("the proof of position {}", one.position);
        if let Some(key) = key {
            one.proof.check(&one.record, key).map_err(|e| client.strange(about(), &e))?;
        }
        let hash = Hash::of_record(&one.record);
        if entry.hash != hash.0 {
            return Err(
                client.strange(about(), &"the read model shows an event of another hash; guichet verify")
            );
        }
        hashes.insert(one.position, hash.to_string());
    }
    let Some(Proven { proof, .. }) = proven.first() else {
        return Err(client.strange("the answer to query timeline".to_owned(), &"it holds no event"));
    };
    let checkpoint = &proof.checkpoint;
    Ok(Proof {
        origin: checkpoint.checkpoint().origin.clone(),
        size: checkpoint.size(),
        root: checkpoint.root().to_string(),
        note: checkpoint.note().to_owned(),
        key: key.map(ToString::to_string),
        hashes,
    })
}

/// What each event, publication and passing of time changed, read from the log itself.
async fn changes(
    client: &Client,
    told: &Told,
    args: &TimelineArgs,
    output: &Output,
) -> anyhow::Result<Vec<Changed>> {
    let id = TicketId::from_wire(told.ticket.ticket_id.clone()).map_err(|e| {
        client.strange("the answer to query ticket".to_owned(), &format!("it holds no id: {}", e.rule))
    })?;
    let until = told.entries.iter().map(|entry| entry.position).max().unwrap_or(0);
    let history = history::live(client).await?;
    let tenant = args.connect.tenant.as_str();
    let story = tokio::task::block_in_place(|| {
        Story::read(&history, tenant, Which::Id(id), until.min(history.head), Some(output))
    })?;
    let shown = |step: &&Step| match &step.cause {
        Cause::Event(record) => told.entries.iter().any(|entry| entry.position == record.position.get()),
        Cause::Configuration(_) | Cause::Time(_) => step.before != step.after,
    };
    let steps = story.map_or_else(Vec::new, |story| story.steps);
    Ok(steps.iter().filter(shown).map(changed).collect())
}

fn changed(step: &Step) -> Changed {
    let (by, at) = match &step.cause {
        Cause::Event(record) => (By::Event(record.position.get()), record.occurred_at),
        Cause::Configuration(record) => {
            (By::Configuration(record.event.type_name().to_owned()), record.recorded_at)
        }
        Cause::Time(at) => (By::Time, *at),
    };
    let value = |picture: &Picture, field| picture.get(field).map(str::to_owned);
    let fields = step.before.differing(&step.after).into_iter().map(|field| FieldChange {
        field: field.as_str().to_owned(),
        before: value(&step.before, field),
        after: value(&step.after, field),
    });
    Changed { by, at: at.0, fields: fields.collect() }
}
