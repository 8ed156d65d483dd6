//! Generates the guarded function.
//!
//! The guard stands in front of the original statements, inside the same function; there is no second function that could
//! be called without it. Everything that it calls lies in one hidden module of the core crate. Names of the generated code
//! have mixed-site hygiene, so that a parameter may be called `request` or `error`.

mod arguments;
mod body;
mod definition;
#[cfg(test)]
pub(crate) mod tests;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Pat, Path};

use crate::attr::path::FieldPath;
use crate::attr::{self, Attributes};
use crate::check::{check, self_in};
use crate::error::Errors;
use crate::function::boxed::{Boxed, Prologue};
use crate::function::parameter::{self, Parameters};
use crate::function::shape::{Analysed, Shape};
use crate::function::{Body, Function};

/// Expands `#[guarded_action(attr)] item`.
pub(crate) fn guarded_action(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut attributes = attr::parse(attr, &mut errors);
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let mut tokens = errors.to_compile_errors();
            tokens.extend(item);
            return tokens;
        }
    };
    let mut parameters = Parameters::take_from(&mut function.sig, &mut errors);
    let mut analysed = Analysed::of(&function, &mut errors);
    if let Some(Analysed { shape: Shape::Boxed(boxed), .. }) = &mut analysed {
        adopt_prologue(boxed, &mut parameters, &mut errors);
    }
    skip_manager(&mut attributes, &parameters);
    check(&attributes, &function, &parameters, analysed.as_ref(), &mut errors);
    match (analysed, function.body) {
        (Some(analysed), Body::Block(ref block)) if errors.is_empty() => {
            strip_mut_of_editable(&attributes, &mut function.sig);
            let generics = function.sig.generics.params.clone().into_token_stream();
            let root = hidden_module(attributes.root.as_ref());
            let guard = Guard { root, attributes, parameters, analysed, generics };
            let mut tokens = TokenStream::new();
            tokens.append_all(&function.attrs);
            function.vis.to_tokens(&mut tokens);
            function.sig.to_tokens(&mut tokens);
            block.brace.surround(&mut tokens, |tokens| {
                tokens.append_all(&block.inner_attrs);
                tokens.extend(guard.body(block));
            });
            tokens
        }
        (_, body) => unguarded(Function { body, ..function }, &parameters, &errors),
    }
}

