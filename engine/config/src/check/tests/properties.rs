//! What holds of any two policies and of any body.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::policies::takes_all_of;
use super::*;

const WORDS: [(&str, &[&str]); 3] = [
    ("priority", &["low", "normal", "high", "urgent"]),
    ("category", &["a", "a/b", "a/b/c", "ab"]),
    ("tags", &["x", "y"]),
];

fn any_policy() -> impl Strategy<Value = Policy> {
    let values = |words: &'static [&'static str]| {
        proptest::option::of(proptest::sample::subsequence(words, 1..=words.len()))
    };
    (values(WORDS[0].1), values(WORDS[1].1), values(WORDS[2].1)).prop_map(|(a, b, c)| {
        let conditions = WORDS.iter().zip([a, b, c]).filter_map(|((name, _), values)| {
            let values = values?.into_iter().map(str::to_owned).collect();
            Some(((*name).to_owned(), Values::Any(values)))
        });
        let body = json!({"id": "p", "targets": []});
        let mut policy: Policy = serde_json::from_value(body).unwrap();
        policy.conditions = conditions.collect();
        policy
    })
}

/// Every ticket that differs in what the policies above can see. It always has a priority, and may have none or one
/// category and any tags.
fn tickets() -> Vec<Attributes> {
    let mut all = Vec::new();
    for priority in WORDS[0].1 {
        for category in [None, Some("a"), Some("a/b"), Some("a/b/c"), Some("ab"), Some("z")] {
            for tags in [vec![], vec!["x"], vec!["y"], vec!["x", "y"]] {
                let mut ticket: Attributes = BTreeMap::new();
                ticket.insert("priority".to_owned(), vec![(*priority).to_owned()]);
                ticket.extend(category.map(|path| ("category".to_owned(), vec![path.to_owned()])));
                ticket.insert("tags".to_owned(), tags.into_iter().map(str::to_owned).collect());
                all.push(ticket);
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_policy_is_unreachable_where_no_ticket_comes_to_it(earlier in any_policy(), later in any_policy()) {
        let comes = |ticket: &Attributes| matches(&later, ticket, 1) && !matches(&earlier, ticket, 1);
        prop_assert_eq!(takes_all_of(&earlier, &later), !tickets().iter().any(comes));
    }

    #[test]
    fn canonical_text_is_stable(keys in proptest::collection::vec("[a-z\"\\\\é]{0,4}", 0..6), number in any::<i64>()) {
        let value: Value = keys.iter().map(|key| (key.clone(), json!([number, {"z": key, "a": true}]))).collect();
        let reversed: Value = keys.iter().rev().map(|key| (key.clone(), value[key.as_str()].clone())).collect();
        let text = canonical(&value).unwrap();
        prop_assert_eq!(&canonical(&reversed).unwrap(), &text);
        prop_assert_eq!(&canonical(&serde_json::from_str::<Value>(&text).unwrap()).unwrap(), &text);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
