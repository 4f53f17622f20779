-- Calendars that belong to the stored policy. What a window of it is comes from here, never from the disk of whoever runs tare.

alter table tare.policy add column files jsonb not null default '{}'
    check (jsonb_typeof(files) = 'object');

-- Without calendars the digest is that of the policy alone, as it was before there were any.
drop function tare.policy_set(text, text);
create function tare.policy_set(p_source text, p_body text, p_files text default '{}') returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_files jsonb;
    v_digest text;
begin
    perform tare.need_role('tare_admin', 'store the policy');
    if jsonb_typeof(p_body::jsonb) <> 'object' then
        perform tare.fail('TA065', 'a policy is a JSON object');
    end if;
    v_files := coalesce(p_files, '{}')::jsonb;
    if jsonb_typeof(v_files) <> 'object' or exists (
        select 1 from jsonb_each(v_files) f where jsonb_typeof(f.value) <> 'string') then
        perform tare.fail('TA065', 'the calendars of a policy are texts by name');
    end if;
    if (select sum(octet_length(f.value)) > 1048576 or count(*) > 1000 from jsonb_each_text(v_files) f) then
        perform tare.fail('TA065', 'the calendars of a policy have more than 1 MiB together');
    end if;
    v_digest := encode(sha256(convert_to(
        p_body || case when v_files = '{}' then '' else E'\n' || v_files::text end, 'UTF8')), 'hex');
    insert into tare.policy (digest, source, body, files, set_by, set_at)
    values (v_digest, p_source, p_body, v_files, session_user, tare.now());
    perform tare.audit('policy.set', null, v_digest, case when v_files = '{}' then '{}' else jsonb_build_object(
        'calendars', (select jsonb_object_agg(f.key, encode(sha256(convert_to(f.value, 'UTF8')), 'hex'))
                      from jsonb_each_text(v_files) f)) end);
    return v_digest;
end $$;

revoke all on function tare.policy_set(text, text, text) from public;
grant execute on function tare.policy_set(text, text, text) to tare_viewer;
