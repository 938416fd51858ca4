//! Messages that come late: the network keeps what the engine publishes, the connection breaks, the engine publishes
//! again on the next one, and then what was kept arrives after all. The expected sequence of each message is what
//! keeps it out of the stream; the control leaves it away.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use guichet_crash::Sabotage;

use crate::campaign::Campaign;
use crate::controls::sabotaged_program;
use crate::crowd::{CLIENTS, Crowd};
use crate::desk::Desk;
use crate::finding::{Finding, Invariant};
use crate::harness::until;
use crate::judge::Verdict;
use crate::kills::{LOAD_WITHIN, Round, finish, load};
use crate::published;
use crate::relay::Relay;
use crate::site::{Program, Road, Site};
use crate::table::Row;

/// Breaks of one site before it is judged.
const BREAKS_OF_A_SITE: u64 = 10;
/// Breaks after which the control must have been found.
const BREAKS_OF_THE_CONTROL: u64 = 1;
/// How the engine's messages of new records begin on the wire.
const PUBLISHES: &[u8] = b"HPUB guichet.v1.evt.";
const HELD_WITHIN: Duration = Duration::from_secs(20);
/// How long a client waits for an answer that is held back before it asks again.
const PATIENCE: Duration = Duration::from_millis(100);

/// The goal, and its control.
pub(crate) async fn messages(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let (mut all, mut left) = (Round::default(), campaign.pick(2, 100));
    while left > 0 {
        let breaks = left.min(BREAKS_OF_A_SITE);
        left -= breaks;
        all.add(round(Program::product(), campaign.seed + left, breaks).await);
    }
    let row = Row::of(goal, format!("{} broken connections", all.kills), all.verdict, all.restarts);
    vec![row, control(campaign).await]
}

async fn control(campaign: &Campaign) -> Row {
    let goal = format!("control: {}", Sabotage::PublishUnchecked.name());
    match sabotaged_program() {
        Ok(path) => {
            let program = Program::sabotaged(path, Sabotage::PublishUnchecked);
            let round = round(program, campaign.seed, BREAKS_OF_THE_CONTROL).await;
            let row =
                Row::of(&goal, format!("{} broken connections", round.kills), round.verdict, round.restarts);
            // The stream has records twice; whoever finds it first, the engine or the rig.
            row.control(&[Invariant::I4, Invariant::I11])
        }
        Err(why) => Row::skipped(&goal, why),
    }
}

async fn round(program: Program, seed: u64, breaks: u64) -> Round {
    let broken = |finding| Round { verdict: Verdict::broken(finding), ..Round::default() };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut site = Site::unstarted(program, dir.path()).await;
    let relay =
        Relay::to(site.nats.port(), IpAddr::V4(Ipv4Addr::LOCALHOST)).await.expect("a port of loopback");
    site.take_road(Road { url: relay.url(), namespace: None, environment: Vec::new() });
    site.launch_engine(None);
    site.launch_worker(None);
    if let Err(finding) = site.engine_ready().await {
        return broken(finding);
    }
    let crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
    let mut disturb = async || {
        for _ in 0..breaks {
            load(&crowd, 100).await?;
            late(&relay, &site.desk, &crowd).await?;
            // What came late is in the stream now, or it was refused; the engine must not mind.
            load(&crowd, 20).await?;
            site.supervise()?;
            load(&crowd, 80).await?;
        }
        Ok(usize::try_from(breaks).unwrap_or(0))
    };
    let disturbed = disturb().await;
    finish(site, crowd, disturbed).await
}

/// Keeps messages, breaks the connection, waits until the stream has gone on without them, and lets them arrive.
async fn late(relay: &Relay, desk: &Desk, crowd: &Crowd) -> Result<(), Finding> {
    relay.hold();
    let held = async {
        tokio::select! {
            () = relay.holds(PUBLISHES) => {}
            // Answers are held too: whoever waits for one asks again, as after any time-out.
            () = ask_again(crowd) => {}
        }
    };
    if tokio::time::timeout(HELD_WITHIN, held).await.is_err() {
        return Err(Finding::of(Invariant::I11, "the engine publishes nothing under load"));
    }
    relay.cut();
    // NATS does not know yet that the connection is broken, and sends it its share of the commands.
    let gone_on = async {
        load(crowd, 100).await?;
        // Only where the stream has what is kept, and more, does it come too late.
        let head = desk.head().await;
        let published = async || published::last_sequence(desk).await.filter(|last| *last >= head);
        until("the stream goes on", LOAD_WITHIN, published).await;
        Ok(())
    };
    let gone_on = tokio::select! {
        gone_on = gone_on => gone_on,
        () = ask_again(crowd) => Ok(()),
    };
    relay.release();
    gone_on
}

async fn ask_again(crowd: &Crowd) {
    loop {
        crowd.hears(1, PATIENCE).await;
        crowd.interrupt();
    }
}
