package sample

// rentCertificate is a landlord's certificate for a housing allowance.
func rentCertificate(c *canvas) {
	stateHeader(c, "CAISSE D’ALLOCATIONS FICTIVES", "Service du logement")
	c.center(105, 58, 20, bold, black, "ATTESTATION DE LOYER")
	c.center(105, 66, 10, sans, gray, "Document de démonstration – SPÉCIMEN – aucune valeur")
	y := field(c, 82, "Nom et prénom du bailleur", "DUPONT-MODÈLE Gérard")
	y = field(c, y, "Adresse du bailleur", "12, allée des Érables, 00000 EXEMPLE-SUR-MER")
	y = field(c, y, "Nom et prénom du locataire", "SPÉCIMEN Hélène Françoise")
	y = field(c, y, "Adresse du logement", "3 bis, rue de l’Échantillon, 2e étage")
	y = field(c, y, "Date d’entrée dans les lieux", "1er février 2024")
	y = c.table(y+3, []float64{20, 130, 190}, 8.5, 10.5, []row{
		{"Loyer du mois de juillet 2026", "Montant"},
		{"Loyer principal, sans les charges", "462,50 €"},
		{"Charges locatives (eau, chauffage, ordures ménagères)", "87,30 €"},
		{"Total dû par le locataire", "549,80 €"},
	})
	box(c, 20, y+9, true, "Le locataire est à jour de ses loyers")
	box(c, 20, y+17, false, "Le logement est occupé en colocation")
	y = c.paragraph(20, y+31, 170, 10.5, sans, "Je soussigné, bailleur du logement désigné ci-dessus, certifie exacts les renseignements portés sur cette attestation. La loi punit quiconque se rend coupable de fausses déclarations.")
	c.text(20, y+4, 10.5, sans, black, "Fait à Exemple-sur-Mer, le 21 août 2026")
	c.text(125, y+4, 10.5, sans, black, "Signature du bailleur :")
	signature(c, 128, y+20, 48, 11)
	stamp(c, 62, y+27, red, "GESTION LOCATIVE", "SPÉCIMEN", "Exemple-sur-Mer")
}

// taxNotice is a tax notice with a table of amounts.
func taxNotice(c *canvas) {
	stateHeader(c, "DIRECTION DES FINANCES INVENTÉES", "Centre des impôts de démonstration")
	c.text(20, 58, 17, bold, navy, "AVIS D’IMPÔT 2026")
	c.text(20, 65, 11, sans, black, "Impôt sur les revenus de l’année 2025 – SPÉCIMEN")
	c.frame(118, 70, 195, 100, 0.3, gray)
	for i, line := range []string{"MME SPÉCIMEN HÉLÈNE", "3 BIS RUE DE L’ÉCHANTILLON", "00000 EXEMPLE-SUR-MER"} {
		c.text(122, 79+7*float64(i), 11, mono, black, line)
	}
	y := 78.0
	for _, l := range [][2]string{{"Numéro fiscal", "00 00 000 000 000"}, {"Référence de l’avis", "26 00 0000000 00"}, {"Date d’établissement", "17/07/2026"}} {
		c.text(20, y, 9.5, sans, gray, l[0])
		c.text(58, y, 9.5, mono, black, l[1])
		y += 7
	}
	y = c.table(112, []float64{20, 110, 150, 190}, 8, 10, []row{
		{"Détail des revenus", "Déclarant 1", "Total"},
		{"Salaires", "14 820", "14 820 €"},
		{"Déduction de 10 %", "– 1 482", "– 1 482 €"},
		{"Salaires nets imposables", "13 338", "13 338 €"},
		{"Revenu brut global", "", "13 338 €"},
		{"Revenu fiscal de référence", "", "13 338 €"},
		{"Nombre de parts", "", "1,50"},
		{"Impôt sur les revenus soumis au barème", "", "0 €"},
	})
	c.fill(20, y+6, 190, y+18, pale)
	c.text(24, y+14, 13, bold, black, "Vous n’avez rien à payer")
	c.right(186, y+14, 13, bold, black, "0,00 €")
	y = c.paragraph(20, y+28, 170, 9.5, sans, "Cet avis est un exemple. Conservez l’original : il peut vous être demandé pour prouver vos ressources auprès d’un organisme (crèche, cantine, logement social). Vous ne recevez pas d’autre justificatif.")
	c.paragraph(20, y+1, 170, 9.5, sans, "Pour toute question, présentez-vous à l’accueil de votre centre, muni d’une pièce d’identité.")
	stamp(c, 160, 238, pen, "FINANCES INVENTÉES", "SPÉCIMEN", "17 JUIL. 2026")
}

