import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onAws } from './aws.ts';
import { measured, prices } from './figures.ts';
import { type Load, plan } from './plan.ts';

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
  const cheap = { storeBytes: 100, storeUs: 1, blockBytes: 160_000, ratio: 6, storeGbPerNode: 1_000 };
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

test('on AWS the workers are tasks, the rest stays, and what stands around them is added', () => {
  const sizes = plan(load);
  const whole = onAws(sizes, prices);
  const costOf = ({ cost }: typeof whole, part: string) => cost.find((each) => each.part === part)?.perMonth;
  assert.equal(costOf(whole, 'S3'), costOf(sizes, 'S3'));
  assert.equal(costOf(whole, 'consumer'), sizes.workers * 730 * (2 * 0.03238 + 8 * 0.00356));
  assert.equal(costOf(whole, 'endpoints'), 15 * 730 * 0.01);
  assert.equal(
    whole.total,
    whole.cost.reduce((sum, { perMonth }) => sum + perMonth, 0),
  );
});
