use super::*;
use crate::model::{StandingArguments, StandingReach, StandingTerms};

#[test]
fn channels_hand_in_what_people_do_and_nothing_that_the_library_does_itself() {
    let world = approved();
    let digest = world.digest();
    let standing = StandingId::from_uuid(id(3));
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    for act in [
        world.vote_act(approve()),
        world.vote_act(reject()),
        Act::ApproveStanding { digest, note: None, terms },
        Act::WithdrawStanding { standing, reason: text("no") },
        Act::ApproveEdited { digest, edits: Vec::new(), note: None },
        Act::Delegate { to: user("bob") },
        Act::Escalate { requirement: 0, to: users("bob"), priority: None },
        Act::RequestInfo { question: text("why?") },
        Act::ProvideInfo { answer: text("so") },
        Act::Comment { text: text("hm") },
        Act::Cancel { reason: None },
        Act::Revoke { reason: text("no") },
        Act::Settle { settlement: Settlement::Failed, note: None },
    ] {
        assert!(act.is_of_people(), "{act:?}");
    }
    for act in [
        Act::Halt { reason: text("stop") },
        Act::Supersede { reason: text("stricter") },
        world.consume_act(),
        Act::Finish {
            executor: executor(7),
            grant: GrantId::from_uuid(id(1)),
            ending: Ending::Succeeded { result: None },
        },
        Act::LoseLease { executor: executor(7) },
        reopen(),
        Act::Retry { successor: RequestId::from_uuid(id(2)) },
        Act::Tick,
    ] {
        assert!(!act.is_of_people(), "{act:?}");
    }
}

#[test]
fn what_runs_and_what_is_approved_after_an_edit_names_the_policy_and_the_people_in_force() {
    let world = approved();
    let edited = Act::ApproveEdited { digest: world.digest(), edits: Vec::new(), note: None };
    for act in [world.consume_act(), edited] {
        assert!(names_basis(&act), "{act:?}");
    }
    for act in
        [world.vote_act(approve()), Act::Revoke { reason: text("no") }, reopen(), Act::Uncover, Act::Tick]
    {
        assert!(!names_basis(&act), "{act:?}");
    }
}
