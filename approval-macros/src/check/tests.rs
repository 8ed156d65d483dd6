use proc_macro2::TokenStream;
use quote::quote;

use super::*;
use crate::attr;

fn messages(attribute: &str, function: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    let attributes = attr::parse(attribute.parse().unwrap(), &mut errors);
    let mut function: Function = syn::parse2(function).unwrap();
    let parameters = Parameters::take_from(&mut function.sig, &mut errors);
    let analysed = Analysed::of(&function, &mut errors);
    check(&attributes, &function, &parameters, analysed.as_ref(), &mut errors);
    errors.messages()
}

/// What is said about a method with usual parameters.
fn about(attribute: &str) -> Vec<String> {
    messages(
        &format!("name = \"a.b\", {attribute}"),
        quote! {
            async fn refund(
                &self, client: &Client, args: Args, cents: u64, #[cfg(x)] extra: u8, #[grant] proof: Grant<R>,
            ) -> Result<u8, E> {}
        },
    )
}

#[test]
fn what_agrees_passes() {
    for attribute in [
        "",
        "risk = \"low\", on_timeout = \"approve\"",
        "timeout = \"never\", escalate(after = \"3h\", to(\"group:a\"))",
        "timeout = \"5m\", on_timeout = \"escalate\", escalate(after = \"10m\", to(\"group:a\"))",
        "mode = \"suspend\", key = args.id",
        "mode = \"wait\", wait = \"1s\", key = cents, cancel_on_drop",
        "editable(cents, args.note), redact(args.token), skip(client, extra)",
        "description = \"{cents} {args}\", redact(args.token)",
        "require(1, \"user:a\"), require(1, \"user:b\"), escalate(after = \"1m\", to(\"group:a\"), requirement = 2)",
        "manager = self.approvals, key = format!(\"{}\", self.x), refuse_with = Self::refused, replay, idempotent",
        "cost = \"{cents} USD\", credits",
    ] {
        assert_eq!(about(attribute), [""; 0], "{attribute}");
    }
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (attribute, part) in [
        ("on_timeout = \"approve\"", "`medium`, the default"),
        (
            "risk = \"high\", on_timeout = \"approve\"",
            "may be approved by the clock, and the risk here is `high`:",
        ),
        ("timeout = \"never\", on_timeout = \"reject\"", "never happens"),
        ("on_timeout = \"escalate\"", "needs people to escalate to"),
        ("escalate(after = \"2h\", to(\"group:a\"))", "people have 1h, since no `timeout` is given"),
        ("timeout = \"5m\", escalate(after = \"5m\", to(\"group:a\"))", "people have 5m; shorten"),
        ("escalate(after = \"1m\", to(\"group:a\"), requirement = 2)", "there is no requirement 2"),
        (
            "require(1, \"user:a\"), require(1, \"user:b\"), escalate(after = \"1m\", to(\"group:a\"))",
            "which of the 2 requirements",
        ),
        ("remind(every = \"2h\", at_most = 1)", "no person is ever reminded"),
        ("approvers(\"user:a\"), require(1, \"user:b\")", "`require` beside `approvers`"),
        ("credits", "there is no cost that may be below zero"),
        ("mode = \"suspend\"", "needs a `key`"),
        ("wait = \"1s\"", "`wait` needs a `key`"),
        ("mode = \"wait\", wait = \"0s\"", "`wait` needs a `key`"),
        ("mode = \"suspend\", key = cents, wait = \"1s\"", "does not wait"),
        ("mode = \"suspend\", key = cents, cancel_on_drop", "no waiting future"),
    ] {
        let messages = about(attribute);
        assert!(messages.len() == 1 && messages[0].contains(part), "{attribute}: {messages:?}");
    }
}

#[test]
fn paths_must_lead_to_parameters() {
    for (attribute, part) in [
        ("editable(cent)", "did you mean `cents`?"),
        ("redact(tokens)", "there is `client`, `args`, `cents` or `extra`"),
        ("description = \"{amount}\"", "`amount` is not a parameter"),
        ("cost = \"{arg.cents} USD\"", "did you mean `args`?"),
        ("skip(proof)", "is the grant"),
        ("editable(client)", "is borrowed"),
        ("editable(cents), redact(cents)", "in `editable` and in `redact`"),
        ("editable(args), redact(args.token)", "`args.token` in `redact` overlaps `args` in `editable`"),
        ("editable(args.note), skip(args)", "no part of the approval"),
        ("redact(args.token), skip(args)", "not shown anyway"),
        ("description = \"{args.token.first}\", redact(args.token)", "is redacted"),
        ("cost = \"{cents} USD\", skip(cents)", "is skipped"),
        ("description = \"{extra}\"", "only under a `cfg`"),
    ] {
        let messages = about(attribute);
        assert!(messages.len() == 1 && messages[0].contains(part), "{attribute}: {messages:?}");
    }
}

#[test]
fn the_function_must_be_able_to_say_no() {
    let manager = "name = \"a\", manager = m";
    for (attribute, function, part) in [
        (
            manager,
            quote!(
                async fn f(m: M) {}
            ),
            "this function returns nothing",
        ),
        (
            manager,
            quote!(
                async fn f(m: M) -> impl Responder {}
            ),
            "nothing tells how",
        ),
        (
            "name = \"a\"",
            quote!(
                fn f() -> R {}
            ),
            "no `self` to ask",
        ),
        (
            "name = \"a\", manager = self.x",
            quote!(
                fn f() -> R {}
            ),
            "`manager` uses `self`",
        ),
        (
            "name = \"a\", manager = m, key = (1, [self.x])",
            quote!(
                fn f(m: M) -> R {}
            ),
            "`key` uses `self`",
        ),
        (
            "name = \"a\", manager = m, cancel_on_drop",
            quote!(
                fn f(m: M) -> R {}
            ),
            "no future to drop",
        ),
        (
            manager,
            quote!(
                #[approval_core::guarded_action(name = "b")]
                fn f(m: M) -> R {}
            ),
            "guarded already",
        ),
        (
            "manager = m",
            quote!(
                fn r#sendMail(m: M) -> R {}
            ),
            "`name = \"send_mail\"`",
        ),
    ] {
        let messages = messages(attribute, function);
        assert!(messages.len() == 1 && messages[0].contains(part), "{attribute}: {messages:?}");
    }
    let replayed = messages(
        "name = \"a\", manager = m, replay",
        quote!(
            fn f(m: M) -> Result<impl A, E> {}
        ),
    );
    assert!(replayed.len() == 1 && replayed[0].contains("needs a name"), "{replayed:?}");
}

#[test]
fn a_refused_value_is_not_also_missing() {
    let messages = messages(
        "name = \"A\", manager =",
        quote!(
            fn f() -> R {}
        ),
    );
    assert_eq!(messages.len(), 2, "{messages:?}");
}
