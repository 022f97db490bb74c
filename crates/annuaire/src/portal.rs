//! The pages of registration in a server, and its interface for software: who is logged in, and what a demonstration adds.

use crate::civil::CivilLogins;
use crate::demo_clock::DemoClock;
use crate::demo_people;
use crate::identity::Identity;
use crate::registration::RegistrationService;
use crate::registry::random_bytes;
use annuaire_hr::HrSettings;
use annuaire_identity::{SIGN_IN, tell_who};
use annuaire_portal::{AdvancingClock, CONTACT_LAW, DemoAccount, PortalDemo, PortalSettings};
use annuaire_registry::{Registration, SystemActor};
use annuaire_web::Gate;
use annuaire_workflow::day::paris_day;
use axum::Router;
use axum::middleware::from_fn_with_state;
use std::sync::Arc;

/// Where a session of a professional means ends.
const SIGN_OUT: &str = "/auth/deconnexion";

/// The clock of a demonstration: whoever moves it on sees at once what is due.
struct WatchedClock {
    clock: Arc<DemoClock>,
    registration: Arc<Registration>,
    system: Arc<SystemActor>,
}

impl AdvancingClock for WatchedClock {
    fn advance(&self, days: u32) {
        self.clock.advance(days);
        let (registration, system) = (Arc::clone(&self.registration), Arc::clone(&self.system));
        tokio::spawn(async move {
            if let Err(error) = registration.run_due(&system).await {
                annuaire_web::record_internal_error("", "portal.clock", &annuaire_web::cause_chain(&error));
            }
        });
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

/// The pages of registration.
pub(crate) fn portal_router(
    identity: &Identity,
    registration: &RegistrationService,
    gate: Arc<Gate>,
    secret: [u8; 32],
    style: String,
) -> Router {
    let civil: Option<Arc<CivilLogins>> = identity.civil.clone();
    let clock = registration.clock.clone();
    let demo = clock.clone().map(|clock| PortalDemo {
        clock: Arc::new(WatchedClock {
            clock,
            registration: Arc::clone(&registration.registration),
            system: Arc::clone(&registration.system),
        }),
        accounts: demo_people::accounts().into_iter().map(|(number, name, may)| DemoAccount { number, name, may }).collect(),
    });
    let settings = PortalSettings {
        registration: Arc::clone(&registration.registration),
        gate,
        secret,
        entropy: Arc::new(random_bytes),
        now_ms: match clock {
            Some(clock) => Arc::new(move || clock.now_ms()),
            None => Arc::new(crate::clock::now_ms),
        },
        style,
        public_base: identity.provider.addresses().login_host.clone(),
        sign_in: SIGN_IN.to_owned(),
        sign_out: SIGN_OUT.to_owned(),
        has_civil_logins: civil.is_some(),
        contact_law: CONTACT_LAW.to_owned(),
        is_fictional: demo.is_some(),
        demo,
    };
    let router = annuaire_portal::router(settings);
    let router = match &civil {
        Some(civil) => civil.told_to(router),
        None => router,
    };
    router.layer(from_fn_with_state(Arc::clone(&identity.provider), tell_who))
}

/// The interface of registration for software of employers, which needs no login of a person.
pub(crate) fn hr_router(identity: &Identity, registration: &RegistrationService, gate: Arc<Gate>) -> Router {
    let clock = registration.clock.clone();
    let now_ms = move || clock.as_ref().map_or_else(crate::clock::now_ms, |clock| clock.now_ms());
    annuaire_hr::router(HrSettings {
        registration: Arc::clone(&registration.registration),
        gate,
        public_base: identity.provider.addresses().login_host.clone(),
        today: Arc::new(move || paris_day(now_ms()).to_string()),
    })
}
