use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::clock::Span;

fn members(people: &People, name: &str) -> Vec<String> {
    people.groups[&p(name)].iter().map(|person| person.name().to_owned()).collect()
}

fn facts(moment: &str) -> People {
    office().people(at(moment)).0
}

fn absent(people: &People) -> Vec<(String, Option<String>)> {
    people
        .absent
        .iter()
        .map(|(who, back)| (who.name().to_owned(), back.map(|back| back.to_string())))
        .collect()
}

#[test]
fn groups_within_groups_and_roles_lead_to_people() {
    let people = facts("2026-01-06T10:00:00Z");
    assert_eq!(members(&people, "group:finance"), ["ann@example.com", "bob@example.com", "cat"]);
    assert_eq!(members(&people, "group:board"), ["bob@example.com", "cat"]);
    assert_eq!(members(&people, "role:admin"), ["bob@example.com", "cat"]);
    assert_eq!(members(&people, "role:operator"), ["ann@example.com"]);
    assert_eq!(people.known.as_ref().map(BTreeSet::len), Some(4));
    let delegates: Vec<_> =
        people.delegates[&p("user:ann@example.com")].iter().map(Principal::as_str).collect();
    assert_eq!(delegates, ["group:board", "user:bob@example.com"]);
}

#[test]
fn who_is_on_call_follows_the_turns_and_the_exceptions() {
    for (moment, who) in [
        ("2026-01-05T08:00:00Z", "ann@example.com"),
        ("2026-01-06T23:00:00Z", "dan"), // the 7th in Berlin
        ("2026-01-07T23:00:00Z", "ann@example.com"),
        ("2026-01-12T08:00:00Z", "bob@example.com"),
    ] {
        assert_eq!(members(&facts(moment), "on_call:payments"), [who], "{moment}");
    }
}

#[test]
fn whoever_has_closed_is_absent_until_the_next_opening() {
    let back = |moment: &str| Some(moment.to_owned());
    // Wednesday evening in Berlin, afternoon in New York.
    let people = facts("2026-01-07T19:00:00Z");
    let morning = back("2026-01-08T08:00:00Z");
    assert_eq!(absent(&people), [("ann@example.com".into(), morning.clone()), ("dan".into(), morning)]);
    // Thursday evening in New York: Bob does not work on Fridays. Dan has no hours of his own, but those of all.
    let people = facts("2026-04-30T23:00:00Z");
    assert_eq!(
        absent(&people),
        [
            ("ann@example.com".into(), back("2026-05-04T07:00:00Z")), // 1 May is a holiday
            ("bob@example.com".into(), back("2026-05-04T13:00:00Z")),
            ("dan".into(), back("2026-05-04T07:00:00Z")),
        ]
    );
}

#[test]
fn whoever_is_out_of_office_is_stood_in_for() {
    let stand_ins = |moment: &str| -> Vec<(String, String)> {
        let people = facts(moment);
        people.stand_ins.iter().map(|(who, by)| (who.name().to_owned(), by.name().to_owned())).collect()
    };
    let pair = |who: &str, by: &str| (who.to_owned(), by.to_owned());
    assert_eq!(stand_ins("2026-08-03T03:59:59Z"), [], "midnight in New York is 04:00");
    assert_eq!(stand_ins("2026-08-03T04:00:00Z"), [pair("bob@example.com", "cat")]);
    // Cat is out herself from the 10th until noon of the 11th, in Berlin: then it is Ann for both.
    assert_eq!(
        stand_ins("2026-08-10T12:00:00Z"),
        [pair("bob@example.com", "ann@example.com"), pair("cat", "ann@example.com")]
    );
    assert_eq!(stand_ins("2026-08-11T10:00:00Z"), [pair("bob@example.com", "cat")]);
    assert_eq!(
        stand_ins("2026-08-15T03:59:59Z"),
        [pair("bob@example.com", "cat")],
        "until the end of the 14th"
    );
    assert_eq!(stand_ins("2026-08-15T04:00:00Z"), []);
    let people = facts("2026-08-05T12:00:00Z");
    assert_eq!(people.back(&p("user:bob@example.com")), Some(at("2026-08-17T13:00:00Z")));
}

