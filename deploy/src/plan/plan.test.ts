import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onAws } from './aws.ts';
import { measured, prices } from './figures.ts';
import { type Load, type Plan, plan } from './plan.ts';

const load: Load = {
  gbPerDay: 200,
  lineBytes: 150,
  servers: 100,
  peak: 3,
  hotDays: 7,
  archiveDays: 365,
  replicas: 1,
  ratio: 6,
};

test('bytes, lines and days go in, and sizes come out that follow from them', () => {
  const result = plan(load);
  assert.equal(Math.round(result.linesPerSecond), 15_432);
  assert.equal(Math.round(result.archiveGb), Math.round((200 / 6) * 365));
  assert.equal(
    result.total,
    result.cost.reduce((sum, { perMonth }) => sum + perMonth, 0),
  );
});

test('twice the logs take at least as much of everything, and half the hot days half the store', () => {
  const one = plan(load);
  const two = plan({ ...load, gbPerDay: 400 });
  for (const key of ['shards', 'workers', 'storeGb', 'archiveGb', 'total'] as const)
    assert.ok(two[key] >= one[key], key);
  assert.ok(Math.abs(plan({ ...load, hotDays: 3.5 }).storeGb * 2 - one.storeGb) < 1e-6);
});

test('shards are as many as bytes, records and CPU ask for, whichever is most', () => {
  const cheap = { ...measured, storeBytes: 100, storeUs: 1, storeGbPerNode: 1_000 };
  assert.match(plan(load, { ...cheap, consumerUs: 200 }).shardsBecause, /CPU/);
  assert.match(plan(load, { ...cheap, consumerUs: 0.1 }).shardsBecause, /MB\/s/);
  const quiet = { ...load, gbPerDay: 5, servers: 5_000 };
  assert.match(plan(quiet, { ...cheap, consumerUs: 0.1 }).shardsBecause, /records/);
});

test('store nodes are as many as bytes or CPU ask for, and two at least', () => {
  const little = { ...measured, storeBytes: 1, storeUs: 1 };
  assert.equal(plan(load, little).storeNodes, 2);
  assert.equal(plan(load, { ...little, storeBytes: 1_000 }).storeNodes, 13);
  assert.equal(plan(load, { ...little, storeUs: 300 }).storeNodes, 7);
});

const costOf = ({ cost }: Plan, part: string) => cost.find((each) => each.part === part)?.perMonth;

test('on AWS the workers are tasks, the rest stays, and what stands around them is added', () => {
  const sizes = plan(load);
  const whole = onAws(load, sizes, prices);
  assert.equal(costOf(whole, 'S3'), costOf(sizes, 'S3'));
  assert.equal(costOf(whole, 'consumer'), sizes.workers * 730 * (2 * 0.03238 + 8 * 0.00356));
  assert.equal(costOf(whole, 'endpoints'), 15 * 730 * 0.01);
  assert.equal(
    whole.total,
    whole.cost.reduce((sum, { perMonth }) => sum + perMonth, 0),
  );
});

test('counters cost a metric for each combination, and lines of each worker', () => {
  const sizes = plan(load);
  const whole = onAws(load, sizes, prices, { counters: 100 });
  const gb = (sizes.workers * 100 * 400 * 1_440 * 30.4) / 1e9;
  assert.equal(costOf(whole, 'counters'), 100 * 0.3 + gb * 0.5);
  const none = onAws(load, sizes, prices);
  assert.equal(whole.total, none.total + (costOf(whole, 'counters') ?? 0));
  for (const part of ['counters', 'NDJSON', 'Athena', 'loader', 'shards auto'])
    assert.equal(costOf(none, part), undefined, part);
});

test('analytics cost a second copy of the archive, what Athena reads, and the loader where there is one', () => {
  const sizes = plan(load);
  const athena = onAws(load, sizes, prices, { athenaTb: 3 });
  // 200 GB of lines of 150 bytes, each 60 bytes of NDJSON, for a year.
  assert.equal(Math.round(costOf(athena, 'NDJSON') ?? 0), Math.round((200 / 150) * 60 * 365 * 0.023));
  assert.equal(costOf(athena, 'Athena'), 15);
  assert.equal(costOf(athena, 'loader'), undefined);
  const redshift = onAws(load, sizes, prices, { redshift: true });
  assert.equal(costOf(redshift, 'NDJSON'), costOf(athena, 'NDJSON'));
  assert.equal(Math.round(costOf(redshift, 'loader') ?? 0), 22);
});

test('with analytics consumers need twice the CPU', () => {
  const big = { ...load, gbPerDay: 2_000 };
  const sizes = plan(big);
  const whole = onAws(big, sizes, prices, { athenaTb: 0 });
  assert.equal(whole.workers, Math.ceil(sizes.consumerCores));
  assert.ok(whole.workers > sizes.workers);
  assert.equal(costOf(whole, 'consumer'), whole.workers * 730 * (2 * 0.03238 + 8 * 0.00356));
});

test('stream.autoscale costs its tasks, and an endpoint in three zones', () => {
  const whole = onAws(load, plan(load), prices, { autoscale: true });
  assert.equal(costOf(whole, 'endpoints'), 18 * 730 * 0.01);
  assert.equal((costOf(whole, 'shards auto') ?? 0).toFixed(2), '2.88');
});
