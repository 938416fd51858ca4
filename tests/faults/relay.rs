//! A road between the engine and NATS that can hold back what the engine says, and break: what was said before the
//! break can then arrive after what is said on the next connection. Networks do that.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Bytes go both ways.
    Open,
    /// What comes from the engine is kept here.
    Held,
    /// The same, and the engine thinks that it is gone.
    Broken,
    /// What was kept goes on to NATS; then this connection is gone.
    Released,
}

/// The road. Dropping it breaks it.
pub(crate) struct Relay {
    address: SocketAddr,
    phases: Arc<Mutex<Vec<watch::Sender<Phase>>>>,
    held: watch::Sender<Vec<u8>>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// A road to a server on loopback, which begins at this address.
    pub(crate) async fn to(port: u16, at: IpAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((at, 0)).await?;
        let address = listener.local_addr()?;
        let (phases, held) = (Arc::default(), watch::Sender::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, port, Arc::clone(&phases), held.clone()));
        Ok(Self { address, phases, held, accepting })
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// From now on nothing of what the connections of this moment say arrives.
    pub(crate) fn hold(&self) {
        self.held.send_modify(Vec::clear);
        self.turn(Phase::Open, Phase::Held);
    }

    /// Waits until they have said something like this.
    pub(crate) async fn holds(&self, what: &[u8]) {
        let mut held = self.held.subscribe();
        let said = |held: &Vec<u8>| held.windows(what.len()).any(|window| window == what);
        held.wait_for(said).await.expect("the relay lives as long as its connections");
    }

    /// The engine loses those connections. What they said is still under way.
    pub(crate) fn cut(&self) {
        self.turn(Phase::Held, Phase::Broken);
    }

    /// It arrives.
    pub(crate) fn release(&self) {
        self.turn(Phase::Broken, Phase::Released);
    }

    fn turn(&self, from: Phase, to: Phase) {
        for phase in self.phases.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            phase.send_if_modified(|phase| *phase == from && std::mem::replace(phase, to) == from);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    phases: Arc<Mutex<Vec<watch::Sender<Phase>>>>,
    held: watch::Sender<Vec<u8>>,
) {
    while let Ok((engine, _)) = listener.accept().await {
        let Ok(nats) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        let phase = watch::Sender::new(Phase::Open);
        let (from_engine, to_engine) = engine.into_split();
        let (from_nats, to_nats) = nats.into_split();
        tokio::spawn(there(from_engine, to_nats, phase.subscribe(), held.clone()));
        tokio::spawn(back(from_nats, to_engine, phase.subscribe()));
        phases.lock().unwrap_or_else(PoisonError::into_inner).push(phase);
    }
}

/// What the engine says. Errors end a connection, as everywhere.
async fn there(
    mut engine: OwnedReadHalf,
    mut nats: OwnedWriteHalf,
    mut phase: watch::Receiver<Phase>,
    held: watch::Sender<Vec<u8>>,
) {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let now = *phase.borrow_and_update();
        let open = matches!(now, Phase::Open | Phase::Held);
        tokio::select! {
            changed = phase.changed() => if changed.is_err() { return },
            read = engine.read(&mut buffer), if open => {
                let Ok(bytes @ 1..) = read else { return };
                if now == Phase::Open {
                    if nats.write_all(&buffer[..bytes]).await.is_err() { return }
                } else {
                    kept.extend_from_slice(&buffer[..bytes]);
                    held.send_modify(|held| held.extend_from_slice(&buffer[..bytes]));
                }
            }
        }
        if *phase.borrow() == Phase::Released {
            nats.write_all(&kept).await.ok();
            return;
        }
    }
}

/// What NATS says: nobody hears it on a broken connection.
async fn back(mut nats: OwnedReadHalf, engine: OwnedWriteHalf, mut phase: watch::Receiver<Phase>) {
    let (mut engine, mut buffer) = (Some(engine), vec![0; 64 << 10]);
    loop {
        tokio::select! {
            changed = phase.changed() => {
                if changed.is_err() { return }
                if *phase.borrow_and_update() == Phase::Broken { engine = None }
            }
            read = nats.read(&mut buffer) => {
                let Ok(bytes @ 1..) = read else { return };
                if let Some(to) = &mut engine && to.write_all(&buffer[..bytes]).await.is_err() { return }
            }
        }
    }
}
