//! Passes: the right to call, as a type.

/// Who may call: the four kinds of callers that a route can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever reaches the server. No header is looked at.
    Anyone,
    /// The holder of an API key; whoever reaches the server when the service has no key.
    ApiClient,
    /// The holder of a credential of the restricted perimeter.
    RestrictedReader,
    /// The holder of a credential of the historised perimeter.
    HistoryReader,
}

/// What the gate verified of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// The request came from this machine without a proxy between.
    pub(crate) near: bool,
    /// It came with a key or a credential that is accepted.
    pub(crate) proven: bool,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Anyone {}
    impl Sealed for super::ApiClient {}
    impl Sealed for super::RestrictedReader {}
    impl Sealed for super::HistoryReader {}
}

/// The right to call, for one request. Only the [`Gate`](crate::Gate) gives one, so that a function whose argument is a pass
/// cannot be called for somebody who was not let in.
pub trait Pass: sealed::Sealed + Copy + Send + Sync + 'static {
    /// Who gets this pass.
    const WHO: Who;

    /// The pass of a caller that was let in.
    #[doc(hidden)]
    fn given(verified: Verified) -> Self;
}

/// The pass of whoever reaches the server.
#[derive(Clone, Copy, Debug)]
pub struct Anyone(());

/// The pass of the holder of an API key, or of anybody where the service has no key.
#[derive(Clone, Copy, Debug)]
pub struct ApiClient(Verified);

/// The pass of the holder of a credential of the restricted perimeter.
#[derive(Clone, Copy, Debug)]
pub struct RestrictedReader(());

/// The pass of the holder of a credential of the historised perimeter: fewer bodies have one, and each needs a reason (data-perimeters §2).
/// It is no [`RestrictedReader`], nor the other way round: nothing is inherited between perimeters.
#[derive(Clone, Copy, Debug)]
pub struct HistoryReader(());

/// The right to be told what concerns the operator alone.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

/// The right to have subscriptions, which belong to a key or a credential.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber(());

impl Pass for Anyone {
    const WHO: Who = Who::Anyone;

    fn given(_: Verified) -> Self {
        Self(())
    }
}

impl Pass for ApiClient {
    const WHO: Who = Who::ApiClient;

    fn given(verified: Verified) -> Self {
        Self(verified)
    }
}

impl Pass for RestrictedReader {
    const WHO: Who = Who::RestrictedReader;

    fn given(_: Verified) -> Self {
        Self(())
    }
}

impl Pass for HistoryReader {
    const WHO: Who = Who::HistoryReader;

    fn given(_: Verified) -> Self {
        Self(())
    }
}

impl ApiClient {
    /// The operator's right, for the holder of a verified key and for a caller on this machine without a proxy between.
    #[must_use]
    pub fn operator(self) -> Option<Operator> {
        (self.0.near || self.0.proven).then_some(Operator(()))
    }

    /// The right to have subscriptions, for the holder of a verified key: a service without keys does not know whose they are.
    #[must_use]
    pub fn subscriber(self) -> Option<Subscriber> {
        self.0.proven.then_some(Subscriber(()))
    }
}

impl RestrictedReader {
    /// The right to have subscriptions at the restricted door, whose callers are always known.
    #[must_use]
    pub fn subscriber(self) -> Subscriber {
        Subscriber(())
    }
}
