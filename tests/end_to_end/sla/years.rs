//! Two real histories under a shipped policy that was in force before them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use guichet_schemas::event::{Event, SlaEvent};
use guichet_schemas::record::Record;
use serde_json::{Value, json};

use super::records;
use super::slow::{Breaches, breaches};
use crate::harness::{Serve, Settings, guichet, until};
use crate::truth::{bpi2013, servicenow};

/// Some ten thousand facts.
const RECORDED_WITHIN: Duration = Duration::from_secs(400);

/// The hours and the promises of a template, in force long before the first event.
fn promises(template: &str) -> String {
    let part = |from: &str, to: &str| {
        let from = template.find(from).expect("the template has it");
        &template[from..from + template[from..].find(to).expect("and what follows")]
    };
    let since = "[sla_policies]\neffective_from = 2000-01-01T00:00:00Z\nretroactive = true\n";
    format!("{}\n{since}\n{}", part("[calendar.office]", "[[groups"), part("[[sla_policies", "[[time_rules"))
}

fn told(records: &[Record]) -> Breaches {
    let one = |record: &Record| {
        let Event::Sla(SlaEvent::SlaBreached(e)) = &record.event else { return None };
        Some((record.stream_id.clone(), e.metric.as_str(), e.instance, record.occurred_at.0, e.due_at.0))
    };
    records.iter().filter_map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_are_judged_as_by_a_slow_and_other_judge() {
    let (Some(servicenow), Some(bpi2013)) = (servicenow(), bpi2013()) else { return };
    let serve = Serve::start(Settings::default()).await;
    let desk = serve.desk().await;
    let template = serve.dir().join("template.toml");
    let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let run = |words: &[&str]| {
        let output = guichet().env("NATS_URL", serve.url()).args(words).output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout.clone(), output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    };
    run(&["init", "--template", "small-team", &path(&template)]);
    let file = serve.dir().join("promises.toml");
    let text = promises(&std::fs::read_to_string(&template).expect("it was written"));
    std::fs::write(&file, text).expect("a file of the test");
    run(&["config", "apply", &path(&file)]);

    servicenow.run(serve.url(), serve.dir()).await;
    bpi2013.run(serve.url(), serve.dir()).await;
    let begun = Instant::now();
    let imported = records(&desk).await;
    let now = imported.last().expect("a log").recorded_at.0;
    let expected = breaches(&imported, now);
    assert!(expected.len() > 1_000, "{} breaches", expected.len());
    // Those of the first history may be recorded while the second one is still coming in.
    let left = expected.len() - told(&imported).len();
    let all = until("every breach is recorded", RECORDED_WITHIN, async || {
        // Reading the whole log is worth it only once enough has come.
        let head = desk.try_head().await?;
        (head as usize >= imported.len() + left).then_some(())?;
        let records = records(&desk).await;
        (told(&records).len() >= expected.len()).then_some(records)
    })
    .await;
    let found = told(&all);
    let missing: BTreeSet<_> = expected.difference(&found).take(5).collect();
    let extra: BTreeSet<_> = found.difference(&expected).take(5).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}\nextra {extra:?}");
    let took = begun.elapsed().as_secs_f64();
    println!("{} breaches of {} records recorded within {took:.1} s", found.len(), imported.len());

    // What would have been under the same promises is what was.
    let begun = Instant::now();
    let to = guichet_schemas::time::Timestamp(now).to_string();
    let said = run(&["whatif", "--config", &path(&file), "--to", &to, "--json"]);
    println!("whatif over {} records: {:.1} s", all.len(), begun.elapsed().as_secs_f64());
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    for difference in ["newly_broken", "no_longer_broken", "differences_to_the_record"] {
        assert_eq!(answer[difference], json!([]), "{difference}");
    }
    let broken =
        answer["rows"].as_array().expect("rows").iter().map(|row| row["before"].as_u64().expect("a count"));
    assert_eq!(broken.sum::<u64>(), found.len() as u64);
}
