//! What people call the made-up desk about: the four families of requests, in English and French.

use guichet_schemas::words::{ResolutionCode, TicketType};

use super::cast::{BILLING, CONNECTIVITY_DESK, Group, HR, SALES, SERVICE_DESK};

/// A kind of request.
pub(super) struct Topic {
    pub(super) category: &'static str,
    pub(super) desk: &'static Group,
    pub(super) kind: TicketType,
    pub(super) code: ResolutionCode,
    pub(super) tag: &'static str,
    /// How often it comes, compared with the others.
    pub(super) weight: u32,
    pub(super) english: Words,
    pub(super) french: Option<Words>,
}

/// The texts of a topic in one language.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) subject: &'static str,
    pub(super) description: &'static str,
    /// The agent's question, and the requester's answer.
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    /// The agent's finding, for colleagues.
    pub(super) finding: &'static str,
    pub(super) solution: &'static str,
}

/// `english; french` of the six texts, in the order of [`Words`].
macro_rules! topics {
    ($($category:literal $desk:ident $kind:ident $code:ident $tag:literal $weight:literal
        { $s:literal, $d:literal, $q:literal, $a:literal, $f:literal, $e:literal }
        $({ $sf:literal, $df:literal, $qf:literal, $af:literal, $ff:literal, $ef:literal })?;)*) => {
        pub(super) static TOPICS: &[Topic] = &[$(Topic {
            category: $category, desk: &$desk, kind: TicketType::$kind, code: ResolutionCode::$code, tag: $tag, weight: $weight,
            english: Words { subject: $s, description: $d, question: $q, answer: $a, finding: $f, solution: $e },
            french: topics!(@ $({ $sf, $df, $qf, $af, $ff, $ef })?),
        },)*];
    };
    (@) => { None };
    (@ { $s:literal, $d:literal, $q:literal, $a:literal, $f:literal, $e:literal }) => {
        Some(Words { subject: $s, description: $d, question: $q, answer: $a, finding: $f, solution: $e })
    };
}