#[test]
fn wishes_depend_on_priority_and_hour() {
    let roster = office();
    let reach = |who: &str, priority, moment: &str| roster.reach(&p(who), priority, at(moment));
    let night = "2026-01-06T23:00:00Z";
    let ann = reach("user:ann@example.com", Priority::High, night);
    assert_eq!((ann.channels, ann.in_digest), (Some(texts(&["slack"])), false));
    assert_eq!(
        (ann.quiet_until, ann.next_digest),
        (Some(at("2026-01-07T06:00:00Z")), Some(at("2026-01-07T16:00:00Z")))
    );
    let ann = reach("user:Ann+urgent@Example.com", Priority::Critical, night);
    assert_eq!((ann.channels, ann.quiet_until), (Some(texts(&["sms", "slack"])), None));
    assert!(reach("user:ann", Priority::Low, night).in_digest);
    // Saturday noon in New York; the digest of Saturday is over, that of Sunday lies in quiet hours for what is low.
    let bob = reach("user:bob@example.com", Priority::Low, "2026-01-10T17:00:00Z");
    assert_eq!(bob.quiet_until, Some(at("2026-01-12T13:00:00Z")));
    assert_eq!(bob.next_digest, Some(at("2026-01-12T13:00:00Z")));
    let bob = reach("user:bob@example.com", Priority::Medium, "2026-01-10T17:00:00Z");
    assert_eq!((bob.quiet_until, bob.next_digest), (None, Some(at("2026-01-11T14:30:00Z"))));
    assert!(bob.in_digest);
    assert_eq!(reach("user:nobody", Priority::Low, night), Reach::default());
}

#[test]
fn people_are_found_under_every_name_and_nobody_else() {
    let roster = office();
    for spelled in [
        "user:ann@example.com",
        "USER:ANN@EXAMPLE.COM",
        "user:ann+travel@example.com",
        "user:a.example@corp.example",
        "user:ann@home.example",
        "user:ann",
    ] {
        assert_eq!(roster.canonical(&p(spelled)), Some(&p("user:ann@example.com")), "{spelled}");
    }
    for spelled in [
        "user:a.nn@example.com",
        "user:ann@example.org",
        "user:annn",
        "agent:ann",
        "group:ann",
        "service:ann",
    ] {
        assert_eq!(roster.canonical(&p(spelled)), None, "{spelled}");
    }
    let ann = p("user:ann@example.com");
    for (channel, identity) in [
        ("slack", "U012AB3CD"),
        ("terminal", "ann"),
        ("email", "Ann+x@Example.COM"),
        ("email", "ann@home.example"),
    ] {
        assert_eq!(roster.identify(channel, identity), Some(&ann), "{channel} {identity}");
    }
    for (channel, identity) in [("slack", "u012ab3cd"), ("slack", "ann"), ("sms", "ann"), ("email", "ann")] {
        assert_eq!(roster.identify(channel, identity), None, "{channel} {identity}");
    }
    let profile = roster.profile(&p("user:ann")).unwrap();
    assert_eq!((profile.id, profile.name.as_deref()), (ann, Some("Ann Example")));
    assert_eq!(profile.time_zone.iana_name(), Some("Europe/Berlin"));
    let addresses: Vec<(&str, &str)> =
        profile.addresses.iter().map(|(channel, to)| (&**channel, &**to)).collect();
    assert_eq!(addresses, [("email", "a.example@corp.example"), ("slack", "U012AB3CD"), ("terminal", "ann")]);
}

#[tokio::test]
async fn a_spelling_that_nobody_listed_is_told_apart_when_it_is_used() {
    let directory = FileDirectory::new(office());
    let (tagged, unknown) = (p("user:ann+7@example.com"), p("user:eve@example.com"));
    let now = at("2026-01-06T10:00:00Z");
    let people = directory.people(&[&tagged, &unknown], now).await.unwrap();
    assert_eq!(people.person(&tagged), Some(&p("user:ann@example.com")));
    assert_eq!(people.person(&unknown), None);
    assert_eq!(people.person(&p("user:a.example@corp.example")), Some(&p("user:ann@example.com")));
}

#[tokio::test]
async fn what_was_replaced_is_said_no_more() {
    let directory = FileDirectory::new(office());
    let shared = directory.clone();
    let now = at("2026-01-06T10:00:00Z");
    let before = directory.people(&[], now).await.unwrap();
    shared.replace(read("people: { user:eve: }").unwrap());
    let after = directory.people(&[], now).await.unwrap();
    assert!(before.version < after.version);
    assert_eq!(after.known, Some([p("user:eve")].into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// A snapshot is kept as long as nothing changes, and not a moment longer; a clock that goes back is followed too.
    #[test]
    fn a_snapshot_that_was_kept_says_what_a_new_one_says(steps in prop::collection::vec((-400_i64..4000, 1_i64..90), 1..40)) {
        let directory = FileDirectory::new(office());
        let roster = office();
        let mut now = at("2026-07-30T12:00:00Z");
        for (minutes, scale) in steps {
            now += Span::from_mins(if scale > 60 { minutes } else { minutes % 60 });
            let mut kept = People::clone(&directory.snapshot(now));
            kept.version = 0;
            prop_assert_eq!(kept, roster.people(now).0);
        }
    }
}
