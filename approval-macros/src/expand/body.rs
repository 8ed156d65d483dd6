//! The statements around the body, for each kind of function.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::Guard;
use crate::function::Block;
use crate::function::returns;
use crate::function::shape::Shape;

impl Guard {
    /// What stands between the braces of the guarded function.
    pub(super) fn body(&self, block: &Block) -> TokenStream {
        match &self.analysed.shape {
            Shape::Async | Shape::Sync => self.guarded(&block.tokens, block),
            Shape::Boxed(boxed) => boxed.around(&self.guarded(&boxed.rest, block)),
        }
    }

    /// The guard, then `statements`.
    fn guarded(&self, statements: &TokenStream, block: &Block) -> TokenStream {
        let m = &self.root;
        let definition = self.definition();
        let refuse = self.refuse();
        let (inputs_with_self, prologue, inputs) = (self.inputs(true), self.prologue(), self.inputs(false));
        let (editors, offer_editors) = (self.editors(), self.offer_editors());
        let (bind_all, check_fields) = (self.bind_all(), self.check_fields());
        let with_key = self.attributes.key.as_ref().map(|_| quote_spanned!(Span::mixed_site()=> .key(key)));
        let with_attachments = self
            .attributes
            .attachments
            .as_ref()
            .map(|_| quote_spanned!(Span::mixed_site()=> .attachments(attachments)));
        let (authorize, begin) = (self.authorize(), self.begin());
        let (apply_edits, grant) = (self.apply_edits(), self.grant());
        let run = self.run(statements, block);
        quote_spanned!(Span::mixed_site()=>
            let spec = {
                static SPEC: #m::Spec = #m::Spec::new(#definition);
                &SPEC
            };
            #refuse
            #inputs_with_self
            #prologue
            #inputs
            #editors
            #[allow(clippy::used_underscore_binding)]
            let call = {
                #bind_all
                let arguments = #m::Arguments::of(spec, bound);
                #check_fields
                #offer_editors
                #m::Call::new(arguments, manager) #with_key #with_attachments
            };
            #authorize
            #apply_edits
            #begin
            #[allow(clippy::used_underscore_binding)]
            let arguments = {
                #bind_all
                #m::Arguments::of(spec, bound)
            };
            if let ::core::result::Result::Err(error) = running.recheck(arguments) {
                return refuse(error);
            }
            #grant
            #run
        )
    }

