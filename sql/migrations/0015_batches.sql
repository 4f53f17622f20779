-- Runs that were started together: one a cluster, under a name that people can say ("b7"). All runs of a batch are made in one
-- transaction, so that a starter that is killed leaves none out: tare run --resume --batch goes on with them.

create table tare.batch (
    id bigint generated always as identity primary key,
    name text not null generated always as ('b' || id::text) stored unique,
    created timestamptz not null,
    started_by text not null,
    program tare.short_text not null
);
create trigger batch_keep before update or delete on tare.batch for each row execute function tare.row_keep();
create trigger batch_keep_all before truncate on tare.batch for each statement execute function tare.row_keep();

-- Nobody puts a run into somebody else's batch; a rerun stays in that of its parent.
create function tare.run_batch() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.parent is not null then
        new.batch := (select batch from tare.run where id = new.parent);
    elsif not exists (select 1 from tare.batch where name = new.batch and started_by = session_user) then
        perform tare.fail('TA077', format('there is no batch %s that you started', left(new.batch, 80)), 'tare run');
    end if;
    return new;
end $$;
create trigger run_batch before insert on tare.run
    for each row when (new.batch is not null) execute function tare.run_batch();

-- Makes a batch and its runs, of [{"cluster","target","settings"}] in the order of the configuration: {"batch","runs":[ids]}.
create function tare.batch_begin(p_program text, p_runs jsonb, p_created timestamptz default null, p_schedule text default null)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_name text;
    v_run jsonb;
    v_id bigint;
    v_ids bigint[] := '{}';
begin
    perform tare.need_role('tare_operator', 'start runs');
    if p_runs is null or jsonb_typeof(p_runs) <> 'array' or jsonb_array_length(p_runs) not between 1 and 1000 then
        perform tare.fail('TA065', 'a batch has between 1 and 1000 runs');
    end if;
    if exists (select 1 from jsonb_array_elements(p_runs) r group by r ->> 'cluster' having count(*) > 1 or r ->> 'cluster' is null) then
        perform tare.fail('TA065', 'each run of a batch has a cluster of its own');
    end if;
    insert into tare.batch (created, started_by, program)
    values (date_trunc('second', tare.now()), session_user, p_program) returning name into v_name;
    for v_run in select r from jsonb_array_elements(p_runs) with ordinality x (r, n) order by n loop
        if p_schedule is null then
            v_id := tare.run_create(v_run ->> 'cluster', v_run ->> 'target', p_program, v_name, v_run -> 'settings', p_created);
        else
            v_id := tare.run_create(v_run ->> 'cluster', v_run ->> 'target', p_program, v_name, v_run -> 'settings', p_created,
                                    p_schedule);
        end if;
        v_ids := v_ids || v_id;
    end loop;
    perform tare.audit('batch.started', null, v_name,
        jsonb_build_object('runs', to_jsonb(v_ids), 'clusters', (select jsonb_agg(r ->> 'cluster' order by n)
                                                                 from jsonb_array_elements(p_runs) with ordinality x (r, n))));
    return jsonb_build_object('batch', v_name, 'runs', to_jsonb(v_ids));
end $$;

-- A batch is seen by who started it and by who sees a run of it; it says nothing of runs that are not seen.
alter table tare.batch enable row level security;
create policy seen on tare.batch for select using (
    started_by = session_user or exists (select 1 from tare.run r where r.batch = name));
revoke all on tare.batch from public;
grant select on tare.batch to tare_viewer;

revoke all on function tare.run_batch(), tare.batch_begin(text, jsonb, timestamptz, text) from public;
grant execute on function tare.batch_begin(text, jsonb, timestamptz, text) to tare_viewer;
