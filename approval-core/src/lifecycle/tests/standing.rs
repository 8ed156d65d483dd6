use super::*;
use crate::model::{
    ArgumentCondition, Attachment, Expected, STANDING_LONGEST, StandingApproval, StandingArguments,
    StandingBehalf, StandingReach, StandingTerms, Status, canonical::arguments_digest_with,
};

const HOUR: i64 = 3600;

fn terms(arguments: StandingArguments) -> StandingTerms {
    StandingTerms::new(StandingReach::Agent, arguments)
}

fn at_most(cents: i64) -> ArgumentCondition {
    ArgumentCondition { path: "cents".into(), is: Expected::AtMost(cents.into()) }
}

/// What ann's approval with these terms makes of a request with this draft.
fn stood_with(draft: Draft, terms: StandingTerms) -> Result<Transition, Refusal> {
    let mut world = World::open(draft, People::default());
    let digest = world.digest();
    world.act(&user("ann"), Act::ApproveStanding { digest, note: None, terms }, 10)
}

fn stood(terms: StandingTerms) -> StandingApproval {
    let transition = stood_with(draft(gate([need(1, "ann")])), terms).unwrap();
    assert_eq!(transition.standing.len(), 1);
    assert_eq!(transition.standing[0].expect, None);
    transition.standing[0].approval.clone()
}

/// Opens a request while these are in force.
fn open_with(draft: Draft, approvals: &[StandingApproval], people: &People, seconds: i64) -> Transition {
    let standing: Vec<Standing> =
        approvals.iter().map(|approval| Standing { approval: approval.clone(), version: 3 }).collect();
    create(draft, &Facts { standing: &standing, ..facts(people) }, at(seconds)).unwrap()
}

fn covered(draft: Draft, approval: &StandingApproval, seconds: i64) -> bool {
    let transition = open_with(draft, std::slice::from_ref(approval), &People::default(), seconds);
    let request = &transition.request;
    assert_eq!(transition.standing.is_empty(), request.status == Status::Pending);
    assert_eq!(notified(&transition, NoticeKind::Decide).is_empty(), request.status == Status::Approved);
    request.status == Status::Approved
}

fn ask() -> Draft {
    Draft { id: RequestId::from_uuid(id(2)), ..draft(gate([need(1, "ann")])) }
}

fn with_arguments(arguments: &str) -> Draft {
    let arguments = json(arguments);
    let digest = arguments_digest("payments.refund", 1, None, &arguments);
    Draft { arguments, digest, ..ask() }
}

#[test]
fn a_call_that_is_covered_is_approved_at_once_with_a_grant_of_its_own() {
    let approval = stood(terms(StandingArguments::Exactly).at_most(2));
    assert_eq!((approval.used, approval.left(), &*approval.by), (0, Some(2), &[user("ann")][..]));
    assert_eq!(approval.expires_at, at(10 + 24 * HOUR), "24 hours unless said otherwise");
    let transition = open_with(ask(), std::slice::from_ref(&approval), &People::default(), 20);
    let request = &transition.request;
    let decision = request.decision.as_ref().unwrap();
    assert_eq!((decision.by_standing, &*decision.by), (Some(approval.id), &[user("ann")][..]));
    assert_eq!(request.grant.as_ref().unwrap().digest, request.revision.digest);
    let used = &transition.standing[0];
    assert_eq!((used.expect, used.approval.used, used.approval.last_used_at), (Some(3), 1, Some(at(20))));
    assert_eq!(transition.not_after, Some(approval.expires_at), "it may run out while it is being written");
    assert!(transition.notices.is_empty(), "nobody is asked: {:?}", transition.notices);
    let told = told(&transition);
    assert!(
        matches!(
            told.as_slice(),
            [EventKind::Created { .. }, EventKind::Covered { left: Some(1), .. }, EventKind::Decided { .. }]
        ),
        "{told:?}"
    );
}

