-- Releases of the kiosks' system, and how they are brought to kiosks, a few
-- first.

-- A host lets this kiosk be among the first.
ALTER TABLE kiosk ADD COLUMN pilot BIGINT NOT NULL DEFAULT 0;

CREATE TABLE release (
	version TEXT PRIMARY KEY,
	minimum TEXT NOT NULL,
	arch TEXT NOT NULL,
	notes TEXT NOT NULL,
	size BIGINT NOT NULL,
	created BIGINT NOT NULL,
	added BIGINT NOT NULL
);

CREATE TABLE rollout (
	id TEXT PRIMARY KEY,
	version TEXT NOT NULL, -- a release's, which may be gone once it has ended
	by_person TEXT NOT NULL,
	created BIGINT NOT NULL,
	not_before BIGINT NOT NULL,
	stages TEXT NOT NULL, -- JSON
	enough BIGINT NOT NULL,
	stop_number BIGINT NOT NULL,
	stop_percent BIGINT NOT NULL,
	state TEXT NOT NULL,
	why TEXT NOT NULL,
	stage BIGINT NOT NULL,
	stage_at BIGINT NOT NULL,
	enough_at BIGINT NOT NULL,
	forgiven BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	ended BIGINT NOT NULL
);
-- One at a time is open.
CREATE UNIQUE INDEX rollout_open ON rollout (ended) WHERE ended = 0;

CREATE TABLE rollout_kiosk (
	rollout TEXT NOT NULL REFERENCES rollout (id),
	kiosk TEXT NOT NULL,
	structure TEXT NOT NULL,
	place BIGINT NOT NULL, -- in which order kiosks are taken
	stage BIGINT NOT NULL,
	phase TEXT NOT NULL,
	code TEXT NOT NULL,
	was TEXT NOT NULL, -- version
	attempt BIGINT NOT NULL, -- orders that were withdrawn or expired
	command TEXT NOT NULL, -- the order; '' before it
	cancel BIGINT NOT NULL, -- 1: the kiosk is to be told that an order is taken back
	said TEXT NOT NULL, -- JSON: what the kiosk said of updates when it was ordered
	looked BIGINT NOT NULL, -- state_seq of the kiosk that was looked at last
	ordered BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	PRIMARY KEY (rollout, kiosk)
) CLUSTERED;
CREATE INDEX rollout_kiosk_kiosk ON rollout_kiosk (kiosk);
CREATE INDEX rollout_kiosk_place ON rollout_kiosk (rollout, stage, place);
CREATE INDEX rollout_kiosk_cancel ON rollout_kiosk (kiosk) WHERE cancel = 1;
