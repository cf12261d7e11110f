-- The figures of the Order Hub's pages, worked out again of nothing but what `appmill export-events` wrote.
--
-- First, what happened is put together to records as they are at the end, in the fields that people and rules filled
-- in. What the application works out itself (sums over other records, rates, lead times, visits to states) is worked
-- out here a second time. Only who had a record in a state, and by when it was due there, is read from stays.jsonl:
-- events say who acted, not whose it was. Amounts of orders and lines are those of the events.
--
-- Then every part below a line `-- page: label of the card` answers (key, value) for that card; figures.py says the
-- keys. Arithmetic is exact: whole numbers and decimals, no binary fractions.

CREATE MACRO today() AS getvariable('today')::DATE;
CREATE MACRO month_of(day) AS date_trunc('month', day)::DATE;
CREATE MACRO quarter_of(day) AS date_trunc('quarter', day)::DATE;
CREATE MACRO week_of(day) AS date_trunc('week', day)::DATE;
CREATE MACRO months_later(day, n) AS (day + n * INTERVAL 1 MONTH)::DATE;
CREATE MACRO day_of(moment) AS (moment + INTERVAL 8 HOUR)::DATE;  -- a moment is in UTC, a day in Shanghai
CREATE MACRO midnight(day) AS day::TIMESTAMP - INTERVAL 8 HOUR;
CREATE MACRO months_between(early, late) AS
    ((year(late) - year(early)) * 12 + month(late) - month(early))::INTEGER;

-- over / under as so many of the last digit (scale 10: one digit after the point): halves away from zero, as computed
-- fields do it, or to the even digit, as cards do it.
CREATE MACRO half_up(over, under, scale) AS
    (CASE WHEN over < 0 THEN -1 ELSE 1 END) * ((abs(over) * scale * 2 + under) // (under * 2));
CREATE MACRO half_even(over, under, scale) AS half_up(over, under, scale)
    - CASE WHEN (abs(over) * scale * 2) % (under * 2) = under AND half_up(over, under, scale) % 2 <> 0
        THEN (CASE WHEN over < 0 THEN -1 ELSE 1 END) ELSE 0 END;
CREATE MACRO tenths(n) AS n::DECIMAL(30, 0) * 0.1::DECIMAL(2, 1);
CREATE MACRO hundredths(n) AS n::DECIMAL(30, 0) * 0.01::DECIMAL(3, 2);
CREATE MACRO units(x) AS (x::DECIMAL(28, 4) * 10000)::HUGEINT;  -- a decimal as a whole number
CREATE MACRO mean(total, n) AS
    CASE WHEN n > 0 THEN hundredths(half_even(units(total), n::HUGEINT * 10000, 100)) END;
-- over / under seconds as people read them
CREATE MACRO length_of(over, under) AS
    CASE WHEN over >= 172800 * under THEN tenths(half_even(over, under * 86400, 10)) || ' d'
         WHEN over >= 7200 * under THEN tenths(half_even(over, under * 3600, 10)) || ' h'
         ELSE half_even(over, under * 60, 1) || ' min' END;

-- what happened ---------------------------------------------------------------------------------------------------

CREATE TABLE event AS
SELECT id, "at" AS happened_at, form, record_id, kind, to_state, changes FROM read_json(getvariable('folder') || '/events.jsonl', format = 'newline_delimited', columns = {
    'id': 'BIGINT', 'at': 'TIMESTAMP', 'form': 'VARCHAR', 'record_id': 'BIGINT', 'kind': 'VARCHAR',
    'to_state': 'VARCHAR', 'changes': 'JSON'});

CREATE TABLE latest AS
WITH named AS (SELECT id, form, record_id, changes, unnest(json_keys(changes)) AS field FROM event)
SELECT form, record_id, field, json_extract_string(changes, '$."' || field || '"[1]') AS value
FROM named WHERE field NOT IN ('lines', 'bom', 'operations')
QUALIFY row_number() OVER (PARTITION BY form, record_id, field ORDER BY id DESC) = 1;

INSERT INTO latest
SELECT form, record_id, '_state', to_state FROM event WHERE to_state IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY form, record_id ORDER BY id DESC) = 1;

DELETE FROM latest WHERE (form, record_id) IN (
    SELECT (form, record_id) FROM event WHERE kind IN ('created', 'deleted', 'restored')
    GROUP BY form, record_id HAVING arg_max(kind, id) = 'deleted');

CREATE TABLE visit AS
WITH arrived AS (
    SELECT form, record_id, to_state AS state, happened_at AS entered_at, id,
           row_number() OVER mine AS number, lead(happened_at) OVER mine AS left_at, lead(to_state) OVER mine AS following
    FROM event WHERE to_state IS NOT NULL WINDOW mine AS (PARTITION BY form, record_id ORDER BY id)),
told AS (
    SELECT form, record_id, state, due_at, coalesce(owner::VARCHAR, owner_role, '') AS whose,
           row_number() OVER (PARTITION BY form, record_id ORDER BY id) AS number
    FROM read_json(getvariable('folder') || '/stays.jsonl', format = 'newline_delimited', columns = {
        'id': 'BIGINT', 'form': 'VARCHAR', 'record_id': 'BIGINT', 'state': 'VARCHAR', 'due_at': 'TIMESTAMP',
        'owner': 'BIGINT', 'owner_role': 'VARCHAR'}))
SELECT arrived.*, told.due_at, told.whose,
       lead(told.whose) OVER (PARTITION BY form, record_id ORDER BY number) AS next_whose,
       date_diff('second', entered_at, left_at)::HUGEINT AS seconds
FROM arrived LEFT JOIN told USING (form, record_id, state, number);

-- records at the end ------------------------------------------------------------------------------------------------

CREATE TABLE entered AS
SELECT form, record_id AS id, map_from_entries(list((field, value))) AS was FROM latest GROUP BY ALL;

