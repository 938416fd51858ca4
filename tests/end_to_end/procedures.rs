//! A procedure of the desk from its publication to the ticket that is resolved by it.

use serde_json::json;

use crate::desk::{id, new_ticket};
use crate::harness::{Serve, Settings, guichet};
use crate::verbs::{ask, last_sentence, said, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_worked_on_by_a_procedure_and_resolved_after_its_mandatory_steps() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    desk.command("new", "create", id("procedures", 1), new_ticket(1)).await;
    let unknown = send(&node, &["attach_procedure", "T-1", "--set", "procedure=drum"]);
    assert!(!unknown.status.success(), "{unknown:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("desk.toml");
    let body = "[procedure.drum]\ntitle = { en = \"A drum\", fr = \"Un tambour\" }\ncategories = [\"hardware\"]\n\
        steps = [{ id = \"open\", title = { en = \"Open it\" } }, { id = \"turn\", title = { en = \"Turn it\" }, mandatory = true }]\n";
    std::fs::write(&file, body).expect("it is written");
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    let applied =
        guichet().args(["config", "apply"]).arg(&file).arg("--data-dir").arg(data).output().expect("it runs");
    assert!(applied.status.success(), "{applied:?}");

    let attached = send(&node, &["attach_procedure", "T-1", "--set", "procedure=drum"]);
    assert!(attached.status.success() && said(&attached).contains("ProcedureAttached"), "{attached:?}");
    let sentence = last_sentence(&desk).await;
    assert!(
        sentence.ends_with("attached procedure drum, version 1, of 2 steps, 1 of them mandatory"),
        "{sentence}"
    );
    let resolve = || send(&node, &["resolve", "T-1", "--set", "code=other", "--set", "summary=done"]);
    let blocked = resolve();
    let complaint = format!("{}{}", said(&blocked), String::from_utf8_lossy(&blocked.stderr));
    assert!(!blocked.status.success() && complaint.contains("mandatory steps"), "{complaint}");
    let done = send(&node, &["complete_step", "T-1", "--set", "step=turn", "--set", "outcome=done"]);
    assert!(done.status.success() && said(&done).contains("StepCompleted"), "{done:?}");
    let view = ask(&desk, "ticket").await;
    let steps =
        json!([{"step": "open", "mandatory": false}, {"step": "turn", "mandatory": true, "outcome": "done"}]);
    assert_eq!(view["procedures"], json!([{"procedure": "drum", "version": 1, "steps": steps}]), "{view}");
    assert!(last_sentence(&desk).await.ends_with("step turn of procedure drum: done"));
    assert!(resolve().status.success());
}
