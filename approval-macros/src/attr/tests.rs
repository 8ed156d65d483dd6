use super::*;
use crate::error::Errors;

fn read(text: &str) -> (Attributes, Vec<String>) {
    let mut errors = Errors::default();
    let attributes = parse(text.parse().unwrap(), &mut errors);
    (attributes, errors.messages())
}

fn errors(text: &str) -> Vec<String> {
    read(text).1
}

fn only_error(text: &str) -> String {
    let errors = errors(text);
    assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn reads_every_key() {
    let (attributes, errors) = read(
        r#"name = "payments.refund", kind = "purchase", version = 3,
        description = "Refund {cents} cents to {args.customer}",
        risk = "high", cost = "{cents} / 100 USD", priority = "critical",
        require(1, "user:cfo@example.com"), require(2, "group:finance", may_share),
        remind(every = "5m", at_most = 3),
        escalate(after = "10m", to("group:oncall"), requirement = 2, priority = "critical"),
        timeout = "15m", on_timeout = "escalate", wait = "30s", grant_ttl = "1h", mode = "wait",
        run_window = "mon-fri 09:00-17:00 Europe/Berlin",
        manager = self.approvals::<A, B>(), key = format!("{}-{}", args.a, args.b),
        editable(cents, args.note), redact(args.token), skip(client),
        refuse_with = crate::refused::<u8>, reject_options = RefundRejected, veto = 2,
        credits, idempotent, replay, allow_self_approval, cancel_on_drop, crate = ::approvals,"#,
    );
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(attributes.name.unwrap().value, "payments.refund");
    assert_eq!(attributes.version.unwrap().value, 3);
    assert_eq!(attributes.risk.unwrap().value, Risk::High);
    assert_eq!(attributes.priority.unwrap().value, Priority::Critical);
    let counts: Vec<(u32, usize)> =
        attributes.requirements.iter().map(|rule| (rule.count, rule.approvers.len())).collect();
    assert_eq!(counts, [(1, 1), (2, 1)]);
    let stage = attributes.escalations.first().unwrap();
    assert_eq!(stage.after.value, Duration::from_mins(10));
    assert_eq!(stage.requirement.unwrap().value, 2);
    assert_eq!(attributes.timeout.unwrap().value, Timeout::After(Duration::from_mins(15)));
    assert_eq!(attributes.wait.unwrap().value, Duration::from_secs(30));
    assert_eq!(attributes.grant_ttl.unwrap().value, Duration::from_hours(1));
    assert_eq!(attributes.run_window.unwrap().time_zone, "Europe/Berlin");
    assert_eq!(attributes.editable.unwrap().len(), 2);
    assert_eq!(attributes.veto.unwrap().value, 2);
    assert!(attributes.manager.is_some() && attributes.key.is_some() && attributes.refuse_with.is_some());
    assert!(attributes.credits.is_some() && attributes.idempotent.is_some() && attributes.replay.is_some());
    assert!(attributes.requirements[1].may_share && attributes.remind.unwrap().at_most == 3);
    assert!(attributes.allow_self_approval == Some(true) && attributes.cancel_on_drop.is_some());
    assert!(attributes.root.is_some() && attributes.reject_options.is_some());
}

/// What each key sets is its own: it can be given once, and beside every other key.
#[test]
fn no_two_keys_set_the_same() {
    // These may be given several times, and add to each other.
    let adds = |key: &str| matches!(key, "require" | "escalate");
    for one in key::KEYS {
        assert_eq!(errors(one.example), Vec::<String>::new());
        for other in key::KEYS {
            let both = errors(&format!("{}, {}", one.example, other.example));
            let twice = if one.name == other.name && !adds(one.name) {
                vec![format!("`{}` is given twice: keep one", one.name)]
            } else {
                Vec::new()
            };
            assert_eq!(both, twice, "{} {}", one.name, other.name);
        }
    }
}

/// A key of the wrong form is an error that names the key, whichever it is.
#[test]
fn every_key_has_one_form() {
    for key in key::KEYS {
        let name = key.name;
        let wrong = match key.form {
            key::Form::Flag(_) => vec![format!("{name} = true"), format!("{name}(a)")],
            key::Form::Switch(_) => vec![format!("{name}(true)")],
            key::Form::Value(_) => vec![name.to_owned(), format!("{name}(a)")],
            key::Form::List(_) => vec![name.to_owned(), format!("{name} = a")],
        };
        for text in wrong {
            let error = only_error(&text);
            assert!(error.starts_with(&format!("`{name}` ")), "{text}: {error}");
        }
    }
}

#[test]
fn an_agent_is_no_key() {
    for word in ["agent", "requester"] {
        for text in [word.to_owned(), format!("{word} = \"agent:a\""), format!("{word}(a)")] {
            assert!(only_error(&text).contains("is not said here"), "{text}");
        }
    }
}

#[test]
fn self_approval_is_a_switch() {
    for (text, value) in [
        ("allow_self_approval", true),
        ("allow_self_approval = true", true),
        ("allow_self_approval = false", false),
    ] {
        let (attributes, errors) = read(text);
        assert_eq!((attributes.allow_self_approval, errors), (Some(value), Vec::new()), "{text}");
    }
    for (text, why) in [
        ("allow_self_approval = \"no\"", "expected `true` or `false`"),
        ("allow_self_approval =", "expected `true` or `false`"),
        ("allow_self_approval(false)", "written alone, or with `=`"),
        ("allow_self_approval, allow_self_approval = false", "twice"),
    ] {
        let (_, errors) = read(text);
        assert!(errors.iter().any(|error| error.contains(why)), "{text}: {errors:?}");
    }
}

#[test]
fn approvers_are_one_requirement_of_one() {
    let (attributes, errors) = read(r#"approvers("user:ann@example.com", "group:finance")"#);
    assert!(errors.is_empty(), "{errors:?}");
    let rule = attributes.requirements.first().unwrap();
    assert_eq!((rule.count, rule.approvers.len(), attributes.requirements.len()), (1, 2, 1));
    let (attributes, errors) = read(r#"approvers(require(1, "user:a"), require(2, "group:b"))"#);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(attributes.requirements.len(), 2);
}

#[test]
fn every_mistake_is_reported_in_one_run() {
    let messages = errors(
        r#"name = "Payments", rsk = "high", risk = "hgih", timeout = "15", approvers("agent:x", "user:ann"),
        editable(self.x, cents), idempotent = true, version = 0"#,
    );
    let parts = [
        "capital letter",
        "did you mean `risk`?",
        "did you mean `high`?",
        "lacks a unit",
        "only people vote",
        "`self` is not bound",
        "takes no value",
        "a whole number from 1",
    ];
    assert_eq!(messages.len(), parts.len(), "{messages:#?}");
    for (message, part) in messages.iter().zip(parts) {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn each_form_is_shown_when_another_is_used() {
    for (text, part) in [
        (r#"name("x")"#, "written with `=`: `name = \"payments.refund\"`"),
        (r#"approvers = "user:ann""#, "is a list in parentheses: `approvers(\"user:ann@example.com\""),
        ("editable", "lacks its value: write `editable(cents)`"),
        ("replay(x)", "takes no value"),
        ("timeout = 15", "expected a string literal, such as \"15m\""),
        ("name = payments", "expected a string literal, such as \"payments.refund\""),
        ("editable()", "names no parameter"),
        ("approvers()", "names no person"),
        ("require()", "`require` is empty"),
        ("require(\"group:a\")", "starts with how many"),
        ("require(0, \"group:a\")", "zero votes"),
        ("require(2, \"user:a\")", "can never come from one person"),
        ("require(3, \"user:a\", \"user:b\")", "can never come from 2 people"),
        ("require(2)", "`require` names no person"),
        ("approvers(\"user:a\", \"user:a\")", "named twice"),
        ("approvers(\"user:a\", require(1, \"user:b\"))", "either people or"),
        ("approvers(ann)", "or `require(…)`"),
        ("require(1, \"group:a\", shared)", "it knows `may_share`"),
        ("remind(every = \"5m\")", "needs both"),
        ("remind(evry = \"5m\")", "did you mean `every`?"),
        ("escalate(to(\"group:a\"))", "needs its delay"),
        ("escalate(after = \"1m\")", "names no person"),
        ("escalate(after = \"1m\", too(\"group:a\"))", "did you mean `to`?"),
        ("escalate(after = \"1m\", after = \"2m\", to(\"group:a\"))", "given twice"),
        ("risk = \"low\", risk = \"high\"", "`risk` is given twice"),
        ("editable(a, a)", "named twice in `editable`"),
        ("redact(a, a.b)", "`a.b` is part of `a`"),
        ("crate = approvals", "write it from the root, `crate = ::approvals`"),
        ("refuse_with = |e| e", "takes the path of a function"),
        ("failed_if = |r| r.failed", "`failed_if` takes the path of a function"),
        ("manager =", "an expression is missing after `manager =`"),
        ("skip_all", "name each parameter in `skip(…)`"),
        ("agent = \"agent:x\"", "set it on the manager's builder"),
        ("= 3", "expected a key"),
        ("idempotent replay", "a comma is missing"),
        ("unheard_of", "it knows `name`,"),
        ("veto = 0", "expected a number of rejections"),
        ("grant_ttl = \"0s\"", "no time at all"),
        ("run_window = \"mon-fri 09:00-17:00\"", "lacks a time zone"),
        ("run_window = office", "expected a string literal, such as \"mon-fri 09:00-17:00 Europe/Berlin\""),
        ("run_window(\"daily 09:00-17:00 UTC\")", "is written with `=`"),
        ("kind = \"Big Purchase\"", "is not a name of a kind"),
    ] {
        let message = only_error(text);
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn never_and_zero_patience_can_be_said() {
    let (attributes, errors) = read(r#"timeout = "never", wait = "0s", crate = crate::reexport"#);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(attributes.timeout.unwrap().value, Timeout::Never);
    assert_eq!(attributes.wait.unwrap().value, Duration::ZERO);
}
