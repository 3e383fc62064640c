-- Lines of the audit are never changed, and deleted up to the anchor only; the
-- anchor moves forward only, onto a line that is there.

CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_delete BEFORE DELETE ON audit
WHEN OLD.n > (SELECT n FROM audit_anchor WHERE id = 1)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_anchor_update BEFORE UPDATE ON audit_anchor
WHEN NEW.id <> OLD.id OR NEW.n <= OLD.n OR NOT EXISTS (SELECT 1 FROM audit WHERE n = NEW.n AND hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'the anchor of the audit moves onto its lines only'); END;

CREATE TRIGGER audit_anchor_delete BEFORE DELETE ON audit_anchor
BEGIN SELECT RAISE(ABORT, 'the audit has an anchor'); END;

CREATE TRIGGER audit_anchor_insert BEFORE INSERT ON audit_anchor
BEGIN SELECT RAISE(ABORT, 'the audit has an anchor'); END;
