//! The return type: futures in it, and `impl Trait` taken out of it.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    AssocType, GenericArgument, Ident, ParenthesizedGenericArguments, Path, PathArguments, PathSegment,
    ReturnType, Token, TraitBound, Type, TypeFnPtr, TypeInfer, TypeParamBound, TypePath, parse_quote,
};

/// The type that is returned, `()` where none is written.
pub(crate) fn written(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// The type with every `impl Trait` replaced by `_`, fit for a `let`.
pub(crate) fn erase_impl_trait(ty: &Type) -> Type {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                let underscore_token = Token![_](opaque.impl_token.span());
                *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token });
                return;
            }
            visit_mut::visit_type_mut(self, ty);
        }
    }
    let mut erased = ty.clone();
    Erase.visit_type_mut(&mut erased);
    erased
}

/// Whether nothing is known about the type but a trait: `-> impl IntoResponse`.
pub(crate) fn is_opaque(ty: &Type) -> bool {
    matches!(ty, Type::ImplTrait(_))
}

/// The future that the type names: `Future` of `impl Future` or `dyn Future`, `BoxFuture`.
pub(crate) fn future_in(ty: &Type) -> Option<Path> {
    struct Find(Option<Path>);
    impl<'ast> Visit<'ast> for Find {
        fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
            let is_future = |segment: &PathSegment| {
                ["Future", "IntoFuture", "TryFuture"].iter().any(|name| segment.ident == name)
            };
            if bound.path.segments.last().is_some_and(is_future) {
                self.0.get_or_insert_with(|| bound.path.clone());
            }
            visit::visit_trait_bound(self, bound);
        }

        fn visit_type_path(&mut self, path: &'ast TypePath) {
            let is_alias =
                |segment: &PathSegment| segment.ident == "BoxFuture" || segment.ident == "LocalBoxFuture";
            if path.path.segments.last().is_some_and(is_alias) {
                self.0.get_or_insert_with(|| path.path.clone());
            }
            visit::visit_type_path(self, path);
        }

        // What a returned callback will return is nothing that this function returns.
        fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

        fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

/// `T` of `Pin<Box<dyn Future<Output = T> + …>>`.
pub(crate) fn boxed_output(ty: &Type) -> Option<Type> {
    let Type::TraitObject(object) = argument(argument(ty, "Pin")?, "Box")? else { return None };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let future = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
        let PathArguments::AngleBracketed(arguments) = &future.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Output" => Some(ty.clone()),
            _ => None,
        })
    })
}

/// `T` of `Wrapper<T>`, whatever path leads to the wrapper.
fn argument<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|segment| is(&segment.ident, wrapper))?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

fn is(ident: &Ident, name: &str) -> bool {
    ident == name
}
