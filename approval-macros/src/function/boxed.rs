//! The one shape of a hand-made future that can be guarded: `Box::pin(async move { … })`.
//!
//! `#[async_trait]` makes it, and so do the `#[tool]` attribute of rmcp and `#[instrument]` of tracing. Nothing may stand
//! beside it, since a statement in front would run before anybody approved.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Expr, Local, LocalInit, Pat, PatIdent, Path, Stmt, Token, braced, parenthesized, token,
};

/// The parts of `Box::pin(async move { prologue rest })`.
pub(crate) struct Boxed {
    pub(crate) pin: Path,
    pub(crate) async_token: Token![async],
    pub(crate) move_token: Token![move],
    /// Statements that only hand parameters on; they run before the guard.
    pub(crate) prologue: Vec<Prologue>,
    /// Everything else; it runs behind the guard.
    pub(crate) rest: TokenStream,
}

/// A statement that runs no code of the user's.
pub(crate) enum Prologue {
    /// `if let Some(__ret) = None::<T> { … }`, there for inference alone.
    Seed(Box<Stmt>),
    /// `let name = name;`
    Rename { attrs: Vec<Attribute>, mutable: bool, name: Ident, parameter: Ident },
    /// `let pattern = { let __arg1 = __arg1; __arg1 };`
    Destructure { local: Box<Local>, parameter: Ident },
}

/// Reads a body of exactly this shape.
pub(crate) fn recognise(body: &TokenStream) -> Option<Boxed> {
    boxed.parse2(body.clone()).ok()
}

fn boxed(input: ParseStream<'_>) -> syn::Result<Boxed> {
    let pin = input.call(Path::parse_mod_style)?;
    let names: Vec<String> = pin.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !matches!(names.as_slice(), ["Box", "pin"] | ["std" | "alloc", "boxed", "Box", "pin"]) {
        return Err(input.error("not `Box::pin`"));
    }
    let call;
    parenthesized!(call in input);
    let async_token = call.parse()?;
    let move_token = call.parse()?;
    let block;
    braced!(block in call);
    call.parse::<Option<Token![,]>>()?;
    if !call.is_empty() || !input.is_empty() {
        return Err(call.error("something stands beside the future"));
    }
    let mut prologue = Vec::new();
    while let Some(statement) = next_prologue(&block) {
        prologue.push(statement);
    }
    Ok(Boxed { pin, async_token, move_token, prologue, rest: block.parse()? })
}

fn next_prologue(input: ParseStream<'_>) -> Option<Prologue> {
    if !(input.peek(Token![if]) || input.peek(Token![let]) || input.peek(Token![#])) {
        return None;
    }
    let ahead = input.fork();
    let statement = classify(ahead.parse().ok()?)?;
    input.advance_to(&ahead);
    Some(statement)
}

fn classify(statement: Stmt) -> Option<Prologue> {
    match statement {
        Stmt::Expr(Expr::If(ref conditional), None) => {
            let condition = conditional.cond.to_token_stream().to_string();
            let start =
                quote!(let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<).to_string();
            condition.starts_with(&start).then(|| Prologue::Seed(Box::new(statement)))
        }
        Stmt::Local(local) => {
            let LocalInit { expr, diverge: None, .. } = local.init.as_ref()? else { return None };
            match (&local.pat, &**expr) {
                (
                    Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, mutability, .. }),
                    Expr::Path(path),
                ) => Some(Prologue::Rename {
                    attrs: local.attrs.clone(),
                    mutable: mutability.is_some(),
                    name: ident.clone(),
                    parameter: path.path.get_ident()?.clone(),
                }),
                (_, Expr::Block(block)) => {
                    let parameter = handed_through(&block.block.stmts)?;
                    Some(Prologue::Destructure { local: Box::new(local), parameter })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `name` of `{ let name = name; name }`.
fn handed_through(statements: &[Stmt]) -> Option<Ident> {
    let [Stmt::Local(local), Stmt::Expr(Expr::Path(tail), None)] = statements else { return None };
    let Expr::Path(init) = &*local.init.as_ref()?.expr else { return None };
    let name = tail.path.get_ident()?;
    let same =
        init.path.is_ident(name) && matches!(&local.pat, Pat::Ident(pattern) if pattern.ident == *name);
    same.then(|| name.clone())
}

impl Boxed {
    /// `Box::pin(async move { inside })`.
    pub(crate) fn around(&self, inside: &TokenStream) -> TokenStream {
        let Self { pin, async_token, move_token, .. } = self;
        let mut tokens = pin.to_token_stream();
        token::Paren::default().surround(&mut tokens, |tokens| {
            tokens.extend(quote!(#async_token #move_token { #inside }));
        });
        tokens
    }
}
