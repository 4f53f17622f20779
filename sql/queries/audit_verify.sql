-- The verdict over the chain.
select intact, events, broken_at, head, message from tare.audit_verify()
