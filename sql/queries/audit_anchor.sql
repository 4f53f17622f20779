-- The end of the audit chain.
select ledger, "position", digest, at from tare.audit_anchor()
