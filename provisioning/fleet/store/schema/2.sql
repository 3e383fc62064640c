-- Alerts, the outbox of notices, months of counts, copies of kiosks, and when
-- kiosks were heard.

ALTER TABLE kiosk ADD COLUMN copied BIGINT NOT NULL DEFAULT 0;

-- When kiosks were last heard changes each minute: it leaves their long rows,
-- which databases write anew with each change.
CREATE TABLE heard (
	kiosk TEXT PRIMARY KEY,
	at BIGINT NOT NULL
) CLUSTERED;
INSERT INTO heard (kiosk, at) SELECT id, seen FROM kiosk WHERE seen > 0;
ALTER TABLE kiosk DROP COLUMN seen;

CREATE TABLE counter_month (
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	month TEXT NOT NULL,
	counter TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (kiosk, month, counter)
) CLUSTERED;
CREATE INDEX counter_month_structure ON counter_month (structure, month);

CREATE TABLE alert (
	id TEXT PRIMARY KEY,
	structure TEXT NOT NULL,
	kiosk TEXT NOT NULL,
	name TEXT NOT NULL,
	code TEXT NOT NULL,
	since BIGINT NOT NULL,
	told BIGINT NOT NULL,
	ended BIGINT NOT NULL
);
CREATE UNIQUE INDEX alert_open ON alert (structure, kiosk, name) WHERE ended = 0;
CREATE INDEX alert_structure ON alert (structure, since);

CREATE TABLE notice (
	id TEXT PRIMARY KEY,
	structure TEXT NOT NULL,
	channel TEXT NOT NULL,
	addressee TEXT NOT NULL,
	subject TEXT NOT NULL,
	body TEXT NOT NULL,
	created BIGINT NOT NULL,
	due BIGINT NOT NULL,
	tries BIGINT NOT NULL,
	why TEXT NOT NULL,
	done BIGINT NOT NULL
);
CREATE INDEX notice_due ON notice (due) WHERE done = 0;
