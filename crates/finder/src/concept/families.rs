//! What people mean by one word, as codes of the terminologies. A test checks that each code exists and is in force.

/// A family as data.
pub(super) struct FamilyRow {
    /// What users read.
    pub label: &'static str,
    /// How people say it, besides the label; masculine and singular are enough.
    pub said: &'static [&'static str],
    /// Codes of each table.
    pub codes: &'static [(&'static str, &'static [&'static str])],
}

const fn row(
    label: &'static str,
    said: &'static [&'static str],
    codes: &'static [(&'static str, &'static [&'static str])],
) -> FamilyRow {
    FamilyRow { label, said, codes }
}

/// In the order of lists: medical specialties by use, surgery, dental care, pharmacy, nursing, rehabilitation, the other professions.
pub(super) const FAMILIES: &[FamilyRow] = &[
    row(
        "Médecin généraliste",
        &["généraliste", "médecine générale", "médecin de famille", "médecin traitant", "omnipraticien", "docteur généraliste"],
        &[("TRE_R38", &["SM26", "SM53", "SM54"])],
    ),
    row("Médecin", &["médecin", "docteur en médecine"], &[("TRE_G15", &["10"])]),
    row("Pédiatre", &["pédiatrie"], &[("TRE_R38", &["SM40", "SM87", "SM88", "SM89", "SM90"])]),
    row(
        "Gynécologue",
        &["gynéco", "gynécologie", "gynécologue obstétricien", "gynéco obstétricien", "gynécologie obstétrique"],
        &[("TRE_R38", &["SM19", "SM20", "SM51", "SM52"]), ("TRE_R40", &["CEX22", "CEX24", "CEX26"])],
    ),
    row(
        "Obstétricien",
        &["obstétrique", "accoucheur", "médecin accoucheur"],
        &[("TRE_R38", &["SM20", "SM51"]), ("TRE_R40", &["CEX22", "CEX26"])],
    ),
    row(
        "Ophtalmologue",
        &["ophtalmo", "ophtalmologiste", "ophtalmologie", "oculiste", "ophtalmologue", "ophtalmologiste", "médecin des yeux"],
        &[("TRE_R38", &["SM38", "SM85"])],
    ),
    row("Dermatologue", &["dermato", "dermatologie", "dermatologiste", "vénérologue"], &[("TRE_R38", &["SM15"])]),
    row(
        "Cardiologue",
        &["cardio", "cardiologie", "cardiologiste", "médecin cardiologue"],
        &[("TRE_R38", &["SM04", "SM73", "SM79", "SM80", "SM81"])],
    ),
    row(
        "ORL",
        &[
            "oto-rhino",
            "oto-rhino-laryngologiste",
            "oto-rhino-laryngologie",
            "otorhino",
            "otorhinolaryngologiste",
            "oto rhino laryngologue",
        ],
        &[("TRE_R38", &["SM34", "SM39", "SM86"])],
    ),
    row(
        "Psychiatre, psychologue ou psychothérapeute",
        &["psy"],
        &[("TRE_R38", &["SM33", "SM42", "SM43", "SM92", "SM93"]), ("TRE_R95", &["72", "93"])],
    ),
    row("Psychiatre", &["psychiatrie", "médecin psychiatre"], &[("TRE_R38", &["SM33", "SM42", "SM43", "SM92", "SM93"])]),
    row("Pédopsychiatre", &["pédopsychiatrie", "pédopsy", "psychiatre pour enfants"], &[("TRE_R38", &["SM43", "SM92"])]),
    row(
        "Radiologue",
        &["radiologie", "radiologiste", "imagerie médicale", "radiodiagnostic", "radio"],
        &[("TRE_R38", &["SM44", "SM55", "SM74", "SM94"])],
    ),
    row("Rhumatologue", &["rhumato", "rhumatologie"], &[("TRE_R38", &["SM48"])]),
    row("Neurologue", &["neuro", "neurologie"], &[("TRE_R38", &["SM32", "SM84"])]),
    row(
        "Gastro-entérologue",
        &["gastro", "gastroentérologue", "gastro-entérologie", "gastroentérologie", "hépatologue", "hépatologie", "proctologue"],
        &[("TRE_R38", &["SM24"])],
    ),
    row("Pneumologue", &["pneumo", "pneumologie"], &[("TRE_R38", &["SM41", "SM91"])]),
    row(
        "Endocrinologue",
        &["endocrino", "endocrinologie", "diabétologue", "diabéto", "diabétologie"],
        &[("TRE_R38", &["SM16", "SM62"])],
    ),
    row("Allergologue", &["allergo", "allergologie", "allergologiste"], &[("TRE_R38", &["SM57"])]),
    row(
        "Urologue",
        &["uro", "urologie", "chirurgien urologue", "chirurgie urologique"],
        &[("TRE_R38", &["SM12"]), ("TRE_R40", &["CEX64"])],
    ),
    row("Néphrologue", &["néphro", "néphrologie"], &[("TRE_R38", &["SM30", "SM83"])]),
    row("Angiologue", &["angiologie", "médecine vasculaire", "médecin vasculaire", "phlébologue"], &[("TRE_R38", &["SM61"])]),
    row("Gériatre", &["gériatrie", "gérontologue"], &[("TRE_R38", &["SM18"])]),
    row(
        "Oncologue",
        &["onco", "oncologie", "cancérologue", "cancérologie", "oncologue médical"],
        &[("TRE_R38", &["SM35", "SM36", "SM37"])],
    ),
    row("Radiothérapeute", &["radiothérapie", "oncologue radiothérapeute"], &[("TRE_R38", &["SM37", "SM45", "SM55"])]),
    row("Hématologue", &["hémato", "hématologie"], &[("TRE_R38", &["SM21", "SM22", "SM23", "SM71"])]),
    row(
        "Anesthésiste",
        &[
            "anesthésie",
            "anesthésiste réanimateur",
            "anesthésiste-réanimation",
            "médecin anesthésiste",
            "anesthésiologiste",
            "anesthésie-réanimation",
        ],
        &[("TRE_R38", &["SM02", "SM76"])],
    ),
    row(
        "Réanimateur",
        &["médecin réanimateur", "réanimation", "médecine intensive"],
        &[("TRE_R38", &["SM02", "SM46", "SM76", "SM82"])],
    ),
    row("Urgentiste", &["médecin urgentiste", "médecine d’urgence", "urgences"], &[("TRE_R38", &["SM59"])]),
    row("Médecin interniste", &["interniste", "médecine interne"], &[("TRE_R38", &["SM27", "SM72"])]),
    row("Infectiologue", &["infectiologie", "maladies infectieuses"], &[("TRE_R38", &["SM58"])]),
    row(
        "Médecin rééducateur",
        &["rééducateur", "médecine physique", "médecine physique et réadaptation", "médecine de rééducation", "MPR"],
        &[("TRE_R38", &["SM29"])],
    ),
    row("Médecin du travail", &["médecine du travail"], &[("TRE_R38", &["SM25"])]),
    row("Médecin nucléaire", &["médecine nucléaire"], &[("TRE_R38", &["SM28"])]),
    row("Médecin légiste", &["légiste", "médecine légale"], &[("TRE_R38", &["SM60"])]),
    row("Médecin de santé publique", &["santé publique"], &[("TRE_R38", &["SM49", "SM75", "SM95"])]),
    row("Généticien", &["génétique médicale", "médecin généticien", "génétique"], &[("TRE_R38", &["SM17"])]),
    row(
        "Biologiste médical",
        &["biologiste", "biologie médicale", "médecin biologiste", "pharmacien biologiste"],
        &[("TRE_R38", &["SM03", "SM63", "SM64", "SM65", "SM66", "SM67"])],
    ),
    row(
        "Anatomopathologiste",
        &["anapath", "anatomo-pathologiste", "pathologiste", "anatomopathologie"],
        &[("TRE_R38", &["SM01"])],
    ),
    row("Stomatologue", &["stomato", "stomatologie", "stomatologiste"], &[("TRE_R38", &["SM07", "SM50"])]),
    row(
        "Chirurgien",
        &["chirurgie"],
        &[(
            "TRE_R38",
            &[
                "SM05", "SM06", "SM07", "SM08", "SM09", "SM10", "SM11", "SM12", "SM13", "SM14", "SM31", "SM68", "SM69", "SM70",
                "SM77", "SM78",
            ],
        )],
    ),
    row(
        "Chirurgien orthopédiste",
        &["orthopédiste", "chirurgien orthopédique", "chirurgie orthopédique", "traumatologue"],
        &[("TRE_R38", &["SM08", "SM70"])],
    ),
    row(
        "Chirurgien viscéral et digestif",
        &["chirurgien viscéral", "chirurgien digestif", "chirurgie viscérale", "chirurgie digestive"],
        &[("TRE_R38", &["SM14", "SM78"])],
    ),
    row(
        "Chirurgien plasticien",
        &["plasticien", "chirurgien plastique", "chirurgien esthétique", "chirurgie plastique", "chirurgie esthétique"],
        &[("TRE_R38", &["SM10"])],
    ),
    row("Chirurgien vasculaire", &["chirurgie vasculaire"], &[("TRE_R38", &["SM13"])]),
    row(
        "Chirurgien thoracique et cardiaque",
        &["chirurgien cardiaque", "chirurgien thoracique", "chirurgie cardiaque", "chirurgie thoracique"],
        &[("TRE_R38", &["SM11"])],
    ),
    row("Neurochirurgien", &["neuro-chirurgien", "neurochirurgie", "neuro-chirurgie"], &[("TRE_R38", &["SM31"])]),
    row(
        "Chirurgien pédiatrique",
        &["chirurgien infantile", "chirurgie infantile", "chirurgie pédiatrique", "chirurgien pédiatre"],
        &[("TRE_R38", &["SM09", "SM69", "SM70"])],
    ),
    row(
        "Chirurgien maxillo-facial",
        &["chirurgie maxillo-faciale", "maxillo-facial"],
        &[("TRE_R38", &["SM06", "SM07", "SM68", "SM77"])],
    ),
    row("Chirurgien-dentiste", &["dentiste", "chirurgien dentiste", "docteur en chirurgie dentaire"], &[("TRE_G15", &["40"])]),
    row("Orthodontiste", &["orthodontie", "orthopédie dento-faciale"], &[("TRE_R38", &["SCD01"])]),
    row("Chirurgien oral", &["chirurgie orale"], &[("TRE_R38", &["SCD02", "SM56"])]),
    row("Sage-femme", &["maïeuticien"], &[("TRE_G15", &["50"])]),
    row("Pharmacien", &["pharmacien d’officine", "apothicaire"], &[("TRE_G15", &["21"])]),
    row(
        "Infirmier",
        &["IDE", "IDEL", "infirmier libéral", "infirmier diplômé d’État", "infirmier DE", "infirmier à domicile"],
        &[("TRE_G15", &["60", "69"])],
    ),
    row("Infirmier en pratique avancée", &["IPA"], &[("TRE_R38", &["SI01", "SI02", "SI03", "SI04", "SI05"])]),
    row("Infirmier anesthésiste", &["IADE"], &[("TRE_R38", &["SI07"])]),
    row("Infirmier de bloc opératoire", &["IBODE", "infirmier de bloc"], &[("TRE_R38", &["SI06"])]),
    row("Puéricultrice", &["puériculteur", "infirmier puériculteur"], &[("TRE_R38", &["SI08"])]),
    row(
        "Masseur-kinésithérapeute",
        &["kiné", "kinésithérapeute", "masseur kiné", "masseur", "kinésithérapie", "MK", "MKDE"],
        &[("TRE_G15", &["70"])],
    ),
    row("Pédicure-podologue", &["podologue", "pédicure", "podo", "podologie"], &[("TRE_G15", &["80"])]),
    row("Orthophoniste", &["orthophonie", "logopède"], &[("TRE_G15", &["91"])]),
    row("Orthoptiste", &["orthoptie"], &[("TRE_G15", &["92"])]),
    row("Ergothérapeute", &["ergo", "ergothérapie"], &[("TRE_G15", &["94"])]),
    row("Psychomotricien", &["psychomot", "psychomotricité"], &[("TRE_G15", &["96"])]),
    row("Diététicien", &["diététique"], &[("TRE_G15", &["95"])]),
    row("Psychologue", &["psychologie", "psychologue clinicien"], &[("TRE_R95", &["93"])]),
    row("Psychothérapeute", &["psychothérapie"], &[("TRE_R95", &["72"])]),
    row("Ostéopathe", &["ostéo", "ostéopathie"], &[("TRE_R95", &["71"])]),
    row("Chiropracteur", &["chiro", "chiropraticien", "chiropraxie"], &[("TRE_R95", &["73"])]),
    row("Audioprothésiste", &["audio", "audioprothèse"], &[("TRE_G15", &["26"])]),
    row("Opticien-lunetier", &["opticien", "lunetier"], &[("TRE_G15", &["28"])]),
    row(
        "Manipulateur en électroradiologie médicale",
        &["manip radio", "manipulateur radio", "manipulateur en radiologie", "manipulateur ERM"],
        &[("TRE_G15", &["98"])],
    ),
    row("Technicien de laboratoire médical", &["technicien de laboratoire", "technicien de labo"], &[("TRE_G15", &["86"])]),
    row("Assistant dentaire", &[], &[("TRE_G15", &["31"])]),
    row("Assistant de service social", &["assistant social"], &[("TRE_R94", &["41"])]),
];
