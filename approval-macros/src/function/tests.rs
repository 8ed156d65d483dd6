use quote::quote;
use syn::parse_quote;

use super::boxed::Prologue;
use super::parameter::Parameters;
use super::shape::{Analysed, Shape};
use super::*;
use crate::error::Errors;

fn function(tokens: TokenStream) -> Function {
    syn::parse2(tokens).unwrap()
}

fn analyse(tokens: TokenStream) -> Result<Analysed, Vec<String>> {
    let mut errors = Errors::default();
    Analysed::of(&function(tokens), &mut errors).ok_or_else(|| errors.messages())
}

fn shape_error(tokens: TokenStream) -> String {
    let mut messages = analyse(tokens).err().unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

fn parameters(tokens: TokenStream) -> (Function, Parameters, Vec<String>) {
    let mut function = function(tokens);
    let mut errors = Errors::default();
    let parameters = Parameters::take_from(&mut function.sig, &mut errors);
    (function, parameters, errors.messages())
}

#[test]
fn the_body_stays_as_it_was_even_if_it_is_no_rust() {
    let tokens = quote! {
        /// Pays.
        pub(crate) async fn pay<T, const N: usize>(&self, mut a: u8) -> Result<(), E> where T: Send {
            #![allow(x)] let a = self. ; match
        }
    };
    let parsed = function(tokens.clone());
    assert_eq!(parsed.to_token_stream().to_string(), tokens.to_string());
    let Body::Block(block) = &parsed.body else { unreachable!() };
    assert_eq!(block.inner_attrs.len(), 1);
}

#[test]
fn other_items_are_told_where_the_attribute_goes() {
    for (tokens, part) in [
        (quote!(impl A { fn f() {} }), "each method in this `impl`"),
        (
            quote!(
                trait A {
                    fn f() {}
                }
            ),
            "methods of the implementations",
        ),
        (
            quote!(
                pub struct A;
            ),
            "goes on a function",
        ),
        (
            quote!(
                const A: u8 = 1;
            ),
            "goes on a function",
        ),
        (
            quote!(
                fn f() {}
                fn g() {}
            ),
            "unexpected token after the function",
        ),
    ] {
        let error = syn::parse2::<Function>(tokens).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn kinds_that_cannot_be_guarded_say_what_to_do() {
    for (tokens, part) in [
        (
            quote!(
                const fn f() -> R {}
            ),
            "`const fn` cannot wait",
        ),
        (
            quote!(
                extern "C" fn f() -> R {}
            ),
            "an `extern` function",
        ),
        (
            quote!(
                unsafe fn f() -> R {}
            ),
            "an `unsafe fn`",
        ),
        (
            quote!(
                fn f(&self) -> R;
            ),
            "no body to guard",
        ),
        (
            quote!(
                fn f() -> impl Future<Output = R> {
                    async {}
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                fn f() -> Pin<Box<dyn Future<Output = R>>> {
                    a();
                    Box::pin(async move {})
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                fn f() -> Pin<Box<dyn Future<Output = R>>> {
                    Box::pin(async {})
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                fn f() -> Pin<Box<dyn Future<Output = R>>> {
                    Box::pin(inner())
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                fn f() -> Pin<Box<dyn Future<Output = R>>> {
                    my::Box::pin(async move {})
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                fn f() -> BoxFuture<'static, R> {
                    Box::pin(async move {})
                }
            ),
            "write `async fn`",
        ),
        (
            quote!(
                async fn f() -> Result<impl Future<Output = u8>, E> {}
            ),
            "await it inside",
        ),
    ] {
        let message = shape_error(tokens.clone());
        assert!(message.contains(part), "{tokens}: {message}");
    }
}

#[test]
fn several_obstacles_are_reported_together() {
    let messages = analyse(quote!(
        const unsafe extern "C" fn f() -> R {}
    ))
    .err()
    .unwrap();
    assert_eq!(messages.len(), 3, "{messages:?}");
}

#[test]
fn a_callback_that_makes_futures_is_a_plain_value() {
    assert!(
        analyse(quote!(
            fn f() -> Result<Box<dyn Fn() -> BoxFuture<'static, u8>>, E> {}
        ))
        .is_ok()
    );
    assert!(
        analyse(quote!(
            fn f() -> Result<my::Future, E> {}
        ))
        .is_ok()
    );
}

#[test]
fn async_trait_and_tool_bodies_are_recognised() {
    let output: syn::Type = parse_quote!(Result<u8, E>);
    for body in [
        quote!(Box::pin(async move { user() })),
        quote!(::std::boxed::Box::pin(async move { user() })),
        quote!(std::boxed::Box::pin(async move { user() },)),
    ] {
        let analysed = analyse(quote! {
            fn f<'a>(&'a self) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<u8, E>> + Send + 'a>> { #body }
        })
        .unwrap();
        assert_eq!(analysed.output.to_token_stream().to_string(), output.to_token_stream().to_string());
        let Shape::Boxed(boxed) = analysed.shape else { panic!("{body} is the boxed shape") };
        assert_eq!(boxed.rest.to_string(), "user ()");
    }
}

#[test]
fn the_prologue_ends_where_user_code_begins() {
    let body = quote! {
        Box::pin(async move {
            if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<R> {
                #[allow(unreachable_code)]
                return __ret;
            }
            let __self = self;
            #[cfg(x)]
            let mut a = a;
            let (b, c) = { let __arg2 = __arg2; __arg2 };
            let __ret: R = { let d = effect(); d };
            __ret
        })
    };
    let boxed = boxed::recognise(&body).unwrap();
    let kinds: Vec<&str> = boxed
        .prologue
        .iter()
        .map(|statement| match statement {
            Prologue::Seed(_) => "seed",
            Prologue::Rename { mutable: true, .. } => "rename mut",
            Prologue::Rename { .. } => "rename",
            Prologue::Destructure { .. } => "destructure",
        })
        .collect();
    assert_eq!(kinds, ["seed", "rename", "rename mut", "destructure"]);
    assert!(boxed.rest.to_string().starts_with("let __ret : R"));
}

#[test]
fn a_condition_with_an_effect_is_user_code() {
    for body in [
        quote!(Box::pin(async move {
            if let Some(__ret) = effect() {
                return __ret;
            }
        })),
        quote!(Box::pin(async move {
            let a = effect();
        })),
        quote!(Box::pin(async move {
            let a = {
                let b = effect();
                b
            };
        })),
        quote!(Box::pin(async move {
            let a = b else { return };
        })),
    ] {
        assert!(boxed::recognise(&body).unwrap().prologue.is_empty(), "{body}");
    }
}

#[test]
fn every_name_of_a_pattern_is_bound_once() {
    let (_, parameters, errors) = parameters(quote! {
        fn f(
            &mut self, a: u8, mut b: &str, (c, [d, ..]): T, S { e, x: ref f, .. }: S, g @ Some(_): O,
            (Ok(h) | Err(h)): R, &i: &u8, _: u8, #[cfg(x)] j: u8, &mut (ref mut k, _): &mut T,
        ) -> R {}
    });
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(parameters.names(), ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]);
    assert!(parameters.receiver.is_some());
    let (parameter, binding) = parameters.find("b").unwrap();
    assert!(binding.mutable && parameter.reference == Some(false));
    assert_eq!(parameters.find("j").unwrap().0.cfg.len(), 1);
    assert_eq!(parameters.arguments.iter().filter(|parameter| parameter.is_wild).count(), 1);
}

#[test]
fn the_grant_leaves_the_signature() {
    let (function, parameters, errors) = parameters(quote!(
        async fn f(a: u8, #[grant] mut proof: Grant<Refund>, b: u8) -> R {}
    ));
    assert!(errors.is_empty(), "{errors:?}");
    let grant = parameters.grant.unwrap();
    assert!(grant.binding.ident == "proof" && grant.binding.mutable);
    assert_eq!(function.sig.to_token_stream().to_string(), quote!(async fn f(a: u8, b: u8) -> R).to_string());
}

#[test]
fn a_grant_that_cannot_be_filled_in_is_refused() {
    for (tokens, part) in [
        (
            quote!(
                fn f(#[grant] (a, b): G) {}
            ),
            "bound to one name",
        ),
        (
            quote!(
                fn f(#[grant] a: &Grant<R>) {}
            ),
            "by value: write `Grant<R>`",
        ),
        (
            quote!(
                fn f(#[grant(x)] a: Grant<R>) {}
            ),
            "takes no arguments",
        ),
        (
            quote!(
                fn f(#[grant] a: Grant<R>, #[grant] b: Grant<R>) {}
            ),
            "keep one",
        ),
        (
            quote!(
                fn f(
                    #[cfg(x)]
                    #[grant]
                    a: Grant<R>,
                ) {
                }
            ),
            "cannot depend on a `cfg`",
        ),
        (
            quote!(
                fn f(m!(a): u8) {}
            ),
            "hides the names",
        ),
    ] {
        let (.., errors) = parameters(tokens.clone());
        assert!(errors.len() == 1 && errors[0].contains(part), "{tokens}: {errors:?}");
    }
}

#[test]
fn impl_trait_is_taken_out_of_the_return_type() {
    let ty: syn::Type = parse_quote!(Result<(impl Display, Vec<impl Iterator<Item = impl Copy>>), E>);
    let erased = returns::erase_impl_trait(&ty).to_token_stream().to_string();
    assert_eq!(erased, quote!(Result<(_, Vec<_>), E>).to_string());
}
