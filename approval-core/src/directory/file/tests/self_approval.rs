//! Nobody approves a risky action that an agent takes in the own name: not under another spelling, not through a group, a
//! role or a rotation, not by standing in for somebody, and not by a seat that was handed on.

use std::sync::Arc;

use super::*;
use crate::{
    RequestId,
    clock::Span,
    id::GrantId,
    lifecycle::{self, Act, Command, Draft, Facts, Refusal},
    model::{
        ActionInfo, ActionName, Ballot, EscalationStage, Gate, Halts, Request, Requirement, Risk,
        canonical::{arguments_digest, parse_canonical},
    },
};

/// Ann in every spelling that leads to her.
const ANN: [&str; 10] = [
    "user:ann@example.com",
    "User:Ann@Example.Com",
    "  user:ANN@EXAMPLE.COM ",
    "user:ann+approve@example.com",
    "user:Ann+a+b@example.com",
    "user:ann",
    "user:a.example@corp.example",
    "user:A.Example+x@Corp.Example",
    "user:ann@home.example",
    "user:ann+1@home.example",
];

/// Bob is out, and Ann stands in; she is on call, in groups, and has a role.
const TEXT: &str = "
people:
  user:ann@example.com: { email: [a.example@corp.example, ann@home.example], aliases: user:ann, roles: approver }
  user:bob@example.com:
    delegates: [user:ann@example.com, user:cat]
    out_of_office: { from: 2026-01-01, until: 2026-12-31, stand_in: user:ann+s@example.com }
  user:cat: { delegates: [user:bob@example.com, user:ann] }
groups:
  inner: [user:ann+g@example.com, user:cat]
  outer: [group:inner]
on_call:
  payments: { start: 2026-01-01 00:00, turn: 1d, members: [user:ann] }
";

const NOW: &str = "2026-03-02T10:00:00Z";

/// Through whom Ann is asked.
const ROUTES: [&str; 8] = [
    "user:ann@example.com",
    "user:ann@home.example",
    "group:inner",
    "group:outer",
    "role:approver",
    "on_call:payments",
    "user:bob@example.com",
    "group:unknown",
];

struct Case {
    directory: FileDirectory,
    request: Request,
}

async fn facts_of(directory: &FileDirectory, principals: &[&Principal]) -> Arc<People> {
    directory.people(principals, at(NOW)).await.unwrap()
}

fn facts<'a>(people: &'a People, halts: &'a Halts) -> Facts<'a> {
    Facts {
        people,
        halts,
        grant_id: GrantId::from_uuid(uuid::Uuid::from_u128(7)),
        notice_delivered: true,
        ruling: None,
        edited: None,
        basis: None,
        limits: &[],
        counters: &[],
        standing: &[],
        standing_id: crate::id::StandingId::from_uuid(uuid::Uuid::from_u128(8)),
    }
}

impl Case {
    /// Asked by an agent for Ann, of whom `route` leads to and of Cat.
    async fn open(behind: &str, route: &str) -> Self {
        let directory = FileDirectory::new(read(TEXT).unwrap());
        let arguments = parse_canonical("{}").unwrap();
        let stage = EscalationStage {
            after: Span::from_secs(60),
            requirement: 0,
            to: vec![p(route)],
            priority: None,
        };
        let gate = Gate {
            escalation: vec![stage],
            ..Gate::new("t", vec![Requirement::any_of([p(route), p("user:cat")])])
        };
        let draft = Draft {
            id: RequestId::from_uuid(uuid::Uuid::from_u128(1)),
            namespace: "default".into(),
            enclosed: None,
            digest: arguments_digest("a.b", 1, None, &arguments),
            action: Arc::new(ActionInfo::new(ActionName::new("a.b").unwrap())),
            question: None,
            requester: Principal::agent("worker").unwrap(),
            on_behalf_of: Some(p(behind)),
            run: None,
            intent: None,
            key: None,
            risk: Risk::High,
            priority: None,
            gate: Arc::new(gate),
            arguments,
            answers_info: false,
            predecessor: None,
            allowed: false,
            declaration: None,
            basis: None,
        };
        let people = facts_of(&directory, &lifecycle::principals_of_draft(&draft, &[])).await;
        let halts = Halts::default();
        let opened = lifecycle::create(draft, &facts(&people, &halts), at(NOW)).unwrap();
        Self { directory, request: Arc::unwrap_or_clone(opened.request) }
    }

    async fn act(&mut self, actor: &str, act: Act) -> Result<(), Refusal> {
        let command = Command { actor: p(actor), via: None, operator: false, act };
        let principals = lifecycle::principals(&self.request, Some(&command), None);
        let people = facts_of(&self.directory, &principals).await;
        let transition = lifecycle::apply(
            &self.request,
            &command,
            &facts(&people, &Halts::default()),
            at(NOW) + Span::from_secs(61),
        )?;
        self.request = Arc::unwrap_or_clone(transition.request);
        Ok(())
    }

    async fn approve(&mut self, actor: &str) -> Result<(), Refusal> {
        let digest = self.request.revision.digest;
        self.act(actor, Act::Vote { digest, ballot: Ballot::Approve, note: None }).await
    }
}

#[tokio::test]
async fn nobody_approves_in_the_own_name_under_whatever_name_and_through_whomever() {
    let mut cases = 0;
    for behind in ANN {
        for (number, route) in ROUTES.into_iter().enumerate() {
            let mut case = Case::open(behind, route).await;
            // Every second case after the stage has fired.
            if number % 2 == 0 {
                case.act("service:due", Act::Tick).await.unwrap();
            }
            // Each with three of the spellings, another three every time.
            for shift in [0, 3, 7] {
                let spelled = ANN[(cases + shift) % ANN.len()];
                let refused = case.approve(spelled).await;
                assert!(
                    matches!(refused, Err(Refusal::NotAnApprover { .. })),
                    "{behind} {route} {spelled}: {refused:?}"
                );
                cases += 1;
            }
            assert!(case.request.status.is_open() && case.request.votes.is_empty());
            // And by a seat that somebody hands on to her.
            for spelled in ["user:ann", ANN[cases % ANN.len()]] {
                let refused = case.act("user:cat", Act::Delegate { to: p(spelled) }).await;
                assert!(
                    matches!(refused, Err(Refusal::Delegation { .. })),
                    "{behind} {route} {spelled}: {refused:?}"
                );
                cases += 1;
            }
            // Somebody else may.
            case.approve("user:Cat").await.unwrap();
            assert!(!case.request.status.is_open());
        }
    }
    assert!(cases >= 200, "{cases}");
}

#[tokio::test]
async fn a_loop_of_delegates_does_not_lead_back() {
    for behind in ANN {
        let mut case = Case::open(behind, "group:outer").await;
        // Cat hands on to Bob, for whom Ann stands in: she is barred all the same.
        case.act("user:cat", Act::Delegate { to: p("user:bob@example.com") }).await.unwrap();
        for spelled in ANN {
            assert!(matches!(case.approve(spelled).await, Err(Refusal::NotAnApprover { .. })), "{spelled}");
        }
        assert!(case.act("user:bob@example.com", Act::Delegate { to: p("user:ann") }).await.is_err());
        case.approve("user:bob@example.com").await.unwrap();
        assert!(!case.request.status.is_open());
    }
}

#[test]
fn an_alias_of_an_alias_is_a_mistake_in_a_file() {
    for text in [
        "people:\n  user:ann@corp.example: { aliases: user:ann }\n  user:ann: { aliases: user:ann+w }\n",
        "people:\n  user:a: { aliases: user:b }\n  user:b: { aliases: user:a }\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains("already"), "{error}");
    }
}