topics! {
    "technical/network" CONNECTIVITY_DESK Incident Configuration "vpn" 9
        { "VPN drops every few minutes", "Since this morning the VPN drops every ten minutes. I have to sign in again each time.\n\nLaptop LT-2210, Windows 11, from home.", "Could you send me the log of the VPN client? It is under Help > Save log.", "Here it is. It says “certificate expired” a few times.", "Client log: certificate of the old profile expired on the 1st. Other users of that profile should see the same.", "Removed the old VPN profile and installed the new one; the connection has been stable since." }
        { "Le VPN se coupe sans arrêt", "Depuis ce matin le VPN se coupe toutes les dix minutes et je dois me reconnecter à chaque fois.\n\nPortable LT-2210, Windows 11, depuis chez moi.", "Pouvez-vous m’envoyer le journal du client VPN (Aide > Enregistrer le journal) ?", "Le voici. On y lit plusieurs fois « certificat expiré ».", "Journal du client : certificat de l’ancien profil expiré le 1er.", "Ancien profil VPN supprimé, nouveau profil installé ; la connexion est stable depuis." };
    "technical/network" CONNECTIVITY_DESK Incident Defect "wifi" 6
        { "No Wi-Fi in meeting room 3", "Nobody gets onto the Wi-Fi in meeting room 3. It works in the corridor.", "Is the light of the access point on the ceiling green or orange?", "It blinks orange.", "Access point AP-3-07 restarts every 40 s, PoE budget of the switch exceeded.", "Replaced the access point and moved it to another port of the switch." };
    "technical/bugs" SERVICE_DESK Incident Defect "orders-app" 8
        { "Order list shows an error", "When I open the list of orders I get “unexpected error 17”. Other pages work.", "Does it also happen in a private window of the browser?", "Yes, the same error, and for my colleague as well.", "Reproduced with an order whose delivery date is empty. Reported to the vendor.", "The vendor has shipped version 4.2.1, which opens orders without a delivery date." }
        { "La liste des commandes affiche une erreur", "Quand j’ouvre la liste des commandes, j’obtiens « erreur inattendue 17 ». Les autres pages fonctionnent.", "Est-ce aussi le cas dans une fenêtre privée du navigateur ?", "Oui, la même erreur, et chez ma collègue également.", "Reproduit avec une commande sans date de livraison. Signalé à l’éditeur.", "L’éditeur a livré la version 4.2.1, qui ouvre les commandes sans date de livraison." };
    "technical/bugs" SERVICE_DESK Incident Workaround "spreadsheet" 5
        { "Export to spreadsheet is empty", "The export of the stock report gives a file with headers and no rows.", "Which filters do you set before you export?", "Warehouse South, all articles, the whole year.", "More than 65,536 rows: the old format cannot hold them and the export says nothing.", "Exporting as CSV works; the format will be changed with the next release." };
    "technical/installation" SERVICE_DESK ServiceRequest Access "software" 8
        { "Please install the drawing tool", "I need the drawing tool on my laptop for the new project, starting next week.", "Which laptop is it, and has your team lead agreed to the licence?", "LT-{n}, and yes, she is in copy.", "Licence available, package ready in the software centre.", "Assigned the licence; the tool is in the software centre of the laptop." }
        { "Installation de l’outil de dessin", "J’ai besoin de l’outil de dessin sur mon portable pour le nouveau projet, dès la semaine prochaine.", "Quel est le portable, et votre responsable a-t-elle validé la licence ?", "LT-{n}, et oui, elle est en copie.", "Licence disponible, paquet prêt dans le centre logiciel.", "Licence attribuée ; l’outil est dans le centre logiciel du portable." };
    "technical/installation" SERVICE_DESK Incident UserEducation "account" 10
        { "Cannot sign in after the holidays", "My password is refused although I am sure that it is right. Now the account is locked.", "When did you last change it? It ends after 90 days.", "I think in summer, so that must be it.", "Password ended, account locked after five attempts.", "Unlocked the account and showed how to set a new password before the old one ends." }
        { "Impossible de me connecter après les congés", "Mon mot de passe est refusé alors que je suis sûre de moi. Le compte est maintenant bloqué.", "Quand l’avez-vous changé la dernière fois ? Il expire après 90 jours.", "Cet été je crois, ce doit être cela.", "Mot de passe expiré, compte bloqué après cinq essais.", "Compte débloqué, procédure de changement de mot de passe expliquée." };
    "technical/data-recovery" SERVICE_DESK Incident Other "backup" 4
        { "Deleted a folder by mistake", "I deleted the folder “Tenders {n}” on the team drive. It was there yesterday evening.", "Do you remember about when you deleted it?", "Between 9 and 10 this morning.", "Snapshot of 08:00 holds the folder, 214 files.", "Restored the folder from the snapshot of 08:00; nothing is missing." };
    "technical/diagnosis" CONNECTIVITY_DESK Alert ThirdParty "monitoring" 4
        { "Disk of srv-{n} is 92 % full", "Threshold of 90 % exceeded for 15 minutes on srv-{n}:/var.", "Is the nightly export still written to this volume?", "Yes, since the move in October.", "Old exports are never deleted; 41 GB in /var/exports.", "Deleted exports older than 30 days and added a clean-up rule." };
    "technical/diagnosis" SERVICE_DESK Incident CannotReproduce "slow" 5
        { "Computer is slow in the afternoon", "Every afternoon my computer gets so slow that I cannot work. Restarting helps for an hour.", "May I look at it remotely today at 15:00?", "Yes, please do.", "Watched it for an hour: nothing above 40 % of CPU, memory or disk. Updated the drivers anyway.", "Not seen again after the update of the drivers; please write if it comes back." };
    "technical/diagnosis" SERVICE_DESK Incident Defect "printer" 7
        { "Printer on the first floor jams", "The printer near the stairs jams with every second page.", "Is it the upper or the lower tray?", "The lower one.", "Rollers of tray 2 worn, 180,000 pages.", "Replaced the rollers of the lower tray." }
        { "L’imprimante du premier étage bourre", "L’imprimante près de l’escalier bourre une page sur deux.", "Est-ce le bac du haut ou celui du bas ?", "Celui du bas.", "Galets du bac 2 usés, 180 000 pages.", "Galets du bac du bas remplacés." };
    "billing/invoice" BILLING Question Other "invoice" 8
        { "Wrong address on invoice {n}", "Invoice {n} still shows our old address. Our accounts department sends it back.", "Could you confirm the new address, please?", "12 quai des Lices, 34200 Sète.", "Address in the customer file is of 2021.", "Corrected the address and sent the invoice again." }
        { "Mauvaise adresse sur la facture {n}", "La facture {n} porte encore notre ancienne adresse, notre comptabilité la refuse.", "Pouvez-vous confirmer la nouvelle adresse ?", "12 quai des Lices, 34200 Sète.", "Adresse de 2021 dans la fiche client.", "Adresse corrigée, facture renvoyée." };
    "billing/refund" BILLING Complaint ThirdParty "refund" 5
        { "Charged twice in October", "Our card was charged twice for October. Please refund one of the payments.", "Could you send the statement of the bank with both charges?", "Attached. Both are of the 3rd.", "Two captures with the same reference; the bank confirms in two to three working days.", "The bank has reversed the second charge." }
        { "Débités deux fois en octobre", "Notre carte a été débitée deux fois pour octobre. Merci de rembourser l’un des paiements.", "Pouvez-vous nous envoyer le relevé avec les deux débits ?", "Ci-joint. Les deux sont du 3.", "Deux captures de même référence ; la banque confirme sous trois jours ouvrés.", "La banque a annulé le second débit." };
    "billing/plan" BILLING ServiceRequest Other "subscription" 5
        { "Change from 20 to 25 seats", "We have hired people and need 25 seats from the first of next month.", "Shall the change be pro rata or from the next period?", "From the next period, please.", "Contract allows it; offer for 25 seats prepared.", "Changed the contract to 25 seats from the next period." };
    "billing/payment-status" BILLING Question UserEducation "payment" 4
        { "Has our transfer arrived?", "We paid invoice {n} ten days ago and have received a reminder.", "Which reference did you give in the transfer?", "The customer number, I think.", "Payment was booked on the customer account without an invoice.", "Matched the payment to the invoice; the reminder is withdrawn." };
    "billing/advice" BILLING Question UserEducation "sepa" 2
        { "Can we pay by direct debit?", "Is it possible to pay by direct debit instead of by transfer?", "Which bank do you use, and who signs?", "Caisse du Midi, our director signs.", "Form for the mandate is in the portal.", "Sent the mandate; direct debit starts with the next invoice." };
    "sales/features" SALES Question UserEducation "prospect" 4
        { "Does the product work offline?", "We work on ships without a connection for days. Does the product work offline?", "How many people would work at once on one ship?", "Six, on two tablets.", "Edition with local server fits.", "Explained the edition with a local server and sent the brochure." };
    "sales/quote" SALES ServiceRequest Other "quote" 4
        { "Quote for 60 users", "Please send us a quote for 60 users over three years, with training.", "Would you like the training on site or remote?", "On site, two days.", "Discount of the frame contract applies.", "Sent the quote, valid for 30 days." }
        { "Devis pour 60 utilisateurs", "Merci de nous envoyer un devis pour 60 utilisateurs sur trois ans, formation comprise.", "Souhaitez-vous la formation sur site ou à distance ?", "Sur site, deux jours.", "La remise du contrat-cadre s’applique.", "Devis envoyé, valable 30 jours." };
    "sales/order" SALES Question ThirdParty "delivery" 4
        { "Where is our order?", "Order {n} should have arrived on Monday. The tracking page shows nothing.", "Did the carrier leave a card?", "No, nothing.", "Parcel is at the carrier’s depot, address label torn.", "The carrier has delivered it with a new label." };
    "sales/feedback" SALES Complaint Other "feedback" 2
        { "Training was too fast", "The training last week was too fast for half of the team.", "Which parts should we repeat?", "Reports and the calendar.", "Trainer agrees, half a day is enough.", "Agreed on another half day at no cost." };
    "hr/onboarding" HR Task Access "newcomer" 5
        { "Newcomer on the 1st: badge and laptop", "A new colleague starts on the 1st in the team of logistics. Badge, laptop and accounts, please.", "Which office will it be?", "Building B, second floor.", "Laptop ordered, five working days.", "Badge, laptop and accounts are ready at the front desk." }
        { "Arrivée le 1er : badge et portable", "Une nouvelle collègue arrive le 1er à la logistique. Badge, portable et comptes, merci.", "Dans quel bureau ?", "Bâtiment B, deuxième étage.", "Portable commandé, cinq jours ouvrés.", "Badge, portable et comptes sont prêts à l’accueil." };
    "hr/policy" HR Question UserEducation "leave" 4
        { "How many days may I carry over?", "How many days of leave may I carry over into the next year?", "Are you full time?", "80 %.", "Five days, pro rata four, until 31 March.", "Four days until 31 March; the rule stands on page 12 of the handbook." };
    "hr/development" HR ServiceRequest Other "training" 3
        { "Request for a language course", "I would like to take the Spanish course in spring.", "Has your team lead agreed?", "Yes, see below.", "Budget is there, two places left.", "Booked; the invitation follows in January." };
    "hr/resources" HR ServiceRequest Other "office" 3
        { "Chair for a bad back", "My doctor recommends another chair. What do I have to do?", "Could you bring the certificate to the health service?", "Done this morning.", "Catalogue item 4471, two weeks.", "The chair has been delivered." };
    "hr/conflict" HR Complaint Other "confidential" 1
        { "Confidential: a talk, please", "I would like to talk to somebody about the mood in my team, not in writing.", "Would Thursday at 10:00 suit you?", "Yes.", "Talk on Thursday; nothing in writing, as asked.", "The talk took place; a second one is agreed." };
}

