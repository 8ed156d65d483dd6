//! One snapshot of each mode. The files lie in `tests/expansions`.

use proc_macro2::TokenStream;

use super::*;

/// Compares what `expand` generates, formatted as a file, with the snapshot called `name`.
pub(crate) fn snapshot(name: &str, tokens: TokenStream) {
    let file = syn::parse2(tokens).expect("the expansion is Rust");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../tests/expansions");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

fn expands(name: &str, attribute: &str, item: &str) {
    snapshot(name, guarded_action(attribute.parse().unwrap(), item.parse().unwrap()));
}

#[test]
fn async_method() {
    expands(
        "async_method",
        r#"name = "payments.refund""#,
        "/// Refunds.
        pub(crate) async fn refund<'a, T: Send, const N: usize>(&'a self, customer: &'a str, mut cents: u64)
            -> Result<Receipt<'a, T>, AppError> where T: Clone {
            #![allow(clippy::unused_async)]
            cents += 1;
            if cents == N { return Ok(Receipt::none()); }
            self.pay(customer, cents)?.await
        }",
    );
}

#[test]
fn sync_function() {
    expands(
        "sync_function",
        r#"name = "files.delete", manager = approval_core::ambient()"#,
        "fn delete(path: &Path) -> Result<impl Iterator<Item = u8>, String> { remove(path)?; Ok(std::iter::empty()) }",
    );
}

#[test]
fn every_setting() {
    expands(
        "every_setting",
        r#"name = "payments.refund", version = 2, kind = "purchase", description = "Refund {cents} to {pair.0}",
        risk = "low", cost = "{cents}/100 USD", priority = "high",
        require(1, "user:CFO@example.com"), require(2, "group:finance", may_share),
        escalate(after = "10m", to("group:oncall", "user:ann"), requirement = 2, priority = "critical"),
        escalate(after = "20m", to("user:eve"), requirement = 1),
        remind(every = "5m", at_most = 2), timeout = "1h", on_timeout = "approve", wait = "30s", grant_ttl = "5m",
        run_window = "mon-fri 09:00-12:00, 13:00-17:00 sat 10:00-12:00 Europe/Berlin", veto = 2, allow_self_approval, reject_options = crate::Reasons, credits, idempotent, cancel_on_drop,
        key = cents, failed_if = crate::is_error, replay,
        redact(args.token), skip(client, args.trace), manager = manager, crate = ::approvals"#,
        "async fn refund(client: &Client, manager: &Manager, args: Args, cents: u64, pair: (u8, u8), _: u8) -> R { body() }",
    );
}

#[test]
fn suspend_with_a_key() {
    expands(
        "suspend",
        r#"name = "a", mode = "suspend", key = args.prefix + "-" + &args.id, timeout = "never", replay"#,
        "async fn suspend(&self, args: Args) -> Result<u8, E> { Ok(1) }",
    );
}

#[test]
fn edited_parameters_are_bound_again() {
    expands(
        "editable",
        r#"name = "a", editable(cents, args.note, args.to.0, extra)"#,
        "async fn edit(&mut self, mut cents: u64, Args { mut extra, .. }: Args, #[cfg(feature = \"x\")] args: More)
            -> Result<(), E> { cents += 1; Ok(()) }",
    );
}

#[test]
fn attachments_are_made_before_asking() {
    expands(
        "attachments",
        r#"name = "a", key = id, attachments = [self.terms(), invoice(&id).await]"#,
        "async fn send(&self, id: String) -> Result<(), E> { Ok(()) }",
    );
}

#[test]
fn previews_are_worked_out_when_people_are_asked() {
    expands(
        "preview",
        r#"name = "a", preview = self.count(&table).await, preview_timeout = "5s""#,
        "async fn delete(&self, table: String) -> Result<(), E> { Ok(()) }",
    );
    expands(
        "preview_blocking",
        r#"name = "a", manager = m, preview = count(&table).await"#,
        "fn delete(m: &M, table: String) -> Result<(), E> { Ok(()) }",
    );
    expands(
        "preview_async_trait",
        r#"name = "a", preview = format!("{}", self.count(b).await)"#,
        "fn run<'life0, 'async_trait>(&'life0 mut self, b: u64)
            -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<u8, E>> + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, Self: 'async_trait {
            Box::pin(async move {
                let mut __self = self;
                let b = b;
                let __ret: Result<u8, E> = { __self.count += 1; Ok(b) };
                #[allow(unreachable_code)]
                __ret
            })
        }",
    );
}

#[test]
fn grant_is_filled_in() {
    expands(
        "grant",
        r#"name = "a""#,
        "async fn pay(self: Arc<Self>, #[grant] mut proof: Grant<Refund>, to: String) -> anyhow::Result<()> { bank(proof) }",
    );
}

#[test]
fn refusals_of_foreign_types() {
    expands(
        "refuse_with",
        r#"name = "a", refuse_with = Self::refused, manager = self.state.approvals"#,
        "async fn handle(&self, Path(id): Path<u64>, #[cfg(unix)] uid: u32) -> impl IntoResponse { id.to_string() }",
    );
}

#[test]
fn async_trait_method() {
    expands(
        "async_trait",
        r#"name = "a", editable(b), key = self.prefix"#,
        "#[allow(clippy::type_complexity)]
        fn run<'life0, 'async_trait>(&'life0 mut self, b: u64, __arg2: (u8, u8), grant: &'life0 str, #[grant] proof: Grant<R>)
            -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<u8, E>> + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, Self: 'async_trait {
            Box::pin(async move {
                if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<Result<u8, E>> {
                    #[allow(unreachable_code)]
                    return __ret;
                }
                let mut __self = self;
                let mut b = b;
                let (c, d) = { let __arg2 = __arg2; __arg2 };
                let proof = proof;
                let __ret: Result<u8, E> = { __self.count += 1; Ok(b) };
                #[allow(unreachable_code)]
                __ret
            })
        }",
    );
}

#[test]
fn tool_above_the_guard() {
    expands(
        "tool_above",
        r#"name = "a", refuse_with = refused, manager = self.approvals"#,
        "fn refund(&self, Parameters(args): Parameters<Args>)
            -> ::std::pin::Pin<Box<dyn ::std::future::Future<Output = Result<R, ErrorData>> + Send + '_>>
        { Box::pin(async move { Ok(self.pay(args).await) }) }",
    );
}

#[test]
fn tool_below_the_guard() {
    expands(
        "tool_below",
        r#"name = "a", manager = self.approvals, refuse_with = refused"#,
        r#"#[tool(description = "Refunds")]
        async fn refund(&self, Parameters(args): Parameters<Args>) -> Result<R, ErrorData> { Ok(self.pay(args).await) }"#,
    );
}

#[test]
fn mistakes_leave_the_item_in_place() {
    expands(
        "mistakes",
        r#"nam = "a", risk = "huge", manager = m"#,
        "#[guarded_action(name = \"b\")] async fn f(m: M, #[grant] proof: Grant<R>) -> Result<(), E> { pay(proof).await }",
    );
}

#[test]
fn what_is_no_function_stays_in_place() {
    expands("no_function", r#"name = "a""#, "impl A { fn f(&self) {} }");
}