CREATE TABLE customer AS
SELECT id, was['name'] AS name, was['payment_days']::INTEGER AS payment_days FROM entered WHERE form = 'customer';
CREATE TABLE product AS
SELECT id, was['sku'] AS sku, was['sku'] || ' ' || was['name'] AS title, was['cost']::DECIMAL(18, 4) AS cost
FROM entered WHERE form = 'product';
CREATE TABLE line AS
SELECT id, was['name'] AS name FROM entered WHERE form = 'production_line';
CREATE TABLE machine AS
SELECT id, was['code'] AS code, was['code'] || ' ' || was['name'] AS title, was['usable'] = 'true' AS usable
FROM entered WHERE form = 'machine';
CREATE TABLE standard_time AS
SELECT entered.id, was['_state'] AS state, was['product']::BIGINT AS product, was['operation'] AS name,
       was['what'] AS what, was['cycle']::HUGEINT AS cycle, was['mark'] AS mark, was['worse']::BIGINT AS worse,
       was['since']::DATE AS since,
       (SELECT max(visit.id) FROM visit WHERE visit.form = 'standard_time' AND record_id = entered.id
        AND visit.state = 'accepted') AS accepted
FROM entered WHERE form = 'standard_time';
CREATE TABLE standard_drift AS
SELECT id, was['group']::BIGINT AS machine_group, was['begins_on']::DATE AS begins_on, was['mark'] AS mark,
       was['outside'] = 'true' AS outside,
       tenths(half_up(units(was['measured']) * 100, units(was['standard']), 10)) AS ratio
FROM entered WHERE form = 'standard_drift';
CREATE TABLE operation AS  -- as each product has them since it was entered, or since a standard time was accepted
WITH step AS (
    SELECT record_id AS product, unnest(json_extract(changes, '$.operations[1]')::JSON[]) AS step FROM event
    WHERE form = 'product' AND kind = 'created' AND json_exists(changes, '$.operations')),
accepted AS (
    SELECT product, name, arg_max(cycle, accepted) AS cycle FROM standard_time WHERE accepted IS NOT NULL GROUP BY ALL)
SELECT step.product, step ->> 'name' AS name, coalesce(accepted.cycle, (step ->> 'cycle')::HUGEINT) AS cycle,
       coalesce((step ->> 'cavities')::HUGEINT, 1) AS cavities, coalesce((step ->> 'setup')::HUGEINT, 0) AS setup
FROM step LEFT JOIN accepted ON accepted.product = step.product AND accepted.name = step ->> 'name';
CREATE TABLE movement AS
SELECT id, was['kind'] AS kind, was['moved_on']::DATE AS moved_on, was['product']::BIGINT AS product,
       was['quantity']::DECIMAL(18, 3) AS quantity, was['requirement']::BIGINT AS requirement,
       was['reconciliation']::BIGINT AS reconciliation
FROM entered WHERE form = 'movement';
CREATE TABLE requirement AS
WITH moved AS (SELECT requirement, sum(quantity) AS quantity FROM movement GROUP BY ALL)
SELECT id, was['order']::BIGINT AS "order", was['due_on']::DATE AS due_on,
       greatest(0, was['needed']::DECIMAL(18, 3) - was['reserved']::DECIMAL(18, 3)
                   + coalesce(moved.quantity, 0)) AS missing
FROM entered LEFT JOIN moved ON moved.requirement = entered.id WHERE form = 'requirement';
CREATE TABLE supplier AS
SELECT id, was['name'] AS name FROM entered WHERE form = 'supplier';
CREATE TABLE pegging AS
SELECT id, was['product']::BIGINT AS product, was['kind'] AS kind, was['quantity']::DECIMAL(18, 3) AS quantity,
       was['needed_on']::DATE AS needed_on, was['request']::BIGINT AS request,
       date_diff('day', was['day']::DATE, was['needed_on']::DATE) AS slack
FROM entered WHERE form = 'pegging';
CREATE TABLE request AS  -- planned: as planning asked for it
WITH served AS (SELECT request AS id, min(slack) AS slack FROM pegging GROUP BY ALL)
SELECT id, was['_state'] AS state, was['supplier']::BIGINT AS supplier, was['order_by']::DATE AS order_by, slack,
       coalesce(was['planned_quantity']::DECIMAL(18, 3) = was['quantity']::DECIMAL(18, 3)
                AND was['planned_on'] = was['needed_on'], false) AS planned
FROM entered LEFT JOIN served USING (id) WHERE form = 'purchase_request';
CREATE TABLE ahead AS
SELECT was['product']::BIGINT AS product, was['day']::DATE AS day, was['change']::DECIMAL(18, 3) AS change,
       was['short'] = 'true' AS short
FROM entered WHERE form = 'stock_outlook';
CREATE TABLE orders AS
SELECT id, was['_state'] AS state, was['customer']::BIGINT AS customer, was['amount']::DECIMAL(18, 2) AS amount,
       was['ordered_on']::DATE AS ordered_on, was['due_on']::DATE AS due_on, was['signed_on']::DATE AS signed_on,
       was['channel'] AS channel, was['line']::BIGINT AS line, was['month']::BIGINT AS month,
       was['quantity']::BIGINT AS quantity, was['produced']::BIGINT AS produced
FROM entered WHERE form = 'order';
CREATE TABLE report AS
SELECT id, was['_state'] AS state, was['number'] AS number, was['job']::BIGINT AS job,
       was['worked_on']::DATE AS worked_on, was['good']::BIGINT AS good, was['scrap']::BIGINT AS scrap,
       was['minutes']::BIGINT AS minutes, was['finishes'] = 'true' AS finishes,
       was['machine_day']::BIGINT AS machine_day,
       was['operation'] AS operation, was['scrap_reason'] AS scrap_reason
FROM entered WHERE form = 'work_report';
CREATE TABLE job_product AS
SELECT id, was['product']::BIGINT AS product FROM entered WHERE form = 'job';
-- Standard minutes: pieces / cavities * seconds / 60 for each operation that was reported, to one digit.
CREATE TABLE standard AS
WITH part AS (
    SELECT report.id, (report.good + report.scrap)::HUGEINT * cycle AS over, cavities * 60 AS under
    FROM report JOIN job_product ON job_product.id = report.job JOIN operation USING (product)
    WHERE report.operation IS NULL OR report.operation = operation.name)
