//! Logins of people without a professional means: FranceConnect as the configuration names it, or its stand-in in a demonstration.

use crate::clock::now_ms;
use crate::config::IdentitySection;
use crate::registry::{random_bytes, runtime};
use annuaire_ecps::SignedIn;
use annuaire_identity::{SIGN_IN, tell_who};
use annuaire_relying::{
    CivilDoor, CivilDoorSettings, ClientProof, HttpCaller, ProfessionalSessionOpen, ProviderCaller, RelyingSettings,
    STAND_IN_ROOT, ServiceEnvironment, StandIn, StandInClient, StandInSettings, civil_router, fictional_citizens,
    stand_in_router, tell_civil,
};
use annuaire_store::Registry;
use annuaire_web::Gate;
use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use std::fs;
use std::sync::Arc;

/// Client of the stand-in.
pub(crate) const STAND_IN_CLIENT: &str = "portail";

/// The pages of these logins.
pub(crate) struct CivilLogins {
    door: Arc<CivilDoor>,
    stand_in: Option<Arc<StandIn>>,
}

/// What they are made of.
pub(crate) struct CivilParts<'a> {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) section: &'a IdentitySection,
    /// Scheme and host where people log in.
    pub(crate) base: &'a str,
    pub(crate) secret: [u8; 32],
    pub(crate) gate: Arc<Gate>,
    pub(crate) style: String,
    /// Whether the stand-in takes the place of the real provider.
    pub(crate) is_fictional: bool,
}

impl CivilLogins {
    /// The logins that a configuration asks for; `None` when it names no FranceConnect.
    pub(crate) fn of(parts: CivilParts<'_>) -> Result<Option<Self>> {
        let CivilParts { registry, section, base, secret, gate, style, is_fictional } = parts;
        let (provider, caller, stand_in): (_, Arc<dyn ProviderCaller>, _) = match &section.france_connect {
            Some(named) => {
                let caller = HttpCaller::new(None).map_err(anyhow::Error::msg)?;
                (named_provider(section, named, base)?, Arc::new(caller), None)
            }
            None if is_fictional => {
                let (stand_in, provider) = stand_in(&registry, base, secret, &gate, &style)?;
                (provider, Arc::clone(&stand_in) as Arc<dyn ProviderCaller>, Some(stand_in))
            }
            None => return Ok(None),
        };
        let door = CivilDoor::new(CivilDoorSettings {
            registry,
            entropy: Arc::new(random_bytes),
            now_ms: Arc::new(now_ms),
            secret,
            gate,
            provider,
            caller,
            style,
            is_fictional,
            professional_sign_in: format!("{SIGN_IN}?retour=/portail/pro"),
            manager_page: "/portail/gae/connexion".to_owned(),
        })?;
        Ok(Some(Self { door, stand_in }))
    }

    /// Their pages. A professional who is logged in begins no other login in the same browser.
    pub(crate) fn router(&self, provider: &Arc<annuaire_identity::Provider>) -> Router {
        let mut router = civil_router(&self.door);
        if let Some(stand_in) = &self.stand_in {
            router = router.merge(stand_in_router(stand_in));
        }
        router.layer(from_fn(note_professional)).layer(from_fn_with_state(Arc::clone(provider), tell_who))
    }

    /// Tells pages who is logged in with civil traits.
    pub(crate) fn told_to(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::clone(&self.door), tell_civil))
    }

    /// Removes what is over.
    pub(crate) async fn sweep(&self) -> Result<(), annuaire_relying::RelyingError> {
        self.door.sweep().await?;
        match &self.stand_in {
            Some(stand_in) => stand_in.sweep().await.map(|_| ()),
            None => Ok(()),
        }
    }
}

async fn note_professional(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<SignedIn>().is_some() {
        request.extensions_mut().insert(ProfessionalSessionOpen);
    }
    next.run(request).await
}

/// The provider that the configuration names.
fn named_provider(section: &IdentitySection, named: &str, base: &str) -> Result<RelyingSettings> {
    let (Some(client), Some(secret)) = (&section.france_connect_client, &section.france_connect_secret) else {
        bail!("identity.france_connect needs france_connect_client and france_connect_secret (a file)");
    };
    let secret = fs::read_to_string(secret).with_context(|| format!("reading {}", secret.display()))?;
    let proof = ClientProof::Secret(secret.trim().to_owned());
    Ok(match named {
        "sandbox" => RelyingSettings::franceconnect(ServiceEnvironment::Sandbox, client, proof, base),
        "production" => RelyingSettings::franceconnect(ServiceEnvironment::Production, client, proof, base),
        issuer if issuer.starts_with("https://") => {
            RelyingSettings::franceconnect_at(issuer.trim_end_matches('/'), client, proof, base)
        }
        other => bail!("identity.france_connect = {other:?}: write sandbox, production, or an issuer (https://…)"),
    })
}

/// The stand-in, and how it is spoken to.
fn stand_in(
    registry: &Arc<dyn Registry>,
    base: &str,
    secret: [u8; 32],
    gate: &Arc<Gate>,
    style: &str,
) -> Result<(Arc<StandIn>, RelyingSettings)> {
    let mut password = [0; 16];
    random_bytes(&mut password);
    let password = annuaire_base::text::hex(&password);
    let issuer = format!("{base}{STAND_IN_ROOT}");
    let proof = ClientProof::Secret(password.clone());
    let mut provider = RelyingSettings::franceconnect_at(&issuer, STAND_IN_CLIENT, proof, base);
    provider.is_plain_accepted = true;
    let (back, bye) = (&provider.redirect_uri, &provider.post_logout_redirect_uri);
    let opening = StandIn::open(StandInSettings {
        registry: Arc::clone(registry),
        entropy: Arc::new(random_bytes),
        now_ms: Arc::new(now_ms),
        secret,
        gate: Arc::clone(gate),
        base: base.to_owned(),
        clients: vec![StandInClient::with_secret(STAND_IN_CLIENT, &password, back, bye)],
        citizens: fictional_citizens(),
        style: style.to_owned(),
        takes_damage: false,
    });
    Ok((runtime()?.block_on(opening)?, provider))
}
