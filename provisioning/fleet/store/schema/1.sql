-- Times are microseconds since 1970 UTC, 0 for none; texts are '' for none.
-- BYTES and CLUSTERED stand for what the two databases call differently.

CREATE TABLE structure (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	siret TEXT NOT NULL,
	zone TEXT NOT NULL, -- of its days; as in alerts, for joins
	revision BIGINT NOT NULL, -- of settings
	settings TEXT NOT NULL, -- JSON
	alerts TEXT NOT NULL, -- JSON
	created BIGINT NOT NULL
);
CREATE UNIQUE INDEX structure_siret ON structure (siret) WHERE siret <> '';

CREATE TABLE kiosk (
	id TEXT PRIMARY KEY,
	structure TEXT NOT NULL REFERENCES structure (id),
	label TEXT NOT NULL,
	public TEXT NOT NULL, -- its key
	next_public TEXT NOT NULL,
	next_expires BIGINT NOT NULL,
	enrolled BIGINT NOT NULL,
	renewed BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	epoch BIGINT NOT NULL, -- of the outbox that began last
	began BIGINT NOT NULL, -- that outbox
	state TEXT NOT NULL, -- JSON
	state_seq BIGINT NOT NULL, -- of the event in epoch that told it
	state_at BIGINT NOT NULL
);
CREATE INDEX kiosk_structure ON kiosk (structure);
CREATE UNIQUE INDEX kiosk_public ON kiosk (public);

CREATE TABLE revoked_key (
	public TEXT PRIMARY KEY,
	kiosk TEXT NOT NULL,
	at BIGINT NOT NULL,
	until BIGINT NOT NULL -- when its credential ends by itself
);

CREATE TABLE code (
	id TEXT PRIMARY KEY,
	hash TEXT NOT NULL UNIQUE,
	structure TEXT NOT NULL REFERENCES structure (id),
	label TEXT NOT NULL,
	replaces TEXT NOT NULL,
	by_person TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used BIGINT NOT NULL,
	kiosk TEXT NOT NULL
);
CREATE INDEX code_structure ON code (structure);

-- One outbox of a kiosk. Events up to mark were counted and pruned.
CREATE TABLE outbox (
	kiosk TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	began BIGINT NOT NULL, -- when it was first heard of
	mark BIGINT NOT NULL,
	PRIMARY KEY (kiosk, epoch)
);

-- What was counted already. The time is that of a slot: nothing here is finer.
CREATE TABLE event (
	kiosk TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	kind TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (kiosk, epoch, seq)
) CLUSTERED;

CREATE TABLE counter_slot (
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	slot BIGINT NOT NULL, -- its beginning
	counter TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (kiosk, slot, counter)
) CLUSTERED;

CREATE TABLE counter_day (
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	day TEXT NOT NULL, -- in the structure's zone
	counter TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (kiosk, day, counter)
) CLUSTERED;
CREATE INDEX counter_day_structure ON counter_day (structure, day);

CREATE TABLE command (
	id TEXT PRIMARY KEY,
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	body BYTES NOT NULL, -- as signed
	signature BYTES NOT NULL,
	by_person TEXT NOT NULL,
	issued BIGINT NOT NULL, -- s since 1970, as signed
	expires BIGINT NOT NULL, -- s since 1970, as signed
	status TEXT NOT NULL,
	code TEXT NOT NULL,
	changed BIGINT NOT NULL
);
CREATE INDEX command_kiosk ON command (kiosk, issued);

CREATE TABLE person (
	id TEXT PRIMARY KEY,
	structure TEXT NOT NULL, -- '' for the fleet's own
	name TEXT NOT NULL,
	email TEXT NOT NULL,
	role TEXT NOT NULL,
	lang TEXT NOT NULL,
	created BIGINT NOT NULL,
	disabled BIGINT NOT NULL,
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	confirmed BIGINT NOT NULL
);
CREATE INDEX person_structure ON person (structure);
CREATE UNIQUE INDEX person_email ON person (email) WHERE email <> '';
CREATE UNIQUE INDEX person_subject ON person (issuer, subject) WHERE subject <> '';

CREATE TABLE passkey (
	id BYTES PRIMARY KEY,
	person TEXT NOT NULL REFERENCES person (id),
	name TEXT NOT NULL,
	data BYTES NOT NULL,
	created BIGINT NOT NULL,
	used BIGINT NOT NULL
);
CREATE INDEX passkey_person ON passkey (person);

CREATE TABLE recovery (
	person TEXT NOT NULL REFERENCES person (id),
	hash TEXT NOT NULL,
	PRIMARY KEY (person, hash)
);

CREATE TABLE password (
	person TEXT PRIMARY KEY REFERENCES person (id),
	hash TEXT NOT NULL,
	totp BYTES NOT NULL,
	changed BIGINT NOT NULL
);

CREATE TABLE session (
	hash TEXT PRIMARY KEY,
	person TEXT NOT NULL REFERENCES person (id),
	created BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	proved BIGINT NOT NULL,
	method TEXT NOT NULL,
	address TEXT NOT NULL,
	hint BYTES NOT NULL
);
CREATE INDEX session_person ON session (person);

CREATE TABLE invitation (
	hash TEXT PRIMARY KEY,
	structure TEXT NOT NULL,
	email TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	person TEXT NOT NULL,
	password BIGINT NOT NULL,
	by_person TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used BIGINT NOT NULL
);

-- One-time things that were used.
CREATE TABLE spent (
	hash TEXT PRIMARY KEY,
	until BIGINT NOT NULL
);

CREATE TABLE audit (
	n BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	person TEXT NOT NULL,
	name TEXT NOT NULL,
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	action TEXT NOT NULL,
	detail TEXT NOT NULL,
	address TEXT NOT NULL,
	ok BIGINT NOT NULL,
	hash TEXT NOT NULL -- of the line and of the hash before
);
CREATE INDEX audit_structure ON audit (structure, n);

-- The last line that was pruned: the chain begins behind it.
CREATE TABLE audit_anchor (
	id BIGINT PRIMARY KEY,
	n BIGINT NOT NULL,
	hash TEXT NOT NULL
);
INSERT INTO audit_anchor (id, n, hash) VALUES (1, 0, '');
