//! What every page shows around its content (registration §4).

use crate::door::Portal;
use crate::request::PortalRequest;
use annuaire_registry::Error;
use annuaire_workflow::perimeter::PerimeterTarget;

/// A structure of the selector « Agir pour ».
#[derive(Debug, Clone)]
pub(crate) struct ActingChoice {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) is_chosen: bool,
}

/// The frame of a page.
#[derive(Debug, Clone, Default)]
pub(crate) struct PortalFrame {
    pub(crate) style: String,
    pub(crate) own_style: String,
    pub(crate) own_script: String,
    pub(crate) is_fictional: bool,
    /// The connected person; empty for a stranger.
    pub(crate) person: String,
    /// Token of the forms of that person.
    pub(crate) token: String,
    /// Path of the page.
    pub(crate) path: String,
    /// Path that ends the session.
    pub(crate) sign_out: String,
    pub(crate) choices: Vec<ActingChoice>,
    /// Number of the structure for which the manager acts; empty for all.
    pub(crate) acting_for: String,
    /// What just happened, told once.
    pub(crate) done: &'static str,
    /// Whether the person came with FranceConnect and has no number yet.
    pub(crate) is_applicant: bool,
    /// Whether the page is part of a demonstration whose clock can be moved on.
    pub(crate) has_demo_clock: bool,
}

/// What pages tell after an act, by the word that the address carries.
const DONE: &[(&str, &str)] = &[
    ("enregistree", "Vos saisies sont enregistrées."),
    ("section", "La section est complète."),
    ("instruction", "La demande est mise en instruction."),
    ("validee", "La demande est validée. Le numéro RPPS est attribué dans la minute."),
    ("refusee", "La demande est refusée. Le professionnel est prévenu du motif."),
    ("complement", "Le complément est demandé à l’auteur."),
    ("reaffectee", "La demande est réaffectée."),
    ("abandonnee", "La demande est abandonnée. Les informations saisies seront effacées dans 30 jours."),
    ("retiree", "La demande est retirée."),
    ("modifiee", "La demande est de nouveau en saisie."),
    ("habilitation", "L’habilitation est enregistrée."),
    ("retrait", "L’habilitation est retirée."),
    ("envoyee", "Votre demande est envoyée."),
    ("relance", "L’établissement est relancé."),
    ("arbitree", "La décision est enregistrée."),
    ("distinctes", "Les deux personnes sont déclarées distinctes."),
    ("fusionnees", "Les deux numéros sont fusionnés."),
    ("defusion-proposee", "L’annulation de la fusion attend la confirmation d’un autre arbitre."),
    ("defusionnees", "La fusion est annulée."),
    ("accord", "Votre accord est gardé. L’annulation aura lieu quand l’établissement la demandera aussi."),
    ("annulee", "L’enregistrement est annulé."),
    ("acceptee", "La structure est habilitée."),
    ("close", "L’alerte est close."),
    ("levee", "La suspension est levée."),
    ("repondu", "La réponse est envoyée."),
    ("rattachee", "Votre structure est rattachée. Le support vérifie le contrat avant de l’habiliter."),
    ("mandat", "Le mandat est enregistré."),
    ("finmandat", "Le mandat est retiré."),
    ("delegation", "La délégation est active."),
    ("findelegation", "La délégation est terminée."),
    ("option", "L’option est enregistrée."),
    ("logicielrevoque", "Le logiciel est révoqué. Ses jetons ne sont plus acceptés."),
    ("confirmes", "La liste des gestionnaires est confirmée pour un an."),
    ("reprise", "La structure est reprise, avec ses gestionnaires."),
    ("confirmees", "La confirmation est enregistrée."),
    ("gelees", "Votre alerte est transmise au support. Vos e-CPS ne permettent plus de se connecter jusqu’à sa réponse."),
    ("signalee", "Votre signalement est transmis."),
    ("avis-egal", "Votre second avis est enregistré. Il confirme la première décision."),
    ("avis-different", "Votre second avis est enregistré. Il diffère de la première décision : les deux arbitres sont prévenus."),
    ("deces-propose", "La correction du décès attend la confirmation d’un autre arbitre."),
    ("deces-corrige", "La personne n’est plus déclarée décédée. Ses activités arrêtées sont signalées aux établissements."),
    ("traite", "Cette activité n’attend plus de suite."),
    ("avis", "Merci : vos réponses sont enregistrées."),
    ("fait", "C’est fait."),
];