    /// `let refuse = …;`: how this function says no.
    fn refuse(&self) -> TokenStream {
        let m = &self.root;
        let output = returns::erase_impl_trait(&self.analysed.output);
        if let Some(path) = &self.attributes.refuse_with {
            return quote_spanned!(Span::mixed_site()=> let refuse: fn(#m::ApprovalError) -> #output = #path;);
        }
        let refused = quote_spanned!(Span::mixed_site().located_at(output.span())=>
            <#output as #m::Refusable>::refused
        );
        quote_spanned!(Span::mixed_site()=> let refuse = #refused;)
    }

    /// Asks and waits; back to the caller with whatever stands in the way.
    fn authorize(&self) -> TokenStream {
        let m = &self.root;
        let asked = match (self.preview(), self.analysed.is_async()) {
            (None, true) => quote_spanned!(Span::mixed_site()=> #m::authorize(call).await),
            (None, false) => quote_spanned!(Span::mixed_site()=> #m::authorize_blocking(call)),
            (Some(preview), true) => {
                quote_spanned!(Span::mixed_site()=> #m::authorize_previewed(call, #preview).await)
            }
            (Some(preview), false) => {
                quote_spanned!(Span::mixed_site()=> #m::authorize_previewed_blocking(call, #preview))
            }
        };
        let authorized = or_refuse(&asked);
        quote_spanned!(Span::mixed_site()=> let authorized = #authorized;)
    }

    /// Spends the grant for the caller's own arguments, or for those that approvers made of them; with `replay`, back to the
    /// caller with what was recorded before.
    fn begin(&self) -> TokenStream {
        let m = &self.root;
        let edited = if self.attributes.editable.is_some() {
            let bind_all = self.bind_all();
            quote_spanned!(Span::mixed_site()=>
                #[allow(clippy::used_underscore_binding)]
                let edited = if authorized.is_edited() {
                    #bind_all
                    ::core::option::Option::Some(#m::Arguments::of(spec, bound))
                } else {
                    ::core::option::Option::None
                };
            )
        } else {
            quote_spanned!(Span::mixed_site()=> let edited = ::core::option::Option::None;)
        };
        let place = Span::mixed_site().located_at(self.analysed.output.span());
        let begun = match (self.attributes.replay, self.analysed.is_async()) {
            (None, true) => quote_spanned!(Span::mixed_site()=> authorized.begin(edited).await),
            (None, false) => quote_spanned!(Span::mixed_site()=> authorized.begin_blocking(edited)),
            (Some(_), true) => quote_spanned!(place=> authorized.begin_or_replay(edited).await),
            (Some(_), false) => quote_spanned!(place=> authorized.begin_or_replay_blocking(edited)),
        };
        let begun = or_refuse(&begun);
        if self.attributes.replay.is_none() {
            return quote_spanned!(Span::mixed_site()=>
                #edited
                let mut running = #begun;
            );
        }
        quote_spanned!(Span::mixed_site()=>
            #edited
            let mut running = match #begun {
                #m::Begun::Running(running) => running,
                #m::Begun::Ran(returned) => return returned,
            };
        )
    }

    fn grant(&self) -> Option<TokenStream> {
        let grant = self.parameters.grant.as_ref()?;
        let (name, ty) = (&grant.binding.ident, &grant.ty);
        let mutability = grant.binding.mutable.then(|| syn::token::Mut(name.span()));
        let place = Span::mixed_site().located_at(ty.span());
        let m = self.root_at(place);
        let proof = or_refuse(&quote_spanned!(place=> <#ty as #m::Proof>::given(&running)));
        let action = self.attributes.name.as_ref().map_or("", |name| &name.value);
        let version = self.attributes.version.map_or(1, |version| version.value);
        let mismatch = format!(
            "this grant is of another action than `{action}` version {version}: correct NAME and VERSION of its `GuardedAction`, or use another type"
        );
        let check = quote_spanned!(place=>
            ::core::assert!(#m::names_action::<#ty>(#action, #version), "{}", #mismatch)
        );
        // An item is evaluated by `cargo check` already, but cannot name generic parameters.
        let check = if may_be_generic(ty, &self.generics) {
            quote_spanned!(place=> const { #check };)
        } else {
            quote_spanned!(place=> const _: () = #check;)
        };
        Some(quote_spanned!(Span::mixed_site()=>
            #check
            let #mutability #name: #ty = #proof;
        ))
    }

    /// Runs `statements`, records how they ended, and returns what they returned.
    fn run(&self, statements: &TokenStream, block: &Block) -> TokenStream {
        let m = &self.root;
        let output = returns::erase_impl_trait(&self.analysed.output);
        let mut body = TokenStream::new();
        block.brace.surround(&mut body, |tokens| tokens.extend(statements.clone()));
        let place = Span::mixed_site().located_at(output.span());
        let m_here = self.root_at(place);
        let outcome = quote_spanned!(place=> {
            use #m::{FromAny as _, FromDebug as _, FromDisplay as _, FromFuture as _, FromResult as _};
            (&&&&&#m::Returned(&returned)).outcome()
        });
        let outcome = match &self.attributes.failed_if {
            None => outcome,
            Some(path) => {
                let place = Span::mixed_site().located_at(path.span());
                quote_spanned!(place=> {
                    let look = {
                        use #m::{ResultOfAny as _, ResultOfOk as _};
                        (&&#m::Returned(&returned)).result().map(#path)
                    };
                    #m::failed_if(#outcome, look)
                })
            }
        };
        let recorded = self
            .attributes
            .replay
            .map(|_| quote_spanned!(place=> running.record(#m_here::Replay::recorded(&returned));));
        if self.analysed.is_async() {
            quote_spanned!(Span::mixed_site()=>
                let body = async move {
                    // Tells inference what `return` and `?` in the body return.
                    if let ::core::option::Option::Some(returned) = ::core::option::Option::None::<#output> {
                        return returned;
                    }
                    #[allow(clippy::diverging_sub_expression, clippy::let_unit_value)]
                    let returned: #output = #body;
                    #[allow(unreachable_code)]
                    returned
                };
                #[allow(clippy::let_unit_value)]
                let returned: #output = running.run(::core::pin::pin!(body)).await;
                #recorded
                running.finish(#outcome).await;
                returned
            )
        } else {
            quote_spanned!(Span::mixed_site()=>
                #[allow(clippy::let_unit_value)]
                let returned: #output = running.run_blocking(move || -> #output #body);
                #recorded
                running.finish_blocking(#outcome);
                returned
            )
        }
    }
}

/// Whether `ty` may depend on a generic parameter: one of the function, `Self`, or a name in the style of those of an `impl`.
fn may_be_generic(ty: &Type, generics: &TokenStream) -> bool {
    let names = |tokens: TokenStream| idents(tokens).collect::<Vec<_>>();
    let parameters = names(generics.clone());
    names(ty.to_token_stream()).iter().any(|name| {
        name == "Self"
            || parameters.contains(name)
            || name
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
    })
}

/// Every identifier in `tokens`, at any depth.
fn idents(tokens: TokenStream) -> Box<dyn Iterator<Item = String>> {
    Box::new(tokens.into_iter().flat_map(|token| match token {
        TokenTree::Ident(ident) => Box::new(std::iter::once(ident.to_string())),
        TokenTree::Group(group) => idents(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => Box::new(std::iter::empty()),
    }))
}

/// The value of `result`; its error goes back to the caller.
fn or_refuse(result: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=>
        match #result {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(error) => return refuse(error),
        }
    )
}
