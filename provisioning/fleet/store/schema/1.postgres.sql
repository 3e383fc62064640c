-- Lines of the audit are never changed, and deleted up to the anchor only; the
-- anchor moves forward only, onto a line that is there.

CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_TABLE_NAME = 'audit' AND TG_OP = 'DELETE' THEN
		IF OLD.n <= (SELECT n FROM audit_anchor WHERE id = 1) THEN
			RETURN OLD;
		END IF;
	ELSIF TG_TABLE_NAME = 'audit_anchor' AND TG_OP = 'UPDATE' THEN
		IF NEW.id = OLD.id AND NEW.n > OLD.n AND EXISTS (SELECT 1 FROM audit WHERE n = NEW.n AND hash = NEW.hash) THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION 'the audit is append-only';
END $$;

CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_anchor_rows BEFORE INSERT OR UPDATE OR DELETE ON audit_anchor FOR EACH ROW EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_anchor_all BEFORE TRUNCATE ON audit_anchor FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();