impl PortalFrame {
    /// The frame of a page for anybody.
    pub(crate) fn plain(portal: &Portal, request: &PortalRequest) -> Self {
        let told = request.parameter("fait");
        Self {
            style: portal.settings.style.clone(),
            own_style: portal.own_style.clone(),
            own_script: portal.own_script.clone(),
            is_fictional: portal.settings.is_fictional,
            path: request.uri.path().to_owned(),
            done: DONE.iter().find(|(word, _)| *word == told).map_or("", |(_, text)| text),
            has_demo_clock: portal.settings.demo.is_some(),
            ..Self::default()
        }
    }

    /// The frame of a page for a person with a professional means.
    pub(crate) async fn of_person(portal: &Portal, request: &PortalRequest, national_id: &str) -> Result<Self, Error> {
        let name = portal.registration().name_of(national_id).await?;
        Ok(Self {
            person: name.unwrap_or_else(|| "Personne connectée".to_owned()),
            token: portal.form_token(national_id),
            sign_out: portal.settings.sign_out.clone(),
            ..Self::plain(portal, request)
        })
    }

    /// Fills the selector « Agir pour » of a manager of several structures.
    pub(crate) async fn choose(&mut self, portal: &Portal, habilitations: &[PerimeterTarget], chosen: &str) -> Result<(), Error> {
        if habilitations.len() < 2 {
            return Ok(());
        }
        for target in habilitations {
            let number = target.number().to_owned();
            let place = portal.registration().place_numbered(&number).await?;
            let name = place.map_or_else(String::new, |place| place.name);
            let is_chosen = number == chosen;
            if is_chosen {
                self.acting_for.clone_from(&number);
            }
            self.choices.push(ActingChoice { number, name, is_chosen });
        }
        Ok(())
    }

    /// Where « Accueil » leads.
    pub(crate) fn home(&self) -> &'static str {
        match self.path.as_str() {
            _ if self.is_applicant => "/portail/pro/inscription",
            path if path.starts_with("/portail/pro") => "/portail/pro",
            path if path.starts_with("/portail/gae") => "/portail/gae",
            path if path.starts_with("/portail/habilitations") => "/portail/habilitations",
            path if path.starts_with("/portail/console") => "/portail/console",
            _ => "/portail",
        }
    }

    /// Links of the main menu: address, words, whether the page is below it.
    pub(crate) fn menu(&self) -> Vec<(&'static str, &'static str, bool)> {
        let links: &[(&str, &str)] = match self.home() {
            _ if self.person.is_empty() => &[],
            _ if self.is_applicant => &[("/portail/pro/inscription", "Ma demande"), ("/portail/pro/identite", "Mon identité")],
            "/portail/gae" => &[
                ("/portail/gae", "Accueil"),
                ("/portail/gae/demandes", "Demandes"),
                ("/portail/gae/enregistrements", "Enregistrements"),
                ("/portail/gae/effectifs", "Effectifs"),
                ("/portail/gae/lots", "Importer une liste"),
                ("/portail/gae/tableau", "Tableau de bord"),
                ("/portail/gae/messages", "Messages"),
            ],
            "/portail/pro" => &[
                ("/portail/pro", "Mon dossier"),
                ("/portail/pro/coordonnees", "Mes coordonnées"),
                ("/portail/pro/situations", "Mes situations"),
                ("/portail/pro/demandes", "Mes demandes"),
                ("/portail/pro/acces", "Qui a consulté mon dossier"),
                ("/portail/pro/messages", "Messages"),
                ("/e-cps/appareils", "Mes e-CPS"),
            ],
            "/portail/habilitations" => {
                &[("/portail/habilitations", "Habilitations"), ("/portail/gae", "Portail des gestionnaires")]
            }
            "/portail/console" => &[("/portail/console", "Consoles")],
            _ => &[("/portail/gae", "Gestionnaires"), ("/portail/pro", "Mon dossier")],
        };
        let is_here = |href: &str| self.path == href || (href != self.home() && self.path.starts_with(&format!("{href}/")));
        links.iter().map(|(href, words)| (*href, *words, is_here(href))).collect()
    }
}
