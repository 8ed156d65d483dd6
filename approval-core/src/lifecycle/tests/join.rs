//! Which calls join an open request, rather than opening one more.

use super::*;
use crate::model::{Declaration, Question};

fn joining() -> Draft {
    draft(Gate { join_identical: true, ..gate([need(1, "ann bob")]) })
}

fn behind(name: &str, draft: Draft) -> Draft {
    Draft { on_behalf_of: Some(user(name)), ..draft }
}

fn opened(draft: Draft) -> Request {
    World::open(draft, People::default()).request
}

fn joins(draft: &Draft, request: &Request) -> bool {
    may_join(draft, request, &People::default())
}

#[test]
fn a_call_looks_for_a_request_to_join_where_its_gate_says_so() {
    assert!(wants_to_join(&joining()));
    assert!(!wants_to_join(&draft(gate([need(1, "ann bob")]))));
}

#[test]
fn a_call_with_a_key_of_its_own_and_a_question_join_nothing() {
    assert!(!wants_to_join(&Draft { key: Some(text("k")), ..joining() }));
    let question = Question { text: text("Which?"), schema: text("true"), options: Vec::new(), agree: 1 };
    assert!(!wants_to_join(&Draft { question: Some(Arc::new(question)), ..joining() }));
}

#[test]
fn only_a_request_that_people_can_still_decide_is_joined() {
    let mut world = World::open(joining(), People::default());
    assert!(joins(&joining(), &world.request));
    world.act(&user("ann"), Act::RequestInfo { question: text("why?") }, 1).unwrap();
    assert!(joins(&joining(), &world.request), "a question of an approver leaves it open");
    let mut rejected = world.clone();
    rejected.reject("ann", 2).unwrap();
    world.approve("ann", 2).unwrap();
    for over in [rejected, world] {
        assert!(!joins(&joining(), &over.request), "{:?}", over.request.status);
    }
}

#[test]
fn a_request_for_other_arguments_is_not_joined() {
    let arguments = json(r#"{"cents":1251}"#);
    let digest = arguments_digest("payments.refund", 1, None, &arguments);
    assert!(!joins(&Draft { arguments, digest, ..joining() }, &opened(joining())));
}

#[test]
fn a_request_on_behalf_of_another_person_is_not_joined() {
    let (pat, nobody) = (opened(behind("pat", joining())), opened(joining()));
    assert!(joins(&behind("pat", joining()), &pat));
    assert!(!joins(&behind("zoe", joining()), &pat));
    assert!(!joins(&joining(), &pat));
    assert!(!joins(&behind("pat", joining()), &nobody));
    let people = People { aliases: [(user("pat+work"), user("pat"))].into(), ..People::default() };
    assert!(may_join(&behind("pat+work", joining()), &pat, &people), "however spelled");
    assert!(!may_join(&behind("pat+home", joining()), &pat, &people));
}

#[test]
fn a_request_of_a_declaration_that_asked_for_less_is_not_joined() {
    let request = opened(joining());
    let demanding = |names: &str| {
        let draft = joining();
        let declaration = Declaration::new(&draft.action, Risk::Medium, &gate([need(1, names)]));
        Draft { declaration: Some(Arc::new(declaration)), ..draft }
    };
    assert!(joins(&demanding("ann bob"), &request));
    assert!(joins(&demanding("ann bob cid"), &request), "it asks for less");
    assert!(!joins(&demanding("ann"), &request));
}
