//! What kind of function it is, and which kinds cannot be guarded.

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Safety, Signature, Type};

use super::boxed::{self, Boxed};
use super::{Block, Body, Function, returns};
use crate::error::Errors;

/// How the body runs.
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// `fn`
    Sync,
    /// `fn … -> Pin<Box<dyn Future>> { Box::pin(async move { … }) }`
    Boxed(Box<Boxed>),
}

/// A function that can be guarded.
pub(crate) struct Analysed {
    pub(crate) shape: Shape,
    /// What the body returns, without the future around it.
    pub(crate) output: Type,
}

impl Analysed {
    /// Looks at `function`, or reports why it cannot be guarded.
    pub(crate) fn of(function: &Function, errors: &mut Errors) -> Option<Self> {
        let before = errors.len();
        qualifiers(&function.sig, errors);
        let block = block(function, errors)?;
        let written = returns::written(&function.sig.output);
        let (shape, output) = if function.sig.asyncness.is_some() {
            (Shape::Async, written)
        } else if let Some((boxed, output)) = boxed_shape(&written, &block.tokens) {
            (Shape::Boxed(Box::new(boxed)), output)
        } else {
            (Shape::Sync, written)
        };
        if let Some(future) = returns::future_in(&output) {
            errors.over(future, future_message(&shape));
        }
        (errors.len() == before).then_some(Self { shape, output })
    }

    /// Whether the caller gets a future.
    pub(crate) fn is_async(&self) -> bool {
        !matches!(self.shape, Shape::Sync)
    }
}

fn boxed_shape(written: &Type, body: &TokenStream) -> Option<(Boxed, Type)> {
    let output = returns::boxed_output(written)?;
    Some((boxed::recognise(body)?, output))
}

fn future_message(shape: &Shape) -> &'static str {
    match shape {
        Shape::Sync => {
            "this function makes its future by hand, so statements could run before anybody approved: write `async fn`, or let the body be `Box::pin(async move { … })` alone, with the type `Pin<Box<dyn Future<Output = …>>>`"
        }
        Shape::Async | Shape::Boxed(_) => {
            "the body returns a future that runs later, after its outcome was recorded: await it inside and return its value"
        }
    }
}

fn qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(constness) = &sig.constness {
        errors.over(
            constness,
            "a `const fn` cannot wait for people: remove `const`, or guard the function that calls it",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.over(
            abi,
            "an `extern` function is called by code that cannot handle a refusal: guard a Rust function that it calls",
        );
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.over(
            token,
            "an `unsafe fn` cannot be guarded, since its contract may not hold any more once people have answered: guard a safe function that calls it",
        );
    }
    if let Some(variadic) = &sig.variadic {
        errors.over(variadic, "variable arguments cannot be shown to people: name each parameter");
    }
}

fn block<'a>(function: &'a Function, errors: &mut Errors) -> Option<&'a Block> {
    match &function.body {
        Body::Block(block) => Some(block),
        Body::Missing(semicolon) => {
            errors.at(
                function.sig.ident.span().join(semicolon.span()).unwrap_or(function.sig.ident.span()),
                "there is no body to guard: put `guarded_action` on the method in each `impl` of the trait",
            );
            None
        }
    }
}
