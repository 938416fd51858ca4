//! The roles that run until they are told to stop: `serve`, `engine`, `project`, `http`.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::NodeArgs;
use crate::lines::Forbidden;
use crate::node::{End, Models, Node, Roles};
use crate::reach::reach;

/// Halted to protect data.
pub(crate) const EXIT_HALTED: u8 = 4;
/// NATS is not there, or does not let us do our work.
pub(crate) const EXIT_UNREACHABLE: u8 = 3;

/// Turns SIGTERM and SIGINT into a value that changes; a second one ends the process at once.
pub(crate) fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            if *stop.borrow() {
                // The log is safe at any instant; only the drain is cut short.
                std::process::exit(130);
            }
            stop.send_replace(true);
        }
    });
    Ok(stopped)
}

/// Runs a node until it is told to stop or must.
pub(crate) async fn run(args: NodeArgs, roles: Roles) -> anyhow::Result<ExitCode> {
    let stop = stop_signal()?;
    if let Some(named) = args.named()?
        && !reach(&named, stop.clone()).await
    {
        return Ok(ExitCode::SUCCESS);
    }
    let node = Node::start(&args, roles).await?;
    tracing::info!(server = %node.server, "ready");
    if roles.engine && roles.projections != Models::None {
        eprint_ready(&node);
    }
    if let Some(link) = node.link() {
        crate::say::say(&format!("the desk in a browser: {link}"));
    }
    let end = node.until_end(stop).await;
    finish(node, end).await
}

/// Stops a node and says how it ended.
pub(crate) async fn finish(node: Node, end: End) -> anyhow::Result<ExitCode> {
    match end {
        End::Asked => node.stop().await.map(|()| ExitCode::SUCCESS),
        End::Halted(reason) => {
            if let Some(engine) = &node.engine {
                engine.note_damage();
            }
            // No drain: after a doubt about storage nothing more is written or answered.
            node.hide();
            crate::say::say(&format!("halted: {reason}"));
            leave(EXIT_HALTED);
        }
        End::Forbidden(forbidden) => {
            crate::say::say(&format!("guichet: {forbidden}"));
            node.stop().await?;
            Ok(ExitCode::from(EXIT_UNREACHABLE))
        }
        End::ProjectionHalted(reason) => {
            crate::say::say(&format!("the read models halted: {reason}"));
            node.stop().await?;
            Ok(ExitCode::from(EXIT_HALTED))
        }
    }
}

/// Ends a start that waits for what the server will never answer.
pub(crate) fn refuse(forbidden: &Forbidden) -> ! {
    crate::say::say(&format!("guichet: {forbidden}"));
    leave(EXIT_UNREACHABLE)
}

/// Ends the process now. `exit` would first take down what the threads of the database still use: one in a few thousand
/// halts then ended by SIGABRT, and nobody could tell it from a crash.
#[expect(unsafe_code, reason = "nothing safe ends a process without running what is registered for its end")]
fn leave(code: u8) -> ! {
    // SAFETY: the call takes a number and does not return.
    unsafe { nix::libc::_exit(i32::from(code)) }
}

fn eprint_ready(node: &Node) {
    crate::say::say(&format!(
        "guichet is ready: NATS at {}, data in {}; stop with Ctrl-C",
        node.server,
        node.data_dir().display()
    ));
}
