//! Taking the arguments down by reference, and putting edited ones in their place.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::Attribute;
use syn::ext::IdentExt;

use super::Guard;
use crate::attr::path::FieldPath;
use crate::function::parameter::{Binding, Parameter};

impl Guard {
    /// Statements that link every bound parameter into `bound`.
    pub(super) fn bind_all(&self) -> TokenStream {
        let skipped = |binding: &Binding| {
            let skip = self.attributes.skip.iter().flatten();
            skip.filter(|path| path.members.is_empty()).any(|path| path.root.unraw() == binding.ident.unraw())
        };
        let m = &self.root;
        let each = self.parameters.arguments.iter().flat_map(
            |Parameter { bindings, cfg, reference, is_plain, .. }| {
                bindings.iter().filter(|binding| !skipped(binding)).map(move |binding| {
                    let ident = &binding.ident;
                    let name = ident.unraw().to_string();
                    let place = Span::mixed_site().located_at(ident.span());
                    let m = self.root_at(place);
                    // Errors about a borrowed parameter name the type behind the reference.
                    let value = if *is_plain && reference.is_some() {
                        quote_spanned!(place=> &*#ident)
                    } else {
                        quote_spanned!(place=> &#ident)
                    };
                    quote_spanned!(place=>
                        #(#cfg)*
                        let bound = #m::bind(bound, #name, #value);
                    )
                })
            },
        );
        let each: TokenStream = each.collect();
        quote_spanned!(Span::mixed_site()=>
            let bound = #m::Bound::new();
            #each
        )
    }

    /// Statements that look for each field that the attribute names, so that none is missed under another name.
    pub(super) fn check_fields(&self) -> TokenStream {
        let attributes = &self.attributes;
        let named = [&attributes.editable, &attributes.redact, &attributes.skip];
        let placeholders = attributes.description.iter().flat_map(|text| &text.placeholders);
        let placeholders = placeholders.chain(attributes.cost.iter().flat_map(|cost| &cost.placeholders));
        let mut seen: Vec<String> = Vec::new();
        let mut tokens = TokenStream::new();
        for path in named.into_iter().flatten().flatten().chain(placeholders) {
            let text = path.canonical();
            if path.members.is_empty() || seen.contains(&text) {
                continue;
            }
            let (cfg, value) = (self.cfg(path), reference(path));
            tokens.extend(
                quote_spanned!(Span::mixed_site()=> #(#cfg)* let arguments = arguments.field(#text, #value);),
            );
            seen.push(text);
        }
        tokens
    }

    /// `let editor0 = …;` for each editable path.
    pub(super) fn editors(&self) -> TokenStream {
        let m = &self.root;
        let each = self.editable().map(|(editor, path)| {
            let (cfg, text, value) = (self.cfg(path), path.canonical(), reference(path));
            quote_spanned!(Span::mixed_site()=> #(#cfg)* let #editor = #m::editor(#text, #value);)
        });
        each.collect()
    }

    /// Tells the request what may be edited.
    pub(super) fn offer_editors(&self) -> TokenStream {
        let each = self.editable().map(|(editor, path)| {
            let cfg = self.cfg(path);
            quote_spanned!(Span::mixed_site()=> #(#cfg)* let arguments = arguments.editable(&#editor);)
        });
        each.collect()
    }

    /// Binds every editable parameter again, with what people made of it.
    pub(super) fn apply_edits(&self) -> TokenStream {
        let mut roots: Vec<&Ident> = Vec::new();
        for (_, path) in self.editable() {
            if !roots.contains(&&path.root) {
                roots.push(&path.root);
            }
        }
        roots.into_iter().map(|root| self.rebind(root)).collect()
    }

    fn rebind(&self, root: &Ident) -> TokenStream {
        let paths: Vec<(Ident, &FieldPath)> =
            self.editable().filter(|(_, path)| path.root == *root).collect();
        let mutable = self.parameters.find(&root.unraw().to_string()).is_some_and(|(_, found)| found.mutable);
        let mutability = mutable.then(|| syn::token::Mut(Span::mixed_site()));
        let whole = paths.iter().all(|(_, path)| path.members.is_empty());
        let assignments = paths.iter().map(|(editor, path)| {
            let mut target = quote_spanned!(Span::mixed_site()=> value);
            for member in &path.members {
                target.extend(quote_spanned!(Span::mixed_site()=> .#member));
            }
            quote_spanned!(Span::mixed_site()=>
                match authorized.edited(&#editor) {
                    ::core::result::Result::Ok(::core::option::Option::Some(edited)) => #target = edited,
                    ::core::result::Result::Ok(::core::option::Option::None) => {}
                    ::core::result::Result::Err(error) => return refuse(error),
                }
            )
        });
        let cfg = paths.first().map(|(_, path)| self.cfg(path)).unwrap_or_default();
        if let ([(editor, _)], true) = (paths.as_slice(), whole) {
            return quote_spanned!(Span::mixed_site()=>
                #(#cfg)*
                let #mutability #root = match authorized.edited(&#editor) {
                    ::core::result::Result::Ok(::core::option::Option::Some(edited)) => edited,
                    ::core::result::Result::Ok(::core::option::Option::None) => #root,
                    ::core::result::Result::Err(error) => return refuse(error),
                };
            );
        }
        quote_spanned!(Span::mixed_site()=>
            #(#cfg)*
            let #mutability #root = {
                let mut value = #root;
                #(#assignments)*
                value
            };
        )
    }

    /// The editable paths, each with the name of its editor.
    fn editable(&self) -> impl Iterator<Item = (Ident, &FieldPath)> {
        let paths = self.attributes.editable.iter().flatten().enumerate();
        paths.map(|(index, path)| (format_ident!("editor{index}", span = Span::mixed_site()), path))
    }

    fn cfg(&self, path: &FieldPath) -> &[Attribute] {
        self.parameters.find(&path.root_name()).map_or(&[], |(parameter, _)| &parameter.cfg)
    }
}

fn reference(path: &FieldPath) -> TokenStream {
    let expression = path.expression();
    quote_spanned!(Span::mixed_site().located_at(path.span)=> &#expression)
}