SELECT id, tenths(half_up(any_value(over), any_value(under), 10)) AS standard, count(*) AS parts FROM part GROUP BY id;
CREATE TABLE machine_day AS
WITH day AS (
    SELECT id, was['line']::BIGINT AS line, was['day']::DATE AS day,
           was['available']::BIGINT AS available, was['heads']::DECIMAL(10, 1) AS heads
    FROM entered WHERE form = 'machine_day'),
worked AS (
    SELECT machine_day AS id, sum(minutes) AS run, sum(good) AS good, sum(scrap) AS scrap,
           sum(coalesce(standard, 0)) AS standard
    FROM report LEFT JOIN standard USING (id) GROUP BY ALL),
whole AS (
    SELECT day.*, coalesce(run, 0)::HUGEINT AS run, coalesce(good, 0)::HUGEINT AS good,
           coalesce(scrap, 0)::HUGEINT AS scrap, coalesce(standard, 0) AS standard
    FROM day LEFT JOIN worked USING (id))
SELECT *, CASE WHEN available > 0 THEN tenths(half_up(run * 100, available::HUGEINT, 10)) END AS utilisation,
       CASE WHEN heads > 0 THEN half_up(good * 10, (heads * 10)::HUGEINT, 1)::DECIMAL(18, 1) END AS per_head,
       CASE WHEN available > 0 AND good + scrap > 0
            THEN tenths(half_up((standard * 10)::HUGEINT * good * 100, (good + scrap) * available * 10, 10)) END AS oee
FROM whole;
CREATE TABLE job AS
WITH made AS (SELECT job AS id, sum(good) AS good FROM report WHERE state = 'approved' AND finishes GROUP BY ALL)
SELECT id, was['quantity']::BIGINT AS quantity, was['planned_start']::DATE AS planned_start,
       was['planned_end']::DATE AS planned_end, coalesce(made.good, 0) AS good,
       was['machine']::BIGINT AS machine, was['product']::BIGINT AS product
FROM entered LEFT JOIN made USING (id) WHERE form = 'job';
-- Standard hours of a job: pieces / cavities * seconds + what setting up takes, to one digit.
CREATE TABLE job_hours AS
SELECT job.id, tenths(half_up(job.quantity * cycle + setup * cavities, cavities * 3600, 10)) AS hours
FROM job JOIN operation USING (product);
CREATE TABLE receipt AS
SELECT id, was['_state'] AS state, was['invoice']::BIGINT AS invoice, was['order']::BIGINT AS "order",
       was['received_on']::DATE AS received_on, was['amount']::DECIMAL(18, 2) AS amount
FROM entered WHERE form = 'receipt';
CREATE TABLE invoice AS
WITH came AS (SELECT invoice AS id, sum(amount) AS amount FROM receipt WHERE state = 'confirmed' GROUP BY ALL)
SELECT id, was['_state'] AS state, was['customer']::BIGINT AS customer,
       was['issued_on']::DATE AS issued_on, was['due_on']::DATE AS due_on,
       was['amount']::DECIMAL(18, 2) AS amount,
       greatest(0, was['amount']::DECIMAL(18, 2) - coalesce(came.amount, 0)) AS open
FROM entered LEFT JOIN came USING (id) WHERE form = 'invoice';
CREATE TABLE bill AS
SELECT id, was['_state'] AS state, was['issued_on']::DATE AS issued_on, was['due_on']::DATE AS due_on,
       was['amount']::DECIMAL(18, 2) AS amount
FROM entered WHERE form = 'bill';
CREATE TABLE complaint AS
SELECT id, was['kind'] AS kind, was['raised_on']::DATE AS raised_on, was['month']::BIGINT AS month
FROM entered WHERE form = 'complaint';
CREATE TABLE exception AS
SELECT id, was['_state'] AS state, was['kind'] AS kind, was['found_on']::DATE AS found_on
FROM entered WHERE form = 'exception';
CREATE TABLE channel AS
SELECT id, was['name'] AS name, was['ship_days']::INTEGER AS ship_days FROM entered WHERE form = 'channel';
CREATE TABLE pool AS
SELECT entered.id, was['_state'] AS state, was['placed_at']::TIMESTAMP AS placed_at, channel.name AS channel,
       day_of(was['placed_at']::TIMESTAMP) + ship_days AS ship_by
FROM entered JOIN channel ON channel.id = was['channel']::BIGINT WHERE form = 'pool_order';
CREATE TABLE listing AS
SELECT id, was['_state'] AS state FROM entered WHERE form = 'listing';
-- What is given to channel orders of a warehouse's stock stands in lines, which events tell as a whole: what is there
-- is on hand as long as nothing was given.
CREATE TABLE warehouse_stock AS
SELECT was['warehouse_stock']::BIGINT AS id, sum(was['quantity']::DECIMAL(18, 3)) AS on_hand
FROM entered WHERE form = 'movement' AND was['warehouse_stock'] IS NOT NULL GROUP BY ALL;
CREATE TABLE reconciliation AS
SELECT id, was['_state'] AS state, was['day']::DATE AS day
FROM entered WHERE form = 'reconciliation';
CREATE TABLE expected AS
WITH came AS (SELECT "order" AS id, sum(amount) AS amount FROM receipt WHERE state = 'confirmed' GROUP BY ALL)
SELECT orders.id, orders.amount - coalesce(came.amount, 0) AS unpaid,
       coalesce(signed_on, due_on) + coalesce(payment_days, 30) AS expected_on
FROM orders LEFT JOIN came USING (id) JOIN customer ON customer.id = orders.customer
WHERE state <> 'cancelled' AND orders.amount > coalesce(came.amount, 0);
CREATE TABLE stock_value AS
SELECT product.id, round(coalesce(sum(quantity), 0) * any_value(cost), 2) AS value
FROM product LEFT JOIN movement ON movement.product = product.id GROUP BY ALL;
CREATE TABLE worth AS
SELECT movement.*, round(quantity * cost, 2) AS value FROM movement JOIN product ON product.id = movement.product;
CREATE TABLE month AS
WITH signed AS (
    SELECT month AS id, count(*) AS signed, count(*) FILTER (signed_on <= due_on) AS on_time,
           sum(date_diff('day', ordered_on, signed_on))::HUGEINT AS lead_days
    FROM orders GROUP BY ALL),
