//! All columns of each format, normalised: those that are read, and those that are known and left out (labels of codes are in
//! the terminologies, names repeat those of the activity file, nationality and common names left the national model).

/// The columns of a format in the order of its producer; none for one without header.
pub(super) fn of(format: &str) -> Vec<&'static str> {
    let columns = match format {
        "Extraction_Pro_sante_connect" => {
            "type identifiant pp|identifiant pp|identification nationale pp|nom de famille|prenoms|date de naissance|\
             code commune de naissance|code pays de naissance|lieu de naissance|code sexe|telephone (coord correspondance)|\
             adresse e mail (coord correspondance)|code civilite|code profession|code categorie professionnelle|\
             code civilite exercice|nom exercice|prenom exercice|code type savoir faire|code savoir faire|code mode exercice|\
             code secteur activite|code section tableau pharmaciens|code role|numero siret site|numero siren site|\
             numero finess site|numero finess etablissement juridique|identifiant technique de la structure|\
             raison sociale site|enseigne commerciale site|complement destinataire (coord structure)|\
             complement point geographique (coord structure)|numero voie (coord structure)|\
             indice repetition voie (coord structure)|code type de voie (coord structure)|libelle voie (coord structure)|\
             mention distribution (coord structure)|bureau cedex (coord structure)|code postal (coord structure)|\
             code commune (coord structure)|code pays (coord structure)|telephone (coord structure)|\
             telephone 2 (coord structure)|telecopie (coord structure)|adresse e mail (coord structure)|\
             code departement (coord structure)|ancien identifiant de la structure|autorite enregistrement|\
             autres identifiants|code genre activite"
        }
        // What goes in to the provider of identities is what comes out of it, but for one column.
        "Extraction_ProSanteConnect_Personne_activite" => {
            return of("Extraction_Pro_sante_connect").into_iter().filter(|c| *c != "autres identifiants").collect();
        }
        "PS_LibreAcces_Personne_activite" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             code civilite|libelle civilite|nom exercice|prenom exercice|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|code type savoir faire|\
             libelle type savoir faire|code savoir faire|libelle savoir faire|code mode exercice|libelle mode exercice|\
             numero siret site|numero siren site|numero finess site|numero finess etablissement juridique|\
             identifiant technique de la structure|raison sociale site|enseigne commerciale site|\
             complement destinataire (coord structure)|complement point geographique (coord structure)|\
             numero voie (coord structure)|indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|code departement (structure)|libelle departement (structure)|\
             ancien identifiant de la structure|autorite enregistrement|code secteur activite|libelle secteur activite|\
             code section tableau pharmaciens|libelle section tableau pharmaciens|code role|libelle role|code genre activite|\
             libelle genre activite"
        }
        "PS_LibreAcces_Dipl_AutExerc" => {
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|\
             code type diplome obtenu|libelle type diplome obtenu|code diplome obtenu|libelle diplome obtenu|\
             code type autorisation|libelle type autorisation|code discipline autorisation|libelle discipline autorisation"
        }
        "Porteurs_CPS_CPF" => {
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle|code type de carte|\
             libelle type de carte|numero carte|identifiant national contenu dans la carte|date debut validite|\
             date fin validite|date opposition|date de mise a jour"
        }
        "Extraction_Correspondance_MSSante" => {
            "type de bal|adresse bal|type identifiant pp|identifiant pp|identification nationale pp|\
             type identifiant structure|identification structure|service de rattachement|civilite exercice|nom exercice|\
             prenom exercice|categorie profession|libelle de categorie profession|code profession|libelle profession|\
             code savoir faire|libelle savoir faire|dematerialisation|raison sociale structure bal|\
             enseigne commerciale structure bal|l2complementlocalisation structure bal|\
             l3complementdistribution structure bal|l4numerovoie structure bal|l4complementnumerovoie structure bal|\
             nl4typevoie structure bal|l4libellevoie structure bal|l5lieuditmention structure bal|\
             l6ligneacheminement structure bal|code postal structure bal|departement structure bal|pays structure bal"
        }
        "PS_LibreAcces_SavoirFaire" => {
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle|code type savoir faire|\
             libelle type savoir faire|code savoir faire|libelle savoir faire"
        }
        "ExtractionMonoTable_CAT18_ToutePopulation" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             nom exercice|prenom exercice|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|code savoir faire|libelle savoir faire|code type savoir faire|\
             libelle type savoir faire|numero siret site|numero siren site|numero finess site|\
             numero finess etablissement juridique|raison sociale site|enseigne commerciale site|identifiant structure|\
             complement destinataire (coord structure)|complement point geographique (coord structure)|\
             numero voie (coord structure)|indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|adresse bal mssante"
        }
        "Extraction_RPPS_DernierCodeADELI" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|code adeli|date effet adeli|date fin adeli|\
             date creation adeli|date maj adeli|type adeli"
        }
        "Extraction_Certificat_PP" => {
            "type identifiant pp|identifiant pp|identification nationale pp|dn emetteur|dn sujet|reference support|\
             date de debut|date de fin|date de revocation|nom domaine|adresse mail"
        }
        "Extraction_Certificat_PM" => {
            "type de structure|identifiant technique de la structure|dn emetteur|dn sujet|reference support|date de debut|\
             date de fin|date de revocation|nom domaine|adresse mail"
        }
        "bascule ADELI RPPS" => "n° adeli|n° rpps",
        "pscload_rapport_des_echecs_de_bascule" => "original_id|target_id|returned_code",
        "liste-ps (Ameli)" => {
            "ps_activite_nom|ps_activite_prenom|ps_activite_civilite|ps_activite_raison_sociale|ps_activite_carte_vitale|\
             ps_activite_apcv|specialite_code|specialite_libelle|type_ps_code|type_ps_libelle|activite_particuliere_code|\
             activite_particuliere_libelle|coordonnees_num_tel|coordonnees_voie|coordonnees_complement|coordonnees_lieu_dit|\
             coordonnees_code_postal|coordonnees_ville|secteur_conventionnel_code|secteur_conventionnel_libelle|\
             nature_exercice_code|nature_exercice_libelle|option_tarifaire_code|option_tarifaire_libelle"
        }
        "liste-cds (Ameli)" => {
            "etab_finess|etab_raison_sociale|etab_carte_vitale|etab_apcv|specialite_code|specialite_libelle|type_etab_code|\
             type_etab_libelle|coordonnees_num_tel|coordonnees_voie|coordonnees_complement|coordonnees_lieu_dit|\
             coordonnees_code_postal|coordonnees_ville"
        }
        "etalab_stock_et" => {
            "nofinesset|nofinessej|rs|rslongue|complrs|compldistrib|numvoie|typvoie|voie|compvoie|lieuditbp|region|libregion|\
             departement|libdepartement|cog|codepostal|libelle_routage|ligneacheminement|telephone|telecopie|categetab|\
             libcategetab|liblongcategetab|categretab|libcategretab|siret|codeape|libcodeape|mft|libmft|liblongmft|sph|\
             libsph|numen|coordx|coordy|sourcegeocod|dategeocod|dateautor|dateouvert|datemaj"
        }
        "Personne" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite|libelle civilite|nom usage|\
             prenom usage|nature|code nationalite|libelle nationalite|date acquisition de la nationalite francaise|\
             date effet|date de mise a jour personne"
        }
        "EtatCiv" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code statut etat civil|libelle statut etat civil|\
             code sexe|libelle sexe|nom de famille|prenoms|date de naissance|lieu de naissance|date de deces|\
             date effet de l etat civil|code commune de naissance|libelle commune de naissance|code pays de naissance|\
             libelle pays de naissance|date de mise a jour etat civil"
        }
        "Langue" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code langue|libelle langue|\
             date mise a jour langue|date de fin langue"
        }
        "CoordCorresp" => {
            "type identifiant pp|identifiant pp|identification nationale pp|complement destinataire (coord correspondance)|\
             complement point geographique (coord correspondance)|numero voie (coord correspondance)|\
             indice repetition voie (coord correspondance)|code type de voie (coord correspondance)|\
             libelle type de voie (coord correspondance)|libelle voie (coord correspondance)|\
             mention distribution (coord correspondance)|bureau cedex (coord correspondance)|\
             code postal (coord correspondance)|code commune (coord correspondance)|libelle commune (coord correspondance)|\
             code pays (coord correspondance)|libelle pays (coord correspondance)|telephone (coord correspondance)|\
             telephone 2 (coord correspondance)|telecopie (coord correspondance)|adresse e mail (coord correspondance)|\
             date de mise a jour (coord correspondance)|date de fin (coord correspondance)"
        }
        "DiplObt" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code type diplome obtenu|\
             libelle type diplome obtenu|code diplome obtenu|libelle diplome obtenu|date de mise a jour diplome obtenu|\
             code lieu obtention|libelle lieu obtention|date obtention diplome|numero diplome"
        }
        "AutreDiplObt" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code diplome|libelle diplome|\
             date de mise a jour diplome|code lieu formation|libelle lieu formation|date obtention diplome|numero diplome"
        }
        "AutExerc" => {
            "type identifiant pp|identifiant pp|identification nationale pp|date effet autorisation|code type autorisation|\
             libelle type autorisation|date fin autorisation|date de mise a jour autorisation|code discipline autorisation|\
             libelle discipline autorisation|code profession|libelle profession"
        }
        "ExercPro" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             nom exercice|prenom exercice|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|date de fin exercice|date de mise a jour exercice|date effet exercice|\
             code ae 1e inscription|libelle ae 1e inscription|date debut 1e inscription|departement 1e inscription|\
             libelle departement 1e inscription"
        }
        "ReferAe" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code ae|libelle ae|date debut inscription|\
             date fin inscription|date de mise a jour inscription|code statut inscription|libelle statut inscription|\
             code departement inscription|libelle departement inscription|code departement accueil|\
             libelle departement accueil|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle"
        }
        "SavoirFaire" => {
            "type identifiant pp|identifiant pp|identification nationale pp|code savoir faire|libelle savoir faire|\
             code type savoir faire|libelle type savoir faire|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|date reconnaissance savoir faire|\
             date de mise a jour savoir faire|date abandon savoir faire"
        }
        "AttribPart" => {
            "type identifiant pp|identifiant pp|identification nationale pp|date de reconnaissance attribution|\
             date abandon attribution|date de mise a jour attribution|code attribution|libelle attribution|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle"
        }
        "CartePro" => {
            "type identifiant pp|identifiant pp|identification nationale pp|numero carte|date debut validite|\
             date fin validite|date opposition|date de mise a jour|code type de carte|libelle type de carte|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle"
        }
        "Sanction" => {
            "type identifiant pp|identifiant pp|identification nationale pp|date de debut|date de mise a jour sanction|\
             date de fin|code type sanction|libelle type sanction|code origine sanction|libelle origine sanction|\
             code niveau sanction|libelle niveau sanction|mention|date de mise a jour mention|code infraction|\
             libelle infraction|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle"
        }
        "CoordAct" => {
            "type identifiant pp|identifiant pp|identifiant de l activite|identification nationale pp|\
             identifiant technique de la structure|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|complement destinataire (coord activite)|\
             complement point geographique (coord activite)|numero voie (coord activite)|\
             indice repetition voie (coord activite)|code type de voie (coord activite)|\
             libelle type de voie (coord activite)|libelle voie (coord activite)|mention distribution (coord activite)|\
             bureau cedex (coord activite)|code postal (coord activite)|code commune (coord activite)|\
             libelle commune (coord activite)|code pays (coord activite)|libelle pays (coord activite)|\
             telephone (coord activite)|telephone 2 (coord activite)|telecopie (coord activite)|\
             adresse e mail (coord activite)|date de mise a jour (coord activite)|date de fin (coord activite)"
        }
        "Activite" => {
            "type identifiant pp|identifiant pp|identifiant de l activite|identification nationale pp|\
             identifiant technique de la structure|code role|libelle role|code mode exercice|libelle mode exercice|\
             date de debut activite|date de fin activite|date de mise a jour activite|code region exercice|\
             libelle region exercice|code genre activite|libelle genre activite|code motif de fin activite|\
             libelle motif de fin activite|code section tableau pharmaciens|libelle section tableau pharmaciens|\
             code sous section tableau pharmaciens|libelle sous section tableau pharmaciens|code type activite liberale|\
             libelle type activite liberale|code statut des ps du ssa|libelle statut des ps du ssa|code statut hospitalier|\
             libelle statut hospitalier|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle"
        }
        "Structure" => {
            "type de structure|identifiant technique de la structure|identification nationale de la structure|numero siret|\
             numero siren|numero finess etablissement|numero finess ej|rpps rang|adeli rang|numero licence officine|\
             date ouverture structure|date de fermeture structure|date de mise a jour structure|code ape|libelle ape|\
             code categorie juridique|libelle categorie juridique|code secteur activite|libelle secteur activite|\
             raison sociale|enseigne commerciale"
        }
        "CoordStruct" => {
            "identifiant technique de la structure|complement destinataire (coord structure)|\
             complement point geographique (coord structure)|numero voie (coord structure)|\
             indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|date de mise a jour (coord structure)|date de fin (coord structure)"
        }
        "CoordStructGeoloc" => {
            "identifiant technique de la structure|latitude (coordonnees gps)|longitude (coordonnees gps)|\
             type de precision (coordonnees gps)|precision (coordonnees gps)"
        }
        "AdresseMSSante" => {
            "type identifiant pp|identifiant pp|identification nationale pp|type identifiant pm|identifiant de la structure|\
             identification nationale de la structure|adresse bal mssante"
        }
        _ => return Vec::new(),
    };
    columns.split('|').collect()
}