// bankDetails is the statement of a bank account that people hand in to be
// paid. The numbers are all zeros with check digits that are wrong.
func bankDetails(c *canvas) {
	c.fill(15, 15, 195, 30, navy)
	c.text(20, 25, 17, bold, pale, "BANQUE DE DÉMONSTRATION")
	c.center(105, 48, 17, bold, black, "RELEVÉ D’IDENTITÉ BANCAIRE")
	c.center(105, 55, 10, sans, gray, "SPÉCIMEN – compte inexistant")
	y := field(c, 70, "Titulaire du compte", "Mme SPÉCIMEN Hélène Françoise")
	y = field(c, y, "Domiciliation", "EXEMPLE-SUR-MER CENTRE")
	y = c.table(y+4, []float64{20, 58, 96, 158, 190}, 9, 11, []row{
		{"Code banque", "Code guichet", "Numéro de compte", "Clé RIB"},
		{"00000", "00000", "0000000000X", "00"},
	})
	c.text(20, y+12, 10, sans, gray, "IBAN (numéro de compte international)")
	c.frame(20, y+15, 190, y+27, 0.3, black)
	c.text(25, y+23.5, 15, mono, black, "FR00 0000 0000 0000 0000 000X 000")
	c.text(20, y+37, 10, sans, gray, "BIC (identifiant de la banque)")
	c.frame(20, y+40, 90, y+52, 0.3, black)
	c.text(25, y+48.5, 15, mono, black, "SPECFRPPXXX")
	y = c.paragraph(20, y+66, 170, 10.5, serif, "Ce relevé est destiné à être remis, sur leur demande, à vos créanciers ou débiteurs appelés à faire inscrire des opérations à votre compte : virements, paiement de quittances, prélèvements, etc.")
	y = c.paragraph(20, y+2, 170, 10.5, serif, "Son utilisation vous garantit le bon enregistrement des opérations en cause et vous évite ainsi des réclamations pour erreurs ou retards d’imputation.")
	c.text(20, y+6, 10.5, sans, black, "Édité le 3 septembre 2026")
	stamp(c, 150, y+24, pen, "BANQUE DE DÉMO", "SPÉCIMEN", "AGENCE 00000")
}

// letter is a letter of an office, most of it prose.
func letter(c *canvas) {
	stateHeader(c, "MAIRIE D’EXEMPLE-SUR-MER", "Centre communal d’action sociale")
	for i, line := range []string{"Madame Hélène SPÉCIMEN", "3 bis, rue de l’Échantillon", "00000 EXEMPLE-SUR-MER"} {
		c.text(115, 58+6*float64(i), 11, serif, black, line)
	}
	c.text(115, 84, 11, serif, black, "Exemple-sur-Mer, le 9 octobre 2026")
	c.text(20, 96, 11, bold, black, "Objet : pièces manquantes à votre dossier (SPÉCIMEN)")
	y := c.paragraph(20, 108, 170, 11, serif, "Madame,")
	for _, text := range []string{
		"Nous avons bien reçu votre demande d’aide aux frais de chauffage, enregistrée sous le numéro 0000-2026, et nous vous en remercions. Après étude, il apparaît que votre dossier n’est pas complet.",
		"Afin de poursuivre l’instruction, nous vous prions de bien vouloir nous adresser, avant le 30 octobre 2026, la copie de votre dernier avis d’imposition, une attestation de loyer datée de moins de trois mois et un relevé d’identité bancaire.",
		"Vous pouvez déposer ces pièces en ligne ou les faire numériser à la borne de l’accueil, où un agent vous aidera si vous le souhaitez. Aucun original ne sera conservé.",
		"Sans réponse de votre part à cette date, votre demande sera classée sans suite. Elle pourra être renouvelée à tout moment.",
		"Nous vous prions d’agréer, Madame, l’expression de nos salutations distinguées.",
	} {
		y = c.paragraph(20, y+3, 170, 11, serif, text)
	}
	c.text(120, y+8, 11, serif, black, "La responsable du service,")
	signature(c, 125, y+22, 50, 12)
	stamp(c, 60, min(y+24, 244), pen, "MAIRIE D’EXEMPLE", "SPÉCIMEN", "SERVICE SOCIAL")
}

// stateHeader is the head of an office's paper.
func stateHeader(c *canvas, office, service string) {
	c.fill(20, 15, 24, 33, navy)
	c.fill(26, 15, 30, 33, red)
	c.text(36, 22, 13, bold, black, office)
	c.text(36, 29, 10.5, sans, gray, service)
	c.rule(20, 40, 190, 40, 0.4, navy)
}

// field is a label and its value on a line; it returns where the next goes.
func field(c *canvas, y float64, label, value string) float64 {
	c.text(20, y, 9.5, sans, gray, label)
	c.text(80, y, 11.5, mono, black, value)
	c.rule(80, y+1.8, 190, y+1.8, 0.2, gray)
	return y + 10
}

// box is a square to tick, and what it stands for.
func box(c *canvas, x, y float64, ticked bool, label string) {
	c.frame(x, y-3.6, x+4, y+0.4, 0.3, black)
	if ticked {
		c.text(x+0.5, y, 11, bold, pen, "X")
	}
	c.text(x+7, y, 10.5, sans, black, label)
}
