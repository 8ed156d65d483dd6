//! The parameters: which names the body can read, and which one takes the grant.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, FnArg, Meta, Pat, PatIdent, Signature, Type};

use crate::error::Errors;

/// A name that a parameter's pattern gives to the body.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    pub(crate) mutable: bool,
}

/// One parameter that the caller passes.
pub(crate) struct Parameter {
    pub(crate) bindings: Vec<Binding>,
    /// `cfg` and `cfg_attr` on the parameter; whatever names it must carry them too.
    pub(crate) cfg: Vec<Attribute>,
    /// Whether its type is written as a reference, and then whether as a mutable one.
    pub(crate) reference: Option<bool>,
    /// Whether the pattern is one name, so that the name has the parameter's type.
    pub(crate) is_plain: bool,
    /// The pattern is `_`: the body cannot read it.
    pub(crate) is_wild: bool,
}

/// The parameter that the guard fills in.
pub(crate) struct Grant {
    pub(crate) binding: Binding,
    pub(crate) ty: Type,
}

/// All parameters of a function.
pub(crate) struct Parameters {
    /// Where `self` is, if there is one.
    pub(crate) receiver: Option<Span>,
    pub(crate) arguments: Vec<Parameter>,
    pub(crate) grant: Option<Grant>,
}

impl Parameters {
    /// Reads the parameters, and takes the one marked `#[grant]` out of the signature.
    pub(crate) fn take_from(sig: &mut Signature, errors: &mut Errors) -> Self {
        let receiver = sig.receiver().map(|receiver| receiver.self_token.span());
        let mut parameters = Self { receiver, arguments: Vec::new(), grant: None };
        let mut kept = Punctuated::new();
        for mut pair in std::mem::take(&mut sig.inputs).into_pairs() {
            let FnArg::Typed(typed) = pair.value_mut() else {
                kept.extend([pair]);
                continue;
            };
            if let Some(marker) = take_grant_marker(&mut typed.attrs) {
                let Some(grant) = grant(&marker, &typed.attrs, &typed.pat, &typed.ty, errors) else {
                    continue;
                };
                if parameters.grant.is_some() {
                    errors.over(&marker, "one grant is given for one call: keep one `#[grant]` parameter");
                }
                parameters.grant = Some(grant);
                continue;
            }
            parameters.arguments.push(Parameter {
                bindings: bindings(&typed.pat, errors),
                cfg: typed.attrs.iter().filter(|attr| is_cfg(attr)).cloned().collect(),
                reference: match &*typed.ty {
                    Type::Reference(reference) => Some(reference.mutability.is_some()),
                    _ => None,
                },
                is_plain: matches!(&*typed.pat, Pat::Ident(PatIdent { by_ref: None, subpat: None, .. })),
                is_wild: matches!(&*typed.pat, Pat::Wild(_)),
            });
            kept.extend([pair]);
        }
        sig.inputs = kept;
        parameters
    }

    /// The argument and the binding called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<(&Parameter, &Binding)> {
        self.arguments.iter().find_map(|parameter| {
            let found = parameter.bindings.iter().find(|binding| binding.ident.unraw() == name);
            found.map(|binding| (parameter, binding))
        })
    }

    /// The names that can be used in the attribute.
    pub(crate) fn names(&self) -> Vec<String> {
        let bindings = self.arguments.iter().flat_map(|parameter| &parameter.bindings);
        bindings.map(|binding| binding.ident.unraw().to_string()).collect()
    }
}

/// The names that `pattern` binds, each once.
pub(crate) fn bindings(pattern: &Pat, errors: &mut Errors) -> Vec<Binding> {
    let mut collect = Collect { bindings: Vec::new(), errors };
    collect.visit_pat(pattern);
    collect.bindings
}

/// Takes `mut` away from the names in `pattern` that `is_rebound` picks; the guard binds them again.
pub(crate) fn strip_mut(pattern: &mut Pat, is_rebound: impl Fn(&Ident) -> bool) {
    struct Strip<F>(F);
    impl<F: Fn(&Ident) -> bool> VisitMut for Strip<F> {
        fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
            if pattern.by_ref.is_none() && (self.0)(&pattern.ident) {
                pattern.mutability = None;
            }
            visit_mut::visit_pat_ident_mut(self, pattern);
        }
    }
    Strip(is_rebound).visit_pat_mut(pattern);
}

struct Collect<'a> {
    bindings: Vec<Binding>,
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Collect<'_> {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        if !self.bindings.iter().any(|known| known.ident == pattern.ident) {
            let mutable = pattern.mutability.is_some() && pattern.by_ref.is_none();
            self.bindings.push(Binding { ident: pattern.ident.clone(), mutable });
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_pat(&mut self, pattern: &'ast Pat) {
        if matches!(pattern, Pat::Macro(_)) {
            self.errors.over(
                pattern,
                "a macro in a parameter's pattern hides the names that it binds: write the pattern out, or take the value under one name",
            );
            return;
        }
        visit::visit_pat(self, pattern);
    }

    fn visit_expr(&mut self, _: &'ast Expr) {}
}

fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}

/// Removes the marker, which no compiler knows.
fn take_grant_marker(attrs: &mut Vec<Attribute>) -> Option<Attribute> {
    let at = attrs.iter().position(|attr| attr.path().is_ident("grant"))?;
    Some(attrs.remove(at))
}

/// The grant, as far as it can be understood; what is wrong with it is reported.
fn grant(
    marker: &Attribute,
    attrs: &[Attribute],
    pattern: &Pat,
    ty: &Type,
    errors: &mut Errors,
) -> Option<Grant> {
    if !matches!(marker.meta, Meta::Path(_)) {
        errors.over(marker, "`#[grant]` takes no arguments: write it alone");
    }
    if let Some(cfg) = attrs.iter().find(|attr| is_cfg(attr)) {
        errors.over(
            cfg,
            "the grant is no part of the signature, so it cannot depend on a `cfg`: take the `cfg` away",
        );
    }
    let ty = match ty {
        Type::Reference(reference) => {
            let owned = reference.elem.to_token_stream().to_string().replace(' ', "");
            errors.over(reference, format!("the grant is handed over by value: write `{owned}`"));
            &reference.elem
        }
        owned => owned,
    };
    if let Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, mutability, .. }) = pattern {
        let binding = Binding { ident: ident.clone(), mutable: mutability.is_some() };
        return Some(Grant { binding, ty: ty.clone() });
    }
    errors.over(pattern, "the grant is bound to one name: write `#[grant] grant: Grant<Refund>`");
    None
}
