//! Which fields are personal is said twice, in the .proto files for everybody and in code for the sealing: the same.

use std::collections::BTreeSet;

use guichet_schemas::event::{Personal, Sealed};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::personal::{each, fields, holds, on_wire, sealed_field};

use crate::descriptors::message;
use crate::samples::{events, plain};

fn sealed() -> Personal {
    Personal::Sealed(Sealed { key_id: vec![1; 16], nonce: vec![2; 12], ciphertext: vec![3; 48] })
}

#[test]
fn every_personal_field_of_an_event_is_one_that_is_sealed() {
    let mut marked = BTreeSet::new();
    let record = message("Record");
    for event in record.oneofs().flat_map(|oneof| oneof.fields().collect::<Vec<_>>()) {
        let kind = event.kind();
        let Some(event) = kind.as_message().filter(|m| m.parent_file().name() == "guichet/v1/event.proto")
        else {
            continue;
        };
        for field in event.fields() {
            let personal = field.kind().as_message().is_some_and(|m| m.full_name() == "guichet.v1.Personal");
            if personal {
                marked.insert(format!("{}.{}", event.name(), field.name()));
            }
        }
    }
    let known: BTreeSet<String> = fields().map(|field| field.name().to_owned()).collect();
    assert_eq!(known, marked);

    // Each is found in an event, in its form on the wire, and by the check that refuses sealed facts.
    let mut seen = BTreeSet::new();
    for mut event in events::all() {
        let mut wire = event.clone().to_wire();
        let on_wire: Vec<String> = on_wire(&mut wire).map(|(field, _)| field.name().to_owned()).collect();
        let mut here = Vec::new();
        each(&mut event, |field, _| {
            here.push(field.name().to_owned());
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(here, on_wire, "{}", event.type_name());
        assert_eq!(!here.is_empty(), holds(&event), "{}", event.type_name());
        for wanted in &here {
            let mut one = event.clone();
            each(&mut one, |field, text| {
                *text = if field.name() == wanted { sealed() } else { plain("readable") };
                Ok::<(), ()>(())
            })
            .unwrap();
            assert_eq!(sealed_field(&one), wanted.split('.').nth(1), "{wanted}");
        }
        seen.extend(here);
    }
    assert_eq!(seen, known, "a sample of every field");
}
