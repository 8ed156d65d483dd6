//! Ending what was opened under a declaration that asked for less.

use super::*;
use crate::model::{Execution, LibraryPart, RevokedFor, Status};

fn supersede() -> Act {
    Act::Supersede { reason: text("it asks for a lower veto") }
}

#[test]
fn only_operators_and_services_replace_a_request() {
    for world in [World::new(gate([need(1, "ann")])), approved()] {
        for who in [user("ann"), user("eve"), agent()] {
            assert!(
                matches!(world.clone().act(&who, supersede(), 2), Err(Refusal::NotPermitted { .. })),
                "{who}"
            );
        }
        for who in [p("service:deploy"), Principal::part(LibraryPart::Guard)] {
            assert!(world.clone().act(&who, supersede(), 2).is_ok(), "{who}");
        }
        assert!(world.clone().operate(supersede(), 2).is_ok());
    }
}

#[test]
fn what_is_replaced_says_why_and_names_nobody_who_decided() {
    let mut open = World::new(gate([need(1, "ann")]));
    open.operate(supersede(), 2).unwrap();
    let decision = open.decision();
    assert_eq!((open.request.status, decision.by_definition), (Status::Cancelled, true));
    assert_eq!((decision.by.len(), decision.reason.as_deref()), (0, Some("it asks for a lower veto")));
    let mut world = approved();
    world.operate(supersede(), 2).unwrap();
    match world.request.execution.as_deref() {
        Some(Execution::Revoked { why, cause: RevokedFor::Definition, .. }) => {
            assert_eq!(&**why, "it asks for a lower veto");
        }
        other => panic!("{other:?}"),
    }
    // Of what runs or is over nothing is left to replace.
    for world in [&mut open, &mut world] {
        assert_eq!(world.operate(supersede(), 3).unwrap_err(), Refusal::NothingToDo);
    }
}
