-- Material requirements worked out a second time, of the files that netting.py wrote and nothing else.
--
-- The way is another than that of plugins/planning: sets instead of a walk. Lots without a minimum, for one day, are
-- the steps of a running maximum of what is missing; the others are walked through by a recursion over the days of all
-- items of a level at once. Quantities are whole thousandths.
--
-- Parts: `opening` once, `level` for each low-level code (the variable `level`), `record` once.

-- part: opening

CREATE MACRO today() AS getvariable('today')::INTEGER;
CREATE MACRO file(name) AS getvariable('folder') || '/' || name || '.csv';
CREATE MACRO thousandths(quantity) AS (quantity * 1000)::HUGEINT;
CREATE MACRO up_to(quantity, step) AS ((quantity + step - 1) // step) * step;

CREATE TABLE item AS
SELECT id, made, lead, days, thousandths(minimum) AS minimum, thousandths(multiple) AS multiple,
    thousandths(safety) AS safety, (10 ** (3 - decimals))::HUGEINT AS unit
FROM read_csv(file('items'), columns = {'id': 'VARCHAR', 'made': 'BOOLEAN', 'lead': 'INTEGER', 'minimum': 'DECIMAL(18,3)',
    'multiple': 'DECIMAL(18,3)', 'days': 'INTEGER', 'safety': 'DECIMAL(18,3)', 'decimals': 'INTEGER'});

CREATE TABLE line AS
SELECT parent, component, (per * 10000)::HUGEINT AS per, 10000 + (scrap * 100)::HUGEINT AS with_scrap
FROM read_csv(file('lines'), columns = {'parent': 'VARCHAR', 'component': 'VARCHAR', 'per': 'DECIMAL(18,4)',
    'scrap': 'DECIMAL(18,2)'});

CREATE TABLE demand AS
SELECT id, item, greatest(day, today()) AS day, thousandths(quantity) AS quantity
FROM read_csv(file('demands'), columns = {'id': 'VARCHAR', 'item': 'VARCHAR', 'day': 'INTEGER',
    'quantity': 'DECIMAL(18,3)'});

CREATE TABLE stock AS
SELECT item, thousandths(quantity) AS quantity
FROM read_csv(file('stock'), columns = {'item': 'VARCHAR', 'quantity': 'DECIMAL(18,3)'});

CREATE TABLE workday AS
SELECT day, row_number() OVER (ORDER BY day) AS number
FROM read_csv(file('days'), columns = {'day': 'INTEGER', 'works': 'BOOLEAN'}) WHERE works;

CREATE TABLE day AS  -- how many working days are before a day
SELECT day, coalesce(count(workday.number) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
FROM read_csv(file('days'), columns = {'day': 'INTEGER', 'works': 'BOOLEAN'}) LEFT JOIN workday USING (day);

CREATE TABLE fence AS  -- when something released today is there
SELECT id AS item, CASE WHEN lead = 0 THEN today() ELSE workday.day + 1 END AS day
FROM item JOIN day AS now ON now.day = today() LEFT JOIN workday ON workday.number = now.before + lead;

-- Reservations in their order: each holds what is left of the stock, or of the receipt, that it names.
CREATE TABLE reservation AS
WITH given AS (
    SELECT seq, demand, item, supply, thousandths(quantity) AS quantity
    FROM read_csv(file('reservations'), columns = {'seq': 'INTEGER', 'demand': 'VARCHAR', 'item': 'VARCHAR',
        'supply': 'VARCHAR', 'quantity': 'DECIMAL(18,3)'}, nullstr = '-')),
there AS (
    SELECT given.*, greatest(0, CASE WHEN supply = '' THEN coalesce(stock.quantity, 0) ELSE thousandths(receipt.quantity) END) AS there,
        sum(given.quantity) OVER (PARTITION BY given.item, supply ORDER BY seq) AS upto
    FROM given LEFT JOIN stock USING (item)
    LEFT JOIN read_csv(file('receipts'), columns = {'id': 'VARCHAR', 'item': 'VARCHAR', 'day': 'INTEGER',
        'wanted': 'INTEGER', 'quantity': 'DECIMAL(18,3)'}) AS receipt ON receipt.id = supply)
SELECT demand, item, supply, least(upto, there) - least(upto - quantity, there) AS held FROM there;

CREATE TABLE receipt AS
WITH given AS (
    SELECT id, item, greatest(day, today()) AS day, wanted, thousandths(quantity) AS quantity
    FROM read_csv(file('receipts'), columns = {'id': 'VARCHAR', 'item': 'VARCHAR', 'day': 'INTEGER',
        'wanted': 'INTEGER', 'quantity': 'DECIMAL(18,3)'}))
SELECT given.item, given.day, given.quantity - coalesce((SELECT sum(held) FROM reservation WHERE supply = given.id), 0) AS quantity,
    CASE WHEN given.day <= fence.day THEN today()
         ELSE greatest(today(), least(given.day, coalesce(wanted, given.day))) END AS counts
FROM given JOIN fence USING (item);

CREATE TABLE free AS
SELECT id AS item, coalesce(stock.quantity, 0)
    - coalesce((SELECT sum(held) FROM reservation WHERE reservation.item = id AND supply = ''), 0) AS quantity
FROM item LEFT JOIN stock ON stock.item = id;

CREATE TABLE reserved AS
SELECT demand.item, demand.day, least(sum(held), any_value(demand.quantity)) AS quantity
FROM reservation JOIN demand ON demand.id = reservation.demand AND demand.item = reservation.item
GROUP BY demand.id, demand.item, demand.day;

CREATE TABLE code AS
WITH RECURSIVE down AS (
    SELECT id AS item, 0 AS level FROM item
    UNION
    SELECT component, level + 1 FROM down JOIN line ON line.parent = down.item)
SELECT item, max(level) AS level FROM down GROUP BY item;

CREATE TABLE planned (item VARCHAR, day INTEGER, quantity HUGEINT, release INTEGER);

-- part: level

CREATE OR REPLACE TEMP TABLE step AS
WITH movement AS (
    SELECT item, day, -quantity AS change FROM demand
    UNION ALL SELECT item, day, quantity FROM reserved
    UNION ALL SELECT item, counts, quantity FROM receipt
    UNION ALL SELECT id, today(), 0 FROM item),
daily AS (
    SELECT item, day, sum(change)::HUGEINT AS change
    FROM movement JOIN code USING (item) WHERE level = getvariable('level') GROUP BY item, day),
running AS (
    SELECT daily.item, day, item.*, (free.quantity + sum(change) OVER (PARTITION BY daily.item ORDER BY day))::HUGEINT AS balance
    FROM daily JOIN item ON item.id = daily.item JOIN free ON free.item = daily.item)
SELECT item, day, lead, made, safety, minimum, unit, balance, days,
    CASE WHEN multiple > 0 THEN multiple ELSE unit END AS multiple,
    row_number() OVER (PARTITION BY item ORDER BY day) AS place,
    min(balance) OVER (PARTITION BY item ORDER BY day RANGE BETWEEN CURRENT ROW AND (days - 1) FOLLOWING) AS lowest
FROM running;

CREATE OR REPLACE TEMP TABLE receiving AS
WITH RECURSIVE upto AS (  -- lots for one day without a minimum: all that is planned up to a day
    SELECT item, day, place,
        up_to(greatest(0, max(safety - balance) OVER (PARTITION BY item ORDER BY day)), multiple) AS total
    FROM step WHERE days = 1 AND minimum = 0),
walk AS (
    SELECT id AS item, 0::BIGINT AS place, 0::INTEGER AS day, 0::HUGEINT AS quantity, 0::HUGEINT AS total
    FROM item WHERE days > 1 OR minimum > 0
    UNION ALL
    SELECT item, place, day, quantity, total + quantity
    FROM (SELECT step.item, step.place, step.day, walk.total,
              CASE WHEN balance + walk.total < safety
                  THEN up_to(greatest(safety - lowest - walk.total, minimum), multiple) ELSE 0 END::HUGEINT AS quantity
          FROM walk JOIN step ON step.item = walk.item AND step.place = walk.place + 1))
SELECT item, day, total - coalesce(lag(total) OVER (PARTITION BY item ORDER BY day), 0) AS quantity FROM upto
UNION ALL
SELECT item, day, quantity FROM walk WHERE place > 0;

INSERT INTO planned
SELECT item, receiving.day, quantity, CASE WHEN lead = 0 THEN receiving.day ELSE workday.day END
FROM receiving JOIN item ON item.id = receiving.item JOIN day ON day.day = receiving.day
LEFT JOIN workday ON workday.number = day.before - lead + 1
WHERE quantity > 0;

INSERT INTO demand
SELECT planned.item || ' ' || planned.day, component, greatest(release, today()),
    up_to(quantity * per * with_scrap, 100000000 * part.unit) // 100000000
FROM planned JOIN code USING (item) JOIN item ON item.id = planned.item JOIN line ON line.parent = planned.item
JOIN item AS part ON part.id = line.component
WHERE level = getvariable('level') AND item.made;

-- part: record

WITH movement AS (
    SELECT item, day, quantity AS gross, 0 AS reserved, 0 AS receipts, 0 AS planned FROM demand
    UNION ALL SELECT item, day, 0, quantity, 0, 0 FROM reserved
    UNION ALL SELECT item, day, 0, 0, quantity, 0 FROM receipt
    UNION ALL SELECT item, day, 0, 0, 0, quantity FROM planned),
daily AS (
    SELECT item, day, sum(gross) AS gross, sum(reserved) AS reserved, sum(receipts) AS receipts, sum(planned) AS planned
    FROM movement GROUP BY item, day)
SELECT daily.item, day, gross::HUGEINT, reserved::HUGEINT, receipts::HUGEINT, planned::HUGEINT,
    (free.quantity + sum(receipts + planned - gross + reserved) OVER (PARTITION BY daily.item ORDER BY day))::HUGEINT
FROM daily JOIN free USING (item);
