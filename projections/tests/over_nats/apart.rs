//! Read models in processes of their own: together they are one desk.

use guichet_projections::model::{queues::QUEUES, ticket::TICKET};
use serde_json::json;

use crate::history::History;
use crate::queries::ask;
use crate::rig::{Rig, content, is_live, reaches};

#[tokio::test(flavor = "multi_thread")]
async fn workers_apart_fold_what_they_fold_together_and_answer_for_each_other() {
    let history = History::busy(21, 40, 2_000);
    let Some(rig) = Rig::with(&history).await else { return };
    let together = rig.start_at("together", 1_000).await;
    reaches(&together, history.head()).await;
    let expected = content(together).await;
    let tickets = rig.start_models("apart", 7, &[&TICKET]).await;
    reaches(&tickets, history.head()).await;
    is_live(&tickets).await;
    // Who runs nowhere is not listed, and nobody waits for it.
    let names = async |rig: &Rig| {
        let reply = ask(rig, "projections", json!({})).await;
        let models = reply["data"].as_array().unwrap().clone();
        models.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&rig).await, ["ticket"]);
    let board = rig.start_models("apart", 100, &[&QUEUES]).await;
    reaches(&board, history.head()).await;
    is_live(&board).await;
    for _ in 0..8 {
        // Whichever process takes the question.
        assert_eq!(names(&rig).await, ["ticket", "queues"]);
        for (name, body) in [("ticket", json!({"number": "T-1"})), ("queues", json!({}))] {
            let reply = ask(&rig, name, body).await;
            assert_eq!((&reply["ok"], &reply["as_of_position"]), (&json!(true), &json!(2_000)), "{reply}");
        }
    }
    assert_eq!([content(tickets).await, content(board).await].concat(), expected[..2]);
}
