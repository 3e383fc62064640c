-- Rows that the first version wrote.
CREATE TABLE schema (version BIGINT NOT NULL);
INSERT INTO schema (version) VALUES (1);
INSERT INTO structure (id, name, siret, zone, revision, settings, alerts, created)
	VALUES ('town', 'Mairie', '', '', 3, '{"revision":3,"place":{"name":"Mairie"},"quota":{}}', '{"Emails":null,"DigestAt":-1}', 1790000000000000);
INSERT INTO kiosk (id, structure, label, public, next_public, next_expires, enrolled, renewed, expires, revoked, seen, epoch, began, state, state_seq, state_at)
	VALUES ('k1', 'town', 'Hall', 'UKEY', '', 0, 1790000000000000, 1790000000000000, 1800000000000000, 0, 1790000040000000, 7, 1790000000000000, '{"version":"1","message":"Bonjour"}', 2, 1790000000000000);
INSERT INTO outbox (kiosk, epoch, began, mark) VALUES ('k1', 7, 1790000000000000, 2);
INSERT INTO event (kiosk, epoch, seq, kind, at) VALUES ('k1', 7, 3, 'counts', 1790000100000000), ('k1', 7, 4, 'counts', 1790000100000000);
INSERT INTO counter_slot (structure, kiosk, slot, counter, n) VALUES ('town', 'k1', 1789999200000000, 'pages', 12);
INSERT INTO counter_day (structure, kiosk, day, counter, n) VALUES ('town', 'k1', '2026-09-21', 'pages', 12);
INSERT INTO person (id, structure, name, email, role, lang, created, disabled, issuer, subject, confirmed)
	VALUES ('p1', 'town', 'A', 'a@example.org', 'admin', 'fr', 1790000000000000, 0, '', '', 1);
