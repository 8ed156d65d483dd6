//! The statements around the body, for each kind of function.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
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
        let authorized = self.authorized();
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
                let arguments = #m::Arguments::of(spec, &bound);
                #check_fields
                #offer_editors
                #m::Call::new(arguments, manager) #with_key
            };
            let mut execution = #authorized;
            #apply_edits
            #[allow(clippy::used_underscore_binding)]
            let arguments = {
                #bind_all
                #m::Arguments::of(spec, &bound)
            };
            if let ::core::result::Result::Err(error) = execution.recheck(arguments) {
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

    /// Asks and waits; the execution that may begin, or back to the caller.
    fn authorized(&self) -> TokenStream {
        let m = &self.root;
        let asked = if self.analysed.is_async() {
            quote_spanned!(Span::mixed_site()=> #m::authorize(call).await)
        } else {
            quote_spanned!(Span::mixed_site()=> #m::authorize_blocking(call))
        };
        let refused = if self.attributes.replay.is_some() {
            quote_spanned!(Span::mixed_site()=>
                match #m::replayed(error) {
                    ::core::result::Result::Ok(returned) => return returned,
                    ::core::result::Result::Err(error) => return refuse(error),
                }
            )
        } else {
            quote_spanned!(Span::mixed_site()=> return refuse(error))
        };
        quote_spanned!(Span::mixed_site()=>
            match #asked {
                ::core::result::Result::Ok(execution) => execution,
                ::core::result::Result::Err(error) => #refused,
            }
        )
    }

    fn grant(&self) -> Option<TokenStream> {
        let grant = self.parameters.grant.as_ref()?;
        let (name, ty) = (&grant.binding.ident, &grant.ty);
        let mutability = grant.binding.mutable.then(|| syn::token::Mut(name.span()));
        Some(quote_spanned!(Span::mixed_site()=> let #mutability #name: #ty = execution.grant();))
    }

    /// Runs `statements`, records how they ended, and returns what they returned.
    fn run(&self, statements: &TokenStream, block: &Block) -> TokenStream {
        let m = &self.root;
        let output = returns::erase_impl_trait(&self.analysed.output);
        let mut body = TokenStream::new();
        block.brace.surround(&mut body, |tokens| tokens.extend(statements.clone()));
        let outcome = quote_spanned!(Span::mixed_site()=> {
            use #m::{FromAny as _, FromDebug as _, FromDisplay as _, FromFuture as _, FromResult as _};
            (&&&&&#m::Returned(&returned)).outcome()
        });
        let recorded = self
            .attributes
            .replay
            .map(|_| quote_spanned!(Span::mixed_site()=> execution.record(#m::Replay::recorded(&returned));));
        if self.analysed.is_async() {
            quote_spanned!(Span::mixed_site()=>
                #[allow(clippy::let_unit_value)]
                let returned: #output = execution.run(async move {
                    // Tells inference what `return` and `?` in the body return.
                    if let ::core::option::Option::Some(returned) = ::core::option::Option::None::<#output> {
                        return returned;
                    }
                    #[allow(clippy::diverging_sub_expression, clippy::let_unit_value)]
                    let returned: #output = #body;
                    #[allow(unreachable_code)]
                    returned
                }).await;
                #recorded
                execution.finish(#outcome).await;
                returned
            )
        } else {
            quote_spanned!(Span::mixed_site()=>
                #[allow(clippy::let_unit_value)]
                let returned: #output = execution.run_blocking(move || -> #output #body);
                #recorded
                execution.finish_blocking(#outcome);
                returned
            )
        }
    }
}