disputed AS (SELECT month AS id, count(*) FILTER (kind = 'wrong_goods') AS wrong FROM complaint GROUP BY ALL),
named AS (
    SELECT id, was['begins_on']::DATE AS begins_on, was['old_mean']::DECIMAL(10, 1) AS old_mean
    FROM entered WHERE form = 'month'),
mean AS (
    SELECT named.*, coalesce(signed, 0)::HUGEINT AS signed, on_time, coalesce(wrong, 0) AS wrong,
           CASE WHEN signed > 0 THEN half_up(lead_days, signed::HUGEINT, 10) END AS tenths_of_days
    FROM named LEFT JOIN signed USING (id) LEFT JOIN disputed USING (id))
SELECT begins_on, tenths(tenths_of_days) AS mean_days,
       CASE WHEN signed > 0 THEN tenths(half_up(on_time * 100, signed, 10)) END AS on_time_rate,
       CASE WHEN signed > 0 THEN hundredths(half_up(wrong * 100, signed, 100)) END AS wrong_rate,
       tenths(half_up(((old_mean * 10)::HUGEINT - tenths_of_days) * 100, (old_mean * 10)::HUGEINT, 10)) AS compression
FROM mean;

CREATE MACRO said(of_field, option) AS
    coalesce((SELECT any_value(label) FROM words WHERE field = of_field AND name = option), '–');
CREATE MACRO share(part, n) AS CASE WHEN n > 0 THEN tenths(half_even(part * 100::HUGEINT, n::HUGEINT, 10)) END;
-- the keys under which a figure of so many months ago stands: the present one, the one before, and in the small line
CREATE MACRO spans(ago) AS unnest(CASE ago WHEN 0 THEN ['figure', 'trend 5'] WHEN 1 THEN ['before', 'trend 4']
    ELSE ['trend ' || (5 - ago)] END);
-- Days before and after the first one, which is when a simulated application was published: at most 28 on each side,
-- in at most ten slices.
CREATE MACRO first_day() AS (SELECT min(day_of(happened_at)) FROM event);
CREATE MACRO slice() AS (least(28, date_diff('day', first_day(), today()) + 1) + 9) // 10;
CREATE MACRO slices() AS least(28, date_diff('day', first_day(), today()) + 1) // slice();
CREATE MACRO place_of(day) AS CASE WHEN date_diff('day', first_day(), day) BETWEEN 0 AND slices() * slice() - 1
    THEN slices() + date_diff('day', first_day(), day) // slice() END;
CREATE MACRO last_month() AS months_later(month_of(today()), -1);

-- overview: Open orders
SELECT 'figure', count(*) FROM orders WHERE state NOT IN ('signed', 'cancelled');
-- overview: Late
SELECT 'figure', count(*) FROM orders WHERE state NOT IN ('signed', 'cancelled') AND due_on < today();
-- overview: Open amount
SELECT 'figure', sum(amount) FROM orders WHERE state NOT IN ('signed', 'cancelled');
-- overview: Signed this month
SELECT 'figure', count(*) FROM visit
WHERE form = 'order' AND state = 'signed' AND left_at IS NULL AND entered_at >= midnight(month_of(today()));
-- overview: Where orders stand
SELECT said('order.state', state), count(*) FROM orders WHERE state NOT IN ('signed', 'cancelled') GROUP BY state;
-- overview: Amount by channel
SELECT said('order.channel', channel), sum(amount) FROM orders WHERE state NOT IN ('signed', 'cancelled') GROUP BY channel;
-- overview: Most urgent
SELECT row_number() OVER (ORDER BY due_on, id), id FROM orders WHERE state NOT IN ('signed', 'cancelled')
ORDER BY due_on, id LIMIT 8;

-- production: Orders fulfilled
WITH own AS (
    SELECT CASE WHEN due_on >= month_of(today()) THEN 'figure' ELSE 'before' END AS span,
           count(*) FILTER (state = 'signed') AS kept, count(*) FILTER (state <> 'cancelled') AS due
    FROM orders WHERE due_on >= last_month() AND due_on < months_later(month_of(today()), 1) GROUP BY span)
SELECT span, share(kept, due) FROM own;
-- production: On time in full
WITH own AS (
    SELECT months_between(signed_on, today()) AS ago,
           count(*) FILTER (signed_on <= due_on AND produced >= quantity) AS kept, count(*) FILTER (state = 'signed') AS signed
    FROM orders WHERE months_between(signed_on, today()) BETWEEN 0 AND 5 GROUP BY ago)
SELECT spans(ago), share(kept, signed) FROM own;
-- production: Utilisation
WITH own AS (
    SELECT months_between(day, today()) AS ago, sum(run) AS run, sum(available) AS available
    FROM machine_day WHERE months_between(day, today()) BETWEEN 0 AND 5 GROUP BY ago)
SELECT spans(ago), share(run, available) FROM own;
-- production: Output per head and day
WITH own AS (
    SELECT months_between(day, today()) AS ago, sum(good) AS good, sum(heads) AS heads
    FROM machine_day WHERE months_between(day, today()) BETWEEN 0 AND 5 GROUP BY ago)
SELECT spans(ago), CASE WHEN heads > 0 THEN half_even(units(good), units(heads), 1) END FROM own;
-- production: OEE: availability × performance × quality
WITH own AS (
    SELECT line, GROUPING(line) AS whole, sum(run) AS run, sum(available)::HUGEINT AS available, sum(good) AS good,
           sum(scrap) AS scrap, (sum(standard) * 10)::HUGEINT AS standard
    FROM machine_day WHERE months_between(day, today()) = 0 GROUP BY ROLLUP (line))
SELECT CASE WHEN whole = 1 THEN 'figure' ELSE (SELECT name FROM line l WHERE l.id = own.line) END,
       CASE WHEN run > 0 AND available > 0 AND good + scrap > 0
            THEN tenths(half_even(standard * good * 10, available * (good + scrap), 10)) END