/// The original function beside the errors, so that nothing else seems to be missing.
fn unguarded(mut function: Function, parameters: &Parameters, errors: &Errors) -> TokenStream {
    let mut tokens = errors.to_compile_errors();
    function
        .attrs
        .retain(|attr| attr.path().segments.last().is_none_or(|last| last.ident != "guarded_action"));
    if let (Some(grant), Body::Block(block)) = (&parameters.grant, &mut function.body) {
        let (name, ty) = (&grant.binding.ident, &grant.ty);
        let body = std::mem::take(&mut block.tokens);
        block.tokens = quote_spanned!(Span::mixed_site()=>
            #[allow(unused_variables, unreachable_code, clippy::empty_loop, reason = "the function does not compile")]
            let #name: #ty = loop {};
            #body
        );
    }
    // Parameters that only the guard would have read are no mistakes besides.
    tokens.extend(quote_spanned!(Span::mixed_site()=> #[allow(unused)]));
    function.to_tokens(&mut tokens);
    tokens
}

/// What is known about a function that can be guarded.
struct Guard {
    /// The hidden module that generated code goes through.
    root: TokenStream,
    attributes: Attributes,
    parameters: Parameters,
    analysed: Analysed,
    /// The function's own generic parameters.
    generics: TokenStream,
}

impl Guard {
    /// The hidden module, as if it were named at `place`: errors about one thing at one place are reported once.
    fn root_at(&self, place: Span) -> TokenStream {
        let located = |mut token: TokenTree| {
            token.set_span(token.span().located_at(place));
            token
        };
        self.root.clone().into_iter().map(located).collect()
    }

    /// Statements for `manager`, `key` and `attachments`, whichever of them mention `self` or do not.
    ///
    /// `#[async_trait]` moves `self` away in its first statements, and takes patterns apart there. What mentions `self` is
    /// therefore evaluated before them and everything else after them.
    fn inputs(&self, with_self: bool) -> TokenStream {
        let m = &self.root;
        let mut tokens = TokenStream::new();
        let fits = |expression: &Expr| self_in(&expression.to_token_stream()).is_some() == with_self;
        match &self.attributes.manager {
            Some(manager) if fits(manager) => {
                let manager = by_reference(manager);
                tokens.extend(quote_spanned!(Span::mixed_site()=> let manager = #m::manager(#manager);));
            }
            None if with_self => {
                let span = self.parameters.receiver.unwrap_or_else(Span::mixed_site);
                let receiver = syn::token::SelfValue(span);
                let source = quote_spanned!(Span::mixed_site().located_at(span)=>
                    <Self as #m::HasApprovalManager>::approval_manager
                );
                tokens.extend(quote_spanned!(Span::mixed_site()=>
                    let manager = #m::manager(#source(&#receiver));
                ));
            }
            _ => {}
        }
        if let Some(key) = self.attributes.key.as_ref().filter(|key| fits(key)) {
            let key = by_reference(key);
            tokens.extend(quote_spanned!(Span::mixed_site()=> let key = #m::key(#key);));
        }
        if let Some(attachments) = self.attributes.attachments.as_ref().filter(|given| fits(given)) {
            let attachments = by_reference(attachments);
            tokens.extend(
                quote_spanned!(Span::mixed_site()=> let attachments = #m::attachments(#attachments);),
            );
        }
        tokens
    }

    /// `async { … }`: what the call would do, worked out when it is polled.
    fn preview(&self) -> Option<TokenStream> {
        let m = &self.root;
        let preview = self.attributes.preview.as_ref()?;
        let tokens = match self.moved_self() {
            Some(name) => with_self_as(preview.to_token_stream(), name),
            None => preview.to_token_stream(),
        };
        let preview = quote_spanned!(Span::mixed_site().located_at(preview.span())=> &(#tokens));
        Some(quote_spanned!(Span::mixed_site()=> async { #m::preview(#preview) }))
    }

    /// The name that `self` has after the statements of `#[async_trait]`, which move it.
    fn moved_self(&self) -> Option<&proc_macro2::Ident> {
        let Shape::Boxed(boxed) = &self.analysed.shape else { return None };
        boxed.prologue.iter().find_map(|statement| match statement {
            Prologue::Rename { name, parameter, .. } if parameter == "self" => Some(name),
            Prologue::Rename { .. } | Prologue::Seed(_) | Prologue::Destructure { .. } => None,
        })
    }

    /// The statements in front of everything that only hand parameters on.
    fn prologue(&self) -> TokenStream {
        let Shape::Boxed(boxed) = &self.analysed.shape else { return TokenStream::new() };
        let mut tokens = TokenStream::new();
        for statement in &boxed.prologue {
            match statement {
                Prologue::Seed(statement) => statement.to_tokens(&mut tokens),
                Prologue::Rename { attrs, mutable, name, parameter } => {
                    if self.is_grant(name) {
                        continue;
                    }
                    let mutability = (*mutable && !is_editable(&self.attributes, name))
                        .then(|| syn::token::Mut(name.span()));
                    tokens.append_all(attrs);
                    tokens.extend(quote_spanned!(name.span()=> let #mutability #name = #parameter;));
                }
                Prologue::Destructure { local, .. } => {
                    let mut local = local.clone();
                    parameter::strip_mut(&mut local.pat, |name| is_editable(&self.attributes, name));
                    local.to_tokens(&mut tokens);
                }
            }
        }
        tokens
    }

    fn is_grant(&self, name: &proc_macro2::Ident) -> bool {
        self.parameters.grant.as_ref().is_some_and(|grant| grant.binding.ident == *name)
    }
}

/// The tokens with another name for `self`.
fn with_self_as(tokens: TokenStream, name: &proc_macro2::Ident) -> TokenStream {
    let renamed = |token: TokenTree| match token {
        TokenTree::Ident(ident) if ident == "self" => {
            let mut renamed = name.clone();
            renamed.set_span(name.span().located_at(ident.span()));
            TokenTree::Ident(renamed)
        }
        TokenTree::Group(group) => {
            let mut inner = proc_macro2::Group::new(group.delimiter(), with_self_as(group.stream(), name));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    };
    tokens.into_iter().map(renamed).collect()
}

/// A parameter that is the manager itself is nothing that people decide about.
fn skip_manager(attributes: &mut Attributes, parameters: &Parameters) {
    let expression = match &attributes.manager {
        Some(Expr::Reference(reference)) => &reference.expr,
        Some(other) => other,
        None => return,
    };
    let Expr::Path(path) = expression else { return };
    let Some(root) =
        path.path.get_ident().filter(|ident| parameters.find(&ident.unraw().to_string()).is_some())
    else {
        return;
    };
    let path = FieldPath { root: root.clone(), members: Vec::new(), span: root.span() };
    let skip = attributes.skip.get_or_insert_default();
    if !skip.iter().any(|skipped| skipped.covers(&path)) {
        skip.push(path);
    }
}

/// A reference to the value of a user's expression; errors about its type point at the expression.
fn by_reference(expression: &Expr) -> TokenStream {
    quote_spanned!(Span::mixed_site().located_at(expression.span())=> &(#expression))
}

/// Takes over what the prologue says about names: `mut`, and the names behind `__arg1`.
fn adopt_prologue(boxed: &Boxed, parameters: &mut Parameters, errors: &mut Errors) {
    for statement in &boxed.prologue {
        match statement {
            Prologue::Rename { mutable, name, parameter, .. } if name == parameter => {
                let bindings = parameters.arguments.iter_mut().flat_map(|argument| &mut argument.bindings);
                for binding in bindings.filter(|binding| binding.ident == *name) {
                    binding.mutable |= mutable;
                }
                if let Some(grant) = parameters.grant.as_mut().filter(|grant| grant.binding.ident == *name) {
                    grant.binding.mutable |= mutable;
                }
            }
            Prologue::Seed(_) | Prologue::Rename { .. } => {}
            Prologue::Destructure { local, parameter } => {
                for argument in &mut parameters.arguments {
                    if matches!(argument.bindings.as_slice(), [only] if only.ident == *parameter) {
                        argument.bindings = parameter::bindings(&local.pat, errors);
                    }
                }
            }
        }
    }
}

/// Parameters that the guard binds again carry their `mut` there.
fn strip_mut_of_editable(attributes: &Attributes, sig: &mut syn::Signature) {
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input {
            let pattern: &mut Pat = &mut typed.pat;
            parameter::strip_mut(pattern, |name| is_editable(attributes, name));
        }
    }
}

fn is_editable(attributes: &Attributes, name: &proc_macro2::Ident) -> bool {
    attributes.editable.iter().flatten().any(|path| path.root.unraw() == name.unraw())
}

/// The hidden module of the core crate, which generated code goes through.
pub(crate) fn hidden_module(root: Option<&Path>) -> TokenStream {
    root.map_or_else(
        || quote_spanned!(Span::mixed_site()=> ::approval_core::__macro),
        |root| quote_spanned!(Span::mixed_site()=> #root::__macro),
    )
}
