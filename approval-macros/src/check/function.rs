//! Keys against the kind of function and its return type.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{ReturnType, Type, TypeImplTrait};

use crate::attr::Attributes;
use crate::error::Errors;
use crate::function::Function;
use crate::function::parameter::Parameters;
use crate::function::returns;
use crate::function::shape::{Analysed, Shape};

pub(super) fn check(
    attributes: &Attributes,
    function: &Function,
    parameters: &Parameters,
    analysed: Option<&Analysed>,
    errors: &mut Errors,
) {
    let name = function.sig.ident.span();
    if let Some(second) = function.attrs.iter().find(|attr| is_guard(attr)) {
        errors.over(second, "this function is guarded already: keep one `guarded_action`");
    }
    if !attributes.is_given("manager") && parameters.receiver.is_none() {
        errors.at(
            name,
            "there is no `self` to ask for the approval manager: add `manager = …`, such as a parameter or `manager = approval_core::ambient()`",
        );
    }
    if parameters.receiver.is_none() {
        let expressions = [
            (&attributes.manager, "manager"),
            (&attributes.key, "key"),
            (&attributes.attachments, "attachments"),
            (&attributes.preview, "preview"),
        ];
        for (expression, key) in expressions {
            if let Some(span) =
                expression.as_ref().and_then(|expression| self_in(&expression.to_token_stream()))
            {
                errors.at(span, format!("`{key}` uses `self`, but this function has none: use a parameter"));
            }
        }
    }
    let Some(analysed) = analysed else { return };
    if let (Some(span), Shape::Sync) = (attributes.cancel_on_drop, &analysed.shape) {
        errors.at(span, "a function that is not `async` has no future to drop: leave out `cancel_on_drop`");
    }
    returned(attributes, function, analysed, errors);
}

fn returned(attributes: &Attributes, function: &Function, analysed: &Analysed, errors: &mut Errors) {
    if !attributes.is_given("refuse_with") {
        if matches!(function.sig.output, ReturnType::Default) {
            errors.at(
                function.sig.ident.span(),
                "this function returns nothing, so it cannot tell of a refusal: return `Result<(), E>` where `E: From<ApprovalError>`, or name a function with `refuse_with = path`",
            );
        } else if returns::is_opaque(&analysed.output) {
            errors.over(
                &analysed.output,
                "nothing tells how this type says no: return `Result<impl …, E>`, or name a function with `refuse_with = path`",
            );
        }
    }
    if attributes.replay.is_some()
        && let Some(opaque) = opaque_in(&analysed.output)
    {
        errors.push(syn::Error::new_spanned(
            opaque,
            "`replay` reads the recorded value back, so its type needs a name: write it out",
        ));
    }
}

fn is_guard(attr: &syn::Attribute) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == "guarded_action")
}

/// Where `self` stands in the tokens.
pub(crate) fn self_in(tokens: &TokenStream) -> Option<Span> {
    tokens.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == "self").then(|| ident.span()),
        TokenTree::Group(group) => self_in(&group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

fn opaque_in(ty: &Type) -> Option<TokenStream> {
    struct Find(Option<TokenStream>);
    impl<'ast> Visit<'ast> for Find {
        fn visit_type_impl_trait(&mut self, opaque: &'ast TypeImplTrait) {
            self.0.get_or_insert_with(|| opaque.to_token_stream());
            visit::visit_type_impl_trait(self, opaque);
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}