FROM own;
-- production: On time by line
WITH own AS (
    SELECT line, GROUPING(line) AS whole, count(*) FILTER (state = 'signed') AS signed,
           count(*) FILTER (signed_on <= due_on) AS kept
    FROM orders
    WHERE signed_on >= month_of(today()) AND signed_on < months_later(month_of(today()), 1) GROUP BY ROLLUP (line))
SELECT CASE WHEN whole = 1 THEN 'figure' ELSE coalesce((SELECT name FROM line l WHERE l.id = own.line), '–') END,
       CASE WHEN signed > 0 THEN tenths(half_even(kept * 100::HUGEINT, signed::HUGEINT, 10)) END
FROM own;
-- production: Use, OEE and output by line (30 days)
WITH own AS (
    SELECT coalesce((SELECT name FROM line l WHERE l.id = machine_day.line), 'All') AS label,
           mean(sum(utilisation), count(utilisation)) AS used, mean(sum(oee), count(oee)) AS oee,
           mean(sum(per_head), count(per_head)) AS made, sum(good) AS good, sum(scrap) AS scrap
    FROM machine_day WHERE day >= today() - 30 GROUP BY ROLLUP (line))
SELECT label || ' 1', used::VARCHAR FROM own UNION ALL SELECT label || ' 2', oee::VARCHAR FROM own
UNION ALL SELECT label || ' 3', made::VARCHAR FROM own UNION ALL SELECT label || ' 4', good::VARCHAR FROM own
UNION ALL SELECT label || ' 5', scrap::VARCHAR FROM own;
-- production: Why pieces were scrapped
SELECT said('work_report.scrap_reason', scrap_reason), sum(scrap) FROM report WHERE scrap > 0 GROUP BY scrap_reason;
-- production: Load of machines (hours to be made)
WITH own AS (
    SELECT machine, sum(hours) AS hours,
           row_number() OVER (ORDER BY sum(hours) DESC NULLS LAST, machine NULLS LAST) AS rank
    FROM job LEFT JOIN job_hours USING (id) WHERE good < quantity GROUP BY machine)
SELECT CASE WHEN rank > 12 THEN 'Others' ELSE coalesce((SELECT title FROM machine m WHERE m.id = own.machine), '–') END
       AS label, sum(hours) FROM own GROUP BY label;
-- production: What machines can do
SELECT row_number() OVER (ORDER BY code, id), id FROM machine WHERE usable ORDER BY code, id LIMIT 12;
-- production: Utilisation by day %
SELECT date_diff('day', today() - 20, day) || ' ' || (SELECT name FROM line l WHERE l.id = machine_day.line),
       mean(sum(utilisation), count(utilisation))
FROM machine_day WHERE day BETWEEN today() - 20 AND today() GROUP BY day, line;
-- production: Good pieces by week
SELECT date_diff('day', week_of(today()) - 63, week_of(worked_on)) // 7 || ' ', sum(good)
FROM report WHERE worked_on >= week_of(today()) - 63 AND worked_on < week_of(today()) + 7 GROUP BY week_of(worked_on);
-- production: Reports to approve
SELECT row_number() OVER (ORDER BY number, id), id FROM report WHERE state = 'reported' ORDER BY number, id LIMIT 8;
-- production: Orders waiting for material
WITH own AS (
    SELECT id, due_on FROM orders
    WHERE state = 'preparing' AND id IN (SELECT "order" FROM requirement WHERE missing > 0))
SELECT row_number() OVER (ORDER BY due_on, id), id FROM own ORDER BY due_on, id LIMIT 8;
-- production: Machines
WITH own AS (
    SELECT id FROM job
    WHERE good < quantity AND planned_start < week_of(today() - 7) + 28
      AND coalesce(planned_end, planned_start) >= week_of(today() - 7)
    ORDER BY planned_start, id LIMIT 40)
SELECT 'bar ' || id, id FROM own;

-- material: Requirements short
SELECT 'figure', count(*) FROM requirement JOIN orders ON orders.id = "order"
WHERE missing > 0 AND state NOT IN ('signed', 'cancelled');
-- material: Receipts that delay orders
SELECT 'figure', count(*) FROM pegging WHERE slack < 0;
-- material: Requests to confirm
SELECT 'figure', count(*) FROM request WHERE planned AND state = 'open';
-- material: To be ordered by now
SELECT 'figure', count(*) FROM request WHERE state IN ('open', 'asked') AND order_by < today();
-- material: What delays orders: what is short, and when it comes
SELECT row_number() OVER (ORDER BY slack, id), id FROM pegging WHERE slack < 0 ORDER BY slack, id LIMIT 10;
-- material: Requests to confirm by supplier
WITH own AS (
    SELECT supplier, count(*) AS n, min(order_by) AS order_by, min(slack) AS slack, grouping(supplier) AS foot
    FROM request WHERE planned AND state = 'open' GROUP BY ROLLUP (supplier)),
shown AS (
    SELECT CASE WHEN foot = 1 THEN 'All' ELSE coalesce(supplier.name, '–') END AS label, own.* EXCLUDE (supplier)
    FROM own LEFT JOIN supplier ON supplier.id = own.supplier)
SELECT label || ' 1', n::VARCHAR FROM shown UNION ALL SELECT label || ' 2', strftime(order_by, '%-d %b %Y') FROM shown
UNION ALL SELECT label || ' 3', slack::VARCHAR FROM shown;
-- material: Requests to confirm, the most urgent first
SELECT row_number() OVER (ORDER BY order_by, id), id FROM request WHERE planned AND state = 'open'
ORDER BY order_by, id LIMIT 8;
-- material: Free stock ahead of what runs out unless ordered (choose one above)
WITH own AS (
    SELECT product, date_diff('day', today(), day) AS place, change FROM ahead
    WHERE short AND day BETWEEN today() AND today() + 41),
ranked AS (
    SELECT product, row_number() OVER (ORDER BY sum(change) DESC, product) AS rank, count(*) OVER () AS n
    FROM own GROUP BY product),
named AS (
    SELECT own.place, change,
           CASE WHEN n > 6 AND rank > 5 THEN 'Others' ELSE (SELECT title FROM product p WHERE p.id = own.product) END AS label
    FROM own JOIN ranked USING (product))
