//! The network between the engine and NATS is cut: both ways, one way, again and again. The engine lives in a network
//! namespace of its own; commands that are under way are in doubt, and nothing else happens to anybody.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use crate::campaign::Campaign;
use crate::crowd::{CLIENTS, Crowd};
use crate::finding::Finding;
use crate::judge::Verdict;
use crate::kills::{Round, finish, load};
use crate::relay::Relay;
use crate::site::{Program, Road, Site};
use crate::table::Row;

/// How often a network flaps, and how long each time.
const FLAPS: u32 = 4;
const FLAP: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The cable is out.
    Both,
    /// What the engine says is lost.
    FromEngine,
    /// What the engine is told is lost.
    ToEngine,
    Flapping,
}

const CUTS: [Cut; 4] = [Cut::Both, Cut::FromEngine, Cut::ToEngine, Cut::Flapping];

/// The goal: so many cuts.
pub(crate) async fn cuts(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let network = match Network::new() {
        Ok(network) => network,
        Err(why) => {
            return vec![Row::skipped(goal, format!("this needs root and network namespaces: {why}"))];
        }
    };
    let lasts = Duration::from_secs(campaign.pick(2, 12));
    let wanted = campaign.pick(4, 40);
    let round = round(&network, campaign.seed, wanted, lasts).await;
    let row = Row::of(goal, format!("{} cuts", round.kills), round.verdict, round.restarts);
    vec![row.noted(format!("{} s each", lasts.as_secs()))]
}

async fn round(network: &Network, seed: u64, wanted: usize, lasts: Duration) -> Round {
    let broken = |finding| Round { verdict: Verdict::broken(finding), ..Round::default() };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut site = Site::unstarted(Program::product(), dir.path()).await;
    // Nobody but that namespace reaches this address.
    let relay = Relay::to(site.nats.port(), IpAddr::V4(network.outside)).await.expect("our own address");
    let namespace = Some(network.name.clone());
    site.take_road(Road { url: relay.url(), namespace, environment: Vec::new() });
    site.launch_engine(None);
    site.launch_worker(None);
    if let Err(finding) = site.engine_ready().await {
        return broken(finding);
    }
    let crowd = Crowd::start(&site.nats.url(), CLIENTS, seed).await;
    let mut disturb = async || {
        for cut in CUTS.iter().cycle().take(wanted) {
            load(&crowd, 100).await?;
            network.cut(*cut, lasts).await;
            crowd.interrupt();
            load(&crowd, 100).await?;
            site.supervise()?;
        }
        Ok::<_, Finding>(wanted)
    };
    let disturbed = disturb().await;
    finish(site, crowd, disturbed).await
}

/// A namespace with one cable to ours. Dropping it takes both away.
struct Network {
    name: String,
    outside: Ipv4Addr,
    inside: Ipv4Addr,
}

impl Network {
    fn new() -> Result<Self, String> {
        let id = std::process::id();
        let name = format!("guichet{}", id % 100_000);
        let third = u8::try_from(id % 250).unwrap_or(0);
        let (outside, inside) = (Ipv4Addr::new(10, 213, third, 1), Ipv4Addr::new(10, 213, third, 2));
        ip(&["netns", "add", &name])?;
        let network = Self { name, outside, inside };
        let (near, far, name) = (network.end("a"), network.end("b"), &network.name);
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", name])?;
        ip(&["addr", "add", &format!("{outside}/30"), "dev", &near])?;
        ip(&["link", "set", &near, "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{inside}/30"), "dev", &far])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", &far, "up"])?;
        Ok(network)
    }

    /// Name of one end of the cable; the kernel takes 15 letters.
    fn end(&self, which: &str) -> String {
        format!("{}{which}", self.name)
    }

    async fn cut(&self, cut: Cut, lasts: Duration) {
        match cut {
            Cut::Both => self.unplugged(lasts).await,
            Cut::Flapping => {
                for _ in 0..FLAPS {
                    self.unplugged(FLAP).await;
                    tokio::time::sleep(FLAP).await;
                }
            }
            Cut::FromEngine => {
                let to = format!("{}/32", self.outside);
                self.lost(&["-n", &self.name, "route"], &to, lasts).await;
            }
            Cut::ToEngine => self.lost(&["route"], &format!("{}/32", self.inside), lasts).await,
        }
    }

    async fn unplugged(&self, lasts: Duration) {
        let far = self.end("b");
        ip(&["-n", &self.name, "link", "set", &far, "down"]).expect("the probe could set it up");
        // The length of the fault, here and below: nothing tells when it has done its work.
        tokio::time::sleep(lasts).await;
        ip(&["-n", &self.name, "link", "set", &far, "up"]).expect("it was up before");
    }

    /// What goes there falls into a hole.
    async fn lost(&self, route: &[&str], to: &str, lasts: Duration) {
        ip(&[route, &["add", "blackhole", to]].concat()).expect("a route of ours");
        tokio::time::sleep(lasts).await;
        ip(&[route, &["del", "blackhole", to]].concat()).expect("it was just added");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The cable goes with the namespace.
        ip(&["netns", "del", &self.name]).ok();
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
