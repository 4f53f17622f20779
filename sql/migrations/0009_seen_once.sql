-- Flat rows of runs are read by the hundred thousand for lists and trends, and asking for each whether the login sees its
-- namespace was nearly all of the time. A login that is narrowed to no namespace sees them all: that is asked once a query.

alter policy seen on tare.result using (
    not exists (select 1 from tare.login_namespace m where m.login = session_user)
    or tare.sees_namespace(cluster, namespace));
alter policy seen on tare.plan_requirement using (
    not exists (select 1 from tare.login_namespace m where m.login = session_user)
    or tare.sees_namespace(cluster, namespace));