/// The report that everybody makes while the line is down.
pub(super) static OUTAGE: Topic = Topic {
    category: "technical/network",
    desk: &CONNECTIVITY_DESK,
    kind: TicketType::Incident,
    code: ResolutionCode::ThirdParty,
    tag: "outage",
    weight: 0,
    english: Words {
        subject: "Nothing works: no internet, no telephone",
        description: "For some minutes nothing has worked here: no internet, no telephone, no shared drives.",
        question: "Is it the whole floor or only your desk?",
        answer: "Everybody on the floor.",
        finding: "Line of the provider is down at the main site; see the first ticket of the outage.",
        solution: "The provider has repaired the line; all services are back.",
    },
    french: Some(Words {
        subject: "Plus rien ne marche : ni internet ni téléphone",
        description: "Depuis quelques minutes plus rien ne marche : ni internet, ni téléphone, ni les partages.",
        question: "Est-ce tout l’étage ou seulement votre poste ?",
        answer: "Tout l’étage.",
        finding: "La ligne de l’opérateur est coupée sur le site principal ; voir le premier ticket de la panne.",
        solution: "L’opérateur a réparé la ligne ; tous les services sont revenus.",
    }),
};

/// Phrases of every conversation.
pub(super) struct Phrases {
    pub(super) code: &'static str,
    pub(super) first_replies: &'static [&'static str],
    pub(super) reminder: &'static str,
    pub(super) solved: &'static [&'static str],
    pub(super) not_solved: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
}