#[test]
fn it_covers_no_more_than_it_says() {
    let run = |draft: Draft, run: &str| Draft { run: Some(run.into()), ..draft };
    let other = |draft: Draft| Draft { requester: p("agent:other"), ..draft };
    let exactly = stood(terms(StandingArguments::Exactly));
    assert!(covered(ask(), &exactly, 20));
    assert!(!covered(with_arguments(r#"{"cents":1251}"#), &exactly, 20));
    assert!(!covered(with_arguments("{}"), &exactly, 20), "no arguments are not any arguments");
    assert!(!covered(other(ask()), &exactly, 20));
    assert!(!covered(Draft { namespace: "other".into(), ..ask() }, &exactly, 20));
    assert!(!covered(Draft { risk: Risk::High, ..ask() }, &exactly, 20), "of a higher risk");
    assert!(!covered(Draft { risk: Risk::Critical, ..ask() }, &exactly, 20));
    let newer = ActionInfo { version: 2, ..ActionInfo::new(ActionName::new("payments.refund").unwrap()) };
    assert!(!covered(Draft { action: Arc::new(newer), ..ask() }, &exactly, 20));
    let again = Predecessor {
        request: RequestId::from_uuid(id(9)),
        original: ask().digest,
        revision: 1,
        editor: None,
    };
    assert!(!covered(Draft { predecessor: Some(again), ..ask() }, &exactly, 20), "what is tried again");

    let any = stood(terms(StandingArguments::Any));
    assert!(covered(with_arguments("{}"), &any, 20));
    assert!(!covered(other(ask()), &any, 20));
    let action = stood(StandingTerms::new(StandingReach::Action, StandingArguments::Any));
    assert!(covered(other(ask()), &action, 20));
    let in_run = stood_with(
        run(draft(gate([need(1, "ann")])), "r1"),
        StandingTerms::new(StandingReach::Run, StandingArguments::Any),
    );
    let in_run = in_run.unwrap().standing[0].approval.clone();
    assert!(covered(run(ask(), "r1"), &in_run, 20));
    assert!(!covered(run(ask(), "r2"), &in_run, 20));
    assert!(!covered(ask(), &in_run, 20));
    assert!(!covered(run(other(ask()), "r1"), &in_run, 20));

    let matching = stood(terms(StandingArguments::Matching(vec![at_most(2000)])));
    assert!(covered(with_arguments(r#"{"cents":2000}"#), &matching, 20));
    assert!(covered(with_arguments(r#"{"cents":5e-1}"#), &matching, 20));
    assert!(covered(with_arguments(r#"{"cents":0}"#), &matching, 20));
    let attached = |mut draft: Draft| {
        let files = vec![Attachment::text("a.txt", "pay all").unwrap()];
        draft.digest = arguments_digest_with("payments.refund", 1, None, &draft.arguments, &files);
        draft.enclosed = Some(Arc::new(files.into()));
        draft
    };
    assert!(!covered(attached(with_arguments(r#"{"cents":2000}"#)), &matching, 20), "unseen files");
    assert!(!covered(attached(ask()), &exactly, 20));
    assert!(covered(attached(ask()), &any, 20));
    for missed in [
        r#"{"cents":-1}"#,
        r#"{"cents":-5e-1}"#,
        r#"{"cents":-10000000}"#,
        r#"{"cents":2000.01}"#,
        r#"{"cents":"5"}"#,
        r#"{"cents":[5]}"#,
        r#"{"c":{"cents":5}}"#,
        "{}",
        r#"{"cents":9007199254740993}"#,
        r#"{"cents":null}"#,
        r#"{"cents":1e300}"#,
    ] {
        assert!(!covered(with_arguments(missed), &matching, 20), "{missed}");
    }
}

#[test]
fn it_ends_by_time_by_count_and_when_it_is_taken_back() {
    let approval = stood(terms(StandingArguments::Any).lasting(Span::from_secs(100)).at_most(1));
    assert!(covered(ask(), &approval, 109));
    assert!(!covered(ask(), &approval, 110));
    assert!(!covered(ask(), &StandingApproval { used: 1, ..approval }, 20));

    let mut world = World::new(gate([need(1, "ann bob")]));
    let digest = world.digest();
    let act = Act::ApproveStanding { digest, note: None, terms: terms(StandingArguments::Any) };
    let approval = world.act(&user("ann"), act, 10).unwrap().standing[0].approval.clone();
    world.standing = vec![Standing { approval: approval.clone(), version: 1 }];
    let withdraw = |reason: &str| Act::WithdrawStanding { standing: approval.id, reason: reason.into() };
    assert!(matches!(world.act(&user("bob"), withdraw("no"), 20), Err(Refusal::NotPermitted { .. })));
    assert!(matches!(world.act(&agent(), withdraw("no"), 20), Err(Refusal::NotPermitted { .. })));
    assert!(matches!(world.act(&user("ann"), withdraw(" "), 20), Err(Refusal::Invalid(_))));
    let withdrawn = world.act(&user("ann"), withdraw("enough"), 20).unwrap();
    assert!(matches!(told(&withdrawn).as_slice(), [EventKind::Withdrawn { .. }]));
    let gone = &withdrawn.standing[0];
    assert_eq!((gone.expect, gone.approval.withdrawn.as_ref().unwrap().by.as_str()), (Some(1), "user:ann"));
    assert!(!covered(ask(), &gone.approval, 21));
    world.standing[0].approval = gone.approval.clone();
    assert_eq!(world.operate(withdraw("again"), 30), Err(Refusal::NothingToDo));
}

#[test]
fn one_that_ended_can_be_taken_back_once() {
    let mut world = World::new(gate([need(1, "ann bob")]));
    let digest = world.digest();
    let terms = terms(StandingArguments::Any).lasting(Span::from_secs(100)).at_most(1);
    let act = Act::ApproveStanding { digest, note: None, terms };
    let approval = world.act(&user("ann"), act, 10).unwrap().standing[0].approval.clone();
    let withdraw = || Act::WithdrawStanding { standing: approval.id, reason: "enough".into() };
    for (used, seconds) in [(1, 20), (0, 110), (1, 5000)] {
        let ended = StandingApproval { used, ..approval.clone() };
        assert!(!ended.is_in_force(at(seconds)));
        world.standing = vec![Standing { approval: ended.clone(), version: 4 }];
        let by_other = world.act(&user("bob"), withdraw(), seconds);
        assert!(matches!(by_other, Err(Refusal::NotPermitted { .. })), "{by_other:?}");
        let withdrawn = world.act(&user("ann"), withdraw(), seconds).unwrap();
        let gone = &withdrawn.standing[0];
        assert_eq!((gone.expect, gone.approval.used), (Some(4), used));
        assert_eq!(gone.approval.withdrawn.as_ref().unwrap().at, at(seconds));
        world.standing[0].approval = gone.approval.clone();
        assert_eq!(world.operate(withdraw(), seconds), Err(Refusal::NothingToDo));
        // Of another request.
        world.standing[0].approval = StandingApproval { request: RequestId::from_uuid(id(9)), ..ended };
        assert!(matches!(world.operate(withdraw(), seconds), Err(Refusal::Invalid(_))));
    }
}

#[test]
fn whoever_gave_it_must_be_able_to_decide_today() {
    let approval = stood(terms(StandingArguments::Any));
    let stricter = |gate: Gate| Draft { gate: Arc::new(gate), ..ask() };
    assert!(!covered(stricter(gate([need(2, "ann bob")])), &approval, 20), "two are needed now");
    assert!(!covered(stricter(gate([need(1, "bob")])), &approval, 20), "somebody else is needed now");
    let excluded = Gate { excluded: users("ann"), ..gate([need(1, "ann bob")]) };
    assert!(!covered(stricter(excluded), &approval, 20));
    assert!(!covered(stricter(Gate { no_standing: true, ..gate([need(1, "ann")]) }), &approval, 20));
    let gone = People { known: Some(users("bob").into_iter().collect()), ..People::default() };
    let transition = open_with(stricter(gate([need(1, "ann bob")])), &[approval], &gone, 20);
    assert_eq!(transition.request.status, Status::Pending, "ann has left");
}

#[test]
fn it_takes_all_who_decide_to_give_it() {
    let mut world = World::new(gate([need(2, "ann bob cid")]));
    let act = |world: &World, terms| Act::ApproveStanding { digest: world.digest(), note: None, terms };
    let first = act(&world, terms(StandingArguments::Any));
    assert!(world.act(&user("ann"), first.clone(), 1).unwrap().standing.is_empty(), "not decided yet");
    let mut other = world.clone();
    let narrower = act(&other, terms(StandingArguments::Exactly));
    let decided = other.act(&user("bob"), narrower, 2).unwrap();
    assert_eq!(
        (decided.request.status, decided.standing.len()),
        (Status::Approved, 0),
        "they want different things"
    );
    let mut other = world.clone();
    assert_eq!(other.approve("bob", 2).unwrap().standing.len(), 0, "bob wants to be asked again");
    let decided = world.act(&user("bob"), first, 2).unwrap();
    assert_eq!(decided.standing[0].approval.by, users("ann bob"));
    assert!(matches!(told(&decided).last(), Some(EventKind::Stood { .. })));
}

#[test]
fn a_rejection_takes_back_what_would_cover_the_call() {
    let approval = stood(terms(StandingArguments::Any));
    let exactly = stood(terms(StandingArguments::Exactly));
    let elsewhere = StandingApproval { namespace: "other".into(), ..approval.clone() };
    let standing = |approval: &StandingApproval| Standing { approval: approval.clone(), version: 4 };
    let mut world = World::open(with_arguments(r#"{"cents":7}"#), People::default());
    world.standing = vec![standing(&elsewhere), standing(&approval), standing(&exactly)];
    let rejected = world.reject("ann", 20).unwrap();
    assert_eq!(rejected.standing.len(), 1, "only what covers this very call");
    let withdrawn = &rejected.standing[0];
    assert_eq!((withdrawn.expect, withdrawn.approval.id), (Some(4), approval.id));
    assert!(!covered(ask(), &withdrawn.approval, 21));
    assert!(matches!(told(&rejected).last(), Some(EventKind::Withdrawn { .. })));
}

/// The rejection at this second of a request that was opened before, with these standing approvals in the store.
fn rejected_with(approvals: &[StandingApproval], seconds: i64) -> Transition {
    let mut world = World::new(gate([need(1, "ann")]));
    world.standing =
        approvals.iter().map(|approval| Standing { approval: approval.clone(), version: 4 }).collect();
    world.reject("ann", seconds).unwrap()
}

/// One that covered a call at second 20, whose grant lasts 15 minutes.
fn used_once(terms: StandingTerms) -> StandingApproval {
    let transition = open_with(ask(), &[stood(terms)], &People::default(), 20);
    transition.standing[0].approval.clone()
}

#[test]
fn a_rejection_takes_back_what_covered_calls_that_may_not_have_begun() {
    let short = || terms(StandingArguments::Any).lasting(Span::from_secs(100)).at_most(1);
    let used_up = used_once(short());
    assert_eq!((used_up.used, used_up.grants_until), (1, Some(at(920))));
    let taken_back = |approval: &StandingApproval, seconds| {
        let rejected = rejected_with(std::slice::from_ref(approval), seconds);
        rejected.standing.iter().filter(|one| one.approval.withdrawn.is_some()).count()
    };
    let ran_out = StandingApproval { calls: None, ..used_up.clone() };
    for seconds in [30, 110, 919] {
        assert_eq!((taken_back(&used_up, seconds), taken_back(&ran_out, seconds)), (1, 1), "{seconds}");
    }
    // Nothing of it can begin any more.
    assert_eq!((taken_back(&used_up, 920), taken_back(&ran_out, 920)), (0, 0));
    assert_eq!(taken_back(&stood(short()), 110), 0, "it ran out, and was never used");
    let other = StandingApproval {
        arguments: StandingArguments::Exactly,
        digest: with_arguments("{}").digest,
        ..used_up.clone()
    };
    assert_eq!(taken_back(&other, 30), 0, "it is about other calls");
    let rejected = rejected_with(std::slice::from_ref(&used_up), 30);
    assert_eq!(taken_back(&rejected.standing[0].approval, 40), 0, "it is taken back already");
    // Of a record of before, it is not known when the grants end.
    let of_before = StandingApproval { grants_until: None, ..used_up };
    assert_eq!(taken_back(&of_before, 3000), 1);
}

#[test]
fn it_is_known_until_when_grants_of_a_standing_approval_last() {
    let once = used_once(terms(StandingArguments::Any));
    let again = |approval: &StandingApproval| {
        open_with(ask(), std::slice::from_ref(approval), &People::default(), 50).standing[0].approval.clone()
    };
    assert_eq!(again(&once).grants_until, Some(at(950)));
    let longer = StandingApproval { grants_until: Some(at(5000)), ..once.clone() };
    assert_eq!(again(&longer).grants_until, Some(at(5000)));
    let of_before = StandingApproval { grants_until: None, ..once };
    assert_eq!((again(&of_before).used, again(&of_before).grants_until), (2, None));
}

#[test]
fn a_rejection_takes_back_sixteen_at_once_and_the_others_afterwards() {
    let used_up = used_once(terms(StandingArguments::Any).at_most(1));
    let in_force = stood(terms(StandingArguments::Any));
    let numbered = |approval: &StandingApproval, number: u32| StandingApproval {
        id: StandingId::from_uuid(id(u128::from(number))),
        last_used_at: approval.last_used_at.map(|_| at(i64::from(number))),
        ..approval.clone()
    };
    let mut all: Vec<StandingApproval> = (1..=18).map(|number| numbered(&used_up, number)).collect();
    all.push(numbered(&in_force, 19));
    all.push(numbered(&in_force, 20));
    let rejected = rejected_with(&all, 30);
    let ids = |numbers: &[u128]| {
        numbers.iter().map(|number| StandingId::from_uuid(id(*number))).collect::<Vec<_>>()
    };
    let now: Vec<StandingId> = rejected.standing.iter().map(|one| one.approval.id).collect();
    assert_eq!(now, ids(&[19, 20, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5]));
    assert_eq!(told(&rejected).iter().filter(|kind| matches!(kind, EventKind::Withdrawn { .. })).count(), 16);
    let why = text(&format!("request {} was rejected", rejected.request.id));
    let afterwards: Vec<_> = ids(&[4, 3, 2, 1])
        .into_iter()
        .map(|standing| {
            let act = Act::WithdrawStanding { standing, reason: why.clone() };
            (used_up.request, Command { actor: user("ann"), via: None, operator: true, act })
        })
        .collect();
    assert_eq!(rejected.next, afterwards);
}

#[test]
fn what_can_no_longer_be_approved_takes_standing_approvals_back_too() {
    let mut world = World::new(Gate { veto: 3, ..gate([need(2, "ann bob cid")]) });
    let approve = world.vote_act(approve());
    assert!(!may_reject(&world.request, &approve) && may_reject(&world.request, &world.vote_act(reject())));
    world.reject("ann", 20).unwrap();
    assert_eq!(world.request.status, Status::Pending);
    let delegate = Act::Delegate { to: user("zoe") };
    for act in [&approve, &delegate, &Act::Tick] {
        assert!(may_reject(&world.request, act), "{act:?}");
    }
    assert!(!may_reject(&world.request, &Act::Comment { text: text("hm") }));
    world.standing = vec![Standing { approval: stood(terms(StandingArguments::Any)), version: 4 }];
    world.people.known = Some(users("ann bob").into_iter().collect());
    let ended = world.act(&user("bob"), approve, 30).unwrap();
    assert!(world.decision().unreachable);
    assert!(ended.standing[0].approval.withdrawn.is_some());
    assert!(!may_reject(&world.request, &delegate), "it is decided");
}

#[test]
fn votes_that_reject_nothing_take_no_standing_approval_back() {
    let mut world = World::new(Gate { veto: 3, ..gate([need(2, "ann bob cid")]) });
    let (approve, delegate) = (world.vote_act(approve()), Act::Delegate { to: user("zoe") });
    world.approve("cid", 20).unwrap();
    let may = |world: &World| [&approve, &delegate, &Act::Tick].map(|act| may_reject(&world.request, act));
    assert_eq!(may(&world), [false; 3], "somebody approved it");
    world.reject("ann", 21).unwrap();
    assert_eq!(may(&world), [true; 3]);
    world.request.votes[1].void = true;
    assert_eq!(may(&world), [false; 3], "the rejection does not count any more");
}

#[test]
fn terms_that_give_away_too_much_are_refused() {
    let refused = |draft: Draft, terms: StandingTerms| match stood_with(draft, terms) {
        Err(Refusal::Invalid(invalid)) => invalid.to_string(),
        other => panic!("{other:?}"),
    };
    let normal = || draft(gate([need(1, "ann")]));
    let message = refused(normal(), terms(StandingArguments::Matching(Vec::new())));
    assert!(message.contains("any arguments"), "{message}");
    let message =
        refused(normal(), terms(StandingArguments::Any).lasting(STANDING_LONGEST + Span::from_secs(1)));
    assert!(message.contains("7 days"), "{message}");
    assert!(refused(normal(), terms(StandingArguments::Any).lasting(Span::ZERO)).contains("7 days"));
    assert!(refused(normal(), terms(StandingArguments::Any).at_most(0)).contains("at least 1"));
    let message = refused(normal(), StandingTerms::new(StandingReach::Run, StandingArguments::Any));
    assert!(message.contains("run"), "{message}");
    let message = refused(normal(), terms(StandingArguments::Matching(vec![at_most(1249)])));
    assert!(message.contains("does not hold for the call"), "{message}");
    let kept = draft(Gate { no_standing: true, ..gate([need(1, "ann")]) });
    assert!(refused(kept, terms(StandingArguments::Any)).contains("may not be given"));
    let critical = Draft { risk: Risk::Critical, ..normal() };
    assert!(refused(critical, terms(StandingArguments::Any)).contains("may not be given"));
    // And just short of it.
    assert_eq!(
        stood(terms(StandingArguments::Any).lasting(STANDING_LONGEST)).expires_at,
        at(10 + 7 * 24 * HOUR)
    );
    assert_eq!(stood(terms(StandingArguments::Matching(vec![at_most(1250)]))).used, 0);
}

#[test]
fn nobody_gives_one_who_may_not_decide() {
    let mut world = World::new(gate([need(1, "ann")]));
    let act =
        Act::ApproveStanding { digest: world.digest(), note: None, terms: terms(StandingArguments::Any) };
    assert!(matches!(world.act(&user("eve"), act.clone(), 1), Err(Refusal::NotAnApprover { .. })));
    assert!(matches!(world.act(&agent(), act.clone(), 1), Err(Refusal::NotAnApprover { .. })));
    world.halts = Halts(vec![halt()]);
    assert!(matches!(world.act(&user("ann"), act, 1), Err(Refusal::Halted(_))));
}

#[test]
fn what_the_policy_lets_run_is_approved_by_it_and_people_are_told_how_it_ended() {
    let quiet = Gate { inform: users("ann"), ..gate([]) };
    let mut world = World::open(Draft { allowed: true, ..draft(quiet.clone()) }, People::default());
    let decision = world.decision().clone();
    assert_eq!((decision.by_policy, decision.by.len()), (true, 0));
    assert!(matches!(
        world.try_act(
            &Command {
                actor: user("ann"),
                via: None,
                operator: false,
                act: Act::Revoke { reason: "no".into() }
            },
            1
        ),
        Err(Refusal::NotPermitted { .. })
    ));
    world.consume(2).unwrap();
    let ended = world.finish(Ending::Succeeded { result: None }, 3).unwrap();
    assert_eq!(notified(&ended, NoticeKind::Informed), ["user:ann"]);
    // Without the policy's word the same gate is refused.
    assert!(matches!(create(draft(quiet), &facts(&People::default()), at(0)), Err(Refusal::Invalid(_))));
}

#[test]
fn those_to_be_informed_hear_of_a_rejection_too() {
    let mut world = World::new(Gate { inform: users("cfo"), ..gate([need(1, "ann")]) });
    let rejected = world.reject("ann", 1).unwrap();
    assert_eq!(notified(&rejected, NoticeKind::Informed), ["user:cfo"]);
}

#[test]
fn an_argument_that_is_one_of_the_named_values_is_covered() {
    let one_of = |values: &[&str]| ArgumentCondition {
        path: "cents".into(),
        is: Expected::OneOf(values.iter().map(|value| json(value)).collect()),
    };
    let some = stood(terms(StandingArguments::Matching(vec![one_of(&["1250", "7", "\"all\"", "null"])])));
    for (value, is_covered) in [
        ("1250", true),
        ("7", true),
        ("\"all\"", true),
        ("null", true),
        ("8", false),
        ("\"7\"", false),
        ("[7]", false),
        ("\"al\"", false),
    ] {
        let draft = with_arguments(&format!("{{\"cents\":{value}}}"));
        assert_eq!(covered(draft, &some, 20), is_covered, "{value}");
    }
    let refused =
        stood_with(draft(gate([need(1, "ann")])), terms(StandingArguments::Matching(vec![one_of(&["7"])])));
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "the call itself must be covered");
}

#[test]
fn a_number_that_is_no_less_is_covered_below_zero_too() {
    let least = ArgumentCondition { path: "cents".into(), is: Expected::AtLeast((-10).into()) };
    let from = stood(terms(StandingArguments::Matching(vec![least])));
    for (value, is_covered) in [
        ("-10", true),
        ("-5", true),
        ("0", true),
        ("99999", true),
        ("\"-9.5e+0\"", false),
        ("-11", false),
        ("-10.01", false),
        ("\"5\"", false),
        ("null", false),
        ("true", false),
    ] {
        let draft = with_arguments(&format!("{{\"cents\":{value}}}"));
        assert_eq!(covered(draft, &from, 20), is_covered, "{value}");
    }
}

#[test]
fn decisions_without_people_say_what_they_rest_on() {
    let approval = stood(terms(StandingArguments::Any));
    let transition = open_with(ask(), std::slice::from_ref(&approval), &People::default(), 20);
    let reason = transition.request.decision.as_ref().unwrap().reason.clone().unwrap();
    assert!(reason.contains(&format!("covered by standing approval {}", approval.id)), "{reason}");
    let told = Gate { rule: "small-refunds".into(), ..gate([]) };
    let world = World::open(Draft { allowed: true, ..draft(told) }, People::default());
    let reason = world.decision().reason.clone().unwrap();
    assert!(reason.contains("small-refunds") && reason.contains("lets it run"), "{reason}");
}

#[test]
fn it_covers_calls_on_behalf_of_the_same_person_unless_it_is_for_everyone() {
    let behind = |name: &str, draft: Draft| Draft { on_behalf_of: Some(user(name)), ..draft };
    let given = |draft: Draft, behalf: StandingBehalf| {
        let terms = StandingTerms { behalf, ..terms(StandingArguments::Any) };
        stood_with(draft, terms).unwrap().standing[0].approval.clone()
    };
    let first = || draft(gate([need(1, "ann")]));
    let for_pat = given(behind("pat", first()), StandingBehalf::Same);
    assert!(covered(behind("pat", ask()), &for_pat, 20));
    assert!(!covered(behind("zoe", ask()), &for_pat, 20));
    assert!(!covered(ask(), &for_pat, 20), "nobody is not pat");
    let for_nobody = given(first(), StandingBehalf::Same);
    assert!(covered(ask(), &for_nobody, 20));
    assert!(!covered(behind("pat", ask()), &for_nobody, 20));
    let for_everyone = given(behind("pat", first()), StandingBehalf::Everyone);
    for draft in [ask(), behind("pat", ask()), behind("zoe", ask())] {
        assert!(covered(draft, &for_everyone, 20));
    }
    let of_before = StandingApproval { behalf: None, ..for_pat.clone() };
    assert!(!covered(behind("pat", ask()), &of_before, 20), "it does not say for whom");
    let people = People { aliases: [(user("pat+work"), user("pat"))].into(), ..People::default() };
    let spelled = |name: &str| {
        let transition = open_with(behind(name, ask()), std::slice::from_ref(&for_pat), &people, 20);
        transition.request.status == Status::Approved
    };
    assert!(spelled("pat+work") && spelled("pat"), "however spelled");
    assert!(!spelled("pat+home"));
}
