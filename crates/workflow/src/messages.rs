//! What people are told: one table from stable codes to French texts with named places (registration §5.3, §5.4, pages M01 to
//! M10).
//!
//! The reference gives the texts of most errors and of some warnings. It names no code for a few of its own rules (a reason that
//! is too short, a start before the sixteenth birthday…): those have codes of this program, marked [`MessageSource::Ours`], in
//! the same families.

use std::fmt;

/// How much weight a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageWeight {
    /// It blocks.
    Error,
    /// It must be acknowledged, and the acknowledgment is audited.
    Warning,
    /// It is a page or a question, and no fault.
    Page,
}

/// Who wrote a text, or a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageSource {
    /// Code and text are those of the reference.
    Reference,
    /// The code is of the reference, which gives no text.
    OurText,
    /// Code and text are of this program.
    Ours,
}

macro_rules! messages {
    ($($variant:ident $code:literal $weight:ident $source:ident $text:literal;)*) => {
        /// A message, by its stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MessageCode {
            $(#[doc = $text] $variant,)*
        }

        impl MessageCode {
            /// Every message, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, such as `E-GEN-01`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whether it blocks, warns, or is a page.
            #[must_use]
            pub const fn weight(self) -> MessageWeight {
                match self { $(Self::$variant => MessageWeight::$weight,)* }
            }

            /// Who wrote it.
            #[must_use]
            pub const fn source(self) -> MessageSource {
                match self { $(Self::$variant => MessageSource::$source,)* }
            }

            /// The French text with its places in braces.
            #[must_use]
            pub const fn template(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

messages! {
    EGen01 "E-GEN-01" Error Reference "Ce champ est obligatoire.";
    EGen02 "E-GEN-02" Error Reference "Cette valeur n'est plus disponible. Choisissez une valeur dans la liste.";
    EGen03 "E-GEN-03" Error Ours "Saisissez entre {min} et {max} caractères.";
    EGen09 "E-GEN-09" Error Reference
        "Cette demande a été modifiée par une autre personne à {heure}. Rechargez la page pour voir sa version.";
    ECiv01 "E-CIV-01" Error Reference "Le nom ne peut contenir que des lettres, des espaces, des tirets et des apostrophes.";
    ECiv02 "E-CIV-02" Error Reference "Le troisième prénom ne peut pas être rempli sans le deuxième.";
    ECiv03 "E-CIV-03" Error Reference "Saisissez la date au format JJ/MM/AAAA, par exemple 07/05/1991.";
    ECiv04 "E-CIV-04" Error Reference "La date de naissance ne peut pas être dans le futur.";
    ECiv05 "E-CIV-05" Error Reference "L'âge calculé ({âge} ans) n'est pas possible. Vérifiez la date.";
    ECiv06 "E-CIV-06" Error Reference "Choisissez une commune dans la liste proposée.";
    ECiv07 "E-CIV-07" Error Reference "{commune} n'existait pas le {date}. Communes possibles : {liste}.";
    ECiv08 "E-CIV-08" Error Ours "« {valeur} » n'est pas un nom. Saisissez le nom inscrit sur la pièce d'identité.";
    ECon01 "E-CON-01" Error Reference "Saisissez une adresse de la forme nom@exemple.fr.";
    ECon02 "E-CON-02" Error Reference "Saisissez un numéro de mobile à 10 chiffres commençant par 06 ou 07.";
    ECon03 "E-CON-03" Error Reference "Une adresse MSSanté ne peut pas servir d'adresse de contact.";
    EStr01 "E-STR-01" Error Reference "Remplissez au moins un critère de recherche.";
    EStr02 "E-STR-02" Error Reference "Aucune structure ouverte ne correspond à votre recherche.";
    EStr03 "E-STR-03" Error Reference "Trop de résultats ({n}). Précisez votre recherche.";
    EStr04 "E-STR-04" Error Ours "Saisissez les 9 caractères du numéro FINESS, par exemple 990000010.";
    EStr05 "E-STR-05" Error Ours "Saisissez les 14 chiffres du numéro SIRET. Vérifiez-les sur la fiche de paie.";
    EStr06 "E-STR-06" Error Ours "Saisissez les 5 chiffres du code postal, avec la dénomination ou la commune.";
    EPer01 "E-PER-01" Error Reference
        "Vous n'êtes pas gestionnaire de cette structure. Demandez à son représentant légal de vous désigner.";
    EPer02 "E-PER-02" Error Reference "Votre habilitation pour {structure} a pris fin le {date}.";
    ESit01 "E-SIT-01" Error Reference "La date de fin doit être postérieure à la date de prise de fonction.";
    ESit02 "E-SIT-02" Error Reference "La date de prise de fonction ne peut pas dépasser 90 jours à venir.";
    ESit03 "E-SIT-03" Error Ours "La date de prise de fonction doit être postérieure au {âge}e anniversaire, le {date}.";
    ESit04 "E-SIT-04" Error Ours "La date de prise de fonction ne peut pas remonter à plus de 50 ans.";
    ESit05 "E-SIT-05" Error Reference "Une situation identique existe déjà dans cette structure depuis le {date}.";
    ESit07 "E-SIT-07" Error Ours "La date de fin ne peut pas dépasser 180 jours à venir.";
    ESit08 "E-SIT-08" Error Ours
        "Une fin de fonction de plus de 12 mois doit être confirmée par l'arbitre national. Contactez le support.";
    ESit09 "E-SIT-09" Error Ours "La date d'un décès ne peut pas être dans le futur.";
    EHlp01 "E-HLP-01" Error Ours "Confirmez que vous avez vérifié les justificatifs de l'aide à domicile.";
    ERpps01 "E-RPPS-01" Error Ours "Saisissez les 11 chiffres du numéro RPPS. Vérifiez-les sur la carte ou l'attestation.";
    EAdeli01 "E-ADELI-01" Error Ours "Saisissez les 9 caractères du numéro ADELI.";
    EReq01 "E-REQ-01" Error Reference "Une demande est déjà en cours pour cette personne : {num}.";
    EReq02 "E-REQ-02" Error Reference "Une modification est déjà en cours sur cette situation : {num}.";
    EReq03 "E-REQ-03" Error Reference "Toutes les sections doivent être validées : {liste}.";
    EReq04 "E-REQ-04" Error Reference "Vous ne pouvez pas instruire une demande qui vous concerne.";
    EReq05 "E-REQ-05" Error Reference "Votre structure demande qu'une autre personne valide cette demande.";
    EReq06 "E-REQ-06" Error Reference "Cette action n'est plus possible : la demande est \"{statut}\".";
    EReq07 "E-REQ-07" Error Ours
        "Un logiciel ne peut pas valider cette demande. Un gestionnaire doit l'ouvrir et la valider dans le portail.";
    EReq08 "E-REQ-08" Error Ours
        "L'annulation d'une demande validée doit être confirmée par l'établissement et par l'arbitre national.";
    EReq09 "E-REQ-09" Error Ours "Points à corriger ou à confirmer dans cette section : {n}.";
    EReq10 "E-REQ-10" Error Ours "Confirmez votre choix : cette action est définitive.";
    EReq11 "E-REQ-11" Error Ours "Saisissez le code reçu sur la nouvelle adresse ou le nouveau numéro.";
    EReq12 "E-REQ-12" Error Ours "Cette clé d'idempotence a déjà servi à une autre demande. Choisissez une nouvelle clé.";
    ELeg01 "E-LEG-01" Error Reference
        "Vous devez confirmer l'exactitude des informations et l'information du professionnel.";
    ELeg02 "E-LEG-02" Error Reference "Indiquez comment l'identité a été vérifiée.";
    EHab01 "E-HAB-01" Error Ours "Seuls le représentant légal et ses mandataires peuvent désigner un gestionnaire.";
    EHab02 "E-HAB-02" Error Ours "Vous ne pouvez pas vous désigner vous-même.";
    EHab03 "E-HAB-03" Error Ours
        "Cette personne doit d'abord être enregistrée et disposer d'un moyen de connexion à Pro Santé Connect.";
    EHab04 "E-HAB-04" Error Ours "Seul le représentant légal peut désigner un mandataire, sauf sous-délégation autorisée.";
    EHab05 "E-HAB-05" Error Ours "La structure n'est pas habilitée. Le représentant légal doit d'abord la rattacher.";
    EHab06 "E-HAB-06" Error Ours "Cette action n'est pas possible : l'habilitation est « {statut} ».";
    EHab07 "E-HAB-07" Error Ours "La fonction « {profession} » est attribuée par le représentant légal, un mandataire ou le support.";
    EHab08 "E-HAB-08" Error Ours "Trop de recherches sans résultat. Réessayez à partir de {heure}.";
    EHab09 "E-HAB-09" Error Ours "Cette structure a déjà {n} logiciels. Révoquez celui qui ne sert plus avant d'en ajouter un autre.";
    EHab10 "E-HAB-10" Error Ours "Un logiciel de ce nom est déjà enregistré pour cette structure. Donnez-lui un autre nom, ou renouvelez son secret.";
    ENom01 "E-NOM-01" Error Ours "Vous avez déjà {n} demandes sans réponse. Attendez une réponse avant d'en ajouter une autre.";
    ELot01 "E-LOT-01" Error Ours "« {valeur} » n'est pas une action. Saisissez CREER, AJOUTER, MODIFIER ou FERMER.";
    ELot02 "E-LOT-02" Error Ours "Plusieurs communes s'appellent « {commune} ». Saisissez le code INSEE de l'une d'elles : {liste}.";
    ELot03 "E-LOT-03" Error Ours "Indiquez comment l'identité a été vérifiée : FACE_A_FACE, DOCUMENT_RH, FRANCECONNECT ou NON.";
    ELot04 "E-LOT-04" Error Ours "Informez le professionnel des conditions et de ses droits, puis saisissez OUI.";
    ELot05 "E-LOT-05" Error Ours "Cette référence est déjà celle de la ligne {ligne}. Chaque ligne a la sienne.";
    ELot06 "E-LOT-06" Error Ours "Aucune situation de cette personne dans cette structure ne correspond. Vérifiez le numéro et la structure.";
    ELot07 "E-LOT-07" Error Ours "Cette personne a plusieurs situations dans cette structure. Précisez la profession et le rôle.";
    ELot08 "E-LOT-08" Error Ours "Demandes à ouvrir et à régler une par une : {liste}.";
    M01 "M01" Page Reference
        "Vous n'êtes pas encore habilité. Demandez au représentant légal de votre structure de vous désigner gestionnaire RPPS+.";
    M02 "M02" Page Reference
        "Vous avez déjà un numéro RPPS. Connectez-vous avec Pro Santé Connect, ou demandez à le recevoir de nouveau à votre adresse de contact.";
    M03 "M03" Page Reference "La connexion n'a pas abouti. Réessayez, ou contactez le support avec le code {code}.";
    M10 "M10" Page Reference
        "Abandonner la demande {num} ? Les informations saisies seront effacées dans 30 jours. Cette action est définitive.";
    WCiv01 "W-CIV-01" Warning OurText "La civilité et le sexe ne correspondent pas. Vérifiez-les, ou confirmez.";
    WCiv02 "W-CIV-02" Warning OurText
        "Une personne de votre structure a une identité très proche. Vérifiez qu'il ne s'agit pas de la même personne.";
    WCiv03 "W-CIV-03" Warning Ours "« {valeur} » sera enregistré comme nom. Confirmez que la pièce d'identité n'en porte pas d'autre.";
    WCon01 "W-CON-01" Warning OurText
        "Cette adresse semble être celle d'un service. Une adresse personnelle suit le professionnel toute sa vie.";
    WCon02 "W-CON-02" Warning Reference "Cette adresse (ou ce numéro) est déjà utilisée par une autre personne.";
    WCon03 "W-CON-03" Warning Ours
        "La e-CPS ne pourra pas être activée sans mobile. Une carte physique ou un autre moyen sera nécessaire.";
    WStr02 "W-STR-02" Warning OurText "Ce numéro FINESS paraît erroné : sa clé de contrôle n'est pas celle attendue. Vérifiez-le.";
    WNomex "W-NOMEX" Warning OurText
        "Le nom d'exercice ne reprend ni le nom de famille ni le nom d'usage. Vérifiez-le, ou confirmez.";
    WPrenex "W-PRENEX" Warning OurText "Le prénom d'exercice n'est pas l'un des prénoms. Vérifiez-le, ou confirmez.";
    WSit01 "W-SIT-01" Warning OurText "La prise de fonction précède l'ouverture de la structure, le {date}. Vérifiez la date.";
    WSit02 "W-SIT-02" Warning OurText "Ce rôle est inhabituel pour ce type de structure. Vérifiez-le, ou confirmez.";
    WSit04 "W-SIT-04" Warning OurText "Fermeture tardive : la fin de fonction date de plus de 12 mois.";
    WSit06 "W-SIT-06" Warning OurText "Cette personne a déjà un autre rôle dans cette structure depuis le {date}.";
    WSit07 "W-SIT-07" Warning OurText "Aucune date de fin n'est prévue pour cet étudiant. Indiquez-la si vous la connaissez.";
    WLot01 "W-LOT-01" Warning Ours "L'identité n'est pas vérifiée : la demande sera à ouvrir et à valider seule.";
    WRpps01 "W-RPPS-01" Warning Ours "La clé de contrôle de ce numéro RPPS n'est pas celle attendue.";
}

/// The text of E-REQ-01 for somebody who may not know the number of the other request (registration §5.3).
pub const OPEN_REQUEST_ELSEWHERE: &str = "Une demande est déjà en cours pour cette personne.";
/// The word for the status of a request that the caller may not see, in E-REQ-06.
pub const HIDDEN_STATUS: &str = "non accessible";

impl MessageCode {
    /// The code with this name.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|message| message.as_str() == code)
    }

    /// The text with its places filled in. A place without a value stays visible in braces, so that tests see it.
    #[must_use]
    pub fn fill(self, values: &[(&str, &str)]) -> String {
        fill(self.template(), values)
    }

    /// The text of a message without places.
    #[must_use]
    pub fn text(self) -> String {
        self.fill(&[])
    }
}

impl fmt::Display for MessageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Replaces each `{name}` of a template by the value of that name. Values are taken as they are: braces in them mean nothing.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(value),
            None => {
                out.push('{');
                out.push_str(name);
                out.push('}');
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The names of the places of a template, in their order.
pub fn places(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once_and_values_are_no_templates() {
        assert_eq!(fill("{a} et {b}.", &[("a", "{b}"), ("b", "2")]), "{b} et 2.");
        assert_eq!(fill("{a} {", &[]), "{a} {");
        assert_eq!(places("x {a} y {b}").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn codes_are_unique_and_say_their_weight() {
        let codes: std::collections::BTreeSet<&str> = MessageCode::ALL.iter().map(|m| m.as_str()).collect();
        assert_eq!(codes.len(), MessageCode::ALL.len());
        for message in MessageCode::ALL {
            let letter = match message.weight() {
                MessageWeight::Error => "E-",
                MessageWeight::Warning => "W-",
                MessageWeight::Page => "M",
            };
            assert!(message.as_str().starts_with(letter), "{message}");
            assert_eq!(MessageCode::parse(message.as_str()), Some(*message));
            assert!(message.template().ends_with(['.', '?']), "{message}");
        }
    }
}