pub(super) static ENGLISH: Phrases = Phrases {
    code: "en",
    first_replies: &[
        "Hello, thank you for writing. I am looking into it and will come back to you today.",
        "Good morning, I have taken your request and will have a look right away.",
        "Thank you for the details. I will check this with my colleagues.",
    ],
    reminder: "We still need your answer to go on. Could you have a look, please?",
    solved: &["This should be solved now:", "Good news:", "I have finished this for you:"],
    not_solved: &[
        "I am sorry, it is back since this morning.",
        "It worked for a day, now it is the same again.",
        "Thank you, but it is not solved for me.",
    ],
    thanks: &["Thank you, that was quick!", "Perfect, thanks.", "It works again, many thanks."],
};

pub(super) static FRENCH: Phrases = Phrases {
    code: "fr",
    first_replies: &[
        "Bonjour, merci pour votre message. Je m’en occupe et je reviens vers vous aujourd’hui.",
        "Bonjour, j’ai pris votre demande et je regarde tout de suite.",
        "Merci pour ces précisions. Je vérifie avec mes collègues.",
    ],
    reminder: "Nous avons encore besoin de votre réponse pour avancer. Pouvez-vous regarder ?",
    solved: &["C’est réglé :", "Bonne nouvelle :", "J’ai terminé :"],
    not_solved: &[
        "Désolée, le problème est revenu ce matin.",
        "Cela a marché un jour, et c’est de nouveau pareil.",
        "Merci, mais chez moi ce n’est pas réglé.",
    ],
    thanks: &["Merci, c’était rapide !", "Parfait, merci.", "Cela remarche, merci beaucoup."],
};
