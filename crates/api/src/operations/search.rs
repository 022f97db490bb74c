//! `GET [base]/{type}?…` and `POST [base]/{type}/_search`: a search.

use annuaire_web::ErrorCode;
use axum::http::Method;

use super::bundle_answer::{BundleSource, bundle_answer, with_lowered_count};
use crate::answer::Answer;
use crate::as_of::{AskedState, stamped};
use crate::basis::TypeSet;
use crate::bundle::{BundleFrame, searchset};
use crate::call::Call;
use crate::cursor::PageSeal;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::format::is_form;
use crate::query::{Handling, compile, first_criterion};

/// A search whose parameters are in the address.
pub(crate) fn search<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [ty]: [&str; 1]) -> Result<Answer, ApiError> {
    let raw = call.query().to_owned();
    search_for(pass, call, ty, &raw)
}

/// A search whose parameters are in a form posted to the address of a type, or to a word of ours, which is then the name of a type
/// that does not exist. A body that is no form would be the creation of a resource.
pub(crate) fn search_by_posted_form<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [ty]: [&str; 1],
) -> Result<Answer, ApiError> {
    if !is_form(&call.parts.headers) {
        return Err(ApiError::read_only());
    }
    let raw = parameters_of_form(call)?;
    search_for(pass, call, ty, &raw)
}

/// A search whose parameters are in a form posted to `_search`.
pub(crate) fn search_by_form<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [ty]: [&str; 1]) -> Result<Answer, ApiError> {
    if !is_form(&call.parts.headers) {
        return Err(ApiError::new(ErrorCode::BodyNotAForm, "The body must be application/x-www-form-urlencoded."));
    }
    let raw = parameters_of_form(call)?;
    search_for(pass, call, ty, &raw)
}

/// The parameters of address and form: R4 allows them on both sides.
fn parameters_of_form<P: FhirDoor>(call: &Call<'_, P>) -> Result<String, ApiError> {
    let form = call.form.unwrap_or_default();
    let form = std::str::from_utf8(form).map_err(|_| ApiError::value("The body is not UTF-8."))?;
    Ok(match call.query() {
        "" => form.to_owned(),
        query => format!("{query}&{form}"),
    })
}

fn search_for<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, ty: &str, raw: &str) -> Result<Answer, ApiError> {
    call.subject.route = "search";
    let Some((ty, number)) = P::TYPES.find(ty) else {
        let error = ApiError::type_not_published(ErrorCode::TypeNotSearched, P::TYPES, ty);
        return Err(match first_criterion(raw)? {
            None => error,
            Some(name) => ApiError::unknown(&name, ty, []).hint(format!("{} {}", error.hint, error.text).trim()),
        });
    };
    call.subject.ty = ty;
    let AskedState { index, snap, memento } = call.state(pass, raw)?;
    let base = call.base();
    let search = compile(&snap, &base, ty, raw, Handling::of_request(&call.parts.headers))?;
    call.depends_on_state(&snap, memento, TypeSet::of_search(number, &search))?;
    let mut self_url = format!("{base}{}", call.path());
    if let Some(shown) = call.parts.uri.query().filter(|_| call.parts.method != Method::POST) {
        self_url.push('?');
        match search.page_size.lowered {
            true => self_url.push_str(&with_lowered_count(shown)),
            false => self_url.push_str(shown),
        }
    }
    let scope = format!("{}{ty}", P::SCOPE);
    let seal = PageSeal::new(&call.service.cipher, &index)?;
    let frame = BundleFrame { base, seal, self_url, scope, query: raw.to_owned(), from: None };
    let source = BundleSource { parts: call.parts, index: &index, snap: &snap, subject: call.subject };
    let answer = bundle_answer(source, frame, |frame| searchset(&snap, number, search, frame))?;
    Ok(stamped(answer, memento, P::TYPES, || call.original()))
}