SELECT upto.place || ' ' || head.label,
       (SELECT coalesce(sum(change), 0) FROM named WHERE named.label = head.label AND named.place <= upto.place)
FROM (SELECT unnest(range(42)) AS place) upto, (SELECT DISTINCT label FROM named) head;
-- material: Latest differences
SELECT row_number() OVER (ORDER BY id DESC), id FROM entered WHERE form = 'material_difference' ORDER BY id DESC LIMIT 10;
-- material: Semi-finished products to be made
WITH own AS (
    SELECT product, sum(quantity) AS quantity, min(needed_on) AS needed_on FROM pegging WHERE kind = 'make'
    GROUP BY ROLLUP (product)),
shown AS (
    SELECT coalesce((SELECT title FROM product p WHERE p.id = own.product), 'All') AS label, own.* EXCLUDE (product)
    FROM own WHERE quantity IS NOT NULL)
SELECT label || ' 1', quantity::VARCHAR FROM shown
UNION ALL SELECT label || ' 2', strftime(needed_on, '%-d %b %Y') FROM shown;
-- material: Everything that is short
WITH own AS (
    SELECT requirement.id, requirement.due_on FROM requirement JOIN orders ON orders.id = "order"
    WHERE missing > 0 AND state NOT IN ('signed', 'cancelled'))
SELECT row_number() OVER (ORDER BY due_on, id), id FROM own ORDER BY due_on, id LIMIT 10;

-- standards: To decide
SELECT 'figure', count(*) FROM standard_time WHERE state = 'proposed';
-- standards: Would make orders late
SELECT 'figure', count(*) FROM standard_time WHERE state = 'proposed' AND worse > 0;
-- standards: On thin samples
SELECT 'figure', count(*) FROM standard_time WHERE state = 'proposed' AND mark = 'thin';
-- standards: Accepted this month
SELECT 'figure', count(*) FROM standard_time WHERE state = 'accepted' AND since >= month_of(today());
-- standards: Standard times to decide
SELECT row_number() OVER (ORDER BY worse DESC NULLS LAST, what, id), id FROM standard_time WHERE state = 'proposed'
ORDER BY worse DESC NULLS LAST, what, id LIMIT 12;
-- standards: Measured to standard % by month and group (enough reports)
SELECT (6 - months_between(begins_on, today())) || ' ' || (SELECT was['name'] FROM entered g
           WHERE g.form = 'machine_group' AND g.id = standard_drift.machine_group),
       mean(sum(ratio), count(ratio))
FROM standard_drift WHERE mark = 'enough' AND months_between(begins_on, today()) BETWEEN 0 AND 6
GROUP BY begins_on, machine_group;
-- standards: What became of proposals
SELECT said('standard_time.state', state), count(*) FROM standard_time GROUP BY state;
-- standards: Off the standard in the last two months
SELECT row_number() OVER (ORDER BY ratio DESC, id DESC), id FROM standard_drift
WHERE outside AND begins_on >= last_month() ORDER BY ratio DESC, id DESC LIMIT 8;
-- standards: Latest calibrations
WITH own AS (SELECT id, was['made_at']::TIMESTAMP AS made_at FROM entered WHERE form = 'calibration')
SELECT row_number() OVER (ORDER BY made_at DESC, id DESC), id FROM own ORDER BY made_at DESC, id DESC LIMIT 5;

-- channels: Channel orders today
SELECT 'figure', count(*) FROM pool WHERE placed_at >= midnight(today());
-- channels: Need a person
SELECT 'figure', count(*) FROM pool WHERE state IN ('unknown', 'doubtful', 'short', 'waiting');
-- channels: Unknown SKUs
SELECT 'figure', count(*) FROM entered WHERE form = 'sku_map' AND was['product'] IS NULL;
-- channels: Shipped late
SELECT 'figure', count(*) FROM pool WHERE ship_by < today() AND state NOT IN ('shipped', 'told', 'cancelled');
-- channels: Shipments to tell
SELECT 'figure', count(*) FROM pool WHERE state = 'shipped';
-- channels: Listings off sale
SELECT 'figure', count(*) FROM listing WHERE state IN ('pausing', 'paused', 'refused');
-- channels: Orders today by channel
SELECT channel, count(*) FROM pool WHERE placed_at >= midnight(today()) GROUP BY channel;
-- channels: Where channel orders stand
SELECT said('pool_order.state', state), count(*) FROM pool WHERE state NOT IN ('told', 'cancelled') GROUP BY state;
-- channels: Channel orders that wait for a person
SELECT row_number() OVER (ORDER BY placed_at, id), id FROM pool WHERE state IN ('unknown', 'doubtful', 'short', 'waiting') ORDER BY placed_at, id LIMIT 8;
-- channels: Channel orders by day
SELECT date_diff('day', today() - 13, day_of(placed_at)) || ' ' || channel, count(*)
FROM pool WHERE day_of(placed_at) BETWEEN today() - 13 AND today() GROUP BY ALL;
-- channels: Listings off sale or refused
WITH own AS (
    SELECT record_id AS id, max(entered_at) AS since FROM visit
    WHERE form = 'listing' AND left_at IS NULL AND state IN ('pausing', 'paused', 'refused') GROUP BY ALL)
SELECT row_number() OVER (ORDER BY since, id), id FROM own ORDER BY since, id LIMIT 8;
-- channels: Stock by warehouse (least first)
SELECT row_number() OVER (ORDER BY on_hand, id), id FROM warehouse_stock WHERE on_hand > 0 ORDER BY on_hand, id LIMIT 8;
-- channels: ERP stock by its last change (oldest first)
SELECT row_number() OVER (ORDER BY was['as_of']::TIMESTAMP, id), id
FROM entered WHERE form = 'erp_stock' ORDER BY was['as_of']::TIMESTAMP, id LIMIT 8;

