-- Rows that the second version wrote, besides those of the first.
DELETE FROM schema;
INSERT INTO schema (version) VALUES (2);
INSERT INTO counter_month (structure, kiosk, month, counter, n) VALUES ('town', 'k1', '2025-01', 'pages', 3);
INSERT INTO alert (id, structure, kiosk, name, code, since, told, ended)
	VALUES ('old', 'town', 'k1', 'offline', '', 1790000000000000, 1790000001000000, 1790000002000000);
INSERT INTO notice (id, structure, channel, addressee, subject, body, created, due, tries, why, done)
	VALUES ('n1', 'town', 'email', 'a@example.org', 'S', 'B', 1790000000000000, 1790000000000000, 0, '', 0);