-- money: Receivable
SELECT 'figure', sum(open) FROM invoice WHERE state <> 'paid';
-- money: Overdue
SELECT 'figure', sum(open) FROM invoice WHERE state = 'overdue';
-- money: Payable
SELECT 'figure', sum(amount) FROM bill WHERE state <> 'paid';
-- money: Stock value
SELECT 'figure', sum(value) FROM stock_value;
-- money: Receipts expected by week (open orders)
SELECT date_diff('day', week_of(today()) - 7, week_of(expected_on)) // 7 || ' ', sum(unpaid) FROM expected
WHERE expected_on >= week_of(today()) - 7 AND expected_on < week_of(today()) + 63 GROUP BY week_of(expected_on);
-- money: Receipts expected by order
SELECT row_number() OVER (ORDER BY expected_on, id), id FROM expected WHERE expected_on >= today() - 14
ORDER BY expected_on, id LIMIT 6;
-- money: Invoices falling due
SELECT date_diff('day', week_of(today()) - 21, week_of(due_on)) // 7 || ' ', sum(open)
FROM invoice WHERE state <> 'paid' AND due_on >= week_of(today()) - 21 AND due_on < week_of(today()) + 63
GROUP BY week_of(due_on);
-- money: Bills falling due
SELECT date_diff('day', week_of(today()) - 21, week_of(due_on)) // 7 || ' ', sum(amount)
FROM bill WHERE state <> 'paid' AND due_on >= week_of(today()) - 21 AND due_on < week_of(today()) + 63
GROUP BY week_of(due_on);
-- money: Ages of receivables
WITH own AS (
    SELECT customer, open, date_diff('day', due_on, today()) AS days FROM invoice WHERE state <> 'paid'),
aged AS (
    SELECT customer, sum(open) AS open,
           CASE WHEN days <= 0 THEN 1 WHEN days <= 30 THEN 2 WHEN days <= 60 THEN 3 WHEN days <= 90 THEN 4 ELSE 5 END AS age
    FROM own GROUP BY ALL),
largest AS (SELECT customer FROM own GROUP BY ALL ORDER BY sum(open) DESC, customer LIMIT 12),
cells AS (
    SELECT customer, age, sum(open) AS open FROM aged GROUP BY GROUPING SETS ((customer, age), (customer), (age), ()))
SELECT coalesce(customer.name, 'All') || ' ' || coalesce(age, 6), open
FROM cells LEFT JOIN customer ON customer.id = cells.customer
WHERE cells.customer IS NULL OR cells.customer IN (SELECT customer FROM largest);
-- money: Days sales outstanding
SELECT 'figure', CASE WHEN billed > 0 THEN tenths(half_even(units(open) * 90, units(billed), 10)) END
FROM (SELECT coalesce(sum(open) FILTER (state <> 'paid'), 0) AS open,
             sum(amount) FILTER (issued_on >= today() - 90) AS billed FROM invoice);
-- money: Days payables outstanding
SELECT 'figure', CASE WHEN billed > 0 THEN tenths(half_even(units(owed) * 90, units(billed), 10)) END
FROM (SELECT coalesce(sum(amount) FILTER (state <> 'paid'), 0) AS owed,
             sum(amount) FILTER (issued_on >= today() - 90) AS billed FROM bill);
-- money: Days of inventory
SELECT 'figure', CASE WHEN used < 0 THEN tenths(half_even(units(there) * 90, -units(used), 10)) END
FROM (SELECT (SELECT sum(value) FROM stock_value) AS there,
             sum(value) FILTER (kind IN ('issue', 'shipment') AND moved_on >= today() - 90) AS used FROM worth);
-- money: Customers who owe
WITH own AS (
    SELECT customer, sum(open) AS open, count(*) AS n, min(due_on) AS due_on FROM invoice WHERE state = 'overdue'
    GROUP BY ROLLUP (customer)),
shown AS (
    SELECT coalesce(customer.name, 'All') AS label, own.* EXCLUDE (customer) FROM own
    LEFT JOIN customer ON customer.id = own.customer
    WHERE own.customer IS NULL
       OR own.customer IN (SELECT customer FROM own WHERE customer IS NOT NULL ORDER BY open DESC, customer LIMIT 12))
SELECT label || ' 1', open::VARCHAR FROM shown UNION ALL SELECT label || ' 2', n::VARCHAR FROM shown
UNION ALL SELECT label || ' 3', strftime(due_on, '%-d %b %Y') FROM shown;
-- money: Shipments that differ from stock
SELECT row_number() OVER (ORDER BY day DESC, id DESC), id FROM reconciliation WHERE state = 'different'
ORDER BY day DESC, id DESC LIMIT 8;
-- money: Receipts by month
SELECT 11 - months_between(received_on, today()) || ' ', sum(amount)
FROM receipt WHERE state = 'confirmed' AND received_on >= months_later(month_of(today()), -11)
  AND received_on < months_later(month_of(today()), 1) GROUP BY months_between(received_on, today());

-- effect: Cycle compression % (last month)
SELECT 'figure', mean(compression, 1) FROM month WHERE begins_on = last_month() AND compression IS NOT NULL;
-- effect: Mean lead time (last month)
SELECT 'figure', mean(mean_days, 1) FROM month WHERE begins_on = last_month() AND mean_days IS NOT NULL;
-- effect: On time % (last month)
SELECT 'figure', mean(on_time_rate, 1) FROM month WHERE begins_on = last_month() AND on_time_rate IS NOT NULL;
-- effect: Wrong shipments % (last month)
SELECT 'figure', mean(wrong_rate, 1) FROM month WHERE begins_on = last_month() AND wrong_rate IS NOT NULL;
-- effect: Mean lead time in days
SELECT 5 - months_between(begins_on, today()) || ' ', mean(mean_days, 1) FROM month
WHERE mean_days IS NOT NULL AND months_between(begins_on, today()) BETWEEN 0 AND 5;
-- effect: On time %
SELECT 5 - months_between(begins_on, today()) || ' ', mean(on_time_rate, 1) FROM month
WHERE on_time_rate IS NOT NULL AND months_between(begins_on, today()) BETWEEN 0 AND 5;
-- effect: From order to signature
WITH arrived AS (
    SELECT record_id AS id, max(entered_at) AS arrived_at FROM visit WHERE form = 'order' AND state = 'signed' GROUP BY ALL),
own AS (
    SELECT 5 - months_between(day_of(arrived_at), today()) AS place,
           date_diff('day', ordered_on, day_of(arrived_at))::HUGEINT * 86400 AS seconds
    FROM arrived JOIN orders USING (id) WHERE months_between(day_of(arrived_at), today()) BETWEEN 0 AND 5),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY place ORDER BY seconds) AS rank, count(*) OVER (PARTITION BY place) AS n
    FROM own),
spread AS (
    SELECT place, any_value(n)::HUGEINT AS n, sum(seconds) AS total,
           max(seconds) FILTER (rank = (n + 1) // 2) + max(seconds) FILTER (rank = n // 2 + 1) AS twice_median,
           max(seconds) FILTER (rank = (n * 9 + 9) // 10) AS p90
    FROM ranked GROUP BY place)
SELECT place || ' records', n::VARCHAR FROM spread UNION ALL SELECT place || ' mean', length_of(total, n) FROM spread
UNION ALL SELECT place || ' median', length_of(twice_median, 2::HUGEINT) FROM spread
UNION ALL SELECT place || ' p90', length_of(p90, 1::HUGEINT) FROM spread;
-- effect: Before and after the last publication: exceptions for each order signed
WITH own AS (
    SELECT place, sum(coalesce(f, 0)) AS found, sum(coalesce(g, 0)) AS signed FROM (
        SELECT place_of(found_on) AS place, 1 AS f, 0 AS g FROM exception
        UNION ALL SELECT place_of(signed_on), 0, 1 FROM orders WHERE state = 'signed')
    WHERE place IS NOT NULL GROUP BY ROLLUP (place))
SELECT coalesce('trend ' || place, 'after'),
       CASE WHEN signed > 0 THEN hundredths(half_even(found, signed, 100)) END FROM own;
-- effect: Before and after the last publication: on time
WITH own AS (
    SELECT place_of(signed_on) AS place, count(*) FILTER (signed_on <= due_on) AS kept,
           count(*) FILTER (state = 'signed') AS signed
    FROM orders WHERE place_of(signed_on) IS NOT NULL GROUP BY ROLLUP (place))
SELECT coalesce('trend ' || place, 'after'), share(kept, signed) FROM own;
-- effect: Where the time goes
WITH own AS (
    SELECT *, row_number() OVER (PARTITION BY record_id, state ORDER BY number) > 1 AS again FROM visit
    WHERE form = 'order'),
ended AS (
    SELECT * FROM own WHERE left_at >= midnight(month_of(today()))
      AND left_at < midnight(months_later(month_of(today()), 1))),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY state ORDER BY seconds) AS rank, count(*) OVER (PARTITION BY state) AS n
    FROM ended),
lost AS (
    SELECT said('order.state', state) AS label, any_value(n)::HUGEINT AS n, sum(seconds) AS total,
           max(seconds) FILTER (rank = (n * 9 + 9) // 10) AS p90, count(*) FILTER (left_at > due_at) AS late,
           count(*) FILTER (next_whose <> whose) AS handed_on, count(*) FILTER (again) AS again
    FROM ranked GROUP BY state)
SELECT label || ' 1', n::VARCHAR FROM lost UNION ALL SELECT label || ' 2', length_of(total, n) FROM lost
UNION ALL SELECT label || ' 3', length_of(p90, 1::HUGEINT) FROM lost
UNION ALL SELECT label || ' 4', length_of(total, 1::HUGEINT) FROM lost
UNION ALL SELECT label || ' 5', late::VARCHAR FROM lost UNION ALL SELECT label || ' 6', handed_on::VARCHAR FROM lost
UNION ALL SELECT label || ' 7', again::VARCHAR FROM lost;
-- effect: The way orders really go
WITH own AS (
    SELECT *, entered_at >= midnight(quarter_of(today()))
              AND entered_at < midnight(months_later(quarter_of(today()), 3)) AS came,
           left_at >= midnight(quarter_of(today()))
              AND left_at < midnight(months_later(quarter_of(today()), 3)) AS went
    FROM visit WHERE form = 'order'),
ways AS (
    SELECT said('order.state', state) || ' → ' || said('order.state', following) AS label, count(*)::HUGEINT AS n,
           sum(seconds) AS total
    FROM own WHERE went GROUP BY state, following),
states AS (
    SELECT said('order.state', state) AS label, count(*) FILTER (came) AS came, count(*) FILTER (went)::HUGEINT AS went,
           sum(seconds) FILTER (went) AS total
    FROM own GROUP BY state)
SELECT label, n::VARCHAR FROM ways UNION ALL SELECT label || ' mean', length_of(total, n) FROM ways
UNION ALL SELECT label, came::VARCHAR FROM states WHERE came + went > 0
UNION ALL SELECT label || ' mean', length_of(total, went) FROM states WHERE went > 0
UNION ALL SELECT 'Begin → ' || said('order.state', state), count(*)::VARCHAR FROM own WHERE came AND number = 1 GROUP BY state
UNION ALL SELECT said('order.state', state) || ' → End', count(*)::VARCHAR FROM own
    WHERE came AND left_at IS NULL AND state IN ('signed', 'cancelled') GROUP BY state;
-- effect: Complaints and disputes
SELECT 11 - months_between(raised_on, today()) || ' ' || said('complaint.kind', kind), count(*) FROM complaint
WHERE months_between(raised_on, today()) BETWEEN 0 AND 11 GROUP BY months_between(raised_on, today()), kind;
-- effect: Exceptional orders
SELECT said('exception.kind', kind), count(*) FROM exception WHERE found_on >= today() - 14 GROUP BY kind;
-- effect: Exceptions without an answer
SELECT row_number() OVER (ORDER BY found_on DESC, id DESC), id FROM exception WHERE state <> 'answered'
ORDER BY found_on DESC, id DESC LIMIT 8;
-- effect: Actions, and the changes that answer them
SELECT row_number() OVER (ORDER BY found_on DESC, id DESC), id FROM exception WHERE state = 'answered'
ORDER BY found_on DESC, id DESC LIMIT 8;
